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
use crate::local::{self, Attached, Parent};
use crate::relation::Under;
use crate::sync_span::bound;
use crate::value::Value;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

/// In the flags of a context without a span: the future has not been polled yet.
const NOT_YET: u8 = 0x10;
const NOT_OPEN_YET: SpanContext = SpanContext::from_raw(0, 0, 0, NOT_YET);
/// In the flags of an open span's context: its polls are counted and timed.
const TIMED: u8 = 0x20;

/// An open span that may move between threads, or none. For generated code.
#[derive(Debug)]
#[must_use]
pub struct OpenSpan {
    context: SpanContext,
}

impl OpenSpan {
    const OFF: Self = Self { context: SpanContext::NONE };
    const LATER: Self = Self { context: NOT_OPEN_YET };

    /// Whether there is a span to end.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.context.is_sampled()
    }

    /// The future is done, and there is nothing to say of it.
    #[inline(always)]
    pub fn end(self) {
        self.finish(Outcome::Ok, &[], 0);
    }

    /// The future is done with `reply`.
    #[inline(always)]
    pub fn end_reply(self, reply: Value<'_>) {
        self.finish(Outcome::Ok, &[reply], 0);
    }

    /// The future is done with `reply`, of which `max_len` bytes may be kept (0: the tracer's bound).
    #[inline(always)]
    pub fn end_reply_within(self, reply: Value<'_>, max_len: u32) {
        self.finish(Outcome::Ok, &[reply], max_len);
    }

    /// The future is done with an error of type `kind`.
    #[inline(always)]
    pub fn end_error(self, message: Value<'_>, kind: &'static str) {
        self.finish(Outcome::Error, &[message, Value::Str(kind)], 0);
    }

    /// The future is done with an error of type `kind`, of whose message `max_len` bytes may be kept.
    #[inline(always)]
    pub fn end_error_within(self, message: Value<'_>, kind: &'static str, max_len: u32) {
        self.finish(Outcome::Error, &[message, Value::Str(kind)], max_len);
    }

    #[inline(always)]
    fn finish(self, outcome: Outcome, values: &[Value<'_>], max_len: u32) {
        end(&self.context, outcome, values, max_len);
        mem::forget(self);
    }

    /// One more tag.
    #[cfg(feature = "stream")]
    pub(crate) fn tag(&self, key: &str, value: Value<'_>) {
        local::extra(self.context, ExtraKind::Tag, &[Value::Str(key), value]);
    }

    pub(crate) fn take(&mut self) -> Self {
        mem::replace(self, Self::OFF)
    }
}

#[inline(never)]
fn end(span: &SpanContext, outcome: Outcome, values: &[Value<'_>], max_len: u32) {
    if span.is_sampled() {
        local::end_at(*span, outcome, values, bound(max_len));
    }
}

/// Dropped without a word: cancelled.
impl Drop for OpenSpan {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_recording() {
            cancelled(&self.context);
        }
    }
}

#[cold]
#[inline(never)]
fn cancelled(span: &SpanContext) {
    end(span, Outcome::Cancelled, &[], 0);
}

/// What [`open`] hands to the [`Run`] around it.
#[derive(Clone, Copy)]
struct Opening {
    context: SpanContext,
    /// Ticks at which a timed poll began.
    since: u64,
}

const NOBODY: Opening = Opening { context: SpanContext::NONE, since: 0 };
const EXPECTED: Opening = Opening { context: NOT_OPEN_YET, since: 0 };

thread_local! {
    static OPENING: Cell<Opening> = const { Cell::new(NOBODY) };
}

/// Opens the span of the async block that calls it, under the ambient one, or a root, with one value for each of the callsite's keys. Whether it is recorded.
pub fn open(site: &'static Callsite, values: &[Value<'_>]) -> bool {
    open_as(site, Parent::Ambient, values)
}

/// The same under another than the ambient one.
pub fn open_under(site: &'static Callsite, under: Under, values: &[Value<'_>]) -> bool {
    open_as(site, under.0, values)
}

#[inline(never)]
fn open_as(site: &'static Callsite, parent: Parent, values: &[Value<'_>]) -> bool {
    if OPENING.get().context.flags != NOT_YET {
        // The tracer was switched on in the middle of this poll: nobody waits for a span.
        return false;
    }
    let context = start(site, parent, values);
    if context.span_id != 0 {
        let _run_restores = local::attach(context);
    }
    let since = if context.flags & TIMED != 0 { ticks() } else { 0 };
    OPENING.set(Opening { context, since });
    context.is_sampled()
}

#[inline(always)]
fn start(site: &'static Callsite, parent: Parent, values: &[Value<'_>]) -> SpanContext {
    let mut context = local::start_at(site, parent, values, local::value_bound(site));
    if context.is_sampled() && (site.polls() || global::polls()) {
        context.flags |= TIMED;
    }
    context
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
    fn say(&self, span: OpenSpan, output: &T);
}

impl<T, S: Fn(OpenSpan, &T)> Say<T> for S {
    #[inline(always)]
    fn say(&self, span: OpenSpan, output: &T) {
        self(span, output);
    }
}

/// An output of which there is nothing to say.
#[derive(Debug)]
pub struct Silent;

impl<T> Say<T> for Silent {
    #[inline(always)]
    fn say(&self, span: OpenSpan, _: &T) {
        span.end();
    }
}

/// The future of an annotated async function; it calls [`open`] when it is first polled.
#[inline(always)]
pub fn run<F: Future, S: Fn(OpenSpan, &F::Output)>(future: F, say: S) -> Run<F, S> {
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
        turn.end();
        if let Poll::Ready(output) = &polled {
            if this.span.is_recording() {
                this.say.say(this.span.take(), output);
            }
        }
        polled
    }
}

/// One poll: the span is ambient until it ends, also if it unwinds.
pub(crate) struct Turn<'a> {
    span: &'a mut OpenSpan,
    /// `None`: there is no span and will be none.
    before: Option<Attached>,
    opening: Opening,
}

impl<'a> Turn<'a> {
    #[inline(always)]
    pub(crate) fn begin(span: &'a mut OpenSpan) -> Self {
        let mut turn = Turn { span, before: None, opening: NOBODY };
        let context = &turn.span.context;
        if context.span_id != 0 || context.flags == NOT_YET && global::is_on() {
            turn.enter();
        }
        turn
    }

    #[inline(never)]
    fn enter(&mut self) {
        let context = self.span.context;
        if context.span_id == 0 {
            self.before = Some(local::snapshot());
            self.opening = OPENING.replace(EXPECTED);
        } else {
            self.before = Some(local::attach(context));
            if context.flags & TIMED != 0 {
                self.opening.since = ticks();
            }
        }
    }

    #[inline(always)]
    pub(crate) fn end(mut self) {
        if let Some(before) = self.before.take() {
            self.leave(before);
        }
        mem::forget(self);
    }

    #[inline(never)]
    fn leave(&mut self, before: Attached) {
        let mut since = self.opening.since;
        if self.span.context.span_id == 0 {
            let opened = OPENING.replace(self.opening);
            since = opened.since;
            // Not opened although asked for: not recorded, then or ever.
            let opened = if opened.context.flags == NOT_YET { SpanContext::NONE } else { opened.context };
            self.span.context = opened;
        }
        let context = self.span.context;
        if context.flags & TIMED != 0 {
            let busy = ticks().wrapping_sub(since);
            local::extra(context, ExtraKind::Poll, &[Value::Long(busy as i64)]);
        }
        if context.span_id != 0 {
            local::restore(before);
        }
    }
}

/// Only a poll that unwinds drops it.
impl Drop for Turn<'_> {
    #[cold]
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            self.leave(before);
            end(&self.span.context, Outcome::Panic, &[], 0);
            self.span.context = SpanContext::NONE;
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
    let context = start(site, parent, values);
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
                end(&self.span.take_context(), Outcome::Panic, &[], 0);
            }
        }
    }
}

impl OpenSpan {
    fn take_context(&mut self) -> SpanContext {
        mem::replace(&mut self.context, SpanContext::NONE)
    }
}

/// A future that a function returns, in the span that was opened when it was called.
pub fn in_span<T, F: Future<Output = T>, S: Fn(OpenSpan, &T)>(
    making: Making,
    say: S,
    future: F,
) -> Run<F, S> {
    Run { future, span: making.done(), say }
}

/// The same for an output of which there is nothing to say.
pub fn in_span_bare<F: Future>(making: Making, future: F) -> Run<F, Silent> {
    Run { future, span: making.done(), say: Silent }
}

/// The same for a future in a box.
pub fn boxed<T, F: Future<Output = T>, S: Fn(OpenSpan, &T)>(
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
