//! How the program is: `/metrics` for Prometheus, `/health` for whoever starts it. Not Jaeger's; ours.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer::{Body, Failure};
use crate::app::App;
use crate::values::Query;

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let mut text = String::new();
    app.counters.write_prometheus(&mut text);
    app.forward.write_prometheus(&mut text);
    let stats = match app.ask_briefly(|store| Ok(store.stats())).await {
        Ok(stats) => stats,
        Err(error) => return Failure::from(error).into_response(),
    };
    let mut line = |name: &str, kind: &str, help: &str, value: u64| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    line("jaeger_store_spans", "gauge", "Spans held.", stats.spans);
    line("jaeger_store_traces", "gauge", "Traces held.", stats.traces);
    line("jaeger_store_bytes", "gauge", "Bytes held, indexes included.", stats.bytes);
    line(
        "jaeger_store_bytes_limit",
        "gauge",
        "Bytes that may be held; 0 if they are not bounded.",
        stats.bytes_limit,
    );
    line(
        "jaeger_store_evicted_spans_total",
        "counter",
        "Spans dropped to make room or for their age.",
        stats.evicted_spans,
    );
    line(
        "jaeger_store_unwritten_spans",
        "gauge",
        "Spans held that the database has not taken yet, because it cannot be written.",
        stats.unwritten,
    );
    line(
        "jaeger_store_trouble",
        "gauge",
        "1 while something is wrong with the store.",
        stats.trouble.is_some().into(),
    );
    line(
        "jaeger_answers_bytes",
        "gauge",
        "Bytes of large answers that were written and not yet taken.",
        app.answers.bytes() as u64,
    );
    line("jaeger_uptime_seconds", "gauge", "Seconds since the start.", app.started.elapsed().as_secs());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// `GET /health`: 200 while all is well, 503 with the reason while the store has trouble (it still takes spans in).
pub(super) async fn health(State(app): State<App>) -> Response {
    let uptime = app.started.elapsed().as_secs();
    let trouble = match app.ask_briefly(|store| Ok(store.stats())).await {
        Ok(stats) => stats.trouble,
        Err(error) => Some(error.to_string()),
    };
    let status = if trouble.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if trouble.is_none() { "ok" } else { "trouble" },
        "trouble": trouble,
        "version": env!("CARGO_PKG_VERSION"),
        "uptimeSeconds": uptime,
    });
    (status, Body::new(&body, &Query::default()).small()).into_response()
}
