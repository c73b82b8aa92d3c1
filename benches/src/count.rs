//! Gates that noise cannot break: instructions a span under callgrind, of the caller, of the collector's thread and of the backend that takes
//! spans in; allocations a span.

use crate::measure::Running;
use crate::peers::RECEIVER;
use crate::work::Work;
use crate::{alloc, encoding, futures, intake, peers, store};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use stored::{Gate, Modelled};

/// Spans of the smaller of the two runs whose difference is counted.
const SPANS: usize = 20_000;
/// After which the collector has done so.
const PACED: Duration = Duration::from_millis(20);
/// What the collector does for a span until it is in a datagram, so that the process's CPU is held too and not only the caller's.
const COLLECTED: [Work; 5] = [Work::Sync, Work::SyncArgs, Work::AsyncArgs, Work::RootChild, Work::Logged];
/// The caller's part.
const ROWS: [(&str, Work); 27] = [
    ("ours", Work::Sync),
    ("ours", Work::SyncArgs),
    ("ours", Work::Async),
    ("ours", Work::AsyncArgs),
    ("ours", Work::RootChild),
    ("ours", Work::SyncSix),
    ("ours", Work::SyncDebug),
    ("ours", Work::SyncLong),
    ("ours", Work::AsyncSix),
    ("ours", Work::AsyncDebug),
    ("ours", Work::AsyncLong),
    ("ours", Work::Depth10),
    ("ours", Work::Error),
    ("ours", Work::Logged),
    ("ours", Work::ViaLog),
    ("ours", Work::ViaTracing),
    ("ours", Work::Instrument),
    ("ours", Work::Unsampled),
    ("ours", Work::Refused),
    ("ours", Work::OverLimit),
    ("ours", Work::NoTracer),
    ("fastrace", Work::Sync),
    ("fastrace", Work::SyncArgs),
    ("fastrace", Work::Refused),
    ("tracing", Work::NoTracer),
    ("plain", Work::NoTracer),
    ("plain", Work::SyncArgs),
];

/// So many spans, delivered now and then: what callgrind counts.
pub(crate) fn spans(peer: &str, work: Work, spans: usize) -> Result<(), String> {
    let mut running = peers::start(peer, work)?.ok_or_else(|| format!("{peer} has no {work:?}"))?;
    // The time that a limit of traces a second goes by is the counter's once the collector has read both clocks twice, 10 ms apart; before, it is the system's, which takes more. What is counted does not depend on when that is.
    if work == Work::OverLimit {
        // After the first of these the collector is there, and in the last it has looked 10 ms later.
        running.received();
        let begun = Instant::now();
        while begun.elapsed() < PACED {
            running.received();
        }
        running.received();
    }
    // A burst fits into a log, so that none fills while valgrind runs one thread at a time.
    let burst = work.burst();
    let mut received = None;
    for _ in 0..spans / burst {
        counted(&mut *running, burst);
        // Not counted: how long a caller spins before it sleeps is the scheduler's business.
        received = running.received();
    }
    // A peer may lose some, and is not held by a gate; a span of ours that was dropped would be a cheap one.
    if peer.starts_with("ours") { all_came(&*running, spans, received) } else { Ok(()) }
}

/// An error if fewer spans came out than were made.
fn all_came(running: &dyn Running, spans: usize, received: Option<u64>) -> Result<(), String> {
    let made = running.made(spans);
    match received {
        Some(came) if came >= made => Ok(()),
        Some(came) => {
            Err(format!("of {made} spans that were made {came} came out: the rest was not recorded"))
        }
        None if made == 0 => Ok(()),
        None => Err(format!("{made} spans were made, and nobody said how many came out")),
    }
}

/// What callgrind counts, told by its name.
#[inline(never)]
fn counted(running: &mut dyn Running, burst: usize) {
    running.burst(burst);
}

/// The same for anything.
#[inline(never)]
pub(crate) fn counted_call(call: impl FnOnce()) {
    call();
}

/// The same for a thread among others.
#[inline(never)]
pub(crate) fn counted_calls(work: Work, spans: usize) {
    peers::ours::calls_of(work, spans);
}

/// A gate's file.
pub(crate) fn limits(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Counts every row; `update` writes the limits anew, where those in `accept` may be higher than they ever were.
pub(crate) fn instructions(update: bool, accept: &[String]) -> Result<(), String> {
    let run = update.then(store::begin);
    let mut gate = Gate::open(&limits("instructions.json"), "instructions a span", run, accept)?;
    for (peer, work) in ROWS {
        let (caller, _) = a_span(peer, work)?;
        if caller == 0.0 {
            return Err(format!(
                "nothing was counted of {peer} {}; is its function no longer `counted`?",
                work.name()
            ));
        }
        // A peer's count is there to be compared with, not to be held.
        gate.count(format!("{peer} {}", work.name()), caller, peer == "ours");
    }
    for work in COLLECTED {
        let (_, collector) = a_span("ours-udp", work)?;
        if collector == 0.0 {
            return Err(
                "nothing was counted in the collector; is its function no longer `collector::run`?".into()
            );
        }
        gate.count(format!("collector {}", work.name()), collector, true);
    }
    for way in futures::WAYS {
        let args = |rounds: usize| ["futures".to_owned(), way.to_owned(), rounds.to_string()];
        let (more, less) = (valgrind(&args(20))?, valgrind(&args(10))?);
        let calls = (10 * futures::CALLS) as f64;
        gate.count(format!("future {way}"), (more.caller - less.caller) / calls, true);
    }
    for way in encoding::WAYS {
        let args = |rounds: usize| ["encode".to_owned(), way.to_owned(), rounds.to_string()];
        let (more, less) = (valgrind(&args(200))?, valgrind(&args(100))?);
        let spans = (100 * encoding::SPANS) as f64;
        gate.count(format!("encoding {way}"), (more.caller - less.caller) / spans, way == encoding::OURS);
    }
    for way in intake::WAYS {
        let args = |rounds: usize| ["intake".to_owned(), way.to_owned(), rounds.to_string()];
        let (more, less) = (valgrind(&args(40))?, valgrind(&args(20))?);
        let spans = (20 * intake::SPANS) as f64;
        gate.count(format!("intake {way}"), (more.caller - less.caller) / spans, true);
    }
    print!("{}", gate.finish()?);
    // The table in the documents is of the same figures.
    if update { store::pictures() } else { Ok(()) }
}

/// Instructions a span: of the caller, of all other threads.
fn a_span(peer: &str, work: Work) -> Result<(f64, f64), String> {
    // Takes what is sent and reads nothing: the system drops what does not fit, and no send fails.
    let deaf = UdpSocket::bind("127.0.0.1:0").and_then(|socket| Ok((socket.local_addr()?, socket)));
    let (address, _deaf) = deaf.map_err(|e| e.to_string())?;
    let count = |spans: usize| {
        let args = ["spans".to_owned(), peer.to_owned(), work.name(), spans.to_string()];
        valgrind_with(&args, &[(RECEIVER, address.to_string())], &[])
    };
    let (more, less) = (count(2 * SPANS)?, count(SPANS)?);
    let spans = SPANS as f64;
    Ok(((more.caller - less.caller) / spans, (more.others - less.others) / spans))
}

/// What a span takes when so many threads record, of all threads together, with the first-level cache of common CPUs: 32 KiB in lines of 64 bytes, eight ways.
///
/// callgrind has one such cache for all threads and runs them by turns, so a line that one thread takes from another is not told apart from one that it has for itself.
pub(crate) fn on_threads(work: Work, threads: usize) -> Result<Modelled, String> {
    const EACH: usize = 500;
    const CACHE: [&str; 2] = ["--cache-sim=yes", "--D1=32768,8,64"];
    let count = |spans: usize| {
        let args = ["spans-on".to_owned(), work.name(), threads.to_string(), spans.to_string()];
        valgrind_with(&args, &[], &CACHE)
    };
    let (more, less) = (count(2 * EACH)?.recording, count(EACH)?.recording);
    let spans = (threads * EACH) as f64;
    let a_span = |event: &str| match (more.get(event), less.get(event)) {
        (Some(more), Some(less)) => Ok(((more - less) / spans * 1e3).round() / 1e3),
        _ => Err(format!("callgrind counted no `{event}`")),
    };
    Ok(Modelled {
        run: String::new(),
        work: work.name(),
        threads,
        instructions: a_span("Ir")?,
        reads: a_span("Dr")?,
        writes: a_span("Dw")?,
        read_misses: a_span("D1mr")?,
        write_misses: a_span("D1mw")?,
    })
}

/// What callgrind counted.
#[derive(Default)]
struct Counted {
    /// Instructions of the first thread.
    caller: f64,
    /// Instructions of all others.
    others: f64,
    /// Every event that was counted, by callgrind's name for it, of all threads but the second, which is the collector's.
    recording: BTreeMap<String, f64>,
}

/// What the runtime calls for a time stamp where it does not trust the CPU's counter.
const OTHER_CLOCK: &str = "jaeger_runtime::clock::nanos";

/// Why nothing can be held on this machine: its spans take another way than those of which the limits are.
fn no_counter() -> String {
    const LIST: &str = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    let listed = std::fs::read_to_string(LIST).map_or_else(|e| e.to_string(), |text| text.trim().to_owned());
    format!(
        "the CPU's counter is not trusted on this machine, so each span asks the system for the time and takes the slow way; the limits are of machines where it is trusted, and nothing was compared. \
         The counter is trusted if it runs at one rate (CPUID) and, on Linux, {LIST} has `tsc`; that says: {listed}"
    )
}

fn valgrind(args: &[String]) -> Result<Counted, String> {
    valgrind_with(args, &[], &[])
}

/// What is named `counted…` and the collector take, of this program called with `args`; `more` are callgrind's own arguments.
fn valgrind_with(args: &[String], env: &[(&str, String)], more: &[&str]) -> Result<Counted, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let folder = std::env::temp_dir().join(format!("benches-{}-{}", std::process::id(), args.join("-")));
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes", "--collect-atstart=no", "--max-threads=100"])
        .arg("--toggle-collect=benches::count::counted*")
        .arg("--toggle-collect=jaeger_runtime::collector::run")
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .args(more)
        .arg(program)
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)));
    }
    let counted = read(&folder);
    // Best effort: they are small and in the system's folder for such.
    let _ = std::fs::remove_dir_all(&folder);
    let counted = counted?;
    if counted.caller + counted.others == 0.0 {
        return Err(format!("callgrind counted nothing of {}", args.join(" ")));
    }
    Ok(counted)
}

/// What callgrind left in a folder, a file a thread.
fn read(folder: &Path) -> Result<Counted, String> {
    let mut counted = Counted::default();
    for entry in std::fs::read_dir(folder).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.to_string_lossy().into_owned();
        // With one thread there is one file without a number; with several that file is about none of them.
        let thread =
            name.rsplit_once('-').filter(|(_, n)| n.len() == 2).and_then(|(_, n)| n.parse::<u8>().ok());
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
        // The collector looks at all clocks; who records has one.
        if thread != Some(2) && text.contains(OTHER_CLOCK) {
            return Err(no_counter());
        }
        // `events: Ir Dr Dw …` names the numbers of `totals: 1 2 3 …`.
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let totals = line("totals: ").or_else(|| line("summary: ")).unwrap_or_default();
        let totals = totals.split_whitespace().map(|n| n.parse::<f64>().unwrap_or(0.0));
        let totals: Vec<(&str, f64)> =
            line("events: ").unwrap_or_default().split_whitespace().zip(totals).collect();
        let instructions = totals.iter().find(|(event, _)| *event == "Ir").map_or(0.0, |(_, n)| *n);
        match thread {
            None | Some(1) => counted.caller += instructions,
            Some(_) => counted.others += instructions,
        }
        if thread != Some(2) {
            for (event, n) in totals {
                *counted.recording.entry(event.to_owned()).or_default() += n;
            }
        }
    }
    Ok(counted)
}

pub(crate) fn allocations() -> Result<(), String> {
    // One process can have one tracer: the workloads follow each other with the same one, except the one without.
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    if let Ok(work) = std::env::var("BENCHES_ALLOCATIONS_OF") {
        return one(Work::from_str(&work, true)?);
    }
    let mut failed = vec![];
    for work in Work::value_variants() {
        let name = work.name();
        let output = Command::new(&program).arg("allocations").env("BENCHES_ALLOCATIONS_OF", &name).output();
        let output = output.map_err(|e| e.to_string())?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            failed.push(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn one(work: Work) -> Result<(), String> {
    let mut running: Box<dyn Running> = peers::start("ours", work)?.ok_or("no such work")?;
    // The first spans take the log, register the callsites and grow the buffers; that is set-up, once a thread.
    // A burst is what fits into a log, however late the collector is: the end of a held span that finds its log full is put aside on the heap.
    let burst = work.burst();
    // Where one trace in a thousand is recorded, the first of them is what takes the log: after 20,000 it has come, but for once in 10^8 runs.
    let warm = if work == Work::Refused { 20_000usize.div_ceil(burst) } else { 1 };
    for _ in 0..warm {
        running.burst(burst);
        running.received();
    }
    let (mut inside, mut received) = (0, None);
    for _ in 0..100_000 / burst {
        let start = alloc::mine();
        running.burst(burst);
        inside += alloc::mine() - start;
        received = running.received();
    }
    all_came(&*running, (100_000 / burst + warm) * burst, received)?;
    println!("{work:?}: {inside} allocations in 100,000 spans");
    // What a layer keeps of a span of `tracing`, the registry keeps for it in a box.
    let most = if work == Work::Instrument { 100_000 } else { 0 };
    if inside <= most { Ok(()) } else { Err(format!("{inside} allocations in 100,000 spans")) }
}
