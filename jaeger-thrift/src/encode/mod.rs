//! From sources and models to bytes: Jaeger's structs over the two encodings.
//!
//! Fields are written in the order of their ids; an optional list that is empty is not written, and of a tag's values only the one its type names. Text
//! beyond 2 GiB is cut. Encoding cannot fail.

pub(crate) mod out;
pub(crate) mod wire;

use crate::model::{Batch, ClientStats, Process, RefType, SpanRef};
use crate::protocol::{Message, Protocol};
use crate::source::{LogSource, SpanSource, TagRef, ValueRef};
use out::Out;
use wire::{Binary, Compact, FIELD, Wire, id, stop};

/// Room for a span's scalars and the headers of its lists, without the name: nine fields, and a stop.
const HEAD: usize = 10 * FIELD;
/// Room for a tag without its texts: key, type, value, stop.
const TAG: usize = 4 * FIELD;
/// Room for a reference: four fields, stop.
const REFERENCE: usize = 5 * FIELD;
/// Room for a log's time and the header of its fields.
const LOG: usize = 2 * FIELD;
/// Room for what stands before a process: a message's header (32 at most) and two struct headers.
pub(crate) const OPENING: usize = 64;

/// Runs `$body` with `$W` naming the encoding of `$protocol`.
macro_rules! with_wire {
    ($protocol:expr, $W:ident => $body:expr) => {
        match $protocol {
            crate::protocol::Protocol::Compact => {
                type $W = crate::encode::wire::Compact;
                $body
            }
            crate::protocol::Protocol::Binary => {
                type $W = crate::encode::wire::Binary;
                $body
            }
        }
    };
}
pub(crate) use with_wire;

/// Stores what `$write` puts into the slot `$s`, which has room for `$n` bytes. Not a function taking a closure: whether that is inlined, and a span takes
/// 38 ns or 47, would be the compiler's mood.
macro_rules! group {
    ($out:expr, $n:expr, $s:ident => $write:expr) => {{
        let n = $n;
        let mut slot = $out.room(n);
        let $s = &mut slot;
        $write;
        let used = slot.used;
        debug_assert!(used <= n);
        $out.took(used);
    }};
}
pub(crate) use group;

/// Appends one span, a struct that ends with its stop byte.
///
/// For a whole message see [`Message::encode_into`], for datagrams of a limited size [`Packer`](crate::Packer).
///
/// ```
/// use jaeger_thrift::{Protocol, Span, encode_span};
/// let mut bytes = Vec::new();
/// encode_span(Protocol::Compact, &Span { operation_name: "a".into(), ..Span::default() }, &mut bytes);
/// assert_eq!(bytes, [0x16, 0, 0x16, 0, 0x16, 0, 0x16, 0, 0x18, 1, b'a', 0x25, 0, 0x16, 0, 0x16, 0, 0]);
/// ```
pub fn encode_span<S: SpanSource + ?Sized>(protocol: Protocol, source: &S, to: &mut Vec<u8>) {
    append(to, |out| span(protocol, out, source));
}

impl Batch<'_> {
    /// Appends the batch without a message around it: with [`Protocol::Binary`] the body of `POST /api/traces`.
    ///
    /// ```
    /// use jaeger_thrift::{Batch, Process, Protocol};
    /// let batch = Batch { process: Process::new("shop"), ..Batch::default() };
    /// let mut body = Vec::new();
    /// batch.encode_into(Protocol::Binary, &mut body);
    /// assert_eq!(Batch::decode(Protocol::Binary, &body).unwrap(), batch);
    /// ```
    pub fn encode_into(&self, protocol: Protocol, to: &mut Vec<u8>) {
        append(to, |out| with_wire!(protocol, W => batch::<W>(out, self)));
    }
}

impl Message<'_> {
    /// Appends the message: what one datagram holds, whatever its size.
    ///
    /// ```
    /// use jaeger_thrift::{Batch, Message, Process, Protocol};
    /// let message = Message::new(Batch { process: Process::new("shop"), ..Batch::default() });
    /// let mut datagram = Vec::new();
    /// message.encode_into(Protocol::Compact, &mut datagram);
    /// assert_eq!(datagram[..4], [0x82, 0x21, 1, 9]);
    /// assert_eq!(Message::decode(Protocol::Compact, &datagram).unwrap(), message);
    /// ```
    pub fn encode_into(&self, protocol: Protocol, to: &mut Vec<u8>) {
        append(to, |out| {
            with_wire!(protocol, W => {
                group!(out, OPENING, s => {
                    W::message(s, self.message_type, self.sequence_id);
                    W::structure(s, id(0, 1));
                });
                batch::<W>(out, &self.batch);
                out.extend(&[0]);
            })
        });
    }
}

fn append(to: &mut Vec<u8>, write: impl FnOnce(&mut Out)) {
    let mut out = Out::append_to(std::mem::take(to));
    write(&mut out);
    *to = out.into_vec();
}

/// A span in either encoding.
#[inline]
pub(crate) fn span<S: SpanSource + ?Sized>(protocol: Protocol, out: &mut Out, source: &S) {
    match protocol {
        Protocol::Compact => span_as::<Compact, S>(out, source),
        Protocol::Binary => span_as::<Binary, S>(out, source),
    }
}

fn span_as<W: Wire, S: SpanSource + ?Sized>(out: &mut Out, source: &S) {
    let head = source.head();
    group!(out, HEAD + head.operation_name.len(), s => {
        W::i64(s, id(0, 1), head.trace_id as i64);
        W::i64(s, id(1, 2), (head.trace_id >> 64) as i64);
        W::i64(s, id(2, 3), head.span_id as i64);
        W::i64(s, id(3, 4), head.parent_span_id as i64);
        W::bytes(s, id(4, 5), head.operation_name.as_bytes());
    });
    let mut last = 5;
    let references = source.references();
    if references.len() > 0 {
        references_as::<W>(out, references);
        last = 6;
    }
    let (tags, logs) = (source.tag_count(), source.log_count());
    group!(out, HEAD, s => {
        W::i32(s, id(last, 7), head.flags);
        W::i64(s, id(7, 8), head.start_time);
        W::i64(s, id(8, 9), head.duration);
        if tags > 0 {
            W::list(s, id(9, 10), tags);
        }
    });
    if tags > 0 {
        tags_as::<W>(out, tags, source.tags());
    }
    if logs > 0 {
        logs_as::<W>(out, if tags > 0 { 10 } else { 9 }, logs, source.logs());
    }
    group!(out, 1, s => stop(s));
}

#[inline(never)]
fn references_as<W: Wire>(out: &mut Out, references: impl ExactSizeIterator<Item = SpanRef>) {
    let n = references.len();
    group!(out, FIELD, s => W::list(s, id(5, 6), n));
    let absent = SpanRef { ref_type: RefType::ChildOf, trace_id: 0, span_id: 0 };
    for reference in references.chain(std::iter::repeat(absent)).take(n) {
        group!(out, REFERENCE, s => {
            W::i32(s, id(0, 1), reference.ref_type as i32);
            W::i64(s, id(1, 2), reference.trace_id as i64);
            W::i64(s, id(2, 3), (reference.trace_id >> 64) as i64);
            W::i64(s, id(3, 4), reference.span_id as i64);
            stop(s);
        });
    }
}

/// `n` tags: the iterator's, and empty ones for those it lacks.
#[inline(always)]
fn tags_as<'t, W: Wire>(out: &mut Out, n: usize, tags: impl Iterator<Item = TagRef<'t>>) {
    let mut missing = n;
    for tag in tags {
        if missing == 0 {
            break;
        }
        tag_as::<W>(out, tag);
        missing -= 1;
    }
    if missing > 0 {
        missing_tags::<W>(out, missing);
    }
}

#[cold]
fn missing_tags<W: Wire>(out: &mut Out, missing: usize) {
    for _ in 0..missing {
        tag_as::<W>(out, TagRef { key: "", value: ValueRef::Bool(false) });
    }
}

#[inline(always)]
pub(crate) fn tag_as<W: Wire>(out: &mut Out, tag: TagRef<'_>) {
    let text = match tag.value {
        ValueRef::String(v) => v.len(),
        ValueRef::Binary(v) => v.len(),
        _ => 0,
    };
    group!(out, TAG + tag.key.len() + text, s => {
        W::bytes(s, id(0, 1), tag.key.as_bytes());
        match tag.value {
            ValueRef::String(v) => {
                W::i32(s, id(1, 2), 0);
                W::bytes(s, id(2, 3), v.as_bytes());
            }
            ValueRef::Double(v) => {
                W::i32(s, id(1, 2), 1);
                W::double(s, id(2, 4), v);
            }
            ValueRef::Bool(v) => {
                W::i32(s, id(1, 2), 2);
                W::bool(s, id(2, 5), v);
            }
            ValueRef::Long(v) => {
                W::i32(s, id(1, 2), 3);
                W::i64(s, id(2, 6), v);
            }
            ValueRef::Binary(v) => {
                W::i32(s, id(1, 2), 4);
                W::bytes(s, id(2, 7), v);
            }
        }
        stop(s);
    });
}

#[inline(never)]
fn logs_as<W: Wire>(out: &mut Out, last: u8, n: usize, logs: impl Iterator<Item = impl LogSource>) {
    group!(out, FIELD, s => W::list(s, id(last, 11), n));
    let mut missing = n;
    for log in logs.take(n) {
        let fields = log.field_count();
        log_head::<W>(out, log.timestamp(), fields);
        tags_as::<W>(out, fields, log.fields());
        group!(out, 1, s => stop(s));
        missing -= 1;
    }
    for _ in 0..missing {
        log_head::<W>(out, 0, 0);
        group!(out, 1, s => stop(s));
    }
}

/// A log up to the first of its `n` fields. The list is required and written even if it is empty.
pub(crate) fn log_head<W: Wire>(out: &mut Out, timestamp: i64, n: usize) {
    group!(out, LOG, s => {
        W::i64(s, id(0, 1), timestamp);
        W::list(s, id(1, 2), n);
    });
}

/// A batch's field 1.
pub(crate) fn process<W: Wire>(out: &mut Out, process: &Process<'_>) {
    group!(out, 2 * FIELD + process.service_name.len(), s => {
        W::structure(s, id(0, 1));
        W::bytes(s, id(0, 1), process.service_name.as_bytes());
    });
    if !process.tags.is_empty() {
        group!(out, FIELD, s => W::list(s, id(1, 2), process.tags.len()));
        process.tags.iter().for_each(|tag| tag_as::<W>(out, tag.as_tag_ref()));
    }
    group!(out, 1, s => stop(s));
}

/// The header of a batch's field 2, the list of `n` spans.
pub(crate) fn spans_header<W: Wire>(out: &mut Out, n: usize) {
    group!(out, FIELD, s => W::list(s, id(1, 2), n));
}

/// What follows a batch's spans, its stop included.
pub(crate) fn batch_end<W: Wire>(out: &mut Out, seq_no: Option<i64>, stats: Option<ClientStats>) {
    group!(out, 7 * FIELD, s => {
        let mut last = 2;
        if let Some(seq_no) = seq_no {
            W::i64(s, id(2, 3), seq_no);
            last = 3;
        }
        if let Some(stats) = stats {
            W::structure(s, id(last, 4));
            W::i64(s, id(0, 1), stats.full_queue_dropped_spans);
            W::i64(s, id(1, 2), stats.too_large_dropped_spans);
            W::i64(s, id(2, 3), stats.failed_to_emit_spans);
            stop(s);
        }
        stop(s);
    });
}

fn batch<W: Wire>(out: &mut Out, batch: &Batch<'_>) {
    process::<W>(out, &batch.process);
    spans_header::<W>(out, batch.spans.len());
    batch.spans.iter().for_each(|span| span_as::<W, _>(out, span));
    batch_end::<W>(out, batch.seq_no, batch.stats);
}
