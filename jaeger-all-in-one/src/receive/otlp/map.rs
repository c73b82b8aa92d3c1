//! OpenTelemetry's spans into Jaeger's form.
//!
//! Tags of a span come in Jaeger's order: the scope's, the attributes, then kind, status, trace state. Times are cut to whole microseconds. What Jaeger has no
//! place for is left out, as Jaeger does: schema URLs, counts of what the client dropped, attributes of scopes and links (but the kind of reference).

use std::borrow::Cow;

use jaeger_thrift::{Batch, Log, Process, RefType, Span, SpanRef, Tag, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;

pub(super) use crate::rules::thrift::NO_SERVICE;

/// The attribute of a link that says what kind of reference it is, and what makes it a parent's.
pub(super) const REF_TYPE: &str = "opentracing.ref_type";
pub(super) const CHILD: &str = "child_of";

/// Bytes that the names of a request's scopes may take where each of their spans has them.
const SCOPES: usize = 128 << 20;

/// Batches of a request, one a resource; or what is wrong with it.
///
/// # Errors
/// If an id has another length than 16 or 8 bytes (or none), or if names of scopes would be written so often that they took more than 128 MiB.
pub fn batches(request: ExportTraceServiceRequest) -> Result<Vec<Batch<'static>>, String> {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let names = scopes.filter_map(|scope| {
        let named = scope.scope.as_ref()?;
        Some((named.name.len() + named.version.len()) * scope.spans.len())
    });
    if names.sum::<usize>() > SCOPES {
        return Err(format!("with the names of their scopes the spans take more than {} MiB", SCOPES >> 20));
    }
    let batch = |resource: otlp::ResourceSpans| {
        let process = process(resource.resource);
        let mut spans = Vec::with_capacity(resource.scope_spans.iter().map(|scope| scope.spans.len()).sum());
        for scope in resource.scope_spans {
            for one in scope.spans {
                spans.push(span(one, scope.scope.as_ref())?);
            }
        }
        Ok(Batch { process, spans, ..Batch::default() })
    };
    request.resource_spans.into_iter().map(batch).collect()
}

fn process(resource: Option<Resource>) -> Process<'static> {
    let mut process = Process::new(NO_SERVICE);
    for attribute in resource.map(|resource| resource.attributes).unwrap_or_default() {
        if attribute.key != "service.name" {
            process.tags.push(tag(attribute));
            continue;
        }
        process.service_name = service_name(attribute.value.and_then(|value| value.value).map(value));
    }
    process
}

/// The service, by the resource's attribute.
pub(super) fn service_name(value: Option<Value<'_>>) -> Cow<'_, str> {
    match value {
        Some(Value::String(name)) if name.is_empty() => "empty-service-name".into(),
        Some(Value::String(name)) => name,
        _ => "service-name-wrong-type".into(),
    }
}

/// The number of an id, 0 if it has no bytes.
fn id<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], String> {
    match bytes.try_into() {
        Ok(id) => Ok(id),
        Err(_) if bytes.is_empty() => Ok([0; N]),
        Err(_) => Err(format!("{what} has {} bytes instead of {N}", bytes.len())),
    }
}

pub(super) fn trace_id(bytes: &[u8]) -> Result<u128, String> {
    id("a trace id", bytes).map(u128::from_be_bytes)
}

pub(super) fn span_id(bytes: &[u8]) -> Result<u64, String> {
    id("a span id", bytes).map(u64::from_be_bytes)
}

pub(super) fn micros(nanos: u64) -> i64 {
    // Less than 2^63 / 1000, so it fits.
    (nanos / 1_000) as i64
}

/// From start to end, cut to whole microseconds.
pub(super) fn duration(start: u64, end: u64) -> i64 {
    // A thousandth of a u64 fits into either half of an i64.
    if end >= start { ((end - start) / 1_000) as i64 } else { -(((start - end) / 1_000) as i64) }
}

/// It came, so it was sampled; clients of before 2023 leave the flags out.
pub(super) fn flags(flags: u32) -> i32 {
    if flags & 0xff == 0 { 1 } else { (flags & 0xff) as i32 }
}

fn add<'a>(tags: &mut Vec<Tag<'a>>, key: &'static str, value: impl Into<Value<'a>>) {
    tags.push(Tag { key: key.into(), value: value.into() });
}

/// A scope's tags, before all others.
pub(super) fn scope_tags<'a>(tags: &mut Vec<Tag<'a>>, name: Cow<'a, str>, version: Cow<'a, str>) {
    for (key, value) in [("otel.scope.name", name), ("otel.scope.version", version)] {
        if !value.is_empty() {
            add(tags, key, Value::String(value));
        }
    }
}

/// What of a span becomes tags after its attributes.
#[derive(Default)]
pub(super) struct Ended<'a> {
    pub(super) kind: i32,
    pub(super) code: i32,
    pub(super) message: Cow<'a, str>,
    pub(super) trace_state: Cow<'a, str>,
}

impl<'a> Ended<'a> {
    #[inline]
    pub(super) fn add_to(self, tags: &mut Vec<Tag<'a>>) {
        let Ended { kind: 0, code: 0, message, trace_state } = &self else { return self.add_all_to(tags) };
        if !message.is_empty() || !trace_state.is_empty() {
            self.add_all_to(tags);
        }
    }

    fn add_all_to(self, tags: &mut Vec<Tag<'a>>) {
        let kind = match self.kind {
            1 => "internal",
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => "",
        };
        if !kind.is_empty() {
            add(tags, "span.kind", kind);
        }
        match self.code {
            1 => add(tags, "otel.status_code", "OK"),
            2 => {
                add(tags, "otel.status_code", "ERROR");
                add(tags, "error", true);
            }
            _ => {}
        }
        if !self.message.is_empty() {
            add(tags, "otel.status_description", Value::String(self.message));
        }
        if !self.trace_state.is_empty() {
            add(tags, "w3c.tracestate", Value::String(self.trace_state));
        }
    }
}

fn span(span: otlp::Span, scope: Option<&InstrumentationScope>) -> Result<Span<'static>, String> {
    let mut tags = Vec::with_capacity(span.attributes.len() + 4);
    if let Some(scope) = scope {
        scope_tags(&mut tags, scope.name.clone().into(), scope.version.clone().into());
    }
    tags.extend(span.attributes.into_iter().map(tag));
    let status = span.status.unwrap_or_default();
    let ended = Ended {
        kind: span.kind,
        code: status.code,
        message: status.message.into(),
        trace_state: span.trace_state.into(),
    };
    ended.add_to(&mut tags);
    let reference = |link: otlp::span::Link| {
        let is_child = |attribute: &KeyValue| {
            let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
            attribute.key == REF_TYPE && matches!(value, Some(Any::StringValue(kind)) if kind == CHILD)
        };
        let child = link.attributes.iter().any(is_child);
        let ref_type = if child { RefType::ChildOf } else { RefType::FollowsFrom };
        Ok(SpanRef { ref_type, trace_id: trace_id(&link.trace_id)?, span_id: span_id(&link.span_id)? })
    };
    Ok(Span {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        parent_span_id: span_id(&span.parent_span_id)?,
        operation_name: span.name.into(),
        references: span.links.into_iter().map(reference).collect::<Result<_, String>>()?,
        flags: flags(span.flags),
        start_time: micros(span.start_time_unix_nano),
        duration: duration(span.start_time_unix_nano, span.end_time_unix_nano),
        tags,
        logs: span.events.into_iter().map(log).collect(),
    })
}

fn log(event: otlp::span::Event) -> Log<'static> {
    let mut fields: Vec<Tag<'static>> = event.attributes.into_iter().map(tag).collect();
    name_log(&mut fields, event.name.into());
    Log { timestamp: micros(event.time_unix_nano), fields }
}

/// An event's name as the first field, unless a field has its key.
pub(super) fn name_log<'a>(fields: &mut Vec<Tag<'a>>, name: Cow<'a, str>) {
    if !name.is_empty() && !fields.iter().any(|field| field.key == "event") {
        fields.insert(0, Tag { key: "event".into(), value: Value::String(name) });
    }
}

fn tag(attribute: KeyValue) -> Tag<'static> {
    let value = attribute.value.and_then(|value| value.value).map_or_else(|| Value::from(""), value);
    Tag { key: attribute.key.into(), value }
}

/// A value; of a list or map the JSON.
pub(super) fn value(value: Any) -> Value<'static> {
    match value {
        Any::StringValue(text) => text.into(),
        Any::BoolValue(value) => value.into(),
        Any::IntValue(number) => number.into(),
        Any::DoubleValue(number) => number.into(),
        Any::BytesValue(bytes) => Value::Binary(bytes.into()),
        other => json_text(&json(AnyValue { value: Some(other) })).into(),
    }
}

/// A list or map as JSON.
fn json(value: AnyValue) -> serde_json::Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value as Json;
    match value.value {
        Some(Any::StringValue(text)) => Json::String(text),
        Some(Any::BoolValue(value)) => Json::Bool(value),
        Some(Any::IntValue(number)) => number.into(),
        // A whole number has no point, as in Go; what JSON has no number for is text.
        Some(Any::DoubleValue(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            (number as i64).into()
        }
        Some(Any::DoubleValue(number)) => serde_json::Number::from_f64(number)
            .map_or_else(|| Json::String(number.to_string()), Json::Number),
        Some(Any::BytesValue(bytes)) => Json::String(STANDARD.encode(bytes)),
        Some(Any::ArrayValue(list)) => Json::Array(list.values.into_iter().map(json).collect()),
        Some(Any::KvlistValue(map)) => {
            let entry = |entry: KeyValue| (entry.key, json(entry.value.unwrap_or_default()));
            Json::Object(map.values.into_iter().map(entry).collect())
        }
        // Only profiles refer to a table of strings.
        Some(Any::StringValueStrindex(_)) | None => Json::Null,
    }
}

/// JSON as Go writes it: what HTML could misread is escaped.
fn json_text(value: &serde_json::Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Written out: whoever sends nothing else holds the store up no longer than others.
        match c {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scopes_name_at_each_of_very_many_spans_is_refused() {
        let request = |spans: usize| {
            let scope = InstrumentationScope { name: "s".repeat(1 << 20), ..InstrumentationScope::default() };
            let spans = vec![otlp::Span::default(); spans];
            let scope = otlp::ScopeSpans { scope: Some(scope), spans, ..otlp::ScopeSpans::default() };
            let resource = otlp::ResourceSpans { scope_spans: vec![scope], ..otlp::ResourceSpans::default() };
            ExportTraceServiceRequest { resource_spans: vec![resource] }
        };
        assert_eq!(batches(request(128)).map(|batches| batches[0].spans.len()), Ok(128));
        let refused = batches(request(129)).unwrap_err();
        assert!(refused.contains("more than 128 MiB"), "{refused}");
    }

    #[test]
    fn text_in_lists_is_escaped_as_go_does() {
        let all = "a<b>c&d\u{2028}e\u{2029}f\"g\u{fc}\n";
        let escaped = r#"["a\u003cb\u003ec\u0026d\u2028e\u2029f\"gü\n"]"#;
        assert_eq!(json_text(&serde_json::json!([all])), escaped);
    }
}
