//! Runs a crate's own test programs, and compares what came of each test.

use crate::cargo::Built;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt as _;

/// What came of each test of a crate, and what was recorded meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// `lib hyper::body::tests::x` → `ok`, `FAILED`, `ignored`, `not finished`.
    pub(crate) tests: BTreeMap<String, String>,
    pub(crate) recorded: Recorded,
    /// What went wrong with a whole program.
    pub(crate) faults: Vec<String>,
}

/// Sums over the programs' `Stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) started: u64,
    pub(crate) finished: u64,
    pub(crate) open: u64,
    pub(crate) dropped: u64,
}

impl Outcomes {
    /// Tests with that outcome.
    pub(crate) fn count(&self, outcome: &str) -> usize {
        self.tests.values().filter(|found| *found == outcome).count()
    }

    /// What is not as in `plain`, a line each.
    pub(crate) fn differences(&self, plain: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<_> = self.tests.keys().chain(plain.tests.keys()).collect();
        let outcome = |of: &Self, name: &str| of.tests.get(name).cloned().unwrap_or_else(|| "absent".into());
        let differ = names.into_iter().map(|name| (name, outcome(plain, name), outcome(self, name)));
        let differ = differ.filter(|(_, before, after)| before != after);
        differ
            .map(|(name, before, after)| format!("{name}: {before} in the plain copy, {after} here"))
            .collect()
    }
}

/// Runs every program; with recording on if `record`.
pub(crate) fn run(
    built: &Built,
    package: &Path,
    left_out: &[(String, String)],
    record: Option<&Path>,
    limit: Duration,
) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    for (target, program) in &built.tests {
        let mut command = Command::new(program);
        command.current_dir(package).env("CARGO_MANIFEST_DIR", package).args(["--test-threads", "2"]);
        for (test, _) in left_out {
            command.args(["--skip", test]);
        }
        if let Some(directory) = record {
            if directory.exists() {
                fs::remove_dir_all(directory)?;
            }
            fs::create_dir_all(directory)?;
            command.env("WORLD_RECORD", directory);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut out = child.stdout.take().context("a pipe was asked for")?;
        let reader = std::thread::spawn(move || {
            let mut text = vec![];
            // What came before an end by force counts too.
            let _ = out.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let status = child.wait_timeout(limit)?;
        if status.is_none() {
            child.kill()?;
            child.wait()?;
            outcomes.faults.push(format!("{target}: not done after {} s", limit.as_secs()));
        }
        let text = reader.join().expect("it only reads");
        parse(target, &text, &mut outcomes.tests);
        if let Some(status) = status.filter(|status| !matches!(status.code(), Some(0 | 101))) {
            outcomes.faults.push(format!("{target}: ended with {status}"));
        }
        if let Some(directory) = record {
            read_counts(directory, target, &mut outcomes)?;
        }
    }
    Ok(outcomes)
}

fn read_counts(directory: &Path, target: &str, outcomes: &mut Outcomes) -> Result<()> {
    let mut files = 0;
    for entry in fs::read_dir(directory)? {
        let text = fs::read_to_string(entry?.path())?;
        let counts: Vec<u64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
        let [started, finished, open, dropped] = counts[..] else {
            outcomes.faults.push(format!("{target}: {}", text.trim()));
            continue;
        };
        files += 1;
        let sum = &mut outcomes.recorded;
        sum.started += started;
        sum.finished += finished;
        sum.open += open;
        sum.dropped += dropped;
        if started != finished + open + dropped {
            outcomes.faults.push(format!("{target}: spans are lost uncounted: {}", text.trim()));
        }
    }
    if files == 0 {
        outcomes.faults.push(format!("{target}: recorded nothing, and did not say why"));
    }
    Ok(())
}

/// libtest's lines: `test a::b ... ok`, `test c - should panic ... ok`, `test d ... ignored, too slow`.
fn parse(target: &str, text: &str, tests: &mut BTreeMap<String, String>) {
    for line in text.lines().filter_map(|line| line.strip_prefix("test ")) {
        let Some((name, outcome)) = line.split_once(" ... ") else { continue };
        // What a test prints past the capture stands in between; the outcome is the line's last word then.
        let outcome = ["ok", "FAILED", "ignored"]
            .into_iter()
            .find(|word| outcome.starts_with(word) || outcome.ends_with(word));
        let outcome = outcome.unwrap_or("not finished");
        tests.insert(format!("{target}::{name}"), outcome.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_and_compared() {
        let mut plain = Outcomes::default();
        parse(
            "lib x",
            "running 3 tests\ntest a::b ... ok\ntest c - should panic ... FAILED\ntest d ... ignored, slow\n",
            &mut plain.tests,
        );
        assert_eq!(plain.tests["lib x::c - should panic"], "FAILED");
        assert_eq!((plain.count("ok"), plain.count("ignored")), (1, 1));
        let mut other = Outcomes::default();
        parse("lib x", "test a::b ... some outputok\ntest c - should panic ... ", &mut other.tests);
        assert_eq!(
            other.differences(&plain),
            [
                "lib x::c - should panic: FAILED in the plain copy, not finished here",
                "lib x::d: ignored in the plain copy, absent here",
            ]
        );
    }
}
