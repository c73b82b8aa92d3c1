//! The time stamps of events: the CPU's own counter, converted into wall time by the collector.
//!
//! Hot side: [`ticks`], one counter read (about 10 ns where `Instant::now` takes 20 to 25), [`counter`], which does not ask whether it may, and [`monotonic`], which says the time to who has to know it. Cold side: [`Scale`], which knows what a tick is worth. Nothing is
//! calibrated before it is needed: a scale is two readings of both clocks, and the time between them is the time that the spans took anyway, so
//! the error stays at the width of one reading (some 50 ns), also in the first millisecond of a process.
//!
//! Invariants: a duration is never negative; a step of the wall clock moves later spans and never a duration; two spans converted between
//! two renewals keep their order. One of the two files of this crate that may say `unsafe`.
//!
//! Left out on purpose: `cntvct_el0` of aarch64 and its like, until there is a machine to measure them on; `Instant` serves there.
#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// An `End` keeps 60 bits of its time stamp, and nobody looks at more of the others; a counter at 5 GHz wraps them after seven years, which [`Scale`] undoes.
pub(crate) const TICK_BITS: u32 = 60;
pub(crate) const TICK_MASK: u64 = (1 << TICK_BITS) - 1;

/// Whether the CPU's counter may be used. Set once, before the tracer is switched on.
static COUNTER: AtomicBool = AtomicBool::new(false);
static EPOCH: OnceLock<Instant> = OnceLock::new();

/// Now, in ticks of an unknown rate: only [`Scale`] knows what they are worth.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if COUNTER.load(Ordering::Relaxed) {
        // SAFETY: RDTSC exists on every x86_64 CPU, reads a counter and touches no memory. An operating system may forbid it to programs
        // (CR4.TSD); `prepare` would then have died at set-up, and no mainstream system does.
        return unsafe { core::arch::x86_64::_rdtsc() };
    }
    nanos()
}

/// The same where [`may_read_counter`] has said yes, without a second look.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as in `ticks`. Whether the counter can be trusted is a matter of right figures, not of memory.
    return unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    nanos()
}

/// Whether [`counter`] says what [`ticks`] does.
pub(crate) fn may_read_counter() -> bool {
    #[cfg(test)]
    if NO_COUNTER.get() {
        return false;
    }
    cfg!(not(all(target_arch = "x86_64", not(miri)))) || COUNTER.load(Ordering::Relaxed)
}

#[cfg(test)]
thread_local! {
    /// This thread plays one of a machine without a trusted counter.
    pub(crate) static NO_COUNTER: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Nanoseconds since the first call, for machines without a trusted counter; by this name the gate of instructions knows one (`benches/src/count.rs`).
#[cold]
#[inline(never)]
fn nanos() -> u64 {
    since_epoch()
}

#[inline(always)]
fn since_epoch() -> u64 {
    EPOCH.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Nanoseconds of the monotonic clock since [`EPOCH`]: by the counter, where the collector has said what a tick of it is worth, which takes half as long.
// Out of line, so that a root saves no registers for a sampler that asks for no time.
#[inline(never)]
pub(crate) fn monotonic() -> u64 {
    let by_counter = if COUNTER.load(Ordering::Relaxed) { PACE.nanos_at(ticks()) } else { None };
    by_counter.unwrap_or_else(since_epoch)
}

/// One reading of both clocks and how fast one goes by the other, written by the collector and read by all. Who reads while it is written is told nothing, and asks the system.
#[derive(Debug)]
struct Pace {
    /// Odd while it is written; 0 before the first time.
    turn: AtomicU64,
    ticks: AtomicU64,
    nanos: AtomicU64,
    /// Nanoseconds a tick, 32 bits of them behind the point.
    rate: AtomicU64,
}

static PACE: Pace = Pace::new();
/// Two readings so far apart give the rate to a part in ten thousand even if one of them is off by a microsecond: whoever goes by it may have to do so for as long as the collector sleeps.
const PACED_NANOS: u64 = 10_000_000;
/// A reading that is older says nothing: 5.7 s at 3 GHz. The counter of a machine that was suspended has gone on and the clock has not; who went by the two would be hours ahead until the next reading, and back after it.
const PACE_LASTS_TICKS: u64 = 1 << 34;

impl Pace {
    const fn new() -> Self {
        let [turn, ticks, nanos, rate] = [const { AtomicU64::new(0) }; 4];
        Self { turn, ticks, nanos, rate }
    }

    /// By one thread at a time.
    fn set(&self, ticks: u64, nanos: u64, nanos_per_tick: f64) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn + 1, Ordering::Relaxed);
        // Who sees one of the three sees that the turn is odd, or another.
        fence(Ordering::Release);
        self.ticks.store(ticks, Ordering::Relaxed);
        self.nanos.store(nanos, Ordering::Relaxed);
        self.rate.store((nanos_per_tick * (1u64 << 32) as f64) as u64, Ordering::Relaxed);
        self.turn.store(turn + 2, Ordering::Release);
    }

    #[inline]
    fn nanos_at(&self, ticks: u64) -> Option<u64> {
        let turn = self.turn.load(Ordering::Acquire);
        let (from, nanos) = (self.ticks.load(Ordering::Relaxed), self.nanos.load(Ordering::Relaxed));
        let rate = self.rate.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if turn == 0 || turn % 2 != 0 || self.turn.load(Ordering::Relaxed) != turn {
            return None;
        }
        // Another core's counter may be a little behind.
        let ticks = ticks.saturating_sub(from);
        if ticks >= PACE_LASTS_TICKS {
            return None;
        }
        let since = (u128::from(ticks) * u128::from(rate)) >> 32;
        Some(nanos.saturating_add(since as u64))
    }
}

/// Decides once which clock the process uses. Called at set-up, never on the hot path.
pub(crate) fn prepare() {
    EPOCH.get_or_init(Instant::now);
    COUNTER.store(counter_is_trusted(), Ordering::Relaxed);
}

/// The counter must run at one rate in all power states (CPUID 8000_0007h, EDX bit 8), and on Linux the kernel must not have struck it from its
/// list, which it does when it sees the counters of two cores apart.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn counter_is_trusted() -> bool {
    // Reading CPUID is safe on x86_64; the standard library said so only after the oldest compiler we build with.
    #[allow(unused_unsafe)]
    // SAFETY: CPUID exists on every x86_64 CPU, and the second leaf is asked for only if the first says that it exists.
    let invariant = unsafe {
        use core::arch::x86_64::__cpuid;
        __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0
    };
    let kernel_agrees = !cfg!(target_os = "linux")
        || std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/available_clocksource")
            .map_or(true, |list| list.split_whitespace().any(|source| source == "tsc"));
    invariant && kernel_agrees
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn counter_is_trusted() -> bool {
    false
}

/// One look at all three clocks.
#[derive(Clone, Copy, Debug)]
struct Reading {
    ticks: u64,
    /// Nanoseconds of the monotonic clock since [`EPOCH`].
    mono: u64,
    /// Nanoseconds of the wall clock since 1970.
    wall: i64,
}

impl Reading {
    /// The tightest of a few tries: a thread that loses its core between two reads would be off by milliseconds.
    fn now() -> Self {
        let mut best = (u64::MAX, Reading { ticks: 0, mono: 0, wall: 0 });
        for _ in 0..4 {
            let before = ticks();
            let mono = nanos();
            // Also between the two, or a thread that loses its core here would take a step of the wall clock that there was not.
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64);
            let after = ticks();
            let width = after.saturating_sub(before);
            if width < best.0 {
                best = (width, Reading { ticks: before.wrapping_add(width / 2), mono, wall });
            }
        }
        best.1
    }
}

/// What ticks are worth. Owned by the collector, renewed every round.
#[derive(Debug)]
pub(crate) struct Scale {
    /// Where the slope is measured from: 32 to 64 seconds ago in a process that lives so long.
    base: Reading,
    /// The next `base`.
    middle: Reading,
    /// What ticks are converted from: the last reading, its wall time smoothed.
    anchor: Reading,
    nanos_per_tick: f64,
}

/// A base older than this is replaced, so that the rate follows the slewing of the system's clock.
const WINDOW_NANOS: u64 = 32_000_000_000;
/// A difference from the wall clock above this is a step and is taken at once; below it is noise and is smoothed.
const STEP_NANOS: i64 = 500_000;
/// What two readings may differ by in any case: the thread may be kept waiting between the clocks.
const JUMP_NANOS: f64 = 10_000_000.0;

impl Scale {
    pub(crate) fn new() -> Self {
        let now = Reading::now();
        Self { base: now, middle: now, anchor: now, nanos_per_tick: 1.0 }
    }

    /// Looks at the clocks again.
    pub(crate) fn renew(&mut self) {
        self.renew_with(Reading::now());
    }

    /// Tells the threads what [`monotonic`] goes by, once it is known well enough. For the one scale of the process.
    pub(crate) fn set_pace(&self) {
        let Reading { ticks, mono, .. } = self.anchor;
        if mono.saturating_sub(self.base.mono) >= PACED_NANOS {
            PACE.set(ticks, mono, self.nanos_per_tick);
        }
    }

    fn renew_with(&mut self, now: Reading) {
        if self.has_jumped(now) {
            // The rate stays, and is measured anew from here.
            (self.base, self.middle, self.anchor) = (now, now, now);
            return;
        }
        let ticks = now.ticks.wrapping_sub(self.base.ticks);
        let mono = now.mono.saturating_sub(self.base.mono);
        // Below a microsecond the width of a reading is no longer small beside the distance.
        if mono >= 1_000 && ticks > 0 && ticks < 1 << 62 {
            self.nanos_per_tick = mono as f64 / ticks as f64;
        }
        let expected = self.wall(now.ticks & TICK_MASK);
        let off = now.wall.saturating_sub(expected);
        let wall = if off.abs() > STEP_NANOS { now.wall } else { expected.saturating_add(off / 16) };
        self.anchor = Reading { wall, ..now };
        if now.mono.saturating_sub(self.middle.mono) > WINDOW_NANOS {
            self.base = self.middle;
            self.middle = now;
        }
    }

    /// Whether one of the two clocks has gone on since the last reading without the other, as on a machine that was suspended or moved: by more than a tenth, where no clock is slewed by a thousandth. A rate across
    /// that would be wrong for as long as the base lasts.
    fn has_jumped(&self, now: Reading) -> bool {
        let mono = now.mono.saturating_sub(self.anchor.mono) as f64;
        let by_ticks = now.ticks.wrapping_sub(self.anchor.ticks) as i64 as f64 * self.nanos_per_tick;
        let is_known = self.anchor.mono.saturating_sub(self.base.mono) >= PACED_NANOS;
        is_known && (by_ticks - mono).abs() > mono / 10.0 + JUMP_NANOS
    }

    /// Nanoseconds since 1970 of a time stamp of 60 bits.
    pub(crate) fn wall(&self, stamp: u64) -> i64 {
        // The distance from the anchor, its sign carried up from bit 59: right for a stamp up to three years off, across a wrap too.
        let distance = (stamp.wrapping_sub(self.anchor.ticks) << (64 - TICK_BITS)) as i64 >> (64 - TICK_BITS);
        self.anchor.wall.saturating_add((distance as f64 * self.nanos_per_tick) as i64)
    }

    /// Nanoseconds between two time stamps; zero if the second is the earlier one (two cores' counters may differ by a little).
    pub(crate) fn nanos_between(&self, start: u64, end: u64) -> u64 {
        let ticks = end.wrapping_sub(start) & TICK_MASK;
        if ticks >> (TICK_BITS - 1) != 0 { 0 } else { (ticks as f64 * self.nanos_per_tick) as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(nanos_per_tick: f64) -> Scale {
        let at = Reading { ticks: 1_000, mono: 0, wall: 5_000_000_000 };
        Scale { base: at, middle: at, anchor: at, nanos_per_tick }
    }

    #[test]
    fn the_rate_comes_from_two_readings_and_follows_the_window() {
        let mut scale = scale(1.0);
        scale.renew_with(Reading { ticks: 1_000 + 3_000_000, mono: 1_000_000, wall: 5_001_000_000 });
        assert!((scale.nanos_per_tick - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(scale.nanos_between(0, 3_000), 1_000);
        // The clock is slewed to run 1 % faster; after two windows only the new rate is left.
        let (mut ticks, mut mono) = (3_001_000u64, 1_000_000u64);
        for _ in 0..300 {
            ticks += 3_000_000_000;
            mono += 1_010_000_000;
            scale.renew_with(Reading { ticks, mono, wall: 5_000_000_000 + mono as i64 });
        }
        assert!((scale.nanos_per_tick - 1.01 / 3.0).abs() < 1e-6, "{}", scale.nanos_per_tick);
    }

    #[test]
    fn a_machine_that_was_suspended_keeps_its_rate() {
        // The counter has gone on for eight hours and the clock has not; then the other way; then another machine's counter, which is behind.
        const HOURS: i64 = 8 * 3_600 * 1_000_000_000;
        for (more_ticks, more_mono) in [(3 * HOURS, 0), (0, HOURS), (-HOURS, 0)] {
            let mut at = Reading { ticks: 4 * HOURS as u64, mono: 0, wall: 0 };
            let mut scale = Scale { base: at, middle: at, anchor: at, nanos_per_tick: 1.0 };
            for second in 0..300 {
                if second == 100 {
                    at.ticks = at.ticks.wrapping_add_signed(more_ticks);
                    at.mono = at.mono.wrapping_add_signed(more_mono);
                    at.wall += HOURS;
                }
                at = Reading {
                    ticks: at.ticks + 3_000_000_000,
                    mono: at.mono + 1_000_000_000,
                    wall: at.wall + 1_000_000_000,
                };
                scale.renew_with(at);
                assert_eq!(
                    scale.nanos_between(0, 3_000_000),
                    1_000_000,
                    "second {second}, {more_ticks} ticks"
                );
                assert_eq!(scale.wall(at.ticks), at.wall, "second {second}, {more_ticks} ticks");
            }
        }
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_starts_and_no_duration() {
        let mut scale = scale(1.0);
        let before = scale.wall(2_000);
        scale.renew_with(Reading { ticks: 1_002_000, mono: 1_001_000, wall: 1_000_000_000 });
        assert!(scale.wall(1_002_000) == 1_000_000_000 && before == 5_000_001_000);
        assert_eq!(scale.nanos_between(500, 1_500), 1_000);
        assert_eq!(scale.nanos_between(1_500, 500), 0, "never negative");
        // Noise is smoothed: two spans around a renewal keep their order.
        let a = scale.wall(1_002_100);
        scale.renew_with(Reading { ticks: 1_002_101, mono: 1_001_101, wall: 1_000_000_100 - 300 });
        assert!(scale.wall(1_002_200) > a);
    }

    #[test]
    fn a_wall_clock_that_is_slewed_is_followed_without_a_step() {
        // The system's clock runs 10 µs a second faster than the counter, for ten minutes: 6 ms in all.
        let mut scale = scale(1.0);
        for second in 1..=600u64 {
            let now = 1_000 + second * 1_000_000_000;
            let wall = 5_000_000_000 + (second * 1_000_010_000) as i64;
            let expected = scale.wall(now & TICK_MASK);
            scale.renew_with(Reading { ticks: now, mono: second * 1_000_000_000, wall });
            let renewed = scale.wall(now & TICK_MASK);
            // A little at each look, so spans on both sides of it keep their order.
            assert!(
                (renewed - expected).abs() < 20_000,
                "{} ns at once after {second} s",
                renewed - expected
            );
            assert!((wall - renewed).abs() < STEP_NANOS, "{} ns off after {second} s", wall - renewed);
        }
    }

    #[test]
    fn stamps_survive_the_wrap_of_sixty_bits() {
        let mut scale = scale(1.0);
        scale.anchor.ticks = (7 << TICK_BITS) + 10;
        let late = scale.wall(20);
        let early = scale.wall(TICK_MASK);
        assert_eq!((late - early) as u64, 21);
        assert_eq!(scale.nanos_between(TICK_MASK, 20), 21);
    }

    #[test]
    fn the_pace_says_the_time_between_two_readings_and_nothing_while_it_is_written() {
        let pace = Pace::new();
        assert_eq!(pace.nanos_at(5), None);
        pace.set(1_000, 70, 1.0 / 3.0);
        assert_eq!(
            [1_000, 1_003, 3_001_000].map(|at| pace.nanos_at(at)),
            [Some(70), Some(70), Some(1_000_069)]
        );
        assert_eq!(pace.nanos_at(999), Some(70), "another core's counter");
        // As long as it lasts, and no longer: a machine that was suspended, the end of the counter.
        let last = pace.nanos_at(PACE_LASTS_TICKS + 999).unwrap();
        assert!((PACE_LASTS_TICKS / 3 + 60..=PACE_LASTS_TICKS / 3 + 70).contains(&last), "{last}");
        assert_eq!([PACE_LASTS_TICKS + 1_000, u64::MAX].map(|at| pace.nanos_at(at)), [None; 2]);
        pace.set(2_000, u64::MAX, 1_000.0);
        assert_eq!(pace.nanos_at(2_001), Some(u64::MAX));
        pace.turn.fetch_add(1, Ordering::Relaxed);
        assert_eq!(pace.nanos_at(2_001), None);
    }

    #[test]
    fn who_reads_while_another_writes_never_sees_half_of_it() {
        // Each time the clock that is told is the ticks' own, from another place.
        let (pace, done) = (Pace::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for at in 1..200_000 {
                    pace.set(at * 1_000, at * 1_000, 1.0);
                }
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                assert!(pace.nanos_at(1 << 30).is_none_or(|nanos| nanos == 1 << 30));
            }
        });
        assert_eq!(pace.nanos_at(1 << 30), Some(1 << 30));
    }

    #[test]
    fn real_clocks_agree_within_their_width() {
        prepare();
        let mut scale = Scale::new();
        // Each time stamp stands between two `Instant`s, so a thread that loses its core cannot break the test.
        let outer = Instant::now();
        let start = ticks() & TICK_MASK;
        let inner = Instant::now();
        while inner.elapsed().as_millis() < 5 {}
        let at_least = inner.elapsed().as_nanos() as f64;
        let end = ticks() & TICK_MASK;
        let at_most = outer.elapsed().as_nanos() as f64;
        scale.renew();
        let ours = scale.nanos_between(start, end) as f64;
        assert!(ours > at_least * 0.999 && ours < at_most * 1.001, "{at_least} {ours} {at_most}");
        assert!(scale.wall(end) > scale.wall(start));
        // So does the time that is said by the counter, once the scale is old enough; before, it is the system's.
        while scale.anchor.mono - scale.base.mono < PACED_NANOS {
            scale.set_pace();
            let (before, said) = (nanos(), monotonic());
            assert!((before..=nanos()).contains(&said));
            scale.renew();
        }
        scale.set_pace();
        let (before, said, after) = (nanos(), monotonic(), nanos());
        let least = before - (before - scale.base.mono) / 1_000;
        assert!(
            (least..=after + (after - scale.base.mono) / 1_000).contains(&said),
            "{before} {said} {after}"
        );
    }
}
