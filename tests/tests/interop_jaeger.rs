//! The examples' spans in the real Jaeger: run as a user would, found over the query API.
//!
//! Each test starts its own Jaeger on free ports. Where there is no Go to build it with, a test says that it was
//! skipped and why; on CI it fails if Go is there and the build is not.

use std::process::Output;

use serde_json::{Value, json};
use tests::example::run_example;
use tests::{Jaeger, skip, tag};

#[test]
fn demo_arrives() {
    example_arrives("demo", "jaeger-demo", Order::OneAfterTheOther);
}

#[test]
fn async_demo_arrives() {
    example_arrives("demo_async", "jaeger-demo-async", Order::AtTheSameTime);
}

#[test]
fn manual_demo_arrives() {
    example_arrives("demo_manual", "jaeger-demo-manual", Order::OneAfterTheOther);
}

/// When the two calls run.
#[derive(PartialEq)]
enum Order {
    OneAfterTheOther,
    AtTheSameTime,
}

fn example_arrives(example: &str, service: &str, order: Order) {
    let jaeger = match Jaeger::start() {
        Ok(jaeger) => jaeger,
        Err(missing) => return skip(example, &missing),
    };
    let port = jaeger.compact_port().to_string();
    let output = run_example(example, &[("JAEGER_AGENT_HOST", "127.0.0.1"), ("JAEGER_AGENT_PORT", &port)]);
    said_what_it_did(&output, &port);

    let trace = jaeger.trace(service, 3);
    let id = trace["traceID"].as_str().expect("a trace has an id");
    // Jaeger writes 32 digits only where the high half is not zero.
    assert_eq!(id.len(), 32, "a 128-bit trace id: {id}");
    assert_eq!(trace["warnings"], Value::Null, "{trace:#}");

    let root = span(&trace, "span_root");
    let foo3 = span(&trace, "span_foo3");
    let foo4 = span(&trace, "span_foo4");
    for one in [root, foo3, foo4] {
        assert_eq!(one["traceID"], id);
        assert_eq!(one["warnings"], Value::Null, "{one:#}");
    }
    assert_eq!(root["references"], json!([]), "the root has no parent");
    for child in [foo3, foo4] {
        let parent = json!([{"refType": "CHILD_OF", "traceID": id, "spanID": root["spanID"]}]);
        assert_eq!(child["references"], parent);
    }
    assert_ne!(foo3["spanID"], foo4["spanID"]);

    for (child, name) in [(foo3, "foo3"), (foo4, "foo4")] {
        assert_eq!(tag(&child["tags"], "request"), ("string", &json!(format!("Hello {name}"))));
        assert_eq!(tag(&child["tags"], "reply"), ("string", &json!(format!("{name}Reply"))));
    }
    sampled_at_the_root_only(root, &[foo3, foo4]);
    times_nest(root, foo3, foo4, &order);
    process_is_described(&trace, service);
}

/// Whether the request lines, the waterfall and the closing line were printed.
fn said_what_it_did(output: &Output, port: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    let everything = || format!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {}", output.status, everything());
    for line in ["Hello foo3", "Hello foo4"] {
        assert!(text.lines().any(|printed| printed == line), "no line `{line}`: {}", everything());
    }
    for name in ["span_root", "span_foo3", "span_foo4"] {
        assert!(text.contains(name), "no {name} in the waterfall: {}", everything());
    }
    let closing = text.lines().last().unwrap_or_default();
    assert!(
        closing.starts_with(&format!("3 spans made; udp 127.0.0.1:{port}: 3 sent, 0 failed; ")),
        "{closing}"
    );
    assert!(closing.ends_with("; 0 dropped"), "{closing}");
}

fn sampled_at_the_root_only(root: &Value, children: &[&Value]) {
    assert_eq!(tag(&root["tags"], "sampler.type"), ("string", &json!("const")));
    assert_eq!(tag(&root["tags"], "sampler.param"), ("bool", &json!(true)));
    for child in children {
        let tags = child["tags"].as_array().expect("a span has a list of tags");
        let sampler =
            tags.iter().find(|tag| tag["key"].as_str().is_some_and(|key| key.starts_with("sampler.")));
        assert_eq!(sampler, None, "only a root says how it was sampled");
    }
}

/// Each call works half a second, inside the root's time. Clocks may differ by a rounding: 10 ms are given.
fn times_nest(root: &Value, foo3: &Value, foo4: &Value, order: &Order) {
    let slack = 10_000;
    let [root, foo3, foo4] = [root, foo3, foo4].map(|span| {
        let start = span["startTime"].as_i64().expect("a start in µs");
        start..start + span["duration"].as_i64().expect("a duration in µs")
    });
    for child in [&foo3, &foo4] {
        assert!(child.end - child.start >= 500_000 - slack, "half a second of work: {child:?}");
        assert!(root.start <= child.start + slack && child.end <= root.end + slack, "{root:?} {child:?}");
    }
    let overlap = foo3.start.max(foo4.start) < foo3.end.min(foo4.end) - slack;
    assert_eq!(overlap, *order == Order::AtTheSameTime, "{foo3:?} {foo4:?}");
}

/// One process, ours. Jaeger shows `hostname` as `host.name`, and the client's version under OpenCensus's name.
fn process_is_described(trace: &Value, service: &str) {
    let processes = trace["processes"].as_object().expect("a trace has processes");
    assert_eq!(processes.len(), 1, "{processes:?}");
    let process = &trace["processes"]["p1"];
    assert_eq!(process["serviceName"], service);
    let tags = &process["tags"];
    let version = concat!("Jaeger-Rust-", env!("CARGO_PKG_VERSION_MAJOR"), ".");
    let text = |key| {
        let (kind, value) = tag(tags, key);
        assert_eq!(kind, "string", "{key}");
        value.as_str().filter(|text| !text.is_empty()).unwrap_or_else(|| panic!("{key} is empty: {tags:#}"))
    };
    assert!(text("opencensus.exporterversion").starts_with(version), "{tags:#}");
    text("host.name");
    text("client-uuid");
    assert!(text("ip").parse::<std::net::Ipv4Addr>().is_ok_and(|ip| !ip.is_unspecified()), "{tags:#}");
}

fn span<'a>(trace: &'a Value, name: &str) -> &'a Value {
    let spans = trace["spans"].as_array().expect("a trace has spans");
    let found: Vec<&Value> = spans.iter().filter(|span| span["operationName"] == name).collect();
    let [one] = found[..] else { panic!("{} spans {name} in {trace:#}", found.len()) };
    one
}
