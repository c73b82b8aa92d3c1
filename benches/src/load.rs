//! Ours under a load that lasts: spans a second that arrive, what happens past what the collector can take, and what an idle tracer costs.

use crate::measure::resident;
use crate::peers::{Listens, RECEIVER, ours};
use crate::receiver::Receiver;
use crate::store;
use cpu_time::ProcessTime;
use jaeger_runtime::{Sampler, Span, Tracer};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use stored::{Idle, Load, Results, load_line};

/// Spans a second that are asked for; the last one is: as many as one thread can make.
const RATES: [u64; 12] = [
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    2_000_000,
    3_000_000,
    4_000_000,
    5_000_000,
    7_000_000,
    10_000_000,
    100_000_000,
];
const LASTS: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(1);
/// Spans before the clock runs; they take the log and register the callsite. Few enough for the log to hold them.
const WARM: usize = 1_000;
/// The most that an idle tracer may take of a core.
const IDLE: f64 = 0.001;

/// Runs every rate and prints a table; `save` puts it into the stored results.
pub(crate) fn run(save: bool) -> Result<(), String> {
    println!("{}", load_line(None));
    let begun = store::begin();
    let mut loads = vec![];
    for rate in RATES {
        let receiver = Receiver::start(Listens::Udp)?.ok_or("no receiver")?;
        let output = Command::new(std::env::current_exe().map_err(|e| e.to_string())?)
            .args(["load-one", &rate.to_string()])
            .env(RECEIVER, &receiver.address)
            .output()
            .map_err(|e| e.to_string())?;
        let arrived = receiver.stop();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let (mut load, spans): (Load, u64) =
            serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
        load.arrived = arrived.spans as f64 / spans as f64;
        load.missing = 1.0 - load.arrived - load.dropped;
        println!("{}", load_line(Some(&load)));
        loads.push(load);
    }
    if save { store::save(begun, Results { loads, ..Results::default() }) } else { Ok(()) }
}

/// One rate, in a process of its own: every millisecond its part, in the function with two arguments and a reply.
pub(crate) fn one(rate: u64) -> Result<(), String> {
    let agent = std::env::var(RECEIVER).map_err(|e| e.to_string())?;
    let tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).agent(agent).install();
    let tracer = tracer.map_err(|e| e.to_string())?;
    let burst = usize::try_from(rate / 1_000).map_err(|e| e.to_string())?.max(1);
    let root = Span::root("root");
    let inside = root.enter();
    ours::args_times(WARM);
    let before = tracer.flush(Duration::from_secs(10)).map_err(|e| e.to_string())?;
    if before.dropped.total() > 0 {
        return Err(format!("{} spans were dropped before the load began", before.dropped.total()));
    }
    let (mut spans, mut ticks) = (0, vec![]);
    let (cpu, start) = (ProcessTime::now(), Instant::now());
    let mut next = start + TICK;
    while start.elapsed() < LASTS {
        let tick = Instant::now();
        ours::args_times(burst);
        ticks.push(tick.elapsed().as_nanos() as f64 / burst as f64);
        spans += burst as u64;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        // A tick that was missed is not made up for: the rate that was reached is told.
        next = (next + TICK).max(Instant::now());
    }
    let lasted = start.elapsed().as_secs_f64();
    let after = tracer.flush(Duration::from_secs(30)).map_err(|e| e.to_string())?;
    let cores = cpu.elapsed().as_secs_f64() / lasted;
    ticks.sort_by(f64::total_cmp);
    // All that is told is of all that was made: the load, what came before, and the root.
    let all = spans + WARM as u64 + 1;
    let dropped = after.dropped.total() as f64 / all as f64;
    drop(inside);
    drop(root);
    drop(tracer);
    let load = Load {
        run: String::new(),
        asked: rate,
        made: spans as f64 / lasted,
        caller: (ticks[0], ticks[ticks.len() / 2]),
        cores,
        dropped,
        arrived: 0.0,
        missing: 0.0,
        resident: resident(),
    };
    println!("{}", serde_json::to_string(&(load, all)).map_err(|e| e.to_string())?);
    Ok(())
}

/// The CPU of a process that has a tracer and makes no spans.
///
/// What it takes is counted by the system, so that a busy machine does not raise it; and a window in which something else did (the allocator, a page fault) does not fail it, since the least of several counts. `save` stores the figure.
pub(crate) fn idle(save: bool) -> Result<(), String> {
    const WINDOWS: usize = 5;
    const WINDOW: Duration = Duration::from_secs(2);
    let run = store::begin();
    let tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).agent("127.0.0.1:9").install();
    let tracer = tracer.map_err(|e| e.to_string())?;
    ours::args_times(10);
    // What was made is delivered, or refused, before the windows begin.
    tracer.flush(Duration::from_secs(10)).map_err(|e| e.to_string())?;
    let mut parts: Vec<f64> = (0..WINDOWS)
        .map(|_| {
            let (cpu, start) = (ProcessTime::now(), Instant::now());
            thread::sleep(WINDOW);
            cpu.elapsed().as_secs_f64() / start.elapsed().as_secs_f64()
        })
        .collect();
    parts.sort_by(f64::total_cmp);
    let (least, median) = (parts[0] * 100.0, parts[WINDOWS / 2] * 100.0);
    println!(
        "idle: {least:.4} % of a core (median {median:.4} %), {WINDOWS} times {WINDOW:?}; at most {} %",
        IDLE * 100.0
    );
    if save {
        let millionth = |n: f64| (n * 1e6).round() / 1e6;
        let idle = Idle {
            run: String::new(),
            least: millionth(parts[0]),
            median: millionth(parts[WINDOWS / 2]),
            windows: WINDOWS,
            seconds: WINDOW.as_secs_f64(),
        };
        store::save(run, Results { idle: vec![idle], ..Results::default() })?;
    }
    if parts[0] <= IDLE { Ok(()) } else { Err(format!("an idle tracer takes {least:.3} % of a core")) }
}
