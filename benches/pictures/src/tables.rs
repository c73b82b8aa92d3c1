//! The figures as text, between the marks in a document that ask for them: `<!-- figures: NAME -->` … `<!-- end of figures -->`.

use crate::results::{Results, WORKS};
use crate::svg::number;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- figures: ";
const END: &str = "<!-- end of figures -->";

/// The document with its tables written anew.
pub(crate) fn renew(document: &str, results: &Results) -> Result<String, String> {
    let (mut text, mut rest) = (String::new(), document);
    while let Some(at) = rest.find(BEGIN) {
        let after = &rest[at + BEGIN.len()..];
        let (name, after) = after.split_once(" -->").ok_or("a mark that does not end")?;
        let end = after.find(END).ok_or_else(|| format!("figures: {name} have no end"))?;
        let _ = write!(text, "{}{BEGIN}{name} -->\n{}{END}", &rest[..at], table(name, results)?);
        rest = &after[end + END.len()..];
    }
    Ok(text + rest)
}

fn table(name: &str, results: &Results) -> Result<String, String> {
    match name {
        "compared" => Ok(compared(results)),
        "all" => Ok(all(results)),
        "load" => Ok(load(results)),
        "pictures" => Ok(pictures(results)),
        "machine" => Ok(format!("{}\n", results.machine)),
        _ => Err(format!("there are no figures `{name}`")),
    }
}

/// What a reader compares first.
fn compared(results: &Results) -> String {
    const COLUMNS: [(&str, &str); 7] = [
        ("sync", "no arguments"),
        ("sync-args", "(u64, &str) + reply"),
        ("async", "async"),
        ("async-args", "async, args + reply"),
        ("root-child", "root + child, each"),
        ("unsampled", "unsampled"),
        ("no-tracer", "no tracer"),
    ];
    const ROWS: [(&str, &[&str]); 6] = [
        ("**this**", &["ours"]),
        ("fastrace", &["fastrace"]),
        ("tracing + OpenTelemetry", &["tracing-otel", "tracing"]),
        ("OpenTelemetry SDK, by hand", &["otel"]),
        ("rustracing_jaeger, by hand", &["rustracing"]),
        ("jaeger-client-go, by hand", &["go"]),
    ];
    let mut text = String::from("| ns a span |");
    COLUMNS.iter().for_each(|(_, title)| _ = write!(text, " {title} |"));
    text += " heap allocations |\n|---|---|---|---|---|---|---|---|---|\n";
    for (title, peers) in ROWS {
        let bold = if peers == ["ours"] { "**" } else { "" };
        let _ = write!(text, "| {title} |");
        let mut allocations: Vec<f64> = vec![];
        for (work, _) in COLUMNS {
            let row = peers.iter().find_map(|peer| results.find(peer, work));
            match row {
                Some(row) => {
                    let _ = write!(text, " {bold}{}{bold} |", number(row.min));
                    allocations.push(row.allocations.round());
                }
                None => text += " – |",
            }
        }
        let least = allocations.iter().copied().fold(f64::INFINITY, f64::min);
        let most = allocations.iter().copied().fold(0.0, f64::max);
        let range = if least < most { format!("{least:.0}–{most:.0}") } else { format!("{most:.0}") };
        let _ = writeln!(text, " {bold}{range}{bold} |");
    }
    text
}

/// Every row.
fn all(results: &Results) -> String {
    let mut text = String::from(
        "```text\nwork        peer                ns min   median    CPU ns  allocs     all  dropped  wire B  RSS MiB\n",
    );
    for row in &results.rows {
        let shown = |n: Option<f64>| n.map_or("-".into(), |n| format!("{n:.0}"));
        let lost = match row.lost {
            Some(lost) if lost > 0.0 => format!("{:.1} %", lost * 100.0),
            Some(_) => "0".into(),
            None => "-".into(),
        };
        let _ = writeln!(
            text,
            "{:<11} {:<16} {:>9.1} {:>8.1} {:>9.1} {:>7.2} {:>7.2} {lost:>8} {:>7} {:>8}",
            row.work,
            row.peer,
            row.min,
            row.median,
            row.cpu,
            row.allocations,
            row.all_allocations,
            shown(row.bytes),
            shown(row.resident)
        );
    }
    text + "```\n"
}

fn load(results: &Results) -> String {
    let mut text = String::from(
        "```text\n     asked/s       made/s   ns min   median   cores   dropped   arrived   missing  RSS MiB\n",
    );
    for load in &results.loads {
        // Added to zero, so that a rounded trace of less than nothing has no sign.
        let percent = |part: f64| format!("{:.2} %", (part * 1e4).round() / 1e2 + 0.0);
        let _ = writeln!(
            text,
            "{:>12} {:>12.0} {:>8.1} {:>8.1} {:>7.2} {:>9} {:>9} {:>9} {:>8.0}",
            load.asked,
            load.made,
            load.caller.0,
            load.caller.1,
            load.cores,
            percent(load.dropped),
            percent(load.arrived),
            percent(load.missing),
            load.resident.unwrap_or(0.0)
        );
    }
    text + "```\n"
}

/// Links to all pictures of workloads.
fn pictures(results: &Results) -> String {
    let mut text = String::new();
    for (work, title) in WORKS.iter().filter(|(work, _)| results.works().iter().any(|it| it == work)) {
        let _ = writeln!(text, "![{title}: nanoseconds a span of each peer](pictures/{work}.svg)\n");
    }
    text
}
