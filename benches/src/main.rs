//! Peers side by side, instruction counts, allocations: what tracing costs the code that is traced.
//!
//! `peers` runs every peer and workload in a process of its own (this program again, with the hidden subcommand `run`), so that no peer's threads, allocator state or global subscriber
//! touches another's figures. `instructions` and `allocations` are gates that noise cannot break; CI runs them.

mod alloc;
mod count;
mod encoding;
mod futures;
mod intake;
mod load;
mod measure;
mod peers;
mod receiver;
mod scaling;
mod start;
mod store;
mod table;
mod wire;
mod work;

use clap::{Args, Parser, Subcommand};
use work::Work;

#[derive(Parser)]
#[command(about = "What tracing costs the code that is traced: this project beside its peers.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every peer and workload, each in a process of its own, and print one table.
    Peers(table::Asked),
    /// Count the instructions a span under callgrind, of the caller, of the collector and of the backend's intake, and fail if one is more than 3 % above the lowest it was.
    Instructions(Limits),
    /// Fail if a recorded span allocates on the thread that records it.
    Allocations,
    /// Count the bytes a span on the wire, and fail if a row is more than 3 % above the lowest it was.
    Wire(Limits),
    /// Encoding a span beside the `thrift` crate.
    Encoding(Save),
    /// Write the pictures and tables of `results.json`.
    Pictures,
    /// Ours under a load that lasts, from 10,000 spans a second to as many as one thread can make, over UDP.
    Load(Save),
    /// Fail if a tracer without spans takes 0.1 % of a core.
    Idle(Save),
    /// Fail if a tracer makes a start slower by 1 ms.
    Start(Save),
    /// Every kind of work on two threads at once, 10,000 Tokio tasks, threads that come and go, beside two peers.
    Scaling(Save),
    /// Instructions and cache lines a span on 1 to 64 threads under callgrind.
    Model(Save),
    /// One measurement, for `peers`.
    #[command(hide = true)]
    Run { peer: String, work: Work, rounds: usize, bursts: usize },
    /// So many spans and nothing else, for `instructions`.
    #[command(hide = true)]
    Spans { peer: String, work: Work, spans: usize },
    /// So many spans on each of so many threads, for `model`.
    #[command(hide = true)]
    SpansOn { work: Work, threads: usize, spans: usize },
    /// One rate, for `load`.
    #[command(hide = true)]
    LoadOne { rate: u64 },
    /// One peer and what it does, for `scaling`.
    #[command(hide = true)]
    ScalingOne { peer: String, what: String },
    /// One workload, for `wire`.
    #[command(hide = true)]
    WireOne { work: Work },
    /// So many rounds of encoding and nothing else, for `instructions`.
    #[command(hide = true)]
    Encode { way: String, rounds: usize },
    /// So many rounds of futures and nothing else, for `instructions`.
    #[command(hide = true)]
    Futures { way: String, rounds: usize },
    /// So many messages taken in by the backend and nothing else, for `instructions`.
    #[command(hide = true)]
    Intake { way: String, rounds: usize },
}

/// Whether the limits of a gate are written.
#[derive(Args)]
struct Limits {
    /// Write what was counted as the new limits, and list what rose, fell, appeared and was lost. A row that is more than 3 % above the lowest it ever was is refused.
    #[arg(long)]
    update: bool,
    /// Rows (such as `"ours error"`) that may be: what was counted is their lowest from now on. The commit says why.
    #[arg(long, requires = "update", value_delimiter = ',')]
    accept: Vec<String>,
}

/// Whether figures are kept.
#[derive(Args)]
struct Save {
    /// Put the figures into `results.json`, and write the tables and pictures anew.
    #[arg(long)]
    save: bool,
}

fn main() -> std::process::ExitCode {
    let done = match Cli::parse().command {
        Command::Peers(asked) => table::run(&asked),
        Command::Instructions(it) => count::instructions(it.update, &it.accept),
        Command::Allocations => count::allocations(),
        Command::Run { peer, work, rounds, bursts } => measure::run(&peer, work, rounds, bursts),
        Command::Load(it) => load::run(it.save),
        Command::Idle(it) => load::idle(it.save),
        Command::Start(it) => start::run(it.save),
        Command::Scaling(it) => scaling::run(it.save),
        Command::Model(it) => scaling::model(it.save),
        Command::SpansOn { work, threads, spans } => scaling::spans_on(work, threads, spans),
        Command::LoadOne { rate } => load::one(rate),
        Command::Wire(it) => wire::run(it.update, &it.accept),
        Command::WireOne { work } => wire::one(work),
        Command::Encoding(it) => encoding::run(it.save),
        Command::Encode { way, rounds } => encoding::rounds(&way, rounds),
        Command::Intake { way, rounds } => intake::rounds(&way, rounds),
        Command::Futures { way, rounds } => futures::rounds(&way, rounds),
        Command::Pictures => store::pictures(),
        Command::ScalingOne { peer, what } => scaling::one(&peer, &what),
        Command::Spans { peer, work, spans } => count::spans(&peer, work, spans),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            std::process::ExitCode::FAILURE
        }
    }
}
