//! What the program prints of sending on: where to, what it cannot send to and what to do, that it begins and ceases to lose spans, what came of it in the end.

use std::io::{BufRead as _, BufReader, Read};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::{PATIENCE, collector, deaf, listen, next};

const GO: &[u8] = include_bytes!("../../../jaeger-thrift/tests/data/go.bin");

/// A running program, killed on drop, with the lines that it prints.
struct Program {
    child: Child,
    out: Receiver<String>,
    errors: Receiver<String>,
    /// What it printed until it was ready.
    greeting: Vec<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jaeger-all-in-one"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JAEGER_") {
            command.env_remove(name);
        }
    }
    for port in ["query", "thrift-http", "otlp-grpc", "otlp-http", "zipkin", "sampling", "binary"] {
        command.arg(format!("--{port}-port=off"));
    }
    command.arg("--compact-port=0").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).all(|line| give.send(line).is_ok())
    });
    take
}

impl Program {
    fn start(mut command: Command) -> Program {
        let mut child = command.spawn().expect("it starts");
        let out = lines(child.stdout.take().expect("a pipe"));
        let errors = lines(child.stderr.take().expect("a pipe"));
        let line = || out.recv_timeout(PATIENCE).expect("a line");
        // An empty line ends them.
        let greeting = std::iter::from_fn(|| Some(line()).filter(|line| !line.is_empty())).collect();
        Program { child, out, errors, greeting }
    }

    fn to(url: &str) -> Program {
        let mut command = command();
        command.args(["--forward", url]);
        Program::start(command)
    }

    /// Sends the Go client's one span.
    fn send(&self) {
        let port = self.greeting.iter().find_map(|line| line.split("UDP compact ").nth(1)).expect("a port");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
        socket.send_to(GO, ("127.0.0.1", port.parse().expect("a number"))).expect("it is sent");
    }

    /// The next line that it complains with.
    fn told(&self) -> String {
        self.errors.recv_timeout(PATIENCE).expect("a line")
    }

    /// Asks it to end, which must go well; its last lines.
    #[cfg(unix)]
    fn stop(mut self) -> Vec<String> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let rest: Vec<String> = self.out.iter().collect();
        assert!(self.child.wait().expect("it ends").success());
        rest
    }
}

#[test]
fn the_start_says_where_to_and_no_secret() {
    let mut command = command();
    command.env(
        "JAEGER_ALL_IN_ONE_FORWARD",
        "http://me:secret@127.0.0.1:9/api/traces?token=secret,otlp+http://127.0.0.1:9,udp://127.0.0.1:9",
    );
    let program = Program::start(command);
    let told: Vec<_> =
        program.greeting.iter().filter_map(|line| line.trim_start().strip_prefix("sends on")).collect();
    assert_eq!(
        told,
        [
            "   to http://127.0.0.1:9/api/traces?… (Thrift over HTTP)",
            "   to http://127.0.0.1:9/v1/traces (OTLP over HTTP)",
            "   to udp://127.0.0.1:9 (Thrift over UDP)",
        ]
    );
    assert!(!program.greeting.join("\n").contains("secret"), "{:#?}", program.greeting);
    let mut help = self::command();
    let help = help.arg("--help").env("JAEGER_ALL_IN_ONE_FORWARD", "http://me:secret@h").output();
    let help = String::from_utf8(help.expect("it runs").stdout).expect("text");
    assert!(help.contains("JAEGER_ALL_IN_ONE_FORWARD") && !help.contains("secret"), "{help}");
}

#[test]
fn what_cannot_be_sent_to_is_named_with_what_to_do() {
    for (url, told) in [
        (
            "collector:14268",
            "--forward \"collector:14268\": the URL begins with none of http://, otlp+http://, udp://; write http://HOST",
        ),
        (
            "https://me:secret@h",
            "--forward \"https://…@h\": TLS is not spoken here; write http://HOST:14268/api/traces for Thrift, http://HOST:4318",
        ),
        (
            "http://h:4317",
            "--forward \"http://h:4317\": gRPC (4317) is not spoken here, OTLP over HTTP is; write",
        ),
    ] {
        let output = command().args(["--forward", url]).output().expect("it runs");
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.starts_with(&format!("jaeger-all-in-one: {told}")), "{errors}");
        assert!(!errors.contains("secret"), "{errors}");
    }
}

#[cfg(unix)]
#[test]
fn an_absent_collector_is_told_of_when_it_fails_and_when_it_is_back() {
    let (socket, address) = deaf();
    let program = Program::to(&format!("http://me:secret@{address}"));
    program.send();
    let name = format!("jaeger-all-in-one: http://{address}/api/traces");
    let failed = program.told();
    assert!(failed.starts_with(&format!("{name} does not take spans: ")), "{failed}");
    let advice = "(is a collector running there?); it is tried again, and spans wait up to 5 minutes";
    assert!(failed.ends_with(advice) && !failed.contains("secret"), "{failed}");
    socket.listen(16).expect("it listens");
    let requests = collector(socket.into());
    next(&requests).answer("202 Accepted");
    assert_eq!(program.told(), format!("{name} takes spans again; nothing was lost"));
    let rest = program.stop();
    assert!(rest.contains(&format!("spans sent on to http://{address}/api/traces: 1, lost: 0")), "{rest:#?}");
}

#[cfg(unix)]
#[test]
fn losses_are_told_when_they_begin_and_when_they_end() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let program = Program::to(&url);
    let name = format!("{url}/api/traces");
    program.send();
    next(&requests).answer_with("404 Not Found", b"no such page\x1b[2J\nand more");
    let why = r#"it answers 404 "no such page\u{1b}[2J" (is this Thrift over HTTP? Usually it is http://HOST:14268/api/traces)"#;
    assert_eq!(program.told(), format!("jaeger-all-in-one: {name} does not take spans: {why}"));
    let lost = format!("1 span was not sent on to {name} (refused)");
    assert_eq!(program.told(), format!("jaeger-all-in-one: {lost}; /metrics counts what follows"));
    program.send();
    next(&requests).answer("202 Accepted");
    assert_eq!(program.told(), format!("jaeger-all-in-one: {name} takes spans again; 1 lost so far"));
    let errors = program.errors.try_recv();
    assert!(errors.is_err(), "{errors:?}");
    // The end says it again, with the cause.
    program.send();
    next(&requests).answer("403 Forbidden");
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    assert_eq!(
        program.told(),
        format!("jaeger-all-in-one: 2 spans were not sent on to {name} (refused)"),
        "soon after it was well it is not told of again until the end"
    );
    let rest: Vec<String> = program.out.iter().collect();
    assert!(rest.contains(&format!("spans sent on to {name}: 1, lost: 2")), "{rest:#?}");
}
