//! One attempt by UDP: a datagram to an agent.
//!
//! The name is resolved when the first is sent, every [`RESOLVE`] again, and after an error, each time on this thread; then the next of its addresses is tried.
//! What the system takes counts as sent. An agent that is absent on this machine is noticed at once, and what was refused is sent again. From afar a refusal
//! comes later, if at all, and is noticed with the next datagram, which is then sent again; the one that was refused is not known to be lost.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::sender::Outcome;
use super::{Loss, Target};

/// How long a name's address is used.
const RESOLVE: Duration = Duration::from_secs(30);
/// How long the system may take to take a datagram.
const DEADLINE: Duration = Duration::from_secs(10);
/// Asked of the system: where the longest datagram depends on it (macOS), room for ours.
const BUFFER: usize = 1 << 20;
/// EMSGSIZE, which the standard library has no name for.
const TOO_LONG: i32 = if cfg!(windows) {
    10_040
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    90
} else {
    40
};

pub(super) struct Udp {
    host: String,
    port: u16,
    /// Which of the name's addresses is used.
    turn: usize,
    socket: Option<(UdpSocket, Instant)>,
}

impl Udp {
    pub(super) fn new(target: &Target) -> Udp {
        let host = target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Udp { host, port: target.port, turn: 0, socket: None }
    }

    pub(super) fn attempt(&mut self, datagram: &[u8]) -> Outcome {
        match self.send(datagram) {
            Ok(()) => Outcome::Taken(0, String::new()),
            Err(error) if error.raw_os_error() == Some(TOO_LONG) => {
                let why = format!("the system takes no datagram of {} bytes", datagram.len());
                Outcome::Never(Loss::TooLarge, why)
            }
            Err(error) => {
                self.socket = None;
                self.turn = self.turn.wrapping_add(1);
                Outcome::Later(format!("{error} (is an agent running there?)"), None)
            }
        }
    }

    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let known = self.socket.take().filter(|(_, since)| since.elapsed() < RESOLVE);
        let (socket, since) = match known {
            Some(known) => known,
            None => (self.connect()?, Instant::now()),
        };
        socket.send(datagram)?;
        // On this machine it is refused before `send` is back.
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        self.socket = Some((socket, since));
        Ok(())
    }

    fn connect(&self) -> io::Result<UdpSocket> {
        let addresses: Vec<SocketAddr> = (&*self.host, self.port).to_socket_addrs()?.collect();
        let turn = self.turn % addresses.len().max(1);
        let Some(address) = addresses.get(turn) else { return Err(io::ErrorKind::NotFound.into()) };
        let socket = Socket::new(Domain::for_address(*address), Type::DGRAM, None)?;
        // More is better and less is no failure.
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.set_write_timeout(Some(DEADLINE))?;
        socket.connect(&(*address).into())?;
        Ok(socket.into())
    }
}
