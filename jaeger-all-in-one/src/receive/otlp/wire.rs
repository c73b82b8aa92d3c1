//! OTLP's protobuf straight into Jaeger's form, without a message in between: text is borrowed from the request, which saves two allocations a tag.
//!
//! Only what is ordinary is read here. Whatever is not (broken, of another wire type than the field's, a single field that comes twice, groups) is `None`, and
//! then the library's messages and [`super::map`] decide, so this can only be faster, never judge otherwise, but for names of scopes that are too
//! large to be written at each span, which are not written here. The tests hold it to that, byte by byte.

use std::borrow::Cow;

use jaeger_thrift::{Log, Process, RefType, Sink, Span, SpanRef, Tag, Texts, Value};
use opentelemetry_proto::tonic::common::v1::AnyValue;
use prost::Message as _;

use super::map::{self, Ended};

/// Gives the spans of a request to `sink` as they are read, in Jaeger's form, those of a resource behind its process. `None` if it wants a closer look.
pub(super) fn read<'a>(bytes: &'a [u8], sink: &mut dyn Sink<'a>) -> Option<()> {
    let mut reading =
        Reading { sink, texts: Texts::default(), heads: Default::default(), span: Span::default() };
    let mut request = Fields(bytes);
    while let Some(field) = request.next()? {
        match field {
            (1, Field::Bytes(resource)) => reading.resource(resource)?,
            (2.., _) => {}
            _ => return None,
        }
    }
    Some(())
}

/// A request that is being read.
struct Reading<'s, 'a> {
    sink: &'s mut dyn Sink<'a>,
    texts: Texts<'a>,
    /// Attributes up to their values, of the spans before, by their place in the span: mostly the same keys stand there, and then the bytes are only compared.
    heads: [Head<'a>; HEADS],
    /// The span that is being read.
    span: Span<'a>,
}

/// Attributes of a span whose heads are remembered.
const HEADS: usize = 16;

/// The key's field of an attribute, and the key.
#[derive(Clone, Copy, Default)]
struct Head<'a> {
    bytes: &'a [u8],
    key: &'a str,
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

    /// What the field with this key holds, if it is next and of less than 16 KiB.
    #[inline(always)]
    fn short(&mut self, key: u8) -> Option<&'a [u8]> {
        let (length, rest) = match *self.0 {
            [next, length @ 0..0x80, ref rest @ ..] if next == key => (usize::from(length), rest),
            [next, low @ 0x80..=0xff, high @ 0..0x80, ref rest @ ..] if next == key => {
                (usize::from(low & 0x7f) | usize::from(high) << 7, rest)
            }
            _ => return None,
        };
        let (held, rest) = rest.split_at_checked(length)?;
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

impl<'a> Reading<'_, 'a> {
    /// The spans of a resource.
    fn resource(&mut self, bytes: &'a [u8]) -> Option<()> {
        let mut given = false;
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                // One that comes behind its spans belongs to them all the same.
                (1, Field::Bytes(_)) if given => return None,
                (1, Field::Bytes(resource)) => {
                    given = true;
                    self.sink.process(process(resource)?);
                }
                (2, Field::Bytes(scope)) => {
                    if !given {
                        given = true;
                        self.sink.process(Process::new(map::NO_SERVICE));
                    }
                    self.scope(scope)?;
                }
                (3, Field::Bytes(schema)) => drop(text(schema)?),
                // 1000 is a group that was given up; the library does not know it either.
                (4.., _) => {}
                _ => return None,
            }
        }
        if !given {
            self.sink.process(Process::new(map::NO_SERVICE));
        }
        Some(())
    }

    /// The spans of a scope.
    fn scope(&mut self, bytes: &'a [u8]) -> Option<()> {
        let mut scope = None;
        let mut any = false;
        let mut fields = Fields(bytes);
        loop {
            // Nearly all that comes is spans.
            while let Some(bytes) = fields.short(0x12) {
                any = true;
                self.span(bytes, scope.as_ref())?;
            }
            let Some(field) = fields.next()? else { return Some(()) };
            match field {
                // One that comes behind its spans belongs to them all the same.
                (1, Field::Bytes(_)) if any => return None,
                (1, Field::Bytes(bytes)) => once(&mut scope, scope_of(bytes)?)?,
                (2, Field::Bytes(bytes)) => {
                    any = true;
                    self.span(bytes, scope.as_ref())?;
                }
                (3, Field::Bytes(schema)) => drop(text(schema)?),
                (4.., _) => {}
                _ => return None,
            }
        }
    }

    fn span(&mut self, bytes: &'a [u8], scope: Option<&(Cow<'a, str>, Cow<'a, str>)>) -> Option<()> {
        let Reading { sink, texts, heads, span } = self;
        read_span(bytes, scope, span, texts, heads)?;
        sink.span(span);
        Some(())
    }
}

fn process(bytes: &[u8]) -> Option<Process<'_>> {
    let mut process = Process::new(map::NO_SERVICE);
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(attribute)) => {
                let (key, value) = attribute_of(attribute)?;
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

/// Name and version of a scope.
fn scope_of(bytes: &[u8]) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (mut name, mut version) = (Cow::default(), Cow::default());
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => name = text(bytes)?,
            (2, Field::Bytes(bytes)) => version = text(bytes)?,
            (3, Field::Bytes(attribute)) => drop(attribute_of(attribute)?),
            (4, Field::Varint(_)) | (5.., _) => {}
            _ => return None,
        }
    }
    Some((name, version))
}

/// Reads a span into `span`, whatever that held.
fn read_span<'a>(
    bytes: &'a [u8],
    scope: Option<&(Cow<'a, str>, Cow<'a, str>)>,
    span: &mut Span<'a>,
    texts: &mut Texts<'a>,
    heads: &mut [Head<'a>; HEADS],
) -> Option<()> {
    let Span { trace_id, span_id, parent_span_id, operation_name, references, tags, logs, .. } = span;
    (*trace_id, *span_id, *parent_span_id) = (0, 0, 0);
    *operation_name = Cow::Borrowed("");
    references.clear();
    tags.clear();
    logs.clear();
    if let Some((name, version)) = scope {
        map::scope_tags(tags, name.clone(), version.clone());
    }
    let mut ended = Ended::default();
    let (mut start, mut end, mut flags) = (0, 0, 0);
    let mut has_status = false;
    let mut fields = Fields(bytes);
    // Clients write the fields in the order of their numbers: then what nearly every span has is read in a straight line, and the loop reads on from there.
    if let Some(id) = fields.comes([0x0a, 16]) {
        *trace_id = u128::from_be_bytes(id);
    }
    if let Some(id) = fields.comes([0x12, 8]) {
        *span_id = u64::from_be_bytes(id);
    }
    if let Some(id) = fields.comes([0x22, 8]) {
        *parent_span_id = u64::from_be_bytes(id);
    }
    if let Some(name) = fields.short(0x2a) {
        *operation_name = Cow::Borrowed(texts.get(name)?);
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
    for head in heads {
        let Some(bytes) = fields.short(0x4a) else { break };
        if quick_tag(bytes, texts, head, tags).is_none() {
            tags.push(tag(bytes)?);
        }
    }
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(id)) => *trace_id = self::trace_id(id)?,
            (2, Field::Bytes(id)) => *span_id = self::span_id(id)?,
            (3, Field::Bytes(bytes)) => ended.trace_state = text(bytes)?,
            (4, Field::Bytes(id)) => *parent_span_id = self::span_id(id)?,
            (5, Field::Bytes(bytes)) => *operation_name = Cow::Borrowed(texts.get(bytes)?),
            (6, Field::Varint(kind)) => ended.kind = kind as i32,
            (7, Field::Fixed64(nanos)) => start = nanos,
            (8, Field::Fixed64(nanos)) => end = nanos,
            (9, Field::Bytes(bytes)) => tags.push(tag(bytes)?),
            (10 | 12 | 14, Field::Varint(_)) => {}
            (11, Field::Bytes(event)) => logs.push(log(event)?),
            (13, Field::Bytes(link)) => references.push(reference(link)?),
            (15, Field::Bytes(bytes)) if !has_status => {
                has_status = true;
                status(bytes, &mut ended)?;
            }
            (16, Field::Fixed32(value)) => flags = value,
            (17.., _) => {}
            _ => return None,
        }
    }
    ended.add_to(tags);
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

fn log(bytes: &[u8]) -> Option<Log<'_>> {
    let mut log = Log { timestamp: 0, fields: Vec::new() };
    let mut name = Cow::default();
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Fixed64(nanos)) => log.timestamp = map::micros(nanos),
            (2, Field::Bytes(bytes)) => name = text(bytes)?,
            (3, Field::Bytes(bytes)) => log.fields.push(tag(bytes)?),
            (4, Field::Varint(_)) | (5.., _) => {}
            _ => return None,
        }
    }
    map::name_log(&mut log.fields, name);
    Some(log)
}

fn reference(bytes: &[u8]) -> Option<SpanRef> {
    let mut reference = SpanRef { ref_type: RefType::FollowsFrom, trace_id: 0, span_id: 0 };
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(id)) => reference.trace_id = trace_id(id)?,
            (2, Field::Bytes(id)) => reference.span_id = span_id(id)?,
            (3, Field::Bytes(bytes)) => drop(text(bytes)?),
            (4, Field::Bytes(bytes)) => {
                let tag = tag(bytes)?;
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

/// Appends a tag if it is as it is nearly always: a key and a value of a simple type, both short.
#[inline(always)]
fn quick_tag<'a>(
    bytes: &'a [u8],
    texts: &mut Texts<'a>,
    head: &mut Head<'a>,
    tags: &mut Vec<Tag<'a>>,
) -> Option<()> {
    let held = match bytes.split_at_checked(head.bytes.len()) {
        Some((next, held)) if !next.is_empty() && Texts::same(next, head.bytes) => held,
        _ => {
            let mut fields = Fields(bytes);
            let key = fields.short(0x0a)?;
            *head = Head { bytes: &bytes[..bytes.len() - fields.0.len()], key: texts.get(key)? };
            fields.0
        }
    };
    let [0x12, length @ 0..0x80, ref held @ ..] = *held else { return None };
    if usize::from(length) != held.len() {
        return None;
    }
    let value = match *held {
        [0x0a, length @ 0..0x80, ref held @ ..] if usize::from(length) == held.len() => {
            Value::String(Cow::Borrowed(texts.get(held)?))
        }
        [0x10, yes @ 0..0x80] => Value::Bool(yes != 0),
        [0x18, number @ 0..0x80] => Value::Long(i64::from(number)),
        [0x18, low @ 0x80..=0xff, high @ 0..0x80] => {
            Value::Long(i64::from(low & 0x7f) | i64::from(high) << 7)
        }
        [0x21, ref bits @ ..] => Value::Double(f64::from_le_bytes(bits.try_into().ok()?)),
        _ => return None,
    };
    tags.push(Tag { key: Cow::Borrowed(head.key), value });
    Some(())
}

fn tag(bytes: &[u8]) -> Option<Tag<'_>> {
    let (key, value) = attribute_of(bytes)?;
    Some(Tag { key, value: value.unwrap_or_else(|| "".into()) })
}

/// Key and value of an attribute, which may have none.
fn attribute_of(bytes: &[u8]) -> Option<(Cow<'_, str>, Option<Value<'_>>)> {
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
    use jaeger_thrift::Batch;
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

    /// What is made of it here, each span cloned out of the one that is read into.
    fn quickly(bytes: &[u8]) -> Option<Vec<Batch<'_>>> {
        struct Cloned<'a>(Vec<Batch<'a>>);
        impl<'a> Sink<'a> for Cloned<'a> {
            fn process(&mut self, process: Process<'a>) {
                self.0.push(Batch { process, ..Batch::default() });
            }
            fn span(&mut self, span: &mut Span<'a>) {
                self.0.last_mut().expect("the process came before").spans.push(span.clone());
            }
            fn forget(&mut self) {
                unreachable!("only Thrift's reader does so")
            }
        }
        let mut cloned = Cloned(Vec::new());
        read(bytes, &mut cloned).map(|()| cloned.0)
    }

    /// What the library and `map` make of it.
    fn slowly(bytes: &[u8]) -> Option<Vec<Batch<'static>>> {
        map::batches(ExportTraceServiceRequest::decode(bytes).ok()?).ok()
    }

    #[test]
    fn ordinary_requests_are_read_here_and_alike() {
        let bytes = request();
        let read = quickly(&bytes).expect("nothing in it is odd");
        assert_eq!(read.iter().map(|batch| batch.spans.len()).collect::<Vec<_>>(), [2, 1, 0, 0]);
        assert_eq!(Some(read), slowly(&bytes));
        assert_eq!(quickly(&[]), slowly(&[]));
    }

    /// Cut anywhere, with any byte changed, doubled or left out: what is read here is what the library reads.
    #[test]
    fn what_is_read_here_is_what_the_library_reads() {
        let bytes = request();
        let mut read = 0;
        let mut look = |bytes: &[u8]| {
            if let Some(found) = quickly(bytes) {
                // Compared as text: NaN is not equal to itself.
                assert_eq!(format!("{:?}", Some(&found)), format!("{:?}", slowly(bytes)), "{bytes:?}");
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
