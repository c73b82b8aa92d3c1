//! OTLP: over HTTP (4318, protobuf and JSON) and gRPC (4317). A request is taken whole or refused whole.
//!
//! | file | job |
//! |---|---|
//! | [`map`] | OpenTelemetry's messages to batches, as Jaeger shows them |
//! | [`json`] | OTLP's JSON to the same messages, in every spelling that clients use |
//! | `wire` | OTLP's protobuf to batches, without the messages in between |
//! | [`http`], [`grpc`] | the two ports |
//! | `metered` | bodies of gRPC, which are read by the library, within the budget of all bodies |

pub mod grpc;
pub mod http;
pub mod json;
pub mod map;
mod metered;
mod wire;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::app::App;
use crate::counters::Receiver;

/// Why a request in protobuf is refused; the text says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no such message.
    Broken(String),
    /// It is one, with an id of a wrong length.
    Invalid(String),
}

/// Takes a request in OTLP's protobuf in, whole: what both ports do with it.
///
/// # Errors
/// If it is no such request; then nothing of it is taken, and nothing counted yet.
///
/// ```
/// use jaeger_all_in_one::{App, Config, store::memory::MemoryStore};
/// use jaeger_all_in_one::{counters::Receiver, receive::otlp::{Unreadable, take_protobuf}};
/// let app = App::new(Config::default(), Box::new(MemoryStore::new(64 << 20)));
/// assert_eq!(take_protobuf(&app, Receiver::OtlpHttp, b""), Ok(()), "a request without spans");
/// assert!(matches!(take_protobuf(&app, Receiver::OtlpHttp, b"\x0a\xff"), Err(Unreadable::Broken(_))));
/// ```
pub fn take_protobuf(app: &App, receiver: Receiver, bytes: &[u8]) -> Result<(), Unreadable> {
    let quick =
        app.take_read(receiver, bytes.len(), |sink| wire::read(bytes, sink).ok_or(()), || bytes.to_vec());
    if quick.is_ok() {
        return Ok(());
    }
    let request = ExportTraceServiceRequest::decode(bytes);
    let request = request.map_err(|error| Unreadable::Broken(error.to_string()))?;
    let batches = map::batches(request).map_err(Unreadable::Invalid)?;
    app.take_otlp(receiver, batches, || bytes.to_vec());
    Ok(())
}

/// The batches of a request in OTLP's JSON, in Jaeger's form: what `POST /api/transform` turns round.
///
/// # Errors
/// If it is no such request; the text says where.
///
/// ```
/// let json = br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0000000000000000000000000000000a", "name": "get"}]}]}]}"#;
/// let batches = jaeger_all_in_one::receive::otlp::batches_of_json(json)?;
/// assert_eq!(batches[0].spans[0].trace_id, 10);
/// # Ok::<(), String>(())
/// ```
pub fn batches_of_json(bytes: &[u8]) -> Result<Vec<jaeger_thrift::Batch<'static>>, String> {
    map::batches(json::request(bytes)?)
}
