//! What stands around every route, the page's too: who may ask, what a browser may do with an answer, and compression.
//!
//! The program has no log-in, so a page from elsewhere that a browser shows must get nothing out of it:
//! - A name that is not this machine's is refused (403, counted): with DNS rebinding a page makes its own name mean this machine, and then the browser takes
//!   the answers for the page's own. Addresses, `localhost`, names without a dot (as containers have; nobody can register them) and those of
//!   [`Config::allowed_hosts`](crate::Config) are ours.
//! - A request that a page of another origin makes is refused, and no answer allows one (CORS).
//! - Answers say that they are no script, no frame, nobody else's resource. The page sets its own Content-Security-Policy; what sets none may load nothing.
//!
//! Answers of 1 KiB and more are compressed, but not big ones to a browser on the same machine, where that costs more than it saves.

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::Predicate;

use super::answer::Failure;
use crate::app::App;

/// Answers smaller than this are not worth compressing, in bytes.
const SMALL: u64 = 1 << 10;
/// Nor, to the same machine, those larger than this.
const LARGE: u64 = 1 << 20;

/// Puts a router behind all of this.
pub fn protect(router: Router, app: &App) -> Router {
    router
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(WorthIt))
}

/// Marks an answer to the same machine.
#[derive(Clone, Copy)]
struct Near;

#[derive(Clone, Copy)]
struct WorthIt;

impl Predicate for WorthIt {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let streams =
            response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let size = response.body().size_hint().exact().unwrap_or(u64::MAX);
        let too_large = size > LARGE && response.extensions().get::<Near>().is_some();
        !streams && size >= SMALL && !too_large
    }
}

async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let host = host(request.headers(), request.uri());
    let mut near = false;
    if let Some(host) = &host {
        if !is_ours(host, &app.config.allowed_hosts) {
            app.counters.refused_host();
            let message = format!(
                "{host:?} is not a name of this program; if it is to be, start it with --allow-host {host}"
            );
            return Failure::new(StatusCode::FORBIDDEN, message).into_response();
        }
        near = is_near(host);
    }
    if let Some(origin) = request.headers().get(header::ORIGIN)
        && !is_same(origin, request.headers(), request.uri())
    {
        let message = "pages of another origin may not ask here";
        return Failure::new(StatusCode::FORBIDDEN, message).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    if near {
        response.extensions_mut().insert(Near);
    }
    response
}

/// The name under which the request came, without its port. `None` if it has none, as in HTTP/1.0; a browser always has.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let named = match uri.host() {
        Some(host) => host.to_owned(),
        // What is no text is nobody's name.
        None => headers.get(header::HOST)?.to_str().unwrap_or("?").to_owned(),
    };
    Some(without_port(&named).trim_end_matches('.').to_ascii_lowercase())
}

fn without_port(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None if authority.matches(':').count() > 1 => authority,
        None => authority.rsplit_once(':').map_or(authority, |(name, _)| name),
    }
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host.ends_with(".localhost")
        || (!host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
        || allowed.iter().any(|one| one.eq_ignore_ascii_case(host))
}

/// Whether the name means the machine that asks.
fn is_near(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether the page that asks came from here: its origin names the same host and port.
fn is_same(origin: &HeaderValue, headers: &HeaderMap, uri: &Uri) -> bool {
    let authority = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|host| host.to_str().ok()),
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((origin, authority), (Some(origin), Some(here)) if origin.eq_ignore_ascii_case(here))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        let allowed = ["traces.example.org".to_owned()];
        for host in [
            "localhost",
            "127.0.0.1",
            "10.1.2.3",
            "::1",
            "a.localhost",
            "jaeger",
            "my_box-2",
            "traces.example.org",
        ] {
            assert!(is_ours(host, &allowed), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.nip.io", "localhost.evil", "", "?", "a b", "1.2.3.4.5"] {
            assert!(!is_ours(host, &allowed), "{host}");
        }
    }

    #[test]
    fn hosts_with_ports() {
        for (authority, name) in [
            ("localhost:16686", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:16686", "::1"),
            ("::1", "::1"),
            ("evil.example:80", "evil.example"),
        ] {
            assert_eq!(without_port(authority), name);
        }
        let told = |host| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            super::host(&headers, &Uri::from_static("/"))
        };
        assert_eq!(told("LocalHost.:1").as_deref(), Some("localhost"));
        assert_eq!(host(&HeaderMap::new(), &Uri::from_static("/")), None);
        assert_eq!(
            host(&HeaderMap::new(), &Uri::from_static("http://evil.example/")).as_deref(),
            Some("evil.example")
        );
    }

    #[test]
    fn origins() {
        let same = |origin| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:16686"));
            is_same(&HeaderValue::from_static(origin), &headers, &Uri::from_static("/"))
        };
        assert!(same("http://localhost:16686"));
        for origin in ["http://localhost:3000", "http://evil.example", "null", ""] {
            assert!(!same(origin), "{origin}");
        }
    }
}
