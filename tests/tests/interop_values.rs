//! Every kind of value and every way to end, as the real Jaeger shows them: typed tags, an error with its log, a panic, a cancelled future, parents on other threads, references.

use std::future::{Future as _, pending};
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use jaeger_runtime::{Sampler, Span, SpanContext, SpanId, TraceId, Tracer, traced};
use serde_json::{Value, json};
use tests::{Jaeger, skip, tag};

const PATIENCE: Duration = Duration::from_secs(60);

#[traced]
fn typed(long: i64, small: u8, huge: u64, double: f64, on: bool, raw: &[u8], text: &str) -> f32 {
    Span::current().log("measured", &[("bytes", &raw.len()), ("share", &0.25), ("whole", &false)]);
    let _ = (long, small, huge, double, on, text);
    1.5
}

#[traced]
fn fails(text: &str) -> Result<u8, std::num::ParseIntError> {
    text.parse()
}

#[traced]
fn explodes(n: u8) -> u8 {
    assert!(n > 1, "on purpose");
    n
}

#[traced]
async fn waits() {
    pending::<()>().await;
}

#[traced]
fn elsewhere() {}

#[traced(skip_all, follows_from = other)]
fn follows(other: SpanContext) {}

/// A trace that is somewhere else.
const OTHER: u128 = 0xc << 64 | 0xd;

fn span<'a>(trace: &'a Value, name: &str) -> &'a Value {
    let spans = trace["spans"].as_array().expect("a trace has spans");
    let found: Vec<&Value> = spans.iter().filter(|span| span["operationName"] == name).collect();
    let [one] = found[..] else { panic!("{} spans {name} in {trace:#}", found.len()) };
    one
}

fn has(span: &Value, key: &str) -> bool {
    span["tags"].as_array().expect("a span has a list of tags").iter().any(|tag| tag["key"] == key)
}

/// The fields of the span's only log, which lies within the span.
fn log(span: &Value) -> &Value {
    let logs = span["logs"].as_array().expect("a span has a list of logs");
    let [log] = &logs[..] else { panic!("{} logs in {span:#}", logs.len()) };
    let (at, start) = (log["timestamp"].as_i64().expect("µs"), span["startTime"].as_i64().expect("µs"));
    assert!((start..=start + span["duration"].as_i64().expect("µs") + 1).contains(&at), "{span:#}");
    &log["fields"]
}

#[test]
fn values_outcomes_and_parents_arrive_as_what_they_are() {
    let jaeger = match Jaeger::start() {
        Ok(jaeger) => jaeger,
        Err(missing) => return skip("values_outcomes_and_parents", &missing),
    };
    let builder = Tracer::builder("interop-values").sampler(Sampler::Const(true));
    let tracer = builder.agent(format!("127.0.0.1:{}", jaeger.compact_port())).install().expect("a tracer");
    let root = Span::root("by hand");
    root.tag("share", 0.125).tag("count", -3).tag("raw", &b"\x00\x7f\xff"[..]);
    {
        let _inside = root.enter();
        typed(i64::MIN, 7, u64::MAX, -0.5, true, b"\x00\xfe\xff bytes", "größe");
        assert!(fails("many").is_err());
        assert!(catch_unwind(|| explodes(1)).is_err());
        let mut future = Box::pin(waits());
        let polled = pin!(future.as_mut()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        drop(future);
        let context = root.context();
        thread::spawn(move || {
            let _child = Span::child_of(context, "on another thread");
        })
        .join()
        .expect("it does not panic");
        let moved = Span::child("moved");
        thread::spawn(move || {
            let _inside = moved.enter();
            elsewhere();
        })
        .join()
        .expect("it does not panic");
        follows(SpanContext::new(TraceId::from_u128(OTHER), SpanId::from_u64(0x11), true));
    }
    drop(root);
    let stats = tracer.shutdown(PATIENCE).expect("all is sent");
    assert_eq!(stats.reporters[0].stats.sent, 9, "{stats:?}");

    let trace = jaeger.trace("interop-values", 9);
    assert_eq!(trace["warnings"], Value::Null, "{trace:#}");
    let root = span(&trace, "by hand");
    assert_eq!(tag(&root["tags"], "share"), ("float64", &json!(0.125)));
    assert_eq!(tag(&root["tags"], "count"), ("int64", &json!(-3)));
    // Base 64.
    assert_eq!(tag(&root["tags"], "raw"), ("binary", &json!("AH//")));

    let typed = span(&trace, "typed");
    for (key, kind, value) in [
        // Past 2⁵³ Jaeger writes digits in quotes, because JavaScript would round them.
        ("long", "int64", json!(i64::MIN.to_string())),
        ("small", "int64", json!(7)),
        ("double", "float64", json!(-0.5)),
        ("on", "bool", json!(true)),
        ("raw", "binary", json!("AP7/IGJ5dGVz")),
        ("text", "string", json!("größe")),
        // What a LONG cannot hold is text, not another number.
        ("huge", "string", json!(u64::MAX.to_string())),
        ("reply", "float64", json!(1.5)),
    ] {
        assert_eq!(tag(&typed["tags"], key), (kind, &value), "{key}");
    }
    let fields = log(typed);
    assert_eq!(tag(fields, "event"), ("string", &json!("measured")));
    assert_eq!(tag(fields, "bytes"), ("int64", &json!(9)));
    assert_eq!(tag(fields, "share"), ("float64", &json!(0.25)));
    assert_eq!(tag(fields, "whole"), ("bool", &json!(false)));

    let failed = span(&trace, "fails");
    assert_eq!(tag(&failed["tags"], "error"), ("bool", &json!(true)));
    assert!(!has(failed, "reply") && !has(failed, "cancelled"), "{failed:#}");
    let fields = log(failed);
    assert_eq!(tag(fields, "event"), ("string", &json!("error")));
    assert_eq!(tag(fields, "error.kind"), ("string", &json!("core::num::error::ParseIntError")));
    let (kind, message) = tag(fields, "message");
    assert!(kind == "string" && message.as_str().is_some_and(|text| text.contains("nvalid")), "{message}");

    let exploded = span(&trace, "explodes");
    assert_eq!(tag(&exploded["tags"], "error"), ("bool", &json!(true)));
    assert_eq!(tag(log(exploded), "event"), ("string", &json!("panic")));
    assert!(!has(exploded, "reply"), "{exploded:#}");

    let cancelled = span(&trace, "waits");
    assert_eq!(tag(&cancelled["tags"], "cancelled"), ("bool", &json!(true)));
    assert!(!has(cancelled, "error") && cancelled["logs"] == json!([]), "{cancelled:#}");

    assert_eq!(root["references"], json!([]));
    let child_of = |parent: &Value| json!([{"refType": "CHILD_OF", "traceID": trace["traceID"], "spanID": parent["spanID"]}]);
    for name in ["typed", "fails", "explodes", "waits", "on another thread", "moved"] {
        assert_eq!(span(&trace, name)["references"], child_of(root), "{name}");
    }
    assert_eq!(span(&trace, "elsewhere")["references"], child_of(span(&trace, "moved")));
    let references = json!([
        {"refType": "CHILD_OF", "traceID": trace["traceID"], "spanID": root["spanID"]},
        {"refType": "FOLLOWS_FROM", "traceID": format!("{OTHER:032x}"), "spanID": "0000000000000011"},
    ]);
    assert_eq!(span(&trace, "follows")["references"], references);
}
