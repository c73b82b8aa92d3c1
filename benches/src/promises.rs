//! What is promised of this project beside its peers, and whether the rows of one run keep it.

use crate::encoding;
use crate::measure::Figures;
use crate::start::{self, Start};
use crate::work::Work;

/// What of a row is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// The caller's time a span.
    Caller,
    /// The same without the time of the plain function: what the annotation adds.
    Added,
    /// The process's CPU a span.
    Cpu,
}

/// Work, ours, the other, the most that ours may be of it.
const TARGETS: [(Work, &str, &str, f64, What); 12] = [
    (Work::Sync, "ours", "fastrace", 0.4, What::Caller),
    (Work::Sync, "ours", "floor", 1.6, What::Caller),
    (Work::SyncArgs, "ours", "fastrace", 0.08, What::Caller),
    (Work::SyncArgs, "ours", "floor", 2.2, What::Caller),
    (Work::Async, "ours", "fastrace", 0.2, What::Caller),
    (Work::AsyncArgs, "ours", "fastrace", 0.08, What::Caller),
    (Work::RootChild, "ours", "fastrace", 0.15, What::Caller),
    (Work::Unsampled, "ours", "fastrace", 0.25, What::Caller),
    (Work::NoTracer, "ours", "tracing", 0.5, What::Caller),
    (Work::NoTracer, "ours", "tracing", 0.5, What::Added),
    (Work::Sync, "ours-udp", "fastrace-jaeger", 0.12, What::Cpu),
    (Work::SyncArgs, "ours-udp", "fastrace-jaeger", 0.07, What::Cpu),
];
/// The most that encoding may take of what the `thrift` crate takes.
const ENCODING: f64 = 0.25;
/// An allocation is one if it happens more often than the set-up of a thread does.
const NO_ALLOCATION: f64 = 0.001;

/// Prints each promise that the rows tell about, by the minima and by the medians of the rounds: a peer that is at the mercy of its allocator has a minimum far from its median.
pub(crate) fn print(rows: &[Figures]) {
    let find = |work: Work, peer: &str| rows.iter().find(|row| row.work == work && row.peer == peer);
    println!("\nratios of the minima (and of the medians), and the most they should be");
    for (work, peer, beside, most, what) in TARGETS {
        // The floor is one row for all workloads but one, where it is the same work in another shape.
        let floor = find(work, "floor").or(find(Work::Sync, "floor"));
        let other = if beside == "floor" { floor } else { find(work, beside) };
        let (Some(mine), Some(other)) = (find(work, peer), other) else { continue };
        let plain = find(work, "plain");
        if what == What::Added && plain.is_none() {
            continue;
        }
        let ratio = |mine: &Figures, of: fn(&[f64]) -> f64| {
            let figure = |row: &Figures| match what {
                What::Caller => of(&row.caller),
                What::Added => of(&row.caller) - plain.map_or(0.0, |plain| of(&plain.caller)),
                What::Cpu => row.cpu,
            };
            figure(mine) / figure(other)
        };
        let label = match what {
            What::Caller => "caller",
            What::Added => "added to the plain function",
            What::Cpu => "CPU",
        };
        // What no span that has two time stamps can go below, in this run.
        let recorded = what == What::Caller && !matches!(work, Work::Unsampled | Work::NoTracer);
        let reach = floor.filter(|_| recorded && beside != "floor").map_or(String::new(), |floor| {
            let (min, median) = (ratio(floor, Figures::min), ratio(floor, Figures::median));
            format!("; two counter reads alone: {min:.3} ({median:.3})")
        });
        let (min, median) = (ratio(mine, Figures::min), ratio(mine, Figures::median));
        say(work.name(), &format!("{peer} / {beside}, {label}"), min, median, most, &reach);
    }
    // A span of `tracing` has a box of the registry's, whoever listens.
    let mine =
        rows.iter().filter(|row| row.peer == "ours" && !matches!(row.work, Work::Error | Work::Instrument));
    if let Some(worst) = mine.max_by(|a, b| a.allocations.0.total_cmp(&b.allocations.0)) {
        let (work, allocations) = (worst.work.name(), worst.allocations.0);
        let met = if allocations < NO_ALLOCATION { "met" } else { "MISSED" };
        println!(
            "{:<11} allocations a span of the caller, at most ({work}): {allocations:.5}, to be 0: {met}",
            "all"
        );
    }
}

/// Measures and prints what no row of the table tells: encoding, and the start.
pub(crate) fn print_beside() -> Result<Vec<Start>, String> {
    let [ours, theirs] = encoding::measure()?;
    let ratio = |of: fn(&[f64]) -> f64| of(&ours) / of(&theirs);
    let reach = format!("; {:.1} and {:.1} ns a span", Figures::min(&ours), Figures::min(&theirs));
    say(
        "encoding".into(),
        "ours / the thrift crate",
        ratio(Figures::min),
        ratio(Figures::median),
        ENCODING,
        &reach,
    );
    let starts = start::measure()?;
    for (label, more) in
        ["to `main`", "to the first span", "in all"].into_iter().zip(starts[1].above(&starts[0]))
    {
        let met = if more <= start::MOST { "met" } else { "MISSED" };
        println!(
            "{:<11} ours {label}: {more:.3} ms more than without, at most {}: {met}",
            "start",
            start::MOST
        );
    }
    for (label, more) in
        ["to `main`", "to the first span", "in all"].into_iter().zip(starts[2].above(&starts[0]))
    {
        println!("{:<11} fastrace {label}: {more:.3} ms more than without", "start");
    }
    Ok(starts)
}

fn say(what: String, label: &str, min: f64, median: f64, most: f64, beside: &str) {
    let met = match (min <= most, median <= most) {
        (true, true) => "met",
        (false, false) => "MISSED",
        _ => "met by one of the two",
    };
    println!("{what:<11} {label}: {min:.3} ({median:.3}), at most {most}: {met}{beside}");
}
