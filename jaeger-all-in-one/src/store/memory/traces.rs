//! The table of traces: from an id to the places of its first and last record.
//!
//! ```text
//! parts: hash → number …                    known: number → id, places, spans … in the order of arrival
//! ```
//!
//! What is known lies in a row, in the order of the segments in which the traces began, and goes with these from the front. What is searched by hash is small: 9
//! bytes a place, so that a part of the table is a page or two, and whoever brings many traces brings them [ordered](Traces::hash) by part, which then is
//! looked for once for all of them. A trace that is new touches nothing else.
//!
//! In many parts, so that growing one takes a part of a millisecond and not a second when there are ten million; otherwise datagrams would be lost then.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::record::Place;

/// A power of two: a part is chosen by the first bits of a hash.
const PARTS: u32 = 256;
/// What is known of so many traces lies in one piece. A power of two, so that numbers may begin again from 0.
const PIECE: usize = 1 << 10;

/// What is known of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
pub(super) struct Traces {
    parts: Vec<HashTable<Slot>>,
    /// Pieces of [`PIECE`], all full but the last.
    known: VecDeque<Vec<One>>,
    /// Traces at the front of the first piece that are gone.
    gone: usize,
    /// The number of the first trace of the first piece.
    first: u32,
    /// One seed for all parts, another in every table and run.
    hasher: DefaultHashBuilder,
}

/// What is searched.
#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    number: u32,
}

struct One {
    /// In halves, whose alignment costs a sixth less memory.
    id: [u64; 2],
    first: Place,
    last: Place,
    spans: u32,
    hash: u32,
}

impl One {
    fn known(&self) -> Known {
        Known { first: self.first, last: self.last, spans: self.spans }
    }
}

impl Default for Traces {
    fn default() -> Self {
        Traces {
            parts: (0..PARTS).map(|_| HashTable::new()).collect(),
            known: VecDeque::new(),
            gone: 0,
            first: 0,
            hasher: DefaultHashBuilder::default(),
        }
    }
}

fn halves(id: u128) -> [u64; 2] {
    [id as u64, (id >> 64) as u64]
}

/// The hash within a part, of which the table takes the first and the last bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn part(hash: u32) -> usize {
    (hash / (u32::MAX / PARTS + 1)) as usize
}

impl Traces {
    /// The hash of an id. Traces whose hashes are near each other are near each other in the table.
    #[inline]
    pub(super) fn hash(&self, id: u128) -> u32 {
        (self.hasher.hash_one(halves(id)) >> 32) as u32
    }

    /// Where a trace of that number lies: piece, and place in it.
    fn place(&self, number: u32) -> (usize, usize) {
        let at = number.wrapping_sub(self.first) as usize;
        (at / PIECE, at % PIECE)
    }

    fn one(&self, number: u32) -> Option<&One> {
        let (piece, at) = self.place(number);
        self.known.get(piece)?.get(at)
    }

    #[inline]
    fn find(&self, id: u128, hash: u32) -> Option<u32> {
        let same =
            |slot: &Slot| slot.hash == hash && self.one(slot.number).is_some_and(|one| one.id == halves(id));
        self.parts[part(hash)].find(spread(hash), same).map(|slot| slot.number)
    }

    /// Adds what is new of a trace; what was known of it before. `hash` is of its id. One that is new began in the segment of the last that was, or a later one.
    #[inline]
    pub(super) fn add(&mut self, id: u128, hash: u32, new: Known) -> Option<Known> {
        if let Some(number) = self.find(id, hash) {
            let (piece, at) = self.place(number);
            let one = &mut self.known[piece][at];
            let before = one.known();
            (one.last, one.spans) = (new.last, before.spans.saturating_add(new.spans));
            return Some(before);
        }
        if self.known.back().is_none_or(|piece| piece.len() == PIECE) {
            self.known.push_back(Vec::with_capacity(PIECE));
        }
        let last = self.known.len() - 1;
        let piece = &mut self.known[last];
        let number = self.first.wrapping_add((last * PIECE + piece.len()) as u32);
        piece.push(One { id: halves(id), first: new.first, last: new.last, spans: new.spans, hash });
        self.parts[part(hash)].insert_unique(spread(hash), Slot { hash, number }, |slot| spread(slot.hash));
        None
    }

    pub(super) fn get(&self, id: u128) -> Option<Known> {
        self.one(self.find(id, self.hash(id))?).map(One::known)
    }

    /// Takes out the traces that came first if they began in this segment; how many spans they had.
    pub(super) fn forget(&mut self, segment: u32) -> u64 {
        let mut spans = 0;
        while let Some(piece) = self.known.front() {
            let Some(one) = piece.get(self.gone).filter(|one| one.first.segment() == segment) else { break };
            let number = self.first.wrapping_add(self.gone as u32);
            let slot = self.parts[part(one.hash)].find_entry(spread(one.hash), |slot| slot.number == number);
            if let Ok(slot) = slot {
                slot.remove();
            }
            spans += u64::from(one.spans);
            self.gone += 1;
            if self.gone == PIECE {
                self.known.pop_front();
                (self.gone, self.first) = (0, self.first.wrapping_add(PIECE as u32));
            }
        }
        spans
    }

    pub(super) fn len(&self) -> usize {
        self.known.iter().map(Vec::len).sum::<usize>() - self.gone
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(HashTable::allocation_size).sum();
        parts + self.known.len() * PIECE * size_of::<One>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn known(segment: u32, at: u32, spans: u32) -> Known {
        Known { first: Place::new(segment, at), last: Place::new(segment, at + spans), spans }
    }

    /// Against a map that is told the same, over numbers that begin again from 0 and pieces that go.
    #[test]
    fn it_knows_what_a_map_knows() {
        let mut traces = Traces { first: 0_u32.wrapping_sub(3 * PIECE as u32), ..Traces::default() };
        let mut map: BTreeMap<u128, Known> = BTreeMap::new();
        for segment in 0..40_u32 {
            for n in 0..700 {
                // Some come again, of this segment and of the one before; of some only the upper half differs.
                let id = u128::from(segment * 500 + n * 7 % 700) << (n % 2 * 64);
                let new = known(segment, n * 10, n % 3 + 1);
                let before = traces.add(id, traces.hash(id), new);
                assert_eq!(before, map.get(&id).copied());
                let one = map.entry(id).or_insert(Known { spans: 0, ..new });
                (one.last, one.spans) = (new.last, one.spans + new.spans);
            }
            if let Some(oldest) = segment.checked_sub(5) {
                let gone: Vec<u128> = map
                    .iter()
                    .filter(|(_, known)| known.first.segment() == oldest)
                    .map(|(id, _)| *id)
                    .collect();
                let spans: u64 = gone.iter().map(|id| u64::from(map[id].spans)).sum();
                assert_eq!(traces.forget(oldest), spans, "{segment}");
                assert!(gone.iter().all(|id| map.remove(id).is_some() && traces.get(*id).is_none()));
            }
            assert_eq!(traces.len(), map.len());
            for (id, known) in &map {
                assert_eq!(traces.get(*id), Some(*known), "{segment}");
            }
        }
        assert!(traces.known.len() <= 6 && traces.first < 1 << 31, "pieces go, and numbers have begun again");
    }

    /// Some hundred traces for one part, of the same hash: each is told from the others by its id.
    #[test]
    fn traces_of_one_hash_are_told_apart() {
        let mut traces = Traces::default();
        for id in 0..300 {
            assert_eq!(traces.add(id, 7, known(1, id as u32, 1)), None);
        }
        for id in 0..300 {
            assert_eq!(traces.add(id, 7, known(2, 0, 1)).map(|known| known.first.at()), Some(id as u32));
        }
        assert_eq!((traces.forget(1), traces.len()), (600, 0));
        assert!(traces.parts.iter().all(HashTable::is_empty));
    }
}
