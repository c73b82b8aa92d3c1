//! Where finished spans go: the trait, several reporters at once, and the ones that come with the crate.
//!
//! Reporters run on the collector's thread, one after the other, and see each finished span once, borrowed. A reporter that panics is caught and after three times
//! left alone; one that hangs stops the collector, and then the logs fill up, spans are dropped and counted, and a flush returns at its deadline: the application goes on.

mod console;
mod log_spans;
mod memory;
mod udp;

pub use crate::record::{LogRecord, Outcome, SpanRecord};
pub use console::ConsoleReporter;
pub use log_spans::LogReporter;
pub use memory::{MemoryReporter, TooFewSpans};
pub use udp::UdpReporter;

use jaeger_thrift::Process;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Takes finished spans.
///
/// ```
/// use jaeger_runtime::report::{Reporter, ReporterStats, SpanRecord};
///
/// /// Counts spans that took longer than a second.
/// #[derive(Default)]
/// struct Slow(u64, u64);
///
/// impl Reporter for Slow {
///     fn name(&self) -> String {
///         "slow spans".into()
///     }
///     fn report(&mut self, span: &SpanRecord<'_>) {
///         self.0 += 1;
///         self.1 += u64::from(span.duration().as_secs() >= 1);
///     }
///     fn stats(&self) -> ReporterStats {
///         ReporterStats { sent: self.0, ..ReporterStats::default() }
///     }
/// }
/// ```
pub trait Reporter: Send {
    /// For messages and statistics, such as `udp 127.0.0.1:6831`.
    fn name(&self) -> String;
    /// Once, before the first span: the service and its tags.
    fn start(&mut self, process: &Process<'static>) {
        let _ = process;
    }
    /// One finished span. It must not block: the collector waits meanwhile.
    fn report(&mut self, span: &SpanRecord<'_>);
    /// The end of a round: send or show what is held. At every flush interval, and when a flush is asked for.
    fn flush(&mut self) {}
    /// The last call.
    fn close(&mut self) {
        self.flush();
    }
    /// What became of the spans so far. Every span that was reported is in one of the four.
    fn stats(&self) -> ReporterStats;
}

/// What became of the spans that a reporter was given, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReporterStats {
    /// Handed over: to the system for a socket, to the terminal, to the log.
    pub sent: u64,
    /// Refused or not deliverable.
    pub failed: u64,
    /// Given up before it was tried, such as a span too large for a datagram.
    pub dropped: u64,
    /// Still held.
    pub buffered: u64,
}

/// A reporter and its statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReporterStatus {
    /// [`Reporter::name`].
    pub name: String,
    /// What became of its spans.
    pub stats: ReporterStats,
    /// Calls of it that panicked.
    pub panics: u64,
}

/// A reporter that panicked so often is not called any more.
const MAX_PANICS: u64 = 3;

/// All reporters of a tracer.
pub(crate) struct Fanout {
    slots: Vec<Slot>,
}

struct Slot {
    reporter: Box<dyn Reporter>,
    name: String,
    panics: u64,
    /// Spans that it panicked on or was not given any more.
    failed: u64,
    last: ReporterStats,
}

impl Slot {
    /// Calls the reporter unless it is beyond trust; false if it panicked or was not called.
    fn call(&mut self, f: impl FnOnce(&mut dyn Reporter)) -> bool {
        if self.panics >= MAX_PANICS {
            return false;
        }
        let fine = catch_unwind(AssertUnwindSafe(|| f(&mut *self.reporter))).is_ok();
        if !fine {
            self.panics += 1;
            let after = if self.panics == MAX_PANICS { "; it is not called any more" } else { "" };
            log::warn!(target: "jaeger", "the reporter {:?} panicked{after}", self.name);
        }
        fine
    }
}

impl Fanout {
    pub(crate) fn new(reporters: Vec<Box<dyn Reporter>>) -> Self {
        let slot = |reporter: Box<dyn Reporter>| {
            let name =
                catch_unwind(AssertUnwindSafe(|| reporter.name())).unwrap_or_else(|_| "unnamed".into());
            Slot { reporter, name, panics: 0, failed: 0, last: ReporterStats::default() }
        };
        Self { slots: reporters.into_iter().map(slot).collect() }
    }

    pub(crate) fn start(&mut self, process: &Process<'static>) {
        self.slots.iter_mut().for_each(|slot| _ = slot.call(|r| r.start(process)));
    }

    pub(crate) fn report(&mut self, span: &SpanRecord<'_>) {
        for slot in &mut self.slots {
            if !slot.call(|r| r.report(span)) {
                slot.failed += 1;
            }
        }
    }

    pub(crate) fn flush(&mut self) {
        self.slots.iter_mut().for_each(|slot| _ = slot.call(|r| r.flush()));
    }

    pub(crate) fn close(&mut self) {
        self.slots.iter_mut().for_each(|slot| _ = slot.call(|r| r.close()));
    }

    pub(crate) fn status(&mut self) -> Vec<ReporterStatus> {
        let status = |slot: &mut Slot| {
            let mut stats = slot.last;
            slot.call(|r| stats = r.stats());
            slot.last = stats;
            stats.failed += slot.failed;
            ReporterStatus { name: slot.name.clone(), stats, panics: slot.panics }
        };
        self.slots.iter_mut().map(status).collect()
    }
}
