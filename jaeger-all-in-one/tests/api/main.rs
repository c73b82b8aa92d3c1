//! The query API over HTTP, as its callers use it and as those who must not would.

mod answers;
mod callers;
mod http;
mod metrics;
mod protect;

use std::net::SocketAddr;

use jaeger_all_in_one::counters::Receiver;
use jaeger_all_in_one::{Backend, Config};
use jaeger_thrift::{Batch, Process, Span, Tag};
use serde_json::Value;

use http::{Answer, Connection};

/// A backend on free ports, with what asks it.
struct Asked {
    backend: Backend,
}

impl Asked {
    fn start() -> Asked {
        Asked::with(Config::free_ports())
    }

    fn with(config: Config) -> Asked {
        Asked { backend: Backend::start(config).unwrap_or_else(|error| panic!("{error}")) }
    }

    fn address(&self) -> SocketAddr {
        self.backend.address("query").expect("the query port listens")
    }

    /// Takes spans in as if they had come over UDP.
    fn take(&self, service: &'static str, tags: Vec<Tag<'static>>, spans: Vec<Span<'static>>) {
        let process = Process { service_name: service.into(), tags };
        self.backend.app().take(Receiver::UdpCompact, Batch { process, spans, ..Batch::default() });
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// Data of an answer that must be good.
    fn data(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{path}");
        answer.json()["data"].clone()
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        Connection::to(self.address()).ask(method, path, headers, body)
    }
}

/// µs since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("it is later than 1970").as_micros() as i64
}

/// A span of 10 ms.
fn span(trace_id: u128, span_id: u64, parent_span_id: u64, at: i64) -> Span<'static> {
    Span {
        trace_id,
        span_id,
        parent_span_id,
        operation_name: format!("op{span_id}").into(),
        start_time: at,
        duration: 10_000,
        ..Span::default()
    }
}
