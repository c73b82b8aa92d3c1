//! Where finished spans go: the trait, several reporters at once, and the ones that come with the crate.
//!
//! Each reporter sees every finished span once, borrowed for the length of a call. Those that never wait for anything (the agent's, the one for tests) are called on the collector's
//! thread. All others, yours too, have a thread of their own behind a queue that is bounded in bytes: one that is slow or hangs gets what it can take, the rest is dropped and counted
//! for it alone, and a flush returns at its deadline. One that panics is caught and after three times left alone.

mod chunk;
mod console;
mod fanout;
mod guard;
mod lane;
mod log_spans;
mod memory;
mod udp;

pub use crate::record::{LogRecord, Outcome, SpanRecord};
pub use console::ConsoleReporter;
pub use log_spans::LogReporter;
pub use memory::{MemoryReporter, TooFewSpans};
pub use udp::UdpReporter;

pub(crate) use fanout::Fanout;
pub(crate) use udp::check_limit;

use crate::context::SpanContext;
use crate::local;
use jaeger_thrift::Process;
use std::cell::Cell;
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
    /// Whether no call of it ever waits: for a lock that others hold for long, a file, a pipe, a network that takes its time. It is then called on the collector's thread, with spans that
    /// are lent and not copied, which saves the copy; but if it does wait, all reporters wait with it, until the logs are full. Default: no, it gets a thread of its own.
    fn never_waits(&self) -> bool {
        false
    }
    /// One finished span. What it calls is not traced.
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

thread_local! {
    /// This thread calls reporters.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// At the start of a thread that calls reporters: what it calls is not traced, or each span would make the next one; and a flush from there is refused, because it would wait for itself.
pub(crate) fn thread_begins() {
    OURS.set(true);
    // A trace that is not sampled, for as long as the thread lives.
    let _for_ever = local::attach(SpanContext::from_raw(0, 1, 1, 0));
}

/// Writes to the application's log from a thread of ours, which a logger that panics must not end.
pub(crate) fn say(level: log::Level, line: std::fmt::Arguments<'_>) {
    let _its_own_fault = catch_unwind(AssertUnwindSafe(|| log::log!(target: "jaeger", level, "{line}")));
}

/// Whether this thread calls reporters.
pub(crate) fn is_reporting() -> bool {
    OURS.get()
}
