//! A recursion far deeper than the log has room for ends: it takes little stack, runs to its end, and each call is counted.
//!
//! A file of its own for its budget: of the default one, a thread among the first has room for 260,000 open calls.

use jaeger_runtime::report::MemoryReporter;
use jaeger_runtime::{Sampler, Tracer, traced};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[traced]
fn down(n: u32) -> u32 {
    if n == 0 { 0 } else { 1 + down(n - 1) }
}

#[test]
fn recursion_takes_no_more_stack_than_the_guard() {
    // Logs of 512 KiB, in which some 32,000 calls can be open.
    let tracer = Tracer::builder("recursion")
        .sampler(Sampler::Const(true))
        .log_bytes(12 << 20)
        .reporter(MemoryReporter::with_limit(1 << 20))
        .install()
        .unwrap();
    // 100,000 deep: 256 bytes a level where the compiler optimises, more where it keeps every temporary.
    let stack = if cfg!(debug_assertions) { 256 << 20 } else { 25 << 20 };
    let deep = std::thread::Builder::new().stack_size(stack).spawn(|| down(100_000)).unwrap();
    assert_eq!(deep.join().unwrap(), 100_000);
    let stats = tracer.flush(PATIENCE).unwrap();
    assert_eq!(stats.started, 100_001, "{stats:?}");
    assert_eq!(stats.started, stats.finished + stats.dropped.log_full, "{stats:?}");
    assert!(stats.finished > 30_000 && stats.dropped.log_full > 60_000, "{stats:?}");
}
