//! Tokio: tasks that move between workers, spawned with their context, and a tracer that is flushed and ended from inside a worker.

mod common;

use common::{PATIENCE, named, spans_of, tag, tracer};
use jaeger_runtime::{FutureExt, Span, SpanContext, spawn, spawn_blocking, traced};
use std::collections::HashMap;

#[traced]
async fn step(n: u32) -> u32 {
    tokio::task::yield_now().await;
    n + 1
}

#[traced]
async fn job(n: u32) -> u32 {
    let first = step(n).await;
    tokio::task::yield_now().await;
    let second = spawn(step(first)).await.unwrap();
    spawn_blocking(move || blocking(second)).await.unwrap()
}

#[traced]
fn blocking(n: u32) -> u32 {
    n + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_tasks_on_four_workers_keep_their_own_families() {
    tracer();
    let root = Span::root("root");
    let trace = root.context().trace_id().to_u128();
    async {
        let tasks: Vec<_> = (0..2_000).map(|n| spawn(job(n * 10))).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n as u32 * 10 + 3);
        }
    }
    .in_span(root)
    .await;
    let spans = tokio::task::spawn_blocking(move || spans_of(trace)).await.unwrap();
    assert_eq!(spans.len(), 1 + 2_000 * 4);
    let root = named(&spans, "root").span_id;
    let by_id: HashMap<u64, _> = spans.iter().map(|span| (span.span_id, span)).collect();
    for span in &spans {
        let n = || tag(span, "n")[5..].parse::<u32>().unwrap();
        let parent = by_id.get(&span.parent_span_id);
        match &*span.operation_name {
            "root" => assert_eq!(span.parent_span_id, 0),
            "job" => assert_eq!(span.parent_span_id, root),
            "step" | "blocking" => {
                let parent = parent.unwrap();
                assert_eq!(parent.operation_name, "job");
                assert_eq!(tag(parent, "n"), format!("long {}", n() / 10 * 10), "a child of its own job");
                assert!(span.start_time >= parent.start_time);
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_task_that_is_aborted_is_cancelled() {
    tracer();
    #[traced]
    async fn endless() {
        std::future::pending::<()>().await;
    }
    let root = Span::root("root");
    let (context, trace) = (root.context(), root.context().trace_id().to_u128());
    let task = tokio::spawn(endless().in_context(context));
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    drop(root);
    let spans = spans_of(trace);
    assert_eq!(tag(named(&spans, "endless"), "cancelled"), "true");
    assert_eq!(SpanContext::current(), SpanContext::NONE);
}

#[tokio::test(flavor = "current_thread")]
async fn a_flush_inside_a_worker_returns() {
    tracer().0.flush(PATIENCE).unwrap();
}
