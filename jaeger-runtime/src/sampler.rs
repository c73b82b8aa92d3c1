//! Which new traces are recorded: const, probabilistic and rate-limiting samplers with Jaeger's arithmetic.
//!
//! A [`Sampler`] is what the user configures; [`Sampler::build`] checks it and makes the [`Decider`] that roots ask. A decision is made once, at the root, and
//! travels in the context's flags; children and remote parents' spans never come here. No decision takes a lock: the rate limiter is one atomic word, and it is only written when a
//! trace is let through. The operation's name is not looked at yet: it is for samplers per operation, which are deliberately absent, as is the remote sampler.

use crate::clock;
use crate::error::Error;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Which new traces are recorded.
///
/// ```
/// use jaeger_runtime::{Sampler, Tracer};
///
/// # fn main() -> Result<(), jaeger_runtime::Error> {
/// let tracer = Tracer::builder("shop").sampler(Sampler::Probabilistic(0.01)).install()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// All traces, or none.
    Const(bool),
    /// This share of all traces, from 0 to 1, decided by the trace id: every service with the same share decides alike.
    Probabilistic(f64),
    /// At most so many traces a second, in this process. What is not used is saved up for one second, and there is always room for one whole trace: 0.1 records one trace
    /// at once and then one every ten seconds.
    RateLimiting(f64),
}

impl Sampler {
    /// Checks the setting and makes the sampler that roots ask.
    ///
    /// # Errors
    /// The number is NaN or out of its range.
    pub(crate) fn build(&self) -> Result<Decider, Error> {
        if let Err((expected, advice)) = self.check() {
            return Err(Error::setting("sampler", &format!("{self:?}"), expected, advice));
        }
        let (rule, sampler_type, param) = match *self {
            Self::Const(on) => (Rule::Const(on), "const", SamplerParam::Bool(on)),
            Self::Probabilistic(p) => {
                (Rule::Probabilistic(boundary(p)), "probabilistic", SamplerParam::Double(p))
            }
            Self::RateLimiting(n) => {
                (Rule::RateLimiting(Bucket::new(n)), "ratelimiting", SamplerParam::Double(n))
            }
        };
        // One for each tracer, and there is one tracer in a process: spans name it by address for as long as they live.
        let origin = Box::leak(Box::new(Origin { sampler_type, param }));
        Ok(Decider { rule, origin })
    }

    /// What the number may be and what to do, if it may not be.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match *self {
            Self::Probabilistic(p) if !(0.0..=1.0).contains(&p) => {
                Err(("a probability from 0 to 1", "give the share of traces to keep, such as 0.01"))
            }
            Self::RateLimiting(n) if !(n >= 0.0 && n.is_finite()) => Err((
                "a number of traces a second that is not negative",
                "give the most traces to keep in a second, such as 10",
            )),
            _ => Ok(()),
        }
    }
}

/// The sampler of a tracer.
#[derive(Debug)]
pub(crate) struct Decider {
    rule: Rule,
    origin: &'static Origin,
}

/// What was decided about a new trace, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) sampled: bool,
    #[allow(
        dead_code,
        reason = "a sampler per operation has more than one origin; today `Decider::origin` is it"
    )]
    pub(crate) by: &'static Origin,
}

/// The tags of a sampled root: `sampler.type` and `sampler.param`.
#[derive(Debug, PartialEq)]
pub(crate) struct Origin {
    pub(crate) sampler_type: &'static str,
    pub(crate) param: SamplerParam,
}

/// The value of the tag `sampler.param`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SamplerParam {
    Bool(bool),
    Double(f64),
}

#[derive(Debug)]
enum Rule {
    Const(bool),
    /// The greatest id that is sampled.
    Probabilistic(u64),
    RateLimiting(Bucket),
}

/// Of a trace id's low half the sign bit is left out, because clients in languages without unsigned numbers make 63-bit ids.
const ID_BITS: u64 = u64::MAX >> 1;

/// p·2⁶³. At p = 1 that is one more than the greatest id, and fits: the conversion is exact there, and truncates elsewhere.
fn boundary(p: f64) -> u64 {
    (p * 9_223_372_036_854_775_808.0) as u64
}

impl Decider {
    /// Whether a trace with this id that starts now is recorded.
    pub(crate) fn sample<'a>(&self, trace_id_low: u64, operation: impl FnOnce() -> &'a str) -> Decision {
        // Only the bucket asks for the time.
        self.sample_at(trace_id_low, operation, clock::monotonic)
    }

    fn sample_at<'a>(
        &self,
        trace_id_low: u64,
        _operation: impl FnOnce() -> &'a str,
        nanos: impl FnOnce() -> u64,
    ) -> Decision {
        let sampled = match &self.rule {
            Rule::Const(on) => *on,
            Rule::Probabilistic(boundary) => trace_id_low & ID_BITS <= *boundary,
            Rule::RateLimiting(bucket) => bucket.take(nanos()),
        };
        Decision { sampled, by: self.origin }
    }

    /// What sampled roots are tagged with.
    pub(crate) fn origin(&self) -> &'static Origin {
        self.origin
    }
}

/// The bucket's clock ticks so often in a nanosecond, so that the time one trace costs is exact to 0.01 % up to a million traces a second. 64 bits of it are 36 years.
const TICKS_PER_NANO: u64 = 16;
const TICKS_PER_SECOND: f64 = (TICKS_PER_NANO * 1_000_000_000) as f64;
/// So long (9 years) that it stands for "never".
const NEVER: f64 = (1u64 << 62) as f64;

/// A leaky bucket of max(n, 1) credits that starts full; a trace costs 1, and n a second come back.
///
/// Instead of a balance and the time of its last change, which would be two words, it keeps the time at which it will be full again: a trace moves that on by the time which one
/// credit takes to come back, and there is credit as long as it does not lie further ahead than the whole bucket takes.
#[derive(Debug)]
struct Bucket {
    /// In ticks of the clock's own beginning; in the past when the bucket is full.
    full_at: AtomicU64,
    /// The time in which one credit comes back.
    cost: u64,
    /// The time in which all of them do.
    capacity: u64,
}

impl Bucket {
    fn new(per_second: f64) -> Self {
        // With no credits ever coming back the division gives infinity, which is "never" too.
        let per_second = per_second.abs(); // -0.0 is a nought as well
        let cost = (TICKS_PER_SECOND / per_second).min(NEVER);
        let capacity = (cost * per_second.max(1.0)).min(NEVER);
        Self { full_at: AtomicU64::new(0), cost: cost as u64, capacity: capacity as u64 }
    }

    /// Pays for a trace, if there is credit. The time is in nanoseconds since some moment before and may come from several threads a little out of order.
    fn take(&self, nanos: u64) -> bool {
        let now = nanos.saturating_mul(TICKS_PER_NANO);
        let mut full_at = self.full_at.load(Relaxed);
        loop {
            let after = full_at.max(now).saturating_add(self.cost);
            if after - now > self.capacity {
                return false;
            }
            match self.full_at.compare_exchange_weak(full_at, after, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(other) => full_at = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn no_clock() -> u64 {
        panic!("asked for the time without need")
    }

    fn sampled(sampler: Sampler, trace_id_low: u64) -> bool {
        sampler.build().unwrap().sample_at(trace_id_low, || "op", no_clock).sampled
    }

    #[test]
    fn const_lets_all_through_or_none() {
        assert!(sampled(Sampler::Const(true), 0) && sampled(Sampler::Const(true), u64::MAX));
        assert!(!sampled(Sampler::Const(false), 0) && !sampled(Sampler::Const(false), u64::MAX));
    }

    #[test]
    fn probabilistic_compares_the_low_63_bits_with_the_share() {
        let half = 1u64 << 62;
        assert!(sampled(Sampler::Probabilistic(0.5), half));
        assert!(!sampled(Sampler::Probabilistic(0.5), half + 1));
        // The sign bit does not count.
        assert!(sampled(Sampler::Probabilistic(0.5), half | 1 << 63));
        assert!(!sampled(Sampler::Probabilistic(0.5), (half + 1) | 1 << 63));
        // One: the very greatest id too. Nought: only the id nought, as in Jaeger's other clients.
        assert!(sampled(Sampler::Probabilistic(1.0), u64::MAX));
        assert!(!sampled(Sampler::Probabilistic(0.0), 1));
        assert!(sampled(Sampler::Probabilistic(0.0), 0));
        // A share below one id in 2⁶³.
        assert!(!sampled(Sampler::Probabilistic(f64::MIN_POSITIVE), 1));
    }

    #[test]
    fn the_share_is_met_over_spread_ids() {
        let decider = Sampler::Probabilistic(0.1).build().unwrap();
        // The golden ratio's multiples are spread evenly, so the count needs no luck.
        let ids = (0..100_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let count = ids.filter(|id| decider.sample_at(*id, || "op", no_clock).sampled).count();
        assert!((9_990..=10_010).contains(&count), "{count}");
    }

    #[test]
    fn the_bucket_starts_full_and_refills_with_time_up_to_its_size() {
        let bucket = Bucket::new(2.0);
        assert!(bucket.take(0) && bucket.take(0));
        assert!(!bucket.take(0));
        assert!(!bucket.take(SECOND / 2 - 1), "half a second brings one credit, not less");
        assert!(bucket.take(SECOND / 2));
        assert!(!bucket.take(SECOND / 2));
        // Ten idle seconds save up two credits, not twenty.
        assert!(bucket.take(11 * SECOND) && bucket.take(11 * SECOND));
        assert!(!bucket.take(11 * SECOND));
    }

    #[test]
    fn less_than_one_a_second_still_holds_one_whole_credit() {
        let bucket = Bucket::new(0.1);
        assert!(bucket.take(0));
        assert!(!bucket.take(10 * SECOND - 1));
        assert!(bucket.take(10 * SECOND));
        assert!(!bucket.take(10 * SECOND));
    }

    #[test]
    fn a_fraction_of_a_credit_is_kept() {
        let bucket = Bucket::new(2.5);
        assert!(bucket.take(0) && bucket.take(0));
        assert!(!bucket.take(0));
        // Half a credit was left: 0.2 s bring the other half.
        assert!(!bucket.take(SECOND / 5 - 1));
        assert!(bucket.take(SECOND / 5));
    }

    #[test]
    fn nought_a_second_lets_the_first_one_through_and_no_other_for_years() {
        for rate in [0.0, -0.0, 1e-300] {
            let bucket = Bucket::new(rate);
            assert!(bucket.take(0));
            assert!(!bucket.take(0) && !bucket.take(8 * 365 * 24 * 3600 * SECOND));
        }
    }

    #[test]
    fn rates_from_one_to_a_million_are_met_over_a_minute() {
        for rate in [1.0, 3.0, 7.0, 1_000.0, 333_333.0, 1_000_000.0] {
            let bucket = Bucket::new(rate);
            let step = (SECOND as f64 / rate / 2.0) as u64;
            let seconds = if rate > 1_000.0 { 1 } else { 60 };
            let mut count = 0;
            let mut now = 0;
            while now < seconds * SECOND {
                count += u64::from(bucket.take(now));
                now += step;
            }
            let expected = rate * (seconds + 1) as f64;
            assert!(
                (count as f64 - expected).abs() <= 1.0 + expected / 1_000.0,
                "{rate} a second: {count} in {seconds} s"
            );
        }
    }

    #[test]
    fn time_that_goes_back_gives_no_credit_and_its_end_does_not_panic() {
        let bucket = Bucket::new(1.0);
        assert!(bucket.take(5 * SECOND));
        assert!(!bucket.take(4 * SECOND));
        assert!(bucket.take(u64::MAX));
        let fast = Bucket::new(f64::MAX);
        assert!((0..1_000).all(|_| fast.take(7)), "more a second than the clock has ticks");
    }

    #[test]
    fn threads_together_get_no_more_than_the_bucket_holds() {
        let bucket = Bucket::new(1_000.0);
        let count = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..2_000).filter(|_| bucket.take(0)).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(count, 1_000);
    }

    #[test]
    fn without_credit_nothing_is_written() {
        let bucket = Bucket::new(1.0);
        assert!(bucket.take(0));
        let before = bucket.full_at.load(Relaxed);
        assert!(!bucket.take(1_000));
        assert_eq!(bucket.full_at.load(Relaxed), before);
    }

    #[test]
    fn the_origin_is_what_the_root_is_tagged_with() {
        let origin = |sampler: Sampler| {
            let decider = sampler.build().unwrap();
            let decision = decider.sample(1, || "op");
            assert!(std::ptr::eq(decision.by, decider.origin()));
            (decision.by.sampler_type, decision.by.param)
        };
        assert_eq!(origin(Sampler::Const(true)), ("const", SamplerParam::Bool(true)));
        assert_eq!(origin(Sampler::Probabilistic(0.25)), ("probabilistic", SamplerParam::Double(0.25)));
        assert_eq!(origin(Sampler::RateLimiting(3.0)), ("ratelimiting", SamplerParam::Double(3.0)));
    }

    #[test]
    fn a_number_that_cannot_be_is_named() {
        for (sampler, shown) in [
            (Sampler::Probabilistic(f64::NAN), "Probabilistic(NaN)"),
            (Sampler::Probabilistic(-0.1), "Probabilistic(-0.1)"),
            (Sampler::Probabilistic(1.0000001), "Probabilistic(1.0000001)"),
            (Sampler::RateLimiting(-1.0), "RateLimiting(-1.0)"),
            (Sampler::RateLimiting(f64::NAN), "RateLimiting(NaN)"),
            (Sampler::RateLimiting(f64::INFINITY), "RateLimiting(inf)"),
        ] {
            let message = sampler.build().unwrap_err().to_string();
            assert!(message.starts_with("sampler is ") && message.contains(shown), "{message}");
        }
    }
}
