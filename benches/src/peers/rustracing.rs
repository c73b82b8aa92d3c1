//! rustracing_jaeger: the client that Rust had for Jaeger, by hand as its users write it. It knows no async, no ambient context and no bridge from `log`.

use super::receiver;
use crate::measure::Running;
use crate::work::Work;
use rustracing::sampler::{AllSampler, NullSampler};
use rustracing::tag::Tag;
use rustracing_jaeger::reporter::JaegerCompactReporter;
use rustracing_jaeger::span::SpanContextState;
use rustracing_jaeger::{Span, Tracer};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

struct Rustracing {
    work: Work,
    tracer: Tracer,
    counted: Arc<AtomicU64>,
    udp: bool,
    made: u64,
}

type Handle = rustracing::span::Span<SpanContextState>;

#[inline(never)]
fn leaf(parent: &Handle) {
    let _span = parent.child("leaf", |options| options.start());
    black_box(());
}

#[inline(never)]
fn args(parent: &Handle, id: u64, request: &str) -> u64 {
    let mut span = parent.child("args", |options| options.start());
    span.set_tag(|| Tag::new("id", id as i64));
    span.set_tag(|| Tag::new("request", request.to_owned()));
    let reply = black_box(id + request.len() as u64);
    span.set_tag(|| Tag::new("reply", reply as i64));
    reply
}

#[inline(never)]
fn deep(parent: &Handle, left: u32) {
    let span = parent.child("deep", |options| options.start());
    if left > 1 {
        deep(&span, left - 1);
    }
}

#[inline(never)]
fn logs(parent: &Handle) {
    let mut span = parent.child("logs", |options| options.start());
    span.log(|log| {
        log.std().event("cache");
    });
}

impl Running for Rustracing {
    fn burst(&mut self, spans: usize) {
        self.made += self.work.made(spans);
        if self.work == Work::RootChild {
            return (0..spans / 2).for_each(|_| {
                let root: Span = self.tracer.span("root").start();
                leaf(&root);
            });
        }
        let root: Span = self.tracer.span("root").start();
        match self.work {
            Work::SyncArgs => {
                (0..spans).for_each(|_| _ = black_box(args(&root, black_box(7), black_box("Hello foo3"))))
            }
            Work::Depth10 => (0..spans / 10).for_each(|_| deep(&root, black_box(10))),
            Work::Logged => (0..spans).for_each(|_| logs(&root)),
            _ => (0..spans).for_each(|_| leaf(&root)),
        }
    }

    fn received(&mut self) -> Option<u64> {
        let patience = Instant::now() + Duration::from_secs(2);
        while self.counted.load(Relaxed) < self.made && Instant::now() < patience {
            std::thread::yield_now();
        }
        (!self.udp).then(|| self.counted.load(Relaxed))
    }

    fn made(&self, spans: usize) -> u64 {
        self.work.made(spans)
    }
}

pub(super) fn start(work: Work, udp: bool) -> Option<Box<dyn Running>> {
    if !matches!(
        work,
        Work::Sync | Work::SyncArgs | Work::Depth10 | Work::Logged | Work::RootChild | Work::Unsampled
    ) {
        return None;
    }
    let (sender, spans) = crossbeam_channel::bounded(1 << 16);
    let tracer = if work == Work::Unsampled {
        Tracer::with_sender(NullSampler, sender)
    } else {
        Tracer::with_sender(AllSampler, sender)
    };
    let counted = Arc::new(AtomicU64::new(0));
    let counter = counted.clone();
    let reporter = if udp {
        let mut reporter = JaegerCompactReporter::new("bench").ok()?;
        reporter.set_agent_addr(receiver()?.parse().ok()?);
        Some(reporter)
    } else {
        None
    };
    std::thread::spawn(move || {
        // A datagram for what has come by now, as its users' loops do; 50 spans are sure to fit.
        while let Ok(first) = spans.recv() {
            let batch: Vec<_> = std::iter::once(first).chain(spans.try_iter().take(49)).collect();
            counter.fetch_add(batch.len() as u64, Relaxed);
            match &reporter {
                // What is not sent is missing at the receiver.
                Some(reporter) => _ = reporter.report(&batch),
                None => _ = black_box(batch),
            }
        }
    });
    Some(Box::new(Rustracing { work, tracer, counted, udp, made: 0 }))
}
