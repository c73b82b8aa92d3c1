//! Asks cargo to build, and reads what it and rustc say of it.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A message of rustc or clippy, of one place.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) is_error: bool,
    /// `unused_variables`, `clippy::needless_return`, `E0308`; empty for errors without one.
    pub(crate) code: String,
    pub(crate) text: String,
    pub(crate) rendered: String,
    /// Primary places first, then all others that the message or its notes name: file and byte.
    pub(crate) places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// From the folder of the copies: `hyper/src/lib.rs`.
    pub(crate) file: String,
    pub(crate) byte: usize,
    pub(crate) line: usize,
}

/// What came of a build.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub(crate) succeeded: bool,
    pub(crate) messages: Vec<Message>,
    /// Test programs: target's name, program.
    pub(crate) tests: Vec<(String, PathBuf)>,
    /// What cargo itself said.
    pub(crate) stderr: String,
}

impl Built {
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.is_error && !message.places.is_empty())
    }
}

/// cargo in `directory`, without the settings of whoever runs this, all builds in one place.
pub(crate) fn cargo(directory: &Path, target: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory).env("CARGO_TARGET_DIR", target).env("CARGO_TERM_COLOR", "never");
    command.env("CARGO_INCREMENTAL", "0").stdin(Stdio::null());
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTDOCFLAGS", "RUSTC_WRAPPER"] {
        command.env_remove(variable);
    }
    command
}

/// Runs it and reads the messages that concern `package`.
pub(crate) fn build(command: &mut Command, package: &str) -> Result<Built> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let mut built = Built {
        succeeded: output.status.success(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        ..Built::default()
    };
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")) {
        let line: Value = serde_json::from_slice(line).context("a line of cargo's that is no JSON")?;
        if line["target"]["src_path"].as_str().is_none_or(|path| !path.contains(&format!("/{package}/"))) {
            continue;
        }
        match line["reason"].as_str() {
            Some("compiler-message") => built.messages.push(message(&line["message"])),
            Some("compiler-artifact") if line["profile"]["test"] == true => {
                if let (Some(name), Some(program)) =
                    (line["target"]["name"].as_str(), line["executable"].as_str())
                {
                    let kind = line["target"]["kind"][0].as_str().unwrap_or_default();
                    built.tests.push((format!("{kind} {name}"), program.into()));
                }
            }
            _ => {}
        }
    }
    Ok(built)
}

fn message(message: &Value) -> Message {
    let mut places = vec![];
    collect(message, true, &mut places);
    collect(message, false, &mut places);
    for child in message["children"].as_array().into_iter().flatten() {
        collect(child, true, &mut places);
    }
    let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
    Message {
        is_error: message["level"].as_str().is_some_and(|level| level.starts_with("error")),
        code: message["code"]["code"].as_str().unwrap_or_default().to_owned(),
        text: text("message"),
        rendered: text("rendered"),
        places,
    }
}

/// The places where the user's source stands, also for what a macro made of it.
fn collect(message: &Value, primary: bool, to: &mut Vec<Place>) {
    for span in message["spans"].as_array().into_iter().flatten() {
        if span["is_primary"].as_bool() != Some(primary) {
            continue;
        }
        let mut span = span;
        loop {
            let (file, byte, line) =
                (span["file_name"].as_str(), span["byte_start"].as_u64(), span["line_start"].as_u64());
            if let (Some(file), Some(byte), Some(line)) = (file, byte, line) {
                // rustc names it from the workspace's root, where the folder stands.
                let file = file.split_once('/').map_or(file, |(_, file)| file);
                to.push(Place { file: file.into(), byte: byte as usize, line: line as usize });
            }
            match span["expansion"]["span"] {
                Value::Null => break,
                ref outer => span = outer,
            }
        }
    }
}

/// Clippy's lints that are allowed unless asked for, by group: `clippy::pedantic` and the like.
pub(crate) fn pedantic(directory: &Path) -> Result<BTreeSet<String>> {
    let output = Command::new("clippy-driver")
        .args(["-W", "help"])
        .current_dir(directory)
        .output()
        .context("clippy-driver -W help")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let group =
        text.lines().find_map(|line| line.trim_start().strip_prefix("clippy::pedantic ")).map(str::to_owned);
    let Some(group) = group else { bail!("clippy-driver names no group clippy::pedantic") };
    Ok(group.split(',').map(|lint| lint.trim().replace('-', "_")).collect())
}

/// The packages that a manifest names, with where their sources stand.
pub(crate) fn metadata(command: &mut Command) -> Result<Value> {
    let output = command.args(["metadata", "--format-version", "1"]).output().context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
