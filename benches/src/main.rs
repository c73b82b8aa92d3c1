//! Peers side by side, instruction counts, allocations: what tracing costs the code that is traced.
//!
//! `peers` runs every peer and workload in a process of its own (this program again, with the hidden subcommand `run`), so that no peer's threads, allocator state or global subscriber
//! touches another's figures. `instructions` and `allocations` are gates that noise cannot break; CI runs them.

mod alloc;
mod count;
mod load;
mod measure;
mod peers;
mod receiver;
mod scaling;
mod table;
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
    },
    /// Count the caller's instructions a span under callgrind, and fail if one rose by more than 3 %.
    Instructions {
        /// Write what was counted as the new limits.
        #[arg(long)]
        update: bool,
    },
    /// Fail if a recorded span allocates on the thread that records it.
    Allocations,
    /// Ours under a load that lasts, from 10,000 spans a second to as many as one thread can make, over UDP.
    Load {
        /// One JSON object a line instead of the table.
        #[arg(long)]
        json: bool,
    },
    /// Fail if a tracer without spans takes 0.1 % of a core.
    Idle,
    /// Fail if a tracer makes a start slower by 1 ms.
    Start,
    /// Ours on two threads, in 10,000 Tokio tasks, on threads that come and go.
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
    /// One start, for `start`.
    #[command(hide = true)]
    StartOne { tracer: String },
}

fn main() -> std::process::ExitCode {
    let done = match Cli::parse().command {
        Command::Peers { only, work, quick, json } => table::run(&only, &work, quick, json),
        Command::Instructions { update } => count::instructions(update),
        Command::Allocations => count::allocations(),
        Command::Run { peer, work, rounds, bursts } => measure::run(&peer, work, rounds, bursts),
        Command::Load { json } => load::run(json),
        Command::Idle => load::idle(),
        Command::Start => load::start(),
        Command::Scaling => scaling::run(),
        Command::Model => scaling::model(),
        Command::SpansOn { threads, spans } => scaling::spans_on(threads, spans),
        Command::LoadOne { rate } => load::one(rate),
        Command::StartOne { tracer } => load::start_one(tracer == "with"),
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
