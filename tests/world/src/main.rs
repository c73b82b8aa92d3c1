//! The world test: puts the bare attribute on every function of published crates, and looks whether anybody can tell.
//!
//! ```text
//! cargo run -p world                 all crates of tests/world/crates/Cargo.toml
//! cargo run -p world -- --quick      the few that CI takes
//! cargo run -p world -- hyper h2     these
//! cargo run -p world -- --blocks     the attribute on `impl` and `trait` blocks instead
//! ```
//!
//! For each crate: cargo fetches it, checksums locked; two copies are laid under `target/world`, one with `#[traced]` put in front of every non-`const` function with a body (`rewrite`);
//! both are built and linted (rustc, clippy's default and pedantic groups), their unit tests are run, in the annotated copy with a tracer that records every span (`recorder/`).
//! Our own package `equivalence` goes through the same in editions 2018, 2021 and 2024; its program prints drop order, places of panics, auto traits and sizes of futures, which have to be
//! the same in both copies too. What is refused, which warnings are new or gone, and which tests end otherwise is said by name, and any of it is a failure, but for the lost
//! warnings that `argued` has a reason for.

mod argued;
mod cargo;
mod catalogue;
mod copies;
mod judge;
mod observations;
mod programs;
mod rewrite;
mod table;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use copies::Workspace;
use judge::World;
use rewrite::Target;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Puts `#[traced]` on every function of published crates, builds, lints and tests them, and says what differs.
#[derive(Parser)]
#[command(name = "world")]
struct Arguments {
    /// Only these crates of the catalogue
    crates: Vec<String>,
    /// Only the few crates that CI takes
    #[arg(long)]
    quick: bool,
    /// The attribute on `impl` and `trait` blocks instead of single functions
    #[arg(long)]
    blocks: bool,
    /// Build and lint only
    #[arg(long)]
    no_tests: bool,
    /// Seconds that one test program may take
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Write the versions that cargo chooses now for what the crates depend on to tests/world/copies.lock
    #[arg(long)]
    relock: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("world: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was found.
fn run(arguments: &Arguments) -> Result<bool> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root =
        here.ancestors().nth(2).context("the member stands two below the workspace")?.join("target/world");
    let target = root.join("build");
    let mut all = catalogue::own(&here.join("equivalence"));
    all.extend(catalogue::read(&here.join("crates/Cargo.toml"), &target)?);
    for name in &arguments.crates {
        ensure!(all.iter().any(|one| one.name == *name), "the catalogue has no crate {name}");
    }
    let wanted = |one: &&catalogue::Crate| match arguments.crates.is_empty() {
        true => !arguments.quick || one.quick,
        false => arguments.crates.contains(&one.name),
    };
    let crates: Vec<_> = all.iter().filter(wanted).cloned().collect();
    if arguments.relock && crates.len() != all.len() {
        bail!("--relock takes all crates: a lock of some would forget the others");
    }
    // A lock of all is right for some too: cargo leaves out what is not needed.
    let lock = here.join("copies.lock");
    let lay = |kind| Workspace::lay(&root, kind, &crates, &lock, &here.join("recorder"));
    let what = if arguments.blocks { Target::Blocks } else { Target::Functions };
    let world = World {
        plain: lay("plain")?,
        seen: lay("seen")?,
        annotated: lay(if arguments.blocks { "blocks" } else { "annotated" })?,
        what,
        run_tests: !arguments.no_tests,
        limit: Duration::from_secs(arguments.limit),
        pedantic: cargo::pedantic(here)?,
        target,
    };
    if arguments.relock {
        return relock(&world, &lock);
    }
    let mut rows = vec![];
    for one in &crates {
        let verdict = world.judge(one);
        match &verdict {
            Ok(verdict) => print!("{}", table::details(one, verdict)),
            Err(error) => println!("{} {}: {error:#}\n", one.name, one.version),
        }
        rows.push((one, verdict.ok()));
    }
    print!("{}", table::table(&rows, what));
    Ok(rows.iter().all(|(_, verdict)| verdict.as_ref().is_some_and(table::is_clean)))
}

fn relock(world: &World, lock: &PathBuf) -> Result<bool> {
    cargo::metadata(&mut cargo::cargo(&world.plain.root, &world.target))?;
    std::fs::copy(world.plain.root.join("Cargo.lock"), lock)?;
    println!("{} written", lock.display());
    Ok(true)
}
