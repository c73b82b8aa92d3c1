//! Traces in OpenTelemetry's JSON.
//!
//! Spans are kept as Jaeger shows them, so what OpenTelemetry has fields for is taken out of the tags: kind, status, scope, trace state, an event's name. Spans
//! of the same process stand together, and within them those of the same scope. Warnings are an attribute, `@jaeger@warnings`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jaeger_thrift::{Log, Process, RefType, Tag, Value};
use serde_json::{Map, Value as Json, json};

use crate::rules::{Shown, ShownTrace, references};

/// Traces, one after the other, as `{"resourceSpans":[…]}`. Raw, a process's service comes before its tags, which are not sorted.
pub(super) fn traces(traces: &[ShownTrace], raw: bool) -> Json {
    json!({"resourceSpans": traces.iter().flat_map(|trace| resources(trace, raw)).collect::<Vec<_>>()})
}

/// The library that made a span, and its version.
type Scope<'t> = (Cow<'t, str>, Cow<'t, str>);
/// A process with its spans, by the library that made them.
type Group<'t> = (&'t Process<'static>, Vec<(Scope<'t>, Vec<Json>)>);

fn resources(trace: &ShownTrace, raw: bool) -> Vec<Json> {
    let mut places: HashMap<*const Process<'static>, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in &trace.spans {
        let place = *places.entry(Arc::as_ptr(&one.process)).or_insert_with(|| {
            groups.push((&one.process, Vec::new()));
            groups.len() - 1
        });
        let (scope, span) = span(one);
        let scopes = &mut groups[place].1;
        match scopes.iter_mut().find(|(other, _)| *other == scope) {
            Some((_, spans)) => spans.push(span),
            None => scopes.push((scope, vec![span])),
        }
    }
    groups
        .into_iter()
        .map(|(process, scopes)| {
            let scopes: Vec<Json> = scopes
                .into_iter()
                .map(|((name, version), spans)| {
                    let mut scope = Map::new();
                    put(&mut scope, "name", &name);
                    put(&mut scope, "version", &version);
                    json!({"scope": scope, "spans": spans})
                })
                .collect();
            json!({"resource": {"attributes": resource(process, raw)}, "scopeSpans": scopes})
        })
        .collect()
}

/// A process's tags with its service among them, where its name would stand.
fn resource(process: &Process<'static>, raw: bool) -> Vec<Json> {
    let service = Tag::new("service.name", process.service_name.as_ref());
    let mut all: Vec<&Tag<'_>> = process.tags.iter().filter(|tag| tag.key != service.key).collect();
    let place = if raw { 0 } else { all.partition_point(|tag| tag.key < service.key) };
    all.insert(place, &service);
    all.into_iter().map(attribute).collect()
}

/// Adds a text that is not empty.
fn put(object: &mut Map<String, Json>, name: &str, text: &str) {
    if !text.is_empty() {
        object.insert(name.to_owned(), text.into());
    }
}

/// Adds a list that is not empty.
fn put_list(object: &mut Map<String, Json>, name: &str, list: Vec<Json>) {
    if !list.is_empty() {
        object.insert(name.to_owned(), list.into());
    }
}

fn attribute(tag: &Tag<'_>) -> Json {
    json!({"key": tag.key, "value": value(&tag.value)})
}

fn value(value: &Value<'_>) -> Json {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(yes) => json!({"boolValue": yes}),
        Value::Long(number) => json!({"intValue": number.to_string()}),
        Value::Double(number) if number.is_finite() => json!({"doubleValue": number}),
        // The words of protobuf's JSON.
        Value::Double(number) if number.is_nan() => json!({"doubleValue": "NaN"}),
        Value::Double(number) if *number > 0.0 => json!({"doubleValue": "Infinity"}),
        Value::Double(_) => json!({"doubleValue": "-Infinity"}),
        Value::Binary(bytes) => json!({"bytesValue": STANDARD.encode(bytes)}),
    }
}

/// µs as nanoseconds without a sign; what lies before 1970 is 1970.
fn nanos(micros: i64) -> String {
    (i128::from(micros.max(0)) * 1_000).to_string()
}

fn span(one: &Shown) -> (Scope<'_>, Json) {
    let span = &one.span;
    let text = |key: &str| {
        span.tags.iter().find(|tag| tag.key == key).and_then(|tag| match &tag.value {
            Value::String(text) => Some(Cow::Borrowed(text.as_ref())),
            _ => None,
        })
    };
    let kind = match text("span.kind").as_deref() {
        Some("internal") => 1,
        Some("server") => 2,
        Some("client") => 3,
        Some("producer") => 4,
        Some("consumer") => 5,
        _ => 0,
    };
    let code = match text("otel.status_code").as_deref() {
        Some("OK") => 1,
        Some("ERROR") => 2,
        _ => 0,
    };
    let has_field = |tag: &&Tag<'_>| match &*tag.key {
        "span.kind" => kind == 0,
        "otel.status_code" => code == 0,
        "error" => code != 2 || tag.value != Value::Bool(true),
        "otel.scope.name" | "otel.scope.version" | "w3c.tracestate" => !matches!(tag.value, Value::String(_)),
        "otel.status_description" => code == 0,
        _ => true,
    };
    let mut object = Map::new();
    let parent = references::parent(span.trace_id, &span.references);
    put(&mut object, "traceId", &format!("{:032x}", span.trace_id));
    put(&mut object, "spanId", &format!("{:016x}", span.span_id));
    put(&mut object, "traceState", &text("w3c.tracestate").unwrap_or_default());
    if parent != 0 {
        put(&mut object, "parentSpanId", &format!("{parent:016x}"));
    }
    if span.flags != 0 {
        object.insert("flags".to_owned(), (span.flags as u32).into());
    }
    put(&mut object, "name", &span.operation_name);
    if kind != 0 {
        object.insert("kind".to_owned(), kind.into());
    }
    put(&mut object, "startTimeUnixNano", &nanos(span.start_time));
    put(&mut object, "endTimeUnixNano", &nanos(span.start_time.saturating_add(span.duration)));
    let mut attributes: Vec<Json> = span.tags.iter().filter(has_field).map(attribute).collect();
    if !one.warnings.is_empty() {
        let texts: Vec<Json> = one.warnings.iter().map(|text| json!({"stringValue": text})).collect();
        attributes.push(json!({"key": "@jaeger@warnings", "value": {"arrayValue": {"values": texts}}}));
    }
    put_list(&mut object, "attributes", attributes);
    put_list(&mut object, "events", span.logs.iter().map(event).collect());
    put_list(&mut object, "links", links(one, parent));
    let mut status = Map::new();
    if code != 0 {
        put(&mut status, "message", &text("otel.status_description").unwrap_or_default());
        status.insert("code".to_owned(), code.into());
    }
    object.insert("status".to_owned(), status.into());
    let scope = (text("otel.scope.name").unwrap_or_default(), text("otel.scope.version").unwrap_or_default());
    (scope, object.into())
}

fn event(log: &Log<'_>) -> Json {
    let mut object = Map::new();
    put(&mut object, "timeUnixNano", &nanos(log.timestamp));
    let mut fields = &log.fields[..];
    if let Some((first, others)) = fields.split_first()
        && first.key == "event"
        && let Value::String(name) = &first.value
    {
        put(&mut object, "name", name);
        fields = others;
    }
    put_list(&mut object, "attributes", fields.iter().map(attribute).collect());
    object.into()
}

/// References other than that to the parent. A link means FOLLOWS_FROM; what is none says so.
fn links(one: &Shown, parent: u64) -> Vec<Json> {
    let is_parent = |other: &&jaeger_thrift::SpanRef| {
        other.trace_id == one.span.trace_id && other.span_id == parent && other.ref_type == RefType::ChildOf
    };
    one.span
        .references
        .iter()
        .filter(|other| !is_parent(other))
        .map(|other| {
            let mut link = Map::new();
            if other.trace_id != 0 {
                put(&mut link, "traceId", &format!("{:032x}", other.trace_id));
            }
            if other.span_id != 0 {
                put(&mut link, "spanId", &format!("{:016x}", other.span_id));
            }
            if other.ref_type == RefType::ChildOf {
                put_list(
                    &mut link,
                    "attributes",
                    vec![attribute(&Tag::new("opentracing.ref_type", "child_of"))],
                );
            }
            link.into()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::{Span, SpanRef};

    #[test]
    fn what_has_a_field_leaves_the_tags() {
        let process = Process { service_name: "s".into(), tags: vec![Tag::new("a", 1), Tag::new("z", 2)] };
        let reference = |ref_type, span_id| SpanRef { ref_type, trace_id: 9, span_id };
        let span = Span {
            trace_id: 1,
            span_id: 2,
            parent_span_id: 3,
            operation_name: "o".into(),
            references: vec![reference(RefType::FollowsFrom, 4), reference(RefType::ChildOf, 5)],
            flags: 1,
            start_time: 10,
            duration: 5,
            tags: vec![
                Tag::new("span.kind", "server"),
                Tag::new("otel.status_code", "ERROR"),
                Tag::new("error", true),
                Tag::new("otel.status_description", "boom"),
                Tag::new("otel.scope.name", "lib"),
                Tag::new("w3c.tracestate", "a=b"),
                Tag::new("n", f64::NAN),
            ],
            logs: vec![Log { timestamp: 11, fields: vec![Tag::new("event", "e"), Tag::new("k", 7)] }],
        };
        let mut one = Shown::new(process.into(), span);
        one.warnings.push("odd".into());
        let told = traces(&[ShownTrace { trace_id: 1, spans: vec![one] }], false);
        let attribute = |key: &str, value: Json| json!({"key": key, "value": value});
        let id = |digit: u8, width| format!("{digit:0width$}");
        let expected = json!({"resourceSpans": [{
            "resource": {"attributes": [
                attribute("a", json!({"intValue": "1"})),
                attribute("service.name", json!({"stringValue": "s"})),
                attribute("z", json!({"intValue": "2"})),
            ]},
            "scopeSpans": [{
                "scope": {"name": "lib"},
                "spans": [{
                    "traceId": id(1, 32), "spanId": id(2, 16), "parentSpanId": id(3, 16), "traceState": "a=b", "flags": 1,
                    "name": "o", "kind": 2, "startTimeUnixNano": "10000", "endTimeUnixNano": "15000",
                    "attributes": [
                        attribute("n", json!({"doubleValue": "NaN"})),
                        attribute("@jaeger@warnings", json!({"arrayValue": {"values": [{"stringValue": "odd"}]}})),
                    ],
                    "events": [{"timeUnixNano": "11000", "name": "e", "attributes": [attribute("k", json!({"intValue": "7"}))]}],
                    "links": [
                        {"traceId": id(9, 32), "spanId": id(4, 16)},
                        {"traceId": id(9, 32), "spanId": id(5, 16),
                            "attributes": [attribute("opentracing.ref_type", json!({"stringValue": "child_of"}))]},
                    ],
                    "status": {"message": "boom", "code": 2},
                }],
            }],
        }]});
        assert_eq!(told, expected);
    }

    #[test]
    fn what_only_looks_like_a_field_stays() {
        let tags = vec![Tag::new("span.kind", 5), Tag::new("error", "true"), Tag::new("otel.scope.name", 1)];
        let one =
            Shown::new(Process::new("s").into_owned().into(), Span { trace_id: 1, tags, ..Span::default() });
        let told = traces(&[ShownTrace { trace_id: 1, spans: vec![one] }], false);
        let span = &told["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["attributes"].as_array().map(Vec::len), Some(3), "{span}");
        assert_eq!(span["status"], json!({}));
        assert_eq!(span.get("parentSpanId"), None);
    }
}
