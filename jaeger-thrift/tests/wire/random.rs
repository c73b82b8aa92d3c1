//! Random models: every kind of field, lists on both sides of the compact header's step at 15, extreme numbers, all bits of a float.

use jaeger_thrift::{
    Batch, ClientStats, Log, Message, MessageType, Process, Protocol, RefType, Span, SpanRef, Tag, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Integers, the ends of every varint length among them.
pub(crate) fn long() -> impl Strategy<Value = i64> {
    let ends = (0u32..64, any::<bool>(), -1i64..=1).prop_map(|(shift, negative, step)| {
        let v = (1i64 << shift).wrapping_add(step);
        if negative { v.wrapping_neg() } else { v }
    });
    prop_oneof![any::<i64>(), ends, Just(0), Just(i64::MIN), Just(i64::MAX)]
}

fn unsigned() -> impl Strategy<Value = u64> {
    long().prop_map(|v| v as u64)
}

/// Text of every length around the steps of copying and of the length's varint, empty among them.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let repeated = (prop_oneof![0usize..40, 120usize..140], "[a-zé日]").prop_map(|(n, c)| c.repeat(n));
    prop_oneof![Just(String::new()), "\\PC{0,20}", repeated]
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        prop_oneof![Just(f64::NAN), Just(-0.0), Just(f64::INFINITY), Just(f64::MIN_POSITIVE)]
            .prop_map(Value::Double),
        any::<bool>().prop_map(Value::Bool),
        long().prop_map(Value::Long),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Value::Binary(bytes.into())),
    ]
}

fn tag() -> impl Strategy<Value = Tag<'static>> {
    (text(), value()).prop_map(|(key, value)| Tag { key: key.into(), value })
}

/// Mostly short, sometimes past the step of a list's header, sometimes at it.
fn list<T: Strategy + Clone>(element: T) -> impl Strategy<Value = Vec<T::Value>>
where
    T::Value: Clone,
{
    prop_oneof![
        6 => vec(element.clone(), 0..4),
        1 => vec(element.clone(), 13..18),
        1 => (element, prop_oneof![14usize..=16, 126usize..=129]).prop_map(|(it, n)| std::iter::repeat_n(it, n).collect()),
    ]
}

fn reference() -> impl Strategy<Value = SpanRef> {
    (any::<bool>(), any::<u128>(), unsigned()).prop_map(|(follows, trace_id, span_id)| SpanRef {
        ref_type: if follows { RefType::FollowsFrom } else { RefType::ChildOf },
        trace_id,
        span_id,
    })
}

fn log() -> impl Strategy<Value = Log<'static>> {
    (long(), list(tag().boxed())).prop_map(|(timestamp, fields)| Log { timestamp, fields })
}

pub(crate) fn span() -> impl Strategy<Value = Span<'static>> {
    let head = (unsigned(), unsigned(), unsigned(), unsigned(), text(), any::<i32>(), long(), long());
    let lists = (list(reference().boxed()), list(tag().boxed()), list(log().boxed()));
    (head, lists).prop_map(
        |(
            (high, low, span_id, parent_span_id, name, flags, start_time, duration),
            (references, tags, logs),
        )| {
            Span {
                trace_id: u128::from(high) << 64 | u128::from(low),
                span_id,
                parent_span_id,
                operation_name: name.into(),
                references,
                flags,
                start_time,
                duration,
                tags,
                logs,
            }
        },
    )
}

pub(crate) fn process() -> impl Strategy<Value = Process<'static>> {
    (text(), vec(tag(), 0..4)).prop_map(|(name, tags)| Process { service_name: name.into(), tags })
}

pub(crate) fn stats() -> impl Strategy<Value = ClientStats> {
    (long(), long(), long()).prop_map(|(full, large, failed)| ClientStats {
        full_queue_dropped_spans: full,
        too_large_dropped_spans: large,
        failed_to_emit_spans: failed,
    })
}

pub(crate) fn batch() -> impl Strategy<Value = Batch<'static>> {
    let spans = prop_oneof![5 => vec(span(), 0..4), 1 => vec(small_span(), 13..18)];
    (process(), spans, proptest::option::of(long()), proptest::option::of(stats()))
        .prop_map(|(process, spans, seq_no, stats)| Batch { process, spans, seq_no, stats })
}

/// A span without lists.
pub(crate) fn small_span() -> impl Strategy<Value = Span<'static>> {
    (unsigned(), text()).prop_map(|(span_id, name)| Span {
        span_id,
        operation_name: name.into(),
        ..Span::default()
    })
}

pub(crate) fn message() -> impl Strategy<Value = Message<'static>> {
    let message_type = prop_oneof![
        Just(MessageType::Call),
        Just(MessageType::Reply),
        Just(MessageType::Exception),
        Just(MessageType::Oneway)
    ];
    (message_type, any::<i32>(), batch()).prop_map(|(message_type, sequence_id, batch)| Message {
        message_type,
        sequence_id,
        batch,
    })
}

pub(crate) fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Compact), Just(Protocol::Binary)]
}

/// The same model with every float's bits written out, so that `==` compares them: NaN with itself, and 0.0 not with -0.0.
pub(crate) fn exact(mut message: Message<'_>) -> Message<'_> {
    fn all(tags: &mut [Tag<'_>]) {
        for tag in tags {
            if let Value::Double(v) = tag.value {
                tag.value = Value::from(format!("the float {:016x}", v.to_bits()));
            }
        }
    }
    all(&mut message.batch.process.tags);
    for span in &mut message.batch.spans {
        all(&mut span.tags);
        span.logs.iter_mut().for_each(|log| all(&mut log.fields));
    }
    message
}

/// The same for a batch.
pub(crate) fn exact_batch(batch: Batch<'_>) -> Batch<'_> {
    exact(Message::new(batch)).batch
}
