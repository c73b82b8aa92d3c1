//! What is printed of a target: that it takes nothing and why, that spans are lost, that it is well again. Each once, however often it happens, and nothing more
//! for [`QUIET`] after it was well again; the counters tell the rest. No clock and no output here, so that it can be tested.

use std::time::{Duration, Instant};

use super::{Counts, GIVE_UP, Loss};

/// A target that comes and goes is told of this often.
const QUIET: Duration = Duration::from_secs(30);

/// What was told of one target.
#[derive(Debug)]
pub(super) struct Told {
    /// The target's name.
    name: String,
    /// Its failure was told.
    failing: bool,
    /// Its losses were told.
    losing: bool,
    /// Spans lost when it was last looked.
    known: u64,
    quiet_until: Option<Instant>,
}

impl Told {
    pub(super) fn new(name: String) -> Told {
        Told { name, failing: false, losing: false, known: 0, quiet_until: None }
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.quiet_until.is_some_and(|until| now < until)
    }

    /// An attempt failed; `again` if there will be another.
    pub(super) fn failed(&mut self, why: &str, again: bool, now: Instant) -> Option<String> {
        if self.failing || self.is_quiet(now) {
            return None;
        }
        self.failing = true;
        let then = match again {
            true => format!("; it is tried again, and spans wait up to {} minutes", GIVE_UP.as_secs() / 60),
            false => String::new(),
        };
        Some(format!("{} does not take spans: {why}{then}", self.name))
    }

    /// Looks at the losses; `well` if something was taken, and all of it.
    pub(super) fn counted(&mut self, counts: &Counts, well: bool, now: Instant) -> Option<String> {
        let lost = counts.lost.iter().sum();
        let more = lost > self.known;
        self.known = lost;
        if more && !self.losing && !self.is_quiet(now) {
            self.losing = true;
            return Some(losses(&self.name, counts, "; /metrics counts what follows"));
        }
        if well && !more && (self.failing || self.losing) {
            (self.failing, self.losing) = (false, false);
            self.quiet_until = Some(now + QUIET);
            let lost = if lost == 0 { "nothing was lost".to_owned() } else { format!("{lost} lost so far") };
            return Some(format!("{} takes spans again; {lost}", self.name));
        }
        None
    }
}

/// How many spans a target did not get, and why.
pub(super) fn losses(name: &str, counts: &Counts, then: &str) -> String {
    let lost: u64 = counts.lost.iter().sum();
    let causes = Loss::ALL.into_iter().filter(|loss| counts.lost[*loss as usize] > 0).map(Loss::name);
    let causes = causes.collect::<Vec<_>>().join(", ");
    let (spans, were) = if lost == 1 { ("span", "was") } else { ("spans", "were") };
    format!("{lost} {spans} {were} not sent on to {name} ({causes}){then}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(lost: u64) -> Counts {
        let mut counts = Counts::default();
        counts.lost[Loss::GaveUp as usize] = lost;
        counts
    }

    #[test]
    fn each_trouble_is_told_once_from_its_begin_to_its_end() {
        let now = Instant::now();
        let mut told = Told::new("http://h".into());
        assert_eq!(told.counted(&counts(0), true, now), None, "all is well");
        assert_eq!(
            told.failed("no", true, now).as_deref(),
            Some("http://h does not take spans: no; it is tried again, and spans wait up to 5 minutes")
        );
        assert_eq!(told.failed("no", true, now), None);
        assert_eq!(told.counted(&counts(0), false, now), None);
        assert_eq!(
            told.counted(&counts(1), false, now).as_deref(),
            Some("1 span was not sent on to http://h (gave_up); /metrics counts what follows")
        );
        assert_eq!(told.counted(&counts(5), false, now), None);
        // One that was taken while others are still lost is no end.
        assert_eq!(told.counted(&counts(6), true, now), None);
        assert_eq!(
            told.counted(&counts(6), true, now).as_deref(),
            Some("http://h takes spans again; 6 lost so far")
        );
    }

    #[test]
    fn one_that_comes_and_goes_is_told_of_seldom() {
        let began = Instant::now();
        let mut told = Told::new("h".into());
        let mut lines = 0;
        for second in 0..600 {
            let now = began + Duration::from_secs(second);
            lines += usize::from(told.failed("no", false, now).is_some());
            lines += usize::from(told.counted(&counts(second + 1), false, now).is_some());
            lines += usize::from(told.counted(&counts(second + 1), true, now).is_some());
        }
        assert_eq!(lines, 600 / 30 * 3, "begin, loss and end in every half minute");
    }

    #[test]
    fn losses_without_a_failure_have_an_end_too() {
        let now = Instant::now();
        let mut told = Told::new("h".into());
        assert!(told.counted(&counts(7), true, now).is_some());
        assert_eq!(
            told.counted(&counts(7), true, now).as_deref(),
            Some("h takes spans again; 7 lost so far")
        );
    }
}
