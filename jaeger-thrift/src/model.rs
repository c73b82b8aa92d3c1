//! The span model of `jaeger.thrift`, borrowing or owning.
//!
//! One set of types serves both sides: what a reader returns borrows from its input, what a program builds may own its text, and `into_owned` turns
//! the first into the second. Ids are unsigned here and a trace id is one number; on the wire they are signed and split. Times and durations are
//! microseconds. Nothing is checked: any model can be encoded, a zero id and an empty name too. What the wire adds to a tag (its `vType`) is the
//! variant of [`Value`].

use std::borrow::Cow;

/// The value of a tag or of a log's field.
///
/// ```
/// use jaeger_thrift::{Tag, Value};
/// let tag = Tag::new("http.status_code", Value::Long(200));
/// assert_eq!(tag.value.as_value_ref(), jaeger_thrift::ValueRef::Long(200));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text, `vType` 0.
    String(Cow<'a, str>),
    /// A float, `vType` 1. Its bits travel unchanged, those of a NaN too.
    Double(f64),
    /// Yes or no, `vType` 2.
    Bool(bool),
    /// An integer, `vType` 3.
    Long(i64),
    /// Bytes, `vType` 4.
    Binary(Cow<'a, [u8]>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
}

/// Something that happened within a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Log<'a> {
    /// When, in microseconds since 1970.
    pub timestamp: i64,
    /// What.
    pub fields: Vec<Tag<'a>>,
}

/// How a span relates to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefType {
    /// The other waits for this one's result.
    ChildOf,
    /// The other caused this one and does not wait.
    FollowsFrom,
}

/// A reference to another span, beside [`Span::parent_span_id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanRef {
    /// How they relate.
    pub ref_type: RefType,
    /// The other's trace.
    pub trace_id: u128,
    /// The other's id.
    pub span_id: u64,
}

/// One operation.
///
/// ```
/// use jaeger_thrift::{Span, Tag, Value};
/// let span = Span {
///     trace_id: 0x1,
///     span_id: 0x2,
///     operation_name: "fetch".into(),
///     flags: 1,
///     start_time: 1_700_000_000_000_000,
///     duration: 1_500,
///     tags: vec![Tag::new("rows", Value::Long(12))],
///     ..Span::default()
/// };
/// assert_eq!(span.parent_span_id, 0, "a root");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span<'a> {
    /// The trace, 64 or 128 bits.
    pub trace_id: u128,
    /// The span.
    pub span_id: u64,
    /// Its parent, 0 for a root.
    pub parent_span_id: u64,
    /// What was done.
    pub operation_name: Cow<'a, str>,
    /// Relations beside the parent.
    pub references: Vec<SpanRef>,
    /// Bit 0 sampled, bit 1 debug.
    pub flags: i32,
    /// Microseconds since 1970.
    pub start_time: i64,
    /// Microseconds.
    pub duration: i64,
    /// Tags in their order.
    pub tags: Vec<Tag<'a>>,
    /// Logs in their order.
    pub logs: Vec<Log<'a>>,
}

/// Who sent a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process<'a> {
    /// The service's name.
    pub service_name: Cow<'a, str>,
    /// Tags that hold for each of its spans.
    pub tags: Vec<Tag<'a>>,
}

/// What a client lost so far; all counts are cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientStats {
    /// Spans dropped because a queue was full.
    pub full_queue_dropped_spans: i64,
    /// Spans dropped because a datagram cannot hold them.
    pub too_large_dropped_spans: i64,
    /// Spans whose datagram could not be sent.
    pub failed_to_emit_spans: i64,
}

/// Spans of one process: the argument of `emitBatch`, and the body of `POST /api/traces`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch<'a> {
    /// Who sent it.
    pub process: Process<'a>,
    /// The spans.
    pub spans: Vec<Span<'a>>,
    /// Number of the batch, from 1, by which a receiver sees gaps.
    pub seq_no: Option<i64>,
    /// What the client lost.
    pub stats: Option<ClientStats>,
}

fn owned_text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn owned_tags(tags: Vec<Tag<'_>>) -> Vec<Tag<'static>> {
    tags.into_iter().map(Tag::into_owned).collect()
}

impl<'a> Value<'a> {
    /// Copies what is borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::String(v) => Value::String(owned_text(v)),
            Value::Double(v) => Value::Double(v),
            Value::Bool(v) => Value::Bool(v),
            Value::Long(v) => Value::Long(v),
            Value::Binary(v) => Value::Binary(Cow::Owned(v.into_owned())),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(v: &'a str) -> Self {
        Value::String(Cow::Borrowed(v))
    }
}

impl From<String> for Value<'_> {
    fn from(v: String) -> Self {
        Value::String(Cow::Owned(v))
    }
}

impl From<f64> for Value<'_> {
    fn from(v: f64) -> Self {
        Value::Double(v)
    }
}

impl From<bool> for Value<'_> {
    fn from(v: bool) -> Self {
        Value::Bool(v)
    }
}

impl From<i64> for Value<'_> {
    fn from(v: i64) -> Self {
        Value::Long(v)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(v: &'a [u8]) -> Self {
        Value::Binary(Cow::Borrowed(v))
    }
}

impl<'a> Tag<'a> {
    /// A tag.
    ///
    /// ```
    /// use jaeger_thrift::{Tag, Value};
    /// assert_eq!(Tag::new("component", "db").value, Value::String("db".into()));
    /// ```
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) -> Self {
        Tag { key: key.into(), value: value.into() }
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> Tag<'static> {
        Tag { key: owned_text(self.key), value: self.value.into_owned() }
    }
}

impl Log<'_> {
    /// Copies what is borrowed.
    pub fn into_owned(self) -> Log<'static> {
        Log { timestamp: self.timestamp, fields: owned_tags(self.fields) }
    }
}

impl Span<'_> {
    /// Copies what is borrowed.
    pub fn into_owned(self) -> Span<'static> {
        Span {
            operation_name: owned_text(self.operation_name),
            tags: owned_tags(self.tags),
            logs: self.logs.into_iter().map(Log::into_owned).collect(),
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            references: self.references,
            flags: self.flags,
            start_time: self.start_time,
            duration: self.duration,
        }
    }
}

impl<'a> Process<'a> {
    /// A process without tags.
    pub fn new(service_name: impl Into<Cow<'a, str>>) -> Self {
        Process { service_name: service_name.into(), tags: Vec::new() }
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> Process<'static> {
        Process { service_name: owned_text(self.service_name), tags: owned_tags(self.tags) }
    }
}

impl Batch<'_> {
    /// Copies what is borrowed.
    pub fn into_owned(self) -> Batch<'static> {
        Batch {
            process: self.process.into_owned(),
            spans: self.spans.into_iter().map(Span::into_owned).collect(),
            seq_no: self.seq_no,
            stats: self.stats,
        }
    }
}
