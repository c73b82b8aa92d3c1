//! Where spans are kept: the trait, and what every store promises.
//!
//! Spans go in and come out as the model of `jaeger-thrift`: ids unsigned, times and durations in µs as signed 64-bit numbers exactly as they came (also
//! negative ones and `i64::MIN`; nobody may add two of them without `saturating_add`), tags typed, flags kept. What a store gives back is what Jaeger
//! shows: `ingest` has rewritten it before (`host.name`, `otel.status_code`, …), so a store rewrites nothing.
//!
//! What a store promises:
//! - A span is found as soon as [`Store::append`] has returned (or, with a store on disk, by the next call that asks).
//! - Traces come newest first, by the arrival of their first span; spans of a trace by start time, then arrival.
//! - It is bounded, and drops whole traces, oldest first; what it dropped is in [`Store::stats`].
//! - Reading never holds up appending for longer than a millisecond or so.

mod heads;
pub mod memory;
mod query;
pub mod sqlite;

pub use heads::{SpanHead, TraceHeads, head, parent};
pub use query::{Scan, TraceQuery, matches};

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use jaeger_thrift::{Batch, Process, Sink, Span};

/// A span with its process, as it is given back.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSpan {
    /// Who sent it. Spans of equal processes within one answer share it.
    pub process: Arc<Process<'static>>,
    /// The span.
    pub span: Span<'static>,
}

/// A trace: its spans by start time, then arrival. Never empty. Identical spans that arrived twice are both here.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The trace's id, never zero.
    pub trace_id: u128,
    /// Its spans.
    pub spans: Vec<StoredSpan>,
}

/// An operation of a service, with one of the kinds its spans have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// The spans' `span.kind`, or empty.
    pub kind: String,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Spans taken.
    pub stored: usize,
    /// Spans that could not be kept (a store on disk whose queue and fallback are full).
    pub lost: usize,
}

/// How full a store is; all are totals at this moment but the last two, which count since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Spans held.
    pub spans: u64,
    /// Traces held.
    pub traces: u64,
    /// Bytes held, indexes included.
    pub bytes: u64,
    /// Bytes it may hold; 0 if it is not bounded by bytes.
    pub bytes_limit: u64,
    /// Spans dropped to make room or for their age.
    pub evicted_spans: u64,
    /// Of the spans held, those that a store on disk could not write yet: they end with the program.
    pub unwritten: u64,
    /// What is wrong now (disk full, database locked …); `None` if nothing is.
    pub trouble: Option<String>,
}

/// A store could not answer. Storage in memory always can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// A store's answer.
pub type Answer<T> = Result<T, StoreError>;

/// What [`Store::scan`] calls with each span; it stops on `Break`.
pub type EachSpan<'e> = &'e mut dyn FnMut(&Process<'_>, &Span<'_>) -> ControlFlow<()>;
/// What [`Store::scan_traces`] and [`Store::heads`] call with each trace; they stop on `Break`.
pub type EachTrace<'e> = &'e mut dyn FnMut(TraceHeads<'_>) -> ControlFlow<()>;

/// What gives spans to a [`Store::append_while_read`]; false if they are none after all.
pub type Read<'r, 'a> = &'r mut dyn FnMut(&mut dyn Sink<'a>) -> bool;

/// A store of spans. All calls block (briefly, in memory): from async code go through `tokio::task::spawn_blocking` or [`crate::App::ask`].
pub trait Store: Send + Sync + fmt::Debug {
    /// Takes a batch in. Spans with a trace id of zero have been refused before.
    fn append(&self, batch: &Batch<'_>) -> Appended;

    /// Takes in what `read` gives, while it is read and before anybody else sees any of it; all of it or, if `read` is false, nothing. Spans with a trace id of
    /// zero are not given. `bytes` is about what it takes on the wire.
    ///
    /// `None` if the store takes batches only, or this only as a batch: then nothing of it is there.
    fn append_while_read<'a>(&self, bytes: usize, read: Read<'_, 'a>) -> Option<Appended> {
        let _ = (bytes, read);
        None
    }

    /// Ids of the traces with one span that satisfies all of `query`, newest first by first arrival, at most `query.limit`. It is asked now and then whether
    /// to go on, for a search by a tag may read millions of spans; if not, what was found so far is the answer.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn find_while(&self, query: &TraceQuery, go_on: &dyn Fn() -> bool) -> Answer<Vec<u128>>;

    /// The same, to its end.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn find(&self, query: &TraceQuery) -> Answer<Vec<u128>> {
        self.find_while(query, &|| true)
    }

    /// These traces in the order asked for; those that are not there are left out.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn traces(&self, ids: &[u128]) -> Answer<Vec<Trace>>;

    /// The heads of these traces, in the order asked for; those that are not there are left out. What a search that answers with summaries needs.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn heads(&self, ids: &[u128], each: EachTrace<'_>) -> Answer<()>;

    /// The heads of every trace with a span in the range, in no promised order; for dependencies.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn scan_traces(&self, range: &Scan, each: EachTrace<'_>) -> Answer<()>;

    /// Every span in the range, newest first by arrival or nearly so; for metrics, and completion of tag keys and values.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn scan(&self, range: &Scan, each: EachSpan<'_>) -> Answer<()>;

    /// Names of all services with spans held, sorted.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn services(&self) -> Answer<Vec<String>>;

    /// Operations of a service, sorted by name, then kind; one item for each pair of the two. Empty for an unknown service.
    ///
    /// # Errors
    /// A store on disk may be unable to read.
    fn operations(&self, service: &str) -> Answer<Vec<Operation>>;

    /// How full it is.
    fn stats(&self) -> StoreStats;

    /// Where spans are kept, for the start-up line: `memory, at most 512 MiB`.
    fn describe(&self) -> String;

    /// Writes out what is only queued; returns when it is safe or cannot be.
    fn flush(&self) {}
}

/// The one trace of that id.
///
/// # Errors
/// A store on disk may be unable to read.
pub fn trace(store: &dyn Store, id: u128) -> Answer<Option<Trace>> {
    Ok(store.traces(&[id])?.pop())
}
