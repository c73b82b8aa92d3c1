//! The OpenTelemetry SDK alone, by hand as its users write it, and what stands behind `tracing` too: a batch processor before an exporter that only counts, or one that speaks OTLP over HTTP.

use super::{failed, receiver};
use crate::measure::{Running, Started};
use crate::work::{Order, Refused, SHARE, Work, calls};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::{FutureExt, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter as Otlp, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

/// Where the spans go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    Counter,
    Otlp,
}

#[derive(Debug)]
struct Counts(Arc<AtomicU64>);

impl SpanExporter for Counts {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.fetch_add(black_box(batch).len() as u64, Relaxed);
        Ok(())
    }
}

/// The exporter's HTTP, without an async runtime of its own.
#[derive(Debug)]
struct Ureq(ureq::Agent);

#[async_trait]
impl HttpClient for Ureq {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut post = self.0.post(parts.uri.to_string());
        for (name, value) in &parts.headers {
            post = post.header(name, value);
        }
        let mut answer = post.send(&body[..])?;
        let status = answer.status();
        let body = answer.body_mut().read_to_vec()?;
        Ok(Response::builder().status(status).body(body.into())?)
    }
}

/// How many spans came out at the end; `None` where a receiver in another process counts.
pub(super) struct Received(Option<Arc<AtomicU64>>);

impl Received {
    pub(super) fn after_flush(&self, provider: &SdkTracerProvider) -> Option<u64> {
        provider.force_flush().ok()?;
        self.0.as_ref().map(|counted| counted.load(Relaxed))
    }
}

pub(super) fn provider(work: Work, sink: Sink) -> Result<(SdkTracerProvider, Received), String> {
    // The default queue of 2,048 would drop most of a burst; what is measured is recording, not dropping.
    let config = BatchConfigBuilder::default().with_max_queue_size(1 << 16).build();
    let sampler = match work {
        Work::Unsampled => Sampler::AlwaysOff,
        Work::Refused => Sampler::TraceIdRatioBased(SHARE),
        _ => Sampler::AlwaysOn,
    };
    let builder = SdkTracerProvider::builder().with_sampler(sampler);
    Ok(match sink {
        Sink::Counter => {
            let counted = Arc::new(AtomicU64::new(0));
            let exporter = Counts(counted.clone());
            let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
            (builder.with_span_processor(processor).build(), Received(Some(counted)))
        }
        Sink::Otlp => {
            let http = Otlp::builder().with_http().with_http_client(Ureq(ureq::Agent::new_with_defaults()));
            let exporter = http.with_endpoint(format!("http://{}/v1/traces", receiver()?)).build();
            let exporter = exporter.map_err(failed("its exporter"))?;
            let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
            (builder.with_span_processor(processor).build(), Received(None))
        }
    })
}

/// Asked for once and kept, as its documentation advises: each question allocates and looks the provider up.
fn tracer() -> &'static global::BoxedTracer {
    static TRACER: LazyLock<global::BoxedTracer> = LazyLock::new(|| global::tracer("bench"));
    &TRACER
}

#[inline(never)]
fn leaf() {
    tracer().in_span("leaf", |_| black_box(()));
}

fn two(cx: &Context, id: u64, request: &str) -> u64 {
    cx.span().set_attribute(KeyValue::new("id", id as i64));
    cx.span().set_attribute(KeyValue::new("request", request.to_owned()));
    let reply = black_box(id + request.len() as u64);
    cx.span().set_attribute(KeyValue::new("reply", reply as i64));
    reply
}

#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    tracer().in_span("args", |cx| two(&cx, id, request))
}

fn all(cx: &Context, id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
    cx.span().set_attributes([
        KeyValue::new("id", id as i64),
        KeyValue::new("delta", i64::from(delta)),
        KeyValue::new("ratio", ratio),
        KeyValue::new("ok", ok),
        KeyValue::new("name", name.to_owned()),
        KeyValue::new("note", note.to_owned()),
    ]);
}

#[inline(never)]
fn six(id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
    tracer().in_span("six", |cx| all(&cx, id, delta, ratio, ok, name, note));
}

#[inline(never)]
fn debug(order: &Order) {
    tracer().in_span("debug", |cx| cx.span().set_attribute(KeyValue::new("order", format!("{order:?}"))));
}

#[inline(never)]
fn long(text: &str) {
    tracer().in_span("long", |cx| cx.span().set_attribute(KeyValue::new("text", text.to_owned())));
}

fn child(name: &'static str) -> Context {
    Context::current_with_span(tracer().start(name))
}

async fn async_leaf() {
    async { black_box(()) }.with_context(child("async_leaf")).await;
}

async fn async_args(id: u64, request: &str) -> u64 {
    async { two(&Context::current(), id, request) }.with_context(child("async_args")).await
}

async fn async_six(id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
    async { all(&Context::current(), id, delta, ratio, ok, name, note) }
        .with_context(child("async_six"))
        .await;
}

async fn async_debug(order: &Order) {
    let say = async { Context::current().span().set_attribute(KeyValue::new("order", format!("{order:?}"))) };
    say.with_context(child("async_debug")).await;
}

async fn async_long(text: &str) {
    let say = async { Context::current().span().set_attribute(KeyValue::new("text", text.to_owned())) };
    say.with_context(child("async_long")).await;
}

#[inline(never)]
fn deep(left: u32) {
    tracer().in_span("deep", |_| {
        if left > 1 {
            deep(left - 1);
        }
    });
}

#[inline(never)]
fn fails(id: u64) -> Result<u64, Refused> {
    tracer().in_span("fails", |cx| {
        if id > 0 {
            cx.span().record_error(&Refused);
            cx.span().set_status(Status::error(Refused.to_string()));
            return Err(Refused);
        }
        Ok(id)
    })
}

#[inline(never)]
fn logs(id: u64) {
    tracer().in_span("logs", |cx| {
        cx.span().add_event("cache", vec![KeyValue::new("hit", true)]);
        black_box(id);
    });
}

/// By hand there is no bridge; see `start`.
fn via_log(_: u64) {}
fn via_tracing(_: u64) {}
fn instrumented() {}

#[inline(never)]
fn root() {
    tracer().in_span("root", |_| leaf());
}

struct Otel {
    work: Work,
    provider: SdkTracerProvider,
    received: Received,
}

impl Running for Otel {
    fn burst(&mut self, spans: usize) {
        if matches!(self.work, Work::RootChild | Work::Refused) {
            calls!(self.work, spans);
            return;
        }
        tracer().in_span("root", |_| calls!(self.work, spans));
    }

    fn received(&mut self) -> Option<u64> {
        self.received.after_flush(&self.provider)
    }

    fn made(&self, spans: usize) -> u64 {
        self.work.made(spans)
    }
}

pub(super) fn start(work: Work) -> Started {
    // The SDK has no limit of traces a second.
    let none = [Work::NoTracer, Work::OverLimit, Work::ViaLog, Work::ViaTracing, Work::Instrument];
    if none.contains(&work) {
        return Ok(None);
    }
    let (provider, received) = provider(work, Sink::Counter)?;
    global::set_tracer_provider(provider.clone());
    Ok(Some(Box::new(Otel { work, provider, received })))
}
