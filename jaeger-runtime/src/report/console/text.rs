//! Text for people: made harmless, measured in terminal cells, cut to fit; and durations.
//!
//! Names, keys and values come from outside. A control byte among them could move the cursor or change colours, and a bidirectional override could show another order than there is, so
//! both are written as escapes. Widths are those of common terminals; where these differ (emoji sequences) the greater one is taken, so that a line that fits here fits there.
//! Grapheme clusters are deliberately not looked at: that would take tables larger than the rest of this crate.

use std::fmt::{self, Write};
use std::time::Duration;

/// Shows text without anything that a terminal would obey.
pub(in crate::report) struct Escaped<'a>(pub(in crate::report) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut from = 0;
        for (at, c) in self.0.char_indices().filter(|(_, c)| obeyed(*c)) {
            f.write_str(&self.0[from..at])?;
            write!(f, "{}", c.escape_default())?;
            from = at + c.len_utf8();
        }
        f.write_str(&self.0[from..])
    }
}

/// Control characters, and those that change the order or the lines of what is around them.
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Text as it can be shown: escaped, and for terminals without UTF-8 in ASCII.
pub(super) fn shown(text: &str, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if obeyed(c) || (ascii && !c.is_ascii()) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// How many cells a character takes, none, one or two; at most that many in the usual terminals.
fn cells_of(c: char) -> usize {
    match u32::from(c) {
        0x20..=0x7e => 1,
        // Combining marks, joiners and selectors draw onto the character before. The emoji selector (0xfe0f) is not among them: it can make that one wide.
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f => 0,
        0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200b..=0x200d | 0x20d0..=0x20ff => 0,
        0xfe00..=0xfe0e | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef => 0,
        // East Asian wide and full-width characters, and emoji.
        0x1100..=0x115f | 0x231a..=0x231b | 0x2329..=0x232a | 0x23e9..=0x23ec | 0x23f0 | 0x23f3 => 2,
        0x25fd..=0x25fe | 0x2614..=0x2615 | 0x2648..=0x2653 | 0x267f | 0x2693 | 0x26a1 | 0x26aa..=0x26ab => 2,
        0x26bd..=0x26be
        | 0x26c4..=0x26c5
        | 0x26ce
        | 0x26d4
        | 0x26ea
        | 0x26f2..=0x26f3
        | 0x26f5
        | 0x26fa
        | 0x26fd => 2,
        0x2705 | 0x270a..=0x270b | 0x2728 | 0x274c | 0x274e | 0x2753..=0x2755 | 0x2757 | 0x2795..=0x2797 => 2,
        0x27b0 | 0x27bf | 0x2b1b..=0x2b1c | 0x2b50 | 0x2b55 => 2,
        0x2e80..=0xa4cf | 0xa960..=0xa97f | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe10..=0xfe19 | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x16fe0..=0x1b2ff | 0x1f000..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// How many cells a text takes.
pub(super) fn cells(text: &str) -> usize {
    text.chars().map(cells_of).sum()
}

/// The text, or as much of its beginning as leaves room for a mark that there was more; never more than `room` cells.
pub(super) fn cut(text: &str, room: usize, ascii: bool) -> String {
    if cells(text) <= room {
        return text.to_owned();
    }
    let mark = if ascii { "~" } else { "…" };
    let mut out = String::new();
    let mut left = room.saturating_sub(1);
    for c in text.chars() {
        let cells = cells_of(c);
        if cells > left {
            break;
        }
        left -= cells;
        out.push(c);
    }
    if room > 0 {
        out.push_str(mark);
    }
    out
}

/// Three digits and the unit that suits: `480 ns`, `12.3 µs`, `1.24 ms`, `503 ms`, `1.50 s`, `2m 03s`, `5h 07m`.
pub(in crate::report) fn human(duration: Duration, ascii: bool) -> String {
    let nanos = duration.as_nanos();
    let seconds = duration.as_secs();
    let micro = if ascii { "us" } else { "µs" };
    let digits = |nanos: u128, unit: u128, name: &str| {
        // Rounded in the last digit that is shown; 999.6 µs become 1.00 ms below, not 1000 µs.
        let hundredths = (nanos * 100 + unit / 2) / unit;
        let tenths = (nanos * 10 + unit / 2) / unit;
        let whole = (nanos + unit / 2) / unit;
        if hundredths < 1_000 {
            format!("{}.{:02} {name}", hundredths / 100, hundredths % 100)
        } else if tenths < 1_000 {
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        } else {
            format!("{whole} {name}")
        }
    };
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => digits(nanos, 1_000, micro),
        999_500..999_500_000 => digits(nanos, 1_000_000, "ms"),
        999_500_000..60_000_000_000 => digits(nanos, 1_000_000_000, "s"),
        _ if seconds < 3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A count with its thousands apart: `12,345`.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        let _ = out.write_char(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let evil = "a\u{1b}[2J\r\n\t\u{7}\u{9b}31m\u{202e}\u{7f}é";
        let safe = r"a\u{1b}[2J\r\n\t\u{7}\u{9b}31m\u{202e}\u{7f}é";
        assert_eq!(Escaped(evil).to_string(), safe);
        assert_eq!(shown(evil, false), safe);
        assert_eq!(shown("é漢", true), r"\u{e9}\u{6f22}");
        for c in (0..0x110000).filter_map(char::from_u32).filter(|c| c.is_control()) {
            let shown = shown(&c.to_string(), false);
            assert!(shown.len() > 1 && !shown.contains(c), "{c:?}");
        }
    }

    #[test]
    fn cells_of_narrow_wide_and_combining_text() {
        assert_eq!(cells("abc"), 3);
        assert_eq!(cells("漢字"), 4);
        assert_eq!(cells("e\u{301}"), 1);
        assert_eq!(cells("🦀"), 2);
        assert_eq!(cells("│├╴█▏✗"), 6);
    }

    #[test]
    fn a_cut_text_never_takes_more_than_its_room() {
        for text in ["", "a", "abcdef", "漢字漢字", "e\u{301}e\u{301}e\u{301}", "a漢b字"] {
            for room in 0..8 {
                let cut = cut(text, room, false);
                assert!(cells(&cut) <= room, "{text:?} in {room} became {cut:?}");
                assert_eq!(cut == text, cells(text) <= room, "{text:?} in {room} became {cut:?}");
            }
        }
        assert_eq!(cut("abcdef", 4, false), "abc…");
        assert_eq!(cut("abcdef", 4, true), "abc~");
        assert_eq!(cut("漢字漢字", 4, false), "漢…", "half a character does not fit");
    }

    #[test]
    fn durations_have_three_digits_and_the_unit_that_suits() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (9_995_000, "10.0 ms"),
            (99_950_000, "100 ms"),
            (503_211_000, "503 ms"),
            (999_500_000, "1.00 s"),
            (1_504_999_999, "1.50 s"),
            (59_940_000_000, "59.9 s"),
            (63_000_000_000, "1m 03s"),
            (3_599_999_999_999, "59m 59s"),
            (18_420_000_000_000, "5h 07m"),
        ] {
            assert_eq!(human(Duration::from_nanos(nanos), false), text);
        }
        assert_eq!(human(Duration::from_micros(5), true), "5.00 us");
        assert!(human(Duration::MAX, false).ends_with('m'));
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(n), text);
        }
    }
}
