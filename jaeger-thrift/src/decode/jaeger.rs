//! Jaeger's structs from either encoding.
//!
//! Fields may come in any order; of a field that comes twice the last counts; one that is unknown, or known with another type, is passed over. A tag is what
//! its `vType` says: of the five values some clients write on every tag only that one is read, and if it is not there it is empty, zero or false. Text
//! borrows from the input. Text that is no UTF-8 becomes bytes if it is a value and is repaired with U+FFFD if it is a name or a key.

use super::error::DecodeErrorKind;
use super::input::{Input, Kind, Read, Result, skip, structs};
use super::quick::{self, Quick, Seen};
use super::sink::{Nobody, Sink};
use crate::model::{ClientStats, Log, Process, RefType, Span, SpanRef, Tag, Value};
use std::borrow::Cow;

/// Runs over a struct's fields. `each` reads one and says whether it did; if not it is passed over.
pub(super) fn fields<'a, R: Read>(
    input: &mut Input<'a>,
    reading: &'static str,
    mut each: impl FnMut(&mut Input<'a>, i16, Kind) -> Result<bool>,
) -> Result<()> {
    input.enter(reading)?;
    let mut last = 0;
    while let Some((id, kind)) = R::field(input, &mut last, reading)? {
        if !each(input, id, kind)? {
            skip::<R>(input, kind, reading)?;
        }
    }
    input.leave();
    Ok(())
}

/// A list of structs that take `least` bytes at least, which bounds what is allocated.
fn list<'a, R: Read, T>(
    input: &mut Input<'a>,
    least: usize,
    reading: &'static str,
    mut element: impl FnMut(&mut Input<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let n = structs::<R>(input, least, reading)?;
    let mut list = Vec::with_capacity(n);
    for _ in 0..n {
        list.push(element(input)?);
    }
    Ok(list)
}

/// What a required field holds.
pub(super) fn required<T>(input: &Input<'_>, field: Option<T>, reading: &'static str) -> Result<T> {
    field.ok_or_else(|| input.fault_here(reading, DecodeErrorKind::Missing))
}

/// The least that a struct takes that has required fields of these types: its stop, and a header and a value each.
fn least<R: Read>(fields: &[Kind]) -> usize {
    // Type and difference share a byte in the compact encoding; type and id take three in the binary one.
    let header = if R::least(Kind::I16) == 1 { 1 } else { 3 };
    fields.iter().map(|&kind| header + R::least(kind)).sum::<usize>() + 1
}

fn name(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// What of a batch is neither its process nor its spans.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) seq_no: Option<i64>,
    pub(super) stats: Option<ClientStats>,
}

/// Gives process and spans to `sink` as they are read.
///
/// The process stands before the spans. Where it does not, or either comes again, it is only remembered where the spans are, and they are read at the end; or
/// when others take their place, since a batch is one only if all of it can be read.
pub(super) fn batch<'a, R: Read + Quick>(input: &mut Input<'a>, sink: &mut dyn Sink<'a>) -> Result<Counts> {
    let mut counts = Counts::default();
    let (mut sender, mut spans, mut given) = (None, None, false);
    // What `spans` says is still to be read.
    let mut unread = false;
    fields::<R>(input, "Batch", |input, id, kind| {
        if given && matches!((id, kind), (1, Kind::Struct) | (2, Kind::List)) {
            sink.forget();
            given = false;
        }
        match (id, kind) {
            (1, Kind::Struct) => sender = Some(process::<R>(input)?),
            (2, Kind::List) => {
                let before = spans.replace(input.clone());
                let now = sender.as_ref().filter(|_| before.is_none());
                let was_unread = std::mem::replace(&mut unread, now.is_none());
                if let Some(mut before) = before.filter(|_| was_unread) {
                    list_of_spans::<R>(&mut before, &mut Nobody)?;
                }
                let Some(sender) = now else { return Ok(false) };
                sink.process(sender.clone());
                list_of_spans::<R>(input, sink)?;
                given = true;
            }
            (3, Kind::I64) => counts.seq_no = Some(<R as Read>::i64(input, "Batch.seqNo")?),
            (4, Kind::Struct) => counts.stats = Some(client_stats::<R>(input)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let sender = required(input, sender, "Batch.process")?;
    let mut spans = required(input, spans, "Batch.spans")?;
    if !given {
        sink.process(sender);
        list_of_spans::<R>(&mut spans, sink)?;
    }
    Ok(counts)
}

fn list_of_spans<'a, R: Read + Quick>(input: &mut Input<'a>, sink: &mut dyn Sink<'a>) -> Result<()> {
    let n = structs::<R>(input, least::<R>(SPAN), "Batch.spans")?;
    let mut seen = Seen::default();
    let mut one = Span::default();
    for _ in 0..n {
        match quick::span::<R>(input.rest(), &mut seen, &mut one) {
            Some(rest) => input.go_on_at(rest),
            None => one = span::<R>(input)?,
        }
        sink.span(&mut one);
    }
    Ok(())
}

fn process<'a, R: Read>(input: &mut Input<'a>) -> Result<Process<'a>> {
    let (mut service_name, mut tags) = (None, Vec::new());
    fields::<R>(input, "Process", |input, id, kind| {
        match (id, kind) {
            (1, Kind::Binary) => service_name = Some(name(R::bytes(input, "Process.serviceName")?)),
            (2, Kind::List) => tags = list::<R, _>(input, least::<R>(TAG), "Process.tags", tag::<R>)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Process { service_name: required(input, service_name, "Process.serviceName")?, tags })
}

fn client_stats<R: Read>(input: &mut Input<'_>) -> Result<ClientStats> {
    let mut counts = [None; 3];
    fields::<R>(input, "ClientStats", |input, id, kind| match (id, kind) {
        (1..=3, Kind::I64) => {
            counts[id as usize - 1] = Some(R::i64(input, "ClientStats")?);
            Ok(true)
        }
        _ => Ok(false),
    })?;
    let [full_queue, too_large, failed] = counts;
    Ok(ClientStats {
        full_queue_dropped_spans: required(input, full_queue, "ClientStats.fullQueueDroppedSpans")?,
        too_large_dropped_spans: required(input, too_large, "ClientStats.tooLargeDroppedSpans")?,
        failed_to_emit_spans: required(input, failed, "ClientStats.failedToEmitSpans")?,
    })
}

/// The halves of a trace id.
#[inline]
pub(super) fn trace_id(high: i64, low: i64) -> u128 {
    u128::from(high as u64) << 64 | u128::from(low as u64)
}

/// What a span requires.
const SPAN: &[Kind] =
    &[Kind::I64, Kind::I64, Kind::I64, Kind::I64, Kind::Binary, Kind::I32, Kind::I64, Kind::I64];

pub(super) fn span<'a, R: Read>(input: &mut Input<'a>) -> Result<Span<'a>> {
    let (mut low, mut high, mut span_id, mut parent) = (None, None, None, None);
    let (mut operation_name, mut flags, mut start_time, mut duration) = (None, None, None, None);
    let (mut references, mut tags, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    fields::<R>(input, "Span", |input, id, kind| {
        match (id, kind) {
            (1, Kind::I64) => low = Some(R::i64(input, "Span.traceIdLow")?),
            (2, Kind::I64) => high = Some(R::i64(input, "Span.traceIdHigh")?),
            (3, Kind::I64) => span_id = Some(R::i64(input, "Span.spanId")?),
            (4, Kind::I64) => parent = Some(R::i64(input, "Span.parentSpanId")?),
            (5, Kind::Binary) => operation_name = Some(name(R::bytes(input, "Span.operationName")?)),
            (6, Kind::List) => {
                references = list::<R, _>(input, least::<R>(REFERENCE), "Span.references", reference::<R>)?;
            }
            (7, Kind::I32) => flags = Some(R::i32(input, "Span.flags")?),
            (8, Kind::I64) => start_time = Some(R::i64(input, "Span.startTime")?),
            (9, Kind::I64) => duration = Some(R::i64(input, "Span.duration")?),
            (10, Kind::List) => tags = list::<R, _>(input, least::<R>(TAG), "Span.tags", tag::<R>)?,
            (11, Kind::List) => logs = list::<R, _>(input, least::<R>(LOG), "Span.logs", log::<R>)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let low = required(input, low, "Span.traceIdLow")?;
    Ok(Span {
        trace_id: trace_id(required(input, high, "Span.traceIdHigh")?, low),
        span_id: required(input, span_id, "Span.spanId")? as u64,
        parent_span_id: required(input, parent, "Span.parentSpanId")? as u64,
        operation_name: required(input, operation_name, "Span.operationName")?,
        references,
        flags: required(input, flags, "Span.flags")?,
        start_time: required(input, start_time, "Span.startTime")?,
        duration: required(input, duration, "Span.duration")?,
        tags,
        logs,
    })
}

/// What a reference requires.
const REFERENCE: &[Kind] = &[Kind::I32, Kind::I64, Kind::I64, Kind::I64];

fn reference<R: Read>(input: &mut Input<'_>) -> Result<SpanRef> {
    let (mut ref_type, mut low, mut high, mut span_id) = (None, None, None, None);
    fields::<R>(input, "SpanRef", |input, id, kind| {
        match (id, kind) {
            (1, Kind::I32) => {
                let start = input.at();
                ref_type = Some(match R::i32(input, "SpanRef.refType")? {
                    0 => RefType::ChildOf,
                    1 => RefType::FollowsFrom,
                    n => {
                        return Err(Input::fault(start, "SpanRef.refType", DecodeErrorKind::UnknownValue(n)));
                    }
                });
            }
            (2, Kind::I64) => low = Some(R::i64(input, "SpanRef.traceIdLow")?),
            (3, Kind::I64) => high = Some(R::i64(input, "SpanRef.traceIdHigh")?),
            (4, Kind::I64) => span_id = Some(R::i64(input, "SpanRef.spanId")?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let ref_type = required(input, ref_type, "SpanRef.refType")?;
    let low = required(input, low, "SpanRef.traceIdLow")?;
    Ok(SpanRef {
        ref_type,
        trace_id: trace_id(required(input, high, "SpanRef.traceIdHigh")?, low),
        span_id: required(input, span_id, "SpanRef.spanId")? as u64,
    })
}

/// What a log requires.
const LOG: &[Kind] = &[Kind::I64, Kind::List];

fn log<'a, R: Read>(input: &mut Input<'a>) -> Result<Log<'a>> {
    let (mut timestamp, mut list_of_fields) = (None, None);
    fields::<R>(input, "Log", |input, id, kind| {
        match (id, kind) {
            (1, Kind::I64) => timestamp = Some(R::i64(input, "Log.timestamp")?),
            (2, Kind::List) => {
                list_of_fields = Some(list::<R, _>(input, least::<R>(TAG), "Log.fields", tag::<R>)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let timestamp = required(input, timestamp, "Log.timestamp")?;
    Ok(Log { timestamp, fields: required(input, list_of_fields, "Log.fields")? })
}

/// What a tag requires.
const TAG: &[Kind] = &[Kind::Binary, Kind::I32];

fn tag<'a, R: Read>(input: &mut Input<'a>) -> Result<Tag<'a>> {
    let (mut key, mut v_type) = (None, None);
    let (mut text, mut double, mut boolean, mut long, mut binary) = (None, None, None, None, None);
    fields::<R>(input, "Tag", |input, id, kind| {
        match (id, kind) {
            (1, Kind::Binary) => key = Some(name(R::bytes(input, "Tag.key")?)),
            (2, Kind::I32) => {
                let start = input.at();
                match R::i32(input, "Tag.vType")? {
                    n @ 0..=4 => v_type = Some(n),
                    n => return Err(Input::fault(start, "Tag.vType", DecodeErrorKind::UnknownValue(n))),
                }
            }
            (3, Kind::Binary) => text = Some(R::bytes(input, "Tag.vStr")?),
            (4, Kind::Double) => double = Some(R::double(input, "Tag.vDouble")?),
            (5, Kind::Bool | Kind::Known(_)) => boolean = Some(R::bool(input, kind, "Tag.vBool")?),
            (6, Kind::I64) => long = Some(R::i64(input, "Tag.vLong")?),
            (7, Kind::Binary) => binary = Some(R::bytes(input, "Tag.vBinary")?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let key = required(input, key, "Tag.key")?;
    let value = match required(input, v_type, "Tag.vType")? {
        0 => {
            let text = text.unwrap_or_default();
            match std::str::from_utf8(text) {
                Ok(text) => Value::String(Cow::Borrowed(text)),
                Err(_) => Value::Binary(Cow::Borrowed(text)),
            }
        }
        1 => Value::Double(double.unwrap_or_default()),
        2 => Value::Bool(boolean.unwrap_or_default()),
        3 => Value::Long(long.unwrap_or_default()),
        _ => Value::Binary(Cow::Borrowed(binary.unwrap_or_default())),
    };
    Ok(Tag { key, value })
}
