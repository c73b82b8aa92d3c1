//! A UDP socket on loopback that keeps what is sent to it.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Receives datagrams, as an agent would; ends with its drop.
#[derive(Debug)]
pub struct Sink {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Sink {
    /// Binds a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub fn new() -> Sink {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = socket.local_addr().expect("a bound socket has an address");
        Sink { socket, address }
    }

    /// Where to send.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next datagram, within `limit`.
    pub fn receive(&self, limit: Duration) -> Option<Vec<u8>> {
        let began = Instant::now();
        // UDP's own limit, so that nothing is cut.
        let mut buffer = vec![0; 65_536];
        loop {
            let left = limit.checked_sub(began.elapsed()).filter(|left| !left.is_zero())?;
            self.socket.set_read_timeout(Some(left)).expect("a positive time-out is accepted");
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    buffer.truncate(length);
                    return Some(buffer);
                }
                // A signal, or the time-out, which the next turn finds to be over.
                Err(_) => continue,
            }
        }
    }
}

impl Default for Sink {
    fn default() -> Self {
        Sink::new()
    }
}
