//! The peers: each does the same work with what its own users would write.

mod fastrace;
mod floor;
mod otel;
pub(crate) mod ours;
mod plain;
mod rustracing;
mod tracing;

use crate::measure::Started;
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

/// Sets a peer up for a workload.
pub(crate) fn start(peer: &str, work: Work) -> Started {
    match peer {
        "floor" => Ok(floor::start(work)),
        "plain" => Ok(plain::start(work)),
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
        _ => Err(format!("there is no peer `{peer}`")),
    }
}

/// So many spans of a workload on the thread that calls, with the root around them that the peer's user has; without one where nobody is asked for it.
pub(crate) fn burst(peer: &str, work: Work, spans: usize) {
    match peer {
        "ours" => ours::burst(work, spans),
        "fastrace" => fastrace::burst(work, spans),
        "tracing-otel" => tracing::burst(work, spans),
        _ => plain::burst(work, spans),
    }
}

fn receiver() -> Result<String, String> {
    std::env::var(RECEIVER).map_err(|e| format!("{RECEIVER}: {e}"))
}

/// An error of a peer's, with what was asked of it.
fn failed<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}
