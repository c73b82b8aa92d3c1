//! Spans of a message on their way into the store.

use jaeger_thrift::{Process, Sink, Span};

use super::Held;
use super::met::Met;
use super::segment::{BatchMemo, FULL, Segment, Written};
use super::traces::Known;

/// Puts spans into the active segment, and their traces where they wait for the table. Nobody else sees one before the lock is free, and until they are
/// [kept](Self::keep) they may all go again.
pub(super) struct Adding<'h, 'a> {
    active: &'h mut Segment,
    met: &'h mut Met,
    memo: BatchMemo<'a>,
    began: Written,
    /// Who sent the spans that come next, until there is one: of a process without spans nothing is kept.
    next: Option<Process<'a>>,
    /// The number of their process.
    process: u32,
    /// The trace of the last one, and what came of it with this message: neighbours are mostly of one trace.
    trace_id: u128,
    known: Known,
    spans: u64,
    /// Unpacked, the message is much more than it was on the wire (each span of OTLP's has its scope's name): it is for those who may begin new segments in its middle.
    is_over: bool,
    /// Series that were looked at to take spans out again.
    looked_at: usize,
}

impl<'h, 'a> Adding<'h, 'a> {
    pub(super) fn new(held: &'h mut Held) -> Self {
        held.read = None;
        let Held { active, met, .. } = held;
        let (began, memo) = (active.written(), active.memo());
        let known = Known::NEW;
        Adding {
            active,
            met,
            memo,
            began,
            next: None,
            process: 0,
            trace_id: 0,
            known,
            spans: 0,
            is_over: false,
            looked_at: 0,
        }
    }

    /// Who sent the spans that come next.
    pub(super) fn set_process(&mut self, process: &Process<'_>) {
        self.process = self.active.process(process);
    }

    #[inline]
    pub(super) fn add(&mut self, span: &Span<'a>) {
        if span.trace_id != self.trace_id {
            self.settle();
            self.trace_id = span.trace_id;
            self.known = self.met.meet(span.trace_id);
        }
        let place = self.active.push(self.process, span, &self.known, &mut self.memo);
        self.known.note(place);
        self.spans += 1;
    }

    /// Puts by what came of the last one's trace.
    fn settle(&mut self) {
        if self.known.spans > 0 {
            self.met.note(self.trace_id, self.known);
        }
    }

    /// Whether the segment has enough.
    pub(super) fn is_full(&self) -> bool {
        self.active.is_full()
    }

    /// Whether it is too much for one segment, and was not added to its end.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many they were.
    pub(super) fn keep(mut self) -> u64 {
        self.settle();
        self.met.keep();
        self.spans
    }
}

impl<'a> Sink<'a> for Adding<'_, 'a> {
    fn process(&mut self, process: Process<'a>) {
        self.next = Some(process);
    }

    fn span(&mut self, span: &mut Span<'a>) {
        if self.is_over {
            return;
        }
        if let Some(process) = self.next.take() {
            self.set_process(&process);
        }
        self.add(span);
        self.is_over = self.active.written_since(&self.began) > FULL;
    }

    fn forget(&mut self) {
        self.met.forget();
        self.looked_at += self.active.go_back(&self.began, &self.memo);
        // Numbers that were given are given to others.
        self.memo = self.active.memo();
        (self.trace_id, self.known, self.spans) = (0, Known::NEW, 0);
        (self.next, self.is_over) = (None, false);
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryStore;
    use super::*;
    use crate::store::{Scan, Store as _, TraceQuery};
    use jaeger_thrift::{Batch, Log, RefType, SpanRef, Tag};
    use std::ops::ControlFlow;

    /// Spans of five traces, in `count` from the `first` on; of each service some with a text, an operation, a kind or an end that is new.
    fn message(first: u64, count: u64) -> Batch<'static> {
        let span = |n: u64| Span {
            trace_id: u128::from(n % 5 + first % 3 + 1),
            span_id: n + 1,
            operation_name: format!("operation {}", n % 7 * (first + 1)).into(),
            start_time: 1_000_000 - n as i64,
            duration: n as i64 * 3 - 5,
            flags: (n % 3) as i32,
            references: match n % 4 {
                0 => vec![SpanRef { ref_type: RefType::FollowsFrom, trace_id: 9, span_id: n }],
                _ => Vec::new(),
            },
            tags: vec![
                Tag::new(format!("key {}", n % 3), format!("a text that is long enough {}", n % 11)),
                Tag::new("span.kind", if n.is_multiple_of(2) { "server" } else { "client" }),
                Tag::new("error", n.is_multiple_of(6)),
            ],
            logs: match n % 5 {
                0 => vec![Log { timestamp: 7, fields: vec![Tag::new("event", "panic"), Tag::new("n", 1)] }],
                _ => Vec::new(),
            },
            ..Span::default()
        };
        let process = Process {
            service_name: format!("service {first}").into(),
            tags: vec![Tag::new("host", format!("host {}", first % 2))],
        };
        Batch { process, spans: (first..first + count).map(span).collect(), ..Batch::default() }
    }

    /// Gives it span by span, and says at the end whether it was one.
    fn give(store: &MemoryStore, batch: &Batch<'static>, good: bool) {
        let appended = store.append_while_read(1_000, &mut |sink| {
            sink.process(batch.process.clone());
            for span in &batch.spans {
                sink.span(&mut span.clone());
            }
            good
        });
        let stored = if good { batch.spans.len() } else { 0 };
        assert_eq!(appended.map(|appended| appended.stored), Some(stored));
    }

    /// Everything that a store can be asked.
    fn told(store: &MemoryStore) -> String {
        let ids = store.find(&TraceQuery::default()).unwrap();
        let services = store.services().unwrap();
        let operations: Vec<_> = services.iter().map(|name| store.operations(name).unwrap()).collect();
        let (mut spans, mut heads) = (Vec::new(), Vec::new());
        let scan = store.scan(&Scan::default(), &mut |process, span| {
            spans.push(format!("{process:?} {span:?}"));
            ControlFlow::Continue(())
        });
        let traces = store.scan_traces(&Scan::default(), &mut |trace| {
            heads.push(format!("{trace:?}"));
            ControlFlow::Continue(())
        });
        assert!(scan.is_ok() && traces.is_ok());
        let stats = store.stats();
        let whole = store.traces(&ids).unwrap();
        format!(
            "{} {} {ids:?} {services:?} {operations:?} {whole:?} {spans:?} {heads:?}",
            stats.spans, stats.traces
        )
    }

    #[test]
    fn a_message_that_cannot_be_read_to_its_end_was_never_there() {
        let (store, twin) = (MemoryStore::new(64 << 20), MemoryStore::new(64 << 20));
        for round in 0..12 {
            let good = message(round * 2, [3, 1, 9, 40][round as usize % 4]);
            give(&store, &good, true);
            twin.append(&good);
            for count in [0, 1, 2, 30] {
                give(&store, &message(round * 2 + count, count), false);
                assert_eq!(told(&store), told(&twin), "{round}, {count}");
            }
            let (held, other) = (store.held(), twin.held());
            assert_eq!(held.active.written(), other.active.written(), "{round}");
        }
    }

    /// More traces than are put by, each coming again behind the others; some known from before, in this segment and others, some messages broken.
    #[test]
    fn traces_whose_spans_stand_apart_are_whole() {
        use std::collections::BTreeMap;
        let store = MemoryStore::new(256 << 20);
        let mut told: BTreeMap<u128, Vec<u64>> = BTreeMap::new();
        for round in 0..160u64 {
            let good = round % 3 != 1;
            let traces = [1, 10, 700, 3_000][round as usize % 4];
            let ids = (0..3).flat_map(|_| (0..traces).map(|n| 1 + u128::from(n * 7 % traces + round / 8)));
            let spans = ids.enumerate().map(|(n, trace_id)| Span {
                trace_id,
                span_id: round << 32 | n as u64,
                start_time: (round << 32) as i64 + n as i64,
                ..Span::default()
            });
            let spans: Vec<Span<'static>> = spans.collect();
            if good {
                spans.iter().for_each(|span| told.entry(span.trace_id).or_default().push(span.span_id));
            }
            give(&store, &Batch { process: Process::new("apart"), spans, ..Batch::default() }, good);
        }
        assert!(store.held().active.number > 1, "they are in several segments");
        let ids: Vec<u128> = told.keys().copied().collect();
        let whole = store.traces(&ids).unwrap();
        let found = whole.iter().map(|trace| {
            (trace.trace_id, trace.spans.iter().map(|stored| stored.span.span_id).collect::<Vec<_>>())
        });
        assert!(found.eq(told.clone()), "in the order of their arrival, each once");
        let stats = store.stats();
        let spans: usize = told.values().map(Vec::len).sum();
        assert_eq!((stats.traces, stats.spans), (told.len() as u64, spans as u64));
        let mut begun = Vec::new();
        let all = store.scan_traces(&Scan::default(), &mut |trace| {
            begun.push(trace.trace_id);
            ControlFlow::Continue(())
        });
        begun.sort_unstable();
        assert!(all.is_ok() && begun == ids, "each began once");
    }

    /// Two segments at a time, of a store for which that is little; each trace comes again behind 50 others.
    #[test]
    fn traces_go_whole_though_several_segments_go_at_a_time() {
        const LIMIT: u64 = 272 << 20;
        const MANY: u64 = 8_000;
        let store = MemoryStore::new(LIMIT);
        let span = |trace: u64, n: u64| Span {
            trace_id: 1 + u128::from(trace),
            span_id: n,
            tags: vec![Tag::new("blob", jaeger_thrift::Value::Binary(vec![0; 32 << 10].into()))],
            ..Span::default()
        };
        let mut given = 0;
        for n in 0..MANY {
            let spans: Vec<_> =
                std::iter::once(span(n, 1)).chain(n.checked_sub(50).map(|n| span(n, 2))).collect();
            given += spans.len() as u64;
            give(&store, &Batch { process: Process::new("large"), spans, ..Batch::default() }, true);
            if n % 100 == 0 {
                let stats = store.stats();
                assert_eq!(stats.spans + stats.evicted_spans, given);
                assert!(stats.bytes <= LIMIT, "{stats:?}");
            }
        }
        let stats = store.stats();
        let bytes = stats.bytes;
        assert!(stats.evicted_spans > MANY / 2 && bytes > LIMIT - (16 << 20), "it is full: {stats:?}");
        let found = store.find(&TraceQuery { limit: usize::MAX, ..TraceQuery::default() }).unwrap();
        assert_eq!(found.len() as u64, stats.traces);
        let oldest = found.iter().min().copied().unwrap_or(0);
        assert_eq!(found.iter().max(), Some(&u128::from(MANY)));
        for ids in found.chunks(100) {
            for trace in store.traces(ids).unwrap() {
                let spans: Vec<u64> = trace.spans.iter().map(|stored| stored.span.span_id).collect();
                // What came again when the first was gone has begun anew, and the last ones have not come again.
                let whole: &[u64] = match trace.trace_id {
                    id if id + 50 > u128::from(MANY) => &[1],
                    id if spans == [2] => {
                        assert!(id < oldest + 50, "{id}");
                        &[2]
                    }
                    _ => &[1, 2],
                };
                assert_eq!(spans, whole, "{}", trace.trace_id);
            }
        }
    }

    /// A datagram may say thousands of times that all before it was not meant; each time costs what was given since, and not what is held.
    #[test]
    fn taking_back_looks_only_at_what_was_given() {
        const SERIES: u64 = 5_000;
        const TIMES: usize = 2_000;
        let span = |n: u64| Span {
            trace_id: 1 + u128::from(n),
            operation_name: format!("operation {n}").into(),
            ..Span::default()
        };
        let store = MemoryStore::new(64 << 20);
        let spans = (0..SERIES).map(span).collect();
        store.append(&Batch { process: Process::new("held"), spans, ..Batch::default() });
        let mut held = store.held();
        assert_eq!(held.active.series.len() as u64, SERIES);
        let mut adding = Adding::new(&mut held);
        for n in 0..TIMES as u64 {
            adding.process(Process::new("not meant"));
            adding.forget();
            // One of an operation that is there, and one that is new.
            adding.process(Process::new("not meant"));
            adding.span(&mut span(7));
            adding.span(&mut span(SERIES + n));
            adding.forget();
        }
        // Each of the two as what got a record, and as what goes.
        assert!(adding.looked_at <= 4 * TIMES, "{}", adding.looked_at);
        assert_eq!(adding.keep(), 0);
        assert_eq!(held.active.series.len() as u64, SERIES);
    }

    /// What came before in the same call is gone, what comes after is there.
    #[test]
    fn what_is_said_again_counts_once() {
        let (store, twin) = (MemoryStore::new(64 << 20), MemoryStore::new(64 << 20));
        for store in [&store, &twin] {
            store.append(&message(0, 10));
        }
        store.append_while_read(1_000, &mut |sink| {
            for batch in [message(3, 20), message(5, 7), message(1, 8)] {
                sink.forget();
                sink.process(batch.process.clone());
                batch.spans.iter().for_each(|span| sink.span(&mut span.clone()));
            }
            true
        });
        twin.append(&message(1, 8));
        assert_eq!(told(&store), told(&twin));
    }

    #[test]
    fn processes_without_spans_leave_nothing() {
        let store = MemoryStore::new(64 << 20);
        store.append(&message(0, 10));
        let held = || {
            let held = store.held();
            (held.active.written(), held.bytes())
        };
        let before = held();
        for n in 0..200 {
            store.append_while_read(1_000, &mut |sink| {
                let tags = vec![Tag::new("n", n), Tag::new("text", "x".repeat(10_000))];
                sink.process(Process { service_name: format!("service {n}").into(), tags });
                true
            });
        }
        assert_eq!(held(), before);
    }

    /// A message that unpacks to more than a segment is left to those who take it piece by piece, and nothing of it is there.
    #[test]
    fn what_is_much_larger_in_the_store_than_on_the_wire_goes_another_way() {
        let (store, twin) = (MemoryStore::new(64 << 20), MemoryStore::new(64 << 20));
        for store in [&store, &twin] {
            store.append(&message(0, 10));
        }
        let mut given = 0;
        let appended = store.append_while_read(200 << 10, &mut |sink| {
            for batch in [message(3, 20), message(4, 3_000)] {
                sink.process(batch.process.clone());
                for span in &batch.spans {
                    let mut span = span.clone();
                    span.tags
                        .push(Tag::new("otel.scope.name", format!("{}{}", given % 200, "s".repeat(100_000))));
                    sink.span(&mut span);
                    given += 1;
                }
            }
            true
        });
        assert_eq!((appended, given), (None, 3_020));
        assert_eq!(told(&store), told(&twin));
        assert!(store.held().bytes() < 5 << 20, "{store:?}");
    }
}
