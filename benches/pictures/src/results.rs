//! What a run of the benches leaves behind.

use serde::{Deserialize, Serialize};

/// All that is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// Where it was measured.
    pub machine: String,
    /// A row for each peer and workload.
    pub rows: Vec<Row>,
    /// This project under loads that last.
    pub loads: Vec<Load>,
}

/// One peer and workload. Times are nanoseconds a span.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
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

/// Workloads in the order in which they are shown, with what they are called.
pub(crate) const WORKS: [(&str, &str); 19] = [
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
    ("no-tracer", "An annotated function without a tracer"),
    ("error", "A function that returns an error"),
    ("logged", "A function that logs an event into its span"),
    ("via-log", "A function with a record of `log`, bridged into its span"),
    ("via-tracing", "A function with an event of `tracing`, bridged into its span"),
    ("instrument", "A function with `tracing`’s attribute, bridged"),
];

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

impl Results {
    /// Reads a stored file.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("results.json: {e}"))
    }

    /// As it is stored: a row a line, so that a change shows what changed.
    pub fn to_text(&self) -> Result<String, String> {
        let line = |it: Result<String, serde_json::Error>| {
            it.map(|it| format!("    {it}")).map_err(|e| e.to_string())
        };
        let rows: Result<Vec<_>, _> = self.rows.iter().map(|row| line(serde_json::to_string(row))).collect();
        let loads: Result<Vec<_>, _> =
            self.loads.iter().map(|load| line(serde_json::to_string(load))).collect();
        let machine = serde_json::to_string(&self.machine).map_err(|e| e.to_string())?;
        Ok(format!(
            "{{\n  \"machine\": {machine},\n  \"rows\": [\n{}\n  ],\n  \"loads\": [\n{}\n  ]\n}}\n",
            rows?.join(",\n"),
            loads?.join(",\n")
        ))
    }

    /// Adds a row, or puts it in the place of the one of the same peer and workload. Rows keep the order in which they are shown.
    pub fn put(&mut self, row: Row) {
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
