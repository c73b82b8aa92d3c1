//! docs/TRACED.md: each row names an example or test that is there, every option has a row; and what an example says it prints is what it prints.

use std::collections::BTreeSet;
use std::fs;

use tests::example::run_example;
use tests::workspace;

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between back-ticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the tables, by cells; without the heads.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// `path` of a file, or `path::name` of a function in it (or of a macro's argument: a test).
fn is_there(named: &str) -> Result<(), String> {
    let (path, function) = named
        .split_once(".rs::")
        .map_or((named.to_owned(), None), |(path, function)| (format!("{path}.rs"), Some(function)));
    let text = fs::read_to_string(workspace().join(&path)).map_err(|error| format!("{path}: {error}"))?;
    match function {
        Some(function) if !text.contains(&format!("fn {function}")) => {
            Err(format!("{path} has no function `{function}`"))
        }
        _ => Ok(()),
    }
}

#[test]
fn each_row_names_what_shows_it_and_that_is_there() {
    let table = read("docs/TRACED.md");
    let rows = rows(&table);
    assert!(rows.len() > 40, "{} rows", rows.len());
    let mut missing = vec![];
    for row in &rows {
        assert_eq!(row.len(), 3, "what, shown by, misused: {row:?}");
        let shown: Vec<_> = quoted(&row[1]).collect();
        if shown.is_empty() {
            missing.push(format!("{}: shown by nothing", row[0]));
        }
        let misused: Vec<_> = quoted(&row[2]).map(|case| format!("tests/tests/ui/{case}")).collect();
        for case in &misused {
            missing.extend(is_there(&format!("{case}.rs")).err());
            missing.extend(is_there(&format!("{case}.stderr")).err());
        }
        missing.extend(shown.into_iter().filter_map(|named| is_there(named).err()));
        if misused.is_empty() && !row[2].starts_with('—') {
            missing.push(format!("{}: say how it is misused, or — and why it cannot be", row[0]));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_option_that_the_macro_knows_has_a_row() {
    let source = read("jaeger-macros/src/args.rs");
    let (_, list) = source.split_once("const OPTIONS").expect("the macro's list of options");
    let (_, list) = list.split_once("= [").expect("its items");
    let (list, _) = list.split_once("];").expect("its end");
    let options: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(options.len() > 15, "{options:?}");
    let table = read("docs/TRACED.md");
    let rows = rows(&table);
    let without = options.iter().filter(|option| {
        let begins = |named: &str| {
            named.strip_prefix(**option).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(']))
        };
        !rows.iter().any(|row| quoted(&row[0]).any(begins))
    });
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&&str>::new(), "options without a row in docs/TRACED.md");
}

#[test]
fn the_examples_print_what_they_say() {
    let mut told = 0;
    for entry in fs::read_dir(workspace().join("examples/examples")).expect("the examples") {
        let path = entry.expect("an entry").path();
        let source = fs::read_to_string(&path).expect("an example's source");
        let Some((_, rest)) = source.split_once("//! ```text\n") else { continue };
        let (expected, _) = rest.split_once("//! ```").expect("the end of what it prints");
        let expected: Vec<&str> =
            expected.lines().map(|line| line.strip_prefix("//! ").unwrap_or_default()).collect();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let output = run_example(name, &[]);
        assert!(output.status.success(), "{name}: {output:?}");
        let printed = String::from_utf8(output.stdout).expect("text");
        let printed: Vec<String> = printed.lines().map(without_times).collect();
        assert_eq!(printed, expected, "{name}");
        told += 1;
    }
    assert!(told >= 5, "only {told} examples say what they print");
}

/// `busy_us=12` differs from run to run.
fn without_times(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.split_once("_us=") {
        Some((key, _)) => format!("{key}_us=…"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
