//! `POST /v1/traces` on 4318. The answer is of the kind that the request was.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use prost::Message;
use serde_json::json;

use super::{Unreadable, json as otlp_json, map};
use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::forward::Way;
use crate::receive::body::{self, Refusal};

/// The port's routes.
pub fn router(app: App) -> Router {
    Router::new().route("/v1/traces", post(traces)).with_state(app)
}

#[derive(Clone, Copy)]
enum Kind {
    Protobuf,
    Json,
}

/// gRPC's status, which errors are told in.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

/// gRPC's number for an invalid argument, for what the client did wrong.
const INVALID_ARGUMENT: i32 = 3;
/// And for what may go well another time.
const UNAVAILABLE: i32 = 14;

async fn traces(State(app): State<App>, request: Request) -> Response {
    let kind = match &*body::media_type(request.headers()) {
        "application/x-protobuf" | "application/protobuf" => Kind::Protobuf,
        "application/json" => Kind::Json,
        _ => {
            app.counters.refused(Receiver::OtlpHttp, Cause::MediaType, 1);
            let supported =
                "415 unsupported media type, supported: [application/json, application/x-protobuf]";
            return (StatusCode::UNSUPPORTED_MEDIA_TYPE, supported).into_response();
        }
    };
    match take(&app, kind, request).await {
        Ok(()) => match kind {
            Kind::Protobuf => answer(StatusCode::OK, kind, vec![0x0a, 0]),
            Kind::Json => answer(StatusCode::OK, kind, br#"{"partialSuccess":{}}"#.to_vec()),
        },
        Err(refusal) => {
            app.counters.refused(Receiver::OtlpHttp, refusal.cause, 1);
            let code = if refusal.cause == Cause::Timeout { UNAVAILABLE } else { INVALID_ARGUMENT };
            let bytes = match kind {
                Kind::Protobuf => Status { code, message: refusal.message }.encode_to_vec(),
                Kind::Json => json!({"code": code, "message": refusal.message}).to_string().into_bytes(),
            };
            answer(refusal.status, kind, bytes)
        }
    }
}

fn answer(status: StatusCode, kind: Kind, bytes: Vec<u8>) -> Response {
    let kind = match kind {
        Kind::Protobuf => "application/x-protobuf",
        Kind::Json => "application/json",
    };
    (status, [(header::CONTENT_TYPE, kind)], bytes).into_response()
}

async fn take(app: &App, kind: Kind, request: Request) -> Result<(), Refusal> {
    let body = body::read(request).await?;
    let app = app.clone();
    let size = body.bytes.len();
    let work = move || match kind {
        Kind::Protobuf => {
            super::take_protobuf(&app, Receiver::OtlpHttp, &body.bytes).map_err(|error| match error {
                Unreadable::Broken(message) | Unreadable::Invalid(message) => Refusal::invalid(message),
            })
        }
        Kind::Json => {
            let request = otlp_json::request(&body.bytes).map_err(Refusal::invalid)?;
            let original = app.forward.has(Way::Otlp).then(|| request.encode_to_vec());
            let batches = map::batches(request).map_err(Refusal::invalid)?;
            app.take_otlp(Receiver::OtlpHttp, batches, || original.unwrap_or_default());
            Ok(())
        }
    };
    body::aside(work, size).await
}
