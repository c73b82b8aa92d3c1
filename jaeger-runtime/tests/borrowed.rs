//! A future without a recorded span of its own stays in the trace in which it began, wherever it is polled later: the trace was refused, or the log was full. The span it is in is another's, and stays that one's.
//!
//! One test, because a process has one tracer, and its log is filled.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{FutureExt, Sampler, Span, SpanContext, SpanId, Stats, TraceId, Tracer, traced};
use jaeger_thrift::Value;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{mem, thread};

type Seen = Pin<Box<dyn Future<Output = [SpanContext; 3]> + Send>>;

static TRACER: OnceLock<Tracer> = OnceLock::new();

fn flush() -> Stats {
    TRACER.get().unwrap().flush(Duration::from_secs(60)).unwrap()
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn pause() {
    let mut polled = false;
    poll_fn(|_| if mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[traced(no_reply)]
fn callee() -> SpanContext {
    SpanContext::current()
}

/// What is ambient at first and after it has waited, and in what it calls then.
async fn sees() -> [SpanContext; 3] {
    let first = SpanContext::current();
    pause().await;
    let second = SpanContext::current();
    pause().await;
    [first, second, callee()]
}

#[traced(no_reply)]
async fn annotated() -> [SpanContext; 3] {
    sees().await
}

#[traced(no_reply)]
fn returned() -> impl Future<Output = [SpanContext; 3]> + Send {
    sees()
}

#[traced(no_reply)]
async fn panics() {
    pause().await;
    panic!("planned")
}

/// Two futures that have been polled once, where they are made.
fn begun() -> [Seen; 2] {
    let mut begun: [Seen; 2] = [Box::pin(annotated()), Box::pin(returned())];
    begun.iter_mut().for_each(|future| assert!(poll(future.as_mut()).is_pending()));
    begun
}

/// Each open call keeps room for its end, so that a recursion deep enough fills the log however fast it is read.
#[traced(skip(then), no_reply)]
fn where_the_log_is_full<T>(levels: u64, then: &mut dyn FnMut() -> T) -> T {
    if levels > 0 { where_the_log_is_full(levels - 1, then) } else { then() }
}
const LEVELS: u64 = 20_000;

/// Polls it to its end on another thread, below a span of another trace that is as before after each poll.
fn end_elsewhere(mut future: Seen) -> [SpanContext; 3] {
    let elsewhere = move || {
        let around = Span::root("around");
        loop {
            let inside = around.enter();
            let polled = poll(future.as_mut());
            assert_eq!(SpanContext::current(), around.context());
            drop(inside);
            assert_eq!(SpanContext::current(), SpanContext::NONE);
            if let Poll::Ready(seen) = polled {
                return seen;
            }
        }
    };
    thread::spawn(elsewhere).join().unwrap()
}

/// In a stack of its own, for the recursion.
fn deep_in_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new().stack_size(1 << 28).spawn(work).unwrap().join().unwrap()
}

fn remote(trace: u128, sampled: bool) -> SpanContext {
    SpanContext::new(TraceId::from_u128(trace), SpanId::from_u64(7), sampled)
}

/// Three polls of which nobody says anything.
#[traced(no_reply)]
async fn early() -> SpanContext {
    pause().await;
    pause().await;
    pause().await;
    callee()
}

/// Polled twice. In the second poll the log is full, and what begins then goes on elsewhere.
#[traced(no_reply, polls)]
async fn timed() {
    pause().await;
    let context = SpanContext::current();
    let [annotated, _] = where_the_log_is_full(LEVELS, &mut || {
        let mut began = pin!(async { begun() }.in_context(context));
        let Poll::Ready(began) = poll(began.as_mut()) else { panic!("it waits for nothing") };
        began
    });
    assert_eq!(end_elsewhere(annotated)[1], context);
    // Room again, to say at its end that it was polled.
    flush();
}

#[test]
fn a_future_stays_in_the_trace_it_began_in_though_its_span_is_not_recorded() {
    let mut early = pin!(early());
    assert!(poll(early.as_mut()).is_pending());

    let memory = MemoryReporter::with_limit(1 << 20);
    let builder = Tracer::builder("borrowed").sampler(Sampler::Const(true)).log_bytes(1 << 18);
    TRACER.set(builder.reporter(memory.clone()).install().unwrap()).unwrap();

    // One that began before there was a tracer began nowhere: what polls it in between does not keep it.
    let span = Span::child_of(remote(0xfeed_0000, false), "refused");
    let inside = span.enter();
    assert!(poll(early.as_mut()).is_pending());
    drop(inside);
    assert!(poll(early.as_mut()).is_pending());
    let Poll::Ready(called) = poll(early) else { panic!("it has waited three times") };
    assert!(called.is_sampled() && called.trace_id() != span.context().trace_id(), "{called}");

    // A trace that was refused: elsewhere; where it began; below another span of the same trace; below contexts that differ from its own in nothing but the trace, or its fate.
    let refused = remote(0xfeed_0001, false);
    let span = Span::child_of(refused, "refused");
    let inside = span.enter();
    let (elsewhere, here, cancelled) = (begun(), begun(), begun());
    for mut future in here {
        assert!(poll(future.as_mut()).is_pending());
        assert_eq!(SpanContext::current(), span.context());
        assert_eq!(poll(future.as_mut()), Poll::Ready([span.context(); 3]));
        assert_eq!(SpanContext::current(), span.context());
    }
    let other = Span::child_of(refused, "refused");
    for mut future in begun() {
        let inside = other.enter();
        assert!(poll(future.as_mut()).is_pending());
        assert_eq!(poll(future.as_mut()), Poll::Ready([span.context(); 3]));
        assert_eq!(SpanContext::current(), other.context());
        drop(inside);
    }
    for around in [remote(0xfeed_0002, false), remote(0xfeed_0001, true)] {
        let mut began = pin!(async { begun() }.in_context(refused));
        let Poll::Ready(began) = poll(began.as_mut()) else { panic!("it waits for nothing") };
        for future in began {
            let mut polled = pin!(future.in_context(around));
            assert!(poll(polled.as_mut()).is_pending());
            assert_eq!(poll(polled), Poll::Ready([refused; 3]));
        }
    }
    drop(inside);
    for future in elsewhere {
        assert_eq!(end_elsewhere(future), [span.context(); 3]);
    }
    drop(cancelled);

    // A full log, below the deepest call that was recorded. What is called later has room.
    let (root, [annotated, returned]) = deep_in_a_thread(|| {
        let root = Span::root("root");
        let inside = root.enter();
        let begun = where_the_log_is_full(LEVELS, &mut begun);
        drop(inside);
        (root.context(), begun)
    });
    assert!(flush().dropped.log_full > 0);
    let [first, second, called] = end_elsewhere(annotated);
    assert_eq!(second, first);
    let [.., called_by_returned] = end_elsewhere(returned);
    flush();
    let spans = memory.take();
    let find = |context: SpanContext| spans.iter().find(|span| span.span_id == context.span_id().to_u64());
    assert_eq!(find(first).unwrap().operation_name, "where_the_log_is_full");
    assert_eq!(find(called).unwrap().parent_span_id, first.span_id().to_u64());
    // Its parent is the call of `returned`, which is lost.
    let lost = find(called_by_returned).unwrap();
    assert_eq!(lost.trace_id, root.trace_id().to_u128());
    assert!(spans.iter().all(|span| span.span_id != lost.parent_span_id));

    // A full log, below a span that could be ended from anywhere: none of them ends it, whether done, cancelled or panicking.
    let before = flush();
    let hand = deep_in_a_thread(|| {
        let hand = Span::root("by hand");
        where_the_log_is_full(LEVELS, &mut || {
            let inside = hand.enter();
            let ([annotated, returned], cancelled) = (begun(), begun());
            let mut panicking = pin!(panics());
            assert!(poll(panicking.as_mut()).is_pending());
            drop(inside);
            assert!(catch_unwind(AssertUnwindSafe(|| poll(panicking.as_mut()))).is_err());
            drop(cancelled);
            assert_eq!(end_elsewhere(annotated)[1], hand.context());
            assert_eq!(end_elsewhere(returned)[1].trace_id(), hand.context().trace_id());
        });
        hand
    });
    let stats = flush();
    assert!(memory.take().iter().all(|span| span.operation_name != "by hand"), "it is open");
    assert_eq!(stats.open, 1);
    let id = hand.context().span_id().to_u64();
    drop(hand);
    let stats = flush();
    let spans = memory.take();
    assert_eq!((stats.open, spans.len(), spans[0].span_id), (0, 1, id));
    assert!(spans[0].tags.iter().all(|tag| tag.key != "error" && tag.key != "cancelled"), "{:?}", spans[0]);
    assert_eq!(stats.extras_lost, before.extras_lost);

    // A full log, below an async function whose polls are counted: polls of what began there are not its own.
    deep_in_a_thread(|| {
        let mut timed = pin!(timed());
        while poll(timed.as_mut()).is_pending() {}
    });
    flush();
    let spans = memory.take();
    let timed = spans.iter().find(|span| span.operation_name == "timed").unwrap();
    let polls: Vec<_> = timed.tags.iter().filter(|tag| tag.key == "polls").map(|tag| &tag.value).collect();
    assert_eq!(polls, [&Value::Long(2)]);
}
