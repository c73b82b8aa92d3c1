//! The program itself, started: each peer does each kind of work or says that it has none, and one that fails is told and is in the exit status.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use stored::works;

fn benches() -> Command {
    Command::new(env!("CARGO_BIN_EXE_benches"))
}

fn output(command: &mut Command) -> Output {
    command.output().expect("it starts")
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is made of records and spans of the crates `log` and `tracing`.
fn is_bridged(work: &str) -> bool {
    ["via-log", "via-tracing", "instrument"].contains(&work)
}

/// They are shown by their titles, in an order of their own.
#[test]
fn each_work_has_a_title_and_each_title_a_work() {
    let wrong = output(benches().args(["run", "ours", "nothing", "1", "1"]));
    let said = said(&wrong.stderr);
    let (_, listed) = said.split_once("[possible values: ").expect("a list");
    let (listed, _) = listed.split_once(']').expect("its end");
    let known: BTreeSet<&str> = listed.split(", ").collect();
    assert_eq!(known, works().collect());
}

#[test]
fn a_peer_does_a_work_or_says_that_it_has_none() {
    // What a peer cannot do; all else it does, and what it made comes out: of ours everything, of the others, which may lose some, something.
    type Cannot = fn(&str) -> bool;
    let none: [(&str, Cannot); 7] = [
        ("plain", |_| false),
        ("ours", |_| false),
        ("fastrace", |work| ["over-limit", "instrument"].contains(&work)),
        ("tracing-otel", |work| ["over-limit", "no-tracer"].contains(&work)),
        ("otel", |work| ["over-limit", "no-tracer"].contains(&work) || is_bridged(work)),
        ("rustracing", |work| {
            ["over-limit", "no-tracer"].contains(&work) || is_bridged(work) || work.starts_with("async")
        }),
        ("tracing", |work| work != "no-tracer"),
    ];
    for (peer, cannot) in none {
        for work in works() {
            let output = output(benches().args(["run", peer, work, "1", "2"]));
            let (out, error) = (said(&output.stdout), said(&output.stderr));
            assert!(output.status.success(), "{peer} {work}: {error}");
            assert_eq!(out.trim() == "null", cannot(work), "{peer} {work}: whether it has none");
            if cannot(work) {
                continue;
            }
            let figures: serde_json::Value = serde_json::from_str(&out).expect("figures");
            let (made, received) =
                (figures["made"].as_u64().expect("a number"), figures["received"].as_u64());
            let least = if peer == "ours" { made } else { made.min(1) };
            assert!(received.unwrap_or(0) >= least, "{peer} {work}: {received:?} of {made} came out");
        }
    }
}

/// Else the row would be one of recorded spans, or of an annotation that asks nobody.
#[test]
fn of_roots_that_a_sampler_refuses_few_come_out() {
    for peer in ["ours", "fastrace", "tracing-otel", "otel", "rustracing"] {
        let output = output(benches().args(["run", peer, "refused", "1", "100"]));
        let figures: serde_json::Value = serde_json::from_str(&said(&output.stdout)).expect("figures");
        // 150 bursts of 2,000, of which 300 are expected: as few as none, or as many as 1,500, is no chance.
        let received = figures["received"].as_u64().expect("a number");
        assert!((1..1_500).contains(&received), "{peer}: {received} of 300,000 came out");
    }
    let output = output(benches().args(["run", "ours", "over-limit", "1", "2"]));
    let figures: serde_json::Value = serde_json::from_str(&said(&output.stdout)).expect("figures");
    assert_eq!(figures["received"].as_u64(), Some(1), "the bucket holds one trace");
}

#[test]
fn a_peer_that_cannot_be_started_is_an_error_and_not_one_without_such_work() {
    // Nobody told it where its receiver is.
    for peer in ["ours-udp", "fastrace-jaeger", "tracing-otlp", "rustracing-udp"] {
        let output = output(benches().args(["run", peer, "sync", "1", "1"]).env_remove("BENCHES_RECEIVER"));
        let error = said(&output.stderr);
        assert!(!output.status.success() && error.contains("BENCHES_RECEIVER"), "{peer}: {error}");
        assert_eq!(said(&output.stdout), "", "{peer}");
    }
    let output = output(benches().args(["run", "nobody", "sync", "1", "1"]));
    assert!(!output.status.success() && said(&output.stderr).contains("no peer `nobody`"));
}

/// A folder with a program of that name, to stand first in the path.
fn stand_in(program: &str, test: &str, script: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{program}-{test}"));
    // An earlier run's, which may have failed.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(program);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    folder
}

/// The program with that folder first in the path.
fn with_path(folder: &Path) -> Command {
    let rest = std::env::var("PATH").expect("a path");
    let mut command = benches();
    command.env("PATH", format!("{}:{rest}", folder.display()));
    command
}

/// `peers` with the Go peer and one that does not fail.
fn peers(folder: &Path) -> Output {
    output(with_path(folder).args(["peers", "--only", "plain,go", "--work", "sync", "--quick"]))
}

#[test]
fn a_machine_without_a_trusted_counter_is_told_as_that_and_not_as_a_rise() {
    // What callgrind leaves behind where the spans' time came from elsewhere: more instructions, and who took them.
    let script = |called: &str| {
        format!(
            "for it in \"$@\"; do case $it in --callgrind-out-file=*) out=${{it#*=}};; *0000) n=$it;; esac; done\n\
             printf 'events: Ir\\ncfn=(7) {called}\\ntotals: %s\\n' $((n * 900)) > \"$out-01\""
        )
    };
    let counted = |test: &str, called: &str| {
        let folder = stand_in("valgrind", test, &script(called));
        let temporary = folder.join("tmp");
        std::fs::create_dir(&temporary).expect("a folder");
        let output = output(with_path(&folder).arg("instructions").env("TMPDIR", &temporary));
        let left = std::fs::read_dir(&temporary).expect("the folder").count();
        assert_eq!(left, 0, "callgrind's files are left behind in {}", temporary.display());
        assert!(!output.status.success(), "{}", said(&output.stdout));
        (said(&output.stdout), said(&output.stderr))
    };
    let (out, error) = counted("untrusted", "jaeger_runtime::clock::nanos");
    assert!(error.contains("counter is not trusted on this machine"), "{error}");
    assert!(error.contains("available_clocksource"), "{error}");
    assert!(!error.contains("worse than") && !out.contains("900.0"), "a number is no reason: {out}{error}");
    // The same counts where it was read are a rise.
    let (out, _) = counted("trusted", "jaeger_runtime::event_log::ring");
    assert!(out.contains("ours sync") && out.contains("900.0"), "{out}");
}

#[test]
fn a_peer_that_fails_is_told_with_what_it_said_and_the_others_go_on() {
    // Builds a program that fails: `go build -buildvcs=false -o PROGRAM .`
    let script = "printf '#!/bin/sh\\necho it is broken >&2\\nexit 7\\n' > \"$4\" && chmod +x \"$4\"";
    let output = peers(&stand_in("go", "breaks", script));
    // The real Go writes over no file that is not a program.
    let built = Path::new(env!("CARGO_BIN_EXE_benches")).with_file_name("benches-go");
    std::fs::remove_file(built).expect("the script stood in for Go");
    let (out, error) = (said(&output.stdout), said(&output.stderr));
    assert!(!output.status.success(), "{out}{error}");
    assert!(error.contains("go sync ended with exit status: 7: it is broken"), "{error}");
    assert!(out.contains("sync        plain "), "{out}");
}

#[test]
fn a_go_that_does_not_build_is_an_error() {
    let output = peers(&stand_in("go", "fails", "echo no such module >&2; exit 1"));
    let error = said(&output.stderr);
    assert!(
        !output.status.success() && error.contains("benches/go was not built: no such module"),
        "{error}"
    );
}

#[test]
fn a_promise_is_in_the_exit_status_of_a_run_that_checks() {
    let run = |only: &str| {
        output(benches().args(["peers", "--only", only, "--work", "sync", "--quick", "--check"]))
    };
    // No row that a promise is about.
    let nothing = run("plain");
    assert!(!nothing.status.success());
    assert!(said(&nothing.stderr).contains("none of the promises was measured"), "{}", said(&nothing.stderr));
    // One row, and one promise about it that no clock is asked for: it allocates nothing.
    let kept = run("ours");
    assert!(kept.status.success(), "{}{}", said(&kept.stdout), said(&kept.stderr));
}

/// All of them, since two threads are asked to do each.
#[test]
fn any_work_is_done_by_two_threads_too() {
    for work in works() {
        let output = output(benches().args(["scaling-one", "ours", work]));
        assert!(output.status.success(), "{work}: {}", said(&output.stderr));
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("rows");
        let threads: Vec<_> = (0..2).map(|at| rows[at]["threads"].as_u64()).collect();
        assert_eq!(threads, [Some(1), Some(2)], "{work}");
        // A part of what was made, or nothing where nobody delivers.
        let lost = &rows[1]["lost"];
        let counted = lost.as_f64().is_some_and(|lost| (0.0..=1.0).contains(&lost));
        assert!(if work == "no-tracer" { lost.is_null() } else { counted }, "{work}: {lost}");
    }
}

/// Else a row of the gate would be one of something else.
#[test]
fn futures_are_recorded_or_not_as_their_row_says() {
    let wrong = said(&output(benches().args(["futures", "nothing", "1"])).stderr);
    let (_, ways) = wrong.trim().split_once("there is: ").expect("a list");
    assert!(ways.contains("waits-refused, "), "{ways}");
    for way in ways.split(", ") {
        let output = output(benches().args(["futures", way, "2"]));
        assert!(output.status.success(), "{way}: {}", said(&output.stderr));
    }
}

#[test]
fn what_is_not_sampled_is_not_sent() {
    let output = output(benches().args(["wire-one", "unsampled"]));
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert_eq!(said(&output.stdout).trim(), "[0.0,0.0]");
}
