//! The table of traces: from an id to the places of its first and last record.
//!
//! In many parts, so that growing one takes a part of a millisecond and not a second when there are ten million; otherwise datagrams would be lost then.

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_map::{Entry, HashMap};

use super::record::Place;

const PARTS: usize = 256;

/// What is known of a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) first: Place,
    pub(super) last: Place,
    pub(super) spans: u32,
}

impl Known {
    /// A trace that has no record yet, whose places mean nothing.
    pub(super) const NEW: Known = Known { first: Place(0), last: Place(0), spans: 0 };

    /// The record before the next one.
    #[inline]
    pub(super) fn before(&self) -> Option<Place> {
        (self.spans > 0).then_some(self.last)
    }

    /// Notes a record.
    #[inline]
    pub(super) fn note(&mut self, place: Place) {
        if self.spans == 0 {
            self.first = place;
        }
        self.last = place;
        self.spans = self.spans.saturating_add(1);
    }
}

/// The table.
pub(super) struct Traces(Vec<HashMap<[u64; 2], Known>>);

impl Default for Traces {
    fn default() -> Self {
        // One seed for all, another in every table and run.
        let hasher = DefaultHashBuilder::default();
        Traces((0..PARTS).map(|_| HashMap::with_hasher(hasher.clone())).collect())
    }
}

/// A key of 8-byte alignment: a sixth less memory than the number itself.
fn key(id: u128) -> [u64; 2] {
    [id as u64, (id >> 64) as u64]
}

/// Which part; from bits that a client may choose, which costs it only that one part is larger.
fn part(id: u128) -> usize {
    let folded = id as u64 ^ (id >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % PARTS
}

impl Traces {
    /// Adds what is new of a trace; what was known of it before.
    #[inline]
    pub(super) fn add(&mut self, id: u128, new: Known) -> Option<Known> {
        match self.0[part(id)].entry(key(id)) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                let before = *known;
                (known.last, known.spans) = (new.last, before.spans.saturating_add(new.spans));
                Some(before)
            }
            Entry::Vacant(place) => {
                place.insert(new);
                None
            }
        }
    }

    /// Takes that out again.
    pub(super) fn take_back(&mut self, id: u128, before: Option<Known>) {
        match before {
            Some(before) => drop(self.0[part(id)].insert(key(id), before)),
            None => drop(self.0[part(id)].remove(&key(id))),
        }
    }

    pub(super) fn get(&self, id: u128) -> Option<Known> {
        self.0[part(id)].get(&key(id)).copied()
    }

    /// Takes a trace out if it began at `first`; how many spans it had.
    pub(super) fn remove(&mut self, id: u128, first: Place) -> Option<u32> {
        match self.0[part(id)].entry(key(id)) {
            Entry::Occupied(known) if known.get().first == first => Some(known.remove().spans),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(HashMap::len).sum()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(HashMap::allocation_size).sum()
    }
}
