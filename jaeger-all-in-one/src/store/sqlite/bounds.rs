//! Keeps the database within its bounds: what is too old or too much goes, and what no span names any more.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::Shared;
use super::add::micros_now;

/// Traces deleted in one transaction, so that no reader or batch waits long.
const AT_ONCE: usize = 500;

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

/// Deletes the traces that are too old or too many, until somebody asks; how many spans that were, and whether there may be more.
pub(super) fn sweep(
    connection: &mut Connection,
    shared: &Shared,
    disk_bytes: u64,
    keep: Option<Duration>,
) -> rusqlite::Result<(u64, bool)> {
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
            if shared.is_asked() {
                return Ok((deleted, true));
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
            if shared.is_asked() {
                return Ok((deleted, true));
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
