//! What every peer is given to do: the kinds of work, their arguments, and how often they are called.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// A sync function without arguments.
    Sync,
    /// A sync function of (u64, &str), and its reply.
    SyncArgs,
    /// A sync function of six arguments: two integers, a float, a bool, two texts.
    SyncSix,
    /// A sync function of a struct that has `Debug`.
    SyncDebug,
    /// A sync function of a text of 1,000 bytes, of which ours keeps 256.
    SyncLong,
    /// An async function without arguments.
    Async,
    /// An async function of (u64, &str), and its reply.
    AsyncArgs,
    /// An async function of the same six.
    AsyncSix,
    /// An async function of the struct.
    AsyncDebug,
    /// An async function of the long text.
    AsyncLong,
    /// A root and one child.
    RootChild,
    /// Ten functions without arguments, each calling the next.
    #[value(name = "depth-10")]
    #[serde(rename = "depth-10")]
    Depth10,
    /// A sync function without arguments in a trace that is not sampled.
    Unsampled,
    /// A root that a probabilistic sampler refuses, 999 of 1,000: what most calls are where a service is watched for good.
    Refused,
    /// A root that a rate limit refuses, all but the first.
    OverLimit,
    /// A sync function without arguments, and nobody to take its spans.
    NoTracer,
    /// A sync function that returns an error.
    Error,
    /// A sync function that logs one event with a field, as the peer takes it into the span.
    Logged,
    /// A sync function that writes one record of the crate `log` with a key-value, which a bridge takes into the span.
    ViaLog,
    /// A sync function that makes one event of the crate `tracing` with a field, which a bridge takes into the span.
    ViaTracing,
    /// A sync function that is annotated with `tracing`'s attribute, whose span becomes the peer's.
    Instrument,
}

impl Work {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Spans in a burst: half as many where each is a quarter of a kilobyte, which no service makes 20 million of in a second.
    pub(crate) fn burst(self) -> usize {
        match self {
            Work::SyncLong | Work::AsyncLong | Work::ViaLog | Work::ViaTracing => 1_000,
            _ => 2_000,
        }
    }

    /// How many spans `n` of its spans make at least, with the root that stands around a burst where there is one. How many a sampler lets through is chance.
    pub(crate) fn made(self, n: usize) -> u64 {
        match self {
            Work::Unsampled | Work::NoTracer | Work::Refused | Work::OverLimit => 0,
            Work::RootChild => n as u64,
            _ => n as u64 + 1,
        }
    }
}

/// What a sampler keeps in `Work::Refused`: one trace in a thousand.
pub(crate) const SHARE: f64 = 0.001;
/// What a rate limit lets through in `Work::OverLimit`, a second: the first trace, and the next one after a quarter of an hour, which no run lasts.
pub(crate) const LIMIT: f64 = 0.001;

/// A struct as services pass them on.
#[derive(Debug)]
pub(crate) struct Order {
    #[expect(dead_code, reason = "read by Debug")]
    pub(crate) id: u64,
    #[expect(dead_code, reason = "read by Debug")]
    pub(crate) item: &'static str,
    #[expect(dead_code, reason = "read by Debug")]
    pub(crate) count: u32,
}

pub(crate) static ORDER: Order = Order { id: 1_702, item: "seventeen nails", count: 17 };

/// 1,000 bytes.
pub(crate) static LONG: &str = match std::str::from_utf8(&[b'x'; 1_000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// An error without anything on the heap.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the card was refused")
    }
}

impl std::error::Error for Refused {}

/// Calls `each` `n` times.
#[inline(always)]
pub(crate) fn repeat(n: usize, mut each: impl FnMut()) {
    for _ in 0..n {
        each();
    }
}

/// The bodies of all functions that a peer annotates, and their calls: `calls!(work, spans)`, where these names are in scope.
macro_rules! calls {
    ($work:expr, $spans:expr) => {{
        use crate::work::{LONG, ORDER, Work, block, repeat};
        use std::hint::black_box;
        let n = $spans;
        match $work {
            Work::Sync | Work::Unsampled | Work::Refused | Work::OverLimit | Work::NoTracer => {
                repeat(n, || leaf())
            }
            Work::SyncArgs => repeat(n, || _ = black_box(args(black_box(7), black_box("Hello foo3")))),
            Work::SyncSix => repeat(n, || {
                six(black_box(7), -3, 0.5, true, black_box("Hello"), black_box("foo3 foo4 foo5"))
            }),
            Work::SyncDebug => repeat(n, || debug(black_box(&ORDER))),
            Work::SyncLong => repeat(n, || long(black_box(LONG))),
            Work::Async => repeat(n, || block(async_leaf())),
            Work::AsyncArgs => {
                repeat(n, || _ = black_box(block(async_args(black_box(7), black_box("Hello foo3")))))
            }
            Work::AsyncSix => repeat(n, || {
                block(async_six(black_box(7), -3, 0.5, true, black_box("Hello"), black_box("foo3 foo4 foo5")))
            }),
            Work::AsyncDebug => repeat(n, || block(async_debug(black_box(&ORDER)))),
            Work::AsyncLong => repeat(n, || block(async_long(black_box(LONG)))),
            Work::Depth10 => repeat(n / 10, || deep(black_box(10))),
            Work::Error => repeat(n, || _ = black_box(fails(black_box(7)))),
            Work::Logged => repeat(n, || logs(black_box(7))),
            Work::ViaLog => repeat(n, || via_log(black_box(7))),
            Work::ViaTracing => repeat(n, || via_tracing(black_box(7))),
            Work::Instrument => repeat(n, || instrumented()),
            Work::RootChild => repeat(n / 2, || root()),
        }
    }};
}
pub(crate) use calls;

/// The functions themselves, with `$sync` on the sync ones and so on: what a peer's user writes around the same bodies.
macro_rules! functions {
    (
        leaf: [$($leaf:tt)*], args: [$($args:tt)*], six: [$($six:tt)*], debug: [$($debug:tt)*], long: [$($long:tt)*],
        deep: [$($deep:tt)*], fails: [$($fails:tt)*], logs: [$($logs:tt)*] { $($event:tt)* }, reply: |$reply:ident| { $($say:tt)* }, error: { $($error:tt)* }
    ) => {
        $($leaf)*
        #[inline(never)]
        fn leaf() {
            std::hint::black_box(());
        }
        $($args)*
        #[inline(never)]
        fn args(id: u64, request: &str) -> u64 {
            let $reply = std::hint::black_box(id + request.len() as u64);
            $($say)*
            $reply
        }
        $($six)*
        #[inline(never)]
        fn six(id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
            std::hint::black_box((id, delta, ratio, ok, name, note));
        }
        $($debug)*
        #[inline(never)]
        fn debug(order: &crate::work::Order) {
            std::hint::black_box(order);
        }
        $($long)*
        #[inline(never)]
        fn long(text: &str) {
            std::hint::black_box(text);
        }
        $($leaf)*
        async fn async_leaf() {
            std::hint::black_box(());
        }
        $($args)*
        async fn async_args(id: u64, request: &str) -> u64 {
            let $reply = std::hint::black_box(id + request.len() as u64);
            $($say)*
            $reply
        }
        $($six)*
        async fn async_six(id: u64, delta: i32, ratio: f64, ok: bool, name: &str, note: &str) {
            std::hint::black_box((id, delta, ratio, ok, name, note));
        }
        $($debug)*
        async fn async_debug(order: &crate::work::Order) {
            std::hint::black_box(order);
        }
        $($long)*
        async fn async_long(text: &str) {
            std::hint::black_box(text);
        }
        $($deep)*
        #[inline(never)]
        fn deep(left: u32) {
            if left > 1 {
                deep(left - 1);
            }
            std::hint::black_box(left);
        }
        $($fails)*
        #[inline(never)]
        fn fails(id: u64) -> Result<u64, crate::work::Refused> {
            $($error)*
            if id > 0 { Err(crate::work::Refused) } else { Ok(id) }
        }
        $($logs)*
        #[inline(never)]
        fn logs(id: u64) {
            $($event)*
            std::hint::black_box(id);
        }
        $($logs)*
        #[inline(never)]
        fn via_log(id: u64) {
            log::info!(hit = true; "cache");
            std::hint::black_box(id);
        }
        $($logs)*
        #[inline(never)]
        fn via_tracing(id: u64) {
            tracing::info!(hit = true, "cache");
            std::hint::black_box(id);
        }
        #[tracing::instrument]
        #[inline(never)]
        fn instrumented() {
            std::hint::black_box(());
        }
    };
}
pub(crate) use functions;

/// Polls a future that does not wait for anything.
#[inline(always)]
pub(crate) fn block<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}
