//! A reporter on a thread of its own, behind a queue that is bounded in bytes: it may be slow, or hang for ever, and the collector does not notice.
//!
//! The collector copies spans into a chunk and hands it over at the end of each round, or when it is full. What finds no room in the queue is dropped and counted. A flush is a mark in the
//! queue with a number; the worker calls the collector's thread when it has come there. So nobody waits for a reporter but who asked for a flush, and not longer than they said.
//!
//! Invariant: `given = failed + refused + what the worker has counted + what waits`, and each of these spans is in one of the four numbers of [`ReporterStats`].

use super::chunk::Chunk;
use super::guard::{Guarded, Tally};
use super::{Reporter, ReporterStats, ReporterStatus, SpanRecord};
use jaeger_thrift::Process;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// The name of the threads.
pub(crate) const THREAD: &str = "jaeger-reporter";
/// A chunk is handed over when it has grown to this, in bytes.
const CHUNK: usize = 1 << 16;
/// So many empty chunks are kept for use again.
const SPARE: usize = 4;

/// The collector's end.
pub(super) struct Lane {
    road: Arc<Road>,
    filling: Chunk,
    /// The most bytes that may wait, give or take one span.
    budget: usize,
    /// Bytes that wait, when that was last looked at; there can only be fewer now.
    waiting: usize,
    given: u64,
    /// Not handed over, because it gets no more spans.
    failed: u64,
    /// Not handed over, because there was no room.
    refused: u64,
}

/// What both ends share.
struct Road {
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// The reporter gets no more spans.
    cut_off: AtomicBool,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    spare: Vec<Chunk>,
    /// Of the chunks in the queue and in the worker's hands.
    bytes: usize,
    /// The collector is gone.
    hung_up: bool,
    /// The number of the last flush that is done. Past all numbers when the worker has come to its end.
    done: u64,
    name: Option<String>,
    tally: Tally,
}

enum Item {
    Spans(Chunk),
    /// Flush, for the last time if it is `last`, and say so to `caller`.
    Flush {
        number: u64,
        last: bool,
        caller: Thread,
    },
}

impl Road {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// Starts the reporter's thread.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn spawn(
        reporter: Box<dyn Reporter>,
        process: Process<'static>,
        budget: usize,
    ) -> io::Result<Self> {
        let road = Arc::new(Road {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            cut_off: AtomicBool::new(false),
        });
        let theirs = road.clone();
        thread::Builder::new().name(THREAD.into()).spawn(move || {
            let end = End(&theirs);
            work(reporter, &process, &theirs);
            drop(end);
        })?;
        Ok(Self { road, filling: Chunk::default(), budget, waiting: 0, given: 0, failed: 0, refused: 0 })
    }

    pub(super) fn report(&mut self, span: &SpanRecord<'_>) {
        self.given += 1;
        if self.road.cut_off.load(Relaxed) {
            self.failed += 1;
        } else if self.is_full() {
            self.refused += 1;
        } else {
            self.filling.push(span);
            if self.filling.bytes() >= CHUNK {
                self.hand_over();
            }
        }
    }

    fn is_full(&mut self) -> bool {
        if self.waiting + self.filling.bytes() < self.budget {
            return false;
        }
        // The worker may have made room since.
        self.waiting = self.road.queue().bytes;
        self.waiting + self.filling.bytes() >= self.budget
    }

    /// Gives the worker what it has not got yet.
    pub(super) fn hand_over(&mut self) {
        if self.filling.is_empty() {
            return;
        }
        let mut queue = self.road.queue();
        let chunk = std::mem::replace(&mut self.filling, queue.spare.pop().unwrap_or_default());
        queue.bytes += chunk.bytes();
        self.waiting = queue.bytes;
        queue.items.push_back(Item::Spans(chunk));
        drop(queue);
        self.road.arrived.notify_one();
    }

    /// Asks for a flush of what was given so far. `number` grows from call to call; the calling thread is unparked when it is done.
    pub(super) fn flush(&mut self, number: u64, last: bool) {
        self.hand_over();
        let mut queue = self.road.queue();
        if let Some(Item::Flush { .. }) = queue.items.back() {
            // One that is waiting does for both.
            queue.items.pop_back();
        }
        queue.items.push_back(Item::Flush { number, last, caller: thread::current() });
        drop(queue);
        self.road.arrived.notify_one();
    }

    /// The number of the last flush that is done.
    pub(super) fn done(&self) -> u64 {
        self.road.queue().done
    }

    pub(super) fn status(&self) -> ReporterStatus {
        let queue = self.road.queue();
        let tally = queue.tally;
        let ReporterStats { sent, failed, dropped, buffered } = tally.settled();
        let waiting = self.given - self.failed - self.refused - tally.given;
        let stats = ReporterStats {
            sent,
            failed: failed + self.failed,
            dropped: dropped + self.refused,
            buffered: buffered + waiting,
        };
        let name = queue.name.clone().unwrap_or_else(|| "a reporter that is not ready".into());
        ReporterStatus { name, stats, panics: tally.panics }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.road.queue().hung_up = true;
        self.road.arrived.notify_one();
    }
}

/// Says that the worker has come to its end, whichever: nobody need wait for it.
struct End<'a>(&'a Road);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.done = u64::MAX;
        for item in queue.items.drain(..) {
            if let Item::Flush { caller, .. } = item {
                caller.unpark();
            }
        }
    }
}

/// The reporter's thread.
fn work(reporter: Box<dyn Reporter>, process: &Process<'static>, road: &Road) {
    super::thread_begins();
    let mut reporter = Guarded::new(reporter);
    road.queue().name = Some(reporter.name.clone());
    reporter.call(|r| r.start(process));
    while let Some(item) = next(road) {
        match item {
            Item::Spans(mut chunk) => {
                chunk.lend(|span| reporter.report(span));
                let tally = reporter.tally();
                road.cut_off.store(tally.cut_off, Relaxed);
                let mut queue = road.queue();
                queue.tally = tally;
                queue.bytes -= chunk.bytes();
                if queue.spare.len() < SPARE {
                    chunk.clear();
                    queue.spare.push(chunk);
                }
            }
            Item::Flush { number, last, caller } => {
                reporter.call(|r| if last { r.close() } else { r.flush() });
                let tally = reporter.tally();
                road.cut_off.store(tally.cut_off, Relaxed);
                let mut queue = road.queue();
                queue.tally = tally;
                if !last {
                    queue.done = number;
                    drop(queue);
                    caller.unpark();
                    continue;
                }
                drop(queue);
                // Before it counts as done: a reporter may write what it holds when it is dropped.
                reporter.end();
                road.queue().done = u64::MAX;
                caller.unpark();
                return;
            }
        }
    }
}

/// The next thing to do; `None` when there is nobody who could give one.
fn next(road: &Road) -> Option<Item> {
    let mut queue = road.queue();
    loop {
        if let Some(item) = queue.items.pop_front() {
            return Some(item);
        }
        if queue.hung_up {
            return None;
        }
        queue = road.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::fixture::span;
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Says when it has a span in its hands, and waits to be let go.
    struct Gated {
        came: Sender<()>,
        gate: Receiver<()>,
        seen: u64,
    }

    impl Reporter for Gated {
        fn name(&self) -> String {
            "gated".into()
        }
        fn report(&mut self, _: &SpanRecord<'_>) {
            let _test_has_ended = self.came.send(());
            let _test_has_ended = self.gate.recv();
            self.seen += 1;
        }
        fn stats(&self) -> ReporterStats {
            ReporterStats { sent: self.seen, ..ReporterStats::default() }
        }
    }

    fn report(lane: &mut Lane, count: u64) {
        (0..count).for_each(|_| span(1, 0, "a", 0, 1).lend(|span| lane.report(span)));
    }

    fn wait_until_done(lane: &Lane, number: u64) {
        while lane.done() < number {
            thread::park();
        }
    }

    fn sum(stats: ReporterStats) -> u64 {
        stats.sent + stats.failed + stats.dropped + stats.buffered
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_and_what_finds_no_room_is_counted() {
        let (came, at_gate) = channel();
        let (open, gate) = channel();
        let budget = 4 * CHUNK;
        let gated = Gated { came, gate, seen: 0 };
        let mut lane = Lane::spawn(Box::new(gated), Process::default(), budget).unwrap();
        report(&mut lane, 1);
        lane.flush(1, false);
        at_gate.recv().unwrap();
        // It hangs. Flushes do not pile up either.
        for number in 2..100 {
            report(&mut lane, 1_000);
            lane.flush(number, false);
            let status = lane.status();
            assert_eq!(sum(status.stats), lane.given, "{status:?}");
            let queue = lane.road.queue();
            assert!(queue.bytes <= budget + 1_024, "{} of {budget}", queue.bytes);
            assert!(queue.items.len() < 100 && queue.done == 0);
        }
        let ReporterStats { dropped, buffered, sent, .. } = lane.status().stats;
        assert!(dropped > 0 && buffered > 100 && sent == 0, "{dropped} {buffered}");
        // It goes on: what waited is sent, and there is room again.
        drop(open);
        lane.flush(100, false);
        wait_until_done(&lane, 100);
        assert_eq!(lane.status().stats, ReporterStats { sent: buffered, dropped, ..Default::default() });
        report(&mut lane, 5);
        lane.flush(101, true);
        wait_until_done(&lane, 101);
        let expected = ReporterStats { sent: buffered + 5, dropped, ..Default::default() };
        assert_eq!((lane.status().name.as_str(), lane.status().stats), ("gated", expected));
        assert!(lane.road.queue().spare.len() <= SPARE);
    }

    /// Panics on everything, also when it is dropped.
    struct Hostile;

    impl Reporter for Hostile {
        fn name(&self) -> String {
            panic!("on purpose")
        }
        fn report(&mut self, _: &SpanRecord<'_>) {
            panic!("on purpose")
        }
        fn close(&mut self) {
            panic!("on purpose")
        }
        fn stats(&self) -> ReporterStats {
            panic!("on purpose")
        }
    }

    impl Drop for Hostile {
        fn drop(&mut self) {
            panic!("on purpose")
        }
    }

    #[test]
    fn a_reporter_that_panics_everywhere_ends_nothing_but_itself() {
        let mut lane = Lane::spawn(Box::new(Hostile), Process::default(), 1 << 20).unwrap();
        report(&mut lane, 5);
        lane.flush(1, false);
        wait_until_done(&lane, 1);
        report(&mut lane, 5);
        lane.flush(2, true);
        wait_until_done(&lane, 2);
        let status = lane.status();
        assert_eq!((status.name.as_str(), status.stats.failed, sum(status.stats)), ("unnamed", 10, 10));
        assert!(lane.road.cut_off.load(Relaxed) && lane.failed == 5, "the second five were not even copied");
    }

    #[test]
    fn the_thread_ends_with_the_collector() {
        struct SaysBye {
            _when_dropped: Sender<()>,
        }
        impl Reporter for SaysBye {
            fn name(&self) -> String {
                "says bye".into()
            }
            fn report(&mut self, _: &SpanRecord<'_>) {}
            fn stats(&self) -> ReporterStats {
                ReporterStats::default()
            }
        }
        let (bye, heard) = channel();
        drop(Lane::spawn(Box::new(SaysBye { _when_dropped: bye }), Process::default(), 1 << 20).unwrap());
        assert!(heard.recv().is_err(), "it was dropped");
    }
}
