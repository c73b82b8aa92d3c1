//! A program of its own, as a user starts it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A running program, killed on drop.
pub(crate) struct Program {
    pub(crate) child: Child,
    /// What it printed until it was ready.
    pub(crate) lines: Vec<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jaeger-all-in-one"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JAEGER_") {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) const PORTS: [&str; 8] = [
    "--query-port=0",
    "--compact-port=0",
    "--binary-port=0",
    "--thrift-http-port=0",
    "--otlp-grpc-port=0",
    "--otlp-http-port=0",
    "--zipkin-port=0",
    "--sampling-port=0",
];

/// Starts it on free ports but for those that the arguments name, and reads up to the last line that it starts with.
pub(crate) fn start(arguments: &[&str]) -> Program {
    let named = |port: &&str| {
        let flag = &port[..port.len() - "0".len()];
        arguments.iter().any(|argument| argument.starts_with(flag))
    };
    let mut child = command()
        .args(PORTS.into_iter().filter(|port| !named(port)))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts");
    let mut lines = Vec::new();
    let out = BufReader::new(child.stdout.as_mut().expect("a pipe"));
    for line in out.lines().map_while(Result::ok) {
        let last = line.is_empty();
        lines.push(line);
        if last {
            break;
        }
    }
    Program { child, lines }
}

impl Program {
    pub(crate) fn line(&self, name: &str) -> &str {
        let mut lines = self.lines.iter().filter_map(|line| line.trim_start().strip_prefix(name));
        lines.next().unwrap_or_else(|| panic!("no line {name:?} in {:#?}", self.lines)).trim_start()
    }

    pub(crate) fn url(&self) -> String {
        self.line("page").to_owned()
    }

    pub(crate) fn query(&self) -> SocketAddr {
        self.url().trim_start_matches("http://").parse().expect("an address")
    }
}
