//! What the fold has read and applies a round later: ends of spans that moved, and additions to spans that it has not seen yet; and what the first word of such an event says.
//!
//! Left out on purpose: when it is applied (`fold.rs`).

use crate::event_log::format::{self, ExtraKind, Outcome};

/// An end that waits for its round.
pub(super) struct Ending {
    pub(super) id: u64,
    pub(super) ticks: u64,
    pub(super) said: Said,
    pub(super) descriptor: u16,
    /// In [`Waiting::bytes`].
    pub(super) start: usize,
    pub(super) end: usize,
}

/// An addition to a span that has not been seen yet.
pub(super) struct Early {
    pub(super) id: u64,
    pub(super) kind: ExtraKind,
    pub(super) nanos: i64,
    pub(super) count: usize,
    pub(super) descriptor: u16,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What waits for the next round.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) ends: Vec<Ending>,
    pub(super) early: Vec<Early>,
    pub(super) bytes: Vec<u8>,
}

impl Waiting {
    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.early.clear();
        self.bytes.clear();
    }
}

/// How many values there are, of an event whose first word says so.
pub(super) fn count(first: u64) -> usize {
    (first >> 8 & 0xff) as usize
}

/// What the first word of a span's end says.
#[derive(Clone, Copy)]
pub(super) struct Said {
    pub(super) outcome: Outcome,
    pub(super) count: usize,
    /// Values that found no room. They are counted with the span that arrives without them: of one that was lost whole they are no loss of their own.
    pub(super) untold: u64,
}

impl Said {
    pub(super) const NOTHING: Self = Self { outcome: Outcome::Ok, count: 0, untold: 0 };

    pub(super) fn of(first: u64) -> Self {
        Self { outcome: Outcome::from_bits(first), count: count(first), untold: format::untold(first) }
    }
}
