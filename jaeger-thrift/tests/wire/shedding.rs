//! Spans that are too large for any datagram: what they give up, in which order, and when that does not help.

use crate::packer::{Sent, encoded, least, packer};
use jaeger_thrift::{
    Batch, Log, Packer, Process, Protocol, Push, RefType, Repacked, Span, SpanRef, TAGS_SHED, Tag, Value,
};

const PROTOCOLS: [Protocol; 2] = [Protocol::Compact, Protocol::Binary];

/// Length of the datagram, the first of its packer, that holds this span alone.
fn alone(protocol: Protocol, process: &Process<'_>, span: &Span<'_>) -> usize {
    let batch = Batch { process: process.clone(), spans: vec![span.clone()], seq_no: Some(1), stats: None };
    encoded(protocol, true, batch).len()
}

/// What becomes of a span under a limit.
fn under(protocol: Protocol, limit: usize, span: &Span<'_>) -> (Push, Option<Span<'static>>) {
    let mut packer = Packer::new(protocol, limit, &Process::new("p")).unwrap();
    let mut sent = Vec::new();
    let pushed = packer.push(span, &mut |it| sent.push(Sent::of(it)));
    packer.finish(&mut |it| sent.push(Sent::of(it)));
    assert!(sent.iter().all(|it| it.bytes.len() <= limit));
    let spans: Vec<_> = sent.iter().flat_map(|it| it.batch(protocol, true).into_owned().spans).collect();
    assert!(spans.len() <= 1);
    (pushed, spans.into_iter().next())
}

fn tag(key: &'static str, n: usize) -> Tag<'static> {
    Tag::new(key, "v".repeat(n))
}

fn shed_tag(n: i64) -> Tag<'static> {
    Tag::new(TAGS_SHED, Value::Long(n))
}

fn large() -> Span<'static> {
    Span {
        span_id: 1,
        operation_name: "large".into(),
        tags: vec![tag("small", 100), tag("largest", 900), Tag::new("number", 5), tag("middle", 500)],
        logs: vec![
            Log { timestamp: 1, fields: vec![tag("event", 10), tag("stack", 700)] },
            Log { timestamp: 2, fields: vec![tag("alone", 600)] },
        ],
        ..Span::default()
    }
}

/// What is left of [`large`] after each step, the largest first, a log with its last field.
fn steps() -> Vec<Span<'static>> {
    let mut span = large();
    let mut steps = Vec::new();
    let forget: [fn(&mut Span<'static>); 4] = [
        |span| span.tags.retain(|tag| tag.key != "largest"),
        |span| span.logs[0].fields.retain(|tag| tag.key != "stack"),
        |span| span.logs.truncate(1),
        |span| span.tags.retain(|tag| tag.key != "middle"),
    ];
    for (n, forget) in forget.into_iter().enumerate() {
        forget(&mut span);
        let mut step = span.clone();
        step.tags.push(shed_tag(n as i64 + 1));
        steps.push(step);
    }
    steps
}

#[test]
fn the_largest_go_first_and_no_more_than_needed() {
    let process = Process::new("p");
    for protocol in PROTOCOLS {
        let whole = alone(protocol, &process, &large());
        assert_eq!(under(protocol, whole, &large()), (Push::Added, Some(large())));
        let mut above = whole;
        for (n, step) in steps().into_iter().enumerate() {
            // From one byte less than the step before takes, down to exactly what this one takes.
            for limit in [above - 1, alone(protocol, &process, &step)] {
                let (pushed, span) = under(protocol, limit, &large());
                assert_eq!(pushed, Push::AddedShedding { tags: n + 1 });
                assert_eq!(span.as_ref(), Some(&step));
            }
            above = alone(protocol, &process, &step);
        }
    }
}

#[test]
fn of_equals_the_later_goes() {
    let span = Span {
        tags: vec![tag("a", 500), tag("b", 500)],
        logs: vec![Log { timestamp: 1, fields: vec![tag("c", 500)] }],
        ..Span::default()
    };
    let mut first = span.clone();
    first.logs.clear();
    first.tags.push(shed_tag(1));
    let mut second = Span { tags: vec![tag("a", 500), shed_tag(2)], ..Span::default() };
    second.logs.clear();
    for protocol in PROTOCOLS {
        let limit = |span| alone(protocol, &Process::new("p"), span);
        assert_eq!(under(protocol, limit(&first), &span).1, Some(first.clone()));
        assert_eq!(under(protocol, limit(&second), &span).1, Some(second.clone()));
    }
}

/// Many small things rather than a few large ones; logs without fields are the smallest of all.
#[test]
fn many_small_tags_and_empty_logs_go_too() {
    let mut span = Span {
        tags: (0..5_000).map(|n| Tag::new(format!("key{n:04}"), Value::Bool(true))).collect(),
        logs: (0..50).map(|timestamp| Log { timestamp, fields: vec![] }).collect(),
        ..Span::default()
    };
    for protocol in PROTOCOLS {
        let (pushed, left) = under(protocol, 2_000, &span);
        let left = left.unwrap();
        let kept = left.tags.len() - 1;
        assert!(kept > 10, "{kept}");
        assert_eq!(shed(pushed), 5_000 - kept);
        assert_eq!(left.tags[..kept], span.tags[..kept]);
        assert_eq!(left.tags[kept], shed_tag(shed(pushed) as i64));
        assert_eq!(left.logs, span.logs);
    }
    span.logs = (0..5_000).map(|timestamp| Log { timestamp, fields: vec![] }).collect();
    for protocol in PROTOCOLS {
        let (pushed, left) = under(protocol, 2_000, &span);
        let left = left.unwrap();
        assert_eq!(left.tags, [shed_tag(shed(pushed) as i64)]);
        assert_eq!(left.logs, span.logs[..10_000 - shed(pushed)]);
        assert!(left.logs.len() > 10);
    }
}

fn shed(pushed: Push) -> usize {
    match pushed {
        Push::AddedShedding { tags } => tags,
        other => panic!("{other:?}"),
    }
}

/// Its name or its references alone are too much: it is reported, and what waits is not disturbed.
#[test]
fn a_span_too_large_without_tags_is_reported() {
    let named =
        Span { operation_name: "n".repeat(1_500).into(), tags: vec![tag("t", 10)], ..Span::default() };
    let reference = SpanRef { ref_type: RefType::ChildOf, trace_id: u128::MAX / 3, span_id: u64::MAX / 3 };
    let referring = Span { references: vec![reference; 200], ..Span::default() };
    let bare = Span { operation_name: "n".repeat(1_500).into(), ..Span::default() };
    for protocol in PROTOCOLS {
        for span in [&named, &referring, &bare] {
            let mut packer = Packer::new(protocol, 1_000, &Process::new("p")).unwrap();
            let small = Span { span_id: 7, ..Span::default() };
            let mut sent = Vec::new();
            let sink = &mut |it: jaeger_thrift::Datagram<'_>| sent.push(Sent::of(it));
            assert_eq!(packer.push(&small, sink), Push::Added);
            let bytes = alone(protocol, &Process::new("p"), span)
                - alone(protocol, &Process::new("p"), &small)
                + span_length(protocol, &small);
            assert_eq!(packer.push(span, sink), Push::TooLarge { bytes });
            assert_eq!(packer.pending(), 1);
            assert_eq!(packer.push(&small, sink), Push::Added);
            packer.finish(sink);
            assert_eq!(sent.len(), 1);
            assert_eq!(sent[0].batch(protocol, true).spans, [small.clone(), small.clone()]);
        }
    }
}

fn span_length(protocol: Protocol, span: &Span<'_>) -> usize {
    let mut bytes = Vec::new();
    jaeger_thrift::encode_span(protocol, span, &mut bytes);
    bytes.len()
}

/// A span that is too large for the rest of a datagram closes it and goes alone, whole; one that is too large for any is cut down first and may then
/// still fit beside others.
#[test]
fn a_large_span_among_small_ones() {
    for protocol in PROTOCOLS {
        let small = Span { span_id: 7, ..Span::default() };
        let half = Span { tags: vec![tag("t", 600)], ..Span::default() };
        let over = Span { tags: vec![tag("t", 3_000)], ..Span::default() };
        let mut packer = Packer::new(protocol, 1_000, &Process::new("p")).unwrap();
        let mut sent = Vec::new();
        let sink = &mut |it: jaeger_thrift::Datagram<'_>| sent.push(Sent::of(it));
        assert_eq!(packer.push(&half, sink), Push::Added);
        assert_eq!(packer.push(&over, sink), Push::AddedShedding { tags: 1 });
        assert_eq!(packer.push(&half, sink), Push::Added);
        assert_eq!(packer.push(&small, sink), Push::Added);
        packer.finish(sink);
        let stripped = Span { tags: vec![shed_tag(1)], ..Span::default() };
        let spans: Vec<_> = sent.iter().map(|it| it.batch(protocol, true).into_owned().spans).collect();
        assert_eq!(spans, [vec![half.clone(), stripped], vec![half, small]]);
    }
}

/// A span that fills a datagram to the last byte is whole, also when others wait before it.
#[test]
fn a_span_that_just_fits_alone_is_not_cut() {
    for protocol in PROTOCOLS {
        let small = Span { span_id: 7, ..Span::default() };
        let limit = alone(protocol, &Process::new("p"), &large());
        let mut packer = Packer::new(protocol, limit, &Process::new("p")).unwrap();
        let mut sent = Vec::new();
        let sink = &mut |it: jaeger_thrift::Datagram<'_>| sent.push(Sent::of(it));
        for span in [&small, &large(), &small] {
            assert_eq!(packer.push(span, sink), Push::Added);
        }
        packer.finish(sink);
        let spans: Vec<_> = sent.iter().map(|it| it.batch(protocol, true).into_owned().spans).collect();
        assert_eq!(spans, [vec![small.clone()], vec![large()], vec![small]]);
        assert_eq!(sent[1].bytes.len(), limit);
    }
}

/// A span that already gave up tags and is packed again for a lower limit says the sum.
#[test]
fn what_was_shed_adds_up() {
    let process = Process::new("p");
    let all = steps();
    for protocol in PROTOCOLS {
        for message in [true, false] {
            let envelope = alone(protocol, &process, &all[0]) - {
                let batch = Batch {
                    process: process.clone(),
                    spans: vec![all[0].clone()],
                    seq_no: Some(1),
                    stats: None,
                };
                encoded(protocol, message, batch).len()
            };
            let limit = |step: &Span<'_>| alone(protocol, &process, step) - envelope;
            let mut packer = packer(protocol, message, limit(&all[0]), &process);
            let mut first = Vec::new();
            assert_eq!(packer.push(&large(), &mut |_| ()), Push::AddedShedding { tags: 1 });
            packer.finish(&mut |it| first.push(Sent::of(it)));
            assert!(packer.set_limit(limit(&all[2]), &mut |_| ()).is_ok());
            let mut second = Vec::new();
            let sink = &mut |it: jaeger_thrift::Datagram<'_>| second.push(Sent::of(it));
            let again = packer.requeue(&first[0].bytes, sink).unwrap();
            assert_eq!(again, Repacked { added: 1, shedding: 1, too_large: 0 });
            packer.finish(sink);
            assert_eq!(second[0].batch(protocol, message).spans, all[2..3]);
        }
    }
}

/// The same when what waits in the packer no longer fits.
#[test]
fn what_waits_sheds_for_a_lower_limit() {
    for protocol in PROTOCOLS {
        let process = Process::new("p");
        let mut packer = Packer::new(protocol, 65_000, &process).unwrap();
        let name = Span { operation_name: "n".repeat(2_000).into(), ..Span::default() };
        let mut sent = Vec::new();
        let sink = &mut |it: jaeger_thrift::Datagram<'_>| sent.push(Sent::of(it));
        assert_eq!(packer.push(&large(), sink), Push::Added);
        assert_eq!(packer.push(&name, sink), Push::Added);
        let low = alone(protocol, &process, &steps()[0]);
        assert!(low > least(protocol, true, &process));
        assert_eq!(packer.set_limit(low - 500, sink).unwrap().too_large, 1);
        assert_eq!((packer.pending(), packer.seq_no()), (1, 1));
        packer.finish(sink);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].batch(protocol, true).spans, steps()[1..2]);
    }
}
