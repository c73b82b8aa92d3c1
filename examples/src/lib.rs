//! What the examples share: a logger, the closing line of the demos, the recorded spans as lines, and a page for them (`ui`).

pub mod ui;

use std::time::Duration;

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Error, Sampler, Tracer};
use jaeger_thrift::{RefType, Span, Value};

/// Shows what `log_spans` writes, on stderr; `RUST_LOG` says what is shown, by default all from `info` up.
pub fn start_log() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
}

/// Ends the tracer and says what became of its spans, in one line: made, sent to whom, failed, dropped.
///
/// # Errors
/// Where they could not be sent within five seconds.
pub fn close(tracer: &Tracer) -> Result<(), Error> {
    let stats = tracer.shutdown(Duration::from_secs(5))?;
    for reporter in stats.reporters.iter().filter(|reporter| reporter.stats.failed > 0) {
        println!("{} could not be reached: with a Jaeger there the trace would be in it too", reporter.name);
    }
    println!("{stats}");
    Ok(())
}

/// Runs something with a tracer that keeps its spans in memory, then prints them: a line each, below their parents, with tags and logs in the order in which they were recorded.
///
/// # Errors
/// Where another tracer is there, or the spans did not arrive within five seconds.
pub fn show(work: impl FnOnce()) -> Result<(), Error> {
    let memory = MemoryReporter::new();
    let tracer =
        Tracer::builder("example").sampler(Sampler::Const(true)).reporter(memory.clone()).install()?;
    work();
    tracer.flush(Duration::from_secs(5))?;
    let spans = memory.spans();
    let is_known = |id: u64| spans.iter().any(|span| span.span_id == id);
    for root in spans.iter().filter(|span| !is_known(span.parent_span_id)) {
        print(root, &spans, 0);
    }
    Ok(())
}

fn print(span: &Span<'_>, all: &[Span<'_>], depth: usize) {
    // What the sampler says of itself is the same in each.
    let tags = span.tags.iter().filter(|tag| !tag.key.starts_with("sampler."));
    let tags: String = tags.map(|tag| format!(" {}={}", tag.key, text(&tag.value))).collect();
    let before = |id: u64| all.iter().find(|span| span.span_id == id).map_or("", |span| &span.operation_name);
    let follows: String = span
        .references
        .iter()
        .filter(|reference| reference.ref_type == RefType::FollowsFrom)
        .map(|reference| format!(" (follows from {})", before(reference.span_id)))
        .collect();
    println!("{:indent$}{}:{tags}{follows}", "", span.operation_name, indent = depth * 2);
    for log in &*span.logs {
        let fields: String =
            log.fields.iter().map(|field| format!(" {}={}", field.key, text(&field.value))).collect();
        println!("{:indent$}|{fields}", "", indent = depth * 2 + 2);
    }
    for child in all.iter().filter(|child| child.parent_span_id == span.span_id) {
        print(child, all, depth + 1);
    }
}

fn text(value: &Value<'_>) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Long(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::Bool(truth) => truth.to_string(),
        Value::Binary(bytes) => format!("{bytes:?}"),
    }
}
