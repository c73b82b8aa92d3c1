//! The ambient context: who is whose parent, on one thread and on many, in order and out of it.

mod common;

use common::{flush, log_fields, named, names, spans_of, tag, trace};
use jaeger_runtime::{FutureExt, Span, SpanContext, SpanId, TraceId, traced};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending once, then ready.
async fn pause() {
    let mut polled = false;
    std::future::poll_fn(|cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[traced]
fn leaf(n: u32) -> u32 {
    n * 2
}

#[traced]
fn middle() {
    leaf(1);
    leaf(2);
}

#[test]
fn nested_calls_are_children_and_siblings_share_a_parent() {
    let spans = trace(|| {
        middle();
        leaf(3);
    });
    let middle = named(&spans, "middle");
    let leaves: Vec<_> = spans.iter().filter(|span| span.operation_name == "leaf").collect();
    assert_eq!(leaves.len(), 3);
    assert_eq!(leaves[0].parent_span_id, middle.span_id);
    assert_eq!(leaves[1].parent_span_id, middle.span_id);
    assert_eq!(leaves[2].parent_span_id, middle.parent_span_id);
    assert_eq!((tag(leaves[2], "n"), tag(leaves[2], "reply")), ("long 3".into(), "long 6".into()));
    assert!(middle.start_time <= leaves[0].start_time && leaves[0].duration <= middle.duration);
    let mut ids: Vec<_> = spans.iter().map(|span| span.span_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn without_an_ambient_span_a_traced_function_starts_a_root_and_asks_the_sampler() {
    common::tracer();
    #[traced]
    fn own_root() -> SpanContext {
        leaf(1);
        SpanContext::current()
    }
    let context = thread::spawn(own_root).join().unwrap();
    assert_eq!(SpanContext::current(), SpanContext::NONE);
    let spans = spans_of(context.trace_id().to_u128());
    let root = named(&spans, "own_root");
    assert_eq!((root.parent_span_id, root.span_id), (0, context.span_id().to_u64()));
    assert!(context.trace_id().high() != 0, "128 bits");
    assert_eq!((tag(root, "sampler.type"), tag(root, "sampler.param")), ("\"const\"".into(), "true".into()));
    let child = named(&spans, "leaf");
    assert_eq!((child.parent_span_id, tag(child, "sampler.type")), (root.span_id, "absent".into()));
}

#[test]
fn a_trace_that_was_refused_elsewhere_is_not_recorded_here() {
    common::tracer();
    let remote = SpanContext::new(TraceId::from_u128(0xfeed), SpanId::from_u64(7), false);
    let span = Span::child_of(remote, "refused");
    {
        let _inside = span.enter();
        leaf(1);
        assert_eq!(SpanContext::current().trace_id(), remote.trace_id());
        assert!(!Span::child("also refused").is_recording());
    }
    drop(span);
    assert!(spans_of(0xfeed).is_empty());
    assert_eq!(SpanContext::current(), SpanContext::NONE);
}

/// The trace in which it runs, each time it is polled.
#[traced]
async fn traces() -> [TraceId; 2] {
    let first = SpanContext::current().trace_id();
    pause().await;
    [first, SpanContext::current().trace_id()]
}

#[traced]
fn returned() -> impl Future<Output = [TraceId; 2]> {
    traces()
}

#[test]
fn a_future_that_was_returned_in_a_refused_trace_stays_in_it_wherever_it_is_polled() {
    common::tracer();
    let remote = SpanContext::new(TraceId::from_u128(0xfeed_f00d), SpanId::from_u64(7), false);
    let span = Span::child_of(remote, "refused");
    let made = {
        let _inside = span.enter();
        returned()
    };
    drop(span);
    assert_eq!(SpanContext::current(), SpanContext::NONE);
    assert_eq!(common::block_on(made), [remote.trace_id(); 2]);
    assert_eq!(SpanContext::current(), SpanContext::NONE);
    assert!(spans_of(0xfeed_f00d).is_empty());
}

/// Holds a guard over its first await.
#[traced(skip_all, no_reply)]
async fn holds(other: &Span, forget: bool) {
    let entered = other.enter();
    pause().await;
    if forget { std::mem::forget(entered) } else { drop(entered) }
}

/// Gives up a guard that was made outside, and waits.
#[traced(skip_all, no_reply)]
async fn gives_up(entered: jaeger_runtime::Entered<'_>) {
    drop(entered);
    pause().await;
}

#[test]
fn a_guard_held_over_the_first_await_is_not_ambient_outside_whether_the_trace_was_refused_or_not() {
    common::tracer();
    for (sampled, forget) in [(true, false), (true, true), (false, false), (false, true)] {
        let case = format!("sampled {sampled}, forgotten {forget}");
        let remote = |trace| SpanContext::new(TraceId::from_u128(trace), SpanId::from_u64(7), sampled);
        let (mine, other) = (Span::child_of(remote(0xfeed_0001), "mine"), Span::root("other"));
        let inside = mine.enter();
        let mut waits = pin!(holds(&other, forget));
        assert!(poll(waits.as_mut()).is_pending());
        assert_eq!(SpanContext::current(), mine.context(), "{case}");
        assert!(poll(waits).is_ready());
        assert_eq!(SpanContext::current(), mine.context(), "{case}");
        drop(inside);
        assert_eq!(SpanContext::current(), SpanContext::NONE, "{case}");
        // One that was made outside and is dropped inside does not come back either.
        let inside = mine.enter();
        let mut waits = pin!(gives_up(inside));
        assert!(poll(waits.as_mut()).is_pending());
        assert_eq!(SpanContext::current(), SpanContext::NONE, "{case}");
        assert!(poll(waits).is_ready());
        assert_eq!(SpanContext::current(), SpanContext::NONE, "{case}");
    }
}

#[test]
fn a_span_of_another_process_is_a_parent() {
    common::tracer();
    let remote = SpanContext::new(TraceId::from_u128(0xbeef), SpanId::from_u64(9), true);
    {
        let span = Span::child_of(remote, "server");
        let _inside = span.enter();
        leaf(1);
    }
    let spans = spans_of(0xbeef);
    let server = named(&spans, "server");
    assert_eq!((server.parent_span_id, tag(server, "sampler.type")), (9, "absent".into()));
    assert_eq!(named(&spans, "leaf").parent_span_id, server.span_id);
}

#[test]
fn guards_dropped_out_of_order_leave_the_right_span_ambient() {
    let spans = trace(|| {
        let base = SpanContext::current();
        let (a, b) = (Span::child("a"), Span::child("b"));
        let in_a = a.enter();
        let in_b = b.enter();
        drop(in_a);
        leaf(1);
        assert_eq!(SpanContext::current(), b.context());
        drop(in_b);
        assert_eq!(SpanContext::current(), base, "a was left before, so it must not come back");
        leaf(2);
    });
    let leaves: Vec<_> = spans.iter().filter(|span| span.operation_name == "leaf").collect();
    assert_eq!(leaves[0].parent_span_id, named(&spans, "b").span_id);
    assert_eq!(leaves[1].parent_span_id, named(&spans, "a").parent_span_id);
}

#[test]
fn a_guard_that_outlives_the_function_does_not_bring_it_back() {
    let spans = trace(|| {
        let base = SpanContext::current();
        let held = Span::child("held");
        #[traced]
        fn leaks<'a>(held: &'a Span) -> jaeger_runtime::Entered<'a> {
            held.enter()
        }
        let entered = leaks(&held);
        assert_eq!(SpanContext::current(), held.context());
        leaf(1);
        drop(entered);
        assert_eq!(SpanContext::current(), base, "leaks has ended");
        leaf(2);
    });
    let leaves: Vec<_> = spans.iter().filter(|span| span.operation_name == "leaf").collect();
    assert_eq!(leaves[0].parent_span_id, named(&spans, "held").span_id);
    assert_eq!(leaves[1].parent_span_id, named(&spans, "held").parent_span_id);
    assert!(names(&spans).contains(&"leaks".into()));
}

#[test]
fn a_span_left_inside_a_function_that_ends_is_not_what_comes_after_it() {
    let spans = trace(|| {
        let base = SpanContext::current();
        let outer = Span::child("outer");
        let mut entered = Some(outer.enter());
        #[traced]
        fn leaves(entered: &mut Option<jaeger_runtime::Entered<'_>>) {
            *entered = None;
            leaf(1);
        }
        leaves(&mut entered);
        assert_eq!(SpanContext::current(), base);
        leaf(2);
    });
    let leaves: Vec<_> = spans.iter().filter(|span| span.operation_name == "leaf").collect();
    assert_eq!(leaves[0].parent_span_id, named(&spans, "leaves").span_id);
    assert_eq!(leaves[1].parent_span_id, named(&spans, "outer").parent_span_id);
}

#[traced]
async fn job(n: u32) -> u32 {
    leaf(n);
    pause().await;
    leaf(n + 1);
    pause().await;
    leaf(n + 2)
}

#[test]
fn an_async_span_is_ambient_in_each_poll_on_whatever_thread() {
    let spans = trace(|| {
        let mut future = Box::pin(job(1));
        assert!(poll(future.as_mut()).is_pending());
        let before = SpanContext::current();
        let mut future = thread::spawn(move || {
            assert!(poll(future.as_mut()).is_pending());
            assert_eq!(SpanContext::current(), SpanContext::NONE);
            future
        })
        .join()
        .unwrap();
        leaf(100);
        assert_eq!(poll(future.as_mut()), Poll::Ready(6));
        assert_eq!(SpanContext::current(), before);
    });
    let job = named(&spans, "job");
    assert_eq!(
        (tag(job, "n"), tag(job, "reply"), tag(job, "cancelled")),
        ("long 1".into(), "long 6".into(), "absent".into())
    );
    let parents: Vec<_> =
        spans.iter().filter(|s| s.operation_name == "leaf").map(|s| s.parent_span_id).collect();
    assert_eq!(parents.len(), 4);
    assert_eq!(parents.iter().filter(|parent| **parent == job.span_id).count(), 3);
    assert_eq!(parents.iter().filter(|parent| **parent == job.parent_span_id).count(), 1);
}

#[test]
fn two_futures_polled_in_turn_keep_their_own_children() {
    let spans = trace(|| {
        let (mut a, mut b) = (pin!(job(10)), pin!(job(20)));
        for _ in 0..2 {
            assert!(poll(a.as_mut()).is_pending());
            assert!(poll(b.as_mut()).is_pending());
        }
        assert!(poll(b.as_mut()).is_ready());
        assert!(poll(a.as_mut()).is_ready());
    });
    for parent in spans.iter().filter(|span| span.operation_name == "job") {
        let n: u32 = tag(parent, "n")[5..].parse().unwrap();
        let children: Vec<_> =
            spans.iter().filter(|s| s.parent_span_id == parent.span_id).map(|s| tag(s, "n")).collect();
        assert_eq!(children, [n, n + 1, n + 2].map(|n| format!("long {n}")));
    }
}

#[test]
fn a_dropped_future_is_cancelled_and_one_never_polled_is_no_span() {
    let spans = trace(|| {
        let mut future = Box::pin(job(1));
        assert!(poll(future.as_mut()).is_pending());
        drop(future);
        drop(job(2));
    });
    let job = named(&spans, "job");
    assert_eq!(
        (tag(job, "cancelled"), tag(job, "error"), tag(job, "reply")),
        ("true".into(), "absent".into(), "absent".into())
    );
}

#[test]
fn a_panic_inside_a_poll_ends_the_span_as_a_panic_and_restores_the_context() {
    let spans = trace(|| {
        #[traced]
        async fn explodes() {
            pause().await;
            panic!("on purpose");
        }
        let before = SpanContext::current();
        let mut future = Box::pin(explodes());
        assert!(poll(future.as_mut()).is_pending());
        let payload =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(future.as_mut()))).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
        assert_eq!(SpanContext::current(), before);
    });
    let span = named(&spans, "explodes");
    assert_eq!((tag(span, "error"), tag(span, "cancelled")), ("true".into(), "absent".into()));
    assert_eq!(log_fields(span), ["event=\"panic\""]);
}

#[test]
fn in_span_and_in_context_carry_a_span_by_hand() {
    let spans = trace(|| {
        let span = Span::child("by hand");
        let context = span.context();
        let mut future = Box::pin(async { leaf(1) }.in_span(span));
        assert!(poll(future.as_mut()).is_ready());
        let mut late = Box::pin(async { leaf(2) }.in_context(context));
        thread::spawn(move || assert!(poll(late.as_mut()).is_ready())).join().unwrap();
        let mut dropped = Box::pin(pause().in_span(Span::child("given up")));
        assert!(poll(dropped.as_mut()).is_pending());
    });
    let by_hand = named(&spans, "by hand");
    assert!(spans.iter().filter(|s| s.operation_name == "leaf").all(|s| s.parent_span_id == by_hand.span_id));
    assert_eq!(tag(by_hand, "cancelled"), "absent");
    assert_eq!(tag(named(&spans, "given up"), "cancelled"), "true");
}

#[test]
fn a_future_in_a_span_that_waits_twice_is_in_it_to_its_end() {
    let spans = trace(|| {
        let span = Span::child("job by hand");
        let context = span.context();
        let work = async move {
            pause().await;
            leaf(1);
            pause().await;
            assert_eq!(SpanContext::current(), context, "still ambient after two waits");
            Span::current().tag("late", 7).log("after", &[]);
            drop(Span::child("inner"));
        };
        let mut future = Box::pin(work.in_span(span));
        assert!(poll(future.as_mut()).is_pending());
        common::flush();
        assert!(poll(future.as_mut()).is_pending());
        common::flush();
        assert!(poll(future.as_mut()).is_ready());
    });
    let job = named(&spans, "job by hand");
    assert_eq!((tag(job, "cancelled"), tag(job, "late")), ("absent".into(), "long 7".into()));
    assert_eq!(log_fields(job), ["event=\"after\""]);
    let inner = named(&spans, "inner");
    assert_eq!((inner.parent_span_id, named(&spans, "leaf").parent_span_id), (job.span_id, job.span_id));
    // Start and duration are cut to whole microseconds each, so the sum is short of the end by less than two.
    assert!(inner.start_time + inner.duration < job.start_time + job.duration + 2, "it ended last");
}

#[test]
fn a_held_span_takes_tags_and_logs_from_any_thread_and_ends_anywhere() {
    let spans = trace(|| {
        let span = Span::child("held");
        span.tag("here", 1).log("began", &[("attempt", &1u8)]);
        let span = thread::spawn(move || {
            span.tag("there", "two");
            thread::scope(|scope| {
                scope.spawn(|| span.log("elsewhere", &[]));
            });
            span
        })
        .join()
        .unwrap();
        span.rename("renamed").tag("again", true);
        thread::spawn(move || drop(span)).join().unwrap();
    });
    let span = named(&spans, "renamed");
    assert_eq!(
        (tag(span, "here"), tag(span, "there"), tag(span, "again")),
        ("long 1".into(), "\"two\"".into(), "true".into())
    );
    let events: Vec<_> = span.logs.iter().map(|log| common::show(&log.fields[0].value)).collect();
    assert_eq!(events.len(), 2);
    assert!(events.contains(&"\"began\"".into()) && events.contains(&"\"elsewhere\"".into()));
    let began = span.logs.iter().find(|log| common::show(&log.fields[0].value) == "\"began\"").unwrap();
    assert_eq!(common::show(&began.fields[1].value), "long 1");
    assert!(began.timestamp >= span.start_time && began.timestamp <= span.start_time + span.duration);
}

#[test]
fn the_current_span_takes_tags_from_inside_the_function() {
    let spans = trace(|| {
        #[traced]
        fn annotated() {
            Span::current().tag("inside", 1.5).log("step", &[("n", &2)]);
            leaf(1);
            Span::current().tag("after", "child").rename("renamed");
        }
        annotated();
        #[traced]
        async fn asynchronous() {
            pause().await;
            Span::current().tag("inside", 3);
        }
        let mut future = Box::pin(asynchronous());
        assert!(poll(future.as_mut()).is_pending());
        assert!(poll(future.as_mut()).is_ready());
    });
    let span = named(&spans, "renamed");
    assert_eq!((tag(span, "inside"), tag(span, "after")), ("double 1.5".into(), "\"child\"".into()));
    assert_eq!(log_fields(span), ["event=\"step\"", "n=long 2"]);
    assert_eq!(tag(named(&spans, "asynchronous"), "inside"), "long 3");
}

#[test]
fn a_failed_span_by_hand_says_why() {
    let spans = trace(|| Span::child("failing").fail(&"no such thing"));
    let span = named(&spans, "failing");
    assert_eq!(tag(span, "error"), "true");
    assert_eq!(log_fields(span), ["event=\"error\"", "message=\"no such thing\"", "error.kind=\"&str\""]);
}

#[test]
fn a_span_in_a_thread_locals_destructor_is_recorded_or_counted() {
    struct AtExit(u128);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let parent = SpanContext::new(TraceId::from_u128(self.0), SpanId::from_u64(1), true);
            let span = Span::child_of(parent, "at exit");
            let _inside = span.enter();
            leaf(1);
        }
    }
    thread_local!(static EARLY: AtExit = const { AtExit(0xdead1) });
    thread_local!(static LATE: AtExit = const { AtExit(0xdead2) });
    common::tracer();
    let before = flush();
    thread::spawn(|| {
        // One registered before the log's own owner, one after it: one of them runs when the log is gone.
        EARLY.with(|_| ());
        leaf(5);
        LATE.with(|_| ());
    })
    .join()
    .unwrap();
    let after = flush();
    let seen = spans_of(0xdead1).len() as u64 + spans_of(0xdead2).len() as u64;
    let lost = after.dropped.no_log - before.dropped.no_log;
    assert!(seen > 0 && lost > 0, "{seen} seen, {lost} counted");
}
