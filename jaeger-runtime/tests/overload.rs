//! Every sampled call is counted once, also those under a span that was lost, whatever is full: the logs, the budget for logs, one event.
//!
//! One test, because a process has one tracer, and what is full stays so.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, Tracer, traced};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

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
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
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

    // 3. More threads than the budget has logs for: those without one count what they lose, and record once a log is given back.
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
