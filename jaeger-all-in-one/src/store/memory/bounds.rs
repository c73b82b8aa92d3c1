//! Tests of what the store takes of memory, and of what stays there whatever the bound.

use jaeger_thrift::{Batch, Process, Span, Tag, Value};

use super::room::SIZE;
use super::{MemoryStore, met};
use crate::store::Store as _;

/// Gives `count` spans of new traces, each with so many bytes.
fn give(store: &MemoryStore, first: u64, count: u64, bytes: usize) {
    let span = |n| Span {
        trace_id: u128::from(n),
        span_id: n,
        tags: vec![Tag::new("blob", Value::Binary(vec![1; bytes].into()))],
        ..Span::default()
    };
    let spans = (first..first + count).map(span).collect();
    store.append(&Batch { process: Process::new("large"), spans, ..Batch::default() });
}

#[test]
fn who_asks_for_what_just_came_finds_it_however_large_it_is() {
    for (limit, bytes) in [(0, 1), (6, 1), (16, 15), (24, 15), (32, 15), (40, 19)] {
        let store = MemoryStore::new(limit << 20);
        for n in 1..=12 {
            give(&store, n, 1, bytes << 20);
            assert_eq!(store.traces(&[u128::from(n)]).unwrap().len(), 1, "{limit} MiB, {bytes} MiB, {n}");
        }
    }
}

/// Giant spans now and then: their memory goes with them.
#[test]
fn the_bound_holds_after_each_message_and_nearly_all_of_it_is_used() {
    const LIMIT: u64 = 48 << 20;
    let store = MemoryStore::new(LIMIT);
    let mut next = 1;
    let mut most = 0;
    for n in 0..3_000 {
        let (count, bytes) = if n % 500 == 499 { (1, 5 << 20) } else { (20, 2_000) };
        give(&store, next, count, bytes);
        next += count;
        let held = store.lock();
        assert!(held.bytes() as u64 <= LIMIT, "{n}: {}", held.bytes());
        assert!(held.spare.len() <= 1 && held.spare.iter().all(|room| room.size() == SIZE));
        assert!(held.active.bytes() < SIZE + (1 << 20) || bytes > SIZE, "{n}: {}", held.active.bytes());
        most = most.max(held.bytes() as u64);
    }
    assert!(most > LIMIT - 3 * SIZE as u64, "{most}");
    let held = store.held();
    assert!(held.evicted > 0);
    for segment in held.sealed.iter() {
        // What a giant one made it reserve is given back.
        let used = segment.written_since_begin();
        assert!(segment.bytes() < used.max(SIZE) + (1 << 20), "{} of {used}", segment.bytes());
    }
}

/// Traces of one small span: what is known of them is more than they are, and their table doubles.
#[test]
fn the_bound_holds_for_traces_of_one_small_span() {
    const LIMIT: u64 = 32 << 20;
    let (store, asked) = (MemoryStore::new(LIMIT), MemoryStore::new(LIMIT));
    for n in 0..1_000 {
        for (store, is_asked) in [(&store, false), (&asked, true)] {
            give(store, 1 + n * 1_000, 1_000, 0);
            let bytes = if is_asked { store.stats().bytes } else { store.lock().bytes() as u64 };
            assert!(bytes <= LIMIT, "{n}: {bytes}, {is_asked}");
        }
    }
    assert!(store.stats().evicted_spans > 0 && asked.stats().evicted_spans > 0);
}

/// A segment ends before a message that it has no room for, since a piece of memory that is not of the common size is no large page.
#[test]
fn segments_stay_of_the_common_size() {
    let store = MemoryStore::new(256 << 20);
    for n in 0..300 {
        store.append_while_read(110_000, &mut |sink| {
            sink.process(Process::new("shop"));
            for span in 0..100 {
                let tags = vec![Tag::new("blob", Value::Binary(vec![1; 1_000].into()))];
                sink.span(&mut Span { trace_id: 1 + n, span_id: span + 1, tags, ..Span::default() });
            }
            true
        });
    }
    let held = store.held();
    assert!(held.sealed.len() > 10);
    for segment in held.sealed.iter() {
        let used = segment.written_since_begin();
        assert!((SIZE * 9 / 10..=SIZE).contains(&used), "{used}");
    }
}

/// What nobody asks for is entered now and then, and segments do not wait for it longer than that.
#[test]
fn what_waits_is_bounded_and_counted() {
    let store = MemoryStore::new(1 << 30);
    let mut most = 0;
    for n in 0..100 {
        give(&store, 1 + n * 1_000, 1_000, 0);
        let held = store.lock();
        let waiting = held.met.waiting();
        most = most.max(waiting);
        assert!(waiting < met::ENOUGH + 1_000, "{waiting}");
        // Number and hash, and at least ids and places of a row.
        let known = (n as usize + 1) * 1_000 - waiting;
        assert!(held.traces.bytes() >= known * (8 + 40), "{} for {known}", held.traces.bytes());
        assert!(held.met.bytes() >= waiting * (16 + 20), "{} for {waiting}", held.met.bytes());
        let records = held.active.bytes() + held.sealed_bytes;
        assert!(held.bytes() >= records + held.traces.bytes() + held.met.bytes());
    }
    assert!(most > met::ENOUGH / 2, "many are entered at once: {most}");
    // Of a message of very many nothing stays.
    give(&store, 500_000, 100_000, 0);
    assert!(store.held().met.bytes() <= met::ENOUGH * 2 * (8 + 56) + (64 << 10));
    let before = store.lock().bytes();
    for n in 0..2 * met::SEGMENTS as u64 {
        give(&store, 1_000_000 + n, 1, SIZE);
        let held = store.lock();
        assert!(held.full.len() < met::SEGMENTS && held.active.bytes() < SIZE + (1 << 20));
        assert!(held.bytes() >= before + n as usize * SIZE, "those that wait are counted");
    }
}
