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

/// Batches of a request, one a resource; or what is wrong with it.
///
/// # Errors
/// If an id has another length than 16 or 8 bytes (or none).
pub fn batches(request: ExportTraceServiceRequest) -> Result<Vec<Batch<'static>>, String> {
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
    let mut process = Process::new("missing-service-name");
    for attribute in resource.map(|resource| resource.attributes).unwrap_or_default() {
        if attribute.key != "service.name" {
            process.tags.push(tag(attribute));
            continue;
        }
        process.service_name = match attribute.value.and_then(|value| value.value) {
            Some(Any::StringValue(name)) if name.is_empty() => "empty-service-name".into(),
            Some(Any::StringValue(name)) => name.into(),
            _ => "service-name-wrong-type".into(),
        };
    }
    process
}

/// The number of an id, 0 if it has no bytes.
fn id<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], String> {
    match bytes.try_into() {
        Ok(id) => Ok(id),
        Err(_) if bytes.is_empty() => Ok([0; N]),
        Err(_) => Err(format!("{what} has {} bytes instead of {N}", bytes.len())),
    }
}

fn trace_id(bytes: &[u8]) -> Result<u128, String> {
    id("a trace id", bytes).map(u128::from_be_bytes)
}

fn span_id(bytes: &[u8]) -> Result<u64, String> {
    id("a span id", bytes).map(u64::from_be_bytes)
}

fn micros(nanos: u64) -> i64 {
    // Less than 2^63 / 1000, so it fits.
    (nanos / 1_000) as i64
}

fn span(span: otlp::Span, scope: Option<&InstrumentationScope>) -> Result<Span<'static>, String> {
    let nanos = i128::from(span.end_time_unix_nano) - i128::from(span.start_time_unix_nano);
    let mut tags = Vec::with_capacity(span.attributes.len() + 4);
    let mut text = |key: &'static str, value: Cow<'static, str>| {
        if !value.is_empty() {
            tags.push(Tag { key: key.into(), value: Value::String(value) });
        }
    };
    if let Some(scope) = scope {
        text("otel.scope.name", scope.name.clone().into());
        text("otel.scope.version", scope.version.clone().into());
    }
    let kind = match span.kind {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "",
    };
    let status = span.status.unwrap_or_default();
    let mut after = Vec::new();
    let mut add = |key: &'static str, value: Value<'static>| after.push(Tag { key: key.into(), value });
    if !kind.is_empty() {
        add("span.kind", kind.into());
    }
    match status.code {
        1 => add("otel.status_code", "OK".into()),
        2 => {
            add("otel.status_code", "ERROR".into());
            add("error", true.into());
        }
        _ => {}
    }
    if !status.message.is_empty() {
        add("otel.status_description", status.message.into());
    }
    if !span.trace_state.is_empty() {
        add("w3c.tracestate", span.trace_state.into());
    }
    tags.extend(span.attributes.into_iter().map(tag));
    tags.extend(after);
    let reference = |link: otlp::span::Link| {
        let is_child = |attribute: &KeyValue| {
            let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
            attribute.key == "opentracing.ref_type"
                && matches!(value, Some(Any::StringValue(kind)) if kind == "child_of")
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
        // It came, so it was sampled; clients of before 2023 leave the flags out.
        flags: if span.flags & 0xff == 0 { 1 } else { (span.flags & 0xff) as i32 },
        start_time: micros(span.start_time_unix_nano),
        duration: (nanos / 1_000) as i64,
        tags,
        logs: span.events.into_iter().map(log).collect(),
    })
}

fn log(event: otlp::span::Event) -> Log<'static> {
    let mut fields = Vec::with_capacity(event.attributes.len() + 1);
    if !event.name.is_empty() && !event.attributes.iter().any(|attribute| attribute.key == "event") {
        fields.push(Tag::new("event", event.name));
    }
    fields.extend(event.attributes.into_iter().map(tag));
    Log { timestamp: micros(event.time_unix_nano), fields }
}

fn tag(attribute: KeyValue) -> Tag<'static> {
    let value = match attribute.value.and_then(|value| value.value) {
        None => Value::from(""),
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(value)) => value.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::BytesValue(bytes)) => Value::Binary(bytes.into()),
        Some(other) => json_text(&json(AnyValue { value: Some(other) })).into(),
    };
    Tag { key: attribute.key.into(), value }
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
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", c as u32)),
            c => escaped.push(c),
        }
    }
    escaped
}
