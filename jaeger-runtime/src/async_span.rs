//! The span of an async function: it opens at the first poll, is ambient during each, on whatever thread, and ends with the future.
//!
//! An [`OpenSpan`] lives in the annotated function's own frame, [`run`] borrows it, so the future grows by a context and a reference. A future that is dropped before it is done has
//! been cancelled; one that is dropped by a panic has panicked.

use crate::callsite::Callsite;
use crate::context::SpanContext;
use crate::event_log::format::Outcome;
use crate::global;
use crate::local::{self, Attached, Parent};
use crate::value::Value;
use pin_project_lite::pin_project;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An open span that may move between threads, or none. Made by [`open`]; for generated code.
#[derive(Debug)]
#[must_use]
pub struct OpenSpan {
    context: SpanContext,
}

/// Opens a span under the ambient one, or a root, with one value for each of the callsite's keys.
#[inline(never)]
pub fn open(site: &'static Callsite, values: &[Value<'_>]) -> OpenSpan {
    OpenSpan { context: local::start_at(site, Parent::Ambient, values, local::value_bound(site)) }
}

impl OpenSpan {
    /// No span.
    #[inline(always)]
    pub const fn off() -> Self {
        Self { context: SpanContext::NONE }
    }

    /// Whether there is a span to end.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.context.is_sampled()
    }

    /// The future is done, and there is nothing to say of it.
    #[inline(always)]
    pub fn end(self) {
        self.finish(Outcome::Ok, &[]);
    }

    /// The future is done with `reply`.
    #[inline(always)]
    pub fn end_reply(self, reply: Value<'_>) {
        self.finish(Outcome::Ok, &[reply]);
    }

    /// The future is done with an error of type `kind`.
    #[inline(always)]
    pub fn end_error(self, message: Value<'_>, kind: &'static str) {
        self.finish(Outcome::Error, &[message, Value::Str(kind)]);
    }

    #[inline(always)]
    fn finish(self, outcome: Outcome, values: &[Value<'_>]) {
        if self.is_recording() {
            end(&self.context, outcome, values);
        }
        mem::forget(self);
    }
}

#[inline(never)]
fn end(span: &SpanContext, outcome: Outcome, values: &[Value<'_>]) {
    local::end_at(*span, outcome, values, global::max_value_len());
}

/// Dropped without a word: cancelled, or unwound.
impl Drop for OpenSpan {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_recording() {
            end_dropped(&self.context);
        }
    }
}

#[cold]
#[inline(never)]
fn end_dropped(span: &SpanContext) {
    let outcome = if std::thread::panicking() { Outcome::Panic } else { Outcome::Cancelled };
    end(span, outcome, &[]);
}

pin_project! {
    /// A future that runs inside a span. Made by [`run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Run<'a, F> {
        span: &'a OpenSpan,
        #[pin]
        future: F,
    }
}

/// Runs `future` with `span` ambient during each poll.
#[inline(always)]
pub fn run<F: Future>(span: &OpenSpan, future: F) -> Run<'_, F> {
    Run { span, future }
}

impl<F: Future> Future for Run<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _ambient = Ambient::of(&this.span.context);
        this.future.poll(cx)
    }
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
