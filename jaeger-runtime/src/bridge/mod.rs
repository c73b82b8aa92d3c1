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

use crate::value::Value;
use crate::{context::SpanContext, global, report};

/// Whether a log may go to that span: it is recorded, and this is no thread of ours, whose own lines must not make the next ones.
#[inline]
fn takes(span: SpanContext) -> bool {
    span.is_sampled() && global::is_on() && !report::is_reporting()
}

/// The most values that stand before the fields of a log: five keys, five values.
const HEAD: usize = 10;

/// What every log says first: the message as `event`, as Jaeger's own clients and pages have it, then level, target and place under the names that OpenTelemetry gives them.
fn head<'a>(
    event: Value<'a>,
    level: &'a str,
    target: Value<'a>,
    place: Option<(Value<'a>, Value<'a>)>,
) -> [Value<'a>; HEAD] {
    let (file, line) = place.unwrap_or((Value::None, Value::None));
    let str = Value::Str;
    [
        str("event"),
        event,
        str("level"),
        str(level),
        str("target"),
        target,
        str("code.file.path"),
        file,
        str("code.line.number"),
        line,
    ]
}

/// So many of them are worth writing.
fn shown<'h, 'a>(head: &'h [Value<'a>; HEAD], place: bool) -> &'h [Value<'a>] {
    if place { head } else { &head[..HEAD - 4] }
}
