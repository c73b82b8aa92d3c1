//! Which services there are, and which operations they have. Names are sorted; where there is nothing, Jaeger says `null` or an empty list, and so does this.

use axum::extract::{RawQuery, State};
use axum::http::Uri;

use super::answer::{Body, Envelope, Failure, Ready};
use super::parameters::SERVICE_REQUIRED;
use super::{BAD_ESCAPE, ask_briefly, query, segment};
use crate::app::App;
use crate::values::unescape;

/// `GET /api/services`
pub(super) async fn services(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    ask_briefly(&app, move |store| names(store.services()?, &query)).await
}

/// `GET /api/services/{service}/operations`: their names, each once.
pub(super) async fn names_of_operations(
    State(app): State<App>,
    uri: Uri,
    raw: RawQuery,
) -> Result<Ready, Failure> {
    let service = unescape(segment(&uri, 2)).ok_or_else(|| Failure::bad(BAD_ESCAPE))?;
    let query = query(raw);
    ask_briefly(&app, move |store| {
        let mut all: Vec<String> = store.operations(&service)?.into_iter().map(|one| one.name).collect();
        all.dedup();
        names(all, &query)
    })
    .await
}

fn names(names: Vec<String>, query: &crate::values::Query) -> Result<Body, Failure> {
    let total = names.len();
    Ok(Body::new(&Envelope::counted(Some(names).filter(|names| !names.is_empty()), total), query))
}

/// `GET /api/operations?service=&spanKind=`
pub(super) async fn operations(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let service = query.get("service").ok_or_else(|| Failure::bad(SERVICE_REQUIRED))?.to_owned();
    ask_briefly(&app, move |store| {
        let kind = query.get("spanKind");
        let mut all = store.operations(&service)?;
        all.retain(|one| kind.is_none_or(|kind| kind == one.kind));
        let total = all.len();
        let data: Vec<_> = all.iter().map(|one| OperationJson { name: &one.name, kind: &one.kind }).collect();
        Ok(Body::new(&Envelope::counted(data, total), &query))
    })
    .await
}

/// An operation, with one of its kinds.
#[derive(serde::Serialize)]
pub(super) struct OperationJson<'o> {
    pub(super) name: &'o str,
    #[serde(rename = "spanKind")]
    pub(super) kind: &'o str,
}
