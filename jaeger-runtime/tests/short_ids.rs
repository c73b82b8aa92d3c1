//! Trace ids of 64 bits, for systems that can hold no more.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Span, SpanContext, Tracer, traced};
use std::time::Duration;

#[traced]
fn work() -> SpanContext {
    SpanContext::current()
}

#[test]
fn with_the_option_every_trace_id_has_64_bits() {
    let memory = MemoryReporter::new();
    let builder = Tracer::builder("short").sampler(Sampler::Const(true)).trace_id_128bit(false);
    let tracer = builder.reporter(memory.clone()).install().unwrap();
    let mut lows = Vec::new();
    for _ in 0..100 {
        let nested = work();
        let span = Span::root("by hand");
        for context in [nested, span.context()] {
            assert_eq!(context.trace_id().high(), 0, "{context:?}");
            lows.push(context.trace_id().to_u128());
        }
    }
    let stats = tracer.flush(Duration::from_secs(60)).unwrap();
    assert_eq!(stats.finished, 200);
    let mut seen: Vec<u128> = memory.spans().iter().map(|span| span.trace_id).collect();
    seen.sort_unstable();
    lows.sort_unstable();
    assert_eq!(seen, lows, "what is recorded is what was told");
    lows.dedup();
    assert!(lows.len() == 200 && lows.iter().all(|low| *low != 0 && *low <= u128::from(u64::MAX)));
    // They use the whole width, not its lower part.
    assert!(lows.iter().any(|low| *low > u128::from(u64::MAX / 2)));
}
