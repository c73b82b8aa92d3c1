//! `cargo run --example demo -- --ui`: ends with a link to the trace, on a page that ends with the example.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// What everything here takes a fraction of.
const LONG: Duration = Duration::from_secs(60);

/// The demo, ended when this goes however the test ends.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the demo, and starts it so that it starts this package's program instead of building it anew.
fn demo(argument: &str) -> Demo {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "examples", "--example", "demo", "--message-format=json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(top).stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(built.status.success(), "{cargo:?}: {}", built.status);
    let built = String::from_utf8(built.stdout).expect("JSON is UTF-8");
    let messages = built.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = messages.filter_map(|one| Some(one["executable"].as_str()?.to_owned())).next_back();
    let mut command = Command::new(program.expect("cargo names what it built"));
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("JAEGER_")) {
        command.env_remove(key);
    }
    command.env("JAEGER_ALL_IN_ONE", env!("CARGO_BIN_EXE_jaeger-all-in-one")).arg(argument);
    let demo = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    Demo(demo.expect("it starts"))
}

#[test]
fn the_demo_with_ui_ends_with_a_link_to_its_trace_and_takes_the_page_along() {
    let mut demo = demo("--ui");
    let lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut before = Vec::new();
    let link = lines
        .inspect(|line| before.push(line.clone()))
        .find(|line| line.starts_with("http://") && line.contains("/trace/"));
    let link = link.unwrap_or_else(|| panic!("no link in {before:?}"));
    assert!(
        before.iter().any(|line| line.starts_with("span_foo4 ") || line.contains("╴span_foo4")),
        "{before:?}"
    );
    let (page, trace) = link.split_once("/trace/").expect("it has been looked for");
    let url = format!("{page}/api/traces/{trace}");
    let end = Instant::now() + LONG;
    let names = loop {
        let answer = ureq::get(&url).config().http_status_as_error(false).build().call().unwrap();
        let answer: serde_json::Value =
            serde_json::from_reader(answer.into_body().into_reader()).expect("JSON");
        let spans = answer["data"][0]["spans"].as_array().cloned().unwrap_or_default();
        // A datagram is read when it is read.
        if spans.len() == 3 || Instant::now() > end {
            let mut names: Vec<_> =
                spans.iter().map(|span| span["operationName"].as_str().unwrap().to_owned()).collect();
            names.sort();
            break names;
        }
        yield_now();
    };
    assert_eq!(names, ["span_foo3", "span_foo4", "span_root"]);
    // However the example ends: its page does not stay behind.
    drop(demo);
    let address: SocketAddr =
        page.trim_start_matches("http://").replace("localhost", "127.0.0.1").parse().unwrap();
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < end, "{page} is still there");
        yield_now();
    }
}

#[test]
fn the_demo_refuses_what_it_does_not_know() {
    let mut demo = demo("--gui");
    let said: Vec<String> =
        BufReader::new(demo.0.stderr.take().unwrap()).lines().map_while(Result::ok).collect();
    assert_eq!(demo.0.wait().unwrap().code(), Some(2));
    assert_eq!(said.last().unwrap(), "\"--gui\" is not known; --ui shows the trace on a page");
}
