//! The store against a model that is too simple to be wrong: calls in any order, and after each what must be there.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use jaeger_thrift::{Batch, Process, Span, Tag, Value};

use super::MemoryStore;
use crate::store::{Scan, Store as _, TraceQuery};

/// SplitMix64: the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

/// Ids of which halves are the same, or what is made of both.
fn id(n: u64) -> u128 {
    let [n, odd] = [n + 1, n.wrapping_mul(0x1000_0000_01b3) | 1];
    let halves = match n % 5 {
        0 => [n, 0],
        1 => [7, n],
        2 => [n, 7],
        3 => [n ^ 0x1234_5678, n],
        _ => [n, odd],
    };
    u128::from(halves[0]) | u128::from(halves[1]) << 64
}

/// What must be held, and what was told of the rest.
#[derive(Default)]
struct Model {
    /// Of a trace since it began, for the last time: the number of its first span among all, and the ids of all of its spans.
    held: BTreeMap<u128, (u64, Vec<u64>)>,
    given: u64,
    evicted: u64,
}

impl Model {
    /// Takes what came with a call, which may have made older ones go.
    fn check(&mut self, store: &MemoryStore, new: &[(u128, u64)]) {
        let mut came: BTreeMap<u128, Vec<(u64, u64)>> = BTreeMap::new();
        for &(id, span) in new {
            self.given += 1;
            came.entry(id).or_default().push((self.given, span));
        }
        let stats = store.stats();
        assert_eq!(stats.spans + stats.evicted_spans, self.given);
        let is_less = stats.evicted_spans > self.evicted;
        for (id, spans) in &came {
            let one = self.held.entry(*id).or_insert((spans[0].0, Vec::new()));
            one.1.extend(spans.iter().map(|(_, span)| span));
            if !is_less {
                assert_eq!(spans_of(store, *id), one.1);
            }
        }
        if is_less {
            let (mut gone, mut last_gone, mut first_held) = (0, 0, u64::MAX);
            self.held.retain(|&id, one| {
                let is = spans_of(store, id);
                if is != one.1 {
                    // It went whole; what is there came since.
                    let new = came.get(&id).map_or(&[][..], |spans| &spans[..]);
                    assert!(one.1.ends_with(&is) && is.len() <= new.len(), "{id:x}: {is:?} of {one:?}");
                    gone += (one.1.len() - is.len()) as u64;
                    last_gone = last_gone.max(one.0);
                    let begun = new.get(new.len() - is.len()).map_or(one.0, |(number, _)| *number);
                    *one = (begun, is);
                }
                if !one.1.is_empty() {
                    first_held = first_held.min(one.0);
                }
                !one.1.is_empty()
            });
            assert_eq!(stats.evicted_spans, self.evicted + gone);
            assert!(last_gone < first_held, "the oldest first");
            self.evicted = stats.evicted_spans;
            self.check_all(store);
        }
        if let Some((newest, _)) = new.last() {
            assert!(!spans_of(store, *newest).is_empty() || self.held.is_empty() || is_less, "{newest:x}");
        }
    }

    fn newest(&self) -> Vec<u128> {
        let mut all: Vec<(u64, u128)> = self.held.iter().map(|(id, (first, _))| (*first, *id)).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.into_iter().map(|(_, id)| id).collect()
    }

    fn check_all(&self, store: &MemoryStore) {
        let stats = store.stats();
        let spans: usize = self.held.values().map(|(_, spans)| spans.len()).sum();
        assert_eq!((stats.traces, stats.spans), (self.held.len() as u64, spans as u64));
        let all = store.find(&TraceQuery { limit: usize::MAX, ..TraceQuery::default() }).unwrap();
        assert!(all == self.newest(), "all, the newest first");
        let mut begun: HashMap<u128, usize> = HashMap::new();
        let scan = store.scan_traces(&Scan::default(), &mut |trace| {
            assert!(begun.insert(trace.trace_id, trace.spans.len()).is_none(), "each once");
            ControlFlow::Continue(())
        });
        let counts = self.held.iter().map(|(id, (_, spans))| (*id, spans.len()));
        assert!(scan.is_ok() && begun == counts.collect());
    }
}

fn spans_of(store: &MemoryStore, id: u128) -> Vec<u64> {
    let traces = store.traces(&[id]).unwrap();
    traces.iter().flat_map(|trace| &trace.spans).map(|stored| stored.span.span_id).collect()
}

/// Spans in runs of a trace, of new ones and of some from before.
fn spans(random: &mut Random, traces: &mut u64, first: u64, blob: u64) -> Vec<Span<'static>> {
    let count = match random.below(200) {
        0 => 5_000,
        1..10 => 700,
        10..60 => 60,
        _ => 1 + random.below(10),
    };
    let run = [1, 1 + random.below(20)][random.below(2) as usize];
    let mut trace = 0;
    let span = |n| {
        if n % run == 0 {
            let back = [1, 50, 2_000, 100_000][random.below(4) as usize];
            *traces += u64::from(random.below(3) == 0);
            trace = traces.saturating_sub(random.below(back));
        }
        let bytes = if random.below(4) == 0 { random.below(blob) } else { 0 };
        Span {
            trace_id: id(trace),
            // Some come twice.
            span_id: first + n - u64::from(random.below(20) == 0),
            parent_span_id: first + n - random.below(3),
            operation_name: format!("operation {}", random.below(30)).into(),
            // In the order in which they come.
            start_time: (first + n) as i64,
            tags: vec![
                Tag::new("text", format!("{}", random.below(50))),
                Tag::new("blob", Value::Binary(vec![1; bytes as usize].into())),
            ],
            ..Span::default()
        }
    };
    (0..count).map(span).collect()
}

fn run(seed: u64, limit: u64, calls: u64, blob: u64) {
    let mut random = Random(seed);
    let (store, mut model) = (MemoryStore::new(limit), Model::default());
    let (mut traces, mut first) = (0, 10);
    for _ in 0..calls {
        let what = random.below(100);
        let process = Process::new(format!("service {}", random.below(5)));
        let mut new = Vec::new();
        if what < 80 {
            let spans = spans(&mut random, &mut traces, first, blob);
            first += spans.len() as u64;
            let came = |span: &Span<'_>| (span.trace_id, span.span_id);
            if what < 40 {
                new.extend(spans.iter().map(came));
                store.append(&Batch { process, spans, ..Batch::default() });
            } else {
                // Taken back in its middle, or at the end.
                let back = (random.below(5) == 0).then(|| random.below(spans.len() as u64));
                let good = random.below(3) > 0;
                let bytes = [10, 1_000, 250_000][random.below(3) as usize];
                let appended = store.append_while_read(bytes, &mut |sink| {
                    sink.process(process.clone());
                    for (n, span) in spans.iter().enumerate() {
                        if back == Some(n as u64) {
                            sink.forget();
                            new.clear();
                            sink.process(process.clone());
                        }
                        new.push(came(span));
                        sink.span(&mut span.clone());
                    }
                    good
                });
                if !good || appended.is_none() {
                    new.clear();
                }
                assert_eq!(appended.map_or(0, |appended| appended.stored), new.len());
            }
            model.check(&store, &new);
        } else if what < 90 {
            let limit = 1 + random.below(30) as usize;
            let found = store.find(&TraceQuery { limit, ..TraceQuery::default() }).unwrap();
            assert!(model.newest().starts_with(&found) && found.len() == limit.min(model.held.len()));
        } else {
            let id = id(random.below(traces + 10));
            assert_eq!(spans_of(&store, id), model.held.get(&id).map_or(Vec::new(), |one| one.1.clone()));
        }
    }
    model.check_all(&store);
    assert!(model.evicted > 0 && !model.held.is_empty(), "{store:?}");
}

#[test]
fn it_holds_what_a_model_holds_while_segments_go_all_the_time() {
    run(1, 0, 200, 2_000);
    run(2, 8 << 20, 500, 4_000);
    run(3, 12 << 20, 1_500, 1_000);
    run(4, 16 << 20, 200, 40_000);
}
