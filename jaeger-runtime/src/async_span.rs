//! The span of an async function or of a future that a function returns: ambient during each poll, on whatever thread, and ended with the future.
//!
//! A [`Run`] holds the future and a context, and nothing else: that is what an annotated future grows by. The arguments are inside the future, so its span is opened there, by
//! [`open`], in the first poll; a thread-local hands the new context out to the `Run` that polls. The output is looked at in place, on its way out.
//!
//! A future that is dropped before it is done has been cancelled; one whose poll unwinds has panicked, whatever its executor makes of that.

use crate::callsite::Callsite;
use crate::clock::ticks;
use crate::context::SpanContext;
use crate::event_log::format::{ExtraKind, Outcome};
use crate::global;
use crate::local::{self, Attached, Before, NOT_OPEN_YET, NOT_YET, Nested, Parent, Polled, TIMED};
use crate::relation::Under;
use crate::sync_span::bound;
use crate::value::Value;
use pin_project_lite::pin_project;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The span of a future, or none: what is recorded is ended exactly once. For generated code.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    context: SpanContext,
}

impl OpenSpan {
    const OFF: Self = Self { context: SpanContext::NONE };
    const LATER: Self = Self { context: NOT_OPEN_YET };

    #[inline(always)]
    pub(crate) fn is_recording(&self) -> bool {
        self.context.is_sampled()
    }

    /// Its end, if it is recorded: from here on whoever holds that ends the span.
    #[inline(always)]
    pub(crate) fn ending(&mut self) -> Option<Ending> {
        let recording = self.is_recording();
        self.context.flags = 0;
        recording.then_some(Ending { span: Nested { id: self.context.span_id, parent: 0 }, nested: false })
    }

    /// The end of a span that its future's first poll has left nested. What was refused has nothing to tell and only goes.
    #[inline(always)]
    fn ending_nested(&mut self, span: Nested) -> Option<Ending> {
        let recording = self.is_recording();
        self.context.flags = 0;
        if !recording {
            local::end(span);
        }
        recording.then_some(Ending { span, nested: true })
    }

    pub(crate) fn take(&mut self) -> Self {
        mem::replace(self, Self::OFF)
    }

    /// One more tag.
    #[cfg(feature = "stream")]
    pub(crate) fn tag(&self, key: &str, value: Value<'_>) {
        local::extra(self.context, ExtraKind::Tag, &[Value::Str(key), value]);
    }
}

/// The future of a recorded span is done; one of these methods says with what.
#[derive(Debug)]
#[must_use]
pub struct Ending {
    /// Of a span that may move, only the id.
    span: Nested,
    nested: bool,
}

impl Ending {
    /// Nothing to say of it.
    #[inline(always)]
    pub fn end(self) {
        match self.nested {
            true => local::end(self.span),
            false => end(self.span.id, Outcome::Ok, &[], 0),
        }
    }

    /// With `reply`.
    #[inline(always)]
    pub fn end_reply(self, reply: Value<'_>) {
        self.end_reply_within(reply, 0);
    }

    /// With `reply`, of which `max_len` bytes may be kept (0: the tracer's bound).
    #[inline(always)]
    pub fn end_reply_within(self, reply: Value<'_>, max_len: u32) {
        match self.nested {
            true => local::end_reply(self.span, &reply, bound(max_len)),
            false => end(self.span.id, Outcome::Ok, &[reply], max_len),
        }
    }

    /// With an error of type `kind`.
    #[inline(always)]
    pub fn end_error(self, message: Value<'_>, kind: &'static str) {
        self.end_with(Outcome::Error, &[message, Value::Str(kind)], 0);
    }

    /// With an error of type `kind`, of whose message `max_len` bytes may be kept.
    #[inline(always)]
    pub fn end_error_within(self, message: Value<'_>, kind: &'static str, max_len: u32) {
        self.end_with(Outcome::Error, &[message, Value::Str(kind)], max_len);
    }

    #[cold]
    #[inline(never)]
    fn end_with(self, outcome: Outcome, values: &[Value<'_>], max_len: u32) {
        match self.nested {
            true => local::end_with(self.span, outcome, values, bound(max_len)),
            false => end(self.span.id, outcome, values, max_len),
        }
    }
}

#[inline(never)]
fn end(span_id: u64, outcome: Outcome, values: &[Value<'_>], max_len: u32) {
    local::end_at(span_id, outcome, values, bound(max_len));
}

/// Dropped without a word: cancelled.
impl Drop for OpenSpan {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_recording() {
            cancelled(self.context.span_id);
        }
    }
}

#[cold]
#[inline(never)]
fn cancelled(span_id: u64) {
    end(span_id, Outcome::Cancelled, &[], 0);
}

/// Opens the span of the async block that calls it, under the ambient one, or a root, with one value for each of the callsite's keys. Whether it is recorded.
#[inline(always)]
pub fn open(site: &'static Callsite, values: &[Value<'_>]) -> bool {
    local::open_in_poll(site, values)
}

/// The same under another than the ambient one.
pub fn open_under(site: &'static Callsite, under: Under, values: &[Value<'_>]) -> bool {
    local::open_in_poll_under(site, under.0, values)
}

pin_project! {
    /// A future that runs inside a span. Made by [`run`] and [`in_span`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Run<F, S> {
        #[pin]
        future: F,
        // Behind the future, so that what it holds is dropped before the span ends.
        span: OpenSpan,
        say: S,
    }
}

/// What tells a span the output of its future.
pub trait Say<T> {
    /// Ends the span.
    fn say(&self, span: Ending, output: &T);
}

impl<T, S: Fn(Ending, &T)> Say<T> for S {
    #[inline(always)]
    fn say(&self, span: Ending, output: &T) {
        self(span, output);
    }
}

/// An output of which there is nothing to say.
#[derive(Debug)]
pub struct Silent;

impl<T> Say<T> for Silent {
    #[inline(always)]
    fn say(&self, span: Ending, _: &T) {
        span.end();
    }
}

/// The future of an annotated async function; it calls [`open`] when it is first polled.
#[inline(always)]
pub fn run<F: Future, S: Fn(Ending, &F::Output)>(future: F, say: S) -> Run<F, S> {
    Run { future, span: OpenSpan::LATER, say }
}

/// The same for an output of which there is nothing to say.
#[inline(always)]
pub fn run_bare<F: Future>(future: F) -> Run<F, Silent> {
    Run { future, span: OpenSpan::LATER, say: Silent }
}

impl<F: Future, S: Say<F::Output>> Future for Run<F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let turn = Turn::begin(this.span);
        let polled = this.future.poll(cx);
        let nested = turn.end(polled.is_pending());
        if let Poll::Ready(output) = &polled {
            let ending = match nested {
                Some(nested) => this.span.ending_nested(nested),
                None => this.span.ending(),
            };
            if let Some(ending) = ending {
                this.say.say(ending, output);
            }
        }
        polled
    }
}

/// One poll: the span is ambient until it ends, also if it unwinds.
pub(crate) struct Turn<'a> {
    span: &'a mut OpenSpan,
    /// `None`: there is no span and will be none.
    before: Option<Before>,
    since: u64,
}

impl<'a> Turn<'a> {
    #[inline(always)]
    pub(crate) fn begin(span: &'a mut OpenSpan) -> Self {
        let mut turn = Turn { span, before: None, since: 0 };
        let context = &turn.span.context;
        if context.span_id != 0 || context.flags == NOT_YET && global::is_on() {
            if context.flags & TIMED != 0 {
                turn.since = ticks();
            }
            local::begin_poll(context, &mut turn.before);
        }
        turn
    }

    /// `waits`: the future is not done. The answer is a span that is still nested, and has to be ended now.
    #[inline(always)]
    pub(crate) fn end(mut self, waits: bool) -> Option<Nested> {
        let nested = self.leave(waits);
        mem::forget(self);
        nested
    }

    #[inline(always)]
    fn leave(&mut self, waits: bool) -> Option<Nested> {
        let before = self.before.as_ref()?;
        let Polled { nested, since } = local::end_poll(&mut self.span.context, before, waits);
        if self.span.context.flags & TIMED != 0 {
            polled(&self.span.context, self.since.max(since));
        }
        nested
    }
}

#[cold]
#[inline(never)]
fn polled(span: &SpanContext, since: u64) {
    let busy = ticks().wrapping_sub(since);
    local::extra(*span, ExtraKind::Poll, &[Value::Long(busy as i64)]);
}

/// Only a poll that unwinds drops it.
impl Drop for Turn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.unwound();
    }
}

impl Turn<'_> {
    /// Out of line, so that the landing pad of each annotated future is one call.
    #[cold]
    #[inline(never)]
    fn unwound(&mut self) {
        let nested = self.leave(false);
        let ending = match nested {
            Some(nested) => self.span.ending_nested(nested),
            None => self.span.ending(),
        };
        if let Some(ending) = ending {
            ending.end_with(Outcome::Panic, &[], 0);
        }
    }
}

/// The span of a future or stream that a function is about to return: ambient while it is made. Made by [`make`]; for generated code.
#[derive(Debug)]
#[must_use]
pub struct Making {
    span: OpenSpan,
    attached: Option<Attached>,
}

/// Opens it under the ambient one, or a root.
pub fn make(site: &'static Callsite, values: &[Value<'_>]) -> Making {
    make_as(site, Parent::Ambient, values)
}

/// Opens it under another than the ambient one.
pub fn make_under(site: &'static Callsite, under: Under, values: &[Value<'_>]) -> Making {
    make_as(site, under.0, values)
}

#[inline(never)]
fn make_as(site: &'static Callsite, parent: Parent, values: &[Value<'_>]) -> Making {
    let mut context = local::start_at(site, parent, values, local::value_bound(site));
    if context.is_sampled() && (site.polls() || global::polls()) {
        context.flags |= TIMED;
    }
    Making { span: OpenSpan { context }, attached: (context.span_id != 0).then(|| local::attach(context)) }
}

impl Making {
    /// No span.
    pub const fn off() -> Self {
        Self { span: OpenSpan::OFF, attached: None }
    }

    /// It is made; the span goes on with it.
    pub(crate) fn done(mut self) -> OpenSpan {
        if let Some(attached) = self.attached.take() {
            local::detach(attached);
        }
        self.span.take()
    }
}

/// The function did not get as far as to return: it panics.
impl Drop for Making {
    fn drop(&mut self) {
        if let Some(attached) = self.attached.take() {
            local::detach(attached);
            if std::thread::panicking() {
                self.span.panicked();
            }
        }
    }
}

impl OpenSpan {
    fn panicked(&mut self) {
        if let Some(ending) = self.ending() {
            ending.end_with(Outcome::Panic, &[], 0);
        }
    }
}

/// A future that a function returns, in the span that was opened when it was called.
pub fn in_span<T, F: Future<Output = T>, S: Fn(Ending, &T)>(making: Making, say: S, future: F) -> Run<F, S> {
    Run { future, span: making.done(), say }
}

/// The same for an output of which there is nothing to say.
pub fn in_span_bare<F: Future>(making: Making, future: F) -> Run<F, Silent> {
    Run { future, span: making.done(), say: Silent }
}

/// The same for a future in a box.
pub fn boxed<T, F: Future<Output = T>, S: Fn(Ending, &T)>(
    making: Making,
    say: S,
    future: F,
) -> Pin<Box<Run<F, S>>> {
    Box::pin(in_span(making, say, future))
}

/// The same for a future in a box, of whose output there is nothing to say.
pub fn boxed_bare<F: Future>(making: Making, future: F) -> Pin<Box<Run<F, Silent>>> {
    Box::pin(in_span_bare(making, future))
}

/// A span that is ambient for the length of one poll, also if the poll panics.
pub(crate) struct Ambient(Option<Attached>);

impl Ambient {
    #[inline]
    pub(crate) fn of(context: &SpanContext) -> Self {
        // A context without a span is no context to restore: the span is off, and what is ambient stays so.
        Self((context.span_id != 0).then(|| local::attach(*context)))
    }
}

impl Drop for Ambient {
    #[inline]
    fn drop(&mut self) {
        if let Some(attached) = self.0.take() {
            local::restore(attached);
        }
    }
}
