//! Jaeger clients of other languages: installed once from their registries, under the workspace's target.
//!
//! Each gives a command that takes HOST PORT, sends the same three spans there and prints their ids as JSON; the
//! programs stand in tests/tests/interop. An installation is made under another name and renamed, so one that is
//! there is whole; its folder's name holds a hash of what it was made from, so a change makes a new one.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::program::{on_path, run};
use crate::{Missing, kept, workspace};

/// Registries answer within seconds; a slow one is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// The Python client in a virtual environment.
///
/// # Errors
/// Where there is no Python, or (not on CI) the installation fails.
pub fn python() -> Result<Command, Missing> {
    if !on_path("python3") {
        return Err(Missing::tool("python3"));
    }
    let source = source("python");
    let home = install("python", &[source.join("requirements.txt")], |folder| {
        step(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        step(
            Command::new(folder.join("bin").join("python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(source.join("requirements.txt")),
        )
    })?;
    let mut command = Command::new(home.join("bin").join("python"));
    command.arg(source.join("client.py"));
    Ok(command)
}

/// The Node client in a folder of its own.
///
/// # Errors
/// Where there is no Node or npm, or (not on CI) the installation fails.
pub fn node() -> Result<Command, Missing> {
    for tool in ["node", "npm"] {
        if !on_path(tool) {
            return Err(Missing::tool(tool));
        }
    }
    let source = source("node");
    let inputs = [source.join("package.json"), source.join("package-lock.json")];
    let home = install("node", &inputs, |folder| {
        for input in &inputs {
            let copy = folder.join(input.file_name().expect("a file has a name"));
            std::fs::copy(input, &copy).map_err(|error| format!("{}: {error}", copy.display()))?;
        }
        step(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
    })?;
    let mut command = Command::new("node");
    command.arg(source.join("client.js")).env("CLIENT_MODULES", home);
    Ok(command)
}

/// The Go client as one program.
///
/// # Errors
/// Where there is no Go, or (not on CI) the build fails.
pub fn go() -> Result<Command, Missing> {
    if !on_path("go") {
        return Err(Missing::tool("go"));
    }
    let source = source("go");
    let inputs = ["go.mod", "go.sum", "main.go"].map(|name| source.join(name));
    let home = install("go", &inputs, |folder| {
        step(
            Command::new("go")
                .args(["build", "-mod=readonly", "-o"])
                .arg(folder.join("client"))
                .arg(".")
                .env("GOWORK", "off")
                .env("GOFLAGS", "-buildvcs=false")
                .current_dir(&source),
        )
    })?;
    Ok(Command::new(home.join("client")))
}

fn source(language: &str) -> PathBuf {
    workspace().join("tests").join("tests").join("interop").join(language)
}

/// The folder that `make` filled, made where it is not there yet.
fn install(
    language: &str,
    inputs: &[PathBuf],
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, Missing> {
    let mut hash = DefaultHasher::new();
    for input in inputs {
        std::fs::read(input).unwrap_or_else(|error| panic!("{}: {error}", input.display())).hash(&mut hash);
    }
    let all = kept("interop");
    let home = all.join(format!("{language}-{:016x}", hash.finish()));
    if home.is_dir() {
        return Ok(home);
    }
    let half = all.join(format!("{language}.part.{}", std::process::id()));
    std::fs::create_dir_all(&half).unwrap_or_else(|error| panic!("{}: {error}", half.display()));
    make(&half).map_err(|error| Missing::failed(&format!("the {language} client: {error}")))?;
    // Lost to another test process that made the same: then theirs is used.
    if std::fs::rename(&half, &home).is_err() {
        let _ = std::fs::remove_dir_all(&half);
        assert!(home.is_dir(), "{}: cannot be put in place", home.display());
    }
    Ok(home)
}

fn step(command: &mut Command) -> Result<(), String> {
    let output = run(command, PATIENCE);
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
