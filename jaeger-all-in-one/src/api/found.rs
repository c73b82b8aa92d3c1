//! Traces that are read, put in order and written some at a time: of a large answer no more than its text is held.

use std::cell::Cell;

use serde::Serialize;
use serde::ser::Error;

use super::answer::{Body, Failure};
use crate::store::{Store, StoreError, Trace};
use crate::values::Query;

/// The largest list of traces, in bytes of JSON.
pub(super) const MOST: usize = 1 << 30;
/// Spans that are read at once, nearly, where traces have that many; and traces where they have not.
const SPANS_AT_ONCE: usize = 20_000;
const TRACES_AT_ONCE: usize = 100;

/// Traces that were found, by their ids.
pub(super) struct Found<'s> {
    store: &'s dyn Store,
    ids: &'s [u128],
    failed: Cell<Option<StoreError>>,
}

impl<'s> Found<'s> {
    pub(super) fn new(store: &'s dyn Store, ids: &'s [u128]) -> Self {
        Found { store, ids, failed: Cell::default() }
    }

    /// Calls `write` with each that is there, in their order, and `missing` with the ids of those that are not.
    pub(super) fn each<E: Error>(
        &self,
        mut missing: impl FnMut(u128),
        mut write: impl FnMut(Trace) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut ids, mut some) = (self.ids, 10);
        while !ids.is_empty() {
            let (now, rest) = ids.split_at(some.min(ids.len()));
            ids = rest;
            let found = self.store.traces(now).map_err(|error| {
                self.failed.set(Some(error));
                E::custom("the store failed")
            })?;
            let is_there = |id: u128| found.iter().any(|trace| trace.trace_id == id);
            now.iter().filter(|id| !is_there(**id)).for_each(|id| missing(*id));
            let spans = found.iter().map(|trace| trace.spans.len()).sum::<usize>();
            some = (some * SPANS_AT_ONCE / spans.max(1)).clamp(1, TRACES_AT_ONCE);
            found.into_iter().try_for_each(&mut write)?;
        }
        Ok(())
    }

    /// Writes `answer`, which writes these traces, into at most so many bytes; `advice` is for who asks for more.
    pub(super) fn write(
        &self,
        answer: &impl Serialize,
        query: &Query,
        most: usize,
        advice: &str,
    ) -> Result<Body, Failure> {
        Body::try_new(answer, query, most).map_err(|_| match self.failed.take() {
            Some(error) => error.into(),
            None => Failure::bad(format!("what was found is larger than {} MiB; {advice}", most >> 20)),
        })
    }
}
