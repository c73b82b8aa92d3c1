//! Both sides at once, however they interleave. Run with `RUSTFLAGS="--cfg loom" cargo test -p jaeger-runtime --release --lib loom_`.

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
    let whole = ring.read(
        ring.written(),
        u64::MAX,
        |first| first as usize,
        |event| got.push(event[7].load(Ordering::Relaxed)),
    );
    assert!(whole);
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

/// The same for a log that is larger than its hot part: the writer goes back to the beginning with something unread behind it, and comes upon that from below.
#[test]
fn loom_a_writer_goes_back_while_it_is_being_read() {
    // Not the model's: told by all its runs together.
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static WENT_BACK: AtomicU64 = AtomicU64::new(0);
    static CAME_UPON: AtomicU64 = AtomicU64::new(0);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let ring: &'static Ring = Box::leak(Box::new(Ring::with_hot(128, 8, 32)));
        let producer = Producer::detached();
        producer.attach(ring);
        let mut wrote: Vec<u64> = (1..=5).filter(|mark| write(&producer, *mark)).collect();
        let mut got = vec![];
        read(ring, &mut got);
        let reader = thread::spawn(move || {
            let mut got = vec![];
            read(ring, &mut got);
            read(ring, &mut got);
            got
        });
        for mark in 6..=12 {
            wrote.extend(write(&producer, mark).then_some(mark));
            let island = producer.island.get();
            WENT_BACK.fetch_add(u64::from(island.lap > 0), Relaxed);
            CAME_UPON.fetch_add(u64::from(island.lap > 0 && island.passed), Relaxed);
        }
        got.extend(reader.join().unwrap());
        read(ring, &mut got);
        assert_eq!(got, wrote);
        assert_eq!(wrote.len() as u64 + ring.refused(), 12);
    });
    assert!(WENT_BACK.load(Relaxed) > 0 && CAME_UPON.load(Relaxed) > 0);
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
