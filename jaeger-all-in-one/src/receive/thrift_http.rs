//! Thrift over HTTP, 14268: `POST /api/traces` with a bare `Batch` in the binary protocol. The whole batch is taken, or refused with a line that says why.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jaeger_thrift::{Batch, Protocol};

use super::body::{self, Refusal};
use super::cause;
use crate::app::App;
use crate::counters::{Cause, Receiver};

/// The port's routes.
pub fn router(app: App) -> Router {
    Router::new().route("/api/traces", post(traces)).with_state(app)
}

async fn traces(State(app): State<App>, request: Request) -> Response {
    match take(&app, request).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => {
            app.counters.refused(Receiver::ThriftHttp, refusal.cause, 1);
            (refusal.status, refusal.message + "\n").into_response()
        }
    }
}

async fn take(app: &App, request: Request) -> Result<(), Refusal> {
    let media_type = body::media_type(request.headers());
    if !matches!(&*media_type, "application/x-thrift" | "application/vnd.apache.thrift.binary") {
        // Jaeger answers 400 here, not 415.
        let message = format!("content type {media_type:?} is not taken; application/x-thrift is");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, Cause::MediaType, message));
    }
    let body = body::read(request).await?;
    let app = app.clone();
    let size = body.bytes.len();
    let work = move || match Batch::decode(Protocol::Binary, &body.bytes) {
        Ok(batch) => {
            app.take(Receiver::ThriftHttp, batch);
            Ok(())
        }
        Err(error) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            cause(&error),
            format!("the body is no batch of spans: {error}"),
        )),
    };
    body::aside(work, size).await
}
