//! OTLP's protobuf straight into Jaeger's form, without a message in between: text is borrowed from the request, which saves two allocations a tag.
//!
//! Only what is ordinary is read here. Whatever is not (broken, of another wire type than the field's, a single field that comes twice, groups) is `None`, and
//! then the library's messages and [`super::map`] decide, so this can only be faster, never judge otherwise. The tests hold it to that, byte by byte.

use std::borrow::Cow;

use jaeger_thrift::{Batch, Log, Process, RefType, Room, Span, SpanRef, Tag, Texts, Value};
use opentelemetry_proto::tonic::common::v1::AnyValue;
use prost::Message as _;

use super::map::{self, Ended};

/// Batches of a request, one a resource, in Jaeger's form; `None` if it wants a closer look.
pub(super) fn batches<'a>(bytes: &'a [u8], room: &mut Room) -> Option<Vec<Batch<'a>>> {
    let mut batches = Vec::new();
    let mut texts = Texts::default();
    let mut request = Fields(bytes);
    while let Some(field) = request.next()? {
        match field {
            (1, Field::Bytes(resource)) => batches.push(batch(resource, &mut texts, room)?),
            (2.., _) => {}
            _ => return None,
        }
    }
    Some(batches)
}

/// What a field holds, by its wire type.
#[derive(Clone, Copy)]
enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// Reads the fields of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next field's number and content, `Some(None)` at the end, `None` if there is no sense in it.
    #[inline]
    fn next(&mut self) -> Option<Option<(u32, Field<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let key = u32::try_from(self.varint()?).ok()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        (key >> 3 != 0).then_some(Some((key >> 3, field)))
    }

    // Of a byte nearly always, and in the middle of every loop.
    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        match *self.0 {
            [byte @ 0..0x80, ref rest @ ..] => {
                self.0 = rest;
                Some(u64::from(byte))
            }
            [low @ 0x80..=0xff, high @ 0..0x80, ref rest @ ..] => {
                self.0 = rest;
                Some(u64::from(low & 0x7f) | u64::from(high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let (&first, _) = self.0.split_first()?;
        let mut value = u64::from(first & 0x7f);
        for (at, &byte) in self.0.iter().enumerate().take(10).skip(1) {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = &self.0[at + 1..];
                // A tenth byte holds one bit.
                return (at < 9 || byte < 2).then_some(value);
            }
        }
        None
    }

    /// The `N` bytes behind `begin`, if they are next.
    #[inline(always)]
    fn comes<const B: usize, const N: usize>(&mut self, begin: [u8; B]) -> Option<[u8; N]> {
        let (next, rest) = self.0.split_first_chunk::<B>()?;
        let (array, rest) = rest.split_first_chunk::<N>().filter(|_| *next == begin)?;
        self.0 = rest;
        Some(*array)
    }

    /// What the field with this key holds, if it is next and short.
    #[inline(always)]
    fn short(&mut self, key: u8) -> Option<&'a [u8]> {
        let [next, length @ 0..0x80, ref rest @ ..] = *self.0 else { return None };
        let (held, rest) = rest.split_at_checked(usize::from(length)).filter(|_| next == key)?;
        self.0 = rest;
        Some(held)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// A field that may come once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn trace_id(bytes: &[u8]) -> Option<u128> {
    map::trace_id(bytes).ok()
}

fn span_id(bytes: &[u8]) -> Option<u64> {
    map::span_id(bytes).ok()
}

fn batch<'a>(bytes: &'a [u8], texts: &mut Texts<'a>, room: &mut Room) -> Option<Batch<'a>> {
    let mut found = None;
    let mut spans = room.spans();
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(resource)) => once(&mut found, process(resource, texts)?)?,
            (2, Field::Bytes(scope)) => scope_spans(scope, &mut spans, texts, room)?,
            (3, Field::Bytes(schema)) => drop(text(schema)?),
            // 1000 is a group that was given up; the library does not know it either.
            (4.., _) => {}
            _ => return None,
        }
    }
    let process = found.unwrap_or_else(|| Process::new(map::NO_SERVICE));
    Some(Batch { process, spans, ..Batch::default() })
}

fn process<'a>(bytes: &'a [u8], texts: &mut Texts<'a>) -> Option<Process<'a>> {
    let mut process = Process::new(map::NO_SERVICE);
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(attribute)) => {
                let (key, value) = attribute_of(attribute, texts)?;
                if key == "service.name" {
                    process.service_name = map::service_name(value);
                } else {
                    process.tags.push(Tag { key, value: value.unwrap_or_else(|| "".into()) });
                }
            }
            (2, Field::Varint(_)) => {}
            // References to entities: the library looks into them.
            (3, _) => return None,
            (4.., _) => {}
            _ => return None,
        }
    }
    Some(process)
}

/// Spans that are reserved at once, by a guess.
const MOST_AT_ONCE: usize = 4_096;

fn scope_spans<'a>(
    bytes: &'a [u8],
    spans: &mut Vec<Span<'a>>,
    texts: &mut Texts<'a>,
    room: &mut Room,
) -> Option<()> {
    let mut scope = None;
    let mut any = false;
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            // One that comes behind its spans belongs to them all the same.
            (1, Field::Bytes(_)) if any => return None,
            (1, Field::Bytes(bytes)) => once(&mut scope, scope_of(bytes, texts)?)?,
            (2, Field::Bytes(bytes)) => {
                if !any {
                    // As many more as there is room for if they are as long; nobody is believed for more than some.
                    spans.reserve((fields.0.len() / bytes.len().max(1) + 2).min(MOST_AT_ONCE));
                }
                any = true;
                // Made in its place; it is large.
                spans.push(Span { tags: room.tags(), ..Span::default() });
                let (one, before) = spans.split_last_mut()?;
                // As many attributes as the span before had: then they are reserved once, and to their number.
                one.tags.reserve_exact(before.last().map_or(4, |before| before.tags.len()));
                span(bytes, scope.as_ref(), one, texts)?;
            }
            (3, Field::Bytes(schema)) => drop(text(schema)?),
            (4.., _) => {}
            _ => return None,
        }
    }
    Some(())
}

/// Name and version of a scope.
fn scope_of<'a>(bytes: &'a [u8], texts: &mut Texts<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let (mut name, mut version) = (Cow::default(), Cow::default());
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => name = text(bytes)?,
            (2, Field::Bytes(bytes)) => version = text(bytes)?,
            (3, Field::Bytes(attribute)) => drop(attribute_of(attribute, texts)?),
            (4, Field::Varint(_)) | (5.., _) => {}
            _ => return None,
        }
    }
    Some((name, version))
}

fn span<'a>(
    bytes: &'a [u8],
    scope: Option<&(Cow<'a, str>, Cow<'a, str>)>,
    span: &mut Span<'a>,
    texts: &mut Texts<'a>,
) -> Option<()> {
    if let Some((name, version)) = scope {
        map::scope_tags(&mut span.tags, name.clone(), version.clone());
    }
    let mut ended = Ended::default();
    let (mut start, mut end, mut flags) = (0, 0, 0);
    let mut has_status = false;
    let mut fields = Fields(bytes);
    // Clients write the fields in the order of their numbers: then what nearly every span has is read in a straight line, and the loop reads on from there.
    if let Some(id) = fields.comes([0x0a, 16]) {
        span.trace_id = u128::from_be_bytes(id);
    }
    if let Some(id) = fields.comes([0x12, 8]) {
        span.span_id = u64::from_be_bytes(id);
    }
    if let Some(id) = fields.comes([0x22, 8]) {
        span.parent_span_id = u64::from_be_bytes(id);
    }
    if let Some(name) = fields.short(0x2a) {
        span.operation_name = Cow::Borrowed(texts.get(name)?);
    }
    if let [0x30, kind @ 0..0x80, ref rest @ ..] = *fields.0 {
        (ended.kind, fields.0) = (i32::from(kind), rest);
    }
    if let Some(nanos) = fields.comes([0x39]) {
        start = u64::from_le_bytes(nanos);
    }
    if let Some(nanos) = fields.comes([0x41]) {
        end = u64::from_le_bytes(nanos);
    }
    while let Some(bytes) = fields.short(0x4a) {
        span.tags.push(tag(bytes, texts)?);
    }
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(id)) => span.trace_id = trace_id(id)?,
            (2, Field::Bytes(id)) => span.span_id = span_id(id)?,
            (3, Field::Bytes(bytes)) => ended.trace_state = text(bytes)?,
            (4, Field::Bytes(id)) => span.parent_span_id = span_id(id)?,
            (5, Field::Bytes(bytes)) => span.operation_name = Cow::Borrowed(texts.get(bytes)?),
            (6, Field::Varint(kind)) => ended.kind = kind as i32,
            (7, Field::Fixed64(nanos)) => start = nanos,
            (8, Field::Fixed64(nanos)) => end = nanos,
            (9, Field::Bytes(bytes)) => span.tags.push(tag(bytes, texts)?),
            (10 | 12 | 14, Field::Varint(_)) => {}
            (11, Field::Bytes(event)) => span.logs.push(log(event, texts)?),
            (13, Field::Bytes(link)) => span.references.push(reference(link, texts)?),
            (15, Field::Bytes(bytes)) if !has_status => {
                has_status = true;
                status(bytes, &mut ended)?;
            }
            (16, Field::Fixed32(value)) => flags = value,
            (17.., _) => {}
            _ => return None,
        }
    }
    ended.add_to(&mut span.tags);
    span.flags = map::flags(flags);
    span.start_time = map::micros(start);
    span.duration = map::duration(start, end);
    Some(())
}

fn status<'a>(bytes: &'a [u8], ended: &mut Ended<'a>) -> Option<()> {
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (2, Field::Bytes(bytes)) => ended.message = text(bytes)?,
            (3, Field::Varint(code)) => ended.code = code as i32,
            (1 | 4.., _) => {}
            _ => return None,
        }
    }
    Some(())
}

fn log<'a>(bytes: &'a [u8], texts: &mut Texts<'a>) -> Option<Log<'a>> {
    let mut log = Log { timestamp: 0, fields: Vec::new() };
    let mut name = Cow::default();
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Fixed64(nanos)) => log.timestamp = map::micros(nanos),
            (2, Field::Bytes(bytes)) => name = text(bytes)?,
            (3, Field::Bytes(bytes)) => log.fields.push(tag(bytes, texts)?),
            (4, Field::Varint(_)) | (5.., _) => {}
            _ => return None,
        }
    }
    map::name_log(&mut log.fields, name);
    Some(log)
}

fn reference<'a>(bytes: &'a [u8], texts: &mut Texts<'a>) -> Option<SpanRef> {
    let mut reference = SpanRef { ref_type: RefType::FollowsFrom, trace_id: 0, span_id: 0 };
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(id)) => reference.trace_id = trace_id(id)?,
            (2, Field::Bytes(id)) => reference.span_id = span_id(id)?,
            (3, Field::Bytes(bytes)) => drop(text(bytes)?),
            (4, Field::Bytes(bytes)) => {
                let tag = tag(bytes, texts)?;
                if tag.key == map::REF_TYPE && tag.value == Value::from(map::CHILD) {
                    reference.ref_type = RefType::ChildOf;
                }
            }
            (5, Field::Varint(_)) | (6, Field::Fixed32(_)) | (7.., _) => {}
            _ => return None,
        }
    }
    Some(reference)
}

#[inline]
fn tag<'a>(bytes: &'a [u8], texts: &mut Texts<'a>) -> Option<Tag<'a>> {
    let (key, value) = attribute_of(bytes, texts)?;
    Some(Tag { key, value: value.unwrap_or_else(|| "".into()) })
}

/// Key and value of an attribute, which may have none.
#[inline]
fn attribute_of<'a>(bytes: &'a [u8], texts: &mut Texts<'a>) -> Option<(Cow<'a, str>, Option<Value<'a>>)> {
    // As it is nearly always: a key and a value, both short.
    if let [0x0a, length @ 0..0x80, ref rest @ ..] = *bytes
        && let Some((key, [0x12, length @ 0..0x80, held @ ..])) = rest.split_at_checked(usize::from(length))
        && usize::from(*length) == held.len()
    {
        let found = match *held {
            [0x0a, length @ 0..0x80, ref held @ ..] if usize::from(length) == held.len() => {
                Some(Value::String(Cow::Borrowed(texts.get(held)?)))
            }
            [0x10, yes @ 0..0x80] => Some(Value::Bool(yes != 0)),
            [0x18, number @ 0..0x80] => Some(Value::Long(i64::from(number))),
            [0x18, low @ 0x80..=0xff, high @ 0..0x80] => {
                Some(Value::Long(i64::from(low & 0x7f) | i64::from(high) << 7))
            }
            _ => value(held)?,
        };
        return Some((Cow::Borrowed(texts.get(key)?), found));
    }
    any_attribute(bytes)
}

fn any_attribute(bytes: &[u8]) -> Option<(Cow<'_, str>, Option<Value<'_>>)> {
    let mut key = Cow::default();
    let mut found = None;
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => key = text(bytes)?,
            (2, Field::Bytes(bytes)) => once(&mut found, value(bytes)?)?,
            (3, Field::Varint(_)) | (4.., _) => {}
            _ => return None,
        }
    }
    Some((key, found.flatten()))
}

fn value(all: &[u8]) -> Option<Option<Value<'_>>> {
    let mut fields = Fields(all);
    let Some(field) = fields.next()? else { return Some(None) };
    // A second one would take the first one's place.
    fields.0.is_empty().then_some(())?;
    Some(Some(match field {
        (1, Field::Bytes(bytes)) => Value::String(text(bytes)?),
        (2, Field::Varint(value)) => Value::Bool(value != 0),
        (3, Field::Varint(value)) => Value::Long(value as i64),
        (4, Field::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
        // A list, a map.
        (5 | 6, Field::Bytes(_)) => map::value(AnyValue::decode(all).ok()?.value?),
        (7, Field::Bytes(bytes)) => Value::Binary(Cow::Borrowed(bytes)),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

    /// Everything that a request may hold, ordinary and odd.
    fn request() -> Vec<u8> {
        let json = br#"{"resourceSpans": [
            {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}, {"key": "n", "value": {"intValue": "-7"}},
                {"key": "args", "value": {"arrayValue": {"values": [{"stringValue": "<a>"}, {"doubleValue": 1.5}]}}}, {"key": "none"}]},
             "schemaUrl": "s", "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": [
                {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "parentSpanId": "0102030405060709", "name": "get \u00fc",
                 "kind": 3, "startTimeUnixNano": "1700000000000001999", "endTimeUnixNano": "1700000000000002000", "traceState": "a=b", "flags": 257,
                 "attributes": [{"key": "yes", "value": {"boolValue": true}}, {"key": "d", "value": {"doubleValue": 0.25}},
                    {"key": "b", "value": {"bytesValue": "AAH/"}}, {"key": "m", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}}}],
                 "events": [{"timeUnixNano": "1700000000000002000", "name": "e", "attributes": [{"key": "x", "value": {"stringValue": "y"}}]}],
                 "links": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060707",
                    "attributes": [{"key": "opentracing.ref_type", "value": {"stringValue": "child_of"}}]}],
                 "status": {"code": 2, "message": "no"}, "droppedLinksCount": 3},
                {"name": "bare"}]}]},
            {"scopeSpans": [{"spans": [{"name": "no resource", "status": {"code": 1}}]}]},
            {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": ""}}]}}, {"resource": {"attributes": [{"key": "service.name"}]}}
        ]}"#;
        super::super::json::request(json).expect("it is right").encode_to_vec()
    }

    /// What the library and `map` make of it.
    fn slowly(bytes: &[u8]) -> Option<Vec<Batch<'static>>> {
        map::batches(ExportTraceServiceRequest::decode(bytes).ok()?).ok()
    }

    #[test]
    fn ordinary_requests_are_read_here_and_alike() {
        let bytes = request();
        let mut room = Room::default();
        let read = batches(&bytes, &mut room).expect("nothing in it is odd");
        assert_eq!(read.iter().map(|batch| batch.spans.len()).collect::<Vec<_>>(), [2, 1, 0, 0]);
        assert_eq!(Some(read), slowly(&bytes));
        assert_eq!(batches(&[], &mut room), slowly(&[]));
    }

    /// Cut anywhere, with any byte changed, doubled or left out: what is read here is what the library reads.
    #[test]
    fn what_is_read_here_is_what_the_library_reads() {
        let bytes = request();
        let mut room = Room::default();
        let mut read = 0;
        let mut look = |bytes: &[u8]| {
            if let Some(found) = batches(bytes, &mut room) {
                // Compared as text: NaN is not equal to itself.
                assert_eq!(format!("{:?}", Some(&found)), format!("{:?}", slowly(bytes)), "{bytes:?}");
                // And what was kept of it is in nothing that is read later.
                found.into_iter().for_each(|batch| room.reclaim(batch));
                read += 1;
            }
        };
        for at in 0..bytes.len() {
            look(&bytes[..at]);
            let mut changed = bytes.clone();
            for to in 0..=255 {
                changed[at] = to;
                look(&changed);
            }
            changed.remove(at);
            look(&changed);
            changed.insert(at, bytes[at]);
            changed.insert(at, bytes[at]);
            look(&changed);
        }
        assert!(read > 10_000, "{read} of them could be read");
    }
}
