//! The way to the agent: its name, its address, a socket, and what the system says after a send.
//!
//! UDP says little, and late. "Refused" may mean this datagram (on loopback at once, asked for by `take_error`) or the one before (that is when `send` fails, and has not sent).
//! So the link remembers how many spans the last datagram held and tells who calls when they turn out lost. A name is resolved at the first use, every 30 seconds, and after an
//! error; a slow or failing resolver is asked seldom enough to take no more than a tenth of the collector's time. Everything that touches the system is behind [`Network`],
//! so that tests have their own names, times and errors.

use super::address::Address;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

/// How long an address is believed.
const BELIEVED: Duration = Duration::from_secs(30);
/// The least time between two resolutions.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a send may wait for room in the system's buffer. Then the datagram counts as failed: the collector has more to do than to wait for a network that stands.
const PATIENCE: Duration = Duration::from_millis(20);

/// A connected datagram socket.
pub(super) trait Socket: Send {
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;
    /// An error that came in since the last call.
    fn take_error(&self) -> io::Result<Option<io::Error>>;
}

/// What the link needs of the system.
pub(super) trait Network: Send {
    /// Time since some start.
    fn now(&self) -> Duration;
    fn resolve(&mut self, address: &Address) -> io::Result<Vec<SocketAddr>>;
    fn connect(&mut self, to: SocketAddr) -> io::Result<Box<dyn Socket>>;
}

/// The real one.
#[derive(Debug)]
pub(super) struct System {
    started: Instant,
}

impl System {
    pub(super) fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Network for System {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn resolve(&mut self, address: &Address) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = address.host.parse::<IpAddr>() {
            return Ok(vec![(ip, address.port).into()]);
        }
        Ok((address.host.as_str(), address.port).to_socket_addrs()?.collect())
    }

    fn connect(&mut self, to: SocketAddr) -> io::Result<Box<dyn Socket>> {
        // Of the same family and unspecified: a socket bound to the loopback cannot reach another host.
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(to)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Box::new(socket))
    }
}

impl Socket for UdpSocket {
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match UdpSocket::send(self, bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        UdpSocket::take_error(self)
    }
}

/// What became of a datagram.
#[derive(Debug)]
pub(super) enum Fate {
    /// The system took it; it may still turn out refused.
    Sent,
    /// The system takes no datagram of that length.
    TooLong,
    /// It is lost.
    Lost(io::Error),
}

/// What a call of the link found out.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) fate: Fate,
    /// Spans of the datagram before, if that one turned out refused.
    pub(super) refused_before: usize,
}

/// The way to one agent.
pub(super) struct Link {
    address: Address,
    network: Box<dyn Network>,
    /// What the name stood for when it was last resolved.
    known: Vec<SocketAddr>,
    /// Which of them is used.
    at: usize,
    socket: Option<Box<dyn Socket>>,
    /// When to resolve again.
    resolve_at: Duration,
    /// Before that, not even after an error.
    resolve_not_before: Duration,
    /// Spans in the datagram that was sent last, as long as it is not known to be refused.
    last: usize,
}

impl Link {
    pub(super) fn new(address: Address, network: Box<dyn Network>) -> Self {
        Self {
            address,
            network,
            known: Vec::new(),
            at: 0,
            socket: None,
            resolve_at: Duration::ZERO,
            resolve_not_before: Duration::ZERO,
            last: 0,
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn now(&self) -> Duration {
        self.network.now()
    }

    /// Where datagrams go, if that is known.
    pub(super) fn target(&self) -> Option<SocketAddr> {
        self.known.get(self.at).copied()
    }

    /// Sends a datagram of so many spans, if need be to each address that the name has.
    pub(super) fn send(&mut self, bytes: &[u8], spans: usize) -> Report {
        let mut refused_before = 0;
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.try_send(bytes, &mut refused_before) {
                Ok(()) => {
                    self.last = spans;
                    return Report { fate: Fate::Sent, refused_before };
                }
                Err(error) if is_too_long(&error) => return Report { fate: Fate::TooLong, refused_before },
                Err(error) => error,
            };
            // That there was no room in time is not the address's fault.
            let full = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            let elsewhere = !full && self.next_address();
            if !elsewhere || tries >= self.known.len() {
                return Report { fate: Fate::Lost(error), refused_before };
            }
        }
    }

    /// Asks once more whether the datagram that was sent last was refused: how many spans it held, if so.
    pub(super) fn look(&mut self) -> usize {
        let error = self.socket.as_ref().and_then(|socket| socket.take_error().ok().flatten());
        if error.is_none() {
            return 0;
        }
        let lost = std::mem::take(&mut self.last);
        self.next_address();
        lost
    }

    fn try_send(&mut self, bytes: &[u8], refused_before: &mut usize) -> io::Result<()> {
        self.connect()?;
        let Some(socket) = &self.socket else { return Err(ErrorKind::NotConnected.into()) };
        let mut result = socket.send(bytes);
        if result.as_ref().is_err_and(is_refusal) {
            // That was said of the datagram before; this one has not been sent.
            *refused_before += std::mem::take(&mut self.last);
            self.resolve_at = self.resolve_at.min(self.resolve_not_before);
            result = socket.send(bytes);
        }
        // What the system knows at once it is asked at once: on loopback that is all.
        result.and_then(|_| socket.take_error()?.map_or(Ok(()), Err))
    }

    /// After an error: resolves again soon, and meanwhile goes on to the next address. False if there is none.
    fn next_address(&mut self) -> bool {
        self.resolve_at = self.resolve_at.min(self.resolve_not_before);
        self.socket = None;
        self.last = 0;
        self.at = if self.known.is_empty() { 0 } else { (self.at + 1) % self.known.len() };
        self.known.len() > 1
    }

    /// Sees to it that there is a socket, to an address that the name still has.
    fn connect(&mut self) -> io::Result<()> {
        let now = self.network.now();
        if now >= self.resolve_at {
            let resolved = self.network.resolve(&self.address).and_then(|found| match found.is_empty() {
                true => Err(io::Error::new(ErrorKind::NotFound, "the name has no address")),
                false => Ok(found),
            });
            let done = self.network.now();
            self.resolve_not_before = done + (done.saturating_sub(now) * 10).clamp(PAUSE, BELIEVED);
            self.resolve_at = done + BELIEVED;
            match resolved {
                Ok(found) => self.know(found),
                // What was known may still be right.
                Err(_) if !self.known.is_empty() => {}
                Err(error) => {
                    self.resolve_at = self.resolve_not_before;
                    return Err(error);
                }
            }
        }
        if self.socket.is_none() {
            let Some(to) = self.target() else {
                return Err(io::Error::new(
                    ErrorKind::NotFound,
                    "the name could not be resolved; it is tried again",
                ));
            };
            self.socket = Some(self.network.connect(to)?);
        }
        Ok(())
    }

    /// Takes over what the name stands for now. The address in use stays in use if it is among that.
    fn know(&mut self, found: Vec<SocketAddr>) {
        match self.target().and_then(|target| found.iter().position(|address| *address == target)) {
            Some(at) => self.at = at,
            None => {
                self.at = 0;
                self.last = 0;
                self.socket = None;
            }
        }
        self.known = found;
    }
}

fn is_refusal(error: &io::Error) -> bool {
    // The second is Windows' word for it.
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}

/// EMSGSIZE, which has no [`ErrorKind`].
fn is_too_long(error: &io::Error) -> bool {
    #[cfg(unix)]
    let number = rustix::io::Errno::MSGSIZE.raw_os_error();
    #[cfg(not(unix))]
    let number = 10_040;
    error.raw_os_error() == Some(number)
}
