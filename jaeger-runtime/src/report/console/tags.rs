//! Tags and logs as lines: `key=value`, values cut so that as many as possible are seen.
//!
//! What is too long is cut, the longest first and all to the same length, before a tag is left out; what is left out is counted.

use super::layout::{Line, Piece, Role, View, fit};
use super::text::{self, cells};
use jaeger_thrift::{Tag, Value};

/// A value is not cut below so many cells; before that, tags at the end are left out.
const LEAST: usize = 8;
/// A key is cut to so many cells.
const KEY: usize = 32;
/// Bytes of a binary value that are shown.
const BYTES: usize = 16;

/// A value as text. Text in quotes only where its end could not be seen otherwise.
fn value(value: &Value<'_>, view: View) -> String {
    match value {
        Value::String(text) => {
            let shown = text::shown(text, view.ascii);
            let bare = !shown.is_empty() && !shown.contains([' ', '"', '=']);
            if bare { shown } else { format!("\"{shown}\"") }
        }
        Value::Double(v) => format!("{v:?}"),
        Value::Bool(v) => v.to_string(),
        Value::Long(v) => v.to_string(),
        Value::Binary(bytes) => {
            let hex: String = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
            let more = if bytes.len() > BYTES { ".." } else { "" };
            format!("0x{hex}{more} ({} bytes)", text::count(bytes.len()))
        }
    }
}

/// The tags in at most `room` cells. `left_out` have been left out before.
pub(super) fn line(tags: &[&Tag<'_>], left_out: usize, room: usize, view: View) -> Line {
    let shown = |tag: &&Tag<'_>| {
        let key = text::cut(&text::shown(&tag.key, view.ascii), KEY.min(room / 2), view.ascii);
        (key, value(&tag.value, view))
    };
    let shown: Vec<(String, String)> = tags.iter().map(shown).collect();
    // From the end, tags are left out until the rest fits with values cut to no less than the least.
    let mut count = shown.len();
    loop {
        let left_out = left_out + shown.len() - count;
        let note = if left_out > 0 { format!("+{}", text::count(left_out)) } else { String::new() };
        let gaps = 2 * count.saturating_sub(usize::from(note.is_empty()));
        let keys: usize = shown[..count].iter().map(|(key, _)| cells(key) + 1).sum();
        let fixed = keys + gaps + cells(&note);
        let lengths: Vec<usize> = shown[..count].iter().map(|(_, value)| cells(value)).collect();
        let most = room.checked_sub(fixed).map(|room| longest(&lengths, room));
        // The last tag of all is not left out but cut to nothing: a line says something.
        let enough = most.is_some_and(|most| most >= LEAST || lengths.iter().all(|length| *length <= most));
        if !enough && count > 1 {
            count -= 1;
            continue;
        }
        let most = most.unwrap_or(0);
        let mut pieces = Vec::new();
        for (key, value) in &shown[..count] {
            let gap = if pieces.is_empty() { "" } else { "  " };
            pieces.push(Piece::new(Role::Faint, format!("{gap}{key}=")));
            pieces.push(Piece::new(Role::Plain, text::cut(value, most, view.ascii)));
        }
        if !note.is_empty() {
            let gap = if pieces.is_empty() { "" } else { "  " };
            pieces.push(Piece::new(Role::Faint, format!("{gap}{note}")));
        }
        return fit(pieces, room, view.ascii);
    }
}

/// The greatest length to which all may be cut so that together they take at most `room`.
fn longest(lengths: &[usize], room: usize) -> usize {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let mut left = room;
    for (i, length) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - i);
        if *length > share {
            return share;
        }
        left -= length;
    }
    sorted.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View = View { width: 80, ascii: false };

    fn shown(tags: &[Tag<'static>], left_out: usize, room: usize) -> String {
        let tags: Vec<_> = tags.iter().collect();
        let text: String = line(&tags, left_out, room, VIEW).into_iter().map(|piece| piece.text).collect();
        assert!(cells(&text) <= room, "{text:?} is longer than {room}");
        text
    }

    fn tag(key: &'static str, value: impl Into<Value<'static>>) -> Tag<'static> {
        Tag::new(key, value)
    }

    #[test]
    fn each_kind_of_value_has_its_form() {
        let tags = [
            tag("text", "plain"),
            tag("words", "two words"),
            tag("none", ""),
            tag("n", -7i64),
            tag("x", 1.0),
            tag("on", true),
            tag("raw", &b"\x00\xff"[..]),
        ];
        assert_eq!(
            shown(&tags, 0, 120),
            r#"text=plain  words="two words"  none=""  n=-7  x=1.0  on=true  raw=0x00ff (2 bytes)"#
        );
        assert_eq!(
            shown(&[tag("raw", &[7u8; 2_000][..])], 0, 80),
            format!("raw=0x{}.. (2,000 bytes)", "07".repeat(16))
        );
    }

    #[test]
    fn long_values_are_cut_before_short_ones_and_before_tags_are_left_out() {
        let long = "x".repeat(500);
        let tags = [tag("a", "short"), tag("b", long.clone()), tag("c", long)];
        assert_eq!(shown(&tags, 0, 40), format!("a=short  b={0}…  c={0}…", "x".repeat(11)));
        // With room for one only.
        assert_eq!(shown(&tags[1..], 0, 20), format!("b={}…  +1", "x".repeat(13)));
        assert_eq!(shown(&tags[..1], 9, 20), "a=short  +9");
    }

    #[test]
    fn no_room_is_too_small() {
        let tags = [
            tag("a key that is too long to be shown in full, ever", "value"),
            tag("b", "v"),
            tag("漢字", "漢字"),
        ];
        for room in 0..90 {
            shown(&tags, 3, room);
            shown(&[], 3, room);
        }
        assert_eq!(shown(&[], 0, 10), "");
    }
}
