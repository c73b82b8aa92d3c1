//! Events in, finished spans out.
//!
//! For each log the fold keeps what its thread keeps: the ambient context, the id generator and the stack of open nested spans; so those events carry neither ids nor parents. Spans that
//! move between threads stand in one table, and so does the span of an async function from the moment at which it first waits.
//!
//! Rounds: one round reads every log up to where it stood when the round began, a turn each after the other, so that a long one does not keep the short ones waiting until they are full. A moved span's `EndAt` is applied one whole round after it was read: everything
//! that happened before it, on whatever thread, was by then written before the later round looked, and so has been read: its `StartAt`, its tags, its logs.
//!
//! Invariants:
//! 1. Every span that was read counts in `started`, and then in exactly one of `finished`, `collector_full`, `unfinished`, or it is open.
//! 2. What is held for open spans stays below `budget` bytes; past it new spans are dropped and counted, and their ends are met without them.
//! 3. No event, also no damaged one, panics or moves another span.

mod waiting;

use super::emit::{Emitter, Ended, Opened};
use super::extras::{Extras, Item, Spare};
use super::stats::Counts;
use crate::callsite::Callsite;
use crate::clock::{Scale, TICK_MASK};
use crate::context::{REMOTE, SpanContext, WIRE};
use crate::event_log::format::{
    self, END_AT_WORDS, END_WITH_WORDS, EXTRA_WORDS, ExtraKind, Kind, NEW_OWNER, ROOT_128, ROOT_WORDS,
    START_AT_WORDS, START_WORDS, Values,
};
use crate::event_log::primitive::{Ordering::Relaxed, Word};
use crate::event_log::registry;
use crate::event_log::ring::Ring;
use crate::local;
use crate::report::Fanout;
use crate::sampler::Origin;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use waiting::{Early, Ending, Said, Waiting, count};

/// Span ids are random already.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }
    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

type ById<T> = HashMap<u64, T, BuildHasherDefault<IdHasher>>;

/// What the fold knows of one log and of the thread that writes it.
struct Thread {
    ring: &'static Ring,
    mirror: Mirror,
    stack: Vec<Nested>,
    /// The arguments of the spans on the stack, one above the other.
    arena: Vec<u8>,
}

/// What the thread's next nested span will be a child of. `context.span_id` is the parent.
#[derive(Clone, Copy, Default)]
struct Mirror {
    context: SpanContext,
    /// Which sampler let the trace in, for its root.
    origin: u16,
    ids: u64,
}

struct Nested {
    id: u64,
    before: SpanContext,
    origin: u16,
    callsite: u32,
    descriptor: u16,
    /// Past the budget: counted already, only here to keep the stack's order.
    dropped: bool,
    arena: usize,
    start_nanos: i64,
    start_ticks: u64,
    extras: Option<Box<Extras>>,
}

struct Moved {
    context: SpanContext,
    parent: u64,
    remote: bool,
    origin: u16,
    callsite: u32,
    descriptor: u16,
    count: usize,
    start_nanos: i64,
    start_ticks: u64,
    values: Box<[u8]>,
    extras: Option<Box<Extras>>,
}

pub(super) struct Fold {
    threads: Vec<Thread>,
    /// Where each log stood when this round began.
    ends: Vec<u64>,
    moved: ById<Moved>,
    /// Read in this round.
    now: Waiting,
    /// Read in the round before.
    before: Waiting,
    sites: Vec<&'static Callsite>,
    origins: Vec<&'static Origin>,
    /// Bytes held for open spans, and the most that may be.
    held: usize,
    budget: usize,
    pub(super) counts: Counts,
    tools: Tools,
}

/// What it takes to turn an event into a report, apart from the fold's own state.
struct Tools {
    emitter: Emitter,
    /// The payload of the event in hand.
    payload: Vec<u8>,
    spare: Spare,
}

/// Words that are read of one log before it is the next one's turn: well below a millisecond of folding.
const TURN: u64 = 1 << 14;

/// An estimate of what one open span costs beside its values.
const OPEN_BYTES: usize = size_of::<Moved>() + 16;

impl Fold {
    /// `origins[n - 1]` is the sampler that events call `n`.
    pub(super) fn new(budget: usize, origins: Vec<&'static Origin>) -> Self {
        Self {
            threads: Vec::new(),
            ends: Vec::new(),
            moved: ById::default(),
            now: Waiting::default(),
            before: Waiting::default(),
            sites: Vec::new(),
            origins,
            held: 0,
            budget,
            counts: Counts::default(),
            tools: Tools { emitter: Emitter::default(), payload: Vec::new(), spare: Spare::default() },
        }
    }

    /// Reads every log once. Two rounds after a span has ended it has been reported.
    pub(super) fn round(&mut self, scale: &Scale, to: &mut Fanout) {
        self.catch_up();
        self.read_all(scale, to);
    }

    fn read_all(&mut self, scale: &Scale, to: &mut Fanout) {
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.clear();
        for late in local::drain_late_ends() {
            let at = self.now.bytes.len();
            let local::LateEnd { span_id: id, ticks, outcome, untold } = late;
            let said = Said { outcome, count: 0, untold: untold as u64 };
            self.now.ends.push(Ending { id, ticks, said, descriptor: 0, start: at, end: at });
        }
        let mut ends = std::mem::take(&mut self.ends);
        ends.clear();
        ends.extend(self.threads.iter().map(|thread| thread.ring.written()));
        loop {
            let mut done = true;
            for (index, end) in ends.iter().enumerate() {
                done &= self.read_thread(index, *end, scale, to);
            }
            if done {
                break;
            }
        }
        self.ends = ends;
        self.apply_waiting(scale, to);
    }

    /// Learns of new logs and callsites. A callsite is registered before its first event, so what is read after this is known, or known at the next lookup.
    fn catch_up(&mut self) {
        let mut rings: Vec<&'static Ring> = self.threads.iter().map(|thread| thread.ring).collect();
        let known = rings.len();
        registry::catch_up(&mut rings);
        self.threads.extend(rings[known..].iter().map(|ring| Thread {
            ring,
            mirror: Mirror::default(),
            stack: Vec::new(),
            arena: Vec::new(),
        }));
        self.counts.refused = self.threads.iter().map(|thread| thread.ring.refused()).sum();
        self.counts.without_log = local::lost_without_log();
    }

    /// One turn of one log; whether that was all.
    fn read_thread(&mut self, index: usize, end: u64, scale: &Scale, to: &mut Fanout) -> bool {
        let ring = self.threads[index].ring;
        ring.read(end, TURN, format::length, |event| self.event(index, event, scale, to))
    }

    /// Another thread writes this log from here on. What the last one left open can only be spans that it leaked.
    fn new_owner(&mut self, index: usize) {
        let thread = &mut self.threads[index];
        for span in thread.stack.drain(..) {
            self.counts.unfinished += u64::from(!span.dropped);
            self.held = self.held.saturating_sub(nested_bytes(&span, 0));
        }
        self.held = self.held.saturating_sub(thread.arena.len());
        thread.arena.clear();
    }

    fn event(&mut self, index: usize, event: &[Word], scale: &Scale, to: &mut Fanout) {
        let word = |i: usize| event.get(i).map_or(0, |word| word.load(Relaxed));
        let first = word(0);
        let descriptor = (first >> 32) as u16;
        match format::kind(first) {
            Some(Kind::Context) => {
                if first as u32 & NEW_OWNER != 0 {
                    self.new_owner(index);
                }
                self.threads[index].mirror = Mirror {
                    context: SpanContext::from_raw(word(1), word(2), word(3), first as u8),
                    origin: 0,
                    ids: word(4),
                };
            }
            Some(Kind::Root) => {
                let bits = word(2);
                let mirror = &mut self.threads[index].mirror;
                let high = if bits & ROOT_128 != 0 { format::next_id(&mut mirror.ids) } else { 0 };
                let low = format::next_id(&mut mirror.ids);
                mirror.context = SpanContext::from_raw(high, low, 0, bits as u8 & WIRE);
                mirror.origin = (bits >> 8) as u16;
                let payload = event.get(ROOT_WORDS..).unwrap_or_default();
                self.start(index, first as u32, descriptor, word(1), payload, scale);
            }
            Some(Kind::Suspend) => self.suspend(index, first & TICK_MASK),
            Some(Kind::Start) => {
                let payload = event.get(START_WORDS..).unwrap_or_default();
                self.start(index, first as u32, descriptor, word(1), payload, scale);
            }
            Some(Kind::End) => {
                self.end(index, first & TICK_MASK, Said::NOTHING, 0, &[], scale, to);
            }
            Some(Kind::EndWith) => {
                let payload = event.get(END_WITH_WORDS..).unwrap_or_default();
                self.end(index, word(1), Said::of(first), descriptor, payload, scale, to);
            }
            Some(Kind::StartAt) => self.start_at(event, first as u32, descriptor, scale),
            Some(Kind::EndAt) => {
                let start = self.now.bytes.len();
                push_bytes(&mut self.now.bytes, event.get(END_AT_WORDS..).unwrap_or_default());
                let end = self.now.bytes.len();
                self.now.ends.push(Ending {
                    id: word(2),
                    ticks: word(1),
                    said: Said::of(first),
                    descriptor,
                    start,
                    end,
                });
            }
            Some(Kind::Extra) => {
                self.counts.extras_lost += format::untold(first);
                self.extra(
                    index,
                    word(2),
                    ExtraKind::from_bits(first),
                    scale.wall(word(1)),
                    count(first),
                    descriptor,
                    event,
                );
            }
            None => {}
        }
    }

    fn start(
        &mut self,
        index: usize,
        callsite: u32,
        descriptor: u16,
        ticks: u64,
        payload: &[Word],
        scale: &Scale,
    ) {
        let thread = &mut self.threads[index];
        let id = format::next_id(&mut thread.mirror.ids);
        let before = thread.mirror.context;
        self.counts.started += 1;
        let arena = thread.arena.len();
        let dropped = self.held + payload.len() * 8 + OPEN_BYTES > self.budget;
        if dropped {
            self.counts.collector_full += 1;
        } else {
            push_bytes(&mut thread.arena, payload);
        }
        let span = Nested {
            id,
            before,
            origin: thread.mirror.origin,
            callsite,
            descriptor,
            dropped,
            arena,
            start_nanos: scale.wall(ticks),
            start_ticks: ticks,
            extras: None,
        };
        self.held += nested_bytes(&span, thread.arena.len() - arena);
        thread.stack.push(span);
        thread.mirror.context.span_id = id;
        // Only the first span of what this process records is a child of another process.
        thread.mirror.context.flags &= !REMOTE;
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one event")]
    fn end(
        &mut self,
        index: usize,
        ticks: u64,
        said: Said,
        descriptor: u16,
        payload: &[Word],
        scale: &Scale,
        to: &mut Fanout,
    ) {
        let thread = &mut self.threads[index];
        let Some(span) = thread.stack.pop() else { return };
        thread.mirror.context = span.before;
        self.held = self.held.saturating_sub(nested_bytes(&span, thread.arena.len() - span.arena));
        if !span.dropped {
            if let Some(callsite) = site(&mut self.sites, span.callsite) {
                self.tools.payload.clear();
                push_bytes(&mut self.tools.payload, payload);
                let opened = Opened {
                    context: SpanContext { span_id: span.id, flags: span.before.flags & WIRE, ..span.before },
                    parent: span.before.span_id,
                    local_root: span.before.span_id == 0 || span.before.is_remote(),
                    origin: origin(&self.origins, span.origin, span.before.span_id),
                    callsite,
                    start_nanos: span.start_nanos,
                    start_ticks: span.start_ticks,
                    values: Values::new(callsite.args().len(), span.descriptor, &thread.arena[span.arena..]),
                    extras: span.extras.as_deref(),
                };
                let values = Values::new(said.count, descriptor, &self.tools.payload);
                self.tools.emitter.emit(&opened, &Ended { ticks, outcome: said.outcome, values }, scale, to);
                self.counts.finished += 1;
                self.counts.extras_lost += said.untold;
            } else {
                self.counts.unfinished += 1;
            }
        }
        self.tools.spare.give(span.extras);
        thread.arena.truncate(span.arena);
    }

    /// The innermost open span of a log waits, and may move from here on.
    fn suspend(&mut self, index: usize, id: u64) {
        let thread = &mut self.threads[index];
        if thread.stack.last().is_none_or(|span| span.id & TICK_MASK != id) {
            return;
        }
        let Some(span) = thread.stack.pop() else { return };
        thread.mirror.context = span.before;
        thread.mirror.origin = span.origin;
        let values: Box<[u8]> = thread.arena[span.arena..].into();
        thread.arena.truncate(span.arena);
        if span.dropped {
            self.held = self.held.saturating_sub(nested_bytes(&span, values.len()));
            return;
        }
        // What is held stays the same.
        let count = site(&mut self.sites, span.callsite).map_or(0, |callsite| callsite.args().len());
        let Nested { id, before, origin, callsite, descriptor, start_nanos, start_ticks, extras, .. } = span;
        let context = SpanContext { span_id: id, flags: before.flags & WIRE, ..before };
        let moved = Moved {
            context,
            parent: before.span_id,
            remote: before.is_remote(),
            origin,
            callsite,
            descriptor,
            count,
            start_nanos,
            start_ticks,
            values,
            extras,
        };
        self.insert(id, moved);
    }

    fn start_at(&mut self, event: &[Word], callsite: u32, descriptor: u16, scale: &Scale) {
        let word = |i: usize| event.get(i).map_or(0, |word| word.load(Relaxed));
        self.counts.started += 1;
        let payload = event.get(START_AT_WORDS..).unwrap_or_default();
        if self.held + payload.len() * 8 + OPEN_BYTES > self.budget {
            self.counts.collector_full += 1;
            return;
        }
        let (id, rest) = (word(4), word(6));
        let mut values = Vec::with_capacity(payload.len() * 8);
        push_bytes(&mut values, payload);
        let span = Moved {
            context: SpanContext::from_raw(word(2), word(3), id, rest as u8 & WIRE),
            parent: word(5),
            remote: rest as u8 & REMOTE != 0,
            origin: (rest >> 8) as u16,
            callsite,
            descriptor,
            count: (rest >> 32) as usize,
            start_nanos: scale.wall(word(1)),
            start_ticks: word(1),
            values: values.into_boxed_slice(),
            extras: None,
        };
        self.held += moved_bytes(&span);
        self.insert(id, span);
    }

    fn insert(&mut self, id: u64, span: Moved) {
        if let Some(twin) = self.moved.insert(id, span) {
            // Two spans of one id: 64 random bits met. The older one cannot be told from the younger and is given up.
            self.held = self.held.saturating_sub(moved_bytes(&twin));
            self.counts.unfinished += 1;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one event")]
    fn extra(
        &mut self,
        index: usize,
        id: u64,
        kind: ExtraKind,
        nanos: i64,
        count: usize,
        descriptor: u16,
        event: &[Word],
    ) {
        self.tools.payload.clear();
        push_bytes(&mut self.tools.payload, event.get(EXTRA_WORDS..).unwrap_or_default());
        let item = Item { kind, nanos, count, descriptor, bytes: &self.tools.payload };
        let nested = self.threads[index].stack.iter_mut().rev().find(|span| span.id == id);
        let extras = match nested {
            Some(span) if span.dropped => {
                self.counts.extras_lost += 1;
                return;
            }
            Some(span) => Some(&mut span.extras),
            None => self.moved.get_mut(&id).map(|span| &mut span.extras),
        };
        match extras {
            Some(extras) if self.held + item.bytes.len() <= self.budget => {
                self.held += extras.get_or_insert_with(|| self.tools.spare.take()).add(item);
            }
            Some(_) => self.counts.extras_lost += 1,
            None => {
                let start = self.now.bytes.len();
                self.now.bytes.extend_from_slice(item.bytes);
                let end = self.now.bytes.len();
                self.now.early.push(Early { id, kind, nanos, count, descriptor, start, end });
            }
        }
    }

    /// After every log was read: what was read in the round before can be applied.
    fn apply_waiting(&mut self, scale: &Scale, to: &mut Fanout) {
        let waiting = std::mem::take(&mut self.before);
        for early in &waiting.early {
            let Early { id, kind, nanos, count, descriptor, start, end } = *early;
            match self.moved.get_mut(&id) {
                Some(span) if self.held + end - start <= self.budget => {
                    let item = Item { kind, nanos, count, descriptor, bytes: &waiting.bytes[start..end] };
                    self.held += span.extras.get_or_insert_with(|| self.tools.spare.take()).add(item);
                }
                // No room; or its span has ended, or was dropped.
                _ => self.counts.extras_lost += 1,
            }
        }
        for ending in &waiting.ends {
            // A span that the budget refused has no entry; it is counted already.
            let Some(span) = self.moved.remove(&ending.id) else { continue };
            self.held = self.held.saturating_sub(moved_bytes(&span));
            let Some(callsite) = site(&mut self.sites, span.callsite) else {
                self.counts.unfinished += 1;
                continue;
            };
            let opened = Opened {
                context: span.context,
                parent: span.parent,
                local_root: span.parent == 0 || span.remote,
                origin: origin(&self.origins, span.origin, span.parent),
                callsite,
                start_nanos: span.start_nanos,
                start_ticks: span.start_ticks,
                values: Values::new(span.count, span.descriptor, &span.values),
                extras: span.extras.as_deref(),
            };
            let bytes = &waiting.bytes[ending.start..ending.end];
            let Ending { ticks, said, descriptor, .. } = *ending;
            let values = Values::new(said.count, descriptor, bytes);
            self.tools.emitter.emit(&opened, &Ended { ticks, outcome: said.outcome, values }, scale, to);
            self.tools.spare.give(span.extras);
            self.counts.finished += 1;
            self.counts.extras_lost += said.untold;
        }
        self.before = waiting;
    }

    /// Spans that are open now.
    pub(super) fn open(&self) -> u64 {
        let nested = |thread: &Thread| thread.stack.iter().filter(|span| !span.dropped).count();
        (self.moved.len() + self.threads.iter().map(nested).sum::<usize>()) as u64
    }

    /// The end of the tracer: what is open now will not be reported.
    pub(super) fn give_up_open(&mut self) {
        self.counts.unfinished += self.open();
        self.moved.clear();
        self.threads.iter_mut().for_each(|thread| thread.stack.clear());
    }
}

/// The words' bytes as they lie in memory of a little-endian machine, whatever this one is.
fn push_bytes(to: &mut Vec<u8>, words: &[Word]) {
    for word in words {
        to.extend_from_slice(&word.load(Relaxed).to_le_bytes());
    }
}

fn nested_bytes(span: &Nested, values: usize) -> usize {
    OPEN_BYTES + values + span.extras.as_ref().map_or(0, |extras| extras.held())
}

fn moved_bytes(span: &Moved) -> usize {
    OPEN_BYTES + span.values.len() + span.extras.as_ref().map_or(0, |extras| extras.held())
}

fn site(known: &mut Vec<&'static Callsite>, number: u32) -> Option<&'static Callsite> {
    let index = (number as usize).checked_sub(1)?;
    if index >= known.len() {
        Callsite::catch_up(known);
    }
    known.get(index).copied()
}

/// Who let a trace in, for its root only.
fn origin(origins: &[&'static Origin], number: u16, parent: u64) -> Option<&'static Origin> {
    if parent != 0 { None } else { origins.get(usize::from(number).checked_sub(1)?).copied() }
}

#[cfg(test)]
mod tests;
