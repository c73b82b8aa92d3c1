//! A gate fails by what rose, also by what rose a little each time, and says what it writes.

use std::path::{Path, PathBuf};
use stored::{Gate, Limits, Run};

/// A gate's file of its own for each test, with these rows.
fn file(test: &str, rows: &[(&str, f64, f64)]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("gate-{}-{test}.json", std::process::id()));
    let mut limits = Limits::default();
    for (row, last, lowest) in rows {
        limits.last.insert((*row).into(), *last);
        limits.lowest.insert((*row).into(), *lowest);
    }
    std::fs::write(&path, limits.to_text().expect("text")).expect("written");
    path
}

/// The run that a test is.
fn now() -> Run {
    Run {
        began: "2026-11-29T09:40:12.345Z".into(),
        command: "instructions --update".into(),
        ..Run::default()
    }
}

/// One run of the gate; all rows are held.
fn run(path: &Path, update: bool, accept: &[&str], counts: &[(&str, f64)]) -> Result<String, String> {
    let accept: Vec<String> = accept.iter().map(|row| (*row).to_owned()).collect();
    let mut gate = Gate::open(path, "instructions", update.then(now), &accept)?;
    for (row, count) in counts {
        gate.count((*row).into(), *count, true);
    }
    gate.finish()
}

fn limits(path: &Path) -> Limits {
    Limits::parse(&std::fs::read_to_string(path).expect("the file")).expect("limits")
}

#[test]
fn an_update_lists_what_rose_fell_appeared_and_was_lost() {
    let path = file("list", &[("a", 100.0, 100.0), ("b", 100.0, 100.0), ("c", 7.0, 7.0), ("same", 5.0, 5.0)]);
    let said =
        run(&path, true, &[], &[("a", 102.0), ("b", 90.0), ("d", 3.0), ("same", 5.0)]).expect("written");
    assert_eq!(
        said,
        "rose      a: 100.0 → 102.0 (+2.0 %; +2.0 % from its lowest)\n\
         fell      b: 100.0 → 90.0 (-10.0 %; -10.0 % from its lowest)\n\
         appeared  d: 3.0\n\
         lost      c: 7.0\n"
    );
    let limits = limits(&path);
    assert_eq!(
        limits.last.into_iter().collect::<Vec<_>>(),
        [("a".into(), 102.0), ("b".into(), 90.0), ("d".into(), 3.0), ("same".into(), 5.0)]
    );
    assert_eq!(limits.lowest["a"], 100.0);
    assert_eq!(limits.lowest["b"], 90.0);
    assert_eq!(limits.run, now());
}

#[test]
fn small_rises_do_not_add_up_unseen() {
    let path = file("creep", &[("a", 100.0, 100.0)]);
    run(&path, true, &[], &[("a", 102.0)]).expect("2 % is less than 3");
    // 2 % more than what was written last, 4 % more than the lowest.
    let refused = run(&path, true, &[], &[("a", 104.0)]).expect_err("it adds up");
    assert!(refused.contains("a: 104.0 instructions, 102.0 before, 100.0 at its lowest"), "{refused}");
    assert_eq!(limits(&path).last["a"], 102.0, "nothing was written");
    run(&path, false, &[], &[("a", 104.0)]).expect_err("nor does the check pass");
    let said = run(&path, true, &["a"], &[("a", 104.0)]).expect("it was named");
    assert_eq!(said, "rose      a: 102.0 → 104.0 (+2.0 %; +4.0 % from its lowest, accepted)\n");
    run(&path, false, &[], &[("a", 107.0)]).expect("104 is what it is held to now");
}

#[test]
fn what_is_accepted_is_a_rise() {
    let path = file("vain", &[("a", 100.0, 100.0)]);
    for (row, count) in [("a", 101.0), ("b", 101.0)] {
        let refused = run(&path, true, &[row], &[("a", count)]).expect_err("it is none");
        assert!(refused.contains("nothing to accept"), "{refused}");
    }
}

#[test]
fn a_check_fails_by_a_rise_a_loss_and_a_row_without_limit() {
    let path = file("check", &[("a", 100.0, 100.0), ("none", 0.0, 0.0)]);
    assert_eq!(run(&path, false, &[], &[("a", 103.0), ("none", 0.0)]), Ok(String::new()));
    for (counts, said) in [
        (&[("a", 103.1), ("none", 0.0)][..], "a: 103.1"),
        (&[("a", 100.0), ("none", 0.1)], "none: 0.1"),
        (&[("a", 100.0)], "none: not counted any more"),
        (&[("a", 100.0), ("none", 0.0), ("new", 1.0)], "new: 1.0 instructions, and no limit is known"),
    ] {
        let refused = run(&path, false, &[], counts).expect_err(said);
        assert!(refused.contains(said), "{refused}");
    }
}
