//! The shape of answers: data in an envelope, failures in the same one, as Jaeger's callers expect them.
//!
//! A failure is JSON too, but says `text/plain` and ends with a newline; what reads Jaeger relies on neither, what compares with it sees both.

use std::hash::{DefaultHasher, Hasher as _};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json;
use crate::answers::{Answer, Answers, Pieces};
use crate::questions::Unanswered;
use crate::store::StoreError;
use crate::values::Query;

/// What every answer of `/api` is wrapped in.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T, E = Option<Vec<Fault>>> {
    pub(super) data: T,
    pub(super) total: usize,
    pub(super) limit: usize,
    pub(super) offset: usize,
    pub(super) errors: E,
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

/// JSON that is written.
#[derive(Debug)]
pub(super) struct Body {
    pieces: Vec<Bytes>,
    tag: Option<u64>,
}

impl Body {
    /// Writes an answer, in lines if the request asks for `prettyPrint`.
    pub(super) fn new(value: &impl Serialize, query: &Query) -> Body {
        let mut pieces = Pieces::new();
        json::write_to(&mut pieces, value, pretty(query));
        Body { pieces: pieces.end(), tag: None }
    }

    /// The same for what may fail while it is written, or become larger than `most` bytes.
    pub(super) fn try_new(value: &impl Serialize, query: &Query, most: usize) -> serde_json::Result<Body> {
        let mut pieces = Pieces::at_most(most);
        json::try_write_to(&mut pieces, value, pretty(query))?;
        Ok(Body { pieces: pieces.end(), tag: None })
    }

    /// The same, with a tag of its content.
    pub(super) fn tagged(self) -> Body {
        let mut hasher = DefaultHasher::new();
        self.pieces.iter().for_each(|piece| hasher.write(piece));
        Body { tag: Some(hasher.finish()), ..self }
    }

    /// Ready to be sent, once there is room for it among what is still to be taken.
    pub(super) fn wait(self, answers: &Answers) -> Result<Ready, Failure> {
        let full =
            || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many answers are on their way; ask again");
        Ok(Ready { answer: answers.hold(self.pieces).ok_or_else(full)?, tag: self.tag })
    }

    /// The same for what is always small.
    pub(super) fn small(self) -> Ready {
        Ready { answer: Answer::small(self.pieces), tag: self.tag }
    }
}

fn pretty(query: &Query) -> bool {
    query.get("prettyPrint").is_some_and(|value| value != "false")
}

/// JSON, ready to be sent.
pub(super) struct Ready {
    answer: Answer,
    tag: Option<u64>,
}

impl Ready {
    /// Only says that it has not changed, if the request names its tag.
    pub(super) fn unless_known(self, request: &HeaderMap) -> Response {
        let Some(tag) = self.tag.map(|tag| format!("W/\"{tag:016x}\"")) else { return self.into_response() };
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

impl IntoResponse for Ready {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], axum::body::Body::new(self.answer)).into_response()
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
