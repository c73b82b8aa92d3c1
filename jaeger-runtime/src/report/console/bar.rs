//! A span's bar: from when to when, on the trace's time line.
//!
//! Exact to an eighth of a cell at its end and to half a cell at its start, which is what Unicode has characters for without colours turned round; without UTF-8 to a cell. A bar
//! always shows something, however short the span, and never leaves its track, whatever the times are.

/// Left parts of a cell, by eighths; the whole is the last.
const LEFT: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const RIGHT_HALF: char = '▐';

/// The bar and what is empty before it, in cells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) before: usize,
    pub(super) bar: String,
    /// How many cells the bar takes.
    pub(super) cells: usize,
}

/// Where `start..end` lies within `whole` nanoseconds shown in `track` cells, of which there is at least one.
pub(super) fn bar(start: u64, end: u64, whole: u64, track: usize, ascii: bool) -> Bar {
    let steps = if ascii { 1 } else { 8 };
    let most = track * steps;
    let place = |nanos: u64| {
        let place = u128::from(nanos) * most as u128 / u128::from(whole.max(1));
        usize::try_from(place).unwrap_or(most).min(most)
    };
    let from = place(start).min(most - 1);
    let to = place(end).max(from + 1);
    let (first, last) = (from / steps, (to - 1) / steps);
    let cells = last - first + 1;
    let bar = if ascii {
        if start == end { "|".into() } else { "=".repeat(cells) }
    } else {
        let half = from % 8 >= 4;
        let end = LEFT[(to - 1) % 8];
        let start = if half { RIGHT_HALF } else { '█' };
        match cells {
            1 if half => RIGHT_HALF.into(),
            1 => end.into(),
            _ => format!("{start}{}{end}", "█".repeat(cells - 2)),
        }
    };
    Bar { before: first, bar, cells }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(start: u64, end: u64, whole: u64, track: usize, ascii: bool) -> String {
        let bar = bar(start, end, whole, track, ascii);
        assert_eq!(bar.bar.chars().count(), bar.cells);
        assert!(bar.cells >= 1 && bar.before + bar.cells <= track, "{bar:?}");
        format!("{}{}", " ".repeat(bar.before), bar.bar)
    }

    #[test]
    fn bars_are_in_proportion() {
        assert_eq!(drawn(0, 100, 100, 10, false), "██████████");
        assert_eq!(drawn(0, 50, 100, 10, false), "█████");
        assert_eq!(drawn(50, 100, 100, 10, false), "     █████");
        assert_eq!(drawn(25, 75, 100, 10, false), "  ▐████▌");
        assert_eq!(drawn(0, 1, 80, 10, false), "▏");
        assert_eq!(drawn(0, 5, 80, 10, false), "▋");
        assert_eq!(drawn(80, 80, 80, 10, false), "         ▐");
        assert_eq!(drawn(25, 75, 100, 10, true), "  =====");
        assert_eq!(drawn(5, 5, 100, 10, true), "|");
    }

    #[test]
    fn no_times_leave_the_track() {
        let times = [0, 1, 7, 1 << 40, u64::MAX - 1, u64::MAX];
        for start in times {
            for end in times {
                for whole in times {
                    for track in [1, 2, 79] {
                        drawn(start, end, whole, track, false);
                        drawn(start, end, whole, track, true);
                    }
                }
            }
        }
    }
}
