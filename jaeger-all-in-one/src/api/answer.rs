//! The shape of answers: data in an envelope, failures in the same one, as Jaeger's callers expect them.
//!
//! A failure is JSON too, but says `text/plain` and ends with a newline; what reads Jaeger relies on neither, what compares with it sees both.

use std::hash::{DefaultHasher, Hasher as _};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json;
use crate::questions::Unanswered;
use crate::store::StoreError;
use crate::values::Query;

/// What every answer of `/api` is wrapped in.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
    pub(super) total: usize,
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) errors: Option<Vec<Fault>>,
}

/// One of an answer's errors.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl<T> Envelope<T> {
    /// Data without a count, as traces and dependencies have it.
    pub(super) fn of(data: T) -> Envelope<T> {
        Envelope { data, total: 0, limit: 0, offset: 0, errors: None }
    }

    /// Data with its count.
    pub(super) fn counted(data: T, total: usize) -> Envelope<T> {
        Envelope { total, ..Envelope::of(data) }
    }
}

impl Fault {
    /// A trace that was asked for by its id and is not there.
    pub(super) fn missing(trace_id: String) -> Fault {
        Fault { code: None, msg: "trace not found".to_owned(), trace_id: Some(trace_id) }
    }
}

/// JSON, ready to be sent.
#[derive(Debug)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    /// Writes an answer, in lines if the request asks for `prettyPrint`.
    pub(super) fn new(value: &impl Serialize, query: &Query) -> Body {
        Body(json::write(value, query.get("prettyPrint").is_some_and(|value| value != "false")))
    }

    /// Sends it with a tag of its content; or only says that it has not changed, if the request names that tag.
    pub(super) fn unless_known(self, request: &HeaderMap) -> Response {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.0);
        let tag = format!("W/\"{:016x}\"", hasher.finish());
        let known = request.get_all(header::IF_NONE_MATCH).iter().any(|list| {
            list.to_str().is_ok_and(|list| list.split(',').any(|one| one.trim() == tag || one.trim() == "*"))
        });
        let mut response =
            if known { StatusCode::NOT_MODIFIED.into_response() } else { self.into_response() };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// Why a request got no data.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    /// What was asked is wrong.
    pub(super) fn bad(message: impl Into<String>) -> Failure {
        Failure { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// One parameter is wrong.
    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Failure {
        Failure::bad(format!("unable to parse param '{name}': {why}"))
    }

    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into() }
    }

    pub(super) fn trace_not_found() -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "trace not found")
    }

    /// The same in the words of `/api/v3`.
    pub(super) fn v3(self) -> FailureV3 {
        FailureV3(self)
    }
}

impl From<Unanswered> for Failure {
    fn from(why: Unanswered) -> Failure {
        match why {
            Unanswered::Failed(error) => error.into(),
            Unanswered::Busy => Failure::new(StatusCode::SERVICE_UNAVAILABLE, why.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

fn plain(status: StatusCode, value: &impl Serialize) -> Response {
    let mut body = json::write(value, false);
    body.push(b'\n');
    let mut response = (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        // Its place among the connections is for somebody else.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let fault = Fault { code: Some(self.status.as_u16()), msg: self.message, trace_id: None };
        plain(self.status, &Envelope { errors: Some(vec![fault]), ..Envelope::of(()) })
    }
}

/// A failure as `/api/v3` tells it: `{"error":{"httpCode":404,"message":"…"}}`.
#[derive(Debug)]
pub(super) struct FailureV3(Failure);

impl IntoResponse for FailureV3 {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Outer {
            error: Inner,
        }
        #[derive(Serialize)]
        struct Inner {
            #[serde(rename = "httpCode")]
            code: u16,
            message: String,
        }
        let Failure { status, message } = self.0;
        plain(status, &Outer { error: Inner { code: status.as_u16(), message } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_many_is_sent_away_with_the_connection() {
        let response = Failure::from(Unanswered::Busy).into_response();
        assert_eq!(
            (response.status(), &response.headers()["connection"]),
            (StatusCode::SERVICE_UNAVAILABLE, &HeaderValue::from_static("close"))
        );
    }

    #[test]
    fn envelopes() {
        let text = |value: &dyn Fn() -> Vec<u8>| String::from_utf8(value()).unwrap();
        assert_eq!(
            text(&|| json::write(&Envelope::counted(["a"], 1), false)),
            r#"{"data":["a"],"total":1,"limit":0,"offset":0,"errors":null}"#
        );
        let missing = Envelope { errors: Some(vec![Fault::missing("1".into())]), ..Envelope::of([0; 0]) };
        assert_eq!(
            text(&|| json::write(&missing, false)),
            r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":[{"msg":"trace not found","traceID":"1"}]}"#
        );
    }
}
