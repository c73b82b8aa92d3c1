//! Finished spans for the tests of reporters, without a collector.

use crate::context::{SpanContext, TraceId};
use crate::record::{LogRecord, Outcome, SpanRecord};
use jaeger_thrift::{Log, Span, Tag, Value};

/// A span to be reported.
#[derive(Clone, Debug)]
pub(in crate::report) struct Finished {
    pub(in crate::report) span: Span<'static>,
    pub(in crate::report) outcome: Outcome,
    pub(in crate::report) local_root: bool,
}

/// A span of trace `0xabc` that starts at `start` and takes `micros`; a root if `parent` is 0.
pub(in crate::report) fn span(id: u64, parent: u64, name: &'static str, start: i64, micros: i64) -> Finished {
    let span = Span {
        trace_id: 0xabc,
        span_id: id,
        parent_span_id: parent,
        operation_name: name.into(),
        flags: 1,
        start_time: start,
        duration: micros,
        ..Span::default()
    };
    Finished { span, outcome: Outcome::Ok, local_root: parent == 0 }
}

impl Finished {
    pub(in crate::report) fn trace(mut self, id: u128) -> Self {
        self.span.trace_id = id;
        self
    }

    pub(in crate::report) fn tag(mut self, key: &'static str, value: impl Into<Value<'static>>) -> Self {
        self.span.tags.push(Tag::new(key, value));
        self
    }

    /// Adds a log whose fields are texts.
    pub(in crate::report) fn log(mut self, at: i64, fields: &[(&'static str, &'static str)]) -> Self {
        let fields = fields.iter().map(|(key, value)| Tag::new(*key, *value)).collect();
        self.span.logs.push(Log { timestamp: at, fields });
        self
    }

    pub(in crate::report) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    pub(in crate::report) fn local_root(mut self) -> Self {
        self.local_root = true;
        self
    }

    /// Lends the span in the form in which reporters get it.
    pub(in crate::report) fn lend<R>(&self, to: impl FnOnce(&SpanRecord<'_>) -> R) -> R {
        let tags = self.span.tags.iter().map(Tag::as_tag_ref).collect::<Vec<_>>();
        let fields =
            self.span.logs.iter().map(|log| log.fields.iter().map(Tag::as_tag_ref).collect::<Vec<_>>());
        let fields = fields.collect::<Vec<_>>();
        let logs = self.span.logs.iter().zip(&fields);
        let logs = logs
            .map(|(log, fields)| LogRecord { timestamp_micros: log.timestamp, fields })
            .collect::<Vec<_>>();
        let trace = TraceId::from_u128(self.span.trace_id);
        let flags = u8::try_from(self.span.flags).expect("a carrier's flags");
        to(&SpanRecord {
            context: SpanContext::from_raw(trace.high(), trace.low(), self.span.span_id, flags),
            parent: self.span.parent_span_id,
            local_root: self.local_root,
            name: &self.span.operation_name,
            callsite: None,
            start_nanos: self.span.start_time * 1_000,
            duration_nanos: u64::try_from(self.span.duration).expect("not negative") * 1_000,
            outcome: self.outcome,
            references: &self.span.references,
            tags: &tags,
            logs: &logs,
        })
    }
}
