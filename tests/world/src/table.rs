//! What is printed: for each crate everything that was found, by name, and at the end one line each.

use crate::catalogue::Crate;
use crate::judge::{Argued, Verdict, Warning};
use crate::rewrite::Target;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Whether nothing was found that fails the test.
pub(crate) fn is_clean(verdict: &Verdict) -> bool {
    let tests = verdict.tests.as_ref();
    verdict.refused.is_empty()
        && verdict.unread.is_empty()
        && !verdict.untested
        && verdict.new.is_empty()
        && verdict.lost.is_empty()
        && verdict.new_pedantic.is_empty()
        && verdict.lost_pedantic.is_empty()
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
    let argued = |warnings: &[Argued]| {
        warnings.iter().map(|(w, why)| format!("{}: {}: {why}", w.place, w.code)).collect()
    };
    section("warnings that differ, argued", argued(&verdict.argued));
    section("pedantic warnings that differ, argued", argued(&verdict.argued_pedantic));
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

/// One line for each crate, and the sum.
pub(crate) fn table(rows: &[(&Crate, Option<Verdict>)], what: Target) -> String {
    let carrier = if what == Target::Blocks { "impl and trait blocks" } else { "functions" };
    let mut out =
        format!("#[traced] on {carrier}. Warnings: rustc and clippy's default set, pedantic in brackets\n\n");
    let head = [
        "functions",
        "compiled",
        "accepted",
        "",
        "new",
        "lost",
        "argued",
        "tests ok",
        "of plain's",
        "spans",
        "dropped",
    ];
    let _ = writeln!(out, "{:<22}{}", "crate", cells(&head.map(str::to_owned)));
    let (mut accepted, mut compiled, mut new, mut lost, mut differ, mut undecided) = (0, 0, 0, 0, 0, 0);
    for (one, verdict) in rows {
        let name = format!("{} {}", one.name, one.version);
        let Some(verdict) = verdict else {
            undecided += 1;
            let _ = writeln!(out, "{name:<22} not decided, see above");
            continue;
        };
        let fine = verdict.compiled - verdict.refused.len().min(verdict.compiled);
        accepted += fine;
        compiled += verdict.compiled;
        new += verdict.new.len();
        lost += verdict.lost.len();
        differ += verdict.observed.len();
        let mut row = vec![
            verdict.functions.to_string(),
            verdict.compiled.to_string(),
            fine.to_string(),
            percent(fine, verdict.compiled),
            format!("{} ({})", verdict.new.len(), verdict.new_pedantic.len()),
            format!("{} ({})", verdict.lost.len(), verdict.lost_pedantic.len()),
            format!("{} ({})", verdict.argued.len(), verdict.argued_pedantic.len()),
        ];
        match &verdict.tests {
            Some((plain, recorded)) => {
                differ += recorded.differences(plain).len();
                let counts = recorded.recorded;
                row.extend([recorded.count("ok"), plain.count("ok")].map(|count| count.to_string()));
                row.extend([counts.started, counts.dropped].map(|count| count.to_string()));
            }
            None => row.extend(["-"; 4].map(str::to_owned)),
        }
        let _ = writeln!(out, "{name:<22}{}", cells(&row));
    }
    out.push_str(&reasons(rows));
    let _ = writeln!(
        out,
        "\nworld: {accepted}/{compiled} functions accepted ({}), {new} new and {lost} lost warnings, {differ} tests and observations that differ{}",
        percent(accepted, compiled),
        if undecided > 0 { format!(", {undecided} crates not decided") } else { String::new() }
    );
    out
}

/// The argued ones of all crates: how many of each lint, and why.
fn reasons(rows: &[(&Crate, Option<Verdict>)]) -> String {
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    for verdict in rows.iter().filter_map(|(_, verdict)| verdict.as_ref()) {
        for (warning, why) in verdict.argued.iter().chain(&verdict.argued_pedantic) {
            *counts.entry((&warning.code, why)).or_default() += 1;
        }
    }
    let mut out = String::new();
    if !counts.is_empty() {
        out.push_str("\nargued:\n");
    }
    for ((lint, why), count) in counts {
        let _ = writeln!(out, "{count:>7} {lint}: {why}");
    }
    out
}

fn cells(cells: &[String]) -> String {
    // One less than what a column has: what is wider still does not run into the one before.
    let widths = [9, 8, 8, 6, 7, 7, 8, 8, 10, 10, 10];
    cells.iter().zip(widths).map(|(cell, width)| format!(" {cell:>width$}")).collect()
}

fn percent(part: usize, of: usize) -> String {
    match (part, of) {
        (_, 0) => "-".into(),
        (part, of) if part == of => "100 %".into(),
        // Rounded down: only all of them are 100 %.
        (part, of) => format!("{:.1} %", (part * 1000 / of) as f64 / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_cells_stay_apart() {
        let row = cells(&["1627185394812".into(), "1299288813".into()]);
        assert_eq!(row.split_whitespace().count(), 2, "{row}");
    }
}
