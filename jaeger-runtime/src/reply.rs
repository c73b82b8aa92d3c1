//! How a function's reply is told to its span: by one call of a function that all annotated functions with that reply share.
//!
//! What is known only where the function stands is how its types are shown, and that is chosen there by their types alone, in values of no size. Generated code writes
//!
//! ```text
//! let (__ok, __err) = (&&W(&reply)).__jaeger_sides();
//! (&&W(&reply)).__jaeger_tell(span, (&&&&&__ok).__jaeger_how(), Marked((&&&&&__err).__jaeger_error_how()), 0);
//! ```
//!
//! and each method is found as in `kinds.rs`: the first level whose bound the type meets. The looking at the reply, the choice between its sides, and the making of a [`Value`] all stand in the shared function, so that an
//! annotated function grows by one call. Of an error, what it displays comes before how it is debugged, because that is written for people.
//!
//! Left out on purpose: how a span is ended (`sync_span.rs`, `async_span.rs`: whatever has [`Ends`]).

use crate::kinds::{Optional, W};
use crate::value::{Plain, TagValue, Value};
use core::convert::Infallible;
use core::fmt::{Debug, Display};
use core::marker::PhantomData;

/// What is ended with a reply: the span of a function or of a future.
pub trait Ends {
    /// Nothing to say.
    fn end(self);
    /// With `reply`, of which `max_len` bytes may be kept (0: the tracer's bound).
    fn end_reply(self, reply: Value<'_>, max_len: u32);
    /// With an error of type `kind`, of whose message `max_len` bytes may be kept (0: the tracer's bound).
    fn end_error(self, message: Value<'_>, kind: &'static str, max_len: u32);
}

/// A side of a reply, by its type.
#[derive(Debug)]
pub struct Side<T>(PhantomData<fn(T)>);

impl<T> Clone for Side<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Side<T> {}

impl<T> Side<T> {
    const NEW: Self = Self(PhantomData);

    /// The whole of a reply as if it were a side of one.
    #[inline(always)]
    pub fn of(_: &T) -> Self {
        Self::NEW
    }
}

/// A way to show values of a type.
pub trait Shows<T> {
    /// The value, borrowed.
    fn shown(value: &T) -> Value<'_>;
}

/// std's plain types.
#[derive(Debug)]
pub struct Plainly;
impl<T: Plain> Shows<T> for Plainly {
    #[inline(always)]
    fn shown(value: &T) -> Value<'_> {
        value.plain()
    }
}

/// The user's own word, asked later, where a panic is caught.
#[derive(Debug)]
pub struct ByItself;
impl<T: TagValue> Shows<T> for ByItself {
    #[inline(always)]
    fn shown(value: &T) -> Value<'_> {
        Value::Tag(value)
    }
}

/// What an `Option` holds, by `Debug`; None is no tag.
#[derive(Debug)]
pub struct HeldDebugged;
impl<O: Optional<Held: Debug>> Shows<O> for HeldDebugged {
    #[inline(always)]
    fn shown(value: &O) -> Value<'_> {
        value.held().map_or(Value::None, |value| Value::Debug(value))
    }
}

/// What an `Option` holds, by `Display`; None is no tag.
#[derive(Debug)]
pub struct HeldDisplayed;
impl<O: Optional<Held: Display>> Shows<O> for HeldDisplayed {
    #[inline(always)]
    fn shown(value: &O) -> Value<'_> {
        value.held().map_or(Value::None, |value| Value::Display(value))
    }
}

/// `Debug`, formatted later, cut at the bound.
#[derive(Debug)]
pub struct Debugged;
impl<T: Debug> Shows<T> for Debugged {
    #[inline(always)]
    fn shown(value: &T) -> Value<'_> {
        Value::Debug(value)
    }
}

/// `Display`, formatted later, cut at the bound.
#[derive(Debug)]
pub struct Displayed;
impl<T: Display> Shows<T> for Displayed {
    #[inline(always)]
    fn shown(value: &T) -> Value<'_> {
        Value::Display(value)
    }
}

/// The type's name: nothing else is known.
#[derive(Debug)]
pub struct Named;
impl<T> Shows<T> for Named {
    #[inline(always)]
    fn shown(_: &T) -> Value<'_> {
        Value::Str(core::any::type_name::<T>())
    }
}

/// Not at all.
#[derive(Debug)]
pub struct Unsaid;
impl<T> Shows<T> for Unsaid {
    #[inline(always)]
    fn shown(_: &T) -> Value<'_> {
        Value::None
    }
}

/// Levels of a choice between ways, the best first; the last is the type's name, by value.
macro_rules! choice {
    ($method:ident of $($level:ident $way:ident ($($steps:tt)*),)*; $last:ident) => {
        $(
            /// A level of the choice, open to the types that can be shown that way.
            pub trait $level {
                /// The way.
                fn $method(&self) -> $way;
            }
            impl<T> $level for $($steps)* Side<T>
            where
                $way: Shows<T>,
            {
                #[inline(always)]
                fn $method(&self) -> $way {
                    $way
                }
            }
        )*
        /// The last level of the choice, open to all types.
        pub trait $last: Sized {
            /// The way.
            #[inline(always)]
            fn $method(self) -> Named {
                Named
            }
        }
        impl<T> $last for Side<T> {}
    };
}

choice! { __jaeger_how of
    HowPlainly Plainly (&&&&),
    HowByItself ByItself (&&&),
    HowHeldDebugged HeldDebugged (&&),
    HowHeldDisplayed HeldDisplayed (&),
    HowDebugged Debugged (&),
    HowDisplayed Displayed (),
    ; HowNamed
}

choice! { __jaeger_error_how of
    ErrorPlainly Plainly (&&&&),
    ErrorByItself ByItself (&&&),
    ErrorHeldDisplayed HeldDisplayed (&&),
    ErrorHeldDebugged HeldDebugged (&),
    ErrorDisplayed Displayed (&),
    ErrorDebugged Debugged (),
    ; ErrorNamed
}

/// What the Err side of a reply means.
pub trait Fails<T, E> {
    /// Ends the span with it.
    fn failed<G: Ends>(span: G, reply: &Result<T, E>, error: &E, max_len: u32);
}

/// An error, shown that way.
#[derive(Debug)]
pub struct Marked<F>(pub F);
impl<T, E, F: Shows<E>> Fails<T, E> for Marked<F> {
    #[inline(always)]
    fn failed<G: Ends>(span: G, _: &Result<T, E>, error: &E, max_len: u32) {
        span.end_error(F::shown(error), core::any::type_name::<E>(), max_len);
    }
}

/// An answer like any other: the whole reply is shown, that way.
#[derive(Debug)]
pub struct Answered<S>(pub S);
impl<T, E, S: Shows<Result<T, E>>> Fails<T, E> for Answered<S> {
    #[inline(always)]
    fn failed<G: Ends>(span: G, reply: &Result<T, E>, _: &E, max_len: u32) {
        replied(span, S::shown(reply), max_len);
    }
}

/// The reply of a function that can fail.
pub trait ByResult {
    /// The Ok side.
    type Ok;
    /// The Err side.
    type Err;
    /// Both sides, to choose how they are shown.
    fn __jaeger_sides(&self) -> (Side<Self::Ok>, Side<Self::Err>);
    /// Ends `span` with the reply.
    fn __jaeger_tell<G: Ends, S: Shows<Self::Ok>, F: Fails<Self::Ok, Self::Err>>(
        &self,
        span: G,
        ok: S,
        err: F,
        max_len: u32,
    );
}
impl<T, E> ByResult for &W<'_, Result<T, E>> {
    type Ok = T;
    type Err = E;
    #[inline(always)]
    fn __jaeger_sides(&self) -> (Side<T>, Side<E>) {
        (Side::NEW, Side::NEW)
    }
    #[inline(always)]
    fn __jaeger_tell<G: Ends, S: Shows<T>, F: Fails<T, E>>(&self, span: G, _: S, _: F, max_len: u32) {
        tell_result::<G, T, E, S, F>(span, self.0, max_len);
    }
}

/// Every other reply: it has no Err side.
pub trait ByReply {
    /// The reply.
    type Reply;
    /// The reply and a side that it never is.
    fn __jaeger_sides(&self) -> (Side<Self::Reply>, Side<Infallible>);
    /// Ends `span` with the reply.
    fn __jaeger_tell<G: Ends, S: Shows<Self::Reply>, F>(&self, span: G, ok: S, err: F, max_len: u32);
}
impl<T> ByReply for W<'_, T> {
    type Reply = T;
    #[inline(always)]
    fn __jaeger_sides(&self) -> (Side<T>, Side<Infallible>) {
        (Side::NEW, Side::NEW)
    }
    #[inline(always)]
    fn __jaeger_tell<G: Ends, S: Shows<T>, F>(&self, span: G, _: S, _: F, max_len: u32) {
        tell_reply::<G, T, S>(span, self.0, max_len);
    }
}

#[inline(never)]
fn tell_result<G: Ends, T, E, S: Shows<T>, F: Fails<T, E>>(span: G, reply: &Result<T, E>, max_len: u32) {
    match reply {
        Ok(value) => replied(span, S::shown(value), max_len),
        Err(error) => F::failed(span, reply, error, max_len),
    }
}

#[inline(never)]
fn tell_reply<G: Ends, T, S: Shows<T>>(span: G, reply: &T, max_len: u32) {
    replied(span, S::shown(reply), max_len);
}

#[inline(always)]
fn replied<G: Ends>(span: G, value: Value<'_>, max_len: u32) {
    match value {
        Value::None => span.end(),
        value => span.end_reply(value, max_len),
    }
}

#[cfg(test)]
#[expect(clippy::needless_borrow, reason = "the borrows are what is tested")]
mod tests {
    use super::*;
    use crate::kinds::tests::{Nothing, OnlyDebug, OnlyDisplay, Own, shown_alike};
    use std::cell::RefCell;

    /// Writes down what it is told.
    struct Heard<'a>(&'a RefCell<String>);

    impl Ends for Heard<'_> {
        fn end(self) {
            *self.0.borrow_mut() = "end".to_owned();
        }
        fn end_reply(self, reply: Value<'_>, max_len: u32) {
            *self.0.borrow_mut() = format!("{reply:?} within {max_len}");
        }
        fn end_error(self, message: Value<'_>, kind: &'static str, max_len: u32) {
            *self.0.borrow_mut() = format!("error {message:?} of {kind} within {max_len}");
        }
    }

    macro_rules! told {
        ($reply:expr) => {{
            let (heard, reply) = (RefCell::new(String::new()), $reply);
            let (ok, err) = (&&W(&reply)).__jaeger_sides();
            let marked = Marked((&&&&&err).__jaeger_error_how());
            (&&W(&reply)).__jaeger_tell(Heard(&heard), (&&&&&ok).__jaeger_how(), marked, 7);
            heard.into_inner()
        }};
    }

    fn generic<T>(reply: T) -> String {
        told!(reply)
    }

    macro_rules! as_reply {
        ($value:expr, $shown:expr) => {{
            let (told, shown) = (told!($value), $shown.to_string());
            // Of nothing nothing is told; a type's own word is asked later.
            let silent = shown == "None" && told == "end";
            assert!(silent || told == format!("{shown} within 7"), "{told}, not {shown}");
        }};
    }

    #[test]
    fn a_reply_is_shown_as_an_argument_is() {
        shown_alike!(as_reply);
        assert!(told!(|| ()).contains("closure"));
        assert_eq!(generic(5u8), "\"u8\" within 7", "a generic function knows the type's name only");
    }

    #[test]
    fn an_error_is_displayed_rather_than_debugged() {
        assert!(told!("x".parse::<u8>()).starts_with("error invalid digit found in string of core::num"));
        assert!(told!(Err::<(), _>(OnlyDebug)).starts_with("error OnlyDebug of "));
        assert!(told!(Err::<(), _>(OnlyDisplay)).starts_with("error displayed of "));
        assert!(told!(Err::<(), _>(Some(OnlyDisplay))).starts_with("error displayed of "));
        assert_eq!(
            told!(Err::<(), _>(String::from("text"))),
            "error \"text\" of alloc::string::String within 7"
        );
        assert!(told!(Err::<(), _>(Own)).starts_with("error 9 of "));
        assert!(told!(Err::<(), _>(Nothing)).contains("Nothing"));
    }

    #[test]
    fn a_result_is_told_from_other_replies_behind_an_alias_too() {
        let failed: std::io::Result<u8> = Err(std::io::Error::other("no"));
        assert_eq!(told!(failed), "error no of std::io::error::Error within 7");
        let done: std::io::Result<u8> = Ok(3);
        assert_eq!(told!(done), "3 within 7");
        assert_eq!(told!(Ok::<(), Nothing>(())), "end");
    }

    #[test]
    fn an_answer_like_any_other_is_shown_whole() {
        let (heard, reply) = (RefCell::new(String::new()), Err::<u8, _>(OnlyDebug));
        let answered = Answered((&&&&&Side::of(&reply)).__jaeger_how());
        (&&W(&reply)).__jaeger_tell(Heard(&heard), Unsaid, answered, 0);
        assert_eq!(heard.into_inner(), "Err(OnlyDebug) within 0");
    }
}
