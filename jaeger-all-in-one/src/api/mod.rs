//! The query API, as Jaeger answers it, and what ours adds: everything on the query port but the page.
//!
//! | routes | file |
//! |---|---|
//! | `/api/services`, `/api/services/{service}/operations`, `/api/operations` | `services` |
//! | `/api/traces`, `/api/traces/{id}`, `/api/archive/{id}`, `/api/transform` | `traces` |
//! | `/api/dependencies` | `dependencies` |
//! | `/api/metrics/{calls,errors,latencies,minstep}` | `metrics` |
//! | `/api/tags`, `/api/tags/{key}/values` (ours) | `completion` |
//! | `/api/v3/…` | `v3` |
//! | `/metrics`, `/health` (ours) | `status` |
//!
//! A request is read (`parameters`), asked of the store on a thread that may block, put in order by [`crate::rules`], and written (`json`) on that thread too.
//! Whatever is not here is a 404 (in a browser the page says it), and a method that is not taken a 405, in Jaeger's shape. `protect` stands around it all.

mod answer;
mod completion;
mod dependencies;
mod found;
mod json;
mod metrics;
mod packed;
mod parameters;
mod protect;
mod services;
mod status;
mod trace_json;
mod traces;
mod v3;

pub use protect::protect;

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use answer::{Body, Failure, Ready};

use crate::app::App;
use crate::store::Store;
use crate::values::Query;

/// All routes of the API.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/api/services", get(services::services))
        .route("/api/services/{service}/operations", get(services::names_of_operations))
        .route("/api/operations", get(services::operations))
        .route("/api/traces", get(traces::search))
        .route("/api/traces/{id}", get(traces::by_id))
        .route("/api/archive/{id}", post(traces::archive))
        .route("/api/transform", post(traces::transform))
        .route("/api/dependencies", get(dependencies::dependencies))
        .route("/api/metrics/calls", get(metrics::calls))
        .route("/api/metrics/errors", get(metrics::errors))
        .route("/api/metrics/latencies", get(metrics::latencies))
        .route("/api/metrics/minstep", get(metrics::minstep))
        .route("/api/tags", get(completion::keys))
        .route("/api/tags/{key}/values", get(completion::values))
        .merge(v3::router())
        .route("/metrics", get(status::metrics))
        .route("/health", get(status::health))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
}

/// A browser gets the page, which says so.
async fn unknown(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let page = if method == Method::GET { crate::page::missing(uri.path(), &headers) } else { None };
    page.unwrap_or_else(|| {
        Failure::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path())).into_response()
    })
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}

/// Asks the store, and writes the answer on the same thread: for a large trace that takes longer than the question. It keeps its place among the searches
/// until there is room for the answer.
async fn ask<F>(app: &App, question: F) -> Result<Ready, Failure>
where
    F: FnOnce(&dyn Store) -> Result<Body, Failure> + Send + 'static,
{
    let answers = app.answers.clone();
    app.ask(move |store| Ok(question(store).and_then(|body| body.wait(&answers)))).await?
}

/// The same for names, which are there at once and do not wait for searches.
async fn ask_briefly<F>(app: &App, question: F) -> Result<Ready, Failure>
where
    F: FnOnce(&dyn Store) -> Result<Body, Failure> + Send + 'static,
{
    let answers = app.answers.clone();
    app.ask_briefly(move |store| Ok(question(store).and_then(|body| body.wait(&answers)))).await?
}

/// The query string of a request.
fn query(raw: RawQuery) -> Query {
    Query::parse(&raw.0.unwrap_or_default())
}

/// Said when a name in a path cannot be read.
const BAD_ESCAPE: &str = "the path holds a % that is followed by no two hexadecimal digits";

/// µs since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.ok().and_then(|since| since.as_micros().try_into().ok()).unwrap_or_default()
}

/// Part `at` of a path, as it was sent.
fn segment(uri: &Uri, at: usize) -> &str {
    uri.path().split('/').nth(at + 1).unwrap_or_default()
}
