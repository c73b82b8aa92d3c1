//! Ports that take spans in. Each file is one protocol: bytes to [`jaeger_thrift::Batch`], refusals to a [`Cause`].

pub(crate) mod body;
mod budget;
mod http;
pub mod otlp;
pub(crate) mod port;
mod quick;
pub mod thrift_http;
pub mod udp;
pub mod unpacked;
pub mod zipkin;

use jaeger_thrift::{DecodeError, DecodeErrorKind};

pub(crate) use self::budget::Held;

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

/// Has the system's allocator keep what bodies free for the bodies to come.
///
/// One is some hundred kilobytes that live for a millisecond. As it starts, glibc gives such memory back to the kernel each time, and has it mapped and
/// zeroed page by page for the next one, which costs as much as reading the spans. Once a mapping of some size was freed it keeps twice as much (mallopt(3),
/// `M_MMAP_THRESHOLD`); the one that is freed here is never touched. With another allocator this does nothing.
pub(crate) fn keep_memory() {
    /// Bytes; twice as many are kept.
    const FREED: usize = 4 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(FREED)));
}
