//! Random programs of futures: whatever they are made of, and wherever they are polled, cancelled or panic, a body is in the same span at each of its points, and a poll leaves outside of it what was ambient before.
//!
//! A program is what its seed says, and a failure names the seed (but which spans find no room where the log is full is also the collector's pace). `PROGRAMS=50000` runs so many of them.
//!
//! One test, because a process has one tracer, and its log is filled.

use futures_core::Stream;
use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{FutureExt, Sampler, Span, SpanContext, SpanId, TraceId, Tracer, traced};
use jaeger_thrift::Value;
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{mem, thread};

/// A future of a program, nested to a depth of three at most.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

static TRACER: OnceLock<(Tracer, MemoryReporter)> = OnceLock::new();

fn here() -> SpanContext {
    SpanContext::current()
}

/// Waits once.
async fn pause() {
    let mut paused = false;
    poll_fn(|_| if mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// What a body panics with: past the hook, so that nothing is printed but what fails.
struct Planned;

/// One program: the source of its choices, and what it has done.
struct Program {
    seed: u64,
    /// How many numbers it has had.
    numbers: AtomicU64,
    /// What was ambient around the leaves that should be recorded, by their numbers.
    leaves: Mutex<HashMap<i64, SpanContext>>,
    /// What is ambient around the innermost poll that runs.
    outside: Mutex<SpanContext>,
}

impl Program {
    fn new(seed: u64) -> Arc<Self> {
        let (numbers, outside) = (AtomicU64::new(seed << 32), Mutex::new(SpanContext::NONE));
        Arc::new(Self { seed, numbers, leaves: Mutex::default(), outside })
    }

    /// The next choice of `n`: SplitMix64.
    fn below(&self, n: u64) -> u64 {
        let mut bits = self.numbers.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % n
    }

    fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A span in another process, in a trace that was let in or refused. All have the same id.
    fn remote(&self) -> SpanContext {
        let trace = 0xfeed << 96 | u128::from(self.numbers.fetch_add(1, Relaxed));
        SpanContext::new(TraceId::from_u128(trace), SpanId::from_u64(7), self.one_in(2))
    }

    /// A context that differs from `context` in its span, its trace, or whether that was let in.
    fn like(&self, context: SpanContext) -> SpanContext {
        let (trace, span, sampled) = (context.trace_id(), context.span_id(), context.is_sampled());
        match self.below(3) {
            0 => SpanContext::new(trace, SpanId::from_u64(span.to_u64() ^ 1 << 62), sampled),
            1 => SpanContext::new(self.remote().trace_id(), span, sampled),
            _ => SpanContext::new(trace, span, !sampled),
        }
    }

    /// Fails with the seed, and with `what` of it.
    #[track_caller]
    fn expect<T: PartialEq + Debug>(&self, found: T, expected: T, what: impl Debug) {
        assert_eq!(found, expected, "program {}: {what:?}", self.seed);
    }

    /// A sync function stays in the trace, and leaves it as it was.
    fn call_leaf(&self) {
        let (around, n) = (here(), self.numbers.fetch_add(1, Relaxed) as i64);
        if TRACER.get().is_some() && (around.is_sampled() || !around.is_valid()) {
            self.leaves.lock().unwrap().insert(n, around);
        }
        let inside = leaf(n);
        if around.is_valid() {
            self.expect(inside.trace_id(), around.trace_id(), "trace of a leaf");
        }
        self.expect(here(), around, "ambient after a leaf");
    }

    /// Polls it once. Whether it waits, and does not panic.
    fn waits(&self, work: &mut Work) -> bool {
        let around = here();
        let outer = mem::replace(&mut *self.outside.lock().unwrap(), around);
        let poll = || work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let polled = catch_unwind(AssertUnwindSafe(poll));
        *self.outside.lock().unwrap() = outer;
        self.expect(here(), around, "ambient after a poll");
        match polled {
            Err(panic) if !panic.is::<Planned>() => resume_unwind(panic),
            polled => matches!(polled, Ok(Poll::Pending)),
        }
    }

    /// Calls `f` in `span`, or where it is. What it leaves ambient is what it found.
    fn within<T>(&self, span: Option<&Span>, f: impl FnOnce() -> T) -> T {
        let _inside = span.map(Span::enter);
        let before = here();
        let answer = f();
        self.expect(here(), before, "ambient after polls by hand");
        answer
    }

    /// The same in a span of another trace, or where it is.
    fn anywhere<T>(&self, f: impl FnOnce() -> T) -> T {
        let span = self.one_in(2).then(|| Span::child_of(self.remote(), "around"));
        self.within(span.as_ref(), f)
    }
}

#[traced(no_reply)]
fn leaf(n: i64) -> SpanContext {
    std::hint::black_box(n);
    here()
}

/// What a future is made of.
#[derive(Clone)]
struct Job {
    program: Arc<Program>,
    depth: u32,
    /// What was ambient where it was made, if there was a tracer.
    made: Option<SpanContext>,
}

/// What the kinds of annotated functions have in common. Of one whose future is `returned`, the span was opened where that was made; of any other it opens in this poll, in which something may be left attached.
async fn body(job: Job, returned: bool) {
    let program = &job.program;
    let own = if returned && job.made.is_none() { SpanContext::NONE } else { here() };
    if let Some(made) = job.made.filter(|made| returned && made.is_valid()) {
        program.expect(own.trace_id(), made.trace_id(), "trace of what was made");
    }
    if !returned && program.one_in(6) {
        mem::forget(Span::child("left").enter());
        if program.one_in(2) {
            return;
        }
        pause().await;
    }
    let mut held = vec![];
    for _ in 0..program.below(5) {
        let choice = program.below(20);
        step(&job, choice, own, &mut held).await;
        // One that began before there was a tracer is in no span: it sees what is around its poll, and keeps nothing of it.
        let expected = if own.is_valid() { own } else { *program.outside.lock().unwrap() };
        program.expect(here(), expected, ("ambient after step", choice));
    }
    program.call_leaf();
}

/// One of the things that a body does between two looks at what is ambient. `held` are futures that it polls by hand.
async fn step(job: &Job, choice: u64, own: SpanContext, held: &mut Vec<Work>) {
    let program = &job.program;
    let child = || make(program, job.depth - 1);
    match choice {
        0..3 => pause().await,
        3 | 4 => program.call_leaf(),
        5 if program.one_in(5) => resume_unwind(Box::new(Planned)),
        6 => held.retain_mut(|work| program.waits(work)),
        7 => held.clear(),
        8 | 9 => {
            let parent = if choice == 8 { here() } else { program.remote() };
            let span = Span::child_of(parent, "by hand");
            program.within(Some(&span), || held.retain_mut(|work| program.waits(work)));
            pause().await;
        }
        10 | 11 if own.is_valid() => {
            let begun = held.pop().and_then(|mut work| program.waits(&mut work).then_some(work));
            if let Some(begun) = begun {
                begun.in_context(program.like(own)).await;
            }
        }
        _ if choice < 12 || job.depth == 0 => {}
        12 | 13 => child().await,
        14..17 => held.push(child()),
        17 => child().in_span(Span::child("in_span")).await,
        18 if own.is_valid() => child().in_context(program.like(own)).await,
        // Until the first of them is done, or panics.
        _ => {
            let mut works: Vec<_> = (0..=program.below(2)).map(|_| child()).collect();
            let mut all_wait = || works.iter_mut().all(|work| program.waits(work));
            poll_fn(|_| if all_wait() { Poll::Pending } else { Poll::Ready(()) }).await;
        }
    }
}

#[traced(no_reply, skip_all)]
async fn annotated(job: Job) {
    body(job, false).await;
}

#[traced(skip_all)]
async fn replies(job: Job) -> Result<u64, String> {
    let answer = if job.program.one_in(3) { Err("no".into()) } else { Ok(5) };
    body(job, false).await;
    answer
}

#[traced(skip_all, polls)]
async fn timed(job: Job) {
    body(job, false).await;
}

#[traced(skip_all, root)]
async fn rooted(job: Job) {
    body(job, false).await;
}

#[traced(no_reply, skip_all)]
fn returned(job: Job) -> impl Future<Output = ()> + Send {
    body(job, true)
}

#[traced(no_reply, skip_all, polls)]
fn boxed(job: Job) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(body(job, true))
}

/// A body as a stream: that it waits may be an item.
struct Items(Work, Arc<Program>);

impl Stream for Items {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        match self.0.as_mut().poll(cx) {
            Poll::Pending if self.1.one_in(2) => Poll::Ready(Some(())),
            polled => polled.map(|()| None),
        }
    }
}

#[traced(no_reply, skip_all)]
fn items(job: Job) -> impl Stream<Item = ()> + Send {
    Items(Box::pin(body(job.clone(), true)), job.program)
}

/// A future of any kind, not polled yet.
fn make(program: &Arc<Program>, depth: u32) -> Work {
    let job = Job { program: program.clone(), depth, made: TRACER.get().map(|_| here()) };
    match program.below(8) {
        0 => Box::pin(async { drop(replies(job).await) }),
        1 => Box::pin(timed(job)),
        2 => Box::pin(rooted(job)),
        3 => Box::pin(returned(job)),
        4 => boxed(job),
        5 if cfg!(feature = "stream") => {
            let mut items = Box::pin(items(job));
            Box::pin(async move { while poll_fn(|cx| items.as_mut().poll_next(cx)).await.is_some() {} })
        }
        _ => Box::pin(annotated(job)),
    }
}

/// Up to three futures that have been polled once where they were made.
fn begin(program: &Arc<Program>) -> Vec<Work> {
    program.anywhere(|| {
        let mut works: Vec<_> = (0..=program.below(3)).map(|_| make(program, 3)).collect();
        works.retain_mut(|work| program.waits(work));
        works
    })
}

/// Polls them in any order, here or on another thread, until each is done or cancelled.
fn finish(program: &Arc<Program>, mut works: Vec<Work>) {
    while !works.is_empty() {
        let mut work = works.swap_remove(program.below(works.len() as u64) as usize);
        let there = program.clone();
        let poll = move || there.anywhere(|| (there.waits(&mut work) && !there.one_in(12)).then_some(work));
        works.extend(if program.one_in(8) { thread::spawn(poll).join().unwrap() } else { poll() });
    }
}

/// Each open call keeps room for its end, so that a recursion deep enough fills the log however fast it is read.
#[traced(skip(then), no_reply)]
fn where_the_log_is_full(levels: u64, then: &mut dyn FnMut()) {
    if levels > 0 { where_the_log_is_full(levels - 1, then) } else { then() }
}

/// Several rounds of it where there is no room but for the span that they are in, which is still open.
fn run_where_the_log_is_full(program: Arc<Program>) -> Span {
    let run = move || {
        let open = Span::root("open");
        let rounds = || (0..6).for_each(|_| finish(&program, begin(&program)));
        where_the_log_is_full(1_000, &mut || program.within(Some(&open), rounds));
        open
    };
    thread::Builder::new().stack_size(1 << 28).spawn(run).unwrap().join().unwrap()
}

/// Holds what `program` has recorded against what it knows. Its span "open" is still open, or none is. `ids` are of what has arrived before, `lost` is how much had found no room.
fn check(program: &Program, open: bool, ids: &mut HashSet<(u128, u64)>, lost: &mut u64) {
    program.expect(here(), SpanContext::NONE, "ambient after the program");
    let (tracer, memory) = TRACER.get().unwrap();
    let stats = tracer.flush(Duration::from_secs(60)).unwrap();
    let mut leaves = mem::take(&mut *program.leaves.lock().unwrap());
    for span in memory.take() {
        program.expect(ids.insert((span.trace_id, span.span_id)), true, &span);
        if span.operation_name != "leaf" {
            continue;
        }
        let n = span.tags.iter().find(|tag| tag.key == "n").map(|tag| &tag.value);
        let Some(Value::Long(n)) = n else { panic!("program {}: {span:?} has no number", program.seed) };
        let Some(around) = leaves.remove(n) else { panic!("program {}: {span:?} is recorded", program.seed) };
        let trace = if around.is_valid() { around.trace_id().to_u128() } else { span.trace_id };
        let found = (span.trace_id, span.parent_span_id);
        program.expect(found, (trace, around.span_id().to_u64()), &span);
    }
    program.expect((stats.open, stats.finished), (open.into(), ids.len() as u64), &stats);
    program.expect(stats.started, stats.finished + stats.open + stats.dropped.total(), &stats);
    let dropped = stats.dropped.total() - mem::replace(lost, stats.dropped.total());
    program.expect(leaves.len() as u64 <= dropped, true, ("missing leaves", leaves));
    program.expect(!open || dropped > 0, true, "the log was full");
}

#[test]
fn a_future_is_in_one_span_all_its_life_and_leaves_nothing_outside_of_its_polls() {
    let count = std::env::var("PROGRAMS").map_or(3_000, |count| count.parse().unwrap());
    let early = 100;
    let before_install: Vec<_> =
        (0..early).map(Program::new).map(|program| (begin(&program), program)).collect();

    let memory = MemoryReporter::with_limit(1 << 20);
    let builder = Tracer::builder("programs").sampler(Sampler::Const(true)).log_bytes(1 << 18);
    TRACER.get_or_init(|| (builder.reporter(memory.clone()).install().unwrap(), memory));
    let (mut ids, mut lost) = (HashSet::new(), 0);
    let mut check = |program: &Program, open| check(program, open, &mut ids, &mut lost);

    for (begun, program) in before_install {
        finish(&program, begun);
        check(&program, false);
    }
    for program in (early..count).map(Program::new) {
        if program.seed % 16 == 0 {
            let open = run_where_the_log_is_full(program.clone());
            check(&program, true);
            drop(open);
        } else {
            finish(&program, begin(&program));
        }
        check(&program, false);
    }
}
