//! Jaeger's HTTP JSON, and ours: what stands under `/api`, `/metrics` and `/health` on the query port.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::app::App;

/// All routes of the API.
pub fn router(app: App) -> Router {
    Router::new().route("/api/services", get(services)).route("/metrics", get(metrics)).with_state(app)
}

async fn services(State(app): State<App>) -> Json<Value> {
    match app.ask(|store| store.services()).await {
        Ok(names) => {
            Json(json!({"data": names, "total": names.len(), "limit": 0, "offset": 0, "errors": null}))
        }
        Err(error) => Json(json!({"data": null, "total": 0, "limit": 0, "offset": 0,
            "errors": [{"code": 500, "msg": error.to_string()}]})),
    }
}

async fn metrics(State(app): State<App>) -> String {
    let mut text = String::new();
    app.counters.write_prometheus(&mut text);
    text
}
