//! A reporter that hangs for ever: the others get their spans, its own are counted, memory is bounded, and nobody waits longer than they said.

use jaeger_runtime::report::{MemoryReporter, Reporter, ReporterStats, SpanRecord};
use jaeger_runtime::{Error, Sampler, Stats, Tracer, traced};
use jaeger_thrift::{Message, Protocol};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Of no use to a reporter that hangs.
const SHORT: Duration = Duration::from_millis(50);

struct Hangs(Receiver<()>);

impl Reporter for Hangs {
    fn name(&self) -> String {
        "hangs".into()
    }
    fn report(&mut self, _: &SpanRecord<'_>) {
        let _never = self.0.recv();
    }
    fn stats(&self) -> ReporterStats {
        ReporterStats::default()
    }
}

#[traced]
fn work(n: u64) -> u64 {
    n
}

/// Every span is in one of the numbers of each reporter.
fn adds_up(stats: &Stats) {
    assert_eq!(stats.started, stats.finished + stats.open + stats.dropped.total(), "{stats:?}");
    for reporter in &stats.reporters {
        let ReporterStats { sent, failed, dropped, buffered } = reporter.stats;
        assert_eq!(stats.finished, sent + failed + dropped + buffered, "{reporter:?}");
    }
}

#[test]
fn a_reporter_that_hangs_is_bypassed_and_counted() {
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_read_timeout(Some(PATIENCE)).unwrap();
    let memory = MemoryReporter::with_limit(1 << 20);
    let (_never_sends, never) = channel();
    let tracer = Tracer::builder("hanging")
        .sampler(Sampler::Const(true))
        .agent(agent.local_addr().unwrap().to_string())
        .reporter(Hangs(never))
        .reporter(memory.clone())
        .reporter_bytes(1 << 18)
        .install()
        .unwrap();

    work(1);
    assert!(matches!(tracer.flush(SHORT), Err(Error::Timeout { what: "flush", .. })));
    // The agent and the tests' reporter have the span.
    let mut datagram = vec![0; 1 << 16];
    let length = agent.recv(&mut datagram).unwrap();
    let message = Message::decode(Protocol::Compact, &datagram[..length]).unwrap();
    assert_eq!(message.batch.spans[0].operation_name, "work");
    assert_eq!(memory.spans().len(), 1);

    // And they go on to get them, as many as come.
    for _ in 0..50 {
        memory.take();
        (0..1_000).for_each(|n| _ = work(n));
        memory.wait_for(1_000, PATIENCE).unwrap();
        adds_up(&tracer.stats());
    }
    assert!(tracer.flush(SHORT).is_err());
    let stats = tracer.stats();
    adds_up(&stats);
    assert_eq!((stats.finished, stats.dropped.total()), (50_001, 0), "nothing was lost for the others");
    let [udp, hangs, kept] = &stats.reporters[..] else { panic!("{stats:?}") };
    assert_eq!((udp.stats.sent + udp.stats.failed, kept.stats.sent), (50_001, 50_001));
    assert!(hangs.name == "hangs" && hangs.stats.sent == 0, "{hangs:?}");
    // A span takes 200 bytes at least.
    assert!(hangs.stats.buffered < (1 << 18) / 200 + 2 && hangs.stats.dropped > 48_000, "{hangs:?}");

    // It does not hang the end either, and the end is not waited for twice.
    let began = Instant::now();
    assert!(matches!(tracer.shutdown(SHORT), Err(Error::Timeout { what: "shutdown", .. })));
    drop(tracer);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "a dropped tracer waits for 5 s: {:?}",
        began.elapsed()
    );
}
