//! A burst of tasks: 30,000 spans on two threads, each task waiting twice, none of them read before all are written. None is lost.
//!
//! The collector is held by a reporter, so that nothing depends on how fast it is or when it wakes. One test, because a process has one tracer.

use jaeger_runtime::report::{Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{Sampler, Tracer, traced};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const THREADS: u64 = 2;
const TASKS: u64 = 10_000;

/// Holds the collector's thread at the first span until it may go on.
struct Gate {
    there: Sender<()>,
    go_on: Receiver<()>,
    spans: u64,
}

impl Reporter for Gate {
    fn name(&self) -> String {
        "gate".into()
    }
    /// Not true, which is what this test is about.
    fn never_waits(&self) -> bool {
        true
    }
    fn report(&mut self, _: &SpanRecord<'_>) {
        if self.spans == 0 {
            self.there.send(()).unwrap();
            self.go_on.recv().unwrap();
        }
        self.spans += 1;
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.spans, ..ReporterStats::default() }
    }
}

#[traced]
fn first() {}

/// Ready at the second poll.
async fn wait_once() {
    let mut waited = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[traced]
async fn step(n: u64) -> u64 {
    wait_once().await;
    n + 1
}

#[traced]
async fn task(n: u64) -> u64 {
    let n = step(n).await;
    step(n).await
}

/// All of them by turns, as an executor would.
fn all_tasks() {
    let mut context = Context::from_waker(Waker::noop());
    let mut tasks: Vec<Pin<Box<dyn Future<Output = u64>>>> =
        (0..TASKS).map(|n| Box::pin(task(n)) as Pin<Box<dyn Future<Output = u64>>>).collect();
    while !tasks.is_empty() {
        tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
    }
}

#[test]
fn no_span_of_a_burst_is_lost_while_the_collector_is_held_off() {
    let ((there, is_there), (go_on, may_go_on)) = (channel(), channel());
    let tracer = Tracer::builder("burst")
        .sampler(Sampler::Const(true))
        .reporter(Gate { there, go_on: may_go_on, spans: 0 })
        .install()
        .unwrap();
    first();
    // Wakes the collector, and is not answered while that is held.
    assert!(tracer.flush(Duration::ZERO).is_err());
    is_there.recv_timeout(PATIENCE).unwrap();

    let threads: Vec<_> = (0..THREADS).map(|_| thread::spawn(all_tasks)).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    go_on.send(()).unwrap();

    let stats = tracer.flush(PATIENCE).unwrap();
    assert_eq!(stats.started, 1 + THREADS * TASKS * 3, "{stats:?}");
    assert_eq!((stats.finished, stats.open), (stats.started, 0), "{stats:?}");
    assert_eq!(stats.reporters[0].stats.sent, stats.started, "{stats:?}");
}
