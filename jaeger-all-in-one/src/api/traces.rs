//! Whole traces: found by what a span of them is like, by their ids, or given and shown.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use jaeger_thrift::Batch;
use serde::ser::{Serialize, SerializeSeq as _, Serializer};

use super::answer::{Body, Envelope, Failure, Fault, Ready};
use super::found::{Found, MOST};
use super::packed::Packed;
use super::parameters::{self, Search};
use super::trace_json::TraceJson;
use super::{ask, now, query, segment};
use crate::app::App;
use crate::receive::{body, unpacked};
use crate::rules::{ShownTrace, Version, show};
use crate::store::{StoredSpan, Trace};
use crate::values::{Query, parse_int, parse_trace_id, trace_id_text};

/// The largest file that is turned into a trace: bytes of JSON.
const LARGEST_UPLOAD: usize = 64 << 20;

/// `GET /api/traces`
pub(super) async fn search(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let search = Search::read(&query, now())?;
    ask(&app, move |store| {
        let (by_id, raw) = (!search.ids.is_empty(), search.raw);
        let ids = if by_id { search.ids.clone() } else { store.find(&search.limited()?)? };
        let listed = Listed { found: Found::new(store, &ids), by_id, raw, missing: RefCell::default() };
        write_found(&listed, &query, MOST)
    })
    .await
}

/// Traces that were found, or asked for by their ids: then those that are not there are told.
struct Listed<'s> {
    found: Found<'s>,
    by_id: bool,
    raw: bool,
    missing: RefCell<Vec<Fault>>,
}

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        let missing = |id| {
            if self.by_id {
                self.missing.borrow_mut().push(Fault::missing(trace_id_text(id)));
            }
        };
        self.found.each(missing, |trace| {
            list.serialize_element(&TraceJson::new(&show(trace, self.raw, Version::One)))
        })?;
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
fn envelope<'f>(listed: &'f Listed<'_>) -> Envelope<&'f Listed<'f>, Missing<'f>> {
    Envelope { data: listed, total: 0, limit: 0, offset: 0, errors: Missing(&listed.missing) }
}

fn write_found(listed: &Listed<'_>, query: &Query, most: usize) -> Result<Body, Failure> {
    let advice = "ask for fewer traces with limit, or for /api/v3/trace-summaries";
    listed.found.write(&envelope(listed), query, most, advice)
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
    // For the page; a file is for all.
    let packed = parameters::yes(&query, "packed")? && !download;
    let answer = ask(&app, move |store| {
        let found = store.traces(&[id])?;
        if found.is_empty() {
            return Err(Failure::trace_not_found());
        }
        Ok(write(found, raw, packed, &query).tagged())
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
    let failure = |refusal: body::Refusal| Failure::new(refusal.status, refusal.message);
    let file = file.map_err(failure)?;
    // It costs as much as a search, so it takes a place among them, though the store is not asked.
    ask(&app, move |_| {
        let _room = body::room_at_once(&file.bytes, unpacked::json).map_err(failure)?;
        let batches = crate::receive::otlp::batches_of_json(&file.bytes)
            .map_err(|why| Failure::bad(format!("cannot unmarshal OTLP : {why}")))?;
        Ok(write(traces_of(batches), true, false, &query))
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

fn write(found: Vec<Trace>, raw: bool, packed: bool, query: &Query) -> Body {
    let shown: Vec<ShownTrace> = found.into_iter().map(|trace| show(trace, raw, Version::One)).collect();
    let data = shown.iter().map(TraceJson::new);
    if packed {
        Body::new(&Envelope::of(data.map(Packed::new).collect::<Vec<_>>()), query)
    } else {
        Body::new(&Envelope::of(data.collect::<Vec<_>>()), query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json;
    use crate::store::Store as _;
    use crate::store::memory::MemoryStore;
    use jaeger_thrift::{Process, Span};

    #[test]
    fn many_traces_are_written_some_at_a_time_and_not_without_end() {
        let store = MemoryStore::new(64 << 20);
        let spans = (1..=2_000).map(|trace_id| Span { trace_id, span_id: 1, ..Span::default() }).collect();
        store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
        let ids: Vec<u128> = (1..=2_001).rev().collect();
        let (found, missing) = (Found::new(&store, &ids), RefCell::default());
        let found = Listed { found, by_id: true, raw: false, missing };
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
