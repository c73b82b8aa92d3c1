//! What is asked of a store, and when a span satisfies it: one definition for every store.

use std::net::Ipv4Addr;

use jaeger_thrift::{Process, Span, Tag, Value, ValueRef};

use crate::rules::value_text;

/// A search. One span must satisfy all of it, its service included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceQuery {
    /// The service, exactly; any if `None`.
    pub service: Option<String>,
    /// The operation, exactly; any if `None`.
    pub operation: Option<String>,
    /// Key and value as text; all must be found in span tags, process tags or log fields.
    pub tags: Vec<(String, String)>,
    /// Least start time, µs since 1970, inclusive.
    pub start_min: i64,
    /// Greatest start time, µs since 1970, inclusive.
    pub start_max: i64,
    /// Least duration, µs, inclusive.
    pub duration_min: Option<i64>,
    /// Greatest duration, µs, inclusive.
    pub duration_max: Option<i64>,
    /// How many traces at most.
    pub limit: usize,
}

impl Default for TraceQuery {
    /// Everything, at most 100 traces.
    fn default() -> Self {
        TraceQuery {
            service: None,
            operation: None,
            tags: Vec::new(),
            start_min: i64::MIN,
            start_max: i64::MAX,
            duration_min: None,
            duration_max: None,
            limit: 100,
        }
    }
}

/// Which spans a scan goes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Only of this service.
    pub service: Option<String>,
    /// Least start time, µs since 1970, inclusive.
    pub start_min: i64,
    /// Greatest start time, µs since 1970, inclusive.
    pub start_max: i64,
}

impl Default for Scan {
    fn default() -> Self {
        Scan { service: None, start_min: i64::MIN, start_max: i64::MAX }
    }
}

impl Scan {
    /// Whether a span lies in it.
    pub fn holds(&self, process: &Process<'_>, span: &Span<'_>) -> bool {
        (self.start_min..=self.start_max).contains(&span.start_time)
            && self.service.as_ref().is_none_or(|service| *service == process.service_name)
    }
}

/// Whether one span satisfies all of `query`.
pub fn matches(query: &TraceQuery, process: &Process<'_>, span: &Span<'_>) -> bool {
    query.service.as_ref().is_none_or(|service| *service == process.service_name)
        && query.operation.as_ref().is_none_or(|operation| *operation == span.operation_name)
        && (query.start_min..=query.start_max).contains(&span.start_time)
        && query.duration_min.is_none_or(|least| span.duration >= least)
        && query.duration_max.is_none_or(|most| span.duration <= most)
        && query.tags.iter().all(|(key, value)| has_tag(key, value, process, span))
}

/// A key that a client wrote and that is stored under another name: that name, and what stands before the value.
pub(super) fn stored_as(key: &str) -> Option<(&'static str, &'static str)> {
    match key {
        "hostname" => Some(("host.name", "")),
        "jaeger.version" => Some(("opencensus.exporterversion", "Jaeger-")),
        _ => None,
    }
}

/// Whether a process has a tag, under the name it came with or the one it is stored under; its service is its tag `service.name`.
pub(super) fn process_has(process: &Process<'_>, key: &str, value: &str) -> bool {
    process.tags.iter().any(|tag| tag.key == key && is_text(key, tag.value.as_value_ref(), value))
        || (key == "service.name" && process.service_name == value)
        || stored_as(key).is_some_and(|(key, before)| {
            process.tags.iter().any(|tag: &Tag<'_>| {
                tag.key == key
                    && matches!(&tag.value, Value::String(text)
                        if text.strip_prefix(before).is_some_and(|rest| rest == value))
            })
        })
}

fn has_tag(key: &str, value: &str, process: &Process<'_>, span: &Span<'_>) -> bool {
    let mut own = span.tags.iter().chain(span.logs.iter().flat_map(|log| &log.fields));
    own.any(|tag| tag.key == key && is_text(key, tag.value.as_value_ref(), value))
        || process_has(process, key, value)
}

/// Whether the value of a key has this text. The number of an address has that of the address, too.
pub(super) fn is_text(key: &str, value: ValueRef<'_>, text: &str) -> bool {
    match value {
        ValueRef::String(value) => value == text,
        ValueRef::Bool(value) => text == if value { "true" } else { "false" },
        other => {
            value_text(&other.into()) == text
                || (matches!(key, "ip" | "peer.ipv4")
                    && matches!(other, ValueRef::Long(number)
                        if Ipv4Addr::from(number as u32).to_string() == text))
        }
    }
}
