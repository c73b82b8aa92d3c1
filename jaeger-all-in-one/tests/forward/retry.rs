//! Thrift over HTTP, and what all of HTTP has: trying again, giving up, bounds, deadlines.

use std::io::Write as _;
use std::net::SocketAddr;

use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::forward::{Forward, Loss, Target};
use jaeger_all_in_one::store::memory::MemoryStore;
use jaeger_all_in_one::{App, Backend, Config};
use jaeger_thrift::{Batch, Log, Process, Protocol, RefType, Span, SpanRef, Tag, Value};

use crate::common::{request, wait_for};
use crate::{batch, collector, deaf, listen, next, one, target, trace_id};

/// Bytes of an answer, far more than sockets hold and far less than are read in the time that an exchange may take.
const ENDLESS: usize = 128 << 20;

#[test]
fn what_arrives_is_what_came_in() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let backend =
        Backend::start(Config { forward: vec![url.into()], ..Config::free_ports() }).expect("it starts");
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
    let forward = target(&backend.app().forward);
    wait_for("one sent", || forward.sent() == 1);
    let metrics = request(backend.address("query").expect("it listens"), "GET", "/metrics", &[], b"").body;
    let name = forward.target().to_string();
    for line in [
        format!("jaeger_forward_sent_spans_total{{target=\"{name}\"}} 1\n"),
        format!("jaeger_forward_lost_spans_total{{target=\"{name}\",cause=\"queue_full\"}} 0\n"),
    ] {
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[test]
fn a_busy_collector_is_asked_again_and_takes_each_batch_once() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let all = one(&url);
    let forward = target(&all);
    all.offer_as_it_came(&batch(1));
    all.offer_as_it_came(&batch(2));
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
    assert_eq!(forward.counts().retries, 2);
    assert_eq!((all.stop(), forward.counts().bytes), (0, 0));
    assert!(requests.try_recv().is_err(), "nothing is sent twice");
}

#[test]
fn a_collector_that_asks_for_a_rest_gets_it() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let all = one(&url);
    let forward = target(&all);
    all.offer_as_it_came(&batch(1));
    next(&requests).answer("503 Busy\r\nRetry-After: 200");
    wait_for("a retry to come", || forward.counts().retries == 1);
    // Far longer than the waits of its own, and not cut short by the end.
    assert_eq!(all.stop(), 1);
    assert_eq!((forward.lost(Loss::Stopped), forward.sent()), (1, 0));
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_rest_longer_than_a_batch_lives_ends_it() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let all = one(&url);
    let forward = target(&all);
    all.offer_as_it_came(&batch(1));
    all.offer_as_it_came(&batch(2));
    next(&requests).answer("503 Busy\r\nRetry-After: 4000000000");
    assert_eq!(trace_id(&next(&requests).answer("200 OK")), 2);
    wait_for("the second sent", || forward.sent() == 1);
    assert_eq!((forward.lost(Loss::GaveUp), all.stop()), (1, 1));
}

#[test]
fn what_is_refused_is_counted_and_the_next_goes_through() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let all = one(&url);
    let forward = target(&all);
    for id in 1..=4 {
        all.offer_as_it_came(&batch(id));
    }
    assert_eq!(trace_id(&next(&requests).answer("400 Bad Request")), 1);
    // A redirect is not followed.
    assert_eq!(trace_id(&next(&requests).answer("302 Found\r\nLocation: /elsewhere")), 2);
    // A query port has its page for everything.
    assert_eq!(trace_id(&next(&requests).answer("200 OK\r\nContent-Type: text/html; charset=utf-8")), 3);
    assert_eq!(trace_id(&next(&requests).answer("200 OK")), 4);
    wait_for("the fourth sent", || forward.sent() == 1);
    assert_eq!((forward.lost(Loss::Refused), forward.counts().retries, all.stop()), (3, 0, 3));
}

#[test]
fn a_collector_that_is_absent_and_comes_back_gets_everything() {
    let (socket, address) = deaf();
    let url = format!("http://{address}");
    let all = one(&url);
    let forward = target(&all);
    for id in 1..=20 {
        all.offer_as_it_came(&batch(id));
    }
    wait_for("two failures", || forward.counts().retries >= 2);
    socket.listen(16).expect("it listens");
    let requests = collector(socket.into());
    let ids: Vec<u128> = (0..20).map(|_| trace_id(&next(&requests).answer("200 OK"))).collect();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
    wait_for("all sent", || forward.sent() == 20);
    assert_eq!(all.stop(), 0);
}

#[test]
fn a_hanging_collector_costs_the_receivers_nothing_and_the_queue_is_bounded() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let limit = 10_000;
    let forward = Forward::start(Target::new(&url.into()).expect("an address"), limit).expect("it starts");
    let app = App::forwarding(Config::default(), Box::new(MemoryStore::new(64 << 20)), forward.into());
    app.take(Receiver::UdpCompact, batch(1));
    // It is never answered.
    let hanging = next(&requests);
    for id in 2..=1_000 {
        app.take(Receiver::UdpCompact, batch(id));
    }
    assert_eq!(app.counters.spans(Receiver::UdpCompact), 1_000, "all are kept here");
    let forward = target(&app.forward);
    let size = hanging.body.len();
    let room = limit / size;
    assert_eq!(forward.counts().bytes, room * size, "as much as there is room for");
    assert_eq!(forward.lost(Loss::QueueFull), 1_000 - room as u64);
    assert_eq!(forward.sent(), 0);
    // Stopping does not wait for it either; every span is counted, and once.
    assert_eq!(app.forward.stop(), 1_000);
    assert_eq!(forward.lost(Loss::Stopped), room as u64);
    hanging.answer("200 OK");
    app.take(Receiver::UdpCompact, batch(2_000));
    assert_eq!((forward.lost(Loss::Stopped), forward.counts().bytes), (room as u64 + 1, 0));
}

/// An answer is read for 64 KiB at most: a collector that never ends one costs its connection, not the batch and not the memory.
#[test]
fn an_endless_answer_is_cut() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let all = one(&url);
    let forward = target(&all);
    all.offer_as_it_came(&batch(1));
    all.offer_as_it_came(&batch(2));
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
    assert_eq!(all.stop(), 0);
}

#[test]
fn stopping_sends_what_is_queued() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let backend =
        Backend::start(Config { forward: vec![url.into()], ..Config::free_ports() }).expect("it starts");
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
    assert_eq!(target(&app.forward).sent(), 3);
}

#[test]
fn a_wrong_address_does_not_start() {
    let config = Config { forward: vec!["collector:14268".into()], ..Config::free_ports() };
    let message = Backend::start(config).expect_err("no address").to_string();
    assert!(
        message.contains("--forward \"collector:14268\"") && message.contains("write http://"),
        "{message}"
    );
}
