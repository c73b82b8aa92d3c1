//! Our own examples, built by the cargo that runs the tests and run as a user would, as processes.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::program::run;
use crate::workspace;

/// Cold builds of all that an example needs, on a busy machine.
const BUILD: Duration = Duration::from_secs(600);
/// The examples work for about a second.
const RUN: Duration = Duration::from_secs(60);

/// Runs the example with these variables and none of the caller's own `JAEGER_` ones.
///
/// # Panics
/// If it cannot be built, or does not end within a minute.
pub fn run_example(name: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(build(name));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("JAEGER_") {
            command.env_remove(key);
        }
    }
    run(command.envs(variables.iter().copied()), RUN)
}

/// The example's program. Cargo says where it is, which holds for every target directory, profile and platform.
fn build(name: &str) -> PathBuf {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--package", "examples", "--example", name, "--message-format=json"])
        .current_dir(workspace());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = run(&mut command, BUILD);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = artifacts
        .filter(|message| message["target"]["name"] == name)
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next().unwrap_or_else(|| panic!("cargo built `{name}` but named no program: {messages}"))
}
