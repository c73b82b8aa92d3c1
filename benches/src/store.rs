//! The results that the documents are made of: `results.json`, to which each run with `--save` adds its figures, under a line about the run.

use std::path::{Path, PathBuf};
use std::process::Command;
use stored::{Results, Run, Stored};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A run that begins now.
pub(crate) fn begin() -> Run {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(root()).output();
        output.map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    // What a run itself writes is no change of what is measured.
    let paths = ["status", "--porcelain", "--", ":/", ":!/benches/*.json", ":!/benches/pictures", ":!/*.md"];
    let changed = if said("git", &paths).is_empty() { "" } else { ", changed" };
    let args: Vec<String> = std::env::args().skip(1).collect();
    Run {
        // Its name too, and two may begin in the same second.
        began: said("date", &["--utc", "+%Y-%m-%dT%H:%M:%S.%3NZ"]),
        commit: format!("{}{changed}", said("git", &["rev-parse", "--short", "HEAD"])),
        command: args.join(" "),
        machine: machine(),
    }
}

/// Puts what a run measured in the place of the same figures of earlier runs.
pub(crate) fn save(run: Run, new: Results) -> Result<(), String> {
    let file = root().join("benches/results.json");
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut results = Results::parse(&text)?;
    results.put_all(run, new);
    std::fs::write(&file, results.to_text()?).map_err(|e| format!("{}: {e}", file.display()))?;
    pictures()
}

/// Draws all pictures anew, and writes the tables into the documents that show them.
pub(crate) fn pictures() -> Result<(), String> {
    let root = root();
    for (name, text) in stored::files(&Stored::load(&root)?, &root)? {
        std::fs::write(root.join(&name), text).map_err(|e| format!("{name}: {e}"))?;
    }
    println!("the pictures and tables of the documents are written anew");
    Ok(())
}

/// The CPU, the system and the compiler, as Linux and `rustc` tell.
fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpu = cpu.map_or("an unknown CPU", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    let version = rustc.split_whitespace().nth(1).unwrap_or("?");
    format!("{cpu}, {cores} cores, {}, Rust {version}", std::env::consts::OS)
}
