//! Who calls whom: for each pair of services, how many spans of one have a parent in the other.
//!
//! A trace counts if it lies wholly within the time asked for, and then each span with a parent in the trace counts one: calls within a service too, and
//! whatever the kinds of the two are.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::answer::{Body, Envelope, Failure, Ready};
use super::{ask, now, parameters, query};
use crate::app::App;
use crate::store::{Scan, TraceHeads};

/// How far back is looked where nothing is said, µs.
const LOOKBACK: i64 = 24 * 3600 * 1_000_000;

#[derive(Serialize)]
struct Link<'s> {
    parent: &'s str,
    child: &'s str,
    #[serde(rename = "callCount")]
    calls: u64,
}

/// `GET /api/dependencies`
pub(super) async fn dependencies(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let (start, end) = parameters::range(&query, now(), LOOKBACK)?;
    if end < start {
        let message = "end time must be greater than start time";
        return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message));
    }
    ask(&app, move |store| {
        let mut calls = BTreeMap::new();
        let range = Scan { service: None, start_min: start, start_max: end };
        store.scan_traces(&range, &mut |trace| {
            count(&trace, start, end, &mut calls);
            ControlFlow::Continue(())
        })?;
        let service = query.get("service");
        let links: Vec<Link<'_>> = calls
            .iter()
            .filter(|((parent, child), _)| {
                service.is_none_or(|service| service == parent || service == child)
            })
            .map(|((parent, child), &calls)| Link { parent, child, calls })
            .collect();
        Ok(Body::new(&Envelope::of(links), &query))
    })
    .await
}

/// Counts the calls of a trace, if it begins after `start` and ends before `end`.
fn count(trace: &TraceHeads<'_>, start: i64, end: i64, calls: &mut BTreeMap<(String, String), u64>) {
    let inside = trace
        .spans
        .iter()
        .all(|span| span.start_time > start && span.start_time.saturating_add(span.duration.max(0)) < end);
    if !inside {
        return;
    }
    let mut services: HashMap<u64, &str> = HashMap::with_capacity(trace.spans.len());
    let servers = || trace.spans.iter().filter(|span| span.kind == "server");
    // Of spans that share an id the first, but a server before its client: what is below them is below the server (`rules::ids`).
    for span in servers().chain(trace.spans) {
        services.entry(span.span_id).or_insert(span.service);
    }
    // Counted with borrowed names first: a trace has many calls and few pairs of services.
    let mut here: HashMap<(&str, &str), u64> = HashMap::new();
    for span in trace.spans.iter().filter(|span| span.parent_span_id != 0) {
        if let Some(parent) = services.get(&span.parent_span_id) {
            *here.entry((parent, span.service)).or_default() += 1;
        }
    }
    for ((parent, child), n) in here {
        *calls.entry((parent.to_owned(), child.to_owned())).or_default() += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SpanHead;

    fn span(span_id: u64, parent_span_id: u64, service: &'static str, start_time: i64) -> SpanHead<'static> {
        SpanHead {
            span_id,
            parent_span_id,
            service,
            operation: "o",
            start_time,
            duration: 5,
            kind: "",
            error: false,
            panic: false,
            cancelled: false,
        }
    }

    fn counted(spans: &[SpanHead<'_>]) -> Vec<(String, String, u64)> {
        let mut calls = BTreeMap::new();
        count(&TraceHeads { trace_id: 1, spans }, 0, 100, &mut calls);
        calls.into_iter().map(|((parent, child), n)| (parent, child, n)).collect()
    }

    #[test]
    fn each_span_with_a_parent_counts() {
        let spans = [
            span(1, 0, "a", 1),
            span(2, 1, "b", 2),
            span(3, 1, "b", 3),
            span(4, 2, "b", 4),
            span(5, 9, "c", 5),
        ];
        assert_eq!(counted(&spans), [("a".into(), "b".into(), 2), ("b".into(), "b".into(), 1)]);
        // Of a client and a server with the same id the server is.
        let shared = [
            span(1, 0, "a", 1),
            span(2, 1, "a", 2),
            SpanHead { kind: "server", ..span(2, 1, "b", 3) },
            span(3, 2, "c", 4),
        ];
        let expected =
            [("a".into(), "a".into(), 1), ("a".into(), "b".into(), 1), ("b".into(), "c".into(), 1)];
        assert_eq!(counted(&shared), expected);
        // Of two spans with the same id the first is the parent; a span may be its own.
        let spans = [span(1, 1, "a", 1), span(1, 0, "b", 2), span(2, 1, "c", 3)];
        assert_eq!(counted(&spans), [("a".into(), "a".into(), 1), ("a".into(), "c".into(), 1)]);
    }

    #[test]
    fn only_traces_wholly_inside() {
        for start in [0, 95, 96, i64::MAX, i64::MIN] {
            assert_eq!(counted(&[span(1, 0, "a", 50), span(2, 1, "a", start)]), [], "{start}");
        }
        assert_eq!(counted(&[span(1, 0, "a", 50), span(2, 1, "a", 94)]).len(), 1);
    }
}
