//! The thread that writes: gathers batches, commits them together (`add`), has the database kept within its bounds (`bounds`).
//!
//! What cannot be written goes into memory, where it is found as well, and is written once that works again: a part at a time, and whoever asks is answered
//! between two of them. What comes meanwhile goes there, too, so that the order of arrival is kept. Whoever asks while much waits does not wait for the file
//! either: all that waits goes into memory.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError, RwLockWriteGuard, TryLockError};
use std::time::{Duration, Instant};

use jaeger_thrift::{Batch, Log, Span, Tag, Value};
use rusqlite::Connection;

use super::add::{commit, move_some};
use super::bounds::{bytes, give_back, sweep, tidy};
use super::schema::{self, explain};
use super::{Moved, Shared};
use crate::store::{Scan, Store as _};

/// Batches are gathered for so long before they are committed: what a killed program loses at most.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);
/// Or until there are so many spans.
const MANY: usize = 10_000;
/// After a failure it is tried again so soon.
const AGAIN: Duration = Duration::from_secs(1);
/// How often old traces are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// How often services, operations and processes without spans are looked for, unless many spans went.
const TIDY: Duration = Duration::from_secs(5 * 60);
/// Bytes of SQLite's log from which on it is emptied though somebody reads. By itself that is only done when nobody does, so that where questions overlap it
/// would grow without an end.
pub(super) const LOG: u64 = 32 << 20;
/// How long readers may hold up what goes from memory into the file, before they are held up themselves.
const HELD_UP: Duration = Duration::from_secs(5);
/// How long such a transaction waits for them, which costs nobody anything.
const MOMENT: Duration = Duration::from_millis(50);

/// What the writer is told.
pub(super) enum Order {
    /// Write these, which are counted as so many bytes.
    Put(Batch<'static>, usize),
    /// Say when all of before is written, or is in memory.
    Settle {
        told: SyncSender<()>,
        /// Try to write even if that failed a moment ago.
        try_now: bool,
    },
    /// Write all, and end.
    End,
}

/// Bytes that a batch takes while it waits, nearly.
pub(super) fn size(batch: &Batch<'_>) -> usize {
    let value = |value: &Value<'_>| match value {
        Value::String(text) => text.len(),
        Value::Binary(bytes) => bytes.len(),
        _ => 0,
    };
    let tags = |tags: &[Tag<'_>]| -> usize {
        tags.iter().map(|tag| size_of::<Tag<'_>>() + tag.key.len() + value(&tag.value)).sum()
    };
    let span = |span: &Span<'_>| {
        let logs = span.logs.iter().map(|log| size_of::<Log<'_>>() + tags(&log.fields));
        size_of::<Span<'_>>()
            + span.operation_name.len()
            + size_of_val(&*span.references)
            + tags(&span.tags)
            + logs.sum::<usize>()
    };
    size_of::<Batch<'_>>()
        + batch.process.service_name.len()
        + tags(&batch.process.tags)
        + batch.spans.iter().map(span).sum::<usize>()
}

/// The writer's state.
pub(super) struct Writer {
    pub(super) file: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) disk_bytes: u64,
    pub(super) keep: Option<Duration>,
    /// `None` until it could be opened.
    pub(super) connection: Option<Connection>,
    /// Keeps other programs away from the file as long as it is here.
    pub(super) lock: Option<File>,
    pub(super) failed: Option<Instant>,
    pub(super) swept: Option<Instant>,
    /// Spans written since.
    pub(super) came: u64,
    /// When the log could not be emptied.
    pub(super) held_out: Option<Instant>,
    /// Spans deleted since what they alone had named was looked for, and when that was.
    pub(super) deleted: u64,
    pub(super) tidied: Option<Instant>,
    /// Traces of memory that are still to be written; a failure between them writes none twice.
    pub(super) left: Option<Vec<u128>>,
    /// Since when readers hold up what goes from memory into the file.
    pub(super) held_up: Option<Instant>,
}

/// What there is to do.
#[derive(Default)]
struct Round {
    batches: Vec<Batch<'static>>,
    spans: usize,
    bytes: usize,
    /// Who wants to know when it is done.
    waiting: Vec<SyncSender<()>>,
    /// Whether the file is tried even if that failed a moment ago, and all that memory holds is written too.
    all: bool,
    /// Whether it is the last.
    ends: bool,
}

impl Writer {
    /// Carries orders out until it is told to end, or nobody can tell any more.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        let mut ends = false;
        while !ends {
            let round = self.gather(orders);
            ends = round.ends;
            // Who asks is not kept waiting for a file that is behind.
            let behind = round.spans > MANY && !round.waiting.is_empty() && !round.all;
            let works = self.put(round.batches, round.all, behind);
            // Only now: what is being written takes memory too.
            self.shared.queued.fetch_sub(round.bytes, Ordering::Relaxed);
            if works && round.all {
                // What is leaving memory, and what came meanwhile.
                for _ in 0..2 {
                    while self.write_back(true) {}
                }
            }
            for told in round.waiting {
                // Who asked may have given up.
                let _ = told.try_send(());
            }
            if works && !round.all && !self.write_back(false) && self.shared.holds_little() {
                // With that all is in the file, and the next batches go there at once.
                self.write_back(false);
            }
            if self.swept.is_none_or(|at| at.elapsed() >= SWEEP) || self.is_too_large() {
                self.swept = Some(Instant::now());
                self.sweep();
            }
            self.shorten_log();
        }
    }

    /// Whether more has come since the last sweep than the file may hold.
    fn is_too_large(&self) -> bool {
        let works = self.connection.as_ref().filter(|_| self.failed.is_none());
        works.is_some_and(|connection| bytes(connection).is_ok_and(|bytes| bytes > self.disk_bytes))
    }

    fn has_to_write_back(&self) -> bool {
        self.failed.is_none() && self.shared.overflowed.load(Ordering::Relaxed)
    }

    /// The next orders, as many as are to be carried out together.
    fn gather(&self, orders: &Receiver<Order>) -> Round {
        let mut round = Round::default();
        let mut until = None;
        loop {
            let patience = match until {
                // Where there is other work orders are only looked for.
                _ if self.has_to_write_back() => self.held_up.map_or(Duration::ZERO, |_| MOMENT),
                Some(until) => Instant::saturating_duration_since(&until, Instant::now()),
                None => AGAIN,
            };
            match orders.recv_timeout(patience) {
                Ok(Order::Put(batch, size)) => {
                    round.bytes += size;
                    round.spans += batch.spans.len();
                    round.batches.push(batch);
                    let until = *until.get_or_insert_with(|| Instant::now() + INTERVAL);
                    // If somebody asks, all before the question are taken.
                    if (round.spans >= MANY || Instant::now() >= until) && !self.shared.is_asked() {
                        return round;
                    }
                }
                Ok(Order::Settle { told, try_now }) => {
                    round.waiting.push(told);
                    round.all = try_now;
                    return round;
                }
                Err(RecvTimeoutError::Timeout) => return round,
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => {
                    (round.all, round.ends) = (true, true);
                    return round;
                }
            }
        }
    }

    /// Writes batches, or keeps them in memory: if the file cannot be written, is `behind`, or has still to take what is in memory and came before. With a
    /// rest after a failure one in [`AGAIN`] is tried, unless it is to be `now`. Whether the file works, as far as is known.
    fn put(&mut self, batches: Vec<Batch<'static>>, now: bool, behind: bool) -> bool {
        let rests = !now && self.failed.is_some_and(|at| at.elapsed() < AGAIN);
        let into_memory = behind || self.shared.overflowed.load(Ordering::Relaxed);
        let direct = if into_memory { &[] } else { &batches[..] };
        if !rests && (self.failed.is_some() || !direct.is_empty()) {
            match self.write(direct) {
                Ok(()) => {
                    self.failed = None;
                    if !into_memory {
                        self.shared.trouble(None);
                        return true;
                    }
                }
                Err(error) => self.fail(error),
            }
        }
        for batch in batches {
            self.shared.keep(&batch);
        }
        self.failed.is_none()
    }

    fn fail(&mut self, error: String) {
        self.failed = Some(Instant::now());
        self.shared.trouble(Some(error));
    }

    fn connection(&mut self) -> Result<&mut Connection, String> {
        if self.connection.is_none() {
            let (opened, lock) = schema::open(&self.file).map_err(|fault| fault.to_string())?;
            self.shared.count(&opened).map_err(|error| explain(&error))?;
            (self.connection, self.lock) = (Some(opened), lock);
        }
        // It was just made.
        self.connection.as_mut().ok_or_else(String::new)
    }

    fn write(&mut self, batches: &[Batch<'_>]) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        let connection = self.connection()?;
        let written = commit(connection, batches).map_err(|error| explain(&error))?;
        shared.spans.fetch_add(written.spans, Ordering::Relaxed);
        shared.traces.fetch_add(written.traces, Ordering::Relaxed);
        self.came += written.spans;
        Ok(())
    }

    /// After something could be written: some of what memory holds is written too; if `now`, whoever reads. Whether more of that is left.
    fn write_back(&mut self, now: bool) -> bool {
        let shared = Arc::clone(&self.shared);
        if !shared.overflowed.load(Ordering::Relaxed) {
            return false;
        }
        let patience = match self.held_up {
            _ if now => None,
            Some(since) if since.elapsed() > HELD_UP => None,
            _ => Some(MOMENT),
        };
        let memory = shared.leave();
        let mut left = self.left.take().unwrap_or_else(|| {
            let mut ids = Vec::new();
            // Memory always answers. It goes from the newest to the oldest, and the last are written first: their order of arrival is kept.
            let _ = memory.scan_traces(&Scan::default(), &mut |trace| {
                ids.push(trace.trace_id);
                ControlFlow::Continue(())
            });
            ids
        });
        let moved = self.connection().and_then(|connection| {
            move_some(connection, &memory, &left, || exclusive(&shared, patience))
                .map_err(|error| explain(&error))
        });
        match moved {
            Ok(Some(moved)) => {
                self.held_up = None;
                left.truncate(left.len() - moved.from_left);
                shared.spans.fetch_add(moved.written.spans, Ordering::Relaxed);
                shared.traces.fetch_add(moved.written.traces, Ordering::Relaxed);
                self.came += moved.written.spans;
            }
            Ok(None) => drop(self.held_up.get_or_insert_with(Instant::now)),
            Err(error) => {
                self.fail(error);
                self.left = Some(left);
                return false;
            }
        }
        if left.is_empty() {
            shared.left();
            shared.trouble(None);
            return false;
        }
        self.left = Some(left);
        true
    }

    /// Deletes what is too old, or too much.
    fn sweep(&mut self) {
        let (disk_bytes, keep, came) = (self.disk_bytes, self.keep, std::mem::take(&mut self.came));
        let shared = Arc::clone(&self.shared);
        let Some(connection) = self.connection.as_mut() else { return };
        let swept = sweep(connection, &shared, disk_bytes, keep, came).and_then(|(deleted, more)| {
            self.deleted += deleted;
            if more {
                // When whoever asks has been answered.
                self.swept = None;
            }
            // It reads all spans, so not for a few of many, or not often.
            let many = self.deleted >= shared.spans.load(Ordering::Relaxed) / 10;
            if self.deleted > 0 && (many || self.tidied.is_none_or(|at| at.elapsed() >= TIDY)) {
                tidy(connection)?;
                (self.deleted, self.tidied) = (0, Some(Instant::now()));
            }
            give_back(connection, &shared, disk_bytes)?;
            shared.bytes.store(bytes(connection)?, Ordering::Relaxed);
            Ok(())
        });
        if let Err(error) = swept {
            self.fail(explain(&error));
        }
    }
}

impl Writer {
    /// Empties the log where it is large; questions wait for that.
    fn shorten_log(&mut self) {
        let Some(connection) = self.connection.as_ref() else { return };
        if self.held_out.is_some_and(|at| at.elapsed() < AGAIN)
            || std::fs::metadata(schema::beside(&self.file, "-wal")).map_or(0, |log| log.len()) < LOG
        {
            return;
        }
        let _alone = exclusive(&self.shared, None);
        let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        // Another program may read; and what does not work here is told by the next commit.
        self.held_out = (emptied != Ok(0)).then(Instant::now);
    }
}

/// Waits until nobody reads, if need be only for so long; `None` if somebody does then.
fn exclusive(shared: &Shared, patience: Option<Duration>) -> Option<RwLockWriteGuard<'_, Moved>> {
    let Some(patience) = patience else {
        return Some(shared.moved.write().unwrap_or_else(PoisonError::into_inner));
    };
    let began = Instant::now();
    loop {
        match shared.moved.try_write() {
            Ok(moved) => return Some(moved),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => return None,
        }
    }
}
