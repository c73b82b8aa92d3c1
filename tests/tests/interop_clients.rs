//! What Jaeger's own clients send is what we read: the Go, Python and Node clients, run for real, their datagrams decoded and every value asserted.
//!
//! The three programs in `interop/` do the same: a root, a child with tags of all types, a log and baggage, and a span that follows it. Where a language is not on this machine, its
//! test says that it was skipped and why. The same programs then send to the backend, which is asked for what it shows.

use jaeger_all_in_one::{Backend, Config};
use jaeger_thrift::{Message, Process, Protocol, RefType, Span, SpanRef, Value};
use std::process::Command;
use std::time::Duration;
use tests::{Missing, Sink, client, run, skip};

const PATIENCE: Duration = Duration::from_secs(60);
/// The microsecond at which the scenario starts.
const START: i64 = 1_600_000_000_000_000;

/// Runs a client against a socket of ours; what it printed, and the spans that came.
fn received(
    command: &mut Command,
    protocol: Protocol,
) -> (serde_json::Value, Process<'static>, Vec<Span<'static>>) {
    let sink = Sink::new();
    let address = sink.address();
    let output = run(command.args([address.ip().to_string(), address.port().to_string()]), PATIENCE);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {} {said}", output.status);
    let ids = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let (mut process, mut spans) = (None, vec![]);
    while spans.len() < 3 {
        let datagram = sink.receive(PATIENCE).expect("the client has sent three spans");
        let message =
            Message::decode(protocol, &datagram).unwrap_or_else(|error| panic!("{error}: {datagram:02x?}"));
        let batch = message.batch.into_owned();
        process = Some(batch.process);
        spans.extend(batch.spans.iter().cloned());
    }
    (ids, process.expect("a batch has a process"), spans)
}

/// Runs a client against the backend, and asks it for the trace.
fn shown(command: &mut Command, protocol: Protocol, language: &str) {
    let backend = Backend::start(Config::free_ports()).expect("loopback has free ports");
    let port = if protocol == Protocol::Compact { "compact" } else { "binary" };
    let address = backend.address(port).expect("it listens");
    let output = run(command.args([address.ip().to_string(), address.port().to_string()]), PATIENCE);
    let ids: serde_json::Value = serde_json::from_slice(&output.stdout).expect("ids");
    let trace = ids["root-op"]["trace"].as_str().expect("an id");
    let url = format!("http://{}/api/traces/{trace}", backend.address("query").expect("it listens"));
    let http = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let began = std::time::Instant::now();
    let spans = loop {
        let text = http
            .get(&url)
            .call()
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .expect("an answer");
        let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        // Datagrams may still be on their way.
        if let Some(spans) = answer["data"][0]["spans"].as_array().filter(|spans| spans.len() == 3) {
            break spans.clone();
        }
        assert!(began.elapsed() < PATIENCE, "{language}: {text}");
        std::thread::yield_now();
    };
    for span in spans {
        let name = span["operationName"].as_str().expect("a name");
        assert_eq!(span["spanID"], ids[name]["span"], "{language}");
        assert_eq!(span["traceID"], trace, "{language}");
    }
    let services =
        http.get(format!("http://{}/api/services", backend.address("query").expect("it listens"))).call();
    let services = services.and_then(|mut answer| answer.body_mut().read_to_string()).expect("an answer");
    assert!(services.contains(&format!("\"interop-{language}\"")), "{services}");
}

fn named<'a>(spans: &'a [Span<'static>], name: &str) -> &'a Span<'static> {
    spans.iter().find(|span| span.operation_name == name).unwrap_or_else(|| panic!("{name} in {spans:#?}"))
}

fn value<'a>(span: &'a Span<'static>, key: &str) -> &'a Value<'static> {
    let tag = span.tags.iter().find(|tag| tag.key == key);
    &tag.unwrap_or_else(|| panic!("{key} in {:#?}", span.tags)).value
}

/// How a client writes the integer `n`: Node has only doubles.
fn number(n: i64, doubles: bool) -> Value<'static> {
    if doubles { Value::Double(n as f64) } else { Value::Long(n) }
}

fn arrives(language: &str, client: fn() -> Result<Command, Missing>, protocol: Protocol, has_bytes: bool) {
    let (mut command, mut again) = match client().and_then(|command| Ok((command, client()?))) {
        Ok(commands) => commands,
        Err(missing) => return skip(language, &missing),
    };
    shown(&mut again, protocol, language);
    let doubles = language == "node";
    let (ids, process, spans) = received(&mut command, protocol);
    assert_eq!(process.service_name, format!("interop-{language}"));
    let process_tag = |key: &str| process.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
    assert_eq!(process_tag("proc.tag"), Some(Value::from("pv")));
    assert_eq!(process_tag("proc.number"), Some(number(7, doubles)));
    assert!(process_tag("jaeger.version").is_some() && process_tag("hostname").is_some(), "{process:#?}");

    let (root, child, follower) =
        (named(&spans, "root-op"), named(&spans, "child-op"), named(&spans, "follow-op"));
    for span in [root, child, follower] {
        let id = &ids[&*span.operation_name];
        assert_eq!(format!("{:032x}", span.trace_id), id["trace"].as_str().expect("an id"));
        assert_eq!(format!("{:016x}", span.span_id), id["span"].as_str().expect("an id"));
        assert_eq!((span.trace_id, span.flags), (root.trace_id, 1));
    }
    assert!(root.trace_id >> 64 != 0, "128 bits: {:x}", root.trace_id);
    assert_eq!((root.parent_span_id, child.parent_span_id), (0, root.span_id));
    let times = |span: &Span<'_>| (span.start_time - START, span.duration);
    assert_eq!(times(root), (0, 2_000_000));
    assert_eq!(times(child), (250_000, 500_000));
    assert_eq!(times(follower), (1_000_000, 250_000));
    let follows =
        SpanRef { ref_type: RefType::FollowsFrom, trace_id: child.trace_id, span_id: child.span_id };
    assert!(follower.references.contains(&follows), "{:#?}", follower.references);

    assert_eq!(value(root, "sampler.type"), &Value::from("const"));
    assert_eq!(value(root, "sampler.param"), &Value::Bool(true));
    assert_eq!(value(child, "str"), &Value::from("héllo"));
    assert_eq!(value(child, "empty"), &Value::from(""));
    assert_eq!(value(child, "int"), &number(42, doubles));
    assert_eq!(value(child, "neg"), &number(-1, doubles));
    if !doubles {
        assert_eq!(value(child, "large"), &Value::Long(1 << 62));
    }
    assert_eq!(value(child, "float"), &Value::Double(1.5));
    assert_eq!((value(child, "yes"), value(child, "no")), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(value(child, "span.kind"), &Value::from("server"));
    if has_bytes {
        assert_eq!(value(child, "bytes"), &Value::Binary(vec![0, 1, 0xfe, 0xff].into()));
    }
    let log = child.logs.iter().find(|log| log.timestamp == START + 500_000).expect("the log at its time");
    let field = |key: &str| log.fields.iter().find(|field| field.key == key).map(|field| field.value.clone());
    assert_eq!(field("event"), Some(Value::from("hit")));
    assert_eq!(field("n"), Some(number(7, doubles)));
    assert_eq!((field("ratio"), field("ok")), (Some(Value::Double(0.5)), Some(Value::Bool(true))));
}

#[test]
fn the_go_clients_datagrams_decode() {
    arrives("go", client::go, Protocol::Compact, true);
}

#[test]
fn the_python_clients_datagrams_decode() {
    arrives("python", client::python, Protocol::Compact, false);
}

#[test]
fn the_node_clients_datagrams_decode() {
    arrives("node", client::node, Protocol::Binary, true);
}
