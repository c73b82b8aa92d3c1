//! Gates that noise cannot break: instructions a span under callgrind, allocations a span.

use crate::measure::{Running, Work};
use crate::{alloc, peers};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::process::Command;

/// Spans of the smaller of the two runs whose difference is counted.
const SPANS: usize = 20_000;
/// Spans between two deliveries, so that the log never fills while valgrind runs one thread at a time.
const BATCH: usize = 4_000;
/// By how much a count may rise.
const TOLERANCE: f64 = 1.03;
const ROWS: [(&str, Work); 10] = [
    ("ours", Work::Sync),
    ("ours", Work::SyncArgs),
    ("ours", Work::Async),
    ("ours", Work::AsyncArgs),
    ("ours", Work::RootChild),
    ("ours", Work::Unsampled),
    ("ours", Work::NoTracer),
    ("fastrace", Work::Sync),
    ("fastrace", Work::SyncArgs),
    ("tracing", Work::NoTracer),
];

/// So many spans, delivered now and then: what callgrind counts.
pub(crate) fn spans(peer: &str, work: Work, spans: usize) -> Result<(), String> {
    let mut running = peers::start(peer, work).ok_or_else(|| format!("{peer} has no {work:?}"))?;
    for _ in 0..spans / BATCH {
        counted(&mut *running);
        // Not counted: how long a caller spins before it sleeps is the scheduler's business.
        running.received();
    }
    Ok(())
}

/// What callgrind counts, told by its name.
#[inline(never)]
fn counted(running: &mut dyn Running) {
    running.burst(BATCH);
}

fn limits() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.json").into()
}

pub(crate) fn instructions(update: bool) -> Result<(), String> {
    let known: BTreeMap<String, f64> = match std::fs::read_to_string(limits()) {
        Ok(text) => serde_json::from_str(&text).map_err(|e| format!("{}: {e}", limits()))?,
        Err(_) if update => BTreeMap::new(),
        Err(error) => return Err(format!("{}: {error}; `instructions --update` writes it", limits())),
    };
    let (mut counted, mut worse) = (BTreeMap::new(), vec![]);
    for (peer, work) in ROWS {
        let work_name =
            work.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let row = format!("{peer} {work_name}");
        let count =
            (callgrind(peer, &work_name, 2 * SPANS)? - callgrind(peer, &work_name, SPANS)?) / SPANS as f64;
        let limit = known.get(&row).copied();
        println!(
            "{row:<22} {count:>8.1} instructions a span, limit {}",
            limit.map_or("none".into(), |l| format!("{l:.1}"))
        );
        // A peer's count is there to be compared with, not to be held.
        if let Some(limit) = limit.filter(|limit| peer == "ours" && !update && count > limit * TOLERANCE) {
            worse.push(format!("{row}: {count:.1} instructions a span, {limit:.1} before"));
        }
        counted.insert(row, (count * 10.0).round() / 10.0);
    }
    if update {
        let text = serde_json::to_string_pretty(&counted).map_err(|e| e.to_string())? + "\n";
        std::fs::write(limits(), text).map_err(|e| e.to_string())?;
    }
    if worse.is_empty() { Ok(()) } else { Err(format!("more than 3 % worse:\n{}", worse.join("\n"))) }
}

/// Instructions of the first thread, the one that calls.
fn callgrind(peer: &str, work: &str, spans: usize) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let out =
        std::env::temp_dir().join(format!("benches-{}-{peer}-{work}-{spans}.callgrind", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes", "--collect-atstart=no"])
        .arg("--toggle-collect=benches::count::counted*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["spans", peer, work, &spans.to_string()])
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    if !output.status.success() {
        return Err(format!("{peer} {work}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    // With one thread there is one file without a number.
    let first = format!("{}-01", out.display());
    let text = std::fs::read_to_string(&first)
        .or_else(|_| std::fs::read_to_string(&out))
        .map_err(|e| format!("{first}: {e}"))?;
    for n in 0..32 {
        // Best effort: they are small and in the system's folder for such.
        let _ = std::fs::remove_file(format!("{}-{n:02}", out.display()));
    }
    let _ = std::fs::remove_file(&out);
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    total.and_then(|n| n.trim().parse().ok()).ok_or_else(|| format!("{first} has no totals"))
}

pub(crate) fn allocations() -> Result<(), String> {
    // One process can have one tracer: the workloads follow each other with the same one, except the one without.
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    if let Ok(work) = std::env::var("BENCHES_ALLOCATIONS_OF") {
        return one(Work::from_str(&work, true)?);
    }
    let mut failed = vec![];
    for work in Work::value_variants() {
        let name = work.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let output = Command::new(&program).arg("allocations").env("BENCHES_ALLOCATIONS_OF", &name).output();
        let output = output.map_err(|e| e.to_string())?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            failed.push(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn one(work: Work) -> Result<(), String> {
    let mut running: Box<dyn Running> = peers::start("ours", work).ok_or("no such work")?;
    // The first spans take the log, register the callsites and grow the buffers; that is set-up, once a thread.
    running.burst(2_000);
    running.received();
    let mut inside = 0;
    for _ in 0..50 {
        let start = alloc::mine();
        running.burst(2_000);
        inside += alloc::mine() - start;
        running.received();
    }
    println!("{work:?}: {inside} allocations in 100,000 spans");
    if inside == 0 { Ok(()) } else { Err(format!("{inside} allocations in 100,000 spans")) }
}
