//! The model's own: owning, borrowing, and sources that count wrongly.

use crate::random;
use jaeger_thrift::{
    Batch, Log, LogSource, Message, Process, Protocol, RefType, Span, SpanHead, SpanRef, SpanSource, Tag,
    TagRef, Value, ValueRef, encode_span,
};
use proptest::prelude::*;

proptest! {
    /// What is read borrows; made owning it is the same and outlives the input.
    #[test]
    fn owning_is_equal(protocol in random::protocol(), message in random::message()) {
        let mut bytes = Vec::new();
        message.encode_into(protocol, &mut bytes);
        let read: Message<'static> = Message::decode(protocol, &bytes).unwrap().into_owned();
        drop(bytes);
        prop_assert_eq!(random::exact(read), random::exact(message));
    }

    #[test]
    fn a_span_is_the_source_of_itself(span in random::span()) {
        let again = Span::from_source(&span).into_owned();
        let of = |span: Span<'static>| random::exact_batch(Batch { spans: vec![span], ..Batch::default() });
        prop_assert_eq!(of(again), of(span));
    }
}

/// A source that promises `promised` of everything and yields `yielded`.
struct Liar {
    promised: usize,
    yielded: usize,
}

struct References(std::iter::RepeatN<SpanRef>, usize);

impl Iterator for References {
    type Item = SpanRef;
    fn next(&mut self) -> Option<SpanRef> {
        self.0.next()
    }
}

impl ExactSizeIterator for References {
    fn len(&self) -> usize {
        self.1
    }
}

const REFERENCE: SpanRef = SpanRef { ref_type: RefType::FollowsFrom, trace_id: 1, span_id: 2 };
const TAG: TagRef<'static> = TagRef { key: "k", value: ValueRef::Long(1) };

/// The same of a log.
#[derive(Clone)]
struct LyingLog {
    promised: usize,
    yielded: usize,
}

impl LogSource for LyingLog {
    fn timestamp(&self) -> i64 {
        5
    }
    fn field_count(&self) -> usize {
        self.promised
    }
    fn fields(&self) -> impl Iterator<Item = TagRef<'_>> {
        std::iter::repeat_n(TAG, self.yielded)
    }
}

impl SpanSource for Liar {
    fn head(&self) -> SpanHead<'_> {
        SpanHead::default()
    }
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        References(std::iter::repeat_n(REFERENCE, self.yielded), self.promised)
    }
    fn tag_count(&self) -> usize {
        self.promised
    }
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        std::iter::repeat_n(TAG, self.yielded)
    }
    fn log_count(&self) -> usize {
        self.promised
    }
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        std::iter::repeat_n(LyingLog { promised: self.promised, yielded: self.yielded }, self.yielded)
    }
}

/// A wrong count breaks neither the span nor what stands behind it.
#[test]
fn a_source_that_counts_wrongly_is_mended() {
    for protocol in [Protocol::Compact, Protocol::Binary] {
        for (promised, yielded) in [(0, 3), (2, 3), (3, 2), (20, 0), (1, 20)] {
            let batch = Batch { process: Process::new("p"), spans: vec![], seq_no: Some(1), stats: None };
            let mut bytes = Vec::new();
            batch.encode_into(protocol, &mut bytes);
            // The empty list becomes a list of one, and behind the header comes the span.
            let header = match protocol {
                Protocol::Compact => bytes.iter().position(|&byte| byte == 0x19).map(|at| at + 1).unwrap(),
                Protocol::Binary => {
                    bytes.windows(3).position(|it| it == [15, 0, 2]).map(|at| at + 7).unwrap()
                }
            };
            bytes[header] = if protocol == Protocol::Compact { 0x1c } else { 1 };
            let mut span = Vec::new();
            encode_span(protocol, &Liar { promised, yielded }, &mut span);
            bytes.splice(header + 1..header + 1, span);

            let read = Batch::decode(protocol, &bytes).unwrap();
            assert_eq!(read.seq_no, Some(1));
            let real = promised.min(yielded);
            let fill = |n: usize| -> Vec<Tag<'_>> {
                let tags = std::iter::repeat_n(Tag::from(TAG), real.min(n));
                tags.chain(std::iter::repeat_n(Tag::new("", false), promised.saturating_sub(yielded)))
                    .collect()
            };
            let span = &read.spans[0];
            assert_eq!(span.tags, fill(promised));
            let empty = SpanRef { ref_type: RefType::ChildOf, trace_id: 0, span_id: 0 };
            assert_eq!(span.references.iter().filter(|it| **it == REFERENCE).count(), real);
            assert_eq!(span.references.iter().filter(|it| **it == empty).count(), promised - real);
            assert_eq!(span.logs.len(), promised);
            for (n, log) in span.logs.iter().enumerate() {
                if n < real {
                    assert_eq!(*log, Log { timestamp: 5, fields: fill(promised) });
                } else {
                    assert_eq!(*log, Log { timestamp: 0, fields: vec![] });
                }
            }
        }
    }
}

#[test]
fn values_come_from_what_they_are() {
    let values = [
        Value::from("text"),
        Value::from(String::from("text")),
        Value::from(1.5),
        Value::from(true),
        Value::from(-1),
        Value::from(&[1u8, 2][..]),
    ];
    let expected = [
        ValueRef::String("text"),
        ValueRef::String("text"),
        ValueRef::Double(1.5),
        ValueRef::Bool(true),
        ValueRef::Long(-1),
        ValueRef::Binary(&[1, 2]),
    ];
    for (value, expected) in values.iter().zip(expected) {
        assert_eq!(value.as_value_ref(), expected);
        assert_eq!(Value::from(expected), *value);
    }
}
