//! The pictures and tables that are committed are what the stored results give: `cargo run --release -p benches -- pictures` writes them.

use pictures::Results;
use std::collections::BTreeSet;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn results() -> Results {
    let text = std::fs::read_to_string(root().join("benches/results.json")).expect("the stored results");
    Results::parse(&text).expect("they can be read")
}

#[test]
fn what_is_committed_is_what_the_results_give() {
    let mut drawn = BTreeSet::new();
    for (name, text) in pictures::files(&results(), root()).expect("they can be drawn") {
        let committed = std::fs::read_to_string(root().join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(committed == text, "{name} is not what results.json gives; `benches -- pictures` writes it");
        drawn.insert(name);
    }
    // Nor is there one that nothing gives.
    for entry in std::fs::read_dir(root().join("benches/pictures")).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(
            !name.ends_with(".svg") || drawn.contains(&format!("benches/pictures/{name}")),
            "{name} is left over"
        );
    }
    assert!(drawn.contains("benches/pictures/load.svg") && drawn.contains("benches/pictures/sync-args.svg"));
}

#[test]
fn results_are_stored_as_they_are_read() {
    let text = std::fs::read_to_string(root().join("benches/results.json")).expect("the stored results");
    assert_eq!(results().to_text().expect("they can be written"), text);
}
