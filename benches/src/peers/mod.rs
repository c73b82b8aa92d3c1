//! The peers: each does the same work with what its own users would write.

mod fastrace;
mod floor;
mod otel;
pub(crate) mod ours;
mod plain;
mod rustracing;
mod tracing;

use crate::measure::Running;
use crate::work::Work;

/// What listens for a peer's spans in the parent process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listens {
    /// Nobody: the peer counts by itself.
    Nobody,
    /// A UDP socket that takes Jaeger's compact Thrift.
    Udp,
    /// An HTTP server that takes OTLP.
    Http,
}

/// A peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) listens: Listens,
    /// A program of its own, built from `benches/go`.
    pub(crate) go: bool,
}

const fn peer(name: &'static str, listens: Listens) -> Peer {
    Peer { name, listens, go: false }
}

/// All of them.
pub(crate) const PEERS: [Peer; 14] = [
    peer("floor", Listens::Nobody),
    peer("plain", Listens::Nobody),
    peer("ours", Listens::Nobody),
    peer("ours-udp", Listens::Udp),
    peer("fastrace", Listens::Nobody),
    peer("fastrace-jaeger", Listens::Udp),
    peer("tracing", Listens::Nobody),
    peer("tracing-otel", Listens::Nobody),
    peer("tracing-otlp", Listens::Http),
    peer("otel", Listens::Nobody),
    peer("rustracing", Listens::Nobody),
    peer("rustracing-udp", Listens::Udp),
    Peer { name: "go", listens: Listens::Nobody, go: true },
    Peer { name: "go-udp", listens: Listens::Udp, go: true },
];

/// Where the receiver listens, for the peers that send; set by the parent.
pub(crate) const RECEIVER: &str = "BENCHES_RECEIVER";

/// Sets a peer up for a workload; `None` if it has no such.
pub(crate) fn start(peer: &str, work: Work) -> Option<Box<dyn Running>> {
    match peer {
        "floor" => floor::start(work),
        "plain" => plain::start(work),
        "ours" => ours::start(work, false),
        "ours-udp" => ours::start(work, true),
        "fastrace" => fastrace::start(work, false),
        "fastrace-jaeger" => fastrace::start(work, true),
        "tracing" => tracing::start(work, None),
        "tracing-otel" => tracing::start(work, Some(otel::Sink::Counter)),
        "tracing-otlp" => tracing::start(work, Some(otel::Sink::Otlp)),
        "otel" => otel::start(work),
        "rustracing" => rustracing::start(work, false),
        "rustracing-udp" => rustracing::start(work, true),
        _ => None,
    }
}

/// Calls the function with two arguments and a reply, as the peer's user has it, so many times.
pub(crate) fn args_times(peer: &str, n: usize) {
    match peer {
        "ours" => ours::args_times(n),
        "fastrace" => fastrace::args_times(n),
        "tracing-otel" => tracing::args_times(n),
        _ => plain::args_times(n),
    }
}

/// Runs `call` inside a root span of this thread.
pub(crate) fn inside(peer: &str, call: impl FnOnce()) {
    match peer {
        "ours" => {
            let root = jaeger_runtime::Span::root("thread");
            let _inside = root.enter();
            call();
        }
        "fastrace" => {
            let root = ::fastrace::Span::root("thread", ::fastrace::prelude::SpanContext::random());
            let _inside = root.set_local_parent();
            call();
        }
        "tracing-otel" => ::tracing::info_span!("thread").in_scope(call),
        _ => call(),
    }
}

fn receiver() -> Option<String> {
    std::env::var(RECEIVER).ok()
}
