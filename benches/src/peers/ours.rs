//! This project: `#[traced]`, bare.

use super::receiver;
use crate::measure::{Running, Work, block};
use jaeger_runtime::report::{Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{Sampler, Span, SpanContext, SpanId, TraceId, Tracer, traced};
use std::hint::black_box;
use std::time::Duration;

/// Looks at what every reporter has to look at, and counts.
struct Counts(u64);

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

#[traced]
#[inline(never)]
fn leaf() {
    black_box(());
}

#[traced]
#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    black_box(id + request.len() as u64)
}

#[traced]
#[inline(never)]
fn root() {
    leaf();
}

#[traced]
async fn async_leaf() {
    black_box(());
}

#[traced]
async fn async_args(id: u64, request: &str) -> u64 {
    black_box(id + request.len() as u64)
}

struct Ours {
    work: Work,
    tracer: Option<Tracer>,
    roots: u64,
}

impl Running for Ours {
    fn burst(&mut self, spans: usize) {
        match self.work {
            Work::RootChild => (0..spans / 2).for_each(|_| root()),
            Work::NoTracer => (0..spans).for_each(|_| leaf()),
            _ => {
                let parent = SpanContext::new(TraceId::from_u128(1), SpanId::from_u64(2), false);
                let span = if self.work == Work::Unsampled {
                    Span::child_of(parent, "root")
                } else {
                    Span::root("root")
                };
                self.roots = 1;
                let _inside = span.enter();
                match self.work {
                    Work::SyncArgs => {
                        (0..spans).for_each(|_| _ = black_box(args(black_box(7), black_box("Hello foo3"))));
                    }
                    Work::Async => (0..spans).for_each(|_| block(async_leaf())),
                    Work::AsyncArgs => {
                        (0..spans).for_each(|_| {
                            _ = black_box(block(async_args(black_box(7), black_box("Hello foo3"))))
                        });
                    }
                    _ => (0..spans).for_each(|_| leaf()),
                }
            }
        }
    }

    fn received(&mut self) -> Option<u64> {
        let stats = self.tracer.as_ref()?.flush(Duration::from_secs(10)).ok()?;
        Some(stats.reporters.iter().map(|reporter| reporter.stats.sent).sum())
    }

    fn made(&self, spans: usize) -> u64 {
        match self.work {
            Work::Unsampled | Work::NoTracer => 0,
            _ => spans as u64 + self.roots,
        }
    }
}

pub(super) fn start(work: Work, udp: bool) -> Option<Box<dyn Running>> {
    let builder = Tracer::builder("bench").sampler(Sampler::Const(true));
    let tracer = match (work, udp) {
        (Work::NoTracer, true) => return None,
        (Work::NoTracer, false) => None,
        (_, true) => Some(builder.agent(receiver()?).install().ok()?),
        (_, false) => Some(builder.reporter(Counts(0)).install().ok()?),
    };
    Some(Box::new(Ours { work, tracer, roots: 0 }))
}
