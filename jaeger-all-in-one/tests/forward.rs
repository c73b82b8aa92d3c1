//! Sending on to a collector that is busy, refuses, is absent, hangs: what arrives is what came in, what does not is counted, and receivers never wait.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, channel};
use std::time::Duration;

use common::{request, wait_for};
use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::forward::{Forward, Loss};
use jaeger_all_in_one::store::memory::MemoryStore;
use jaeger_all_in_one::{App, Backend, Config};
use jaeger_thrift::{Batch, Log, Process, Protocol, RefType, Span, SpanRef, Tag, Value};
use socket2::{Domain, Socket, Type};

/// Long enough for whatever is waited for, and only waited for by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of an answer, far more than sockets hold and far less than are read in the time that an exchange may take.
const ENDLESS: usize = 128 << 20;

/// One request: its head and its body, and where it is answered.
struct Request {
    head: String,
    body: Vec<u8>,
    stream: TcpStream,
}

impl Request {
    fn answer(mut self, status: &str) -> Vec<u8> {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        self.stream.write_all(answer.as_bytes()).expect("it waits for an answer");
        self.body
    }
}

/// A collector by hand: requests come out of the channel, in their order.
fn collector(listener: TcpListener) -> Channel<Request> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut bytes = Vec::new();
            let mut part = [0; 4096];
            loop {
                let n = stream.read(&mut part).expect("a request");
                assert!(n > 0, "a request broke off");
                bytes.extend_from_slice(&part[..n]);
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.expect("a length").parse().expect("a number");
                if bytes.len() >= end + 4 + length {
                    let body = bytes.split_off(end + 4);
                    if give.send(Request { head, body, stream }).is_err() {
                        return;
                    }
                    break;
                }
            }
        }
    });
    take
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

fn next(requests: &Channel<Request>) -> Request {
    requests.recv_timeout(PATIENCE).expect("a request never came")
}

fn batch(trace_id: u128) -> Batch<'static> {
    let span = Span { trace_id, span_id: 1, operation_name: "op".into(), ..Span::default() };
    Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() }
}

fn trace_id(body: &[u8]) -> u128 {
    Batch::decode(Protocol::Binary, body).expect("a batch").spans[0].trace_id
}

#[test]
fn what_arrives_is_what_came_in() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let backend = Backend::start(Config { forward: Some(url), ..Config::free_ports() }).expect("it starts");
    let fields = vec![
        Tag::new("text", "t"),
        Tag::new("long", i64::MIN),
        Tag::new("double", -0.5),
        Tag::new("bool", true),
        Tag { key: "bytes".into(), value: Value::Binary(vec![0, 255, 7].into()) },
        // What is shown otherwise is sent on as it came.
        Tag::new("http.status_code", 503),
    ];
    let span = Span {
        trace_id: u128::MAX - 1,
        span_id: 2,
        parent_span_id: 3,
        operation_name: "op".into(),
        references: vec![SpanRef { ref_type: RefType::FollowsFrom, trace_id: 9, span_id: 8 }],
        flags: 3,
        start_time: 1_700_000_000_000_000,
        duration: 42,
        tags: fields.clone(),
        logs: vec![Log { timestamp: 5, fields: fields.clone() }],
    };
    let mut process = Process::new("shop");
    process.tags = vec![Tag::new("hostname", "h")];
    let sent = Batch { process, spans: vec![span], ..Batch::default() };
    let mut bytes = Vec::new();
    sent.encode_into(Protocol::Binary, &mut bytes);
    let to: SocketAddr = backend.address("thrift_http").expect("it listens");
    let thrift = [("Content-Type", "application/x-thrift")];
    assert_eq!(request(to, "POST", "/api/traces", &thrift, &bytes).status, 202);
    let came = next(&requests);
    assert!(came.head.starts_with("post /api/traces http/1.1\r\n"), "{}", came.head);
    assert!(came.head.contains("content-type: application/x-thrift"), "{}", came.head);
    let body = came.answer("202 Accepted");
    assert_eq!(Batch::decode(Protocol::Binary, &body).expect("a batch"), sent);
    assert_eq!(backend.app().counters.spans(Receiver::ThriftHttp), 1, "it is kept here too");
    let forward = backend.app().forward.as_ref().expect("it sends on");
    wait_for("one sent", || forward.sent() == 1);
    let metrics = request(backend.address("query").expect("it listens"), "GET", "/metrics", &[], b"").body;
    for line in
        ["jaeger_forward_sent_spans_total 1\n", "jaeger_forward_lost_spans_total{cause=\"queue_full\"} 0\n"]
    {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[test]
fn a_busy_collector_is_asked_again_and_takes_each_batch_once() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let forward = Forward::start(&url).expect("it starts");
    forward.offer(&batch(1));
    forward.offer(&batch(2));
    let mut taken = Vec::new();
    for status in ["503 Busy", "429 Slow Down\r\nRetry-After: 0", "200 OK", "202 Accepted"] {
        let body = next(&requests).answer(status);
        if status.starts_with('2') {
            taken.push(trace_id(&body));
        } else {
            assert_eq!(trace_id(&body), 1);
        }
    }
    assert_eq!(taken, [1, 2]);
    wait_for("both sent", || forward.sent() == 2);
    assert_eq!(forward.retries(), 2);
    assert_eq!((forward.stop(), forward.queued_bytes()), (0, 0));
    assert!(requests.try_recv().is_err(), "nothing is sent twice");
}

#[test]
fn a_collector_that_asks_for_a_rest_gets_it() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let forward = Forward::start(&url).expect("it starts");
    forward.offer(&batch(1));
    next(&requests).answer("503 Busy\r\nRetry-After: 200");
    wait_for("a retry to come", || forward.retries() == 1);
    // Far longer than the waits of its own, and not cut short by the end.
    assert_eq!(forward.stop(), 1);
    assert_eq!((forward.lost(Loss::Stopped), forward.sent()), (1, 0));
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_rest_longer_than_a_batch_lives_ends_it() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let forward = Forward::start(&url).expect("it starts");
    forward.offer(&batch(1));
    forward.offer(&batch(2));
    next(&requests).answer("503 Busy\r\nRetry-After: 4000000000");
    assert_eq!(trace_id(&next(&requests).answer("200 OK")), 2);
    wait_for("the second sent", || forward.sent() == 1);
    assert_eq!((forward.lost(Loss::GaveUp), forward.stop()), (1, 1));
}

#[test]
fn what_is_refused_is_counted_and_the_next_goes_through() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let forward = Forward::start(&url).expect("it starts");
    for id in 1..=3 {
        forward.offer(&batch(id));
    }
    assert_eq!(trace_id(&next(&requests).answer("400 Bad Request")), 1);
    // A redirect is not followed.
    assert_eq!(trace_id(&next(&requests).answer("302 Found\r\nLocation: /elsewhere")), 2);
    assert_eq!(trace_id(&next(&requests).answer("200 OK")), 3);
    wait_for("the third sent", || forward.sent() == 1);
    assert_eq!((forward.lost(Loss::Refused), forward.retries(), forward.stop()), (2, 0, 2));
}

#[test]
fn a_collector_that_is_absent_and_comes_back_gets_everything() {
    // Bound, so that nobody else gets the port, and not listening, so that it refuses.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback has free ports");
    let address = socket.local_addr().expect("an address").as_socket().expect("IPv4");
    let url = format!("http://{address}");
    let forward = Forward::start(&url).expect("it starts");
    for id in 1..=20 {
        forward.offer(&batch(id));
    }
    wait_for("two failures", || forward.retries() >= 2);
    socket.listen(16).expect("it listens");
    let requests = collector(socket.into());
    let ids: Vec<u128> = (0..20).map(|_| trace_id(&next(&requests).answer("200 OK"))).collect();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
    wait_for("all sent", || forward.sent() == 20);
    assert_eq!(forward.stop(), 0);
}

#[test]
fn a_hanging_collector_costs_the_receivers_nothing_and_the_queue_is_bounded() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let limit = 10_000;
    let forward = Forward::with_queue(&url, limit).expect("it starts");
    let app = App::forwarding(Config::default(), Box::new(MemoryStore::new(64 << 20)), Some(forward));
    app.take(Receiver::UdpCompact, batch(1));
    // It is never answered.
    let hanging = next(&requests);
    for id in 2..=1_000 {
        app.take(Receiver::UdpCompact, batch(id));
    }
    assert_eq!(app.counters.spans(Receiver::UdpCompact), 1_000, "all are kept here");
    let forward = app.forward.as_ref().expect("it sends on");
    let size = hanging.body.len();
    let room = limit / size;
    assert_eq!(forward.queued_bytes(), room * size, "as much as there is room for");
    assert_eq!(forward.lost(Loss::QueueFull), 1_000 - room as u64);
    assert_eq!(forward.sent(), 0);
    // Stopping does not wait for it either; every span is counted, and once.
    assert_eq!(forward.stop(), 1_000);
    assert_eq!(forward.lost(Loss::Stopped), room as u64);
    hanging.answer("200 OK");
    app.take(Receiver::UdpCompact, batch(2_000));
    assert_eq!((forward.lost(Loss::Stopped), forward.queued_bytes()), (room as u64 + 1, 0));
}

/// An answer is read for 4 KiB at most: a collector that never ends one costs its connection, not the batch and not the memory.
#[test]
fn an_endless_answer_is_cut() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let forward = Forward::start(&url).expect("it starts");
    forward.offer(&batch(1));
    forward.offer(&batch(2));
    let mut endless = next(&requests);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    endless.stream.write_all(head.as_bytes()).expect("it waits for an answer");
    let (part, mut written) = (vec![b'x'; 1 << 20], 0);
    while written < ENDLESS && endless.stream.write_all(&part).is_ok() {
        written += part.len();
    }
    assert!(written < ENDLESS, "{written} bytes of an answer were taken");
    assert_eq!(trace_id(&next(&requests).answer("200 OK")), 2);
    wait_for("both sent", || forward.sent() == 2);
    assert_eq!(forward.stop(), 0);
}

#[test]
fn stopping_sends_what_is_queued() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let backend = Backend::start(Config { forward: Some(url), ..Config::free_ports() }).expect("it starts");
    for id in 1..=3 {
        backend.app().take(Receiver::UdpCompact, batch(id));
    }
    let app = backend.app().clone();
    let first = next(&requests);
    let stopping = std::thread::spawn(move || drop(backend));
    let mut ids = vec![trace_id(&first.answer("200 OK"))];
    ids.extend((1..3).map(|_| trace_id(&next(&requests).answer("200 OK"))));
    stopping.join().expect("it stops");
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(app.forward.as_ref().expect("it sends on").sent(), 3);
}

#[test]
fn a_wrong_address_does_not_start() {
    let config = Config { forward: Some("collector:14268".to_owned()), ..Config::free_ports() };
    let message = Backend::start(config).expect_err("no address").to_string();
    assert!(
        message.contains("--forward \"collector:14268\"") && message.contains("write http://"),
        "{message}"
    );
}
