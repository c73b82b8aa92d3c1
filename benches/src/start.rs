//! What a start costs: small programs that differ by their tracing alone (`src/bin/start_*.rs`), started in turn, and when each came to `main`, past its first span, and to its end.
//!
//! Programs of their own, because this one holds every peer, and what a peer does before `main` would be in all rows.

use crate::measure::Figures;
use crate::peers::Listens;
use crate::receiver::Receiver;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

/// The most by which a start with a tracer may be slower than one without, in milliseconds.
pub(crate) const MOST: f64 = 1.0;
const TURNS: usize = 61;
const PROGRAMS: [&str; 3] = ["start_plain", "start_ours", "start_fastrace"];

/// One program's milliseconds since its start was asked for, sorted each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) program: String,
    /// Until the first line of `main`.
    pub(crate) main: Vec<f64>,
    /// Until the first call of the annotated function was over, tracer installed.
    pub(crate) span: Vec<f64>,
    /// Until the process was gone, its span delivered.
    pub(crate) end: Vec<f64>,
}

impl Start {
    /// By how much each median is above another program's.
    pub(crate) fn above(&self, other: &Self) -> [f64; 3] {
        let more = |of: fn(&Self) -> &Vec<f64>| Figures::median(of(self)) - Figures::median(of(other));
        [more(|it| &it.main), more(|it| &it.span), more(|it| &it.end)]
    }
}

/// Starts all programs in turn; the first is the one without tracing, the second ours.
pub(crate) fn measure() -> Result<Vec<Start>, String> {
    let programs = PROGRAMS.map(built);
    let receiver = Receiver::start(Listens::Udp)?.ok_or("no receiver")?;
    let mut starts = PROGRAMS.map(|program| Start { program: program.into(), ..Start::default() });
    for _ in 0..TURNS {
        for (program, start) in programs.iter().zip(&mut starts) {
            let program = program.as_ref().map_err(Clone::clone)?;
            let asked = SystemTime::now();
            let output = Command::new(program).arg(&receiver.address).output().map_err(|e| e.to_string())?;
            let gone = SystemTime::now();
            let said = String::from_utf8_lossy(&output.stdout);
            let since = |nanos: u128| (nanos as f64 - nanoseconds(asked) as f64) / 1e6;
            let times: Vec<f64> = said.lines().filter_map(|line| line.parse().ok()).map(since).collect();
            let [main, span] = times[..] else {
                return Err(format!("{}: {said}{}", start.program, String::from_utf8_lossy(&output.stderr)));
            };
            start.main.push(main);
            start.span.push(span);
            start.end.push(since(nanoseconds(gone)));
        }
    }
    receiver.stop();
    for start in &mut starts {
        for times in [&mut start.main, &mut start.span, &mut start.end] {
            times.sort_by(f64::total_cmp);
        }
    }
    Ok(starts.into())
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// The program of that name, built as this one is: cargo builds only what it is asked to run.
fn built(name: &str) -> Result<PathBuf, String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--locked", "-p", "benches", "--bin", name]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output =
        command.current_dir(env!("CARGO_MANIFEST_DIR")).output().map_err(|e| format!("cargo: {e}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(std::env::current_exe().map_err(|e| e.to_string())?.with_file_name(name))
}

pub(crate) fn print(starts: &[Start]) {
    println!(
        "start, ms to the first line of `main`, past the first span, to the end of the process: medians of {TURNS}"
    );
    for start in starts {
        let [main, span, end] = [&start.main, &start.span, &start.end].map(|times| Figures::median(times));
        println!("{:<16} {main:>8.3} {span:>8.3} {end:>8.3}", start.program);
    }
}

/// Measures, prints, and fails if ours makes a start slower than is promised.
pub(crate) fn run() -> Result<(), String> {
    let starts = measure()?;
    print(&starts);
    let [main, span, end] = starts[1].above(&starts[0]);
    println!(
        "with a tracer: {main:.3} ms more to `main`, {span:.3} to the first span, {end:.3} in all; at most {MOST} each"
    );
    if main.max(span).max(end) <= MOST {
        Ok(())
    } else {
        Err("a tracer makes a start slower than that".into())
    }
}
