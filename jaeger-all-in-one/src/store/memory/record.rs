//! One span as it lies in a segment's bytes.
//!
//! ```text
//! [references] · [logs] · tags
//! marks · length of the line above · series · distance to the series' record before
//! trace id (8 or 16), or distances to the trace's records before and first · span id (8)
//! [parent (8), or the distance to where it stands] · start (from the segment's) · duration · [flags]
//! ```
//!
//! An id has no shorter form, so those that stand there already are pointed to, in one step: that of the trace with its first record of the same message, that of
//! a parent with the message's last span or the last that had a parent, for siblings mostly follow each other.
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
    /// Another span of the trace came before, with the same message, and has its id.
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
    /// It has a parent, whose id stands before.
    pub(in super::super) const PARENT_BEFORE: u8 = 128;
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

/// It takes at most: marks, length, series, distance, trace id (two distances are shorter), ids, start, duration, flags.
const LONGEST: usize = 1 + 5 + 5 + 5 + 16 + 8 + 8 + 10 + 10 + 5;

/// Ids of a message's spans, and where in the segment they stand. None is 0.
#[derive(Default)]
pub(super) struct Ids {
    /// The last span's.
    span: (u64, u32),
    /// The last parent's.
    parent: (u64, u32),
}

impl Ids {
    fn find(&self, parent: u64) -> Option<u32> {
        [self.parent, self.span].into_iter().find(|(id, _)| *id == parent).map(|(_, at)| at)
    }
}

/// Writes what stands behind the tags. The trace's record before and the `first` are of the same message and segment.
#[inline(always)]
pub(super) fn write_fixed(
    to: &mut impl Out,
    fixed: &Fixed,
    first: Place,
    ids: &mut Ids,
    here: Place,
    base: i64,
) {
    let mut marks = fixed.marks;
    let parent = fixed.parent_span_id;
    let parent_at = if parent != 0 { ids.find(parent) } else { None };
    for (is, mark) in [
        (fixed.before.is_some(), mark::BEFORE_HERE),
        (fixed.trace_id >> 64 != 0, mark::LONG_ID),
        (parent != 0 && parent_at.is_none(), mark::PARENT),
        (parent_at.is_some(), mark::PARENT_BEFORE),
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
        put(&mut piece, u64::from(before.at() - first.at()));
    } else {
        piece.slice(&(fixed.trace_id as u64).to_le_bytes());
        if marks & mark::LONG_ID != 0 {
            piece.slice(&((fixed.trace_id >> 64) as u64).to_le_bytes());
        }
    }
    ids.span = (fixed.span_id, here.at() + piece.len());
    piece.slice(&fixed.span_id.to_le_bytes());
    if let Some(at) = parent_at {
        ids.parent = (parent, at);
        put(&mut piece, u64::from(here.at() - at));
    } else if parent != 0 {
        ids.parent = (parent, here.at() + piece.len());
        piece.slice(&parent.to_le_bytes());
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

/// Reads what stands behind the tags of the record that is there, of a segment's bytes.
pub(super) fn read_fixed(bytes: &[u8], here: Place, base: i64) -> Fixed {
    let at = here.at() as usize;
    let mut reader = Reader::new(bytes, at);
    let (marks, [body, series, back]) = read_first(&mut reader);
    let before = (marks & mark::BEFORE_HERE != 0).then(|| here.at() - reader.number() as u32);
    let trace_id = match before {
        None => read_id(&mut reader, marks),
        Some(before) => {
            let mut first = Reader::new(bytes, before as usize - reader.number() as usize);
            read_first(&mut first);
            read_id(&mut first, marks)
        }
    };
    let span_id = reader.fixed();
    let parent_span_id = match marks & (mark::PARENT | mark::PARENT_BEFORE) {
        mark::PARENT => reader.fixed(),
        mark::PARENT_BEFORE => Reader::new(bytes, at - reader.number() as usize).fixed(),
        _ => 0,
    };
    Fixed {
        body,
        series,
        back,
        before: before.map(|before| Place::new(here.segment(), before)),
        trace_id,
        span_id,
        parent_span_id,
        start_time: reader.signed().wrapping_add(base),
        duration: reader.signed(),
        flags: if marks & mark::FLAGS != 0 { reader.signed() as i32 } else { 1 },
        marks,
    }
}

/// Marks, length, series and distance, which every record begins with.
fn read_first(reader: &mut Reader<'_>) -> (u8, [u32; 3]) {
    (reader.byte(), std::array::from_fn(|_| reader.number() as u32))
}

/// The id of the trace, which stands with the first record of a message.
fn read_id(reader: &mut Reader<'_>, marks: u8) -> u128 {
    let low = reader.fixed();
    let high = if marks & mark::LONG_ID != 0 { reader.fixed() } else { 0 };
    u128::from(high) << 64 | u128::from(low)
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

#[cfg(test)]
mod tests {
    use super::super::MemoryStore;
    use crate::store::{Scan, Store as _, TraceQuery};
    use jaeger_thrift::{Batch, Process, Span};
    use std::ops::ControlFlow;

    fn batch(spans: Vec<Span<'static>>) -> Batch<'static> {
        Batch { process: Process::new("shop"), spans, ..Batch::default() }
    }

    /// Traces that share halves of their ids and whose spans stand between each other's, parents that came before and others, messages that are taken back.
    #[test]
    fn ids_that_are_pointed_to_are_those_that_came() {
        // Knuth's MMIX generator: the same in every run.
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) % below
        };
        let store = MemoryStore::new(256 << 20);
        let mut given: Vec<Span<'static>> = Vec::new();
        for round in 0..300 {
            let mut spans: Vec<Span<'static>> = Vec::new();
            for n in 0..random(400) + 1 {
                let parent_span_id = match random(6) {
                    0 => 0,
                    1 => random(1 << 32) << 31,
                    // Of a span before, or of one that is to come.
                    2 => random(50),
                    // A brother, a child, a parent behind its child.
                    3 => spans.last().map_or(0, |last| last.parent_span_id),
                    4 => spans.last().map_or(0, |last| last.span_id),
                    _ => n,
                };
                let id = [u128::from(random(4)), u128::from(random(2) + 1)];
                spans.push(Span {
                    trace_id: id[0] << 64 | id[1],
                    span_id: if random(4) == 0 { random(50) } else { random(1 << 32) << 31 },
                    parent_span_id,
                    // All in one row.
                    start_time: given.len() as i64 + n as i64,
                    flags: i32::from(random(9) > 0),
                    ..Span::default()
                });
            }
            let good = round % 3 > 0;
            store.append_while_read(1_000, &mut |sink| {
                sink.process(Process::new("shop"));
                spans.iter().for_each(|span| sink.span(&mut span.clone()));
                good
            });
            if good {
                given.extend(spans);
            }
        }
        let mut all = Vec::new();
        let scan = store.scan(&Scan::default(), &mut |_, span| {
            all.push(span.clone().into_owned());
            ControlFlow::Continue(())
        });
        all.sort_unstable_by_key(|span| span.start_time);
        assert!(scan.is_ok() && all == given);
        let ids = store.find(&TraceQuery { limit: 10, ..TraceQuery::default() }).unwrap();
        assert_eq!(ids.len(), 8);
        for trace in store.traces(&ids).unwrap() {
            let of = given.iter().filter(|span| span.trace_id == trace.trace_id);
            assert!(trace.spans.iter().map(|stored| &stored.span).eq(of), "{:x}", trace.trace_id);
        }
    }

    /// One trace in one message of more than a megabyte, whose id stands at its beginning, and so does that of most parents.
    #[test]
    fn what_is_pointed_to_may_be_far() {
        let span = |n: u64| Span {
            trace_id: u128::MAX / 3,
            span_id: n + 1,
            parent_span_id: u64::from(n > 0),
            start_time: n as i64,
            ..Span::default()
        };
        let store = MemoryStore::new(64 << 20);
        let given: Vec<Span<'static>> = (0..70_000).map(span).collect();
        store.append(&batch(given.clone()));
        assert!(store.lock().active.written_since_begin() > 3 << 19);
        let whole = store.traces(&[u128::MAX / 3]).unwrap();
        assert!(whole[0].spans.iter().map(|stored| &stored.span).eq(&given));
    }

    /// Of ids of 32 bytes a span, 8 are held, and some bytes that point; parents are the trace's first or another's.
    #[test]
    fn an_id_is_held_once() {
        const SPANS: u64 = 20_000;
        const ID: u64 = 1 << 60;
        let span = |n: u64| Span {
            trace_id: u128::MAX - u128::from(n / 10),
            span_id: ID + n,
            parent_span_id: match n / 10 % 2 {
                0 if n.is_multiple_of(10) => 0,
                0 => ID + n / 10 * 10,
                _ => 2 * ID + n / 10,
            },
            duration: 1_000,
            ..Span::default()
        };
        let store = MemoryStore::new(64 << 20);
        store.append(&batch((0..SPANS).map(span).collect()));
        let bytes = store.lock().active.written_since_begin();
        // 16 of a trace's id, 8 of a span's and of every other trace's parent; some 11 for all else, distances too.
        let most = SPANS / 10 * (16 + 4) + SPANS * (8 + 11) + SPANS / 5;
        assert!((bytes as u64) < most && bytes as u64 > most - SPANS / 10, "{bytes} of {most}");
        let whole = store.traces(&[span(777).trace_id]).unwrap();
        assert!(
            whole[0]
                .spans
                .iter()
                .map(|stored| &stored.span)
                .eq((770..780).map(span).collect::<Vec<_>>().iter())
        );
    }
}
