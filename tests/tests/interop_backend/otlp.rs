//! Spans as OpenTelemetry's clients send them, in JSON: one request for every rule by which Jaeger turns them into its own form.

use serde_json::{Value, json};

/// A request, and the services that its spans are found under.
pub(crate) struct Request {
    pub(crate) body: Value,
    pub(crate) services: &'static [&'static str],
}

/// A string attribute.
fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// A span of 10 ms; `at` is µs since 1970.
fn span(trace: u128, id: u64, at: i64, more: Value) -> Value {
    let start = (i128::from(at) + i128::from(id) * 1_000) * 1_000;
    let mut span = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "name": format!("op{id}"),
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + 10_000_000).to_string(),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        span[key] = value.clone();
    }
    span
}

fn resource(attributes: &[Value], scopes: Value) -> Value {
    json!({"resource": {"attributes": attributes}, "scopeSpans": scopes})
}

fn request(services: &'static [&'static str], attributes: &[Value], spans: Value) -> Request {
    let scopes = json!([{"scope": {}, "spans": spans}]);
    Request { body: json!({"resourceSpans": [resource(attributes, scopes)]}), services }
}

/// All of them; trace ids begin where Thrift's end.
pub(crate) fn all(at: i64) -> Vec<Request> {
    vec![
        kinds(0x4000, at),
        statuses(0x4100, at),
        values(0x4200, at),
        links(0x4300, at),
        scopes(0x4400, at),
        services(0x4500, at),
        spellings(0x4600, at),
        family(0x4700, at),
        doubled(0x4800, at),
    ]
}

fn kinds(trace: u128, at: i64) -> Request {
    let kinds = [json!(0), json!(1), json!(2), json!(3), json!(4), json!(5), json!("SPAN_KIND_CLIENT")];
    let spans: Vec<Value> =
        (1..).zip(kinds).map(|(id, kind)| span(trace, id, at, json!({ "kind": kind }))).collect();
    request(&["otlp-kinds"], &[text("service.name", "otlp-kinds"), text("hostname", "kept")], spans.into())
}

fn statuses(trace: u128, at: i64) -> Request {
    let failed = json!({"code": 2, "message": "boom"});
    let error = |value: Value| json!({"attributes": [{"key": "error", "value": value}]});
    let spans = json!([
        span(trace, 1, at, json!({"status": {}})),
        span(trace, 2, at, json!({"status": {"code": 1}})),
        span(trace, 3, at, json!({"status": failed, "traceState": "a=b,c=d"})),
        span(trace, 4, at, json!({"status": {"code": "STATUS_CODE_ERROR"}})),
        span(trace, 5, at, json!({"status": {"message": "alone"}})),
        span(trace, 6, at, error(json!({"boolValue": true}))),
        span(trace, 7, at, json!({"attributes": [{"key": "http.status_code", "value": {"intValue": 500}}]})),
    ]);
    request(&["otlp-statuses"], &[text("service.name", "otlp-statuses")], spans)
}

fn values(trace: u128, at: i64) -> Request {
    let list = json!({"arrayValue": {"values": [
        {"stringValue": "a<b"}, {"intValue": "1"}, {"doubleValue": 2.0}, {"boolValue": true}, {"bytesValue": "AQI="}, {},
        {"arrayValue": {"values": []}}, {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}},
    ]}});
    let map = json!({"kvlistValue": {"values": [
        {"key": "z", "value": {"stringValue": "1"}}, {"key": "a", "value": {"doubleValue": 0.5}},
    ]}});
    let attributes = json!([
        {"key": "int.text", "value": {"intValue": "9007199254740993"}},
        {"key": "int.number", "value": {"intValue": 7}},
        {"key": "double", "value": {"doubleValue": 1.5}},
        {"key": "double.whole", "value": {"doubleValue": 5}},
        {"key": "bool", "value": {"boolValue": false}},
        {"key": "bytes", "value": {"bytesValue": "/wA="}},
        {"key": "nothing", "value": {}},
        {"key": "list", "value": list},
        {"key": "map", "value": map},
        text("text", "ü"),
    ]);
    let events = json!([
        {"timeUnixNano": (at * 1_000).to_string(), "name": "named", "attributes": [text("k", "v"), text("a", "b")]},
        {"timeUnixNano": (at * 1_000 + 5_000).to_string(), "name": "bare"},
        {"timeUnixNano": (at * 1_000 + 9_000).to_string(), "attributes": [text("event", "by hand")]},
        {"timeUnixNano": (at * 1_000 + 9_000).to_string(), "name": "both", "attributes": [text("event", "by hand")]},
    ]);
    let spans = json!([span(trace, 1, at, json!({"attributes": attributes, "events": events}))]);
    request(&["otlp-values"], &[text("service.name", "otlp-values"), text("z", "1"), text("a", "2")], spans)
}

fn links(trace: u128, at: i64) -> Request {
    let link = |trace: u128, id: u64, kind: &str| {
        let attributes =
            if kind.is_empty() { json!([]) } else { json!([text("opentracing.ref_type", kind)]) };
        json!({"traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "attributes": attributes})
    };
    let parent = format!("{:016x}", 1);
    let spans = json!([
        span(trace, 1, at, json!({})),
        span(trace, 2, at, json!({"parentSpanId": parent, "links": [link(0xbeef, 7, "")]})),
        span(
            trace,
            3,
            at,
            json!({"parentSpanId": parent, "links": [link(0xbeef, 7, "child_of"), link(trace, 2, "")]})
        ),
        span(trace, 4, at, json!({"parentSpanId": parent, "links": [link(trace, 1, "")]})),
        span(trace, 5, at, json!({"links": [link(0xbeef, 8, "follows_from"), link(1 << 64, 9, "odd")]})),
    ]);
    request(&["otlp-links"], &[text("service.name", "otlp-links"), text("ip", "10.0.0.1")], spans)
}

fn scopes(trace: u128, at: i64) -> Request {
    let scopes = json!([
        {"scope": {"name": "lib", "version": "1.2"}, "spans": [span(trace, 1, at, json!({}))]},
        {"scope": {"name": "other"}, "spans": [span(trace, 2, at, json!({}))]},
        {"spans": [span(trace, 3, at, json!({}))]},
    ]);
    let body = json!({"resourceSpans": [resource(&[text("service.name", "otlp-scopes")], scopes)]});
    Request { body, services: &["otlp-scopes"] }
}

/// Resources that do not name a service.
fn services(trace: u128, at: i64) -> Request {
    let of = |n: u128, attributes: &[Value]| {
        resource(attributes, json!([{"spans": [span(trace + n, 1, at, json!({}))]}]))
    };
    let number = json!({"key": "service.name", "value": {"intValue": 5}});
    let all = [of(0, &[text("a", "b")]), of(1, &[text("service.name", "")]), of(2, &[number])];
    let body = json!({ "resourceSpans": all });
    Request { body, services: &["missing-service-name", "empty-service-name", "service-name-wrong-type"] }
}

/// Names in snake case, numbers for text, and fields that nobody knows.
fn spellings(trace: u128, at: i64) -> Request {
    let body = json!({
        "resource_spans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"string_value": "otlp-spellings"}}], "unknown": 1},
            "scope_spans": [{"spans": [{
                "trace_id": format!("{trace:032X}"),
                "span_id": format!("{:016x}", 1),
                "name": "snake",
                "start_time_unix_nano": at * 1_000,
                "end_time_unix_nano": at * 1_000 + 2_000_000,
                "attributes": [{"key": "n", "value": {"int_value": 5}}],
                "unknown": {"a": [1]},
            }]}],
            "schema_url": "x",
        }],
        "unknown": null,
    });
    Request { body, services: &["otlp-spellings"] }
}

/// Parents and children over two services.
fn family(trace: u128, at: i64) -> Request {
    let parent = |id: u64| json!({"parentSpanId": format!("{id:016x}"), "kind": 2, "endTimeUnixNano": ((at + 7_000) * 1_000).to_string()});
    let of =
        |service: &str, spans: Value| resource(&[text("service.name", service)], json!([{ "spans": spans }]));
    let body = json!({"resourceSpans": [
        of("otlp-front", json!([span(trace, 1, at, json!({}))])),
        of("otlp-back", json!([span(trace, 2, at, parent(1)), span(trace, 3, at, parent(2))])),
    ]});
    Request { body, services: &["otlp-front", "otlp-back"] }
}

/// An id that two services gave to a span, the later one first, and a span below them.
fn doubled(trace: u128, at: i64) -> Request {
    // Within both, so that clocks say nothing.
    let end = ((at + 7_000) * 1_000).to_string();
    let below = json!({"parentSpanId": format!("{:016x}", 2), "endTimeUnixNano": end});
    let of =
        |service: &str, span: Value| resource(&[text("service.name", service)], json!([{ "spans": [span] }]));
    let body = json!({"resourceSpans": [
        of("otlp-first", span(trace, 2, at + 1_000, json!({}))),
        of("otlp-earlier", span(trace, 2, at, json!({}))),
        of("otlp-below", span(trace, 3, at, below)),
    ]});
    Request { body, services: &["otlp-first", "otlp-earlier", "otlp-below"] }
}
