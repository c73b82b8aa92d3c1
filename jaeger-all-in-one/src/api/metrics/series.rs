//! Points over time from single calls: a window slides over them, and tells of each place how many there are, how many failed, how long they took.
//!
//! Quantiles are exact (nearest rank), not guessed from buckets. A window with n calls is never sorted again: durations are ranked once, and a tree of counts
//! (Fenwick's) finds the k-th of those inside in log n steps.

/// One call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    /// When it began, µs since 1970.
    pub(super) at: i64,
    /// How long it took, µs.
    pub(super) took: i64,
    /// Whether it failed.
    pub(super) failed: bool,
}

/// Where there are points, µs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// The first.
    pub(super) start: i64,
    /// None lies after this.
    pub(super) end: i64,
    /// From one to the next, more than 0.
    pub(super) step: i64,
    /// How far back each looks, more than 0.
    pub(super) per: i64,
}

impl Grid {
    /// The least and the greatest start of a call that any point sees.
    pub(super) fn reach(&self) -> (i64, i64) {
        (self.start.saturating_sub(self.per).saturating_add(1), self.end)
    }
}

/// What a point tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measure {
    /// Calls a second.
    Calls,
    /// The share of calls that failed.
    Errors,
    /// Milliseconds that this share of calls does not exceed.
    Latency(f64),
}

/// The points of a line: their times with their values. Sorts the calls.
pub(super) fn points(calls: &mut [Call], grid: &Grid, measure: Measure) -> Vec<(i64, f64)> {
    calls.sort_unstable_by_key(|call| call.at);
    let mut took: Vec<i64> = match measure {
        Measure::Latency(_) => calls.iter().map(|call| call.took).collect(),
        _ => Vec::new(),
    };
    took.sort_unstable();
    took.dedup();
    let mut inside = Counts::new(took.len());
    let (mut entered, mut left, mut failed) = (0, 0, 0_usize);
    let mut points = Vec::new();
    let mut next = Some(grid.start);
    while let Some(at) = next.filter(|at| *at <= grid.end) {
        while let Some(call) = calls.get(entered).filter(|call| call.at <= at) {
            failed += usize::from(call.failed);
            if let Ok(rank) = took.binary_search(&call.took) {
                inside.add(rank, 1);
            }
            entered += 1;
        }
        // Those that are as old as the window is long are out of it.
        while let Some(call) =
            calls[..entered].get(left).filter(|call| call.at <= at.saturating_sub(grid.per))
        {
            failed -= usize::from(call.failed);
            if let Ok(rank) = took.binary_search(&call.took) {
                inside.add(rank, -1);
            }
            left += 1;
        }
        let count = entered - left;
        let value = match measure {
            Measure::Calls => Some(count as f64 * 1e6 / grid.per as f64),
            _ if count == 0 => None,
            Measure::Errors => Some(failed as f64 / count as f64),
            Measure::Latency(share) => {
                let rank = ((share * count as f64).ceil() as usize).clamp(1, count);
                Some(took[inside.find(rank as i64)] as f64 / 1e3)
            }
        };
        points.extend(value.map(|value| (at, value)));
        next = at.checked_add(grid.step);
    }
    points
}

/// How many there are of each rank, with sums over the first ranks at hand.
struct Counts(Vec<i64>);

impl Counts {
    fn new(ranks: usize) -> Counts {
        Counts(vec![0; ranks + 1])
    }

    fn add(&mut self, rank: usize, n: i64) {
        let mut at = rank + 1;
        while let Some(count) = self.0.get_mut(at) {
            *count += n;
            at += at & at.wrapping_neg();
        }
    }

    /// The rank of the k-th, counted from 1; there must be so many.
    fn find(&self, mut k: i64) -> usize {
        let mut at = 0;
        let mut bit = self.0.len().next_power_of_two();
        while bit > 0 {
            if let Some(&count) = self.0.get(at + bit)
                && count < k
            {
                at += bit;
                k -= count;
            }
            bit >>= 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { start: 0, end: 100, step: 10, per: 20 };

    fn calls() -> Vec<Call> {
        // Every 3 µs, out of order; each third fails; durations go up and down.
        let mut all: Vec<Call> = (0..40)
            .map(|n| Call { at: n * 3 - 10, took: n * 7919 % 31 * 1_000, failed: n % 3 == 0 })
            .collect();
        all.reverse();
        all
    }

    /// The same by looking at every call for every point.
    fn plain(measure: Measure) -> Vec<(i64, f64)> {
        let mut points = Vec::new();
        for at in (GRID.start..=GRID.end).step_by(GRID.step as usize) {
            let mut seen: Vec<Call> =
                calls().into_iter().filter(|call| call.at > at - GRID.per && call.at <= at).collect();
            seen.sort_by_key(|call| call.took);
            let count = seen.len() as f64;
            let value = match measure {
                Measure::Calls => count * 1e6 / GRID.per as f64,
                _ if seen.is_empty() => continue,
                Measure::Errors => seen.iter().filter(|call| call.failed).count() as f64 / count,
                Measure::Latency(share) => {
                    let rank = ((share * count).ceil() as usize).clamp(1, seen.len());
                    seen[rank - 1].took as f64 / 1e3
                }
            };
            points.push((at, value));
        }
        points
    }

    #[test]
    fn as_counted_by_hand() {
        let shares = [0.0, 0.5, 0.95, 0.99, 1.0].map(Measure::Latency);
        for measure in [Measure::Calls, Measure::Errors].into_iter().chain(shares) {
            assert_eq!(points(&mut calls(), &GRID, measure), plain(measure), "{measure:?}");
        }
    }

    #[test]
    fn a_call_on_the_edge() {
        let call = Call { at: 0, took: 5_000, failed: true };
        let rates: Vec<f64> =
            points(&mut [call], &GRID, Measure::Calls).iter().map(|point| point.1).collect();
        assert_eq!(rates[..4], [50_000.0, 50_000.0, 0.0, 0.0]);
        assert_eq!(points(&mut [call], &GRID, Measure::Latency(0.5)), [(0, 5.0), (10, 5.0)]);
        assert_eq!(points(&mut [call], &GRID, Measure::Errors), [(0, 1.0), (10, 1.0)]);
        assert_eq!(points(&mut [], &GRID, Measure::Errors), []);
    }

    #[test]
    fn the_ends_of_time() {
        let grid = Grid { start: i64::MAX - 1, end: i64::MAX, step: 5, per: i64::MAX };
        assert_eq!(points(&mut [], &grid, Measure::Calls).len(), 1);
        let grid = Grid { start: i64::MIN, end: i64::MIN, step: 5, per: 5 };
        assert_eq!(points(&mut [], &grid, Measure::Calls).len(), 1);
        assert_eq!(grid.reach(), (i64::MIN + 1, i64::MIN));
    }
}
