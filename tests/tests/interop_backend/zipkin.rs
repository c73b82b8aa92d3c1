//! Spans as Zipkin's clients send them, in version 2 of its JSON.

use serde_json::{Value, json};

/// The services that they are found under.
pub(crate) const SERVICES: &[&str] = &["zipkin-front", "zipkin-back", "zipkin-bare"];

/// One request with all of them; `at` is µs since 1970.
pub(crate) fn all(at: i64) -> Value {
    let front = json!({"serviceName": "zipkin-front", "ipv4": "10.0.0.1", "port": 8080});
    let back = json!({"serviceName": "zipkin-back", "ipv4": "10.0.0.2"});
    let id = |id: u64| format!("{id:016x}");
    let trace = format!("{:032x}", 0x5000);
    json!([
        {
            "traceId": trace, "id": id(1), "name": "get /", "kind": "SERVER", "timestamp": at, "duration": 50_000,
            "localEndpoint": front, "remoteEndpoint": {"ipv4": "192.0.2.7", "port": 55_000},
            "tags": {"http.method": "GET", "http.path": "/"},
            "annotations": [{"timestamp": at + 5, "value": "wire.received"}, {"timestamp": at + 9, "value": "parsed"}],
        },
        {
            "traceId": trace, "parentId": id(1), "id": id(2), "name": "ask", "kind": "CLIENT", "timestamp": at + 1_000,
            "duration": 20_000, "localEndpoint": front, "remoteEndpoint": {"serviceName": "zipkin-back", "ipv4": "10.0.0.2", "port": 9000},
        },
        {
            "traceId": trace, "parentId": id(1), "id": id(2), "name": "answer", "kind": "SERVER", "timestamp": at + 2_000,
            "duration": 10_000, "localEndpoint": back, "shared": true,
        },
        {
            "traceId": trace, "parentId": id(2), "id": id(3), "name": "fail", "timestamp": at + 3_000, "duration": 1_000,
            "localEndpoint": back, "tags": {"error": "it broke", "n": "5"},
        },
        {
            "traceId": trace, "parentId": id(1), "id": id(4), "name": "send", "kind": "PRODUCER", "timestamp": at + 3_000, "duration": 1_000,
            "localEndpoint": front, "debug": true,
        },
        {
            "traceId": trace, "parentId": id(4), "id": id(5), "name": "take", "kind": "CONSUMER", "timestamp": at + 3_500, "duration": 100,
            "localEndpoint": back, "tags": {"http.status_code": "404"},
        },
        {
            "traceId": id(0x5001), "id": id(1), "name": "short ids", "timestamp": at, "duration": 1_000,
            "localEndpoint": {"serviceName": "zipkin-bare"}, "tags": {"error": ""},
        },
    ])
}
