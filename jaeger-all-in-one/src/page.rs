//! The web page: the files of `page/`, embedded by `build.rs` and served as they are.
//!
//! Every address of the page gives the same document, which finds its view by the address. Its files stand under a version
//! that changes with their content, so browsers keep them for ever and ask only for the document, which is small. They were
//! compressed when the program was built.
//!
//! The policy ([`POLICY`]) lets the page run its own scripts and nothing else: no inline script or style, no address but
//! this server's, no frame around it, and no way (trusted types) to turn text into markup. So a span's name, a tag, a link
//! that wants to be a script stays text, even if the page had a mistake.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What a browser lets the page do.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page's own addresses. `/trace/{id}` is also `/trace/{id}...{id}`, the comparison of two.
const ADDRESSES: [&str; 6] = ["/", "/search", "/trace/{id}", "/compare", "/dependencies", "/monitor"];

/// One file of the page; the table of them is sorted by path.
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
}

mod files {
    use super::File;

    include!(concat!(env!("OUT_DIR"), "/page.rs"));
}

/// The page's routes. They need no state: the page asks the API.
pub fn router() -> Router {
    ADDRESSES
        .iter()
        .fold(Router::new(), |router, address| router.route(address, get(document)))
        .route("/static/{version}/{*path}", get(file))
}

async fn document(headers: HeaderMap) -> Response {
    // Asked for each time, answered with nothing where the browser has it already.
    let Some(found) = find("index.html") else { return StatusCode::NOT_FOUND.into_response() };
    answer(found, &headers, "no-cache")
}

/// What a browser gets that is led to an address which is none: the page says so, below its own head. Not for who asks for files or the API.
pub(crate) fn missing(path: &str, headers: &HeaderMap) -> Option<Response> {
    let is_address = !["/api/", "/static/"].iter().any(|kept| path.starts_with(kept));
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if !is_address || !accepted.any(|kinds| kinds.contains("text/html")) {
        return None;
    }
    let mut fresh = headers.clone();
    fresh.remove(header::IF_NONE_MATCH);
    let mut answer = answer(find("index.html")?, &fresh, "no-store");
    *answer.status_mut() = StatusCode::NOT_FOUND;
    Some(answer)
}

async fn file(Path((version, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(found) = find(&path).filter(|file| file.path != "index.html") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // A page that was opened before the program was renewed gets the file of today, and keeps it under no false name.
    let keep = if version == files::VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer(found, &headers, keep)
}

fn find(path: &str) -> Option<&'static File> {
    files::FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| &files::FILES[at])
}

fn answer(file: &'static File, asked: &HeaderMap, keep: &'static str) -> Response {
    let tag = format!("\"{}\"", files::VERSION);
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    let packed = file.gzip.filter(|_| takes_gzip(asked));
    let mut answer = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Bytes::from_static(packed.unwrap_or(file.bytes)).into_response()
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if packed.is_some() && !known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

/// Whether `gzip` is among the encodings asked for, and not with weight zero.
fn takes_gzip(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts.any(|part| {
                part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
            });
            (name.eq_ignore_ascii_case("gzip") || name == "*") && !refused
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn every_file_that_the_document_names_is_there() {
        let document = std::str::from_utf8(find("index.html").unwrap().bytes).unwrap();
        let prefix = format!("/static/{}/", files::VERSION);
        let named: Vec<_> = document
            .match_indices(&prefix)
            .map(|(at, _)| document[at + prefix.len()..].split('"').next().unwrap())
            .collect();
        assert!(named.len() > 10, "{named:?}");
        for path in &named {
            assert!(find(path).is_some(), "{path}");
        }
        assert_eq!(document.matches("/static/").count(), named.len(), "an address without version");
        assert!(!document.contains("<style") && !document.contains("onclick"), "the policy would refuse it");
    }

    #[test]
    fn every_module_that_a_module_imports_is_there() {
        for file in files::FILES.iter().filter(|file| file.path.ends_with(".js")) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let directory = file.path.rsplit_once('/').unwrap().0;
            for piece in text.split("from \"").skip(1).chain(text.split("import(\"").skip(1)) {
                let named = piece.split('"').next().unwrap();
                let mut path: Vec<&str> = directory.split('/').collect();
                for part in named.split('/') {
                    match part {
                        "." => {}
                        ".." => drop(path.pop()),
                        part => path.push(part),
                    }
                }
                assert!(find(&path.join("/")).is_some(), "{} imports {named}", file.path);
            }
        }
    }

    #[test]
    fn nothing_in_the_page_makes_markup_or_code_of_text() {
        for file in files::FILES.iter().filter(|file| file.path.ends_with(".js")) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for bad in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "setAttribute(\"style\"",
            ] {
                assert!(!text.contains(bad), "{} has {bad}", file.path);
            }
        }
    }

    #[test]
    fn compressed_where_asked_and_smaller() {
        let script = find("js/main.js").unwrap();
        let plain = answer(script, &asked(&[]), "no-cache");
        assert_eq!(plain.headers().get(header::CONTENT_ENCODING), None);
        for (words, packed) in [
            ("gzip, br", true),
            ("br;q=1.0, gzip;q=0.2", true),
            ("*", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let answered = answer(script, &asked(&[(header::ACCEPT_ENCODING, words)]), "no-cache");
            assert_eq!(answered.headers().contains_key(header::CONTENT_ENCODING), packed, "{words}");
        }
        assert!(script.gzip.unwrap().len() * 2 < script.bytes.len());
    }

    #[test]
    fn known_files_are_not_sent_again() {
        let script = find("js/main.js").unwrap();
        let first = answer(script, &asked(&[]), "no-cache");
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(
            answer(script, &asked(&[(header::IF_NONE_MATCH, &tag)]), "no-cache").status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(
            answer(script, &asked(&[(header::IF_NONE_MATCH, "\"other\"")]), "no-cache").status(),
            StatusCode::OK
        );
    }
}
