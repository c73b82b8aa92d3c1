//! Random programs of futures: whatever they are made of, and wherever they are polled, cancelled or panic, a body is in the same span at each of its points, and a poll leaves outside of it what was ambient before.
//!
//! A program is what its seed says, and a failure names the seed (but at which of its spans a full log has no room is the collector's pace). One test, because a process has one tracer, and its log is filled. `PROGRAMS=50000` runs more of them.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{FutureExt, Sampler, Span, SpanContext, SpanId, Stats, TraceId, Tracer, traced};
use jaeger_thrift::{Span as Finished, Value};
use std::collections::HashSet;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// So many begin before there is a tracer.
const EARLY: u64 = 100;
/// One of so many runs where the log is full.
const FULL: u64 = 16;
/// So many open calls leave no room in its log.
const LEVELS: u64 = 1_000;
/// How deep the futures of a program are nested at most.
const DEPTH: u32 = 3;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

static INSTALLED: AtomicBool = AtomicBool::new(false);

fn here() -> SpanContext {
    SpanContext::current()
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn pause() {
    let mut paused = false;
    poll_fn(|_| if mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// What a body panics with. It is thrown past the hook, so that only what fails is printed.
struct Planned;

/// What `f` answers, or `None` if it panics as planned.
fn unless_planned<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(answer) => Some(answer),
        Err(panic) if panic.is::<Planned>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Whether what is called in it is recorded, if there is room.
fn is_let_in(context: SpanContext) -> bool {
    !context.is_valid() || context.is_sampled()
}

/// One program: the source of its choices, and what it has done.
struct Program {
    seed: u64,
    choices: AtomicU64,
    traces: AtomicU64,
    /// The calls of [`leaf`].
    leaves: Mutex<Vec<Leaf>>,
}

/// What was ambient around a call, and whether its span has yet to arrive.
struct Leaf {
    around: SpanContext,
    missing: bool,
}

impl Program {
    fn new(seed: u64) -> Arc<Self> {
        let (choices, traces) = (AtomicU64::new(seed << 32), AtomicU64::new(0));
        Arc::new(Self { seed, choices, traces, leaves: Mutex::default() })
    }

    /// The next choice of `n`: SplitMix64.
    fn below(&self, n: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.choices.fetch_add(1, Relaxed).wrapping_add(1).wrapping_mul(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % n
    }

    fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A trace that comes from elsewhere, let in or refused. Its span's id is that of all others.
    fn remote(&self) -> SpanContext {
        let number = u128::from(self.seed) << 32 | u128::from(self.traces.fetch_add(1, Relaxed));
        SpanContext::new(TraceId::from_u128(0xfeed << 96 | number), SpanId::from_u64(7), self.one_in(2))
    }

    /// A context that differs from `context` in one thing: its span, its trace, or whether that was let in.
    fn like(&self, context: SpanContext) -> SpanContext {
        let (trace, span, sampled) = (context.trace_id(), context.span_id(), context.is_sampled());
        match self.below(3) {
            0 => SpanContext::new(trace, SpanId::from_u64(span.to_u64() ^ 1 << 62), sampled),
            1 => SpanContext::new(self.remote().trace_id(), span, sampled),
            _ => SpanContext::new(trace, span, !sampled),
        }
    }

    #[track_caller]
    fn expect(&self, expected: SpanContext, at: &str) {
        assert_eq!(here(), expected, "program {}: what is ambient {at}", self.seed);
    }

    /// The same of a body, if it is in a span at all; what is around one that is not is not its business.
    #[track_caller]
    fn expect_still(&self, own: SpanContext, at: &str) {
        if own.is_valid() {
            self.expect(own, at);
        }
    }

    fn call_leaf(&self) {
        let around = here();
        let n = {
            let mut leaves = self.leaves.lock().unwrap();
            leaves.push(Leaf { around, missing: INSTALLED.load(Relaxed) && is_let_in(around) });
            leaves.len() - 1
        };
        let inside = leaf(n);
        if around.is_valid() {
            let (left, right) = (inside.trace_id(), around.trace_id());
            assert_eq!(left, right, "program {}: the trace of a leaf", self.seed);
        }
        self.expect(around, "behind a leaf");
    }

    /// How many leaves that should have been recorded are missing after `spans`. None of those is wrong.
    fn missing_leaves(&self, spans: &[Finished<'_>]) -> u64 {
        let mut leaves = self.leaves.lock().unwrap();
        for span in spans.iter().filter(|span| span.operation_name == "leaf") {
            let n = span.tags.iter().find(|tag| tag.key == "n").map(|tag| &tag.value);
            let Some(&Value::Long(n)) = n else { panic!("program {}: {span:?} has no number", self.seed) };
            let Leaf { around, missing } = &mut leaves[n as usize];
            assert!(mem::take(missing), "program {}: {span:?} is recorded under {around}", self.seed);
            if around.is_valid() {
                let expected = (around.trace_id().to_u128(), around.span_id().to_u64());
                assert_eq!((span.trace_id, span.parent_span_id), expected, "program {}: {span:?}", self.seed);
            }
        }
        leaves.iter_mut().map(|leaf| u64::from(mem::take(&mut leaf.missing))).sum()
    }

    /// Whether it waits. A poll that is done, or panics as planned, leaves no more than one that waits.
    fn waits(&self, work: &mut Work) -> bool {
        let around = here();
        let polled = unless_planned(|| poll(work.as_mut()));
        self.expect(around, "behind a poll by hand");
        polled.is_some_and(|polled| polled.is_pending())
    }
}

#[traced(no_reply)]
fn leaf(n: usize) -> SpanContext {
    std::hint::black_box(n);
    here()
}

/// Where a future was made.
#[derive(Clone, Copy)]
struct Made {
    context: SpanContext,
    /// Without a tracer it was made nowhere.
    traced: bool,
}

/// A body whose first poll is that of an annotated function, in which something may be left attached.
async fn begins(program: Arc<Program>, depth: u32) {
    let own = here();
    if program.one_in(6) {
        let left = Span::child("left attached");
        mem::forget(left.enter());
        pause().await;
        program.expect_still(own, "after something was left attached");
    }
    body(program, depth, own).await;
}

/// The same of one that was made before it begins, and is then in the trace in which it was made.
async fn goes_on(program: Arc<Program>, depth: u32, made: Made) {
    let own = if made.traced { here() } else { SpanContext::NONE };
    if made.traced && made.context.is_valid() {
        assert_eq!(own.trace_id(), made.context.trace_id(), "program {}: made and begun", program.seed);
    }
    body(program, depth, own).await;
}

async fn body(program: Arc<Program>, depth: u32, own: SpanContext) {
    let mut held = vec![];
    for _ in 0..program.below(5) {
        let choice = program.below(17);
        step(&program, choice, depth, own, &mut held).await;
        program.expect_still(own, &format!("after step {choice}"));
    }
    pause().await;
    program.expect_still(own, "after the last pause");
    program.call_leaf();
}

async fn step(program: &Arc<Program>, choice: u64, depth: u32, own: SpanContext, held: &mut Vec<Work>) {
    let child = || make(program, depth - 1);
    match choice {
        0 | 1 => pause().await,
        2 => program.call_leaf(),
        3 if program.one_in(6) => resume_unwind(Box::new(Planned)),
        4 => held.retain_mut(|work| program.waits(work)),
        5 => by_hand(program, held).await,
        6 => {
            let other = Span::child_of(program.remote(), "other");
            let _inside = other.enter();
            held.retain_mut(|work| program.waits(work));
            held.clear();
        }
        7 | 8 if own.is_valid() => {
            if let Some(mut work) = held.pop() {
                let waits = program.waits(&mut work);
                let context = program.like(own);
                if waits {
                    work.in_context(context).await;
                }
            }
        }
        _ if depth == 0 => {}
        9 | 10 => child().await,
        11 | 12 => held.push(child()),
        13 => child().in_span(Span::child("in_span")).await,
        14 => child().in_context(if own.is_valid() { program.like(own) } else { own }).await,
        15 => {
            let mut either = [child(), child()];
            poll_fn(|cx| select(program, &mut either, cx)).await;
        }
        _ => {
            let mut work = child();
            poll_fn(|cx| unless_planned(|| work.as_mut().poll(cx)).unwrap_or(Poll::Ready(()))).await;
        }
    }
}

/// A span that is entered for a while, with polls in it, and open over an await.
async fn by_hand(program: &Program, held: &mut Vec<Work>) {
    let around = here();
    let span = Span::child("by hand");
    {
        let _inside = span.enter();
        program.call_leaf();
        if let Some(mut work) = held.pop() {
            if program.waits(&mut work) {
                held.push(work);
            }
        }
    }
    program.expect(around, "behind a guard");
    pause().await;
}

/// One poll of each, until one is done.
fn select(program: &Program, either: &mut [Work], cx: &mut Context<'_>) -> Poll<()> {
    let around = here();
    for work in either {
        let polled = work.as_mut().poll(cx);
        program.expect(around, "behind a poll of two");
        if polled.is_ready() {
            return polled;
        }
    }
    Poll::Pending
}

#[traced(no_reply, skip_all)]
async fn annotated(program: Arc<Program>, depth: u32) {
    begins(program, depth).await;
}

#[traced(skip_all)]
async fn replies(program: Arc<Program>, depth: u32) -> u64 {
    begins(program, depth).await;
    5
}

#[traced(skip_all)]
async fn fails(program: Arc<Program>, depth: u32) -> Result<(), String> {
    begins(program, depth).await;
    Err("no".into())
}

#[traced(skip_all, polls)]
async fn timed(program: Arc<Program>, depth: u32) {
    begins(program, depth).await;
}

#[traced(skip_all, root)]
async fn rooted(program: Arc<Program>, depth: u32) {
    begins(program, depth).await;
}

#[traced(no_reply, skip_all)]
fn returned(program: Arc<Program>, depth: u32, made: Made) -> impl Future<Output = ()> + Send {
    goes_on(program, depth, made)
}

#[traced(no_reply, skip_all, polls)]
fn returned_timed(program: Arc<Program>, depth: u32, made: Made) -> impl Future<Output = ()> + Send {
    goes_on(program, depth, made)
}

#[traced(no_reply, skip_all)]
fn boxed(program: Arc<Program>, depth: u32, made: Made) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(goes_on(program, depth, made))
}

/// A future of any kind, not polled yet.
fn make(program: &Arc<Program>, depth: u32) -> Work {
    let made = Made { context: here(), traced: INSTALLED.load(Relaxed) };
    let (kind, program) = (program.below(10), program.clone());
    match kind {
        0 => Box::pin(annotated(program, depth)),
        1 => Box::pin(async move { assert_eq!(replies(program, depth).await, 5) }),
        2 => Box::pin(async move { assert!(fails(program, depth).await.is_err()) }),
        3 => Box::pin(timed(program, depth)),
        4 => Box::pin(rooted(program, depth)),
        5 => Box::pin(returned(program, depth, made)),
        6 => Box::pin(returned_timed(program, depth, made)),
        7 => boxed(program, depth, made),
        #[cfg(feature = "stream")]
        8 => Box::pin(streams::drain(program, depth, made)),
        _ => Box::pin(annotated(program, depth)),
    }
}

#[cfg(feature = "stream")]
mod streams {
    use super::*;
    use futures_core::Stream;

    /// A body as a stream: where it waits, that may be an item.
    struct Items(Work, Arc<Program>);

    impl Stream for Items {
        type Item = ();

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
            match self.0.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending if self.1.one_in(2) => Poll::Ready(Some(())),
                Poll::Pending => Poll::Pending,
            }
        }
    }

    #[traced(no_reply, skip_all)]
    fn items(program: Arc<Program>, depth: u32, made: Made) -> impl Stream<Item = ()> + Send {
        Items(Box::pin(goes_on(program.clone(), depth, made)), program)
    }

    /// The stream is made at once, and polled with the future.
    pub(super) fn drain(program: Arc<Program>, depth: u32, made: Made) -> impl Future<Output = ()> + Send {
        let mut items = Box::pin(items(program, depth, made));
        async move { while poll_fn(|cx| items.as_mut().poll_next(cx)).await.is_some() {} }
    }
}

/// A program that has begun: its futures wait, and the span in which they began may be open.
struct Begun {
    program: Arc<Program>,
    home: Option<Span>,
    works: Vec<Work>,
}

/// Makes up to three futures, in a trace from elsewhere or in what is ambient, and polls them once.
fn begin(program: &Arc<Program>) -> Begun {
    let around = here();
    let home = (!program.one_in(3)).then(|| Span::child_of(program.remote(), "home"));
    let inside = home.as_ref().map(Span::enter);
    let mut works: Vec<_> = (0..=program.below(3)).map(|_| make(program, DEPTH)).collect();
    works.retain_mut(|work| program.waits(work));
    drop(inside);
    program.expect(around, "behind the first polls");
    Begun { program: program.clone(), home: home.filter(|_| program.one_in(2)), works }
}

impl Begun {
    /// Polls them in any order, here or on another thread, until each is done or dropped.
    fn finish(mut self) {
        while !self.works.is_empty() {
            let chosen = self.program.below(self.works.len() as u64) as usize;
            let work = self.works.swap_remove(chosen);
            let program = self.program.clone();
            let turn = move || turn(&program, work);
            let left = match self.program.one_in(8) {
                true => thread::spawn(turn).join().unwrap_or_else(|panic| resume_unwind(panic)),
                false => turn(),
            };
            self.works.extend(left);
        }
        drop(self.home);
    }
}

/// Polls it once, in a span of another trace or in none, and gives it back if it waits, unless it is cancelled.
fn turn(program: &Program, mut work: Work) -> Option<Work> {
    let outside = here();
    let around = program.one_in(2).then(|| Span::child_of(program.remote(), "around"));
    let inside = around.as_ref().map(Span::enter);
    let before = here();
    let left = (program.waits(&mut work) && !program.one_in(12)).then_some(work);
    program.expect(before, "behind a future that may have been dropped");
    drop(inside);
    program.expect(outside, "behind a turn");
    left
}

/// Each open call keeps room for its end, so that a recursion deep enough fills the log however fast it is read.
#[traced(skip(then), no_reply)]
fn where_the_log_is_full(levels: u64, then: &mut dyn FnMut()) {
    if levels > 0 { where_the_log_is_full(levels - 1, then) } else { then() }
}

/// Several times the same program's like, in a span of which they know while there is no room for theirs. That is open still.
fn run_where_the_log_is_full(program: &Arc<Program>) -> Span {
    let program = program.clone();
    let run = move || {
        let open = Span::root("open");
        where_the_log_is_full(LEVELS, &mut || {
            let _inside = open.enter();
            for _ in 0..6 {
                begin(&program).finish();
            }
        });
        program.expect(SpanContext::NONE, "behind the recursion");
        open
    };
    let deep = thread::Builder::new().stack_size(1 << 28).spawn(run).unwrap();
    deep.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// What has arrived so far.
struct Arrived {
    tracer: Tracer,
    memory: MemoryReporter,
    stats: Stats,
    ids: HashSet<(u128, u64)>,
}

impl Arrived {
    /// Fetches what `program` has recorded, of which `open` spans are open still, and holds it against what the program knows.
    fn check(&mut self, program: &Program, open: u64) {
        let (seed, before) = (program.seed, &self.stats);
        let stats = self.tracer.flush(Duration::from_secs(60)).unwrap();
        let spans = self.memory.take();
        assert_eq!(stats.open, open, "program {seed}: {stats:?}");
        assert_eq!(
            stats.started,
            stats.finished + stats.open + stats.dropped.total(),
            "program {seed}: {stats:?}"
        );
        assert_eq!(stats.finished - before.finished, spans.len() as u64, "program {seed}: {stats:?}");
        for span in &spans {
            assert!(
                self.ids.insert((span.trace_id, span.span_id)),
                "program {seed}: {span:?} is there twice"
            );
            // What a body without a span of its own keeps of another's does not end that.
            let kept = span.operation_name != "open"
                || open == 0 && span.tags.iter().all(|tag| tag.key != "error" && tag.key != "cancelled");
            assert!(kept, "program {seed}: {span:?} was ended by another");
        }
        let missing = program.missing_leaves(&spans);
        let dropped = stats.dropped.total() - before.dropped.total();
        assert!(missing <= dropped, "program {seed}: {missing} leaves are missing, {stats:?}");
        self.stats = stats;
    }
}

#[test]
fn a_future_is_in_one_span_all_its_life_and_leaves_nothing_outside_of_its_polls() {
    let count = std::env::var("PROGRAMS").map_or(1_500, |count| count.parse().unwrap());
    let begun: Vec<_> = (0..EARLY).map(|seed| begin(&Program::new(seed))).collect();

    let memory = MemoryReporter::with_limit(1 << 20);
    let builder = Tracer::builder("programs").sampler(Sampler::Const(true)).log_bytes(1 << 18);
    let tracer = builder.reporter(memory.clone()).install().unwrap();
    INSTALLED.store(true, Relaxed);
    let mut arrived = Arrived { stats: tracer.stats(), tracer, memory, ids: HashSet::new() };

    for begun in begun {
        let program = begun.program.clone();
        begun.finish();
        arrived.check(&program, 0);
    }
    for seed in EARLY..count {
        let program = Program::new(seed);
        if seed % FULL == 0 {
            let full = arrived.stats.dropped.log_full;
            let open = run_where_the_log_is_full(&program);
            arrived.check(&program, 1);
            assert!(arrived.stats.dropped.log_full > full, "program {seed}: {:?}", arrived.stats);
            drop(open);
        } else {
            begin(&program).finish();
        }
        program.expect(SpanContext::NONE, "behind the program");
        arrived.check(&program, 0);
    }
}
