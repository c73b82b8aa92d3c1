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
use super::{ask, ask_briefly, now, query, segment};
use crate::app::App;
use crate::rules::{Version, show};
use crate::store::Trace;
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
    let answer = ask(&app, move |store| write(store.traces(&[id])?, raw, &query));
    answer.await.map_err(Failure::v3)
}

async fn find(State(app): State<App>, raw: RawQuery) -> Answer {
    let query = query(raw);
    let answer = async {
        let Find { query: wanted, raw } = Find::read(&query)?;
        ask(&app, move |store| write(store.traces(&store.find(&wanted)?)?, raw, &query)).await
    };
    answer.await.map_err(Failure::v3)
}

#[derive(Serialize)]
struct Wrapped<T> {
    result: T,
}

fn write(found: Vec<Trace>, raw: bool, query: &Query) -> Result<Body, Failure> {
    if found.is_empty() {
        return Err(Failure::new(StatusCode::NOT_FOUND, "No traces found"));
    }
    let shown: Vec<_> = found.into_iter().map(|trace| show(trace, raw, Version::Three)).collect();
    Ok(Body::new(&Wrapped { result: otlp::TracesV3::new(&shown, raw) }, query))
}
