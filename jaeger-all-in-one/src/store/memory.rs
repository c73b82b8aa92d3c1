//! Storage in memory: a first, plain form.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use hashbrown::HashMap;
use jaeger_thrift::{Batch, Process};

use super::{
    Answer, Appended, EachSpan, EachTrace, Operation, Scan, SpanHead, Store, StoreStats, StoredSpan, Trace,
    TraceHeads, TraceQuery, head, matches,
};

/// Spans in memory, bounded by bytes.
#[derive(Debug)]
pub struct MemoryStore {
    limit: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    traces: HashMap<u128, Vec<StoredSpan>>,
    /// Ids by first arrival.
    order: VecDeque<u128>,
    spans: u64,
    evicted: u64,
}

/// What a span is taken to need.
const BYTES_A_SPAN: u64 = 1_000;

impl MemoryStore {
    /// A store of at most so many bytes.
    pub fn new(limit: u64) -> Self {
        MemoryStore { limit, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn sorted(mut spans: Vec<StoredSpan>) -> Vec<StoredSpan> {
    spans.sort_by_key(|stored| stored.span.start_time);
    spans
}

fn heads(trace_id: u128, spans: &[StoredSpan], each: EachTrace<'_>) -> std::ops::ControlFlow<()> {
    let spans = sorted(spans.to_vec());
    let heads: Vec<SpanHead<'_>> = spans.iter().map(|stored| head(&stored.process, &stored.span)).collect();
    each(TraceHeads { trace_id, spans: &heads })
}

impl Store for MemoryStore {
    fn append(&self, batch: &Batch<'_>) -> Appended {
        let process: Arc<Process<'static>> = Arc::new(batch.process.clone().into_owned());
        let mut held = self.held();
        for span in &batch.spans {
            let id = span.trace_id;
            let stored = StoredSpan { process: process.clone(), span: span.clone().into_owned() };
            let Held { traces, order, .. } = &mut *held;
            traces
                .entry(id)
                .or_insert_with(|| {
                    order.push_back(id);
                    Vec::new()
                })
                .push(stored);
        }
        held.spans += batch.spans.len() as u64;
        while held.spans * BYTES_A_SPAN > self.limit && held.order.len() > 1 {
            let Some(oldest) = held.order.pop_front() else { break };
            let gone = held.traces.remove(&oldest).map_or(0, |spans| spans.len() as u64);
            held.spans -= gone;
            held.evicted += gone;
        }
        Appended { stored: batch.spans.len(), lost: 0 }
    }

    fn find(&self, query: &TraceQuery) -> Answer<Vec<u128>> {
        let held = self.held();
        let found =
            held.order.iter().rev().filter(|id| {
                held.traces[*id].iter().any(|stored| matches(query, &stored.process, &stored.span))
            });
        Ok(found.copied().take(query.limit).collect())
    }

    fn traces(&self, ids: &[u128]) -> Answer<Vec<Trace>> {
        let held = self.held();
        let found = ids.iter().filter_map(|&trace_id| {
            let spans = sorted(held.traces.get(&trace_id)?.clone());
            Some(Trace { trace_id, spans })
        });
        Ok(found.collect())
    }

    fn heads(&self, ids: &[u128], each: EachTrace<'_>) -> Answer<()> {
        let held = self.held();
        for id in ids {
            if let Some(spans) = held.traces.get(id)
                && heads(*id, spans, each).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    fn scan_traces(&self, range: &Scan, each: EachTrace<'_>) -> Answer<()> {
        let held = self.held();
        for id in held.order.iter().rev() {
            let spans = &held.traces[id];
            let wanted = spans.iter().any(|stored| range.holds(&stored.process, &stored.span));
            if wanted && heads(*id, spans, each).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn scan(&self, range: &Scan, each: EachSpan<'_>) -> Answer<()> {
        let held = self.held();
        let all = held.order.iter().rev().flat_map(|id| &held.traces[id]);
        for stored in all.filter(|stored| range.holds(&stored.process, &stored.span)) {
            if each(&stored.process, &stored.span).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn services(&self) -> Answer<Vec<String>> {
        let held = self.held();
        let names = held.traces.values().flatten().map(|stored| stored.process.service_name.to_string());
        let names: BTreeSet<String> = names.collect();
        Ok(names.into_iter().collect())
    }

    fn operations(&self, service: &str) -> Answer<Vec<Operation>> {
        let held = self.held();
        let all = held.traces.values().flatten().filter(|stored| stored.process.service_name == service);
        let all: BTreeSet<Operation> = all
            .map(|stored| {
                let head = head(&stored.process, &stored.span);
                Operation { name: head.operation.to_owned(), kind: head.kind.to_owned() }
            })
            .collect();
        Ok(all.into_iter().collect())
    }

    fn stats(&self) -> StoreStats {
        let held = self.held();
        StoreStats {
            spans: held.spans,
            traces: held.traces.len() as u64,
            bytes: held.spans * BYTES_A_SPAN,
            bytes_limit: self.limit,
            evicted_spans: held.evicted,
            trouble: None,
        }
    }

    fn describe(&self) -> String {
        format!("memory, at most {} MiB", self.limit >> 20)
    }
}
