//! What the attribute costs whoever builds: what `scripts/compile-cost --save` writes, and the table of it.

use crate::Run;
use serde::Deserialize;

/// `compile-cost.json`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Compiled {
    /// The run that the figures are of.
    pub run: Run,
    /// How many functions are built.
    pub functions: u64,
    /// How often each variant was built.
    pub rounds: u64,
    /// The most that ours may be over the plain program.
    pub bounds: Bounds,
    /// The slowest round of a variant over its fastest, of the variant where that is most.
    pub spread: Spread,
    /// The plain program first.
    pub rows: Vec<Built>,
}

/// Over the plain program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Bounds {
    /// Seconds of a check.
    pub check: f64,
    /// Seconds of a release build.
    pub release: f64,
    /// Bytes of the annotated functions.
    pub functions: f64,
}

/// How far rounds lie apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Spread {
    /// Of checks.
    pub check: f64,
    /// Of release builds.
    pub release: f64,
}

/// One variant: the functions plain, or with the attribute of somebody.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Built {
    /// `plain`, `ours` and so on.
    pub variant: String,
    /// Seconds of a check, the median.
    pub check: f64,
    /// Seconds of a release build, the median.
    pub release: f64,
    /// Bytes of the program, of plain; bytes that the annotations add, of all others.
    pub functions: f64,
    /// Bytes that the library adds.
    pub library: f64,
    /// Instructions of the compiler for a check, where they were counted.
    pub instructions: Option<f64>,
}

/// The table's lines.
pub(crate) fn lines(compiled: &Compiled) -> Vec<String> {
    let Compiled { functions, rounds, bounds, spread, rows, .. } = compiled;
    let mut lines = vec![
        format!(
            "{functions} functions, medians of {rounds} rounds; the slowest round of a variant over its fastest: check {:.2}, release {:.2}",
            spread.check, spread.release
        ),
        "             check s    over   release s    over  functions KiB  library KiB  G instructions to check"
            .into(),
    ];
    let Some(plain) = rows.first() else { return lines };
    let kib = 1024.0;
    for row in rows {
        let counted = row.instructions.map_or("-".into(), |n| format!("{:.2}", n / 1e9));
        let Built { variant, check, release, functions, library, .. } = row;
        let (over, size) = if row == plain {
            ([String::new(), String::new()], [format!("{:.0}", functions / kib), String::new()])
        } else {
            (
                [check - plain.check, release - plain.release].map(|n| format!("{n:+.2}")),
                [functions, library].map(|n| format!("{:+.0}", n / kib)),
            )
        };
        let line = format!(
            "{variant:<11} {check:>8.2} {:>7} {release:>11.2} {:>7} {:>14} {:>12} {counted:>24}",
            over[0], over[1], size[0], size[1]
        );
        lines.push(line);
    }
    if let Some(ours) = rows.iter().find(|row| row.variant == "ours") {
        let said = |kept: bool| if kept { "met" } else { "MISSED" };
        let (check, release) = (ours.check - plain.check, ours.release - plain.release);
        let each = ours.functions / (functions.saturating_sub(1).max(1)) as f64;
        lines.push(format!(
            "ours, at most: check {:+} s: {}; release {:+} s: {}; functions {:+.0} KiB: {}; {each:.0} bytes a function",
            bounds.check,
            said(check <= bounds.check),
            bounds.release,
            said(release <= bounds.release),
            bounds.functions / kib,
            said(ours.functions <= bounds.functions),
        ));
    }
    lines
}
