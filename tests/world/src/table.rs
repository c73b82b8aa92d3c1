//! What is printed: for each crate everything that was found, by name, and at the end one line each.

use crate::catalogue::Crate;
use crate::judge::{Verdict, Warning};
use crate::rewrite::Target;
use std::fmt::Write as _;

/// Whether nothing was found that fails the test.
pub(crate) fn is_clean(verdict: &Verdict) -> bool {
    let tests = verdict.tests.as_ref();
    verdict.refused.is_empty()
        && verdict.unread.is_empty()
        && verdict.new.is_empty()
        && verdict.lost.is_empty()
        && verdict.observed.is_empty()
        && tests.is_none_or(|(plain, recorded)| {
            recorded.faults == plain.faults && recorded.differences(plain).is_empty()
        })
}

/// Everything, by name.
pub(crate) fn details(one: &Crate, verdict: &Verdict) -> String {
    let mut out = format!("{} {}\n", one.name, one.version);
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(out, "    {title}: {}", lines.len());
            lines.iter().for_each(|line| _ = writeln!(out, "      {line}"));
        }
    };
    let refused =
        verdict.refused.iter().map(|(function, why)| format!("{function}\n        {why}")).collect();
    section("refused", refused);
    section("files that are not read", verdict.unread.clone());
    let shown = |warnings: &[Warning]| {
        warnings.iter().map(|w| format!("{}: {} ({})", w.place, w.text, w.code)).collect::<Vec<_>>()
    };
    section("new warnings", shown(&verdict.new));
    section("lost warnings", shown(&verdict.lost));
    section("new pedantic warnings", shown(&verdict.new_pedantic));
    section("lost pedantic warnings", shown(&verdict.lost_pedantic));
    if let Some((plain, recorded)) = &verdict.tests {
        section("tests that end otherwise", recorded.differences(plain));
        section("faults of test programs, plain", plain.faults.clone());
        section("faults of test programs, recorded", recorded.faults.clone());
    }
    if !verdict.no_tests.is_empty() {
        section("tests not run", vec![verdict.no_tests.clone()]);
    }
    section("observed otherwise", verdict.observed.clone());
    section(
        "tests left out of both copies",
        one.left_out.iter().map(|(test, why)| format!("{test}: {why}")).collect(),
    );
    if let Some((least, most)) = verdict.grown {
        section("futures grew by", vec![format!("{least} to {most} bytes")]);
    }
    let skipped = verdict.skipped.iter().map(|(why, count)| format!("{count} {}", why.why()));
    let skipped = skipped.chain([format!("{} not compiled here", verdict.functions - verdict.compiled)]);
    let _ = writeln!(out, "    not annotated or not compiled: {}\n", skipped.collect::<Vec<_>>().join(", "));
    out
}

/// One line for each crate.
pub(crate) fn table(rows: &[(&Crate, Option<Verdict>)], what: Target) -> String {
    let carrier = if what == Target::Blocks { "impl and trait blocks" } else { "functions" };
    let mut out = format!(
        "#[traced] on {carrier}; warnings of rustc and clippy's default set (pedantic in brackets)\n\n"
    );
    let _ = writeln!(
        out,
        "{:<24} {:>13} {:>6} {:>10} {:>10} {:>14} {:>12} {:>13} {:>9}",
        "crate", "accepted", "", "new", "lost", "tests passing", "plain's", "spans made", "dropped"
    );
    let mut sum = (0, 0);
    for (one, verdict) in rows {
        let name = format!("{} {}", one.name, one.version);
        let Some(verdict) = verdict else {
            let _ = writeln!(out, "{name:<24} not decided, see above");
            continue;
        };
        let accepted = verdict.compiled - verdict.refused.len().min(verdict.compiled);
        sum = (sum.0 + accepted, sum.1 + verdict.compiled);
        let of = format!("{accepted}/{}", verdict.compiled);
        let new = format!("{} ({})", verdict.new.len(), verdict.new_pedantic.len());
        let lost = format!("{} ({})", verdict.lost.len(), verdict.lost_pedantic.len());
        let _ = write!(
            out,
            "{name:<24} {of:>13} {:>6} {new:>10} {lost:>10}",
            percent(accepted, verdict.compiled)
        );
        match &verdict.tests {
            Some((plain, recorded)) => {
                let counts = recorded.recorded;
                let _ = writeln!(
                    out,
                    " {:>14} {:>12} {:>13} {:>9}",
                    recorded.count("ok"),
                    plain.count("ok"),
                    counts.started,
                    counts.dropped
                );
            }
            None => {
                let _ = writeln!(out, " {:>14} {:>12} {:>13} {:>9}", "-", "-", "-", "-");
            }
        }
    }
    let _ =
        writeln!(out, "{:<24} {:>13} {:>6}", "all", format!("{}/{}", sum.0, sum.1), percent(sum.0, sum.1));
    out
}

fn percent(part: usize, of: usize) -> String {
    match (part, of) {
        (_, 0) => "-".into(),
        (part, of) if part == of => "100 %".into(),
        // Rounded down: only all of them are 100 %.
        (part, of) => format!("{:.1} %", (part * 1000 / of) as f64 / 10.0),
    }
}
