//! rustracing_jaeger: the client that Rust had for Jaeger, by hand as its users write it. It knows no async, no ambient context and no bridge from `log`.

use super::{failed, receiver};
use crate::measure::{Running, Started};
use crate::work::{LONG, ORDER, Order, Refused, SHARE, Work};
use rustracing::log::LogField;
use rustracing::sampler::{AllSampler, NullSampler, ProbabilisticSampler};
use rustracing::tag::{StdTag, Tag};
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
        // Its fields are texts.
        log.field(LogField::new("hit", "true"));
    });
}

#[inline(never)]
fn six(parent: &Handle, id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
    let mut span = parent.child("six", |options| options.start());
    span.set_tags(|| {
        [
            Tag::new("id", id as i64),
            Tag::new("delta", i64::from(delta)),
            Tag::new("ratio", ratio),
            Tag::new("ok", ok),
            Tag::new("name", name.to_owned()),
            Tag::new("note", note.to_owned()),
        ]
    });
}

#[inline(never)]
fn debug(parent: &Handle, order: &Order) {
    let mut span = parent.child("debug", |options| options.start());
    span.set_tag(|| Tag::new("order", format!("{order:?}")));
}

#[inline(never)]
fn long(parent: &Handle, text: &str) {
    let mut span = parent.child("long", |options| options.start());
    span.set_tag(|| Tag::new("text", text.to_owned()));
}

#[inline(never)]
fn fails(parent: &Handle, id: u64) -> Result<u64, Refused> {
    let mut span = parent.child("fails", |options| options.start());
    if id > 0 {
        span.set_tag(StdTag::error);
        span.log(|log| {
            log.error().message(Refused.to_string());
        });
        return Err(Refused);
    }
    Ok(id)
}

#[inline(never)]
fn refused(tracer: &Tracer) {
    let _span: Span = tracer.span("leaf").start();
    black_box(());
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
        if self.work == Work::Refused {
            return (0..spans).for_each(|_| refused(&self.tracer));
        }
        let root: Span = self.tracer.span("root").start();
        match self.work {
            Work::SyncArgs => {
                (0..spans).for_each(|_| _ = black_box(args(&root, black_box(7), black_box("Hello foo3"))))
            }
            Work::SyncSix => (0..spans).for_each(|_| {
                six(&root, black_box(7), -3, 0.5, true, black_box("Hello"), black_box("foo3 foo4 foo5"))
            }),
            Work::SyncDebug => (0..spans).for_each(|_| debug(&root, black_box(&ORDER))),
            Work::SyncLong => (0..spans).for_each(|_| long(&root, black_box(LONG))),
            Work::Error => (0..spans).for_each(|_| _ = black_box(fails(&root, black_box(7)))),
            Work::Depth10 => (0..spans / 10).for_each(|_| deep(&root, black_box(10))),
            Work::Logged => (0..spans).for_each(|_| logs(&root)),
            _ => (0..spans).for_each(|_| leaf(&root)),
        }
    }

    fn received(&mut self) -> Option<u64> {
        let patience = Instant::now() + Duration::from_secs(2);
        while self.counted.load(Relaxed) < self.made && Instant::now() < patience {
            // Asleep, so that what its channel has dropped, and never comes, does not cost this process's CPU.
            std::thread::sleep(Duration::from_millis(1));
        }
        (!self.udp).then(|| self.counted.load(Relaxed))
    }

    fn made(&self, spans: usize) -> u64 {
        self.work.made(spans)
    }
}

pub(super) fn start(work: Work, udp: bool) -> Started {
    if !matches!(
        work,
        Work::Sync
            | Work::SyncArgs
            | Work::SyncSix
            | Work::SyncDebug
            | Work::SyncLong
            | Work::Depth10
            | Work::Error
            | Work::Logged
            | Work::RootChild
            | Work::Unsampled
            | Work::Refused
    ) {
        return Ok(None);
    }
    let (sender, spans) = crossbeam_channel::bounded(1 << 16);
    let tracer = match work {
        Work::Unsampled => Tracer::with_sender(NullSampler, sender),
        Work::Refused => {
            let sampler = ProbabilisticSampler::new(SHARE).map_err(failed("its sampler"))?;
            Tracer::with_sender(sampler, sender)
        }
        _ => Tracer::with_sender(AllSampler, sender),
    };
    let counted = Arc::new(AtomicU64::new(0));
    let counter = counted.clone();
    let reporter = if udp {
        let mut reporter = JaegerCompactReporter::new("bench").map_err(failed("its reporter"))?;
        reporter.set_agent_addr(receiver()?.parse().map_err(failed("the receiver's address"))?);
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
    Ok(Some(Box::new(Rustracing { work, tracer, counted, udp, made: 0 })))
}
