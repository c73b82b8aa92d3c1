//! Counts that may fall but not rise: what is counted, beside what a file of the repository says it was. More than 3 % worse fails, with both numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// By how much a count may rise.
const TOLERANCE: f64 = 1.03;

/// One kind of count, and its file.
pub(crate) struct Gate {
    path: PathBuf,
    unit: &'static str,
    update: bool,
    known: BTreeMap<String, f64>,
    counted: BTreeMap<String, f64>,
    worse: Vec<String>,
}

impl Gate {
    /// Reads the limits from `file` in this crate's folder. With `update` nothing fails, and `finish` writes what was counted.
    pub(crate) fn open(file: &str, unit: &'static str, update: bool) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let known = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?,
            Err(_) if update => BTreeMap::new(),
            Err(error) => return Err(format!("{file}: {error}; `--update` writes it")),
        };
        Ok(Self { path, unit, update, known, counted: BTreeMap::new(), worse: vec![] })
    }

    /// Takes a count to the file's precision and says it. One that is not `held` is there to be compared with.
    pub(crate) fn count(&mut self, row: String, count: f64, held: bool) {
        let count = (count * 10.0).round() / 10.0;
        let limit = self.known.get(&row).copied();
        let said = limit.map_or("none".into(), |limit| format!("{limit:.1}"));
        println!("{row:<32} {count:>8.1} {}, limit {said}", self.unit);
        match limit {
            _ if !held || self.update => {}
            None => self.worse.push(format!("{row}: {count:.1} {}, and no limit is known", self.unit)),
            Some(limit) if count > limit * TOLERANCE => {
                self.worse.push(format!("{row}: {count:.1} {}, {limit:.1} before", self.unit));
            }
            Some(_) => {}
        }
        self.counted.insert(row, count);
    }

    /// Says what is worse; a limit that nothing was counted for is, too.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        if self.update {
            let text = serde_json::to_string_pretty(&self.counted).map_err(|e| e.to_string())? + "\n";
            return std::fs::write(&self.path, text).map_err(|e| format!("{}: {e}", self.path.display()));
        }
        let gone = self.known.keys().filter(|row| !self.counted.contains_key(*row));
        self.worse.extend(gone.map(|row| format!("{row}: not counted any more")));
        if self.worse.is_empty() {
            return Ok(());
        }
        Err(format!("more than 3 % worse than {}:\n{}", self.path.display(), self.worse.join("\n")))
    }
}
