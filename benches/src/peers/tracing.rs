//! tracing: `#[instrument]`, which records the arguments by itself and the reply with `ret`; with and without OpenTelemetry behind it.

use crate::measure::{Running, Work, block};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt;

#[derive(Debug)]
struct Counts(Arc<AtomicU64>);

impl SpanExporter for Counts {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.fetch_add(black_box(batch).len() as u64, Relaxed);
        Ok(())
    }
}

#[instrument]
#[inline(never)]
fn leaf() {
    black_box(());
}

#[instrument(ret)]
#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    black_box(id + request.len() as u64)
}

#[instrument]
async fn async_leaf() {
    black_box(());
}

#[instrument(ret)]
async fn async_args(id: u64, request: &str) -> u64 {
    black_box(id + request.len() as u64)
}

#[instrument]
#[inline(never)]
fn root() {
    leaf();
}

struct Tracing {
    work: Work,
    provider: Option<SdkTracerProvider>,
    counted: Arc<AtomicU64>,
}

impl Running for Tracing {
    fn burst(&mut self, spans: usize) {
        if self.work == Work::RootChild {
            return (0..spans / 2).for_each(|_| root());
        }
        let root = tracing::info_span!("root");
        let _inside = root.enter();
        match self.work {
            Work::SyncArgs => {
                (0..spans).for_each(|_| _ = black_box(args(black_box(7), black_box("Hello foo3"))))
            }
            Work::Async => (0..spans).for_each(|_| block(async_leaf())),
            Work::AsyncArgs => {
                (0..spans)
                    .for_each(|_| _ = black_box(block(async_args(black_box(7), black_box("Hello foo3")))));
            }
            _ => (0..spans).for_each(|_| leaf()),
        }
    }

    fn received(&mut self) -> Option<u64> {
        self.provider.as_ref()?.force_flush().ok()?;
        Some(self.counted.load(Relaxed))
    }

    fn made(&self, spans: usize) -> u64 {
        match (self.work, &self.provider) {
            (Work::Unsampled, _) | (_, None) => 0,
            (Work::RootChild, _) => spans as u64,
            _ => spans as u64 + 1,
        }
    }
}

pub(super) fn start(work: Work, otel: bool) -> Option<Box<dyn Running>> {
    let counted = Arc::new(AtomicU64::new(0));
    let mut provider = None;
    if otel {
        if work == Work::NoTracer {
            return None;
        }
        // The default queue of 2,048 would drop most of a burst; what is measured is recording, not dropping.
        let config = BatchConfigBuilder::default().with_max_queue_size(1 << 16).build();
        let processor =
            BatchSpanProcessor::builder(Counts(counted.clone())).with_batch_config(config).build();
        let sampler = if work == Work::Unsampled { Sampler::AlwaysOff } else { Sampler::AlwaysOn };
        let made = SdkTracerProvider::builder().with_span_processor(processor).with_sampler(sampler).build();
        let layer = tracing_opentelemetry::layer().with_tracer(made.tracer("bench"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).ok()?;
        provider = Some(made);
    } else if work != Work::NoTracer {
        return None;
    }
    Some(Box::new(Tracing { work, provider, counted }))
}
