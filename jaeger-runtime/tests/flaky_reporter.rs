//! A reporter that panics only sometimes is left alone after three times; what it sent before stays sent, and every later span is counted.

use jaeger_runtime::report::{MemoryReporter, Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{Sampler, Tracer, traced};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Sends ten spans, then panics on each.
#[derive(Default)]
struct Flaky {
    seen: u64,
    sent: u64,
}

impl Reporter for Flaky {
    fn name(&self) -> String {
        "flaky".into()
    }
    fn report(&mut self, _: &SpanRecord<'_>) {
        self.seen += 1;
        assert!(self.seen <= 10, "from a reporter, on purpose");
        self.sent += 1;
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.sent, ..ReporterStats::default() }
    }
}

#[traced]
fn work(n: u64) -> u64 {
    n
}

#[test]
fn what_a_reporter_sent_before_it_was_left_alone_stays_sent() {
    let memory = MemoryReporter::new();
    let builder = Tracer::builder("flaky").sampler(Sampler::Const(true));
    let tracer = builder.reporter(Flaky::default()).reporter(memory.clone()).install().unwrap();
    let mut made = 0;
    // It is left alone within the first round already, before anybody has asked what it sent.
    for round in [20, 1, 5] {
        (0..round).for_each(|n| _ = work(n));
        made += round;
        let stats = tracer.flush(PATIENCE).unwrap();
        assert_eq!(stats.finished, made);
        for reporter in &stats.reporters {
            let ReporterStats { sent, failed, dropped, buffered } = reporter.stats;
            assert_eq!(sent + failed + dropped + buffered, stats.finished, "{reporter:?}");
        }
    }
    let stats = tracer.shutdown(PATIENCE).unwrap();
    let flaky = &stats.reporters[0];
    let expected = ReporterStats { sent: 10, failed: 16, ..ReporterStats::default() };
    assert_eq!((flaky.stats, flaky.panics), (expected, 3), "{flaky:?}");
    assert_eq!(memory.spans().len(), 26, "the other one has all");
}
