//! A promise that is missed is told, and is in the exit status of whoever asks for it.

use stored::{Kept, Results, Row, check, promises};

fn row(peer: &str, work: &str, min: f64, median: f64) -> Row {
    Row { peer: peer.into(), work: work.into(), min, median, ..Row::default() }
}

/// Of the first promise whose line begins with this.
fn kept(results: &Results, line: &str) -> (Kept, String) {
    let told = promises(results);
    let found = told.into_iter().find(|it| it.text.starts_with(line)).expect("it is told");
    (found.kept, found.text)
}

fn of(rows: Vec<Row>) -> Results {
    Results { rows, ..Results::default() }
}

#[test]
fn a_ratio_is_met_by_both_by_one_or_missed() {
    for (min, median, expected) in
        [(40.0, 40.0, Kept::Yes), (40.0, 41.0, Kept::ByOne), (41.0, 41.0, Kept::No)]
    {
        let results = of(vec![row("ours", "sync", min, median), row("fastrace", "sync", 100.0, 100.0)]);
        assert_eq!(kept(&results, "sync        ours / fastrace, caller").0, expected);
        assert_eq!(check(&promises(&results), false).is_err(), expected == Kept::No);
    }
}

#[test]
fn what_is_not_measured_is_not_kept_by_a_whole_run() {
    let results = of(vec![row("ours", "sync", 40.0, 40.0), row("fastrace", "sync", 100.0, 100.0)]);
    check(&promises(&results), false).expect("what was asked for is kept");
    let missing = check(&promises(&results), true).expect_err("most was not measured");
    assert!(missing.contains("async       ours / fastrace, caller: not measured"), "{missing}");
    assert!(missing.contains("encoding") && missing.contains("start"), "{missing}");
    check(&promises(&of(vec![])), false).expect_err("nothing at all was measured");
}

#[test]
fn allocations_are_counted_of_errors_and_of_what_is_sent_too() {
    for (peer, work) in [("ours", "error"), ("ours-udp", "sync"), ("ours", "via-log")] {
        let one = Row { allocations: 0.01, ..row(peer, work, 1.0, 1.0) };
        let (kept, text) = kept(&of(vec![row("ours", "sync", 1.0, 1.0), one]), "all");
        assert_eq!(kept, Kept::No, "{text}");
        assert!(text.contains(&format!("({peer}, {work})")), "{text}");
    }
    // The box of the registry is told, by its own line.
    let results = of(vec![
        row("ours", "sync", 1.0, 1.0),
        Row { allocations: 1.0, ..row("ours", "instrument", 1.0, 1.0) },
    ]);
    assert_eq!(kept(&results, "all").0, Kept::Yes);
    assert_eq!(kept(&results, "instrument").0, Kept::Told);
}

#[test]
fn a_span_that_was_dropped_is_no_cheap_one() {
    let of_ours = |lost| {
        let rows = [("ours", "sync", 0.0), ("ours-udp", "sync", lost), ("fastrace", "sync", 0.5)];
        of(rows.map(|(peer, work, lost)| Row { lost: Some(lost), ..row(peer, work, 1.0, 1.0) }).into())
    };
    assert_eq!(kept(&of_ours(0.0), "all         ours, spans dropped").0, Kept::Yes);
    let (missed, text) = kept(&of_ours(0.001), "all         ours, spans dropped");
    assert_eq!(missed, Kept::No);
    assert!(text.contains("(ours-udp, sync): 0.100 %"), "{text}");
}

#[test]
fn a_ratio_across_two_runs_says_so() {
    let mut results = of(vec![row("ours", "sync", 40.0, 40.0), row("fastrace", "sync", 100.0, 100.0)]);
    assert!(!kept(&results, "sync").1.contains("DIFFERENT RUNS"));
    results.rows[0].run = "2026-11-29T10:00:00Z".into();
    assert!(kept(&results, "sync").1.contains("OF DIFFERENT RUNS"));
}
