//! What other crates' instrumentation becomes here: records of `log` and events of `tracing` are logs of the span they happen in, spans of `tracing` are spans of ours.
//!
//! Each way is a feature of its own name. Both add to spans through what spans by hand use, so everything holds that holds there: values are bounded while they are formatted, a `Debug`
//! that panics is caught, what finds no room is counted. Nothing here is on the way of an annotated function.
//!
//! Left out on purpose: metrics and logs without a span. A record outside any span belongs to the application's log and nowhere else.

mod fields;
#[cfg(feature = "tracing")]
mod layer;
#[cfg(feature = "log")]
mod logger;
#[cfg(feature = "tracing")]
mod sites;

#[cfg(feature = "tracing")]
pub use layer::TracingLayer;
#[cfg(feature = "log")]
pub use logger::LogBridge;

use crate::{context::SpanContext, global, report};

/// Whether a log may go to that span: it is recorded, and this is no thread of ours, whose own lines must not make the next ones.
#[inline]
fn takes(span: SpanContext) -> bool {
    span.is_sampled() && global::is_on() && !report::is_reporting()
}
