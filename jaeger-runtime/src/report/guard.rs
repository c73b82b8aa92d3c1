//! One reporter under guard: its panics are caught, after a few it is left alone, and its spans are counted whatever it says of them.
//!
//! A reporter tells what became of its spans ([`Reporter::stats`]); it may panic half-way, count a span on which it then panics, or leave some out. [`Tally::settled`] turns its word into
//! numbers that always come to what it was given: its own word first, as far as there are spans; then those that it panicked on or was not given any more are failed; the rest it still holds.

use super::{Reporter, ReporterStats, SpanRecord};
use log::Level;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A reporter that panicked so often gets no more spans and is not flushed any more; what it says of those that it has is still asked.
const MAX_PANICS: u64 = 3;

/// What is known of a reporter's spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Spans that were meant for it.
    pub(super) given: u64,
    /// Of these, those on which it panicked and those that it was not given any more.
    pub(super) failed: u64,
    /// Calls that panicked.
    pub(super) panics: u64,
    /// It gets no more spans.
    pub(super) cut_off: bool,
    /// What it said last.
    pub(super) claims: ReporterStats,
}

impl Tally {
    /// What became of its spans; the four numbers come to `given`.
    pub(super) fn settled(&self) -> ReporterStats {
        let mut left = self.given;
        let mut take = |claimed: u64| {
            let taken = claimed.min(left);
            left -= taken;
            taken
        };
        let sent = take(self.claims.sent);
        let mut failed = take(self.claims.failed);
        let dropped = take(self.claims.dropped);
        let mut buffered = take(self.claims.buffered);
        // A span that it counted before it panicked is counted already.
        failed += take(self.failed);
        buffered += left;
        if self.cut_off {
            // Nobody will ask it to send them.
            failed += std::mem::take(&mut buffered);
        }
        ReporterStats { sent, failed, dropped, buffered }
    }
}

/// A reporter that cannot harm whoever calls it by a panic.
pub(super) struct Guarded {
    reporter: Box<dyn Reporter>,
    pub(super) name: String,
    tally: Tally,
    /// Of the panics, those in `stats`: one that always panics there is not asked for ever.
    in_stats: u64,
}

impl Guarded {
    pub(super) fn new(reporter: Box<dyn Reporter>) -> Self {
        let name = catch_unwind(AssertUnwindSafe(|| reporter.name())).unwrap_or_else(|_| "unnamed".into());
        Self { reporter, name, tally: Tally::default(), in_stats: 0 }
    }

    /// Calls it unless it is beyond trust; false if it panicked or was not called.
    pub(super) fn call(&mut self, f: impl FnOnce(&mut dyn Reporter)) -> bool {
        if self.tally.cut_off {
            return false;
        }
        let fine = catch_unwind(AssertUnwindSafe(|| f(&mut *self.reporter))).is_ok();
        if !fine {
            self.count_panic();
        }
        fine
    }

    /// Lets go of it.
    pub(super) fn end(self) {
        let Self { reporter, name, .. } = self;
        if catch_unwind(AssertUnwindSafe(|| drop(reporter))).is_err() {
            super::say(Level::Warn, format_args!("the reporter {name:?} panicked when it was dropped"));
        }
    }

    fn count_panic(&mut self) {
        self.tally.panics += 1;
        if self.tally.cut_off {
            return;
        }
        self.tally.cut_off = self.tally.panics >= MAX_PANICS;
        let after = if self.tally.cut_off { "; it gets no more spans" } else { "" };
        super::say(Level::Warn, format_args!("the reporter {:?} panicked{after}", self.name));
    }

    /// Gives it a span, or counts the span as failed.
    pub(super) fn report(&mut self, span: &SpanRecord<'_>) {
        self.tally.given += 1;
        if !self.call(|reporter| reporter.report(span)) {
            self.tally.failed += 1;
        }
    }

    /// How it stands now.
    pub(super) fn tally(&mut self) -> Tally {
        // Also of one that is left alone: what it sent before is sent.
        if self.in_stats < MAX_PANICS {
            match catch_unwind(AssertUnwindSafe(|| self.reporter.stats())) {
                Ok(claims) => self.tally.claims = claims,
                Err(_) => {
                    self.in_stats += 1;
                    self.count_panic();
                }
            }
        }
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::fixture::span;
    use super::*;

    fn stats(sent: u64, failed: u64, dropped: u64, buffered: u64) -> ReporterStats {
        ReporterStats { sent, failed, dropped, buffered }
    }

    #[test]
    fn whatever_a_reporter_says_the_numbers_come_to_what_it_was_given() {
        let numbers = [0, 1, 5, 10, u64::MAX];
        for (i, sent) in numbers.into_iter().enumerate() {
            for buffered in numbers {
                for panicked in [0, 3, 10] {
                    for cut_off in [false, true] {
                        let claims = stats(sent, numbers[4 - i], 1, buffered);
                        let tally = Tally { given: 10, failed: panicked, panics: 3, cut_off, claims };
                        let ReporterStats { sent, failed, dropped, buffered } = tally.settled();
                        assert_eq!(sent + failed + dropped + buffered, 10, "{tally:?}");
                        assert!(!cut_off || buffered == 0);
                    }
                }
            }
        }
        let settled =
            |failed, cut_off, claims| Tally { given: 10, failed, panics: 3, cut_off, claims }.settled();
        assert_eq!(settled(0, false, stats(4, 3, 2, 1)), stats(4, 3, 2, 1), "its own word");
        assert_eq!(settled(3, false, stats(6, 0, 0, 1)), stats(6, 3, 0, 1), "and the panics");
        assert_eq!(settled(3, false, stats(10, 0, 0, 0)), stats(10, 0, 0, 0), "counted before it panicked");
        assert_eq!(
            settled(0, false, stats(6, 0, 0, 0)),
            stats(6, 0, 0, 4),
            "what it says nothing of it holds"
        );
        assert_eq!(settled(2, true, stats(6, 0, 0, 2)), stats(6, 4, 0, 0), "nobody will send what it holds");
    }

    /// Panics on every other span, and in `stats` once it was told to.
    struct Flaky {
        seen: u64,
        stats_panic: bool,
    }

    impl Reporter for Flaky {
        fn name(&self) -> String {
            panic!("in name, on purpose")
        }
        fn report(&mut self, _: &SpanRecord<'_>) {
            self.seen += 1;
            assert!(self.seen % 2 == 1, "on purpose");
        }
        fn flush(&mut self) {
            self.stats_panic = true;
        }
        fn stats(&self) -> ReporterStats {
            assert!(!self.stats_panic, "on purpose");
            ReporterStats { sent: self.seen.div_ceil(2), ..ReporterStats::default() }
        }
    }

    #[test]
    fn one_that_is_left_alone_is_still_asked_what_it_sent() {
        let mut guarded = Guarded::new(Box::new(Flaky { seen: 0, stats_panic: false }));
        assert_eq!(guarded.name, "unnamed");
        for n in 1..=20 {
            span(n, 0, "a", 0, 1).lend(|span| guarded.report(span));
            let ReporterStats { sent, failed, dropped, buffered } = guarded.tally().settled();
            assert_eq!(sent + failed + dropped + buffered, n);
        }
        // Spans 2, 4 and 6 panicked; 1, 3 and 5 were sent.
        assert_eq!(guarded.tally().settled(), stats(3, 17, 0, 0));
        assert_eq!(guarded.tally().panics, 3);
        assert!(!guarded.call(|reporter| reporter.flush()), "it is not called any more");
    }

    #[test]
    fn one_that_panics_when_asked_is_not_asked_for_ever() {
        let mut guarded = Guarded::new(Box::new(Flaky { seen: 0, stats_panic: false }));
        span(1, 0, "a", 0, 1).lend(|span| guarded.report(span));
        guarded.tally();
        guarded.call(|reporter| reporter.flush());
        for _ in 0..10 {
            assert_eq!(guarded.tally().claims.sent, 1, "what it said last");
        }
        assert_eq!(guarded.tally().panics, MAX_PANICS);
    }
}
