//! Thrift over HTTP, 14268: `POST /api/traces` with a bare `Batch` in the binary protocol. The whole batch is taken, or refused with a line that says why.

use hyper::StatusCode;
use jaeger_thrift::{Batch, DecodeError, Protocol};

use super::body::{self, Refusal};
use super::cause;
use super::http::{self, Answer, Request};
use super::quick::Quick;
use crate::app::App;
use crate::counters::{Cause, Receiver};

/// What clients send.
pub(crate) const QUICK: Quick = Quick {
    path: "/api/traces",
    media_type: "application/x-thrift",
    status: "202 Accepted",
    answer_type: "",
    answer: b"",
    take: |app, bytes| take_batch(app, bytes).is_ok(),
};

/// Answers a request to the port.
pub(crate) async fn answer(app: App, request: Request) -> Answer {
    if let Some(refused) = http::refused(&request, &[QUICK.path]) {
        return refused;
    }
    match take(&app, request).await {
        Ok(()) => http::answer(StatusCode::ACCEPTED, "", ""),
        Err(refusal) => {
            app.counters.refused(Receiver::ThriftHttp, refusal.cause, 1);
            http::text(refusal.status, refusal.message + "\n")
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
    let work = move || {
        take_batch(&app, &body.bytes).map_err(|error| {
            let message = format!("the body is no batch of spans: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, cause(&error), message)
        })
    };
    body::aside(work, size).await
}

/// Takes the body of a request in, whole.
///
/// # Errors
/// If it is no batch; then nothing of it is taken, and nothing counted yet.
///
/// ```
/// use jaeger_all_in_one::{App, Config, receive::thrift_http, store::memory::MemoryStore};
/// let app = App::new(Config::default(), Box::new(MemoryStore::new(64 << 20)));
/// assert!(thrift_http::take_batch(&app, b"no batch").is_err());
/// ```
pub fn take_batch(app: &App, bytes: &[u8]) -> Result<(), DecodeError> {
    let receiver = Receiver::ThriftHttp;
    app.take_read(receiver, bytes.len(), |sink| Batch::read(Protocol::Binary, bytes, sink), Vec::new)
}
