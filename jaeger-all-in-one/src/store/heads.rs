//! A span without its tags and logs, and what of these belongs to its head: kind, error, panic, cancellation, parent.

use std::borrow::Cow;

use jaeger_thrift::{Log, Process, RefType, Span, SpanRef, Value};

/// What summaries, dependencies and metrics need of a span, without its tags and logs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanHead<'a> {
    /// The span's id.
    pub span_id: u64,
    /// The parent: `parentSpanId`, else the first CHILD_OF, else the first FOLLOWS_FROM, of the same trace; 0 if none.
    pub parent_span_id: u64,
    /// The process's service.
    pub service: &'a str,
    /// The operation.
    pub operation: &'a str,
    /// µs since 1970.
    pub start_time: i64,
    /// µs.
    pub duration: i64,
    /// Tag `span.kind`: one of `server`, `client`, `producer`, `consumer`, `internal`, or empty.
    pub kind: &'a str,
    /// Tag `error` is true (bool or text).
    pub error: bool,
    /// A log's field `event` is `panic`.
    pub panic: bool,
    /// Tag `cancelled` is true (bool or text).
    pub cancelled: bool,
}

/// The heads of a trace's spans, by start time, then arrival.
#[derive(Clone, Copy, Debug)]
pub struct TraceHeads<'a> {
    /// The trace's id.
    pub trace_id: u128,
    /// Its spans.
    pub spans: &'a [SpanHead<'a>],
}

/// The head of a span.
pub fn head<'a>(process: &'a Process<'_>, span: &'a Span<'_>) -> SpanHead<'a> {
    let told = told(span);
    SpanHead {
        span_id: span.span_id,
        parent_span_id: parent(span),
        service: &process.service_name,
        operation: &span.operation_name,
        start_time: span.start_time,
        duration: span.duration,
        kind: told.kind().map_or("", |kind| kind),
        error: told.error,
        panic: told.panic,
        cancelled: told.cancelled,
    }
}

/// What tags and logs tell for the head.
#[derive(Default)]
pub(super) struct Told<'t, 'a> {
    kind: Option<&'t Cow<'a, str>>,
    pub(super) error: bool,
    pub(super) panic: bool,
    pub(super) cancelled: bool,
}

/// The keys of tags that tell something.
pub(super) const TELLING: [&str; 3] = ["span.kind", "error", "cancelled"];

impl<'t, 'a> Told<'t, 'a> {
    /// Looks at a tag whose key is that one of [`TELLING`]; of several the last counts.
    #[inline]
    pub(super) fn by(&mut self, telling: usize, value: &'t Value<'a>) {
        match (telling, value) {
            (0, Value::String(value)) => self.kind = Some(value),
            (1, value) => self.error = is_true(value).unwrap_or(self.error),
            (2, value) => self.cancelled = is_true(value).unwrap_or(self.cancelled),
            _ => {}
        }
    }

    /// The kind, if there is one.
    pub(super) fn kind(&self) -> Option<&'t Cow<'a, str>> {
        self.kind.filter(|kind| !kind.is_empty())
    }
}

/// The tags `span.kind`, `error` and `cancelled`; and whether a log is a panic's.
pub(super) fn told<'t, 'a>(span: &'t Span<'a>) -> Told<'t, 'a> {
    let mut told = Told { panic: is_panic(&span.logs), ..Told::default() };
    for tag in &span.tags {
        if let Some(telling) = TELLING.iter().position(|key| *key == tag.key) {
            told.by(telling, &tag.value);
        }
    }
    told
}

/// Whether one of the logs is a panic's.
pub(super) fn is_panic(logs: &[Log<'_>]) -> bool {
    logs.iter()
        .flat_map(|log| &log.fields)
        .any(|field| field.key == "event" && matches!(&field.value, Value::String(event) if event == "panic"))
}

/// True or false, as a bool or as text; `None` for what is neither.
fn is_true(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(value) => Some(value == "true"),
        _ => None,
    }
}

/// The parent of a span within its trace, 0 if it has none.
pub fn parent(span: &Span<'_>) -> u64 {
    parent_of(span.trace_id, span.parent_span_id, &span.references)
}

/// The parent by the field, else by the first CHILD_OF, else by the first FOLLOWS_FROM, to the same trace.
pub(super) fn parent_of(trace_id: u128, parent_span_id: u64, references: &[SpanRef]) -> u64 {
    if parent_span_id != 0 {
        return parent_span_id;
    }
    let first = |kind: RefType| {
        let mut all = references.iter();
        all.find(|reference| reference.ref_type == kind && reference.trace_id == trace_id)
    };
    let reference = first(RefType::ChildOf).or_else(|| first(RefType::FollowsFrom));
    reference.map_or(0, |reference| reference.span_id)
}
