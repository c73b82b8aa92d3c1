//! `POST /v1/traces` on 4318. The answer is of the kind that the request was.

use hyper::StatusCode;
use prost::Message;
use serde_json::json;

use super::{Unreadable, json as otlp_json, map};
use crate::app::App;
use crate::counters::{Cause, Receiver};
use crate::forward::Way;
use crate::receive::body::{self, Refusal};
use crate::receive::http::{self, Answer, Request};
use crate::receive::quick::Quick;
use crate::receive::unpacked;

/// What exporters send, if they pack nothing.
pub(crate) const QUICK: Quick = Quick {
    path: "/v1/traces",
    media_type: "application/x-protobuf",
    status: "200 OK",
    answer_type: "application/x-protobuf",
    answer: TAKEN,
    take: |app, bytes| super::take_protobuf(app, Receiver::OtlpHttp, bytes).is_ok(),
};

/// All was taken: a partial success of which nothing is told.
const TAKEN: &[u8] = &[0x0a, 0];

/// Answers a request to the port.
pub(crate) async fn answer(app: App, request: Request) -> Answer {
    match http::refused(&request, &[QUICK.path]) {
        Some(refused) => refused,
        None => traces(app, request).await,
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Protobuf,
    Json,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Protobuf => "application/x-protobuf",
            Kind::Json => "application/json",
        }
    }
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

async fn traces(app: App, request: Request) -> Answer {
    let kind = match &*body::media_type(request.headers()) {
        "application/x-protobuf" | "application/protobuf" => Kind::Protobuf,
        "application/json" => Kind::Json,
        _ => {
            app.counters.refused(Receiver::OtlpHttp, Cause::MediaType, 1);
            let supported =
                "415 unsupported media type, supported: [application/json, application/x-protobuf]";
            return http::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, supported);
        }
    };
    match take(&app, kind, request).await {
        Ok(()) => match kind {
            Kind::Protobuf => http::answer(StatusCode::OK, kind.name(), TAKEN),
            Kind::Json => http::answer(StatusCode::OK, kind.name(), r#"{"partialSuccess":{}}"#),
        },
        Err(refusal) => {
            app.counters.refused(Receiver::OtlpHttp, refusal.cause, 1);
            let code = if refusal.cause == Cause::Timeout { UNAVAILABLE } else { INVALID_ARGUMENT };
            let bytes = match kind {
                Kind::Protobuf => Status { code, message: refusal.message }.encode_to_vec(),
                Kind::Json => json!({"code": code, "message": refusal.message}).to_string().into_bytes(),
            };
            http::answer(refusal.status, kind.name(), bytes)
        }
    }
}

async fn take(app: &App, kind: Kind, request: Request) -> Result<(), Refusal> {
    let body = body::read(request).await?;
    let becomes = match kind {
        Kind::Protobuf => unpacked::protobuf,
        Kind::Json => unpacked::json,
    };
    let room = body::room(&body.bytes, becomes).await?;
    let app = app.clone();
    let size = body.bytes.len();
    let work = move || {
        let _room = room;
        match kind {
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
        }
    };
    body::aside(work, size).await
}
