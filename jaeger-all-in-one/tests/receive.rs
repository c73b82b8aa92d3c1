//! Spans sent to the ports are in the store, and found by the API.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use jaeger_all_in_one::counters::{Cause, Receiver};
use jaeger_all_in_one::store::TraceQuery;
use jaeger_all_in_one::{Backend, Config};

/// Looks until `look` says yes.
fn wait_for(what: &str, look: impl Fn() -> bool) {
    let began = Instant::now();
    while !look() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} never happened");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_go_datagram_is_found_and_garbage_is_counted() {
    let backend = Backend::start(Config::free_ports()).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = backend.address("compact").unwrap();
    socket.send_to(include_bytes!("../../jaeger-thrift/tests/data/go.bin"), to).unwrap();
    socket.send_to(b"garbage", to).unwrap();
    socket.send_to(b"", to).unwrap();
    let app = backend.app();
    wait_for("a refusal", || app.counters.refusals(Receiver::UdpCompact, Cause::Truncated) == 1);
    assert_eq!(app.counters.refusals(Receiver::UdpCompact, Cause::NotOurs), 1);
    assert_eq!(app.counters.messages(Receiver::UdpCompact), 1);
    let ids = app.store.find(&TraceQuery::default()).unwrap();
    assert_eq!(ids.len(), 1);
    assert!(!app.store.traces(&ids).unwrap()[0].spans.is_empty());
}
