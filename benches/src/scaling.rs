//! Ours on several threads: two at once, ten thousand Tokio tasks, threads that come and go, and a model of 64.
//!
//! The model: the hot path shares nothing between threads (no lock, no read-modify-write, each thread its own lines), so what can grow with their number is the instructions that one span takes, which
//! callgrind counts with 1 to 64 threads, and the cache lines it dirties, which follow from the event's words. What does not grow is the one collector: its CPU a span bounds what all threads together get delivered.

use crate::count;
use crate::measure::Figures;
use crate::peers::{self, ours};
use crate::work::Work;
use jaeger_runtime::{Sampler, Span, Tracer, traced};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const BURSTS: usize = 100;
const BURST: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run() -> Result<(), String> {
    let tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).reporter(ours::counts()).install();
    let tracer = tracer.map_err(|e| e.to_string())?;
    println!("threads at once, caller ns a span of (u64, &str) + reply: minimum and median of {ROUNDS}");
    for threads in [1, 2] {
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| together(threads)).collect();
        rounds.sort_by(f64::total_cmp);
        println!("{threads:>8} {:>8.1} {:>8.1}", Figures::min(&rounds), Figures::median(&rounds));
    }
    tokio_tasks(&tracer)?;
    churn(&tracer)?;
    let stats = tracer.flush(PATIENCE).map_err(|e| e.to_string())?;
    println!("spans started {}, dropped {}", stats.started, stats.dropped.total());
    Ok(())
}

/// Nanoseconds a span when so many threads record at the same time.
fn together(threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let took: Duration = thread::scope(|scope| {
        let barrier = &barrier;
        let run = move || {
            let root = Span::root("thread");
            let _inside = root.enter();
            let mut took = Duration::ZERO;
            for _ in 0..BURSTS {
                barrier.wait();
                let start = Instant::now();
                ours::args_times(BURST);
                took += start.elapsed();
                thread::sleep(Duration::from_millis(2));
            }
            took
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_default()).sum()
    });
    took.as_nanos() as f64 / (threads * BURSTS * BURST) as f64
}

#[traced]
async fn traced_step(n: u64) -> u64 {
    tokio::task::yield_now().await;
    black_box(n + 1)
}

#[traced]
async fn traced_task(n: u64) -> u64 {
    let n = traced_step(n).await;
    traced_step(n).await
}

async fn plain_step(n: u64) -> u64 {
    tokio::task::yield_now().await;
    black_box(n + 1)
}

async fn plain_task(n: u64) -> u64 {
    let n = plain_step(n).await;
    plain_step(n).await
}

const TASKS: u64 = 10_000;

/// A task is three spans, two of which wait once.
fn tokio_tasks(tracer: &Tracer) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .map_err(|e| e.to_string())?;
    let run = |traced: bool| -> Result<f64, String> {
        let start = Instant::now();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..TASKS)
                .map(|n| if traced { tokio::spawn(traced_task(n)) } else { tokio::spawn(plain_task(n)) })
                .collect();
            for task in tasks {
                task.await.map_err(|e| e.to_string())?;
            }
            Ok::<_, String>(())
        })?;
        Ok(start.elapsed().as_nanos() as f64 / TASKS as f64)
    };
    let (mut plain, mut traced) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        plain.push(run(false)?);
        traced.push(run(true)?);
        tracer.flush(PATIENCE).map_err(|e| e.to_string())?;
    }
    [&mut plain, &mut traced].into_iter().for_each(|times| times.sort_by(f64::total_cmp));
    println!(
        "{TASKS} Tokio tasks of 3 spans on 2 workers, ns a task: {:.0} plain, {:.0} traced, {:.0} more a span (medians {:.0}, {:.0})",
        plain[0],
        traced[0],
        (traced[0] - plain[0]) / 3.0,
        Figures::median(&plain),
        Figures::median(&traced)
    );
    Ok(())
}

/// Threads that live for ten spans: each takes a log and gives it back.
fn churn(tracer: &Tracer) -> Result<(), String> {
    const THREADS: usize = 1_000;
    let run = |spans: usize| {
        let start = Instant::now();
        for _ in 0..THREADS / 4 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| ours::args_times(spans));
                }
            });
        }
        start.elapsed().as_nanos() as f64 / THREADS as f64
    };
    let (mut plain, mut traced) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        plain.push(run(0));
        traced.push(run(10));
        tracer.flush(PATIENCE).map_err(|e| e.to_string())?;
    }
    [&mut plain, &mut traced].into_iter().for_each(|times| times.sort_by(f64::total_cmp));
    println!(
        "{THREADS} threads, four at a time, ns a thread: {:.0} without spans, {:.0} with ten roots ({:.0} more)",
        plain[0],
        traced[0],
        traced[0] - plain[0]
    );
    Ok(())
}

/// The model's figures.
pub(crate) fn model() -> Result<(), String> {
    println!("instructions a span on each of n threads under callgrind, (u64, &str) + reply");
    for threads in [1, 2, 8, 64] {
        println!("{threads:>8} {:>8.1}", count::on_threads(threads)?);
    }
    println!(
        "cache lines of 64 bytes a span: sync 24 bytes, 0.38; (u64, &str) + reply 72 bytes, 1.13; the head's line once a span, unshared until the collector looks"
    );
    Ok(())
}

/// What `model` counts: so many threads, each so many spans, delivered now and then.
pub(crate) fn spans_on(threads: usize, spans: usize) -> Result<(), String> {
    const BATCH: usize = 250;
    let mut running = peers::start("ours", Work::SyncArgs).ok_or("no such work")?;
    let (go, done) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..spans / BATCH {
                    go.wait();
                    {
                        let root = Span::root("thread");
                        let _inside = root.enter();
                        // The first spans take the log.
                        ours::args_times(1);
                        count::counted_args(BATCH);
                    }
                    done.wait();
                }
            });
        }
        for _ in 0..spans / BATCH {
            go.wait();
            done.wait();
            running.received();
        }
    });
    Ok(())
}
