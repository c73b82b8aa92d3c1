//! A trace as a waterfall of text: a line a span with its bar, and its tags below it.
//!
//! What comes from outside is shown with its control characters escaped (no span moves the cursor), and cut to the width.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Ansi};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::tree::{Outcome, Row, Tree};

/// How it is drawn.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) columns: usize,
    pub(super) colours: bool,
}

/// Room for a duration such as `12.3 ms`.
const DURATION: usize = 9;

/// The trace as lines, the last one empty.
pub(super) fn draw(tree: &Tree<'_>, style: Style) -> String {
    let mut out = String::new();
    let Some(first) = tree.rows.first() else { return out };
    let paint = |text: &str, ansi: Ansi| {
        if style.colours { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    };
    let mut head = format!(
        "{} · {} · {}",
        plain(first.service, 40),
        counted(tree.rows.len(), "span"),
        duration(tree.end.saturating_sub(tree.start))
    );
    for (outcome, what) in
        [(Outcome::Panic, "panic"), (Outcome::Error, "error"), (Outcome::Cancelled, "cancelled")]
    {
        match tree.rows.iter().filter(|row| row.outcome == outcome).count() {
            0 => {}
            n if outcome == Outcome::Cancelled => drop(write!(head, " · {n} {what}")),
            n => drop(write!(head, " · {}", counted(n, what))),
        }
    }
    let id = format!("trace {}", plain(tree.trace_id, 40));
    let gap = style.columns.saturating_sub(head.width() + id.width()).max(2);
    let _ = writeln!(
        out,
        "{}{}{}",
        paint(&head, Ansi::new().bold()),
        " ".repeat(gap),
        paint(&id, Ansi::new().dimmed())
    );
    let labels: Vec<String> = tree.rows.iter().map(|row| label(row, first.service)).collect();
    let names = labels.iter().map(|label| label.width()).max().unwrap_or(0).min(style.columns * 2 / 5);
    let bars = style.columns.saturating_sub(names + DURATION + 2).max(10);
    for (row, label) in tree.rows.iter().zip(&labels) {
        let label = cut(label, names);
        let pad = " ".repeat(names.saturating_sub(label.width()));
        let marked = mark(row.outcome).map(|(_, colour)| colour);
        let colour = marked.unwrap_or_else(|| colour(row.service));
        let bar = bar(row, tree, bars);
        let bar_pad = " ".repeat(bars.saturating_sub(bar.width()));
        let label = match marked {
            Some(colour) => paint(&label, colour.on_default().bold()),
            None => label,
        };
        let bar = paint(&bar, colour.on_default());
        let _ = writeln!(out, "{label}{pad} {bar}{bar_pad} {:>DURATION$}", duration(row.duration));
        let under = under(row);
        for line in tags(row.span, style.columns.saturating_sub(under.width())) {
            let _ = writeln!(out, "{under}{}", paint(&line, Ansi::new().dimmed()));
        }
    }
    out.push('\n');
    out
}

/// What stands before the name of a span that did not end well, and its colour: told apart without colours too.
fn mark(outcome: Outcome) -> Option<(&'static str, AnsiColor)> {
    match outcome {
        Outcome::Panic => Some(("‼ ", AnsiColor::Red)),
        Outcome::Error => Some(("✗ ", AnsiColor::Red)),
        Outcome::Cancelled => Some(("⊘ ", AnsiColor::Yellow)),
        Outcome::Well => None,
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The branches of the tree, and the name.
fn label(row: &Row<'_>, home: &str) -> String {
    let mut label = branches(row);
    if let Some(last) = row.last.last() {
        label.push_str(if *last { "└╴" } else { "├╴" });
    }
    label.push_str(mark(row.outcome).map_or("", |(mark, _)| mark));
    if row.service != home {
        label.push_str(&plain(row.service, 40));
        label.push(' ');
    }
    label.push_str(&plain(row.operation, 120));
    label
}

/// The lines of the ancestors that have more to come.
fn branches(row: &Row<'_>) -> String {
    let above = row.depth.saturating_sub(1);
    row.last[..above].iter().map(|last| if *last { "  " } else { "│ " }).collect()
}

/// What stands before the tags.
fn under(row: &Row<'_>) -> String {
    let own = match row.last.last() {
        Some(true) => "    ",
        Some(false) => "│   ",
        None => "│ ",
    };
    branches(row) + own
}

/// Blanks up to the start, then a block for each cell, the last one by eighths.
fn bar(row: &Row<'_>, tree: &Tree<'_>, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let whole = tree.end.saturating_sub(tree.start).max(1) as f64;
    let part = |time: i64| (time.saturating_sub(tree.start) as f64 / whole).clamp(0.0, 1.0) * cells as f64;
    let from = part(row.start).floor().min(cells as f64 - 1.0);
    let to = part(row.start.saturating_add(row.duration.max(0)));
    let eighths = (((to - from) * 8.0).round() as usize).max(1);
    let eighths = eighths.min((cells - from as usize) * 8);
    format!("{}{}{}", " ".repeat(from as usize), "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// A service's colour, the same in every trace.
fn colour(service: &str) -> AnsiColor {
    const COLOURS: [AnsiColor; 5] =
        [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Blue, AnsiColor::Magenta];
    let sum = service.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    COLOURS[sum % COLOURS.len()]
}

/// The tags and the fields of logs as lines of this width.
fn tags(span: &Value, width: usize) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    let mut line = String::new();
    let shown = |tag: &Value| {
        let key = plain(tag["key"].as_str().unwrap_or(""), 60);
        let value = match &tag["value"] {
            Value::String(text) if text.is_empty() || text.contains([' ', '=']) => {
                format!("{:?}", plain(text, 200))
            }
            Value::String(text) => plain(text, 200),
            other => plain(&other.to_string(), 200),
        };
        format!("{key}={value}")
    };
    let mut add = |item: String, line: &mut String| {
        if !line.is_empty() && line.width() + 2 + item.width() > width {
            lines.push(std::mem::take(line));
        }
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(&cut(&item, width));
    };
    for tag in list(&span["tags"]) {
        add(shown(&tag), &mut line);
    }
    let start = span["startTime"].as_i64().unwrap_or(0);
    for log in list(&span["logs"]) {
        let after = log["timestamp"].as_i64().unwrap_or(0).saturating_sub(start);
        let fields: Vec<String> = list(&log["fields"]).iter().map(shown).collect();
        add(format!("@{} {}", duration(after), fields.join(" ")), &mut line);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Text from outside: control characters escaped, so long at most.
fn plain(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    for c in text.chars().take(longest + 1) {
        // Also those that turn the writing round.
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    cut(&shown, longest)
}

/// Text of at most so many cells, with `…` where it was cut.
fn cut(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut width = 1;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= cells
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Microseconds with three digits.
fn duration(micros: i64) -> String {
    let (number, unit) = match micros.unsigned_abs() {
        0..1_000 => return format!("{micros} µs"),
        1_000..1_000_000 => (micros as f64 / 1e3, "ms"),
        1_000_000..120_000_000 => (micros as f64 / 1e6, "s"),
        120_000_000..7_200_000_000 => (micros as f64 / 60e6, "min"),
        7_200_000_000..172_800_000_000 => (micros as f64 / 3_600e6, "h"),
        172_800_000_000..864_000_000_000_000 => (micros as f64 / 86_400e6, "d"),
        _ => (micros as f64 / (365.25 * 86_400e6), "y"),
    };
    let digits = if number.abs() >= 99.95 {
        0
    } else if number.abs() >= 9.995 {
        1
    } else {
        2
    };
    format!("{number:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_trace_is_drawn() {
        let reference = json!([{"refType": "CHILD_OF", "traceID": "ab", "spanID": "1"}]);
        let trace = json!({
            "traceID": "ab",
            "spans": [
                {"traceID": "ab", "spanID": "1", "operationName": "root", "references": [], "startTime": 1_000, "duration": 2_000,
                    "tags": [{"key": "a", "value": 1}, {"key": "b", "value": "two words"}], "logs": [], "processID": "p1"},
                {"traceID": "ab", "spanID": "2", "operationName": "evil\u{1b}[2J", "references": reference,
                    "startTime": 2_000, "duration": 500, "tags": [{"key": "error", "value": true}],
                    "logs": [{"timestamp": 2_100, "fields": [{"key": "event", "value": "x\ny"}]}], "processID": "p2"},
            ],
            "processes": {"p1": {"serviceName": "front"}, "p2": {"serviceName": "back"}},
        });
        let drawn = draw(&Tree::new(&trace), Style { columns: 70, colours: false });
        let expected = [
            "front · 2 spans · 2.00 ms · 1 error                           trace ab",
            "root                     ████████████████████████████████   2.00 ms",
            "│ a=1  b=\"two words\"",
            "└╴✗ back evil\\u{1b}[2J                   ████████           500 µs",
            "    error=true  @100 µs event=x\\ny",
            "",
            "",
        ];
        let got: Vec<&str> = drawn.split('\n').collect();
        assert_eq!(got.len(), expected.len(), "{drawn}");
        // The bars' width follows from the names'; what matters is where they stand.
        assert_eq!(got[0], expected[0]);
        assert_eq!(got[2..3], expected[2..3]);
        assert_eq!(got[4..], expected[4..]);
        assert!(got[1].starts_with("root ") && got[1].ends_with("██   2.00 ms"), "{drawn}");
        assert!(got[3].starts_with("└╴✗ back evil\\u{1b}[2J ") && got[3].ends_with("  500 µs"), "{drawn}");
        let start = |line: &str| line.chars().take_while(|c| *c != '█').count();
        let cells = got[1].chars().filter(|c| *c == '█').count();
        assert_eq!(start(got[3]) - start(got[1]), cells / 2, "half way: {drawn}");
        assert!(!drawn.contains('\u{1b}'));
    }

    #[test]
    fn panics_errors_and_cancelled_calls_are_told_apart_without_colours() {
        let span = |id: &str, key: &str, event: &str| {
            json!({"traceID": "t", "spanID": id, "operationName": id, "references": [], "startTime": 0, "duration": 1,
                "tags": [{"key": key, "value": true}],
                "logs": [{"timestamp": 0, "fields": [{"key": "event", "value": event}]}], "processID": "p"})
        };
        let spans = [
            span("a", "error", "panic"),
            span("b", "error", "error"),
            span("c", "cancelled", ""),
            span("d", "cancelled", ""),
            span("e", "other", ""),
        ];
        let trace = json!({"traceID": "t", "spans": spans, "processes": {"p": {"serviceName": "s"}}});
        let drawn = draw(&Tree::new(&trace), Style { columns: 80, colours: false });
        assert!(drawn.starts_with("s · 5 spans · 1 µs · 1 panic · 1 error · 2 cancelled "), "{drawn}");
        let names: Vec<&str> = drawn.lines().filter(|line| line.contains('█')).collect();
        for (line, begins) in names.iter().zip(["‼ a ", "✗ b ", "⊘ c ", "⊘ d ", "e "]) {
            assert!(line.starts_with(begins), "{drawn}");
        }
        assert_eq!(names.len(), 5, "{drawn}");
        let coloured = draw(&Tree::new(&trace), Style { columns: 80, colours: true });
        assert!(coloured.contains("\u{1b}[33m"), "cancelled is no red: {coloured:?}");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let name = "名前".repeat(60);
        let span = json!({"traceID": "1", "spanID": "1", "operationName": name, "references": [], "startTime": i64::MIN,
            "duration": i64::MAX, "tags": [{"key": "k".repeat(300), "value": name}], "logs": [], "processID": "p"});
        let trace = json!({"traceID": "1", "spans": [span], "processes": {}});
        let drawn = draw(&Tree::new(&trace), Style { columns: 80, colours: false });
        assert!(drawn.lines().all(|line| line.width() <= 80), "{drawn}");
    }

    #[test]
    fn durations_have_three_digits() {
        let shown =
            [0, 999, 1_000, 9_996, 99_960, 1_500_000, 300_000_000, 7_200_000_000, i64::MAX, -5].map(duration);
        assert_eq!(
            shown,
            [
                "0 µs", "999 µs", "1.00 ms", "10.0 ms", "100 ms", "1.50 s", "5.00 min", "2.00 h", "292271 y",
                "-5 µs"
            ]
        );
    }
}
