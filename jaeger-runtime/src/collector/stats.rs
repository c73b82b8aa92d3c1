//! What became of the spans, counted once each.

use crate::event_log::registry;
use crate::local;
use crate::report::ReporterStatus;
use std::fmt;

/// The fold's counters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Spans whose start was read.
    pub(super) started: u64,
    /// Spans handed to the reporters.
    pub(super) finished: u64,
    pub(super) refused: u64,
    pub(super) without_log: u64,
    pub(super) collector_full: u64,
    pub(super) unfinished: u64,
    pub(super) extras_lost: u64,
}

/// What became of the sampled spans of this process, as of the last round of the collector.
///
/// Every one is counted once: `started = finished + open + dropped.total()`, and for every reporter `finished = sent + failed + dropped + buffered`.
/// (Spans still in the logs of their threads are in none of them until they are read.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sampled spans that were started.
    pub started: u64,
    /// Spans that ended and were given to the reporters.
    pub finished: u64,
    /// Spans that are open.
    pub open: u64,
    /// Spans that were lost before a reporter saw them, by cause.
    pub dropped: Dropped,
    /// What is missing. Each tag and log that found no room or no open span counts one; so does each reply, error's message and error's kind without which a span arrived. Of a span that was lost whole these three are lost with it, and
    /// not counted; its tags and logs are. (Arguments that one event cannot hold are tags here.)
    pub extras_lost: u64,
    /// What the reporters made of them.
    pub reporters: Vec<ReporterStatus>,
}

/// Lost spans by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The thread's log was full: the collector could not keep up.
    pub log_full: u64,
    /// The thread had no log: the byte budget for logs is used up, or the thread was ending.
    pub no_log: u64,
    /// The collector's byte budget for open spans was used up.
    pub collector_full: u64,
    /// Still open when their thread or the tracer ended.
    pub unfinished: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.log_full + self.no_log + self.collector_full + self.unfinished
    }
}

impl Stats {
    pub(super) fn new(counts: Counts, open: u64, reporters: Vec<ReporterStatus>) -> Self {
        let dropped = Dropped {
            log_full: counts.refused,
            no_log: counts.without_log,
            collector_full: counts.collector_full,
            unfinished: counts.unfinished,
        };
        let extras_lost = counts.extras_lost + crate::global::lost_extras();
        let started = counts.started + counts.refused + counts.without_log;
        Self { started, finished: counts.finished, open, dropped, extras_lost, reporters }
    }

    /// The same with the spans that found no room since. Their counters are read where they are, so they are right also while the collector is busy.
    pub(crate) fn with_losses_until_now(mut self) -> Self {
        let mut logs = Vec::new();
        registry::catch_up(&mut logs);
        let refused = logs.iter().map(|log| log.refused()).sum::<u64>().max(self.dropped.log_full);
        let without_log = local::lost_without_log().max(self.dropped.no_log);
        self.started += refused - self.dropped.log_full + without_log - self.dropped.no_log;
        (self.dropped.log_full, self.dropped.no_log) = (refused, without_log);
        self
    }
}

/// One line: `3 spans made; udp 127.0.0.1:6831: 3 sent, 0 failed; 0 dropped`.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.started == 1 { "" } else { "s" };
        write!(f, "{} span{plural} made", self.started)?;
        let mut dropped = self.dropped.total();
        for ReporterStatus { name, stats, .. } in &self.reporters {
            write!(f, "; {name}: {} sent, {} failed", stats.sent, stats.failed)?;
            if stats.buffered > 0 {
                write!(f, ", {} held", stats.buffered)?;
            }
            dropped += stats.dropped;
        }
        if self.open > 0 {
            write!(f, "; {} open", self.open)?;
        }
        write!(f, "; {dropped} dropped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReporterStats;

    #[test]
    fn the_line_says_made_sent_to_whom_failed_and_dropped() {
        let stats = ReporterStats { sent: 2, failed: 1, ..ReporterStats::default() };
        let reporters = vec![ReporterStatus { name: "udp 127.0.0.1:6831".into(), stats, panics: 0 }];
        let counts = Counts { started: 3, finished: 3, refused: 2, ..Counts::default() };
        let stats = Stats::new(counts, 0, reporters);
        assert_eq!(stats.to_string(), "5 spans made; udp 127.0.0.1:6831: 2 sent, 1 failed; 2 dropped");
        assert_eq!(stats.started, stats.finished + stats.open + stats.dropped.total());
    }
}
