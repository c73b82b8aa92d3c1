//! One peer, one workload, in this process: bursts of 2,000 spans with 2 ms between them, only the bursts timed.
//!
//! That is what a service does; a saturation test would measure whose queue is longer. A collector that keeps up drops nothing, and what it was not given is counted as dropped.

use crate::work::Work;
use crate::{alloc, peers};
use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};
use std::thread;
use std::time::{Duration, Instant};
use stored::Row;

const PAUSE: Duration = Duration::from_millis(2);

/// A peer, set up for one workload.
pub(crate) trait Running {
    /// Makes `spans` spans; a root around them may be made beside.
    fn burst(&mut self, spans: usize);
    /// Lets the peer deliver, and says how many spans came out at its end; `None` if nobody counts in this process.
    fn received(&mut self) -> Option<u64> {
        None
    }
    /// How many spans `burst(spans)` makes, roots included.
    fn made(&self, spans: usize) -> u64 {
        spans as u64
    }
}

/// A peer that is set up, nothing if it has no such work, or why it could not be set up.
pub(crate) type Started = Result<Option<Box<dyn Running>>, String>;

/// What a run tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) peer: String,
    pub(crate) work: Work,
    /// Nanoseconds of the caller a span, one figure a round, sorted.
    pub(crate) caller: Vec<f64>,
    /// Nanoseconds of CPU of the whole process a span, over all rounds and the delivery after them.
    pub(crate) cpu: f64,
    /// Allocations a span: of the caller, of the process.
    pub(crate) allocations: (f64, f64),
    pub(crate) made: u64,
    pub(crate) received: Option<u64>,
    /// Bytes on the wire a span that arrived, told by the receiver.
    #[serde(default)]
    pub(crate) bytes: Option<f64>,
    /// The most memory that was resident, in MiB.
    pub(crate) resident: Option<f64>,
}

impl Figures {
    /// The same row of another process, measured at another time. Of what a neighbour on the machine makes larger and never smaller, the lower is the peer's; of what is lost or held, all and the most.
    pub(crate) fn add(&mut self, other: Self) {
        // By spans that arrived, of which each process has its own mean.
        let bytes = |it: &Self| it.bytes.zip(it.received).map(|(bytes, spans)| bytes * spans as f64);
        let both = bytes(self).zip(bytes(&other)).map(|(a, b)| a + b);
        self.caller.extend(other.caller);
        self.caller.sort_by(f64::total_cmp);
        self.cpu = self.cpu.min(other.cpu);
        self.allocations.0 = self.allocations.0.max(other.allocations.0);
        self.allocations.1 = self.allocations.1.max(other.allocations.1);
        self.made += other.made;
        self.received = self.received.zip(other.received).map(|(a, b)| a + b);
        self.bytes = both.zip(self.received).map(|(bytes, spans)| bytes / spans as f64);
        self.resident = self.resident.zip(other.resident).map(|(a, b)| a.max(b));
    }

    /// As it is shown and stored: hundredths of a nanosecond are below what two runs agree about.
    pub(crate) fn row(&self) -> Row {
        let places = |n: f64, places: f64| (n * places).round() / places;
        let lost = |received: u64| self.made.saturating_sub(received) as f64 / self.made.max(1) as f64;
        Row {
            run: String::new(),
            peer: self.peer.clone(),
            work: self.work.name(),
            min: places(Self::min(&self.caller), 1e2),
            median: places(Self::median(&self.caller), 1e2),
            cpu: places(self.cpu, 1e2),
            allocations: places(self.allocations.0, 1e5),
            all_allocations: places(self.allocations.1, 1e5),
            lost: self.received.map(lost),
            bytes: self.bytes.map(f64::round),
            resident: self.resident.map(f64::round),
        }
    }

    pub(crate) fn min(figures: &[f64]) -> f64 {
        figures.first().copied().unwrap_or(f64::NAN)
    }
    pub(crate) fn median(figures: &[f64]) -> f64 {
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Measures and prints one line of JSON: the figures, or `null` if the peer has no such work. A peer that has it and fails is an error.
pub(crate) fn run(peer: &str, work: Work, rounds: usize, bursts: usize) -> Result<(), String> {
    let Some(mut running) = peers::start(peer, work)? else {
        println!("null");
        return Ok(());
    };
    let mut made = 0;
    let mut burst = |running: &mut Box<dyn Running>| -> Duration {
        let start = Instant::now();
        running.burst(work.burst());
        let took = start.elapsed();
        made += running.made(work.burst());
        thread::sleep(PAUSE);
        took
    };
    for _ in 0..bursts / 2 {
        burst(&mut running);
    }
    // No flush between the rounds: delivery happens when the peer's own interval says so, as it does in a service.
    running.received();
    let mut caller = vec![];
    let before = ProcessTime::now();
    let (mine, all) = (alloc::mine(), alloc::all());
    for _ in 0..rounds {
        let took: Duration = (0..bursts).map(|_| burst(&mut running)).sum();
        caller.push(took.as_nanos() as f64 / (bursts * work.burst()) as f64);
    }
    let spans = (rounds * bursts * work.burst()) as f64;
    let received = running.received();
    let cpu = before.elapsed().as_nanos() as f64 / spans;
    let allocations = ((alloc::mine() - mine) as f64 / spans, (alloc::all() - all) as f64 / spans);
    caller.sort_by(f64::total_cmp);
    let resident = resident();
    let figures =
        Figures { peer: peer.into(), work, caller, cpu, allocations, made, received, bytes: None, resident };
    println!("{}", serde_json::to_string(&figures).map_err(|e| e.to_string())?);
    Ok(())
}

/// The most memory that was resident, in MiB, as Linux tells it.
pub(crate) fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(caller: &[f64], received: u64, bytes: f64) -> Figures {
        Figures {
            peer: "ours".into(),
            work: Work::Sync,
            caller: caller.to_vec(),
            cpu: caller[0] * 4.0,
            allocations: (0.0, caller[0]),
            made: 100,
            received: Some(received),
            bytes: Some(bytes),
            resident: Some(caller[0]),
        }
    }

    #[test]
    fn a_row_of_two_processes_has_the_lowest_time_and_all_losses() {
        let mut row = figures(&[31.0, 33.0, 52.0], 100, 60.0);
        row.add(figures(&[20.0, 32.0, 90.0], 50, 90.0));
        assert_eq!(row.caller, [20.0, 31.0, 32.0, 33.0, 52.0, 90.0]);
        assert_eq!((row.cpu, row.allocations, row.made, row.received), (80.0, (0.0, 31.0), 200, Some(150)));
        assert_eq!((row.bytes, row.resident), (Some(70.0), Some(31.0)));
        assert_eq!(row.row().lost, Some(0.25));
    }
}
