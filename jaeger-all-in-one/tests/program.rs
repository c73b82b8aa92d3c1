//! The program as a user meets it: start-up lines, taken ports, the commands that ask it, a stop that loses nothing.

mod common;

use std::io::{BufRead as _, BufReader, Lines, Read, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use common::program::{PORTS, Program, command, start};
use common::{request, wait_for};

const GO: &[u8] = include_bytes!("../../jaeger-thrift/tests/data/go.bin");

/// What only these tests do with it.
impl Program {
    /// Sends the Go client's span to the compact port.
    fn send(&self) {
        let line = self.line("Jaeger");
        let port = line.split(" · ").find_map(|part| part.strip_prefix("UDP compact ")).expect("a port");
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(GO, ("127.0.0.1", port.parse().unwrap())).unwrap();
        let query = self.query();
        wait_for("the span", || {
            request(query, "GET", "/api/services", &[], b"").body.contains("\"total\":1")
        });
    }

    fn service(&self) -> String {
        let body = request(self.query(), "GET", "/api/services", &[], b"").body;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        json["data"][0].as_str().unwrap().to_owned()
    }
}

/// What it says until it ends; one that does not end fails the test, by what it was asked.
fn ask(arguments: &[&str]) -> Output {
    fn all(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).expect("a pipe");
            bytes
        })
    }
    let mut command = command();
    let child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Killed(child.spawn().expect("it runs"));
    let said = all(child.0.stdout.take().expect("piped"));
    let complained = all(child.0.stderr.take().expect("piped"));
    let child = std::cell::RefCell::new(child);
    let ended = || child.borrow_mut().0.try_wait().expect("it is ours");
    wait_for(&format!("the end of {arguments:?}"), || ended().is_some());
    Output {
        status: ended().expect("it ended"),
        stdout: said.join().expect("read"),
        stderr: complained.join().expect("read"),
    }
}

/// Also where a test fails.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn it_says_what_listens_where_and_answers_there() {
    let program = start(&[]);
    assert!(program.lines[0].starts_with("jaeger-all-in-one 0."), "{:#?}", program.lines);
    assert_eq!(program.line("spans in"), "memory, at most 512 MiB");
    assert!(program.line("open to").starts_with("127.0.0.1 (this machine only"));
    for (name, parts) in [("Jaeger", 3), ("OTLP", 2), ("Zipkin", 1), ("sampling", 1)] {
        assert_eq!(program.line(name).split(" · ").count(), parts);
    }
    assert!(program.lines.iter().all(|line| !line.contains("NOT")));
    assert_eq!(request(program.query(), "GET", "/api/services", &[], b"").status, 200);
}

#[test]
fn a_taken_port_is_told_and_the_others_work() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let flag = format!("--zipkin-port={port}");
    let others: Vec<&str> = PORTS.into_iter().filter(|flag| !flag.starts_with("--zipkin")).collect();
    let run = |more: &[&str]| {
        let mut command = command();
        command.args(&others).arg(&flag).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("it starts")
    };
    let mut child = run(&[]);
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = out.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let program = Program { child, lines };
    assert_eq!(
        program.line("NOT"),
        format!(
            "zipkin cannot listen on 127.0.0.1:{port}: the port is taken; --zipkin-port chooses another port"
        )
    );
    program.send();
    // Unless it is asked for.
    let output = run(&["--require-ports"]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains(&format!("zipkin cannot listen on 127.0.0.1:{port}")),
        "{output:?}"
    );
}

#[test]
fn variables_are_read_as_elsewhere_and_empty_ones_are_not_set() {
    let names = [
        "HOST",
        "QUERY_PORT",
        "STORAGE",
        "MEMORY",
        "KEEP",
        "SAMPLING_STRATEGIES",
        "FORWARD",
        "ALLOW_HOST",
        "URL",
    ];
    for (yes, refused) in
        [("1", true), ("yes", true), ("true", true), ("0", false), ("off", false), ("", false)]
    {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut command = command();
        command
            .args(PORTS.into_iter().filter(|flag| !flag.starts_with("--zipkin")))
            .arg(format!("--zipkin-port={}", taken.local_addr().unwrap().port()))
            .args(["--stop-with-stdin"])
            .envs(names.map(|name| (format!("JAEGER_ALL_IN_ONE_{name}"), "")))
            .env("JAEGER_ALL_IN_ONE_REQUIRE_PORTS", yes)
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(refused)), "{yes:?}: {output:?}");
    }
    let mut search = command();
    search.args(["search", "shop"]).env("JAEGER_ALL_IN_ONE_URL", "");
    assert!(
        text(&search.output().unwrap().stderr).contains("http://127.0.0.1:16686")
            || search.status().unwrap().success()
    );
}

#[test]
fn without_any_port_it_says_so_and_does_not_start() {
    let mut command = command();
    command.args(PORTS.map(|flag| flag.replace("=0", "=off"))).arg("--stop-with-stdin").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("all ports are off"), "{output:?}");
}

#[test]
fn get_and_search_print_waterfalls_and_json() {
    let program = start(&[]);
    program.send();
    let (url, service) = (program.url(), program.service());
    let found = ask(&["search", &service, "--from", &url, "--lookback", "2400000h"]);
    assert!(found.status.success(), "{found:?}");
    let drawn = text(&found.stdout);
    assert!(drawn.starts_with(&service) && drawn.contains("█"), "{drawn}");
    let id = drawn.lines().next().and_then(|line| line.rsplit(' ').next()).expect("an id").to_owned();
    let got = ask(&["get", &id, "--from", &url]);
    assert_eq!(text(&got.stdout), drawn);
    let json = ask(&["get", &id, "--from", &url, "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("one line of JSON");
    assert_eq!(json["traceID"], id);
    let none = ask(&["get", "123", "--from", &url]);
    assert_eq!(
        (none.status.code(), text(&none.stderr).as_str()),
        (Some(1), "jaeger-all-in-one: trace not found\n")
    );
    let none = ask(&["search", "nobody", "--from", &url]);
    assert!(none.status.success() && text(&none.stderr).contains("no trace of \"nobody\" matches"));
    let wrong = ask(&["search", &service, "--from", &url, "--tag", "x"]);
    assert!(text(&wrong.stderr).contains("--tag x: a tag is KEY=VALUE"));
    let wrong = ask(&["search", &service, "--from", &url, "--min-duration", "5"]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    assert!(text(&wrong.stderr).contains("'5' for '--min-duration <DURATION>'"), "{wrong:?}");
    for (flag, found) in [("--min-duration=1ns", true), ("--max-duration=1ns", false)] {
        let some = ask(&["search", &service, "--from", &url, "--lookback", "2400000h", flag]);
        assert_eq!((some.status.code(), !some.stdout.is_empty()), (Some(0), found), "{flag} {some:?}");
    }
    let nobody = ask(&["get", "1", "--from", "http://127.0.0.1:1"]);
    assert!(text(&nobody.stderr).contains("is the backend running there?"), "{nobody:?}");
}

/// A `tail` that runs.
struct Tail {
    child: Child,
    told: Lines<BufReader<ChildStderr>>,
}

/// Starts one that ends after so many traces, and waits until it watches.
fn tail(count: u32, from: &str, more: impl FnOnce(&mut Command)) -> Tail {
    let mut command = command();
    command.args(["tail", "--count", &count.to_string(), "--from", from]);
    more(&mut command);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let told = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut tail = Tail { child, told };
    let first = tail.says().unwrap();
    assert!(first.starts_with("watching http://"), "{first}");
    tail
}

impl Tail {
    /// What it tells next, beside traces.
    fn says(&mut self) -> Option<String> {
        self.told.next().map(|line| line.expect("a line of text"))
    }

    /// What it has printed when it has ended.
    fn printed(&mut self) -> String {
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        assert!(self.child.wait().unwrap().success());
        printed
    }
}

#[test]
fn tail_prints_a_trace_when_it_is_finished() {
    let program = start(&[]);
    let mut tail = tail(1, &program.url(), |_| ());
    program.send();
    let drawn = tail.printed();
    assert!(drawn.starts_with(&program.service()), "{drawn}");
}

#[test]
fn tail_of_what_does_not_tell_ends_and_says_so() {
    // As a real Jaeger does, which shows its page at any path that it does not know.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
            while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>";
            stream.write_all(page.as_bytes()).unwrap();
        }
    });
    let tail = ask(&["tail", "--from", &url]);
    assert_eq!(tail.status.code(), Some(1), "{tail:?}");
    assert!(text(&tail.stderr).contains("does not tell what is new"), "{tail:?}");
    let program = start(&[]);
    let none = ask(&["tail", "--count", "0", "--from", &program.url()]);
    assert!(none.status.success() && none.stdout.is_empty(), "{none:?}");
}

#[test]
fn tail_waits_for_a_backend_that_is_started_anew_and_prints_what_it_was_told_of() {
    let program = start(&[]);
    let mut tail = tail(1, &program.url(), |_| ());
    let query = program.query();
    // It is told of a trace, which is gone before it is quiet.
    program.send();
    drop(program);
    assert_eq!(tail.says().unwrap(), format!("http://{query} is gone; waiting for it to come back"));
    let again = start(&[&format!("--query-port={}", query.port())]);
    let mut said = tail.says().unwrap();
    while said.contains("is not printed") {
        said = tail.says().unwrap();
    }
    assert_eq!(said, format!("watching http://{query} again"));
    again.send();
    let drawn = tail.printed();
    assert!(drawn.starts_with(&again.service()), "{drawn}");
}

#[test]
fn help_names_every_port_and_its_variable() {
    let help = text(&ask(&["--help"]).stdout);
    for word in [
        "--query-port",
        "16686",
        "--compact-port",
        "6831",
        "--storage",
        "sqlite:FILE",
        "JAEGER_ALL_IN_ONE_HOST",
        "tail",
        "search",
    ] {
        assert!(help.contains(word), "{word} is not in:\n{help}");
    }
    let wrong = ask(&["--storage", "redis"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[cfg(unix)]
impl Program {
    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// What it says until it ends, and how that was.
    fn end(&mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

#[cfg(unix)]
#[test]
fn it_stops_when_told_and_says_what_it_held() {
    for signal in ["-TERM", "-INT"] {
        let mut program = start(&[]);
        program.send();
        program.signal(signal);
        let (rest, code) = program.end();
        assert_eq!(code, Some(0), "{signal}: {rest}");
        assert!(rest.contains("stopped with 1 spans of 1 traces"), "{signal}: {rest}");
    }
}

#[test]
fn it_stops_with_its_standard_input_if_that_was_asked_for() {
    let mut command = command();
    command.args(PORTS).arg("--stop-with-stdin").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(text(&output.stdout).ends_with("stopped with 0 spans of 0 traces\n"), "{}", text(&output.stdout));
}

#[test]
fn its_end_is_no_other_when_nobody_reads_what_it_says() {
    let mut command = command();
    command.args(PORTS).arg("--stop-with-stdin").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

/// A flag that has everything sent on to a listener that takes connections and never answers.
#[cfg(unix)]
fn hanging() -> (TcpListener, String) {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let flag = format!("--forward=http://{}", hanging.local_addr().unwrap());
    (hanging, flag)
}

#[cfg(unix)]
#[test]
fn what_could_not_be_sent_on_is_counted_when_it_stops() {
    let (collector, flag) = hanging();
    let mut program = start(&[&flag]);
    program.send();
    program.signal("-INT");
    let (rest, code) = program.end();
    assert_eq!(code, Some(0), "{rest}");
    let target = format!("http://{}/api/traces", collector.local_addr().unwrap());
    assert!(rest.contains(&format!("spans sent on to {target}: 0, lost: 1\n")), "{rest}");
    assert!(rest.contains("stopped with 1 spans of 1 traces"), "{rest}");
}

#[cfg(unix)]
#[test]
fn a_second_signal_stops_it_at_once() {
    let (_collector, flag) = hanging();
    let mut program = start(&[&flag]);
    program.send();
    program.signal("-TERM");
    let mut out = BufReader::new(program.child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with("stopping: "), "{line}");
    // Whether the second is waited for already cannot be seen from here, so it is told until it hears.
    let status = loop {
        program.signal("-INT");
        if let Some(status) = program.child.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!((status.code(), &*rest), (Some(130), ""), "it ended before it had sent what was left");
}

#[cfg(unix)]
#[test]
fn a_stop_says_what_could_not_be_written() {
    let folder = common::Folder::new();
    let file = folder.file("spans.db");
    let mut program = start(&[&format!("--storage=sqlite:{}", file.display())]);
    // Nothing can be inserted any more, as on a full disk.
    let other = rusqlite::Connection::open(&file).unwrap();
    other
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON span BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    program.send();
    program.signal("-TERM");
    let (rest, code) = program.end();
    assert_eq!(code, Some(0), "{rest}");
    let end = "stopped with 1 spans of 1 traces; 1 of them could not be written, and are lost\n";
    assert!(rest.ends_with(end), "{rest}");
}

#[test]
fn tail_prints_every_trace_of_a_burst() {
    const ALL: u32 = 1_500;
    let program = start(&[]);
    // Nor does it ask a proxy, which would not know this machine's loopback; the scheme may be left out.
    let mut tail = tail(ALL, &program.url().replace("http://", ""), |command| {
        command.arg("--json");
        command.env("http_proxy", "http://127.0.0.1:1").env("all_proxy", "http://127.0.0.1:1");
    });
    let spans: Vec<String> = (1..=ALL)
        .map(|id| {
            format!(r#"{{"traceId": "{id:x}", "id": "1", "timestamp": 1700000000000000, "duration": 1}}"#)
        })
        .collect();
    let zipkin = program.line("Zipkin").trim_start_matches("HTTP ").parse().unwrap();
    let zipkin = SocketAddr::from(([127, 0, 0, 1], zipkin));
    let body = format!("[{}]", spans.join(","));
    let sent =
        request(zipkin, "POST", "/api/v2/spans", &[("Content-Type", "application/json")], body.as_bytes());
    assert_eq!(sent.status, 202, "{sent:?}");
    let printed = tail.printed();
    let id = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["traceID"].to_string();
    let mut ids: Vec<String> = printed.lines().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), tail.says()), (ALL as usize, None));
}
