//! The fold, fed with events written by hand: budgets, owners of logs, remote parents, samplers. What needs no threads to be seen stands here; the rest in `tests/`.

use super::*;
use crate::context::SAMPLED;
use crate::event_log::format::{Head, Overflow, first_word, write_values};
use crate::event_log::ring::{Producer, Room};
use crate::record::SpanRecord;
use crate::report::{Reporter, ReporterStats};
use crate::sampler::Sampler;
use crate::site::Site;
use crate::value::Value;
use jaeger_thrift::{Process, Span};
use std::sync::{Arc, Mutex};

static AT: Site<[u8; 25]> = Site::new("nested\0reply\0\0text\0m\0f.rs", 1);

/// A finished span, and whether it is the first of its trace in this process.
type Seen = Arc<Mutex<Vec<(Span<'static>, bool)>>>;

struct Sees(Seen);

impl Reporter for Sees {
    fn name(&self) -> String {
        "sees".into()
    }
    fn never_waits(&self) -> bool {
        true
    }
    fn report(&mut self, span: &SpanRecord<'_>) {
        self.0.lock().unwrap().push((span.to_owned(), span.is_local_root()));
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats::default()
    }
}

/// A fold with logs that the test writes.
struct Bench {
    fold: Fold,
    to: Fanout,
    seen: Seen,
}

impl Bench {
    fn new(budget: usize) -> Self {
        let seen = Seen::default();
        let to = Fanout::new(vec![Box::new(Sees(seen.clone()))], &Process::default(), 0).unwrap();
        let origin = Sampler::Probabilistic(0.5).build().unwrap().origin();
        Self { fold: Fold::new(budget, vec![origin]), to, seen }
    }

    fn log(&mut self) -> Writer {
        let ring: &'static Ring = Box::leak(Box::new(Ring::new(1 << 15, 512)));
        self.fold.threads.push(Thread {
            ring,
            mirror: Mirror::default(),
            stack: Vec::new(),
            arena: Vec::new(),
        });
        let producer = Producer::detached();
        producer.attach(ring);
        Writer(producer)
    }

    /// One round over the logs of this bench.
    fn round(&mut self) -> Counts {
        self.fold.read_all(&Scale::new(), &mut self.to);
        self.fold.counts
    }

    fn seen(&self) -> Vec<(Span<'static>, bool)> {
        self.seen.lock().unwrap().clone()
    }
}

/// The writing end of a log.
struct Writer(Producer);

impl Writer {
    fn event(&self, kind: Kind, low: u32, fixed: &[u64], values: &[Value<'_>]) {
        assert!(self.0.make_room() != Room::No);
        let window = self.0.window();
        let at = 1 + fixed.len();
        let (words, head) = match write_values(window, at, values, 1_024, Overflow::Cut) {
            Ok(done) if !values.is_empty() => (done.words, done.head),
            _ => (at, Head::NONE),
        };
        window[0].store(first_word(kind, words, head, low), Relaxed);
        window[1..].iter().zip(fixed).for_each(|(slot, word)| slot.store(*word, Relaxed));
        self.0.publish(words);
    }

    /// The ambient context: a span of trace 7, or a new root of it.
    fn context(&self, parent: u64, flags: u8, owner: u32) {
        let bits = u32::from(flags) | owner;
        self.event(Kind::Context, bits, &[0, 7, parent, 1_000 + parent], &[]);
    }

    /// The root of a trace that sampler number 1 has let in.
    fn root(&self, text: &str) {
        let rest = u64::from(SAMPLED) | 1 << 8;
        self.event(Kind::Root, Site::register(&AT), &[1, rest], &[Value::Str(text)]);
    }

    fn start(&self, text: &str) {
        self.event(Kind::Start, Site::register(&AT), &[1], &[Value::Str(text)]);
    }

    fn end(&self) {
        self.event(Kind::End, 2, &[], &[]);
    }

    fn start_at(&self, id: u64, parent: u64, text: &str) {
        let rest = u64::from(SAMPLED) | 1 << 32;
        self.event(Kind::StartAt, Site::register(&AT), &[1, 0, 7, id, parent, rest], &[Value::Str(text)]);
    }

    fn end_at(&self, id: u64) {
        self.event(Kind::EndAt, 0, &[2, id], &[]);
    }

    fn tag(&self, id: u64, key: &str, value: &str) {
        let bits = ExtraKind::Tag as u32 | 2 << 8;
        self.event(Kind::Extra, bits, &[1, id], &[Value::Str(key), Value::Str(value)]);
    }
}

/// Of 50 spans with some text, those that the budget holds were kept.
fn fills(budget: usize, counts: Counts) {
    let kept = 50 - counts.collector_full as usize;
    assert!(kept * (OPEN_BYTES + 8) <= budget && (kept + 1) * (OPEN_BYTES + 24) > budget, "{counts:?}");
}

#[test]
fn open_nested_spans_take_no_more_than_the_budget_and_the_rest_is_counted() {
    let budget = 10 * OPEN_BYTES + 100;
    let mut bench = Bench::new(budget);
    let log = bench.log();
    log.context(0, SAMPLED, 0);
    (0..50).for_each(|_| log.start("some text"));
    let counts = bench.round();
    assert_eq!((counts.started, counts.finished), (50, 0));
    fills(budget, counts);
    assert_eq!(bench.fold.open(), 50 - counts.collector_full);
    // What is dropped keeps its place on the stack, so that ends meet their starts, but no arguments.
    assert!(bench.fold.threads[0].arena.len() <= budget - 9 * OPEN_BYTES);
    (0..50).for_each(|_| log.end());
    let after = bench.round();
    assert_eq!((after.finished, after.collector_full), (50 - counts.collector_full, counts.collector_full));
    assert_eq!((bench.fold.open(), bench.fold.held), (0, 0), "all of it is given back");
    // The outer ones were kept, each below the one before it, with their arguments.
    let seen = bench.seen();
    assert!(seen.windows(2).all(|pair| pair[0].0.parent_span_id == pair[1].0.span_id));
    assert!(seen.iter().all(|(span, _)| span.tags.iter().any(|tag| tag.key == "text")));
    assert_eq!(seen.last().unwrap().0.parent_span_id, 0);
    // There is room again.
    log.context(0, SAMPLED, 0);
    log.start("again");
    log.end();
    assert_eq!(bench.round().finished, after.finished + 1);
}

#[test]
fn open_spans_that_move_take_no_more_than_the_budget_and_the_rest_is_counted() {
    let budget = 10 * OPEN_BYTES + 100;
    let mut bench = Bench::new(budget);
    let log = bench.log();
    (1..=50).for_each(|id| log.start_at(id, 0, "some text"));
    let counts = bench.round();
    fills(budget, counts);
    assert!(bench.fold.held <= budget, "{}", bench.fold.held);
    assert_eq!((counts.started, bench.fold.open()), (50, 50 - counts.collector_full));
    (1..=50).for_each(|id| log.end_at(id));
    bench.round();
    let after = bench.round();
    assert_eq!((after.finished, after.collector_full), (50 - counts.collector_full, counts.collector_full));
    assert_eq!((bench.fold.open(), bench.fold.held, after.unfinished), (0, 0, 0));
}

#[test]
fn additions_to_open_spans_take_no_more_than_the_budget_and_the_rest_is_counted() {
    let budget = 2 * OPEN_BYTES + 10_000;
    let most = budget + 100 * size_of::<u64>();
    let text = "x".repeat(500);
    // To a span that is known, nested or not, and to one that is seen only later in the round.
    let mut bench = Bench::new(budget);
    let (early, log) = (bench.log(), bench.log());
    log.context(0, SAMPLED, 0);
    log.start("nested");
    bench.round();
    let nested = bench.fold.threads[1].mirror.context.span_id;
    log.start_at(5, 0, "moved");
    for n in 0..30 {
        early.tag(5, "early", &text);
        log.tag(if n % 2 == 0 { 5 } else { nested }, "late", &text);
    }
    bench.round();
    bench.round();
    let counts = bench.fold.counts;
    assert!(bench.fold.held <= most, "{} of {budget}", bench.fold.held);
    assert!((40..60).contains(&counts.extras_lost), "{counts:?}");
    log.end_at(5);
    log.end();
    bench.round();
    bench.round();
    let seen = bench.seen();
    let tags: usize =
        seen.iter().map(|(span, _)| span.tags.iter().filter(|tag| tag.key == "late").count()).sum();
    assert_eq!(tags as u64 + counts.extras_lost, 60, "each is there or counted");
    assert_eq!((seen.len(), bench.fold.held), (2, 0));
}

/// Whether it was nested or moved: what an end could not tell is missed of a span that arrives, and of no other; a tag is missed of any.
#[test]
fn what_an_end_could_not_tell_is_counted_with_the_span_that_arrives_without_it() {
    const UNTOLD: u32 = 2 << 16;
    let mut bench = Bench::new(2 * OPEN_BYTES + 100);
    let log = bench.log();
    let nested = |log: &Writer| log.event(Kind::EndWith, UNTOLD, &[2], &[]);
    let moved = |log: &Writer, id: u64| log.event(Kind::EndAt, UNTOLD, &[2, id], &[]);
    log.context(0, SAMPLED, 0);
    (0..5).for_each(|_| log.start("some text"));
    (1..=5).for_each(|id| log.start_at(id, 0, "some text"));
    let counts = bench.round();
    let arrive = counts.started - counts.collector_full;
    assert_eq!((counts.started, counts.extras_lost), (10, 0));
    assert!((1..5).contains(&arrive), "{counts:?}");
    log.tag(bench.fold.threads[0].mirror.context.span_id, "of the innermost", "which was dropped");
    log.tag(5, "of one that moved", "which was dropped");
    (0..5).for_each(|_| nested(&log));
    (1..=5).for_each(|id| moved(&log, id));
    // One that nobody has seen begin.
    moved(&log, 77);
    bench.round();
    let counts = bench.round();
    assert_eq!((counts.finished, counts.extras_lost), (arrive, 2 * arrive + 2), "{counts:?}");
}

#[test]
fn what_the_last_owner_of_a_log_left_open_is_counted_and_is_no_parent_of_the_next_ones_spans() {
    let mut bench = Bench::new(1 << 20);
    let log = bench.log();
    log.context(0, SAMPLED, NEW_OWNER);
    log.start("left open");
    log.start("left open too");
    log.context(0, SAMPLED, NEW_OWNER);
    log.start("the next owner's");
    log.end();
    let counts = bench.round();
    assert_eq!((counts.started, counts.finished, counts.unfinished), (3, 1, 2));
    assert_eq!((bench.fold.open(), bench.fold.held), (0, 0));
    assert_eq!(bench.seen()[0].0.parent_span_id, 0);
    // Without a new owner a Context leaves open what is open.
    log.context(0, SAMPLED, 0);
    log.start("outer");
    log.context(9, SAMPLED, 0);
    log.start("inner");
    log.end();
    log.end();
    assert_eq!((bench.round().finished, bench.fold.counts.unfinished), (3, 2));
}

#[test]
fn only_the_first_span_of_a_remote_parent_is_the_first_of_its_trace_here() {
    let mut bench = Bench::new(1 << 20);
    let log = bench.log();
    log.context(9, SAMPLED | REMOTE, 0);
    for text in ["first", "its child", "and its"] {
        log.start(text);
    }
    (0..3).for_each(|_| log.end());
    log.start("a second first");
    log.end();
    bench.round();
    let seen = bench.seen();
    let local_roots: Vec<bool> = seen.iter().map(|(_, local_root)| *local_root).collect();
    assert_eq!(local_roots, [false, false, true, true]);
    assert!(seen.iter().all(|(span, _)| span.flags == 1), "the mark is ours and not of the wire");
    assert_eq!((seen[2].0.parent_span_id, seen[3].0.parent_span_id), (9, 9));
}

#[test]
fn the_root_of_a_trace_tells_its_sampler_and_nothing_else_does() {
    let mut bench = Bench::new(1 << 20);
    let log = bench.log();
    log.context(0, SAMPLED, 0);
    log.root("root");
    log.start("child");
    log.end();
    log.start("second child");
    log.end();
    log.end();
    log.context(9, SAMPLED | REMOTE, 0);
    log.start("of a remote parent");
    log.end();
    bench.round();
    let told =
        |(span, _): &(Span<'static>, bool)| span.tags.iter().any(|tag| tag.key.starts_with("sampler."));
    assert_eq!(bench.seen().iter().map(told).collect::<Vec<_>>(), [false, false, true, false]);
}

#[test]
fn what_is_open_at_the_end_is_counted_as_unfinished() {
    let mut bench = Bench::new(1 << 20);
    let log = bench.log();
    log.context(0, SAMPLED, 0);
    log.start("nested");
    log.start_at(5, 0, "moved");
    bench.round();
    assert_eq!((bench.fold.open(), bench.fold.counts.unfinished), (2, 0));
    bench.fold.give_up_open();
    assert_eq!((bench.fold.open(), bench.fold.counts.unfinished), (0, 2));
    assert_eq!(bench.fold.counts.started, 2);
}
