//! What every store promises, asked of each store.

mod common;

use std::cell::Cell;
use std::ops::ControlFlow;

use common::Folder;
use jaeger_all_in_one::store::memory::MemoryStore;
use jaeger_all_in_one::store::sqlite::SqliteStore;
use jaeger_all_in_one::store::{Operation, Scan, Store, StoredSpan, TraceQuery, trace};
use jaeger_thrift::{Batch, Log, Process, RefType, Span, SpanRef, Tag, Value};

/// Runs a test on every kind of store.
fn on_every_store(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::new(64 << 20));
    let folder = Folder::new();
    test(
        &SqliteStore::open(&folder.file("spans.db"), 1 << 30, None, 64 << 20)
            .expect("a new file can be made"),
    );
}

fn span(trace_id: u128, span_id: u64, operation: &'static str, start_time: i64) -> Span<'static> {
    Span {
        trace_id,
        span_id,
        operation_name: operation.into(),
        flags: 1,
        start_time,
        duration: 10,
        ..Span::default()
    }
}

fn put(store: &dyn Store, service: &'static str, spans: Vec<Span<'static>>) {
    let count = spans.len();
    let appended = store.append(&Batch { process: Process::new(service), spans, ..Batch::default() });
    assert_eq!((appended.stored, appended.lost), (count, 0));
}

fn find(store: &dyn Store, query: &TraceQuery) -> Vec<u128> {
    store.find(query).expect("a store that answers")
}

fn tags(tags: &[(&str, &str)]) -> TraceQuery {
    let tags = tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    TraceQuery { tags, ..TraceQuery::default() }
}

/// A span of everything, at every edge.
fn edges(n: u64) -> Span<'static> {
    let all = |n: u64| {
        vec![
            Tag::new("text", format!("wert ü {n}")),
            Tag::new("", ""),
            Tag::new("long text", "a statement that is longer than sixteen bytes"),
            Tag::new("double", Value::Double(f64::from_bits(0x7ff8_0000_0000_0001))),
            Tag::new("least", i64::MIN),
            Tag::new("most", i64::MAX),
            Tag::new("yes", true),
            Tag::new("no", false),
            Tag::new("bytes", Value::Binary(vec![0, 0xff, n as u8].into())),
            Tag::new("text", "the same key again"),
        ]
    };
    let reference = |ref_type, trace_id| SpanRef { ref_type, trace_id, span_id: u64::MAX };
    Span {
        trace_id: u128::MAX,
        span_id: u64::MAX - n,
        parent_span_id: if n.is_multiple_of(2) { 0 } else { u64::MAX },
        operation_name: format!("operation {}", n % 3).into(),
        references: vec![reference(RefType::FollowsFrom, u128::MAX), reference(RefType::ChildOf, 1)],
        flags: [1, 0, 3, i32::MIN][n as usize % 4],
        start_time: [i64::MIN, i64::MAX, 0, -1][n as usize % 4],
        duration: [i64::MAX, i64::MIN, -5, 0][n as usize % 4],
        tags: all(n),
        logs: vec![
            Log { timestamp: i64::MIN, fields: all(n) },
            Log { timestamp: i64::MAX, fields: Vec::new() },
        ],
    }
}

/// Equal bits, so that a NaN is what it was.
fn shown(span: &Span<'_>) -> String {
    let bits = |tag: &Tag<'_>| match tag.value {
        Value::Double(value) => format!("{:x}", value.to_bits()),
        _ => String::new(),
    };
    let doubles: Vec<String> = span.tags.iter().map(bits).collect();
    format!("{span:?} {doubles:?}")
}

#[test]
fn a_span_comes_back_exactly_as_it_went_in() {
    on_every_store(|store| {
        let mut process = Process::new("edges");
        process.tags = edges(3).tags;
        let spans: Vec<Span<'static>> = (0..8).map(edges).collect();
        // In two batches, so that the second finds the first one's dictionary.
        for spans in spans.chunks(4) {
            store.append(&Batch { process: process.clone(), spans: spans.to_vec(), ..Batch::default() });
        }
        let found = trace(store, u128::MAX).unwrap().expect("it is there");
        let mut expected: Vec<&Span<'_>> = spans.iter().collect();
        expected.sort_by_key(|span| span.start_time);
        let expected: Vec<String> = expected.into_iter().map(shown).collect();
        let spans: Vec<String> = found.spans.iter().map(|stored| shown(&stored.span)).collect();
        assert_eq!(spans, expected);
        assert!(found.spans.iter().all(|stored| shown_process(stored) == format!("{process:?}")));
    });
}

fn shown_process(stored: &StoredSpan) -> String {
    format!("{:?}", stored.process)
}

#[test]
fn traces_are_whole_and_sorted_by_start_then_arrival() {
    on_every_store(|store| {
        put(store, "a", vec![span(1, 1, "late", 500), span(1, 2, "early", 100)]);
        put(store, "b", vec![span(2, 9, "other", 1)]);
        put(store, "b", vec![span(1, 3, "middle", 300), span(1, 4, "early too", 100)]);
        let found = trace(store, 1).unwrap().expect("it is there");
        let order: Vec<(u64, &str)> =
            found.spans.iter().map(|stored| (stored.span.span_id, &*stored.process.service_name)).collect();
        assert_eq!(order, [(2, "a"), (4, "b"), (3, "b"), (1, "a")]);
        assert_eq!(trace(store, 3).unwrap(), None);
        let several = store.traces(&[2, 77, 1]).unwrap();
        assert_eq!(several.iter().map(|trace| trace.trace_id).collect::<Vec<_>>(), [2, 1]);
    });
}

#[test]
fn the_newest_first_arrivals_come_first() {
    on_every_store(|store| {
        for id in 1..=50 {
            put(store, "a", vec![span(id, 1, "op", id as i64)]);
        }
        // A late span does not make its trace newer.
        put(store, "a", vec![span(3, 2, "op", 9_999)]);
        let ten = TraceQuery { limit: 10, ..TraceQuery::default() };
        assert_eq!(find(store, &ten), (41..=50).rev().collect::<Vec<u128>>());
        let late = TraceQuery { start_min: 9_000, ..TraceQuery::default() };
        assert_eq!(find(store, &late), [3]);
        assert_eq!(find(store, &TraceQuery { limit: 0, ..TraceQuery::default() }), [0; 0]);
    });
}

#[test]
fn one_span_must_satisfy_everything() {
    on_every_store(|store| {
        put(store, "front", vec![span(1, 1, "get", 100), span(2, 1, "put", 200)]);
        put(store, "back", vec![span(1, 2, "put", 110)]);
        let asked = |service: &str, operation: &str| TraceQuery {
            service: Some(service.to_owned()),
            operation: (!operation.is_empty()).then(|| operation.to_owned()),
            ..TraceQuery::default()
        };
        assert_eq!(find(store, &asked("front", "")), [2, 1]);
        assert_eq!(find(store, &asked("front", "put")), [2], "the put of trace 1 is another service's");
        assert_eq!(find(store, &asked("back", "put")), [1]);
        assert_eq!(find(store, &asked("back", "get")), [0; 0]);
        assert_eq!(find(store, &asked("Front", "")), [0; 0], "case counts");
        let between = |start_min, start_max| TraceQuery { start_min, start_max, ..TraceQuery::default() };
        assert_eq!(find(store, &between(110, 200)), [2, 1], "inclusive");
        assert_eq!(find(store, &between(111, 199)), [0; 0]);
    });
}

#[test]
fn durations_are_inclusive() {
    on_every_store(|store| {
        for (id, duration) in [(1, 10), (2, 20), (3, 30), (4, -1)] {
            put(store, "a", vec![Span { duration, ..span(id, 1, "op", 0) }]);
        }
        let of =
            |duration_min, duration_max| TraceQuery { duration_min, duration_max, ..TraceQuery::default() };
        assert_eq!(find(store, &of(Some(20), None)), [3, 2]);
        assert_eq!(find(store, &of(None, Some(20))), [4, 2, 1]);
        assert_eq!(find(store, &of(Some(10), Some(10))), [1]);
        assert_eq!(find(store, &of(Some(31), None)), [0; 0]);
    });
}

#[test]
fn tags_are_found_as_text_wherever_they_are() {
    on_every_store(|store| {
        let mut process = Process::new("a");
        process.tags =
            vec![Tag::new("host.name", "box"), Tag::new("opencensus.exporterversion", "Jaeger-Go-2")];
        let mut one = span(1, 1, "op", 0);
        one.tags = vec![
            Tag::new("n", 5),
            Tag::new("ok", true),
            Tag::new("ratio", 0.25),
            Tag::new("five", 5.0),
            Tag::new("raw", Value::Binary(vec![1, 2, 3].into())),
            Tag::new("twice", "x"),
            Tag::new("twice", "y"),
            Tag::new("statement", "select something from somewhere"),
            Tag::new("span.kind", "server"),
            Tag::new("error", true),
            Tag::new("peer.ipv4", 0x0a00_0001),
        ];
        one.logs = vec![Log { timestamp: 1, fields: vec![Tag::new("event", "retry")] }];
        store.append(&Batch { process, spans: vec![one], ..Batch::default() });
        put(store, "b", vec![Span { tags: vec![Tag::new("n", "5")], ..span(2, 1, "op", 0) }]);
        for query in [
            &[("ok", "true")][..],
            &[("ratio", "0.25")],
            &[("five", "5")],
            &[("raw", "AQID")],
            &[("twice", "x"), ("twice", "y")],
            &[("statement", "select something from somewhere")],
            &[("span.kind", "server"), ("error", "true")],
            &[("event", "retry")],
            &[("host.name", "box"), ("hostname", "box"), ("n", "5")],
            &[("opencensus.exporterversion", "Jaeger-Go-2")],
            &[("jaeger.version", "Go-2")],
            &[("service.name", "a")],
            &[("peer.ipv4", "10.0.0.1"), ("peer.ipv4", "167772161")],
        ] {
            assert_eq!(find(store, &tags(query)), [1], "{query:?}");
        }
        assert_eq!(find(store, &tags(&[("n", "5")])), [2, 1], "number and text alike");
        for query in [
            [("ok", "True")],
            [("N", "5")],
            [("never", "")],
            [("hostname", "Jaeger-Go-2")],
            [("five", "5.0")],
        ] {
            assert_eq!(find(store, &tags(&query)), [0; 0], "{query:?}");
        }
        assert_eq!(find(store, &tags(&[("n", "5"), ("event", "other")])), [0; 0]);
    });
}

#[test]
fn services_and_operations_are_sorted_and_unique() {
    on_every_store(|store| {
        assert_eq!(store.services().unwrap(), [""; 0]);
        let kind = |kind: &'static str| vec![Tag::new("span.kind", kind)];
        put(store, "zoo", vec![span(1, 1, "b", 0), span(2, 1, "a", 0), span(3, 1, "b", 0)]);
        put(store, "ant", vec![span(1, 2, "c", 0)]);
        put(store, "zoo", vec![Span { tags: kind("server"), ..span(1, 3, "b", 0) }]);
        assert_eq!(store.services().unwrap(), ["ant", "zoo"]);
        let operation = |name: &str, kind: &str| Operation { name: name.to_owned(), kind: kind.to_owned() };
        assert_eq!(
            store.operations("zoo").unwrap(),
            [operation("a", ""), operation("b", ""), operation("b", "server")]
        );
        assert_eq!(store.operations("none").unwrap(), []);
    });
}

#[test]
fn heads_say_parent_kind_and_how_it_ended() {
    on_every_store(|store| {
        let mut child = span(7, 2, "child", 20);
        child.parent_span_id = 1;
        child.tags = vec![Tag::new("error", true), Tag::new("span.kind", "client")];
        let mut follower = span(7, 3, "follower", 30);
        let reference = |ref_type, trace_id, span_id| SpanRef { ref_type, trace_id, span_id };
        follower.references = vec![
            reference(RefType::ChildOf, 99, 5),
            reference(RefType::FollowsFrom, 7, 2),
            reference(RefType::ChildOf, 7, 1),
        ];
        let event = |name| Log { timestamp: 0, fields: vec![Tag::new("at", 1), Tag::new("event", name)] };
        follower.logs = vec![event("error"), event("panic")];
        let mut dropped = span(7, 4, "child", 40);
        dropped.tags = vec![Tag::new("cancelled", true)];
        let mut told = span(7, 5, "child", 50);
        told.tags = vec![Tag::new("cancelled", "true"), Tag::new("event", "panic")];
        told.logs = vec![event("no panic")];
        put(store, "a", vec![follower, dropped, told, child, span(7, 1, "root", 10)]);
        put(store, "b", vec![span(8, 1, "other", 0)]);
        let mut seen = Vec::new();
        store
            .heads(&[7, 404], &mut |trace| {
                assert_eq!(trace.trace_id, 7);
                for head in trace.spans {
                    let text = format!(
                        "{}<{} {}.{} {}+{} {:?} {} {} {}",
                        head.span_id,
                        head.parent_span_id,
                        head.service,
                        head.operation,
                        head.start_time,
                        head.duration,
                        head.kind,
                        head.error,
                        head.panic,
                        head.cancelled
                    );
                    seen.push(text);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(
            seen,
            [
                "1<0 a.root 10+10 \"\" false false false",
                "2<1 a.child 20+10 \"client\" true false false",
                "3<1 a.follower 30+10 \"\" false true false",
                "4<0 a.child 40+10 \"\" false false true",
                "5<0 a.child 50+10 \"\" false false true"
            ]
        );
    });
}

#[test]
fn scans_go_over_what_is_in_range_and_stop_when_told() {
    on_every_store(|store| {
        for id in 1..=20u128 {
            let service = if id % 2 == 0 { "even" } else { "odd" };
            put(store, service, vec![span(id, 1, "op", id as i64), span(id, 2, "op", id as i64 + 1_000)]);
        }
        let range = Scan { service: Some("even".to_owned()), start_min: 5, start_max: 12 };
        let mut spans = Vec::new();
        let mut each = |process: &Process<'_>, span: &Span<'_>| {
            assert_eq!(process.service_name, "even");
            spans.push((span.trace_id, span.span_id));
            ControlFlow::Continue(())
        };
        store.scan(&range, &mut each).unwrap();
        spans.sort_unstable();
        assert_eq!(spans, [(6, 1), (8, 1), (10, 1), (12, 1)]);
        let mut traces = Vec::new();
        store
            .scan_traces(&range, &mut |trace| {
                traces.push((trace.trace_id, trace.spans.len()));
                ControlFlow::Continue(())
            })
            .unwrap();
        traces.sort_unstable();
        assert_eq!(traces, [(6, 2), (8, 2), (10, 2), (12, 2)], "with the spans outside the range");
        let (mut spans, mut traces) = (0, 0);
        store
            .scan(&Scan::default(), &mut |_, _| {
                spans += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        store
            .scan_traces(&Scan::default(), &mut |_| {
                traces += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!((spans, traces), (1, 1));
    });
}

#[test]
fn a_search_over_many_segments_gives_the_newest_and_all_of_them() {
    // 40,000 spans of 100 bytes and more are several segments; every fourth trace gets its last span at the end.
    on_every_store(|store| {
        let long = "x".repeat(90);
        let make = |id: u128, n: u64| Span {
            tags: vec![Tag::new("id", format!("{long}{id}")), Tag::new("third", id.is_multiple_of(3))],
            ..span(id, n, "op", id as i64)
        };
        for first in (1..=10_000u128).step_by(100) {
            put(
                store,
                "a",
                (first..first + 100)
                    .flat_map(|id| (0..3).map(move |n| (id, n)))
                    .map(|(id, n)| make(id, n))
                    .collect(),
            );
        }
        put(store, "a", (1..=10_000u128).filter(|id| id % 4 == 0).map(|id| make(id, 3)).collect());
        let mut third = tags(&[("third", "true")]);
        third.limit = 5;
        assert_eq!(find(store, &third), [9_999, 9_996, 9_993, 9_990, 9_987]);
        third.start_max = 10;
        assert_eq!(find(store, &third), [9, 6, 3]);
        assert_eq!(find(store, &TraceQuery { limit: 20_000, ..TraceQuery::default() }).len(), 10_000);
        let one = trace(store, 4).unwrap().unwrap();
        assert_eq!(one.spans.iter().map(|stored| stored.span.span_id).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(find(store, &tags(&[("id", &format!("{long}77"))])), [77]);
        assert_eq!(store.stats().spans, 32_500);
        assert_eq!(store.stats().traces, 10_000);
    });
}

#[test]
fn a_search_that_nobody_waits_for_ends_before_its_end() {
    on_every_store(|store| {
        // Some megabytes, so that memory has them in several segments.
        for batch in 0..100 {
            let spans = (0..1_000).map(|n| Span {
                tags: vec![Tag::new("text", format!("{batch} {n} of some length that makes it heavy"))],
                ..span(1 + batch * 1_000 + n, 1, "work", 1)
            });
            put(store, "shop", spans.collect());
        }
        store.flush();
        let asked = Cell::new(0);
        let query = tags(&[("text", "0 0 of some length that makes it heavy")]);
        let all = |most: u32| {
            asked.set(0);
            store.find_while(&query, &|| asked.replace(asked.get() + 1) < most).unwrap()
        };
        assert_eq!(all(u32::MAX), [1], "the last of all that is looked at");
        let to_the_end = asked.get();
        assert!(to_the_end > 3, "asked {to_the_end} times");
        assert_eq!((all(2), asked.get()), (vec![], 3));
    });
}

#[test]
fn an_empty_batch_changes_nothing() {
    on_every_store(|store| {
        put(store, "nobody", Vec::new());
        assert_eq!(store.services().unwrap(), [""; 0]);
        assert_eq!(find(store, &TraceQuery::default()), [0; 0]);
    });
}

/// A process whose tags alone are more than a part of the store: each of its spans is taken, and found.
#[test]
fn a_giant_process_keeps_no_span_out() {
    on_every_store(|store| {
        let mut process = Process::new("giant");
        process.tags = vec![Tag::new("all", "x".repeat(3 << 20))];
        let spans = vec![span(1, 1, "a", 1), span(1, 2, "b", 2), span(2, 3, "c", 3)];
        let appended = store.append(&Batch { process, spans, ..Batch::default() });
        assert_eq!((appended.stored, appended.lost), (3, 0));
        let counts: Vec<usize> = [1, 2]
            .map(|id| trace(store, id).expect("a store that answers").expect("it is there").spans.len())
            .to_vec();
        assert_eq!(counts, [2, 1]);
        assert_eq!(store.stats().spans, 3);
    });
}
