//! Batches as OpenTelemetry's messages.
//!
//! A batch is in Jaeger's form here: what came as Thrift was rewritten, so a failed span has its status. What that form keeps in tags goes back into the fields it
//! came from (`rules::fields`). A tag `service.name` of the process wins over the service's own name, as in Jaeger's receiver for Thrift, so a collector shows a
//! span the same whichever way it got it. Of the flags only "sampled" has a place in OTLP; a time before 1970 has none, and is 1970.

use std::sync::Arc;

use jaeger_thrift::{Batch, Log, Process, RefType, Span, SpanRef, Tag, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan, Status};
use prost::Message as _;

use crate::rules::fields::{Fields, event};
use crate::store::parent;

/// The body of a request.
pub(super) fn encode(batch: &Batch<'_>) -> Arc<[u8]> {
    request(batch).encode_to_vec().into()
}

/// Spans that stand together and are of the same scope stay together, so their order stays.
fn request(batch: &Batch<'_>) -> ExportTraceServiceRequest {
    let mut scopes: Vec<ScopeSpans> = Vec::new();
    let mut last = None;
    for one in &batch.spans {
        let fields = Fields::of(&one.tags);
        if last != Some(fields.scope) {
            let (name, version) = fields.scope;
            let scope = InstrumentationScope {
                name: name.to_owned(),
                version: version.to_owned(),
                ..InstrumentationScope::default()
            };
            scopes.push(ScopeSpans { scope: Some(scope), ..ScopeSpans::default() });
            last = Some(fields.scope);
        }
        if let Some(scope) = scopes.last_mut() {
            scope.spans.push(span(one, &fields));
        }
    }
    let resource = Resource { attributes: resource(&batch.process), ..Resource::default() };
    let spans = ResourceSpans { resource: Some(resource), scope_spans: scopes, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![spans] }
}

/// A process's tags, with its service among them.
fn resource(process: &Process<'_>) -> Vec<KeyValue> {
    let named = process.tags.iter().any(|tag| tag.key == "service.name");
    let service = (!named).then(|| Tag::new("service.name", &*process.service_name));
    service.iter().chain(&process.tags).map(attribute).collect()
}

fn span(span: &Span<'_>, fields: &Fields<'_>) -> OtlpSpan {
    let parent = parent(span);
    let is_parents = |one: &SpanRef| {
        one.ref_type == RefType::ChildOf && one.trace_id == span.trace_id && one.span_id == parent
    };
    OtlpSpan {
        trace_id: span.trace_id.to_be_bytes().to_vec(),
        span_id: span.span_id.to_be_bytes().to_vec(),
        parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
        trace_state: fields.trace_state.to_owned(),
        name: span.operation_name.clone().into_owned(),
        kind: fields.kind.into(),
        flags: (span.flags & 1) as u32,
        start_time_unix_nano: nanos(span.start_time),
        end_time_unix_nano: nanos(span.start_time.saturating_add(span.duration)),
        attributes: span.tags.iter().filter(|tag| fields.is_attribute(tag)).map(attribute).collect(),
        events: span.logs.iter().map(log).collect(),
        links: span.references.iter().filter(|one| !is_parents(one)).map(link).collect(),
        status: (fields.code != 0)
            .then(|| Status { code: fields.code.into(), message: fields.message.to_owned() }),
        ..OtlpSpan::default()
    }
}

/// µs as nanoseconds, which have no sign.
fn nanos(micros: i64) -> u64 {
    micros.max(0).unsigned_abs().saturating_mul(1_000)
}

fn log(log: &Log<'_>) -> Event {
    let (name, fields) = event(&log.fields);
    Event {
        time_unix_nano: nanos(log.timestamp),
        name: name.to_owned(),
        attributes: fields.iter().map(attribute).collect(),
        ..Event::default()
    }
}

/// Both kinds are named, by the key that OpenTelemetry's conventions have for OpenTracing's references.
fn link(reference: &SpanRef) -> Link {
    let kind = match reference.ref_type {
        RefType::ChildOf => "child_of",
        RefType::FollowsFrom => "follows_from",
    };
    Link {
        trace_id: reference.trace_id.to_be_bytes().to_vec(),
        span_id: reference.span_id.to_be_bytes().to_vec(),
        attributes: vec![attribute(&Tag::new("opentracing.ref_type", kind))],
        ..Link::default()
    }
}

fn attribute(tag: &Tag<'_>) -> KeyValue {
    let value = match &tag.value {
        Value::String(text) => Any::StringValue(text.clone().into_owned()),
        Value::Bool(yes) => Any::BoolValue(*yes),
        Value::Long(number) => Any::IntValue(*number),
        Value::Double(number) => Any::DoubleValue(*number),
        Value::Binary(bytes) => Any::BytesValue(bytes.clone().into_owned()),
    };
    KeyValue {
        key: tag.key.clone().into_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::otlp::map;

    /// What a receiver makes of a body.
    fn batches(body: &[u8]) -> Result<Vec<Batch<'static>>, String> {
        map::batches(ExportTraceServiceRequest::decode(body).expect("it is whole"))
    }

    fn reference(ref_type: RefType, trace_id: u128, span_id: u64) -> SpanRef {
        SpanRef { ref_type, trace_id, span_id }
    }

    fn values() -> Vec<Tag<'static>> {
        vec![
            Tag::new("text", "ü"),
            Tag::new("empty", ""),
            Tag::new("long", i64::MIN),
            Tag::new("double", -0.5),
            Tag::new("yes", true),
            Tag { key: "bytes".into(), value: Value::Binary(vec![0, 255].into()) },
        ]
    }

    /// A span as the receiver for OTLP makes it, with all that it can hold.
    fn full(span_id: u64, scope: &'static str) -> Span<'static> {
        let mut tags = vec![Tag::new("otel.scope.name", scope), Tag::new("otel.scope.version", "1")];
        tags.extend(values());
        tags.extend([
            Tag::new("span.kind", "consumer"),
            Tag::new("otel.status_code", "ERROR"),
            Tag::new("error", true),
            Tag::new("otel.status_description", "boom"),
            Tag::new("w3c.tracestate", "a=b"),
        ]);
        let mut named = vec![Tag::new("event", "e")];
        named.extend(values());
        Span {
            trace_id: u128::MAX - 1,
            span_id,
            parent_span_id: 3,
            operation_name: "op".into(),
            references: vec![reference(RefType::FollowsFrom, 9, 8), reference(RefType::ChildOf, 7, 6)],
            flags: 1,
            start_time: 1_700_000_000_000_001,
            duration: 42,
            tags,
            logs: vec![
                Log { timestamp: 5, fields: named },
                Log { timestamp: 6, fields: vec![Tag::new("k", 1)] },
            ],
        }
    }

    #[test]
    fn what_goes_out_comes_in_the_same() {
        let mut process = Process::new("shop");
        process.tags = values();
        let bare = Span { trace_id: 1, span_id: 2, flags: 1, ..Span::default() };
        let spans = vec![full(1, "a"), full(2, "a"), full(3, "b"), bare, full(4, "a")];
        let sent = Batch { process, spans, ..Batch::default() };
        let scopes = request(&sent).resource_spans[0].scope_spans.len();
        assert_eq!(scopes, 4, "the order of the spans stays");
        assert_eq!(batches(&encode(&sent)), Ok(vec![sent]));
    }

    #[test]
    fn what_has_a_field_is_no_attribute() {
        let one = full(1, "lib");
        let sent = span(&one, &Fields::of(&one.tags));
        let keys: Vec<_> = sent.attributes.iter().map(|attribute| &*attribute.key).collect();
        assert_eq!(keys, ["text", "empty", "long", "double", "yes", "bytes"]);
        assert_eq!((sent.kind, &*sent.trace_state), (5, "a=b"));
        assert_eq!(sent.status, Some(Status { code: 2, message: "boom".into() }));
        assert_eq!((&*sent.events[0].name, sent.events[0].attributes.len()), ("e", 6));
        assert_eq!((&*sent.events[1].name, sent.events[1].attributes.len()), ("", 1));
        assert_eq!(sent.start_time_unix_nano, 1_700_000_000_000_001_000);
        assert_eq!(sent.end_time_unix_nano, 1_700_000_000_000_043_000);
    }

    #[test]
    fn the_parent_is_a_field_and_others_are_links() {
        let sent = |parent_span_id, references| {
            let one = Span { trace_id: 1, span_id: 9, parent_span_id, references, ..Span::default() };
            let sent = span(&one, &Fields::default());
            let links: Vec<_> = sent.links.iter().map(|link| link.span_id[7]).collect();
            (sent.parent_span_id.last().copied().unwrap_or(0), links)
        };
        use RefType::{ChildOf, FollowsFrom};
        assert_eq!(sent(0, vec![]), (0, vec![]));
        assert_eq!(sent(2, vec![reference(ChildOf, 1, 2), reference(ChildOf, 1, 3)]), (2, vec![3]));
        // What it follows is a link even if it is the parent; the same id in another trace is another span.
        assert_eq!(sent(2, vec![reference(FollowsFrom, 1, 2), reference(ChildOf, 7, 2)]), (2, vec![2, 2]));
        assert_eq!(sent(0, vec![reference(FollowsFrom, 1, 4), reference(ChildOf, 1, 5)]), (5, vec![4]));
    }

    #[test]
    fn the_services_tag_wins_and_stands_once() {
        let mut process = Process::new("shop");
        process.tags = vec![Tag::new("a", 1), Tag::new("service.name", "other")];
        let keys: Vec<_> = resource(&process).into_iter().map(|attribute| attribute.key).collect();
        assert_eq!(keys, ["a", "service.name"]);
        let named = batches(&encode(&Batch { process, ..Batch::default() })).expect("its ids are right");
        assert_eq!(named[0].process.service_name, "other");
    }

    #[test]
    fn times_without_a_place_do_not_wrap() {
        let one = Span { start_time: i64::MIN, duration: -5, flags: 2, ..Span::default() };
        let sent = span(&one, &Fields::default());
        assert_eq!((sent.start_time_unix_nano, sent.end_time_unix_nano, sent.flags), (0, 0, 0));
        assert_eq!(nanos(i64::MAX), u64::MAX);
    }
}
