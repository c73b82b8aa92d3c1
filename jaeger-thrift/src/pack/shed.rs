//! How an encoded span that is too large gives up tags and log fields until it fits.
//!
//! It works on the bytes, so that the hot path keeps no account of where a tag begins and no span is encoded twice. Largest first, of equals the later one;
//! a log goes with its last field. The tag [`TAGS_SHED`] with the number is added.

use super::TAGS_SHED;
use crate::decode::{self, Input, Kind, Read, skip, structs};
use crate::encode::out::Out;
use crate::encode::wire::{self, FIELD, Wire, id, stop};
use crate::encode::{group, log_head, tag_as};
use crate::protocol::Protocol;
use crate::source::{TagRef, ValueRef};

/// The parts of an encoded span.
struct Parts<'a> {
    /// All before the tags.
    front: &'a [u8],
    /// The tags but [`TAGS_SHED`].
    tags: Vec<&'a [u8]>,
    logs: Vec<LogParts<'a>>,
    /// How many were shed before, for a larger limit.
    shed_before: i64,
}

struct LogParts<'a> {
    timestamp: i64,
    fields: Vec<&'a [u8]>,
}

/// Something that can be given up.
#[derive(Clone, Copy)]
struct Item {
    size: usize,
    /// The log it is in, `None` for the span.
    log: Option<usize>,
    /// The tag or field; `None` for a log without fields.
    index: Option<usize>,
}

/// `span` with as many of its largest tags and fields left out as it takes to fit into `room` bytes, and how many these are. `None` if that does not help.
pub(super) fn shed(protocol: Protocol, span: &[u8], room: usize) -> Option<(Vec<u8>, usize)> {
    match protocol {
        Protocol::Compact => shed_as::<decode::Compact, wire::Compact>(span, room),
        Protocol::Binary => shed_as::<decode::Binary, wire::Binary>(span, room),
    }
}

fn shed_as<R: Read, W: Wire>(span: &[u8], room: usize) -> Option<(Vec<u8>, usize)> {
    let parts = parts::<R>(span)?;
    let mut items: Vec<Item> = Vec::new();
    for (index, tag) in parts.tags.iter().enumerate() {
        items.push(Item { size: tag.len(), log: None, index: Some(index) });
    }
    for (log, parts) in parts.logs.iter().enumerate() {
        if parts.fields.is_empty() {
            items.push(Item { size: 0, log: Some(log), index: None });
        }
        for (index, field) in parts.fields.iter().enumerate() {
            items.push(Item { size: field.len(), log: Some(log), index: Some(index) });
        }
    }
    // From the end of the span, then by size: a stable sort keeps the later one first.
    items.reverse();
    items.sort_by_key(|item| std::cmp::Reverse(item.size));
    // Each further item makes the span smaller, so the least number that does is found by halving.
    let (mut most, mut least) = (items.len(), 1);
    if most == 0 || written::<W>(&parts, &items[..most]).len() > room {
        return None;
    }
    while least < most {
        let middle = least + (most - least) / 2;
        if written::<W>(&parts, &items[..middle]).len() > room {
            least = middle + 1;
        } else {
            most = middle;
        }
    }
    Some((written::<W>(&parts, &items[..most]), most))
}

/// Takes a span of our own encoder apart; of anything else, `None`.
fn parts<R: Read>(span: &[u8]) -> Option<Parts<'_>> {
    let mut input = Input::new(span);
    let mut parts = Parts { front: span, tags: Vec::new(), logs: Vec::new(), shed_before: 0 };
    let mut last = 0;
    loop {
        let start = input.at();
        let field = R::field(&mut input, &mut last, "Span").ok()?;
        if !matches!(field, Some((..=9, _))) && parts.front.len() == span.len() {
            parts.front = &span[..start];
        }
        match field {
            Some((10, Kind::List)) => {
                parts.tags = elements::<R>(&mut input)?;
                // The last one, if any: that is where it is added.
                if let Some(before) = parts.tags.last().and_then(|tag| shed_count::<R>(tag)) {
                    parts.shed_before = before;
                    parts.tags.pop();
                }
            }
            Some((11, Kind::List)) => {
                for _ in 0..structs::<R>(&mut input, 1, "Span.logs").ok()? {
                    parts.logs.push(log_parts::<R>(&mut input)?);
                }
            }
            Some((..=9, kind)) => skip::<R>(&mut input, kind, "Span").ok()?,
            Some(_) => return None,
            None => return Some(parts),
        }
    }
}

/// The count, if this tag is [`TAGS_SHED`].
fn shed_count<R: Read>(tag: &[u8]) -> Option<i64> {
    let mut input = Input::new(tag);
    let (mut last, mut named) = (0, false);
    loop {
        match R::field(&mut input, &mut last, "Tag").ok()?? {
            (1, Kind::Binary) => named = R::bytes(&mut input, "Tag.key").ok()? == TAGS_SHED.as_bytes(),
            (6, Kind::I64) if named => return R::i64(&mut input, "Tag.vLong").ok(),
            (_, kind) => skip::<R>(&mut input, kind, "Tag").ok()?,
        }
    }
}

fn elements<'a, R: Read>(input: &mut Input<'a>) -> Option<Vec<&'a [u8]>> {
    let n = structs::<R>(input, 1, "Span.tags").ok()?;
    let mut elements = Vec::new();
    for _ in 0..n {
        let start = input.at();
        skip::<R>(input, Kind::Struct, "Tag").ok()?;
        elements.push(input.since(start));
    }
    Some(elements)
}

fn log_parts<'a, R: Read>(input: &mut Input<'a>) -> Option<LogParts<'a>> {
    let mut log = LogParts { timestamp: 0, fields: Vec::new() };
    let mut last = 0;
    while let Some(field) = R::field(input, &mut last, "Log").ok()? {
        match field {
            (1, Kind::I64) => log.timestamp = R::i64(input, "Log.timestamp").ok()?,
            (2, Kind::List) => log.fields = elements::<R>(input)?,
            _ => return None,
        }
    }
    Some(log)
}

/// The span without `dropped`.
fn written<W: Wire>(parts: &Parts<'_>, dropped: &[Item]) -> Vec<u8> {
    let mut tags = vec![true; parts.tags.len()];
    let mut fields: Vec<Vec<bool>> = parts.logs.iter().map(|log| vec![true; log.fields.len()]).collect();
    let mut logs = vec![true; parts.logs.len()];
    for item in dropped {
        match (item.log, item.index) {
            (None, Some(index)) => tags[index] = false,
            (Some(log), Some(index)) => {
                fields[log][index] = false;
                logs[log] = fields[log].contains(&true);
            }
            (Some(log), None) => logs[log] = false,
            (None, None) => {}
        }
    }
    let count = |kept: &[bool]| kept.iter().filter(|kept| **kept).count();
    let mut out = Out::default();
    out.extend(parts.front);
    group!(out, FIELD, s => W::list(s, id(9, 10), count(&tags) + 1));
    keep(&mut out, &parts.tags, &tags);
    let shed = i64::try_from(dropped.len()).unwrap_or(i64::MAX).saturating_add(parts.shed_before);
    tag_as::<W>(&mut out, TagRef { key: TAGS_SHED, value: ValueRef::Long(shed) });
    if logs.contains(&true) {
        group!(out, FIELD, s => W::list(s, id(10, 11), count(&logs)));
        for ((log, kept), _) in parts.logs.iter().zip(&fields).zip(&logs).filter(|(_, kept)| **kept) {
            log_head::<W>(&mut out, log.timestamp, count(kept));
            keep(&mut out, &log.fields, kept);
            out.extend(&[0]);
        }
    }
    group!(out, 1, s => stop(s));
    out.into_vec()
}

fn keep(out: &mut Out, elements: &[&[u8]], kept: &[bool]) {
    for (element, _) in elements.iter().zip(kept).filter(|(_, kept)| **kept) {
        out.extend(element);
    }
}
