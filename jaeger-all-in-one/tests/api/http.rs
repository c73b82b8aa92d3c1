//! Requests written by hand, so that a test decides every byte of them: names of hosts, paths that a library would tidy, two requests on one connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// Whether there is a header whose name begins so.
    pub(crate) fn has_header(&self, beginning: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.starts_with(beginning))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).expect("the backend listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a positive time-out is accepted");
        Connection { stream: BufReader::new(stream), host: address.to_string() }
    }

    /// Sends a request with these headers (`Host` is added unless it is among them) and reads its answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {}\r\n", self.host));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        self.stream.get_mut().write_all(request.as_bytes()).expect("the backend reads");
        self.answer(method == "HEAD")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the backend answers");
        line.trim_end().to_owned()
    }

    fn answer(&mut self, without_body: bool) -> Answer {
        let status = self.line().split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        if without_body || status == 304 {
            return answer;
        }
        if answer.header("transfer-encoding") == "chunked" {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).expect("a size");
                let mut chunk = vec![0; size + 2];
                self.stream.read_exact(&mut chunk).expect("a whole chunk");
                if size == 0 {
                    return answer;
                }
                answer.body.extend_from_slice(&chunk[..size]);
            }
        }
        let length = answer.header("content-length").parse().expect("a length");
        answer.body = vec![0; length];
        self.stream.read_exact(&mut answer.body).expect("a whole body");
        answer
    }
}
