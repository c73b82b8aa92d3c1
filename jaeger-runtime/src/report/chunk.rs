//! Finished spans copied out of the collector's buffers, many to an allocation, on their way to a reporter's own thread.
//!
//! A span is lent to reporters for one call ([`SpanRecord`]); here it is kept in a few flat buffers and lent again elsewhere, with everything that it had. Buffers are used again when a
//! chunk comes back empty, so copying allocates nothing in steady state.

use super::SpanRecord;
use crate::callsite::Callsite;
use crate::context::SpanContext;
use crate::record::{LogRecord, Outcome};
use jaeger_thrift::{SpanRef, TagRef, ValueRef};
use std::ops::Range;

/// Some spans.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    spans: Vec<Kept>,
    /// Of spans and of logs.
    tags: Vec<KeptTag>,
    logs: Vec<KeptLog>,
    references: Vec<SpanRef>,
    text: String,
    binary: Vec<u8>,
}

#[derive(Debug)]
struct Kept {
    context: SpanContext,
    parent: u64,
    local_root: bool,
    name: Range<usize>,
    callsite: Option<&'static Callsite>,
    start_nanos: i64,
    duration_nanos: u64,
    outcome: Outcome,
    references: Range<usize>,
    tags: Range<usize>,
    logs: Range<usize>,
}

#[derive(Debug)]
struct KeptTag {
    key: Range<usize>,
    value: KeptValue,
}

#[derive(Debug)]
enum KeptValue {
    String(Range<usize>),
    Double(f64),
    Bool(bool),
    Long(i64),
    Binary(Range<usize>),
}

#[derive(Debug)]
struct KeptLog {
    timestamp_micros: i64,
    fields: Range<usize>,
}

impl Chunk {
    /// Copies a span to the end.
    pub(super) fn push(&mut self, span: &SpanRecord<'_>) {
        let name = self.text(span.name);
        let tags = self.tags(span.tags);
        let logs = self.logs.len();
        for log in span.logs {
            let fields = self.tags(log.fields);
            self.logs.push(KeptLog { timestamp_micros: log.timestamp_micros, fields });
        }
        let references = self.references.len();
        self.references.extend_from_slice(span.references);
        self.spans.push(Kept {
            context: span.context,
            parent: span.parent,
            local_root: span.local_root,
            name,
            callsite: span.callsite,
            start_nanos: span.start_nanos,
            duration_nanos: span.duration_nanos,
            outcome: span.outcome,
            references: references..self.references.len(),
            tags,
            logs: logs..self.logs.len(),
        });
    }

    fn text(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn tags(&mut self, tags: &[TagRef<'_>]) -> Range<usize> {
        let start = self.tags.len();
        for tag in tags {
            let key = self.text(tag.key);
            let value = match tag.value {
                ValueRef::String(text) => KeptValue::String(self.text(text)),
                ValueRef::Double(v) => KeptValue::Double(v),
                ValueRef::Bool(v) => KeptValue::Bool(v),
                ValueRef::Long(v) => KeptValue::Long(v),
                ValueRef::Binary(bytes) => {
                    let start = self.binary.len();
                    self.binary.extend_from_slice(bytes);
                    KeptValue::Binary(start..self.binary.len())
                }
            };
            self.tags.push(KeptTag { key, value });
        }
        start..self.tags.len()
    }

    /// What the spans take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
            + self.binary.len()
            + size_of_val(&self.spans[..])
            + size_of_val(&self.tags[..])
            + size_of_val(&self.logs[..])
            + size_of_val(&self.references[..])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Lets go of the spans, not of the buffers.
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.tags.clear();
        self.logs.clear();
        self.references.clear();
        self.text.clear();
        self.binary.clear();
    }

    /// Lends the spans, in their order.
    pub(super) fn lend(&self, mut to: impl FnMut(&SpanRecord<'_>)) {
        let tag = |tag: &KeptTag| TagRef {
            key: &self.text[tag.key.clone()],
            value: match &tag.value {
                KeptValue::String(at) => ValueRef::String(&self.text[at.clone()]),
                KeptValue::Double(v) => ValueRef::Double(*v),
                KeptValue::Bool(v) => ValueRef::Bool(*v),
                KeptValue::Long(v) => ValueRef::Long(*v),
                KeptValue::Binary(at) => ValueRef::Binary(&self.binary[at.clone()]),
            },
        };
        let tags: Vec<TagRef<'_>> = self.tags.iter().map(tag).collect();
        let log = |log: &KeptLog| LogRecord {
            timestamp_micros: log.timestamp_micros,
            fields: &tags[log.fields.clone()],
        };
        let logs: Vec<LogRecord<'_>> = self.logs.iter().map(log).collect();
        for span in &self.spans {
            to(&SpanRecord {
                context: span.context,
                parent: span.parent,
                local_root: span.local_root,
                name: &self.text[span.name.clone()],
                callsite: span.callsite,
                start_nanos: span.start_nanos,
                duration_nanos: span.duration_nanos,
                outcome: span.outcome,
                references: &self.references[span.references.clone()],
                tags: &tags[span.tags.clone()],
                logs: &logs[span.logs.clone()],
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::fixture::{Finished, span};
    use super::*;
    use jaeger_thrift::{RefType, Value};

    fn spans() -> Vec<Finished> {
        let mut linked = span(3, 1, "linked", 7, 8).outcome(Outcome::Panic);
        let reference = SpanRef { ref_type: RefType::FollowsFrom, trace_id: 1 << 80, span_id: 9 };
        linked.span.references = vec![reference, SpanRef { span_id: 10, ..reference }];
        vec![
            span(1, 0, "größe", 5, 6)
                .tag("text", "né")
                .tag("long", -7)
                .tag("double", 0.5)
                .tag("bool", true)
                .tag("binary", Value::Binary(vec![0, 255].into()))
                .tag("", "")
                .log(5, &[("event", "one"), ("k", "v")])
                .log(6, &[]),
            span(2, 1, "", 0, 0).local_root().outcome(Outcome::Error).log(1, &[("event", "two")]),
            linked,
        ]
    }

    #[test]
    fn what_is_lent_again_is_what_was_pushed() {
        let all = spans();
        let mut chunk = Chunk::default();
        // The second time in buffers that were used before.
        for _ in 0..2 {
            assert!(chunk.is_empty() && chunk.bytes() == 0);
            for one in &all {
                let before = chunk.bytes();
                one.lend(|span| chunk.push(span));
                assert!(chunk.bytes() - before >= size_of::<Kept>() + one.span.operation_name.len());
            }
            let mut expected = all.iter();
            chunk.lend(|span| {
                let one = expected.next().unwrap();
                assert_eq!(span.to_owned(), one.span);
                assert_eq!((span.outcome(), span.is_local_root()), (one.outcome, one.local_root));
                one.lend(|original| assert_eq!(format!("{span:?}"), format!("{original:?}")));
            });
            assert!(expected.next().is_none());
            chunk.clear();
        }
    }
}
