//! Thrift over UDP to an agent.

use std::net::{SocketAddr, UdpSocket};

use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::forward::Loss;
use jaeger_all_in_one::{Backend, Config};
use jaeger_thrift::{Batch, Message, Process, Protocol, Span, Tag};
use socket2::{Domain, Socket, Type};

use crate::common::wait_for;
use crate::{PATIENCE, batch, one, target};

/// What an agent reads at most.
const LONGEST: usize = 65_000;

fn receive(agent: &UdpSocket) -> Batch<'static> {
    let mut buffer = vec![0; LONGEST + 1];
    agent.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let length = agent.recv(&mut buffer).expect("a datagram");
    assert!(length <= LONGEST, "no agent reads {length} bytes");
    let message = Message::decode(Protocol::Compact, &buffer[..length]).expect("emitBatch");
    message.into_owned().batch
}

#[test]
fn what_came_in_is_sent_in_datagrams_that_an_agent_reads() {
    let agent = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
    let url = format!("udp://{}", agent.local_addr().expect("an address"));
    let backend =
        Backend::start(Config { forward: vec![url.into()], ..Config::free_ports() }).expect("it starts");
    let span = |span_id, name: usize| Span {
        trace_id: 7,
        span_id,
        operation_name: "n".repeat(name).into(),
        // Sent on as it came, not as it is shown.
        tags: vec![Tag::new("http.status_code", 503)],
        ..Span::default()
    };
    let mut process = Process::new("shop");
    process.tags = vec![Tag::new("hostname", "h")];
    let spans: Vec<_> = (1..=9).map(|id| span(id, if id == 5 { 70_000 } else { 20_000 })).collect();
    let sent = Batch { process, spans, ..Batch::default() };
    backend.app().take(Receiver::ThriftHttp, sent.clone());
    let mut came = Vec::new();
    while came.len() < 8 {
        let batch = receive(&agent);
        assert_eq!(batch.process, sent.process);
        came.extend(batch.spans);
    }
    let fit: Vec<_> = sent.spans.into_iter().filter(|span| span.span_id != 5).collect();
    assert_eq!(came, fit);
    let forward = target(&backend.app().forward);
    wait_for("all sent", || forward.sent() == 8);
    assert_eq!((forward.lost(Loss::TooLarge), forward.counts().bytes), (1, 0));
}

/// An agent of this machine that is absent is noticed at once; what it refused is sent again when it is back.
#[test]
fn an_agent_that_is_absent_and_comes_back_gets_everything() {
    // Connected to nobody who sends, so it holds the port and takes nothing from others; the agent gets the port beside it.
    let bound = |port: u16| {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("it may be shared");
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).expect("loopback has free ports");
        socket
    };
    let away = bound(0);
    let address = away.local_addr().expect("an address").as_socket().expect("IPv4");
    away.connect(&SocketAddr::from(([127, 0, 0, 1], 9)).into()).expect("UDP connects to anybody");
    let all = one(&format!("udp://localhost:{}", address.port()));
    let forward = target(&all);
    for id in 1..=20 {
        all.offer_as_it_came(&batch(id));
    }
    wait_for("three failures", || forward.counts().retries >= 3);
    assert_eq!(forward.sent(), 0);
    let agent = UdpSocket::from(bound(address.port()));
    let ids: Vec<u128> = (0..20).map(|_| receive(&agent).spans[0].trace_id).collect();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
    wait_for("all sent", || forward.sent() == 20);
    assert_eq!(all.stop(), 0);
}
