//! Datagrams of Thrift: 6831 compact, 6832 binary. A thread a port; it never answers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jaeger_thrift::{Message, Protocol};
use socket2::{Domain, Socket, Type};

use super::cause;
use crate::app::App;
use crate::counters::Receiver;

/// The largest datagram of IPv4 is 65,507 bytes.
const LARGEST: usize = 65_536;
/// Asked of the system, which may give less.
const BUFFER: usize = 16 << 20;

/// How long what the system has taken is still read at the end.
const LAST: Duration = Duration::from_millis(500);

/// A port that is being read.
#[derive(Debug)]
pub struct Udp {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Udp {
    /// Binds `address` and reads it until dropped.
    ///
    /// # Errors
    /// If the address cannot be bound or no thread be had.
    pub fn start(app: App, address: SocketAddr, receiver: Receiver, protocol: Protocol) -> io::Result<Udp> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
        // More is better and less is no failure.
        let _ = socket.set_recv_buffer_size(BUFFER);
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        let address = socket.local_addr()?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name(receiver.name().to_owned()).spawn(move || {
            let mut buffer = vec![0; LARGEST];
            while !stopped.load(Ordering::Relaxed) {
                // A failure is a timeout, or said of an earlier datagram. The empty one at the end only wakes this thread.
                if let Ok(length) = socket.recv(&mut buffer)
                    && (length > 0 || !stopped.load(Ordering::Relaxed))
                {
                    datagram(&app, receiver, protocol, &buffer[..length]);
                }
            }
            // What came before the end and lies in the system's buffer is taken, too; not for long, for more may be coming.
            let end = Instant::now() + LAST;
            while socket.set_nonblocking(true).is_ok()
                && Instant::now() < end
                && let Ok(length) = socket.recv(&mut buffer)
            {
                if length > 0 {
                    datagram(&app, receiver, protocol, &buffer[..length]);
                }
            }
        })?;
        Ok(Udp { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        wake(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Wakes the thread that waits there; should that fail it wakes by its timeout.
fn wake(mut address: SocketAddr) {
    let (from, here) = match address {
        SocketAddr::V4(_) => ("0.0.0.0:0", IpAddr::from(Ipv4Addr::LOCALHOST)),
        SocketAddr::V6(_) => ("[::]:0", IpAddr::from(Ipv6Addr::LOCALHOST)),
    };
    if address.ip().is_unspecified() {
        address.set_ip(here);
    }
    let _ = UdpSocket::bind(from).and_then(|socket| socket.send_to(&[], address));
}

/// Takes one datagram in, or counts why not.
pub fn datagram(app: &App, receiver: Receiver, protocol: Protocol, bytes: &[u8]) {
    let taken = app.take_read(receiver, bytes.len(), |sink| Message::read(protocol, bytes, sink), Vec::new);
    if let Err(error) = taken {
        app.counters.refused(receiver, cause(&error), 1);
    }
}
