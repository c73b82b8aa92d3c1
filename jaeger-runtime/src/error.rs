//! What can go wrong while a tracer is set up, flushed or shut down.
//!
//! Recording itself has no errors: what it loses is counted in [`Stats`](crate::Stats). Every message names the setting and its value and says what to do;
//! values are shown escaped and cut, because they come from outside. Written by hand rather than derived, to keep the crate's tree small.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::Duration;

/// The most characters of a bad value that a message shows.
const SHOWN: usize = 120;

/// Why a tracer could not be set up, flushed or shut down.
///
/// ```
/// use jaeger_runtime::{Error, Sampler, Tracer};
///
/// let error = Tracer::builder("shop").sampler(Sampler::Probabilistic(1.5)).install().unwrap_err();
/// assert!(matches!(error, Error::Setting { .. }));
/// assert_eq!(
///     error.to_string(),
///     "sampler is \"Probabilistic(1.5)\", expected a probability from 0 to 1: give the share of traces to keep, such as 0.01",
/// );
/// ```
#[non_exhaustive]
pub enum Error {
    /// Something set in code cannot be.
    #[non_exhaustive]
    Setting {
        /// The builder's setting.
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        expected: Cow<'static, str>,
        /// What to do.
        advice: Cow<'static, str>,
    },
    /// An environment variable has a value that cannot be.
    #[non_exhaustive]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: Cow<'static, str>,
        /// What to do.
        advice: Cow<'static, str>,
    },
    /// This process has a tracer already; it goes on.
    AlreadyInstalled,
    /// This process has a logger for the crate `log` already; it goes on.
    #[cfg(feature = "log")]
    LoggerInstalled,
    /// The thread of the collector or of a reporter could not be started; nothing is recorded.
    #[non_exhaustive]
    Spawn {
        /// Its name.
        thread: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A flush or shutdown was not done in time; it goes on in the background.
    #[non_exhaustive]
    Timeout {
        /// `flush` or `shutdown`.
        what: &'static str,
        /// How long it was allowed to take.
        deadline: Duration,
    },
    /// A flush or shutdown that nobody can do any more: the collector's thread has died, which is a bug of this crate.
    #[non_exhaustive]
    CollectorDied {
        /// `flush` or `shutdown`.
        what: &'static str,
    },
    /// A flush or shutdown in a forked child, where the collector's thread does not live.
    #[non_exhaustive]
    Forked {
        /// `flush` or `shutdown`.
        what: &'static str,
    },
    /// A flush or shutdown from within a reporter, which would wait for itself.
    #[non_exhaustive]
    FromReporter {
        /// `flush` or `shutdown`.
        what: &'static str,
    },
}

impl Error {
    /// A value given in code.
    pub(crate) fn setting(
        setting: &'static str,
        value: &str,
        expected: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Setting { setting, value: value.into(), expected: expected.into(), advice: advice.into() }
    }

    /// A value from the environment.
    pub(crate) fn variable(
        variable: &'static str,
        value: &str,
        expected: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Variable { variable, value: value.into(), expected: expected.into(), advice: advice.into() }
    }
}

/// A value from outside in quotes, without control bytes, cut.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { setting: name, value, expected, advice }
            | Self::Variable { variable: name, value, expected, advice } => {
                write!(f, "{name} is {}, expected {expected}: {advice}", Quoted(value))
            }
            Self::AlreadyInstalled => f.write_str(
                "a tracer is installed already in this process and goes on: install one only, at the start of main, \
                 and keep its handle",
            ),
            #[cfg(feature = "log")]
            Self::LoggerInstalled => f.write_str(
                "the crate `log` has a logger already in this process, which goes on: install `LogBridge` only, and give it \
                 the other with `and`",
            ),
            Self::Spawn { thread, source } => write!(
                f,
                "the thread `{thread}` could not be started ({source}), so nothing is recorded: raise the limit of \
                 threads or memory of this process"
            ),
            Self::Timeout { what, deadline } => write!(
                f,
                "{what} was not done after its deadline of {deadline:?} and goes on in the background: give it longer, or look \
                 for a reporter that hangs"
            ),
            Self::CollectorDied { what } => write!(
                f,
                "{what} cannot be done, because the collector's thread has died: spans are lost from here on; please report \
                 this with what stands before it on stderr"
            ),
            Self::Forked { what } => write!(
                f,
                "{what} in a forked child can do nothing, because the tracer's thread lives in the parent: call it there, or \
                 fork before the tracer is installed"
            ),
            Self::FromReporter { what } => write!(
                f,
                "{what} within a reporter would wait for itself: call it from a thread of the application"
            ),
        }
    }
}

/// The message too: it is what `main` shows when it returns an error, and what `unwrap` shows.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spawn { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn every_message_says_what_it_is_about_and_what_to_do() {
        let deadline = Duration::from_millis(1500);
        let cases = [
            (
                Error::setting("max_value_len", "3", "16 to 4095 bytes", "give a bound in that range"),
                &["max_value_len", "\"3\"", "16 to 4095", "give"][..],
            ),
            (
                Error::variable("JAEGER_DISABLED", "maybe", "true or false", "unset it"),
                &["JAEGER_DISABLED", "\"maybe\"", "true or false", "unset it"],
            ),
            (Error::AlreadyInstalled, &["installed already", "install one only"]),
            #[cfg(feature = "log")]
            (Error::LoggerInstalled, &["a logger already", "install `LogBridge` only", "with `and`"]),
            (
                Error::Spawn { thread: "jaeger-collector", source: io::Error::other("no threads left") },
                &["jaeger-collector", "no threads left", "raise the limit"],
            ),
            (Error::Timeout { what: "flush", deadline }, &["flush", "1.5s", "give it longer"]),
            (Error::CollectorDied { what: "flush" }, &["flush", "has died", "please report"]),
            (Error::Forked { what: "shutdown" }, &["shutdown", "forked child", "fork before"]),
            (Error::FromReporter { what: "flush" }, &["flush", "reporter", "call it from"]),
        ];
        for (error, parts) in cases {
            let message = error.to_string();
            assert_eq!(format!("{error:?}"), message);
            for part in parts {
                assert!(message.contains(part), "{part:?} is not in {message:?}");
            }
        }
        let spawn = Error::Spawn { thread: "jaeger-collector", source: io::Error::other("no threads left") };
        assert_eq!(spawn.source().map(ToString::to_string).as_deref(), Some("no threads left"));
    }

    #[test]
    fn a_value_from_outside_is_escaped_and_cut() {
        let message = Error::variable("JAEGER_TAGS", "a\u{1b}[31m\n", "pairs", "fix it").to_string();
        assert!(message.contains(r#""a\u{1b}[31m\n""#) && !message.contains('\u{1b}'), "{message}");
        let message = Error::variable("JAEGER_TAGS", &"é".repeat(10_000), "pairs", "fix it").to_string();
        assert!(message.contains(&format!("\"{}\"…", "é".repeat(SHOWN))) && message.len() < 400, "{message}");
    }
}
