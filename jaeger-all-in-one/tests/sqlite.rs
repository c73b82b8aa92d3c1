//! Storage in a file: it outlives the program, also one that is killed; stays within its bounds; and what goes wrong costs no span.

mod common;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use common::{Folder, wait_for};
use jaeger_all_in_one::store::sqlite::SqliteStore;
use jaeger_all_in_one::store::{Scan, Store, TraceQuery, trace};
use jaeger_thrift::{Batch, Process, Span, Tag};
use rusqlite::Connection;

const MEMORY: u64 = 64 << 20;

fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, 1 << 30, None, MEMORY).expect("it opens")
}

fn put(store: &dyn Store, ids: impl IntoIterator<Item = u128>) {
    let span = |trace_id| Span {
        trace_id,
        span_id: 1,
        operation_name: "op".into(),
        flags: 1,
        start_time: trace_id as i64,
        tags: vec![Tag::new("padding", "x".repeat(200))],
        ..Span::default()
    };
    let spans = ids.into_iter().map(span).collect();
    store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
}

fn newest(store: &dyn Store, limit: usize) -> Vec<u128> {
    store.find(&TraceQuery { limit, ..TraceQuery::default() }).unwrap()
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=100);
    // Not flushed: the end writes what is queued.
    drop(store);
    let store = open(&file);
    assert_eq!(store.stats().spans, 100);
    assert_eq!(newest(&store, 3), [100, 99, 98]);
    put(&store, [7]);
    assert_eq!(trace(&store, 7).unwrap().unwrap().spans.len(), 2, "new spans join their trace");
    assert_eq!(newest(&store, 1), [100], "and do not make it newer");
    assert_eq!(store.services().unwrap(), ["shop"]);
}

#[test]
fn the_oldest_traces_go_when_the_file_is_too_large() {
    let folder = Folder::new();
    let limit = 2 << 20;
    let store = SqliteStore::open(&folder.file("spans.db"), limit, None, MEMORY).unwrap();
    for first in (1..=20_000u128).step_by(500) {
        put(&store, first..first + 500);
    }
    wait_for("a sweep", || {
        let stats = store.stats();
        stats.bytes > 0 && stats.bytes <= limit && stats.evicted_spans > 0
    });
    let stats = store.stats();
    assert_eq!(stats.spans + stats.evicted_spans, 20_000);
    assert_eq!((trace(&store, 1).unwrap(), newest(&store, 1)), (None, vec![20_000]));
    let left = newest(&store, 20_000);
    assert_eq!(
        left,
        (20_000 - left.len() as u128 + 1..=20_000).rev().collect::<Vec<_>>(),
        "the newest, all of them"
    );
}

#[test]
fn a_burst_does_not_wait_for_the_next_look_at_the_size() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.file("spans.db"), 2 << 20, None, MEMORY).unwrap();
    // The first look, with nothing there.
    store.flush();
    put(&store, 1..=20_000);
    store.flush();
    // What follows on the one has been done when the other is answered.
    store.flush();
    assert!(store.stats().evicted_spans > 0);
}

/// The file itself, not only what lies in it.
#[test]
fn a_file_is_no_larger_than_it_may_be_and_smaller_when_much_of_it_has_gone() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let size = || std::fs::metadata(&file).unwrap().len();
    put(&open(&file), 1..=40_000);
    let (before, limit) = (size(), 4 << 20);
    assert!(before > 2 * limit);
    let store = SqliteStore::open(&file, limit, None, MEMORY).unwrap();
    wait_for("a smaller file", || size() <= limit);
    assert!(store.stats().traces > 1_000);
    drop(store);
    // All of it is too old.
    let keep = Some(Duration::from_nanos(1));
    let _store = SqliteStore::open(&file, 1 << 30, keep, MEMORY).unwrap();
    wait_for("a file of nearly nothing", || size() < limit / 10);
}

#[test]
fn traces_that_are_too_old_go() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=1_200);
    drop(store);
    // Two days later.
    let connection = Connection::open(&file).unwrap();
    connection.execute("UPDATE trace SET arrived = arrived - 172800000000 WHERE id <= 1100", []).unwrap();
    drop(connection);
    let day = Some(Duration::from_secs(24 * 3_600));
    let store = SqliteStore::open(&file, 1 << 30, day, MEMORY).unwrap();
    wait_for("a sweep", || store.stats().traces == 100);
    assert_eq!(newest(&store, 1_000).last(), Some(&1_101));
    assert_eq!(store.stats().evicted_spans, 1_100);
}

/// Few traces go, and their service with them.
#[test]
fn what_no_span_names_any_more_is_forgotten() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=3);
    let span = Span { trace_id: 9, span_id: 1, operation_name: "get".into(), ..Span::default() };
    store.append(&Batch { process: Process::new("old"), spans: vec![span], ..Batch::default() });
    put(&store, 10..=10);
    drop(store);
    let connection = Connection::open(&file).unwrap();
    connection.execute("UPDATE trace SET arrived = arrived - 172800000000 WHERE id <= 4", []).unwrap();
    drop(connection);
    let day = Some(Duration::from_secs(24 * 3_600));
    let store = SqliteStore::open(&file, 1 << 30, day, MEMORY).unwrap();
    wait_for("a sweep", || store.stats().traces == 1);
    wait_for("what is left", || store.services().unwrap() == ["shop"]);
    assert_eq!(store.operations("old").unwrap(), []);
}

#[test]
fn a_locked_file_costs_no_span() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=10);
    store.flush();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    put(&store, 11..=20);
    wait_for("trouble", || {
        store.stats().trouble.is_some_and(|trouble| trouble.contains("another program holds it"))
    });
    put(&store, 5..=25);
    wait_for("what is in memory", || store.stats().spans == 41);
    // Found in both places, as one, and as new as its first span.
    assert_eq!(newest(&store, 100), (1..=25).rev().collect::<Vec<u128>>());
    assert_eq!(newest(&store, 17), (9..=25).rev().collect::<Vec<u128>>());
    assert_eq!(trace(&store, 7).unwrap().unwrap().spans.len(), 2);
    other.execute_batch("ROLLBACK").unwrap();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    drop(store);
    let store = open(&file);
    assert_eq!(store.stats().spans, 41, "all of it is in the file");
    assert_eq!(newest(&store, 3), [25, 24, 23]);
}

/// A file that is still to be made: what it lacks is no trouble of its own.
#[test]
fn a_file_without_tables_is_an_empty_one() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let other = Connection::open(&file).unwrap();
    other.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = open(&file);
    put(&store, 1..=10);
    assert_eq!(store.services().unwrap(), ["shop"]);
    let trouble = store.stats().trouble.unwrap_or_default();
    assert!(trouble.contains("another program holds it"), "{trouble}");
    other.execute_batch("ROLLBACK").unwrap();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    assert_eq!(newest(&store, 1), [10]);
}

#[test]
fn a_full_disk_costs_no_span() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=10);
    store.flush();
    drop(store);
    // A bound on pages is what SQLite has for a full disk; it stays in this connection, so the file gets a trigger instead.
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON span BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
        .unwrap();
    let store = open(&file);
    put(&store, 11..=20);
    wait_for("trouble", || store.stats().trouble.is_some_and(|trouble| trouble.contains("disk is full")));
    assert_eq!(newest(&store, 100).len(), 20);
    assert_eq!(store.services().unwrap(), ["shop"]);
    connection.execute_batch("DROP TRIGGER full").unwrap();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    assert_eq!(newest(&store, 100), (1..=20).rev().collect::<Vec<u128>>());
}

#[test]
fn a_broken_file_is_left_alone_and_told() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let garbage = b"this is no database, and longer than its header would be, so that nobody takes it for an empty one ..".repeat(50);
    std::fs::write(&file, &garbage).unwrap();
    let store = open(&file);
    assert!(
        store.describe().contains("the file is broken or no database; move it away"),
        "{}",
        store.describe()
    );
    put(&store, 1..=10);
    wait_for("the spans", || newest(&store, 100).len() == 10);
    assert_eq!(std::fs::read(&file).unwrap(), garbage);
    // Moved away, a new one is made.
    std::fs::rename(&file, folder.file("broken")).unwrap();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    drop(store);
    assert_eq!(open(&file).stats().spans, 10);
}

#[test]
fn a_page_that_breaks_later_costs_no_new_span() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=2_000);
    drop(store);
    let mut bytes = std::fs::read(&file).unwrap();
    // All but the header and the first table's page.
    bytes[8_192..].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let store = open(&file);
    put(&store, 10_001..=10_010);
    wait_for("trouble", || store.stats().trouble.is_some());
    assert_eq!(newest(&store, 10), (10_001..=10_010).rev().collect::<Vec<u128>>());
}

#[test]
fn a_file_that_can_never_be_ours_is_an_error() {
    let folder = Folder::new();
    let missing =
        SqliteStore::open(&folder.file("no/such/folder/spans.db"), 1 << 30, None, MEMORY).unwrap_err();
    assert!(missing.contains("does its directory exist?"), "{missing}");
    let other = folder.file("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let before = std::fs::read(&other).unwrap();
    let error = SqliteStore::open(&other, 1 << 30, None, MEMORY).unwrap_err();
    assert!(error.contains("another program's database"), "{error}");
    assert!(std::fs::read(&other).unwrap() == before, "not a byte of it is another");
    assert!(!folder.file("other.db-lock").exists(), "and nothing stands beside it");
}

#[test]
fn a_file_that_another_program_holds_is_left_to_it() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let first = open(&file);
    put(&first, 1..=10);
    first.flush();
    // By another name, too.
    let link = folder.file("link.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let linked = open(&link).stats().trouble;
    assert!(linked.is_some() || cfg!(not(unix)));
    let second = open(&file);
    let trouble = second.stats().trouble.unwrap();
    assert!(trouble.contains("another program holds it"), "{trouble}");
    put(&second, 11..=15);
    assert_eq!(newest(&second, 100), (1..=15).rev().collect::<Vec<_>>(), "what is there is shown");
    assert_eq!(newest(&first, 1), [10], "and only the first writes");
    drop(first);
    wait_for("the end of trouble", || second.stats().trouble.is_none());
    drop(second);
    assert_eq!(open(&file).stats().spans, 15);
}

#[test]
fn a_file_of_the_first_form_is_read_and_goes_on() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    std::fs::write(&file, include_bytes!("data/form-1.db")).unwrap();
    let store = open(&file);
    assert!(store.stats().trouble.is_none());
    assert_eq!(newest(&store, 10), [0xb, 0xa]);
    let held = trace(&store, 0xa).unwrap().unwrap();
    assert_eq!((&*held.spans[0].process.service_name, &*held.spans[0].span.operation_name), ("shop", "get"));
    put(&store, [0xc]);
    assert_eq!((newest(&store, 1), store.services().unwrap()), (vec![0xc], vec!["shop".to_owned()]));
}

#[test]
fn a_file_of_a_newer_form_is_left_alone() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    put(&open(&file), 1..=10);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = SqliteStore::open(&file, 1 << 30, None, MEMORY).unwrap_err();
    assert!(error.contains("form 99, of a newer version of this program"), "{error}");
    assert!(std::fs::read(&file).unwrap() == before, "not a byte of it is another");
    let spans: i64 = Connection::open(&file)
        .unwrap()
        .query_row("SELECT count(*) FROM span", [], |row| row.get(0))
        .unwrap();
    assert_eq!(spans, 10);
}

/// Not by its permissions, which root passes over.
#[test]
fn a_file_that_cannot_be_written_costs_no_span() {
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=10);
    drop(store);
    // What a read-only mount does to SQLite: it can make no journal beside the file.
    let journal = folder.file("spans.db-wal");
    let _ = std::fs::remove_file(&journal);
    std::fs::create_dir(&journal).unwrap();
    let store = open(&file);
    put(&store, 11..=20);
    wait_for("trouble", || store.stats().trouble.is_some());
    assert!(newest(&store, 100).starts_with(&(11..=20).rev().collect::<Vec<u128>>()));
    std::fs::remove_dir(&journal).unwrap();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    assert_eq!(newest(&store, 100), (1..=20).rev().collect::<Vec<u128>>());
}

#[cfg(unix)]
#[test]
fn a_killed_program_loses_one_interval_at_most() {
    use std::io::{BufRead as _, BufReader};
    use std::net::UdpSocket;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    let folder = Folder::new();
    let file = folder.file("spans.db");
    let mut child = Command::new(env!("CARGO_BIN_EXE_jaeger-all-in-one"))
        .args([
            "--compact-port=0",
            "--query-port=off",
            "--binary-port=off",
            "--thrift-http-port=off",
            "--otlp-grpc-port=off",
        ])
        .args(["--otlp-http-port=off", "--zipkin-port=off", "--sampling-port=off", "--keep=0"])
        .arg(format!("--storage=sqlite:{}", file.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    let port: u16 = lines
        .map(|line| line.rsplit_once("UDP compact ").map(|(_, port)| port.parse().unwrap()))
        .find_map(|port| port)
        .expect("a port");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // A span in a millisecond; when each was sent.
    let mut sent = Vec::new();
    let mut bytes = Vec::new();
    for id in 1..=1_500u128 {
        let span =
            Span { trace_id: id, span_id: 1, flags: 1, operation_name: "op".into(), ..Span::default() };
        let batch = Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() };
        bytes.clear();
        jaeger_thrift::Message::new(batch).encode_into(jaeger_thrift::Protocol::Compact, &mut bytes);
        socket.send_to(&bytes, ("127.0.0.1", port)).unwrap();
        sent.push(Instant::now());
        std::thread::sleep(Duration::from_millis(1));
    }
    let killed = Instant::now();
    child.kill().unwrap();
    child.wait().unwrap();
    let store = open(&file);
    let held = newest(&store, 10_000).len();
    assert_eq!(
        newest(&store, 10_000),
        (1..=held as u128).rev().collect::<Vec<_>>(),
        "in order, without holes"
    );
    // The interval is 200 ms; a slow machine gets five more to commit in.
    let safe = sent.iter().filter(|at| killed.duration_since(**at) > Duration::from_millis(1_200)).count();
    assert!(held >= safe && safe > 0, "{held} held of {safe} that had to be");
    let connection = Connection::open(&file).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

/// The file takes some of what memory held, and then nothing more: each span is still answered once and counted once, and in the end in the file once.
#[test]
fn a_span_that_moves_into_the_file_is_answered_and_written_once() {
    // More than twice as many as move at once.
    const ALL: u128 = 24_000;
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    let other = Connection::open(&file).unwrap();
    other.busy_timeout(Duration::from_secs(20)).unwrap();
    // An insertion fails where a certain number of spans is there (they come in the order of their start): half of what moves at once has been written then.
    let full_from = |spans: u32| {
        let sql = format!(
            "DROP TRIGGER IF EXISTS full; CREATE TRIGGER full BEFORE INSERT ON span \
             WHEN NEW.start > {spans} BEGIN SELECT RAISE(ABORT, 'full'); END"
        );
        other.execute_batch(&sql).unwrap();
    };
    let in_file = || other.query_row("SELECT count(*) FROM span", [], |row| row.get::<_, i64>(0)).unwrap();
    let each_is_there_once = || {
        let ids: Vec<u128> = (1..=ALL).collect();
        let traces: Vec<_> = ids.chunks(400).flat_map(|ids| store.traces(ids).unwrap()).collect();
        assert_eq!(traces.len(), ids.len());
        assert!(traces.iter().all(|trace| trace.spans.len() == 1), "no span is answered twice");
        assert_eq!((store.stats().spans, store.stats().traces), (ALL as u64, ALL as u64));
        let mut scanned = Vec::new();
        store
            .scan(&Scan::default(), &mut |_, span| {
                scanned.push(span.trace_id);
                ControlFlow::Continue(())
            })
            .unwrap();
        scanned.sort_unstable();
        assert_eq!(scanned, ids);
    };
    full_from(0);
    put(&store, 1..=ALL);
    store.flush();
    each_is_there_once();
    assert_eq!(in_file(), 0);
    full_from(14_000);
    wait_for("a part in the file", || in_file() > 0);
    each_is_there_once();
    assert!(in_file() < ALL as i64 && store.stats().trouble.is_some(), "it moves only in part");
    other.execute_batch("DROP TRIGGER full").unwrap();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    each_is_there_once();
    assert_eq!(in_file(), ALL as i64);
}

/// Whether the file has trouble, or memory holds more traces than are looked for.
#[test]
fn a_trace_whose_spans_are_in_memory_and_in_the_file_counts_once() {
    /// More than are looked for.
    const MANY: u128 = 30_000;
    let folder = Folder::new();
    let file = folder.file("spans.db");
    let store = open(&file);
    put(&store, 1..=MANY);
    store.flush();
    let other = Connection::open(&file).unwrap();
    other
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON span BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    let counted = || {
        store.flush();
        assert!(store.stats().trouble.is_some());
        store.stats().traces
    };
    put(&store, 1..=10);
    assert_eq!(counted(), MANY as u64);
    put(&store, MANY + 1..=MANY + 5);
    assert_eq!(counted(), MANY as u64 + 5);
    put(&store, 11..=MANY);
    let nearly = counted();
    assert!((MANY as u64..MANY as u64 + 100).contains(&nearly), "{nearly}");
}
