//! A disk that is really full, not one that says so: a file system of a few MiB in memory, filled to the last byte. Spans are found meanwhile, written once there is
//! room, and what is lost (memory has a bound too) is counted.
//!
//! Only root may mount one. Elsewhere these tests say SKIPPED, past the capture of the test runner.
#![cfg(target_os = "linux")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Folder, wait_for};
use jaeger_all_in_one::store::sqlite::SqliteStore;
use jaeger_all_in_one::store::{Store, TraceQuery, trace};
use jaeger_thrift::{Batch, Message, Process, Protocol, Span, Tag};

/// A file system of 4 MiB, unmounted with its drop.
struct Disk {
    folder: Folder,
}

impl Disk {
    /// `None`, and told, if this may not mount.
    fn new(test: &str) -> Option<Disk> {
        let folder = Folder::new();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "jaeger-all-in-one"])
            .arg(folder.file("."))
            .output();
        let why = match mount {
            Ok(output) if output.status.success() => return Some(Disk { folder }),
            Ok(output) => {
                String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned()
            }
            Err(error) => error.to_string(),
        };
        // To the handle itself: the runner captures `println!`.
        let _ = writeln!(std::io::stdout().lock(), "SKIPPED {test}: no file system can be mounted: {why}");
        None
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.file("filling")).unwrap();
        while file.write_all(&[b'x'; 4_096]).is_ok() {}
        // The last page byte by byte would be the same: the file system gives whole pages.
        assert!(std::fs::write(self.file("more"), [b'x'; 4_096]).is_err(), "it is full");
        let _ = std::fs::remove_file(self.file("more"));
    }

    fn make_room(&self) {
        std::fs::remove_file(self.file("filling")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a killed program may still have a file open.
        let _ = Command::new("umount").arg("-l").arg(self.folder.file(".")).status();
    }
}

fn span(trace_id: u128, padding: usize) -> Span<'static> {
    Span {
        trace_id,
        span_id: 1,
        operation_name: "op".into(),
        start_time: trace_id as i64,
        // No two alike, so that no store keeps it once for many.
        tags: vec![Tag::new("padding", format!("{trace_id:0padding$}"))],
        ..Span::default()
    }
}

fn put(store: &dyn Store, ids: impl IntoIterator<Item = u128>, padding: usize) {
    let spans = ids.into_iter().map(|id| span(id, padding)).collect();
    store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
}

fn newest(store: &dyn Store) -> Vec<u128> {
    store.find(&TraceQuery { limit: 100_000, ..TraceQuery::default() }).unwrap()
}

fn is_full(store: &dyn Store) -> bool {
    store.stats().trouble.is_some_and(|trouble| trouble.contains("the disk is full; make room"))
}

fn open(file: &Path, memory: u64) -> SqliteStore {
    SqliteStore::open(file, 1 << 30, None, memory).expect("it opens")
}

#[test]
fn spans_are_found_while_the_disk_is_full_and_written_once_there_is_room() {
    let Some(disk) = Disk::new("spans_are_found_while_the_disk_is_full_and_written_once_there_is_room")
    else {
        return;
    };
    let store = open(&disk.file("spans.db"), 64 << 20);
    put(&store, 1..=100, 100);
    store.flush();
    assert_eq!((store.stats().unwritten, store.stats().trouble), (0, None));
    disk.fill();
    // The log beside the database may have some room left in its last page; this is more than that.
    put(&store, 101..=600, 1_000);
    wait_for("trouble", || is_full(&store));
    assert_eq!(newest(&store), (1..=600).rev().collect::<Vec<u128>>(), "what was written and what was not");
    assert_eq!(trace(&store, 600).unwrap().unwrap().spans[0].span, span(600, 1_000));
    assert_eq!(trace(&store, 7).unwrap().unwrap().spans[0].span, span(7, 100));
    let stats = store.stats();
    assert_eq!((stats.spans, stats.unwritten, stats.evicted_spans), (600, 500, 0));
    disk.make_room();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    assert_eq!((store.stats().spans, store.stats().unwritten), (600, 0));
    drop(store);
    assert_eq!(newest(&open(&disk.file("spans.db"), 64 << 20)), (1..=600).rev().collect::<Vec<u128>>());
}

#[test]
fn what_memory_cannot_hold_meanwhile_is_counted() {
    let Some(disk) = Disk::new("what_memory_cannot_hold_meanwhile_is_counted") else { return };
    let store = open(&disk.file("spans.db"), 8 << 20);
    disk.fill();
    let all = 20_000;
    for first in (1..=all).step_by(100) {
        put(&store, first..first + 100, 1_000);
        // A question has what came so far settled: what overtakes the queue would be older in memory than what waits in it.
        let _ = store.stats();
    }
    assert!(is_full(&store));
    let stats = store.stats();
    assert!(stats.evicted_spans > 0 && stats.unwritten > 0, "{stats:?}");
    assert_eq!(stats.spans + stats.evicted_spans, all as u64);
    let held = newest(&store);
    assert_eq!((held.first(), held.len() as u64), (Some(&all), stats.spans), "the newest are held");
    // And once there is some room the count stays.
    disk.make_room();
    wait_for("something written", || {
        let now = store.stats();
        assert_eq!(now.spans + now.evicted_spans, all as u64);
        now.unwritten < stats.unwritten
    });
}

#[test]
fn it_starts_on_a_full_disk() {
    let Some(disk) = Disk::new("it_starts_on_a_full_disk") else { return };
    disk.fill();
    let store = open(&disk.file("spans.db"), 64 << 20);
    assert!(store.describe().contains("cannot be used: the disk is full"), "{}", store.describe());
    put(&store, 1..=10, 100);
    assert_eq!(newest(&store), (1..=10).rev().collect::<Vec<u128>>());
    disk.make_room();
    wait_for("the end of trouble", || store.stats().trouble.is_none());
    drop(store);
    assert_eq!(newest(&open(&disk.file("spans.db"), 64 << 20)).len(), 10);
}

#[test]
fn a_stop_on_a_full_disk_says_what_is_lost() {
    let Some(disk) = Disk::new("a_stop_on_a_full_disk_says_what_is_lost") else { return };
    let mut child = Command::new(env!("CARGO_BIN_EXE_jaeger-all-in-one"))
        .args(["--compact-port=0", "--query-port=off", "--binary-port=off", "--thrift-http-port=off"])
        .args(["--otlp-grpc-port=off", "--otlp-http-port=off", "--zipkin-port=off", "--sampling-port=off"])
        .args(["--keep=0", "--stop-with-stdin"])
        .arg(format!("--storage=sqlite:{}", disk.file("spans.db").display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut port = None;
    let mut line = String::new();
    while port.is_none() && out.read_line(&mut line).unwrap() > 0 {
        port = line.trim_end().rsplit_once("UDP compact ").map(|(_, port)| port.parse::<u16>().unwrap());
        line.clear();
    }
    disk.fill();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let spans = (1..=50).map(|id| span(id, 1_000)).collect();
    let batch = Batch { process: Process::new("shop"), spans, ..Batch::default() };
    let mut bytes = Vec::new();
    Message::new(batch).encode_into(Protocol::Compact, &mut bytes);
    socket.send_to(&bytes, ("127.0.0.1", port.expect("a port"))).unwrap();
    err.read_line(&mut line).unwrap();
    assert!(line.contains("the disk is full"), "{line}");
    drop(child.stdin.take());
    let (mut rest, mut told) = (String::new(), String::new());
    out.read_to_string(&mut rest).unwrap();
    err.read_to_string(&mut told).unwrap();
    assert!(child.wait().unwrap().success());
    let end = "stopped with 50 spans of 50 traces; 50 of them could not be written, and are lost\n";
    assert!(rest.ends_with(end), "{rest}");
    assert_eq!(told, "jaeger-all-in-one: 50 spans could not be written to the database, and are lost\n");
}
