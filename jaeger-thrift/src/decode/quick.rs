//! Spans as clients write them, read in a straight line: the fields in the order of their ids, each once, of a tag only the value that its `vType` names.
//!
//! Whatever is otherwise (another order, an unknown field, anything wrong) is `None`, and then the reader that takes fields as they come (`jaeger.rs`) reads
//! the span from its beginning. So this can only be faster, never judge otherwise; the tests hold it to that.

use super::input::{Binary, Compact, gather};
use super::jaeger::trace_id;
use super::texts::Texts;
use crate::model::{Log, RefType, Span, SpanRef, Tag, Value};
use std::borrow::Cow;

/// The least that a tag, a log or a reference takes in either encoding; bounds what is allocated.
const LEAST: usize = 4;

/// What is left to read.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    #[inline(always)]
    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    /// Passes over these bytes if they are next.
    #[inline(always)]
    fn passes<const N: usize>(&mut self, bytes: [u8; N]) -> bool {
        match self.0.split_first_chunk::<N>() {
            Some((next, rest)) if *next == bytes => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    // Of a byte or two nearly always, but for ids and times; and so often that a call would cost as much.
    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        match *self.0 {
            [byte @ 0..0x80, ref rest @ ..] => {
                self.0 = rest;
                Some(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    /// One of more than a byte, as in `input.rs`; of the end of the input nothing is made here.
    #[inline(always)]
    fn long_varint(&mut self) -> Option<u64> {
        const MORE: u64 = 0x8080_8080_8080_8080;
        let &[.., ninth, tenth] = self.0.first_chunk::<10>()?;
        let word = u64::from_le_bytes(*self.0.first_chunk::<8>()?);
        let ends = !word & MORE;
        let (value, length, right) = if ends == 0 {
            // Every other id has a tenth byte, which is 1: told without a branch, which would be foreseen every other time only.
            let more = u64::from(ninth >> 7);
            let value = gather(word & !MORE) | u64::from(ninth & 0x7f) << 56 | more << 63;
            (value, 9 + more as usize, (more == 0) & (ninth != 0) | (more == 1) & (tenth == 1))
        } else {
            let end = ends.trailing_zeros();
            let word = word & (u64::MAX >> (63 - end));
            // Of two bytes are durations and counts.
            let value = if end == 15 { word & 0x7f | word >> 1 & 0x3f80 } else { gather(word & !MORE) };
            (value, end as usize / 8 + 1, word >> (end - 7) != 0)
        };
        self.0 = self.0.get(length..)?;
        right.then_some(value)
    }

    #[inline(always)]
    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

/// Tags of a span whose heads are remembered.
const HEADS: usize = 8;

/// What of a batch comes again.
#[derive(Default)]
pub(super) struct Seen<'a> {
    texts: Texts<'a>,
    /// How the trace's id stood there the last time: neighbours are mostly of one trace.
    trace: (&'a [u8], u128),
    /// Of the tags of the spans before, by their place in the span: mostly the same keys stand there, and then the bytes are only compared.
    heads: [Head<'a>; HEADS],
    /// Lists that held the fields of logs.
    lists: Vec<Vec<Tag<'a>>>,
}

/// A tag up to its value.
#[derive(Clone, Copy, Default)]
struct Head<'a> {
    bytes: &'a [u8],
    key: &'a str,
    v_type: i32,
}

/// The type of a field.
#[derive(Clone, Copy)]
pub(super) enum Type {
    I32,
    I64,
    Double,
    Binary,
    List,
}

/// An encoding, in a straight line.
pub(super) trait Quick {
    /// Whether field `id` of that type comes next, behind field `last`; then its header is passed over.
    fn comes(rest: &mut Rest<'_>, last: u8, id: u8, kind: Type) -> bool;
    /// A bool in field `id`.
    fn bool(rest: &mut Rest<'_>, last: u8, id: u8) -> Option<bool>;
    /// The header of a list of structs.
    fn structs(rest: &mut Rest<'_>) -> Option<usize>;
    fn i32(rest: &mut Rest<'_>) -> Option<i32>;
    fn i64(rest: &mut Rest<'_>) -> Option<i64>;
    fn double(rest: &mut Rest<'_>) -> Option<f64>;
    fn bytes<'a>(rest: &mut Rest<'a>) -> Option<&'a [u8]>;
}

impl Quick for Compact {
    #[inline(always)]
    fn comes(rest: &mut Rest<'_>, last: u8, id: u8, kind: Type) -> bool {
        let number = match kind {
            Type::I32 => 5,
            Type::I64 => 6,
            Type::Double => 7,
            Type::Binary => 8,
            Type::List => 9,
        };
        rest.passes([(id - last) << 4 | number])
    }
    #[inline(always)]
    fn bool(rest: &mut Rest<'_>, last: u8, id: u8) -> Option<bool> {
        let delta = (id - last) << 4;
        if rest.passes([delta | 1]) {
            return Some(true);
        }
        rest.passes([delta | 2]).then_some(false)
    }
    #[inline(always)]
    fn structs(rest: &mut Rest<'_>) -> Option<usize> {
        let [byte] = rest.array()?;
        let count = match byte >> 4 {
            15 => usize::try_from(rest.varint()?).ok()?,
            count => usize::from(count),
        };
        (byte & 0x0f == 12).then_some(count)
    }
    #[inline(always)]
    fn i32(rest: &mut Rest<'_>) -> Option<i32> {
        i32::try_from(rest.zigzag()?).ok()
    }
    #[inline(always)]
    fn i64(rest: &mut Rest<'_>) -> Option<i64> {
        rest.zigzag()
    }
    #[inline(always)]
    fn double(rest: &mut Rest<'_>) -> Option<f64> {
        rest.array().map(f64::from_le_bytes)
    }
    #[inline(always)]
    fn bytes<'a>(rest: &mut Rest<'a>) -> Option<&'a [u8]> {
        let length = u32::try_from(rest.varint()?).ok()?;
        rest.slice(length as usize)
    }
}

impl Quick for Binary {
    #[inline(always)]
    fn comes(rest: &mut Rest<'_>, _: u8, id: u8, kind: Type) -> bool {
        let number = match kind {
            Type::Double => 4,
            Type::I32 => 8,
            Type::I64 => 10,
            Type::Binary => 11,
            Type::List => 15,
        };
        rest.passes([number, 0, id])
    }
    #[inline(always)]
    fn bool(rest: &mut Rest<'_>, _: u8, id: u8) -> Option<bool> {
        if !rest.passes([2, 0, id]) {
            return None;
        }
        rest.array().map(|[byte]| byte == 1)
    }
    #[inline(always)]
    fn structs(rest: &mut Rest<'_>) -> Option<usize> {
        if !rest.passes([12]) {
            return None;
        }
        usize::try_from(Self::i32(rest)?).ok()
    }
    #[inline(always)]
    fn i32(rest: &mut Rest<'_>) -> Option<i32> {
        rest.array().map(i32::from_be_bytes)
    }
    #[inline(always)]
    fn i64(rest: &mut Rest<'_>) -> Option<i64> {
        rest.array().map(i64::from_be_bytes)
    }
    #[inline(always)]
    fn double(rest: &mut Rest<'_>) -> Option<f64> {
        rest.array().map(f64::from_be_bytes)
    }
    #[inline(always)]
    fn bytes<'a>(rest: &mut Rest<'a>) -> Option<&'a [u8]> {
        let length = usize::try_from(Self::i32(rest)?).ok()?;
        rest.slice(length)
    }
}

#[inline(always)]
fn field<T>(comes: bool, value: impl FnOnce() -> Option<T>) -> Option<T> {
    if comes { value() } else { None }
}

#[inline(always)]
fn i64<Q: Quick>(rest: &mut Rest<'_>, last: u8, id: u8) -> Option<i64> {
    field(Q::comes(rest, last, id, Type::I64), || Q::i64(rest))
}

/// Reads the span that stands here into `span`, whatever that held; what is left behind it.
#[inline]
pub(super) fn span<'a, Q: Quick>(
    from: &'a [u8],
    seen: &mut Seen<'a>,
    span: &mut Span<'a>,
) -> Option<&'a [u8]> {
    let rest = &mut Rest(from);
    span.trace_id = match rest.0.split_at_checked(seen.trace.0.len()) {
        Some((next, behind)) if !next.is_empty() && Texts::same(next, seen.trace.0) => {
            rest.0 = behind;
            seen.trace.1
        }
        _ => {
            let low = i64::<Q>(rest, 0, 1)?;
            let high = i64::<Q>(rest, 1, 2)?;
            seen.trace = (&from[..from.len() - rest.0.len()], trace_id(high, low));
            seen.trace.1
        }
    };
    span.span_id = i64::<Q>(rest, 2, 3)? as u64;
    span.parent_span_id = i64::<Q>(rest, 3, 4)? as u64;
    let name = field(Q::comes(rest, 4, 5, Type::Binary), || Q::bytes(rest))?;
    span.operation_name = Cow::Borrowed(seen.texts.get(name)?);
    let mut last = 5;
    span.references.clear();
    if Q::comes(rest, last, 6, Type::List) {
        last = 6;
        rest.0 = references::<Q>(Rest(rest.0), &mut span.references)?;
    }
    span.flags = field(Q::comes(rest, last, 7, Type::I32), || Q::i32(rest))?;
    span.start_time = i64::<Q>(rest, 7, 8)?;
    span.duration = i64::<Q>(rest, 8, 9)?;
    last = 9;
    span.tags.clear();
    if Q::comes(rest, last, 10, Type::List) {
        last = 10;
        tags::<Q>(rest, seen, &mut span.tags)?;
    }
    if !span.logs.is_empty() {
        seen.lists.extend(span.logs.drain(..).map(|log| log.fields));
    }
    if Q::comes(rest, last, 11, Type::List) {
        rest.0 = logs::<Q>(Rest(rest.0), seen, &mut span.logs)?;
    }
    rest.passes([0]).then_some(rest.0)
}

/// References, and what is left behind them.
#[inline(never)]
fn references<'a, Q: Quick>(mut rest: Rest<'a>, references: &mut Vec<SpanRef>) -> Option<&'a [u8]> {
    let rest = &mut rest;
    let count = bounded(Q::structs(rest)?, rest)?;
    references.reserve_exact(count);
    for _ in 0..count {
        references.push(reference::<Q>(rest)?);
    }
    Some(rest.0)
}

/// Logs, and what is left behind them.
#[inline(never)]
fn logs<'a, Q: Quick>(mut rest: Rest<'a>, seen: &mut Seen<'a>, logs: &mut Vec<Log<'a>>) -> Option<&'a [u8]> {
    let rest = &mut rest;
    let count = bounded(Q::structs(rest)?, rest)?;
    logs.reserve_exact(count);
    for _ in 0..count {
        let timestamp = i64::<Q>(rest, 0, 1)?;
        Q::comes(rest, 1, 2, Type::List).then_some(())?;
        let mut fields = seen.lists.pop().unwrap_or_default();
        fields.clear();
        tags::<Q>(rest, seen, &mut fields)?;
        rest.passes([0]).then_some(())?;
        logs.push(Log { timestamp, fields });
    }
    Some(rest.0)
}

#[inline(always)]
fn reference<Q: Quick>(rest: &mut Rest<'_>) -> Option<SpanRef> {
    let ref_type = match field(Q::comes(rest, 0, 1, Type::I32), || Q::i32(rest))? {
        0 => RefType::ChildOf,
        1 => RefType::FollowsFrom,
        _ => return None,
    };
    let low = i64::<Q>(rest, 1, 2)?;
    let high = i64::<Q>(rest, 2, 3)?;
    let span_id = i64::<Q>(rest, 3, 4)? as u64;
    rest.passes([0]).then_some(SpanRef { ref_type, trace_id: trace_id(high, low), span_id })
}

/// A count that can be true.
#[inline(always)]
fn bounded(count: usize, rest: &Rest<'_>) -> Option<usize> {
    (count <= rest.0.len() / LEAST).then_some(count)
}

#[inline(always)]
fn tags<'a, Q: Quick>(rest: &mut Rest<'a>, seen: &mut Seen<'a>, tags: &mut Vec<Tag<'a>>) -> Option<()> {
    let count = bounded(Q::structs(rest)?, rest)?;
    tags.reserve_exact(count);
    for n in 0..count {
        rest.0 = tag::<Q>(Rest(rest.0), &mut seen.texts, &mut seen.heads[n % HEADS], tags)?;
    }
    Some(())
}

/// Appends a tag; what is left behind it. By itself, so that it has the registers for itself.
#[inline(never)]
fn tag<'a, Q: Quick>(
    mut rest: Rest<'a>,
    texts: &mut Texts<'a>,
    head: &mut Head<'a>,
    tags: &mut Vec<Tag<'a>>,
) -> Option<&'a [u8]> {
    let rest = &mut rest;
    let (key, v_type) = match rest.0.split_at_checked(head.bytes.len()) {
        Some((next, behind)) if !next.is_empty() && Texts::same(next, head.bytes) => {
            rest.0 = behind;
            (head.key, head.v_type)
        }
        _ => {
            let from = rest.0;
            let key = field(Q::comes(rest, 0, 1, Type::Binary), || Q::bytes(rest))?;
            let key = texts.get(key)?;
            let v_type = field(Q::comes(rest, 1, 2, Type::I32), || Q::i32(rest))?;
            *head = Head { bytes: &from[..from.len() - rest.0.len()], key, v_type };
            (key, v_type)
        }
    };
    let key = Cow::Borrowed(key);
    let value = match v_type {
        0 => {
            let text = field(Q::comes(rest, 2, 3, Type::Binary), || Q::bytes(rest))?;
            Value::String(Cow::Borrowed(texts.get(text)?))
        }
        1 => Value::Double(field(Q::comes(rest, 2, 4, Type::Double), || Q::double(rest))?),
        2 => Value::Bool(Q::bool(rest, 2, 5)?),
        3 => Value::Long(i64::<Q>(rest, 2, 6)?),
        4 => {
            let bytes = field(Q::comes(rest, 2, 7, Type::Binary), || Q::bytes(rest))?;
            Value::Binary(Cow::Borrowed(bytes))
        }
        _ => return None,
    };
    rest.passes([0]).then_some(())?;
    tags.push(Tag { key, value });
    Some(rest.0)
}

#[cfg(test)]
mod tests {
    use super::super::input::Input;
    use super::super::jaeger;
    use super::*;
    use crate::decode::Read;
    use crate::{Protocol, encode_span};

    /// What both make of these bytes must be the same wherever this one makes something of them, also behind another span, of which something is remembered.
    fn alike<R: Read + Quick>(before: &[u8], bytes: &[u8]) -> bool {
        let (mut seen, mut quick) = (Seen::default(), Span::default());
        let _ = span::<R>(before, &mut seen, &mut quick);
        let Some(rest) = span::<R>(bytes, &mut seen, &mut quick) else { return false };
        let mut input = Input::new(bytes);
        match jaeger::span::<R>(&mut input) {
            // As text, because a NaN is not equal to itself.
            Ok(span) => assert_eq!(format!("{quick:?}"), format!("{span:?}"), "{bytes:?}"),
            Err(error) => panic!("read {bytes:?}, which is wrong: {error}"),
        }
        assert_eq!(rest.len(), input.left(), "{bytes:?}");
        true
    }

    fn tags() -> Vec<Tag<'static>> {
        vec![
            Tag::new("text", "ü"),
            Tag::new("text", "b"),
            Tag::new("x", 1.5),
            Tag::new("y", true),
            Tag::new("n", false),
            Tag::new("i", -300),
            Tag::new("bytes", b"\xff".as_slice()),
        ]
    }

    fn spans() -> [Span<'static>; 3] {
        let full = Span {
            trace_id: 1 << 127 | 77,
            span_id: u64::MAX,
            parent_span_id: 1 << 56,
            operation_name: "get".into(),
            references: vec![
                SpanRef { ref_type: RefType::ChildOf, trace_id: 1 << 127 | 77, span_id: 5 },
                SpanRef { ref_type: RefType::FollowsFrom, trace_id: 3, span_id: 1 << 63 },
            ],
            flags: 1,
            start_time: 1_700_000_000_000_000,
            duration: 127,
            tags: tags(),
            logs: vec![Log { timestamp: 1, fields: tags() }, Log { timestamp: i64::MIN, fields: Vec::new() }],
        };
        let plain = Span { references: Vec::new(), logs: Vec::new(), ..full.clone() };
        [full, plain, Span { operation_name: "".into(), ..Span::default() }]
    }

    /// Calls `test` with a span's bytes, and with what reads others behind nothing, and behind that one.
    fn all(test: impl Fn(&[u8], &dyn Fn(&[u8]) -> bool)) {
        type Alike = fn(&[u8], &[u8]) -> bool;
        for (protocol, alike) in
            [(Protocol::Compact, alike::<Compact> as Alike), (Protocol::Binary, alike::<Binary>)]
        {
            for span in spans() {
                let mut bytes = Vec::new();
                encode_span(protocol, &span, &mut bytes);
                test(&bytes, &|other| alike(&[], other));
                test(&bytes, &|other| alike(&bytes, other));
            }
        }
    }

    #[test]
    fn what_clients_write_is_read_here() {
        all(|bytes, alike| assert!(alike(bytes), "{bytes:?}"));
    }

    #[test]
    fn nothing_is_read_otherwise() {
        all(|bytes, alike| {
            let mut changed = bytes.to_vec();
            let mut read = 0;
            for at in 0..bytes.len() {
                assert!(!alike(&bytes[..at]), "it breaks off");
                for value in 0..=255 {
                    changed[at] = value;
                    read += usize::from(alike(&changed));
                }
                changed[at] = bytes[at];
            }
            assert!(read > bytes.len(), "some changes are still spans");
        });
    }
}
