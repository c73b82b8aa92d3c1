//! One span as it lies in a segment's bytes.
//!
//! ```text
//! [references] · [logs] · tags
//! marks · length of the line above · series · distance to the series' record before · [distance to the trace's record before]
//! trace id (8 or 16) · span id (8) · [parent (8)] · start (from the segment's) · duration · [flags]
//! ```
//!
//! The place of a record is that of its marks. What they and the series say is told by the tags, so these are written before and in one go.
//!
//! Numbers are of variable length unless a size is given. Service, process tags, operation and kind are the series'. Tags are `tags.rs`'. Nothing is lost: a span
//! comes back exactly as it went in.

use jaeger_thrift::{RefType, SpanRef};

use super::bytes::{Out, Piece, Reader, put, put_signed};

/// What the first byte says.
pub(super) mod mark {
    /// The tag `error` is true.
    pub(in super::super) const ERROR: u8 = 1;
    /// Another span of the trace came before, with the same message.
    pub(in super::super) const BEFORE_HERE: u8 = 2;
    /// The trace id has 128 bits.
    pub(in super::super) const LONG_ID: u8 = 4;
    /// It has a parent.
    pub(in super::super) const PARENT: u8 = 8;
    /// Flags are not 1.
    pub(in super::super) const FLAGS: u8 = 16;
    /// It has references.
    pub(in super::super) const REFERENCES: u8 = 32;
    /// It has logs.
    pub(in super::super) const LOGS: u8 = 64;
}

/// The place of a record: its segment's number, and where its marks are in that segment's bytes. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(pub(super) u64);

impl Place {
    pub(super) fn new(segment: u32, at: u32) -> Self {
        Place(u64::from(segment) << 32 | u64::from(at))
    }
    pub(super) fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }
    pub(super) fn at(self) -> u32 {
        self.0 as u32
    }
}

/// What comes behind a record's tags.
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    /// Bytes of references, logs and tags, which stand before.
    pub(super) body: u32,
    pub(super) series: u32,
    /// Distance to the record before of this series; 0 if it is the first.
    pub(super) back: u32,
    /// The trace's record before. One that came with another message is not told by the record itself: the segment has a list.
    pub(super) before: Option<Place>,
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) parent_span_id: u64,
    pub(super) start_time: i64,
    pub(super) duration: i64,
    pub(super) flags: i32,
    pub(super) marks: u8,
}

/// It takes at most: marks, length, series, distances, ids, start, duration, flags.
const LONGEST: usize = 1 + 5 + 5 + 5 + 5 + 16 + 8 + 8 + 10 + 10 + 5;

/// Writes what stands behind the tags. The trace's record before is of the same segment.
#[inline(always)]
pub(super) fn write_fixed(to: &mut impl Out, fixed: &Fixed, here: Place, base: i64) {
    let mut marks = fixed.marks;
    for (is, mark) in [
        (fixed.before.is_some(), mark::BEFORE_HERE),
        (fixed.trace_id >> 64 != 0, mark::LONG_ID),
        (fixed.parent_span_id != 0, mark::PARENT),
        (fixed.flags != 1, mark::FLAGS),
    ] {
        marks |= u8::from(is) * mark;
    }
    let mut piece = Piece::<LONGEST>::new();
    piece.byte(marks);
    put(&mut piece, u64::from(fixed.body));
    put(&mut piece, u64::from(fixed.series));
    put(&mut piece, u64::from(fixed.back));
    if let Some(before) = fixed.before {
        put(&mut piece, u64::from(here.at() - before.at()));
    }
    piece.slice(&(fixed.trace_id as u64).to_le_bytes());
    if marks & mark::LONG_ID != 0 {
        piece.slice(&((fixed.trace_id >> 64) as u64).to_le_bytes());
    }
    piece.slice(&fixed.span_id.to_le_bytes());
    if marks & mark::PARENT != 0 {
        piece.slice(&fixed.parent_span_id.to_le_bytes());
    }
    put_signed(&mut piece, fixed.start_time.wrapping_sub(base));
    put_signed(&mut piece, fixed.duration);
    if marks & mark::FLAGS != 0 {
        put_signed(&mut piece, i64::from(fixed.flags));
    }
    piece.append_to(to);
}

/// Writes references of a span of this trace.
pub(super) fn write_references(to: &mut impl Out, references: &[SpanRef], trace_id: u128) {
    put(to, references.len() as u64);
    for reference in references {
        let same = reference.trace_id == trace_id;
        to.byte(u8::from(same) << 1 | u8::from(reference.ref_type == RefType::FollowsFrom));
        if !same {
            to.slice(&reference.trace_id.to_le_bytes());
        }
        to.slice(&reference.span_id.to_le_bytes());
    }
}

/// Reads what stands behind the tags.
pub(super) fn read_fixed(reader: &mut Reader<'_>, here: Place, base: i64) -> Fixed {
    let marks = reader.byte();
    let body = reader.number() as u32;
    let series = reader.number() as u32;
    let back = reader.number() as u32;
    let before = (marks & mark::BEFORE_HERE != 0).then(|| Place(here.0 - reader.number()));
    let low = reader.fixed();
    let high = if marks & mark::LONG_ID != 0 { reader.fixed() } else { 0 };
    Fixed {
        body,
        series,
        back,
        before,
        trace_id: u128::from(high) << 64 | u128::from(low),
        span_id: reader.fixed(),
        parent_span_id: if marks & mark::PARENT != 0 { reader.fixed() } else { 0 },
        start_time: reader.signed().wrapping_add(base),
        duration: reader.signed(),
        flags: if marks & mark::FLAGS != 0 { reader.signed() as i32 } else { 1 },
        marks,
    }
}

/// Reads the references that stand there.
pub(super) fn read_references(reader: &mut Reader<'_>, fixed: &Fixed) -> Vec<SpanRef> {
    let count = if fixed.marks & mark::REFERENCES != 0 { reader.number() } else { 0 };
    let one = |_| {
        let kind = reader.byte();
        let trace_id = if kind & 2 != 0 {
            fixed.trace_id
        } else {
            u128::from(reader.fixed()) | u128::from(reader.fixed()) << 64
        };
        let ref_type = if kind & 1 != 0 { RefType::FollowsFrom } else { RefType::ChildOf };
        SpanRef { ref_type, trace_id, span_id: reader.fixed() }
    };
    (0..count).map(one).collect()
}
