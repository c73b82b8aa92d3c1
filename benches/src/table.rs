//! The table of `peers`: a child process for each row, a receiver for those that send, and the promises at the end.

use crate::measure::Figures;
use crate::peers::{PEERS, Peer, RECEIVER};
use crate::receiver::Receiver;
use crate::work::Work;
use crate::{encoding, start, store};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use stored::{Kept, Promise, Results, row_line};

/// How often all rows are measured, one after the other. What else runs on the machine comes and goes in seconds, and a process takes less than one: a row that was measured once is told with whatever happened
/// then, and its ratio to another is not. Code that keeps the processor busy is hit hardest (an async function with arguments takes 1.6 times as long beside a busy neighbour, one without 1.1 times).
const PASSES: usize = 3;
/// Rounds of a row in each of them.
const ROUNDS: usize = 3;
const BURSTS: usize = 30;

/// What `peers` is asked for.
#[derive(Args)]
pub(crate) struct Asked {
    /// Only these peers (such as `ours,fastrace`); encoding and start are then left out.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these workloads (such as `sync,sync-args`); encoding and start are then left out.
    #[arg(long, value_delimiter = ',')]
    work: Vec<Work>,
    /// A fifth of the bursts: to see that it runs, not to quote.
    #[arg(long, conflicts_with = "save")]
    quick: bool,
    /// One JSON object a line instead of the table.
    #[arg(long)]
    json: bool,
    /// Put the rows into `results.json` in the place of those of the same peers and workloads.
    #[arg(long)]
    save: bool,
    /// Fail if a promise is missed, by the minima and by the medians; without `--only` and `--work` also if one was not measured. Without this a missed promise is only told: the rows are nanoseconds,
    /// and on a busy machine two of them lie.
    #[arg(long)]
    check: bool,
}

/// Runs the peers and workloads that are wanted. A peer that fails is told with what it said, the others go on, and the run fails.
pub(crate) fn run(asked: &Asked) -> Result<(), String> {
    for name in &asked.only {
        if !PEERS.iter().any(|peer| peer.name == name) {
            let known: Vec<_> = PEERS.iter().map(|peer| peer.name).collect();
            return Err(format!("there is no peer `{name}`; the peers are {}", known.join(", ")));
        }
    }
    let run = store::begin();
    let wanted: Vec<Peer> = PEERS
        .into_iter()
        .filter(|peer| asked.only.is_empty() || asked.only.iter().any(|name| name == peer.name))
        .collect();
    let go = if wanted.iter().any(|peer| peer.go) { go_program()? } else { None };
    let works: Vec<Work> = Work::value_variants()
        .iter()
        .copied()
        .filter(|work| asked.work.is_empty() || asked.work.contains(work))
        .collect();
    if !asked.json {
        println!("{}", row_line(None));
    }
    let (passes, bursts) = if asked.quick { (1, BURSTS / 5) } else { (PASSES, BURSTS) };
    let (mut results, mut failed) = (Results::default(), vec![]);
    let mut known: BTreeMap<(Work, &str), Figures> = BTreeMap::new();
    for (pass, work) in (1..=passes).flat_map(|pass| works.iter().map(move |work| (pass, *work))) {
        for peer in &wanted {
            let program = match (peer.go, &go) {
                (true, None) => continue,
                (true, Some(go)) => go.clone(),
                (false, _) => std::env::current_exe().map_err(|e| e.to_string())?,
            };
            let mut figures = match child(peer, &program, work, bursts) {
                Ok(Some(figures)) => figures,
                Ok(None) => continue,
                Err(error) => {
                    eprintln!("FAILED: {error}");
                    failed.push(error);
                    continue;
                }
            };
            if let Some(before) = known.remove(&(work, peer.name)) {
                figures.add(before);
            }
            if pass < passes {
                known.insert((work, peer.name), figures);
                continue;
            }
            let row = figures.row();
            if asked.json {
                println!("{}", serde_json::to_string(&figures).map_err(|e| e.to_string())?);
            } else {
                println!("{}", row_line(Some(&row)));
            }
            results.rows.push(row);
        }
    }
    if go.is_none() && wanted.iter().any(|peer| peer.go) {
        eprintln!("SKIPPED: jaeger-client-go, because there is no `go` here that builds benches/go");
    }
    let whole = asked.only.is_empty() && asked.work.is_empty();
    if whole {
        results.encoding = encoding::measure()?;
        results.starts = start::measure()?;
    }
    let told = stored::promises(&results);
    if !asked.json {
        let told: Vec<&Promise> = told.iter().filter(|it| it.kept != Kept::Unmeasured).collect();
        if !told.is_empty() {
            println!("\nratios of the minima (and of the medians), and the most they should be");
        }
        told.iter().for_each(|it| println!("{}", it.text));
    }
    if asked.save {
        store::save(run, results)?;
    }
    if !failed.is_empty() {
        return Err(format!("{} of the rows failed:\n{}", failed.len(), failed.join("\n")));
    }
    if asked.check { stored::check(&told, whole) } else { Ok(()) }
}

/// Builds `benches/go` into the folder of this program; `None` where Go is not. A Go that does not build it is an error.
fn go_program() -> Result<Option<PathBuf>, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?.with_file_name("benches-go");
    let built = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go"))
        .output();
    match built {
        Ok(output) if output.status.success() => Ok(Some(program)),
        Ok(output) => {
            Err(format!("benches/go was not built: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("go: {error}")),
    }
}

/// Runs one row in a process of its own; `None` if the peer says that it has no such work.
fn child(peer: &Peer, program: &Path, work: Work, bursts: usize) -> Result<Option<Figures>, String> {
    let receiver = Receiver::start(peer.listens)?;
    let what = format!("{} {}", peer.name, work.name());
    let mut command = Command::new(program);
    command.args(["run", peer.name, &work.name(), &ROUNDS.to_string(), &bursts.to_string()]);
    if let Some(receiver) = &receiver {
        command.env(RECEIVER, &receiver.address);
    }
    let output = command.output().map_err(|e| format!("{what}: {e}"));
    let arrived = receiver.map(Receiver::stop);
    let output = output?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{what} ended with {}: {}", output.status, said.trim()));
    }
    let figures = serde_json::from_slice(&output.stdout);
    let figures: Option<Figures> =
        figures.map_err(|e| format!("{what} said nothing that can be read: {e}"))?;
    let Some(mut figures) = figures else { return Ok(None) };
    if let Some(arrived) = arrived {
        figures.received = Some(arrived.spans);
        figures.bytes = (arrived.spans > 0).then(|| arrived.bytes as f64 / arrived.spans as f64);
    }
    if figures.made > 0 && figures.received.is_none() {
        return Err(format!("{what} did not deliver what it made"));
    }
    Ok(Some(figures))
}
