//! What only the inside shows: what waits, and what is answered meanwhile.

use super::*;
use jaeger_thrift::{Log, Process, Span, Tag};

/// A writer that cannot keep up, as on a slow disk: receivers go on at once, and what is kept aside gets into the file while more comes.
#[test]
fn nothing_is_lost_while_memory_is_written_back() {
    let file = file("back");
    let mut store = SqliteStore::open(&file, 1 << 30, None, 256 << 20).unwrap();
    // Some 50 spans.
    store.queue = 50 * size_of::<Span<'_>>();
    let many = 4_000;
    std::thread::scope(|scope| {
        for thread in 0..2u128 {
            let store = &store;
            scope.spawn(move || {
                for id in 1..=many {
                    let span = |span_id| Span { trace_id: thread << 64 | id, span_id, ..Span::default() };
                    let spans = vec![span(1), span(2)];
                    store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
                    if id % 100 == 0 {
                        // A question makes the writer take up what there is.
                        store.settle(SETTLE, false);
                    }
                }
            });
        }
    });
    let began = std::time::Instant::now();
    while store.shared.overflowed.load(Ordering::Relaxed) {
        assert!(began.elapsed() < Duration::from_secs(60), "memory is never empty");
        store.settle(SETTLE, false);
    }
    let stats = store.stats();
    assert_eq!((stats.spans, stats.evicted_spans), (4 * many as u64, 0));
    drop(store);
    remove(&file);
}

fn file(name: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("jaeger-all-in-one-{name}-{}.db", std::process::id()));
    remove(&file);
    file
}

fn remove(file: &Path) {
    for end in ["", "-wal", "-shm", "-lock"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}

fn put(store: &SqliteStore, ids: std::ops::Range<u128>) {
    let span = |trace_id| Span { trace_id, span_id: 1, ..Span::default() };
    let spans = ids.map(span).collect();
    store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
}

/// What came a moment ago is in the answer, and the answer comes before all else is written.
fn answers_with_the_newest(store: &SqliteStore, newest: u128) -> bool {
    put(store, newest..newest + 1);
    let query = TraceQuery { limit: 1, ..TraceQuery::default() };
    assert_eq!(store.find(&query).unwrap(), [newest], "of many that wait the newest is found");
    store.shared.overflowed.load(Ordering::Relaxed)
}

#[test]
fn who_asks_while_memory_is_written_back_is_answered_with_the_newest() {
    let file = file("asked");
    let mut store = SqliteStore::open(&file, 1 << 30, None, 256 << 20).unwrap();
    let queue = std::mem::take(&mut store.queue);
    let many = 100_000;
    // Without a queue all of them go into memory.
    put(&store, 1..many + 1);
    store.queue = queue;
    let mut at_once = 0;
    let mut newest = many;
    while store.shared.overflowed.load(Ordering::Relaxed) {
        newest += 1;
        at_once += usize::from(answers_with_the_newest(&store, newest));
    }
    assert!(at_once > 0, "each waited for all of them");
    let stats = store.stats();
    assert_eq!((stats.spans, stats.traces, stats.unwritten), (newest as u64, newest as u64, 0));
    drop(store);
    remove(&file);
}

#[test]
fn who_asks_while_much_waits_for_the_file_is_answered_with_all_of_it() {
    let file = file("behind");
    let store = SqliteStore::open(&file, 1 << 30, None, 256 << 20).unwrap();
    // A writer that had the file to itself for a moment had nothing left for memory.
    let mut newest = 0;
    let behind = (0..20).any(|_| {
        for _ in 0..8 {
            put(&store, newest + 1..newest + 10_001);
            newest += 10_000;
        }
        newest += 1;
        answers_with_the_newest(&store, newest)
    });
    assert!(behind, "each question waited for the file");
    drop(store);
    let store = SqliteStore::open(&file, 1 << 30, None, 256 << 20).unwrap();
    assert_eq!(store.stats().spans, newest as u64, "all of it is in the file");
    drop(store);
    remove(&file);
}

/// A writer that waits for a lock, and spans that are large: what waits is bounded by bytes, whatever a span has.
#[test]
fn what_waits_is_bounded_by_bytes() {
    const LARGE: usize = 50_000;
    let file = file("waits");
    let memory = 8 << 20;
    let store = SqliteStore::open(&file, 1 << 30, None, memory).unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let all = 2_000;
    for id in 1..=all {
        let tags = vec![Tag::new("t", format!("{id:0LARGE$}"))];
        let log = Log { timestamp: 1, fields: vec![Tag::new("t", &[0_u8; 10][..])] };
        let span = Span { trace_id: id, tags, logs: vec![log], ..Span::default() };
        let batch = Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() };
        assert!((LARGE..LARGE + 1_000).contains(&size(&batch)), "{}", size(&batch));
        store.append(&batch);
        assert!(store.shared.queued.load(Ordering::Relaxed) <= memory as usize / 4);
    }
    other.execute_batch("ROLLBACK").unwrap();
    let stats = store.stats();
    assert_eq!(stats.spans + stats.evicted_spans, all as u64, "{stats:?}");
    drop(store);
    remove(&file);
}

/// Who never stops asking does not let the file grow.
#[test]
fn a_file_that_is_always_asked_stays_within_its_bound() {
    let file = file("always");
    let limit = 4 << 20;
    let store = SqliteStore::open(&file, limit, None, 64 << 20).unwrap();
    // Somebody waits for the writer from now on.
    store.shared.asking.fetch_add(1, Ordering::Relaxed);
    for round in 0..60 {
        put(&store, round * 2_000 + 1..round * 2_000 + 2_001);
        store.flush();
        // The writer does the rest of a round before it takes up the next.
        store.flush();
        let bytes = bounds::bytes(&schema::open_to_read(&file).unwrap()).unwrap();
        assert!(bytes <= limit / 10 * 13, "{round}: {bytes}");
    }
    let stats = store.stats();
    assert_eq!(stats.spans + stats.evicted_spans, 120_000);
    drop(store);
    remove(&file);
}

/// Readers of whom one is always there keep SQLite from ever beginning its log anew.
#[test]
fn the_log_is_emptied_though_somebody_always_reads() {
    const LARGE: usize = 8_000;
    let file = file("log");
    let store = SqliteStore::open(&file, 1 << 30, None, 256 << 20).unwrap();
    put(&store, 1..2);
    let over = AtomicBool::new(false);
    let inside = [AtomicU64::new(0), AtomicU64::new(0)];
    let mut longest = 0;
    std::thread::scope(|scope| {
        for me in 0..2 {
            let (store, over, inside) = (&store, &over, &inside);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let read = store.scan(&Scan::default(), &mut |_, _| {
                        inside[me].fetch_add(1, Ordering::Relaxed);
                        // The other has begun meanwhile, or cannot, for the log is to be emptied.
                        let (other, began) =
                            (inside[1 - me].load(Ordering::Relaxed), std::time::Instant::now());
                        while inside[1 - me].load(Ordering::Relaxed) == other
                            && began.elapsed() < Duration::from_millis(100)
                        {
                            std::thread::yield_now();
                        }
                        ControlFlow::Break(())
                    });
                    read.unwrap();
                }
            });
        }
        for id in 0..40_u128 {
            let tags = |n: u128| vec![Tag::new("t", format!("{n:0LARGE$}"))];
            let span = |n| Span { trace_id: 2 + id * 500 + n, tags: tags(n), ..Span::default() };
            let spans = (0..500).map(span).collect();
            store.append(&Batch { process: Process::new("shop"), spans, ..Batch::default() });
            store.flush();
            longest = longest.max(std::fs::metadata(schema::beside(&file, "-wal")).unwrap().len());
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!((write::LOG / 2..2 * write::LOG).contains(&longest), "{longest}");
    assert_eq!(store.stats().spans, 20_001);
    drop(store);
    remove(&file);
}
