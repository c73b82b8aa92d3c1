//! The monitor's figures, computed from spans that a test has counted.

use jaeger_thrift::{Span, Tag};
use serde_json::json;

use super::{Asked, span};

/// Ten calls in ten seconds, that take 1 to 10 ms; two of them fail, one is a client's.
fn asked(at: i64) -> Asked {
    let asked = Asked::start();
    let spans = (1..=10).map(|n| {
        let mut tags = vec![Tag::new("span.kind", if n == 10 { "client" } else { "server" })];
        if n == 3 || n == 4 {
            tags.push(Tag::new("error", true));
        }
        let operation = if n % 2 == 0 { "even" } else { "odd" };
        let start_time = at + n * 1_000_000;
        Span {
            tags,
            operation_name: operation.into(),
            start_time,
            duration: n * 1_000,
            ..span(n as u128, 1, 0, 0)
        }
    });
    asked.take("shop", vec![], spans.collect());
    asked.take("other", vec![], vec![span(99, 1, 0, at)]);
    asked
}

const AT: i64 = 1_700_000_000_000_000;

/// Values of the only point of each line, by its labels.
fn values(asked: &Asked, query: &str) -> Vec<(String, f64)> {
    let at = AT / 1_000 + 10_000;
    let path = format!("/api/metrics/{query}&endTs={at}&lookback=0&ratePer=10000");
    let answer = asked.get(&path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let family = answer.json();
    assert_eq!(family["type"], "GAUGE");
    let lines = family["metrics"].as_array().expect("a list").iter();
    lines
        .map(|line| {
            let labels: Vec<String> = line["labels"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|label| {
                    format!("{}={}", label["name"].as_str().unwrap(), label["value"].as_str().unwrap())
                })
                .collect();
            let [point] = &line["metricPoints"].as_array().expect("a list")[..] else { panic!("{line}") };
            assert_eq!(point["timestamp"], "2023-11-14T22:13:30Z");
            (labels.join(" "), point["gaugeValue"]["doubleValue"].as_f64().expect("a number"))
        })
        .collect()
}

#[test]
fn rates_errors_and_latencies() {
    let asked = asked(AT);
    let of = |query: &str| values(&asked, query);
    let shop = |value: f64| vec![("service_name=shop".to_owned(), value)];
    let all = "&spanKind=server&spanKind=client";
    assert_eq!(of("calls?service=shop"), shop(0.9));
    assert_eq!(of(&format!("calls?service=shop{all}")), shop(1.0));
    assert_eq!(of("errors?service=shop"), shop(2.0 / 9.0));
    assert_eq!(of("errors?service=shop&spanKind=client"), shop(0.0));
    assert_eq!(of(&format!("latencies?service=shop&quantile=0.5{all}")), shop(5.0));
    assert_eq!(of(&format!("latencies?service=shop&quantile=0.95{all}")), shop(10.0));
    assert_eq!(of("latencies?service=shop&quantile=0.95"), shop(9.0));
    assert_eq!(of("calls?service=shop&service=other&spanKind=unspecified"), []);
    let both = of("calls?service=shop&groupByOperation=true");
    let line = |operation: &str, value| (format!("operation={operation} service_name=shop"), value);
    assert_eq!(both, [line("even", 0.4), line("odd", 0.5)]);
    assert_eq!(of("calls?service=nobody"), []);
}

#[test]
fn the_shape_of_a_family() {
    let asked = asked(AT);
    let end = AT / 1_000 + 10_000;
    let path = format!(
        "/api/metrics/latencies?service=shop&quantile=0.99&endTs={end}&lookback=10000&step=5000&ratePer=5000"
    );
    let expected = json!({
        "name": "service_latencies", "type": "GAUGE", "help": "0.99th quantile latency, grouped by service",
        "metrics": [{
            "labels": [{"name": "service_name", "value": "shop"}],
            "metricPoints": [
                {"gaugeValue": {"doubleValue": 5}, "timestamp": "2023-11-14T22:13:25Z"},
                {"gaugeValue": {"doubleValue": 9}, "timestamp": "2023-11-14T22:13:30Z"},
            ],
        }],
    });
    assert_eq!(asked.get(&path).json(), expected);
    assert_eq!(asked.data("/api/metrics/minstep"), json!(1));
    let named = |query: &str| asked.get(&format!("/api/metrics/{query}")).json()["name"].clone();
    assert_eq!(named("calls?service=shop&groupByOperation=1"), "service_operation_call_rate");
    assert_eq!(named("errors?service=shop"), "service_error_rate");
}
