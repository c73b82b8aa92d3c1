//! `/api/v3`: the same traces in OpenTelemetry's JSON, and summaries of them.
//!
//! | route | answer |
//! |---|---|
//! | `/api/v3/services` | `{"services":[…]}` |
//! | `/api/v3/operations?service=&span_kind=` | `{"operations":[{"name","spanKind"}]}` |
//! | `/api/v3/traces/{trace_id}`, `/api/v3/traces?query.…` | `{"result":{"resourceSpans":[…]}}` |
//! | `/api/v3/trace-summaries?query.…` | `{"summaries":[…]}`, newest first; what the page asks |
//!
//! Failures are `{"error":{"httpCode","message"}}`.

mod otlp;
mod parameters;
mod summaries;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use serde::Serialize;

use super::answer::{Body, Failure, FailureV3, Ready};
use super::found::{Found, MOST};
use super::{ask, ask_briefly, now, query, segment};
use crate::app::App;
use crate::store::Store;
use crate::values::Query;
use parameters::{Find, one};

type Answer = Result<Ready, FailureV3>;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/v3/services", get(services))
        .route("/api/v3/operations", get(operations))
        .route("/api/v3/traces", get(find))
        .route("/api/v3/traces/{id}", get(by_id))
        .route("/api/v3/trace-summaries", get(summaries::summaries))
}

#[derive(Serialize)]
struct Services {
    services: Vec<String>,
}

async fn services(State(app): State<App>, raw: RawQuery) -> Answer {
    let query = query(raw);
    let answer =
        ask_briefly(&app, move |store| Ok(Body::new(&Services { services: store.services()? }, &query)));
    answer.await.map_err(Failure::v3)
}

#[derive(Serialize)]
struct Operations<'o> {
    operations: Vec<OperationV3<'o>>,
}

#[derive(Serialize)]
struct OperationV3<'o> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'o str,
    #[serde(rename = "spanKind", skip_serializing_if = "str::is_empty")]
    kind: &'o str,
}

async fn operations(State(app): State<App>, raw: RawQuery) -> Answer {
    let query = query(raw);
    let answer = ask_briefly(&app, move |store| {
        let kind = query.get("span_kind");
        let mut all = store.operations(query.get("service").unwrap_or_default())?;
        all.retain(|one| kind.is_none_or(|kind| kind == one.kind));
        let operations = all.iter().map(|one| OperationV3 { name: &one.name, kind: &one.kind }).collect();
        Ok(Body::new(&Operations { operations }, &query))
    });
    answer.await.map_err(Failure::v3)
}

async fn by_id(State(app): State<App>, uri: Uri, raw: RawQuery) -> Answer {
    let query = query(raw);
    let (id, raw) = one(segment(&uri, 3), &query).map_err(Failure::v3)?;
    let answer = ask(&app, move |store| write(store, &[id], raw, &query, MOST));
    answer.await.map_err(Failure::v3)
}

async fn find(State(app): State<App>, raw: RawQuery) -> Answer {
    let query = query(raw);
    let answer = async {
        let Find { query: wanted, raw } = Find::read(&query)?;
        ask(&app, move |store| write(store, &store.find(&wanted)?, raw, &query, MOST)).await
    };
    answer.await.map_err(Failure::v3)
}

#[derive(Serialize)]
struct Wrapped<T> {
    result: T,
}

fn write(store: &dyn Store, ids: &[u128], raw: bool, query: &Query, most: usize) -> Result<Body, Failure> {
    let traces = otlp::TracesV3::new(Found::new(store, ids), raw);
    let advice = "ask for fewer traces with query.num_traces, or for /api/v3/trace-summaries";
    let body = traces.found.write(&Wrapped { result: &traces }, query, most, advice)?;
    // Also where all went between being found and being read.
    if traces.written() == 0 {
        return Err(Failure::new(StatusCode::NOT_FOUND, "No traces found"));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json;
    use crate::store::memory::MemoryStore;
    use crate::store::{
        Answer, Appended, EachSpan, EachTrace, Operation, Scan, StoreStats, Trace, TraceQuery,
    };
    use jaeger_thrift::{Batch, Process, Span};
    use std::sync::Mutex;

    /// Notes how many spans are asked for at a time.
    #[derive(Debug)]
    struct Noting(MemoryStore, Mutex<Vec<usize>>);

    impl Store for Noting {
        fn append(&self, batch: &Batch<'_>) -> Appended {
            self.0.append(batch)
        }
        fn find_while(&self, query: &TraceQuery, go_on: &dyn Fn() -> bool) -> Answer<Vec<u128>> {
            self.0.find_while(query, go_on)
        }
        fn traces(&self, ids: &[u128]) -> Answer<Vec<Trace>> {
            let traces = self.0.traces(ids)?;
            self.1.lock().unwrap().push(traces.iter().map(|trace| trace.spans.len()).sum());
            Ok(traces)
        }
        fn heads(&self, ids: &[u128], each: EachTrace<'_>) -> Answer<()> {
            self.0.heads(ids, each)
        }
        fn scan_traces(&self, range: &Scan, each: EachTrace<'_>) -> Answer<()> {
            self.0.scan_traces(range, each)
        }
        fn scan(&self, range: &Scan, each: EachSpan<'_>) -> Answer<()> {
            self.0.scan(range, each)
        }
        fn services(&self) -> Answer<Vec<String>> {
            self.0.services()
        }
        fn operations(&self, service: &str) -> Answer<Vec<Operation>> {
            self.0.operations(service)
        }
        fn stats(&self) -> StoreStats {
            self.0.stats()
        }
        fn describe(&self) -> String {
            self.0.describe()
        }
    }

    #[test]
    fn many_traces_are_read_some_at_a_time_and_not_written_without_end() {
        let store = Noting(MemoryStore::new(64 << 20), Mutex::default());
        let span = |n: u64| Span { trace_id: u128::from(n % 40 + 1), span_id: n + 1, ..Span::default() };
        let spans = (0..80_000).map(span).collect();
        store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
        let ids: Vec<u128> = (1..=41).rev().collect();
        let query = Query::parse("");
        let traces = otlp::TracesV3::new(Found::new(&store, &ids), true);
        let text = json::write(&Wrapped { result: &traces }, false);
        let at_once = std::mem::take(&mut *store.1.lock().unwrap());
        assert_eq!((at_once.iter().sum::<usize>(), traces.written()), (80_000, 40));
        assert!(at_once.iter().all(|spans| *spans <= 25_000), "{at_once:?}");
        let answer: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let resources = answer["result"]["resourceSpans"].as_array().unwrap();
        let first =
            |resource: &serde_json::Value| resource["scopeSpans"][0]["spans"][0]["traceId"].to_string();
        let expected: Vec<String> = (1..=40).rev().map(|id| format!("\"{id:032x}\"")).collect();
        assert_eq!(resources.iter().map(first).collect::<Vec<_>>(), expected, "in the order asked for");
        assert!(write(&store, &ids, true, &query, text.len() + (64 << 10)).is_ok());
        assert!(write(&store, &ids, true, &query, text.len() / 2).is_err());
        assert!(write(&store, &[99], true, &query, MOST).is_err(), "404");
    }
}
