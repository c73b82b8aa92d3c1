//! Several targets at once: each has its own queue, counters and troubles.

use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::forward::{Address, Forwarding, Loss, QUEUE};
use jaeger_all_in_one::{Backend, Config};
use jaeger_thrift::{Batch, Process, Span};

use crate::common::{request, wait_for};
use crate::{batch, collector, listen, next, trace_id};

#[test]
fn one_that_hangs_holds_no_other_and_each_is_counted_for_itself() {
    let (listener, hanging) = listen();
    let never_answered = collector(listener);
    let (listener, well) = listen();
    let requests = collector(listener);
    let forward = vec![Address::from(&*hanging), Address::from(&*well)];
    let backend = Backend::start(Config { forward, ..Config::free_ports() }).expect("it starts");
    let [slow, fast] = backend.app().forward.targets() else { panic!("two targets") };
    backend.app().take(Receiver::UdpCompact, batch(1));
    let held = next(&never_answered);
    assert_eq!(trace_id(&next(&requests).answer("200 OK")), 1);
    for id in 2..=50 {
        backend.app().take(Receiver::UdpCompact, batch(id));
        assert_eq!(trace_id(&next(&requests).answer("200 OK")), id);
    }
    wait_for("all sent", || fast.sent() == 50);
    assert_eq!((slow.sent(), slow.counts().bytes), (0, 50 * held.body.len()));
    let to = backend.address("query").expect("it listens");
    let metrics = request(to, "GET", "/metrics", &[], b"").body;
    for line in [
        format!("jaeger_forward_sent_spans_total{{target=\"{hanging}/api/traces\"}} 0\n"),
        format!("jaeger_forward_sent_spans_total{{target=\"{well}/api/traces\"}} 50\n"),
        format!("jaeger_forward_queue_bytes{{target=\"{well}/api/traces\"}} 0\n"),
    ] {
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert_eq!(metrics.matches("# TYPE jaeger_forward_sent_spans_total").count(), 1, "a family is told once");
    held.answer("200 OK");
    // Stopping may send what waits; nobody is there to answer it.
    drop(never_answered);
}

/// The bytes are shared in equal parts, so that one that takes nothing leaves room for the other.
#[test]
fn the_room_is_shared() {
    let (listener, hanging) = listen();
    let never_answered = collector(listener);
    let (listener, other) = listen();
    let requests = collector(listener);
    let all = Forwarding::start(&[Address::from(&*hanging), Address::from(&*other)]).expect("it starts");
    let [slow, fast] = all.targets() else { panic!("two targets") };
    // Ten MiB each: three fit into half of 64.
    let span = Span { trace_id: 7, operation_name: "n".repeat(10 << 20).into(), ..Span::default() };
    let large = Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() };
    for n in 1..=4 {
        all.offer_as_it_came(&large);
        assert!(next(&requests).answer("200 OK").len() > 10 << 20);
        wait_for("it is sent", || fast.sent() == n);
    }
    assert_eq!((fast.lost(Loss::QueueFull), slow.lost(Loss::QueueFull)), (0, 1));
    assert!(slow.counts().bytes <= QUEUE / 2);
    let held = next(&never_answered);
    all.stop();
    held.answer("200 OK");
}

#[test]
fn the_same_target_twice_does_not_start() {
    let twice: Vec<Address> =
        vec!["http://u:secret@h".into(), "udp://h".into(), "http://u:secret@h:14268/api/traces".into()];
    let message = Forwarding::start(&twice).expect_err("it is there twice").to_string();
    assert!(message.contains("--forward \"http://…@h:14268/api/traces\": this is given twice"), "{message}");
}
