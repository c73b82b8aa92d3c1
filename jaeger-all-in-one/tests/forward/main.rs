//! Sending on to collectors and agents that are well, busy, refuse, are absent, hang: what arrives is what came in, what does not is counted and told, and
//! receivers never wait.

#[path = "../common/mod.rs"]
mod common;

mod itself;
mod otlp;
mod printed;
mod retry;
mod several;
mod udp;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, channel};
use std::time::Duration;

use jaeger_all_in_one::forward::{Forward, Forwarding};
use jaeger_thrift::{Batch, Process, Protocol, Span};
use socket2::{Domain, Socket, Type};

/// Long enough for whatever is waited for, and only waited for by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request: its head and its body, and where it is answered.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) stream: TcpStream,
}

impl Request {
    /// Answers with a status, headers behind it, and no body; what was asked.
    pub(crate) fn answer(self, status: &str) -> Vec<u8> {
        self.answer_with(status, b"")
    }

    pub(crate) fn answer_with(mut self, status: &str, body: &[u8]) -> Vec<u8> {
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let all = [head.as_bytes(), body].concat();
        self.stream.write_all(&all).expect("it waits for an answer");
        self.body
    }
}

/// A collector by hand: requests come out of the channel, in their order.
pub(crate) fn collector(listener: TcpListener) -> Channel<Request> {
    let (give, take) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut bytes = Vec::new();
            let mut part = [0; 4096];
            loop {
                let n = stream.read(&mut part).expect("a request");
                assert!(n > 0, "a request broke off");
                bytes.extend_from_slice(&part[..n]);
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.expect("a length").parse().expect("a number");
                if bytes.len() >= end + 4 + length {
                    let body = bytes.split_off(end + 4);
                    if give.send(Request { head, body, stream }).is_err() {
                        return;
                    }
                    break;
                }
            }
        }
    });
    take
}

pub(crate) fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

pub(crate) fn next(requests: &Channel<Request>) -> Request {
    requests.recv_timeout(PATIENCE).expect("a request never came")
}

pub(crate) fn batch(trace_id: u128) -> Batch<'static> {
    let span = Span { trace_id, span_id: 1, operation_name: "op".into(), ..Span::default() };
    Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() }
}

pub(crate) fn trace_id(body: &[u8]) -> u128 {
    Batch::decode(Protocol::Binary, body).expect("a batch").spans[0].trace_id
}

/// All that is sent on to one address.
pub(crate) fn one(url: &str) -> Forwarding {
    Forwarding::start(&[url.into()]).expect("it starts")
}

/// The only target.
pub(crate) fn target(all: &Forwarding) -> &Forward {
    let [one] = all.targets() else { panic!("one target") };
    one
}

/// A socket that holds its port and does not listen, so that nobody else gets the port and a connection is refused; listening comes later.
pub(crate) fn deaf() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback has free ports");
    let address = socket.local_addr().expect("an address").as_socket().expect("IPv4");
    (socket, address)
}
