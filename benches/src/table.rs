//! The table of `peers`: a child process for each row, a receiver for those that send, and the promises at the end.

use crate::measure::Figures;
use crate::peers::{PEERS, Peer, RECEIVER};
use crate::promises;
use crate::receiver::Receiver;
use crate::store;
use crate::work::Work;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROUNDS: usize = 7;
const BURSTS: usize = 30;

/// Runs the peers and workloads that are wanted; `save` puts their rows into the stored results.
pub(crate) fn run(
    only: &[String],
    works: &[Work],
    quick: bool,
    json: bool,
    save: bool,
) -> Result<(), String> {
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
        promises::print(&rows);
        promises::print_beside()?;
    }
    if save { store::save_rows(&rows) } else { Ok(()) }
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
