//! Put `#[traced]` on functions, sync or async, and see them in [Jaeger](https://www.jaegertracing.io).
//!
//! ```no_run
//! use jaeger_runtime::{traced, Tracer};
//!
//! #[traced]
//! fn price(item: &str, count: u32) -> Result<u64, std::num::ParseIntError> {
//!     item.trim_start_matches("item-").parse::<u64>().map(|n| n * u64::from(count))
//! }
//!
//! fn main() -> Result<(), jaeger_runtime::Error> {
//!     let _tracer = Tracer::builder("shop").install()?; // sends to the agent on 127.0.0.1:6831
//!     let _ = price("item-17", 3);
//!     Ok(())
//! }
//! ```
//!
//! Each call of an annotated function becomes a span: a child of the function that called it, with its arguments and its reply as typed tags, and errors, panics and cancelled futures told
//! apart. Without a tracer the annotation costs about a nanosecond; with one, little more than the two time stamps that a span has to have.
//!
//! - [`Tracer::builder`] sets the tracer up; [`report`] has the reporters and the trait for your own.
//! - [`Span`] does by hand what the attribute does for functions; [`Span::current`] adds to the span of the function you are in.
//! - [`FutureExt::in_span`] and, with the feature `tokio`, `spawn` carry a span into futures and tasks. Annotated async functions need neither.
//! - [`TagValue`] says how a type of yours is shown.
//!
//! # Limits
//! One tracer in a process, installed once. A value is kept up to 256 bytes (4,095 at most). A process that is killed, or ends by `process::exit`, loses what was recorded since
//! the last flush interval.

extern crate self as jaeger_runtime;

mod async_span;
mod callsite;
mod clock;
mod collector;
mod config;
mod context;
mod error;
mod event_log;
mod global;
mod kinds;
mod local;
mod process;
mod record;
pub mod report;
mod sampler;
mod span;
mod sync_span;
#[cfg(feature = "tokio")]
mod tasks;
mod text;
mod tracer;
mod value;

pub use callsite::Callsite;
pub use collector::{Dropped, Stats};
pub use context::{SpanContext, SpanId, TraceId};
pub use error::Error;
pub use jaeger_macros::traced;
pub use sampler::Sampler;
pub use span::{CurrentSpan, Entered, FutureExt, InContext, InSpan, Span};
#[cfg(feature = "tokio")]
pub use tasks::{spawn, spawn_blocking};
pub use tracer::{Builder, Tracer};
pub use value::{TagValue, Value};

/// For code that `#[traced]` writes. Not covered by any promise: the macro is pinned to this very version.
#[doc(hidden)]
pub mod __private {
    pub use crate::Value;
    pub use crate::async_span::{OpenSpan, Run, open, run};
    pub use crate::callsite::Callsite;
    pub use crate::kinds::W;
    pub use crate::sync_span::{Guard, enter, enter_bare};

    /// The probes, for a glob import.
    pub mod kinds {
        pub use crate::kinds::{
            ByDebug as _, ByDisplay as _, ByName as _, ByPlain as _, ByReply as _, ByResult as _,
            ByTagValue as _,
        };
    }

    /// Whether a span opened now could be recorded.
    #[inline(always)]
    pub fn is_on() -> bool {
        crate::local::is_on()
    }

    /// Parts of destructured arguments, which exist only inside the body.
    #[inline(never)]
    pub fn bound(tags: &[(&'static str, Value<'_>)]) {
        for (key, value) in tags {
            let tag = [Value::Str(key), *value];
            crate::local::extra(crate::local::current(), crate::event_log::format::ExtraKind::Tag, &tag);
        }
    }

    /// Calls a closure once. A function of its own, so that what the closure captured may leave with its result.
    #[inline(always)]
    pub fn call_once<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    /// A value of any type, in code that is never run and only there to tell the compiler a type.
    #[cold]
    pub fn never<T>() -> T {
        unreachable!("generated code that only names a type was run")
    }

    /// The type's name.
    pub fn type_name_of<T: ?Sized>(_: &T) -> &'static str {
        core::any::type_name::<T>()
    }
}
