//! What a request may become when it is read: a bound of its memory, known before the first list is made.
//!
//! A span of nothing is two bytes of protobuf and three of JSON, and some hundred bytes in memory, several times over while one form is made of another. So
//! 20 MiB of them, which gzip packs into 80 KB, would take 4 GB. What a body may become is counted by a pass over it that keeps nothing; that much is
//! held of a budget (`budget::READ`) while it is read, or it is refused.
//!
//! These are bounds, above what was measured of requests of one kind of element only; an ordinary request takes a third of its own. They only say when too
//! much is asked for at a time, so they are in round numbers. Thrift needs none: each element says of itself that it has come, by fields that have to be there.

/// Bodies up to this size are read without: the worst becomes some 60 MiB, and a port reads one of them at a time.
pub(super) const UNASKED: usize = 256 << 10;

/// Bytes that what stands in JSON may become.
///
/// By braces and commas outside of texts: an object that stands in up to three others may be a span of OTLP's or Zipkin's, one further in is an attribute or a
/// value, and a comma parts elements that are no objects, at the least.
///
/// ```
/// use jaeger_all_in_one::receive::unpacked;
/// assert!(unpacked::json(b"[{},{}]") > 1_400);
/// assert!(unpacked::json(br#"["{},{}"]"#) < 100, "a text");
/// ```
pub fn json(bytes: &[u8]) -> usize {
    const SPAN: usize = 700;
    const VALUE: usize = 300;
    const ELEMENT: usize = 130;
    const OUTER: usize = 4;
    let (mut all, mut depth) = (2 * bytes.len(), 0_usize);
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' => {
                depth += 1;
                all += if depth <= OUTER { SPAN } else { VALUE };
            }
            b'}' => depth = depth.saturating_sub(1),
            b',' => all += ELEMENT,
            b'"' => {
                // To its end; what is escaped ends nothing.
                while let Some(byte) = rest.next() {
                    match byte {
                        b'\\' => drop(rest.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    all
}

/// A message of OTLP's.
#[derive(Clone, Copy)]
enum Message {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    Event,
    Link,
    Attribute,
    Value,
    Array,
    Map,
}

impl Message {
    /// The message in a field, and what one of them takes: the library's and ours, with the room that lists leave.
    fn held_by(self, field: u32) -> Option<(Message, usize)> {
        Some(match (self, field) {
            (Message::Request, 1) => (Message::ResourceSpans, 300),
            (Message::ResourceSpans, 1) => (Message::Resource, 0),
            (Message::ResourceSpans, 2) => (Message::ScopeSpans, 400),
            (Message::ScopeSpans, 1) => (Message::Scope, 0),
            (Message::ScopeSpans, 2) => (Message::Span, 1_000),
            (Message::Span, 11) => (Message::Event, 300),
            (Message::Span, 13) => (Message::Link, 400),
            (Message::Resource, 1)
            | (Message::Scope, 3)
            | (Message::Span, 9)
            | (Message::Event, 3)
            | (Message::Link, 4) => (Message::Attribute, 300),
            (Message::Attribute, 2) => (Message::Value, 0),
            (Message::Value, 5) => (Message::Array, 0),
            (Message::Value, 6) => (Message::Map, 0),
            (Message::Array, 1) => (Message::Value, 200),
            (Message::Map, 1) => (Message::Attribute, 300),
            _ => return None,
        })
    }
}

/// Messages within each other that are looked into; the library reads no more than 100.
const DEPTH: usize = 100;

/// Bytes that a request in OTLP's protobuf may become.
///
/// ```
/// use jaeger_all_in_one::receive::unpacked;
/// // A resource of a scope of two empty spans.
/// assert!(unpacked::protobuf(b"\x0a\x06\x12\x04\x12\0\x12\0") > 2_000);
/// ```
pub fn protobuf(bytes: &[u8]) -> usize {
    2 * bytes.len() + within(Message::Request, bytes, DEPTH)
}

fn within(message: Message, mut bytes: &[u8], depth: usize) -> usize {
    let mut all = 0;
    // Where something is broken, reading ends too, and what came before is counted.
    while let Some(key) = varint(&mut bytes) {
        let skipped = match key & 7 {
            0 => varint(&mut bytes).map(drop),
            1 => take(&mut bytes, 8).map(drop),
            2 => {
                let held =
                    varint(&mut bytes).and_then(|length| take(&mut bytes, usize::try_from(length).ok()?));
                let Some(held) = held else { break };
                if let Some((inner, cost)) =
                    u32::try_from(key >> 3).ok().and_then(|field| message.held_by(field))
                {
                    all += cost;
                    if depth > 0 && !held.is_empty() {
                        all += within(inner, held, depth - 1);
                    }
                }
                Some(())
            }
            5 => take(&mut bytes, 4).map(drop),
            // The ends of a group, which reading passes over: what stands in it counts as if it stood here.
            _ => Some(()),
        };
        if skipped.is_none() {
            break;
        }
    }
    all
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}
