//! The two programs, seen alike: where they take spans in, what they answer.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use jaeger_all_in_one::config::Storage;
use jaeger_all_in_one::{Backend, Config};
use serde_json::Value;
use tests::{Jaeger, wait_for};

/// Where a program listens.
pub(crate) struct Side {
    name: &'static str,
    pub(crate) compact: SocketAddr,
    pub(crate) binary: SocketAddr,
    pub(crate) thrift_http: SocketAddr,
    pub(crate) otlp_http: SocketAddr,
    pub(crate) zipkin: SocketAddr,
    pub(crate) query: SocketAddr,
    http: ureq::Agent,
}

/// An answer, as far as it can be compared: not its headers, but what kind of content it says it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: Body,
}

impl Answer {
    /// The ids of the traces in it, as they come.
    pub(crate) fn trace_ids(&self) -> Vec<String> {
        let Body::Json(body) = &self.body else { return Vec::new() };
        let traces = body["data"].as_array().into_iter().flatten();
        traces.map(|trace| trace["traceID"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Json(Value),
    Text(String),
}

/// How long until a span that was sent is found.
const PATIENCE: Duration = Duration::from_secs(60);

impl Side {
    /// The real Jaeger.
    pub(crate) fn theirs(jaeger: &Jaeger) -> Side {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Side {
            name: "Jaeger",
            compact: at(jaeger.compact_port()),
            binary: at(jaeger.binary_port()),
            thrift_http: at(jaeger.collector_port()),
            otlp_http: at(jaeger.otlp_port()),
            zipkin: at(jaeger.zipkin_port()),
            query: at(jaeger.query_port()),
            http: agent(),
        }
    }

    /// Ours.
    pub(crate) fn ours(backend: &Backend) -> Side {
        let at = |what| backend.address(what).unwrap_or_else(|| panic!("{what} does not listen"));
        Side {
            name: "jaeger-all-in-one",
            compact: at("compact"),
            binary: at("binary"),
            thrift_http: at("thrift_http"),
            otlp_http: at("otlp_http"),
            zipkin: at("zipkin"),
            query: at("query"),
            http: agent(),
        }
    }

    /// Starts ours.
    pub(crate) fn start(storage: Storage) -> Backend {
        Backend::start(Config { storage, ..Config::free_ports() }).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sends a datagram.
    pub(crate) fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let sent = socket.send_to(datagram, to);
        assert_eq!(sent.ok(), Some(datagram.len()), "{}", self.name);
    }

    /// Posts a body, which must be taken.
    pub(crate) fn post(&self, to: SocketAddr, path: &str, kind: &str, body: &[u8]) {
        let url = format!("http://{to}{path}");
        let answer = self.http.post(&url).header("Content-Type", kind).send(body);
        let mut answer = answer.unwrap_or_else(|error| panic!("{}: {url}: {error}", self.name));
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        assert!(answer.status().is_success(), "{}: {url}: {} {text}", self.name, answer.status());
    }

    /// Asks the query port.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let url = format!("http://{}{path}", self.query);
        let answer = match method {
            "GET" => self.http.get(&url).call(),
            "HEAD" => self.http.head(&url).call(),
            "DELETE" => self.http.delete(&url).call(),
            "PUT" => self.http.put(&url).send(body),
            _ => self.http.post(&url).header("Content-Type", "application/json").send(body),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{}: {method} {url}: {error}", self.name));
        let kind = answer
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string().unwrap_or_default();
        let body = match serde_json::from_str(&text) {
            Ok(json) => Body::Json(json),
            Err(_) => Body::Text(text),
        };
        Answer { status: answer.status().as_u16(), kind, body }
    }

    /// Waits until a service is known, which it is once its batch is there.
    pub(crate) fn await_service(&self, service: &str) {
        self.wait(&format!("a span of {service}"), || self.knows(service));
    }

    /// Sends a datagram again and again until its service is known.
    pub(crate) fn await_ears(&self, to: SocketAddr, datagram: &[u8], service: &str) {
        self.wait("the first span", || {
            self.send(to, datagram);
            self.knows(service)
        });
    }

    fn knows(&self, service: &str) -> bool {
        match self.ask("GET", "/api/services", "").body {
            Body::Json(answer) => {
                answer["data"].as_array().is_some_and(|all| all.iter().any(|one| one == service))
            }
            Body::Text(_) => false,
        }
    }

    /// Waits until so many traces of a service are found.
    pub(crate) fn await_traces(&self, service: &str, traces: usize) {
        let path = format!("/api/traces?service={service}");
        let found = || self.ask("GET", &path, "").trace_ids().len() == traces;
        self.wait(&format!("trace {traces} of {service}"), found);
    }

    fn wait(&self, what: &str, there: impl Fn() -> bool) {
        let came = wait_for(PATIENCE, || there().then_some(()));
        assert!(came.is_some(), "{}: {what} did not arrive", self.name);
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .build()
        .new_agent()
}

/// A value of a query, escaped.
pub(crate) fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
