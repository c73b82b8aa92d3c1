//! Several threads: every kind of work on one and on two at once, ten thousand Tokio tasks, threads that come and go, each peer and kind of work in a process of its own; and a model of 64 threads.
//!
//! The model: the hot path shares nothing between threads (no lock, no read-modify-write, each thread its own lines), so what can grow with their number is the instructions that one span takes and the cache
//! lines it comes to, which callgrind counts with 1 to 64 threads. What does not grow is the one collector: its CPU a span bounds what all threads together get delivered.

use crate::measure::{Figures, Running};
use crate::work::Work;
use crate::{count, peers, store};
use clap::ValueEnum;
use jaeger_runtime::{Span, traced};
use std::hint::black_box;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use stored::{Modelled, Results, Scaled, model_line, scaled_line};

/// This project and the plain functions first.
const PEERS: [&str; 4] = ["plain", "ours", "fastrace", "tracing-otel"];
/// What all peers do, by one thread and by two: what is promised of one. All other work is done by this project alone, beside the plain functions.
const COMPARED: [Work; 5] = [Work::Sync, Work::SyncArgs, Work::Async, Work::AsyncArgs, Work::RootChild];
/// What is counted on 1 to 64 threads. Where a root is refused by its chance, the first span that is not would be a part of what is counted; past a limit all threads read one word.
const MODELLED: [Work; 6] =
    [Work::Sync, Work::SyncArgs, Work::Async, Work::AsyncArgs, Work::RootChild, Work::OverLimit];
const TOGETHER: [usize; 2] = [1, 2];
/// As many as fit; the table of peers has nine, in three passes.
const ROUNDS: usize = 7;
const BURSTS: usize = 30;
/// Those of the table of tasks, each a figure.
const TASKS: [u64; 2] = [1_000, 10_000];
const CHURN: &str = "churn";

/// Every peer and kind of work in a process of its own, one table; `save` stores it.
pub(crate) fn run(save: bool) -> Result<(), String> {
    let run = store::begin();
    println!("{}", scaled_line(None));
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let all = &PEERS[..];
    let rest = Work::value_variants().iter().filter(|work| !COMPARED.contains(work));
    let whats = COMPARED.iter().map(|work| (work.name(), all));
    let whats = whats.chain(rest.map(|work| (work.name(), &PEERS[..2])));
    let whats = whats.chain(TASKS.iter().map(|tasks| (tasks.to_string(), all)));
    let mut scaling: Vec<Scaled> = vec![];
    for (what, peers) in whats.chain([(CHURN.to_owned(), all)]) {
        let mut rows: Vec<Scaled> = vec![];
        for peer in peers {
            let output = Command::new(&program).args(["scaling-one", *peer, &what]).output();
            let output = output.map_err(|e| e.to_string())?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{peer} {what} ended with {}: {}", output.status, said.trim()));
            }
            let said: Vec<Scaled> =
                serde_json::from_slice(&output.stdout).map_err(|e| format!("{peer} {what}: {e}"))?;
            rows.extend(said);
        }
        // The peers beside each other, in their order.
        rows.sort_by_key(|row| row.threads);
        rows.iter().for_each(|row| println!("{}", scaled_line(Some(row))));
        scaling.extend(rows);
    }
    if save { store::save(run, Results { scaling, ..Results::default() }) } else { Ok(()) }
}

/// What one peer is asked to do, and what came of it.
struct One<'a> {
    peer: &'a str,
    running: Box<dyn Running>,
    received: u64,
    rows: Vec<Scaled>,
}

/// One peer and what it does: its rows.
pub(crate) fn one(peer: &str, what: &str) -> Result<(), String> {
    let work = Work::from_str(what, false).ok();
    let running = peers::start(peer, work.unwrap_or(Work::SyncArgs))?;
    let running = running.ok_or_else(|| format!("{peer} has no such work"))?;
    let mut one = One { peer, running, received: 0, rows: vec![] };
    one.running.burst(10);
    one.received = one.running.received().unwrap_or(0);
    if let Some(work) = work {
        for threads in TOGETHER {
            let rounds = (0..ROUNDS).map(|_| together(peer, work, threads)).collect();
            let made = (ROUNDS * threads * BURSTS) as u64 * work.made(work.burst());
            one.tell(&work.name(), Some(threads), rounds, made)?;
        }
    } else if what == CHURN {
        let mut rounds = vec![];
        for _ in 0..ROUNDS {
            rounds.push(churn(peer));
            one.running.received();
        }
        one.tell("1000 threads of 10 spans, a thread", None, rounds, (ROUNDS * THREADS * 11) as u64)?;
    } else {
        let tasks: u64 = what.parse().map_err(|e| format!("{what}: {e}"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        let runtime = runtime.map_err(|e| e.to_string())?;
        let mut rounds = vec![];
        for _ in 0..3 * ROUNDS {
            rounds.push(all_tasks(peer, &runtime, tasks)?);
            // A service's bursts have pauses; a peer's collector gets its time.
            one.running.received();
        }
        one.tell(
            &format!("{tasks} Tokio tasks of 3 spans, a task"),
            None,
            rounds,
            3 * ROUNDS as u64 * tasks * 3,
        )?;
    }
    println!("{}", serde_json::to_string(&one.rows).map_err(|e| e.to_string())?);
    Ok(())
}

impl One<'_> {
    fn tell(
        &mut self,
        what: &str,
        threads: Option<usize>,
        mut rounds: Vec<f64>,
        made: u64,
    ) -> Result<(), String> {
        rounds.sort_by(f64::total_cmp);
        let received = self.running.received();
        if received.is_none() && made > 0 && self.peer != "plain" {
            return Err(format!("{what}: nobody said how many spans came out"));
        }
        let lost = received.map(|received| {
            let came = received - std::mem::replace(&mut self.received, received);
            made.saturating_sub(came) as f64 / made.max(1) as f64
        });
        let tenth = |n: f64| (n * 10.0).round() / 10.0;
        self.rows.push(Scaled {
            run: String::new(),
            peer: self.peer.into(),
            what: what.into(),
            threads,
            min: tenth(Figures::min(&rounds)),
            median: tenth(Figures::median(&rounds)),
            lost,
        });
        Ok(())
    }
}

/// Nanoseconds a span when so many threads record at the same time, in bursts as in the table of peers.
fn together(peer: &str, work: Work, threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let took: Duration = thread::scope(|scope| {
        let barrier = &barrier;
        let run = move || {
            let mut took = Duration::ZERO;
            for _ in 0..BURSTS {
                barrier.wait();
                let start = Instant::now();
                peers::burst(peer, work, work.burst());
                took += start.elapsed();
                thread::sleep(Duration::from_millis(2));
            }
            took
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_default()).sum()
    });
    took.as_nanos() as f64 / (threads * BURSTS * work.burst()) as f64
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
                scope.spawn(|| peers::burst(peer, Work::SyncArgs, 10));
            }
        });
    }
    start.elapsed().as_nanos() as f64 / THREADS as f64
}

/// The model's figures; `save` stores them.
pub(crate) fn model(save: bool) -> Result<(), String> {
    let run = store::begin();
    println!("what a span takes on each of n threads under callgrind\n{}", model_line(None));
    let mut model: Vec<Modelled> = vec![];
    for work in MODELLED {
        for threads in [1, 2, 4, 8, 16, 32, 64] {
            let row = count::on_threads(work, threads)?;
            println!("{}", model_line(Some(&row)));
            model.push(row);
        }
    }
    if save { store::save(run, Results { model, ..Results::default() }) } else { Ok(()) }
}

/// What `model` counts: so many threads, each so many spans, delivered now and then.
pub(crate) fn spans_on(work: Work, threads: usize, spans: usize) -> Result<(), String> {
    const BATCH: usize = 250;
    let mut running = peers::start("ours", work)?.ok_or("no such work")?;
    let (go, done) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..spans / BATCH {
                    go.wait();
                    {
                        let roots = matches!(work, Work::RootChild | Work::OverLimit);
                        let root = (!roots).then(|| Span::root("thread"));
                        let _inside = root.as_ref().map(Span::enter);
                        // The first spans take the log, or what the limit lets through.
                        peers::ours::calls_of(work, 2);
                        count::counted_calls(work, BATCH);
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
