//! The size of datagrams is a setting of the tracer, for wherever the agent is.

use jaeger_runtime::{Sampler, Tracer, traced};
use jaeger_thrift::{Message, Protocol};
use std::net::UdpSocket;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[traced]
fn work(n: u64, text: &str) -> u64 {
    n + text.len() as u64
}

#[test]
fn no_datagram_is_longer_than_was_asked_for() {
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    agent.set_read_timeout(Some(PATIENCE)).unwrap();
    let builder = Tracer::builder("packets").sampler(Sampler::Const(true)).max_packet_size(2_000);
    let tracer = builder.agent(agent.local_addr().unwrap().to_string()).install().unwrap();
    for n in 0..100 {
        work(n, "some text");
    }
    let stats = tracer.flush(PATIENCE).unwrap();
    assert_eq!(stats.reporters[0].stats.sent, 100, "{stats:?}");
    let (mut spans, mut longest) = (0, 0);
    let mut datagram = vec![0; 1 << 16];
    while spans < 100 {
        let length = agent.recv(&mut datagram).unwrap();
        let message = Message::decode(Protocol::Compact, &datagram[..length]).unwrap();
        spans += message.batch.spans.len();
        longest = longest.max(length);
    }
    assert!((1_500..=2_000).contains(&longest), "{longest}");
}
