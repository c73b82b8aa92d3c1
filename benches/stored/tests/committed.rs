//! The pictures and tables that are committed are what is stored gives, every figure is of a run that is told, and pictures are drawn whole: `cargo run --release -p benches -- pictures` writes them.

use std::collections::BTreeSet;
use std::path::Path;
use stored::{Bounds, Built, Compiled, Limits, Load, Results, Row, Run, Scaled, Stored, files};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn stored() -> Stored {
    Stored::load(root()).expect("what is stored can be read")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join("benches").join(name)).expect("it is stored")
}

#[test]
fn what_is_committed_is_what_the_results_give() {
    let mut drawn = BTreeSet::new();
    for (name, text) in files(&stored(), root()).expect("they can be drawn") {
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
fn what_is_stored_is_written_as_it_is_read() {
    let text = read("results.json");
    assert_eq!(Results::parse(&text).expect("results").to_text().expect("they can be written"), text);
    for name in ["instructions.json", "wire.json"] {
        let text = read(name);
        assert_eq!(Limits::parse(&text).expect(name).to_text().expect(name), text);
    }
}

/// What each document has to show: blocks of figures, and pictures outside of such blocks. What is named nowhere could vanish from a document, and all that is left would still be as the results give it.
const SHOWN: [(&str, &[&str], &[&str]); 2] = [
    ("README.md", &["compared"], &["benches/pictures/sync-args.svg", "benches/pictures/load.svg"]),
    (
        "benches/README.md",
        &["all", "ratios", "load", "scaling", "model", "idle", "instructions", "compile-cost", "pictures"],
        &["pictures/load.svg"],
    ),
];

/// What stands there not once, of blocks and pictures.
fn not_once(text: &str, blocks: &[&str], pictures: &[&str]) -> Vec<String> {
    let block = |name: &&str| format!("<!-- figures: {name} -->");
    let picture = |file: &&str| format!("]({file})");
    let asked = blocks.iter().map(block).chain(pictures.iter().map(picture));
    asked.filter(|it| text.matches(it.as_str()).count() != 1).collect()
}

#[test]
fn every_block_and_picture_stands_in_its_document_once() {
    let drawn: BTreeSet<String> =
        files(&stored(), root()).expect("they can be drawn").into_iter().map(|(name, _)| name).collect();
    for (document, blocks, pictures) in SHOWN {
        let text = std::fs::read_to_string(root().join(document)).expect(document);
        assert_eq!(not_once(&text, blocks, pictures), [""; 0], "{document}");
        // None but those that are named, so that the next one is.
        assert_eq!(
            text.matches("<!-- figures: ").count(),
            blocks.len(),
            "{document} has a block that is not named here"
        );
        let folder = document.strip_suffix("README.md").expect("a folder's first page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let drawn = !link.ends_with(".svg") || drawn.contains(&format!("{folder}{link}"));
            assert!(drawn, "{document} shows {link}, which is not drawn");
        }
        // One that is taken out is missed.
        for name in blocks {
            let (before, rest) = text.split_once(&format!("<!-- figures: {name} -->")).expect(name);
            let (_, after) = rest.split_once("<!-- end of figures -->").expect(name);
            assert_ne!(not_once(&format!("{before}{after}"), blocks, pictures), [""; 0], "{document} {name}");
        }
        for name in pictures {
            let lines: Vec<&str> =
                text.lines().filter(|line| !line.ends_with(&format!("]({name})"))).collect();
            assert_ne!(not_once(&lines.join("\n"), blocks, pictures), [""; 0], "{document} {name}");
        }
    }
}

/// The lists of `results.json` that have a figure of no run that is told there. As it is stored, so that a list that comes to it is looked at too.
fn of_no_run(results: &serde_json::Value) -> Vec<&str> {
    let runs = results["runs"].as_array().expect("the runs");
    let told: BTreeSet<&str> = runs.iter().filter_map(|run| run["began"].as_str()).collect();
    assert_eq!(told.len(), runs.len(), "two runs of one name");
    let lists = results.as_object().expect("lists").iter().filter(|(name, _)| *name != "runs");
    let untold = lists.filter(|(_, rows)| {
        let rows = rows.as_array().expect("a list");
        rows.is_empty() || rows.iter().any(|row| row["run"].as_str().is_none_or(|run| !told.contains(run)))
    });
    untold.map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_figure_is_of_a_run_that_is_told() {
    let Stored { results, compiled, instructions } = stored();
    let wire = Limits::parse(&read("wire.json")).expect("limits");
    for run in results.runs.iter().chain([&compiled.run, &instructions.run, &wire.run]) {
        assert!(run.began.ends_with('Z') && run.began.contains('T'), "{run:?}");
        assert!(!run.commit.is_empty() && !run.command.is_empty() && !run.machine.is_empty(), "{run:?}");
    }
    let stored: serde_json::Value = serde_json::from_str(&read("results.json")).expect("results");
    assert_eq!(of_no_run(&stored), [""; 0]);
    // One that is of another is missed, in whatever list it stands.
    let lists: Vec<&String> = stored.as_object().expect("lists").keys().filter(|it| *it != "runs").collect();
    assert!(lists.len() >= 7, "{lists:?}");
    for list in lists {
        let mut stored = stored.clone();
        stored[list][0]["run"] = "2020-02-02T20:20:20.202Z".into();
        assert_eq!(of_no_run(&stored), [list]);
    }
}

#[test]
fn the_cost_of_building_is_what_the_script_stored() {
    let built = |variant: &str, check: f64, functions: f64| Built {
        variant: variant.into(),
        check,
        functions,
        ..Built::default()
    };
    let mut stored = stored();
    stored.compiled = Compiled {
        functions: 400,
        bounds: Bounds { check: 1.5, release: 6.0, functions: 250.0 * 1024.0 },
        rows: vec![built("plain", 0.5, 512.0 * 1024.0), built("ours", 2.25, 399.0 * 612.0)],
        ..Compiled::default()
    };
    let written = files(&stored, root()).expect("they can be drawn");
    let (_, readme) = written.iter().find(|(name, _)| name == "benches/README.md").expect("it is written");
    let ours =
        readme.lines().find(|line| line.starts_with("ours            2.25   +1.75 ")).expect("its row");
    assert!(ours.ends_with("-"), "{ours}: nothing was counted");
    let told = "ours, at most: check +1.5 s: MISSED; release +6 s: met; functions +250 KiB: met; 612 bytes a function";
    assert!(readme.contains(told), "{}", readme.split("ours, at most").last().unwrap_or_default());
}

#[test]
fn what_two_threads_pay_is_told_beside_one() {
    let row = |what: &str, threads: usize, min: f64, median: f64| Scaled {
        peer: "ours".into(),
        what: what.into(),
        threads: Some(threads),
        min,
        median,
        ..Scaled::default()
    };
    let mut stored = stored();
    stored.results.scaling =
        vec![row("sync", 1, 20.0, 22.0), row("sync", 2, 25.0, 33.0), row("async", 1, 20.0, 20.0)];
    let written = files(&stored, root()).expect("they can be drawn");
    let (_, readme) = written.iter().find(|(name, _)| name == "benches/README.md").expect("it is written");
    assert!(readme.contains(
        "\nours on each of two threads, of one alone, by the minima (and the medians):\nsync 1.25 (1.50)\n"
    ));
}

#[test]
fn up_to_where_nothing_was_dropped_is_told_by_the_table() {
    let load =
        |made: f64, dropped: f64, caller: (f64, f64)| Load { made, dropped, caller, ..Load::default() };
    let mut stored = stored();
    stored.results.loads = vec![
        load(1e6, 0.0, (25.0, 40.0)),
        load(2e6, 0.0, (27.0, 30.0)),
        load(3e6, 0.1, (19.0, 90.0)),
        // Fewer were dropped by chance, past where the first were.
        load(4e6, 0.0, (20.0, 50.0)),
    ];
    let written = files(&stored, root()).expect("they can be drawn");
    let (_, readme) = written.iter().find(|(name, _)| name == "benches/README.md").expect("it is written");
    let told = "\nnothing dropped up to 2,000,000 spans a second; a span in the best millisecond 19 to 27 ns, in the median one 30 to 90, at all rates\n";
    assert!(readme.contains(told), "{}", readme.split("nothing dropped").last().unwrap_or_default());
}

#[test]
fn rows_of_another_run_are_told_apart() {
    let run = |began: &str| Run {
        began: began.into(),
        commit: began[..4].into(),
        command: "peers --save".into(),
        machine: "a machine".into(),
    };
    let rows = |peers: &[&str]| {
        let row = |peer: &&str| Row { peer: (*peer).into(), work: "sync".into(), ..Row::default() };
        Results { rows: peers.iter().map(row).collect(), ..Results::default() }
    };
    let mut stored = stored();
    stored.results = Results::default();
    let (first, second) = ("2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z");
    stored.results.put_all(run(first), rows(&["ours", "fastrace"]));
    stored.results.put_all(run(second), rows(&["ours"]));
    let written = files(&stored, root()).expect("they can be drawn");
    let (_, readme) = written.iter().find(|(name, _)| name == "benches/README.md").expect("it is written");
    let line = |of: &str| readme.lines().find(|line| line.starts_with(of)).unwrap_or_else(|| panic!("{of}"));
    assert_eq!(line("run a"), format!("run a: {first}, commit 2026, `peers --save`; a machine"));
    assert!(line("sync        ours ").ends_with("   b"), "{}", line("sync        ours "));
    assert!(line("sync        fastrace ").ends_with("   a"));
    let (_, picture) = written.iter().find(|(name, _)| name == "benches/pictures/sync.svg").expect("drawn");
    assert!(picture.contains("commit 2026, and one other run<"), "{picture}");
    // A run that no figure is of any more goes.
    stored.results.put_all(run(second), rows(&["fastrace"]));
    assert_eq!(stored.results.runs, [run(second)]);
}

/// A text's place and how far it may reach, by a width that no common font exceeds.
fn reach(line: &str) -> Option<(f64, f64, f64, &str)> {
    let attribute = |name: &str| line.split_once(&format!("{name}=\""))?.1.split('"').next();
    let number = |name: &str| attribute(name)?.parse::<f64>().ok();
    let text = line.strip_prefix("<text ")?.split_once('>')?.1.strip_suffix("</text>")?;
    let size = match attribute("class")? {
        class if class.contains("title") => 17.0,
        class if class.contains("small") || class.contains("head") => 12.0,
        _ => 13.0,
    };
    let shown = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let (x, wide) = (number("x")?, shown.chars().count() as f64 * size * 0.62);
    let left = match attribute("text-anchor")? {
        "start" => x,
        "middle" => x - wide / 2.0,
        _ => x - wide,
    };
    Some((number("y")?, left, left + wide, text))
}

#[test]
fn no_text_is_cut_off_or_lies_on_another() {
    for (name, text) in files(&stored(), root()).expect("they can be drawn") {
        if !name.ends_with(".svg") {
            continue;
        }
        let width =
            text.split_once("viewBox=\"0 0 ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        let width: f64 = width.expect("a width");
        let texts: Vec<_> = text.lines().filter_map(reach).collect();
        assert!(texts.len() > 5, "{name} has no texts");
        for (i, (y, left, right, text)) in texts.iter().enumerate() {
            assert!(
                *left >= 0.0 && *right <= width,
                "{name}: `{text}` from {left:.0} to {right:.0} of {width:.0}"
            );
            for (other_y, other_left, other_right, other) in &texts[..i] {
                let apart = (y - other_y).abs() >= 10.0 || right <= other_left || other_right <= left;
                assert!(apart, "{name}: `{text}` lies on `{other}`");
            }
        }
    }
}
