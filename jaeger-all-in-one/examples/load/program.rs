//! What is measured: this backend, the real Jaeger, or a program that only reads; a process of its own on free ports.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Settings of Jaeger that hold a port.
const JAEGER: [&str; 15] = [
    "receivers.jaeger.protocols.thrift_compact",
    "receivers.jaeger.protocols.thrift_http",
    "receivers.otlp.protocols.http",
    "extensions.jaeger_query.http",
    "receivers.jaeger.protocols.thrift_binary",
    "receivers.jaeger.protocols.grpc",
    "receivers.otlp.protocols.grpc",
    "receivers.zipkin",
    "extensions.jaeger_query.grpc",
    "extensions.remote_sampling.http",
    "extensions.remote_sampling.grpc",
    "extensions.healthcheckv2.http",
    "extensions.healthcheckv2.grpc",
    "extensions.expvar",
    "extensions.zpages",
];
/// Flags of this program that hold one: the first four for the same as Jaeger's first four.
const OURS: [&str; 8] =
    ["compact", "thrift-http", "otlp-http", "query", "binary", "otlp-grpc", "zipkin", "sampling"];

/// Which program.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The real Jaeger, in that file.
    Jaeger(PathBuf),
    /// This one, built beside this example.
    Ours,
    /// `sink.rs`.
    Sink,
    /// The same without a server.
    Bare,
}

impl Kind {
    fn file(&self) -> PathBuf {
        let here = std::env::current_exe().expect("a path");
        match self {
            Kind::Jaeger(file) => file.clone(),
            Kind::Sink | Kind::Bare => here,
            Kind::Ours => {
                let file = here.parent().and_then(Path::parent).expect("a folder").join("jaeger-all-in-one");
                assert!(
                    file.exists(),
                    "build it first, by the same profile: cargo build --profile program -p jaeger-all-in-one"
                );
                file
            }
        }
    }

    /// Whether nothing can be found in it afterwards.
    pub(crate) fn only_reads(&self) -> bool {
        matches!(self, Kind::Sink | Kind::Bare)
    }

    /// What it is called in tables.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Jaeger(_) => "Jaeger",
            Kind::Ours => "this",
            Kind::Sink => "only reads",
            Kind::Bare => "no server",
        }
    }
}

/// A running program, killed on drop.
pub(crate) struct Program {
    kind: Kind,
    child: Child,
    pub(crate) compact: SocketAddr,
    thrift_http: SocketAddr,
    otlp_http: SocketAddr,
    query: SocketAddr,
    http: ureq::Agent,
    /// Bytes that a sink was sent.
    sent: AtomicU64,
}

impl Program {
    /// Starts it, and waits until it answers. `core` is the one it may use, by `taskset`.
    pub(crate) fn start(kind: Kind, core: Option<&str>) -> Program {
        let file = kind.file();
        let held: Vec<_> = JAEGER
            .iter()
            .map(|_| {
                // Free for TCP and for UDP; all are held until the last is known.
                let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let udp = UdpSocket::bind(tcp.local_addr().expect("an address"));
                (tcp.local_addr().expect("an address"), tcp, udp)
            })
            .collect();
        let ports: Vec<SocketAddr> = held.iter().map(|(address, ..)| *address).collect();
        drop(held);
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", core]).arg(&file);
                command
            }
            None => Command::new(&file),
        };
        match kind {
            Kind::Jaeger(_) => {
                for (name, port) in JAEGER.iter().zip(&ports) {
                    command.arg(format!("--set={name}.endpoint={port}"));
                }
                command
                    .arg("--set=service.telemetry.metrics.level=none")
                    .env("OTEL_TRACES_SAMPLER", "always_off");
            }
            Kind::Ours => {
                for (name, port) in OURS.iter().zip(&ports) {
                    command.arg(format!("--{name}-port={}", port.port()));
                }
                command.arg("--memory=4GiB");
            }
            Kind::Sink | Kind::Bare => {
                let how = if matches!(kind, Kind::Sink) { "sink" } else { "bare" };
                command.args([how.to_owned(), ports[0].to_string(), ports[1].to_string()]);
            }
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let http = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        let sink = kind.only_reads();
        let program = Program {
            kind,
            child,
            compact: ports[0],
            thrift_http: ports[1],
            otlp_http: if sink { ports[1] } else { ports[2] },
            query: if sink { ports[1] } else { ports[3] },
            http,
            sent: AtomicU64::new(0),
        };
        let up = || program.get(if sink { "/" } else { "/api/services" }).is_some();
        let listens = |at| std::net::TcpStream::connect(at).is_ok();
        program.wait("it is up", || up() && listens(program.thrift_http) && listens(program.otlp_http));
        program
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a datagram, Thrift in compact.
    pub(crate) fn send_datagram(&self, socket: &UdpSocket, bytes: &[u8]) {
        socket.send_to(bytes, self.compact).expect("it is sent");
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }

    /// Posts a batch, Thrift in binary.
    pub(crate) fn post_thrift(&self, body: &[u8]) {
        self.post(self.thrift_http, "/api/traces", "application/x-thrift", body);
    }

    /// Posts OTLP in protobuf.
    pub(crate) fn post_otlp(&self, body: &[u8]) {
        self.post(self.otlp_http, "/v1/traces", "application/x-protobuf", body);
    }

    fn post(&self, to: SocketAddr, path: &str, kind: &str, body: &[u8]) {
        let path = if self.kind.only_reads() { "/" } else { path };
        let url = format!("http://{to}{path}");
        let mut answer = self.http.post(&url).header("Content-Type", kind).send(body).expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        // Read to its end, so that the connection is used again.
        let _ = answer.body_mut().read_to_vec();
        self.sent.fetch_add(body.len() as u64, Ordering::Relaxed);
    }

    /// Waits until that trace is found, whole; with a sink, until all bytes came.
    pub(crate) fn settle(&self, trace_id: u128, spans: u64) {
        if self.kind.only_reads() {
            let sent = self.sent.load(Ordering::Relaxed).to_string();
            self.wait("all bytes came", || self.get("/").as_deref() == Some(&sent));
        } else {
            self.wait("the last trace is found", || self.spans_of(trace_id) == spans as usize);
        }
    }

    /// Asks the query port; `None` if it does not say 200.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let mut answer = self.http.get(format!("http://{}{path}", self.query)).call().ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        (answer.status() == 200).then_some(text)
    }

    /// How many spans of a trace are found.
    pub(crate) fn spans_of(&self, trace_id: u128) -> usize {
        let found = self.get(&format!("/api/traces/{trace_id:x}"));
        found.map_or(0, |text| text.matches("\"operationName\"").count())
    }

    /// Waits until that is so.
    pub(crate) fn wait(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < Duration::from_secs(60), "after a minute not yet: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
