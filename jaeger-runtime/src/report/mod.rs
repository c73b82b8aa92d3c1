//! Where finished spans go: the trait, several reporters at once, and the ones that come with the crate.
//!
//! Reporters run on the collector's thread, one after the other, and see each finished span once, borrowed. A reporter that panics is caught and after three times
//! left alone; one that hangs stops the collector, and then the logs fill up, spans are dropped and counted, and a flush returns at its deadline: the application goes on.

mod console;
mod fanout;
mod guard;
mod log_spans;
mod memory;
mod udp;

pub use crate::record::{LogRecord, Outcome, SpanRecord};
pub use console::ConsoleReporter;
pub use log_spans::LogReporter;
pub use memory::{MemoryReporter, TooFewSpans};
pub use udp::UdpReporter;

pub(crate) use fanout::Fanout;

use jaeger_thrift::Process;

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
