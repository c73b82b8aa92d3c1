//! What the sending peers send to, in the parent process: takes everything as fast as it comes, and counts spans and bytes when all is over.

use crate::peers::Listens;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

type Bodies = Arc<Mutex<Vec<Box<[u8]>>>>;

pub(crate) struct Receiver {
    pub(crate) address: String,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    bodies: Bodies,
    count: fn(&[u8]) -> u64,
}

/// What arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
}

impl Receiver {
    pub(crate) fn start(listens: Listens) -> Result<Option<Self>, String> {
        match listens {
            Listens::Nobody => Ok(None),
            Listens::Udp => Self::udp().map(Some),
            Listens::Http => Self::http().map(Some),
        }
    }

    fn udp() -> Result<Self, String> {
        let socket = UdpSocket::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(|e| e.to_string())?;
        // What is measured is the sender. Without privileges the system's own limit stays, and what it loses shows as dropped.
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 64 << 20);
        let address = socket.local_addr().map_err(|e| e.to_string())?.to_string();
        let (stop, bodies) = (Arc::new(AtomicBool::new(false)), Bodies::default());
        let (stopped, kept) = (stop.clone(), bodies.clone());
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                match socket.recv(&mut buffer) {
                    Ok(n) => kept.lock().unwrap_or_else(PoisonError::into_inner).push(buffer[..n].into()),
                    Err(_) if stopped.load(Relaxed) => break,
                    Err(_) => {}
                }
            }
        });
        Ok(Self { address, stop, thread, bodies, count: thrift_spans })
    }

    fn http() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let address = listener.local_addr().map_err(|e| e.to_string())?.to_string();
        let (stop, bodies) = (Arc::new(AtomicBool::new(false)), Bodies::default());
        let (stopped, kept) = (stop.clone(), bodies.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Relaxed) {
                    break;
                }
                let kept = kept.clone();
                // It ends when the peer's process does.
                thread::spawn(move || serve(stream, &kept));
            }
        });
        Ok(Self { address, stop, thread, bodies, count: otlp_spans })
    }

    pub(crate) fn stop(self) -> Arrived {
        self.stop.store(true, Relaxed);
        // Whoever waits for a connection wakes up by one.
        let _ = TcpStream::connect(&self.address);
        let _panicked = self.thread.join();
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        Arrived {
            spans: bodies.iter().map(|body| (self.count)(body)).sum(),
            bytes: bodies.iter().map(|body| body.len() as u64).sum(),
        }
    }
}

/// Requests with a length, one after the other, as the exporter's client makes them; whatever is not understood ends the connection, and its spans are missing.
fn serve(stream: TcpStream, bodies: &Bodies) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut requests = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while requests.read_line(&mut line).ok()? > 2 {
            let lower = line.to_ascii_lowercase();
            if let Some(n) = lower.strip_prefix("content-length:") {
                length = n.trim().parse().ok()?;
            }
            line.clear();
        }
        if line.is_empty() {
            return None;
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body).ok()?;
        bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body.into());
        answers
            .write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
            )
            .ok()?;
    }
}

fn thrift_spans(datagram: &[u8]) -> u64 {
    jaeger_thrift::Message::decode(jaeger_thrift::Protocol::Compact, datagram)
        .map_or(0, |message| message.batch.spans.len() as u64)
}

fn otlp_spans(body: &[u8]) -> u64 {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return 0 };
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}
