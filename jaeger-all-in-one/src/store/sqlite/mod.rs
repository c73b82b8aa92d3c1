//! Storage in a SQLite database, which outlives the program.
//!
//! ```text
//! receivers → queue (bounded) → writer thread → file           readers: connections of their own, WAL: nobody waits for the writer
//!                             ↘ memory, while the file cannot be written ↗
//! ```
//!
//! - Batches are gathered for 200 ms and committed together: a killed program loses that interval at most (a machine without power what the
//!   system had not written). Who asks is answered with what has come before: a question first has the writer settle, which puts what it is behind with
//!   into memory. Only one thing is waited for, the transaction that is being written, and that not for longer than `SETTLE`.
//! - The oldest traces go, whole, when they are older than [`Config::keep`](crate::Config::keep) or the file is larger than
//!   [`Config::disk_bytes`](crate::Config::disk_bytes).
//! - Disk full, database locked or broken: spans are kept in memory, found there, and written once that works. It is told on standard error and in
//!   [`StoreStats::trouble`]; a broken file is never overwritten.
//!
//! | file | job |
//! |---|---|
//! | `schema` | opening, the tables, older forms into newer |
//! | `write` | the writer's thread |
//! | `add` | transactions that add spans |
//! | `bounds` | what is too old or too much goes |
//! | `read` | the questions |

mod add;
mod bounds;
mod read;
mod schema;
mod write;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use jaeger_thrift::Batch;
use rusqlite::Connection;

use self::schema::Fault;
use self::write::{Order, Writer, size};
use super::memory::MemoryStore;
use super::{
    Answer, Appended, EachSpan, EachTrace, Operation, Scan, SpanHead, Store, StoreStats, Trace, TraceHeads,
    TraceQuery, head,
};

/// Bytes of spans that may wait for the writer, if a quarter of the memory is not less; more are kept in memory, where they take less.
const QUEUE: usize = 128 << 20;
/// How long a question waits for the writer.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the end waits.
const END: Duration = Duration::from_secs(10);
/// So many traces of memory are looked for in the file when traces are counted; if there are more, they stand for all.
const LOOKED_FOR: usize = 20_000;
/// Connections kept for the next question.
const IDLE: usize = 4;

/// Spans in a file; see the module.
pub struct SqliteStore {
    file: PathBuf,
    disk_bytes: u64,
    orders: Mutex<Sender<Order>>,
    shared: Arc<Shared>,
    readers: Mutex<Vec<Connection>>,
    queue: usize,
    writer: Option<JoinHandle<()>>,
}

/// What the writer and the askers share.
struct Shared {
    kept: RwLock<Kept>,
    /// Who asks reads this before it looks into the file and as long as it looks anywhere; the writer holds it alone while spans go from memory into the file.
    /// So they are in one of the two for everybody, never in both and never in none. Taken before `kept`, and after the writer has settled.
    moved: RwLock<Moved>,
    memory_bytes: u64,
    /// Whether memory holds anything.
    overflowed: AtomicBool,
    /// Bytes that wait for the writer, and that it is writing.
    queued: AtomicUsize,
    /// Questions that wait for the writer.
    asking: AtomicUsize,
    spans: AtomicU64,
    traces: AtomicU64,
    bytes: AtomicU64,
    evicted: AtomicU64,
    trouble: Mutex<Option<String>>,
    file: PathBuf,
}

/// What the file has not taken. Whoever adds to `current` holds the lock to read, so that after a swap under the lock to write nothing more comes into
/// `leaving`, and no span is lost between the two.
struct Kept {
    current: Arc<MemoryStore>,
    /// What is being written into the file; still found here meanwhile.
    leaving: Option<Arc<MemoryStore>>,
}

/// What of `leaving` is in the file already.
#[derive(Debug, Default)]
struct Moved {
    traces: HashSet<u128>,
    spans: u64,
}

/// Memory that holds spans.
struct Memory {
    store: Arc<MemoryStore>,
    /// Whether it is the one whose traces move.
    leaving: bool,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Shared {
    /// One of the two that may be there at the same time, so each has half of the bytes.
    fn new_memory(bytes: u64) -> Arc<MemoryStore> {
        Arc::new(MemoryStore::new(bytes / 2))
    }

    /// Whether somebody waits for the writer.
    fn is_asked(&self) -> bool {
        self.asking.load(Ordering::Relaxed) > 0
    }

    /// Whether memory holds no more than goes into the file at once.
    fn holds_little(&self) -> bool {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.leaving.is_none() && kept.current.stats().spans <= add::MOVED_SPANS
    }

    /// Keeps a batch in memory.
    fn keep(&self, batch: &Batch<'_>) -> Appended {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        self.overflowed.store(true, Ordering::Relaxed);
        kept.current.append(batch)
    }

    /// Memory with spans, the newest first; none if all are in the file.
    fn memories(&self) -> Vec<Memory> {
        if !self.overflowed.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let current = Memory { store: Arc::clone(&kept.current), leaving: false };
        let leaving = kept.leaving.iter().map(|store| Memory { store: Arc::clone(store), leaving: true });
        std::iter::once(current).chain(leaving).collect()
    }

    /// What shall go into the file; what comes from now on is kept apart.
    fn leave(&self) -> Arc<MemoryStore> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let leaving = kept.leaving.get_or_insert_with(|| {
            std::mem::replace(&mut kept.current, Shared::new_memory(self.memory_bytes))
        });
        Arc::clone(leaving)
    }

    /// It is in the file.
    fn left(&self) {
        let mut moved = self.moved.write().unwrap_or_else(PoisonError::into_inner);
        *moved = Moved::default();
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = kept.leaving.take() {
            self.evicted.fetch_add(left.stats().evicted_spans, Ordering::Relaxed);
        }
        let more = kept.current.stats();
        self.overflowed.store(more.spans + more.evicted_spans > 0, Ordering::Relaxed);
    }

    /// Notes what is wrong, and says when that changes.
    fn trouble(&self, trouble: Option<String>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != trouble {
            match &trouble {
                Some(trouble) => eprintln!(
                    "jaeger-all-in-one: storage sqlite:{}: {trouble}; spans are kept in memory until that is over",
                    self.file.display()
                ),
                None => eprintln!("jaeger-all-in-one: storage sqlite:{}: works again", self.file.display()),
            }
            *known = trouble;
        }
    }

    fn count(&self, connection: &Connection) -> rusqlite::Result<()> {
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count as u64);
        self.spans.store(count("SELECT count(*) FROM span")?, Ordering::Relaxed);
        self.traces.store(count("SELECT count(*) FROM trace")?, Ordering::Relaxed);
        self.bytes.store(bounds::bytes(connection)?, Ordering::Relaxed);
        Ok(())
    }
}

impl SqliteStore {
    /// Opens or makes the file. `memory_bytes` bounds what is kept in memory while the file cannot be written.
    ///
    /// # Errors
    /// If that file can never be one of ours: its directory is not there, it is another program's, or of a newer version. What may pass (locked, full,
    /// broken) is no error but told, and tried again.
    ///
    /// ```no_run
    /// use jaeger_all_in_one::store::sqlite::SqliteStore;
    /// use std::time::Duration;
    /// let week = Some(Duration::from_secs(7 * 24 * 3_600));
    /// let store = SqliteStore::open("spans.db".as_ref(), 4 << 30, week, 512 << 20)?;
    /// # Ok::<(), String>(())
    /// ```
    pub fn open(
        file: &Path,
        disk_bytes: u64,
        keep: Option<Duration>,
        memory_bytes: u64,
    ) -> Result<SqliteStore, String> {
        let shared = Arc::new(Shared {
            kept: RwLock::new(Kept { current: Shared::new_memory(memory_bytes), leaving: None }),
            moved: RwLock::default(),
            memory_bytes,
            overflowed: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            asking: AtomicUsize::new(0),
            spans: AtomicU64::new(0),
            traces: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            trouble: Mutex::new(None),
            file: file.to_owned(),
        });
        let opened = schema::open(file).and_then(|(connection, lock)| {
            shared.count(&connection)?;
            Ok((connection, lock))
        });
        let (connection, lock) = match opened {
            Ok((connection, lock)) => (Some(connection), lock),
            Err(Fault::Hopeless(why)) => return Err(why),
            Err(Fault::Trouble(why)) => {
                shared.trouble(Some(why));
                (None, None)
            }
        };
        let failed = connection.is_none().then(std::time::Instant::now);
        let writer = Writer {
            file: file.to_owned(),
            shared: Arc::clone(&shared),
            disk_bytes,
            keep,
            connection,
            lock,
            failed,
            swept: None,
            came: 0,
            held_out: None,
            deleted: 0,
            tidied: None,
            left: None,
            held_up: None,
        };
        let (orders, received) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || writer.run(&received))
            .map_err(|error| format!("storage sqlite:{}: no thread to be had: {error}", file.display()))?;
        Ok(SqliteStore {
            file: file.to_owned(),
            disk_bytes,
            orders: Mutex::new(orders),
            shared,
            readers: Mutex::default(),
            queue: usize::try_from(memory_bytes / 4).unwrap_or(QUEUE).min(QUEUE),
            writer: Some(writer),
        })
    }

    fn order(&self, order: Order) -> bool {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).send(order).is_ok()
    }

    /// Waits until what came before is in the file or in memory; `try_now` to try the file once more even if it failed a moment ago.
    fn settle(&self, patience: Duration, try_now: bool) {
        let (told, waiting) = mpsc::sync_channel(1);
        self.shared.asking.fetch_add(1, Ordering::Relaxed);
        if self.order(Order::Settle { told, try_now }) {
            // A disk that hangs for so long is not waited for: the answer lacks the newest.
            let _ = waiting.recv_timeout(patience);
        }
        self.shared.asking.fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins a question, which is over when what this gives is dropped. None may begin within another.
    fn begin(&self) -> RwLockReadGuard<'_, Moved> {
        self.settle(SETTLE, false);
        self.shared.moved.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the file; `None`, and trouble, if it cannot be read.
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let idle = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let asked = known.map_or_else(|| schema::open_to_read(&self.file), Ok).and_then(|connection| {
            let answer = question(&connection)?;
            let mut idle = idle();
            if idle.len() < IDLE {
                idle.push(connection);
            }
            Ok(answer)
        });
        match asked {
            Ok(answer) => Some(answer),
            // The file is being made: the writer found no room for that, and there is some now.
            Err(error) if schema::is_without_form(&error) => None,
            Err(error) => {
                self.shared.trouble(Some(schema::explain(&error)));
                None
            }
        }
    }

    /// Asks the file if it answers at once, also while it has trouble: a lock is not waited for, and what goes wrong is no news.
    fn ask_at_once<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let connection = schema::open_to_read(&self.file).ok()?;
        connection.busy_timeout(Duration::ZERO).ok()?;
        question(&connection).ok()
    }
}

/// Spans of the same trace from two places.
fn merge(into: &mut Vec<Trace>, from: Vec<Trace>, order: &[u128]) {
    for trace in from {
        match into.iter_mut().find(|known| known.trace_id == trace.trace_id) {
            Some(known) => {
                known.spans.extend(trace.spans);
                known.spans.sort_by_key(|stored| stored.span.start_time);
            }
            None => into.push(trace),
        }
    }
    into.sort_by_key(|trace| order.iter().position(|id| *id == trace.trace_id));
}

/// What file and memory have found, the newest first. A trace is as old as its first span, which may be in the file where one that matches is in memory.
fn newest(
    file: Option<&Connection>,
    memories: &[Memory],
    query: &TraceQuery,
    go_on: &dyn Fn() -> bool,
) -> rusqlite::Result<Vec<u128>> {
    let mut found: HashMap<u128, (usize, u64)> = HashMap::new();
    if let Some(file) = file {
        for id in read::find(file, query, go_on)? {
            found.insert(id, (0, read::number(file, id)?.unwrap_or_default()));
        }
    }
    // The older ones are the last. All that is in one came after all that is in those, and in the file.
    let age = |id: u128| -> rusqlite::Result<(usize, u64)> {
        if let Some(number) = file.map_or(Ok(None), |file| read::number(file, id))? {
            return Ok((0, number));
        }
        let older = memories.iter().rev().enumerate();
        let mut known = older.filter_map(|(at, memory)| Some((at + 1, memory.store.arrival(id)?)));
        Ok(known.next().unwrap_or_default())
    };
    for (at, memory) in memories.iter().rev().enumerate() {
        let mut limit = query.limit;
        loop {
            // Memory always answers.
            let here =
                memory.store.find_while(&TraceQuery { limit, ..query.clone() }, go_on).unwrap_or_default();
            let mut first_here = 0;
            for &id in &here {
                let age = age(id)?;
                first_here += usize::from(age.0 == at + 1);
                found.insert(id, age);
            }
            if here.len() < limit || first_here >= query.limit || !go_on() {
                break;
            }
            // Some of these are older than they seem, so there may be newer ones behind them.
            limit = limit.saturating_mul(4);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable_by_key(|(_, age)| std::cmp::Reverse(*age));
    found.truncate(query.limit);
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// How many of the traces in memory are not in the file too. There are `all`, besides those that are known to have moved.
fn only_in_memory(
    file: &Connection,
    memories: &[Memory],
    moved: &HashSet<u128>,
    all: u64,
) -> rusqlite::Result<u64> {
    let some = TraceQuery { limit: LOOKED_FOR, ..TraceQuery::default() };
    let mut ids = HashSet::new();
    for memory in memories {
        let here = memory.store.find(&some).unwrap_or_default();
        ids.extend(here.into_iter().filter(|id| !(memory.leaving && moved.contains(id))));
    }
    let mut count = 0;
    for &id in &ids {
        count += u64::from(read::number(file, id)?.is_none());
    }
    if all <= LOOKED_FOR as u64 || ids.is_empty() {
        return Ok(count);
    }
    Ok((count as f64 * (all as f64 / ids.len() as f64)).round() as u64)
}

impl Store for SqliteStore {
    fn append(&self, batch: &Batch<'_>) -> Appended {
        let spans = batch.spans.len();
        let stored = Appended { stored: spans, lost: 0 };
        if spans == 0 {
            return stored;
        }
        let bytes = size(batch);
        let queued = self.shared.queued.fetch_add(bytes, Ordering::Relaxed);
        if queued + bytes > self.queue || !self.order(Order::Put(batch.clone().into_owned(), bytes)) {
            self.shared.queued.fetch_sub(bytes, Ordering::Relaxed);
            return self.shared.keep(batch);
        }
        stored
    }

    fn find_while(&self, query: &TraceQuery, go_on: &dyn Fn() -> bool) -> Answer<Vec<u128>> {
        let _moved = self.begin();
        let memories = self.shared.memories();
        if memories.is_empty() {
            return Ok(self.ask(|connection| read::find(connection, query, go_on)).unwrap_or_default());
        }
        let found = self.ask(|connection| newest(Some(connection), &memories, query, go_on));
        Ok(found.or_else(|| newest(None, &memories, query, go_on).ok()).unwrap_or_default())
    }

    fn traces(&self, ids: &[u128]) -> Answer<Vec<Trace>> {
        let moved = self.begin();
        let mut found = self.ask(|connection| read::traces(connection, ids)).unwrap_or_default();
        for memory in self.shared.memories() {
            let held = |id: &u128| !(memory.leaving && moved.traces.contains(id));
            let held: Vec<u128> = ids.iter().copied().filter(held).collect();
            merge(&mut found, memory.store.traces(&held)?, ids);
        }
        Ok(found)
    }

    fn heads(&self, ids: &[u128], each: EachTrace<'_>) -> Answer<()> {
        for ids in ids.chunks(100) {
            for trace in self.traces(ids)? {
                let heads: Vec<SpanHead<'_>> =
                    trace.spans.iter().map(|stored| head(&stored.process, &stored.span)).collect();
                if each(TraceHeads { trace_id: trace.trace_id, spans: &heads }).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn scan_traces(&self, range: &Scan, each: EachTrace<'_>) -> Answer<()> {
        let moved = self.begin();
        let mut ids = self.ask(|connection| read::in_range(connection, range)).unwrap_or_default();
        let mut known: HashSet<u128> = ids.iter().copied().collect();
        for memory in self.shared.memories() {
            memory.store.scan_traces(range, &mut |trace| {
                if known.insert(trace.trace_id) {
                    ids.push(trace.trace_id);
                }
                ControlFlow::Continue(())
            })?;
        }
        // The heads are questions of their own.
        drop(moved);
        self.heads(&ids, each)
    }

    fn scan(&self, range: &Scan, each: EachSpan<'_>) -> Answer<()> {
        let moved = self.begin();
        let file = self.ask(|connection| read::scan(connection, range, each));
        let mut go_on = file.unwrap_or(ControlFlow::Continue(()));
        for memory in self.shared.memories() {
            if go_on.is_break() {
                break;
            }
            memory.store.scan(range, &mut |process, span| {
                if !(memory.leaving && moved.traces.contains(&span.trace_id)) {
                    go_on = each(process, span);
                }
                go_on
            })?;
        }
        Ok(())
    }

    fn services(&self) -> Answer<Vec<String>> {
        let _moved = self.begin();
        let mut all: BTreeSet<String> = self.ask(read::services).unwrap_or_default();
        for memory in self.shared.memories() {
            all.extend(memory.store.services()?);
        }
        Ok(all.into_iter().collect())
    }

    fn operations(&self, service: &str) -> Answer<Vec<Operation>> {
        let _moved = self.begin();
        let mut all = self.ask(|connection| read::operations(connection, service)).unwrap_or_default();
        for memory in self.shared.memories() {
            all.extend(memory.store.operations(service)?);
        }
        Ok(all.into_iter().collect())
    }

    fn stats(&self) -> StoreStats {
        let moved = self.begin();
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut stats = StoreStats {
            spans: load(&self.shared.spans),
            traces: load(&self.shared.traces),
            bytes: load(&self.shared.bytes),
            bytes_limit: self.disk_bytes,
            evicted_spans: load(&self.shared.evicted),
            unwritten: 0,
            trouble: self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let memories = self.shared.memories();
        let mut in_memory = 0;
        for memory in &memories {
            let mut more = memory.store.stats();
            if memory.leaving {
                more.spans -= moved.spans.min(more.spans);
                more.traces -= (moved.traces.len() as u64).min(more.traces);
            }
            in_memory += more.traces;
            stats.spans += more.spans;
            stats.unwritten += more.spans;
            stats.bytes += more.bytes;
            stats.evicted_spans += more.evicted_spans;
        }
        // A trace that is in both counts once. If the file cannot be asked, which of them are in it is not known.
        let only = |file: &Connection| only_in_memory(file, &memories, &moved.traces, in_memory);
        if in_memory > 0 {
            stats.traces += self.ask_at_once(only).unwrap_or(in_memory);
        }
        stats
    }

    fn describe(&self) -> String {
        let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match &*trouble {
            Some(trouble) => format!("memory, for {} cannot be used: {trouble}", self.file.display()),
            None => format!("{}, at most {} MiB", self.file.display(), self.disk_bytes >> 20),
        }
    }

    fn flush(&self) {
        self.settle(END, true);
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.order(Order::End);
        if let Some(writer) = self.writer.take() {
            // Should it have panicked there is nothing left to do.
            let _ = writer.join();
        }
    }
}

#[cfg(test)]
mod tests;
