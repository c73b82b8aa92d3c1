//! fastrace: its attribute with three properties where the work has arguments and a reply, since it records nothing by itself.

use super::receiver;
use crate::measure::{Running, Work, block};
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::prelude::{LocalSpan, Span, SpanContext, trace};
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

#[trace(short_name = true, properties = { "id": "{id}", "request": "{request}" })]
#[inline(never)]
fn args(id: u64, request: &str) -> u64 {
    let reply = black_box(id + request.len() as u64);
    LocalSpan::add_property(|| ("reply", reply.to_string()));
    reply
}

#[trace(short_name = true)]
async fn async_leaf() {
    black_box(());
}

#[trace(short_name = true, properties = { "id": "{id}", "request": "{request}" })]
async fn async_args(id: u64, request: &str) -> u64 {
    let reply = black_box(id + request.len() as u64);
    LocalSpan::add_property(|| ("reply", reply.to_string()));
    reply
}

struct Fastrace {
    work: Work,
    counted: Option<Arc<AtomicU64>>,
}

impl Running for Fastrace {
    fn burst(&mut self, spans: usize) {
        match self.work {
            Work::NoTracer => return (0..spans).for_each(|_| leaf()),
            Work::RootChild => {
                return (0..spans / 2).for_each(|_| {
                    let root = Span::root("root", SpanContext::random());
                    let _inside = root.set_local_parent();
                    leaf();
                });
            }
            _ => {}
        }
        let root = Span::root("root", SpanContext::random().sampled(self.work != Work::Unsampled));
        let _inside = root.set_local_parent();
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
        fastrace::flush();
        self.counted.as_ref().map(|counted| counted.load(Relaxed))
    }

    fn made(&self, spans: usize) -> u64 {
        match self.work {
            Work::Unsampled | Work::NoTracer => 0,
            Work::RootChild => spans as u64,
            _ => spans as u64 + 1,
        }
    }
}

pub(super) fn start(work: Work, udp: bool) -> Option<Box<dyn Running>> {
    let mut counted = None;
    if udp {
        if matches!(work, Work::NoTracer) {
            return None;
        }
        let agent = receiver()?.parse().ok()?;
        let reporter = fastrace_jaeger::JaegerReporter::new(agent, "bench").ok()?;
        fastrace::set_reporter(reporter, Config::default());
    } else if work != Work::NoTracer {
        let counter = Arc::new(AtomicU64::new(0));
        fastrace::set_reporter(Counts(counter.clone()), Config::default());
        counted = Some(counter);
    }
    Some(Box::new(Fastrace { work, counted }))
}
