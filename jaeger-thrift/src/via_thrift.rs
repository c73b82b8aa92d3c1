//! Feature `thrift`: the model through any protocol of the `thrift` crate, for programs that have a transport or an encoding of that crate.
//!
//! It writes the same fields in the same order as our own encoder and reads by the same rules as our own reader (unknown fields skipped, required ones
//! required, a tag by its `vType`), so each is the other's oracle in tests. It is several times slower, and how much it reads before it fails is bounded by that crate's
//! `TConfiguration`, not by the length of the input.

use crate::model::{Batch, ClientStats, Log, Process, RefType, Span, SpanRef, Tag, Value};
use crate::protocol::{METHOD, Message, MessageType};
use crate::source::{LogSource, SpanSource, TagRef, ValueRef};
use ::thrift::protocol::{
    TFieldIdentifier, TInputProtocol, TListIdentifier, TMessageIdentifier, TMessageType, TOutputProtocol,
    TSerializable, TStructIdentifier, TType,
};
use ::thrift::{ApplicationErrorKind, ProtocolErrorKind, Result, new_application_error, new_protocol_error};
use std::borrow::Cow;

// ------------------------------------------------------------------------------------------------------------ writing

fn begin<O: TOutputProtocol + ?Sized>(o: &mut O) -> Result<()> {
    // Names are of no use in either encoding; an empty one allocates nothing.
    o.write_struct_begin(&TStructIdentifier { name: String::new() })
}

fn end<O: TOutputProtocol + ?Sized>(o: &mut O) -> Result<()> {
    o.write_field_stop()?;
    o.write_struct_end()
}

fn field<O: TOutputProtocol + ?Sized>(
    o: &mut O,
    field_type: TType,
    id: i16,
    write: impl FnOnce(&mut O) -> Result<()>,
) -> Result<()> {
    o.write_field_begin(&TFieldIdentifier { name: None, field_type, id: Some(id) })?;
    write(o)?;
    o.write_field_end()
}

fn list<O: TOutputProtocol + ?Sized, T>(
    o: &mut O,
    id: i16,
    n: usize,
    elements: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut O, T) -> Result<()>,
) -> Result<()> {
    field(o, TType::List, id, |o| {
        let size = i32::try_from(n).map_err(|_| {
            new_protocol_error(ProtocolErrorKind::SizeLimit, format!("a list of {n} elements is too long"))
        })?;
        o.write_list_begin(&TListIdentifier { element_type: TType::Struct, size })?;
        for element in elements {
            write(o, element)?;
        }
        o.write_list_end()
    })
}

fn tag<O: TOutputProtocol + ?Sized>(o: &mut O, tag: TagRef<'_>) -> Result<()> {
    begin(o)?;
    field(o, TType::String, 1, |o| o.write_string(tag.key))?;
    let v_type = match tag.value {
        ValueRef::String(_) => 0,
        ValueRef::Double(_) => 1,
        ValueRef::Bool(_) => 2,
        ValueRef::Long(_) => 3,
        ValueRef::Binary(_) => 4,
    };
    field(o, TType::I32, 2, |o| o.write_i32(v_type))?;
    match tag.value {
        ValueRef::String(v) => field(o, TType::String, 3, |o| o.write_string(v))?,
        ValueRef::Double(v) => field(o, TType::Double, 4, |o| o.write_double(v))?,
        ValueRef::Bool(v) => field(o, TType::Bool, 5, |o| o.write_bool(v))?,
        ValueRef::Long(v) => field(o, TType::I64, 6, |o| o.write_i64(v))?,
        ValueRef::Binary(v) => field(o, TType::String, 7, |o| o.write_bytes(v))?,
    }
    end(o)
}

fn log<O: TOutputProtocol + ?Sized>(o: &mut O, log: &impl LogSource) -> Result<()> {
    begin(o)?;
    field(o, TType::I64, 1, |o| o.write_i64(log.timestamp()))?;
    list(o, 2, log.field_count(), log.fields(), tag)?;
    end(o)
}

fn reference<O: TOutputProtocol + ?Sized>(o: &mut O, reference: SpanRef) -> Result<()> {
    begin(o)?;
    field(o, TType::I32, 1, |o| o.write_i32(reference.ref_type as i32))?;
    field(o, TType::I64, 2, |o| o.write_i64(reference.trace_id as i64))?;
    field(o, TType::I64, 3, |o| o.write_i64((reference.trace_id >> 64) as i64))?;
    field(o, TType::I64, 4, |o| o.write_i64(reference.span_id as i64))?;
    end(o)
}

/// Writes one span through a protocol of the `thrift` crate. Feature `thrift`. Much faster without that crate: [`encode_span`](crate::encode_span).
///
/// ```
/// use jaeger_thrift::{Protocol, Span, encode_span, write_span};
/// use thrift::protocol::TCompactOutputProtocol;
///
/// let span = Span { operation_name: "a".into(), ..Span::default() };
/// let (mut theirs, mut ours) = (Vec::new(), Vec::new());
/// write_span(&span, &mut TCompactOutputProtocol::new(&mut theirs))?;
/// encode_span(Protocol::Compact, &span, &mut ours);
/// assert_eq!(ours, theirs);
/// # Ok::<(), thrift::Error>(())
/// ```
///
/// # Errors
/// Those of the protocol and its transport.
pub fn write_span<S, O>(span: &S, o: &mut O) -> Result<()>
where
    S: SpanSource + ?Sized,
    O: TOutputProtocol + ?Sized,
{
    let head = span.head();
    begin(o)?;
    field(o, TType::I64, 1, |o| o.write_i64(head.trace_id as i64))?;
    field(o, TType::I64, 2, |o| o.write_i64((head.trace_id >> 64) as i64))?;
    field(o, TType::I64, 3, |o| o.write_i64(head.span_id as i64))?;
    field(o, TType::I64, 4, |o| o.write_i64(head.parent_span_id as i64))?;
    field(o, TType::String, 5, |o| o.write_string(head.operation_name))?;
    let references = span.references();
    if references.len() > 0 {
        list(o, 6, references.len(), references, reference)?;
    }
    field(o, TType::I32, 7, |o| o.write_i32(head.flags))?;
    field(o, TType::I64, 8, |o| o.write_i64(head.start_time))?;
    field(o, TType::I64, 9, |o| o.write_i64(head.duration))?;
    if span.tag_count() > 0 {
        list(o, 10, span.tag_count(), span.tags(), tag)?;
    }
    if span.log_count() > 0 {
        list(o, 11, span.log_count(), span.logs(), |o, it| log(o, &it))?;
    }
    end(o)
}

fn process<O: TOutputProtocol + ?Sized>(o: &mut O, process: &Process<'_>) -> Result<()> {
    begin(o)?;
    field(o, TType::String, 1, |o| o.write_string(&process.service_name))?;
    if !process.tags.is_empty() {
        list(o, 2, process.tags.len(), process.tags.iter(), |o, it| tag(o, it.as_tag_ref()))?;
    }
    end(o)
}

fn client_stats<O: TOutputProtocol + ?Sized>(o: &mut O, stats: ClientStats) -> Result<()> {
    begin(o)?;
    field(o, TType::I64, 1, |o| o.write_i64(stats.full_queue_dropped_spans))?;
    field(o, TType::I64, 2, |o| o.write_i64(stats.too_large_dropped_spans))?;
    field(o, TType::I64, 3, |o| o.write_i64(stats.failed_to_emit_spans))?;
    end(o)
}

impl Batch<'_> {
    /// Writes the batch through a protocol of the `thrift` crate. Feature `thrift`.
    ///
    /// # Errors
    /// Those of the protocol and its transport.
    pub fn write_to<O: TOutputProtocol + ?Sized>(&self, o: &mut O) -> Result<()> {
        begin(o)?;
        field(o, TType::Struct, 1, |o| process(o, &self.process))?;
        list(o, 2, self.spans.len(), self.spans.iter(), |o, span| write_span(span, o))?;
        if let Some(seq_no) = self.seq_no {
            field(o, TType::I64, 3, |o| o.write_i64(seq_no))?;
        }
        if let Some(stats) = self.stats {
            field(o, TType::Struct, 4, |o| client_stats(o, stats))?;
        }
        end(o)
    }
}

impl Message<'_> {
    /// Writes the message through a protocol of the `thrift` crate; does not flush. Feature `thrift`.
    ///
    /// # Errors
    /// Those of the protocol and its transport.
    pub fn write_to<O: TOutputProtocol + ?Sized>(&self, o: &mut O) -> Result<()> {
        let message_type = match self.message_type {
            MessageType::Call => TMessageType::Call,
            MessageType::Reply => TMessageType::Reply,
            MessageType::Exception => TMessageType::Exception,
            MessageType::Oneway => TMessageType::OneWay,
        };
        o.write_message_begin(&TMessageIdentifier::new(METHOD, message_type, self.sequence_id))?;
        begin(o)?;
        field(o, TType::Struct, 1, |o| self.batch.write_to(o))?;
        end(o)?;
        o.write_message_end()
    }
}

// ------------------------------------------------------------------------------------------------------------ reading

/// Runs over a struct's fields. `each` reads one and says whether it did; if not it is skipped.
fn fields<I: TInputProtocol + ?Sized>(
    i: &mut I,
    mut each: impl FnMut(&mut I, i16, TType) -> Result<bool>,
) -> Result<()> {
    i.read_struct_begin()?;
    loop {
        let field = i.read_field_begin()?;
        if field.field_type == TType::Stop {
            break;
        }
        if !each(i, field.id.unwrap_or_default(), field.field_type)? {
            i.skip(field.field_type)?;
        }
        i.read_field_end()?;
    }
    i.read_struct_end()
}

fn elements<I: TInputProtocol + ?Sized, T>(
    i: &mut I,
    mut element: impl FnMut(&mut I) -> Result<T>,
) -> Result<Vec<T>> {
    let header = i.read_list_begin()?;
    if header.size > 0 && header.element_type != TType::Struct {
        return Err(new_protocol_error(
            ProtocolErrorKind::InvalidData,
            "a list of structs holds something else",
        ));
    }
    // What the header declares is not believed: the list grows as elements come.
    let mut list = Vec::new();
    for _ in 0..header.size {
        list.push(element(i)?);
    }
    i.read_list_end()?;
    Ok(list)
}

fn required<T>(field: Option<T>, name: &str) -> Result<T> {
    field.ok_or_else(|| {
        new_protocol_error(ProtocolErrorKind::InvalidData, format!("required field {name} is missing"))
    })
}

fn unknown(name: &str, value: i32) -> ::thrift::Error {
    new_protocol_error(ProtocolErrorKind::InvalidData, format!("unknown value {value} of {name}"))
}

fn text(bytes: Vec<u8>) -> Cow<'static, str> {
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

fn trace_id(high: i64, low: i64) -> u128 {
    u128::from(high as u64) << 64 | u128::from(low as u64)
}

fn read_tag<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<Tag<'static>> {
    let (mut key, mut v_type) = (None, None);
    let (mut string, mut double, mut boolean, mut long, mut binary) = (None, None, None, None, None);
    fields(i, |i, id, field_type| {
        match (id, field_type) {
            (1, TType::String) => key = Some(text(i.read_bytes()?)),
            (2, TType::I32) => v_type = Some(i.read_i32()?),
            (3, TType::String) => string = Some(i.read_bytes()?),
            (4, TType::Double) => double = Some(i.read_double()?),
            (5, TType::Bool) => boolean = Some(i.read_bool()?),
            (6, TType::I64) => long = Some(i.read_i64()?),
            (7, TType::String) => binary = Some(i.read_bytes()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let key = required(key, "Tag.key")?;
    let value = match required(v_type, "Tag.vType")? {
        0 => match String::from_utf8(string.unwrap_or_default()) {
            Ok(text) => Value::String(Cow::Owned(text)),
            Err(error) => Value::Binary(Cow::Owned(error.into_bytes())),
        },
        1 => Value::Double(double.unwrap_or_default()),
        2 => Value::Bool(boolean.unwrap_or_default()),
        3 => Value::Long(long.unwrap_or_default()),
        4 => Value::Binary(Cow::Owned(binary.unwrap_or_default())),
        other => return Err(unknown("Tag.vType", other)),
    };
    Ok(Tag { key, value })
}

fn read_log<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<Log<'static>> {
    let (mut timestamp, mut list) = (None, None);
    fields(i, |i, id, field_type| {
        match (id, field_type) {
            (1, TType::I64) => timestamp = Some(i.read_i64()?),
            (2, TType::List) => list = Some(elements(i, read_tag)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Log { timestamp: required(timestamp, "Log.timestamp")?, fields: required(list, "Log.fields")? })
}

fn read_reference<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<SpanRef> {
    let (mut ref_type, mut low, mut high, mut span_id) = (None, None, None, None);
    fields(i, |i, id, field_type| {
        match (id, field_type) {
            (1, TType::I32) => ref_type = Some(i.read_i32()?),
            (2, TType::I64) => low = Some(i.read_i64()?),
            (3, TType::I64) => high = Some(i.read_i64()?),
            (4, TType::I64) => span_id = Some(i.read_i64()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(SpanRef {
        ref_type: match required(ref_type, "SpanRef.refType")? {
            0 => RefType::ChildOf,
            1 => RefType::FollowsFrom,
            other => return Err(unknown("SpanRef.refType", other)),
        },
        trace_id: trace_id(required(high, "SpanRef.traceIdHigh")?, required(low, "SpanRef.traceIdLow")?),
        span_id: required(span_id, "SpanRef.spanId")? as u64,
    })
}

fn read_span<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<Span<'static>> {
    let mut numbers = [None; 9];
    let (mut operation_name, mut flags) = (None, None);
    let mut span = Span::default();
    fields(i, |i, id, field_type| {
        match (id, field_type) {
            (1..=4 | 8 | 9, TType::I64) => numbers[id as usize - 1] = Some(i.read_i64()?),
            (5, TType::String) => operation_name = Some(text(i.read_bytes()?)),
            (6, TType::List) => span.references = elements(i, read_reference)?,
            (7, TType::I32) => flags = Some(i.read_i32()?),
            (10, TType::List) => span.tags = elements(i, read_tag)?,
            (11, TType::List) => span.logs = elements(i, read_log)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let [low, high, span_id, parent, _, _, _, start_time, duration] = numbers;
    let low = required(low, "Span.traceIdLow")?;
    span.trace_id = trace_id(required(high, "Span.traceIdHigh")?, low);
    span.span_id = required(span_id, "Span.spanId")? as u64;
    span.parent_span_id = required(parent, "Span.parentSpanId")? as u64;
    span.operation_name = required(operation_name, "Span.operationName")?;
    span.flags = required(flags, "Span.flags")?;
    span.start_time = required(start_time, "Span.startTime")?;
    span.duration = required(duration, "Span.duration")?;
    Ok(span)
}

fn read_process<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<Process<'static>> {
    let (mut service_name, mut tags) = (None, Vec::new());
    fields(i, |i, id, field_type| {
        match (id, field_type) {
            (1, TType::String) => service_name = Some(text(i.read_bytes()?)),
            (2, TType::List) => tags = elements(i, read_tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Process { service_name: required(service_name, "Process.serviceName")?, tags })
}

fn read_client_stats<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<ClientStats> {
    let mut counts = [None; 3];
    fields(i, |i, id, field_type| match (id, field_type) {
        (1..=3, TType::I64) => {
            counts[id as usize - 1] = Some(i.read_i64()?);
            Ok(true)
        }
        _ => Ok(false),
    })?;
    let [full_queue, too_large, failed] = counts;
    Ok(ClientStats {
        full_queue_dropped_spans: required(full_queue, "ClientStats.fullQueueDroppedSpans")?,
        too_large_dropped_spans: required(too_large, "ClientStats.tooLargeDroppedSpans")?,
        failed_to_emit_spans: required(failed, "ClientStats.failedToEmitSpans")?,
    })
}

impl Batch<'static> {
    /// Reads a batch through a protocol of the `thrift` crate. Feature `thrift`.
    ///
    /// # Errors
    /// Those of the protocol and its transport; a required field that is missing, an unknown `vType` or `refType`.
    pub fn read_from<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<Self> {
        let (mut sender, mut spans, mut seq_no, mut stats) = (None, None, None, None);
        fields(i, |i, id, field_type| {
            match (id, field_type) {
                (1, TType::Struct) => sender = Some(read_process(i)?),
                (2, TType::List) => spans = Some(elements(i, read_span)?),
                (3, TType::I64) => seq_no = Some(i.read_i64()?),
                (4, TType::Struct) => stats = Some(read_client_stats(i)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Batch {
            process: required(sender, "Batch.process")?,
            spans: required(spans, "Batch.spans")?,
            seq_no,
            stats,
        })
    }
}

impl Message<'static> {
    /// Reads a message through a protocol of the `thrift` crate. Feature `thrift`.
    ///
    /// # Errors
    /// As [`Batch::read_from`]; a method other than `emitBatch`.
    pub fn read_from<I: TInputProtocol + ?Sized>(i: &mut I) -> Result<Self> {
        let header = i.read_message_begin()?;
        if header.name != METHOD {
            let message = format!("unknown method {:?}", header.name);
            return Err(new_application_error(ApplicationErrorKind::UnknownMethod, message));
        }
        let mut batch = None;
        fields(i, |i, id, field_type| match (id, field_type) {
            (1, TType::Struct) => {
                batch = Some(Batch::read_from(i)?);
                Ok(true)
            }
            _ => Ok(false),
        })?;
        i.read_message_end()?;
        let message_type = match header.message_type {
            TMessageType::Call => MessageType::Call,
            TMessageType::Reply => MessageType::Reply,
            TMessageType::Exception => MessageType::Exception,
            TMessageType::OneWay => MessageType::Oneway,
        };
        Ok(Message {
            message_type,
            sequence_id: header.sequence_number,
            batch: required(batch, "emitBatch.batch")?,
        })
    }
}

/// The trait of that crate's generated code, which is for types that own their text.
macro_rules! serializable {
    ($($model:ty, $read:path, |$it:ident, $o:ident| $write:expr;)*) => {$(
        impl TSerializable for $model {
            fn read_from_in_protocol(i_prot: &mut dyn TInputProtocol) -> Result<Self> {
                $read(i_prot)
            }
            fn write_to_out_protocol(&self, o_prot: &mut dyn TOutputProtocol) -> Result<()> {
                let ($it, $o) = (self, o_prot);
                $write
            }
        }
    )*};
}

serializable! {
    Batch<'static>, Batch::read_from, |it, o| it.write_to(o);
    Span<'static>, read_span, |it, o| write_span(it, o);
    Process<'static>, read_process, |it, o| process(o, it);
    Tag<'static>, read_tag, |it, o| tag(o, it.as_tag_ref());
    Log<'static>, read_log, |it, o| log(o, it);
    SpanRef, read_reference, |it, o| reference(o, *it);
    ClientStats, read_client_stats, |it, o| client_stats(o, *it);
}
