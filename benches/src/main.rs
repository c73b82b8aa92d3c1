//! Peers side by side, instruction counts, allocations: what tracing costs the code that is traced.
//!
//! `peers` runs every peer and workload in a process of its own (this program again, with the hidden subcommand `run`), so that no peer's threads, allocator state or global subscriber
//! touches another's figures. `instructions` and `allocations` are gates that noise cannot break; CI runs them.

mod alloc;
mod count;
mod encoding;
mod gate;
mod intake;
mod load;
mod measure;
mod peers;
mod promises;
mod receiver;
mod scaling;
mod start;
mod store;
mod table;
mod wire;
mod work;

use clap::{Parser, Subcommand};
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
    Peers {
        /// Only these peers (such as `ours,fastrace`).
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Only these workloads (such as `sync,sync-args`).
        #[arg(long, value_delimiter = ',')]
        work: Vec<Work>,
        /// A fifth of the bursts: to see that it runs, not to quote.
        #[arg(long)]
        quick: bool,
        /// One JSON object a line instead of the table.
        #[arg(long)]
        json: bool,
        /// Put the rows into `results.json` in the place of those of the same peers and workloads.
        #[arg(long)]
        save: bool,
    },
    /// Count the instructions a span under callgrind, of the caller, of the collector and of the backend's intake, and fail if one rose by more than 3 %.
    Instructions {
        /// Write what was counted as the new limits.
        #[arg(long)]
        update: bool,
    },
    /// Fail if a recorded span allocates on the thread that records it.
    Allocations,
    /// Count the bytes a span on the wire, and fail if a row rose by more than 3 %.
    Wire {
        /// Write what was counted as the new limits.
        #[arg(long)]
        update: bool,
    },
    /// Encoding a span beside the `thrift` crate.
    Encoding,
    /// Write the pictures and tables of `results.json`.
    Pictures,
    /// Ours under a load that lasts, from 10,000 spans a second to as many as one thread can make, over UDP.
    Load {
        /// Put the figures into `results.json`.
        #[arg(long)]
        save: bool,
    },
    /// Fail if a tracer without spans takes 0.1 % of a core.
    Idle,
    /// Fail if a tracer makes a start slower by 1 ms.
    Start,
    /// On two threads, in 10,000 Tokio tasks, on threads that come and go, beside two peers.
    Scaling,
    /// Instructions a span on 1 to 64 threads under callgrind.
    Model,
    /// One measurement, for `peers`.
    #[command(hide = true)]
    Run { peer: String, work: Work, rounds: usize, bursts: usize },
    /// So many spans and nothing else, for `instructions`.
    #[command(hide = true)]
    Spans { peer: String, work: Work, spans: usize },
    /// So many spans on each of so many threads, for `model`.
    #[command(hide = true)]
    SpansOn { threads: usize, spans: usize },
    /// One rate, for `load`.
    #[command(hide = true)]
    LoadOne { rate: u64 },
    /// One peer, for `scaling`.
    #[command(hide = true)]
    ScalingOne { peer: String },
    /// One workload, for `wire`.
    #[command(hide = true)]
    WireOne { work: Work },
    /// So many rounds of encoding and nothing else, for `instructions`.
    #[command(hide = true)]
    Encode { way: String, rounds: usize },
    /// So many messages taken in by the backend and nothing else, for `instructions`.
    #[command(hide = true)]
    Intake { way: String, rounds: usize },
}

fn main() -> std::process::ExitCode {
    let done = match Cli::parse().command {
        Command::Peers { only, work, quick, json, save } => table::run(&only, &work, quick, json, save),
        Command::Instructions { update } => count::instructions(update),
        Command::Allocations => count::allocations(),
        Command::Run { peer, work, rounds, bursts } => measure::run(&peer, work, rounds, bursts),
        Command::Load { save } => load::run(save),
        Command::Idle => load::idle(),
        Command::Start => start::run(),
        Command::Scaling => scaling::run(),
        Command::Model => scaling::model(),
        Command::SpansOn { threads, spans } => scaling::spans_on(threads, spans),
        Command::LoadOne { rate } => load::one(rate),
        Command::Wire { update } => wire::run(update),
        Command::WireOne { work } => wire::one(work),
        Command::Encoding => encoding::run(),
        Command::Encode { way, rounds } => encoding::rounds(&way, rounds),
        Command::Intake { way, rounds } => intake::rounds(&way, rounds),
        Command::Pictures => store::pictures(),
        Command::ScalingOne { peer } => scaling::one(&peer),
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
