//! The traces of one message, put by until it is kept.
//!
//! What is known of a trace lies somewhere in a large table that the caches hold nothing of when a message comes, and the first look at it takes as long as
//! reading a span. Asked for when its first span comes, that time is waited for each trace by itself; asked for all at the end, the looks do not wait for each
//! other. So a record only points to those that came with the same message, and which trace goes on with what came before is noted at the end.

use super::segment::Segment;
use super::traces::{Known, Traces};

/// Places for traces, each for those whose ids fall on it. A power of two; batches of clients have less traces, mostly.
const PLACES: usize = 256;

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
    /// Traces that had to make place for others, with what was known of them before.
    gone: Vec<(u128, Option<Known>)>,
}

impl Default for Met {
    fn default() -> Self {
        let places = Box::new([One { id: [0; 2], known: Known::NEW }; PLACES]);
        Met { places, used: Vec::with_capacity(PLACES), gone: Vec::new() }
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
    pub(super) fn meet(&mut self, id: u128, traces: &mut Traces, active: &mut Segment) -> Known {
        let place = place(id);
        let one = self.places[usize::from(place)];
        if one.known.spans == 0 {
            self.used.push(place);
            return Known::NEW;
        }
        if one.id() == id {
            return one.known;
        }
        self.gone.push((one.id(), add(one, traces, active)));
        Known::NEW
    }

    /// What came of the trace that was met last.
    #[inline]
    pub(super) fn note(&mut self, id: u128, known: Known) {
        self.places[usize::from(place(id))] = One { id: [id as u64, (id >> 64) as u64], known };
    }

    /// Adds all to the table, and the message is over.
    pub(super) fn keep(&mut self, traces: &mut Traces, active: &mut Segment) {
        for place in self.used.drain(..) {
            let one = &mut self.places[usize::from(place)];
            add(*one, traces, active);
            one.known = Known::NEW;
        }
        self.gone.clear();
    }

    /// None of it was meant.
    pub(super) fn forget(&mut self, traces: &mut Traces) {
        for place in self.used.drain(..) {
            self.places[usize::from(place)].known = Known::NEW;
        }
        for (id, before) in self.gone.drain(..).rev() {
            traces.take_back(id, before);
        }
    }
}

/// Adds one to the table; what was known of it before.
#[inline]
fn add(one: One, traces: &mut Traces, active: &mut Segment) -> Option<Known> {
    let before = traces.add(one.id(), one.known);
    if let Some(before) = before {
        active.goes_on(one.known.first, before.last);
    }
    before
}
