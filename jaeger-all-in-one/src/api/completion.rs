//! Keys and values of tags, for completing what somebody types: `/api/tags`, `/api/tags/{key}/values`. Not Jaeger's; ours.
//!
//! The newest spans are looked at, up to a number, so that an answer stays quick in a full store. Keys and values come sorted, values as the text that a
//! search compares. Parameters: `service`, `operation`, `prefix`, `limit`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use axum::extract::{RawQuery, State};
use axum::http::Uri;
use jaeger_thrift::{Process, Span, Tag};

use super::answer::{Body, Envelope, Failure, Ready};
use super::{BAD_ESCAPE, ask, query, segment};
use crate::app::App;
use crate::rules::value_text;
use crate::store::Scan;
use crate::values::{Query, parse_int, unescape};

/// Spans looked at, at most.
const SPANS: usize = 50_000;
/// Answers given where nothing is said, and at most.
const LIMIT: i64 = 50;
const MOST: i64 = 1_000;
/// Longer values complete nothing that somebody would type.
const LONGEST: usize = 256;

/// `GET /api/tags`
pub(super) async fn keys(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    collect(&app, query(raw), |tag, prefix, found| {
        if tag.key.starts_with(prefix) && !found.contains(&*tag.key) {
            found.insert(tag.key.clone().into_owned());
        }
    })
    .await
}

/// `GET /api/tags/{key}/values`
pub(super) async fn values(State(app): State<App>, uri: Uri, raw: RawQuery) -> Result<Ready, Failure> {
    let key = unescape(segment(&uri, 2)).ok_or_else(|| Failure::bad(BAD_ESCAPE))?;
    collect(&app, query(raw), move |tag, prefix, found| {
        if tag.key == key {
            let text = value_text(&tag.value);
            if text.len() <= LONGEST && text.starts_with(prefix) && !found.contains(&*text) {
                found.insert(text.into_owned());
            }
        }
    })
    .await
}

async fn collect<F>(app: &App, query: Query, each: F) -> Result<Ready, Failure>
where
    F: Fn(&Tag<'_>, &str, &mut BTreeSet<String>) + Send + 'static,
{
    let limit = match query.get("limit") {
        Some(text) => parse_int(text, 32).map_err(|why| Failure::parameter("limit", why))?,
        None => LIMIT,
    };
    let limit = limit.clamp(1, MOST) as usize;
    ask(app, move |store| {
        let range = Scan { service: query.get("service").map(str::to_owned), ..Scan::default() };
        let (operation, prefix) = (query.get("operation"), query.get("prefix").unwrap_or_default());
        let mut found = BTreeSet::new();
        let mut left = SPANS;
        store.scan(&range, &mut |process, span| {
            if operation.is_none_or(|operation| operation == span.operation_name) {
                tags(process, span).for_each(|tag| each(tag, prefix, &mut found));
                // The last in order make room, so that memory is bounded by what is answered.
                while found.len() > limit {
                    found.pop_last();
                }
            }
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let total = found.len();
        Ok(Body::new(&Envelope::counted(found, total), &query))
    })
    .await
}

/// All that a search for a tag looks at.
fn tags<'s>(process: &'s Process<'_>, span: &'s Span<'_>) -> impl Iterator<Item = &'s Tag<'s>> {
    span.tags.iter().chain(&process.tags).chain(span.logs.iter().flat_map(|log| &log.fields))
}
