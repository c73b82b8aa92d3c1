//! Finished spans kept in memory, for tests.
//!
//! A clone is another handle on the same spans: one goes to the tracer, one stays with the test. Waiting is by condition, and wakes the collector instead of waiting for its interval. The
//! number of spans is bounded, as everything here is; a test that wants more takes them out as they come.

#[cfg(test)]
pub(in crate::report) mod fixture;

use super::console::text::{Escaped, human};
use super::{Reporter, ReporterStats, SpanRecord};
use jaeger_thrift::Span;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most spans kept unless [`MemoryReporter::with_limit`] says otherwise.
const LIMIT: usize = 100_000;
/// How often a waiting test asks the collector to look.
const LOOK: Duration = Duration::from_millis(10);
/// The most spans that the error lists.
const LISTED: usize = 50;

/// Keeps finished spans for tests to look at.
///
/// ```
/// use jaeger_runtime::report::MemoryReporter;
/// use jaeger_runtime::{Tracer, traced};
/// use std::time::Duration;
///
/// #[traced]
/// fn greet(name: &str) -> usize {
///     name.len()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let memory = MemoryReporter::new();
/// let _tracer = Tracer::builder("greeter").reporter(memory.clone()).install()?;
/// std::thread::spawn(|| greet("Ada"));
///
/// let spans = memory.wait_for(1, Duration::from_secs(5))?;
/// assert_eq!(spans[0].operation_name, "greet");
/// assert_eq!(memory.find("greet").unwrap().parent_span_id, 0);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemoryReporter {
    shared: Arc<Shared>,
}

struct Shared {
    held: Mutex<Held>,
    arrived: Condvar,
    limit: usize,
}

#[derive(Default)]
struct Held {
    spans: Vec<Span<'static>>,
    /// All that ever came and were kept.
    kept: u64,
    dropped: u64,
}

impl MemoryReporter {
    /// A reporter that keeps up to 100,000 spans.
    pub fn new() -> Self {
        Self::with_limit(LIMIT)
    }

    /// A reporter that keeps up to `spans` spans at a time; more are dropped and counted.
    pub fn with_limit(spans: usize) -> Self {
        let shared = Shared { held: Mutex::default(), arrived: Condvar::new(), limit: spans };
        Self { shared: Arc::new(shared) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing in here panics while it holds the lock, and a test that panicked elsewhere must not hide the spans from the next.
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the spans that are held, in the order in which they ended.
    pub fn spans(&self) -> Vec<Span<'static>> {
        self.held().spans.clone()
    }

    /// Takes the spans out.
    pub fn take(&self) -> Vec<Span<'static>> {
        std::mem::take(&mut self.held().spans)
    }

    /// A copy of the first span with that name.
    pub fn find(&self, name: &str) -> Option<Span<'static>> {
        self.held().spans.iter().find(|span| span.operation_name == name).cloned()
    }

    /// Waits until at least `n` spans are held, and copies all of them. It does not wait for the flush interval: the collector is woken.
    ///
    /// # Errors
    /// After `timeout` there are fewer; the error shows those that have come.
    pub fn wait_for(&self, n: usize, timeout: Duration) -> Result<Vec<Span<'static>>, TooFewSpans> {
        let started = Instant::now();
        let mut held = self.held();
        loop {
            if held.spans.len() >= n {
                return Ok(held.spans.clone());
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(TooFewSpans { wanted: n, timeout, came: held.spans.clone() });
            }
            // Again and again, because what the test waits for may end only now.
            crate::global::wake_collector();
            let waited = self.shared.arrived.wait_timeout(held, left.min(LOOK));
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Default for MemoryReporter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReporter").field("spans", &self.held().spans.len()).finish_non_exhaustive()
    }
}

impl Reporter for MemoryReporter {
    fn name(&self) -> String {
        "memory".into()
    }

    /// The lock is held for as long as a copy takes.
    fn never_waits(&self) -> bool {
        true
    }

    fn report(&mut self, span: &SpanRecord<'_>) {
        let mut held = self.held();
        if held.spans.len() < self.shared.limit {
            held.spans.push(span.to_owned());
            held.kept += 1;
            self.shared.arrived.notify_all();
        } else {
            held.dropped += 1;
        }
    }

    fn stats(&self) -> ReporterStats {
        let held = self.held();
        ReporterStats { sent: held.kept, dropped: held.dropped, ..ReporterStats::default() }
    }
}

/// Not as many spans came as [`MemoryReporter::wait_for`] was asked to wait for. Shown, also by `unwrap`, as a list of those that did.
#[derive(Clone, PartialEq)]
pub struct TooFewSpans {
    wanted: usize,
    timeout: Duration,
    came: Vec<Span<'static>>,
}

impl TooFewSpans {
    /// The spans that came.
    pub fn came(&self) -> &[Span<'static>] {
        &self.came
    }
}

impl fmt::Display for TooFewSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, timeout, came } = self;
        write!(f, "{} of {wanted} spans came within {timeout:?}", came.len())?;
        for span in came.iter().take(LISTED) {
            let Span { trace_id, span_id, parent_span_id, operation_name, duration, .. } = span;
            let duration = human(Duration::from_micros(u64::try_from(*duration).unwrap_or(0)), false);
            let name = Escaped(operation_name);
            write!(
                f,
                "\n  {name}  span {span_id:016x}, parent {parent_span_id:016x}, trace {trace_id:032x}, {duration}"
            )?;
        }
        match came.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl fmt::Debug for TooFewSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for TooFewSpans {}

#[cfg(test)]
mod tests {
    use super::fixture::span;
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn report(reporter: &MemoryReporter, name: &'static str) {
        span(1, 0, name, 5, 6).lend(|span| reporter.clone().report(span));
    }

    #[test]
    fn clones_share_spans_in_the_order_of_their_ends() {
        let memory = MemoryReporter::new();
        report(&memory, "a");
        report(&memory.clone(), "b");
        let names =
            |spans: &[Span<'static>]| spans.iter().map(|s| s.operation_name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&memory.spans()), ["a", "b"]);
        assert_eq!(memory.find("b").unwrap(), span(1, 0, "b", 5, 6).span);
        assert_eq!(memory.find("c"), None);
        assert_eq!(names(&memory.take()), ["a", "b"]);
        assert!(memory.spans().is_empty());
        assert_eq!(
            memory.stats(),
            ReporterStats { sent: 2, ..ReporterStats::default() },
            "taken spans still count"
        );
    }

    #[test]
    fn waiting_ends_when_the_last_span_comes_not_at_the_timeout() {
        let memory = MemoryReporter::new();
        report(&memory, "a");
        let started = Instant::now();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| memory.wait_for(2, LONG));
            report(&memory, "b");
            assert_eq!(waiting.join().unwrap().unwrap().len(), 2);
        });
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn too_few_are_listed() {
        let memory = MemoryReporter::new();
        report(&memory, "evil\u{1b}");
        let error = memory.wait_for(3, Duration::ZERO).unwrap_err();
        assert_eq!(error.came().len(), 1);
        let text = format!("{error:?}");
        assert!(
            text.starts_with("1 of 3 spans came within 0ns\n  evil\\u{1b}  span 0000000000000001, "),
            "{text}"
        );
        for _ in 0..LISTED {
            report(&memory, "a");
        }
        let text = memory.wait_for(100, Duration::ZERO).unwrap_err().to_string();
        assert!(text.ends_with("\n  and 1 more"), "{text}");
    }

    #[test]
    fn past_the_limit_spans_are_dropped_and_counted() {
        let memory = MemoryReporter::with_limit(2);
        for name in ["a", "b", "c"] {
            report(&memory, name);
        }
        assert_eq!(memory.spans().len(), 2);
        assert_eq!(memory.stats(), ReporterStats { sent: 2, dropped: 1, ..ReporterStats::default() });
        memory.take();
        report(&memory, "d");
        assert_eq!(memory.spans().len(), 1);
    }
}
