//! What the benches store: their results, the gates' limits, what is promised of them, and the pictures and tables that are made of them, always the same for the same results.
//!
//! A crate of its own, so that the tests of it build none of the peers.
//!
//! | file | job |
//! |---|---|
//! | `results` | what is stored of runs that measure time |
//! | `compiled` | what the attribute costs whoever builds |
//! | `gate` | counts that may not rise, and their files |
//! | `promises` | what is promised beside the peers, and whether it is kept |
//! | `svg` | a picture's frame, colours and texts |
//! | `bars` | a workload's peers beside each other |
//! | `load` | what a span costs and what becomes of it, against the spans a second |
//! | `tables` | the same figures as text, for the documents |

mod bars;
mod compiled;
mod gate;
mod load;
mod promises;
mod results;
mod svg;
mod tables;

pub use compiled::{Bounds, Built, Compiled, Spread};
pub use gate::{Gate, Limits};
pub use promises::{Kept, Promise, START, check, promises};
pub use results::{Encoding, Idle, Load, Modelled, Results, Row, Run, Scaled, Start, works};
pub use tables::{load_line, model_line, row_line, scaled_line};

use std::path::Path;

/// All that documents show.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// `results.json`.
    pub results: Results,
    /// `instructions.json`.
    pub instructions: Limits,
    /// `compile-cost.json`.
    pub compiled: Compiled,
}

impl Stored {
    /// Reads all from the repository at `root`.
    pub fn load(root: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            std::fs::read_to_string(root.join("benches").join(name)).map_err(|e| format!("{name}: {e}"))
        };
        let instructions = Limits::parse(&read("instructions.json")?);
        Ok(Self {
            results: Results::parse(&read("results.json")?)?,
            instructions: instructions.map_err(|e| format!("instructions.json: {e}"))?,
            compiled: serde_json::from_str(&read("compile-cost.json")?)
                .map_err(|e| format!("compile-cost.json: {e}"))?,
        })
    }
}

/// Every file that is made of what is stored, with its path from `root`, the repository: pictures, and documents with their tables anew.
pub fn files(stored: &Stored, root: &Path) -> Result<Vec<(String, String)>, String> {
    let results = &stored.results;
    let mut files = vec![];
    for work in results.works() {
        files.push((format!("benches/pictures/{work}.svg"), bars::picture(results, &work)));
    }
    if !results.loads.is_empty() {
        files.push(("benches/pictures/load.svg".into(), load::picture(&results.loads)));
    }
    for document in ["README.md", "benches/README.md"] {
        let text = std::fs::read_to_string(root.join(document)).map_err(|e| format!("{document}: {e}"))?;
        files.push((document.into(), tables::renew(&text, stored).map_err(|e| format!("{document}: {e}"))?));
    }
    Ok(files)
}
