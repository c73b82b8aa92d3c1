//! The figures as text, between the marks in a document that ask for them: `<!-- figures: NAME -->` … `<!-- end of figures -->`.

use crate::promises::{Kept, promises};
use crate::results::{Load, Modelled, Results, Row, Run, Scaled, WORKS};
use crate::svg::number;
use crate::{Compiled, Limits, Stored, compiled};
use std::fmt::Write as _;

const BEGIN: &str = "<!-- figures: ";
const END: &str = "<!-- end of figures -->";

/// The document with its tables written anew.
pub(crate) fn renew(document: &str, stored: &Stored) -> Result<String, String> {
    let (mut text, mut rest) = (String::new(), document);
    while let Some(at) = rest.find(BEGIN) {
        let after = &rest[at + BEGIN.len()..];
        let (name, after) = after.split_once(" -->").ok_or("a mark that does not end")?;
        let end = after.find(END).ok_or_else(|| format!("figures: {name} have no end"))?;
        let _ = write!(text, "{}{BEGIN}{name} -->\n{}{END}", &rest[..at], table(name, stored)?);
        rest = &after[end + END.len()..];
    }
    Ok(text + rest)
}

fn table(name: &str, stored: &Stored) -> Result<String, String> {
    let results = &stored.results;
    match name {
        "compared" => Ok(compared(results)),
        "all" => Ok(all(results)),
        "ratios" => Ok(ratios(results)),
        "load" => Ok(load(results)),
        "scaling" => Ok(scaling(results)),
        "model" => Ok(model(results)),
        "idle" => Ok(idle(results)),
        "instructions" => Ok(instructions(&stored.instructions)),
        "compile-cost" => Ok(compiled(&stored.compiled)),
        "pictures" => Ok(pictures(results)),
        _ => Err(format!("there are no figures `{name}`")),
    }
}

/// The runs that a table's figures are of, each behind its letter.
fn runs(results: &Results, of: &[&Run]) -> String {
    of.iter().map(|run| format!("run {}: {}\n", results.letter(&run.began), run.title())).collect()
}

/// A text block: the runs, the head, the rows.
fn block(runs: String, head: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| row + "\n").collect();
    let head = if head.is_empty() { String::new() } else { format!("{head}\n") };
    format!("```text\n{runs}{head}{rows}```\n")
}

/// What a reader compares first.
fn compared(results: &Results) -> String {
    const COLUMNS: [(&str, &str); 8] = [
        ("sync", "no arguments"),
        ("sync-args", "(u64, &str) + reply"),
        ("async", "async"),
        ("async-args", "async, args + reply"),
        ("root-child", "root + child, each"),
        ("unsampled", "unsampled"),
        ("refused", "root, refused"),
        ("no-tracer", "no tracer"),
    ];
    const ROWS: [(&str, &[&str]); 7] = [
        ("**this**", &["ours"]),
        ("fastrace", &["fastrace"]),
        ("tracing + OpenTelemetry", &["tracing-otel", "tracing"]),
        ("OpenTelemetry SDK, by hand", &["otel"]),
        ("rustracing_jaeger, by hand", &["rustracing"]),
        ("jaeger-client-go, by hand", &["go"]),
        ("two counter reads, no span", &["floor"]),
    ];
    let mut text = String::from("| ns a span |");
    COLUMNS.iter().for_each(|(_, title)| _ = write!(text, " {title} |"));
    text += " heap allocations |\n";
    text += &"|---".repeat(COLUMNS.len() + 2);
    text += "|\n";
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
    let shown = results.rows.iter().filter(|row| {
        COLUMNS.iter().any(|(work, _)| row.work == *work)
            && ROWS.iter().any(|(_, peers)| peers.contains(&row.peer.as_str()))
    });
    for run in results.runs_of(shown.map(|row| &row.run)) {
        let _ = writeln!(text, "\n{}", run.title());
    }
    text
}

/// A part of the spans that were made.
fn lost(lost: Option<f64>, digits: usize) -> String {
    match lost {
        Some(lost) if lost > 0.0 => format!("{:.digits$} %", lost * 100.0),
        Some(_) => "0".into(),
        None => "-".into(),
    }
}

/// A row of the table of peers; the head where there is none.
pub fn row_line(row: Option<&Row>) -> String {
    let Some(row) = row else {
        return "work        peer                ns min   median    CPU ns  allocs     all  dropped  wire B  RSS MiB".into();
    };
    let shown = |n: Option<f64>| n.map_or("-".into(), |n| format!("{n:.0}"));
    format!(
        "{:<11} {:<16} {:>9.1} {:>8.1} {:>9.1} {:>7.2} {:>7.2} {:>8} {:>7} {:>8}",
        row.work,
        row.peer,
        row.min,
        row.median,
        row.cpu,
        row.allocations,
        row.all_allocations,
        lost(row.lost, 1),
        shown(row.bytes),
        shown(row.resident)
    )
}

/// Every row, with the letter of its run.
fn all(results: &Results) -> String {
    let of = results.runs_of(results.rows.iter().map(|row| &row.run));
    let lines =
        results.rows.iter().map(|row| format!("{}   {}", row_line(Some(row)), results.letter(&row.run)));
    block(runs(results, &of), &format!("{} run", row_line(None)), lines)
}

/// What is promised, by the figures of that table.
fn ratios(results: &Results) -> String {
    let began = results.encoding.iter().map(|it| &it.run).chain(results.starts.iter().map(|it| &it.run));
    let of = results.runs_of(began);
    let told = promises(results).into_iter().filter(|it| it.kept != Kept::Unmeasured);
    let mut text = runs(results, &of);
    if !text.is_empty() {
        text = format!("encoding and start:\n{text}");
    }
    let head = "ratios of the minima (and of the medians), and the most they should be";
    block(text, head, told.map(|it| it.text))
}

/// A row of the table of loads; the head where there is none.
pub fn load_line(load: Option<&Load>) -> String {
    let Some(load) = load else {
        return "     asked/s       made/s   ns min   median   cores   dropped   arrived   missing  RSS MiB"
            .into();
    };
    // Added to zero, so that a rounded trace of less than nothing has no sign.
    let percent = |part: f64| format!("{:.2} %", (part * 1e4).round() / 1e2 + 0.0);
    format!(
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
    )
}

fn load(results: &Results) -> String {
    let of = results.runs_of(results.loads.iter().map(|it| &it.run));
    let rows = results.loads.iter().map(|load| load_line(Some(load)));
    block(runs(results, &of), &load_line(None), rows.chain(kept_up(&results.loads)))
}

/// Up to where everything was kept, and what that meant for the caller.
fn kept_up(loads: &[Load]) -> Option<String> {
    let whole = loads.iter().take_while(|load| load.dropped == 0.0).last()?;
    let range = |of: fn(&Load) -> f64| {
        let all = || loads.iter().map(of);
        (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max))
    };
    let ((best, most), (low, high)) = (range(|load| load.caller.0), range(|load| load.caller.1));
    let made = number(whole.made);
    Some(format!(
        "nothing dropped up to {made} spans a second; a span in the best millisecond {best:.0} to {most:.0} ns, in the median one {low:.0} to {high:.0}, at all rates"
    ))
}

/// A row of the table of threads; the head where there is none.
pub fn scaled_line(row: Option<&Scaled>) -> String {
    let Some(row) = row else {
        return "what                                threads peer               ns min     median   dropped"
            .into();
    };
    let threads = row.threads.map_or("-".into(), |n| n.to_string());
    format!(
        "{:<36} {threads:>6} {:<14} {:>10.1} {:>10.1} {:>9}",
        row.what,
        row.peer,
        row.min,
        row.median,
        lost(row.lost, 2)
    )
}

fn scaling(results: &Results) -> String {
    let of = results.runs_of(results.scaling.iter().map(|it| &it.run));
    let rows = results.scaling.iter().map(|row| scaled_line(Some(row)));
    block(runs(results, &of), &scaled_line(None), rows.chain(together(results)))
}

/// What each of two threads at once pays, of what one alone does.
fn together(results: &Results) -> Vec<String> {
    let ours = |what: &str, threads: usize| {
        let mut rows = results.scaling.iter().filter(|row| row.peer == "ours" && row.what == what);
        rows.find(|row| row.threads == Some(threads))
    };
    let ratio = |one: &Scaled| {
        let two = ours(&one.what, 2)?;
        Some(format!("{} {:.2} ({:.2})", one.what, two.min / one.min, two.median / one.median))
    };
    let alone = results.scaling.iter().filter(|row| row.peer == "ours" && row.threads == Some(1));
    let told: Vec<String> = alone.filter_map(ratio).collect();
    let head = "ours on each of two threads, of one alone, by the minima (and the medians):";
    let lines = told.chunks(5).map(|works| works.join(", "));
    if told.is_empty() { vec![] } else { std::iter::once(head.to_owned()).chain(lines).collect() }
}

/// A row of the model; the head where there is none.
pub fn model_line(row: Option<&Modelled>) -> String {
    let Some(row) = row else {
        return "work       threads  instructions   reads  writes  lines missed by reads  by writes".into();
    };
    format!(
        "{:<10} {:>7} {:>13.1} {:>7.1} {:>7.1} {:>22.3} {:>10.3}",
        row.work, row.threads, row.instructions, row.reads, row.writes, row.read_misses, row.write_misses
    )
}

fn model(results: &Results) -> String {
    let of = results.runs_of(results.model.iter().map(|it| &it.run));
    block(runs(results, &of), &model_line(None), results.model.iter().map(|row| model_line(Some(row))))
}

fn idle(results: &Results) -> String {
    let of = results.runs_of(results.idle.iter().map(|it| &it.run));
    let lines = results.idle.iter().map(|it| {
        let (least, median) = (it.least * 100.0, it.median * 100.0);
        format!("{least:.4} % of a core (median {median:.4} %), {} times {} s", it.windows, it.seconds)
    });
    block(runs(results, &of), "", lines)
}

/// The rows of the gate of instructions, as they are held.
fn instructions(limits: &Limits) -> String {
    let head = "                               last   lowest";
    let lines = limits.last.iter().map(|(row, last)| {
        let lowest = limits.lowest.get(row).map_or("-".into(), |lowest| format!("{lowest:.1}"));
        format!("{row:<26} {last:>8.1} {lowest:>8}")
    });
    block(format!("last: {}\n", limits.run.title()), head, lines)
}

/// What `scripts/compile-cost` stored.
fn compiled(compiled: &Compiled) -> String {
    let run = format!("run: {}\n", compiled.run.title());
    block(run, "", compiled::lines(compiled).into_iter())
}

/// Links to all pictures of workloads.
fn pictures(results: &Results) -> String {
    let mut text = String::new();
    for (work, title) in WORKS.iter().filter(|(work, _)| results.works().iter().any(|it| it == work)) {
        let _ = writeln!(text, "![{title}: nanoseconds a span of each peer](pictures/{work}.svg)\n");
    }
    text
}
