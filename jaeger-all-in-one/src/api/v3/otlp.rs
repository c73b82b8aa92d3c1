//! Traces in OpenTelemetry's JSON.
//!
//! Spans are kept as Jaeger shows them, so what OpenTelemetry has fields for is taken out of the tags: kind, status, scope, trace state, an event's name. Spans
//! of the same process stand together, and within them those of the same scope. Warnings are an attribute, `@jaeger@warnings`. Everything is written straight
//! from the spans: a trace of 100,000 of them is never held as a tree of JSON, and of many traces some at a time.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use jaeger_thrift::{Log, Process, RefType, SpanRef, Tag, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq as _, Serializer};

use crate::api::found::Found;
use crate::api::trace_json::{Each, Text};
use crate::rules::fields::{Fields, event};
use crate::rules::{Shown, ShownTrace, Version, references, show};

/// Traces, one after the other, as `{"resourceSpans":[…]}`. Raw, a process's service comes before its tags, which are not sorted.
pub(super) struct TracesV3<'s> {
    pub(super) found: Found<'s>,
    raw: bool,
    written: Cell<usize>,
}

/// The library that made a span, and its version.
type Scope<'t> = (&'t str, &'t str);
/// A process with its spans, by the library that made them.
type Group<'t> = (&'t Process<'static>, Vec<(Scope<'t>, Vec<&'t Shown>)>);

impl<'s> TracesV3<'s> {
    pub(super) fn new(found: Found<'s>, raw: bool) -> TracesV3<'s> {
        TracesV3 { found, raw, written: Cell::new(0) }
    }

    /// How many traces were written.
    pub(super) fn written(&self) -> usize {
        self.written.get()
    }
}

fn groups(trace: &ShownTrace) -> Vec<Group<'_>> {
    let mut places: HashMap<*const Process<'static>, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in &trace.spans {
        let place = *places.entry(Arc::as_ptr(&one.process)).or_insert_with(|| {
            groups.push((&one.process, Vec::new()));
            groups.len() - 1
        });
        let scope = Fields::of(&one.span.tags).scope;
        let scopes = &mut groups[place].1;
        match scopes.iter_mut().find(|(other, _)| *other == scope) {
            Some((_, spans)) => spans.push(one),
            None => scopes.push((scope, vec![one])),
        }
    }
    groups
}

/// Adds a text that is not empty.
fn put<M: SerializeMap>(map: &mut M, name: &str, text: &str) -> Result<(), M::Error> {
    if text.is_empty() { Ok(()) } else { map.serialize_entry(name, text) }
}

/// Adds an id that is not zero, with so many digits.
fn put_id<M: SerializeMap>(map: &mut M, name: &str, id: u128, width: usize) -> Result<(), M::Error> {
    if id == 0 { Ok(()) } else { map.serialize_entry(name, &Text(format_args!("{id:0width$x}"))) }
}

/// Adds µs as nanoseconds without a sign; what lies before 1970 is 1970.
fn put_time<M: SerializeMap>(map: &mut M, name: &str, micros: i64) -> Result<(), M::Error> {
    map.serialize_entry(name, &Text(u128::from(micros.max(0).unsigned_abs()) * 1_000))
}

impl Serialize for TracesV3<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry("resourceSpans", &List(self))?;
        map.end()
    }
}

struct List<'l, 's>(&'l TracesV3<'s>);

impl Serialize for List<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let TracesV3 { found, raw, written } = self.0;
        let mut list = to.serialize_seq(None)?;
        found.each(
            |_| {},
            |trace| {
                written.set(written.get() + 1);
                let shown = show(trace, *raw, Version::Three);
                groups(&shown)
                    .iter()
                    .try_for_each(|group| list.serialize_element(&ResourceSpans(group, *raw)))
            },
        )?;
        list.end()
    }
}

struct ResourceSpans<'t>(&'t Group<'t>, bool);

impl Serialize for ResourceSpans<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let ResourceSpans((process, scopes), raw) = self;
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("resource", &Attributes(&resource(process, *raw)))?;
        map.serialize_entry("scopeSpans", &Each(|| scopes.iter().map(ScopeSpans)))?;
        map.end()
    }
}

/// A process's tags with its service among them, where its name would stand.
fn resource<'p>(process: &'p Process<'static>, raw: bool) -> Vec<Tag<'p>> {
    let service = Tag::new("service.name", process.service_name.as_ref());
    let mut all: Vec<Tag<'p>> = process.tags.iter().filter(|tag| tag.key != service.key).cloned().collect();
    let place = if raw { 0 } else { all.partition_point(|tag| tag.key < service.key) };
    all.insert(place, service);
    all
}

struct Attributes<'t>(&'t [Tag<'t>]);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry("attributes", &Each(|| self.0.iter().map(Attribute)))?;
        map.end()
    }
}

struct ScopeSpans<'t>(&'t (Scope<'t>, Vec<&'t Shown>));

impl Serialize for ScopeSpans<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (scope, spans) = self.0;
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("scope", &ScopeV3(*scope))?;
        map.serialize_entry("spans", &Each(|| spans.iter().map(|one| SpanV3(one))))?;
        map.end()
    }
}

struct ScopeV3<'t>(Scope<'t>);

impl Serialize for ScopeV3<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (name, version) = self.0;
        let mut map = to.serialize_map(None)?;
        put(&mut map, "name", name)?;
        put(&mut map, "version", version)?;
        map.end()
    }
}

struct Attribute<'t>(&'t Tag<'t>);

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("key", &self.0.key)?;
        map.serialize_entry("value", &AnyValue(&self.0.value))?;
        map.end()
    }
}

struct AnyValue<'t>(&'t Value<'t>);

impl Serialize for AnyValue<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        match self.0 {
            Value::String(text) => map.serialize_entry("stringValue", text)?,
            Value::Bool(yes) => map.serialize_entry("boolValue", yes)?,
            Value::Long(number) => map.serialize_entry("intValue", &Text(number))?,
            Value::Double(number) if number.is_finite() => map.serialize_entry("doubleValue", number)?,
            // The words of protobuf's JSON.
            Value::Double(number) if number.is_nan() => map.serialize_entry("doubleValue", "NaN")?,
            Value::Double(number) if *number > 0.0 => map.serialize_entry("doubleValue", "Infinity")?,
            Value::Double(_) => map.serialize_entry("doubleValue", "-Infinity")?,
            Value::Binary(bytes) => {
                map.serialize_entry("bytesValue", &Text(Base64Display::new(bytes, &STANDARD)))?;
            }
        }
        map.end()
    }
}

struct SpanV3<'t>(&'t Shown);

impl Serialize for SpanV3<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let one = self.0;
        let span = &one.span;
        let fields = Fields::of(&span.tags);
        let parent = references::parent(span.trace_id, &span.references);
        let mut map = to.serialize_map(None)?;
        put_id(&mut map, "traceId", span.trace_id, 32)?;
        put_id(&mut map, "spanId", span.span_id.into(), 16)?;
        put(&mut map, "traceState", fields.trace_state)?;
        put_id(&mut map, "parentSpanId", parent.into(), 16)?;
        if span.flags != 0 {
            map.serialize_entry("flags", &(span.flags as u32))?;
        }
        put(&mut map, "name", &span.operation_name)?;
        if fields.kind != 0 {
            map.serialize_entry("kind", &fields.kind)?;
        }
        put_time(&mut map, "startTimeUnixNano", span.start_time)?;
        put_time(&mut map, "endTimeUnixNano", span.start_time.saturating_add(span.duration))?;
        let is_attribute = |tag: &&Tag<'_>| fields.is_attribute(tag);
        let attributes = || span.tags.iter().filter(is_attribute).map(|tag| Either::Tag(Attribute(tag)));
        let warnings = Some(&one.warnings[..]).filter(|warnings| !warnings.is_empty()).map(Either::Warnings);
        if warnings.is_some() || attributes().next().is_some() {
            map.serialize_entry("attributes", &Each(|| attributes().chain(warnings)))?;
        }
        if !span.logs.is_empty() {
            map.serialize_entry("events", &Each(|| span.logs.iter().map(Event)))?;
        }
        let links = || links(one, parent);
        if links().next().is_some() {
            map.serialize_entry("links", &Each(|| links().map(Link)))?;
        }
        map.serialize_entry("status", &Status { code: fields.code, message: fields.message })?;
        map.end()
    }
}

/// An attribute: a tag, or the warnings.
#[derive(Clone, Copy)]
enum Either<'t> {
    Tag(Attribute<'t>),
    Warnings(&'t [String]),
}

impl Clone for Attribute<'_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Attribute<'_> {}

impl Serialize for Either<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Either::Tag(tag) => tag.serialize(to),
            Either::Warnings(warnings) => Warnings(warnings).serialize(to),
        }
    }
}

/// `{"key":"@jaeger@warnings","value":{"arrayValue":{"values":[{"stringValue":…}]}}}`
struct Warnings<'t>(&'t [String]);

impl Serialize for Warnings<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<_> = self.0.iter().map(|text| One("stringValue", text)).collect();
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("key", "@jaeger@warnings")?;
        map.serialize_entry("value", &One("arrayValue", One("values", texts)))?;
        map.end()
    }
}

/// An object of one member.
struct One<T>(&'static str, T);

impl<T: Serialize> Serialize for One<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

struct Status<'t> {
    code: u8,
    message: &'t str,
}

impl Serialize for Status<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        if self.code != 0 {
            put(&mut map, "message", self.message)?;
            map.serialize_entry("code", &self.code)?;
        }
        map.end()
    }
}

struct Event<'t>(&'t Log<'t>);

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        put_time(&mut map, "timeUnixNano", self.0.timestamp)?;
        let (name, fields) = event(&self.0.fields);
        put(&mut map, "name", name)?;
        if !fields.is_empty() {
            map.serialize_entry("attributes", &Each(|| fields.iter().map(Attribute)))?;
        }
        map.end()
    }
}

/// References other than that to the parent.
fn links(one: &Shown, parent: u64) -> impl Iterator<Item = &SpanRef> {
    one.span.references.iter().filter(move |other| {
        other.trace_id != one.span.trace_id || other.span_id != parent || other.ref_type != RefType::ChildOf
    })
}

/// A link means FOLLOWS_FROM; what is none says so.
struct Link<'t>(&'t SpanRef);

impl Serialize for Link<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        put_id(&mut map, "traceId", self.0.trace_id, 32)?;
        put_id(&mut map, "spanId", self.0.span_id.into(), 16)?;
        if self.0.ref_type == RefType::ChildOf {
            map.serialize_entry("attributes", &[Attribute(&Tag::new("opentracing.ref_type", "child_of"))])?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::Span;
    use serde_json::{Value as Json, json};

    fn written(one: Shown) -> Json {
        let trace = ShownTrace { trace_id: 1, spans: vec![one] };
        let groups = groups(&trace);
        json!({"resourceSpans": groups.iter().map(|group| ResourceSpans(group, false)).collect::<Vec<_>>()})
    }

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
        let told = written(one);
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
        let told = written(one);
        let span = &told["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["attributes"].as_array().map(Vec::len), Some(3), "{span}");
        assert_eq!(span["status"], json!({}));
        assert_eq!(span.get("parentSpanId"), None);
    }
}
