//! Several threads: two at once, ten thousand Tokio tasks, threads that come and go, each peer in a process of its own; and a model of 64 threads.
//!
//! The model: the hot path shares nothing between threads (no lock, no read-modify-write, each thread its own lines), so what can grow with their number is the instructions that one span takes, which
//! callgrind counts with 1 to 64 threads, and the cache lines it dirties, which follow from the event's words. What does not grow is the one collector: its CPU a span bounds what all threads together get delivered.

use crate::count;
use crate::measure::{Figures, Running};
use crate::peers;
use crate::work::Work;
use jaeger_runtime::{Span, traced};
use std::hint::black_box;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const PEERS: [&str; 4] = ["plain", "ours", "fastrace", "tracing-otel"];
const ROUNDS: usize = 7;
const BURSTS: usize = 100;
const BURST: usize = 1_000;

/// Every peer in a process of its own, one table.
pub(crate) fn run() -> Result<(), String> {
    println!("{:<14} {:<44} {:>10} {:>10} {:>9}", "peer", "what", "ns min", "median", "dropped");
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    for peer in PEERS {
        let output =
            Command::new(&program).args(["scaling-one", peer]).output().map_err(|e| e.to_string())?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            return Err(format!("{peer}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    Ok(())
}

/// What one peer is asked to do, and what came of it.
struct One<'a> {
    peer: &'a str,
    running: Box<dyn Running>,
    received: u64,
}

/// One peer: all its rows.
pub(crate) fn one(peer: &str) -> Result<(), String> {
    let running = peers::start(peer, Work::SyncArgs).ok_or_else(|| format!("there is no peer `{peer}`"))?;
    let mut one = One { peer, running, received: 0 };
    one.running.burst(10);
    one.received = one.running.received().unwrap_or(0);
    for threads in [1, 2] {
        let rounds = (0..ROUNDS).map(|_| together(peer, threads)).collect();
        let spans = (ROUNDS * threads * BURSTS * (BURST + 1)) as u64;
        one.print(&format!("{threads} at once, a span of (u64, &str) + reply"), rounds, spans);
    }
    for tasks in [1_000, 10_000] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        let runtime = runtime.map_err(|e| e.to_string())?;
        let mut rounds = vec![];
        for _ in 0..3 * ROUNDS {
            rounds.push(all_tasks(peer, &runtime, tasks)?);
            // A service's bursts have pauses; a peer's collector gets its time.
            one.running.received();
        }
        one.print(&format!("{tasks} Tokio tasks of 3 spans, a task"), rounds, 3 * ROUNDS as u64 * tasks * 3);
    }
    let mut rounds = vec![];
    for _ in 0..ROUNDS {
        rounds.push(churn(peer));
        one.running.received();
    }
    one.print("1000 threads of 10 spans, a thread", rounds, (ROUNDS * THREADS * 11) as u64);
    Ok(())
}

impl One<'_> {
    fn print(&mut self, what: &str, mut rounds: Vec<f64>, made: u64) {
        rounds.sort_by(f64::total_cmp);
        let dropped = self.running.received().map(|received| {
            let came = received - std::mem::replace(&mut self.received, received);
            format!("{:.2} %", made.saturating_sub(came) as f64 * 100.0 / made as f64)
        });
        let (peer, min, median) = (self.peer, Figures::min(&rounds), Figures::median(&rounds));
        println!("{peer:<14} {what:<44} {min:>10.1} {median:>10.1} {:>9}", dropped.as_deref().unwrap_or("-"));
    }
}

/// Nanoseconds a span when so many threads record at the same time.
fn together(peer: &str, threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let took: Duration = thread::scope(|scope| {
        let barrier = &barrier;
        let run = move || {
            let mut took = Duration::ZERO;
            for _ in 0..BURSTS {
                barrier.wait();
                // A root a burst: a trace of fastrace's holds 10,240 spans of a thread.
                peers::inside(peer, || {
                    let start = Instant::now();
                    peers::args_times(peer, BURST);
                    took += start.elapsed();
                });
                thread::sleep(Duration::from_millis(2));
            }
            took
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_default()).sum()
    });
    took.as_nanos() as f64 / (threads * BURSTS * BURST) as f64
}

/// A task of three spans, two of which wait once: `$step` and `$task` are what a peer's user writes on the two functions.
macro_rules! tasks {
    ($module:ident, [$($annotation:tt)*]) => {
        mod $module {
            use super::*;

            $($annotation)*
            async fn step(n: u64) -> u64 {
                tokio::task::yield_now().await;
                black_box(n + 1)
            }

            $($annotation)*
            pub(super) async fn task(n: u64) -> u64 {
                let n = step(n).await;
                step(n).await
            }
        }
    };
}

tasks!(plain, []);
tasks!(ours, [#[traced]]);
tasks!(instrumented, [#[tracing::instrument]]);

/// fastrace's properties name an argument within a text, which a macro cannot hand on; and its attribute makes no roots, so one by hand takes the place of the outermost span.
mod fastraced {
    use super::black_box;
    use fastrace::Span;
    use fastrace::future::FutureExt as _;
    use fastrace::prelude::SpanContext;

    #[fastrace::trace(short_name = true, properties = { "n": "{n}" })]
    async fn step(n: u64) -> u64 {
        tokio::task::yield_now().await;
        black_box(n + 1)
    }

    pub(super) async fn task(n: u64) -> u64 {
        let root = Span::root("task", SpanContext::random()).with_property(|| ("n", n.to_string()));
        async { step(step(n).await).await }.in_span(root).await
    }
}

/// Nanoseconds a task when all are spawned at once on two workers.
fn all_tasks(peer: &str, runtime: &tokio::runtime::Runtime, tasks: u64) -> Result<f64, String> {
    let start = Instant::now();
    runtime.block_on(async {
        let spawned: Vec<_> = (0..tasks)
            .map(|n| match peer {
                "ours" => tokio::spawn(ours::task(n)),
                "fastrace" => tokio::spawn(fastraced::task(n)),
                "tracing-otel" => tokio::spawn(instrumented::task(n)),
                _ => tokio::spawn(plain::task(n)),
            })
            .collect();
        for task in spawned {
            task.await.map_err(|e| e.to_string())?;
        }
        Ok::<_, String>(())
    })?;
    Ok(start.elapsed().as_nanos() as f64 / tasks as f64)
}

const THREADS: usize = 1_000;

/// Threads that live for ten spans and a root, four at a time: each takes a log and gives it back.
fn churn(peer: &str) -> f64 {
    let start = Instant::now();
    for _ in 0..THREADS / 4 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| peers::inside(peer, || peers::args_times(peer, 10)));
            }
        });
    }
    start.elapsed().as_nanos() as f64 / THREADS as f64
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
                        peers::ours::args_times(1);
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
