//! The results that the pictures are drawn from: `results.json`, to which each run with `--save` adds its rows.

use crate::measure::Figures;
use pictures::{Load, Results, Row};
use std::path::{Path, PathBuf};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results.json")
}

fn load() -> Result<Results, String> {
    match std::fs::read_to_string(file()) {
        Ok(text) => Results::parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Results::default()),
        Err(error) => Err(format!("{}: {error}", file().display())),
    }
}

fn save(mut results: Results) -> Result<(), String> {
    results.machine = machine();
    std::fs::write(file(), results.to_text()?).map_err(|e| format!("{}: {e}", file().display()))
}

/// Rows take the place of those of the same peers and workloads.
pub(crate) fn save_rows(rows: &[Figures]) -> Result<(), String> {
    let mut results = load()?;
    for row in rows {
        let tenth = |n: f64| (n * 10.0).round() / 10.0;
        results.put(Row {
            peer: row.peer.clone(),
            work: row.work.name(),
            min: tenth(Figures::min(&row.caller)),
            median: tenth(Figures::median(&row.caller)),
            cpu: tenth(row.cpu),
            allocations: (row.allocations.0 * 100.0).round() / 100.0,
            all_allocations: (row.allocations.1 * 100.0).round() / 100.0,
            lost: row
                .received
                .map(|received| row.made.saturating_sub(received) as f64 / row.made.max(1) as f64),
            bytes: row.bytes.map(f64::round),
            resident: row.resident.map(f64::round),
        });
    }
    save(results)
}

pub(crate) fn save_loads(loads: Vec<Load>) -> Result<(), String> {
    save(Results { loads, ..load()? })
}

/// Draws all pictures anew, and writes the tables into the documents that show them.
pub(crate) fn pictures() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, text) in pictures::files(&load()?, &root)? {
        std::fs::write(root.join(&name), text).map_err(|e| format!("{name}: {e}"))?;
        println!("{name}");
    }
    Ok(())
}

/// The CPU, the system and the compiler, as Linux and `rustc` tell.
fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpu = cpu.map_or("an unknown CPU", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = std::process::Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    let version = rustc.split_whitespace().nth(1).unwrap_or("?");
    format!("{cpu}, {cores} cores, {}, Rust {version}", std::env::consts::OS)
}
