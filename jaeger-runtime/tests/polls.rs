//! Async functions around their first poll, as roots that a sampler lets in or refuses: what the function sees of itself is what is reported, on whatever thread it goes on.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, SpanContext, Tracer, traced};
use jaeger_thrift::{Span as Finished, Value};
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

static TRACER: OnceLock<(Tracer, MemoryReporter)> = OnceLock::new();

/// Half of the traces are refused.
fn tracer() -> &'static (Tracer, MemoryReporter) {
    TRACER.get_or_init(|| {
        let memory = MemoryReporter::with_limit(1 << 20);
        let builder = Tracer::builder("polls").sampler(Sampler::Probabilistic(0.5));
        (builder.reporter(memory.clone()).install().unwrap(), memory)
    })
}

fn finished() -> HashMap<u64, Finished<'static>> {
    tracer().0.flush(Duration::from_secs(60)).unwrap();
    tracer().1.spans().into_iter().map(|span| (span.span_id, span)).collect()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending `times` times.
async fn wait(times: u32) {
    let mut left = times;
    std::future::poll_fn(|_| match left {
        0 => Poll::Ready(()),
        _ => {
            left -= 1;
            Poll::Pending
        }
    })
    .await;
}

#[traced]
fn leaf(n: u32) -> SpanContext {
    std::hint::black_box(n);
    SpanContext::current()
}

/// Itself before and after it waits, and two children, one on each side.
#[traced(no_reply)]
async fn outer(waits: u32, inner_waits: u32) -> [SpanContext; 4] {
    let before = SpanContext::current();
    let child = inner(inner_waits).await;
    wait(waits).await;
    let second = leaf(7);
    [before, SpanContext::current(), child, second]
}

#[traced(no_reply)]
async fn inner(waits: u32) -> SpanContext {
    wait(waits).await;
    Span::current().tag("waits", waits);
    SpanContext::current()
}

#[traced]
async fn fails(waits: u32) {
    wait(waits).await;
    panic!("on purpose");
}

fn tag<'a>(span: &'a Finished<'_>, key: &str) -> Option<&'a Value<'a>> {
    span.tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value)
}

#[test]
fn roots_that_wait_and_roots_that_do_not_are_reported_as_they_saw_themselves() {
    tracer();
    let mut seen = vec![];
    for n in 0..2_000u32 {
        let (waits, inner_waits) = (n % 3, n / 3 % 3);
        let mut future = Box::pin(outer(waits, inner_waits));
        let first = poll(future.as_mut());
        assert_eq!(SpanContext::current(), SpanContext::NONE, "nothing is left ambient");
        let contexts = match first {
            Poll::Ready(contexts) => contexts,
            // Every other one goes on elsewhere, between spans of this thread that have nothing to do with it.
            Poll::Pending if n % 2 == 0 => {
                seen.push((leaf(n), 0, "leaf"));
                let mut there = move || loop {
                    if let Poll::Ready(contexts) = poll(future.as_mut()) {
                        return contexts;
                    }
                };
                if n % 20 == 0 { thread::spawn(there).join().unwrap() } else { there() }
            }
            Poll::Pending => loop {
                if let Poll::Ready(contexts) = poll(future.as_mut()) {
                    break contexts;
                }
            },
        };
        assert_eq!(SpanContext::current(), SpanContext::NONE);
        let [before, after, child, second] = contexts;
        assert_eq!(before, after);
        seen.extend([
            (before, 0, "outer"),
            (child, before.span_id().to_u64(), "inner"),
            (second, before.span_id().to_u64(), "leaf"),
        ]);
    }
    let spans = finished();
    let mut recorded = 0;
    for (context, parent, name) in seen {
        assert!(context.is_valid());
        let Some(span) = spans.get(&context.span_id().to_u64()) else {
            assert!(!context.is_sampled(), "{name} {context} is missing");
            continue;
        };
        recorded += 1;
        assert!(context.is_sampled(), "{name} {context} was refused");
        assert_eq!((span.trace_id, span.operation_name.as_ref()), (context.trace_id().to_u128(), name));
        assert_eq!(span.parent_span_id, parent);
        assert_eq!(tag(span, "sampler.type").is_some(), parent == 0, "{name}");
        assert_eq!(tag(span, "waits").is_some(), name != "leaf", "{name}: an argument or a tag");
    }
    assert!((2_000..6_000).contains(&recorded), "about half: {recorded}");
}

#[test]
fn a_future_that_panics_or_is_dropped_says_so_whether_it_has_waited_or_not() {
    tracer();
    let before = finished().len();
    for n in 0..400u32 {
        let mut future = Box::pin(fails(n % 2));
        let polled = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut())));
        match polled {
            Ok(_) if n % 4 == 1 => drop(future),
            Ok(_) => assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()))).is_err()),
            Err(_) => {}
        }
        assert_eq!(SpanContext::current(), SpanContext::NONE);
    }
    let spans = finished();
    let of = |key: &str| {
        spans.values().filter(|span| span.operation_name == "fails" && tag(span, key).is_some()).count()
    };
    let (failed, cancelled) = (of("error"), of("cancelled"));
    assert!(
        spans.len() > before && (75..225).contains(&failed) && (20..80).contains(&cancelled),
        "{failed} {cancelled}"
    );
    let all = spans.values().filter(|span| span.operation_name == "fails").count();
    assert_eq!(all, failed + cancelled, "each says one of the two");
    let stats = tracer().0.flush(Duration::from_secs(60)).unwrap();
    assert_eq!(stats.dropped.total(), 0, "{stats:?}");
}

/// What its future holds across an await stays attached, which is a mistake of the user's, and shows on no other span.
#[traced]
async fn holds(waits: u32) -> bool {
    let held = Span::child("held");
    let inside = held.enter();
    wait(waits).await;
    std::mem::forget(inside);
    held.is_recording()
}

#[test]
fn what_a_first_poll_leaves_attached_is_not_seen_outside_of_it() {
    tracer();
    for n in 0..200u32 {
        let mut future = Box::pin(holds(n % 2));
        let mut polled = poll(future.as_mut());
        assert_eq!(SpanContext::current(), SpanContext::NONE);
        if polled.is_pending() {
            polled = poll(future.as_mut());
        }
        assert!(polled.is_ready());
        assert_eq!(SpanContext::current(), SpanContext::NONE);
        leaf(n);
    }
    let spans = finished();
    let holding: Vec<_> = spans.values().filter(|span| span.operation_name == "holds").collect();
    let held = spans.values().filter(|span| span.operation_name == "held").count();
    assert!(holding.len() == held && (50..150).contains(&held), "{held}");
    assert!(holding.iter().all(|span| span.parent_span_id == 0 && tag(span, "reply").is_some()));
}

#[traced(root)]
async fn of_its_own_trace() {}

/// Itself before and after a call that begins and ends a trace of its own within its first poll.
#[traced(no_reply)]
async fn around_another_trace() -> [SpanContext; 2] {
    let first = SpanContext::current();
    of_its_own_trace().await;
    wait(1).await;
    [first, SpanContext::current()]
}

#[test]
fn a_trace_that_begins_within_the_first_poll_of_another_does_not_become_its() {
    tracer();
    let mut ends = 0;
    for _ in 0..50 {
        let mut future = Box::pin(around_another_trace());
        assert!(poll(future.as_mut()).is_pending());
        let Poll::Ready([first, second]) = poll(future.as_mut()) else { panic!("it has waited once") };
        assert_eq!(first, second);
        ends += u32::from(first.is_sampled());
    }
    assert!((1..50).contains(&ends), "both fates: {ends}");
}
