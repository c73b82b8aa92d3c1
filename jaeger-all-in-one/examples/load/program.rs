//! A backend that is measured: this one or the real Jaeger, a process of its own on free ports.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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

/// A running backend, killed on drop.
pub(crate) struct Program {
    child: Child,
    pub(crate) compact: SocketAddr,
    thrift_http: SocketAddr,
    otlp_http: SocketAddr,
    query: SocketAddr,
    http: ureq::Agent,
}

impl Program {
    /// Starts the program in the file, and waits until it answers. `core` is the one it may use, by `taskset`.
    pub(crate) fn start(file: &Path, core: Option<&str>) -> Program {
        let jaeger = file.file_name().is_some_and(|name| name == "jaeger");
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
                command.args(["--cpu-list", core]).arg(file);
                command
            }
            None => Command::new(file),
        };
        if jaeger {
            for (name, port) in JAEGER.iter().zip(&ports) {
                command.arg(format!("--set={name}.endpoint={port}"));
            }
            command
                .arg("--set=service.telemetry.metrics.level=none")
                .env("OTEL_TRACES_SAMPLER", "always_off");
        } else {
            for (name, port) in OURS.iter().zip(&ports) {
                command.arg(format!("--{name}-port={}", port.port()));
            }
            command.arg("--memory=4GiB");
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let http = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        let program = Program {
            child,
            compact: ports[0],
            thrift_http: ports[1],
            otlp_http: ports[2],
            query: ports[3],
            http,
        };
        let up = || program.get("/api/services").is_some();
        let listens = |at| std::net::TcpStream::connect(at).is_ok();
        program.wait("it is up", || up() && listens(program.thrift_http) && listens(program.otlp_http));
        program
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Posts a batch, Thrift in binary.
    pub(crate) fn post_thrift(&self, body: &[u8]) {
        self.post(&format!("http://{}/api/traces", self.thrift_http), "application/x-thrift", body);
    }

    /// Posts OTLP in protobuf.
    pub(crate) fn post_otlp(&self, body: &[u8]) {
        self.post(&format!("http://{}/v1/traces", self.otlp_http), "application/x-protobuf", body);
    }

    fn post(&self, url: &str, kind: &str, body: &[u8]) {
        let mut answer = self.http.post(url).header("Content-Type", kind).send(body).expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        // Read to its end, so that the connection is used again.
        let _ = answer.body_mut().read_to_vec();
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
