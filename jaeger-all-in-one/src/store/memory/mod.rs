//! Storage in memory, bounded by bytes.
//!
//! ```text
//! sealed segments (never changed, shared with readers) … · active segment        traces: id → places of its first and last record
//! ```
//!
//! Spans lie as compact records (`record.rs`, `tags.rs`) in segments of two megabytes (`segment.rs`, `room.rs`), in the order of their arrival. The records of a trace
//! are chained from the last to the first, those of a message by distances, the first of them by a list of its segment. The table is written in strokes, and before anybody reads it (`met.rs` says why for both). One lock guards the active segment and the table of traces; whoever reads takes it for as long as it takes to
//! copy the active segment (some tenth of a millisecond; once for all readers until the next span comes), and then reads without it.
//!
//! When the bytes are used up the oldest segment goes, and every trace that began in it goes whole: what later segments hold of it is passed over from then
//! on. So cost a span does not depend on how many are held, and memory never fragments.
//!
//! Left out on purpose: an index of tags. A search by tag reads the records of the service, newest first, until it has enough.

mod adding;
#[cfg(test)]
mod bounds;
mod bytes;
mod dictionary;
mod met;
#[cfg(test)]
mod model;
mod record;
mod room;
mod search;
mod segment;
mod tags;
mod traces;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};

use jaeger_thrift::{Batch, Process, Sink as _};

use self::adding::Adding;
use self::met::Met;
use self::record::{Place, mark, read_references};
use self::room::Room;
use self::segment::{Segment, outcome};
use self::traces::Traces;
use super::heads::parent_of;
use super::{
    Answer, Appended, EachSpan, EachTrace, Operation, Read, Scan, SpanHead, Store, StoreStats, StoredSpan,
    Trace, TraceHeads, TraceQuery,
};

/// Traces asked for at once while the lock is held.
const AT_ONCE: usize = 512;

/// Spans in memory; see the module.
///
/// ```
/// use jaeger_all_in_one::store::{Store, TraceQuery, memory::MemoryStore};
/// use jaeger_thrift::{Batch, Process, Span};
/// let store = MemoryStore::new(64 << 20);
/// let span = Span { trace_id: 7, span_id: 1, operation_name: "get".into(), ..Span::default() };
/// store.append(&Batch { process: Process::new("shop"), spans: vec![span], ..Batch::default() });
/// assert_eq!(store.find(&TraceQuery::default())?, [7]);
/// # Ok::<(), jaeger_all_in_one::store::StoreError>(())
/// ```
pub struct MemoryStore {
    limit: usize,
    held: Mutex<Held>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").field("stats", &self.stats()).finish()
    }
}

struct Held {
    /// Consecutive numbers, the oldest first.
    sealed: Arc<VecDeque<Arc<Segment>>>,
    /// Full ones of which traces are not in the table yet.
    full: Vec<Segment>,
    active: Segment,
    /// The active one as it was last read, until it changes.
    read: Option<Arc<Segment>>,
    traces: Traces,
    met: Met,
    /// Bytes of the sealed ones.
    sealed_bytes: usize,
    /// Memory of segments that went.
    spare: Vec<Room>,
    spans: u64,
    evicted: u64,
}

/// Segments as they were at one moment.
struct Snapshot {
    sealed: Arc<VecDeque<Arc<Segment>>>,
    active: Arc<Segment>,
}

impl Snapshot {
    /// All of them, the newest first.
    fn newest_first(&self) -> impl Iterator<Item = &Segment> {
        std::iter::once(&*self.active).chain(self.sealed.iter().rev().map(|segment| &**segment))
    }

    /// The segment of that number, `None` if it is gone.
    fn segment(&self, number: u32) -> Option<&Segment> {
        if number == self.active.number {
            return Some(&self.active);
        }
        let first = self.sealed.front()?.number;
        self.sealed.get(number.checked_sub(first)? as usize).map(|segment| &**segment)
    }

    /// The places of a trace's records, the oldest first, from its last.
    fn chain(&self, last: Place) -> Vec<(&Segment, Place)> {
        let mut chain = Vec::new();
        let mut next = Some(last);
        while let Some(place) = next {
            // A trace in the table has all its records: it would have gone with the first.
            let Some(segment) = self.segment(place.segment()) else { break };
            chain.push((segment, place));
            next = segment.fixed(place.at()).0.before;
        }
        chain.reverse();
        chain
    }
}

impl Held {
    /// All of it, the traces in the table.
    fn snapshot(&mut self) -> Snapshot {
        let active = self.read.get_or_insert_with(|| Arc::new(self.active.clone()));
        Snapshot { sealed: Arc::clone(&self.sealed), active: Arc::clone(active) }
    }

    fn bytes(&self) -> usize {
        let full: usize = self.full.iter().map(Segment::bytes).sum();
        self.sealed_bytes + full + self.active.bytes() + self.traces.bytes() + self.met.bytes()
    }

    /// Puts the traces of all messages into the table, after which nothing waits for it.
    fn enter(&mut self) {
        let Held { sealed, full, active, traces, met, sealed_bytes, .. } = self;
        let first = full.first().map_or(active.number, |segment| segment.number);
        met.enter(traces, |place, before| {
            let segment = full.get_mut(place.segment().wrapping_sub(first) as usize).unwrap_or(active);
            segment.goes_on(place, before);
        });
        active.all_entered();
        if !full.is_empty() {
            let sealed = Arc::make_mut(sealed);
            for mut segment in full.drain(..) {
                segment.seal();
                *sealed_bytes += segment.bytes();
                sealed.push_back(Arc::new(segment));
            }
        }
    }

    /// The same within the limit, of which the table may take a good part at once when it grows.
    fn enter_within(&mut self, limit: usize) {
        if self.met.is_empty() && self.full.is_empty() {
            return;
        }
        self.enter();
        if self.bytes() + room::SIZE > limit {
            self.make_room(limit);
        }
    }

    /// Does what is due now and then.
    fn after_message(&mut self, limit: usize) {
        if self.active.is_full() {
            self.seal(limit);
        }
        if self.met.is_enough() || self.full.len() >= met::SEGMENTS {
            self.enter_within(limit);
        }
    }

    /// Begins a new segment, and makes room for it.
    fn seal(&mut self, limit: usize) {
        let next = Segment::new(self.active.number.wrapping_add(1), self.spare.pop());
        self.full.push(std::mem::replace(&mut self.active, next));
        // A segment is to come, so that the limit is not passed before the next look.
        if self.bytes() + room::SIZE > limit {
            self.enter_within(limit);
        }
    }

    /// Lets the oldest segments go, and every trace that began in them.
    fn make_room(&mut self, limit: usize) {
        // Some at a time where they are many, since before each time all traces are entered.
        let at_once = (limit / room::SIZE / 64).clamp(1, 8);
        // The newest stays, however large: who was told that a trace is kept finds it, if it did not begin long before.
        while self.bytes() + at_once * room::SIZE > limit && self.sealed.len() > 1 {
            let Some(oldest) = Arc::make_mut(&mut self.sealed).pop_front() else { break };
            self.sealed_bytes -= oldest.bytes();
            let spans = self.traces.forget(oldest.number);
            self.spans -= spans;
            self.evicted += spans;
            // If nobody reads it, its memory is for one of those to come.
            if self.spare.len() < at_once
                && let Ok(oldest) = Arc::try_unwrap(oldest)
            {
                self.spare.extend(oldest.into_spare());
            }
        }
    }
}

impl MemoryStore {
    /// A store of at most so many bytes, but for two segments at least.
    pub fn new(limit: u64) -> Self {
        let held = Held {
            sealed: Arc::default(),
            full: Vec::new(),
            active: Segment::new(0, None),
            read: None,
            traces: Traces::default(),
            met: Met::default(),
            sealed_bytes: 0,
            spare: Vec::new(),
            spans: 0,
            evicted: 0,
        };
        MemoryStore { limit: usize::try_from(limit).unwrap_or(usize::MAX), held: Mutex::new(held) }
    }

    /// For those who put spans in: traces may wait to be entered.
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nothing panics under the lock but a bug, and then what is there is still worth showing.
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// For all others: every trace is in the table.
    fn held(&self) -> MutexGuard<'_, Held> {
        let mut held = self.lock();
        held.enter_within(self.limit);
        held
    }

    /// Calls `each` with the spans of a trace as they lie here, in the order of their arrival, until it breaks off: however large the trace is, no more than
    /// one of them is unpacked at a time.
    pub(in crate::store) fn each_of(&self, id: u128, each: EachSpan<'_>) {
        let (snapshot, lasts) = self.lasts(&[id]);
        let mut last_process = None;
        for (segment, place) in lasts.iter().flat_map(|(_, last)| snapshot.chain(*last)) {
            let (fixed, reader) = segment.fixed(place.at());
            let number = (segment.number, segment.series[fixed.series as usize].process);
            // Neighbours are mostly of one process.
            let (_, process) = match last_process.take() {
                Some((same, process)) if same == number => last_process.insert((same, process)),
                _ => last_process.insert((number, segment.read_process(number.1))),
            };
            if each(process, &segment.span(&fixed, reader)).is_break() {
                break;
            }
        }
    }

    /// A number of a trace that rises by first arrival.
    pub(in crate::store) fn arrival(&self, id: u128) -> Option<u64> {
        Some(self.held().traces.get(id)?.first.0)
    }

    /// The last records of these traces, with the segments that have them all.
    fn lasts(&self, ids: &[u128]) -> (Snapshot, Vec<(u128, Place)>) {
        let mut held = self.held();
        let snapshot = held.snapshot();
        let lasts = ids.iter().filter_map(|&id| Some((id, held.traces.get(id)?.last)));
        let lasts = lasts.collect();
        (snapshot, lasts)
    }
}

/// Owned processes, each once, so that the spans of an answer share them.
#[derive(Default)]
struct Processes {
    known: HashMap<(u32, u32), Arc<Process<'static>>>,
    all: Vec<Arc<Process<'static>>>,
}

impl Processes {
    fn get(&mut self, segment: &Segment, number: u32) -> Arc<Process<'static>> {
        let Processes { known, all } = self;
        let process = known.entry((segment.number, number)).or_insert_with(|| {
            let process = segment.read_process(number);
            if let Some(same) = all.iter().find(|other| ***other == process) {
                return Arc::clone(same);
            }
            let process = Arc::new(process.into_owned());
            all.push(Arc::clone(&process));
            process
        });
        Arc::clone(process)
    }
}

fn heads_of(snapshot: &Snapshot, trace_id: u128, last: Place, each: EachTrace<'_>) -> ControlFlow<()> {
    let head = |(segment, place): (_, Place)| {
        let segment: &Segment = segment;
        let (fixed, mut reader) = segment.fixed(place.at());
        let series = &segment.series[fixed.series as usize];
        let references = read_references(&mut reader, &fixed);
        SpanHead {
            span_id: fixed.span_id,
            parent_span_id: parent_of(trace_id, fixed.parent_span_id, &references),
            service: segment.service(series.process),
            operation: segment.dictionary.get(series.operation),
            start_time: fixed.start_time,
            duration: fixed.duration,
            kind: segment.kind(series),
            error: fixed.marks & mark::ERROR != 0,
            panic: series.outcome & outcome::PANIC != 0,
            cancelled: series.outcome & outcome::CANCELLED != 0,
        }
    };
    let mut spans: Vec<SpanHead<'_>> = snapshot.chain(last).into_iter().map(head).collect();
    spans.sort_by_key(|span| span.start_time);
    each(TraceHeads { trace_id, spans: &spans })
}

impl Store for MemoryStore {
    fn append(&self, batch: &Batch<'_>) -> Appended {
        if batch.spans.is_empty() {
            return Appended::default();
        }
        let mut held = self.lock();
        let mut spans = &batch.spans[..];
        while !spans.is_empty() {
            let mut adding = Adding::new(&mut held);
            adding.set_process(&batch.process);
            while let Some((span, rest)) = spans.split_first() {
                adding.add(span);
                spans = rest;
                // Asked behind the span: a process that fills a segment alone must not keep its spans out.
                if adding.is_full() {
                    break;
                }
            }
            let added = adding.keep();
            held.spans += added;
            held.after_message(self.limit);
        }
        Appended { stored: batch.spans.len(), lost: 0 }
    }

    fn append_while_read<'a>(&self, bytes: usize, read: Read<'_, 'a>) -> Option<Appended> {
        let mut held = self.lock();
        // So that it may go into one segment, and out of it again. What is no message may so begin a segment that is a fourth smaller, which costs less of what is
        // held than a message of that size would.
        if held.active.is_nearly_full(bytes) {
            held.seal(self.limit);
        }
        let mut adding = Adding::new(&mut held);
        let is_whole = read(&mut adding);
        let is_over = adding.is_over();
        if !is_whole || is_over {
            adding.forget();
        }
        let added = adding.keep();
        held.spans += added;
        held.after_message(self.limit);
        (!is_over).then_some(Appended { stored: added as usize, lost: 0 })
    }

    fn find_while(&self, query: &TraceQuery, go_on: &dyn Fn() -> bool) -> Answer<Vec<u128>> {
        Ok(self.search(query, go_on))
    }

    fn traces(&self, ids: &[u128]) -> Answer<Vec<Trace>> {
        let (snapshot, lasts) = self.lasts(ids);
        let mut processes = Processes::default();
        let trace = |(trace_id, last)| {
            let span = |(segment, place): (_, Place)| {
                let segment: &Segment = segment;
                let (fixed, reader) = segment.fixed(place.at());
                let process = segment.series[fixed.series as usize].process;
                StoredSpan {
                    process: processes.get(segment, process),
                    span: segment.span(&fixed, reader).into_owned(),
                }
            };
            let mut spans: Vec<StoredSpan> = snapshot.chain(last).into_iter().map(span).collect();
            spans.sort_by_key(|stored| stored.span.start_time);
            Trace { trace_id, spans }
        };
        Ok(lasts.into_iter().map(trace).filter(|trace| !trace.spans.is_empty()).collect())
    }

    fn heads(&self, ids: &[u128], each: EachTrace<'_>) -> Answer<()> {
        for ids in ids.chunks(AT_ONCE) {
            let (snapshot, lasts) = self.lasts(ids);
            for (id, last) in lasts {
                if heads_of(&snapshot, id, last, each).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn scan_traces(&self, range: &Scan, each: EachTrace<'_>) -> Answer<()> {
        let within = |span: &SpanHead<'_>| {
            (range.start_min..=range.start_max).contains(&span.start_time)
                && range.service.as_ref().is_none_or(|service| service == span.service)
        };
        let mut go_on = ControlFlow::Continue(());
        let mut some = |ids: &mut Vec<u128>| {
            let answer = self.heads(ids, &mut |trace| {
                if trace.spans.iter().any(within) {
                    go_on = each(trace);
                }
                go_on
            });
            ids.clear();
            answer.map(|()| go_on.is_break())
        };
        let snapshot = self.held().snapshot();
        let mut ids = Vec::with_capacity(AT_ONCE);
        for segment in snapshot.newest_first() {
            for series in &segment.series {
                for (_, fixed, _) in segment.records(series).filter(|(_, fixed, _)| fixed.before.is_none()) {
                    ids.push(fixed.trace_id);
                    if ids.len() == AT_ONCE && some(&mut ids)? {
                        return Ok(());
                    }
                }
            }
        }
        some(&mut ids).map(|_| ())
    }

    fn scan(&self, range: &Scan, each: EachSpan<'_>) -> Answer<()> {
        let snapshot = self.held().snapshot();
        for segment in snapshot.newest_first() {
            for number in 0..segment.process_count() {
                let of_service =
                    range.service.as_ref().is_none_or(|service| service == segment.service(number));
                let series = segment.series.iter().filter(|series| {
                    of_service
                        && series.process == number
                        && series.start_max >= range.start_min
                        && series.start_min <= range.start_max
                });
                let mut process = None;
                for series in series {
                    let process = process.get_or_insert_with(|| segment.read_process(number));
                    for (_, fixed, reader) in segment.records(series) {
                        if (range.start_min..=range.start_max).contains(&fixed.start_time)
                            && each(process, &segment.span(&fixed, reader)).is_break()
                        {
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn services(&self) -> Answer<Vec<String>> {
        let snapshot = self.held().snapshot();
        let names: BTreeSet<&str> = snapshot
            .newest_first()
            .flat_map(|segment| segment.series.iter().map(|series| segment.service(series.process)))
            .collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn operations(&self, service: &str) -> Answer<Vec<Operation>> {
        let snapshot = self.held().snapshot();
        let mut all: BTreeSet<(&str, &str)> = BTreeSet::new();
        for segment in snapshot.newest_first() {
            let series = segment.series.iter().filter(|series| segment.service(series.process) == service);
            all.extend(series.map(|series| (segment.dictionary.get(series.operation), segment.kind(series))));
        }
        let operation =
            |(name, kind): (&str, &str)| Operation { name: name.to_owned(), kind: kind.to_owned() };
        Ok(all.into_iter().map(operation).collect())
    }

    fn stats(&self) -> StoreStats {
        let held = self.held();
        StoreStats {
            spans: held.spans,
            traces: held.traces.len() as u64,
            bytes: held.bytes() as u64,
            bytes_limit: self.limit as u64,
            evicted_spans: held.evicted,
            unwritten: 0,
            trouble: None,
        }
    }

    fn describe(&self) -> String {
        format!("memory, at most {} MiB", self.limit >> 20)
    }
}
