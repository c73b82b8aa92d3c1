//! The thread that writes: gathers batches, commits them together, keeps the database within its bounds.
//!
//! What cannot be written goes into memory, where it is found as well, and is written once that works again.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jaeger_thrift::{Batch, Process, Protocol, Span};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Transaction, params};

use super::Shared;
use super::schema::{self, explain};
use crate::store::{Scan, Store as _, heads};

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
/// Traces deleted in one transaction, so that no reader or batch waits long.
const AT_ONCE: usize = 500;

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

/// The writer's state.
pub(super) struct Writer {
    pub(super) file: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) disk_bytes: u64,
    pub(super) keep: Option<Duration>,
    /// `None` until it could be opened.
    pub(super) connection: Option<Connection>,
    pub(super) failed: Option<Instant>,
    pub(super) swept: Option<Instant>,
    /// Spans deleted since what they alone had named was looked for, and when that was.
    pub(super) deleted: u64,
    pub(super) tidied: Option<Instant>,
    /// Traces of memory that are still to be written; a failure between them writes none twice.
    pub(super) left: Option<Vec<u128>>,
}

impl Writer {
    /// Carries orders out until it is told to end, or nobody can tell any more.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        let mut ends = false;
        while !ends {
            let mut gathered = Vec::new();
            let (mut spans, mut bytes) = (0, 0);
            let mut waiting = Vec::new();
            let mut until = None;
            let mut rest = true;
            loop {
                let left =
                    until.map_or(AGAIN, |until: Instant| until.saturating_duration_since(Instant::now()));
                match orders.recv_timeout(left) {
                    Ok(Order::Put(batch, size)) => {
                        bytes += size;
                        spans += batch.spans.len();
                        gathered.push(batch);
                        let until = *until.get_or_insert_with(|| Instant::now() + INTERVAL);
                        if spans >= MANY || Instant::now() >= until {
                            break;
                        }
                    }
                    Ok(Order::Settle { told, try_now }) => {
                        waiting.push(told);
                        rest &= !try_now;
                        break;
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => {
                        ends = true;
                        rest = false;
                        break;
                    }
                }
            }
            self.put(gathered, rest);
            // Only now: what is being written takes memory too.
            self.shared.queued.fetch_sub(bytes, Ordering::Relaxed);
            for told in waiting {
                // Who asked may have given up.
                let _ = told.try_send(());
            }
            if self.swept.is_none_or(|at| at.elapsed() >= SWEEP) {
                self.swept = Some(Instant::now());
                self.sweep();
            }
        }
    }

    /// Writes batches, or keeps them in memory. With a rest after a failure one in [`AGAIN`] is tried.
    fn put(&mut self, batches: Vec<Batch<'static>>, rest: bool) {
        let idle = batches.is_empty() && !self.shared.overflowed.load(Ordering::Relaxed);
        let rests = rest && self.failed.is_some_and(|at| at.elapsed() < AGAIN);
        if idle && self.failed.is_none() {
            return;
        }
        if !rests {
            match self.write(&batches) {
                Ok(()) => return self.recover(),
                Err(error) => {
                    self.failed = Some(Instant::now());
                    self.shared.trouble(Some(error));
                }
            }
        }
        for batch in batches {
            self.shared.keep(&batch);
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, String> {
        if self.connection.is_none() {
            let opened = schema::open(&self.file).map_err(|fault| fault.to_string())?;
            self.shared.count(&opened).map_err(|error| explain(&error))?;
            self.connection = Some(opened);
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
        Ok(())
    }

    /// After something could be written: what memory holds is written too.
    fn recover(&mut self) {
        self.failed = None;
        if self.shared.overflowed.load(Ordering::Relaxed) {
            let memory = self.shared.leave();
            let mut left = self.left.take().unwrap_or_else(|| {
                let mut ids = Vec::new();
                // Memory always answers. It goes from the newest to the oldest, and the last are written first: their order of arrival is kept.
                let _ = memory.scan_traces(&Scan::default(), &mut |trace| {
                    ids.push(trace.trace_id);
                    std::ops::ControlFlow::Continue(())
                });
                ids
            });
            while !left.is_empty() {
                let from = left.len().saturating_sub(AT_ONCE);
                let oldest: Vec<u128> = left[from..].iter().rev().copied().collect();
                let mut batches = Vec::new();
                for trace in memory.traces(&oldest).unwrap_or_default() {
                    for stored in trace.spans {
                        batches.push(Batch {
                            process: (*stored.process).clone(),
                            spans: vec![stored.span],
                            ..Batch::default()
                        });
                    }
                }
                let shared = Arc::clone(&self.shared);
                // Nobody looks while they are in both.
                let mut moved = shared.moved.write().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = self.write(&batches) {
                    self.failed = Some(Instant::now());
                    self.shared.trouble(Some(error));
                    self.left = Some(left);
                    return;
                }
                // Each of these is one span.
                moved.spans += batches.len() as u64;
                moved.traces.extend(oldest);
                drop(moved);
                left.truncate(from);
            }
            self.shared.left();
        }
        self.shared.trouble(None);
    }

    /// Deletes what is too old, or too much.
    fn sweep(&mut self) {
        let (disk_bytes, keep) = (self.disk_bytes, self.keep);
        let shared = Arc::clone(&self.shared);
        let Some(connection) = self.connection.as_mut() else { return };
        let swept = sweep(connection, &shared, disk_bytes, keep).and_then(|deleted| {
            self.deleted += deleted;
            // It reads all spans, so not for a few of many, or not often.
            let many = self.deleted >= shared.spans.load(Ordering::Relaxed) / 10;
            if self.deleted > 0 && (many || self.tidied.is_none_or(|at| at.elapsed() >= TIDY)) {
                tidy(connection)?;
                (self.deleted, self.tidied) = (0, Some(Instant::now()));
            }
            shared.bytes.store(bytes(connection)?, Ordering::Relaxed);
            Ok(())
        });
        if let Err(error) = swept {
            self.failed = Some(Instant::now());
            shared.trouble(Some(explain(&error)));
        }
    }
}

/// What a transaction brought.
struct Written {
    spans: u64,
    traces: u64,
}

fn commit(connection: &mut Connection, batches: &[Batch<'_>]) -> rusqlite::Result<Written> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut written = Written { spans: 0, traces: 0 };
    let arrived = micros_now();
    {
        let mut add = transaction.prepare_cached(
            "INSERT INTO span (trace, process, service, operation, start, duration, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        let mut find_trace = transaction.prepare_cached("SELECT id FROM trace WHERE trace_id = ?")?;
        let mut add_trace =
            transaction.prepare_cached("INSERT INTO trace (trace_id, arrived) VALUES (?, ?)")?;
        let mut body = Vec::new();
        for batch in batches {
            let service = service(&transaction, &batch.process.service_name)?;
            let process = process(&transaction, &batch.process)?;
            let mut last_operation: Option<(&str, &str, i64)> = None;
            for span in &batch.spans {
                let trace_id = span.trace_id.to_be_bytes();
                let known = find_trace.query_row([&trace_id[..]], |row| row.get::<_, i64>(0)).optional()?;
                let trace = match known {
                    Some(trace) => trace,
                    None => {
                        written.traces += 1;
                        add_trace.insert(params![&trace_id[..], arrived])?
                    }
                };
                let kind = heads::told(span).kind;
                let name = &*span.operation_name;
                let operation = match last_operation {
                    Some((same, as_kind, operation)) if same == name && as_kind == kind => operation,
                    _ => operation(&transaction, service, name, kind)?,
                };
                last_operation = Some((name, kind, operation));
                encode(span, &mut body);
                add.execute(params![
                    trace,
                    process,
                    service,
                    operation,
                    span.start_time,
                    span.duration,
                    &body[..]
                ])?;
                written.spans += 1;
            }
        }
    }
    transaction.commit()?;
    Ok(written)
}

fn encode(span: &Span<'_>, to: &mut Vec<u8>) {
    to.clear();
    Batch { spans: vec![span.clone()], ..Batch::default() }.encode_into(Protocol::Compact, to);
}

/// The number of a row, which is added if there is none.
fn id(
    mut find: CachedStatement<'_>,
    mut add: CachedStatement<'_>,
    by: impl rusqlite::Params + Clone,
) -> rusqlite::Result<i64> {
    match find.query_row(by.clone(), |row| row.get(0)).optional()? {
        Some(id) => Ok(id),
        None => add.insert(by),
    }
}

fn service(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<i64> {
    let find = transaction.prepare_cached("SELECT id FROM service WHERE name = ?")?;
    let add = transaction.prepare_cached("INSERT INTO service (name) VALUES (?)")?;
    id(find, add, [name])
}

fn process(transaction: &Transaction<'_>, process: &Process<'_>) -> rusqlite::Result<i64> {
    let mut body = Vec::new();
    Batch { process: process.clone(), ..Batch::default() }.encode_into(Protocol::Compact, &mut body);
    let find = transaction.prepare_cached("SELECT id FROM process WHERE body = ?")?;
    let add = transaction.prepare_cached("INSERT INTO process (body) VALUES (?)")?;
    id(find, add, [&body[..]])
}

fn operation(transaction: &Transaction<'_>, service: i64, name: &str, kind: &str) -> rusqlite::Result<i64> {
    let find =
        transaction.prepare_cached("SELECT id FROM operation WHERE service = ? AND name = ? AND kind = ?")?;
    let add = transaction.prepare_cached("INSERT INTO operation (service, name, kind) VALUES (?, ?, ?)")?;
    id(find, add, (service, name, kind))
}

fn micros_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// Bytes that the database's pages take, those that are free left out.
pub(super) fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok((pages * number("page_size")?).max(0) as u64)
}

/// Deletes the traces that are too old or too many; how many spans that were.
fn sweep(
    connection: &mut Connection,
    shared: &Shared,
    disk_bytes: u64,
    keep: Option<Duration>,
) -> rusqlite::Result<u64> {
    let mut deleted = 0;
    if let Some(keep) = keep {
        let before = micros_now().saturating_sub(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
        let old = "SELECT id FROM trace WHERE id <= (SELECT max(id) FROM trace WHERE arrived < ?1) ORDER BY id LIMIT ?2";
        loop {
            let (traces, spans) = delete(connection, shared, old, before)?;
            deleted += spans;
            if traces < AT_ONCE {
                break;
            }
        }
    }
    // A tenth below the bound, so that it is not done again at once.
    let mut held = bytes(connection)?;
    if held > disk_bytes {
        while held > disk_bytes / 10 * 9 {
            let oldest = "SELECT id FROM trace WHERE ?1 = 0 ORDER BY id LIMIT ?2";
            let (traces, spans) = delete(connection, shared, oldest, 0)?;
            deleted += spans;
            if traces == 0 {
                break;
            }
            held = bytes(connection)?;
        }
    }
    Ok(deleted)
}

/// Forgets what no span names any more, and gives free pages back.
fn tidy(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM operation WHERE id NOT IN (SELECT DISTINCT operation FROM span);
         DELETE FROM service WHERE id NOT IN (SELECT DISTINCT service FROM span);
         DELETE FROM process WHERE id NOT IN (SELECT DISTINCT process FROM span);
         PRAGMA incremental_vacuum;",
    )
}

/// Deletes the traces that `which` names; how many there were, and how many spans.
fn delete(
    connection: &mut Connection,
    shared: &Shared,
    which: &str,
    bound: i64,
) -> rusqlite::Result<(usize, u64)> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let (mut spans, mut traces) = (0, 0);
    {
        let mut which = transaction.prepare_cached(which)?;
        let ids = which.query_map(params![bound, AT_ONCE as i64], |row| row.get::<_, i64>(0))?;
        let ids = ids.collect::<rusqlite::Result<Vec<i64>>>()?;
        let mut of_span = transaction.prepare_cached("DELETE FROM span WHERE trace = ?")?;
        let mut of_trace = transaction.prepare_cached("DELETE FROM trace WHERE id = ?")?;
        for id in ids {
            spans += of_span.execute([id])?;
            traces += of_trace.execute([id])?;
        }
    }
    transaction.commit()?;
    shared.spans.fetch_sub(spans as u64, Ordering::Relaxed);
    shared.traces.fetch_sub(traces as u64, Ordering::Relaxed);
    shared.evicted.fetch_add(spans as u64, Ordering::Relaxed);
    Ok((traces, spans as u64))
}
