//! The commands that ask a running backend and print: `tail`, `get`, `search`.
//!
//! They speak Jaeger's HTTP JSON, so `get` and `search` work with a real Jaeger too; `tail` needs ours, which tells what is new.

mod tail;
mod tree;
mod waterfall;

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::cli::{Command, From};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How large an answer may be, in bytes: a trace of 100,000 spans is 60 MB.
const LARGEST: u64 = 1 << 30;

/// Carries a command out.
pub(crate) fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Tail { from, service, count } => tail::tail(&Asker::new(from), service.as_deref(), count),
        Command::Get { id, from } => {
            let asker = Asker::new(from);
            let traces = asker.traces(&format!("/api/traces/{}", escape(&id)))?;
            traces.iter().try_for_each(|trace| asker.print(trace))
        }
        Command::Search { service, from, operation, tags, min_duration, max_duration, lookback, limit } => {
            let asker = Asker::new(from);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let start = now.saturating_sub(lookback).as_micros();
            let mut path = format!(
                "/api/traces?service={}&limit={limit}&start={start}&end={}",
                escape(&service),
                now.as_micros()
            );
            let mut add = |name: &str, value: Option<&str>| {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", escape(value)));
                }
            };
            add("operation", operation.as_deref());
            let nanos = |duration: Duration| format!("{}ns", duration.as_nanos());
            add("minDuration", min_duration.map(nanos).as_deref());
            add("maxDuration", max_duration.map(nanos).as_deref());
            for tag in &tags {
                let (key, value) =
                    tag.split_once('=').ok_or_else(|| format!("--tag {tag}: a tag is KEY=VALUE"))?;
                add("tag", Some(&format!("{key}:{value}")));
            }
            let traces = asker.traces(&path)?;
            if traces.is_empty() {
                eprintln!("no trace of {service:?} matches");
            }
            traces.iter().try_for_each(|trace| asker.print(trace))
        }
    }
}

/// Why there are no traces.
enum Failure {
    /// So the backend answers, and will again.
    Refused(String),
    /// No backend, or half an answer: may be better a moment later.
    Broken(String),
}

impl std::convert::From<Failure> for String {
    fn from(failure: Failure) -> String {
        let (Failure::Refused(message) | Failure::Broken(message)) = failure;
        message
    }
}

/// What `NO_COLOR` says: not set or empty, colours are welcome (<https://no-color.org>).
fn may_colour(no_color: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty)
}

/// Asks one backend, and prints what it answers.
struct Asker {
    url: String,
    json: bool,
    http: ureq::Agent,
    style: waterfall::Style,
}

impl Asker {
    fn new(from: From) -> Self {
        let http = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(PATIENCE))
            .http_status_as_error(false)
            // What stands in http_proxy is for the web, and knows no loopback of ours.
            .proxy(None)
            .build()
            .new_agent();
        let terminal = io::stdout().is_terminal();
        let columns = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        let style = waterfall::Style {
            columns: columns.clamp(60, 240),
            colours: terminal && may_colour(std::env::var_os("NO_COLOR").as_deref()),
        };
        let url = from.url.trim_end_matches('/');
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        Asker { url, json: from.json, http, style }
    }

    /// The traces of an answer.
    fn traces(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let url = format!("{}{path}", self.url);
        let mut answer =
            self.http.get(&url).call().map_err(|error| Failure::Broken(self.unreachable(&error)))?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_string();
        let body = body.map_err(|error| Failure::Broken(format!("{url}: the answer breaks off: {error}")))?;
        let json: Value = serde_json::from_str(&body).map_err(|_| {
            Failure::Broken(format!("{url}: no JSON but {status}; is that a query port of Jaeger?"))
        })?;
        if let Some(message) = json.pointer("/errors/0/msg").and_then(Value::as_str) {
            let message = message.to_owned();
            return Err(if status.is_server_error() {
                Failure::Broken(message)
            } else {
                Failure::Refused(message)
            });
        }
        Ok(json["data"].as_array().cloned().unwrap_or_default())
    }

    fn unreachable(&self, error: &ureq::Error) -> String {
        format!("{}: {error}; is the backend running there? --from names another", self.url)
    }

    /// Prints a trace.
    fn print(&self, trace: &Value) -> Result<(), String> {
        let text = if self.json {
            format!("{trace}\n")
        } else {
            waterfall::draw(&tree::Tree::new(trace), self.style)
        };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            // `| head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(format!("cannot print: {error}")),
        }
    }
}

/// Text for a query string or a path.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_that_is_empty_is_not_set() {
        assert!(may_colour(None) && may_colour(Some(OsStr::new(""))));
        assert!(!may_colour(Some(OsStr::new("1"))) && !may_colour(Some(OsStr::new("0"))));
    }

    #[test]
    fn what_stands_in_a_path_is_escaped() {
        assert_eq!(escape("a b/é?&=~"), "a%20b%2F%C3%A9%3F%26%3D~");
    }
}
