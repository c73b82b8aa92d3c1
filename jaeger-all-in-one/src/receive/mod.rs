//! Ports that take spans in. Each file is one protocol: bytes to [`jaeger_thrift::Batch`], refusals to a [`Cause`].

mod body;
pub mod otlp;
pub mod thrift_http;
pub mod udp;
pub mod zipkin;

use jaeger_thrift::{DecodeError, DecodeErrorKind};

use crate::counters::Cause;

/// The cause under which unreadable Thrift is counted.
pub fn cause(error: &DecodeError) -> Cause {
    match error.kind() {
        DecodeErrorKind::Truncated => Cause::Truncated,
        DecodeErrorKind::Negative(_) | DecodeErrorKind::Length { .. } | DecodeErrorKind::Count { .. } => {
            Cause::Bounds
        }
        DecodeErrorKind::TooDeep => Cause::TooDeep,
        DecodeErrorKind::NotThisProtocol(_)
        | DecodeErrorKind::Version(_)
        | DecodeErrorKind::MessageType(_)
        | DecodeErrorKind::UnknownMethod(_) => Cause::NotOurs,
        _ => Cause::Invalid,
    }
}
