//! Spans of the crate `tracing` and of ours in one tree: parents, roots, threads, tasks, levels, guards out of order.

mod common;

use common::layered::{layered, layered_as};
use common::{PATIENCE, log_fields, logs, named, names, spans_of, tag};
use jaeger_runtime::{FutureExt, Span, SpanContext, SpanId, TraceId, TracingLayer, traced};
use jaeger_thrift::{RefType, Span as Finished};
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc;
use std::task::{Context, Waker};
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, debug, debug_span, info, info_span, instrument, trace_span};

/// Which span is whose child, by name; the trace's root is "test root".
fn tree(spans: &[Finished<'static>]) -> Vec<String> {
    let name =
        |id| spans.iter().find(|span| span.span_id == id).map_or("test root", |span| &span.operation_name);
    let mut tree: Vec<_> =
        spans.iter().map(|span| format!("{} > {}", name(span.parent_span_id), span.operation_name)).collect();
    tree.sort();
    tree
}

#[traced]
fn ours(n: u32) -> u32 {
    n + 1
}

#[instrument]
fn theirs(n: u32) {
    ours(n);
}

#[test]
fn spans_of_both_kinds_nest_in_each_other() {
    #[traced]
    fn outer() {
        let span = info_span!("library");
        span.in_scope(|| {
            ours(1);
            theirs(2);
            let by_hand = Span::child("by hand");
            let _inside = by_hand.enter();
            theirs(3);
        });
        ours(4);
        drop(span);
    }
    let spans = layered(|| {
        outer();
        ours(5);
    });
    assert_eq!(
        tree(&spans),
        [
            "by hand > theirs",
            "library > by hand",
            "library > ours",
            "library > theirs",
            "outer > library",
            "outer > ours",
            "test root > ours",
            "test root > outer",
            "theirs > ours",
            "theirs > ours",
        ]
    );
    let mut ids: Vec<_> = spans.iter().map(|span| span.span_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), spans.len());
    let library = named(&spans, "library");
    let outer = named(&spans, "outer");
    assert!(outer.start_time <= library.start_time && library.duration <= outer.duration);
}

#[test]
fn without_an_ambient_span_a_span_is_a_root_and_the_sampler_is_asked() {
    common::tracer();
    layered(|| ());
    let mut trace = 0;
    std::thread::scope(|scope| {
        let root = scope.spawn(|| {
            info_span!("own root").in_scope(|| {
                ours(1);
                SpanContext::current().trace_id().to_u128()
            })
        });
        trace = root.join().unwrap();
    });
    let spans = spans_of(trace);
    let root = named(&spans, "own root");
    assert_eq!((root.parent_span_id, tag(root, "sampler.type")), (0, "\"const\"".into()));
    assert_eq!(named(&spans, "ours").parent_span_id, root.span_id);
    assert_eq!(SpanContext::current(), SpanContext::NONE);
}

#[test]
fn an_explicit_parent_and_an_explicit_root_are_kept() {
    let mut elsewhere = 0;
    let spans = layered(|| {
        let parent = info_span!("parent");
        let outside = debug_span!("not entered");
        let _inside = outside.enter();
        let child = info_span!(parent: &parent, "child");
        child.in_scope(|| ours(1));
        info_span!(parent: None, "of nobody").in_scope(|| {
            elsewhere = SpanContext::current().trace_id().to_u128();
            ours(2);
        });
        child.follows_from(&outside);
        info!(parent: &parent, "to the parent");
        info!(parent: None, "to nobody");
    });
    assert_eq!(
        tree(&spans),
        ["child > ours", "parent > child", "test root > not entered", "test root > parent"]
    );
    assert_eq!(log_fields(named(&spans, "parent"))[0], "event=\"to the parent\"");
    let (child, outside) = (named(&spans, "child"), named(&spans, "not entered"));
    assert!(outside.logs.is_empty());
    let follows: Vec<_> = child.references.iter().filter(|it| it.ref_type == RefType::FollowsFrom).collect();
    assert_eq!((follows.len(), follows[0].span_id), (1, outside.span_id));
    let others = spans_of(elsewhere);
    assert_eq!(named(&others, "ours").parent_span_id, named(&others, "of nobody").span_id);
}

#[test]
fn each_kind_has_its_level_and_what_is_not_wanted_is_looked_through() {
    let layer = TracingLayer::new().spans(LevelFilter::INFO).events(LevelFilter::DEBUG);
    let spans = layered_as(layer, || {
        let outer = info_span!("outer");
        let (unwanted, elsewhere) = outer.in_scope(|| (debug_span!("unwanted"), trace_span!("elsewhere")));
        unwanted.record("nothing", 1);
        unwanted.in_scope(|| {
            ours(1);
            debug!("heard");
            tracing::trace!("not heard");
            info_span!("inner").in_scope(|| ());
        });
        // Entered where something else is ambient: what is called inside hangs where the span was made.
        let other = Span::child("other");
        let _inside = other.enter();
        elsewhere.in_scope(|| {
            ours(2);
            info_span!("below").in_scope(|| ());
        });
        info_span!(parent: &elsewhere, "explicit").in_scope(|| ());
        ours(3);
    });
    assert_eq!(
        tree(&spans),
        [
            "other > ours",
            "outer > below",
            "outer > explicit",
            "outer > inner",
            "outer > ours",
            "outer > ours",
            "test root > other",
            "test root > outer",
        ]
    );
    assert_eq!(log_fields(named(&spans, "outer"))[..2], ["event=\"heard\"", "level=\"DEBUG\""]);
    // As it comes: spans of level debug, events of level info.
    let spans = layered(|| {
        let span = debug_span!("debug");
        span.in_scope(|| {
            trace_span!("trace").in_scope(|| debug!("not heard"));
            info!("heard");
        });
    });
    assert_eq!(names(&spans), ["debug"]);
    assert_eq!(log_fields(&spans[0])[0], "event=\"heard\"");
}

#[test]
fn nothing_is_recorded_without_a_recorded_span() {
    /// Counts how often it is asked to show itself: nobody is to ask.
    struct Asked;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    impl fmt::Debug for Asked {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            ASKED.fetch_add(1, Relaxed);
            f.write_str("asked")
        }
    }
    layered(|| ());
    assert_eq!(SpanContext::current(), SpanContext::NONE);
    info!(value = ?Asked, "outside any span");
    let refused = SpanContext::new(TraceId::from_u128(0xfacade), SpanId::from_u64(7), false);
    let context = info_span!("never entered").in_scope(SpanContext::current);
    assert!(context.is_sampled(), "the test's sampler takes all");
    let span = Span::child_of(refused, "refused");
    {
        let _inside = span.enter();
        let theirs = info_span!("refused too", value = ?Asked);
        info!(value = ?Asked, "refused");
        // On another thread it is still the trace that was refused.
        std::thread::spawn(move || {
            let _inside = theirs.enter();
            assert_eq!(SpanContext::current().trace_id(), TraceId::from_u128(0xfacade));
            info!(value = ?Asked, "refused");
            ours(1);
        })
        .join()
        .unwrap();
    }
    drop(span);
    assert_eq!(ASKED.load(Relaxed), 0);
    assert!(spans_of(0xfacade).is_empty());
    assert_eq!(SpanContext::current(), SpanContext::NONE);
}

/// Pending until it is told.
async fn told(mut turns: tokio::sync::mpsc::Receiver<()>) {
    turns.recv().await;
}

#[test]
fn futures_of_both_kinds_move_between_threads() {
    #[instrument(skip(turns))]
    async fn library(n: u32, turns: tokio::sync::mpsc::Receiver<()>) {
        info!("before");
        told(turns).await;
        ours(n);
        info!("after");
    }
    #[traced(skip_all)]
    async fn service(turns: tokio::sync::mpsc::Receiver<()>) {
        library(1, turns).await;
        ours_async().instrument(debug_span!("instrumented")).await;
    }
    #[traced]
    async fn ours_async() {}
    let spans = layered(|| {
        let parent = SpanContext::current();
        let (send, receive) = tokio::sync::mpsc::channel(1);
        let mut future = Box::pin(service(receive).in_context(parent));
        let (back, there) = mpsc::channel();
        std::thread::spawn(move || {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_pending());
            assert_eq!(SpanContext::current(), SpanContext::NONE);
            back.send(future).unwrap();
        });
        let future = there.recv_timeout(PATIENCE).unwrap();
        send.try_send(()).unwrap();
        std::thread::spawn(move || {
            common::block_on(future);
            assert_eq!(SpanContext::current(), SpanContext::NONE);
        })
        .join()
        .unwrap();
    });
    assert_eq!(
        tree(&spans),
        [
            "instrumented > ours_async",
            "library > ours",
            "service > instrumented",
            "service > library",
            "test root > service",
        ]
    );
    let library = named(&spans, "library");
    assert_eq!(tag(library, "n"), "long 1");
    let events: Vec<_> = logs(library).into_iter().map(|fields| fields[0].clone()).collect();
    assert_eq!(events, ["event=\"before\"", "event=\"after\""]);
}

#[test]
fn many_tasks_on_many_threads_each_make_their_own_tree() {
    #[instrument]
    async fn library(n: u64) {
        tokio::task::yield_now().await;
        below(n).await;
        info!(n, "done");
    }
    #[traced]
    async fn below(n: u64) -> u64 {
        tokio::task::yield_now().await;
        n
    }
    let spans = layered(|| {
        let context = SpanContext::current();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> =
                (0..200).map(|n| tokio::spawn(async move { library(n).await }.in_context(context))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    assert_eq!(spans.len(), 400);
    let libraries: Vec<_> = spans.iter().filter(|span| span.operation_name == "library").collect();
    assert_eq!(libraries.len(), 200);
    for library in libraries {
        let n = tag(library, "n");
        let below: Vec<_> = spans.iter().filter(|span| span.parent_span_id == library.span_id).collect();
        assert_eq!((below.len(), &*below[0].operation_name), (1, "below"));
        assert_eq!(tag(below[0], "n"), n);
        assert_eq!(log_fields(library)[5], format!("n={n}"));
    }
}

#[test]
fn guards_dropped_out_of_order_and_handles_kept_long_leave_the_right_span_ambient() {
    let spans = layered(|| {
        let base = SpanContext::current();
        let (a, b) = (info_span!("a"), info_span!("b"));
        let in_a = a.enter();
        let in_b = b.enter();
        drop(in_a);
        ours(1);
        drop(in_b);
        assert_eq!(SpanContext::current(), base);
        // Twice the same, and inside itself.
        a.in_scope(|| a.in_scope(|| ours(2)));
        assert_eq!(SpanContext::current(), base);
        // Closed on another thread, after its parent.
        drop(a);
        std::thread::spawn(move || drop(b)).join().unwrap();
    });
    assert_eq!(tree(&spans), ["a > ours", "b > ours", "test root > a", "test root > b"]);
}
