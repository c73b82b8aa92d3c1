//! The real Jaeger: built once by `scripts/jaeger`, started on free ports, asked over its query API.

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::program::{Running, on_path};
use crate::{Missing, kept, say, wait_for, workspace};

/// Settings of Jaeger that hold a port, all of them, so that no two of them and no two Jaegers share one.
const TCP_ENDPOINTS: [&str; 13] = [
    QUERY,
    HEALTH,
    COLLECTOR,
    "receivers.jaeger.protocols.grpc",
    "receivers.otlp.protocols.grpc",
    OTLP_HTTP,
    ZIPKIN,
    "extensions.jaeger_query.grpc",
    "extensions.remote_sampling.http",
    "extensions.remote_sampling.grpc",
    "extensions.healthcheckv2.grpc",
    "extensions.expvar",
    "extensions.zpages",
];
const UDP_ENDPOINTS: [&str; 2] = [COMPACT, BINARY];
const QUERY: &str = "extensions.jaeger_query.http";
const HEALTH: &str = "extensions.healthcheckv2.http";
const COLLECTOR: &str = "receivers.jaeger.protocols.thrift_http";
const COMPACT: &str = "receivers.jaeger.protocols.thrift_compact";
const BINARY: &str = "receivers.jaeger.protocols.thrift_binary";
const OTLP_HTTP: &str = "receivers.otlp.protocols.http";
const ZIPKIN: &str = "receivers.zipkin";

/// How long Jaeger may take to be up (1 s on an idle machine), and a span to be found after it was sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Jaeger with storage in memory, killed on drop.
#[derive(Debug)]
pub struct Jaeger {
    running: Running,
    ports: Ports,
    http: ureq::Agent,
}

impl Jaeger {
    /// Starts Jaeger and waits until it receives and answers; builds it first where that was never done, which takes
    /// minutes and is said.
    ///
    /// # Errors
    /// Where it cannot be built here: no Go (or no bash) on this machine.
    ///
    /// # Panics
    /// On CI if the build fails; anywhere if what was built does not come up.
    pub fn start() -> Result<Jaeger, Missing> {
        let program = program()?;
        // A port that was free may be taken before Jaeger binds it; then it ends at once, and gets other ports.
        for _ in 0..5 {
            if let Some(jaeger) = Jaeger::try_start(&program) {
                return Ok(jaeger);
            }
        }
        panic!(
            "Jaeger ended at each of 5 starts, each on other ports; its output is in {}",
            kept("jaeger").display()
        );
    }

    /// `None` if it ended before it was ready.
    fn try_start(program: &Path) -> Option<Jaeger> {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let logs = kept("jaeger").join("logs");
        std::fs::create_dir_all(&logs).unwrap_or_else(|error| panic!("{}: {error}", logs.display()));
        let number = STARTS.fetch_add(1, Ordering::Relaxed);
        let log = logs.join(format!("{}-{number}.log", std::process::id()));

        let ports = Ports::free();
        // Jaeger traces itself, to the usual port of OTLP on this machine, where another Jaeger may listen.
        let environment = [("JAEGER_LISTEN_HOST", "127.0.0.1"), ("OTEL_TRACES_SAMPLER", "always_off")];
        let running = Running::start(program, &ports.arguments(), &environment, &log);
        let http = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut jaeger = Jaeger { running, ports, http };
        enum State {
            Ready,
            Ended,
        }
        // The query API answers before the receivers listen; the health extension knows of all.
        let state = wait_for(PATIENCE, || {
            let ready =
                jaeger.json(HEALTH, "/status").is_some_and(|status| status["healthy"] == Value::Bool(true))
                    && jaeger.json(QUERY, "/api/services").is_some();
            if jaeger.running.ended().is_some() { Some(State::Ended) } else { ready.then_some(State::Ready) }
        });
        match state {
            Some(State::Ready) => Some(jaeger),
            Some(State::Ended) => None,
            None => panic!("Jaeger was not up after {PATIENCE:?}; it wrote:\n{}", jaeger.running.output()),
        }
    }

    /// UDP port for the compact protocol (6831 elsewhere).
    pub fn compact_port(&self) -> u16 {
        self.ports.of(COMPACT)
    }

    /// UDP port for the strict binary protocol (6832 elsewhere).
    pub fn binary_port(&self) -> u16 {
        self.ports.of(BINARY)
    }

    /// TCP port for batches over HTTP (14268 elsewhere).
    pub fn collector_port(&self) -> u16 {
        self.ports.of(COLLECTOR)
    }

    /// TCP port for OTLP over HTTP (4318 elsewhere).
    pub fn otlp_port(&self) -> u16 {
        self.ports.of(OTLP_HTTP)
    }

    /// TCP port for Zipkin's spans (9411 elsewhere).
    pub fn zipkin_port(&self) -> u16 {
        self.ports.of(ZIPKIN)
    }

    /// TCP port of the query API (16686 elsewhere).
    pub fn query_port(&self) -> u16 {
        self.ports.of(QUERY)
    }

    /// Asks the query API, such as `/api/services`; whatever the status, the answer's JSON.
    ///
    /// # Panics
    /// If there is no answer or it is not JSON.
    pub fn get(&self, path: &str) -> Value {
        self.json(QUERY, path)
            .unwrap_or_else(|| panic!("{path}: no JSON from Jaeger; it wrote:\n{}", self.log()))
    }

    /// The trace of `service` that has `spans` spans, as soon as it is there (and as Jaeger shows it: raw=false).
    ///
    /// # Panics
    /// If there is none after a minute; the message shows what there is.
    pub fn trace(&self, service: &str, spans: usize) -> Value {
        // From the epoch on: by default the search goes back two days, and some tests give their own times.
        let path = format!("/api/traces?service={service}&start=0");
        let found = wait_for(PATIENCE, || {
            let answer = self.json(QUERY, &path)?;
            answer["data"].as_array()?.iter().find(|trace| count(trace) == spans).cloned()
        });
        found.unwrap_or_else(|| {
            panic!(
                "no trace of {spans} spans of {service}: {:#}\nJaeger wrote:\n{}",
                self.get(&path),
                self.log()
            )
        })
    }

    fn json(&self, endpoint: &str, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}{path}", self.ports.of(endpoint));
        let text = self.http.get(url).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&text).ok()
    }

    fn log(&self) -> String {
        let output = self.running.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

fn count(trace: &Value) -> usize {
    trace["spans"].as_array().map_or(0, Vec::len)
}

/// The one tag `key` of a list of tags as the query API shows them, without its key: `{"type", "value"}`.
///
/// # Panics
/// If there is none, or more than one.
pub fn tag<'a>(tags: &'a Value, key: &str) -> (&'a str, &'a Value) {
    let all = tags.as_array().unwrap_or_else(|| panic!("not a list of tags: {tags}"));
    let found: Vec<&Value> = all.iter().filter(|tag| tag["key"] == key).collect();
    let [one] = found[..] else { panic!("{} tags `{key}` in {tags:#}", found.len()) };
    (one["type"].as_str().expect("a tag has a type"), &one["value"])
}

/// The path of Jaeger's program, built where needed; once per process, the script sees to once per machine.
fn program() -> Result<PathBuf, Missing> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if !on_path("bash") {
        return Err(Missing::tool("bash"));
    }
    let script = workspace().join("scripts").join("jaeger");
    if !on_path("go") && !kept_program(&script).is_file() {
        return Err(Missing::tool("go"));
    }
    let built = BUILT.get_or_init(|| {
        if !kept_program(&script).is_file() {
            say("building the real Jaeger, once: about 5 minutes on 2 cores");
        }
        let output = Command::new("bash")
            .arg(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("{}: {error}", script.display()))?;
        if output.status.success() {
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        } else {
            Err(format!("{} failed ({}); its errors are above", script.display(), output.status))
        }
    });
    built.clone().map_err(|error| Missing::failed(&error))
}

fn kept_program(script: &Path) -> PathBuf {
    let output = Command::new("bash").arg(script).arg("--path").output();
    output.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())).unwrap_or_default()
}

/// One free port of loopback for every setting that has one.
#[derive(Debug)]
struct Ports(Vec<(&'static str, u16)>);

impl Ports {
    fn free() -> Ports {
        // All are held until the last is known, so no number comes twice.
        let tcp = TCP_ENDPOINTS.map(|name| {
            let held = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
            (name, held.local_addr().expect("a bound socket has an address").port(), held)
        });
        let udp = UDP_ENDPOINTS.map(|name| {
            let held = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
            (name, held.local_addr().expect("a bound socket has an address").port(), held)
        });
        let tcp = tcp.iter().map(|(name, port, _)| (*name, *port));
        let udp = udp.iter().map(|(name, port, _)| (*name, *port));
        Ports(tcp.chain(udp).collect())
    }

    fn of(&self, endpoint: &str) -> u16 {
        let found = self.0.iter().find(|(name, _)| *name == endpoint);
        found.unwrap_or_else(|| panic!("{endpoint} has no port here")).1
    }

    fn arguments(&self) -> Vec<String> {
        let moved = self.0.iter().map(|(name, port)| format!("--set={name}.endpoint=127.0.0.1:{port}"));
        // Its metrics are a list, which --set cannot reach into; without them it opens no port for them.
        moved.chain([String::from("--set=service.telemetry.metrics.level=none")]).collect()
    }
}
