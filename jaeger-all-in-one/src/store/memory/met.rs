//! The traces of messages, put by until somebody wants to know of them.
//!
//! What is known of a trace lies somewhere in a large table that the caches hold nothing of when a message comes, and one look at it takes as long as reading a
//! span, or ten where memory is slow. So a message only appends its traces to a list. When that has some thousand, a segment ends or somebody asks, all are
//! entered into the table, ordered as it is: then a page of it is gone to once for many of them, and the looks do not wait for each other.
//!
//! So a record only points to those that came with the same message, and which trace goes on with what came before is noted when they are entered.

use super::record::Place;
use super::traces::{Known, Traces};

/// Places for traces of a message, each for those whose ids fall on it. A power of two; batches of clients have less traces, mostly.
const PLACES: usize = 256;
/// So many are entered at once: some for each page of the table, in a millisecond for which others wait.
pub(super) const ENOUGH: usize = 16 << 10;
/// Bits of a number of one that waits: with those of a message, of which each has a record in one segment, they are some hundred thousand at most.
const NUMBER: u32 = 20;
/// Segments that may wait with them, so that theirs has room beside number and hash.
pub(super) const SEGMENTS: usize = 64;

/// A trace, and what came of it; nobody if that is nothing.
#[derive(Clone, Copy)]
struct One {
    /// In halves, whose alignment costs a sixth less memory.
    id: [u64; 2],
    known: Known,
}

/// See the module.
pub(super) struct Met {
    places: Box<[One; PLACES]>,
    /// Which of them are in use, each once.
    used: Vec<u8>,
    /// What is to be entered. Of a message that is not over, those that had to make place for others.
    all: Vec<One>,
    /// Those of messages that are over.
    kept: usize,
    /// How they are ordered: segment, hash, and number in `all`.
    order: Vec<u64>,
}

impl Default for Met {
    fn default() -> Self {
        let places = Box::new([One { id: [0; 2], known: Known::NEW }; PLACES]);
        Met { places, used: Vec::with_capacity(PLACES), all: Vec::new(), kept: 0, order: Vec::new() }
    }
}

/// From bits that a client may choose, which costs it only that its traces make place for each other.
#[inline]
fn place(id: u128) -> u8 {
    let folded = id as u64 ^ (id >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

impl One {
    fn id(&self) -> u128 {
        u128::from(self.id[0]) | u128::from(self.id[1]) << 64
    }
}

impl Met {
    /// What came of a trace so far, which is to be [noted](Self::note) before another is met.
    #[inline]
    pub(super) fn meet(&mut self, id: u128) -> Known {
        let place = place(id);
        let one = self.places[usize::from(place)];
        if one.known.spans == 0 {
            self.used.push(place);
            return Known::NEW;
        }
        if one.id() == id {
            return one.known;
        }
        self.all.push(one);
        Known::NEW
    }

    /// What came of the trace that was met last.
    #[inline]
    pub(super) fn note(&mut self, id: u128, known: Known) {
        self.places[usize::from(place(id))] = One { id: [id as u64, (id >> 64) as u64], known };
    }

    /// The message is over.
    pub(super) fn keep(&mut self) {
        for place in self.used.drain(..) {
            let one = &mut self.places[usize::from(place)];
            self.all.push(*one);
            one.known = Known::NEW;
        }
        self.kept = self.all.len();
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether it is time to [enter](Self::enter) them.
    pub(super) fn is_enough(&self) -> bool {
        self.kept >= ENOUGH
    }

    /// None of it was meant.
    pub(super) fn forget(&mut self) {
        for place in self.used.drain(..) {
            self.places[usize::from(place)].known = Known::NEW;
        }
        self.all.truncate(self.kept);
    }

    /// Enters all into the table, and tells `goes_on` of those that were there already their first record here and their last before. Between messages.
    pub(super) fn enter(&mut self, traces: &mut Traces, mut goes_on: impl FnMut(Place, Place)) {
        debug_assert!(self.used.is_empty() && self.kept == self.all.len(), "a message is not over");
        if self.all.is_empty() {
            return;
        }
        let first = self.all[0].known.first.segment();
        self.order.extend(self.all.iter().enumerate().map(|(n, one)| {
            let segment = u64::from(one.known.first.segment().wrapping_sub(first));
            segment << (32 + NUMBER) | u64::from(traces.hash(one.id())) << NUMBER | n as u64
        }));
        // By segments, because they go so. The number is in it, so those of one trace stay in the order of their messages.
        self.order.sort_unstable();
        for ordered in self.order.drain(..) {
            let one = &self.all[ordered as usize % (1 << NUMBER)];
            if let Some(before) = traces.add(one.id(), (ordered >> NUMBER) as u32, one.known) {
                goes_on(one.known.first, before.last);
            }
        }
        self.all.clear();
        self.kept = 0;
        // A message of very many is rare, and its memory is for records.
        self.all.shrink_to(2 * ENOUGH);
        self.order.shrink_to(2 * ENOUGH);
    }

    /// Those of messages that are over.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.kept
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<One>() + self.order.capacity() * 8
    }
}
