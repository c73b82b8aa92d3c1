//! The table of traces: from an id to the places of its first and last record.
//!
//! In many parts, so that growing one takes a part of a millisecond and not a second when there are ten million; otherwise datagrams would be lost then.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

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

/// A trace by its key.
type One = ([u64; 2], Known);

/// Where a trace is looked for, and whether it was there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    hash: u64,
    is_known: bool,
}

/// The table.
pub(super) struct Traces {
    parts: Vec<HashTable<One>>,
    /// One seed for all, another in every table and run.
    hasher: DefaultHashBuilder,
}

impl Default for Traces {
    fn default() -> Self {
        Traces {
            parts: (0..PARTS).map(|_| HashTable::new()).collect(),
            hasher: DefaultHashBuilder::default(),
        }
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
    /// Looks for a trace, and changes nothing: many such looks are under way at once, where each would wait for the one before that wrote something.
    #[inline]
    pub(super) fn look(&self, id: u128) -> Look {
        let hash = self.hasher.hash_one(key(id));
        Look { hash, is_known: self.parts[part(id)].find(hash, |one| one.0 == key(id)).is_some() }
    }

    /// Adds what is new of a trace that was looked for, and not touched since; what was known of it before.
    #[inline]
    pub(super) fn add(&mut self, id: u128, look: Look, new: Known) -> Option<Known> {
        let part = &mut self.parts[part(id)];
        if look.is_known
            && let Some((_, known)) = part.find_mut(look.hash, |one| one.0 == key(id))
        {
            let before = *known;
            (known.last, known.spans) = (new.last, before.spans.saturating_add(new.spans));
            return Some(before);
        }
        part.insert_unique(look.hash, (key(id), new), |one| self.hasher.hash_one(one.0));
        None
    }

    /// Takes that out again.
    pub(super) fn take_back(&mut self, id: u128, before: Option<Known>) {
        let hash = self.hasher.hash_one(key(id));
        if let Ok(mut one) = self.parts[part(id)].find_entry(hash, |one| one.0 == key(id)) {
            match before {
                Some(before) => one.get_mut().1 = before,
                None => drop(one.remove()),
            }
        }
    }

    pub(super) fn get(&self, id: u128) -> Option<Known> {
        let hash = self.hasher.hash_one(key(id));
        self.parts[part(id)].find(hash, |one| one.0 == key(id)).map(|one| one.1)
    }

    /// Takes a trace out if it began at `first`; how many spans it had.
    pub(super) fn remove(&mut self, id: u128, first: Place) -> Option<u32> {
        let hash = self.hasher.hash_one(key(id));
        let began = |one: &One| one.0 == key(id) && one.1.first == first;
        self.parts[part(id)].find_entry(hash, began).ok().map(|one| one.remove().0.1.spans)
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(HashTable::len).sum()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(HashTable::allocation_size).sum()
    }
}
