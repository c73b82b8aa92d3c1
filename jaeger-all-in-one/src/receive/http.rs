//! What the ports that take spans in over HTTP have in common: what a request and an answer are, and which requests are none of theirs.
//!
//! They stand directly on hyper, without the router and the layers that the query port has: a request brings some hundred spans every few milliseconds, and
//! finds the caches cold each time, so that every layer between a connection and its port costs more than reading ten spans.

use axum::body::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode};

/// What is asked.
pub(crate) type Request = hyper::Request<Incoming>;
/// What is answered.
pub(crate) type Answer = hyper::Response<Full<Bytes>>;

/// An answer; without a type of content if that is empty.
pub(super) fn answer(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(Full::new(text.into()));
    *answer.status_mut() = status;
    if !kind.is_empty() {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    answer
}

/// An answer in plain text.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain; charset=utf-8", text)
}

/// What is answered to a request that is not to post something to one of these paths, or that a page in a browser makes: none is served here, so it came from
/// elsewhere.
pub(super) fn refused(request: &Request, paths: &[&str]) -> Option<Answer> {
    if request.headers().contains_key(header::ORIGIN) {
        return Some(text(StatusCode::FORBIDDEN, "pages in a browser may not send here\n"));
    }
    if !paths.contains(&request.uri().path()) {
        return Some(answer(StatusCode::NOT_FOUND, "", ""));
    }
    if request.method() != Method::POST {
        let mut refused = answer(StatusCode::METHOD_NOT_ALLOWED, "", "");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(refused);
    }
    None
}
