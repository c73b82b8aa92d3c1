//! From the spans of a trace to lines: a header, then each span under its parent with its bar, its tags and its logs.
//!
//! Pure: no terminal, no colours, no time; what a piece of a line means is its [`Role`], and painting is another file's. Invariants: no line is wider than the view; every span is on
//! exactly one line of its own or counted in the last one, whatever parents the spans claim (none, themselves, each other); nothing that a terminal would obey is in the text; no
//! recursion, so a deep tree cannot exhaust the stack.

use super::bar;
use super::tags;
use super::text::{self, cells, cut, human};
use crate::record::Outcome;
use jaeger_thrift::{Tag, Value};
use std::collections::HashMap;
use std::time::Duration;

/// The narrowest view that is laid out.
pub(super) const LEAST_WIDTH: usize = 20;
/// So many spans of a trace are shown, the rest is counted.
pub(super) const MOST_ROWS: usize = 1_000;
/// The duration at the end of a span's line, with a space before it.
const DURATION: usize = 9;

/// What can be shown, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Cells in a line.
    pub(super) width: usize,
    /// No characters but ASCII.
    pub(super) ascii: bool,
}

/// A finished span, with what is shown of it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) id: u64,
    pub(super) parent: u64,
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) start: i64,
    /// Nanoseconds.
    pub(super) duration: u64,
    pub(super) outcome: Outcome,
    pub(super) tags: Vec<Tag<'static>>,
    pub(super) logs: Vec<ShownLog>,
    /// Tags and logs that were not kept.
    pub(super) tags_left_out: usize,
    pub(super) logs_left_out: usize,
}

/// A log of it.
#[derive(Clone, Debug)]
pub(super) struct ShownLog {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) fields: Vec<Tag<'static>>,
    pub(super) fields_left_out: usize,
}

/// Why these spans are shown together, and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The trace's root ended.
    Whole,
    /// The trace was shown before; these ended since. It started at that time.
    Addition { start: i64 },
    /// No root has ended, and none will be waited for: the reporter closes.
    Unfinished,
    /// No root has ended, but so many spans are held that the oldest trace has to go.
    NoRoom,
}

/// Spans of one trace, in the order in which they ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace<'a> {
    pub(super) id: u128,
    pub(super) service: &'a str,
    pub(super) occasion: Occasion,
    pub(super) spans: &'a [Shown],
}

/// What a piece of a line is, for whoever paints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// Lines of the tree, keys, ids.
    Faint,
    /// The service, and a span's name.
    Strong,
    Bar,
    /// Something went wrong: marks, names, values.
    Bad,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) role: Role,
    pub(super) text: String,
}

impl Piece {
    pub(super) fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }
}

/// A line, from left to right.
pub(super) type Line = Vec<Piece>;

/// The pieces, cut to `room` cells.
pub(super) fn fit(mut pieces: Line, room: usize, ascii: bool) -> Line {
    let mut left = room;
    let mut rest = pieces.iter().map(|piece| cells(&piece.text)).sum::<usize>();
    for (i, piece) in pieces.iter_mut().enumerate() {
        let own = cells(&piece.text);
        // Cut where the whole no longer fits, so that the mark stands at the very end.
        if rest > left && own >= left {
            piece.text = cut(&format!("{} ", piece.text), left, ascii);
            pieces.truncate(i + 1);
            break;
        }
        left -= own;
        rest -= own;
    }
    pieces
}

/// The characters of the tree.
struct Signs {
    branch: &'static str,
    last: &'static str,
    line: &'static str,
    more: &'static str,
    bad: &'static str,
    log: &'static str,
    dot: &'static str,
}

const UNICODE: Signs =
    Signs {
        branch: "├╴", last: "└╴", line: "│ ", more: "…", bad: "✗ ", log: "• ", dot: " · "
    };
const ASCII: Signs =
    Signs { branch: "|-", last: "`-", line: "| ", more: "~", bad: "x ", log: "* ", dot: ", " };

/// Lays a trace out. The lines end with no line break and are at most `view.width` wide, which counts as 20 if it is less.
pub(super) fn lay_out(trace: &Trace<'_>, view: View) -> Vec<Line> {
    let view = View { width: view.width.max(LEAST_WIDTH), ..view };
    let rows = tree(trace.spans);
    let layout = Layout::new(trace, &rows, view);
    let mut lines = layout.header(trace);
    for row in rows.iter().take(MOST_ROWS) {
        layout.span(row, &trace.spans[row.span], &mut lines);
    }
    if let Some(more @ 1..) = rows.len().checked_sub(MOST_ROWS) {
        let text =
            format!("{} more {}not shown", text::count(more), if more == 1 { "span " } else { "spans " });
        lines.push(vec![Piece::new(Role::Faint, format!("{} {text}", layout.signs.more))]);
    }
    lines.into_iter().map(|line| fit(line, view.width, view.ascii)).collect()
}

/// A span's place in the tree.
struct Row {
    span: usize,
    depth: usize,
    /// For each level above, whether that line goes on below this row; the last is its own level.
    levels: Vec<bool>,
    has_children: bool,
}

/// Whether something went wrong: told by the outcome, or by hand with the tag that says so.
fn is_bad(span: &Shown) -> bool {
    span.outcome != Outcome::Ok
        || span.tags.iter().any(|tag| tag.key == "error" && tag.value == Value::Bool(true))
}

/// How many levels' lines a row remembers. Deeper ones stand at the left, where there is no room to draw them anyway.
const MOST_LEVELS: usize = 64;

/// The spans in the order of the tree: each below its parent, siblings by their start.
fn tree(spans: &[Shown]) -> Vec<Row> {
    let mut place = HashMap::new();
    for (i, span) in spans.iter().enumerate() {
        place.entry(span.id).or_insert(i);
    }
    let mut by_start: Vec<usize> = (0..spans.len()).collect();
    by_start.sort_by_key(|i| spans[*i].start);
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut tops = Vec::new();
    for i in by_start.iter().copied() {
        match place.get(&spans[i].parent) {
            Some(parent) if *parent != i => children[*parent].push(i),
            _ => tops.push(i),
        }
    }
    let mut rows = Vec::with_capacity(spans.len());
    let mut seen = vec![false; spans.len()];
    // After the tops, what is in no tree: spans that are each other's parents. The earliest of them serves as a top.
    for top in tops.into_iter().chain(by_start) {
        let mut open = vec![(top, 0, Vec::new())];
        while let Some((span, depth, levels)) = open.pop() {
            if std::mem::replace(&mut seen[span], true) {
                continue;
            }
            let below: Vec<usize> = children[span].iter().copied().filter(|child| !seen[*child]).collect();
            for (nth, child) in below.iter().enumerate().rev() {
                let from = (levels.len() + 1_usize).saturating_sub(MOST_LEVELS);
                let mut levels: Vec<bool> = levels[from.min(levels.len())..].to_vec();
                levels.push(nth + 1 < below.len());
                open.push((*child, depth + 1, levels));
            }
            rows.push(Row { span, depth, levels, has_children: !below.is_empty() });
        }
    }
    rows
}

/// Where things stand in the lines of one trace.
struct Layout {
    view: View,
    signs: &'static Signs,
    /// Cells for the tree and the names.
    names: usize,
    /// Cells for the bars.
    track: usize,
    start: i64,
    whole: u64,
}

impl Layout {
    fn new(trace: &Trace<'_>, rows: &[Row], view: View) -> Self {
        let signs = if view.ascii { &ASCII } else { &UNICODE };
        let longest = rows.iter().take(MOST_ROWS).map(|row| {
            let span = &trace.spans[row.span];
            let mark = if is_bad(span) { cells(signs.bad) } else { 0 };
            2 * row.levels.len() + mark + cells(&text::shown(&span.name, view.ascii))
        });
        // At most so much that the bars keep half of what the durations leave.
        let names = longest.max().unwrap_or(0).min((view.width - DURATION) / 2);
        let earliest = trace.spans.iter().map(|span| span.start).min().unwrap_or(0);
        let start = match trace.occasion {
            Occasion::Addition { start } => start.min(earliest),
            _ => earliest,
        };
        let end = |span: &Shown| since(start, span.start).saturating_add(span.duration);
        let whole = trace.spans.iter().map(end).max().unwrap_or(0);
        Self { view, signs, names, track: view.width - DURATION - names - 1, start, whole }
    }

    fn header(&self, trace: &Trace<'_>) -> Vec<Line> {
        let ascii = self.view.ascii;
        let count = trace.spans.len();
        let plural = if count == 1 { "" } else { "s" };
        let more = if matches!(trace.occasion, Occasion::Addition { .. }) { "more " } else { "" };
        let whole = human(Duration::from_nanos(self.whole), ascii);
        let dot = self.signs.dot;
        let mut left = vec![
            Piece::new(Role::Strong, cut(&text::shown(trace.service, ascii), self.view.width / 2, ascii)),
            Piece::new(Role::Plain, format!("{dot}{} {more}span{plural}{dot}{whole}", text::count(count))),
        ];
        let bad = trace.spans.iter().filter(|span| is_bad(span)).count();
        if bad > 0 {
            left.push(Piece::new(Role::Bad, format!("{dot}{} failed", text::count(bad))));
        }
        let id = match (trace.id >> 64, trace.id) {
            (0, low) => format!("trace {low:016x}"),
            (_, id) => format!("trace {id:032x}"),
        };
        let used: usize = left.iter().map(|piece| cells(&piece.text)).sum();
        let mut lines = match self.view.width.checked_sub(used + id.len()) {
            Some(gap @ 2..) => {
                left.push(Piece::new(Role::Faint, format!("{}{id}", " ".repeat(gap))));
                vec![left]
            }
            // In a narrow view an id takes more lines than one: cut, it would be of no use.
            _ => {
                let id: Vec<char> = id.chars().collect();
                let parts = id.chunks(self.view.width).map(|part| part.iter().collect::<String>());
                std::iter::once(left).chain(parts.map(|part| vec![Piece::new(Role::Faint, part)])).collect()
            }
        };
        let note = match trace.occasion {
            Occasion::Whole => return lines,
            Occasion::Addition { .. } => "ended after the trace was shown",
            Occasion::Unfinished => "unfinished: the trace's root has not ended",
            Occasion::NoRoom => "unfinished: shown early, too many spans are held",
        };
        lines.push(vec![Piece::new(Role::Faint, note)]);
        lines
    }

    /// The line of the span, and those of its tags and logs.
    fn span(&self, row: &Row, span: &Shown, lines: &mut Vec<Line>) {
        let View { width, ascii } = self.view;
        let bad = is_bad(span);
        let mark = if bad { self.signs.bad } else { "" };
        // At least so much of a name, however deep it stands.
        let least = (self.names / 2).min(12);
        let prefix = self.prefix(row, self.names - least, true);
        let room = self.names - cells(&prefix);
        let name = cut(&format!("{mark}{}", text::shown(&span.name, ascii)), room, ascii);
        let pad = room - cells(&name) + 1;
        let start = since(self.start, span.start);
        let bar = bar::bar(start, start.saturating_add(span.duration), self.whole, self.track, ascii);
        let after = self.track - bar.before - bar.cells;
        let duration = human(Duration::from_nanos(span.duration), ascii);
        lines.push(vec![
            Piece::new(Role::Faint, prefix),
            Piece::new(if bad { Role::Bad } else { Role::Strong }, name),
            Piece::new(Role::Plain, " ".repeat(pad + bar.before)),
            Piece::new(if bad { Role::Bad } else { Role::Bar }, bar.bar),
            Piece::new(Role::Plain, format!("{}{duration:>DURATION$}", " ".repeat(after))),
        ]);

        // Below the span the tree goes on: lines of the levels above, and one to the first child.
        let mut prefix = self.prefix(row, width / 2, false);
        prefix.push_str(if row.has_children { self.signs.line } else { "  " });
        let room = width - cells(&prefix);
        let word = match span.outcome {
            Outcome::Error => "error",
            Outcome::Panic => "panic",
            Outcome::Cancelled => "cancelled",
            _ if bad => "error",
            _ => "",
        };
        // What the word says already.
        let said = |tag: &Tag<'_>| {
            bad && tag.value == Value::Bool(true) && (tag.key == "error" || tag.key == "cancelled")
        };
        let tags: Vec<_> = span.tags.iter().filter(|tag| !said(tag)).collect();
        if !(tags.is_empty() && word.is_empty() && span.tags_left_out == 0) {
            let mut line = vec![Piece::new(Role::Faint, prefix.clone())];
            let mut room = room;
            if !word.is_empty() {
                let gap = if tags.is_empty() { "" } else { "  " };
                room = room.saturating_sub(word.len() + gap.len());
                line.push(Piece::new(Role::Bad, format!("{word}{gap}")));
            }
            line.extend(tags::line(&tags, span.tags_left_out, room, self.view));
            lines.push(line);
        }
        for log in &span.logs {
            lines.push(self.log(log, &prefix));
        }
        if span.logs_left_out > 0 {
            let more = format!("{}{} more logs", self.signs.log, text::count(span.logs_left_out));
            lines.push(vec![Piece::new(Role::Faint, format!("{prefix}{more}"))]);
        }
    }

    /// The line of a log: when it was in the trace, what happened, and its other fields.
    fn log(&self, log: &ShownLog, prefix: &str) -> Line {
        let View { width, ascii } = self.view;
        let at = since(self.start, log.at.saturating_mul(1_000));
        let at = format!("{}+{}", self.signs.log, human(Duration::from_nanos(at), ascii));
        let (event, fields) = match log.fields.split_first() {
            Some((Tag { key, value: Value::String(event) }, fields)) if key == "event" => {
                (event.as_ref(), fields)
            }
            _ => ("", &log.fields[..]),
        };
        let bad = event == "error" || event == "panic";
        let gap = if event.is_empty() { "" } else { "  " };
        let event = format!("{gap}{}", cut(&text::shown(event, ascii), width / 3, ascii));
        let used = cells(prefix) + cells(&at) + cells(&event);
        let mut line = vec![
            Piece::new(Role::Faint, prefix),
            Piece::new(Role::Faint, at),
            Piece::new(if bad { Role::Bad } else { Role::Plain }, event),
        ];
        let fields: Vec<_> = fields.iter().collect();
        if !fields.is_empty() || log.fields_left_out > 0 {
            line.push(Piece::new(Role::Plain, "  "));
            line.extend(tags::line(&fields, log.fields_left_out, width.saturating_sub(used + 2), self.view));
        }
        line
    }

    /// The lines of the tree before a row, in at most `room` cells: of a deep tree the nearest levels, after a mark. With `own` the row's own branch and, in the mark, how deep it is;
    /// otherwise what goes on below it.
    fn prefix(&self, row: &Row, room: usize, own: bool) -> String {
        let mut prefix = String::new();
        let mut from = 0;
        if 2 * row.depth > room {
            prefix.push_str(self.signs.more);
            if own {
                prefix.push_str(&row.depth.to_string());
            }
            // Even, so that the branches stand where the other rows have theirs.
            if prefix.chars().count() % 2 == 1 {
                prefix.push(' ');
            }
            prefix = cut(&prefix, room, self.view.ascii);
            let left = (room - cells(&prefix)) / 2;
            from = row.levels.len().saturating_sub(left);
        }
        for (i, goes_on) in row.levels.iter().enumerate().skip(from) {
            prefix.push_str(match (own && i + 1 == row.levels.len(), goes_on) {
                (true, true) => self.signs.branch,
                (true, false) => self.signs.last,
                (false, true) => self.signs.line,
                (false, false) => "  ",
            });
        }
        prefix
    }
}

/// Nanoseconds from `start` to `at`, none if that is before.
fn since(start: i64, at: i64) -> u64 {
    u64::try_from(i128::from(at) - i128::from(start)).unwrap_or(0)
}
