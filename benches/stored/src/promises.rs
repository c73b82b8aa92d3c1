//! What is promised of this project beside its peers, and whether the figures of a run keep it.

use crate::results::{Encoding, Results, Row, Start};

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
const TARGETS: [(&str, &str, &str, f64, What); 12] = [
    ("sync", "ours", "fastrace", 0.4, What::Caller),
    ("sync", "ours", "floor", 1.6, What::Caller),
    ("sync-args", "ours", "fastrace", 0.08, What::Caller),
    ("sync-args", "ours", "floor", 2.2, What::Caller),
    ("async", "ours", "fastrace", 0.2, What::Caller),
    ("async-args", "ours", "fastrace", 0.08, What::Caller),
    ("root-child", "ours", "fastrace", 0.15, What::Caller),
    ("unsampled", "ours", "fastrace", 0.25, What::Caller),
    ("no-tracer", "ours", "tracing", 0.5, What::Caller),
    ("no-tracer", "ours", "tracing", 0.5, What::Added),
    ("sync", "ours-udp", "fastrace-jaeger", 0.12, What::Cpu),
    ("sync-args", "ours-udp", "fastrace-jaeger", 0.07, What::Cpu),
];
/// The most that encoding may take of what the `thrift` crate takes.
const ENCODING: f64 = 0.25;
/// An allocation is one if it happens more often than the set-up of a thread does.
const NO_ALLOCATION: f64 = 0.001;
/// The work in which the registry of `tracing` keeps a box of each span, whoever listens.
const BOXED: &str = "instrument";
/// The most by which a start with a tracer may be slower than one without, in milliseconds.
pub const START: f64 = 1.0;

/// Whether a promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// By the minima and by the medians.
    Yes,
    /// By the one and not by the other.
    ByOne,
    /// By neither.
    No,
    /// There are no figures to tell it by.
    Unmeasured,
    /// It is told, and nothing is promised.
    Told,
}

/// A promise and what came of it.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Whether it is kept.
    pub kept: Kept,
    /// A line for people.
    pub text: String,
}

impl Promise {
    fn told(what: &str, text: &str) -> Self {
        Self { kept: Kept::Told, text: format!("{what:<11} {text}") }
    }

    fn unmeasured(what: &str, text: &str) -> Self {
        Self { kept: Kept::Unmeasured, text: format!("{what:<11} {text}: not measured") }
    }

    /// One figure, such as a number of allocations.
    fn one(what: &str, text: &str, kept: bool) -> Self {
        let (kept, said) = if kept { (Kept::Yes, "met") } else { (Kept::No, "MISSED") };
        Self { kept, text: format!("{what:<11} {text}: {said}") }
    }

    /// By the minima and by the medians of the rounds: a peer that is at the mercy of its allocator has a minimum far from its median.
    fn ratio(what: &str, label: &str, [min, median]: [f64; 2], most: f64, beside: &str) -> Self {
        let (kept, said) = match (min <= most, median <= most) {
            (true, true) => (Kept::Yes, "met"),
            (false, false) => (Kept::No, "MISSED"),
            _ => (Kept::ByOne, "met by one of the two"),
        };
        let text = format!("{what:<11} {label}: {min:.3} ({median:.3}), at most {most}: {said}{beside}");
        Self { kept, text }
    }
}

/// Every promise, in the order in which they are told.
pub fn promises(results: &Results) -> Vec<Promise> {
    let mut told: Vec<Promise> = TARGETS.iter().map(|target| beside(results, *target)).collect();
    told.extend(allocations(&results.rows));
    told.push(dropped(&results.rows));
    told.push(encoding(results));
    told.extend(starts(&results.starts));
    told
}

/// One of the targets.
fn beside(results: &Results, (work, peer, other, most, what): (&str, &str, &str, f64, What)) -> Promise {
    let label = match what {
        What::Caller => "caller",
        What::Added => "added to the plain function",
        What::Cpu => "CPU",
    };
    let label = format!("{peer} / {other}, {label}");
    // The floor is one row for all workloads but one, where it is the same work in another shape.
    let floor = results.find("floor", work).or(results.find("floor", "sync"));
    let against = if other == "floor" { floor } else { results.find(other, work) };
    let (Some(mine), Some(against)) = (results.find(peer, work), against) else {
        return Promise::unmeasured(work, &label);
    };
    let plain = results.find("plain", work);
    if what == What::Added && plain.is_none() {
        return Promise::unmeasured(work, &label);
    }
    let ratio = |mine: &Row| {
        [|row: &Row| row.min, |row: &Row| row.median].map(|of| {
            let figure = |row: &Row| match what {
                What::Caller => of(row),
                What::Added => of(row) - plain.map_or(0.0, of),
                What::Cpu => row.cpu,
            };
            figure(mine) / figure(against)
        })
    };
    // What no span that has two time stamps can go below, in this run.
    let recorded = what == What::Caller && !["unsampled", "no-tracer"].contains(&work);
    let mut notes = floor.filter(|_| recorded && other != "floor").map_or(String::new(), |floor| {
        let [min, median] = ratio(floor);
        format!("; two counter reads alone: {min:.3} ({median:.3})")
    });
    // The machine's state differs between runs, and so a ratio across two says less.
    if mine.run != against.run || (what == What::Added && plain.is_some_and(|plain| plain.run != mine.run)) {
        notes += "; OF DIFFERENT RUNS";
    }
    Promise::ratio(work, &label, ratio(mine), most, &notes)
}

/// The most that a row of ours allocates, over UDP and not; and what the box is.
fn allocations(rows: &[Row]) -> Vec<Promise> {
    let ours = || rows.iter().filter(|row| row.peer == "ours" || row.peer == "ours-udp");
    let most = |boxed: bool| {
        ours()
            .filter(|row| (row.work == BOXED) == boxed)
            .max_by(|a, b| a.allocations.total_cmp(&b.allocations))
    };
    let label = "allocations a span of the caller";
    let mut told = vec![match most(false) {
        None => Promise::unmeasured("all", label),
        Some(Row { peer, work, allocations, .. }) => Promise::one(
            "all",
            &format!("but {BOXED}: {label}, at most ({peer}, {work}): {allocations:.5}, to be 0"),
            *allocations < NO_ALLOCATION,
        ),
    }];
    if let Some(row) = most(true) {
        let text =
            format!("{label}: {:.5}, a box of tracing’s registry; nothing is promised", row.allocations);
        told.push(Promise::told(BOXED, &text));
    }
    told
}

/// The most that a row of ours lost: a span that was dropped is a cheap one.
fn dropped(rows: &[Row]) -> Promise {
    let ours = rows.iter().filter(|row| row.peer == "ours" || row.peer == "ours-udp");
    let counted = ours.filter_map(|row| Some((row, row.lost?)));
    match counted.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        None => Promise::unmeasured("all", "ours, spans dropped"),
        Some((Row { peer, work, .. }, lost)) => Promise::one(
            "all",
            &format!("ours, spans dropped, at most ({peer}, {work}): {:.3} %, to be 0", lost * 100.0),
            lost == 0.0,
        ),
    }
}

fn encoding(results: &Results) -> Promise {
    let find = |way: &str| results.encoding.iter().find(|it| it.way == way);
    let label = "ours / the thrift crate";
    let (Some(ours), Some(theirs)) = (find("ours"), find("thrift")) else {
        return Promise::unmeasured("encoding", label);
    };
    let ratio = [|it: &Encoding| it.min, |it: &Encoding| it.median].map(|of| of(ours) / of(theirs));
    let beside = format!("; {:.1} and {:.1} ns a span", ours.min, theirs.min);
    Promise::ratio("encoding", label, ratio, ENCODING, &beside)
}

/// By how much a start is slower: ours is promised, fastrace's is told.
fn starts(starts: &[Start]) -> Vec<Promise> {
    let find = |program: &str| starts.iter().find(|it| it.program == program);
    let Some(plain) = find("start_plain") else { return vec![Promise::unmeasured("start", "ours")] };
    let mut told = vec![];
    for (name, program) in [("ours", "start_ours"), ("fastrace", "start_fastrace")] {
        let Some(start) = find(program) else {
            told.push(Promise::unmeasured("start", name));
            continue;
        };
        for (label, of) in [
            ("to `main`", (|it| it.main) as fn(&Start) -> f64),
            ("to the first span", |it| it.span),
            ("in all", |it| it.end),
        ] {
            let more = of(start) - of(plain);
            let text = format!("{name} {label}: {more:.3} ms more than without");
            told.push(match name {
                "ours" => Promise::one("start", &format!("{text}, at most {START}"), more <= START),
                _ => Promise::told("start", &text),
            });
        }
    }
    told
}

/// What a run that was to keep all promises says to whoever asks for its exit status: nothing, or what is not kept. `whole`: what was not measured is not kept either.
pub fn check(told: &[Promise], whole: bool) -> Result<(), String> {
    let broken = |kept: Kept| kept == Kept::No || (whole && kept == Kept::Unmeasured);
    let broken: Vec<&str> = told.iter().filter(|it| broken(it.kept)).map(|it| it.text.as_str()).collect();
    let measured = told.iter().any(|it| matches!(it.kept, Kept::Yes | Kept::ByOne | Kept::No));
    match (broken.is_empty(), measured) {
        (true, true) => Ok(()),
        (true, false) => Err("none of the promises was measured".into()),
        (false, _) => Err(format!("promises that are not kept:\n{}", broken.join("\n"))),
    }
}
