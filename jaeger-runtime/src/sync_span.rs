//! The span of a sync function: a guard of two words on its stack.
//!
//! It ends the span once: with a reply or an error when the function says so, else when it is dropped, and then a thread that unwinds means a panic. It cannot leave its
//! thread. Out-of-line functions, none of them generic, so that an annotated function grows by calls and not by code.

use crate::context::SpanContext;
use crate::event_log::format::Outcome;
use crate::local::{self, Attached, Nested, Parent, bound};
use crate::relation::Under;
use crate::reply::Ends;
use crate::site::Site;
use crate::value::Value;
use std::marker::PhantomData;
use std::mem;

/// An open sync span, or none. Made by [`enter`]; for generated code.
#[derive(Debug)]
#[must_use]
pub struct Guard {
    nested: Nested,
    /// The ambient context is the thread's.
    _not_send: PhantomData<*const ()>,
}

/// Opens a span nested in the ambient one, or a root, with one value for each of the callsite's keys.
#[inline(always)]
pub fn enter(site: &'static Site, values: &[Value<'_>]) -> Guard {
    Guard { nested: local::start(site, values), _not_send: PhantomData }
}

/// The same without values.
#[inline(always)]
pub fn enter_bare(site: &'static Site) -> Guard {
    Guard { nested: local::start_bare(site), _not_send: PhantomData }
}

impl Guard {
    /// No span.
    #[inline(always)]
    pub const fn off() -> Self {
        Self { nested: Nested::OFF, _not_send: PhantomData }
    }

    /// Whether there is a span to end.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.nested.id != 0
    }
}

/// Forgotten before each call, which does not unwind: so whoever makes it needs no landing pad, and saves no registers for one, also where nothing is recorded.
impl Ends for Guard {
    #[inline(always)]
    fn end(self) {
        let nested = self.nested;
        mem::forget(self);
        if nested.id != 0 {
            local::end(nested);
        }
    }

    #[inline(always)]
    fn end_reply(self, reply: Value<'_>, max_len: u32) {
        debug_assert!(self.is_recording(), "generated code asks first");
        let nested = self.nested;
        mem::forget(self);
        local::end_reply(nested, &reply, max_len);
    }

    #[inline(always)]
    fn end_error(self, message: Value<'_>, kind: &'static str, max_len: u32) {
        debug_assert!(self.is_recording(), "generated code asks first");
        let nested = self.nested;
        mem::forget(self);
        end_error(nested, &message, kind, max_len);
    }
}

/// A span that does not hang below the ambient one, or none. Made by [`enter_under`]; for generated code.
#[derive(Debug)]
#[must_use]
pub struct GuardUnder {
    /// Ends first.
    guard: Guard,
    /// Then what was ambient before is so again.
    _leave: Leave,
}

#[derive(Debug)]
struct Leave(Option<Attached>);

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(attached) = self.0.take() {
            local::detach(attached);
        }
    }
}

/// Opens a span under another than the ambient one. Also where it is not recorded, what is called meanwhile belongs to its trace.
#[inline(never)]
pub fn enter_under(site: &'static Site, under: Under, values: &[Value<'_>]) -> GuardUnder {
    let parent = match under.0 {
        Parent::Of(context) => context,
        Parent::None => SpanContext::NONE,
        Parent::Ambient => local::current(),
    };
    let leave = Leave(Some(local::attach(parent)));
    GuardUnder { guard: enter(site, values), _leave: leave }
}

impl GuardUnder {
    /// No span.
    pub const fn off() -> Self {
        Self { guard: Guard::off(), _leave: Leave(None) }
    }
    /// As of [`Guard`].
    pub fn is_recording(&self) -> bool {
        self.guard.is_recording()
    }
}

impl Ends for GuardUnder {
    fn end(self) {
        self.guard.end();
    }
    fn end_reply(self, reply: Value<'_>, max_len: u32) {
        self.guard.end_reply(reply, max_len);
    }
    fn end_error(self, message: Value<'_>, kind: &'static str, max_len: u32) {
        self.guard.end_error(message, kind, max_len);
    }
}

/// A guard that need not be told how the function ended. Made by [`until_dropped`]; for generated code.
#[derive(Debug)]
pub struct UntilDropped<G: Off> {
    guard: G,
    /// Another panic was under way when the function was called, so that an unwinding thread says nothing of it.
    unwinding: bool,
}

/// A guard that can be taken away.
pub trait Off: Ends {
    /// No span.
    const OFF: Self;
}

impl Off for Guard {
    const OFF: Self = Self::off();
}

impl Off for GuardUnder {
    const OFF: Self = Self::off();
}

/// Takes a guard that may be dropped where the function returned.
#[inline(always)]
pub fn until_dropped<G: Off>(guard: G) -> UntilDropped<G> {
    UntilDropped { guard, unwinding: std::thread::panicking() }
}

impl<G: Off> UntilDropped<G> {
    /// The guard, to be told after all.
    #[inline(always)]
    pub fn told(mut self) -> G {
        mem::replace(&mut self.guard, G::OFF)
    }
}

impl<G: Off> Drop for UntilDropped<G> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.unwinding {
            // Where it panics itself in the course of that, the process is aborted, or somebody catches it: too rare to be told apart.
            mem::replace(&mut self.guard, G::OFF).end();
        }
    }
}

/// The function did not say how it ended: it returned early, or it panics.
impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        if self.nested.id != 0 {
            end_dropped(self.nested);
        }
    }
}

#[cold]
#[inline(never)]
fn end_error(nested: Nested, message: &Value<'_>, kind: &'static str, max_len: u32) {
    local::end_with(nested, Outcome::Error, &[*message, Value::Str(kind)], bound(max_len));
}

#[inline(never)]
fn end_dropped(nested: Nested) {
    if std::thread::panicking() {
        local::end_with(nested, Outcome::Panic, &[], bound(0));
    } else {
        local::end(nested);
    }
}
