//! One poll of a future that has a span: the span is ambient from its begin to its end.
//!
//! A future whose span is opened inside its own first poll cannot hand the new context out by a return value; it leaves it in [`Local::opening`], where the end of that poll finds it. Polls nest, so each keeps what
//! stood there before. Written for few words: they are what an async span costs beyond a sync one.

use super::{AMBIENT, Local, Parent, value_bound};
use crate::callsite::Callsite;
use crate::clock::ticks;
use crate::context::{SpanContext, TraceIdHalves, WIRE};
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
    span_id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// No first poll is running, or its span is not recorded.
    Nobody,
    /// The poll waits for its span to be opened.
    Expected,
    /// It has been, in the trace that was ambient before.
    Child,
    /// It has been, and the rest is in [`Local::opened_elsewhere`].
    Elsewhere,
}

impl Opening {
    pub(super) const NOBODY: Self = Self { state: State::Nobody, flags: 0, span_id: 0 };
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

impl Local {
    #[inline(never)]
    pub(super) fn begin_poll(&self, span: &SpanContext, before: &mut Option<Before>) {
        let opening = self.opening.get();
        let elsewhere = (opening.state == State::Elsewhere).then(|| self.opened_elsewhere.get());
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
        let number = site.number();
        let plain = !site.polls() && !global::polls() && self.opening.get().state == State::Expected;
        if plain && self.is_sampled() && number != 0 && self.log.is_open_untrapped() {
            let parent = self.ambient();
            let (span_id, flags) = (self.free_id(), parent.flags & WIRE);
            let child = SpanContext { span_id, flags, ..parent };
            if self.write_start_at(number, child, parent, 0, values, value_bound(site)).is_ok() {
                self.step_token();
                self.span.set(span_id);
                self.flags.set(flags | AMBIENT);
                self.dirty.set(true);
                self.log.trap();
                self.opening.set(Opening { state: State::Child, flags, span_id });
                return true;
            }
        }
        self.open_in_poll_slow(site, Parent::Ambient, values)
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
        self.opening.set(Opening { state: State::Elsewhere, flags, span_id });
        context.is_sampled()
    }

    /// Makes ambient what was so before. After a first poll, `span` is what it opened, if it did; the answer is when, if it is timed.
    #[inline(never)]
    pub(super) fn end_poll(&self, span: &mut SpanContext, before: &Before) -> u64 {
        let mut since = 0;
        if span.span_id == 0 {
            let Opening { state, flags, span_id } = self.opening.replace(before.opening);
            let trace_id = match state {
                State::Child => before.context.trace_id,
                State::Elsewhere => {
                    let elsewhere = self.opened_elsewhere.get();
                    since = elsewhere.since;
                    elsewhere.trace_id
                }
                State::Expected | State::Nobody => {
                    // Not recorded, then or ever.
                    *span = SpanContext::NONE;
                    return 0;
                }
            };
            *span = SpanContext { trace_id, span_id, flags };
            if let Some(elsewhere) = before.elsewhere {
                self.opened_elsewhere.set(elsewhere);
            }
        }
        self.token.set(before.token);
        self.set_ambient(before.context);
        if self.displaced.get() {
            self.resolve();
        }
        since
    }

    #[inline(always)]
    fn step_token(&self) {
        let token = self.last_token.get() + 1;
        self.last_token.set(token);
        self.token.set(token);
    }
}
