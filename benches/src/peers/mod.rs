//! The peers: each does the same work with what its own users would write.

mod fastrace;
mod floor;
mod ours;
mod rustracing;
mod tracing;

use crate::measure::{Running, Work};

/// A peer's name and what it is.
pub(crate) const PEERS: [(&str, &str); 8] = [
    ("floor", "two reads of the CPU's counter, as any recorded span needs"),
    ("ours", "this project, a reporter that only counts"),
    ("ours-udp", "this project, over UDP to a receiver that counts"),
    ("fastrace", "fastrace, a reporter that only counts"),
    ("fastrace-jaeger", "fastrace with fastrace-jaeger, over UDP to a receiver that counts"),
    ("tracing", "tracing without a subscriber"),
    ("tracing-otel", "tracing + tracing-opentelemetry, a batch exporter that only counts"),
    ("rustracing", "rustracing_jaeger by hand, a receiver that only counts"),
];

/// Where the receiver listens, for the peers that send; set by the parent.
pub(crate) const RECEIVER: &str = "BENCHES_RECEIVER";

/// Sets a peer up for a workload; `None` if it has no such.
pub(crate) fn start(peer: &str, work: Work) -> Option<Box<dyn Running>> {
    match peer {
        "floor" => floor::start(work),
        "ours" => ours::start(work, false),
        "ours-udp" => ours::start(work, true),
        "fastrace" => fastrace::start(work, false),
        "fastrace-jaeger" => fastrace::start(work, true),
        "tracing" => tracing::start(work, false),
        "tracing-otel" => tracing::start(work, true),
        "rustracing" => rustracing::start(work),
        _ => None,
    }
}

fn receiver() -> Option<String> {
    std::env::var(RECEIVER).ok()
}
