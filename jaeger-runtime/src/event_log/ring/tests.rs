//! One side after the other: laps, a full log, ends that find room, traps, and a writer that goes back to the beginning.

use super::*;

fn leak(capacity: usize, max_event: usize) -> (&'static Ring, Producer) {
    leak_with_hot(capacity, max_event, HOT)
}

fn leak_with_hot(capacity: usize, max_event: usize, hot: u64) -> (&'static Ring, Producer) {
    let ring: &'static Ring = Box::leak(Box::new(Ring::with_hot(capacity, max_event, hot)));
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
    read_some(ring, u64::MAX)
}

fn read_some(ring: &Ring, most: u64) -> Vec<(usize, u64)> {
    let mut got = vec![];
    ring.read(
        ring.written(),
        most,
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
    assert!(wrote.len() > many / 100 * 98, "a reader that keeps up loses next to nothing: {}", wrote.len());
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
        window[0].store(END_WORDS, Ordering::Relaxed);
        window[1].store(2, Ordering::Relaxed);
        producer.publish(END_WORDS as usize);
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

#[test]
fn a_writer_whose_reader_keeps_up_stays_in_the_hot_part() {
    let (ring, producer) = leak_with_hot(1 << 12, 8, 1 << 8);
    let mut highest = 0;
    for i in 0..if cfg!(miri) { 1_000 } else { 20_000 } {
        assert!(write(&producer, 4, i));
        highest = highest.max(ring.shape.place(producer.head.get()));
        // Some way behind, as a collector is.
        if i % 25 == 0 {
            assert!(read_some(ring, 100).len() <= 25);
        }
    }
    assert!(highest < 3 << 8, "{highest}");
}

#[test]
fn going_back_costs_no_room() {
    let (ring, producer) = leak_with_hot(1 << 10, 8, 1 << 6);
    let (mut wrote, mut got) = (0, vec![]);
    // Up to the look at which the writer goes back, with a little not read.
    while producer.island.get().lap == 0 {
        assert!(write(&producer, 4, wrote));
        wrote += 1;
        if wrote.is_multiple_of(8) {
            got.extend(read_some(ring, 28));
        }
    }
    assert!(!read_is_done(ring), "an island");
    // As many as an empty log would take.
    let before = wrote;
    while write(&producer, 4, wrote) {
        wrote += 1;
    }
    assert!(producer.island.get().passed, "come upon from below");
    assert!((wrote - before) * 4 > (1 << 10) - 120, "{}", wrote - before);
    got.extend(read(ring));
    assert!(got.iter().map(|event| event.1).eq(0..wrote), "in order");
    assert!(write(&producer, 4, wrote), "and takes more");
}

#[test]
fn who_takes_over_a_log_has_all_of_its_room() {
    // As the test before, but for the owner that changes between going back and the burst.
    let (ring, first) = leak_with_hot(1 << 10, 8, 1 << 6);
    let mut wrote = 0;
    while first.island.get().lap == 0 {
        assert!(write(&first, 4, wrote));
        wrote += 1;
        if wrote.is_multiple_of(8) {
            read_some(ring, 28);
        }
    }
    assert!(!read_is_done(ring), "an island");
    let second = Producer::detached();
    second.attach(first.detach().expect("it had one"));
    let before = wrote;
    while write(&second, 4, wrote) {
        wrote += 1;
    }
    assert!((wrote - before) * 4 > (1 << 10) - 120, "{}", wrote - before);
    let got: Vec<u64> = read(ring).into_iter().map(|event| event.1).collect();
    assert_eq!(got, (wrote - got.len() as u64..wrote).collect::<Vec<_>>(), "in order");
    assert!(write(&second, 4, wrote), "and takes more");
}

fn read_is_done(ring: &Ring) -> bool {
    ring.tail.0.load(Ordering::Relaxed) == ring.written()
}

/// Events of all lengths, open spans, owners that change, a reader that does a little now and then: nothing is lost but when the log really is full, and each end finds room.
#[test]
fn whatever_the_two_sides_do_every_event_arrives_or_the_log_was_full() {
    const CAPACITY: usize = 1 << 10;
    let (ring, mut producer) = leak_with_hot(CAPACITY, 16, 1 << 7);
    let mut random = 7_u64;
    let mut below = |n: u64| crate::event_log::format::next_id(&mut random) % n;
    let (mut wrote, mut got) = (std::collections::VecDeque::new(), 0);
    let (mut open, mut unread, mut passed, mut full) = (0, 0, 0, 0);
    let steps = if cfg!(miri) { 3_000 } else { 300_000 };
    for step in 0..steps {
        // A while in which the reader keeps up, one in which it does not.
        let slow = step / 1_000 % 3 == 2;
        match below(8) {
            0 | 1 if open > 0 => {
                producer.release_end();
                if !producer.is_open() {
                    producer.make_room();
                }
                let window = producer.window();
                window[0].store(END_WORDS, Ordering::Relaxed);
                window[1].store(step, Ordering::Relaxed);
                producer.publish(END_WORDS as usize);
                wrote.push_back((END_WORDS as usize, step));
                (open, unread) = (open - 1, unread + END_WORDS as usize);
            }
            2 if !slow || below(64) == 0 => {
                for event in read_some(ring, below(300)) {
                    assert_eq!(wrote.pop_front(), Some(event), "step {step}");
                    (unread, got) = (unread - event.0, got + 1);
                }
            }
            3 if open == 0 && below(64) == 0 => {
                producer.detach();
                producer = Producer::detached();
                producer.attach(ring);
            }
            _ => {
                let len = 2 + below(15) as usize;
                let island = producer.island.get();
                if write(&producer, len, step) {
                    wrote.push_back((len, step));
                    unread += len;
                    if below(3) == 0 {
                        producer.reserve_end();
                        open += 1;
                    }
                } else {
                    // Twice what is kept free, at the log's end and before an island; the lap's end; and what was read of an island since.
                    let free = 2 * (3 * 16 + open * END_WORDS as usize) + 32 + (1 << 6);
                    assert!(unread + free >= CAPACITY, "step {step}: refused with {unread} words unread");
                    full += 1;
                }
                passed += u64::from(producer.island.get().passed && !island.passed);
            }
        }
        assert!(unread <= CAPACITY);
    }
    assert!(got > steps / 3 && full > 0 && passed > 0, "{got} {full} {passed}");
    wrote.iter().copied().zip(read(ring)).for_each(|(wrote, got)| assert_eq!(wrote, got));
    assert!(read_is_done(ring));
}
