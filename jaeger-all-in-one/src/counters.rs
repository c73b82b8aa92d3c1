//! What came in and what was refused, by receiver and by cause. Every datagram, request and span is in exactly one of these.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A port that takes spans in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// UDP, compact (6831, 5775).
    UdpCompact,
    /// UDP, binary (6832).
    UdpBinary,
    /// HTTP, Thrift (14268).
    ThriftHttp,
    /// OTLP over HTTP (4318).
    OtlpHttp,
    /// OTLP over gRPC (4317).
    OtlpGrpc,
    /// Zipkin (9411).
    Zipkin,
    /// A file given to the page or the API.
    Upload,
}

impl Receiver {
    /// All of them.
    pub const ALL: [Receiver; 7] = [
        Receiver::UdpCompact,
        Receiver::UdpBinary,
        Receiver::ThriftHttp,
        Receiver::OtlpHttp,
        Receiver::OtlpGrpc,
        Receiver::Zipkin,
        Receiver::Upload,
    ];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Receiver::UdpCompact => "udp_thrift_compact",
            Receiver::UdpBinary => "udp_thrift_binary",
            Receiver::ThriftHttp => "http_thrift",
            Receiver::OtlpHttp => "http_otlp",
            Receiver::OtlpGrpc => "grpc_otlp",
            Receiver::Zipkin => "http_zipkin",
            Receiver::Upload => "upload",
        }
    }
}

/// Why a message (all its spans) or a span was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Breaks off, or is empty.
    Truncated,
    /// Declares more than it holds, or a negative length.
    Bounds,
    /// Nested too deep.
    TooDeep,
    /// Not the protocol, version, type or method expected.
    NotOurs,
    /// A field that must be there is not, or has an impossible value.
    Invalid,
    /// Larger than allowed, compressed or not.
    TooLarge,
    /// A type of content or compression that is not taken.
    MediaType,
    /// The sender was too slow.
    Timeout,
    /// One span: its trace id is zero.
    ZeroId,
    /// One span: the store had no room.
    StoreFull,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 10] = [
        Cause::Truncated,
        Cause::Bounds,
        Cause::TooDeep,
        Cause::NotOurs,
        Cause::Invalid,
        Cause::TooLarge,
        Cause::MediaType,
        Cause::Timeout,
        Cause::ZeroId,
        Cause::StoreFull,
    ];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Truncated => "truncated",
            Cause::Bounds => "bounds",
            Cause::TooDeep => "too_deep",
            Cause::NotOurs => "not_ours",
            Cause::Invalid => "invalid",
            Cause::TooLarge => "too_large",
            Cause::MediaType => "media_type",
            Cause::Timeout => "timeout",
            Cause::ZeroId => "zero_id",
            Cause::StoreFull => "store_full",
        }
    }

    /// Whether it is said of one span of a message that was taken, and not of a whole message.
    pub fn of_span(self) -> bool {
        matches!(self, Cause::ZeroId | Cause::StoreFull)
    }
}

/// The counters of one receiver.
#[derive(Debug, Default)]
struct Counts {
    messages: AtomicU64,
    spans: AtomicU64,
    refused: [AtomicU64; Cause::ALL.len()],
}

/// All counters; shared, never reset.
#[derive(Debug, Default)]
pub struct Counters {
    receivers: [Counts; Receiver::ALL.len()],
    refused_hosts: AtomicU64,
}

impl Counters {
    /// A message was taken.
    pub fn message(&self, receiver: Receiver) {
        self.receivers[receiver as usize].messages.fetch_add(1, Ordering::Relaxed);
    }

    /// So many spans were stored.
    pub fn stored(&self, receiver: Receiver, spans: usize) {
        self.receivers[receiver as usize].spans.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// `n` messages, or spans if [`Cause::of_span`], were refused.
    pub fn refused(&self, receiver: Receiver, cause: Cause, n: usize) {
        if n > 0 {
            self.receivers[receiver as usize].refused[cause as usize].fetch_add(n as u64, Ordering::Relaxed);
        }
    }

    /// Messages taken by a receiver.
    pub fn messages(&self, receiver: Receiver) -> u64 {
        self.receivers[receiver as usize].messages.load(Ordering::Relaxed)
    }

    /// Spans taken by a receiver.
    pub fn spans(&self, receiver: Receiver) -> u64 {
        self.receivers[receiver as usize].spans.load(Ordering::Relaxed)
    }

    /// What a receiver refused for a cause.
    pub fn refusals(&self, receiver: Receiver, cause: Cause) -> u64 {
        self.receivers[receiver as usize].refused[cause as usize].load(Ordering::Relaxed)
    }

    /// A request to the query port named a host that is not ours.
    pub fn refused_host(&self) {
        self.refused_hosts.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests to the query port that named a host that is not ours.
    pub fn refused_hosts(&self) -> u64 {
        self.refused_hosts.load(Ordering::Relaxed)
    }

    /// Appends them in Prometheus' text format.
    pub fn write_prometheus(&self, to: &mut String) {
        family(to, "jaeger_receiver_messages_total", "Datagrams and requests taken.", |to, name| {
            for receiver in Receiver::ALL {
                let _ =
                    writeln!(to, "{name}{{receiver=\"{}\"}} {}", receiver.name(), self.messages(receiver));
            }
        });
        family(to, "jaeger_receiver_accepted_spans_total", "Spans stored.", |to, name| {
            for receiver in Receiver::ALL {
                let _ = writeln!(to, "{name}{{receiver=\"{}\"}} {}", receiver.name(), self.spans(receiver));
            }
        });
        let mut refused = |name: &'static str, help, of_span| {
            family(to, name, help, |to, name| {
                for receiver in Receiver::ALL {
                    for cause in Cause::ALL.into_iter().filter(|cause| cause.of_span() == of_span) {
                        let n = self.refusals(receiver, cause);
                        let (receiver, cause) = (receiver.name(), cause.name());
                        let _ = writeln!(to, "{name}{{receiver=\"{receiver}\",cause=\"{cause}\"}} {n}");
                    }
                }
            });
        };
        refused("jaeger_receiver_refused_messages_total", "Datagrams and requests refused whole.", false);
        refused(
            "jaeger_receiver_refused_spans_total",
            "Spans refused out of messages that were taken.",
            true,
        );
        family(to, "jaeger_query_refused_hosts_total", "Requests that named another host.", |to, name| {
            let _ = writeln!(to, "{name} {}", self.refused_hosts());
        });
    }
}

/// A counter's head, then its lines.
fn family(to: &mut String, name: &'static str, help: &str, lines: impl FnOnce(&mut String, &'static str)) {
    let _ = writeln!(to, "# HELP {name} {help}\n# TYPE {name} counter");
    lines(to, name);
}
