//! Which thread owns which log: made when a thread records its first span, handed to another when the thread has ended, all within one byte budget.
//!
//! Cold: a lock, taken twice in a thread's life and once a round by the collector. Rings are never freed, only handed on, so resident memory is bounded by the budget and by the most
//! threads that ever recorded at the same time, and no reference to a ring can dangle. A new owner goes on where the last one has stopped, whether that was read or not, and says
//! in its first Context that it is a new one; so ten thousand short threads need no more rings than run at once, and none waits for the collector.
//!
//! The first few threads get large logs, for bursts: an executor whose workers open ten thousand spans within milliseconds writes megabytes before the collector has been given the CPU once. They are as many as
//! most machines have workers; the pages of a log that no burst has reached are not resident, and the part that is used between bursts is as small as in any other log (`ring.rs`).

use super::format::MAX_EVENT_WORDS;
use super::ring::Ring;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The budget, unless the tracer is told another: a third for the first few threads, the rest so that some seven hundred more find a log.
pub(crate) const DEFAULT_BUDGET: usize = 96 << 20;
/// The log in bytes of each of the first [`LARGE_RINGS`] threads, if the budget is large enough. 30,000 spans of futures that wait, or 58,000 of `(u64, &str)` and a reply.
const LARGE_RING: usize = 4 << 20;
const LARGE_RINGS: usize = 8;
/// The part of the budget that a large log may be: all of them together a third of it.
const LARGE_PART: usize = 3 * LARGE_RINGS;
/// The largest log in bytes of any later thread.
const MAX_RING: usize = 1 << 20;
/// The part of what is left of the budget that such a log may be.
const PART: usize = 96;
/// The smallest log of one thread in bytes. It holds a hundred spans with arguments between two looks of the collector, and values of a kilobyte.
const MIN_RING: usize = 1 << 13;
/// Words of an event beside its longest value: the fixed part, descriptors and a tag's key.
const BESIDE_VALUE: usize = 64;

/// How many logs were given back so far.
static GIVEN_BACK: AtomicUsize = AtomicUsize::new(0);

/// How many logs were given back so far: as long as it stays, asking again for a log that was refused is no use.
pub(crate) fn given_back() -> usize {
    // Relaxed: who sees the old number asks again at its next span.
    GIVEN_BACK.load(Ordering::Relaxed)
}

/// How large logs are.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Bytes of all rings at most.
    budget: usize,
    /// The smallest log in bytes.
    smallest: usize,
}

impl Sizes {
    /// Bytes of the next ring after `rings` that have `bytes` together, or `None` if the budget has no room for it.
    fn next(self, rings: usize, bytes: usize) -> Option<usize> {
        let left = self.budget.saturating_sub(bytes);
        // After the large ones: as what is left shrinks, so do the logs, so that hundreds of threads find one (by default 706 at the same time; the ninth has 512 KiB).
        let (share, most) = if rings < LARGE_RINGS {
            (self.budget / LARGE_PART, LARGE_RING)
        } else {
            (left / PART, MAX_RING)
        };
        let share = share.clamp(self.smallest, most.max(self.smallest));
        let size = if share.is_power_of_two() { share } else { share.next_power_of_two() / 2 };
        (size <= left).then_some(size)
    }
}

#[derive(Debug)]
struct Registry {
    rings: Vec<&'static Ring>,
    /// Without an owner; of the largest the last one given back is taken first, because its memory is warm.
    idle: Vec<&'static Ring>,
    /// Bytes of all rings.
    bytes: usize,
    sizes: Sizes,
    /// The longest event in words that a log takes if it is large enough.
    max_event: usize,
}

impl Registry {
    const EMPTY: Self = Self {
        rings: Vec::new(),
        idle: Vec::new(),
        bytes: 0,
        sizes: Sizes { budget: 0, smallest: MIN_RING },
        max_event: 0,
    };

    fn configure(&mut self, budget: usize, max_value_len: usize) {
        // An event is an eighth of a log at most, and holds one value at its bound also in the smallest.
        let smallest = MIN_RING.max(((max_value_len / 8 + BESIDE_VALUE) * 8 * 8).next_power_of_two());
        self.sizes = Sizes { budget, smallest };
        // Room for several values at their bound; what an event cannot hold follows in others.
        self.max_event = (max_value_len / 2).clamp(512, MAX_EVENT_WORDS);
    }

    fn acquire(&mut self) -> Option<&'static Ring> {
        let largest = self.idle.iter().enumerate().max_by_key(|(at, ring)| (ring.bytes(), *at));
        if let Some((at, _)) = largest {
            return Some(self.idle.remove(at));
        }
        let bytes = self.sizes.next(self.rings.len(), self.bytes)?;
        let ring: &'static Ring = Box::leak(Box::new(Ring::new(bytes / 8, self.max_event.min(bytes / 64))));
        self.bytes += ring.bytes();
        self.rings.push(ring);
        Some(ring)
    }

    fn catch_up(&self, known: &mut Vec<&'static Ring>) {
        known.extend_from_slice(&self.rings[known.len()..]);
    }

    fn release(&mut self, ring: &'static Ring) {
        self.idle.push(ring);
    }
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::EMPTY);

fn with<R>(f: impl FnOnce(&mut Registry) -> R) -> R {
    f(&mut REGISTRY.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Sets the budget in bytes and what one event must hold at least, before the tracer is switched on.
pub(crate) fn configure(budget: usize, max_value_len: usize) {
    with(|r| r.configure(budget, max_value_len));
}

/// A log for the calling thread, or `None` when the budget is used up.
pub(crate) fn acquire() -> Option<&'static Ring> {
    with(Registry::acquire)
}

/// Appends to `known` the rings made since it was last asked. The position of a ring in it never changes.
pub(crate) fn catch_up(known: &mut Vec<&'static Ring>) {
    with(|r| r.catch_up(known));
}

/// The owner's thread ends: the next may go on with its log.
pub(crate) fn release(ring: &'static Ring) {
    with(|r| r.release(ring));
    GIVEN_BACK.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of all logs that a budget yields.
    fn all(budget: usize) -> Vec<usize> {
        let mut registry = Registry::EMPTY;
        registry.configure(budget, 256);
        let (mut logs, mut bytes) = (vec![], 0);
        while let Some(size) = registry.sizes.next(logs.len(), bytes) {
            logs.push(size);
            bytes += size;
        }
        logs
    }

    #[test]
    fn the_first_logs_are_large_and_the_others_shrink_with_the_budget() {
        // What the documentation says of the default.
        let logs = all(DEFAULT_BUDGET);
        assert_eq!(logs[..8], [4 << 20; 8]);
        assert_eq!(logs[8], 512 << 10);
        assert_eq!(logs.len(), 706);
        for budget in [1 << 18, 1 << 20, 8 << 20, DEFAULT_BUDGET, 1 << 30] {
            let logs = all(budget);
            assert!(logs.is_sorted_by(|a, b| a >= b), "{budget}: {logs:?}");
            let bytes: usize = logs.iter().sum();
            assert!(bytes <= budget && bytes > budget / 8 * 7, "{budget}: {bytes}");
            assert!(logs.len() >= 32 && logs[..8].iter().sum::<usize>() <= budget / 3, "{budget}: {logs:?}");
        }
    }

    #[test]
    fn logs_are_handed_on_large_ones_first() {
        let mut registry = Registry::EMPTY;
        registry.configure(1 << 20, 256);
        let rings: Vec<_> = std::iter::from_fn(|| registry.acquire()).collect();
        for at in [3, 40, 4, 39] {
            registry.release(rings[at]);
        }
        for at in [4, 3, 39, 40] {
            let ring = registry.acquire();
            assert!(ring.is_some_and(|ring| std::ptr::eq(ring, rings[at])), "{at}");
        }
        assert!(registry.acquire().is_none());
        let mut known = vec![];
        registry.catch_up(&mut known);
        assert_eq!(known.len(), rings.len());
    }
}
