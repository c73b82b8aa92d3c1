//! One thread's event log: a bounded queue of 64-bit words, one writer, one reader, no lock and no read-modify-write.
//!
//! The writer is the application's thread, the reader the collector. Words are atomics that both sides touch with relaxed loads and stores
//! (plain moves to the CPU); `head` and `tail`, each written by one side only, order them: what lies below `head` is written, what lies below `tail`
//! is read. So nothing in the protocol needs `unsafe`: a wrong index would be a panic in a test, never a torn span, and loom checks the ordering (`ring/model.rs`). The one
//! block of this file that ships makes zeroed words without touching them; the others are the model checker's.
//!
//! A large log is for bursts. So that a thread whose collector keeps up writes the same few pages again and again, which stay in its cache and are all that is resident, the writer goes back to the log's
//! beginning once it is past the hot part and most of what it wrote was read. It leaves a *skip* in the place, a word that says where it goes on, and what was not read yet stays where it is, as an island that the
//! writer may come upon again from below before the reader is done with it. It then skips to the island's far end and has the rest of the log: going back never costs room.
//!
//! ```text
//! before       |  read  | not read |                       free                       |
//! gone back    | written -> free   | not read, skip |              free                |
//! come upon it |   written, skip   | not read, skip | written ->    free              |
//! ```
//!
//! Invariants:
//! 1. An event lies in one piece. It begins only where `max_event` words are left before the end of the lap; nearer to the end both sides go on at the next lap
//!    by the same rule ([`Shape::begin`]), so nothing is written to say so.
//! 2. A word is written again only when it was read, and `Producer::head + reserved` stays far enough below what was not that every open span's `End` fits ([`END_WORDS`] each): a full
//!    log refuses whole spans and never an `End`.
//! 3. Positions only grow, each skip by a lap at most. At 2^64 words they would wrap, which takes centuries.
//! 4. The writer looks at `tail` only when its `limit` is reached; `limit == 0` makes every write take the slow path, which is how the rest of the crate says
//!    "look again before you write" without a second test on the hot path.
//! 5. There is one island at a time: the writer goes back again only when the reader has left it.

#[cfg(not(loom))]
use super::primitive::Word;
use super::primitive::{AtomicU64, Ordering};
use std::cell::Cell;

/// Words kept free for the `End` of each open nested span.
pub(crate) const END_WORDS: u64 = 2;
/// Words of the part of a log that is used again and again while the collector keeps up: a quarter of a MiB, which leaves the caches room for others. So much unread, the collector is told.
const HOT: u64 = 1 << 15;
/// The kind of word that is no event and says in its other 60 bits after how many words, itself included, the log goes on. `format.rs` has no such kind.
const SKIP: u64 = 15;

/// A cache line to itself (two, for CPUs that fetch lines in pairs): the writer must not wait because the reader moved its own cursor.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

/// Where events may lie.
#[derive(Clone, Copy, Debug)]
struct Shape {
    capacity: u64,
    max_event: u64,
    /// See [`HOT`].
    hot: u64,
}

impl Shape {
    /// Words from the beginning of the log.
    fn place(self, position: u64) -> u64 {
        position & (self.capacity - 1)
    }

    /// Where an event begins whose predecessor ended at `position`.
    fn begin(self, position: u64) -> u64 {
        let place = self.place(position);
        if place > self.capacity - self.max_event { position - place + self.capacity } else { position }
    }

    /// Room that is left when `used` words are not. Three longest events stay free: one being written, one lap's end skipped, one for rounding.
    fn free(self, used: u64) -> u64 {
        (self.capacity - 3 * self.max_event).saturating_sub(used)
    }

    /// Whether a writer at `head` goes back to the beginning: it is past the hot part, most of what it wrote was read, and the ends of its open spans fit before the island (and so behind it).
    fn goes_back(self, head: u64, used: u64, reserved: u64) -> bool {
        let place = self.place(head);
        (self.hot..=self.capacity / 2).contains(&place)
            && used <= self.hot / 2
            && place - used >= 3 * self.max_event + self.hot / 4 + 2 * reserved
    }
}

#[derive(Debug)]
pub(crate) struct Ring {
    words: Box<[Word]>,
    shape: Shape,
    head: Padded<AtomicU64>,
    tail: Padded<AtomicU64>,
    /// Spans refused because the log was full. Written by the owner only.
    refused: AtomicU64,
    /// Where the last owner went back, for the next one: [`Island::end`], `lap` and `passed`. Touched only when a log changes hands, which is told by other means.
    left: [AtomicU64; 3],
}

impl Ring {
    /// `capacity` words, a power of two; no event is longer than `max_event` words, an eighth of it at most.
    pub(crate) fn new(capacity: usize, max_event: usize) -> Self {
        Self::with_hot(capacity, max_event, HOT)
    }

    fn with_hot(capacity: usize, max_event: usize, hot: u64) -> Self {
        assert!(capacity.is_power_of_two() && max_event >= 8 && max_event <= capacity / 8);
        Self {
            words: zeroed(capacity),
            shape: Shape { capacity: capacity as u64, max_event: max_event as u64, hot },
            head: Padded(AtomicU64::new(0)),
            tail: Padded(AtomicU64::new(0)),
            refused: AtomicU64::new(0),
            left: Island::NONE.to_words().map(AtomicU64::new),
        }
    }

    /// Bytes of its buffer.
    pub(crate) fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Spans refused since the ring was made.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Reader: where the writer stands. What lies below may be read.
    pub(crate) fn written(&self) -> u64 {
        self.head.0.load(Ordering::Acquire)
    }

    /// Reader: calls `each` with the events below `end` (which [`Ring::written`] has said), oldest first, and gives their room back. Whether it came to the end: it stops after some `most` words.
    ///
    /// `length` tells an event's words from its first one. Room is given back piece by piece, so that the writer does not wait for the whole log.
    pub(crate) fn read(
        &self,
        mut end: u64,
        most: u64,
        length: impl Fn(u64) -> usize,
        mut each: impl FnMut(&[Word]),
    ) -> bool {
        let piece = (self.shape.capacity / 8).min(self.shape.hot / 4);
        let mut tail = self.tail.0.load(Ordering::Relaxed);
        let mut released = tail;
        let mut stop = tail.saturating_add(most);
        while tail < end.min(stop) {
            tail = self.shape.begin(tail);
            let at = self.shape.place(tail) as usize;
            let first = self.words[at].load(Ordering::Relaxed);
            if first >> 60 == SKIP {
                let words = first & !(SKIP << 60);
                tail += words;
                stop = stop.saturating_add(words);
            } else {
                // A length of zero, or past the limit, would be a bug of the writer; the reader must not spin or run off because of it.
                let Some(event) = self.words.get(at..at + length(first).max(1)) else {
                    end = tail;
                    break;
                };
                each(event);
                tail += event.len() as u64;
            }
            if tail - released >= piece {
                // Release: the reads above are done before the writer may overwrite.
                self.tail.0.store(tail, Ordering::Release);
                released = tail;
            }
        }
        if tail != released {
            self.tail.0.store(tail, Ordering::Release);
        }
        tail >= end
    }
}

/// Words of a ring, all zero. A large zeroed allocation is pages that nobody has touched, so a thread pays resident memory only for what it has written;
/// made one by one they would be touched here.
#[cfg(not(loom))]
#[allow(unsafe_code)]
fn zeroed(capacity: usize) -> Box<[Word]> {
    let Ok(layout) = std::alloc::Layout::array::<Word>(capacity) else { panic!("a log of {capacity} words") };
    // SAFETY: the layout is not of size zero, since `Ring::new` has checked that the capacity is a power of two. The pointer is what `Box` would have allocated for the same layout,
    // with the global allocator, and is given to one box only. Eight zero bytes are a valid `AtomicU64` (it has the representation of a `u64`).
    unsafe {
        let words = std::alloc::alloc_zeroed(layout).cast::<Word>();
        if words.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        Box::from_raw(std::ptr::slice_from_raw_parts_mut(words, capacity))
    }
}

/// A word under the model checker; see `primitive.rs`.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Word(loom::cell::UnsafeCell<u64>);

// SAFETY: whatever thread touches the cell, loom has compared the access with all others before it is made, and ends the run where two of them are not ordered. (Cells for model checking only.)
#[cfg(loom)]
#[allow(unsafe_code)]
unsafe impl Sync for Word {}

#[cfg(loom)]
#[allow(unsafe_code)]
impl Word {
    pub(crate) fn new(bits: u64) -> Self {
        Self(loom::cell::UnsafeCell::new(bits))
    }

    pub(crate) fn load(&self, _: Ordering) -> u64 {
        // SAFETY: `with` panics where a write is not ordered before this read.
        self.0.with(|bits| unsafe { *bits })
    }

    pub(crate) fn store(&self, bits: u64, _: Ordering) {
        // SAFETY: `with_mut` panics where any other access is not ordered before this one.
        self.0.with_mut(|to| unsafe { *to = bits });
    }
}

#[cfg(loom)]
fn zeroed(capacity: usize) -> Box<[Word]> {
    (0..capacity).map(|_| Word::new(0)).collect()
}

/// The writer's end, kept in a thread-local: all cells, no atomics of its own.
pub(crate) struct Producer {
    ring: Cell<Option<&'static Ring>>,
    /// The ring's words, one step nearer than through `ring`. Empty when there is no ring, so that every slot is refused.
    words: Cell<&'static [Word]>,
    head: Cell<u64>,
    /// The longest event of this ring.
    max_event: Cell<usize>,
    /// A write may begin while `head + reserved < limit`; zero under a trap.
    limit: Cell<u64>,
    /// The same without the trap, for events that say all about themselves and need not look at anything first.
    open_limit: Cell<u64>,
    reserved: Cell<u64>,
    /// Somebody wants every write to take the slow path.
    trapped: Cell<bool>,
    /// Where the tail was when the collector was last woken: as long as it has not moved, waking again is no use.
    woken_at: Cell<u64>,
    island: Cell<Island>,
}

/// Where the writer last went back. A thread that takes over a log is told: until the reader has left the island, it would else have the room before it and no more, some 64 KiB.
#[derive(Clone, Copy, Debug)]
struct Island {
    /// Where what was not read ends, with the skip.
    end: u64,
    /// The lap's beginning at which the writer went on. A reader that is as far has left the island.
    lap: u64,
    /// The writer has come upon the island and is past it.
    passed: bool,
}

impl Island {
    const NONE: Self = Self { end: 0, lap: 0, passed: true };

    fn to_words(self) -> [u64; 3] {
        [self.end, self.lap, u64::from(self.passed)]
    }

    fn from_words([end, lap, passed]: [u64; 3]) -> Self {
        Self { end, lap, passed: passed != 0 }
    }
}

/// What the slow path found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Write, at [`Producer::window`].
    Yes,
    /// Write; and there is enough to read (256 KiB, or half of a smaller log), so wake the collector.
    YesAndWake,
    /// The log is full (or this thread has none).
    No,
}

impl Producer {
    pub(crate) const fn detached() -> Self {
        Self {
            ring: Cell::new(None),
            words: Cell::new(&[]),
            head: Cell::new(0),
            max_event: Cell::new(0),
            limit: Cell::new(0),
            open_limit: Cell::new(0),
            reserved: Cell::new(0),
            trapped: Cell::new(false),
            woken_at: Cell::new(u64::MAX),
            island: Cell::new(Island::NONE),
        }
    }

    /// Takes the writing end of `ring`, which nobody else writes.
    pub(crate) fn attach(&self, ring: &'static Ring) {
        self.ring.set(Some(ring));
        self.words.set(&ring.words);
        // Relaxed: whoever gave the ring away has told this thread so, and what it wrote before with it.
        self.head.set(ring.head.0.load(Ordering::Relaxed));
        self.max_event.set(ring.shape.max_event as usize);
        self.reserved.set(0);
        self.island.set(Island::from_words([0, 1, 2].map(|i| ring.left[i].load(Ordering::Relaxed))));
        self.close();
    }

    fn close(&self) {
        self.limit.set(0);
        self.open_limit.set(0);
    }

    /// Lets go of the ring. Another thread may go on writing it where this one has stopped, once it was told of it (by way of a lock or the like).
    pub(crate) fn detach(&self) -> Option<&'static Ring> {
        self.words.set(&[]);
        self.close();
        let ring = self.ring.take()?;
        for (to, word) in ring.left.iter().zip(self.island.get().to_words()) {
            to.store(word, Ordering::Relaxed);
        }
        Some(ring)
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.ring.get().is_some()
    }

    /// Makes every write take the slow path until [`Producer::release_trap`].
    #[inline(always)]
    pub(crate) fn trap(&self) {
        self.trapped.set(true);
        self.limit.set(0);
    }

    /// Opens the fast path again.
    #[inline]
    pub(crate) fn release_trap(&self) {
        self.trapped.set(false);
        self.limit.set(self.open_limit.get());
    }

    /// Whether an event may be written without the slow path.
    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.head.get() + self.reserved.get() < self.limit.get()
    }

    /// The same for an event that a trap need not stop.
    #[inline(always)]
    pub(crate) fn is_open_untrapped(&self) -> bool {
        self.head.get() + self.reserved.get() < self.open_limit.get()
    }

    /// The words of the next event, as many as one event may have. Valid after [`Producer::is_open`] or a slow path that said yes.
    #[inline(always)]
    pub(crate) fn window(&self) -> &'static [Word] {
        let words = self.words.get();
        let at = self.head.get() as usize & words.len().wrapping_sub(1);
        words.get(at..).and_then(|words| words.get(..self.max_event.get())).unwrap_or(&[])
    }

    /// The first `N` of them, for an event that has no more: cheaper than to look at them all.
    #[inline(always)]
    pub(crate) fn first_words<const N: usize>(&self) -> Option<&'static [Word; N]> {
        let words = self.words.get();
        let at = self.head.get() as usize & words.len().wrapping_sub(1);
        words.get(at..)?.first_chunk()
    }

    /// Makes `len` written words visible to the reader.
    #[inline(always)]
    pub(crate) fn publish(&self, len: usize) {
        self.publish_to(self.head.get() + len as u64);
    }

    #[inline(always)]
    fn publish_to(&self, head: u64) {
        self.head.set(head);
        if let Some(ring) = self.ring.get() {
            ring.head.0.store(head, Ordering::Release);
        }
    }

    /// Goes on at `to`, and leaves a word that says so, which there must be room for.
    fn skip_to(&self, to: u64) {
        if let [word, ..] = self.window() {
            word.store(SKIP << 60 | (to - self.head.get()), Ordering::Relaxed);
            self.publish_to(to);
        }
    }

    /// A nested span was opened: keep room for its end.
    #[inline(always)]
    pub(crate) fn reserve_end(&self) {
        self.reserved.set(self.reserved.get() + END_WORDS);
    }

    /// A nested span is about to end: its room may be used.
    #[inline(always)]
    pub(crate) fn release_end(&self) {
        self.reserved.set(self.reserved.get().saturating_sub(END_WORDS));
    }

    /// Slow path before an event of up to `max_event` words. When it says no, [`END_WORDS`] words for the `End` of an open span still fit at [`Producer::window`].
    #[cold]
    pub(crate) fn make_room(&self) -> Room {
        let Some(ring) = self.ring.get() else { return Room::No };
        let (shape, reserved) = (ring.shape, self.reserved.get());
        self.head.set(shape.begin(self.head.get()));
        // Acquire: the reader is done with what lies below.
        let tail = ring.tail.0.load(Ordering::Acquire);
        let mut island = self.island.get();
        if tail >= island.lap {
            island = Island::NONE;
            let head = self.head.get();
            if shape.goes_back(head, head - tail.min(head), reserved) {
                let lap = head - shape.place(head) + shape.capacity;
                island = Island { end: head + 1, lap, passed: false };
                self.skip_to(lap);
            }
        }
        // Once past the island, all words of the lap up to the head are taken, by it or by what was written since.
        let from = if island.lap > 0 && island.passed { island.lap } else { tail };
        let mut used = self.head.get() - from.min(self.head.get());
        if !island.passed && shape.free(used) <= reserved {
            island.passed = true;
            self.skip_to(island.lap + shape.place(island.end));
            used = self.head.get() - island.lap;
        }
        self.island.set(island);
        let free = shape.free(used);
        if free <= reserved {
            self.close();
            return Room::No;
        }
        let head = self.head.get();
        // Free room behind the island that the writer will only come to later is no reason to wake anybody.
        let unread = if island.passed { used } else { used - (island.lap - island.end) };
        let enough = shape.hot.min(shape.capacity / 2);
        let below = unread < enough;
        let room = if below || self.woken_at.replace(tail) == tail { Room::Yes } else { Room::YesAndWake };
        // Past it, a look now and then: for a collector that went to sleep again, and whether to go back.
        let step = if below { enough - unread } else { shape.hot / 2 };
        let limit = head + free.min(step + reserved);
        let lap_end = head - shape.place(head) + (shape.capacity - shape.max_event) + 1;
        let limit = limit.min(lap_end);
        self.open_limit.set(limit);
        self.limit.set(if self.trapped.get() { 0 } else { limit });
        room
    }

    /// Counts a span that found no room.
    pub(crate) fn count_refused(&self) {
        if let Some(ring) = self.ring.get() {
            // Only this thread writes it: a load and a store, not a read-modify-write.
            ring.refused.store(ring.refused.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod model;
