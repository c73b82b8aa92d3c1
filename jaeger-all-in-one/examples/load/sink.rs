//! What receiving costs whoever does nothing with what came: the floor under every receiver.
//!
//! A program of its own (`load sink UDP HTTP`), built like the real one: a thread that reads datagrams, and a server of the HTTP libraries that have what
//! is not ordinary there, which gathers each body and answers. It reads nothing of what it gets. `GET` says how many bytes came.
//!
//! `load bare UDP HTTP` is what lies below that: no server at all, but a thread for each connection that waits in the system's call, looks for one header, and
//! answers with a text that it has. Nothing that speaks HTTP costs less.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;

static CAME: AtomicU64 = AtomicU64::new(0);

/// Receives until it is killed.
pub(crate) fn run(udp: &str, http: &str) {
    datagrams(udp);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(serve(address(http)));
}

/// The same without a server.
pub(crate) fn run_bare(udp: &str, http: &str) {
    datagrams(udp);
    let listener = TcpListener::bind(address(http)).expect("the port");
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        stream.set_nodelay(true).expect("a setting");
        // Who goes in the middle of a request ends only its own thread.
        std::thread::spawn(move || bare(stream));
    }
}

fn bare(mut stream: TcpStream) -> io::Result<()> {
    let mut bytes = vec![0; 128 << 10];
    let mut filled = 0;
    loop {
        let head = loop {
            let came = stream.read(&mut bytes[filled..])?;
            if came == 0 {
                return Ok(());
            }
            filled += came;
            if let Some(head) = bytes[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
                break head + 4;
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let length = text.split_once("content-length: ").and_then(|(_, rest)| rest.split_once("\r\n"));
        let body: usize = length.map_or(0, |(length, _)| length.parse().expect("a number"));
        // One request at a time: what else came is of this body.
        let mut left = body - (filled - head);
        while left > 0 {
            let room = bytes.len().min(left);
            left -= match stream.read(&mut bytes[..room])? {
                0 => return Ok(()),
                came => came,
            };
        }
        filled = 0;
        CAME.fetch_add(body as u64, Ordering::Relaxed);
        if text.starts_with("get") {
            let came = CAME.load(Ordering::Relaxed).to_string();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{came}", came.len())?;
        } else {
            stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
        }
    }
}

fn datagrams(udp: &str) {
    let udp = address(udp);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("a socket");
    socket.set_recv_buffer_size(16 << 20).expect("a buffer");
    socket.bind(&udp.into()).expect("the port");
    let socket = UdpSocket::from(socket);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = socket.recv(&mut buffer).expect("a datagram");
            CAME.fetch_add(length as u64, Ordering::Relaxed);
        }
    });
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

async fn serve(at: SocketAddr) {
    let listener = tokio::net::TcpListener::bind(at).await.expect("the port");
    let take = |request: Request| async {
        let body = to_bytes(request.into_body(), 20 << 20).await.expect("a body");
        CAME.fetch_add(body.len() as u64, Ordering::Relaxed);
        StatusCode::ACCEPTED
    };
    let came = || async { CAME.load(Ordering::Relaxed).to_string() };
    let routes = Router::new().route("/", post(take).get(came));
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a setting");
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes.clone()));
        tokio::spawn(connection);
    }
}
