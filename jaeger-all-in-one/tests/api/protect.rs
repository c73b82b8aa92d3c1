//! Who may ask: FAULTS 48, and what §0 of Jaeger's faults says of connections.

use std::io::Read as _;

use jaeger_all_in_one::Config;
use jaeger_thrift::{Span, Tag};

use super::http::Connection;
use super::{Asked, now, span};

#[test]
fn a_name_that_is_not_ours_gets_nothing() {
    let asked =
        Asked::with(Config { allowed_hosts: vec!["traces.example.org".to_owned()], ..Config::free_ports() });
    let port = asked.address().port();
    let by = |host: &str| asked.ask("GET", "/api/services", &[("Host", host)], "");
    for host in ["127.0.0.1", "localhost", "[::1]", "jaeger", "a.localhost", "10.0.0.7", "Traces.Example.Org"]
    {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            assert_eq!(by(&host).status, 200, "{host}");
        }
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "traces.example.org.evil.example",
        "",
    ] {
        let answer = by(host);
        assert_eq!(answer.status, 403, "{host}");
        assert_eq!(answer.json()["errors"][0]["code"], 403, "{host}");
    }
    // The page neither, nor what is not there.
    for path in ["/", "/metrics", "/nothing"] {
        assert_eq!(asked.ask("GET", path, &[("Host", "evil.example")], "").status, 403, "{path}");
    }
    let metrics = asked.get("/metrics").text();
    assert!(metrics.contains("\njaeger_query_refused_hosts_total 8\n"), "{metrics}");
}

#[test]
fn pages_of_others_get_nothing() {
    let asked = Asked::start();
    let here = format!("http://{}", asked.address());
    for origin in ["http://evil.example", "null", "http://localhost:3000", "https://127.0.0.1"] {
        for (method, path) in
            [("GET", "/api/services"), ("POST", "/api/archive/1"), ("OPTIONS", "/api/services")]
        {
            let answer = asked.ask(method, path, &[("Origin", origin)], "");
            assert_eq!(answer.status, 403, "{method} {path} {origin}");
            assert!(!answer.has_header("access-control-"), "{answer:?}");
        }
    }
    let answer = asked.ask("GET", "/api/services", &[("Origin", &here)], "");
    assert_eq!(answer.status, 200);
    assert!(!answer.has_header("access-control-"), "{answer:?}");
}

#[test]
fn answers_say_what_a_browser_may_do() {
    let asked = Asked::start();
    for path in ["/api/services", "/api/nothing", "/", "/metrics"] {
        let answer = asked.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
    }
}

#[test]
fn no_path_leads_out() {
    let asked = Asked::start();
    for path in [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/../../etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/Cargo.toml",
        "/static/..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/static//etc/passwd",
        "/static/%00",
        "/api/traces/..%2f..%2fetc%2fpasswd",
        "/api/tags/..%2f..%2fetc%2fpasswd/values/..",
    ] {
        let answer = asked.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[test]
fn a_connection_is_kept() {
    let asked = Asked::start();
    let mut connection = Connection::to(asked.address());
    for path in ["/api/services", "/api/traces", "/api/nothing", "/api/services"] {
        let answer = connection.ask("GET", path, &[], "");
        assert_ne!(answer.header("connection"), "close", "{path}");
    }
}

#[test]
fn what_is_worth_it_is_compressed() {
    let asked = Asked::start();
    let tags = |text: &'static str| vec![Tag::new("text", text)];
    let spans = (1..50).map(|id| Span { tags: tags("the same again and again"), ..span(7, id, 0, now()) });
    asked.take("shop", vec![], spans.collect());
    let gzip = [("Accept-Encoding", "gzip")];
    let plain = asked.get("/api/traces/7");
    assert_eq!(plain.header("content-encoding"), "");
    let packed = asked.ask("GET", "/api/traces/7", &gzip, "");
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() * 5 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).expect("it is gzip");
    assert_eq!(unpacked, plain.body);
    // Not worth it: a few bytes.
    assert_eq!(asked.ask("GET", "/api/services", &gzip, "").header("content-encoding"), "");
}
