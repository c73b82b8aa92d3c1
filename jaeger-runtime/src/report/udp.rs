//! Spans to a Jaeger agent: Thrift compact, one message a datagram. First version: one socket, no second try.

use super::{Reporter, ReporterStats, SpanRecord};
use crate::error::Error;
use jaeger_thrift::{DEFAULT_LIMIT, Packer, Process, Protocol, Push};
use std::net::UdpSocket;

/// Sends spans to the Jaeger agent at `host:port` over UDP.
pub struct UdpReporter {
    agent: String,
    socket: Option<UdpSocket>,
    packer: Option<Packer>,
    stats: ReporterStats,
}

impl UdpReporter {
    /// For the agent at `host:port`.
    pub fn new(agent: &str) -> Result<Self, Error> {
        Ok(Self { agent: agent.to_owned(), socket: None, packer: None, stats: ReporterStats::default() })
    }
}

fn send(agent: &str, socket: &mut Option<UdpSocket>, bytes: &[u8]) -> std::io::Result<()> {
    if socket.is_none() {
        let bound = UdpSocket::bind("0.0.0.0:0")?;
        bound.connect(agent)?;
        *socket = Some(bound);
    }
    let Some(socket) = socket else { return Ok(()) };
    socket.send(bytes)?;
    socket.take_error()?.map_or(Ok(()), Err)
}

impl Reporter for UdpReporter {
    fn name(&self) -> String {
        format!("udp {}", self.agent)
    }
    fn start(&mut self, process: &Process<'static>) {
        self.packer = Packer::new(Protocol::Compact, DEFAULT_LIMIT, process).ok();
    }
    fn report(&mut self, span: &SpanRecord<'_>) {
        let Self { agent, socket, packer: Some(packer), stats } = self else { return };
        let pushed = packer.push(span, &mut |datagram| match send(agent, socket, datagram.bytes) {
            Ok(()) => stats.sent += datagram.spans as u64,
            Err(_) => stats.failed += datagram.spans as u64,
        });
        if matches!(pushed, Push::TooLarge { .. }) {
            stats.dropped += 1;
        }
    }
    fn flush(&mut self) {
        let Self { agent, socket, packer: Some(packer), stats } = self else { return };
        packer.finish(&mut |datagram| match send(agent, socket, datagram.bytes) {
            Ok(()) => stats.sent += datagram.spans as u64,
            Err(_) => stats.failed += datagram.spans as u64,
        });
    }
    fn stats(&self) -> ReporterStats {
        let buffered = self.packer.as_ref().map_or(0, |packer| packer.pending() as u64);
        ReporterStats { buffered, ..self.stats }
    }
}
