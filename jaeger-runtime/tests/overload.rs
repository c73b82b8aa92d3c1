//! Every sampled call is counted once, also those under a span that was lost, whatever is full: the logs, the budget for logs, one event.
//!
//! One test, because a process has one tracer, and what is full stays so.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, Tracer, traced};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{mem, thread};

const PATIENCE: Duration = Duration::from_secs(60);

#[traced]
fn root(children: u64) -> u64 {
    (0..children).map(child).sum()
}

#[traced]
fn child(n: u64) -> u64 {
    n
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[traced]
async fn async_root(children: u64) -> u64 {
    (0..children).map(child).sum()
}

/// Each open call keeps room for its end, so that a recursion deep enough fills the log however fast it is read.
#[traced]
fn deep(levels: u64) {
    if levels > 0 {
        return deep(levels - 1);
    }
    for _ in 0..100 {
        assert_eq!(block_on(async_root(4)), 6);
        let held = Span::root("held");
        child(1);
        let _inside = held.enter();
        child(2);
    }
}

/// Ready when it is polled for the second time.
#[traced]
async fn at_second_poll(n: u64) -> u64 {
    let mut polled = false;
    poll_fn(|_| if mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    n
}

type Waiting = Pin<Box<dyn Future<Output = u64> + Send>>;

/// What has a reply or an error to tell where the log may be full, and at its bottom lets others tell theirs.
#[traced(skip(waiting))]
fn deep_and_told(level: u64, waiting: &mut Vec<Waiting>) -> Result<u64, String> {
    if level > 0 {
        let _told = deep_and_told(level - 1, waiting);
    } else {
        waiting.drain(..).for_each(|future| assert!(block_on(future) < 100));
    }
    if level % 2 == 0 { Ok(level) } else { Err(format!("level {level}")) }
}

/// Its message takes all of one event in a small log, so that there is no room for its kind.
#[traced(max_len = 4095)]
fn told_at_length() -> Result<u64, String> {
    Err("x".repeat(4_000))
}

/// A trace of its own.
#[traced(root)]
async fn rooted_at_second_poll(n: u64) -> u64 {
    at_second_poll(n).await
}

/// Polls `waiting` at the bottom of a recursion that fills the log: each once, and the first `done` of them to their ends.
#[traced(skip_all, no_reply)]
fn deep_and_polled(levels: u64, waiting: &mut Vec<Waiting>, done: usize) {
    if levels > 0 {
        return deep_and_polled(levels - 1, waiting, done);
    }
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.iter_mut().all(|future| future.as_mut().poll(&mut context).is_pending()));
    waiting.drain(..done).for_each(|future| assert!(block_on(future) < 100));
}

/// How many values of their end are missing of these spans: a reply is one, an error two.
fn untold_by(spans: &[jaeger_thrift::Span<'_>]) -> u64 {
    let missing = |span: &jaeger_thrift::Span<'_>| {
        if span.tags.iter().any(|tag| tag.key == "error") {
            let fields = span.logs.iter().flat_map(|log| &log.fields);
            2 - fields.filter(|field| ["message", "error.kind"].contains(&&*field.key)).count() as u64
        } else {
            u64::from(span.tags.iter().all(|tag| tag.key != "reply"))
        }
    };
    spans.iter().map(missing).sum()
}

#[test]
fn every_sampled_call_is_counted_whatever_is_full() {
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("overload")
        .sampler(Sampler::Const(true))
        .log_bytes(1 << 18)
        .reporter(memory.clone())
        .install()
        .unwrap();

    // 1. Roots that find no room, and what they call.
    const LEVELS: u64 = 30_000;
    thread::Builder::new().stack_size(256 << 20).spawn(|| deep(LEVELS)).unwrap().join().unwrap();
    let mut made = LEVELS + 1 + 100 * (5 + 3);
    let stats = tracer.flush(PATIENCE).unwrap();
    assert_eq!(stats.started, made, "{stats:?}");
    assert!(stats.dropped.log_full > LEVELS / 2 + 800, "{stats:?}");
    assert_eq!(stats.started, stats.finished + stats.dropped.total(), "{stats:?}");
    assert_eq!((stats.open, stats.dropped.unfinished), (0, 0), "{stats:?}");

    // 2. Room again: whole traces again, whose roots are roots.
    memory.take();
    root(2);
    tracer.flush(PATIENCE).unwrap();
    let spans = memory.take();
    let top: Vec<_> = spans.iter().filter(|span| span.parent_span_id == 0).collect();
    assert_eq!((spans.len(), top.len()), (3, 1), "{spans:?}");
    assert!(spans.iter().all(|span| span.trace_id == top[0].trace_id));
    made += 3;

    // 3. What a span tells of its end is there or counted, whether it has stayed where it was opened or moved.
    let told = |levels: u64| {
        let mut waiting: Vec<Waiting> = (0..100).map(|n| Box::pin(at_second_poll(n)) as Waiting).collect();
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.iter_mut().all(|future| future.as_mut().poll(&mut context).is_pending()));
        let _told = deep_and_told(levels, &mut waiting);
    };
    let before = tracer.flush(PATIENCE).unwrap();
    thread::Builder::new().stack_size(256 << 20).spawn(move || told(LEVELS)).unwrap().join().unwrap();
    made += LEVELS + 1 + 100;
    let stats = tracer.flush(PATIENCE).unwrap();
    assert_eq!(stats.started, made, "{stats:?}");
    let untold = untold_by(&memory.take());
    assert!(untold > 100, "the log was not full: {untold}");
    assert_eq!(stats.extras_lost - before.extras_lost, untold, "{stats:?}");

    // 4. Also where the log has room and one event has not: of these two values the message is there.
    let before = tracer.flush(PATIENCE).unwrap();
    assert!(told_at_length().is_err());
    made += 1;
    let stats = tracer.flush(PATIENCE).unwrap();
    let spans = memory.take();
    assert_eq!((spans.len(), untold_by(&spans)), (1, 1), "{spans:?}");
    assert_eq!(stats.extras_lost - before.extras_lost, 1, "{stats:?}");

    // 5. Of a span that was lost whole nothing else is counted, wherever it ends.
    for done in [0, 50, 100] {
        let before = tracer.flush(PATIENCE).unwrap();
        let mut waiting: Vec<Waiting> =
            (0..100).map(|n| Box::pin(rooted_at_second_poll(n)) as Waiting).collect();
        let polled = thread::Builder::new().stack_size(256 << 20).spawn(move || {
            deep_and_polled(LEVELS, &mut waiting, done);
            waiting
        });
        let left = polled.unwrap().join().unwrap();
        tracer.flush(PATIENCE).unwrap();
        // The log has room again.
        left.into_iter().for_each(|future| assert!(block_on(future) < 100));
        made += LEVELS + 1 + 200;
        let stats = tracer.flush(PATIENCE).unwrap();
        assert_eq!(stats.started, made, "{stats:?}");
        let spans = memory.take();
        assert!(spans.iter().all(|span| span.operation_name == "deep_and_polled"), "no log was full");
        assert_eq!(stats.extras_lost, before.extras_lost, "{done} ended where the log was full");
    }

    // 6. More threads than the budget has logs for: those without one count what they lose, and record once a log is given back.
    const THREADS: u64 = 64;
    let (all_there, go_home) =
        (Arc::new(Barrier::new(THREADS as usize + 1)), Arc::new(Barrier::new(THREADS as usize + 1)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (all_there, go_home) = (all_there.clone(), go_home.clone());
            thread::spawn(move || {
                root(3);
                all_there.wait();
                go_home.wait();
            })
        })
        .collect();
    all_there.wait();
    made += THREADS * 4;
    let stats = tracer.flush(PATIENCE).unwrap();
    assert_eq!(stats.started, made, "{stats:?}");
    assert!(stats.dropped.no_log > 0 && stats.dropped.no_log < THREADS * 4, "{stats:?}");
    go_home.wait();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let before = tracer.flush(PATIENCE).unwrap().dropped.total();
    thread::spawn(|| root(3)).join().unwrap();
    made += 4;
    let stats = tracer.shutdown(PATIENCE).unwrap();
    assert_eq!((stats.started, stats.dropped.total()), (made, before), "{stats:?}");
    assert_eq!(stats.started, stats.finished + stats.dropped.total(), "{stats:?}");
}
