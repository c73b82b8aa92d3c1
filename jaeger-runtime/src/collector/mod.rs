//! The collector: one std thread that reads the logs, folds events into spans and hands them to the reporters. The cold side of the house.
//!
//! It wakes at the flush interval, when a log passes its half, and for a message; it needs no Tokio and holds no lock that an application thread would wait for on the hot path.
//! A flush is a message with a reply, so it cannot hang longer than its caller is willing to wait.

mod emit;
mod extras;
mod fold;
mod stats;
mod warning;

pub use stats::{Dropped, Stats};

use crate::clock::Scale;
use crate::report::{Fanout, Reporter};
use crate::sampler::Origin;
use fold::Fold;
use jaeger_thrift::Process;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use warning::Warning;

/// What the application asks of the collector.
pub(crate) enum Control {
    /// Report what has ended, and send it; answer with the statistics.
    Flush(SyncSender<Stats>),
    /// The same, for the last time.
    Stop(SyncSender<Stats>),
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
    pub(crate) reporters: Vec<Box<dyn Reporter>>,
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

/// The collector's thread. Returns when it was stopped, or when everybody who could stop it is gone.
pub(crate) fn run(setup: Setup) {
    let Setup { process, reporters, flush_interval, budget, origins, control, stats, life } = setup;
    let mut collector = Collector {
        scale: Scale::new(),
        fold: Fold::new(budget, origins),
        reporters: Fanout::new(reporters),
        stats,
        warning: Warning::default(),
        began: Instant::now(),
    };
    collector.reporters.start(&process);
    // Never, if that is past what the clock can say.
    let mut due = Instant::now().checked_add(flush_interval);
    loop {
        let (mut waiting, mut stopping) = (Vec::new(), false);
        while let Ok(message) = control.try_recv() {
            match message {
                Control::Flush(reply) => waiting.push(reply),
                Control::Stop(reply) => {
                    waiting.push(reply);
                    stopping = true;
                }
            }
        }
        let flush = stopping || !waiting.is_empty() || due.is_some_and(|due| Instant::now() >= due);
        // A panic of ours must not take the spans of the rest of the process's life with it, nor hang those who wait for an answer.
        if catch_unwind(AssertUnwindSafe(|| collector.rounds(flush, stopping))).is_err() {
            log::error!(target: "jaeger", "the collector panicked; please report this. Tracing goes on with what is left.");
        }
        let now = collector.publish();
        for reply in waiting {
            // Whoever asked may have stopped waiting.
            let _ = reply.try_send(now.clone());
        }
        if stopping {
            life.stop();
            return;
        }
        if flush {
            due = Instant::now().checked_add(flush_interval);
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
    fn rounds(&mut self, flush: bool, stopping: bool) {
        self.scale.renew();
        // The second applies what the first has read of spans that moved between threads; see `fold`.
        self.fold.round(&self.scale, &mut self.reporters);
        self.fold.round(&self.scale, &mut self.reporters);
        if stopping {
            self.fold.give_up_open();
            self.reporters.close();
        } else if flush {
            self.reporters.flush();
        }
    }

    fn publish(&mut self) -> Stats {
        let stats = Stats::new(self.fold.counts, self.fold.open(), self.reporters.status());
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats.clone();
        if let Some(line) = self.warning.about(stats.dropped, self.began.elapsed()) {
            log::warn!(target: "jaeger", "{line}");
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{channel, sync_channel};

    #[test]
    fn an_interval_past_what_the_clock_can_say_is_never_and_no_panic() {
        let (control, inbox) = channel();
        let life = Arc::new(Life::default());
        let setup = Setup {
            process: Process::default(),
            reporters: vec![],
            flush_interval: Duration::MAX,
            budget: 1 << 20,
            origins: vec![],
            control: inbox,
            stats: Arc::default(),
            life: life.clone(),
        };
        let collector = thread::spawn(|| run(setup));
        for message in [Control::Flush, Control::Stop] {
            let (reply, answer) = sync_channel(1);
            assert!(!life.was_stopped());
            control.send(message(reply)).unwrap();
            collector.thread().unpark();
            answer.recv().unwrap();
        }
        collector.join().unwrap();
        assert!(life.was_stopped());
    }
}
