//! The one tracer of the process, as the hot path sees it: a switch, a bound, and behind them what roots and slow paths ask.
//!
//! `ON` is the first thing that every annotated function reads; while it is false nothing else of this crate runs. Everything it needs is in place before it is set.

use crate::collector::{Control, Life, Reply, Stats};
use crate::error::Error;
use crate::sampler::Decider;
use once_cell::sync::OnceCell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::Release};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

static ON: AtomicBool = AtomicBool::new(false);
static MAX_VALUE_LEN: AtomicUsize = AtomicUsize::new(256);
static POLLS: AtomicBool = AtomicBool::new(false);
static LOST_EXTRAS: AtomicU64 = AtomicU64::new(0);
static TRACER: OnceCell<Shared> = OnceCell::new();

/// Whether spans are recorded.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    ON.load(Relaxed)
}

/// The bound of one value in bytes.
#[inline(always)]
pub(crate) fn max_value_len() -> usize {
    MAX_VALUE_LEN.load(Relaxed)
}

/// Whether the polls of every annotated future are counted and timed.
#[inline(always)]
pub(crate) fn polls() -> bool {
    POLLS.load(Relaxed)
}

/// A tag or log that found no room.
#[cold]
pub(crate) fn count_lost_extras(how_many: u64) {
    if how_many > 0 {
        LOST_EXTRAS.fetch_add(how_many, Relaxed);
    }
}

pub(crate) fn lost_extras() -> u64 {
    LOST_EXTRAS.load(Relaxed)
}

pub(crate) fn shared() -> Option<&'static Shared> {
    TRACER.get()
}

/// Makes the collector look at the logs now. Cheap when it is awake already.
pub(crate) fn wake_collector() {
    if let Some(shared) = shared() {
        shared.collector.unpark();
    }
}

/// Installs what `make` returns and switches recording on; once in a process. A second call, and one while `make` fails, leave everything as it was.
pub(crate) fn install(
    max_value_len: usize,
    polls: bool,
    make: impl FnOnce() -> Result<Shared, Error>,
) -> Result<&'static Shared, Error> {
    let mut mine = false;
    let shared = TRACER.get_or_try_init(|| {
        mine = true;
        MAX_VALUE_LEN.store(max_value_len, Relaxed);
        POLLS.store(polls, Relaxed);
        make()
    })?;
    if !mine {
        return Err(Error::AlreadyInstalled);
    }
    ON.store(true, Release);
    Ok(shared)
}

/// What the rest of the process shares of the tracer.
pub(crate) struct Shared {
    pub(crate) sampler: Decider,
    pub(crate) trace_id_128: bool,
    pub(crate) control: Sender<Control>,
    pub(crate) collector: Thread,
    pub(crate) stats: Arc<Mutex<Stats>>,
    /// Whether that thread has come to its end, and to which.
    pub(crate) life: Arc<Life>,
    /// The process that the collector's thread lives in; a fork's child has none.
    pub(crate) process_id: u32,
}

impl Shared {
    pub(crate) fn trace_id_128(&self) -> bool {
        self.trace_id_128
    }

    /// Whether a new trace is recorded, and which of the sampler's origins said so (0: none).
    pub(crate) fn sample<'a>(&self, trace_id_low: u64, operation: impl FnOnce() -> &'a str) -> (bool, u16) {
        let decision = self.sampler.sample(trace_id_low, operation);
        (decision.sampled, u16::from(decision.sampled))
    }

    /// What the collector said last, and what the threads have lost since.
    pub(crate) fn stats(&self) -> Stats {
        if self.process_id != std::process::id() {
            // In a forked child a lock may be held by a thread that exists in the parent only.
            return self.stats.try_lock().map_or_else(|_| Stats::default(), |stats| stats.clone());
        }
        let stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stats.with_losses_until_now()
    }

    pub(crate) fn flush(&self, deadline: Duration) -> Result<Stats, Error> {
        self.ask(Control::Flush, "flush", deadline)
    }

    /// Stops recording, then the collector. A second call finds it stopped and returns what the first has left.
    pub(crate) fn shutdown(&self, deadline: Duration) -> Result<Stats, Error> {
        if !crate::report::is_reporting() {
            ON.store(false, Relaxed);
        }
        self.ask(Control::Stop, "shutdown", deadline)
    }

    fn ask(
        &self,
        message: impl FnOnce(Reply) -> Control,
        what: &'static str,
        deadline: Duration,
    ) -> Result<Stats, Error> {
        if self.process_id != std::process::id() {
            return Err(Error::Forked { what });
        }
        if crate::report::is_reporting() {
            return Err(Error::FromReporter { what });
        }
        let (reply, asker) = Reply::new();
        // Nobody takes the message, or nobody answers it: the collector was stopped, and what it left is final; or else it has died.
        let ended =
            || if self.life.was_stopped() { Ok(self.stats()) } else { Err(Error::CollectorDied { what }) };
        if self.control.send(message(reply)).is_err() {
            return ended();
        }
        self.collector.unpark();
        match asker.wait(deadline) {
            Ok(stats) => Ok(stats),
            Err(RecvTimeoutError::Disconnected) => ended(),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout { what, deadline }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Sampler;
    use std::sync::mpsc::{Receiver, channel};

    /// A tracer whose collector's thread is played by the test.
    fn shared() -> (Shared, Receiver<Control>, Arc<Life>) {
        let (control, inbox) = channel();
        let life = Arc::new(Life::default());
        let shared = Shared {
            sampler: Sampler::Const(true).build().unwrap(),
            trace_id_128: true,
            control,
            collector: std::thread::spawn(|| ()).thread().clone(),
            stats: Arc::default(),
            life: life.clone(),
            process_id: std::process::id(),
        };
        (shared, inbox, life)
    }

    #[test]
    fn a_collector_that_has_died_is_an_error_and_one_that_was_stopped_is_none() {
        const PATIENCE: Duration = Duration::from_secs(60);
        let (died, inbox, _) = shared();
        drop(inbox);
        assert!(matches!(died.flush(PATIENCE), Err(Error::CollectorDied { what: "flush" })));
        assert!(matches!(died.shutdown(PATIENCE), Err(Error::CollectorDied { what: "shutdown" })));

        // It dies with the question in hand.
        let (died, inbox, _) = shared();
        std::thread::scope(|scope| {
            scope.spawn(move || drop(inbox.recv().unwrap()));
            assert!(matches!(died.flush(PATIENCE), Err(Error::CollectorDied { .. })));
        });

        let (stopped, inbox, life) = shared();
        life.stop();
        drop(inbox);
        assert_eq!(stopped.shutdown(PATIENCE).unwrap(), Stats::default());

        let (silent, _inbox, _) = shared();
        assert!(matches!(silent.flush(Duration::from_millis(1)), Err(Error::Timeout { .. })));
    }
}
