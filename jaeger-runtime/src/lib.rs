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
//! # Features
//! All but the first are off unless they are asked for, and none changes what is there without it.
//!
//! | feature | adds |
//! |---|---|
//! | `annotations` (default) | `#[traced]` records; without it annotated functions are compiled as they were written |
//! | `log` | `LogBridge`: records of the crate `log` become logs of the span they are written in |
//! | `tracing` | `TracingLayer`: events of the crate `tracing` become logs, its spans become spans of the same tree |
//! | `tokio` | `spawn` and `spawn_blocking` with the ambient context |
//! | `stream` | a span around the stream that an annotated function returns |
//! | `serde` | `#[traced(json(argument))]` |
//!
//! # Coming from `tracing`
//! Nothing has to be changed at once: with the feature `tracing`, one layer takes what is instrumented already, in the libraries you use too, and `#[traced]` functions stand in the same tree, above and below.
//!
//! | with `tracing` | here |
//! |---|---|
//! | `#[instrument]` | `#[traced]`, for arguments without `Debug` as well |
//! | `#[instrument(ret, err)]` | what `#[traced]` does unless it is told `no_reply`, `no_err` |
//! | `#[instrument(skip(a), fields(key = %b))]` | `#[traced(skip(a), tags(key = %b))]`; `fields` is the same |
//! | `#[instrument(parent = …)]`, `parent: None` | `#[traced(parent = …)]`, `#[traced(root)]` |
//! | `info_span!("x")`, `.enter()`, `.in_scope(f)` | [`Span::child`], [`Span::enter`] |
//! | `Span::current().record("key", 1)`, of a field that was declared | `Span::current().tag("key", 1)`, of any ([`CurrentSpan::tag`]) |
//! | `info!(key = 1, "said")` | the same with `TracingLayer`; or [`CurrentSpan::log`] |
//! | `future.instrument(span)` | [`FutureExt::in_span`]; annotated async functions need none |
//! | `tracing_opentelemetry::layer()` and an exporter | `TracingLayer` and [`Tracer::builder`] |
//!
//! # Limits
//! One tracer in a process, installed once. A value is kept up to 256 bytes (4,095 at most). A process that is killed, or ends by `process::exit`, loses what was recorded since
//! the last flush interval.

extern crate self as jaeger_runtime;

mod async_span;
#[cfg(any(feature = "log", feature = "tracing"))]
mod bridge;
mod callsite;
mod clock;
mod collector;
mod complaint;
mod config;
mod context;
mod error;
mod event_log;
mod global;
#[cfg(feature = "serde")]
mod json;
mod kinds;
mod local;
mod process;
mod record;
mod relation;
mod reply;
pub mod report;
mod sampler;
mod site;
mod span;
#[cfg(feature = "stream")]
mod stream_span;
mod sync_span;
#[cfg(feature = "tokio")]
mod tasks;
mod text;
mod tracer;
mod value;

#[cfg(feature = "log")]
pub use bridge::LogBridge;
#[cfg(feature = "tracing")]
pub use bridge::TracingLayer;
pub use callsite::Callsite;
pub use collector::{Dropped, Stats};
pub use context::{SpanContext, SpanId, TraceId};
pub use error::Error;
/// Makes each call of a function a span.
///
/// On any function or method with a body, sync or async; not on a `const fn` or a naked one. The span is a child of the ambient one, or a root for which the sampler is asked. Its name is the function's. Arguments become
/// tags under their own names, parts of a destructured argument too; not `self`, and not names that begin with `_`. One called like a tag that the span has of itself (`error`, `cancelled`, `reply`, of a future `polls`, of a stream `items`) is `argument.error`; a tag or a renamed argument called `reply` stands instead of the reply. The return value becomes the tag `reply`; of a `Result`, the `Ok` value. No argument or reply needs
/// any trait: numbers, text, bytes and booleans keep their type, everything else is shown by its own [`TagValue`], `Debug`, `Display`, or by the name of its type.
///
/// ```
/// use jaeger_runtime::traced;
///
/// struct Order { id: u64, lines: Vec<String> }
///
/// /// Span "charge card" of kind client, tags `amount`, `order.id`, `lines`, `receipt`; not the card.
/// #[traced(name = "charge card", kind = client, skip(order, card), tags("order.id" = order.id, lines = ?order.lines), reply = "receipt")]
/// async fn charge(order: &Order, amount: u64, card: &str) -> Result<String, std::io::Error> {
///     Ok(format!("{} paid with …{}", amount, &card[card.len() - 4..]))
/// }
/// # drop(charge(&Order { id: 1, lines: vec![] }, 2, "4111"));
/// ```
///
/// | option | meaning |
/// |---|---|
/// | `name = "x"` | the span's name |
/// | `kind = server` | tag `span.kind`; also `client`, `producer`, `consumer`, `internal` |
/// | `skip(a, b)`, `skip_all`, `only(a, self)` | arguments that are not recorded, none, only these; `self` where it is named |
/// | `display(a)`, `debug(a)`, `json(a)` | how an argument is shown; `json` needs the feature `serde` |
/// | `rename(a = "key")` | an argument's key |
/// | `redact(a)` | the tag says `[redacted]`; as do, by default, arguments with names of secrets such as `password`, `token`, `api_key`, whatever their type, unless `only` or `display`, `debug`, `json` names them |
/// | `tags(key = expr, "dotted.key" = %expr, other = ?expr)` | more tags: by type, by `Display`, by `Debug`; evaluated when the span opens, and only if it is recorded. `fields(…)` is the same |
/// | `reply = "key"`, `no_reply` | the reply's tag, or none; an error marks the span either way |
/// | `no_err` | an `Err` is an answer like any other: shown as the reply, the span not marked |
/// | `max_len = 1024` | bytes that a value keeps, 16 to 4095; default the tracer's (256) |
/// | `parent = expr`, `root` | below another span, or in a trace of its own; `expr` is what [`AsContext`] is for |
/// | `follows_from = expr` | a second relation, to what came before |
/// | `polls` | of a future: tags `polls`, `busy_us` (microseconds inside them), `idle_us` (the rest); for all futures [`Builder::polls`] |
/// | `off` | in an annotated `impl`, `trait` or `mod`: this function is left as it is |
/// | `crate = path` | where this crate is, if it was renamed |
///
/// # How it ends
/// - An `Err`, by `return` or `?` as well: tag `error=true`, and a log with `event=error`, `message` and `error.kind`, the type.
/// - A panic: `error=true` and a log with `event=panic`; the panic goes on unchanged.
/// - A future that is dropped before it is done: `cancelled=true`.
///
/// # What it does not change
/// Drop order, borrowing, `Send` of the future, `#[track_caller]`'s place, lints. The body is passed on as it stands. A span of a sync function ends before arguments that the
/// function did not move are dropped; where a body may `return` or `?` early it ends after them.
///
/// # Limits
/// The reply of a function that returns `impl Trait` or whose type a macro writes, and what an early `return` under `#[track_caller]` or `#[target_feature]` returned, are not recorded. In a generic function what is known of a
/// `T` is what the bounds say: without any, its name.
pub use jaeger_macros::traced;
pub use relation::AsContext;
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
    pub use crate::async_span::{
        Making, Run, Turn, boxed, boxed_bare, in_span, in_span_bare, make, make_under, open, open_bare,
        open_under, run, run_bare,
    };
    #[cfg(feature = "serde")]
    pub use crate::json::{Json, json};
    pub use crate::kinds::W;
    pub use crate::relation::{follows_from, under, under_none};
    pub use crate::reply::{Answered, Ends, Marked, Side, Unsaid};
    pub use crate::site::Site;
    #[cfg(feature = "stream")]
    pub use crate::stream_span::{boxed_stream, in_span_stream};
    pub use crate::sync_span::{
        Guard, GuardUnder, UntilDropped, enter, enter_bare, enter_under, until_dropped,
    };

    /// What the tag of a redacted argument says.
    pub const REDACTED: &str = "[redacted]";

    /// The probes, for a glob import.
    pub mod kinds {
        pub use crate::kinds::{
            ByDebug as _, ByDisplay as _, ByName as _, ByOptionDebug as _, ByOptionDisplay as _,
            ByPlain as _, ByTagValue as _,
        };
    }

    /// The probes of a reply, for a glob import.
    pub mod replies {
        pub use crate::reply::{
            ByReply as _, ByResult as _, ErrorByItself as _, ErrorDebugged as _, ErrorDisplayed as _,
            ErrorHeldDebugged as _, ErrorHeldDisplayed as _, ErrorNamed as _, ErrorPlainly as _,
            HowByItself as _, HowDebugged as _, HowDisplayed as _, HowHeldDebugged as _,
            HowHeldDisplayed as _, HowNamed as _, HowPlainly as _,
        };
    }

    /// Whether a span opened now could be recorded.
    #[inline(always)]
    pub fn is_on() -> bool {
        crate::local::is_on()
    }

    /// The same of the span that the first poll of its future opens.
    #[inline(always)]
    pub fn is_on_in_poll() -> bool {
        crate::local::is_on_in_poll()
    }

    /// Whether a tracer is installed: for a span that has a trace of its own.
    #[inline(always)]
    pub fn is_installed() -> bool {
        crate::global::is_on()
    }

    /// Parts of destructured arguments, which exist only inside the body. Of each, `max_len` bytes may be kept (0: the tracer's bound).
    #[inline(never)]
    pub fn bound(tags: &[(&'static str, Value<'_>)], max_len: u32) {
        use crate::event_log::format::ExtraKind;
        let (span, max_len) = (crate::local::current(), crate::local::bound(max_len));
        for (key, value) in tags {
            crate::local::extra_within(span, ExtraKind::Tag, &[Value::Str(key), *value], max_len);
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

    /// Names what a function type returns: `!`, where it cannot be written as a type.
    pub trait Returns {
        type Returned;
    }

    impl<T> Returns for fn() -> T {
        type Returned = T;
    }
}
