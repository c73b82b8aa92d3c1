//! Gates that noise cannot break: instructions a span under callgrind, allocations a span.

use crate::measure::Running;
use crate::work::Work;
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
const ROWS: [(&str, Work); 19] = [
    ("ours", Work::Sync),
    ("ours", Work::SyncArgs),
    ("ours", Work::Async),
    ("ours", Work::AsyncArgs),
    ("ours", Work::RootChild),
    ("ours", Work::SyncSix),
    ("ours", Work::SyncDebug),
    ("ours", Work::SyncLong),
    ("ours", Work::AsyncSix),
    ("ours", Work::Depth10),
    ("ours", Work::Error),
    ("ours", Work::Logged),
    ("ours", Work::Unsampled),
    ("ours", Work::NoTracer),
    ("fastrace", Work::Sync),
    ("fastrace", Work::SyncArgs),
    ("tracing", Work::NoTracer),
    ("plain", Work::NoTracer),
    ("plain", Work::SyncArgs),
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

/// The same for a thread among others.
#[inline(never)]
pub(crate) fn counted_args(spans: usize) {
    peers::ours::args_times(spans);
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
        let work_name = work.name();
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

/// Instructions a span when so many threads record, over all threads.
pub(crate) fn on_threads(threads: usize) -> Result<f64, String> {
    const EACH: usize = 500;
    let args = |spans: usize| ["spans-on".to_owned(), threads.to_string(), spans.to_string()];
    let (more, less) = (valgrind(&args(2 * EACH), true)?, valgrind(&args(EACH), true)?);
    Ok((more - less) / (threads * EACH) as f64)
}

/// Instructions of the first thread, the one that calls.
fn callgrind(peer: &str, work: &str, spans: usize) -> Result<f64, String> {
    valgrind(&["spans".to_owned(), peer.to_owned(), work.to_owned(), spans.to_string()], false)
}

/// Instructions in what is named `counted…`, of this program called with `args`: of its first thread, or of all.
fn valgrind(args: &[String], all: bool) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let folder = std::env::temp_dir().join(format!("benches-{}-{}", std::process::id(), args.join("-")));
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes", "--collect-atstart=no", "--max-threads=100"])
        .arg("--toggle-collect=benches::count::counted*")
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(program)
        .args(args)
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)));
    }
    let mut sum = 0.0;
    for entry in std::fs::read_dir(&folder).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.to_string_lossy().into_owned();
        // With one thread there is one file without a number; with several that file is about none of them.
        let of_a_thread = name.rsplit_once('-').is_some_and(|(_, n)| n.len() == 2 && n.parse::<u8>().is_ok());
        if of_a_thread && (all || name.ends_with("-01")) {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
            let total = text
                .lines()
                .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
            sum += total.and_then(|n| n.trim().parse::<f64>().ok()).unwrap_or(0.0);
        }
    }
    if sum == 0.0 {
        let text = std::fs::read_to_string(folder.join("out")).map_err(|e| format!("out: {e}"))?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        sum = total.and_then(|n| n.trim().parse().ok()).ok_or("callgrind's file has no totals")?;
    }
    // Best effort: they are small and in the system's folder for such.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(sum)
}

pub(crate) fn allocations() -> Result<(), String> {
    // One process can have one tracer: the workloads follow each other with the same one, except the one without.
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    if let Ok(work) = std::env::var("BENCHES_ALLOCATIONS_OF") {
        return one(Work::from_str(&work, true)?);
    }
    let mut failed = vec![];
    for work in Work::value_variants() {
        let name = work.name();
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
    // A burst is what fits into a log, however late the collector is: the end of a held span that finds its log full is put aside on the heap.
    let burst = work.burst();
    running.burst(burst);
    running.received();
    let mut inside = 0;
    for _ in 0..100_000 / burst {
        let start = alloc::mine();
        running.burst(burst);
        inside += alloc::mine() - start;
        running.received();
    }
    println!("{work:?}: {inside} allocations in 100,000 spans");
    if inside == 0 { Ok(()) } else { Err(format!("{inside} allocations in 100,000 spans")) }
}
