//! OTLP over HTTP: what came as OTLP goes on as it came, what came as Thrift as Jaeger's receiver turns it; partial success is counted.

use jaeger_all_in_one::counters::{Cause, Receiver};
use jaeger_all_in_one::forward::Loss;
use jaeger_all_in_one::{Backend, Config};
use jaeger_thrift::{Batch, Process, Span, Tag};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan, Status};
use prost::Message as _;

use crate::common::{request, wait_for};
use crate::{batch, collector, listen, next, one, target};

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.into()))
}

/// Much that Jaeger's own form has no place for.
fn rich() -> ExportTraceServiceRequest {
    let list = ArrayValue { values: vec![AnyValue { value: Some(Any::IntValue(1)) }, AnyValue::default()] };
    let span = OtlpSpan {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        trace_state: "a=b".into(),
        name: "op".into(),
        kind: 4,
        flags: 0x103,
        start_time_unix_nano: 1_700_000_000_000_000_001,
        end_time_unix_nano: 1_700_000_000_000_000_999,
        attributes: vec![attribute("list", Any::ArrayValue(list)), text("twice", "1"), text("twice", "2")],
        dropped_attributes_count: 4,
        events: vec![Event {
            time_unix_nano: 1_700_000_000_000_000_500,
            name: "named".into(),
            attributes: vec![text("event", "and so is this")],
            dropped_attributes_count: 1,
        }],
        dropped_events_count: 5,
        links: vec![Link {
            trace_id: vec![4; 16],
            span_id: vec![5; 8],
            trace_state: "c=d".into(),
            attributes: vec![text("why", "batch")],
            dropped_attributes_count: 2,
            flags: 1,
        }],
        dropped_links_count: 6,
        status: Some(Status { code: 2, message: "boom".into() }),
    };
    let scope = InstrumentationScope {
        name: "lib".into(),
        version: "1".into(),
        attributes: vec![text("a", "b")],
        dropped_attributes_count: 7,
    };
    let resource = Resource { attributes: vec![text("service.name", "shop")], ..Resource::default() };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: vec![span],
                schema_url: "https://opentelemetry.io/schemas/1.27.0".into(),
            }],
            schema_url: "https://opentelemetry.io/schemas/1.26.0".into(),
        }],
    }
}

const PROTOBUF: [(&str, &str); 1] = [("Content-Type", "application/x-protobuf")];

#[test]
fn what_came_as_otlp_goes_on_as_it_came() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let url = url.replace("http://", "otlp+http://user:pass@");
    let backend =
        Backend::start(Config { forward: vec![url.into()], ..Config::free_ports() }).expect("it starts");
    let http = backend.address("otlp_http").expect("it listens");
    let rich = rich();
    assert_eq!(request(http, "POST", "/v1/traces", &PROTOBUF, &rich.encode_to_vec()).status, 200);
    let came = next(&requests);
    assert!(came.head.starts_with("post /v1/traces http/1.1\r\n"), "{}", came.head);
    assert!(came.head.contains("content-type: application/x-protobuf"), "{}", came.head);
    assert!(came.head.contains("authorization: basic dxnlcjpwyxnz"), "{} (in lower case)", came.head);
    assert_eq!(came.answer("200 OK"), rich.encode_to_vec());
    // By gRPC.
    let grpc = format!("http://{}", backend.address("otlp_grpc").expect("it listens"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let sent = rich.clone();
    runtime.block_on(async move {
        let mut client = TraceServiceClient::connect(grpc).await.expect("it listens");
        client.export(sent).await.expect("it is taken");
    });
    assert_eq!(ExportTraceServiceRequest::decode(&*next(&requests).answer("200 OK")), Ok(rich));
    // As JSON; what is odd about it has been read as it is meant.
    let json = br#"{"resource_spans": [{"scopeSpans": [{"spans": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
        "name": "json", "startTimeUnixNano": "1700000000000000001", "links": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "attributes": [{"key": "k"}]}],
        "attributes": [{"key": "l", "value": {"arrayValue": {"values": [{"intValue": "7"}]}}}]}]}]}]}"#;
    let kind = [("Content-Type", "application/json")];
    assert_eq!(request(http, "POST", "/v1/traces", &kind, json).status, 200);
    let came = ExportTraceServiceRequest::decode(&*next(&requests).answer("200 OK")).expect("protobuf");
    let span = &came.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((&*span.name, span.start_time_unix_nano), ("json", 1_700_000_000_000_000_001));
    assert_eq!(span.links[0].attributes[0].key, "k");
    let value = span.attributes[0].value.clone().and_then(|value| value.value);
    assert!(matches!(value, Some(Any::ArrayValue(_))), "{value:?}");
    let forward = target(&backend.app().forward);
    wait_for("all sent", || forward.sent() == 3);
    assert_eq!(forward.counts().lost, [0; Loss::ALL.len()]);
}

/// What is refused here is not sent on, so the others go on as this program holds them.
#[test]
fn of_a_request_with_a_span_of_no_trace_the_others_go_on() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let backend =
        Backend::start(Config { forward: vec![format!("{url}/v1/traces").into()], ..Config::free_ports() })
            .expect("it starts");
    let mut odd = rich();
    odd.resource_spans[0].scope_spans[0].spans.push(OtlpSpan { name: "none".into(), ..OtlpSpan::default() });
    let http = backend.address("otlp_http").expect("it listens");
    assert_eq!(request(http, "POST", "/v1/traces", &PROTOBUF, &odd.encode_to_vec()).status, 200);
    let came = ExportTraceServiceRequest::decode(&*next(&requests).answer("200 OK")).expect("protobuf");
    let spans = &came.resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["op"]);
    assert_eq!(backend.app().counters.refusals(Receiver::OtlpHttp, Cause::ZeroId), 1);
    wait_for("one sent", || target(&backend.app().forward).sent() == 1);
}

#[test]
fn what_came_as_thrift_goes_on_with_its_status_and_kind() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let backend =
        Backend::start(Config { forward: vec![format!("{url}/v1/traces").into()], ..Config::free_ports() })
            .expect("it starts");
    let tags = vec![Tag::new("error", true), Tag::new("span.kind", "server"), Tag::new("rows", 12)];
    let span = Span { trace_id: 7, span_id: 1, tags, ..Span::default() };
    let mut process = Process::new("shop");
    process.tags = vec![Tag::new("hostname", "h")];
    backend.app().take(Receiver::UdpCompact, Batch { process, spans: vec![span], ..Batch::default() });
    let came = ExportTraceServiceRequest::decode(&*next(&requests).answer("200 OK")).expect("protobuf");
    let resource = came.resource_spans[0].resource.as_ref().expect("a resource");
    assert_eq!(resource.attributes, [text("service.name", "shop"), text("host.name", "h")]);
    let span = &came.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.kind, span.status.as_ref().map(|status| status.code)), (2, Some(2)));
    assert_eq!(span.attributes, [attribute("rows", Any::IntValue(12))]);
}

#[test]
fn partial_success_is_counted() {
    let (listener, url) = listen();
    let requests = collector(listener);
    let all = one(&format!("{url}/v1/traces"));
    let forward = target(&all);
    let several = |spans| {
        let mut several = batch(7);
        several.spans = vec![several.spans[0].clone(); spans];
        several
    };
    // Of three spans one; more than there were; fewer than none; and what is no such message.
    for (spans, rejected) in [(3, Some(1)), (2, Some(9)), (4, Some(-1)), (5, None)] {
        all.offer_rewritten(&several(spans));
        let told =
            ExportTracePartialSuccess { rejected_spans: rejected.unwrap_or(0), error_message: "no".into() };
        let answer = ExportTraceServiceResponse { partial_success: Some(told) }.encode_to_vec();
        let answer = if rejected.is_some() { answer } else { b"<html>".to_vec() };
        next(&requests).answer_with("200 OK", &answer);
    }
    wait_for("all counted", || forward.sent() + forward.lost(Loss::Refused) == 14);
    assert_eq!((forward.sent(), forward.lost(Loss::Refused), forward.counts().retries), (11, 3, 0));
    assert_eq!(all.stop(), 3);
}
