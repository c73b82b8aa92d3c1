//! Decoding and storing alone, in this process: what the UDP port does for each datagram, without the network.

use std::time::Instant;

use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::receive::udp::datagram;
use jaeger_all_in_one::store::TraceQuery;
use jaeger_all_in_one::store::memory::MemoryStore;
use jaeger_all_in_one::{App, Config};
use jaeger_thrift::Protocol;

use crate::{spans, usage};

/// Spans of a datagram.
const BATCH: u64 = 600;
/// Datagrams made before they are taken in, so that making them is not measured.
const BURST: u64 = 50;

/// Prints a line for each power of ten.
pub(crate) fn run() {
    let pid = std::process::id();
    let app = App::new(Config::default(), Box::new(MemoryStore::new(16 << 30)));
    let mut datagrams = vec![Vec::new(); BURST as usize];
    let before = usage::resident(pid);
    let (mut n, mut spent, mut wire) = (0, 0.0, 0);
    let mut slice = (0, 0.0);
    println!(
        "{:>10} {:>10} {:>12} {:>12} {:>12} {:>10}",
        "spans", "ns a span", "of the last", "bytes held", "resident", "search ms"
    );
    let mut next = 10_000;
    while next <= 10_000_000 {
        while n < next {
            for (number, to) in datagrams.iter_mut().enumerate() {
                spans::datagram(n + number as u64 * BATCH, BATCH, 1_700_000_000_000_000, to);
            }
            let began = Instant::now();
            for bytes in &datagrams {
                datagram(&app, Receiver::UdpCompact, Protocol::Compact, bytes);
            }
            let took = began.elapsed().as_secs_f64();
            spent += took;
            slice = (slice.0 + BURST * BATCH, slice.1 + took);
            wire += datagrams.iter().map(Vec::len).sum::<usize>();
            n += BURST * BATCH;
        }
        let stats = app.store.stats();
        assert_eq!(stats.spans, n, "every span is held");
        let began = Instant::now();
        let query = TraceQuery {
            service: Some("load-service".into()),
            tags: vec![("rows".into(), "77".into())],
            limit: 20,
            ..TraceQuery::default()
        };
        assert_eq!(app.store.find(&query).expect("memory answers").len(), 20);
        let search = began.elapsed().as_secs_f64() * 1e3;
        println!(
            "{n:>10} {:>10.0} {:>12.0} {:>12.0} {:>12.0} {search:>10.2}",
            spent / n as f64 * 1e9,
            slice.1 / slice.0 as f64 * 1e9,
            stats.bytes as f64 / n as f64,
            (usage::resident(pid) - before) as f64 / n as f64
        );
        slice = (0, 0.0);
        next *= 10;
    }
    println!("{} bytes a span on the wire", wire as u64 / n);
}
