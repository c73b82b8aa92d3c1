//! The database's form, and how an older one becomes it.
//!
//! `user_version` says how many of [`STEPS`] a database has been through; the others are made up for when it is opened, each in one transaction. A step is
//! never changed once it is released: a new form is a new step.

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// `JAEG`, by which a database of ours is known.
const APPLICATION: i32 = 0x4a41_4547;
/// How long to wait for another program that writes.
const BUSY: Duration = Duration::from_secs(2);

/// What makes the form, step by step.
pub(super) const STEPS: &[&str] = &[
    // 1. A trace's number rises by first arrival. Bodies are Thrift, compact: `Batch`es of a process alone, or of one span of no process.
    "CREATE TABLE service (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
     CREATE TABLE process (id INTEGER PRIMARY KEY, body BLOB NOT NULL UNIQUE);
     CREATE TABLE operation (id INTEGER PRIMARY KEY, service INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        UNIQUE (service, name, kind));
     CREATE TABLE trace (id INTEGER PRIMARY KEY AUTOINCREMENT, trace_id BLOB NOT NULL UNIQUE, arrived INTEGER NOT NULL);
     CREATE TABLE span (id INTEGER PRIMARY KEY, trace INTEGER NOT NULL, process INTEGER NOT NULL, service INTEGER NOT NULL,
        operation INTEGER NOT NULL, start INTEGER NOT NULL, duration INTEGER NOT NULL, body BLOB NOT NULL);
     CREATE INDEX span_of_trace ON span (trace);
     CREATE INDEX span_of_service ON span (service, trace, operation, start, duration);",
    // 2. What is too old is looked for every few seconds.
    "CREATE INDEX trace_by_arrival ON trace (arrived);",
];

/// Why a database cannot be used.
#[derive(Debug)]
pub(super) enum Fault {
    /// It may work later: locked, full, broken. The program goes on in memory.
    Trouble(String),
    /// It will not work: no such directory, another program's file, a newer form. The program does not start.
    Hopeless(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Trouble(text) | Fault::Hopeless(text) => f.write_str(text),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Trouble(explain(&error))
    }
}

/// What is wrong, and what to do.
pub(super) fn explain(error: &rusqlite::Error) -> String {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; make room",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds it; end that, or use another file"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is broken or no database; move it away"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the file cannot be written; change its permissions"
        }
        _ => return error.to_string(),
    };
    format!("{advice} ({error})")
}

/// Whether a question failed because the tables are not there yet.
pub(super) fn is_without_form(error: &rusqlite::Error) -> bool {
    error.to_string().contains("no such table")
}

/// A file that belongs to a database that is there: beside the file itself where a link leads to it, as SQLite's own are.
pub(super) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.canonicalize().unwrap_or_else(|_| file.to_owned()).into_os_string();
    name.push(end);
    PathBuf::from(name)
}

/// Takes the file for this program, until what is given is dropped, also by the program's end however that comes. A file of its own beside the database, for
/// SQLite's locks are of a transaction, and go when the process closes the database anywhere. `None` where it cannot be made, or where files have no locks.
///
/// # Errors
/// If another program has it: both would delete what is too much for each, and count only what is their own.
fn lock(file: &Path) -> Result<Option<File>, Fault> {
    let Ok(lock) = File::options().create(true).append(true).open(beside(file, "-lock")) else {
        return Ok(None);
    };
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {
            Err(Fault::Trouble("another program holds it; end that, or use another file".to_owned()))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Opens the database for writing, and brings it into form; with what keeps other programs away as long as it lives.
pub(super) fn open(file: &Path) -> Result<(Connection, Option<File>), Fault> {
    let connection = Connection::open(file).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => Fault::Hopeless(format!(
            "storage sqlite:{}: the file cannot be opened; does its directory exist?",
            file.display()
        )),
        _ => Fault::from(error),
    })?;
    connection.busy_timeout(BUSY)?;
    // Before anything is made or set, which would be written.
    missing(&connection, file, STEPS)?;
    let lock = lock(file)?;
    // Only of use before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // A commit is safe from the program's end, however it ends; from the machine's after the next checkpoint.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", 16 << 20, |_| Ok(()))?;
    migrate(&connection, file, STEPS)?;
    Ok((connection, lock))
}

/// Opens it for reading alone.
pub(super) fn open_to_read(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// The steps that a database has not been through, and its form so far.
fn missing<'s, 't>(
    connection: &Connection,
    file: &Path,
    steps: &'s [&'t str],
) -> Result<(i32, &'s [&'t str]), Fault> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let hopeless = |what: String| Err(Fault::Hopeless(format!("storage sqlite:{}: {what}", file.display())));
    if application != APPLICATION && (tables > 0 || version != 0) {
        return hopeless("the file is another program's database; name another".to_owned());
    }
    let Some(missing) = usize::try_from(version).ok().and_then(|done| steps.get(done..)) else {
        return hopeless(format!(
            "the file has form {version}, of a newer version of this program, which knows {}; use that version, or another file",
            steps.len()
        ));
    };
    Ok((version, missing))
}

/// Makes up for the steps that a database has not been through.
fn migrate(connection: &Connection, file: &Path, steps: &[&str]) -> Result<(), Fault> {
    let (version, missing) = missing(connection, file, steps)?;
    for (number, step) in (version + 1..).zip(missing) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; PRAGMA application_id = {APPLICATION}; COMMIT;"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_form_becomes_the_newer_with_what_it_holds() {
        let connection = Connection::open_in_memory().unwrap();
        let file = Path::new("x.db");
        migrate(&connection, file, STEPS).unwrap();
        connection.execute("INSERT INTO service (name) VALUES ('shop')", []).unwrap();
        let more = [STEPS, &["ALTER TABLE service ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';"]].concat();
        migrate(&connection, file, &more).unwrap();
        migrate(&connection, file, &more).unwrap();
        let row =
            connection.query_row("SELECT name || colour FROM service", [], |row| row.get::<_, String>(0));
        assert_eq!(row.unwrap(), "shopgrey");
        let newer = migrate(&connection, file, STEPS).unwrap_err().to_string();
        assert!(newer.contains("form 3, of a newer version of this program, which knows 2"), "{newer}");
    }

    #[test]
    fn another_programs_file_is_left_alone() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let fault = migrate(&connection, Path::new("x.db"), STEPS).unwrap_err();
        assert!(matches!(&fault, Fault::Hopeless(text) if text.contains("another program's")), "{fault}");
    }
}
