//! One poll of a future that has a span: the span is ambient from its begin to its end.
//!
//! A future whose span is opened inside its own first poll cannot hand the new context out by a return value; it leaves its id in [`Local::opened`], where the end of that poll finds it. Polls nest, so each keeps what
//! stood there before. Written for few words: they are what an async span costs beyond a sync one. All of it is out of line and not generic, its state left where the poll has put it, so that an annotated future grows by
//! two calls.
//!
//! Such a span is nested in whatever is ambient, exactly as a sync function's, until that first poll ends. A future that is done by then (a cache hit, a lock that was free) ends it so, and nothing was attached or
//! restored; one that waits is taken out of the nesting ([`Local::suspend`]), and is made ambient anew by every later poll.
//!
//! A future without a recorded span of its own (its trace was refused, the log was full) keeps what was ambient when it was first polled, and belongs to that trace wherever it goes on; where that is ambient anyhow, a poll
//! changes nothing.

use super::{AMBIENT, Local, Nested, Parent, bound, value_bound};
use crate::clock::{counter, ticks};
use crate::context::{SAMPLED, SpanContext, TraceIdHalves, WIRE};
use crate::event_log::format::{ExtraKind, Outcome};
use crate::global;
use crate::site::Site;
use crate::value::Value;

/// In the flags of an open span's context: its polls are counted and timed.
pub(crate) const TIMED: u8 = 0x20;
/// In the flags of what a future keeps: the span is not its own. It is what was ambient when it was first polled, or made, and no span of its own was recorded.
const BORROWED: u8 = 0x10;

/// What a future keeps of its span between its polls: as many words as a context has, what it is stands beside the flags.
///
/// Not a context with other flags: of a future that was not polled yet one byte is written, and moved with it. A whole context, made beside the future and moved behind it in pieces of 16 bytes that do not
/// lie as they were written, is read before the processor has written it.
#[derive(Debug)]
pub(crate) enum Kept {
    /// No span, now or later.
    Nothing,
    /// Its first poll will open one.
    Later,
    /// A span is ambient in its polls: its own, recorded or not, or the one in which it began.
    Open { trace_id: TraceIdHalves, span_id: u64, flags: u8 },
}

impl Kept {
    /// Nothing, of a context that is none.
    pub(crate) fn open(context: SpanContext) -> Self {
        let SpanContext { trace_id, span_id, flags } = context;
        if span_id == 0 { Self::Nothing } else { Self::Open { trace_id, span_id, flags } }
    }

    /// `context` is whose trace its polls belong to, and its span is another's. So the trace of a future that moves is not lost with a span that was refused, or dropped in a full log.
    pub(crate) fn borrowed(context: SpanContext) -> Self {
        Self::open(SpanContext { flags: context.flags & !TIMED | BORROWED, ..context })
    }

    /// What is ambient in a poll; [`SpanContext::NONE`] if that is not its business.
    #[inline(always)]
    fn context(&self) -> SpanContext {
        match *self {
            Self::Open { trace_id, span_id, flags } => {
                SpanContext { trace_id, span_id, flags: flags & !BORROWED }
            }
            Self::Nothing | Self::Later => SpanContext::NONE,
        }
    }

    /// The future's own span, if it is recorded; else [`SpanContext::NONE`].
    #[inline(always)]
    pub(crate) fn recorded(&self) -> SpanContext {
        match *self {
            Self::Open { flags, .. } if flags & (SAMPLED | BORROWED) == SAMPLED => self.context(),
            _ => SpanContext::NONE,
        }
    }
}

/// What the first poll of a future leaves for its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Opening {
    /// No first poll is running.
    Nobody,
    /// The poll waits for its span to be opened; if it has not been when it ends, it is not recorded.
    Expected,
    /// It would have been here, and was not: the trace was refused, or the log had no room. (Of a future that began before there was a tracer, nobody says even that.)
    Passed,
    /// It has been, nested in the span that was ambient before; its id stands in [`Local::opened`].
    Child,
    /// The same, as the root of a trace that stands in [`Local::opened_elsewhere`].
    Root,
    /// The same, as a root that was not written.
    UnwrittenRoot,
    /// It has been, as one that may move, made ambient; the rest is in [`Local::opened_elsewhere`].
    Elsewhere,
}

impl Opening {
    /// Whether there is more of it than its id.
    #[inline(always)]
    fn is_set_aside(self) -> bool {
        matches!(self, Self::Root | Self::UnwrittenRoot | Self::Elsewhere)
    }
}

/// The rest of what was opened, if it is no plain child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elsewhere {
    trace_id: TraceIdHalves,
    flags: u8,
    /// Ticks at which the span opened, if its polls are timed.
    since: u64,
}

impl Elsewhere {
    pub(super) const NONE: Self = Self { trace_id: TraceIdHalves { high: 0, low: 0 }, flags: 0, since: 0 };
}

/// What was there before the poll.
#[derive(Debug)]
pub(crate) struct Before {
    high: u64,
    low: u64,
    span: u64,
    flags: u8,
    opening: Opening,
    opened: u64,
    token: u64,
    /// Ticks at which the poll began, if it is timed.
    since: u64,
    /// If the opening says so.
    elsewhere: Option<Elsewhere>,
}

impl Before {
    fn context(&self) -> SpanContext {
        SpanContext::from_raw(self.high, self.low, self.span, self.flags & !AMBIENT)
    }
}

/// A span whose future is done, and which has to be ended now. In two words, which go through registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// 0: there is nothing to end.
    id: u64,
    /// The parent of one that is still nested and ambient, as in [`Nested`]; of one that may move, its own id.
    parent: u64,
}

impl Done {
    pub(crate) const NOTHING: Self = Self { id: 0, parent: 0 };

    /// A span that may move.
    pub(crate) fn moved(id: u64) -> Self {
        Self { id, parent: id }
    }

    #[inline(always)]
    fn nested(nested: Nested) -> Self {
        Self { id: nested.id, parent: nested.parent }
    }

    #[inline(always)]
    pub(crate) fn is_nothing(self) -> bool {
        self.id == 0
    }

    /// Its nesting, unless it may move.
    #[inline(always)]
    fn as_nested(self) -> Option<Nested> {
        (self.id != self.parent).then_some(Nested { id: self.id, parent: self.parent })
    }
}

impl Local {
    #[inline(never)]
    pub(super) fn begin_poll(&self, span: &Kept, before: &mut Option<Before>) {
        if let Kept::Open { trace_id, span_id, flags } = span {
            if flags & BORROWED != 0 && self.is_ambient(trace_id, *span_id, *flags) {
                // Polled where it began, as almost always: there is nothing to do, now or after the poll.
                return;
            }
            return self.begin_later_poll(span, before);
        }
        let opening = self.opening.get();
        *before = Some(self.before(opening));
        if opening.is_set_aside() {
            self.set_aside(before);
        }
        self.opening.set(Opening::Expected);
    }

    #[inline(never)]
    fn begin_later_poll(&self, span: &Kept, before: &mut Option<Before>) {
        let Kept::Open { trace_id, span_id, flags } = *span else { return };
        let before = before.insert(self.before(self.opening.get()));
        if flags & TIMED != 0 {
            before.since = ticks();
        }
        self.step_token();
        self.set_ambient(SpanContext { trace_id, span_id, flags: flags & !BORROWED });
    }

    /// Keeps what the poll around this one has opened.
    #[inline(never)]
    fn set_aside(&self, before: &mut Option<Before>) {
        if let Some(before) = before {
            before.elsewhere = Some(self.opened_elsewhere.get());
        }
    }

    #[inline(always)]
    fn before(&self, opening: Opening) -> Before {
        Before {
            high: self.high.get(),
            low: self.low.get(),
            span: self.span.get(),
            flags: self.flags.get(),
            opening,
            opened: self.opened.get(),
            token: self.token.get(),
            since: 0,
            elsewhere: None,
        }
    }

    /// Opens the span of the poll that runs, and makes it ambient. Whether it is recorded.
    #[inline(never)]
    pub(super) fn open_in_poll(&self, site: &'static Site, values: &[Value<'_>]) -> bool {
        self.open_in_poll_any(site, values)
    }

    /// The same for a callsite without keys.
    #[inline(never)]
    pub(super) fn open_in_poll_bare(&self, site: &'static Site) -> bool {
        self.open_in_poll_any(site, &[])
    }

    #[inline(always)]
    fn open_in_poll_any(&self, site: &'static Site, values: &[Value<'_>]) -> bool {
        let number = site.number();
        let plain = self.opening.get() == Opening::Expected && !site.polls() && !global::polls();
        if plain && self.is_sampled() && number != 0 && self.log.is_open() {
            let max_len = if values.is_empty() { 0 } else { value_bound(site) };
            if let Ok(nested) = self.write_start(number, values, max_len, counter) {
                self.opening.set(Opening::Child);
                self.opened.set(nested.id);
                return true;
            }
        }
        self.open_in_poll_unusual(site, values)
    }

    #[inline(never)]
    fn open_in_poll_unusual(&self, site: &'static Site, values: &[Value<'_>]) -> bool {
        if site.polls() || global::polls() || self.opening.get() != Opening::Expected {
            return self.open_in_poll_slow(site, Parent::Ambient, values);
        }
        let nested = self.start_slow(site, values);
        if nested.id == 0 {
            self.opening.set(Opening::Passed);
            return false;
        }
        let flags = self.flags.get() & WIRE;
        let unwritten = nested.as_unwritten_root();
        // A child has its parent's id there; a root nothing, or what marks it as one that was not written.
        let opening = match unwritten {
            Some(_) => Opening::UnwrittenRoot,
            None if nested.parent == 0 => Opening::Root,
            None => Opening::Child,
        };
        if opening != Opening::Child {
            let trace_id = TraceIdHalves { high: self.high.get(), low: self.low.get() };
            self.opened_elsewhere.set(Elsewhere { trace_id, flags, since: 0 });
        }
        self.opening.set(opening);
        self.opened.set(unwritten.unwrap_or(nested.id));
        flags & SAMPLED != 0
    }

    #[cold]
    #[inline(never)]
    pub(super) fn open_in_poll_slow(
        &self,
        site: &'static Site,
        parent: Parent,
        values: &[Value<'_>],
    ) -> bool {
        if self.opening.get() != Opening::Expected {
            // The tracer was switched on in the middle of this poll: nobody waits for a span.
            return false;
        }
        let mut context = self.start_at(site, parent, values, value_bound(site));
        if context.span_id == 0 {
            return false;
        }
        let mut since = 0;
        if context.is_sampled() && (site.polls() || global::polls()) {
            context.flags |= TIMED;
            since = ticks();
        }
        self.step_token();
        self.set_ambient(context);
        let SpanContext { trace_id, span_id, flags } = context;
        self.opened_elsewhere.set(Elsewhere { trace_id, flags, since });
        self.opening.set(Opening::Elsewhere);
        self.opened.set(span_id);
        context.is_sampled()
    }

    /// Ends a poll after which the future waits, and makes ambient what was so before. After a first poll, `span` is what it opened, if it did.
    #[inline(never)]
    pub(super) fn end_waiting_poll(&self, span: &mut Kept, before: &Before) {
        if matches!(span, Kept::Later) {
            return self.end_first_poll_waiting(span, before);
        }
        self.leave_poll(before);
        if matches!(*span, Kept::Open { flags, .. } if flags & TIMED != 0) {
            self.say_polled(span.context(), before.since);
        }
    }

    #[inline(never)]
    fn end_first_poll_waiting(&self, span: &mut Kept, before: &Before) {
        let passed = self.opening.get() == Opening::Passed;
        let Some(Opened { context, nested, since }) = self.close_opening(before) else {
            // Not recorded, then or ever.
            *span = if passed { Kept::borrowed(before.context()) } else { Kept::Nothing };
            return;
        };
        *span = Kept::open(context);
        if let Some(nested) = nested {
            return self.suspend(nested);
        }
        self.leave_poll(before);
        if context.flags & TIMED != 0 {
            self.say_polled(context, since);
        }
    }

    /// Ends the last poll, and makes ambient what was so before. The answer is what has to be ended now, if it is recorded; `span` is none any more.
    #[inline(never)]
    pub(super) fn end_last_poll(&self, span: &mut Kept, before: &Before) -> Done {
        match self.is_plain_child(span, before) {
            true => {
                *span = Kept::Nothing;
                Done::nested(self.close_child(before))
            }
            false => self.end_last_poll_unusual(span, before),
        }
    }

    /// The same, and ends the span with no more to say than the time.
    #[inline(never)]
    pub(super) fn end_last_poll_bare(&self, span: &mut Kept, before: &Before) {
        if self.is_plain_child(span, before) {
            *span = Kept::Nothing;
            return self.end_nested(self.close_child(before));
        }
        let done = self.end_last_poll_unusual(span, before);
        self.end_done_bare(done);
    }

    /// The same with its reply.
    #[inline(never)]
    pub(super) fn end_last_poll_reply(
        &self,
        span: &mut Kept,
        before: &Before,
        reply: &Value<'_>,
        max_len: u32,
    ) {
        let reply = std::slice::from_ref(reply);
        if self.is_plain_child(span, before) {
            *span = Kept::Nothing;
            return self.end_with(self.close_child(before), Outcome::Ok, reply, bound(max_len));
        }
        let done = self.end_last_poll_unusual(span, before);
        self.end_done(done, Outcome::Ok, reply, bound(max_len));
    }

    /// Ends what [`Local::end_last_poll`] has said, if anything, with no more to say than the time.
    #[inline(never)]
    fn end_done_bare(&self, done: Done) {
        match done.as_nested() {
            Some(nested) => self.end(nested),
            None if done.is_nothing() => {}
            None => self.end_at(done.id, Outcome::Ok, &[], 0),
        }
    }

    /// The same with an outcome and values.
    #[inline(never)]
    pub(super) fn end_done(&self, done: Done, outcome: Outcome, values: &[Value<'_>], max_len: usize) {
        match done.as_nested() {
            Some(nested) => self.end_with(nested, outcome, values, max_len),
            None if done.is_nothing() => {}
            None => self.end_at(done.id, outcome, values, max_len),
        }
    }

    /// Whether this is the end of a first poll that opened a nested child, and left nothing attached inside.
    #[inline(always)]
    fn is_plain_child(&self, span: &Kept, before: &Before) -> bool {
        self.opening.get() == Opening::Child
            && matches!(span, Kept::Later)
            && self.token.get() == before.token
    }

    #[inline(always)]
    fn close_child(&self, before: &Before) -> Nested {
        self.opening.set(before.opening);
        if let Some(elsewhere) = before.elsewhere {
            self.opened_elsewhere.set(elsewhere);
        }
        Nested { id: self.opened.replace(before.opened), parent: before.span }
    }

    #[inline(never)]
    fn end_last_poll_unusual(&self, span: &mut Kept, before: &Before) -> Done {
        if matches!(span, Kept::Later) {
            *span = Kept::Nothing;
            return self.end_only_poll(before);
        }
        self.leave_poll(before);
        if matches!(*span, Kept::Open { flags, .. } if flags & TIMED != 0) {
            self.say_polled(span.context(), before.since);
        }
        let own = span.recorded();
        *span = Kept::Nothing;
        if own.is_sampled() { Done::moved(own.span_id) } else { Done::NOTHING }
    }

    #[inline(never)]
    fn end_only_poll(&self, before: &Before) -> Done {
        let Some(Opened { context, nested, since }) = self.close_opening(before) else {
            return Done::NOTHING;
        };
        match nested {
            Some(nested) if context.is_sampled() => return Done::nested(nested),
            // What was refused has nothing to tell and only goes.
            Some(nested) => self.end(nested),
            None => {
                self.leave_poll(before);
                if context.flags & TIMED != 0 {
                    self.say_polled(context, since);
                }
                if context.is_sampled() {
                    return Done::moved(context.span_id);
                }
            }
        }
        Done::NOTHING
    }

    /// What a first poll has opened, if it has.
    #[inline(never)]
    fn close_opening(&self, before: &Before) -> Option<Opened> {
        let opening = self.opening.replace(before.opening);
        let id = self.opened.replace(before.opened);
        let elsewhere = self.opened_elsewhere.get();
        if let Some(elsewhere) = before.elsewhere {
            self.opened_elsewhere.set(elsewhere);
        }
        let Elsewhere { trace_id, flags, since } = match opening {
            Opening::Nobody | Opening::Expected | Opening::Passed => {
                // Of a trace that was refused, most often. What was attached inside (its token is younger) must not be seen outside here either.
                if self.token.get() > before.token {
                    self.leave_poll(before);
                }
                return None;
            }
            Opening::Child => {
                Elsewhere { flags: before.flags & WIRE, trace_id: before.context().trace_id, since: 0 }
            }
            Opening::Root | Opening::UnwrittenRoot | Opening::Elsewhere => elsewhere,
        };
        let context = SpanContext { trace_id, span_id: id, flags };
        let nested = match opening {
            Opening::Elsewhere => return Some(Opened { context, nested: None, since }),
            Opening::UnwrittenRoot => Nested::unwritten_root(id),
            _ => Nested { id, parent: before.span },
        };
        if self.token.get() != before.token {
            // Something was left attached inside, which must not be seen outside of the poll.
            self.say_suspended(nested);
            return Some(Opened { context, nested: None, since });
        }
        Some(Opened { context, nested: Some(nested), since })
    }

    /// Makes ambient what was so before a poll whose span had been made so.
    #[inline(always)]
    fn leave_poll(&self, before: &Before) {
        self.token.set(before.token);
        self.set_ambient(before.context());
        if self.displaced.get() {
            self.resolve();
        }
    }

    #[cold]
    #[inline(never)]
    fn say_polled(&self, span: SpanContext, since: u64) {
        let busy = ticks().wrapping_sub(since);
        super::extra(span, ExtraKind::Poll, &[Value::Long(busy as i64)]);
    }

    #[inline(always)]
    fn is_ambient(&self, trace_id: &TraceIdHalves, span_id: u64, flags: u8) -> bool {
        let same_trace = self.low.get() == trace_id.low && self.high.get() == trace_id.high;
        self.span.get() == span_id && same_trace && (self.flags.get() ^ flags) & SAMPLED == 0
    }

    #[inline(always)]
    fn step_token(&self) {
        let token = self.last_token.get() + 1;
        self.last_token.set(token);
        self.token.set(token);
    }
}

/// As [`super::is_on`], of a span that the first poll of a future opens; that poll is told if there will be none.
#[inline(always)]
pub(crate) fn is_on_in_poll() -> bool {
    global::is_on()
        && super::LOCAL.with(|l| {
            let refused = l.flags.get() & (AMBIENT | SAMPLED) == AMBIENT;
            if refused {
                l.opening.set(Opening::Passed);
            }
            !refused
        })
}

/// What a future or stream keeps that a function returns without a span of its own: whose trace it was made in, so that what it calls does not begin another. Nothing without a tracer.
#[inline]
pub(crate) fn kept_without_span() -> Kept {
    if global::is_on() { Kept::borrowed(super::current()) } else { Kept::Nothing }
}

/// A span that a first poll has opened.
struct Opened {
    context: SpanContext,
    /// If it is still nested.
    nested: Option<Nested>,
    /// Since when, if its polls are timed.
    since: u64,
}
