//! rustracing_jaeger: the client that Rust had for Jaeger, by hand as its users write it.

use crate::measure::{Running, Work};
use rustracing::sampler::{AllSampler, NullSampler};
use rustracing::tag::Tag;
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

impl Running for Rustracing {
    fn burst(&mut self, spans: usize) {
        if self.work == Work::RootChild {
            self.made += spans as u64;
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
            _ => (0..spans).for_each(|_| leaf(&root)),
        }
        self.made += self.made(spans);
    }

    fn received(&mut self) -> Option<u64> {
        let patience = Instant::now() + Duration::from_secs(2);
        while self.counted.load(Relaxed) < self.made && Instant::now() < patience {
            std::thread::yield_now();
        }
        Some(self.counted.load(Relaxed))
    }

    fn made(&self, spans: usize) -> u64 {
        match self.work {
            Work::Unsampled => 0,
            Work::RootChild => spans as u64,
            _ => spans as u64 + 1,
        }
    }
}

pub(super) fn start(work: Work) -> Option<Box<dyn Running>> {
    if matches!(work, Work::Async | Work::AsyncArgs | Work::NoTracer) {
        return None;
    }
    let (sender, receiver) = crossbeam_channel::bounded(1 << 16);
    let tracer = if work == Work::Unsampled {
        Tracer::with_sender(NullSampler, sender)
    } else {
        Tracer::with_sender(AllSampler, sender)
    };
    let counted = Arc::new(AtomicU64::new(0));
    let counter = counted.clone();
    std::thread::spawn(move || {
        for span in receiver {
            black_box(&span);
            counter.fetch_add(1, Relaxed);
        }
    });
    Some(Box::new(Rustracing { work, tracer, counted, made: 0 }))
}
