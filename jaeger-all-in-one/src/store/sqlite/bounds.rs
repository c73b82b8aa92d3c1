//! Keeps the database within its bounds: what is too old or too much goes, and what no span names any more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::Shared;
use super::add::micros_now;

/// Traces deleted in one transaction, so that no reader or batch waits long.
const AT_ONCE: u64 = 500;

/// Free pages that are given back in one transaction: what it writes lies in the log until it is over.
const GIVEN_BACK: u64 = 2_000;
/// Free pages are kept for what comes next, a fourth of those that hold something at most.
const SPARE: u64 = 4;

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<u64> {
    connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map(|number| number.max(0) as u64)
}

/// Pages that hold something, and that are free.
fn pages(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let free = number(connection, "freelist_count")?;
    Ok((number(connection, "page_count")?.saturating_sub(free), free))
}

/// Bytes that the database's pages take, those that are free left out.
pub(super) fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(pages(connection)?.0 * number(connection, "page_size")?)
}

/// Makes the file smaller where it is larger than it may be, or much of it is free, until somebody asks.
pub(super) fn give_back(connection: &Connection, shared: &Shared, disk_bytes: u64) -> rusqlite::Result<()> {
    let most = disk_bytes / number(connection, "page_size")?.max(1);
    let mut given = false;
    loop {
        let (used, free) = pages(connection)?;
        let too_many = free.saturating_sub((used / SPARE).min(most.saturating_sub(used)));
        if too_many == 0 || shared.is_asked() {
            break;
        }
        // A page a step.
        let sql = format!("PRAGMA incremental_vacuum({})", too_many.min(GIVEN_BACK));
        let mut statement = connection.prepare(&sql)?;
        let mut steps = statement.query([])?;
        while steps.next()?.is_some() {}
        given = true;
    }
    if given {
        // Only that makes the file smaller. If somebody reads, it is done at a later commit.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// Deletes the traces that are too old or too many; how many spans that were, and whether there may be more. It breaks off when somebody asks, but not before
/// twice as many spans went as `came`: asked without a pause, the file would grow without an end.
pub(super) fn sweep(
    connection: &mut Connection,
    shared: &Shared,
    disk_bytes: u64,
    keep: Option<Duration>,
    came: u64,
) -> rusqlite::Result<(u64, bool)> {
    let mut deleted = 0;
    // Traces of the next transaction, none if somebody asks and enough went. Each has a span at least.
    let at_once = |deleted: u64| {
        let enough = came.saturating_mul(2).saturating_sub(deleted);
        if shared.is_asked() { enough.min(AT_ONCE) } else { AT_ONCE }
    };
    if let Some(keep) = keep {
        let before = micros_now().saturating_sub(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
        let last = "SELECT max(id) FROM trace WHERE arrived < ?";
        let last = connection.query_row(last, [before], |row| row.get::<_, Option<i64>>(0))?;
        while let Some(last) = last {
            let most = at_once(deleted);
            if most == 0 {
                return Ok((deleted, true));
            }
            let (traces, spans) = delete(connection, shared, last, most)?;
            deleted += spans;
            if traces < most {
                break;
            }
        }
    }
    // A tenth below the bound, so that it is not done again at once.
    let mut held = bytes(connection)?;
    if held > disk_bytes {
        while held > disk_bytes / 10 * 9 {
            let most = at_once(deleted);
            if most == 0 {
                return Ok((deleted, true));
            }
            let (traces, spans) = delete(connection, shared, i64::MAX, most)?;
            deleted += spans;
            if traces == 0 {
                break;
            }
            held = bytes(connection)?;
        }
    }
    Ok((deleted, false))
}

/// Forgets what no span names any more.
pub(super) fn tidy(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM operation WHERE id NOT IN (SELECT DISTINCT operation FROM span);
         DELETE FROM service WHERE id NOT IN (SELECT DISTINCT service FROM span);
         DELETE FROM process WHERE id NOT IN (SELECT DISTINCT process FROM span);",
    )
}

/// Deletes the oldest traces, as far as that number and so many at most; how many there were, and how many spans.
fn delete(
    connection: &mut Connection,
    shared: &Shared,
    last: i64,
    most: u64,
) -> rusqlite::Result<(u64, u64)> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let (mut spans, mut traces) = (0, 0);
    {
        let mut oldest =
            transaction.prepare_cached("SELECT id FROM trace WHERE id <= ? ORDER BY id LIMIT ?")?;
        let ids = oldest.query_map(params![last, most as i64], |row| row.get::<_, i64>(0))?;
        let ids = ids.collect::<rusqlite::Result<Vec<i64>>>()?;
        let mut of_span = transaction.prepare_cached("DELETE FROM span WHERE trace = ?")?;
        let mut of_trace = transaction.prepare_cached("DELETE FROM trace WHERE id = ?")?;
        for id in ids {
            spans += of_span.execute([id])? as u64;
            traces += of_trace.execute([id])? as u64;
        }
    }
    transaction.commit()?;
    less(&shared.spans, spans);
    less(&shared.traces, traces);
    shared.evicted.fetch_add(spans, Ordering::Relaxed);
    Ok((traces, spans))
}

/// Never below zero, whatever another program put into the file.
fn less(counter: &AtomicU64, by: u64) {
    let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(by)));
}
