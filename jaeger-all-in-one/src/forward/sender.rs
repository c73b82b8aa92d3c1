//! The thread of a target: tries, waits longer and longer, gives up; counts each span once and says what is worth saying.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::http::Http;
use super::queue::{Item, Shared};
use super::told::Told;
use super::udp::Udp;
use super::{GIVE_UP, Loss, Target, Way};

/// The first wait before something is sent again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait that is not asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What an attempt came to. The texts say what to do about it.
pub(super) enum Outcome {
    /// Taken, all but so many spans; then why.
    Taken(u64, String),
    /// Not now: why, and how long the target wants to be left alone.
    Later(String, Option<Duration>),
    /// Never.
    Never(Loss, String),
}

/// What an attempt goes through.
enum Line {
    Http(Http),
    Udp(Udp),
}

pub(super) struct Sender {
    shared: Arc<Shared>,
    line: Line,
    told: Told,
}

impl Sender {
    pub(super) fn new(target: &Target, shared: Arc<Shared>) -> Sender {
        let line = match target.way {
            Way::Thrift | Way::Otlp => Line::Http(Http::new(target)),
            Way::Udp => Line::Udp(Udp::new(target)),
        };
        Sender { shared, line, told: Told::new(target.to_string()) }
    }

    pub(super) fn run(mut self) {
        while let Some(item) = self.shared.next() {
            let result = self.deliver(&item);
            self.shared.done(&item, result);
            self.look(result == Ok(0));
            if result == Err(Loss::Stopped) {
                break;
            }
        }
        self.shared.ended();
    }

    /// Tries until it is taken, refused or too old; how many of its spans were not taken.
    fn deliver(&mut self, item: &Item) -> Result<u64, Loss> {
        let mut wait = FIRST_WAIT;
        loop {
            let outcome = match &mut self.line {
                Line::Http(http) => http.attempt(&item.body),
                Line::Udp(udp) => udp.attempt(&item.body),
            };
            let (why, asked) = match outcome {
                Outcome::Taken(rejected, why) => {
                    if rejected > 0 {
                        self.failed(&why, false);
                    }
                    return Ok(rejected);
                }
                Outcome::Never(loss, why) => {
                    // It answers, so it is there; but what it refuses is lost, which is told with the reason.
                    self.failed(&why, false);
                    return Err(loss);
                }
                Outcome::Later(why, asked) => (why, asked),
            };
            self.failed(&why, true);
            self.look(false);
            let pause = asked.unwrap_or_default().max(jittered(wait));
            wait = (wait * 2).min(LONGEST_WAIT);
            let mut state = self.shared.state();
            if state.stopping {
                return Err(Loss::Stopped);
            }
            if item.since.elapsed() + pause > GIVE_UP {
                return Err(Loss::GaveUp);
            }
            state.counts.retries += 1;
            let waited = self.shared.changed.wait_timeout_while(state, pause, |state| !state.stopping);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            // At the end there is one more attempt, unless the collector asked to be left alone.
            if state.ended || (state.stopping && asked.is_some()) {
                return Err(Loss::Stopped);
            }
        }
    }

    fn failed(&mut self, why: &str, again: bool) {
        say(self.told.failed(why, again, Instant::now()));
    }

    fn look(&mut self, well: bool) {
        let counts = self.shared.state().counts;
        say(self.told.counted(&counts, well, Instant::now()));
    }
}

fn say(line: Option<String>) {
    if let Some(line) = line {
        eprintln!("jaeger-all-in-one: {line}");
    }
}

/// Between half of it and all of it, so that many do not come back at once.
fn jittered(wait: Duration) -> Duration {
    // Every such state has other keys.
    let random = RandomState::new().hash_one(0) >> 32;
    wait / 2 + (wait / 2).mul_f64(random as f64 / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread() {
        let waits: Vec<_> = (0..50).map(|_| jittered(LONGEST_WAIT)).collect();
        assert!(waits.iter().all(|wait| (LONGEST_WAIT / 2..=LONGEST_WAIT).contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
