//! What is asked of the database. Each function is one question on a connection that only reads.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use jaeger_thrift::{Batch, Process, Protocol, Span};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use crate::store::{EachSpan, Operation, Scan, StoredSpan, Trace, TraceQuery, matches};

/// Processes by their number, each once for an answer.
#[derive(Default)]
struct Processes(HashMap<i64, Arc<Process<'static>>>);

impl Processes {
    fn get(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Arc<Process<'static>>> {
        if let Some(known) = self.0.get(&id) {
            return Ok(Arc::clone(known));
        }
        let mut read = connection.prepare_cached("SELECT body FROM process WHERE id = ?")?;
        let process = read.query_row([id], |row| Ok(decode(row.get_ref(0)?.as_blob()?)?.process))?;
        let process = Arc::new(process);
        self.0.insert(id, Arc::clone(&process));
        Ok(process)
    }
}

/// A body as it was written; anything else means that the file is broken.
fn decode(body: &[u8]) -> rusqlite::Result<Batch<'static>> {
    let batch = Batch::decode(Protocol::Compact, body).map(Batch::into_owned);
    batch.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
    })
}

fn span(row: &Row<'_>, column: usize) -> rusqlite::Result<Span<'static>> {
    Ok(decode(row.get_ref(column)?.as_blob()?)?.spans.pop().unwrap_or_default())
}

/// The conditions on a span that columns answer.
struct Conditions {
    sql: String,
    values: Vec<Sql>,
}

impl Conditions {
    /// `None` if the service or the operation is unknown, so that nothing can match.
    fn new(
        connection: &Connection,
        service: Option<&str>,
        operation: Option<&str>,
        start: (i64, i64),
    ) -> rusqlite::Result<Option<Self>> {
        let mut it = Conditions {
            sql: "start BETWEEN ? AND ?".to_owned(),
            values: vec![start.0.into(), start.1.into()],
        };
        if let Some(service) = service {
            let mut find = connection.prepare_cached("SELECT id FROM service WHERE name = ?")?;
            let Some(id) = find.query_row([service], |row| row.get::<_, i64>(0)).optional()? else {
                return Ok(None);
            };
            it.and("service = ?", id);
        }
        if let Some(operation) = operation {
            it.and("operation IN (SELECT id FROM operation WHERE name = ?)", operation.to_owned());
        }
        Ok(Some(it))
    }

    fn and(&mut self, sql: &str, value: impl Into<Sql>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.push(value.into());
    }
}

pub(super) fn find(
    connection: &Connection,
    query: &TraceQuery,
    go_on: &dyn Fn() -> bool,
) -> rusqlite::Result<Vec<u128>> {
    let start = (query.start_min, query.start_max);
    let conditions =
        Conditions::new(connection, query.service.as_deref(), query.operation.as_deref(), start)?;
    let Some(mut conditions) = conditions else { return Ok(Vec::new()) };
    if let Some(least) = query.duration_min {
        conditions.and("duration >= ?", least);
    }
    if let Some(most) = query.duration_max {
        conditions.and("duration <= ?", most);
    }
    // The index on service and trace gives them in this order, so nothing is sorted and it ends when there are enough.
    let body = if query.tags.is_empty() { "NULL" } else { "body" };
    let sql = format!("SELECT trace, process, {body} FROM span WHERE {} ORDER BY trace DESC", conditions.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values))?;
    let mut processes = Processes::default();
    let mut name = connection.prepare_cached("SELECT trace_id FROM trace WHERE id = ?")?;
    let mut found = Vec::new();
    let mut last = None;
    while found.len() < query.limit && go_on() {
        let Some(row) = rows.next()? else { break };
        let trace: i64 = row.get(0)?;
        if last == Some(trace) {
            continue;
        }
        if !query.tags.is_empty() {
            let process = processes.get(connection, row.get(1)?)?;
            if !matches(query, &process, &span(row, 2)?) {
                continue;
            }
        }
        last = Some(trace);
        found.push(name.query_row([trace], |row| row.get::<_, [u8; 16]>(0)).map(u128::from_be_bytes)?);
    }
    Ok(found)
}

/// The number of a trace, which rises by first arrival.
pub(super) fn number(connection: &Connection, id: u128) -> rusqlite::Result<Option<u64>> {
    let mut find = connection.prepare_cached("SELECT id FROM trace WHERE trace_id = ?")?;
    let number = find.query_row([&id.to_be_bytes()[..]], |row| row.get::<_, i64>(0)).optional()?;
    Ok(number.map(|number| number.max(0) as u64))
}

pub(super) fn traces(connection: &Connection, ids: &[u128]) -> rusqlite::Result<Vec<Trace>> {
    let mut statement = connection.prepare_cached(
        "SELECT span.process, span.body FROM trace JOIN span ON span.trace = trace.id WHERE trace.trace_id = ? ORDER BY span.id",
    )?;
    let mut processes = Processes::default();
    let mut traces = Vec::new();
    for &trace_id in ids {
        let mut rows = statement.query([&trace_id.to_be_bytes()[..]])?;
        let mut spans = Vec::new();
        while let Some(row) = rows.next()? {
            spans.push(StoredSpan { process: processes.get(connection, row.get(0)?)?, span: span(row, 1)? });
        }
        if !spans.is_empty() {
            spans.sort_by_key(|stored| stored.span.start_time);
            traces.push(Trace { trace_id, spans });
        }
    }
    Ok(traces)
}

/// Ids of the traces with a span in the range, the newest first.
pub(super) fn in_range(connection: &Connection, range: &Scan) -> rusqlite::Result<Vec<u128>> {
    let query = TraceQuery {
        service: range.service.clone(),
        start_min: range.start_min,
        start_max: range.start_max,
        limit: usize::MAX,
        ..TraceQuery::default()
    };
    find(connection, &query, &|| true)
}

pub(super) fn scan(
    connection: &Connection,
    range: &Scan,
    each: EachSpan<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let start = (range.start_min, range.start_max);
    let Some(conditions) = Conditions::new(connection, range.service.as_deref(), None, start)? else {
        return Ok(ControlFlow::Continue(()));
    };
    let sql = format!("SELECT process, body FROM span WHERE {} ORDER BY trace DESC", conditions.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(conditions.values))?;
    let mut processes = Processes::default();
    while let Some(row) = rows.next()? {
        let process = processes.get(connection, row.get(0)?)?;
        if each(&process, &span(row, 1)?).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

pub(super) fn services(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM service")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn operations(connection: &Connection, service: &str) -> rusqlite::Result<BTreeSet<Operation>> {
    let mut statement = connection.prepare_cached(
        "SELECT operation.name, kind FROM operation JOIN service ON service.id = operation.service WHERE service.name = ?",
    )?;
    let operation = |row: &Row<'_>| Ok(Operation { name: row.get(0)?, kind: row.get(1)? });
    statement.query_map([service], operation)?.collect()
}
