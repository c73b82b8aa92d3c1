//! A finished span as reporters see it: borrowed from the collector's buffers for the length of one call.
//!
//! Everything is decided here already: tags in order, text valid and bounded, times in microseconds of the wall clock. A reporter that wants to keep the span
//! calls [`SpanRecord::to_owned`].

use crate::callsite::Callsite;
use crate::context::{SpanContext, SpanId};
pub use crate::event_log::format::Outcome;
use jaeger_thrift::{LogSource, Span, SpanHead, SpanRef, SpanSource, TagRef};
use std::time::Duration;

/// One finished span.
///
/// It implements [`jaeger_thrift::SpanSource`], so a packer encodes it as it stands.
#[derive(Clone, Copy, Debug)]
pub struct SpanRecord<'a> {
    pub(crate) context: SpanContext,
    pub(crate) parent: u64,
    pub(crate) local_root: bool,
    pub(crate) name: &'a str,
    pub(crate) callsite: Option<&'static Callsite>,
    pub(crate) start_nanos: i64,
    pub(crate) duration_nanos: u64,
    pub(crate) outcome: Outcome,
    pub(crate) references: &'a [SpanRef],
    pub(crate) tags: &'a [TagRef<'a>],
    pub(crate) logs: &'a [LogRecord<'a>],
}

/// A log of a finished span.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    pub(crate) timestamp_micros: i64,
    pub(crate) fields: &'a [TagRef<'a>],
}

impl<'a> LogRecord<'a> {
    /// Microseconds since 1970.
    pub fn timestamp_micros(&self) -> i64 {
        self.timestamp_micros
    }
    /// The fields in the order in which they were given.
    pub fn fields(&self) -> &'a [TagRef<'a>] {
        self.fields
    }
}

impl<'a> SpanRecord<'a> {
    /// Trace, span and flags.
    pub fn context(&self) -> SpanContext {
        self.context
    }
    /// The parent, `None` for a root.
    pub fn parent_span_id(&self) -> Option<SpanId> {
        (self.parent != 0).then(|| SpanId::from_u64(self.parent))
    }
    /// Whether its parent is in another process or nowhere: the first span of the trace in this process.
    pub fn is_local_root(&self) -> bool {
        self.local_root
    }
    /// The operation's name.
    pub fn name(&self) -> &'a str {
        self.name
    }
    /// The annotated function, `None` for a span by hand.
    pub fn callsite(&self) -> Option<&'static Callsite> {
        self.callsite
    }
    /// Start in microseconds since 1970.
    pub fn start_micros(&self) -> i64 {
        self.start_nanos.div_euclid(1_000)
    }
    /// How long it took, to the nanosecond as far as the clock goes; Jaeger keeps microseconds.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.duration_nanos)
    }
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
    /// Its tags: the sampler's on a root, kind, arguments, tags added later, the reply, the outcome's.
    pub fn tags(&self) -> &'a [TagRef<'a>] {
        self.tags
    }
    /// Its logs in the order of time.
    pub fn logs(&self) -> &'a [LogRecord<'a>] {
        self.logs
    }
    /// References beside the parent.
    pub fn references(&self) -> &'a [SpanRef] {
        self.references
    }
    /// A copy that owns everything, in the form of the wire.
    pub fn to_owned(&self) -> Span<'static> {
        Span::from_source(self).into_owned()
    }
}

impl SpanSource for SpanRecord<'_> {
    fn head(&self) -> SpanHead<'_> {
        SpanHead {
            trace_id: self.context.trace_id().to_u128(),
            span_id: self.context.span_id,
            parent_span_id: self.parent,
            operation_name: self.name,
            flags: i32::from(self.context.flags()),
            start_time: self.start_micros(),
            duration: i64::try_from(self.duration_nanos / 1_000).unwrap_or(i64::MAX),
        }
    }
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        self.references.iter().copied()
    }
    fn tag_count(&self) -> usize {
        self.tags.len()
    }
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        self.tags.iter().copied()
    }
    fn log_count(&self) -> usize {
        self.logs.len()
    }
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        self.logs.iter().copied()
    }
}

impl LogSource for LogRecord<'_> {
    fn timestamp(&self) -> i64 {
        self.timestamp_micros
    }
    fn field_count(&self) -> usize {
        self.fields.len()
    }
    fn fields(&self) -> impl Iterator<Item = TagRef<'_>> {
        self.fields.iter().copied()
    }
}
