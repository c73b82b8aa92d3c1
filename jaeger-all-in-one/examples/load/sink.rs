//! What receiving costs whoever does nothing with what came: the floor under every receiver.
//!
//! A program of its own (`load sink UDP HTTP`), built like the real one: a thread that reads datagrams, and the same HTTP server, which gathers each body and
//! answers. It reads nothing of what it gets. `GET` says how many bytes came.

use std::net::{SocketAddr, UdpSocket};
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
    let (udp, http) = (address(udp), address(http));
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(serve(http));
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
