//! Transactions that add spans: batches as they came, or what memory had to hold.

use std::ops::ControlFlow;
use std::sync::RwLockWriteGuard;
use std::time::{SystemTime, UNIX_EPOCH};

use jaeger_thrift::{Batch, Process, Protocol, Span};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Transaction, params};

use super::Moved;
use crate::store::heads;
use crate::store::memory::MemoryStore;

/// Bytes, nearly, and spans that go from memory into the file in one transaction; a trace goes whole. Few, so that a disk with little room takes what it can.
const MOVED_BYTES: usize = 1 << 20;
pub(super) const MOVED_SPANS: u64 = 10_000;

/// What a transaction brought.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) spans: u64,
    pub(super) traces: u64,
}

pub(super) fn commit(connection: &mut Connection, batches: &[Batch<'_>]) -> rusqlite::Result<Written> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut adding = Adding::new(&transaction)?;
    for batch in batches {
        let process = adding.process(&batch.process)?;
        for span in &batch.spans {
            adding.span(process, span)?;
        }
    }
    let written = adding.end();
    transaction.commit()?;
    Ok(written)
}

/// What went from memory into the file.
#[derive(Debug)]
pub(super) struct MovedSome<'s> {
    /// Keeps others out until all counters know of it.
    _alone: RwLockWriteGuard<'s, Moved>,
    /// So many of the last ids.
    pub(super) from_left: usize,
    pub(super) written: Written,
    /// Bytes, nearly.
    #[cfg_attr(not(test), expect(dead_code, reason = "what bounds it is looked at by the test"))]
    bytes: usize,
}

/// Writes the last of these traces of memory into the file, as many as go at a time. Nobody looks while they are in both: `alone` gives what
/// keeps others out, or `None`, and then nothing has happened.
pub(super) fn move_some<'s>(
    connection: &mut Connection,
    memory: &MemoryStore,
    left: &[u128],
    alone: impl FnOnce() -> Option<RwLockWriteGuard<'s, Moved>>,
) -> rusqlite::Result<Option<MovedSome<'s>>> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut adding = Adding::new(&transaction)?;
    let mut last: Option<(Process<'static>, (i64, i64))> = None;
    let mut from_left = 0;
    for id in left.iter().rev() {
        if adding.bytes >= MOVED_BYTES || adding.written.spans >= MOVED_SPANS {
            break;
        }
        let mut failed = None;
        memory.each_of(*id, &mut |process, span| {
            let known = last.as_ref().filter(|(known, _)| known == process).map(|(_, ids)| *ids);
            let added = known.map_or_else(|| adding.process(process), Ok).and_then(|ids| {
                if known.is_none() {
                    last = Some((process.clone().into_owned(), ids));
                }
                adding.span(ids, span)
            });
            match added {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        from_left += 1;
    }
    let bytes = adding.bytes;
    let written = adding.end();
    let Some(mut moved) = alone() else { return Ok(None) };
    transaction.commit()?;
    moved.spans += written.spans;
    moved.traces.extend(&left[left.len() - from_left..]);
    Ok(Some(MovedSome { _alone: moved, from_left, written, bytes }))
}

/// Adds spans within a transaction.
struct Adding<'t> {
    transaction: &'t Transaction<'t>,
    add: CachedStatement<'t>,
    find_trace: CachedStatement<'t>,
    add_trace: CachedStatement<'t>,
    arrived: i64,
    body: Vec<u8>,
    /// The last operation: its service, name, kind and number.
    operation: Option<(i64, String, String, i64)>,
    written: Written,
    /// Bytes of bodies.
    bytes: usize,
}

impl<'t> Adding<'t> {
    fn new(transaction: &'t Transaction<'t>) -> rusqlite::Result<Self> {
        Ok(Adding {
            transaction,
            add: transaction.prepare_cached(
                "INSERT INTO span (trace, process, service, operation, start, duration, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?,
            find_trace: transaction.prepare_cached("SELECT id FROM trace WHERE trace_id = ?")?,
            add_trace: transaction.prepare_cached("INSERT INTO trace (trace_id, arrived) VALUES (?, ?)")?,
            arrived: micros_now(),
            body: Vec::new(),
            operation: None,
            written: Written { spans: 0, traces: 0 },
            bytes: 0,
        })
    }

    /// The numbers of a process's service and of itself.
    fn process(&mut self, of: &Process<'_>) -> rusqlite::Result<(i64, i64)> {
        Ok((service(self.transaction, &of.service_name)?, process(self.transaction, of)?))
    }

    fn span(&mut self, (service, process): (i64, i64), span: &Span<'_>) -> rusqlite::Result<()> {
        let trace_id = span.trace_id.to_be_bytes();
        let known = self.find_trace.query_row([&trace_id[..]], |row| row.get::<_, i64>(0)).optional()?;
        let trace = match known {
            Some(trace) => trace,
            None => {
                self.written.traces += 1;
                self.add_trace.insert(params![&trace_id[..], self.arrived])?
            }
        };
        let kind = heads::told(span).kind().map_or("", |kind| kind);
        let name = &*span.operation_name;
        let operation = match &self.operation {
            Some((of, same, as_kind, operation)) if *of == service && same == name && as_kind == kind => {
                *operation
            }
            _ => {
                let number = operation(self.transaction, service, name, kind)?;
                self.operation = Some((service, name.to_owned(), kind.to_owned(), number));
                number
            }
        };
        encode(span, &mut self.body);
        self.bytes += self.body.len();
        let Span { start_time, duration, .. } = span;
        self.add.execute(params![
            trace,
            process,
            service,
            operation,
            start_time,
            duration,
            &self.body[..]
        ])?;
        self.written.spans += 1;
        Ok(())
    }

    fn end(self) -> Written {
        self.written
    }
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

pub(super) fn micros_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;
    use crate::store::Store as _;
    use jaeger_thrift::Tag;

    /// Large traces that wait in memory are not taken out all at once.
    #[test]
    fn what_goes_back_at_a_time_is_bounded_by_bytes() {
        const LARGE: usize = 300_000;
        let memory = MemoryStore::new(256 << 20);
        let left: Vec<u128> = (1..=60).rev().collect();
        for &trace_id in left.iter().rev() {
            let tags = vec![Tag::new("t", "x".repeat(LARGE))];
            let span = Span { trace_id, tags, ..Span::default() };
            memory.append(&Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() });
        }
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(schema::STEPS[0]).unwrap();
        let moved = std::sync::RwLock::<Moved>::default();
        let none = move_some(&mut connection, &memory, &left, || None).unwrap();
        assert!(none.is_none(), "somebody reads");
        let mut all = &left[..];
        while !all.is_empty() {
            let some = move_some(&mut connection, &memory, all, || moved.write().ok()).unwrap().unwrap();
            assert!(some.from_left > 0 && some.bytes < MOVED_BYTES + 2 * LARGE, "{some:?}");
            all = &all[..all.len() - some.from_left];
        }
        let count: i64 = connection.query_row("SELECT count(*) FROM span", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 60);
        let first = connection.query_row("SELECT trace_id FROM trace ORDER BY id", [], |row| row.get(0));
        assert_eq!(first.map(u128::from_be_bytes).unwrap(), 1, "the oldest is still the oldest");
        assert_eq!(moved.read().unwrap().spans, 60);
    }
}
