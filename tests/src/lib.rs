//! Support for tests of the whole product against real programs.
//!
//! Its one job is to start things and to look at them from outside: [`Jaeger`] itself, [`client`] programs in other
//! languages, our own [`example`]s, a UDP [`Sink`]. What it starts ends with the test, also when the test panics or is
//! killed. Where a tool is not on this machine, that is a [`Missing`], which a test turns into a visible
//! [`skip`]; a tool that is there but fails is an error on CI.
//!
//! It leaves out, on purpose, everything that a unit test needs: it never looks inside our crates.

pub mod client;
pub mod example;
mod jaeger;
mod program;
mod sink;

pub use jaeger::{Jaeger, tag};
pub use program::{Running, run};
pub use sink::Sink;

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why a real program cannot be had on this machine; always to be shown, by [`skip`].
#[derive(Debug)]
pub struct Missing(String);

impl Missing {
    /// The tool is not installed here.
    pub fn tool(name: &str) -> Missing {
        Missing(format!("there is no `{name}` on this machine"))
    }

    /// The tool is there, but getting the program with it failed. On CI that is a failure, not a reason to skip.
    ///
    /// # Panics
    /// If `CI=true`.
    pub fn failed(what: &str) -> Missing {
        assert!(!on_ci(), "on CI the tool is there, so this has to work: {what}");
        Missing(what.to_owned())
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says that `test` did not run and why, past the capture of the test runner, so that no log can hide it.
pub fn skip(test: &str, why: &Missing) {
    say(&format!("SKIPPED {test}: {why}"));
}

/// Prints one line past the capture of the test runner.
pub fn say(line: &str) {
    // The runner captures `println!`, not writes to the handle itself.
    let mut out = std::io::stdout().lock();
    // A closed stdout is no reason for a test to fail.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Whether this run is CI's.
pub fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// The workspace's root.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the member stands in the workspace")
}

/// Where programs of others are kept between runs: the workspace's own target, whatever `CARGO_TARGET_DIR` says, so
/// that they are fetched once.
pub fn kept(name: &str) -> PathBuf {
    workspace().join("target").join(name)
}

/// Calls `look` until it answers, for at most `limit`; `None` when it never did.
///
/// The pause between two looks is 20 ms: for conditions that only asking can tell, such as a program's answers.
pub fn wait_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
