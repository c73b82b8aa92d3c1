//! Whole traces: found by what a span of them is like, by their ids, or given and shown.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use jaeger_thrift::Batch;
use serde::ser::{Error as _, Serialize, SerializeSeq as _, Serializer};

use super::answer::{Body, Envelope, Failure, Fault, Ready};
use super::parameters::{self, Search};
use super::trace_json::TraceJson;
use super::{ask, now, query, segment};
use crate::app::App;
use crate::receive::body;
use crate::rules::{ShownTrace, Version, show};
use crate::store::{Store, StoreError, StoredSpan, Trace};
use crate::values::{Query, parse_int, parse_trace_id, trace_id_text};

/// The largest file that is turned into a trace: bytes of JSON.
const LARGEST_UPLOAD: usize = 64 << 20;

/// The largest list of traces, in bytes of JSON.
const MOST: usize = 1 << 30;
/// Spans that are read at once, nearly, where traces have that many; and traces where they have not.
const SPANS_AT_ONCE: usize = 20_000;
const TRACES_AT_ONCE: usize = 100;

/// `GET /api/traces`
pub(super) async fn search(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let search = Search::read(&query, now())?;
    ask(&app, move |store| {
        let (by_id, raw) = (!search.ids.is_empty(), search.raw);
        let ids = if by_id { search.ids.clone() } else { store.find(&search.limited()?)? };
        let found =
            Found { store, ids: &ids, by_id, raw, missing: RefCell::default(), failed: Cell::default() };
        write_found(&found, &query, MOST)
    })
    .await
}

/// Traces that are read, put in order and written some at a time: of a large answer no more than its text is held.
struct Found<'s> {
    store: &'s dyn Store,
    ids: &'s [u128],
    /// Whether it was asked for these ids, so that those that are not there are told.
    by_id: bool,
    raw: bool,
    missing: RefCell<Vec<Fault>>,
    failed: Cell<Option<StoreError>>,
}

impl Serialize for Found<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        let (mut ids, mut some) = (self.ids, 10);
        while !ids.is_empty() {
            let (now, rest) = ids.split_at(some.min(ids.len()));
            ids = rest;
            let found = self.store.traces(now).map_err(|error| {
                self.failed.set(Some(error));
                S::Error::custom("the store failed")
            })?;
            if self.by_id {
                let is_there = |id: &u128| found.iter().any(|trace| trace.trace_id == *id);
                let missing =
                    now.iter().filter(|id| !is_there(id)).map(|id| Fault::missing(trace_id_text(*id)));
                self.missing.borrow_mut().extend(missing);
            }
            let spans = found.iter().map(|trace| trace.spans.len()).sum::<usize>();
            some = (some * SPANS_AT_ONCE / spans.max(1)).clamp(1, TRACES_AT_ONCE);
            for trace in found {
                list.serialize_element(&TraceJson::new(&show(trace, self.raw, Version::One)))?;
            }
        }
        list.end()
    }
}

/// What is known once the traces have been written.
struct Missing<'s>(&'s RefCell<Vec<Fault>>);

impl Serialize for Missing<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let missing = self.0.borrow();
        Some(&*missing).filter(|missing| !missing.is_empty()).serialize(to)
    }
}

/// Written in the order of its fields: the traces before what is missing.
fn envelope<'f>(found: &'f Found<'_>) -> Envelope<&'f Found<'f>, Missing<'f>> {
    Envelope { data: found, total: 0, limit: 0, offset: 0, errors: Missing(&found.missing) }
}

fn write_found(found: &Found<'_>, query: &Query, most: usize) -> Result<Body, Failure> {
    Body::try_new(&envelope(found), query, most).map_err(|_| match found.failed.take() {
        Some(error) => error.into(),
        None => Failure::bad(format!(
            "what was found is larger than {} MiB; ask for fewer traces with limit, or for /api/v3/trace-summaries",
            most >> 20
        )),
    })
}

/// `GET /api/traces/{id}`; with `download` as a file.
pub(super) async fn by_id(
    State(app): State<App>,
    uri: Uri,
    raw: RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = query(raw);
    let (id, raw) = one(&uri, &query)?;
    let download = parameters::yes(&query, "download")?;
    let answer = ask(&app, move |store| {
        let found = store.traces(&[id])?;
        if found.is_empty() {
            return Err(Failure::trace_not_found());
        }
        Ok(write(found, raw, &query).tagged())
    })
    .await?;
    let mut response = answer.unless_known(&headers);
    if download {
        let name = format!("attachment; filename=\"trace-{}.json\"", trace_id_text(id));
        if let Ok(name) = HeaderValue::from_str(&name) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        }
    }
    Ok(response)
}

/// `POST /api/archive/{id}`: there is nowhere to keep a trace longer.
pub(super) async fn archive(uri: Uri, raw: RawQuery) -> Result<Ready, Failure> {
    one(&uri, &query(raw))?;
    Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "archive span storage was not configured"))
}

/// `POST /api/transform`: spans in OTLP's JSON in, the same traces in Jaeger's JSON out, as they came. They are not stored.
pub(super) async fn transform(
    State(app): State<App>,
    raw: RawQuery,
    request: Request,
) -> Result<Ready, Failure> {
    let query = query(raw);
    let file = body::upload(request, LARGEST_UPLOAD).await;
    let file = file.map_err(|refusal| Failure::new(refusal.status, refusal.message))?;
    // It costs as much as a search, so it takes a place among them, though the store is not asked.
    ask(&app, move |_| {
        let batches = crate::receive::otlp::batches_of_json(&file.bytes)
            .map_err(|why| Failure::bad(format!("cannot unmarshal OTLP : {why}")))?;
        Ok(write(traces_of(batches), true, &query))
    })
    .await
}

/// Spans by their traces, both in the order in which they come.
fn traces_of(batches: Vec<Batch<'static>>) -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::new();
    let mut places: HashMap<u128, usize> = HashMap::new();
    for batch in batches {
        let process = Arc::new(batch.process);
        for span in batch.spans {
            let trace_id = span.trace_id;
            let place = *places.entry(trace_id).or_insert_with(|| {
                traces.push(Trace { trace_id, spans: Vec::new() });
                traces.len() - 1
            });
            traces[place].spans.push(StoredSpan { process: process.clone(), span });
        }
    }
    traces
}

/// The trace that a path names, and whether it is wanted as it came. `start` and `end` are read, and mean nothing.
fn one(uri: &Uri, query: &Query) -> Result<(u128, bool), Failure> {
    let id = parse_trace_id(segment(uri, 2)).map_err(Failure::bad)?;
    for name in ["start", "end"] {
        if let Some(text) = query.get(name) {
            parse_int(text, 64).map_err(|why| Failure::parameter(name, why))?;
        }
    }
    Ok((id, parameters::yes(query, "raw")?))
}

fn write(found: Vec<Trace>, raw: bool, query: &Query) -> Body {
    let shown: Vec<ShownTrace> = found.into_iter().map(|trace| show(trace, raw, Version::One)).collect();
    let data: Vec<TraceJson<'_>> = shown.iter().map(TraceJson::new).collect();
    Body::new(&Envelope::of(data), query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json;
    use crate::store::memory::MemoryStore;
    use jaeger_thrift::{Process, Span};

    #[test]
    fn many_traces_are_written_some_at_a_time_and_not_without_end() {
        let store = MemoryStore::new(64 << 20);
        let spans = (1..=2_000).map(|trace_id| Span { trace_id, span_id: 1, ..Span::default() }).collect();
        store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
        let ids: Vec<u128> = (1..=2_001).rev().collect();
        let (missing, failed) = (RefCell::default(), Cell::default());
        let found = Found { store: &store, ids: &ids, by_id: true, raw: false, missing, failed };
        let query = Query::parse("");
        let text = json::write(&envelope(&found), false);
        let answer: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let written: Vec<_> =
            answer["data"].as_array().unwrap().iter().map(|trace| &trace["traceID"]).collect();
        let expected: Vec<_> = (1..=2_000_u128).rev().map(trace_id_text).collect();
        assert_eq!(written, expected.iter().collect::<Vec<_>>(), "in the order asked for");
        assert_eq!(answer["errors"][0]["traceID"], trace_id_text(2_001));
        assert!(write_found(&found, &query, text.len() + (64 << 10)).is_ok());
        assert!(write_found(&found, &query, text.len() / 2).is_err());
    }
}
