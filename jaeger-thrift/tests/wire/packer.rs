//! The packer's promises: exact limits, tight packing, each span once, numbers without gaps, and packing again what the network refused.

use crate::random;
use jaeger_thrift::{
    Batch, ClientStats, DEFAULT_LIMIT, Datagram, LogSource, Message, MessageType, PackError, Packer, Process,
    Protocol, Push, Repacked, Span, SpanHead, SpanRef, SpanSource, TAGS_SHED, Tag, TagRef, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::Cell;

const PROTOCOLS: [Protocol; 2] = [Protocol::Compact, Protocol::Binary];

/// A datagram, kept.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    pub(crate) spans: usize,
    pub(crate) seq_no: i64,
}

impl Sent {
    pub(crate) fn of(it: Datagram<'_>) -> Self {
        Sent { bytes: it.bytes.to_vec(), spans: it.spans, seq_no: it.seq_no }
    }

    pub(crate) fn batch(&self, protocol: Protocol, message: bool) -> Batch<'_> {
        if message {
            let message = Message::decode(protocol, &self.bytes).unwrap();
            assert_eq!((message.message_type, message.sequence_id), (MessageType::Call, 1));
            message.batch
        } else {
            Batch::decode(protocol, &self.bytes).unwrap()
        }
    }
}

/// What a packer should have made of it, by the plain encoder.
pub(crate) fn encoded(protocol: Protocol, message: bool, batch: Batch<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if message {
        Message::new(batch).encode_into(protocol, &mut bytes);
    } else {
        batch.encode_into(protocol, &mut bytes);
    }
    bytes
}

pub(crate) fn packer(protocol: Protocol, message: bool, limit: usize, process: &Process<'_>) -> Packer {
    let packer =
        if message { Packer::new(protocol, limit, process) } else { Packer::bare(protocol, limit, process) };
    packer.unwrap()
}

/// The least limit that a packer takes for this process.
pub(crate) fn least(protocol: Protocol, message: bool, process: &Process<'_>) -> usize {
    let packer = if message { Packer::new(protocol, 0, process) } else { Packer::bare(protocol, 0, process) };
    match packer {
        Err(PackError::LimitTooSmall { limit: 0, least, .. }) => least,
        other => panic!("{other:?}"),
    }
}

/// Counts how often its parts are asked for.
struct Counted<'a> {
    span: &'a Span<'static>,
    heads: Cell<usize>,
    tags: Cell<usize>,
}

impl SpanSource for Counted<'_> {
    fn head(&self) -> SpanHead<'_> {
        self.heads.set(self.heads.get() + 1);
        self.span.head()
    }
    fn references(&self) -> impl ExactSizeIterator<Item = SpanRef> {
        SpanSource::references(self.span)
    }
    fn tag_count(&self) -> usize {
        self.span.tag_count()
    }
    fn tags(&self) -> impl Iterator<Item = TagRef<'_>> {
        self.tags.set(self.tags.get() + 1);
        SpanSource::tags(self.span)
    }
    fn log_count(&self) -> usize {
        self.span.log_count()
    }
    fn logs(&self) -> impl Iterator<Item = impl LogSource> {
        SpanSource::logs(self.span)
    }
}

/// Spans of every size, from nothing to beyond the limit.
fn spans() -> impl Strategy<Value = Vec<Span<'static>>> {
    let long = (0usize..3_000, 0usize..4).prop_map(|(n, tags)| Span {
        tags: (0..tags).map(|tag| Tag::new(format!("k{tag}"), "x".repeat(n / (tag + 1)))).collect(),
        ..Span::default()
    });
    let long_name =
        (0usize..3_000).prop_map(|n| Span { operation_name: "n".repeat(n).into(), ..Span::default() });
    let small = random::small_span();
    vec(prop_oneof![12 => small, 4 => random::span(), 4 => long, 1 => long_name], 0..150)
}

fn is_shed(span: &Span<'_>) -> bool {
    span.tags.last().is_some_and(|tag| tag.key == TAGS_SHED)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn datagrams_are_tight_and_whole(
        protocol in random::protocol(),
        message in any::<bool>(),
        process in random::process(),
        more in prop_oneof![0usize..100, 0usize..4_000, Just(60_000)],
        spans in spans(),
        stats in proptest::option::of(random::stats()),
    ) {
        let limit = least(protocol, message, &process) + more;
        let mut packer = packer(protocol, message, limit, &process);
        let mut sent = Vec::new();
        let sink = &mut |it: Datagram<'_>| sent.push(Sent::of(it));
        if let Some(stats) = stats {
            packer.set_stats(stats);
        }
        let mut kept = Vec::new();
        let mut too_large = 0;
        for span in &spans {
            let source = Counted { span, heads: Cell::new(0), tags: Cell::new(0) };
            let pushed = packer.push(&source, sink);
            prop_assert_eq!((source.heads.get(), source.tags.get()), (1, usize::from(!span.tags.is_empty())));
            match pushed {
                Push::Added => kept.push((span, 0)),
                Push::AddedShedding { tags } => kept.push((span, tags)),
                Push::TooLarge { .. } => too_large += 1,
            }
        }
        packer.finish(sink);
        packer.finish(sink);
        prop_assert_eq!(packer.pending(), 0);

        // In = out + too large, in order, and unchanged but for what was shed.
        prop_assert_eq!(kept.len() + too_large, spans.len());
        let batches: Vec<Batch<'_>> = sent.iter().map(|it| it.batch(protocol, message)).collect();
        let out: Vec<&Span<'_>> = batches.iter().flat_map(|batch| &batch.spans).collect();
        prop_assert_eq!(out.len(), kept.len());
        let exact = |spans: &[&Span<'_>]| {
            let spans = spans.iter().map(|it| (*it).clone().into_owned()).collect();
            random::exact_batch(Batch { spans, ..Batch::default() }).spans
        };
        for (out, (span, shed)) in out.iter().zip(&kept) {
            prop_assert_eq!(is_shed(out), *shed > 0);
            if *shed == 0 {
                prop_assert_eq!(exact(&[out]), exact(&[span]));
            } else {
                let fields = |span: &Span<'_>| span.logs.iter().map(|log| log.fields.len().max(1)).sum::<usize>();
                prop_assert_eq!(span.tags.len() + fields(span), out.tags.len() - 1 + fields(out) + shed);
                prop_assert_eq!(&out.tags.last().unwrap().value, &Value::Long(*shed as i64));
                prop_assert_eq!(span.span_id, out.span_id);
            }
        }

        for (n, (datagram, batch)) in sent.iter().zip(&batches).enumerate() {
            prop_assert!(datagram.bytes.len() <= limit);
            prop_assert_eq!((datagram.spans, datagram.seq_no), (batch.spans.len(), n as i64 + 1));
            prop_assert!(datagram.spans > 0);
            prop_assert_eq!(batch.seq_no, Some(n as i64 + 1));
            prop_assert_eq!(batch.stats, stats);
            // The same bytes as the plain encoder's, and the process the same.
            prop_assert_eq!(&encoded(protocol, message, batch.clone()), &datagram.bytes);
            prop_assert_eq!(
                random::exact_batch(Batch { process: batch.process.clone(), ..Batch::default() }),
                random::exact_batch(Batch { process: process.clone(), ..Batch::default() })
            );
            // The next span would not have fitted.
            if let Some(next) = batches.get(n + 1) {
                let mut fuller = batch.clone();
                fuller.spans.push(next.spans[0].clone());
                prop_assert!(encoded(protocol, message, fuller).len() > limit);
            }
        }
    }

    /// Datagrams refused by the network are packed again for a lower limit: nothing is lost that still fits.
    #[test]
    fn refused_datagrams_are_packed_again(
        protocol in random::protocol(),
        message in any::<bool>(),
        process in random::process(),
        first in 1_000usize..5_000,
        second in 0usize..1_000,
        spans in spans(),
    ) {
        let least = least(protocol, message, &process);
        let mut packer = packer(protocol, message, least + first, &process);
        let mut refused = Vec::new();
        let (mut too_large, mut pushed) = (0, 0);
        for span in &spans {
            match packer.push(span, &mut |it| refused.push(Sent::of(it))) {
                Push::TooLarge { .. } => too_large += 1,
                _ => pushed += 1,
            }
        }
        let waiting = packer.pending();
        let mut sent = Vec::new();
        let sink = &mut |it: Datagram<'_>| sent.push(Sent::of(it));
        let limit = least + second;
        let mut again = packer.set_limit(limit, sink).unwrap();
        if again == Repacked::default() {
            again.added = waiting;
        }
        prop_assert_eq!(packer.limit(), limit);
        prop_assert_eq!(again.added + again.too_large, waiting);
        for datagram in &refused {
            let one = packer.requeue(&datagram.bytes, sink).unwrap();
            prop_assert_eq!(one.added + one.too_large, datagram.spans);
            again.added += one.added;
            again.shedding += one.shedding;
            again.too_large += one.too_large;
        }
        packer.finish(sink);

        prop_assert_eq!(pushed + too_large, spans.len());
        prop_assert_eq!(again.added + again.too_large, pushed);
        prop_assert!(sent.iter().all(|it| it.bytes.len() <= limit));
        let out: Vec<Span<'_>> = sent.iter().flat_map(|it| it.batch(protocol, message).spans).collect();
        prop_assert_eq!(out.len(), again.added);
        prop_assert!(out.iter().filter(|span| is_shed(span)).count() >= again.shedding);
        // No span says twice that it was shed.
        let says = |span: &&Span<'_>| span.tags.iter().filter(|tag| tag.key == TAGS_SHED).count() > 1;
        prop_assert_eq!(out.iter().find(says), None);
        // Numbers go on where they were.
        let numbers: Vec<i64> = sent.iter().map(|it| it.seq_no).collect();
        let next = refused.len() as i64 + 1;
        prop_assert_eq!(numbers, (next..next + sent.len() as i64).collect::<Vec<_>>());
    }
}

fn span(n: u64) -> Span<'static> {
    Span { trace_id: 1, span_id: n, operation_name: "operation".into(), ..Span::default() }
}

/// Packs `n` spans and gives the datagrams.
fn pack(protocol: Protocol, limit: usize, n: u64) -> Vec<Sent> {
    let mut packer = Packer::new(protocol, limit, &Process::new("service")).unwrap();
    let mut sent = Vec::new();
    let sink = &mut |it: Datagram<'_>| sent.push(Sent::of(it));
    for n in 1..=n {
        assert_eq!(packer.push(&span(n), sink), Push::Added);
    }
    packer.finish(sink);
    sent
}

/// A datagram of exactly the limit is sent, one byte less makes two: also where the list's header grows, at 15 and 128 spans.
#[test]
fn the_limit_is_exact() {
    for protocol in PROTOCOLS {
        for n in [13, 14, 15, 16, 17, 126, 127, 128, 129, 500] {
            let whole = pack(protocol, 1_000_000, n);
            assert_eq!(whole.len(), 1);
            let size = whole[0].bytes.len();
            let exactly = pack(protocol, size, n);
            assert_eq!((exactly.len(), exactly[0].bytes.len()), (1, size));
            let less = pack(protocol, size - 1, n);
            assert_eq!(less.iter().map(|it| it.spans as u64).collect::<Vec<_>>(), [n - 1, 1]);
        }
    }
}

/// The number is part of the datagram: from 64 on it takes a byte more in the compact encoding.
#[test]
fn a_longer_number_takes_room_from_the_spans() {
    let limit = least(Protocol::Compact, true, &Process::new("service"));
    let sent = pack(Protocol::Compact, limit, 2_000);
    assert!(sent.len() > 100);
    for (n, datagram) in sent.iter().enumerate() {
        assert_eq!(datagram.batch(Protocol::Compact, true).seq_no, Some(n as i64 + 1));
        assert!(datagram.bytes.len() <= limit);
    }
}

#[test]
fn a_limit_without_room_for_a_span_is_an_error_that_says_what_to_do() {
    let process = Process { service_name: "shop".into(), tags: vec![Tag::new("note", "x".repeat(1_000))] };
    for protocol in PROTOCOLS {
        for message in [true, false] {
            let least = least(protocol, message, &process);
            assert!(least > 1_000);
            let build = |limit| {
                if message {
                    Packer::new(protocol, limit, &process)
                } else {
                    Packer::bare(protocol, limit, &process)
                }
            };
            assert_eq!(build(least).unwrap().limit(), least);
            let error = build(least - 1).unwrap_err();
            assert_eq!(
                error,
                PackError::LimitTooSmall { limit: least - 1, least, service_name: "shop".into() }
            );
            for part in [&format!("{}", least - 1), &format!("{least}"), "\"shop\"", "process tags"] {
                assert!(error.to_string().contains(part), "{error}");
            }
            let most = i32::MAX as usize;
            assert!(build(most).is_ok());
            assert_eq!(build(most + 1).unwrap_err(), PackError::LimitTooLarge { limit: most + 1, most });
        }
    }
}

#[test]
fn a_limit_that_cannot_be_changes_nothing() {
    let mut packer = Packer::new(Protocol::Compact, DEFAULT_LIMIT, &Process::new("shop")).unwrap();
    let mut sent = 0;
    assert_eq!(packer.push(&span(1), &mut |_| sent += 1), Push::Added);
    assert!(packer.set_limit(10, &mut |_| sent += 1).is_err());
    assert_eq!((packer.limit(), packer.pending(), packer.seq_no(), sent), (DEFAULT_LIMIT, 1, 1, 0));
}

#[test]
fn what_is_no_datagram_is_not_queued() {
    let process = Process::new("shop");
    for protocol in PROTOCOLS {
        for message in [true, false] {
            let mut packer = packer(protocol, message, DEFAULT_LIMIT, &process);
            let mut good = Vec::new();
            let sink = &mut |it: Datagram<'_>| good = it.bytes.to_vec();
            assert_eq!(packer.push(&span(1), sink), Push::Added);
            packer.finish(sink);
            for end in 0..good.len() {
                assert!(packer.requeue(&good[..end], &mut |_| ()).is_err());
                assert_eq!(packer.pending(), 0);
            }
            let again = packer.requeue(&good, &mut |_| ()).unwrap();
            assert_eq!((again, packer.pending()), (Repacked { added: 1, ..Repacked::default() }, 1));
        }
    }
}

fn stats(n: i64) -> ClientStats {
    ClientStats { full_queue_dropped_spans: n, too_large_dropped_spans: n, failed_to_emit_spans: n }
}

/// Statistics go with the datagram that is being filled where they fit, otherwise with the next; they never make one too long.
#[test]
fn statistics_go_with_the_first_datagram_that_has_room() {
    for protocol in PROTOCOLS {
        let full = pack(protocol, 1_000_000, 10)[0].bytes.len();
        let with_stats = |room: usize| {
            let mut packer = Packer::new(protocol, full + room, &Process::new("service")).unwrap();
            let mut sent = Vec::new();
            let sink = &mut |it: Datagram<'_>| sent.push(Sent::of(it));
            (1..=10).for_each(|n| assert_eq!(packer.push(&span(n), sink), Push::Added));
            packer.set_stats(stats(i64::MAX));
            packer.finish(sink);
            assert_eq!(packer.push(&span(11), sink), Push::Added);
            packer.finish(sink);
            assert!(sent.iter().all(|it| it.bytes.len() <= full + room));
            sent.iter().map(|it| it.batch(protocol, true).stats).collect::<Vec<_>>()
        };
        // Compact: a header, three times a header and ten bytes, a stop. Binary: three bytes for each header, eight for each number.
        let size = match protocol {
            Protocol::Compact => 1 + 3 * 11 + 1,
            Protocol::Binary => 3 + 3 * 11 + 1,
        };
        assert_eq!(with_stats(size), [Some(stats(i64::MAX)); 2]);
        assert_eq!(with_stats(size - 1), [None, Some(stats(i64::MAX))]);
    }
}

#[test]
fn the_newest_statistics_are_said() {
    let mut packer = Packer::new(Protocol::Compact, DEFAULT_LIMIT, &Process::new("shop")).unwrap();
    let mut sent = Vec::new();
    for n in 0..3 {
        assert_eq!(packer.push(&span(1), &mut |it| sent.push(Sent::of(it))), Push::Added);
        packer.set_stats(stats(n));
        packer.set_stats(stats(10 * n));
        packer.finish(&mut |it| sent.push(Sent::of(it)));
    }
    let said: Vec<_> = sent.iter().map(|it| it.batch(Protocol::Compact, true).stats).collect();
    assert_eq!(said, [Some(stats(0)), Some(stats(10)), Some(stats(20))]);
}

/// A limit may also rise; what waits stays and is filled up.
#[test]
fn a_higher_limit_fills_up_what_waits() {
    let mut packer = Packer::new(Protocol::Compact, 300, &Process::new("service")).unwrap();
    let mut sent = Vec::new();
    let sink = &mut |it: Datagram<'_>| sent.push(Sent::of(it));
    (1..=3).for_each(|n| assert_eq!(packer.push(&span(n), sink), Push::Added));
    assert_eq!(packer.set_limit(3_000, sink), Ok(Repacked::default()));
    (4..=60).for_each(|n| assert_eq!(packer.push(&span(n), sink), Push::Added));
    packer.finish(sink);
    assert_eq!(sent.iter().map(|it| it.spans).collect::<Vec<_>>(), [60]);
}
