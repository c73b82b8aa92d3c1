//! Pictures and tables of the stored results of the benches: a file in, files out, and always the same for the same results.
//!
//! A crate of its own, so that the test that holds the committed files to the results builds none of the peers.
//!
//! | file | job |
//! |---|---|
//! | `results` | what is stored |
//! | `svg` | a picture's frame, colours and texts |
//! | `bars` | a workload's peers beside each other |
//! | `load` | what a span costs and what becomes of it, against the spans a second |
//! | `tables` | the same figures as text, for the documents |

mod bars;
mod load;
mod results;
mod svg;
mod tables;

pub use results::{Load, Results, Row};

use std::path::Path;

/// Every file that the results make, with its path from `root`, the repository: pictures, and documents with their tables anew.
pub fn files(results: &Results, root: &Path) -> Result<Vec<(String, String)>, String> {
    let mut files = vec![];
    for work in results.works() {
        files.push((format!("benches/pictures/{work}.svg"), bars::picture(results, &work)));
    }
    if !results.loads.is_empty() {
        files.push(("benches/pictures/load.svg".into(), load::picture(&results.loads)));
    }
    for document in ["README.md", "benches/README.md"] {
        let text = std::fs::read_to_string(root.join(document)).map_err(|e| format!("{document}: {e}"))?;
        files.push((document.into(), tables::renew(&text, results).map_err(|e| format!("{document}: {e}"))?));
    }
    Ok(files)
}
