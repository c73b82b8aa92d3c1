//! tracing: `#[instrument]`, which records the arguments by itself and the reply with `ret`; without a subscriber, with OpenTelemetry behind it, and with that over OTLP.

use super::failed;
use super::otel::{self, Sink};
use crate::measure::{Running, Started};
use crate::work::{Work, calls, functions};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt;

functions! {
    leaf: [#[instrument]], args: [#[instrument(ret)]], six: [#[instrument]], debug: [#[instrument]], long: [#[instrument]],
    deep: [#[instrument(skip_all)]], fails: [#[instrument(skip_all, err)]],
    logs: [#[instrument(skip_all)]] { tracing::info!(hit = true, "cache"); },
    reply: |reply| {}, error: {}
}

#[instrument]
#[inline(never)]
fn root() {
    leaf();
}

#[inline(never)]
pub(super) fn burst(work: Work, spans: usize) {
    if matches!(work, Work::RootChild | Work::Refused) {
        calls!(work, spans);
        return;
    }
    let root = tracing::info_span!("root");
    let _inside = root.enter();
    calls!(work, spans);
}

struct Tracing {
    work: Work,
    behind: Option<(SdkTracerProvider, otel::Received)>,
}

impl Running for Tracing {
    fn burst(&mut self, spans: usize) {
        burst(self.work, spans);
    }

    fn received(&mut self) -> Option<u64> {
        let (provider, received) = self.behind.as_ref()?;
        received.after_flush(provider)
    }

    fn made(&self, spans: usize) -> u64 {
        if self.behind.is_some() { self.work.made(spans) } else { 0 }
    }
}

pub(super) fn start(work: Work, sink: Option<Sink>) -> Started {
    let mut behind = None;
    match (work, sink) {
        (Work::NoTracer, None) => {}
        // The SDK has no limit of traces a second.
        (Work::NoTracer | Work::OverLimit, Some(_)) | (_, None) => return Ok(None),
        (_, Some(sink)) => {
            let (provider, received) = otel::provider(work, sink)?;
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
                .map_err(failed("the subscriber"))?;
            if work == Work::ViaLog {
                // Records of `log` become events of `tracing` first.
                tracing_log::LogTracer::init().map_err(failed("the bridge of `log`"))?;
            }
            behind = Some((provider, received));
        }
    }
    Ok(Some(Box::new(Tracing { work, behind })))
}
