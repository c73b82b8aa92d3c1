//! The spans that are sent: like those of a service with a handler, a query and a cache, three tags each, 93 bytes on the wire.

use jaeger_thrift::{Batch, Message, Process, Protocol, Span, Tag, Value};

/// Spans of one trace.
pub(crate) const TRACE: u64 = 10;

const OPERATIONS: [&str; 5] = ["GET /orders/{id}", "find", "cache.get", "price", "authorize"];

/// Span number `n` of all, at a time that rises with it.
pub(crate) fn span(n: u64, start: i64) -> Span<'static> {
    let trace = n / TRACE;
    let place = n % TRACE;
    let id = |n: u64| (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Span {
        trace_id: u128::from(id(trace)) | 1 << 62,
        span_id: id(n),
        parent_span_id: if place == 0 { 0 } else { id(n - place) },
        operation_name: OPERATIONS[(n % 5) as usize].into(),
        flags: 1,
        start_time: start + n as i64 * 5,
        duration: 100 + (n % 977) as i64,
        tags: vec![
            Tag::new("component", Value::String("db".into())),
            Tag::new("rows", Value::Long((n % 500) as i64)),
            Tag::new("cached", Value::Bool(n.is_multiple_of(3))),
        ],
        ..Span::default()
    }
}

/// A batch of spans from `first` on.
pub(crate) fn batch(first: u64, count: u64, start: i64) -> Batch<'static> {
    let mut process = Process::new("load-service");
    process.tags = vec![
        Tag::new("hostname", "build-17"),
        Tag::new("ip", "10.0.0.17"),
        Tag::new("jaeger.version", "Rust-0.1.0"),
    ];
    Batch { process, spans: (first..first + count).map(|n| span(n, start)).collect(), ..Batch::default() }
}

/// A datagram of spans from `first` on.
pub(crate) fn datagram(first: u64, count: u64, start: i64, to: &mut Vec<u8>) {
    to.clear();
    Message::new(batch(first, count, start)).encode_into(Protocol::Compact, to);
}

/// The id of the trace of span number `n`.
pub(crate) fn trace_id(n: u64) -> u128 {
    span(n, 0).trace_id
}

/// The same batch as an OTLP request in protobuf.
pub(crate) fn otlp(first: u64, count: u64, start: i64) -> Vec<u8> {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    let attribute = |tag: &Tag<'_>| KeyValue {
        key: tag.key.to_string(),
        value: Some(AnyValue {
            value: Some(match &tag.value {
                Value::Long(value) => any_value::Value::IntValue(*value),
                Value::Bool(value) => any_value::Value::BoolValue(*value),
                Value::Double(value) => any_value::Value::DoubleValue(*value),
                Value::String(value) => any_value::Value::StringValue(value.to_string()),
                Value::Binary(value) => any_value::Value::BytesValue(value.to_vec()),
            }),
        }),
        ..KeyValue::default()
    };
    let batch = batch(first, count, start);
    let span = |span: &jaeger_thrift::Span<'_>| Span {
        trace_id: span.trace_id.to_be_bytes().to_vec(),
        span_id: span.span_id.to_be_bytes().to_vec(),
        parent_span_id: match span.parent_span_id {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        name: span.operation_name.to_string(),
        start_time_unix_nano: span.start_time as u64 * 1_000,
        end_time_unix_nano: (span.start_time + span.duration) as u64 * 1_000,
        attributes: span.tags.iter().map(attribute).collect(),
        ..Span::default()
    };
    let mut attributes: Vec<KeyValue> = batch.process.tags.iter().map(attribute).collect();
    attributes.push(attribute(&Tag::new("service.name", batch.process.service_name.to_string())));
    let scope = ScopeSpans { spans: batch.spans.iter().map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}
