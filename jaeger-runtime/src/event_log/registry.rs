//! Which thread owns which log: made when a thread records its first span, handed to another when the thread has ended, all within one byte budget.
//!
//! Cold: a lock, taken twice in a thread's life and once a round by the collector. Rings are never freed, only handed on, so resident memory is bounded by the budget and by the most
//! threads that ever recorded at the same time, and no reference to a ring can dangle. A new owner goes on where the last one has stopped, whether that was read or not, and says
//! in its first Context that it is a new one; so ten thousand short threads need no more rings than run at once, and none waits for the collector.

use super::format::MAX_EVENT_WORDS;
use super::ring::Ring;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The largest log of one thread in bytes. Larger ones gain nothing: a collector that is behind stays behind.
const MAX_RING: usize = 1 << 20;
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

#[derive(Debug)]
struct Registry {
    rings: Vec<&'static Ring>,
    /// Without an owner; the last one given back is taken first, because its memory is warm.
    idle: Vec<&'static Ring>,
    /// Bytes of all rings.
    bytes: usize,
    budget: usize,
    /// The longest event in words that a log takes if it is large enough.
    max_event: usize,
    /// The smallest log in bytes.
    smallest: usize,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    rings: Vec::new(),
    idle: Vec::new(),
    bytes: 0,
    budget: 0,
    max_event: 0,
    smallest: 0,
});

fn with<R>(f: impl FnOnce(&mut Registry) -> R) -> R {
    f(&mut REGISTRY.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Sets the budget in bytes and what one event must hold at least, before the tracer is switched on.
pub(crate) fn configure(budget: usize, max_value_len: usize) {
    with(|r| {
        r.budget = budget;
        // Room for several values at their bound; what an event cannot hold follows in others.
        r.max_event = (max_value_len / 2).clamp(512, MAX_EVENT_WORDS);
        // An event is an eighth of a log at most, and holds one value at its bound also in the smallest.
        r.smallest = MIN_RING.max(((max_value_len / 8 + BESIDE_VALUE) * 8 * 8).next_power_of_two());
    });
}

/// A log for the calling thread, or `None` when the budget is used up.
pub(crate) fn acquire() -> Option<&'static Ring> {
    with(|r| {
        if let Some(ring) = r.idle.pop() {
            return Some(ring);
        }
        let left = r.budget.saturating_sub(r.bytes);
        // The first threads get a large log; as the budget shrinks, so do the logs, so that hundreds of threads find one (by default 698 at the same time; the first get 512 KiB each).
        let share = (left / 96).clamp(r.smallest, MAX_RING.max(r.smallest));
        let bytes = if share.is_power_of_two() { share } else { share.next_power_of_two() / 2 };
        if r.max_event == 0 || bytes > left {
            return None;
        }
        let ring: &'static Ring = Box::leak(Box::new(Ring::new(bytes / 8, r.max_event.min(bytes / 64))));
        r.bytes += ring.bytes();
        r.rings.push(ring);
        Some(ring)
    })
}

/// Appends to `known` the rings made since it was last asked. The position of a ring in it never changes.
pub(crate) fn catch_up(known: &mut Vec<&'static Ring>) {
    with(|r| known.extend_from_slice(&r.rings[known.len()..]));
}

/// The owner's thread ends: the next may go on with its log.
pub(crate) fn release(ring: &'static Ring) {
    with(|r| r.idle.push(ring));
    GIVEN_BACK.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_shrink_with_the_budget_and_are_handed_on() {
        // The registry is the process's; the other unit tests use none.
        configure(8 << 20, 256);
        let mut rings = vec![];
        while let Some(ring) = acquire() {
            rings.push(ring);
            assert!(rings.len() < 1000);
        }
        let bytes: usize = rings.iter().map(|ring| ring.bytes()).sum();
        assert!(bytes <= 8 << 20 && bytes > 7 << 20, "{bytes}");
        assert!(rings.len() > 100, "{}", rings.len());
        assert!(rings[0].bytes() > rings[rings.len() - 1].bytes());
        release(rings[3]);
        assert!(acquire().is_some_and(|ring| std::ptr::eq(ring, rings[3])));
        assert!(acquire().is_none());
        let mut known = vec![];
        catch_up(&mut known);
        assert_eq!(known.len(), rings.len());
    }
}
