//! fastrace: its attribute, with a property for each argument and the reply, since it records nothing by itself. It has no bridge from `log` or `tracing` into spans: where the work is a record or an
//! event of those, it has its own event with the properties that a bridge would write, made by hand where the macro of `log` would stand.

use super::{failed, receiver};
use crate::measure::{Running, Started};
use crate::work::{Order, Refused, SHARE, Work, calls, repeat};
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::{Event, LocalSpan, Span, SpanContext, trace};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Counts(Arc<AtomicU64>);

impl Reporter for Counts {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        self.0.fetch_add(black_box(spans).len() as u64, Relaxed);
    }
}

#[trace(short_name = true)]
#[inline(never)]
fn leaf() {
    black_box(());
}

#[trace(short_name = true)]
async fn async_leaf() {
    black_box(());
}

#[trace(short_name = true, properties = { "id": "{id}", "request": "{request}" })]
#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    let reply = black_box(id + request.len() as u64);
    LocalSpan::add_property(|| ("reply", reply.to_string()));
    reply
}

#[trace(short_name = true, properties = { "id": "{id}", "request": "{request}" })]
async fn async_args(id: u64, request: &str) -> u64 {
    let reply = black_box(id + request.len() as u64);
    LocalSpan::add_property(|| ("reply", reply.to_string()));
    reply
}

#[trace(short_name = true, properties = {
    "id": "{id}", "delta": "{delta}", "ratio": "{ratio}", "ok": "{ok}", "name": "{name}", "note": "{note}"
})]
#[inline(never)]
fn six(id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
    black_box((id, delta, ratio, ok, name, note));
}

#[trace(short_name = true, properties = {
    "id": "{id}", "delta": "{delta}", "ratio": "{ratio}", "ok": "{ok}", "name": "{name}", "note": "{note}"
})]
async fn async_six(id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
    black_box((id, delta, ratio, ok, name, note));
}

#[trace(short_name = true, properties = { "order": "{order:?}" })]
#[inline(never)]
fn debug(order: &Order) {
    black_box(order);
}

#[trace(short_name = true, properties = { "order": "{order:?}" })]
async fn async_debug(order: &Order) {
    black_box(order);
}

#[trace(short_name = true, properties = { "text": "{text}" })]
#[inline(never)]
fn long(text: &str) {
    black_box(text);
}

#[trace(short_name = true, properties = { "text": "{text}" })]
async fn async_long(text: &str) {
    black_box(text);
}

#[trace(short_name = true)]
#[inline(never)]
fn deep(left: u32) {
    if left > 1 {
        deep(left - 1);
    }
    black_box(left);
}

#[trace(short_name = true)]
#[inline(never)]
fn fails(id: u64) -> Result<u64, Refused> {
    LocalSpan::add_properties(|| [("error", "true".to_owned()), ("message", Refused.to_string())]);
    if id > 0 { Err(Refused) } else { Ok(id) }
}

#[trace(short_name = true)]
#[inline(never)]
fn logs(id: u64) {
    LocalSpan::add_event(Event::new("cache").with_property(|| ("hit", "true")));
    black_box(id);
}

/// What a logger that knows fastrace would make of a record.
fn bridged() {
    LocalSpan::add_event(Event::new("cache").with_properties(|| {
        [
            ("level", "INFO".to_owned()),
            ("target", module_path!().to_owned()),
            ("file", file!().to_owned()),
            ("line", line!().to_string()),
            ("hit", "true".to_owned()),
        ]
    }));
}

#[trace(short_name = true)]
#[inline(never)]
fn via_log(id: u64) {
    bridged();
    black_box(id);
}

#[trace(short_name = true)]
#[inline(never)]
fn via_tracing(id: u64) {
    bridged();
    black_box(id);
}

/// It has no spans of `tracing`; see `start`.
fn instrumented() {}

/// A root as a user writes it who keeps one in a thousand: there is no sampler, so it is decided by the trace id, as samplers do.
#[inline(never)]
fn sampled_root() {
    let context = SpanContext::random();
    let sampled = (context.trace_id.0 as u64) < (SHARE * u64::MAX as f64) as u64;
    let root = Span::root("root", context.sampled(sampled));
    let _inside = root.set_local_parent();
    black_box(());
}

fn root() {
    let root = Span::root("root", SpanContext::random());
    let _inside = root.set_local_parent();
    leaf();
}

#[inline(never)]
pub(super) fn burst(work: Work, spans: usize) {
    match work {
        Work::Refused => return repeat(spans, sampled_root),
        Work::NoTracer | Work::RootChild => {
            calls!(work, spans);
            return;
        }
        _ => {}
    }
    let root = Span::root("root", SpanContext::random().sampled(work != Work::Unsampled));
    let _inside = root.set_local_parent();
    calls!(work, spans);
}

struct Fastrace {
    work: Work,
    counted: Option<Arc<AtomicU64>>,
}

impl Running for Fastrace {
    fn burst(&mut self, spans: usize) {
        burst(self.work, spans);
    }

    fn received(&mut self) -> Option<u64> {
        fastrace::flush();
        self.counted.as_ref().map(|counted| counted.load(Relaxed))
    }

    fn made(&self, spans: usize) -> u64 {
        self.work.made(spans)
    }
}

pub(super) fn start(work: Work, udp: bool) -> Started {
    // Nor does it know a limit of traces a second.
    if matches!(work, Work::Instrument | Work::OverLimit) {
        return Ok(None);
    }
    let mut counted = None;
    if udp {
        if matches!(work, Work::NoTracer) {
            return Ok(None);
        }
        let agent = receiver()?.parse().map_err(failed("the receiver's address"))?;
        let reporter =
            fastrace_jaeger::JaegerReporter::new(agent, "bench").map_err(failed("its reporter"))?;
        fastrace::set_reporter(reporter, Config::default());
    } else if work != Work::NoTracer {
        let counter = Arc::new(AtomicU64::new(0));
        fastrace::set_reporter(Counts(counter.clone()), Config::default());
        counted = Some(counter);
    }
    Ok(Some(Box::new(Fastrace { work, counted })))
}
