//! Futures in more ways than peers are compared by, each a row of the gate of instructions: a function that returns one, and polls after which one waits; recorded, below a trace that was refused, without a tracer.

use crate::count;
use crate::peers::ours::Counts;
use crate::work::block;
use jaeger_runtime::{Sampler, Span, SpanContext, SpanId, TraceId, Tracer, traced};
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::task::Poll;
use std::time::Duration;

/// Futures made and polled once, or polls of one, in a round.
pub(crate) const CALLS: usize = 2_000;

pub(crate) const WAYS: [&str; 6] =
    ["returned", "returned-refused", "returned-no-tracer", "waits", "waits-refused", "waits-no-tracer"];

#[traced]
#[inline(never)]
fn returned() -> impl Future<Output = ()> {
    async { black_box(()) }
}

/// Ready when it has waited so often.
#[traced(skip_all)]
#[inline(never)]
async fn waits(polls: usize) {
    let mut left = polls;
    poll_fn(|_| {
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// So many rounds; only what is made and polled is counted, not the span around it.
pub(crate) fn rounds(way: &str, rounds: usize) -> Result<(), String> {
    let (call, traced): (fn(), &str) = match way.split_once('-').unwrap_or((way, "")) {
        ("returned", traced) => (|| (0..CALLS).for_each(|_| block(returned())), traced),
        ("waits", traced) => (|| block(waits(black_box(CALLS))), traced),
        _ => return Err(format!("no such way: {way}; there is: {}", WAYS.join(", "))),
    };
    let builder = Tracer::builder("bench").sampler(Sampler::Const(true)).reporter(Counts(0));
    let tracer = match traced {
        "no-tracer" => None,
        _ => Some(builder.install().map_err(|e| e.to_string())?),
    };
    let refused = SpanContext::new(TraceId::from_u128(1), SpanId::from_u64(2), false);
    let mut came = 0;
    for _ in 0..rounds {
        {
            let around = match traced {
                "refused" => Span::child_of(refused, "around"),
                _ => Span::root("around"),
            };
            let _inside = around.enter();
            count::counted_call(call);
        }
        // A round fits into a log, and the next one finds it empty.
        if let Some(tracer) = &tracer {
            let stats = tracer.flush(Duration::from_secs(10)).map_err(|e| e.to_string())?;
            came = stats.reporters.iter().map(|reporter| reporter.stats.sent).sum();
        }
    }
    // With the one around it.
    let made = match (traced, way) {
        ("", "returned") => rounds * (CALLS + 1),
        ("", _) => rounds * 2,
        _ => 0,
    };
    if came == made as u64 { Ok(()) } else { Err(format!("of {made} spans {came} came out")) }
}
