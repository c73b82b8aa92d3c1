//! What a start costs: small programs that differ by their tracing alone (`src/bin/start_*.rs`), started in turn, and when each came to `main`, past its first span, and to its end.
//!
//! Programs of their own, because this one holds every peer, and what a peer does before `main` would be in all rows.

use crate::measure::Figures;
use crate::peers::Listens;
use crate::receiver::Receiver;
use crate::store;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;
use stored::{Promise, Results, Start};

const TURNS: usize = 61;
const PROGRAMS: [&str; 3] = ["start_plain", "start_ours", "start_fastrace"];

/// One program's milliseconds since its start was asked for: until `main`, past its first span, to the end.
type Times = [Vec<f64>; 3];

/// Starts all programs in turn; the first is the one without tracing, the second ours.
pub(crate) fn measure() -> Result<Vec<Start>, String> {
    let programs = PROGRAMS.map(built);
    let receiver = Receiver::start(Listens::Udp)?.ok_or("no receiver")?;
    let mut starts = PROGRAMS.map(|_| Times::default());
    for _ in 0..TURNS {
        for ((program, name), times) in programs.iter().zip(PROGRAMS).zip(&mut starts) {
            let program = program.as_ref().map_err(Clone::clone)?;
            let asked = SystemTime::now();
            let output = Command::new(program).arg(&receiver.address).output().map_err(|e| e.to_string())?;
            let gone = SystemTime::now();
            let said = String::from_utf8_lossy(&output.stdout);
            let since = |nanos: u128| (nanos as f64 - nanoseconds(asked) as f64) / 1e6;
            let marks: Vec<f64> = said.lines().filter_map(|line| line.parse().ok()).map(since).collect();
            let [main, span] = marks[..] else {
                return Err(format!("{name}: {said}{}", String::from_utf8_lossy(&output.stderr)));
            };
            for (times, time) in times.iter_mut().zip([main, span, since(nanoseconds(gone))]) {
                times.push(time);
            }
        }
    }
    receiver.stop();
    let medians = |(program, times): (&str, Times)| {
        let [main, span, end] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            (Figures::median(&times) * 1e3).round() / 1e3
        });
        Start { run: String::new(), program: program.into(), main, span, end }
    };
    Ok(PROGRAMS.into_iter().zip(starts).map(medians).collect())
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

/// Measures, prints, and fails if ours makes a start slower than is promised; `save` stores it.
pub(crate) fn run(save: bool) -> Result<(), String> {
    let run = store::begin();
    let results = Results { starts: measure()?, ..Results::default() };
    println!(
        "start, ms to the first line of `main`, past the first span, to the end of the process: medians of {TURNS}"
    );
    for start in &results.starts {
        println!("{:<16} {:>8.3} {:>8.3} {:>8.3}", start.program, start.main, start.span, start.end);
    }
    let told: Vec<Promise> =
        stored::promises(&results).into_iter().filter(|it| it.text.starts_with("start")).collect();
    told.iter().for_each(|it| println!("{}", it.text));
    if save {
        store::save(run, results)?;
    }
    stored::check(&told, true)
}
