//! A future without a recorded span of its own stays in the trace in which it began, wherever it is polled later: the trace was refused, or the log was full.
//!
//! One test, because a process has one tracer, and its log is filled.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, SpanContext, SpanId, TraceId, Tracer, traced};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{mem, thread};

type Seen = Pin<Box<dyn Future<Output = [TraceId; 3]> + Send>>;

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn pause() {
    let mut polled = false;
    poll_fn(|_| if mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[traced(no_reply)]
fn callee() -> TraceId {
    SpanContext::current().trace_id()
}

/// The traces that it is in: at first, after it has waited, and what it calls then.
async fn sees() -> [TraceId; 3] {
    let first = SpanContext::current().trace_id();
    pause().await;
    let second = SpanContext::current().trace_id();
    pause().await;
    [first, second, callee()]
}

#[traced(no_reply)]
async fn annotated() -> [TraceId; 3] {
    sees().await
}

#[traced(no_reply)]
fn returned() -> impl Future<Output = [TraceId; 3]> + Send {
    sees()
}

/// Two futures that have been polled once, where they are made.
fn begun() -> [Seen; 2] {
    let mut begun: [Seen; 2] = [Box::pin(annotated()), Box::pin(returned())];
    begun.iter_mut().for_each(|future| assert!(poll(future.as_mut()).is_pending()));
    begun
}

/// Each open call keeps room for its end, so that a recursion deep enough fills the log however fast it is read.
#[traced(no_reply)]
fn deep(levels: u64) -> [Seen; 2] {
    if levels > 0 { deep(levels - 1) } else { begun() }
}

/// Polls them to their ends on another thread, below a span of another trace, and checks that they are in `trace` and that the span around them is not touched.
fn end_elsewhere(begun: [Seen; 2], trace: TraceId, case: &str) {
    let elsewhere = move || {
        let around = Span::root("around");
        begun.map(|mut future| {
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
        })
    };
    let [annotated, returned] = thread::spawn(elsewhere).join().unwrap();
    assert_eq!(annotated, [trace; 3], "{case}, annotated");
    assert_eq!(returned, [trace; 3], "{case}, returned");
}

#[test]
fn a_future_stays_in_the_trace_it_began_in_though_its_span_is_not_recorded() {
    let memory = MemoryReporter::with_limit(1 << 20);
    let builder = Tracer::builder("borrowed").sampler(Sampler::Const(true)).log_bytes(1 << 18);
    let tracer = builder.reporter(memory.clone()).install().unwrap();

    let refused = SpanContext::new(TraceId::from_u128(0xfeed_0001), SpanId::from_u64(7), false);
    let span = Span::child_of(refused, "refused");
    let inside = span.enter();
    let (one, two) = (begun(), begun());
    drop(inside);
    end_elsewhere(one, refused.trace_id(), "refused");
    drop(span);
    drop(two);

    // Where it began it needs nothing made ambient, and what is attached in such a poll stays inside too.
    let span = Span::child_of(refused, "refused");
    let inside = span.enter();
    for mut future in begun() {
        while poll(future.as_mut()).is_pending() {
            assert_eq!(SpanContext::current(), span.context());
        }
        assert_eq!(SpanContext::current(), span.context());
    }
    drop(inside);
    drop(span);

    // In a stack of its own, for the recursion.
    let filled = thread::Builder::new().stack_size(1 << 28).spawn(|| {
        let root = Span::root("root");
        let inside = root.enter();
        let begun = (deep(2_000), deep(2_000));
        drop(inside);
        (root.context(), begun)
    });
    let (root, (one, two)) = filled.unwrap().join().unwrap();
    let before = tracer.flush(Duration::from_secs(60)).unwrap();
    assert!(before.dropped.log_full > 0, "{before:?}");
    end_elsewhere(one, root.trace_id(), "full");
    // Nothing is ended that is not theirs: neither here, where they are cancelled, nor there.
    drop(two);
    let after = tracer.flush(Duration::from_secs(60)).unwrap();
    assert_eq!((after.open, after.dropped.total()), (0, before.dropped.total()), "{after:?}");
    let spans = memory.spans();
    // Below the deepest call that was recorded, though that has ended since; the other's parent is the call of `returned`, which is lost.
    let known = |id: u64| spans.iter().any(|span| span.span_id == id && span.operation_name == "deep");
    let callees: Vec<_> = spans.iter().filter(|span| span.operation_name == "callee").collect();
    assert!(callees.iter().all(|span| span.trace_id == root.trace_id().to_u128()), "{callees:?}");
    assert_eq!(callees.iter().map(|span| known(span.parent_span_id)).collect::<Vec<_>>(), [true, false]);
}
