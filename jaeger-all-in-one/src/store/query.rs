//! What is asked of a store, and when a span satisfies it: one definition for every store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jaeger_thrift::{Process, Span, Tag, Value};

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

/// Names under which a key is stored instead of the one that a client wrote, with what stands before the value.
fn stored_as(key: &str) -> Option<(&'static str, &'static str)> {
    match key {
        "hostname" => Some(("host.name", "")),
        "jaeger.version" => Some(("opencensus.exporterversion", "Jaeger-")),
        _ => None,
    }
}

fn has_tag(key: &str, value: &str, process: &Process<'_>, span: &Span<'_>) -> bool {
    let all = || span.tags.iter().chain(&process.tags).chain(span.logs.iter().flat_map(|log| &log.fields));
    all().any(|tag| tag.key == key && is_text(&tag.value, value))
        || stored_as(key).is_some_and(|(key, before)| {
            process.tags.iter().any(|tag: &Tag<'_>| {
                tag.key == key
                    && matches!(&tag.value, Value::String(text)
                        if text.strip_prefix(before).is_some_and(|rest| rest == value))
            })
        })
}

/// Whether a value's text is this.
fn is_text(value: &Value<'_>, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Bool(value) => text == if *value { "true" } else { "false" },
        other => value_text(other) == text,
    }
}

/// A value as the text that searches compare: bytes as base64, doubles in the shortest form, `5` for 5.0.
pub fn value_text(value: &Value<'_>) -> String {
    match value {
        Value::String(value) => value.clone().into_owned(),
        Value::Double(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Binary(value) => BASE64.encode(value),
    }
}
