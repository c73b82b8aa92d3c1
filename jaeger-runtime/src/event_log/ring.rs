//! One thread's event log: a bounded queue of 64-bit words, one writer, one reader, no lock and no read-modify-write.
//!
//! The writer is the application's thread, the reader the collector. Words are atomics that both sides touch with relaxed loads and stores
//! (plain moves to the CPU); `head` and `tail`, each written by one side only, order them: what lies below `head` is written, what lies below `tail`
//! is read. So nothing in the protocol needs `unsafe`: a wrong index would be a panic in a test, never a torn span, and loom checks the ordering (`mod model`). The one
//! block of this file that ships makes zeroed words without touching them; the others are the model checker's.
//!
//! Invariants:
//! 1. An event lies in one piece. It begins only where `max_event` words are left before the end of the lap; nearer to the end both sides go on at the next lap
//!    by the same rule ([`Shape::begin`]), so nothing is written to say so.
//! 2. `head - tail <= capacity`, and `Producer::head + reserved` stays far enough below it that every open span's `End` fits ([`END_WORDS`] each): a full log refuses
//!    whole spans and never an `End`.
//! 3. Positions only grow. At 2^64 words they would wrap, which takes centuries.
//! 4. The writer looks at `tail` only when its `limit` is reached; `limit == 0` makes every write take the slow path, which is how the rest of the crate says
//!    "look again before you write" without a second test on the hot path.

#[cfg(not(loom))]
use super::primitive::Word;
use super::primitive::{AtomicU64, AtomicUsize, Ordering};
use std::cell::Cell;

/// Words kept free for the `End` of each open nested span.
pub(crate) const END_WORDS: usize = 2;

/// A cache line to itself (two, for CPUs that fetch lines in pairs): the writer must not wait because the reader moved its own cursor.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

/// Where events may lie.
#[derive(Clone, Copy, Debug)]
struct Shape {
    capacity: usize,
    max_event: usize,
}

impl Shape {
    /// Where an event begins whose predecessor ended at `position`.
    fn begin(self, position: usize) -> usize {
        let offset = position & (self.capacity - 1);
        if offset > self.capacity - self.max_event { position - offset + self.capacity } else { position }
    }
}

#[derive(Debug)]
pub(crate) struct Ring {
    words: Box<[Word]>,
    shape: Shape,
    head: Padded<AtomicUsize>,
    tail: Padded<AtomicUsize>,
    /// Spans refused because the log was full. Written by the owner only.
    refused: AtomicU64,
}

impl Ring {
    /// `capacity` words, a power of two; no event is longer than `max_event` words, an eighth of it at most.
    pub(crate) fn new(capacity: usize, max_event: usize) -> Self {
        assert!(capacity.is_power_of_two() && max_event >= 8 && max_event <= capacity / 8);
        Self {
            words: zeroed(capacity),
            shape: Shape { capacity, max_event },
            head: Padded(AtomicUsize::new(0)),
            tail: Padded(AtomicUsize::new(0)),
            refused: AtomicU64::new(0),
        }
    }

    /// Bytes of its buffer.
    pub(crate) fn bytes(&self) -> usize {
        self.shape.capacity * 8
    }

    /// Spans refused since the ring was made.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Reader: calls `each` with every event written before the call, oldest first, and gives its room back.
    ///
    /// `length` tells an event's words from its first one. Room is given back every `chunk` words, so that the writer does not wait for the whole log.
    pub(crate) fn read(&self, length: impl Fn(u64) -> usize, mut each: impl FnMut(&[Word])) -> usize {
        let head = self.head.0.load(Ordering::Acquire);
        let start = self.tail.0.load(Ordering::Relaxed);
        let (mut tail, mut released) = (start, start);
        while tail < head {
            let at = self.shape.begin(tail) & (self.shape.capacity - 1);
            let len = length(self.words[at].load(Ordering::Relaxed));
            // A length of zero, or past the limit, would be a bug of the writer; the reader must not spin or run off because of it.
            let Some(event) = self.words.get(at..at + len.max(1)) else { break };
            each(event);
            tail = self.shape.begin(tail) + event.len();
            if tail - released >= self.shape.capacity / 8 {
                self.tail.0.store(tail, Ordering::Release);
                released = tail;
            }
        }
        // Release: the reads above are done before the writer may overwrite.
        self.tail.0.store(tail, Ordering::Release);
        tail - start
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
    head: Cell<usize>,
    /// The longest event of this ring.
    max_event: Cell<usize>,
    /// A write may begin while `head + reserved < limit`; zero under a trap.
    limit: Cell<usize>,
    /// The same without the trap, for events that say all about themselves and need not look at anything first.
    open_limit: Cell<usize>,
    reserved: Cell<usize>,
    /// Somebody wants every write to take the slow path.
    trapped: Cell<bool>,
    /// Where the tail was when the collector was last woken: as long as it has not moved, waking again is no use.
    woken_at: Cell<usize>,
}

/// What the slow path found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Write, at [`Producer::window`].
    Yes,
    /// Write; and the log has passed its half, so wake the collector.
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
            woken_at: Cell::new(usize::MAX),
        }
    }

    /// Takes the writing end of `ring`, which nobody else writes.
    pub(crate) fn attach(&self, ring: &'static Ring) {
        self.ring.set(Some(ring));
        self.words.set(&ring.words);
        // Relaxed: whoever gave the ring away has told this thread so, and what it wrote before with it.
        self.head.set(ring.head.0.load(Ordering::Relaxed));
        self.max_event.set(ring.shape.max_event);
        self.reserved.set(0);
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
        self.ring.take()
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
        let at = self.head.get() & words.len().wrapping_sub(1);
        words.get(at..at + self.max_event.get()).unwrap_or(&[])
    }

    /// Makes `len` written words visible to the reader.
    #[inline(always)]
    pub(crate) fn publish(&self, len: usize) {
        let head = self.head.get() + len;
        self.head.set(head);
        if let Some(ring) = self.ring.get() {
            ring.head.0.store(head, Ordering::Release);
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
        let Shape { capacity, max_event } = ring.shape;
        let head = ring.shape.begin(self.head.get());
        self.head.set(head);
        // Acquire: the reader is done with what lies below.
        let tail = ring.tail.0.load(Ordering::Acquire);
        let used = head - tail.min(head);
        // Three longest events stay free: one being written, one lap's end skipped, one for rounding.
        let free = (capacity - 3 * max_event).saturating_sub(used);
        if free <= self.reserved.get() {
            self.close();
            return Room::No;
        }
        let lap_end = head - (head & (capacity - 1)) + (capacity - max_event) + 1;
        let half = capacity / 2;
        let below = used < half;
        let room = if below || self.woken_at.replace(tail) == tail { Room::Yes } else { Room::YesAndWake };
        let limit = if below { head + half - used } else { head + free };
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
mod tests {
    use super::*;

    fn leak(capacity: usize, max_event: usize) -> (&'static Ring, Producer) {
        let ring: &'static Ring = Box::leak(Box::new(Ring::new(capacity, max_event)));
        let producer = Producer::detached();
        producer.attach(ring);
        (ring, producer)
    }

    /// An event of `len` words: its length, then `mark` in each.
    fn write(producer: &Producer, len: usize, mark: u64) -> bool {
        if !producer.is_open() && producer.make_room() == Room::No {
            producer.count_refused();
            return false;
        }
        let window = producer.window();
        window[0].store(len as u64, Ordering::Relaxed);
        window[1..len].iter().for_each(|word| word.store(mark, Ordering::Relaxed));
        producer.publish(len);
        true
    }

    fn read(ring: &Ring) -> Vec<(usize, u64)> {
        let mut got = vec![];
        ring.read(
            |first| first as usize,
            |event| {
                let mark = event.last().unwrap().load(Ordering::Relaxed);
                assert!(event[1..].iter().all(|word| word.load(Ordering::Relaxed) == mark), "torn event");
                got.push((event.len(), mark));
            },
        );
        got
    }

    #[test]
    fn events_of_all_lengths_cross_many_laps_whole_and_in_order() {
        let (ring, producer) = leak(256, 32);
        let (mut wrote, mut got) = (vec![], vec![]);
        let many = if cfg!(miri) { 500 } else { 5_000 };
        for i in 0..many {
            let len = 2 + (i * 7) % 31;
            if write(&producer, len, i as u64) {
                wrote.push((len, i as u64));
            }
            if i % 3 == 0 {
                got.extend(read(ring));
            }
        }
        got.extend(read(ring));
        assert_eq!(got, wrote);
        assert_eq!(wrote.len() + ring.refused() as usize, many);
        assert!(
            wrote.len() > many / 100 * 98,
            "a reader that keeps up loses next to nothing: {}",
            wrote.len()
        );
    }

    #[test]
    fn a_full_log_refuses_starts_and_still_takes_every_end() {
        let (ring, producer) = leak(1024, 8);
        let mut open = 0;
        while write(&producer, 2, 1) {
            producer.reserve_end();
            open += 1;
            assert!(open < 1024);
        }
        assert_eq!(ring.refused(), 1);
        assert!(open > 200, "most of the log is usable: {open}");
        for _ in 0..open {
            producer.release_end();
            if !producer.is_open() {
                producer.make_room();
            }
            let window = producer.window();
            window[0].store(END_WORDS as u64, Ordering::Relaxed);
            window[1].store(2, Ordering::Relaxed);
            producer.publish(END_WORDS);
        }
        let got = read(ring);
        assert_eq!(got.iter().filter(|e| e.1 == 1).count(), open);
        assert_eq!(got.iter().filter(|e| e.1 == 2).count(), open);
        assert!(write(&producer, 2, 3), "and takes spans again once it was read");
    }

    #[test]
    fn a_trap_holds_until_it_is_released_and_half_full_wakes() {
        let (ring, producer) = leak(1024, 8);
        assert_eq!(producer.make_room(), Room::Yes);
        assert!(producer.is_open());
        producer.trap();
        assert!(!producer.is_open());
        assert_eq!(producer.make_room(), Room::Yes);
        assert!(!producer.is_open() && producer.is_open_untrapped(), "still trapped");
        producer.release_trap();
        let mut words = 0;
        while producer.is_open() {
            write(&producer, 4, 1);
            words += 4;
        }
        assert!((512..520).contains(&words), "{words}");
        assert_eq!(producer.make_room(), Room::YesAndWake);
        assert_eq!(producer.make_room(), Room::Yes, "woken once");
        read(ring);
        let mut rooms = vec![];
        while !rooms.contains(&Room::YesAndWake) {
            while producer.is_open() {
                write(&producer, 4, 2);
            }
            rooms.push(producer.make_room());
            assert!(!rooms.contains(&Room::No), "and again after the reader has been there");
        }
        assert!(producer.detach().is_some() && !producer.is_open() && producer.window().is_empty());
        assert_eq!(producer.make_room(), Room::No);
        assert!(read(ring).len() > 100);
    }
}

/// Run with `RUSTFLAGS="--cfg loom" cargo test -p jaeger-runtime --release --lib loom_`.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::thread;

    fn write(producer: &Producer, mark: u64) -> bool {
        if !producer.is_open() && producer.make_room() == Room::No {
            producer.count_refused();
            return false;
        }
        let window = producer.window();
        // The longest event the shape allows, so that laps pass quickly.
        window[0].store(8, Ordering::Relaxed);
        window[7].store(mark, Ordering::Relaxed);
        producer.publish(8);
        true
    }

    fn read(ring: &Ring, got: &mut Vec<u64>) {
        ring.read(|first| first as usize, |event| got.push(event[7].load(Ordering::Relaxed)));
    }

    /// Every event is read once, whole and in order, or counted as refused, however the two sides interleave, over more than one lap.
    #[test]
    fn loom_events_are_read_once_in_order_or_counted() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            let ring: &'static Ring = Box::leak(Box::new(Ring::new(64, 8)));
            let reader = thread::spawn(move || {
                let mut got = vec![];
                read(ring, &mut got);
                read(ring, &mut got);
                got
            });
            let producer = Producer::detached();
            producer.attach(ring);
            let wrote: Vec<u64> = (1..=9).filter(|mark| write(&producer, *mark)).collect();
            let mut got = reader.join().unwrap();
            read(ring, &mut got);
            assert_eq!(got, wrote);
            assert_eq!(wrote.len() as u64 + ring.refused(), 9);
        });
    }

    /// A thread ends and another goes on with its log while it is being read: nothing is lost, torn or out of order.
    #[test]
    fn loom_a_log_goes_from_thread_to_thread() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            let ring: &'static Ring = Box::leak(Box::new(Ring::new(64, 8)));
            let idle = loom::sync::Arc::new(loom::sync::Mutex::new(None));
            let owner = {
                let idle = idle.clone();
                thread::spawn(move || {
                    let producer = Producer::detached();
                    producer.attach(ring);
                    assert!(write(&producer, 1));
                    *idle.lock().unwrap() = producer.detach();
                })
            };
            let next = thread::spawn(move || {
                let taken = idle.lock().unwrap().take();
                taken.is_some_and(|ring| {
                    let producer = Producer::detached();
                    producer.attach(ring);
                    write(&producer, 2)
                })
            });
            let mut got = vec![];
            read(ring, &mut got);
            owner.join().unwrap();
            let two = next.join().unwrap();
            read(ring, &mut got);
            assert_eq!(got, if two { vec![1, 2] } else { vec![1] });
        });
    }
}
