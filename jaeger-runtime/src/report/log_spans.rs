//! Every finished span as a line in the application's own log.
//!
//! One record of the crate `log` for each span, level info, target `jaeger`: what `JAEGER_REPORTER_LOG_SPANS` asks for, for a look at what is recorded without a backend. Names come from
//! outside, so what a terminal would obey is escaped. Tags and logs are deliberately absent: the console reporter shows them.

use super::console::text::{Escaped, human};
use super::{Outcome, Reporter, ReporterStats, SpanRecord};

/// Writes one line for each finished span to the application's log (crate `log`, level info, target `jaeger`).
///
/// The line has the span's context in the form of the `uber-trace-id` header, its name and how long it took:
/// `Reporting span 5b1c8a0e6a1f4d2e9c0b7a6f5e4d3c2b:9c0b7a6f5e4d3c2b:0000000000000000:1 span_root 1.00 s`.
///
/// ```
/// use jaeger_runtime::Tracer;
///
/// # fn main() -> Result<(), jaeger_runtime::Error> {
/// let tracer = Tracer::builder("shop").log_spans(true).install()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct LogReporter {
    written: u64,
}

impl LogReporter {
    /// A reporter that writes to whatever logger the application has set.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The line for a span.
fn line(span: &SpanRecord<'_>) -> String {
    let context = span.context();
    let parent = span.parent_span_id().unwrap_or_default();
    let outcome = match span.outcome() {
        Outcome::Ok => "",
        Outcome::Error => " error",
        Outcome::Panic => " panic",
        Outcome::Cancelled => " cancelled",
    };
    format!(
        "Reporting span {}:{}:{parent}:{:x} {} {}{outcome}",
        context.trace_id(),
        context.span_id(),
        context.flags(),
        Escaped(span.name()),
        human(span.duration(), false),
    )
}

impl Reporter for LogReporter {
    fn name(&self) -> String {
        "log".into()
    }

    fn report(&mut self, span: &SpanRecord<'_>) {
        self.written += 1;
        // Checked first: without a logger that wants it no text is made.
        if log::log_enabled!(target: "jaeger", log::Level::Info) {
            log::info!(target: "jaeger", "{}", line(span));
        }
    }

    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.written, ..ReporterStats::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::fixture::span;
    use super::*;

    #[test]
    fn the_line_has_context_name_duration_and_outcome() {
        let root = span(7, 0, "span_root", 0, 1_004_000);
        assert_eq!(
            root.lend(line),
            "Reporting span 0000000000000abc:0000000000000007:0000000000000000:1 span_root 1.00 s"
        );
        let long = span(9, 7, "charge", 0, 1_500).trace(0xa << 64 | 0xb).outcome(Outcome::Error);
        assert_eq!(
            long.lend(line),
            "Reporting span 000000000000000a000000000000000b:0000000000000009:0000000000000007:1 charge 1.50 ms error"
        );
        assert!(span(1, 0, "a", 0, 1).outcome(Outcome::Panic).lend(line).ends_with(" panic"));
        assert!(span(1, 0, "a", 0, 1).outcome(Outcome::Cancelled).lend(line).ends_with(" cancelled"));
    }

    #[test]
    fn a_name_cannot_write_to_the_terminal() {
        let line = span(1, 0, "\u{1b}]0;x\u{7}\nReporting span forged", 0, 1).lend(line);
        assert!(line.contains(r"\u{1b}]0;x\u{7}\nReporting span forged"), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }

    #[test]
    fn every_span_is_counted_as_handed_over() {
        let mut reporter = LogReporter::new();
        span(1, 0, "a", 0, 1).lend(|span| reporter.report(span));
        span(2, 1, "b", 0, 1).lend(|span| reporter.report(span));
        assert_eq!(reporter.stats(), ReporterStats { sent: 2, ..ReporterStats::default() });
    }
}
