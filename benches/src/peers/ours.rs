//! This project: `#[traced]`, bare.

use super::{failed, receiver};
use crate::measure::{Running, Started};
use crate::work::{LIMIT, SHARE, Work, calls, functions};
use jaeger_runtime::report::{Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{LogBridge, Sampler, Span, SpanContext, SpanId, TraceId, Tracer, TracingLayer, traced};
use std::hint::black_box;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// Looks at what every reporter has to look at, and counts.
pub(crate) struct Counts(pub(crate) u64);

impl Reporter for Counts {
    fn name(&self) -> String {
        "counts".into()
    }
    // Spans lent, as to the built-in reporters and as fastrace does; no copy for a thread of its own.
    fn never_waits(&self) -> bool {
        true
    }
    fn report(&mut self, span: &SpanRecord<'_>) {
        black_box((span.name(), span.tags()));
        self.0 += 1;
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats { sent: self.0, ..ReporterStats::default() }
    }
}

functions! {
    leaf: [#[traced]], args: [#[traced]], six: [#[traced]], debug: [#[traced]], long: [#[traced]],
    deep: [#[traced(skip_all)]], fails: [#[traced(skip_all)]],
    logs: [#[traced(skip_all)]] { Span::current().log("cache", &[("hit", &true)]); },
    reply: |reply| {}, error: {}
}

#[traced]
#[inline(never)]
fn root() {
    leaf();
}

/// The function with two arguments and a reply, so many times.
pub(crate) fn args_times(n: usize) {
    for _ in 0..n {
        black_box(args(black_box(7), black_box("Hello foo3")));
    }
}

/// The workload's functions and nothing around them: the one place that calls them, since where there are two a future's poll is a call and no longer a part of its caller.
#[inline(never)]
pub(crate) fn calls_of(work: Work, spans: usize) {
    calls!(work, spans);
}

pub(super) fn burst(work: Work, spans: usize) {
    let parent = SpanContext::new(TraceId::from_u128(1), SpanId::from_u64(2), false);
    let span = match work {
        Work::RootChild | Work::Refused | Work::OverLimit | Work::NoTracer => None,
        Work::Unsampled => Some(Span::child_of(parent, "root")),
        _ => Some(Span::root("root")),
    };
    let _inside = span.as_ref().map(Span::enter);
    calls_of(work, spans);
}

/// The workload with what delivers its spans.
pub(crate) struct Ours {
    work: Work,
    tracer: Option<Tracer>,
}

impl Running for Ours {
    fn burst(&mut self, spans: usize) {
        burst(self.work, spans);
    }

    fn received(&mut self) -> Option<u64> {
        let stats = self.tracer.as_ref()?.flush(Duration::from_secs(10)).ok()?;
        Some(stats.reporters.iter().map(|reporter| reporter.stats.sent).sum())
    }

    fn made(&self, spans: usize) -> u64 {
        self.work.made(spans)
    }
}

/// What takes the records and events of other crates, where the work has any.
fn bridge(work: Work) -> Result<(), String> {
    match work {
        Work::ViaLog => LogBridge::new().install().map_err(failed("the bridge of `log`")),
        Work::ViaTracing | Work::Instrument => {
            let layers = tracing_subscriber::registry().with(TracingLayer::new());
            tracing::subscriber::set_global_default(layers).map_err(failed("the subscriber"))
        }
        _ => Ok(()),
    }
}

/// Sends to that agent, and only when it is flushed: what arrives does not depend on time.
pub(crate) fn to_agent(work: Work, address: String) -> Result<Ours, String> {
    bridge(work)?;
    let builder =
        Tracer::builder("bench").sampler(Sampler::Const(true)).flush_interval(Duration::from_secs(3_600));
    Ok(Ours { work, tracer: Some(builder.agent(address).install().map_err(failed("the tracer"))?) })
}

pub(super) fn start(work: Work, udp: bool) -> Started {
    bridge(work)?;
    let sampler = match work {
        Work::Refused => Sampler::Probabilistic(SHARE),
        Work::OverLimit => Sampler::RateLimiting(LIMIT),
        _ => Sampler::Const(true),
    };
    let builder = Tracer::builder("bench").sampler(sampler);
    let tracer = match (work, udp) {
        (Work::NoTracer, true) => return Ok(None),
        (Work::NoTracer, false) => None,
        (_, true) => Some(builder.agent(receiver()?).install().map_err(failed("the tracer"))?),
        (_, false) => Some(builder.reporter(Counts(0)).install().map_err(failed("the tracer"))?),
    };
    Ok(Some(Box::new(Ours { work, tracer })))
}
