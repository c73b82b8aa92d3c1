//! Every span is sent or counted, also when the collector hangs: `started = finished + open + dropped`.

use jaeger_runtime::report::{Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{Sampler, Span, Tracer, traced};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Hangs on its first span until it is let go, on the collector's thread, because it promised not to.
struct Hangs {
    gate: Option<Receiver<()>>,
    seen: u64,
}

impl Reporter for Hangs {
    fn name(&self) -> String {
        "hangs".into()
    }
    fn never_waits(&self) -> bool {
        true
    }
    fn report(&mut self, _: &SpanRecord<'_>) {
        if let Some(gate) = self.gate.take() {
            gate.recv().unwrap();
        }
        self.seen += 1;
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.seen, ..ReporterStats::default() }
    }
}

/// Panics always.
struct Panics;

impl Reporter for Panics {
    fn name(&self) -> String {
        "panics".into()
    }
    fn report(&mut self, _: &SpanRecord<'_>) {
        panic!("from a reporter, on purpose");
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats::default()
    }
}

#[traced]
fn work(n: u64, text: &str) -> u64 {
    n + text.len() as u64
}

#[test]
fn a_hanging_and_a_panicking_reporter_lose_nothing_uncounted() {
    let (release, gate) = channel();
    let tracer = Tracer::builder("accounting")
        .sampler(Sampler::Const(true))
        .log_bytes(1 << 20)
        .reporter(Hangs { gate: Some(gate), seen: 0 })
        .reporter(Panics)
        .install()
        .unwrap();
    work(0, "the one that hangs");
    let error = tracer.flush(Duration::from_millis(50)).unwrap_err();
    assert!(error.to_string().contains("50"), "{error}");

    // More than the logs hold, from several threads, nested and held, while nobody reads.
    const THREADS: u64 = 4;
    const EACH: u64 = 20_000;
    let held: Vec<Span> = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let held = Span::root("held");
                    for n in 0..EACH {
                        work(n, "some text that fills the log");
                        let span = Span::root("by hand");
                        span.tag("n", 1);
                        span.finish();
                    }
                    held
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    // Nobody reads, but what finds no room is known all the same.
    let live = tracer.stats();
    assert!(live.dropped.log_full + live.dropped.no_log > 0, "{live:?}");
    assert_eq!(live.started, live.finished + live.open + live.dropped.total(), "{live:?}");
    release.send(()).unwrap();
    let stats = tracer.flush(PATIENCE).unwrap();
    // Which of the held spans found room is chance; the rest is not.
    assert_eq!(stats.started, 1 + THREADS * (1 + 2 * EACH));
    assert!(stats.dropped.log_full + stats.dropped.no_log > 0, "{stats:?}");
    assert_eq!(stats.started, stats.finished + stats.open + stats.dropped.total(), "{stats:?}");
    assert!(stats.open <= THREADS, "every end of a recorded start was kept: {stats:?}");

    drop(held);
    let stats = tracer.shutdown(PATIENCE).unwrap();
    assert_eq!((stats.open, stats.dropped.unfinished), (0, 0), "{stats:?}");
    assert_eq!(stats.started, stats.finished + stats.dropped.total(), "{stats:?}");
    for reporter in &stats.reporters {
        let of = reporter.stats;
        assert_eq!(stats.finished, of.sent + of.failed + of.dropped + of.buffered, "{reporter:?}");
    }
    assert_eq!(stats.reporters[1].panics, 3, "and then it is left alone");

    // After the end everything is still harmless.
    assert_eq!(work(1, "a"), 2);
    drop(Span::root("late"));
    assert_eq!(tracer.shutdown(PATIENCE).unwrap(), stats, "a second shutdown is the first one's");
    assert!(Tracer::builder("again").install().is_err());
}
