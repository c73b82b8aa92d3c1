//! What others ask of a Jaeger, as they ask it: Grafana's data source (both of its ways) and jaeger-ui (of Jaeger 1 and 2).

use jaeger_thrift::{Span, Tag};
use serde_json::Value;

use super::{Asked, now, span};

fn asked() -> Asked {
    let asked = Asked::start();
    let tags = vec![Tag::new("span.kind", "server"), Tag::new("http.method", "GET")];
    asked.take("shop", vec![Tag::new("ip", "10.0.0.1")], vec![Span { tags, ..span(0xabc, 1, 0, now()) }]);
    asked.take("a/b c", vec![], vec![span(0xabc, 2, 1, now())]);
    asked
}

/// What Grafana reads out of a trace.
fn is_trace(trace: &Value) -> bool {
    let spans = trace["spans"].as_array().expect("spans");
    let process = |span: &Value| &trace["processes"][span["processID"].as_str().expect("a process")];
    !spans.is_empty()
        && spans.iter().all(|span| {
            span["traceID"] == trace["traceID"]
                && span["spanID"].is_string()
                && span["operationName"].is_string()
                && span["references"].is_array()
                && span["startTime"].is_i64()
                && span["duration"].is_i64()
                && span["tags"].is_array()
                && span["logs"].is_array()
                && process(span)["serviceName"].is_string()
                && process(span)["tags"].is_array()
        })
}

#[test]
fn grafanas_data_source() {
    let asked = asked();
    let (start, end) = ((now() - 3_600_000_000), now() + 1_000_000);
    let names = |path: &str| asked.data(path).as_array().expect("names").clone();
    assert_eq!(names("/api/services"), ["a/b c", "shop"]);
    assert_eq!(names("/api/services/shop/operations"), ["op1"]);
    assert_eq!(names("/api/services/a%2Fb%20c/operations"), ["op2"]);
    // The tags that somebody writes as logfmt come as an object.
    let search = format!(
        "/api/traces?limit=20&lookback=custom&maxDuration=1s&minDuration=1us&operation=op1&service=shop\
         &start={start}&end={end}&tags=%7B%22http.method%22%3A%22GET%22%7D"
    );
    for path in [
        "/api/traces?service=shop",
        &search,
        "/api/traces/abc",
        &format!("/api/traces/0000000000000abc?start={start}&end={end}"),
    ] {
        let data = asked.data(path);
        assert!(is_trace(&data[0]), "{path}: {data:#}");
    }
    let edges = asked.data(&format!("/api/dependencies?endTs={}&lookback=3600000", end / 1_000));
    assert_eq!(edges.to_string(), r#"[{"callCount":1,"child":"a/b c","parent":"shop"}]"#);
    // Its newer way. It does not escape the plus sign of a time zone.
    let when =
        "query.start_time_min=2020-01-01T00:00:00+01:00&query.start_time_max=2100-01-01T00:00:00.123+01:00";
    for path in [
        "/api/v3/services".to_owned(),
        "/api/v3/operations?service=shop".to_owned(),
        format!("/api/v3/traces?query.num_traces=20&query.service_name=shop&query.operation_name=op1&{when}"),
        "/api/v3/traces/abc?start_time=2020-01-01T00:00:00+01:00&end_time=2100-01-01T00:00:00Z".to_owned(),
    ] {
        let answer = asked.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let answer = answer.json();
        let resources = answer["result"]["resourceSpans"].as_array().map_or(2, Vec::len);
        assert_eq!(resources, 2, "{path}: {answer:#}");
    }
}

#[test]
fn jaeger_ui() {
    let asked = asked();
    let now = now();
    let (start, end) = (now - 3_600_000_000, now + 1_000_000);
    for path in [
        "/api/services".to_owned(),
        "/api/services/shop/operations".to_owned(),
        "/api/operations?service=shop&spanKind=server".to_owned(),
        format!(
            "/api/traces?end={end}&limit=20&lookback=1h&maxDuration&minDuration&service=shop&start={start}"
        ),
        format!(
            "/api/traces?end={end}&limit=20&lookback=1h&maxDuration&minDuration&operation=op1&service=shop&start={start}\
             &tags=%7B%22http.method%22%3A%22GET%22%7D"
        ),
        "/api/traces?traceID=abc&traceID=def".to_owned(),
        "/api/traces/0000000000000abc?prettyPrint=true".to_owned(),
        "/api/traces/0000000000000abc?raw=true&prettyPrint=true".to_owned(),
        format!("/api/dependencies?endTs={}&lookback=604800000", end / 1_000),
    ] {
        let data = asked.data(&path);
        assert!(data.as_array().is_some_and(|data| !data.is_empty()), "{path}: {data}");
    }
    let archive = asked.ask("POST", "/api/archive/0000000000000abc", &[], "");
    assert_eq!((archive.status, archive.json()["errors"][0]["code"].as_u64()), (500, Some(500)));
    let monitor = format!(
        "service=shop&endTs={}&groupByOperation=false&lookback=3600000&quantile=0.95&ratePer=600000&spanKind=server&step=60000",
        end / 1_000
    );
    for kind in ["latencies", "calls", "errors"] {
        let answer = asked.get(&format!("/api/metrics/{kind}?{monitor}"));
        assert_eq!(answer.status, 200, "{kind}");
        let points = &answer.json()["metrics"][0]["metricPoints"];
        assert!(points.as_array().is_some_and(|points| !points.is_empty()), "{kind}: {points}");
    }
    // Since Jaeger 2.20 the search asks for summaries, with times of milliseconds.
    let summaries = asked.get(
        "/api/v3/trace-summaries?query.service_name=shop&query.span_name=op1&query.start_time_min=2020-01-01T00%3A00%3A00.000Z\
         &query.start_time_max=2100-01-01T00%3A00%3A00.000Z&query.num_traces=20&query.attributes=%7B%22http.method%22%3A%22GET%22%7D",
    );
    let summaries = summaries.json();
    let id = summaries["summaries"][0]["traceId"].as_str().expect("a summary");
    assert_eq!(id, format!("{:032x}", 0xabc), "it wants 32 digits");
}
