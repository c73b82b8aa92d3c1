//! What reporters log and trace on the tracer's own threads comes into no span, or each span would make the next one; and what bridged spans count as.
//!
//! One test: it counts every span of its process.

use jaeger_runtime::report::{MemoryReporter, Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{LogBridge, Sampler, Span, Tracer, TracingLayer};
use log::{LevelFilter, Log, Metadata, Record};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

const PATIENCE: Duration = Duration::from_secs(60);
static LINES: AtomicU64 = AtomicU64::new(0);

/// The next logger.
struct Counts;

impl Log for Counts {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        if record.target() == "reporter" {
            LINES.fetch_add(1, Relaxed);
        }
    }
    fn flush(&self) {}
}

/// Says all it can of each span.
struct Talks {
    sent: u64,
    /// Called where the collector runs.
    never_waits: bool,
}

impl Reporter for Talks {
    fn name(&self) -> String {
        "talks".into()
    }
    fn never_waits(&self) -> bool {
        self.never_waits
    }
    fn report(&mut self, span: &SpanRecord<'_>) {
        self.sent += 1;
        log::error!(target: "reporter", "{}", span.name());
        tracing::error!("{}", span.name());
        tracing::error_span!("nested").in_scope(|| tracing::error!("inside"));
        tracing::error_span!(parent: None, "a root").in_scope(|| tracing::error!("inside"));
        if span.name() == "work" {
            // What a reporter opens by hand is its own wish; its logs still stay out.
            let by_hand = Span::root("by the reporter");
            let _inside = by_hand.enter();
            log::error!(target: "reporter", "by hand");
            tracing::error!("by hand");
        }
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.sent, ..ReporterStats::default() }
    }
}

#[test]
fn what_reporters_say_comes_into_no_span() {
    LogBridge::new().level(LevelFilter::Trace).and(Counts, LevelFilter::Trace).install().unwrap();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(TracingLayer::new()))
        .unwrap();
    let memory = MemoryReporter::new();
    let tracer = Tracer::builder("bridges")
        .sampler(Sampler::Const(true))
        .reporter(memory.clone())
        .reporter(Talks { sent: 0, never_waits: true })
        .reporter(Talks { sent: 0, never_waits: false })
        .install()
        .unwrap();
    for _ in 0..10 {
        let work = tracing::info_span!("work");
        let _inside = work.enter();
        log::info!("a record");
        tracing::info!("an event");
    }
    // What the reporters make is there after one round, and would make more in each of the next.
    let mut stats = tracer.flush(PATIENCE).unwrap();
    for _ in 0..5 {
        stats = tracer.flush(PATIENCE).unwrap();
    }
    assert_eq!(
        (stats.started, stats.finished, stats.extras_lost),
        (30, 30, 0),
        "10, and one of each reporter"
    );
    let spans = memory.spans();
    let count = |name| spans.iter().filter(|span| span.operation_name == name).count();
    assert_eq!((count("work"), count("by the reporter"), spans.len()), (10, 20, 30));
    for span in &spans {
        let logs = if span.operation_name == "work" { 2 } else { 0 };
        assert_eq!(span.logs.len(), logs, "{span:?}");
    }
    // Each of the two says one of each span, and one by hand for each "work".
    assert_eq!(LINES.load(Relaxed), 2 * (30 + 10));
}
