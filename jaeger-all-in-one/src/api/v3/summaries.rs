//! Traces in a few words each: what a list of results shows, without their spans.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use axum::extract::{RawQuery, State};
use serde::Serialize;

use super::parameters::Find;
use super::{Answer, ask, now, query};
use crate::api::answer::{Body, Failure};
use crate::app::App;
use crate::store::TraceHeads;

#[derive(Serialize)]
struct Summaries {
    summaries: Vec<Summary>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    trace_id: String,
    root_service_name: String,
    root_operation_name: String,
    min_start_time_unix_nano: String,
    max_end_time_unix_nano: String,
    span_count: usize,
    error_span_count: usize,
    /// Spans that ended by a panic.
    panic_span_count: usize,
    /// Spans whose work was dropped before its end.
    cancelled_span_count: usize,
    /// Spans whose parent is not there.
    orphan_span_count: usize,
    services: Vec<Service>,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    name: String,
    span_count: usize,
    error_span_count: usize,
}

/// `GET /api/v3/trace-summaries`
pub(super) async fn summaries(State(app): State<App>, raw: RawQuery) -> Answer {
    let query = query(raw);
    let answer = async {
        let find = Find::read_or_default(&query, now())?;
        ask(&app, move |store| {
            let mut summaries = Vec::new();
            store.heads(&store.find(&find.query)?, &mut |trace| {
                summaries.extend(summary(&trace));
                ControlFlow::Continue(())
            })?;
            Ok(Body::new(&Summaries { summaries }, &query))
        })
        .await
    };
    answer.await.map_err(Failure::v3)
}

/// The root is the first span without a parent; where all have one, the first whose parent is not there; where there is none either, the first.
fn summary(trace: &TraceHeads<'_>) -> Option<Summary> {
    let spans = trace.spans;
    let ids: HashSet<u64> = spans.iter().map(|span| span.span_id).collect();
    let orphan = |parent: u64| parent != 0 && !ids.contains(&parent);
    let root = spans
        .iter()
        .find(|span| span.parent_span_id == 0)
        .or_else(|| spans.iter().find(|span| orphan(span.parent_span_id)))
        .or(spans.first())?;
    let mut services: BTreeMap<&str, Service> = BTreeMap::new();
    for span in spans {
        let service = services
            .entry(span.service)
            .or_insert_with(|| Service { name: span.service.to_owned(), ..Service::default() });
        service.span_count += 1;
        service.error_span_count += usize::from(span.error);
    }
    let start = spans.iter().map(|span| span.start_time).min()?;
    let end = spans.iter().map(|span| span.start_time.saturating_add(span.duration.max(0))).max()?;
    // Nanoseconds without a sign, which is what callers take.
    let nanos = |micros: i64| (i128::from(micros.max(0)) * 1_000).to_string();
    Some(Summary {
        trace_id: format!("{:032x}", trace.trace_id),
        root_service_name: root.service.to_owned(),
        root_operation_name: root.operation.to_owned(),
        min_start_time_unix_nano: nanos(start),
        max_end_time_unix_nano: nanos(end),
        span_count: spans.len(),
        error_span_count: spans.iter().filter(|span| span.error).count(),
        panic_span_count: spans.iter().filter(|span| span.panic).count(),
        cancelled_span_count: spans.iter().filter(|span| span.cancelled).count(),
        orphan_span_count: spans.iter().filter(|span| orphan(span.parent_span_id)).count(),
        services: services.into_values().collect(),
    })
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
            operation: service,
            start_time,
            duration: 10,
            kind: "",
            error: span_id == 2,
            panic: span_id == 2,
            cancelled: span_id > 1,
        }
    }

    #[test]
    fn what_a_trace_is() {
        let spans = [span(2, 1, "b", 5), span(1, 0, "a", 6), span(3, 9, "b", 7)];
        let told = summary(&TraceHeads { trace_id: 0xabc, spans: &spans }).unwrap();
        let service = |name: &str, span_count, error_span_count| Service {
            name: name.into(),
            span_count,
            error_span_count,
        };
        let expected = Summary {
            trace_id: format!("{:032x}", 0xabc),
            root_service_name: "a".into(),
            root_operation_name: "a".into(),
            min_start_time_unix_nano: "5000".into(),
            max_end_time_unix_nano: "17000".into(),
            span_count: 3,
            error_span_count: 1,
            panic_span_count: 1,
            cancelled_span_count: 2,
            orphan_span_count: 1,
            services: vec![service("a", 1, 0), service("b", 2, 1)],
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn traces_without_a_root() {
        let root = |spans: &[SpanHead<'_>]| {
            summary(&TraceHeads { trace_id: 1, spans }).map(|summary| summary.root_operation_name)
        };
        assert_eq!(root(&[span(1, 2, "a", 1), span(2, 9, "b", 2)]).as_deref(), Some("b"));
        assert_eq!(root(&[span(1, 2, "a", 1), span(2, 1, "b", 2)]).as_deref(), Some("a"));
        assert_eq!(root(&[]), None);
        let odd = summary(&TraceHeads { trace_id: 1, spans: &[span(1, 0, "a", i64::MIN)] }).unwrap();
        assert_eq!(odd.min_start_time_unix_nano, "0");
    }
}
