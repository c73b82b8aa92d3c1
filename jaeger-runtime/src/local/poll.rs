//! One poll of a future that has a span: the span is ambient from its begin to its end.
//!
//! A future whose span is opened inside its own first poll cannot hand the new context out by a return value; it leaves it in [`Local::opening`], where the end of that poll finds it. Polls nest, so each keeps what
//! stood there before. Written for few words: they are what an async span costs beyond a sync one.
//!
//! Such a span is nested in whatever is ambient, exactly as a sync function's, until that first poll ends. A future that is done by then (a cache hit, a lock that was free) ends it so, and nothing was attached or
//! restored; one that waits is taken out of the nesting ([`Local::suspend`]), and is made ambient anew by every later poll.

use super::{Local, Nested, Parent, value_bound};
use crate::callsite::Callsite;
use crate::clock::ticks;
use crate::context::{SAMPLED, SpanContext, TraceIdHalves, WIRE};
use crate::global;
use crate::value::Value;

/// In the flags of a context without a span: the future has not been polled yet.
pub(crate) const NOT_YET: u8 = 0x10;
/// The context of a span that its future's first poll will open.
pub(crate) const NOT_OPEN_YET: SpanContext = SpanContext::from_raw(0, 0, 0, NOT_YET);
/// In the flags of an open span's context: its polls are counted and timed.
pub(crate) const TIMED: u8 = 0x20;

/// What the first poll of a future leaves for its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    state: State,
    flags: u8,
    nested: Nested,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// No first poll is running, or its span is not recorded.
    Nobody,
    /// The poll waits for its span to be opened.
    Expected,
    /// It has been, nested in the span that was ambient before.
    Child,
    /// It has been, as the root of a trace that stands in [`Local::opened_elsewhere`].
    Root,
    /// It has been, as one that may move, made ambient; the rest is in [`Local::opened_elsewhere`], and only the id in `nested`.
    Elsewhere,
}

impl Opening {
    pub(super) const NOBODY: Self = Self { state: State::Nobody, flags: 0, nested: Nested::OFF };
}

/// The rest of an [`Opening`] that is no plain child.
#[derive(Clone, Copy)]
pub(super) struct Elsewhere {
    trace_id: TraceIdHalves,
    /// Ticks at which the span opened, if its polls are timed.
    since: u64,
}

impl Elsewhere {
    pub(super) const NONE: Self = Self { trace_id: TraceIdHalves { high: 0, low: 0 }, since: 0 };
}

/// What was there before the poll.
pub(crate) struct Before {
    context: SpanContext,
    token: u64,
    opening: Opening,
    /// If the opening says so.
    elsewhere: Option<Elsewhere>,
}

/// What the end of a poll has found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Polled {
    /// The span of a future that was done in its first poll: still nested and ambient, to be ended at once by whoever gets this.
    pub(crate) nested: Option<Nested>,
    /// Since when, if its polls are timed.
    pub(crate) since: u64,
}

impl Local {
    #[inline(never)]
    pub(super) fn begin_poll(&self, span: &SpanContext, before: &mut Option<Before>) {
        let opening = self.opening.get();
        let elsewhere =
            matches!(opening.state, State::Root | State::Elsewhere).then(|| self.opened_elsewhere.get());
        *before = Some(Before { context: self.ambient(), token: self.token.get(), opening, elsewhere });
        if span.span_id == 0 {
            self.opening.set(Opening { state: State::Expected, ..Opening::NOBODY });
        } else {
            self.step_token();
            self.set_ambient(*span);
        }
    }

    /// Opens the span of the poll that runs, and makes it ambient. Whether it is recorded.
    #[inline(never)]
    pub(super) fn open_in_poll(&self, site: &'static Callsite, values: &[Value<'_>]) -> bool {
        if site.polls() || global::polls() || self.opening.get().state != State::Expected {
            return self.open_in_poll_slow(site, Parent::Ambient, values);
        }
        let nested = self.start_any(site, values);
        if nested.id == 0 {
            return false;
        }
        let flags = self.flags.get() & WIRE;
        // A child has its parent's id there; a root nothing, or what marks it as one that was not written.
        let state = if nested.parent == 0 || nested.as_unwritten_root().is_some() {
            State::Root
        } else {
            State::Child
        };
        if state == State::Root {
            let trace_id = TraceIdHalves { high: self.high.get(), low: self.low.get() };
            self.opened_elsewhere.set(Elsewhere { trace_id, since: 0 });
        }
        self.opening.set(Opening { state, flags, nested });
        flags & SAMPLED != 0
    }

    #[cold]
    #[inline(never)]
    pub(super) fn open_in_poll_slow(
        &self,
        site: &'static Callsite,
        parent: Parent,
        values: &[Value<'_>],
    ) -> bool {
        if self.opening.get().state != State::Expected {
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
        self.opened_elsewhere.set(Elsewhere { trace_id, since });
        let nested = Nested { id: span_id, parent: 0 };
        self.opening.set(Opening { state: State::Elsewhere, flags, nested });
        context.is_sampled()
    }

    /// Makes ambient what was so before. After a first poll, `span` is what it opened, if it did. `waits`: the future is not done.
    #[inline(never)]
    pub(super) fn end_poll(&self, span: &mut SpanContext, before: &Before, waits: bool) -> Polled {
        let mut since = 0;
        if span.span_id == 0 {
            let Opening { state, flags, nested } = self.opening.replace(before.opening);
            let trace_id = match state {
                State::Child => before.context.trace_id,
                State::Root => self.opened_elsewhere.get().trace_id,
                State::Elsewhere => {
                    let elsewhere = self.opened_elsewhere.get();
                    since = elsewhere.since;
                    elsewhere.trace_id
                }
                State::Expected | State::Nobody => {
                    // Not recorded, then or ever.
                    *span = SpanContext::NONE;
                    return Polled { nested: None, since };
                }
            };
            if let Some(elsewhere) = before.elsewhere {
                self.opened_elsewhere.set(elsewhere);
            }
            let span_id = nested.as_unwritten_root().unwrap_or(nested.id);
            *span = SpanContext { trace_id, span_id, flags };
            if state != State::Elsewhere {
                if self.token.get() == before.token {
                    if waits {
                        self.suspend(nested);
                    }
                    return Polled { nested: (!waits).then_some(nested), since };
                }
                // Something was left attached inside, which must not be seen outside of the poll.
                self.say_suspended(nested);
            }
        }
        self.token.set(before.token);
        self.set_ambient(before.context);
        if self.displaced.get() {
            self.resolve();
        }
        Polled { nested: None, since }
    }

    #[inline(always)]
    fn step_token(&self) {
        let token = self.last_token.get() + 1;
        self.last_token.set(token);
        self.token.set(token);
    }
}
