//! Ours under a load that lasts: spans a second that arrive, what happens past what the collector can take, what an idle tracer costs, and what a start costs.

use crate::measure::resident;
use crate::peers::{Listens, RECEIVER, ours};
use crate::receiver::Receiver;
use cpu_time::ProcessTime;
use jaeger_runtime::{Sampler, Span, Tracer};
use serde::{Deserialize, Serialize};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Spans a second that are asked for; the last one is: as many as one thread can make.
const RATES: [u64; 9] =
    [10_000, 50_000, 100_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 100_000_000];
const LASTS: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(1);
/// The most that an idle tracer may take of a core.
const IDLE: f64 = 0.001;
/// The most by which a start with a tracer may be slower than one without, in milliseconds.
const START: f64 = 1.0;

/// One rate.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) asked: u64,
    /// Spans a second that were made.
    pub(crate) made: f64,
    /// Nanoseconds of the caller a span: the best tick, the median tick.
    pub(crate) caller: (f64, f64),
    /// Cores that the process used, its callers included.
    pub(crate) cores: f64,
    /// Of the spans made, those that were dropped and counted; those that arrived.
    pub(crate) dropped: f64,
    pub(crate) arrived: f64,
    /// Of the spans made, those that are neither: lost on the network, or by a bug of ours.
    pub(crate) missing: f64,
    pub(crate) resident: Option<f64>,
}

pub(crate) fn run(json: bool) -> Result<(), String> {
    if !json {
        println!(
            "{:>12} {:>12} {:>8} {:>8} {:>7} {:>9} {:>9} {:>9} {:>8}",
            "asked/s", "made/s", "ns min", "median", "cores", "dropped", "arrived", "missing", "RSS MiB"
        );
    }
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
        if json {
            println!("{}", serde_json::to_string(&load).map_err(|e| e.to_string())?);
            continue;
        }
        let Load { asked, made, caller, cores, dropped, arrived, missing, resident } = load;
        println!(
            "{asked:>12} {made:>12.0} {:>8.1} {:>8.1} {cores:>7.2} {:>7.2} % {:>7.2} % {:>7.2} % {:>8.0}",
            caller.0,
            caller.1,
            dropped * 100.0,
            arrived * 100.0,
            missing * 100.0,
            resident.unwrap_or(0.0)
        );
    }
    Ok(())
}

/// One rate, in a process of its own: every millisecond its part, in the function with two arguments and a reply.
pub(crate) fn one(rate: u64) -> Result<(), String> {
    let agent = std::env::var(RECEIVER).map_err(|e| e.to_string())?;
    let tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).agent(agent).install();
    let tracer = tracer.map_err(|e| e.to_string())?;
    let burst = usize::try_from(rate / 1_000).map_err(|e| e.to_string())?.max(1);
    let root = Span::root("root");
    let inside = root.enter();
    ours::args_times(10_000);
    let before = tracer.flush(Duration::from_secs(10)).map_err(|e| e.to_string())?;
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
    let dropped = (after.dropped.total() - before.dropped.total()) as f64 / spans as f64;
    drop(inside);
    drop(root);
    drop(tracer);
    let load = Load {
        asked: rate,
        made: spans as f64 / lasted,
        caller: (ticks[0], ticks[ticks.len() / 2]),
        cores,
        dropped,
        arrived: 0.0,
        missing: 0.0,
        resident: resident(),
    };
    // Those before the first flush, and the root, arrive too.
    println!("{}", serde_json::to_string(&(load, spans + 10_001)).map_err(|e| e.to_string())?);
    Ok(())
}

/// The CPU of a process that has a tracer and makes no spans.
pub(crate) fn idle() -> Result<(), String> {
    let tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).agent("127.0.0.1:9").install();
    let _tracer = tracer.map_err(|e| e.to_string())?;
    ours::args_times(10);
    thread::sleep(Duration::from_secs(1));
    let (cpu, start) = (ProcessTime::now(), Instant::now());
    thread::sleep(Duration::from_secs(5));
    let part = cpu.elapsed().as_secs_f64() / start.elapsed().as_secs_f64();
    println!("idle: {:.4} % of a core over 5 s, at most {:.1} %", part * 100.0, IDLE * 100.0);
    if part <= IDLE { Ok(()) } else { Err(format!("an idle tracer takes {:.3} % of a core", part * 100.0)) }
}

/// What a start costs: processes with a tracer, its first span and its end, and without, in turn.
pub(crate) fn start() -> Result<(), String> {
    const PAIRS: usize = 61;
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let receiver = Receiver::start(Listens::Udp)?.ok_or("no receiver")?;
    let (mut with, mut without, mut inside) = (vec![], vec![], vec![]);
    for _ in 0..PAIRS {
        for (tracer, times) in [("without", &mut without), ("with", &mut with)] {
            let mut command = Command::new(&program);
            command.args(["start-one", tracer]).env(RECEIVER, &receiver.address);
            let start = Instant::now();
            let output = command.output().map_err(|e| e.to_string())?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            let said = String::from_utf8_lossy(&output.stdout);
            if tracer == "with" {
                inside.push(said.trim().parse::<f64>().map_err(|e| format!("{e}: {said}"))?);
            }
        }
    }
    receiver.stop();
    [&mut with, &mut without, &mut inside].into_iter().for_each(|times| times.sort_by(f64::total_cmp));
    let (min, median) = (with[0] - without[0], with[PAIRS / 2] - without[PAIRS / 2]);
    println!("start: install and first span {:.3} ms (median {:.3})", inside[0], inside[PAIRS / 2]);
    println!(
        "start: the whole process, last delivery and end of the collector included, {:.3} ms with, {:.3} without; {min:.3} ms more (medians {median:.3}), at most {START:.0} ms",
        with[0], without[0]
    );
    if min <= START { Ok(()) } else { Err(format!("a tracer adds {min:.3} ms to a start")) }
}

pub(crate) fn start_one(with: bool) -> Result<(), String> {
    if !with {
        return Ok(());
    }
    let start = Instant::now();
    let agent = std::env::var(RECEIVER).map_err(|e| e.to_string())?;
    let tracer = Tracer::builder("bench").sampler(Sampler::Const(true)).agent(agent).install();
    let _tracer = tracer.map_err(|e| e.to_string())?;
    ours::args_times(1);
    println!("{:.4}", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
