//! Counts that may fall but not rise: what is counted, beside what a file of the repository says it was.
//!
//! The file has two figures a row: what was counted last, and the lowest that it ever was. More than 3 % above the lowest fails, with both numbers. The lowest rises only where somebody says so by
//! the row's name (`--accept`), so that many rises of 2 % do not pass as none. The run that all of the last ones are of stands before them. A row a line: what two branches count anew is merged as text,
//! but for the run, which is then counted again.

use crate::Run;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// By how much a count may rise above the lowest it was.
const TOLERANCE: f64 = 1.03;

/// A gate's file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Limits {
    /// The run that [`Limits::last`] is of.
    pub run: Run,
    /// What was counted last, by the row's name.
    pub last: BTreeMap<String, f64>,
    /// The lowest that was counted, or what was accepted above it; of the rows that are held.
    pub lowest: BTreeMap<String, f64>,
}

impl Limits {
    /// Reads a gate's file.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    /// As it is stored.
    pub fn to_text(&self) -> Result<String, String> {
        let rows = |of: &BTreeMap<String, f64>| serde_json::to_string_pretty(of).map_err(|e| e.to_string());
        let run = serde_json::to_string(&self.run).map_err(|e| e.to_string())?;
        Ok(format!(
            "{{\"run\": {run},\n\"last\": {}, \"lowest\": {}}}\n",
            rows(&self.last)?,
            rows(&self.lowest)?
        ))
    }

    /// What a row is held against. A row of a file that was merged by hand may be lower than what is said to be its lowest.
    fn anchor(&self, row: &str) -> Option<f64> {
        match (self.last.get(row), self.lowest.get(row)) {
            (Some(last), Some(lowest)) => Some(last.min(*lowest)),
            (one, other) => one.or(other).copied(),
        }
    }
}

/// One kind of count, and its file.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    unit: &'static str,
    /// The run as which the file is written anew, if it is.
    update: Option<Run>,
    accept: Vec<String>,
    known: Limits,
    counted: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    now: f64,
    /// Whether a rise fails: what is counted to be compared with is not held.
    held: bool,
}

impl Gate {
    /// Reads the limits from the file. With `update`, the run that now begins, it is written anew by `finish`, the rows named in `accept` with what was counted as their lowest.
    pub fn open(
        path: &Path,
        unit: &'static str,
        update: Option<Run>,
        accept: &[String],
    ) -> Result<Self, String> {
        let shown = path.display();
        let known = match std::fs::read_to_string(path) {
            Ok(text) => Limits::parse(&text).map_err(|e| format!("{shown}: {e}"))?,
            Err(error) if update.is_some() && error.kind() == std::io::ErrorKind::NotFound => {
                Limits::default()
            }
            Err(error) => return Err(format!("{shown}: {error}; `--update` writes it")),
        };
        Ok(Self { path: path.into(), unit, update, accept: accept.into(), known, counted: BTreeMap::new() })
    }

    /// Takes one row's count, and prints it beside what it was.
    pub fn count(&mut self, row: String, now: f64, held: bool) {
        let now = (now * 10.0).round() / 10.0;
        let said = |n: Option<f64>| n.map_or("none".into(), |n| format!("{n:.1}"));
        let (last, lowest) = (said(self.known.last.get(&row).copied()), said(self.known.anchor(&row)));
        println!("{row:<32} {now:>8.1} {}, before {last}, lowest {lowest}", self.unit);
        self.counted.insert(row, Count { now, held });
    }

    /// Holds what was counted, or writes it, and tells what came of it: what changed, or an error with all that is worse.
    pub fn finish(self) -> Result<String, String> {
        let mut worse: Vec<String> = vec![];
        for (row, count) in self.counted.iter().filter(|(_, count)| count.held) {
            let (unit, now) = (self.unit, count.now);
            match self.known.anchor(row) {
                None if self.update.is_some() => {}
                None => worse.push(format!("{row}: {now:.1} {unit}, and no limit is known")),
                // Rounded counts are compared, so a row whose lowest is 0 fails with the first that is counted.
                Some(lowest) if now > lowest * TOLERANCE && !self.accept.contains(row) => {
                    let last = self.known.last.get(row).copied().unwrap_or(lowest);
                    worse
                        .push(format!("{row}: {now:.1} {unit}, {last:.1} before, {lowest:.1} at its lowest"));
                }
                Some(_) => {}
            }
        }
        for row in &self.accept {
            let above = |count: &Count| self.known.anchor(row).is_some_and(|it| count.now > it * TOLERANCE);
            if !self.counted.get(row).is_some_and(above) {
                worse.push(format!(
                    "{row}: is not more than 3 % above its lowest, so there is nothing to accept"
                ));
            }
        }
        if self.update.is_none() {
            let gone = self.known.last.keys().filter(|row| !self.counted.contains_key(*row));
            worse.extend(gone.map(|row| format!("{row}: not counted any more")));
        }
        let shown = self.path.display();
        if !worse.is_empty() {
            let advice = if self.update.is_some() {
                "; nothing was written. A rise that is meant is named: `--accept ROW`"
            } else {
                ""
            };
            return Err(format!("worse than {shown}, or not as it says{advice}:\n{}", worse.join("\n")));
        }
        let Some(run) = self.update.clone() else { return Ok(String::new()) };
        let (changes, limits) = (self.changes(), self.limits(run));
        std::fs::write(&self.path, limits.to_text()?).map_err(|e| format!("{shown}: {e}"))?;
        Ok(changes)
    }

    /// What the file will say.
    fn limits(&self, run: Run) -> Limits {
        let mut limits = Limits { run, ..Limits::default() };
        for (row, Count { now, held }) in &self.counted {
            limits.last.insert(row.clone(), *now);
            if *held {
                let kept = self.known.anchor(row).filter(|_| !self.accept.contains(row));
                limits.lowest.insert(row.clone(), kept.map_or(*now, |it| it.min(*now)));
            }
        }
        limits
    }

    /// Each row that is not as the file says: rose, fell, appeared or was lost.
    fn changes(&self) -> String {
        let mut text = String::new();
        for (row, Count { now, .. }) in &self.counted {
            // Writing to a String cannot fail.
            let _ = match self.known.last.get(row) {
                None => writeln!(text, "appeared  {row}: {now:.1}"),
                Some(last) if last == now => Ok(()),
                Some(last) => {
                    let what = if now > last { "rose" } else { "fell" };
                    let lowest = self.known.anchor(row).unwrap_or(*last);
                    let (by, above) = ((now / last - 1.0) * 100.0, (now / lowest - 1.0) * 100.0);
                    let accepted = if self.accept.contains(row) { ", accepted" } else { "" };
                    writeln!(
                        text,
                        "{what:<9} {row}: {last:.1} → {now:.1} ({by:+.1} %; {above:+.1} % from its lowest{accepted})"
                    )
                }
            };
        }
        for (row, last) in self.known.last.iter().filter(|(row, _)| !self.counted.contains_key(*row)) {
            let _ = writeln!(text, "lost      {row}: {last:.1}");
        }
        if text.is_empty() { "nothing changed\n".into() } else { text }
    }
}
