//! What one thread knows: the ambient context, its id generators, and the writing end of its log. The hot path of the crate.
//!
//! Starting a nested span is: look at the flags, look at the log's limit, write callsite, values and ticks, step the generator, publish. Everything rarer
//! (no context yet, context changed, log at its limit, values that need formatting) is behind one call into `local/slow.rs`.
//!
//! Invariants:
//! 1. The collector mirrors `high, low, span, flags` of this thread as long as the log is not trapped. Whoever changes them other than by a nested start or end calls
//!    [`Local::set_ambient`], which traps the log, and the next nested start first writes a Context.
//! 2. The nested fast path reads the CPU's counter unasked ([`counter`]): where that may not be read, a log stays trapped ([`Local::open_trap`]).
//! 3. No user code runs while an event is being written: values that need it are formatted first (`text.rs`).
//! 4. The thread-local has no destructor, so it can be reached at any time, also from other thread-locals' destructors; giving the ring back is the business of
//!    a second one (`Owner` in `slow.rs`), which is touched only when the ring is taken.
//!
//! Left out on purpose: what a span means to the user (`sync_span.rs`, `async_span.rs`, `span.rs`).

mod poll;
mod root;
mod slow;
mod turns;

use crate::clock::{counter, ticks};
use crate::context::{SAMPLED, SpanContext, WIRE};
use crate::event_log::format::{
    self, END_AT_WORDS, END_WITH_WORDS, Head, Kind, NotWritten, Outcome, Overflow, START_AT_WORDS,
    START_WORDS, Written, first_word, only_word, write_values,
};
use crate::event_log::primitive::{Ordering::Relaxed, Word};
use crate::event_log::ring::Producer;
use crate::global;
use crate::site::Site;
use crate::value::Value;
use std::cell::Cell;

pub(crate) use poll::{Before, Done, Kept, TIMED, is_on_in_poll, kept_without_span};
use poll::{Elsewhere, Opening};
pub(crate) use slow::{LateEnd, drain_late_ends, lost_without_log};
pub(crate) use turns::Attached;

/// In [`Local::flags`]: there is an ambient span.
pub(crate) const AMBIENT: u8 = 0x80;

pub(crate) struct Local {
    high: Cell<u64>,
    low: Cell<u64>,
    span: Cell<u64>,
    /// The context's flags and [`AMBIENT`].
    flags: Cell<u8>,
    /// Ids of nested spans; the collector runs the same generator.
    nested_ids: Cell<u64>,
    /// Ids of traces and of spans that say their ids themselves. 0 until seeded.
    free_ids: Cell<u64>,
    /// Which attachment is ambient; steps with each, so that one dropped out of turn is noticed.
    token: Cell<u64>,
    last_token: Cell<u64>,
    /// What the first poll of a future has opened, until that poll ends; and its span's id.
    opening: Cell<Opening>,
    opened: Cell<u64>,
    opened_elsewhere: Cell<Elsewhere>,
    /// The collector does not know the ambient context yet.
    dirty: Cell<bool>,
    /// The log had another owner before, and the collector does not know yet.
    new_owner: Cell<bool>,
    /// How many logs had been given back when this thread last asked for one in vain.
    refused_at: Cell<usize>,
    /// The collector's generator stands where `nested_ids` does, so a root need not say its ids.
    ids_known: Cell<bool>,
    /// Something went out of turn and waits for its place (`turns.rs`). The log stays trapped as long.
    displaced: Cell<bool>,
    log: Producer,
}

thread_local! {
    static LOCAL: Local = const {
        Local {
            high: Cell::new(0),
            low: Cell::new(0),
            span: Cell::new(0),
            flags: Cell::new(0),
            nested_ids: Cell::new(0),
            free_ids: Cell::new(0),
            token: Cell::new(0),
            last_token: Cell::new(0),
            opening: Cell::new(Opening::Nobody),
            opened: Cell::new(0),
            opened_elsewhere: Cell::new(Elsewhere::NONE),
            dirty: Cell::new(true),
            new_owner: Cell::new(false),
            refused_at: Cell::new(usize::MAX),
            ids_known: Cell::new(false),
            displaced: Cell::new(false),
            log: Producer::detached(),
        }
    };
}

/// A nested span that is open: what its end needs. `id == 0`: there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nested {
    pub(crate) id: u64,
    /// 0: a root; the ambient context is cleared after it.
    pub(crate) parent: u64,
}

impl Nested {
    pub(crate) const OFF: Self = Self { id: 0, parent: 0 };

    /// A root of which no event tells: the sampler refused it, or it found no room. Its id is said inverted where a parent's stands, which makes every quick end go the slow way.
    pub(crate) fn unwritten_root(id: u64) -> Self {
        Self { id: !id, parent: id }
    }

    /// The root's id, if it is one that was not written.
    fn as_unwritten_root(self) -> Option<u64> {
        (self.id == !self.parent).then_some(self.parent)
    }
}

/// Whether a span opened now could be recorded: a tracer is installed, and the ambient trace is not one that was refused.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    global::is_on() && LOCAL.with(|l| l.flags.get() & (AMBIENT | SAMPLED) != AMBIENT)
}

/// The ambient context, [`SpanContext::NONE`] if there is none.
#[inline]
pub(crate) fn current() -> SpanContext {
    LOCAL.with(Local::ambient)
}

/// Opens a span nested in the ambient one, or a root.
#[inline(always)]
pub(crate) fn start(site: &'static Site, values: &[Value<'_>]) -> Nested {
    // The closures given to `with` stay this small on purpose: it is inlined then, and the work is one call to a function that is not generic.
    LOCAL.with(|l| l.start(site, values))
}

/// The same for a callsite without keys.
#[inline(always)]
pub(crate) fn start_bare(site: &'static Site) -> Nested {
    LOCAL.with(|l| l.start_bare(site))
}

/// Ends a nested span with no more to say than the time.
#[inline(always)]
pub(crate) fn end(nested: Nested) {
    LOCAL.with(|l| l.end(nested));
}

/// Ends a nested span with its outcome and values: the reply, or message and kind of the error.
#[inline(always)]
pub(crate) fn end_with(nested: Nested, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
    LOCAL.with(|l| l.end_with(nested, outcome, values, max_len));
}

/// Ends a nested span with its reply.
#[inline(always)]
pub(crate) fn end_reply(nested: Nested, reply: &Value<'_>, max_len: u32) {
    LOCAL.with(|l| l.end_reply(nested, reply, max_len));
}

/// Opens a span that may move between threads or end out of turn. [`SpanContext::NONE`] if nothing is to be done for it at all; a context that is not sampled if
/// it has to be made ambient and nothing more.
#[inline(always)]
pub(crate) fn start_at(
    site: &'static Site,
    parent: Parent,
    values: &[Value<'_>],
    max_len: usize,
) -> SpanContext {
    LOCAL.with(|l| l.start_at(site, parent, values, max_len))
}

/// Ends a span opened by [`start_at`], on whatever thread.
#[inline(always)]
pub(crate) fn end_at(span_id: u64, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
    LOCAL.with(|l| l.end_at(span_id, outcome, values, max_len));
}

/// Adds to an open span. What is neither recorded nor open is ignored.
pub(crate) fn extra(span: SpanContext, kind: format::ExtraKind, values: &[Value<'_>]) {
    extra_within(span, kind, values, global::max_value_len());
}

/// The same with a bound of its own.
pub(crate) fn extra_within(span: SpanContext, kind: format::ExtraKind, values: &[Value<'_>], max_len: usize) {
    if span.is_sampled() && global::is_on() {
        LOCAL.with(|l| l.extra_slow(span.span_id, kind, values, max_len));
    }
}

/// Makes `context` ambient until the returned value is given to [`detach`] or [`restore`].
#[inline]
pub(crate) fn attach(context: SpanContext) -> Attached {
    LOCAL.with(|l| l.attach(context))
}

/// Begins a poll of the future of `span`, or of one whose span its first poll will open.
#[inline(always)]
pub(crate) fn begin_poll(span: &Kept, before: &mut Option<Before>) {
    LOCAL.with(|l| l.begin_poll(span, before));
}

/// Opens the span of the poll that runs, under the ambient one, and makes it ambient. Whether it is recorded.
#[inline(always)]
pub(crate) fn open_in_poll(site: &'static Site, values: &[Value<'_>]) -> bool {
    LOCAL.with(|l| l.open_in_poll(site, values))
}

/// The same for a callsite without keys.
#[inline(always)]
pub(crate) fn open_in_poll_bare(site: &'static Site) -> bool {
    LOCAL.with(|l| l.open_in_poll_bare(site))
}

/// The same under any parent.
pub(crate) fn open_in_poll_under(site: &'static Site, parent: Parent, values: &[Value<'_>]) -> bool {
    LOCAL.with(|l| l.open_in_poll_slow(site, parent, values))
}

/// Ends a poll after which the future waits; `span` is then what its first poll has opened.
#[inline(always)]
pub(crate) fn end_waiting_poll(span: &mut Kept, before: &Before) {
    LOCAL.with(|l| l.end_waiting_poll(span, before));
}

/// Ends the last poll of a future. What it says is to be ended at once.
#[inline(always)]
pub(crate) fn end_last_poll(span: &mut Kept, before: &Before) -> Done {
    LOCAL.with(|l| l.end_last_poll(span, before))
}

/// The same, and ends the span with no more to say than the time.
#[inline(always)]
pub(crate) fn end_last_poll_bare(span: &mut Kept, before: &Before) {
    LOCAL.with(|l| l.end_last_poll_bare(span, before));
}

/// The same with its reply.
#[inline(always)]
pub(crate) fn end_last_poll_reply(span: &mut Kept, before: &Before, reply: &Value<'_>, max_len: u32) {
    LOCAL.with(|l| l.end_last_poll_reply(span, before, reply, max_len));
}

/// Ends the span of a future with its outcome and values.
pub(crate) fn end_done(done: Done, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
    LOCAL.with(|l| l.end_done(done, outcome, values, max_len));
}

/// Ends an attachment that may be out of turn.
#[inline]
pub(crate) fn detach(attached: Attached) {
    LOCAL.with(|l| l.detach(attached));
}

/// Ends an attachment whose turn it is by construction (a poll), whatever was left attached inside it.
#[inline]
pub(crate) fn restore(attached: Attached) {
    LOCAL.with(|l| l.restore(attached));
}

/// The bound of one value in bytes; 0 is the tracer's.
#[inline(always)]
pub(crate) fn bound(max_len: u32) -> usize {
    match max_len {
        0 => global::max_value_len(),
        own => (own as usize).min(format::MAX_VALUE_BYTES),
    }
}

/// The bound of one value of a function in bytes.
#[inline(always)]
pub(crate) fn value_bound(site: &Site) -> usize {
    bound(site.max_len().into())
}

/// Whose child a span becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The ambient span's; a root if there is none.
    Ambient,
    /// This one's; a root if it is none.
    Of(SpanContext),
    /// Nobody's.
    None,
}

impl Local {
    #[inline(never)]
    fn start(&self, site: &'static Site, values: &[Value<'_>]) -> Nested {
        // At its first call only: the texts are taken apart for it.
        debug_assert!(site.number() != 0 || site.keys().count() == values.len(), "{}", site.name());
        self.start_any(site, values)
    }

    #[inline(never)]
    fn start_bare(&self, site: &'static Site) -> Nested {
        self.start_any(site, &[])
    }

    #[inline(always)]
    fn start_any(&self, site: &'static Site, values: &[Value<'_>]) -> Nested {
        let number = site.number();
        if number != 0 && self.log.is_open() {
            if !self.is_sampled() {
                return self.start_root_quick(site, number, values);
            }
            // Without values there is nothing to be bounded.
            let max_len = if values.is_empty() { 0 } else { value_bound(site) };
            if let Ok(nested) = self.write_start(number, values, max_len, counter) {
                return nested;
            }
        }
        self.start_slow(site, values)
    }

    #[inline(never)]
    fn end(&self, nested: Nested) {
        self.end_nested(nested);
    }

    #[inline(always)]
    fn end_nested(&self, nested: Nested) {
        if self.may_end(nested) {
            if let Some([only]) = self.log.first_words() {
                let now = counter();
                self.leave_quick(nested);
                only.store(only_word(Kind::End, now), Relaxed);
                self.log.publish(1);
                return;
            }
        }
        self.end_slow_bare(nested);
    }

    #[inline(always)]
    fn end_with(&self, nested: Nested, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
        if self.may_end(nested) && self.write_end_with(counter, outcome, values, max_len).is_ok() {
            self.leave_quick(nested);
            return;
        }
        self.end_with_slow(nested, outcome, values, max_len);
    }

    #[inline(never)]
    fn suspend(&self, nested: Nested) {
        if self.may_end(nested) {
            if let Some([only]) = self.log.first_words() {
                self.leave_quick(nested);
                only.store(only_word(Kind::Suspend, nested.id), Relaxed);
                self.log.publish(1);
                return;
            }
        }
        self.suspend_slow(nested);
    }

    /// Whether a nested span can go without the slow path: it is the ambient one, and nothing is in the way.
    #[inline(always)]
    fn may_end(&self, nested: Nested) -> bool {
        self.span.get() == nested.id && self.log.is_open()
    }

    /// Makes the parent ambient again, and gives back the room that was kept for the end.
    #[inline(always)]
    fn leave_quick(&self, nested: Nested) {
        self.span.set(nested.parent);
        if nested.parent == 0 {
            self.flags.set(0);
        }
        self.log.release_end();
    }

    /// The end of almost every span with something to say.
    #[inline(never)]
    fn end_reply(&self, nested: Nested, reply: &Value<'_>, max_len: u32) {
        self.end_with(nested, Outcome::Ok, std::slice::from_ref(reply), bound(max_len));
    }

    #[inline(never)]
    fn start_at(
        &self,
        site: &'static Site,
        parent: Parent,
        values: &[Value<'_>],
        max_len: usize,
    ) -> SpanContext {
        let number = site.number();
        if parent == Parent::Ambient && number != 0 && self.log.is_open_untrapped() {
            let parent = self.ambient();
            if parent.is_sampled() {
                let flags = parent.flags & WIRE;
                let child = SpanContext { span_id: self.free_id(), flags, ..parent };
                if self.write_start_at(number, child, parent, 0, values, max_len).is_ok() {
                    return child;
                }
            }
        }
        self.start_at_slow(site, parent, values, max_len)
    }

    #[inline(never)]
    fn end_at(&self, span_id: u64, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
        let now = ticks();
        let open = self.log.is_open_untrapped();
        if !(open && self.write_end_at(span_id, now, outcome, values, max_len).is_ok()) {
            self.end_at_slow(span_id, now, outcome, values, max_len);
        }
    }

    #[inline(always)]
    fn is_sampled(&self) -> bool {
        self.flags.get() & (AMBIENT | SAMPLED) == AMBIENT | SAMPLED
    }

    #[inline(always)]
    fn ambient(&self) -> SpanContext {
        match self.flags.get() {
            flags if flags & AMBIENT != 0 => {
                SpanContext::from_raw(self.high.get(), self.low.get(), self.span.get(), flags & !AMBIENT)
            }
            _ => SpanContext::NONE,
        }
    }

    /// Changes the ambient context by anything but nesting.
    #[inline(always)]
    fn set_ambient(&self, context: SpanContext) {
        self.high.set(context.trace_id.high);
        self.low.set(context.trace_id.low);
        self.span.set(context.span_id);
        self.flags.set(if context.span_id == 0 { 0 } else { context.flags | AMBIENT });
        self.dirty.set(true);
        self.log.trap();
    }

    #[inline(always)]
    fn free_id(&self) -> u64 {
        let mut state = self.free_ids.get();
        let id = format::next_id(&mut state);
        self.free_ids.set(state);
        id
    }

    /// The words of the next event, which has `N` words and its values.
    #[inline(always)]
    fn window<const N: usize>(&self, values: &[Value<'_>]) -> &'static [Word] {
        match values {
            [] => self.log.first_words::<N>().map_or(&[], <[Word; N]>::as_slice),
            _ => self.log.window(),
        }
    }

    #[inline(always)]
    fn write_start(
        &self,
        number: u32,
        values: &[Value<'_>],
        max_len: usize,
        now: impl FnOnce() -> u64,
    ) -> Result<Nested, NotWritten> {
        let window = self.window::<START_WORDS>(values);
        let [first, stamp, ..] = window else { return Err(NotWritten) };
        let Written { words, head } = written(window, START_WORDS, values, max_len, Overflow::Refuse)?;
        let mut ids = self.nested_ids.get();
        let id = format::next_id(&mut ids);
        self.nested_ids.set(ids);
        let parent = self.span.replace(id);
        self.log.reserve_end();
        first.store(first_word(Kind::Start, words, head, number), Relaxed);
        // Last, so that the span does not contain its own recording.
        stamp.store(now(), Relaxed);
        self.log.publish(words);
        Ok(Nested { id, parent })
    }

    #[inline(always)]
    fn write_end_with(
        &self,
        now: impl FnOnce() -> u64,
        outcome: Outcome,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Result<(), NotWritten> {
        let window = self.log.window();
        let [first, stamp, ..] = window else { return Err(NotWritten) };
        let Written { words, head } = written(window, END_WITH_WORDS, values, max_len, Overflow::Cut)?;
        first.store(first_word(Kind::EndWith, words, head, end_bits(outcome, values.len())), Relaxed);
        stamp.store(now(), Relaxed);
        self.log.publish(words);
        Ok(())
    }

    #[inline(always)]
    fn write_start_at(
        &self,
        number: u32,
        span: SpanContext,
        parent: SpanContext,
        origin: u16,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Result<(), NotWritten> {
        let window = self.log.window();
        let [first, stamp, high, low, id, parent_id, rest, ..] = window else { return Err(NotWritten) };
        let Written { words, head } = written(window, START_AT_WORDS, values, max_len, Overflow::Refuse)?;
        first.store(first_word(Kind::StartAt, words, head, number), Relaxed);
        high.store(span.trace_id.high, Relaxed);
        low.store(span.trace_id.low, Relaxed);
        id.store(span.span_id, Relaxed);
        parent_id.store(parent.span_id, Relaxed);
        let flags = span.flags | parent.flags & crate::context::REMOTE;
        rest.store(u64::from(flags) | u64::from(origin) << 8 | (values.len() as u64) << 32, Relaxed);
        stamp.store(ticks(), Relaxed);
        self.log.publish(words);
        Ok(())
    }

    #[inline(always)]
    fn write_end_at(
        &self,
        span_id: u64,
        now: u64,
        outcome: Outcome,
        values: &[Value<'_>],
        max_len: usize,
    ) -> Result<(), NotWritten> {
        let window = self.log.window();
        let [first, stamp, id, ..] = window else { return Err(NotWritten) };
        let Written { words, head } = written(window, END_AT_WORDS, values, max_len, Overflow::Cut)?;
        first.store(first_word(Kind::EndAt, words, head, end_bits(outcome, values.len())), Relaxed);
        stamp.store(now, Relaxed);
        id.store(span_id, Relaxed);
        self.log.publish(words);
        Ok(())
    }
}

/// The event's words with its values written behind the fixed part. Where nothing is cut, nothing is left out: a bound has room for a mark at least.
#[inline(always)]
fn written(
    window: &[Word],
    fixed: usize,
    values: &[Value<'_>],
    max_len: usize,
    overflow: Overflow,
) -> Result<Written, NotWritten> {
    if values.is_empty() {
        return Ok(Written { words: fixed, head: Head::NONE });
    }
    write_values(window, fixed, values, max_len, overflow)
}

fn end_bits(outcome: Outcome, count: usize) -> u32 {
    outcome as u32 | (count.min(format::MAX_VALUES) as u32) << 8
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::clock::{self, NO_COUNTER};
    use crate::event_log::ring::{Ring, Room};

    /// Whether the fast path is open to a thread once the collector knows all about it, whether it can write at all, and whether it takes the way on which nothing but the clock differs.
    fn is_open_on(has_counter: bool) -> (bool, bool, bool) {
        let thread = std::thread::spawn(move || {
            NO_COUNTER.set(!has_counter);
            LOCAL.with(|l| {
                l.log.attach(Box::leak(Box::new(Ring::new(1 << 10, 64))));
                l.log.trap();
                assert_eq!(l.log.make_room(), Room::Yes);
                assert!(!l.is_trapped_by_clock(), "the collector does not know the context either");
                l.dirty.set(false);
                l.open_trap();
                let open = (l.log.is_open(), l.log.is_open_untrapped(), l.is_trapped_by_clock());
                l.set_ambient(SpanContext::from_raw(0, 7, 9, SAMPLED));
                assert!(!l.log.is_open() && !l.is_trapped_by_clock(), "the context has changed");
                open
            })
        });
        thread.join().unwrap()
    }

    #[test]
    fn a_counter_that_may_not_be_read_keeps_the_fast_path_closed() {
        clock::prepare();
        assert_eq!(is_open_on(true), (clock::may_read_counter(), true, !clock::may_read_counter()));
        assert_eq!(is_open_on(false), (false, true, true));
    }
}
