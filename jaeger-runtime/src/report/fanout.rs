//! All reporters of a tracer: those that never wait are called in place, the others have a thread of their own.

use super::guard::Guarded;
use super::lane::{Lane, THREAD};
use super::{Reporter, ReporterStatus, SpanRecord};
use crate::error::Error;
use jaeger_thrift::Process;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// All reporters of a tracer, in the order in which they were given.
pub(crate) struct Fanout {
    reporters: Vec<Place>,
}

/// Where a reporter is called.
enum Place {
    /// On the collector's thread, with spans that are lent.
    Here(Guarded),
    /// On a thread of its own, with copies.
    Apart(Lane),
}

impl Fanout {
    /// Starts the threads of those that have one; `budget` bytes may wait for each.
    ///
    /// # Errors
    /// A thread could not be started.
    pub(crate) fn new(
        reporters: Vec<Box<dyn Reporter>>,
        process: &Process<'static>,
        budget: usize,
    ) -> Result<Self, Error> {
        let place = |reporter: Box<dyn Reporter>| {
            if catch_unwind(AssertUnwindSafe(|| reporter.never_waits())).unwrap_or(false) {
                return Ok(Place::Here(Guarded::new(reporter)));
            }
            let lane = Lane::spawn(reporter, process.clone(), budget);
            lane.map(Place::Apart).map_err(|source| Error::Spawn { thread: THREAD, source })
        };
        Ok(Self { reporters: reporters.into_iter().map(place).collect::<Result<_, _>>()? })
    }

    /// On the collector's thread, before the first span.
    pub(crate) fn start(&mut self, process: &Process<'static>) {
        for place in &mut self.reporters {
            if let Place::Here(reporter) = place {
                reporter.call(|r| r.start(process));
            }
        }
    }

    pub(crate) fn report(&mut self, span: &SpanRecord<'_>) {
        for place in &mut self.reporters {
            match place {
                Place::Here(reporter) => reporter.report(span),
                Place::Apart(lane) => lane.report(span),
            }
        }
    }

    /// The end of a round: spans go on their way.
    pub(crate) fn end_round(&mut self) {
        for place in &mut self.reporters {
            if let Place::Apart(lane) = place {
                lane.hand_over();
            }
        }
    }

    /// Asks for a flush, or for the last one. It is done when [`Fanout::done`] has come to `number`; the calling thread is unparked then.
    pub(crate) fn flush(&mut self, number: u64, last: bool) {
        for place in &mut self.reporters {
            match place {
                Place::Here(reporter) => _ = reporter.call(|r| if last { r.close() } else { r.flush() }),
                Place::Apart(lane) => lane.flush(number, last),
            }
        }
    }

    /// Which flush all reporters have done.
    pub(crate) fn done(&self) -> u64 {
        let done = |place: &Place| match place {
            Place::Here(_) => u64::MAX,
            Place::Apart(lane) => lane.done(),
        };
        self.reporters.iter().map(done).min().unwrap_or(u64::MAX)
    }

    pub(crate) fn status(&mut self) -> Vec<ReporterStatus> {
        let status = |place: &mut Place| match place {
            Place::Here(reporter) => {
                let tally = reporter.tally();
                ReporterStatus { name: reporter.name.clone(), stats: tally.settled(), panics: tally.panics }
            }
            Place::Apart(lane) => lane.status(),
        };
        self.reporters.iter_mut().map(status).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ConsoleReporter, LogReporter, MemoryReporter, UdpReporter};

    #[test]
    fn what_others_can_stop_has_a_thread_of_its_own() {
        // A pipe that nobody reads, a terminal that was stopped, a logger of the user's own.
        let may_wait: [Box<dyn Reporter>; 3] = [
            Box::new(ConsoleReporter::new()),
            Box::new(ConsoleReporter::to(std::io::sink())),
            Box::new(LogReporter::new()),
        ];
        let never: [Box<dyn Reporter>; 2] =
            [Box::new(UdpReporter::new("127.0.0.1:1").unwrap()), Box::new(MemoryReporter::new())];
        for (reporters, apart) in [(Vec::from(may_wait), true), (Vec::from(never), false)] {
            let fanout = Fanout::new(reporters, &Process::default(), 1 << 20).unwrap();
            assert!(fanout.reporters.iter().all(|place| matches!(place, Place::Apart(_)) == apart));
        }
    }
}
