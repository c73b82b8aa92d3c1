//! Spans by hand, beside the macro: roots, children, tags, logs, entering, and futures that run inside a span.
//!
//! A [`Span`] may be held for hours, moved between threads and ended anywhere; it ends when it is dropped. It costs three events of the log and no memory of ours while it is open.
//! Nothing here fails or blocks: without a tracer, or in a trace that is not sampled, every call is a few instructions.

use crate::async_span::Ambient;
use crate::context::SpanContext;
use crate::event_log::format::{ExtraKind, MAX_VALUES, Outcome};
use crate::global;
use crate::local::{self, Attached, Parent};
use crate::site::Site;
use crate::value::{TagValue, Value};
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The callsite of all spans by hand: their name is their first value.
pub(crate) static BY_HAND: Site<[u8; 10]> = Site::new("\0reply\0\0\0\0", 0);

/// An open span that was started by hand.
///
/// It ends when it is dropped. [`Span::enter`] makes it ambient for the code that follows, [`FutureExt::in_span`] for a future.
///
/// ```
/// use jaeger_runtime::Span;
///
/// let order = Span::root("order");
/// order.tag("order.id", 17);
/// {
///     let _inside = order.enter();
///     let payment = Span::child("payment"); // of "order"
///     payment.log("declined", &[("attempt", &1), ("bank", &"ours")]);
/// } // "payment" ends, then "order" is no longer ambient
/// drop(order); // "order" ends
/// ```
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    context: SpanContext,
}

impl Span {
    /// A span without a parent: the start of a new trace, whatever is ambient. The sampler decides whether it is recorded.
    pub fn root(name: &str) -> Self {
        Self::start(name, Parent::None)
    }

    /// A child of the ambient span; a root if there is none.
    pub fn child(name: &str) -> Self {
        Self::start(name, Parent::Ambient)
    }

    /// A child of `parent`, which may live on another thread or in another process; a root if `parent` is [`SpanContext::NONE`].
    pub fn child_of(parent: SpanContext, name: &str) -> Self {
        Self::start(name, Parent::Of(parent))
    }

    fn start(name: &str, parent: Parent) -> Self {
        if !global::is_on() {
            return Self { context: SpanContext::NONE };
        }
        Self { context: local::start_at(&BY_HAND, parent, &[Value::Str(name)], global::max_value_len()) }
    }

    /// Opens one of a callsite of its own, with the values of the callsite's keys.
    #[cfg(feature = "tracing")]
    pub(crate) fn open(site: &'static Site, parent: Parent, values: &[Value<'_>]) -> Self {
        Self { context: local::start_at(site, parent, values, global::max_value_len()) }
    }

    /// What a child needs to know of it. [`SpanContext::NONE`] when no tracer is installed.
    pub fn context(&self) -> SpanContext {
        self.context
    }

    /// Whether the span is recorded, so that costly tags may be left out.
    pub fn is_recording(&self) -> bool {
        self.context.is_sampled()
    }

    /// Makes it ambient until the returned value is dropped: spans opened meanwhile on this thread become its children.
    ///
    /// Not to be held over an `.await`, which is what [`FutureExt::in_span`] is for: while the future waits, the span would be ambient for whatever else the thread does. An annotated async function puts back
    /// what was ambient before, after each poll if its span is recorded; if it is not, after the first one only.
    pub fn enter(&self) -> Entered<'_> {
        Entered {
            attached: (self.context.span_id != 0).then(|| local::attach(self.context)),
            _span: PhantomData,
            _not_send: PhantomData,
        }
    }

    /// Adds a tag. Keys and text are kept up to the tracer's bound.
    pub fn tag(&self, key: &str, value: impl TagValue) -> &Self {
        tag(self.context, key, &value);
        self
    }

    /// Adds a log: an `event` and up to 31 fields, with the time of the call. Fields past that, or past 4 KiB of them, are counted in `Stats::extras_lost`.
    pub fn log(&self, event: &str, fields: &[(&str, &dyn TagValue)]) -> &Self {
        log(self.context, event, fields);
        self
    }

    /// Gives it another name.
    pub fn rename(&self, name: &str) -> &Self {
        local::extra(self.context, ExtraKind::Name, &[Value::Str(name)]);
        self
    }

    /// Ends it as failed: `error=true` and a log with the message and the kind of the error.
    pub fn fail<E: std::fmt::Display>(self, error: &E) {
        if self.is_recording() {
            let values = [Value::Display(error), Value::Str(std::any::type_name::<E>())];
            local::end_at(self.context.span_id, Outcome::Error, &values, global::max_value_len());
        }
        std::mem::forget(self);
    }

    /// Ends it now; the same as dropping it.
    pub fn finish(self) {}

    /// The ambient span: the innermost traced function or entered span of this thread.
    pub fn current() -> CurrentSpan {
        CurrentSpan { context: local::current(), _not_send: PhantomData }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.is_recording() {
            let outcome = if std::thread::panicking() { Outcome::Panic } else { Outcome::Ok };
            local::end_at(self.context.span_id, outcome, &[], 0);
        }
    }
}

impl SpanContext {
    /// The context of the ambient span, [`SpanContext::NONE`] if there is none.
    pub fn current() -> Self {
        local::current()
    }
}

/// The ambient span of this thread, to add to from inside a traced function. Not to be kept: it cannot leave the thread.
///
/// ```
/// use jaeger_runtime::{Span, traced};
///
/// #[traced]
/// fn cached(key: &str) -> bool {
///     Span::current().tag("cache.hit", true);
///     true
/// }
/// # cached("k");
/// ```
#[derive(Debug)]
pub struct CurrentSpan {
    context: SpanContext,
    _not_send: PhantomData<*const ()>,
}

impl CurrentSpan {
    /// What a child needs to know of it.
    pub fn context(&self) -> SpanContext {
        self.context
    }

    /// Whether the span is recorded.
    pub fn is_recording(&self) -> bool {
        self.context.is_sampled()
    }

    /// Adds a tag; see [`Span::tag`].
    pub fn tag(&self, key: &str, value: impl TagValue) -> &Self {
        tag(self.context, key, &value);
        self
    }

    /// Adds a log; see [`Span::log`].
    pub fn log(&self, event: &str, fields: &[(&str, &dyn TagValue)]) -> &Self {
        log(self.context, event, fields);
        self
    }

    /// Gives it another name.
    pub fn rename(&self, name: &str) -> &Self {
        local::extra(self.context, ExtraKind::Name, &[Value::Str(name)]);
        self
    }
}

fn tag(span: SpanContext, key: &str, value: &dyn TagValue) {
    local::extra(span, ExtraKind::Tag, &[Value::Str(key), Value::Tag(value)]);
}

fn log(span: SpanContext, event: &str, fields: &[(&str, &dyn TagValue)]) {
    if !span.is_sampled() {
        return;
    }
    let mut values = [Value::None; MAX_VALUES];
    values[0] = Value::Str("event");
    values[1] = Value::Str(event);
    let mut used = 2;
    for ((key, value), pair) in fields.iter().zip(values[2..].chunks_exact_mut(2)) {
        pair[0] = Value::Str(key);
        pair[1] = Value::Tag(*value);
        used += 2;
    }
    // What one event cannot count.
    global::count_lost_extras((fields.len() - (used / 2 - 1)) as u64);
    local::extra(span, ExtraKind::Log, &values[..used]);
}

/// Keeps a span ambient on this thread until it is dropped. Dropping several out of order is harmless.
#[derive(Debug)]
#[must_use = "the span is ambient only while this lives"]
pub struct Entered<'a> {
    attached: Option<Attached>,
    _span: PhantomData<&'a Span>,
    _not_send: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(attached) = self.attached.take() {
            local::detach(attached);
        }
    }
}

pin_project! {
    /// A future that runs inside a span it owns; the span ends with it. Made by [`FutureExt::in_span`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InSpan<F> {
        #[pin]
        future: F,
        span: Option<HeldSpan>,
    }
}

/// A span that counts as cancelled when it is dropped before its future is done.
#[derive(Debug)]
struct HeldSpan(Span);

impl Drop for HeldSpan {
    fn drop(&mut self) {
        if self.0.is_recording() && !std::thread::panicking() {
            local::end_at(self.0.context.span_id, Outcome::Cancelled, &[], 0);
            self.0.context = SpanContext::NONE;
        }
    }
}

pin_project! {
    /// A future that runs under a context that others own. Made by [`FutureExt::in_context`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        #[pin]
        future: F,
        context: SpanContext,
    }
}

/// Futures that run inside a span.
pub trait FutureExt: Future + Sized {
    /// The span is ambient during each poll, on whatever thread, and ends when the future is done; one that is dropped before counts as cancelled.
    ///
    /// ```
    /// use jaeger_runtime::{FutureExt, Span};
    ///
    /// async fn work() -> u32 { 7 }
    /// let job = work().in_span(Span::child("job"));
    /// # drop(job);
    /// ```
    fn in_span(self, span: Span) -> InSpan<Self> {
        InSpan { future: self, span: Some(HeldSpan(span)) }
    }

    /// `context` is ambient during each poll: what the future opens becomes its children. For a task that is spawned; see `spawn`.
    ///
    /// ```
    /// use jaeger_runtime::{FutureExt, SpanContext};
    ///
    /// async fn work() -> u32 { 7 }
    /// let task = work().in_context(SpanContext::current());
    /// # drop(task);
    /// ```
    fn in_context(self, context: SpanContext) -> InContext<Self> {
        InContext { future: self, context }
    }
}

impl<F: Future> FutureExt for F {}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let context = this.span.as_ref().map_or(SpanContext::NONE, |span| span.0.context);
        let polled = {
            let _ambient = Ambient::of(&context);
            this.future.poll(cx)
        };
        // Only when it is done: a span that is taken out after a poll that is pending would end there, as cancelled.
        let done = if polled.is_ready() { this.span.take() } else { None };
        if let Some(mut span) = done {
            if span.0.is_recording() {
                local::end_at(context.span_id, Outcome::Ok, &[], 0);
                span.0.context = SpanContext::NONE;
            }
        }
        polled
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _ambient = Ambient::of(this.context);
        this.future.poll(cx)
    }
}
