//! From install to the end: flushes, shutdowns from anywhere, a second tracer, threads that come and go.

mod common;

use common::{PATIENCE, flush, spans_of, tracer};
use jaeger_runtime::{Span, Tracer, traced};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[traced]
fn work(n: u64) -> u64 {
    n
}

#[test]
fn what_finished_before_the_flush_is_there_after_it() {
    tracer();
    for round in 0..200u64 {
        let root = Span::root("round");
        let trace = root.context().trace_id().to_u128();
        {
            let _inside = root.enter();
            work(round);
        }
        // The root ends on another thread, which then ends itself.
        thread::spawn(move || drop(root)).join().unwrap();
        assert_eq!(spans_of(trace).len(), 2, "round {round}");
    }
}

#[test]
fn threads_that_come_and_go_lose_nothing_and_hand_their_logs_on() {
    tracer();
    let before = flush();
    let barrier = Barrier::new(40);
    for _ in 0..25 {
        thread::scope(|scope| {
            for n in 0..40 {
                let barrier = &barrier;
                scope.spawn(move || {
                    work(n);
                    barrier.wait();
                    work(n + 1);
                });
            }
        });
    }
    // And many more, one after the other, without anybody flushing.
    for n in 0..2_000 {
        thread::spawn(move || work(n)).join().unwrap();
    }
    let after = flush();
    assert!(after.finished - before.finished >= 25 * 40 * 2 + 2_000);
    assert_eq!(after.dropped.no_log, before.dropped.no_log);
    assert_eq!(after.dropped.log_full, before.dropped.log_full);
}

#[test]
fn a_second_tracer_is_refused_and_the_first_goes_on() {
    tracer();
    let error = Tracer::builder("second").install().unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
    let root = Span::root("still");
    let trace = root.context().trace_id().to_u128();
    drop(root);
    assert_eq!(spans_of(trace).len(), 1);
}

#[test]
fn a_span_takes_the_time_that_it_took_and_starts_when_it_started() {
    tracer();
    // The tracer has been there for a while: what a tick is worth is known by then, and the clocks have been looked at again and again.
    for _ in 0..20 {
        let root = Span::root("root");
        let trace = root.context().trace_id().to_u128();
        let micros = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
        let (before, outer) = (micros(), Instant::now());
        let (inside, inner);
        {
            let _inside = root.enter();
            #[traced]
            fn timed() -> (i64, Duration) {
                let inner = Instant::now();
                let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64;
                while inner.elapsed() < Duration::from_millis(5) {}
                (micros, inner.elapsed())
            }
            (inside, inner) = timed();
        }
        let outer = outer.elapsed();
        drop(root);
        let spans = spans_of(trace);
        let span = common::named(&spans, "timed");
        let took = Duration::from_micros(span.duration as u64);
        let slack = Duration::from_micros(100) + outer / 1_000;
        assert!(took + slack >= inner && took <= outer + slack, "{inner:?} {took:?} {outer:?}");
        // The wall clock may be slewed by half a millisecond before it is followed at once.
        assert!(span.start_time >= before - 1_000 && span.start_time <= inside + 1_000, "{before} {inside}");
    }
}

#[test]
fn flushes_from_many_threads_all_return() {
    tracer();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..20 {
                    work(n);
                    tracer().0.flush(PATIENCE).unwrap();
                }
            });
        }
    });
    assert!(tracer().0.flush(Duration::ZERO).is_err() || tracer().0.stats().started > 0);
}
