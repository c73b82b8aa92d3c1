//! What a run of the benches leaves behind.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All that is stored. Every figure names the run that it is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The runs that the figures are of.
    pub runs: Vec<Run>,
    /// A row for each peer and workload.
    pub rows: Vec<Row>,
    /// Encoding, ours and the `thrift` crate's.
    pub encoding: Vec<Encoding>,
    /// Starts of programs that differ by their tracing.
    pub starts: Vec<Start>,
    /// This project under loads that last.
    pub loads: Vec<Load>,
    /// Several threads, tasks, and threads that come and go.
    pub scaling: Vec<Scaled>,
    /// What callgrind counts on so many threads.
    pub model: Vec<Modelled>,
    /// A tracer without spans.
    pub idle: Vec<Idle>,
}

/// One start of the benches with `--save`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it began, by which its figures name it: `2026-11-29T09:40:12.345Z`.
    pub began: String,
    /// The commit that it was built from.
    pub commit: String,
    /// What was asked for, such as `peers --save`.
    pub command: String,
    /// Where it was measured.
    pub machine: String,
}

/// One peer and workload. Times are nanoseconds a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// The peer's short name.
    pub peer: String,
    /// The workload's name.
    pub work: String,
    /// The caller's time, the least of the rounds.
    pub min: f64,
    /// The caller's time, the median of the rounds.
    pub median: f64,
    /// CPU of the whole process.
    pub cpu: f64,
    /// Allocations a span of the thread that calls.
    pub allocations: f64,
    /// Allocations a span of the process.
    pub all_allocations: f64,
    /// Of the spans made, the part that did not come out at the other end; unknown where nobody counts.
    pub lost: Option<f64>,
    /// Bytes a span on the wire.
    pub bytes: Option<f64>,
    /// The most MiB that were resident.
    pub resident: Option<f64>,
}

/// A load that lasted for some seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// Spans a second that were asked for.
    pub asked: u64,
    /// Spans a second that were made.
    pub made: f64,
    /// The caller's nanoseconds a span: of the best millisecond, of the median one.
    pub caller: (f64, f64),
    /// Cores that the process used, its callers included.
    pub cores: f64,
    /// Of the spans made, the part that was dropped and counted.
    pub dropped: f64,
    /// Of the spans made, the part that arrived.
    pub arrived: f64,
    /// Of the spans made, the part that is neither: lost on the network, or by a bug.
    pub missing: f64,
    /// The most MiB that were resident.
    pub resident: Option<f64>,
}

/// A way to encode: nanoseconds a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// `ours` or `thrift`.
    pub way: String,
    /// The least of the rounds.
    pub min: f64,
    /// The median of the rounds.
    pub median: f64,
}

/// A program's start: medians of milliseconds since it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// `start_plain` and so on.
    pub program: String,
    /// Until the first line of `main`.
    pub main: f64,
    /// Until the first call of the annotated function was over, tracer installed.
    pub span: f64,
    /// Until the process was gone, its span delivered.
    pub end: f64,
}

/// One peer and one thing that is done on several threads. Times are nanoseconds of what the title says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaled {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// The peer's short name.
    pub peer: String,
    /// A workload's name, or what else is done.
    pub what: String,
    /// How many threads did it at once; none where tasks or threads are what is counted.
    pub threads: Option<usize>,
    /// The least of the rounds.
    pub min: f64,
    /// The median of the rounds.
    pub median: f64,
    /// Of the spans made, the part that did not come out at the other end; unknown where nobody counts.
    pub lost: Option<f64>,
}

/// What callgrind counts of a span when so many threads record: of all of them together, a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Modelled {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// A workload's name.
    pub work: String,
    /// How many threads record.
    pub threads: usize,
    /// Instructions.
    pub instructions: f64,
    /// Reads of memory.
    pub reads: f64,
    /// Writes of memory.
    pub writes: f64,
    /// Lines of 64 bytes that were not in the first-level cache when they were read.
    pub read_misses: f64,
    /// Lines of 64 bytes that were not in the first-level cache when they were written.
    pub write_misses: f64,
}

/// A process that has a tracer and makes no spans.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// The run that it is of, told by when that began.
    pub run: String,
    /// The part of a core that it took in the best of the windows.
    pub least: f64,
    /// The same in the median one.
    pub median: f64,
    /// How many windows there were.
    pub windows: usize,
    /// How long each was, in seconds.
    pub seconds: f64,
}

/// Workloads in the order in which they are shown, with what they are called.
pub(crate) const WORKS: [(&str, &str); 21] = [
    ("sync", "A function without arguments"),
    ("sync-args", "A function of (u64, &str), and its reply"),
    ("sync-six", "A function of six arguments"),
    ("sync-debug", "A function of a struct, shown by Debug"),
    ("sync-long", "A function of a text of 1,000 bytes"),
    ("async", "An async function without arguments"),
    ("async-args", "An async function of (u64, &str), and its reply"),
    ("async-six", "An async function of six arguments"),
    ("async-debug", "An async function of a struct, shown by Debug"),
    ("async-long", "An async function of a text of 1,000 bytes"),
    ("root-child", "A root with one child"),
    ("depth-10", "Ten functions, each calling the next"),
    ("unsampled", "A function in a trace that is not sampled"),
    ("refused", "A root that is not sampled, at a share of 0.001"),
    ("over-limit", "A root past the limit of traces a second"),
    ("no-tracer", "An annotated function without a tracer"),
    ("error", "A function that returns an error"),
    ("logged", "A function that logs an event into its span"),
    ("via-log", "A function with a record of `log`, bridged into its span"),
    ("via-tracing", "A function with an event of `tracing`, bridged into its span"),
    ("instrument", "A function with `tracing`’s attribute, bridged"),
];

/// All workloads, whether they were measured or not.
pub fn works() -> impl Iterator<Item = &'static str> {
    WORKS.iter().map(|(work, _)| *work)
}

/// Peers and what they are called.
const PEERS: [(&str, &str); 14] = [
    ("floor", "two counter reads"),
    ("plain", "no annotation"),
    ("ours", "this project"),
    ("ours-udp", "this project → agent"),
    ("fastrace", "fastrace"),
    ("fastrace-jaeger", "fastrace → agent"),
    ("tracing", "tracing, no subscriber"),
    ("tracing-otel", "tracing + OpenTelemetry"),
    ("tracing-otlp", "tracing + OpenTelemetry → OTLP"),
    ("otel", "OpenTelemetry by hand"),
    ("rustracing", "rustracing_jaeger"),
    ("rustracing-udp", "rustracing_jaeger → agent"),
    ("go", "jaeger-client-go"),
    ("go-udp", "jaeger-client-go → agent"),
];

/// A list, its rows a line each.
fn section<T: Serialize>(name: &str, rows: &[T]) -> Result<String, String> {
    let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|e| e.to_string())?;
    let body = if lines.is_empty() { "[]".into() } else { format!("[\n    {}\n  ]", lines.join(",\n    ")) };
    Ok(format!("  \"{name}\": {body}"))
}

impl Run {
    /// As it stands above a table.
    pub(crate) fn title(&self) -> String {
        let Self { began, commit, command, machine } = self;
        format!("{began}, commit {commit}, `{command}`; {machine}")
    }
}

impl Results {
    /// Reads a stored file.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("results.json: {e}"))
    }

    /// As it is stored: a row a line, so that a change shows what changed.
    pub fn to_text(&self) -> Result<String, String> {
        let sections = [
            section("runs", &self.runs)?,
            section("rows", &self.rows)?,
            section("encoding", &self.encoding)?,
            section("starts", &self.starts)?,
            section("loads", &self.loads)?,
            section("scaling", &self.scaling)?,
            section("model", &self.model)?,
            section("idle", &self.idle)?,
        ];
        Ok(format!("{{\n{}\n}}\n", sections.join(",\n")))
    }

    /// Adds a run, and takes away those that no figure is of any more.
    fn put_run(&mut self, run: Run) {
        self.runs.push(run);
        let named: BTreeSet<String> = self.named().map(str::to_owned).collect();
        self.runs.retain(|run| named.contains(&run.began));
        self.runs.sort_by(|a, b| a.began.cmp(&b.began));
        self.runs.dedup();
    }

    /// The run of each figure.
    fn named(&self) -> impl Iterator<Item = &str> {
        // All of them by name, so that none is forgotten that comes to them.
        let Self { runs: _, rows, encoding, starts, loads, scaling, model, idle } = self;
        let rows = rows.iter().map(|it| &it.run);
        let rows = rows.chain(encoding.iter().map(|it| &it.run));
        let rows = rows.chain(starts.iter().map(|it| &it.run));
        let rows = rows.chain(loads.iter().map(|it| &it.run));
        let rows = rows.chain(scaling.iter().map(|it| &it.run));
        let rows = rows.chain(model.iter().map(|it| &it.run));
        rows.chain(idle.iter().map(|it| &it.run)).map(String::as_str)
    }

    /// What a run is called in the tables: a letter, in the order in which they began.
    pub(crate) fn letter(&self, began: &str) -> String {
        let place = self.runs.iter().position(|run| run.began == began);
        let letter = place.and_then(|n| char::from_digit(n as u32 + 10, 36));
        letter.unwrap_or('?').to_string()
    }

    /// The runs that some figures are of, each once and in order.
    pub(crate) fn runs_of<'a>(&'a self, began: impl Iterator<Item = &'a String>) -> Vec<&'a Run> {
        let began: BTreeSet<&String> = began.collect();
        self.runs.iter().filter(|run| began.contains(&run.began)).collect()
    }

    /// Puts what a run measured in the place of the same figures of earlier runs: a row in that of the same peer and workload, every other list as a whole.
    pub fn put_all(&mut self, run: Run, new: Self) {
        let began = &run.began;
        for row in new.rows {
            self.put(Row { run: began.clone(), ..row });
        }
        /// Takes the place of a list if there is a new one.
        macro_rules! put {
            ($($list:ident),+) => {
                $(if !new.$list.is_empty() {
                    self.$list = new.$list;
                    self.$list.iter_mut().for_each(|it| it.run.clone_from(began));
                })+
            };
        }
        put!(encoding, starts, loads, scaling, model, idle);
        self.put_run(run);
    }

    /// A row, in the place of the one of the same peer and workload. Rows keep the order in which they are shown.
    fn put(&mut self, row: Row) {
        self.rows.retain(|old| (&old.peer, &old.work) != (&row.peer, &row.work));
        self.rows.push(row);
        let place = |names: &[(&str, &str)], name: &str| names.iter().position(|(it, _)| *it == name);
        self.rows.sort_by_key(|row| (place(&WORKS, &row.work), place(&PEERS, &row.peer)));
    }

    /// The workloads that were measured.
    pub(crate) fn works(&self) -> Vec<String> {
        let measured = |work: &str| self.rows.iter().any(|row| row.work == work);
        WORKS.iter().filter(|(work, _)| measured(work)).map(|(work, _)| (*work).to_owned()).collect()
    }

    pub(crate) fn find(&self, peer: &str, work: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == peer && row.work == work)
    }
}

pub(crate) fn peer_title(peer: &str) -> &str {
    PEERS.iter().find(|(name, _)| *name == peer).map_or(peer, |(_, title)| title)
}

pub(crate) fn work_title(work: &str) -> &str {
    WORKS.iter().find(|(name, _)| *name == work).map_or(work, |(_, title)| title)
}
