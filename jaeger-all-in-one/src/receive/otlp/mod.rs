//! OTLP: over HTTP (4318, protobuf and JSON) and gRPC (4317). A request is taken whole or refused whole.
//!
//! | file | job |
//! |---|---|
//! | [`map`] | OpenTelemetry's messages to batches, as Jaeger shows them |
//! | [`json`] | OTLP's JSON to the same messages, in every spelling that clients use |
//! | `wire` | OTLP's protobuf to batches, without the messages in between |
//! | [`http`], [`grpc`] | the two ports |

pub mod grpc;
pub mod http;
pub mod json;
pub mod map;
mod wire;

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
