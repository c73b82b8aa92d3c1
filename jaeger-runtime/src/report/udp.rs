//! Spans to a Jaeger agent: Thrift compact, packed into datagrams, by UDP.
//!
//! Everything happens on the collector's thread. Spans are packed as they come and sent when a datagram is full, and at the end of each round. Every span is counted once: sent (taken by
//! the system, and not known to be refused), failed, dropped (too large for any datagram), or still held. UDP never says "delivered"; on loopback a missing agent is noticed at once, so
//! such spans are counted as failed, and from afar when the network says so, at the latest with the next datagram. A refused datagram is lost. A datagram that finds the system's
//! buffer full waits 20 ms for room, then it is lost. Lost spans are told in the log, at most twice a minute and at the end. How names, addresses and errors are dealt with is in `link`.
//!
//! Deliberately absent: the client statistics of a batch, because a reporter does not know what was dropped before it.

mod address;

mod link;

use super::{Reporter, ReporterStats, SpanRecord};
use crate::complaint::Complaint;
use crate::error::Error;
use address::Address;
use jaeger_thrift::{DEFAULT_LIMIT, Datagram, Packer, Process, Protocol, Push, Repacked};
use link::{Fate, Link, Network, System};
use std::fmt;
use std::io;

/// What UDP over IPv4 can carry.
const MOST_LIMIT: usize = 65_507;
/// Less than this has no room for a process with its tags.
const LEAST_LIMIT: usize = 1_024;
/// What to try when a datagram is too long for the system: macOS's default, an Ethernet frame, the least that IPv6 carries whole.
const SHORTER: [usize; 3] = [9_216, 1_472, 1_232];

/// Sends spans to a Jaeger agent by UDP, in the Thrift compact protocol.
///
/// The agent's name is resolved by the collector's thread when the first spans are sent, again every 30 seconds, and after an error. So an agent that is not there yet, or moves, is no
/// error at set-up and found later; spans that cannot be sent meanwhile are counted as failed, and the log (target `jaeger`) says so, at most twice a minute
/// and at the end.
///
/// ```
/// use jaeger_runtime::Tracer;
/// use jaeger_runtime::report::UdpReporter;
///
/// # fn main() -> Result<(), jaeger_runtime::Error> {
/// let agent = UdpReporter::new("[::1]:6831")?.datagram_limit(9_216)?;
/// let tracer = Tracer::builder("shop").reporter(agent).install()?;
/// # Ok(()) }
/// ```
pub struct UdpReporter {
    /// What was asked for, in bytes.
    limit: usize,
    /// From the start on, unless no datagram can hold the process.
    packer: Option<Packer>,
    line: Line,
}

/// Whether a datagram may be so long; `setting` is what the user calls it.
pub(crate) fn check_limit(setting: &'static str, bytes: usize) -> Result<(), Error> {
    if (LEAST_LIMIT..=MOST_LIMIT).contains(&bytes) {
        return Ok(());
    }
    let advice = "65000 is what agents accept; give less only for a network that carries less";
    Err(Error::setting(setting, &bytes.to_string(), "1024 to 65507 bytes", advice))
}

impl UdpReporter {
    /// A reporter for the agent at `host:port`, an IPv6 address in brackets.
    ///
    /// # Errors
    /// `address` has not that form. That a name cannot be resolved is no error here.
    pub fn new(address: &str) -> Result<Self, Error> {
        Ok(Self::with(Address::parse(address)?, Box::new(System::new())))
    }

    fn with(address: Address, network: Box<dyn Network>) -> Self {
        let link = Link::new(address, network);
        let line = Line {
            link,
            counts: Counts::default(),
            too_long: Vec::new(),
            last_error: None,
            complaint: Complaint::default(),
        };
        Self { limit: DEFAULT_LIMIT, packer: None, line }
    }

    /// The most bytes of a datagram with everything that is in it; 65,000 by default, which is what agents accept.
    ///
    /// # Errors
    /// It is not from 1,024 to 65,507, the most that UDP can carry.
    pub fn datagram_limit(mut self, bytes: usize) -> Result<Self, Error> {
        check_limit("datagram limit", bytes)?;
        self.limit = bytes;
        Ok(self)
    }

    /// Packs the spans of datagrams again that the system refused as too long, with a lower limit.
    fn settle(&mut self) {
        let Some(packer) = &mut self.packer else { return };
        let line = &mut self.line;
        while let Some(long) = line.too_long.pop() {
            if long.bytes.len() <= packer.limit() {
                let lower = SHORTER.into_iter().find(|shorter| *shorter < long.bytes.len());
                let lowered = lower.and_then(|limit| packer.set_limit(limit, &mut |it| line.send(it)).ok());
                let Some(repacked) = lowered else {
                    line.counts.dropped += long.spans as u64;
                    continue;
                };
                log::info!(target: "jaeger", "the system takes no datagram of {} bytes; from now on they have {} at most", long.bytes.len(), packer.limit());
                line.counts.count(repacked);
            }
            match packer.requeue(&long.bytes, &mut |it| line.send(it)) {
                Ok(repacked) => line.counts.count(repacked),
                Err(_) => line.counts.dropped += long.spans as u64,
            }
        }
    }

    /// Sends what is held, and says what was lost.
    fn send_all(&mut self, closing: bool) {
        if let Some(packer) = &mut self.packer {
            packer.finish(&mut |it| self.line.send(it));
        }
        self.settle();
        // What was packed again may not have filled its datagram.
        while let Some(packer) = self.packer.as_mut().filter(|packer| packer.pending() > 0) {
            packer.finish(&mut |it| self.line.send(it));
            self.settle();
        }
        self.line.look();
        self.line.complain(closing);
    }
}

/// What a packer's datagrams go into.
struct Line {
    link: Link,
    counts: Counts,
    /// Datagrams to be packed again.
    too_long: Vec<TooLong>,
    /// Of the last datagram that was lost, for the log.
    last_error: Option<io::Error>,
    complaint: Complaint,
}

/// A datagram that the system takes in no one piece.
struct TooLong {
    bytes: Vec<u8>,
    spans: usize,
}

/// What became of the spans. What is in none of these but `reported` is held.
#[derive(Debug, Default)]
struct Counts {
    reported: u64,
    sent: u64,
    failed: u64,
    dropped: u64,
}

impl Counts {
    fn count(&mut self, repacked: Repacked) {
        self.dropped += repacked.too_large as u64;
    }
}

impl Line {
    fn send(&mut self, datagram: Datagram<'_>) {
        let report = self.link.send(datagram.bytes, datagram.spans);
        self.refused(report.refused_before);
        match report.fate {
            Fate::Sent => self.counts.sent += datagram.spans as u64,
            Fate::TooLong => {
                self.too_long.push(TooLong { bytes: datagram.bytes.to_vec(), spans: datagram.spans })
            }
            Fate::Lost(error) => {
                self.counts.failed += datagram.spans as u64;
                self.complaint.lost(datagram.spans as u64);
                self.last_error = Some(error);
            }
        }
    }

    /// Spans counted as sent that were not.
    fn refused(&mut self, spans: usize) {
        if spans > 0 {
            let spans = spans as u64;
            self.counts.sent -= spans;
            self.counts.failed += spans;
            self.complaint.lost(spans);
            self.last_error = Some(io::ErrorKind::ConnectionRefused.into());
        }
    }

    fn look(&mut self) {
        let refused = self.link.look();
        self.refused(refused);
    }

    fn complain(&mut self, closing: bool) {
        if let Some(spans) = self.complaint.due(self.link.now(), closing) {
            let reason =
                self.last_error.take().map_or_else(|| "no reason given".into(), |error| error.to_string());
            log::warn!(
                target: "jaeger",
                "{spans} span{} could not be sent to the Jaeger agent at {} ({reason}): start it there, or set its address",
                if spans == 1 { "" } else { "s" },
                self.link.address(),
            );
        }
    }
}

impl Reporter for UdpReporter {
    fn name(&self) -> String {
        format!("udp {}", self.line.link.address())
    }

    /// Sockets are given 20 ms; names are resolved in a tenth of the time at most.
    fn never_waits(&self) -> bool {
        true
    }

    fn start(&mut self, process: &Process<'static>) {
        let bare = || Packer::new(Protocol::Compact, self.limit, &Process::new(process.service_name.clone()));
        self.packer = match Packer::new(Protocol::Compact, self.limit, process) {
            Ok(packer) => Some(packer),
            Err(error) => {
                log::warn!(target: "jaeger", "{error}; spans are sent without the process's tags");
                // A name that fills a datagram: every span is then too large, and counted so.
                bare().ok()
            }
        };
    }

    fn report(&mut self, span: &SpanRecord<'_>) {
        self.line.counts.reported += 1;
        let Some(packer) = &mut self.packer else {
            self.line.counts.dropped += 1;
            return;
        };
        if let Push::TooLarge { .. } = packer.push(span, &mut |it| self.line.send(it)) {
            self.line.counts.dropped += 1;
        }
        if !self.line.too_long.is_empty() {
            self.settle();
        }
    }

    fn flush(&mut self) {
        self.send_all(false);
    }

    fn close(&mut self) {
        self.send_all(true);
    }

    fn stats(&self) -> ReporterStats {
        let Counts { reported, sent, failed, dropped } = self.line.counts;
        ReporterStats { sent, failed, dropped, buffered: reported - sent - failed - dropped }
    }
}

impl fmt::Debug for UdpReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("UdpReporter");
        debug.field("address", &self.line.link.address().to_string()).field("limit", &self.limit);
        debug.field("counts", &self.line.counts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
