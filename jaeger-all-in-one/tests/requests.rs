//! What the ports that take spans in over HTTP answer to what is no request of theirs.

mod common;

use common::request;
use jaeger_all_in_one::{Backend, Config};

#[test]
fn what_is_no_request_of_a_port_is_told_so() {
    let backend = Backend::start(Config::free_ports()).expect("loopback has free ports");
    for (port, path, kind, body) in [
        ("thrift_http", "/api/traces", "application/x-thrift", &b""[..]),
        ("otlp_http", "/v1/traces", "application/x-protobuf", b""),
        ("zipkin", "/api/v2/spans", "application/json", b"[]"),
        ("zipkin", "/api/v1/spans", "application/json", b"[]"),
    ] {
        let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
            request(backend.address(port).unwrap(), method, path, headers, body)
        };
        for method in ["GET", "PUT", "OPTIONS"] {
            let reply = ask(method, path, &[("Content-Type", kind)]);
            assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{port} {method}");
        }
        for other in ["/", "/v1", "/api/traces/", "/v1/traces/x"] {
            assert_eq!(ask("POST", other, &[("Content-Type", kind)]).status, 404, "{port} {other}");
        }
        assert_eq!(ask("POST", path, &[("Content-Type", kind), ("Origin", "null")]).status, 403, "{port}");
        // A query says nothing, and is no other path.
        let reply = ask("POST", &format!("{path}?format=jaeger.thrift"), &[("Content-Type", kind)]);
        // No batch is empty.
        let status =
            [("thrift_http", 400), ("otlp_http", 200), ("zipkin", 202)].into_iter().find(|one| one.0 == port);
        assert_eq!(Some((port, reply.status)), status);
    }
}
