//! One tracer for all tests of a file (a process has one), and what a test asks of its own trace.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

#[cfg(feature = "tracing")]
pub mod layered;

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, Stats, Tracer};
use jaeger_thrift::{Span as Finished, Value};
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Long enough for a loaded machine; nothing waits for it unless something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);

static TRACER: OnceLock<(Tracer, MemoryReporter)> = OnceLock::new();

pub fn tracer() -> &'static (Tracer, MemoryReporter) {
    TRACER.get_or_init(|| {
        let memory = MemoryReporter::with_limit(1 << 20);
        let tracer =
            Tracer::builder("test").sampler(Sampler::Const(true)).reporter(memory.clone()).install().unwrap();
        (tracer, memory)
    })
}

/// Polls until it is done; for futures that only ever yield.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// As `Debug` shows it, quotes included.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

pub fn flush() -> Stats {
    tracer().0.flush(PATIENCE).unwrap()
}

/// Runs `f` under a root of its own and returns the finished spans of that trace, by start, without the root.
pub fn trace(f: impl FnOnce()) -> Vec<Finished<'static>> {
    tracer();
    let root = Span::root("test root");
    let trace = root.context().trace_id().to_u128();
    {
        let _inside = root.enter();
        f();
    }
    drop(root);
    spans_of(trace).into_iter().filter(|span| span.operation_name != "test root").collect()
}

/// The finished spans of a trace, by start.
pub fn spans_of(trace: u128) -> Vec<Finished<'static>> {
    flush();
    let mut spans: Vec<_> = tracer().1.spans().into_iter().filter(|span| span.trace_id == trace).collect();
    spans.sort_by_key(|span| span.start_time);
    spans
}

pub fn named<'a>(spans: &'a [Finished<'static>], name: &str) -> &'a Finished<'static> {
    let found: Vec<_> = spans.iter().filter(|span| span.operation_name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {:?}", names(spans));
    found[0]
}

pub fn names(spans: &[Finished<'static>]) -> Vec<String> {
    spans.iter().map(|span| span.operation_name.to_string()).collect()
}

/// A tag's value as text with its type, or "absent".
pub fn tag(span: &Finished<'_>, key: &str) -> String {
    span.tags.iter().find(|tag| tag.key == key).map_or("absent".into(), |tag| show(&tag.value))
}

pub fn show(value: &Value<'_>) -> String {
    match value {
        Value::String(v) => format!("{v:?}"),
        Value::Long(v) => format!("long {v}"),
        Value::Double(v) => format!("double {v}"),
        Value::Bool(v) => format!("{v}"),
        Value::Binary(v) => format!("bytes {v:?}"),
    }
}

/// The fields of each of the span's logs.
pub fn logs(span: &Finished<'_>) -> Vec<Vec<String>> {
    let fields = |log: &jaeger_thrift::Log<'_>| {
        log.fields.iter().map(|field| format!("{}={}", field.key, show(&field.value))).collect()
    };
    span.logs.iter().map(fields).collect()
}

/// The fields of the span's only log.
pub fn log_fields(span: &Finished<'_>) -> Vec<String> {
    assert_eq!(span.logs.len(), 1);
    logs(span).remove(0)
}
