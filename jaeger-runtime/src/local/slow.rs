//! What the hot path calls when it cannot go straight on: no log yet, no context, a changed one, a full log, values to format, a clock that has to be asked for.
//!
//! Every function here leaves the thread in a state in which the fast path is right again, or counts what was lost. Nothing here fails.

use super::{AMBIENT, Local, Nested, Parent, end_bits};
use crate::clock::{may_read_counter, ticks};
use crate::context::{SAMPLED, SpanContext, WIRE};
use crate::event_log::format::{
    CONTEXT_WORDS, END_WITH_WORDS, EXTRA_WORDS, ExtraKind, Head, Kind, MAX_VALUES, NEW_OWNER, NotWritten,
    Outcome, Overflow, START_AT_WORDS, START_WORDS, first_word, fitting, only_word, write_values,
};
use crate::event_log::registry;
use crate::event_log::ring::Room;
use crate::global;
use crate::site::Site;
use crate::text;
use crate::value::Value;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Spans of threads that have no log: the budget is used up, or the thread is ending. Not in steady state, so a shared counter is good enough.
static LOST_WITHOUT_LOG: AtomicU64 = AtomicU64::new(0);

/// Spans lost because their thread had no log.
pub(crate) fn lost_without_log() -> u64 {
    LOST_WITHOUT_LOG.load(Relaxed)
}

/// The end of a moved span that found no room in its thread's log. Never more than there are open spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LateEnd {
    pub(crate) span_id: u64,
    pub(crate) ticks: u64,
    pub(crate) outcome: Outcome,
    /// How many values it would have said: lost if the span arrives, and with it if it does not.
    pub(crate) untold: usize,
}

static LATE_ENDS: Mutex<Vec<LateEnd>> = Mutex::new(Vec::new());

/// Takes the ends that found no room.
pub(crate) fn drain_late_ends() -> Vec<LateEnd> {
    std::mem::take(&mut *LATE_ENDS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Gives the log back when the thread ends. Its destructor is why `Local` needs none.
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(ring) = super::LOCAL.with(|l| l.log.detach()) {
            registry::release(ring);
        }
    }
}

thread_local! {
    static OWNER: Owner = const { Owner };
}

impl Local {
    #[inline(never)]
    pub(super) fn start_slow(&self, site: &'static Site, values: &[Value<'_>]) -> Nested {
        if !super::is_on() {
            return Nested::OFF;
        }
        if self.is_trapped_by_clock() && self.is_sampled() && site.number() != 0 {
            if let Ok(nested) = self.write_start(site.number(), values, super::value_bound(site), ticks) {
                return nested;
            }
        }
        let number = if site.number() == 0 { site.register() } else { site.number() };
        let max_len = super::value_bound(site);
        if values.is_empty() {
            return self.start_plain(site, number, &[], max_len);
        }
        // The user's code may run here, and may open spans: before anything of this one is decided.
        text::with_plain(values, max_len, |plain| self.start_plain(site, number, plain, max_len))
    }

    #[inline(always)]
    fn start_plain(&self, site: &'static Site, number: u32, values: &[Value<'_>], max_len: usize) -> Nested {
        if self.flags.get() & AMBIENT == 0 {
            return self.start_root(site, number, values, max_len);
        }
        // The context before the span, in case the log has no room for both. Where there is none, a child's place is taken by its parent.
        if self.flags.get() & SAMPLED == 0 || !self.room() || !self.say_context() || !self.room() {
            return Nested::OFF;
        }
        self.write_nested(site, values, max_len, START_WORDS, |values| {
            self.write_start(number, values, max_len, ticks)
        })
    }

    /// Writes the start of a nested span with the values that one event can hold, and the others behind it. There must be room.
    #[inline(always)]
    pub(super) fn write_nested(
        &self,
        site: &Site,
        values: &[Value<'_>],
        max_len: usize,
        fixed: usize,
        write: impl Fn(&[Value<'_>]) -> Result<Nested, NotWritten>,
    ) -> Nested {
        if let Ok(nested) = write(values) {
            return nested;
        }
        let words = self.log.window().len();
        let (written, left) = with_fitting(words, fixed, values, max_len, write);
        match written {
            Ok(nested) => {
                self.write_rest(nested.id, site, values, left);
                nested
            }
            Err(NotWritten) => {
                debug_assert!(false, "plain values that fit were not written");
                self.log.count_refused();
                Nested::OFF
            }
        }
    }

    /// Tags of a span that found no room in the event of its start, in events of their own.
    fn write_rest(&self, span_id: u64, site: &Site, values: &[Value<'_>], left: Left) {
        for (index, (key, value)) in site.keys().zip(values).enumerate() {
            if left.has(index) {
                self.write_extra(
                    span_id,
                    ExtraKind::Tag,
                    &[Value::Str(key), *value],
                    super::value_bound(site),
                );
            }
        }
    }

    /// Ids of a new trace and what the sampler says of it: the context with span 0, and which sampler it was.
    fn new_root<'a>(&self, name: impl FnOnce() -> &'a str) -> Option<(SpanContext, u16)> {
        self.seed();
        let tracer = global::shared()?;
        let high = if tracer.trace_id_128() { self.free_id() } else { 0 };
        let low = self.free_id();
        let (sampled, origin) = tracer.sample(low, name);
        Some((SpanContext::from_raw(high, low, 0, if sampled { SAMPLED } else { 0 }), origin))
    }

    /// Writes a Context if the collector does not know the ambient one. There must be room.
    fn say_context(&self) -> bool {
        if self.dirty.get() {
            if !self.write_context(self.ambient()) {
                return false;
            }
            self.dirty.set(false);
        }
        self.open_trap();
        true
    }

    /// Writes a Context if the collector does not know where the generator stands. There must be room.
    pub(super) fn say_ids(&self) -> bool {
        self.ids_known.get() || self.write_context(SpanContext::NONE)
    }

    pub(super) fn write_context(&self, context: SpanContext) -> bool {
        let [first, high, low, parent, ids, ..] = self.log.window() else { return false };
        let owner = if self.new_owner.replace(false) { NEW_OWNER } else { 0 };
        first.store(
            first_word(Kind::Context, CONTEXT_WORDS, Head::NONE, u32::from(context.flags) | owner),
            Relaxed,
        );
        high.store(context.trace_id.high, Relaxed);
        low.store(context.trace_id.low, Relaxed);
        parent.store(context.span_id, Relaxed);
        ids.store(self.nested_ids.get(), Relaxed);
        self.log.publish(CONTEXT_WORDS);
        self.ids_known.set(true);
        true
    }

    /// The collector knows the ambient context: the fast path may be taken, unless something still waits for its turn, or the clock is one of which the fast path does not know.
    pub(super) fn open_trap(&self) {
        if !self.displaced.get() && may_read_counter() {
            self.log.release_trap();
        }
    }

    /// Room for one event of any length; counts the span as lost if there is none.
    pub(super) fn room(&self) -> bool {
        if self.log.is_open_untrapped() {
            return true;
        }
        if !self.take_log() {
            LOST_WITHOUT_LOG.fetch_add(1, Relaxed);
            return false;
        }
        let room = self.make_room();
        if !room {
            self.log.count_refused();
        }
        room
    }

    /// Room for one event of any length, if the log has any; tells the collector when it is time to read.
    fn make_room(&self) -> bool {
        let room = self.log.make_room();
        if room != Room::Yes {
            global::wake_collector();
        }
        room != Room::No
    }

    /// Makes sure that this thread has a log, unless the budget is used up or the thread is about to end.
    fn take_log(&self) -> bool {
        if self.log.is_attached() {
            return true;
        }
        // Asked for in vain, a log is asked for again only when one was given back: a thread without one must not lock at every span.
        let given_back = registry::given_back();
        if self.refused_at.get() == given_back || OWNER.try_with(|_| ()).is_err() {
            return false;
        }
        self.seed();
        match registry::acquire() {
            Some(ring) => {
                self.log.attach(ring);
                self.new_owner.set(true);
                self.ids_known.set(false);
                self.dirty.set(true);
                self.log.trap();
                true
            }
            None => {
                self.refused_at.set(given_back);
                false
            }
        }
    }

    /// Seeds the generators once a thread, from the operating system's randomness (by way of the standard library's hash keys).
    pub(super) fn seed(&self) {
        if self.free_ids.get() == 0 {
            let keys = RandomState::new();
            self.free_ids.set(keys.hash_one(0u8) | 1);
            self.nested_ids.set(keys.hash_one(1u8));
        }
    }

    /// The end of a span with no more to say than the time.
    #[cold]
    #[inline(never)]
    pub(super) fn end_slow_bare(&self, nested: Nested) {
        self.end_slow(nested, Outcome::Ok, &[], 0);
    }

    /// The end of one with more.
    #[cold]
    #[inline(never)]
    pub(super) fn end_with_slow(
        &self,
        nested: Nested,
        outcome: Outcome,
        values: &[Value<'_>],
        max_len: usize,
    ) {
        self.end_slow(nested, outcome, values, max_len);
    }

    #[inline(always)]
    fn end_slow(&self, nested: Nested, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
        if let Some(id) = nested.as_unwritten_root() {
            return self.leave(Nested { id, parent: 0 });
        }
        let now = ticks();
        let next = self.span.get() == nested.id && self.is_trapped_by_clock();
        if next && self.write_end(now, outcome, values, max_len).is_ok() {
            return self.leave_quick(nested);
        }
        text::with_plain(values, max_len, |plain| self.write_end_slow(now, outcome, plain, max_len));
        self.leave(nested);
    }

    /// Whether the log is trapped by the clock and by nothing else: where the counter may not be read that is the usual way, and as quick as the clock is. Where it may, what has come here did not because of it.
    #[inline(always)]
    pub(super) fn is_trapped_by_clock(&self) -> bool {
        !may_read_counter() && self.log.is_open_untrapped() && !self.dirty.get() && !self.displaced.get()
    }

    /// The end of a nested span, in one word if it has no more to say than the time.
    #[inline(always)]
    fn write_end(
        &self,
        now: u64,
        outcome: Outcome,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Result<(), NotWritten> {
        if !values.is_empty() || outcome != Outcome::Ok {
            return self.write_end_with(|| now, outcome, values, max_len);
        }
        let [only] = self.log.first_words().ok_or(NotWritten)?;
        only.store(only_word(Kind::End, now), Relaxed);
        self.log.publish(1);
        Ok(())
    }

    fn write_end_slow(&self, now: u64, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
        if !self.log.is_attached() {
            // The thread is ending and its log is gone; the collector counts the span as unfinished.
            return;
        }
        let whole = self.log.is_open_untrapped() || self.make_room();
        self.log.release_end();
        match whole {
            true => {
                let _never_needs_text = self.write_end(now, outcome, values, max_len);
            }
            false => self.write_end_without(now, outcome, said(values)),
        }
    }

    /// In the two words that were kept for it.
    #[cold]
    fn write_end_without(&self, now: u64, outcome: Outcome, untold: usize) {
        if let [first, stamp, ..] = self.log.window() {
            let (head, bits) = (Head::NONE.without(untold), end_bits(outcome, 0));
            first.store(first_word(Kind::EndWith, END_WITH_WORDS, head, bits), Relaxed);
            stamp.store(now, Relaxed);
            self.log.publish(END_WITH_WORDS);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn suspend_slow(&self, nested: Nested) {
        self.say_suspended(nested);
        self.leave(match nested.as_unwritten_root() {
            Some(id) => Nested { id, parent: 0 },
            None => nested,
        });
    }

    /// Tells the collector, and leaves the ambient context to the caller.
    #[cold]
    #[inline(never)]
    pub(super) fn say_suspended(&self, nested: Nested) {
        if nested.as_unwritten_root().is_some() || !self.log.is_attached() {
            return;
        }
        // Its end has room, and this takes no more.
        let _whole_events_fit = self.log.is_open_untrapped() || self.make_room();
        self.log.release_end();
        if let Some(first) = self.log.window().first() {
            first.store(only_word(Kind::Suspend, nested.id), Relaxed);
            self.log.publish(1);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn start_at_slow(
        &self,
        site: &'static Site,
        parent: Parent,
        values: &[Value<'_>],
        max_len: usize,
    ) -> SpanContext {
        if !global::is_on() {
            return SpanContext::NONE;
        }
        let number = if site.number() == 0 { site.register() } else { site.number() };
        text::with_plain(values, max_len, |plain| self.start_at_plain(site, number, parent, plain, max_len))
    }

    fn start_at_plain(
        &self,
        site: &'static Site,
        number: u32,
        parent: Parent,
        values: &[Value<'_>],
        max_len: usize,
    ) -> SpanContext {
        self.seed();
        let parent = match parent {
            Parent::Ambient => self.ambient(),
            Parent::Of(context) => context,
            Parent::None => SpanContext::NONE,
        };
        let (trace, origin) = if parent.is_valid() {
            (SpanContext { flags: parent.flags & WIRE, ..parent }, 0)
        } else {
            let name = || match (site.name(), values.first()) {
                ("", Some(Value::Str(name))) => name,
                (name, _) => name,
            };
            match self.new_root(name) {
                Some(root) => root,
                None => return SpanContext::NONE,
            }
        };
        let span = SpanContext { span_id: self.free_id(), ..trace };
        if !span.is_sampled() {
            return span;
        }
        // Where there is no room the span is lost, and counted. Its context is kept all the same: what it calls stays in its trace. Its end will find nothing and say nothing.
        if self.room() {
            let words = self.log.window().len();
            let (written, left) = with_fitting(words, START_AT_WORDS, values, max_len, |values| {
                self.write_start_at(number, span, parent, origin, values, max_len)
            });
            match written {
                Ok(()) => self.write_rest(span.span_id, site, values, left),
                Err(NotWritten) => {
                    debug_assert!(false, "plain values that fit were not written");
                    self.log.count_refused();
                }
            }
        }
        span
    }

    #[cold]
    #[inline(never)]
    pub(super) fn end_at_slow(
        &self,
        span_id: u64,
        now: u64,
        outcome: Outcome,
        values: &[Value<'_>],
        max_len: usize,
    ) {
        text::with_plain(values, max_len, |plain| {
            let room = self.log.is_open_untrapped() || self.take_log() && self.make_room();
            let done = room && self.write_end_at(span_id, now, outcome, plain, max_len).is_ok();
            if !done {
                let untold = said(plain);
                let mut late = LATE_ENDS.lock().unwrap_or_else(PoisonError::into_inner);
                late.push(LateEnd { span_id, ticks: now, outcome, untold });
                drop(late);
                global::wake_collector();
            }
        });
    }

    #[cold]
    #[inline(never)]
    pub(super) fn extra_slow(&self, span_id: u64, kind: ExtraKind, values: &[Value<'_>], max_len: usize) {
        text::with_plain(values, max_len, |plain| self.write_extra(span_id, kind, plain, max_len));
    }

    fn write_extra(&self, span_id: u64, kind: ExtraKind, plain: &[Value<'_>], max_len: usize) {
        let room = self.log.is_open_untrapped() || self.take_log() && self.make_room();
        let window = self.log.window();
        let (true, [first, stamp, id, ..]) = (room, window) else {
            global::count_lost_extras(1);
            return;
        };
        if let Ok(done) = write_values(window, EXTRA_WORDS, plain, max_len, Overflow::Cut) {
            let bits = kind as u32 | (plain.len().min(MAX_VALUES) as u32) << 8;
            first.store(first_word(Kind::Extra, done.words, done.head, bits), Relaxed);
            stamp.store(ticks(), Relaxed);
            id.store(span_id, Relaxed);
            self.log.publish(done.words);
        }
    }
}

/// How many values a span has to say at its end.
fn said(values: &[Value<'_>]) -> usize {
    values.iter().filter(|value| !matches!(value, Value::None)).count()
}

/// Indices of values that follow in events of their own.
#[derive(Clone, Copy)]
struct Left {
    fits: u64,
}

impl Left {
    fn has(self, index: usize) -> bool {
        index >= MAX_VALUES || self.fits & (1 << index) == 0
    }
}

/// Calls `f` with the values that one event of `words` words can hold, those without room replaced by `None`.
fn with_fitting<'v, R>(
    words: usize,
    fixed: usize,
    values: &[Value<'v>],
    max_len: usize,
    f: impl FnOnce(&[Value<'v>]) -> R,
) -> (R, Left) {
    let left = Left { fits: fitting(words, fixed, values, max_len) };
    // Almost always.
    if (0..values.len()).all(|index| !left.has(index)) {
        return (f(values), left);
    }
    let mut kept = [Value::None; MAX_VALUES];
    for (index, (kept, value)) in kept.iter_mut().zip(values).enumerate() {
        if !left.has(index) {
            *kept = *value;
        }
    }
    (f(&kept[..values.len().min(MAX_VALUES)]), left)
}
