//! What stands in a request: query strings, numbers, durations, ids, times, read by the rules that Jaeger's callers know.
//!
//! Jaeger is written in Go, so its callers send what Go's library reads: `1h30m`, `T`, `+5`. The rules here are the same; what a wrong value is answered
//! with says in our own words what is wrong with it. Nothing here knows of HTTP or of a store.

mod duration;
mod number;
mod query;
mod time;

pub use duration::{Duration, parse_duration};
pub use number::{parse_bool, parse_int, parse_number, parse_trace_id, trace_id_text};
pub use query::{Query, unescape};
pub use time::{parse_rfc3339, rfc3339};
