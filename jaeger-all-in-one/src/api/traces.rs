//! Whole traces: found by what a span of them is like, by their ids, or given and shown.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use jaeger_thrift::Batch;

use super::answer::{Body, Envelope, Failure, Fault, Ready};
use super::parameters::{self, Search};
use super::trace_json::TraceJson;
use super::{ask, now, query, segment};
use crate::app::App;
use crate::receive::body;
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
        let raw = search.raw;
        let mut missing = Vec::new();
        let found = if search.ids.is_empty() {
            store.traces(&store.find(&search.limited()?)?)?
        } else {
            let found = store.traces(&search.ids)?;
            let is_there = |id: &u128| found.iter().any(|trace| trace.trace_id == *id);
            missing.extend(
                search.ids.iter().filter(|id| !is_there(id)).map(|id| Fault::missing(trace_id_text(*id))),
            );
            found
        };
        let errors = Some(missing).filter(|missing| !missing.is_empty());
        Ok(write(found, errors, raw, &query))
    })
    .await
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
        Ok(write(found, None, raw, &query).tagged())
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
        Ok(write(traces_of(batches), None, true, &query))
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

fn write(found: Vec<Trace>, errors: Option<Vec<Fault>>, raw: bool, query: &Query) -> Body {
    let shown: Vec<ShownTrace> = found.into_iter().map(|trace| show(trace, raw, Version::One)).collect();
    let data: Vec<TraceJson<'_>> = shown.iter().map(TraceJson::new).collect();
    Body::new(&Envelope { errors, ..Envelope::of(data) }, query)
}
