//! The span of an async function or of a future that a function returns: ambient during each poll, on whatever thread, and ended with the future.
//!
//! A [`Run`] holds the future and a context, and nothing else: that is what an annotated future grows by. The arguments are inside the future, so its span is opened there, by
//! [`open`], in the first poll; a thread-local hands the new context out to the `Run` that polls. The output is looked at in place, on its way out.
//! What is generic here is a shell: a poll is one call to `local/poll.rs` before and one after it.
//!
//! A future that is dropped before it is done has been cancelled; one whose poll unwinds has panicked, whatever its executor makes of that.

use crate::context::SpanContext;
#[cfg(feature = "stream")]
use crate::event_log::format::ExtraKind;
use crate::event_log::format::Outcome;
use crate::global;
use crate::local::{self, Attached, Before, Kept, Parent, TIMED, bound};
use crate::relation::Under;
use crate::reply::Ends;
use crate::site::Site;
use crate::value::Value;
use pin_project_lite::pin_project;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The span of a future, or none: what is recorded is ended exactly once. For generated code.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    kept: Kept,
}

impl OpenSpan {
    const LATER: Self = Self { kept: Kept::Later };

    pub(crate) fn take(&mut self) -> Self {
        Self { kept: mem::replace(&mut self.kept, Kept::Nothing) }
    }

    /// One more tag.
    #[cfg(feature = "stream")]
    pub(crate) fn tag(&self, key: &str, value: Value<'_>) {
        local::extra(self.kept.recorded(), ExtraKind::Tag, &[Value::Str(key), value]);
    }
}

/// Dropped without a word: cancelled.
impl Drop for OpenSpan {
    #[inline(always)]
    fn drop(&mut self) {
        if let Kept::Open { .. } = self.kept {
            cancelled(&self.kept);
        }
    }
}

#[cold]
#[inline(never)]
fn cancelled(kept: &Kept) {
    let own = kept.recorded();
    if own.is_sampled() {
        local::end_at(own.span_id, Outcome::Cancelled, &[], bound(0));
    }
}

/// Opens the span of the async block that calls it, under the ambient one, or a root, with one value for each of the callsite's keys. Whether it is recorded.
#[inline(always)]
pub fn open(site: &'static Site, values: &[Value<'_>]) -> bool {
    local::open_in_poll(site, values)
}

/// The same without values.
#[inline(always)]
pub fn open_bare(site: &'static Site) -> bool {
    local::open_in_poll_bare(site)
}

/// The same under another than the ambient one.
pub fn open_under(site: &'static Site, under: Under, values: &[Value<'_>]) -> bool {
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
    /// Ends the poll that made `output`, and the span.
    fn say(&self, turn: Turn<'_>, output: &T);
}

impl<T, S: Fn(Turn<'_>, &T)> Say<T> for S {
    #[inline(always)]
    fn say(&self, turn: Turn<'_>, output: &T) {
        self(turn, output);
    }
}

/// An output of which there is nothing to say.
#[derive(Debug)]
pub struct Silent;

impl<T> Say<T> for Silent {
    #[inline(always)]
    fn say(&self, turn: Turn<'_>, _: &T) {
        turn.end();
    }
}

/// The future of an annotated async function; it calls [`open`] when it is first polled.
#[inline(always)]
pub fn run<F: Future, S: Fn(Turn<'_>, &F::Output)>(future: F, say: S) -> Run<F, S> {
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
        let mut before = None;
        let turn = Turn::begin(this.span, &mut before);
        let polled = this.future.poll(cx);
        if let Some(turn) = turn {
            match &polled {
                Poll::Ready(output) => this.say.say(turn, output),
                Poll::Pending => turn.wait(),
            }
        }
        polled
    }
}

/// One poll: the span is ambient until it ends, also if it unwinds. Two pointers; what it keeps stays where it was written.
#[derive(Debug)]
pub struct Turn<'a> {
    span: &'a mut OpenSpan,
    before: &'a Before,
}

impl<'a> Turn<'a> {
    /// `None`: there is no span and will be none.
    #[inline(always)]
    pub(crate) fn begin(span: &'a mut OpenSpan, before: &'a mut Option<Before>) -> Option<Self> {
        let begins = match span.kept {
            Kept::Nothing => false,
            Kept::Later => global::is_on(),
            Kept::Open { .. } => true,
        };
        if begins {
            local::begin_poll(&span.kept, before);
        }
        before.as_ref().map(|before| Self { span, before })
    }

    /// One more tag of the span.
    #[cfg(feature = "stream")]
    pub(crate) fn tag(&self, key: &str, value: Value<'_>) {
        self.span.tag(key, value);
    }

    /// The future is not done.
    #[inline(always)]
    pub(crate) fn wait(self) {
        let mut this = ManuallyDrop::new(self);
        let Self { span, before } = &mut *this;
        local::end_waiting_poll(&mut span.kept, before);
    }
}

/// The future is done, and so is the poll. Its span, if it is recorded, is ended with it, by one call for both.
impl Ends for Turn<'_> {
    #[inline(always)]
    fn end(self) {
        let mut this = ManuallyDrop::new(self);
        let Self { span, before } = &mut *this;
        local::end_last_poll_bare(&mut span.kept, before);
    }

    #[inline(always)]
    fn end_reply(self, reply: Value<'_>, max_len: u32) {
        let mut this = ManuallyDrop::new(self);
        let Self { span, before } = &mut *this;
        local::end_last_poll_reply(&mut span.kept, before, &reply, max_len);
    }

    #[inline(always)]
    fn end_error(self, message: Value<'_>, kind: &'static str, max_len: u32) {
        let mut this = ManuallyDrop::new(self);
        let Self { span, before } = &mut *this;
        end_error(span, before, &message, kind, max_len);
    }
}

#[cold]
#[inline(never)]
fn end_error(span: &mut OpenSpan, before: &Before, message: &Value<'_>, kind: &'static str, max_len: u32) {
    let done = local::end_last_poll(&mut span.kept, before);
    local::end_done(done, Outcome::Error, &[*message, Value::Str(kind)], bound(max_len));
}

/// Only a poll that unwinds drops it.
impl Drop for Turn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        unwound(self.span, self.before);
    }
}

/// Out of line, so that the landing pad of each annotated future is one call.
#[cold]
#[inline(never)]
fn unwound(span: &mut OpenSpan, before: &Before) {
    let done = local::end_last_poll(&mut span.kept, before);
    local::end_done(done, Outcome::Panic, &[], bound(0));
}

/// The span of a future or stream that a function is about to return: ambient while it is made. Made by [`make`]; for generated code.
#[derive(Debug)]
#[must_use]
pub struct Making {
    span: OpenSpan,
    attached: Option<Attached>,
}

/// Opens it under the ambient one, or a root.
pub fn make(site: &'static Site, values: &[Value<'_>]) -> Making {
    make_as(site, Parent::Ambient, values)
}

/// Opens it under another than the ambient one.
pub fn make_under(site: &'static Site, under: Under, values: &[Value<'_>]) -> Making {
    make_as(site, under.0, values)
}

#[inline(never)]
fn make_as(site: &'static Site, parent: Parent, values: &[Value<'_>]) -> Making {
    let mut context = local::start_at(site, parent, values, local::value_bound(site));
    if context.is_sampled() && (site.polls() || global::polls()) {
        context.flags |= TIMED;
    }
    let attached = (context.span_id != 0).then(|| local::attach(context));
    Making { span: OpenSpan { kept: Kept::open(context) }, attached }
}

impl Making {
    /// No span. What is made below a trace that was refused stays in that trace, wherever it is polled.
    pub fn off() -> Self {
        Self { span: OpenSpan { kept: local::kept_without_span() }, attached: None }
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
                let own = self.span.kept.recorded();
                if own.is_sampled() {
                    local::end_at(own.span_id, Outcome::Panic, &[], bound(0));
                }
                self.span.kept = Kept::Nothing;
            }
        }
    }
}

/// A future that a function returns, in the span that was opened when it was called.
pub fn in_span<T, F: Future<Output = T>, S: Fn(Turn<'_>, &T)>(
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
pub fn boxed<T, F: Future<Output = T>, S: Fn(Turn<'_>, &T)>(
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
