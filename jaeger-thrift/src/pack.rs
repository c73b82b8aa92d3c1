//! Datagrams filled to an exact limit, each span encoded once.
//!
//! Spans are encoded one behind the other into one buffer, behind a gap. When the next span would make the datagram longer than the limit, the datagram is closed:
//! envelope, process and the list's header, whose length depends on the number of spans, are written into the end of the gap, the batch's number and
//! statistics behind the last span, and the whole is handed over as one slice. Nothing is copied but the span that did not fit, to the front.
//!
//! Invariants: a datagram is never longer than the limit and never closed while the next span would have fitted; each span given is in exactly one datagram
//! or reported too large; numbers start at 1 and rise by one.
//!
//! Not here: sending, time, retries. How a span too large gives up tags is in [`shed`].

mod shed;

use crate::decode::{self, DecodeError};
use crate::encode::{self, group, out::Out, wire, with_wire};
use crate::model::{ClientStats, Process};
use crate::protocol::{MessageType, Protocol};
use crate::source::SpanSource;
use std::fmt;

/// What Jaeger's agents accept by default, in bytes of a datagram with all that is in it.
pub const DEFAULT_LIMIT: usize = 65_000;

/// The key of the tag that says how many tags and log fields a span gave up to fit into a datagram.
pub const TAGS_SHED: &str = "jaeger.tags_shed";

/// Lengths in Thrift are signed 32-bit numbers.
const MOST: usize = i32::MAX as usize;

/// A span without name, references, tags and logs takes at most this, in either encoding.
const BARE_SPAN: usize = 96;

/// The longest header of a list of spans, in either encoding.
const LIST_HEADER: usize = 8;

/// The longest end of a batch.
const END: usize = 64;

/// A finished datagram, or HTTP body.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What to send.
    pub bytes: &'a [u8],
    /// How many spans it holds.
    pub spans: usize,
    /// Its number.
    pub seq_no: i64,
}

/// What became of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a span that is too large has to be counted"]
pub enum Push {
    /// It will be in a datagram.
    Added,
    /// It will be in a datagram, without its largest tags and log fields and with the tag [`TAGS_SHED`].
    AddedShedding {
        /// How many it gave up: tags, log fields, and logs that had no fields.
        tags: usize,
    },
    /// Even without tags and logs it is longer than a datagram may be: its name or its references are.
    TooLarge {
        /// What it takes as it is, in bytes, without envelope and process.
        bytes: usize,
    },
}

/// What became of spans that were packed again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repacked {
    /// Spans that will be in a datagram, those that gave up tags included.
    pub added: usize,
    /// Of these, spans that gave up tags.
    pub shedding: usize,
    /// Spans that no datagram can hold.
    pub too_large: usize,
}

/// A limit that no packer can keep.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackError {
    /// Envelope, process and a span without anything do not fit.
    LimitTooSmall {
        /// The limit that was asked for, in bytes.
        limit: usize,
        /// The least that would do for this process, in bytes.
        least: usize,
        /// The process.
        service_name: String,
    },
    /// Thrift's lengths end at 2 GiB.
    LimitTooLarge {
        /// The limit that was asked for, in bytes.
        limit: usize,
        /// The most that would do, in bytes.
        most: usize,
    },
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackError::LimitTooSmall { limit, least, service_name } => write!(
                f,
                "datagram limit of {limit} bytes is too small: the envelope and the process of service {service_name:?} \
                 leave no room for a span; give at least {least}, or fewer or shorter process tags"
            ),
            PackError::LimitTooLarge { limit, most } => {
                write!(f, "datagram limit of {limit} bytes is too large: give at most {most}")
            }
        }
    }
}

impl std::error::Error for PackError {}

/// Packs spans into datagrams of at most a given number of bytes.
///
/// ```
/// use jaeger_thrift::{DEFAULT_LIMIT, Message, Packer, Process, Protocol, Push, Span};
///
/// let mut packer = Packer::new(Protocol::Compact, DEFAULT_LIMIT, &Process::new("shop"))?;
/// let mut sent = Vec::new();
/// for n in 1..=1_000 {
///     let span = Span { trace_id: 1, span_id: n, operation_name: "fetch".into(), ..Span::default() };
///     assert_eq!(packer.push(&span, &mut |it| sent.push(it.bytes.to_vec())), Push::Added);
/// }
/// packer.finish(&mut |it| sent.push(it.bytes.to_vec()));
///
/// assert_eq!(sent.len(), 1);
/// assert_eq!(Message::decode(Protocol::Compact, &sent[0])?.batch.spans.len(), 1_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Packer {
    protocol: Protocol,
    /// Whether there is a message around the batch.
    message: bool,
    limit: usize,
    service_name: String,
    /// All that stands before the header of the list of spans.
    front: Vec<u8>,
    /// The gap, then the spans.
    out: Out,
    spans: usize,
    seq_no: i64,
    /// What the next batch says; what the one that is being filled says is in `end`.
    stats: Option<ClientStats>,
    /// All that stands behind the spans of the batch that is being filled.
    end: Vec<u8>,
}

impl Packer {
    /// A packer of `emitBatch` messages, each at most `limit` bytes with everything that is in it.
    ///
    /// # Errors
    /// If `limit` leaves no room for a span beside the process, or is beyond 2 GiB.
    pub fn new(protocol: Protocol, limit: usize, process: &Process<'_>) -> Result<Self, PackError> {
        Self::build(protocol, true, limit, process)
    }

    /// A packer of batches without a message around them: with [`Protocol::Binary`] the bodies of `POST /api/traces`.
    ///
    /// # Errors
    /// If `limit` leaves no room for a span beside the process, or is beyond 2 GiB.
    pub fn bare(protocol: Protocol, limit: usize, process: &Process<'_>) -> Result<Self, PackError> {
        Self::build(protocol, false, limit, process)
    }

    fn build(
        protocol: Protocol,
        message: bool,
        limit: usize,
        process: &Process<'_>,
    ) -> Result<Self, PackError> {
        let mut front = Out::default();
        with_wire!(protocol, W => {
            if message {
                group!(front, encode::OPENING, s => {
                    <W as wire::Wire>::message(s, MessageType::Call, 1);
                    <W as wire::Wire>::structure(s, wire::id(0, 1));
                });
            }
            encode::process::<W>(&mut front, process);
        });
        let mut packer = Packer {
            protocol,
            message,
            limit,
            service_name: process.service_name.clone().into_owned(),
            front: front.into_vec(),
            out: Out::default(),
            spans: 0,
            seq_no: 1,
            stats: None,
            end: Vec::new(),
        };
        packer.check(limit)?;
        packer.out.extend(&packer.front);
        packer.out.extend(&[0; LIST_HEADER]);
        packer.end = packer.end_of(packer.seq_no);
        Ok(packer)
    }

    fn check(&self, limit: usize) -> Result<(), PackError> {
        let least = self.front.len() + LIST_HEADER + BARE_SPAN + END;
        if limit < least {
            return Err(PackError::LimitTooSmall { limit, least, service_name: self.service_name.clone() });
        }
        if limit > MOST {
            return Err(PackError::LimitTooLarge { limit, most: MOST });
        }
        Ok(())
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How many spans wait in the datagram that is being filled.
    pub fn pending(&self) -> usize {
        self.spans
    }

    /// The number of the datagram that is being filled.
    pub fn seq_no(&self) -> i64 {
        self.seq_no
    }

    /// Where the spans begin.
    fn gap(&self) -> usize {
        self.front.len() + LIST_HEADER
    }

    fn list_header(&self, spans: usize) -> usize {
        match self.protocol {
            Protocol::Compact if spans < 15 => 2,
            Protocol::Compact => 2 + (70 - (spans as u64).leading_zeros() as usize) / 7,
            Protocol::Binary => LIST_HEADER,
        }
    }

    /// The end of a batch with this number.
    fn end_of(&self, seq_no: i64) -> Vec<u8> {
        let mut end = Out::default();
        with_wire!(self.protocol, W => encode::batch_end::<W>(&mut end, Some(seq_no), self.stats));
        if self.message {
            end.extend(&[0]);
        }
        end.into_vec()
    }

    /// Length of a datagram of `spans` spans that take `bytes` bytes.
    fn total(&self, spans: usize, bytes: usize, end: usize) -> usize {
        self.front.len() + self.list_header(spans) + bytes + end
    }

    /// What the client lost so far, for [`Batch::stats`](crate::Batch::stats).
    ///
    /// Said by the datagram that is being filled, or by the next one if this one has no room left for it.
    pub fn set_stats(&mut self, stats: ClientStats) {
        self.stats = Some(stats);
        let end = self.end_of(self.seq_no);
        if self.total(self.spans, self.out.at() - self.gap(), end.len()) <= self.limit {
            self.end = end;
        }
    }

    /// Adds a span. If the datagram that is being filled has no room for it, that one goes to `sink` first.
    #[inline]
    pub fn push<S: SpanSource + ?Sized>(&mut self, span: &S, sink: &mut impl FnMut(Datagram<'_>)) -> Push {
        let start = self.out.at();
        encode::span(self.protocol, &mut self.out, span);
        self.place(start, sink)
    }

    /// Gives the datagram that is being filled to `sink`, if there is a span in it.
    pub fn finish(&mut self, sink: &mut impl FnMut(Datagram<'_>)) {
        if self.spans > 0 {
            self.close(self.out.at(), sink);
        }
    }

    /// Finds a place for the span that was written at `start`.
    #[inline]
    fn place(&mut self, start: usize, sink: &mut impl FnMut(Datagram<'_>)) -> Push {
        if self.total(self.spans + 1, self.out.at() - self.gap(), self.end.len()) <= self.limit {
            self.spans += 1;
            return Push::Added;
        }
        self.place_elsewhere(start, sink)
    }

    /// The same, once it is known that it does not fit as it is.
    #[cold]
    fn place_elsewhere(&mut self, start: usize, sink: &mut impl FnMut(Datagram<'_>)) -> Push {
        // What a datagram of its own has for it: this one if it is empty, otherwise the next.
        let end =
            if self.spans == 0 { self.end.len() } else { self.end_of(self.seq_no.saturating_add(1)).len() };
        let room = self.limit - self.total(1, 0, end);
        let bytes = self.out.at() - start;
        let mut shed = 0;
        if bytes > room {
            match shed::shed(self.protocol, &self.out.written()[start..], room) {
                Some((smaller, tags)) => {
                    self.out.set_at(start);
                    self.out.extend(&smaller);
                    shed = tags;
                }
                None => {
                    self.out.set_at(start);
                    self.out.shrink(2 * self.limit);
                    return Push::TooLarge { bytes };
                }
            }
        }
        if self.total(self.spans + 1, self.out.at() - self.gap(), self.end.len()) > self.limit {
            self.close(start, sink);
        }
        self.spans += 1;
        self.out.shrink(2 * self.limit);
        if shed == 0 { Push::Added } else { Push::AddedShedding { tags: shed } }
    }

    /// Hands over the spans that end at `spans_end`; what is written behind them becomes the front of the next datagram.
    fn close(&mut self, spans_end: usize, sink: &mut impl FnMut(Datagram<'_>)) {
        let gap = self.gap();
        let rest = spans_end..self.out.at();
        // The end is written over the next span's first bytes, which come back afterwards.
        let end = std::mem::take(&mut self.end);
        self.out.extend(&[0; END]);
        let mut covered = [0; END];
        let over = spans_end..spans_end + end.len();
        let mut header = Out::default();
        with_wire!(self.protocol, W => encode::spans_header::<W>(&mut header, self.spans));
        let header = header.into_vec();
        let start = gap - header.len() - self.front.len();
        let buffer = self.out.written_mut();
        buffer[gap - header.len()..gap].copy_from_slice(&header);
        buffer[start..gap - header.len()].copy_from_slice(&self.front);
        covered[..end.len()].copy_from_slice(&buffer[over.clone()]);
        buffer[over.clone()].copy_from_slice(&end);
        sink(Datagram { bytes: &buffer[start..over.end], spans: self.spans, seq_no: self.seq_no });
        buffer[over].copy_from_slice(&covered[..end.len()]);
        buffer.copy_within(rest.clone(), gap);
        self.out.set_at(gap + rest.len());
        self.spans = 0;
        self.seq_no = self.seq_no.saturating_add(1);
        self.end = self.end_of(self.seq_no);
    }

    /// Changes the limit. Spans that wait are packed again if they no longer fit, with new datagrams going to `sink`.
    ///
    /// # Errors
    /// As [`new`](Self::new); then nothing changes.
    pub fn set_limit(
        &mut self,
        limit: usize,
        sink: &mut impl FnMut(Datagram<'_>),
    ) -> Result<Repacked, PackError> {
        self.check(limit)?;
        self.limit = limit;
        let gap = self.gap();
        if self.total(self.spans, self.out.at() - gap, self.end.len()) <= limit {
            return Ok(Repacked::default());
        }
        let spans = self.out.written()[gap..].to_vec();
        self.out.set_at(gap);
        self.spans = 0;
        Ok(self.place_all(&spans, sink))
    }

    /// Packs the spans of a datagram again that was made by a packer of this protocol and process, without encoding them again: for one that the network
    /// refused as too long, after [`set_limit`](Self::set_limit).
    ///
    /// Its number is not used again. It may be a copy, since a sink cannot call the packer that calls it.
    ///
    /// # Errors
    /// If these are not the bytes of a [`Datagram`]; then nothing changes.
    pub fn requeue(
        &mut self,
        datagram: &[u8],
        sink: &mut impl FnMut(Datagram<'_>),
    ) -> Result<Repacked, DecodeError> {
        let spans = decode::spans_within(self.protocol, self.message, datagram)?;
        Ok(self.place_all(spans, sink))
    }

    /// Places spans that stand one behind the other.
    fn place_all(&mut self, mut spans: &[u8], sink: &mut impl FnMut(Datagram<'_>)) -> Repacked {
        let mut result = Repacked::default();
        while let Ok(length @ 1..) = decode::struct_length(self.protocol, spans) {
            let start = self.out.at();
            self.out.extend(&spans[..length]);
            spans = &spans[length..];
            match self.place(start, sink) {
                Push::Added => result.added += 1,
                Push::AddedShedding { .. } => {
                    result.added += 1;
                    result.shedding += 1;
                }
                Push::TooLarge { .. } => result.too_large += 1,
            }
        }
        result
    }
}
