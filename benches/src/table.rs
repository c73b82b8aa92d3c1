//! The table of `peers`: a child process for each row, a receiver for those that send, and the ratios that are promised at the end.

use crate::measure::Figures;
use crate::peers::{PEERS, Peer, RECEIVER};
use crate::receiver::Receiver;
use crate::work::Work;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROUNDS: usize = 7;
const BURSTS: usize = 30;

/// What of a row is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// The caller's time a span.
    Caller,
    /// The same without the time of the plain function: what the annotation adds.
    Added,
    /// The process's CPU a span.
    Cpu,
}

/// Work, ours, the other, the most that ours may be of it.
const TARGETS: [(Work, &str, &str, f64, What); 12] = [
    (Work::Sync, "ours", "fastrace", 0.4, What::Caller),
    (Work::Sync, "ours", "floor", 1.6, What::Caller),
    (Work::SyncArgs, "ours", "fastrace", 0.08, What::Caller),
    (Work::SyncArgs, "ours", "floor", 2.2, What::Caller),
    (Work::Async, "ours", "fastrace", 0.2, What::Caller),
    (Work::AsyncArgs, "ours", "fastrace", 0.08, What::Caller),
    (Work::RootChild, "ours", "fastrace", 0.15, What::Caller),
    (Work::Unsampled, "ours", "fastrace", 0.25, What::Caller),
    (Work::NoTracer, "ours", "tracing", 0.5, What::Caller),
    (Work::NoTracer, "ours", "tracing", 0.5, What::Added),
    (Work::Sync, "ours-udp", "fastrace-jaeger", 0.12, What::Cpu),
    (Work::SyncArgs, "ours-udp", "fastrace-jaeger", 0.07, What::Cpu),
];

pub(crate) fn run(only: &[String], works: &[Work], quick: bool, json: bool) -> Result<(), String> {
    for name in only {
        if !PEERS.iter().any(|peer| peer.name == name) {
            let known: Vec<_> = PEERS.iter().map(|peer| peer.name).collect();
            return Err(format!("there is no peer `{name}`; the peers are {}", known.join(", ")));
        }
    }
    if !json {
        println!(
            "{:<11} {:<16} {:>9} {:>8} {:>9} {:>7} {:>7} {:>8} {:>7} {:>8}",
            "work", "peer", "ns min", "median", "CPU ns", "allocs", "all", "dropped", "wire B", "RSS MiB"
        );
    }
    let wanted: Vec<Peer> = PEERS
        .into_iter()
        .filter(|peer| only.is_empty() || only.iter().any(|name| name == peer.name))
        .collect();
    let go = wanted.iter().any(|peer| peer.go).then(go_program).flatten();
    let mut rows: Vec<Figures> = vec![];
    for work in Work::value_variants() {
        if !works.is_empty() && !works.contains(work) {
            continue;
        }
        for peer in &wanted {
            let program = match (peer.go, &go) {
                (true, None) => continue,
                (true, Some(go)) => go.clone(),
                (false, _) => std::env::current_exe().map_err(|e| e.to_string())?,
            };
            let Some(figures) = child(peer, &program, *work, if quick { BURSTS / 5 } else { BURSTS })? else {
                continue;
            };
            if json {
                println!("{}", serde_json::to_string(&figures).map_err(|e| e.to_string())?);
            } else {
                print(&figures);
            }
            rows.push(figures);
        }
    }
    if !json {
        if go.is_none() && wanted.iter().any(|peer| peer.go) {
            println!("SKIPPED: jaeger-client-go, because there is no `go` here that builds benches/go");
        }
        ratios(&rows);
    }
    Ok(())
}

/// Builds `benches/go` into the folder of this program; `None` where Go is not.
fn go_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("benches-go");
    let built = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go"))
        .status();
    built.is_ok_and(|status| status.success()).then_some(program)
}

fn print(row: &Figures) {
    let work = row.work.name();
    let (min, median) = (Figures::min(&row.caller), Figures::median(&row.caller));
    let cpu = row.cpu;
    let (mine, all) = row.allocations;
    let dropped = match row.received {
        Some(received) if received < row.made => {
            format!("{:.1} %", (row.made - received) as f64 * 100.0 / row.made as f64)
        }
        Some(_) => "0".into(),
        None => "-".into(),
    };
    let shown = |figure: Option<f64>| figure.map_or("-".into(), |figure| format!("{figure:.0}"));
    let (bytes, resident) = (shown(row.bytes), shown(row.resident));
    let peer = &row.peer;
    println!(
        "{work:<11} {peer:<16} {min:>9.1} {median:>8.1} {cpu:>9.1} {mine:>7.2} {all:>7.2} {dropped:>8} {bytes:>7} {resident:>8}"
    );
}

/// Runs one row in a process of its own; `None` if the peer has no such work.
pub(crate) fn child(
    peer: &Peer,
    program: &Path,
    work: Work,
    bursts: usize,
) -> Result<Option<Figures>, String> {
    let receiver = Receiver::start(peer.listens)?;
    let name = peer.name;
    let mut command = Command::new(program);
    command.args(["run", name, &work.name(), &ROUNDS.to_string(), &bursts.to_string()]);
    if let Some(receiver) = &receiver {
        command.env(RECEIVER, &receiver.address);
    }
    let output = command.output().map_err(|e| e.to_string())?;
    let arrived = receiver.map(Receiver::stop);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return if said.contains(" has no ") { Ok(None) } else { Err(format!("{name} {work:?}: {said}")) };
    }
    let mut figures: Figures =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("{name} {work:?}: {e}"))?;
    if let Some(arrived) = arrived {
        figures.received = Some(arrived.spans);
        figures.bytes = (arrived.spans > 0).then(|| arrived.bytes as f64 / arrived.spans as f64);
    }
    Ok(Some(figures))
}

/// Each promise, by the minima and by the medians of the rounds: a peer that is at the mercy of its allocator has a minimum far from its median.
fn ratios(rows: &[Figures]) {
    let find = |work: Work, peer: &str| rows.iter().find(|row| row.work == work && row.peer == peer);
    let mut any = false;
    for (work, peer, beside, most, what) in TARGETS {
        // The floor is one row for all workloads.
        let other = if beside == "floor" { find(Work::Sync, "floor") } else { find(work, beside) };
        let (Some(mine), Some(other), Some(plain)) = (find(work, peer), other, find(work, "plain").or(other))
        else {
            continue;
        };
        if !any {
            println!("\nratios of the minima (and of the medians), and the most they should be");
            any = true;
        }
        let ratio = |of: fn(&[f64]) -> f64| {
            let figure = |row: &Figures| match what {
                What::Caller => of(&row.caller),
                What::Added => of(&row.caller) - of(&plain.caller),
                What::Cpu => row.cpu,
            };
            figure(mine) / figure(other)
        };
        let (min, median) = (ratio(Figures::min), ratio(Figures::median));
        let met = match (min <= most, median <= most) {
            (true, true) => "met",
            (false, false) => "MISSED",
            _ => "met by one of the two",
        };
        let label = match what {
            What::Caller => "caller",
            What::Added => "added to the plain function",
            What::Cpu => "CPU",
        };
        println!(
            "{:<11} {peer} / {beside}, {label}: {min:.3} ({median:.3}), at most {most}: {met}",
            work.name()
        );
    }
}
