//! Jaeger wire.
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod model;
mod pack;
mod protocol;
mod source;
#[cfg(feature = "thrift")]
mod via_thrift;

pub use decode::{DecodeError, DecodeErrorKind};
pub use encode::encode_span;
pub use model::{Batch, ClientStats, Log, Process, RefType, Span, SpanRef, Tag, Value};
pub use pack::{DEFAULT_LIMIT, Datagram, PackError, Packer, Push, Repacked, TAGS_SHED};
pub use protocol::{Message, MessageType, Protocol};
pub use source::{LogSource, SpanHead, SpanSource, TagRef, ValueRef};
#[cfg(feature = "thrift")]
pub use via_thrift::write_span;
