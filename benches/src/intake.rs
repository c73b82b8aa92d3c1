//! Taking spans in, in this process: from the bytes of a datagram or a body to the backend's storage in memory, network left out.
//!
//! The spans are those of the backend's own load (`jaeger-all-in-one/examples/load`): three tags, ten a trace, 600 a message.

use crate::count;
use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::receive::{otlp, thrift_http, udp};
use jaeger_all_in_one::store::memory::MemoryStore;
use jaeger_all_in_one::{App, Config};
use jaeger_thrift::Protocol;

#[path = "../../jaeger-all-in-one/examples/load/spans.rs"]
#[expect(dead_code, reason = "the load looks traces up too")]
mod spans;

/// Spans of a message.
pub(crate) const SPANS: usize = 600;
/// A datagram, and the bodies of two requests.
pub(crate) const WAYS: [&str; 3] = ["compact", "binary", "otlp"];

/// Takes so many messages in; only that is counted.
pub(crate) fn rounds(way: &str, rounds: usize) -> Result<(), String> {
    let app = App::new(Config::default(), Box::new(MemoryStore::new(1 << 30)));
    let receiver = match way {
        "compact" => Receiver::UdpCompact,
        "binary" => Receiver::ThriftHttp,
        "otlp" => Receiver::OtlpHttp,
        _ => return Err(format!("no such way: {way}; there is: {}", WAYS.join(", "))),
    };
    let mut bytes = Vec::new();
    for round in 0..rounds {
        let (first, count, start) = ((round * SPANS) as u64, SPANS as u64, 1_700_000_000_000_000);
        bytes.clear();
        match receiver {
            Receiver::UdpCompact => spans::datagram(first, count, start, &mut bytes),
            Receiver::ThriftHttp => {
                spans::batch(first, count, start).encode_into(Protocol::Binary, &mut bytes);
            }
            _ => bytes = spans::otlp(first, count, start),
        }
        count::counted_call(|| match receiver {
            Receiver::UdpCompact => udp::datagram(&app, receiver, Protocol::Compact, &bytes),
            Receiver::ThriftHttp => drop(thrift_http::take_batch(&app, &bytes)),
            _ => drop(otlp::take_protobuf(&app, receiver, &bytes)),
        });
    }
    let stored = app.counters.spans(receiver);
    if stored == (rounds * SPANS) as u64 { Ok(()) } else { Err(format!("{stored} spans are stored")) }
}
