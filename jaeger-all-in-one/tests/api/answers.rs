//! What the API answers, beyond what the comparison with the real Jaeger covers: what is ours alone, and what ours does better.

use jaeger_thrift::{Log, Span, Tag};
use serde_json::{Value, json};

use super::{Asked, now, span};

#[test]
fn an_empty_store() {
    let asked = Asked::start();
    let empty = json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": null});
    assert_eq!(asked.get("/api/services").json(), empty);
    assert_eq!(asked.get("/api/services/s/operations").json(), empty);
    assert_eq!(asked.data("/api/traces?service=s"), json!([]));
    assert_eq!(asked.data("/api/dependencies"), json!([]));
    assert_eq!(asked.data("/api/tags"), json!([]));
    assert_eq!(asked.get("/api/v3/services").json(), json!({"services": []}));
    assert_eq!(asked.get("/api/v3/trace-summaries").json(), json!({"summaries": []}));
}

#[test]
fn what_is_not_there_and_what_is_not_taken() {
    let asked = Asked::start();
    for path in ["/api", "/api/", "/api/nothing", "/api/traces/", "/nothing", "/api/v3/x"] {
        let answer = asked.get(path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, "text/plain; charset=utf-8"),
            "{path}"
        );
        let errors = json!([{"code": 404, "msg": format!("there is nothing at {path}")}]);
        assert_eq!(answer.json()["errors"], errors, "{path}");
    }
    for (method, path, allowed) in [
        ("POST", "/api/services", "GET,HEAD"),
        ("DELETE", "/api/traces/1", "GET,HEAD"),
        ("GET", "/api/archive/1", "POST"),
        ("OPTIONS", "/api/v3/services", "GET,HEAD"),
        ("PUT", "/metrics", "GET,HEAD"),
    ] {
        let answer = asked.ask(method, path, &[], "");
        assert_eq!((answer.status, answer.header("allow")), (405, allowed), "{method} {path}");
        assert_eq!(answer.json()["errors"][0]["code"], 405, "{method} {path}");
    }
    assert_eq!(asked.ask("HEAD", "/api/services", &[], "").status, 200);
}

#[test]
fn a_browser_that_is_led_nowhere_gets_the_page() {
    let asked = Asked::start();
    let accept = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let tag = asked.ask("GET", "/", &[accept], "").header("etag").to_owned();
    let answer = asked.ask("GET", "/nowhere", &[accept, ("If-None-Match", &tag)], "");
    let kind = answer.header("content-type");
    assert!(answer.status == 404 && kind.starts_with("text/html"), "{} {kind}", answer.status);
    assert!(answer.has_header("content-security-policy") && answer.text().contains("<html"));
    for path in ["/api/nothing", "/static/nothing"] {
        let answer = asked.ask("GET", path, &[accept], "");
        assert!(answer.status == 404 && !answer.header("content-type").starts_with("text/html"), "{path}");
    }
}

#[test]
fn a_trace_as_a_file_and_again_only_if_it_changed() {
    let asked = Asked::start();
    asked.take("shop", vec![], vec![span(0xabc, 1, 0, now())]);
    let answer = asked.get("/api/traces/abc?download=true");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"trace-0000000000000abc.json\"");
    assert_eq!(answer.json()["data"][0]["traceID"], "0000000000000abc");
    assert_eq!(asked.get("/api/traces/abc").header("content-disposition"), "");
    assert_eq!(asked.get("/api/traces/abc?download=maybe").status, 400);

    // As the page wants it, which is another text with a tag of its own; a file is always Jaeger's.
    let packed = asked.get("/api/traces/abc?packed=true");
    let trace = &packed.json()["data"][0];
    assert_eq!((&trace["traceID"], &trace["count"]), (&json!("0000000000000abc"), &json!(1)));
    assert!(trace["packed"].is_array() && trace["spans"].is_null());
    assert_eq!(asked.get("/api/traces/abc?packed=maybe").status, 400);
    assert_eq!(asked.get("/api/traces/def?packed=true").status, 404);
    assert!(asked.get("/api/traces/abc?packed=true&download=true").json()["data"][0]["spans"].is_array());

    let tag = asked.get("/api/traces/abc").header("etag").to_owned();
    assert_ne!(packed.header("etag"), tag);
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = |tag: &str| asked.ask("GET", "/api/traces/0000000000000ABC", &[("If-None-Match", tag)], "");
    let same = again(&format!("\"other\", {tag}"));
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(again("\"other\"").status, 200);
    asked.take("shop", vec![], vec![span(0xabc, 2, 1, now())]);
    assert_eq!(again(&tag).status, 200);
}

#[test]
fn one_span_must_satisfy_all_and_the_whole_trace_comes() {
    let asked = Asked::start();
    let at = now();
    let tagged = |id, key: &'static str| Span { tags: vec![Tag::new(key, 1)], ..span(1, id, 0, at) };
    asked.take("a", vec![Tag::new("hostname", "box")], vec![tagged(1, "x"), tagged(2, "y")]);
    asked.take("b", vec![], vec![tagged(3, "x")]);
    let spans =
        |query: &str| asked.data(&format!("/api/traces?{query}"))[0]["spans"].as_array().map(Vec::len);
    assert_eq!(spans("service=a&tag=x:1"), Some(3));
    assert_eq!(spans("service=a&operation=op1&tag=x:1"), Some(3));
    assert_eq!(spans("service=a&operation=op2&tag=x:1"), None);
    assert_eq!(spans("service=a&tag=x:1&tag=y:1"), None);
    assert_eq!(spans("service=b&tag=y:1"), None);
    assert_eq!(spans("service=a&tag=hostname:box&tag=host.name:box"), Some(3));
    assert_eq!(spans("service=b&tag=hostname:box"), None);
}

#[test]
fn what_is_shown_is_found() {
    let asked = Asked::start();
    let tags =
        vec![Tag::new("http.status_code", 500), Tag::new("span.kind", "client"), Tag::new("nan", f64::NAN)];
    let logs = vec![Log { timestamp: 0, fields: vec![Tag::new("event", "retry"), Tag::new("n", 3)] }];
    asked.take(
        "s",
        vec![Tag::new("jaeger.version", "Go-2")],
        vec![Span { tags, logs, ..span(1, 1, 0, now()) }],
    );
    asked.take("s", vec![], vec![Span { tags: vec![Tag::new("error", false)], ..span(2, 1, 0, now()) }]);
    for (tag, found) in [
        ("error:true", "0000000000000001"),
        ("error:false", "0000000000000002"),
        ("otel.status_code:ERROR", "0000000000000001"),
        ("span.kind:client", "0000000000000001"),
        ("event:retry", "0000000000000001"),
        ("n:3", "0000000000000001"),
        ("nan:NaN", "0000000000000001"),
        ("jaeger.version:Go-2", "0000000000000001"),
        ("opencensus.exporterversion:Jaeger-Go-2", "0000000000000001"),
    ] {
        let data = asked.data(&format!("/api/traces?service=s&tag={tag}"));
        let ids: Vec<&Value> = data.as_array().into_iter().flatten().map(|trace| &trace["traceID"]).collect();
        assert_eq!(ids, [&json!(found)], "{tag}");
    }
}

#[test]
fn spans_come_in_the_order_of_their_starts() {
    let asked = Asked::start();
    let at = now();
    let spans = [5, 3, 9, 1, 7].map(|id| span(1, id, 0, at + id as i64));
    asked.take("s", vec![], spans.to_vec());
    for _ in 0..3 {
        let data = asked.data("/api/traces/1");
        let ids: Vec<i64> = data[0]["spans"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|span| span["spanID"].as_str()?.parse().ok())
            .collect();
        assert_eq!(ids, [1, 3, 5, 7, 9]);
    }
}

#[test]
fn summaries_of_all_services() {
    let asked = Asked::start();
    let at = now();
    let failed = Span { tags: vec![Tag::new("error", true)], ..span(2, 2, 1, at + 5) };
    asked.take("front", vec![], vec![span(1, 1, 0, at)]);
    asked.take("back", vec![], vec![failed]);
    asked.take("front", vec![], vec![span(2, 1, 0, at)]);
    let answer = asked.get("/api/v3/trace-summaries?query.num_traces=5").json();
    let nanos = |micros: i64| (micros * 1_000).to_string();
    let summary = |id: u128, spans: u64, errors: u64, end, services: Value| {
        json!({
            "traceId": format!("{id:032x}"), "rootServiceName": "front", "rootOperationName": "op1",
            "minStartTimeUnixNano": nanos(at), "maxEndTimeUnixNano": nanos(end),
            "spanCount": spans, "errorSpanCount": errors, "panicSpanCount": 0, "cancelledSpanCount": 0, "orphanSpanCount": 0, "services": services,
        })
    };
    let service = |name: &str, errors: u64| json!({"name": name, "spanCount": 1, "errorSpanCount": errors});
    let expected = json!({"summaries": [
        summary(2, 2, 1, at + 10_005, json!([service("back", 1), service("front", 0)])),
        summary(1, 1, 0, at + 10_000, json!([service("front", 0)])),
    ]});
    assert_eq!(answer, expected);
    let count = |query: &str| {
        let answer = asked.get(&format!("/api/v3/trace-summaries?{query}")).json();
        answer["summaries"].as_array().map(Vec::len)
    };
    assert_eq!(count("query.service_name=back"), Some(1));
    assert_eq!(count("query.attributes=%7B%22error%22:%22true%22%7D"), Some(1));
    assert_eq!(count("query.span_name=op2"), Some(1));
    assert_eq!(count("query.num_traces=1"), Some(1));
    assert_eq!(count("query.start_time_max=2001-01-01T00:00:00Z"), Some(0));
}

#[test]
fn keys_and_values_complete() {
    let asked = Asked::start();
    let tags =
        |n: i64| vec![Tag::new("http.method", if n == 1 { "GET" } else { "POST" }), Tag::new("rows", n)];
    let log = Log { timestamp: 0, fields: vec![Tag::new("event", "e")] };
    asked.take(
        "a",
        vec![Tag::new("ip", "1.2.3.4")],
        vec![Span { tags: tags(1), logs: vec![log], ..span(1, 1, 0, now()) }],
    );
    asked.take("b", vec![], vec![Span { tags: tags(20), ..span(2, 2, 0, now()) }]);
    for (path, data) in [
        ("/api/tags", json!(["event", "http.method", "ip", "rows"])),
        ("/api/tags?prefix=http.", json!(["http.method"])),
        ("/api/tags?service=b", json!(["http.method", "rows"])),
        ("/api/tags?operation=op1", json!(["event", "http.method", "ip", "rows"])),
        ("/api/tags?limit=2", json!(["event", "http.method"])),
        ("/api/tags/http.method/values", json!(["GET", "POST"])),
        ("/api/tags/http%2Emethod/values?service=b", json!(["POST"])),
        ("/api/tags/rows/values?prefix=2", json!(["20"])),
        ("/api/tags/nothing/values", json!([])),
    ] {
        assert_eq!(asked.data(path), data, "{path}");
    }
    assert_eq!(asked.get("/api/tags?limit=x").status, 400);
    assert_eq!(asked.get("/api/tags/%zz/values").status, 400);
}

#[test]
fn how_it_is() {
    let asked = Asked::start();
    asked.take("s", vec![], vec![span(1, 1, 0, now()), Span::default()]);
    let health = asked.get("/health");
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("ok")));
    let metrics = asked.get("/metrics");
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = metrics.text();
    for line in [
        "jaeger_store_spans 1",
        "jaeger_store_traces 1",
        "jaeger_receiver_accepted_spans_total{receiver=\"udp_thrift_compact\"} 1",
        "jaeger_receiver_refused_spans_total{receiver=\"udp_thrift_compact\",cause=\"zero_id\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    // Every line is a comment or a name with its labels, and a number.
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (_, number) = line.rsplit_once(' ').expect("a name and a number");
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn a_file_is_turned_into_traces_and_not_stored() {
    let asked = Asked::start();
    let span = |trace: &str, id: &str| {
        json!({
            "traceId": trace, "spanId": id, "name": "get", "kind": 2,
            "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000005000",
        })
    };
    let (one, two) = ("0000000000000000000000000000000b", "0000000000000000000000000000000a");
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
        "scopeSpans": [{"spans": [span(one, "0000000000000001"), span(two, "0000000000000002"), span(one, "0000000000000003")]}],
    }]});
    let answer = asked.ask("POST", "/api/transform", &[], &body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let data = answer.json()["data"].clone();
    let spans = |trace: &Value| trace["spans"].as_array().map(Vec::len);
    let told: Vec<_> =
        data.as_array().into_iter().flatten().map(|trace| (&trace["traceID"], spans(trace))).collect();
    assert_eq!(told, [(&json!("000000000000000b"), Some(2)), (&json!("000000000000000a"), Some(1))]);
    assert_eq!(
        data[0]["spans"][0]["tags"],
        json!([{"key": "span.kind", "type": "string", "value": "server"}])
    );
    assert_eq!(data[0]["spans"][0]["duration"], 5);
    assert_eq!(asked.get("/api/services").json()["data"], Value::Null);
    assert_eq!(asked.ask("POST", "/api/transform", &[], "{").status, 400);
}

#[test]
fn absurd_spans_are_shown() {
    let asked = Asked::start();
    let at = |start_time, duration, id| Span { start_time, duration, ..span(0xf, id, 0, 0) };
    let spans = vec![
        at(i64::MIN, i64::MIN, 1),
        at(i64::MAX, i64::MAX, 2),
        at(i64::MIN, i64::MAX, 3),
        // Parents that go in circles, or nowhere.
        span(0xf, 4, 4, 0),
        span(0xf, 5, 6, 0),
        span(0xf, 6, 5, 0),
        span(0xf, 7, u64::MAX, 0),
    ];
    asked.take("s", vec![], spans);
    for path in [
        "/api/traces/f",
        "/api/traces/f?raw=true",
        "/api/traces?service=s&start=-9223372036854775808&end=9223372036854775807",
        "/api/v3/traces/f",
        "/api/v3/trace-summaries",
        "/api/dependencies?endTs=9223372036854775807&lookback=9223372036854775807",
        "/api/dependencies?endTs=-9223372036854775808&lookback=9223372036854775807",
        "/api/metrics/calls?service=s&spanKind=unspecified&endTs=9223372036854775807&lookback=0",
        "/api/metrics/latencies?service=s&spanKind=unspecified&quantile=1&endTs=-9223372036854775808&lookback=0&ratePer=1",
    ] {
        let answer = asked.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json();
    }
}
