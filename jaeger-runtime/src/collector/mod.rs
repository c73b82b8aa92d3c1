//! The collector: one std thread that reads the logs, folds events into spans and hands them to the reporters. The cold side of the house.
//!
//! It wakes at the flush interval, when a log has enough unread (256 KiB, or its half), and for a message; it needs no Tokio and holds no lock that an application thread would wait for on the hot path.
//! A flush is a message with a reply, so it cannot hang longer than its caller is willing to wait; and the collector does not wait for reporters that may, see `report/lane.rs`.

mod emit;
mod extras;
mod fold;
mod stats;
mod warning;

pub use stats::{Dropped, Stats};

use crate::clock::Scale;
use crate::report::Fanout;
use crate::sampler::Origin;
use fold::Fold;
use jaeger_thrift::Process;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use warning::Warning;

/// What the application asks of the collector.
pub(crate) enum Control {
    /// Report what has ended, and send it; answer with the statistics.
    Flush(Reply),
    /// The same, for the last time.
    Stop(Reply),
}

/// Where an answer goes.
pub(crate) struct Reply {
    to: SyncSender<Stats>,
    asker: Weak<()>,
}

/// Who waits for an answer. When it is dropped, nobody does.
pub(crate) struct Asker {
    answer: Receiver<Stats>,
    _alive: Arc<()>,
}

impl Reply {
    pub(crate) fn new() -> (Self, Asker) {
        let (to, answer) = sync_channel(1);
        let alive = Arc::new(());
        (Self { to, asker: Arc::downgrade(&alive) }, Asker { answer, _alive: alive })
    }

    fn answer(&self, stats: &Stats) {
        // Whoever asked may have stopped waiting.
        let _ = self.to.try_send(stats.clone());
    }

    fn is_abandoned(&self) -> bool {
        self.asker.strong_count() == 0
    }
}

impl Asker {
    pub(crate) fn wait(&self, deadline: Duration) -> Result<Stats, RecvTimeoutError> {
        self.answer.recv_timeout(deadline)
    }
}

/// How the collector's thread ended, for those who find it gone.
#[derive(Debug, Default)]
pub(crate) struct Life {
    stopped: AtomicBool,
}

impl Life {
    /// It comes to its end because it was told to, and has done all that was asked. Said before it stops to listen.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Release);
    }

    /// Whether it was stopped. If not, and it is gone, it has died.
    pub(crate) fn was_stopped(&self) -> bool {
        self.stopped.load(Acquire)
    }
}

/// What a collector is made of.
pub(crate) struct Setup {
    pub(crate) process: Process<'static>,
    pub(crate) reporters: Fanout,
    pub(crate) flush_interval: Duration,
    /// The most bytes held for open spans.
    pub(crate) budget: usize,
    /// The samplers that events may name.
    pub(crate) origins: Vec<&'static Origin>,
    pub(crate) control: Receiver<Control>,
    /// Where each round leaves its statistics.
    pub(crate) stats: Arc<Mutex<Stats>>,
    pub(crate) life: Arc<Life>,
}

/// The collector's thread. Returns when it was stopped and every reporter has done its last flush.
// A frame of its own, by whose name profiles and the gate of instructions know it.
#[inline(never)]
pub(crate) fn run(setup: Setup) {
    let Setup { process, reporters, flush_interval, budget, origins, control, stats, life } = setup;
    crate::report::thread_begins();
    let mut collector = Collector {
        scale: Scale::new(),
        fold: Fold::new(budget, origins),
        reporters,
        stats,
        warning: Warning::default(),
        began: Instant::now(),
    };
    collector.reporters.start(&process);
    // Never, if that is past what the clock can say.
    let next = || Instant::now().checked_add(flush_interval);
    let mut due = next();
    // Flushes have numbers; who asked for one waits until all reporters have come to its number.
    let (mut number, mut waiting, mut stopped) = (0, Vec::new(), false);
    loop {
        let (mut asked, mut stopping) = (Vec::new(), false);
        while let Ok(message) = control.try_recv() {
            match message {
                Control::Flush(reply) => asked.push(reply),
                Control::Stop(reply) => {
                    asked.push(reply);
                    stopping = true;
                }
            }
        }
        if !stopped {
            collector.rounds(stopping);
            if stopping || !asked.is_empty() || due.is_some_and(|due| Instant::now() >= due) {
                number += 1;
                collector.reporters.flush(number, stopping);
                due = if stopping { None } else { next() };
            }
            stopped = stopping;
        }
        waiting.extend(asked.into_iter().map(|reply| (number, reply)));
        let done = collector.reporters.done();
        // Made after that look, so they tell at least of what was done by then.
        let now = collector.publish();
        waiting.retain(|(number, reply)| {
            let open = *number > done && !reply.is_abandoned();
            if !open {
                reply.answer(&now);
            }
            open
        });
        if stopped && number <= done {
            life.stop();
            return;
        }
        match due {
            Some(due) => thread::park_timeout(due.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
    }
}

struct Collector {
    scale: Scale,
    fold: Fold,
    reporters: Fanout,
    stats: Arc<Mutex<Stats>>,
    warning: Warning,
    began: Instant,
}

impl Collector {
    /// Reads what the threads have written and reports what has ended.
    fn rounds(&mut self, last: bool) {
        // A panic of ours must not take the spans of the rest of the process's life with it, nor hang those who wait for an answer.
        let fine = catch_unwind(AssertUnwindSafe(|| {
            self.scale.renew();
            self.scale.set_pace();
            // The second applies what the first has read of spans that moved between threads; see `fold`.
            self.fold.round(&self.scale, &mut self.reporters);
            self.fold.round(&self.scale, &mut self.reporters);
            if last {
                self.fold.give_up_open();
            }
        }));
        if fine.is_err() {
            let line = "the collector panicked; please report this. Tracing goes on with what is left.";
            crate::report::say(log::Level::Error, format_args!("{line}"));
        }
        self.reporters.end_round();
    }

    fn publish(&mut self) -> Stats {
        let stats = Stats::new(self.fold.counts, self.fold.open(), self.reporters.status());
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats.clone();
        if let Some(line) = self.warning.about(stats.dropped, self.began.elapsed()) {
            crate::report::say(log::Level::Warn, format_args!("{line}"));
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn an_interval_past_what_the_clock_can_say_is_never_and_no_panic() {
        let (control, inbox) = channel();
        let life = Arc::new(Life::default());
        let setup = Setup {
            process: Process::default(),
            reporters: Fanout::new(vec![], &Process::default(), 0).unwrap(),
            flush_interval: Duration::MAX,
            budget: 1 << 20,
            origins: vec![],
            control: inbox,
            stats: Arc::default(),
            life: life.clone(),
        };
        let collector = thread::spawn(|| run(setup));
        for message in [Control::Flush, Control::Stop] {
            let (reply, answer) = Reply::new();
            assert!(!life.was_stopped());
            control.send(message(reply)).unwrap();
            collector.thread().unpark();
            answer.wait(Duration::MAX).unwrap();
        }
        collector.join().unwrap();
        assert!(life.was_stopped());
    }
}
