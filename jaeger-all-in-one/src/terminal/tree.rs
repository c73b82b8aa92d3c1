//! A trace of Jaeger's JSON as a tree in the order in which it is printed.
//!
//! Spans whose parent is not there, and those of a circle, are printed as roots: every span is printed once, whatever its references say.

use std::collections::HashMap;

use serde_json::Value;

/// Deeper spans are printed as if they lay one below here.
pub(super) const DEEPEST: usize = 24;

/// A span to be printed.
pub(super) struct Row<'t> {
    pub(super) service: &'t str,
    pub(super) operation: &'t str,
    /// How deep it lies, 0 for a root.
    pub(super) depth: usize,
    /// Whether it is the last of its parent's children, and so on up to the root's.
    pub(super) last: Vec<bool>,
    /// µs since 1970.
    pub(super) start: i64,
    /// µs.
    pub(super) duration: i64,
    pub(super) outcome: Outcome,
    pub(super) span: &'t Value,
}

/// How a span ended, as its tags and logs tell; of several the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Panic,
    Error,
    Cancelled,
    Well,
}

/// The rows.
pub(super) struct Tree<'t> {
    pub(super) trace_id: &'t str,
    pub(super) rows: Vec<Row<'t>>,
    pub(super) start: i64,
    pub(super) end: i64,
}

impl<'t> Tree<'t> {
    pub(super) fn new(trace: &'t Value) -> Self {
        let spans: &[Value] = trace["spans"].as_array().map_or(&[], Vec::as_slice);
        let mut at: HashMap<&str, usize> = HashMap::new();
        for (n, span) in spans.iter().enumerate() {
            at.entry(text(&span["spanID"])).or_insert(n);
        }
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        let mut roots = Vec::new();
        for (n, span) in spans.iter().enumerate() {
            match parent(span).and_then(|parent| at.get(parent)) {
                Some(&parent) if parent != n => children[parent].push(n),
                _ => roots.push(n),
            }
        }
        let start = |n: &usize| number(&spans[*n]["startTime"]);
        for list in children.iter_mut().chain([&mut roots]) {
            list.sort_by_key(start);
        }
        let mut tree = Tree { trace_id: text(&trace["traceID"]), rows: Vec::new(), start: 0, end: 0 };
        let mut seen = vec![false; spans.len()];
        // First what hangs on a root, then what only hangs on itself.
        for first in roots.into_iter().chain(0..spans.len()) {
            let mut stack = vec![(first, Vec::new())];
            while let Some((n, last)) = stack.pop() {
                if std::mem::replace(&mut seen[n], true) {
                    continue;
                }
                let below: Vec<usize> = children[n].iter().copied().filter(|&child| !seen[child]).collect();
                for (place, &child) in below.iter().enumerate().rev() {
                    let mut last = last.clone();
                    // A chain of any length costs no more than it shows.
                    last.truncate(DEEPEST);
                    last.push(place + 1 == below.len());
                    stack.push((child, last));
                }
                tree.rows.push(row(trace, &spans[n], last));
            }
        }
        tree.start = tree.rows.iter().map(|row| row.start).min().unwrap_or(0);
        tree.end =
            tree.rows.iter().map(|row| row.start.saturating_add(row.duration.max(0))).max().unwrap_or(0);
        tree
    }
}

fn row<'t>(trace: &'t Value, span: &'t Value, last: Vec<bool>) -> Row<'t> {
    Row {
        service: text(&trace["processes"][text(&span["processID"])]["serviceName"]),
        operation: text(&span["operationName"]),
        depth: last.len(),
        last,
        start: number(&span["startTime"]),
        duration: number(&span["duration"]),
        outcome: outcome(span),
        span,
    }
}

/// By the tags `error`, `otel.status_code` and `cancelled`, and a log `event=panic`: as the page has it.
fn outcome(span: &Value) -> Outcome {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let panicked = |log: &Value| {
        list(&log["fields"]).iter().any(|field| field["key"] == "event" && field["value"] == "panic")
    };
    if list(&span["logs"]).iter().any(panicked) {
        return Outcome::Panic;
    }
    let told = |tag: &Value| {
        let is_true = tag["value"] == true || tag["value"] == "true";
        match tag["key"].as_str()? {
            "error" if is_true => Some(Outcome::Error),
            "otel.status_code" if tag["value"] == "ERROR" => Some(Outcome::Error),
            "cancelled" if is_true => Some(Outcome::Cancelled),
            _ => None,
        }
    };
    list(&span["tags"]).iter().filter_map(told).min().unwrap_or(Outcome::Well)
}

/// The id of the parent: the first CHILD_OF, else the first reference, within the trace.
fn parent(span: &Value) -> Option<&str> {
    let references = span["references"].as_array()?;
    let mut here = references.iter().filter(|reference| reference["traceID"] == span["traceID"]);
    let child = here.clone().find(|reference| reference["refType"] == "CHILD_OF");
    child.or_else(|| here.next()).and_then(|reference| reference["spanID"].as_str())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn span(id: &str, parent: &str, start: i64) -> Value {
        let references = match parent {
            "" => json!([]),
            parent => json!([{"refType": "CHILD_OF", "traceID": "t", "spanID": parent}]),
        };
        json!({"traceID": "t", "spanID": id, "operationName": id, "references": references, "startTime": start,
            "duration": 10, "tags": [], "processID": "p1"})
    }

    fn shape(spans: Vec<Value>) -> Vec<String> {
        let trace = json!({"traceID": "t", "spans": spans, "processes": {"p1": {"serviceName": "s"}}});
        let tree = Tree::new(&trace);
        tree.rows.iter().map(|row| format!("{}{}", "-".repeat(row.depth), row.operation)).collect()
    }

    #[test]
    fn children_come_behind_their_parent_by_start() {
        let spans = vec![span("c", "a", 30), span("d", "b", 25), span("b", "a", 20), span("a", "", 10)];
        assert_eq!(shape(spans), ["a", "-b", "--d", "-c"]);
    }

    #[test]
    fn every_span_is_there_once_whatever_they_refer_to() {
        let spans = vec![
            span("lost", "nowhere", 1),
            span("self", "self", 2),
            span("x", "y", 3),
            span("y", "x", 4),
            span("twin", "", 5),
            span("twin", "twin", 6),
        ];
        let mut shape = shape(spans);
        shape.sort();
        assert_eq!(shape, ["-twin", "-y", "lost", "self", "twin", "x"]);
    }

    #[test]
    fn the_outcome_is_the_worst_that_tags_and_logs_tell() {
        let error = json!({"key": "error", "value": true});
        let cancelled = json!({"key": "cancelled", "value": "true"});
        let panic = json!([{"timestamp": 1, "fields": [{"key": "event", "value": "panic"}]}]);
        for (tags, logs, expected) in [
            (json!([]), json!([]), Outcome::Well),
            (json!([{"key": "error", "value": false}]), json!([]), Outcome::Well),
            (json!([{"key": "cancelled", "value": 1}]), json!([]), Outcome::Well),
            (json!([cancelled]), json!([]), Outcome::Cancelled),
            (json!([cancelled, error]), json!([]), Outcome::Error),
            (json!([{"key": "otel.status_code", "value": "ERROR"}]), json!([]), Outcome::Error),
            (json!([error]), panic.clone(), Outcome::Panic),
            (Value::Null, panic, Outcome::Panic),
        ] {
            assert_eq!(outcome(&json!({"tags": tags, "logs": logs})), expected, "{tags} {logs}");
        }
    }

    #[test]
    fn a_chain_of_twenty_thousand_is_no_recursion() {
        let mut spans = vec![span("0", "", 0)];
        spans.extend((1..20_000).map(|n| span(&n.to_string(), &(n - 1).to_string(), n)));
        let shape = shape(spans);
        assert_eq!(shape.len(), 20_000);
        assert_eq!(shape[19_999], format!("{}19999", "-".repeat(DEEPEST + 1)));
    }
}
