//! Every port over the network: what real clients send is taken, what is hostile is refused and counted, nothing else is lost by it.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use common::{Reply, gzip, request, wait_for};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use jaeger_all_in_one::counters::{Cause, Receiver};
use jaeger_all_in_one::store::{Trace, TraceQuery};
use jaeger_all_in_one::{Backend, Config};
use jaeger_thrift::{Batch, Message, MessageType, Process, Protocol, Span, Tag, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;

const GO: &[u8] = include_bytes!("../../jaeger-thrift/tests/data/go.bin");
const PYTHON: &[u8] = include_bytes!("../../jaeger-thrift/tests/data/python.bin");
const NODE: &[u8] = include_bytes!("../../jaeger-thrift/tests/data/node.bin");

fn start() -> Backend {
    Backend::start(Config::free_ports()).expect("loopback has free ports")
}

fn all(backend: &Backend) -> Vec<Trace> {
    let store = &backend.app().store;
    store.traces(&store.find(&TraceQuery::default()).unwrap()).unwrap()
}

fn batch(service: &'static str, trace_id: u128) -> Batch<'static> {
    let span = Span {
        trace_id,
        span_id: 1,
        operation_name: "op".into(),
        flags: 1,
        start_time: 5,
        ..Span::default()
    };
    Batch { process: Process::new(service), spans: vec![span], ..Batch::default() }
}

fn post(backend: &Backend, port: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    request(backend.address(port).unwrap(), "POST", path, headers, body)
}

const THRIFT: (&str, &str) = ("Content-Type", "application/x-thrift");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

#[test]
fn what_came_before_the_end_is_taken_though_it_was_not_read_yet() {
    /// As many as fit into any system's buffer, and as large that reading them takes longer than sending them.
    const DATAGRAMS: u128 = 5;
    let backend = start();
    let app = backend.app().clone();
    let message = |trace_id| {
        let mut batch = batch("late", trace_id);
        batch.spans = vec![batch.spans[0].clone(); 1_000];
        let mut bytes = Vec::new();
        Message::new(batch).encode_into(Protocol::Compact, &mut bytes);
        assert!(bytes.len() < 60_000);
        bytes
    };
    let messages: Vec<_> = (1..=DATAGRAMS).map(message).collect();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for bytes in &messages {
        socket.send_to(bytes, backend.address("compact").unwrap()).unwrap();
    }
    drop(backend);
    assert_eq!(app.store.stats().spans as u128, DATAGRAMS * 1_000);
    assert_eq!(app.counters.messages(Receiver::UdpCompact) as u128, DATAGRAMS, "nothing was refused either");
}

#[test]
fn real_clients_datagrams_are_taken() {
    let backend = start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |bytes: &[u8], port| socket.send_to(bytes, backend.address(port).unwrap()).unwrap();
    send(GO, "compact");
    send(PYTHON, "compact");
    send(NODE, "binary");
    let counters = &backend.app().counters;
    wait_for("three messages", || {
        counters.messages(Receiver::UdpCompact) == 2 && counters.messages(Receiver::UdpBinary) == 1
    });
    let spans = all(&backend).iter().map(|trace| trace.spans.len() as u64).sum::<u64>();
    assert_eq!(spans, counters.spans(Receiver::UdpCompact) + counters.spans(Receiver::UdpBinary));
    assert_eq!(backend.app().store.services().unwrap().len(), 3);
    // They come as Thrift, so they are rewritten.
    let traces = all(&backend);
    let mut processes = traces.iter().flat_map(|trace| &trace.spans).map(|stored| &stored.process);
    assert!(
        processes.all(|process| process
            .tags
            .iter()
            .all(|tag| tag.key != "hostname" && tag.key != "jaeger.version"))
    );
}

#[test]
fn every_message_type_and_the_old_header_and_trailing_bytes_are_taken() {
    let backend = start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sent = 0;
    for (protocol, port) in [(Protocol::Compact, "compact"), (Protocol::Binary, "binary")] {
        for message_type in
            [MessageType::Call, MessageType::Reply, MessageType::Exception, MessageType::Oneway]
        {
            sent += 1;
            let mut bytes = Vec::new();
            Message { message_type, sequence_id: 9, batch: batch("typed", sent) }
                .encode_into(protocol, &mut bytes);
            bytes.extend_from_slice(b"trailing");
            socket.send_to(&bytes, backend.address(port).unwrap()).unwrap();
        }
    }
    // The old header: name, type, number.
    let mut bytes = b"\0\0\0\x09emitBatch\x01\0\0\0\x01\x0c\0\x01".to_vec();
    batch("old", 100).encode_into(Protocol::Binary, &mut bytes);
    bytes.push(0);
    socket.send_to(&bytes, backend.address("binary").unwrap()).unwrap();
    wait_for("nine traces", || backend.app().store.stats().traces == 9);
    // Nothing is ever answered.
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(socket.recv(&mut [0; 16]).is_err());
}

#[test]
fn hostile_datagrams_are_counted_by_cause_and_neighbours_are_taken() {
    let backend = start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = backend.address("compact").unwrap();
    let counters = &backend.app().counters;
    let cut = &GO[..GO.len() - 10];
    let deep = [b"\x82\x21\x01\x09emitBatch".as_slice(), &[0x1c; 80]].concat();
    let zipkin = b"\x82\x21\x01\x0femitZipkinBatch\x00";
    let hostile: &[(&[u8], Cause)] = &[
        (b"", Cause::Truncated),
        (cut, Cause::Truncated),
        (b"\x82\x21\x01\x09emitBatch\x1c\x1c\x18\x01x\x00\x19\xfc\xff\xff\xff\xff\x07", Cause::Bounds),
        (&deep, Cause::TooDeep),
        (zipkin, Cause::NotOurs),
        (b"garbage", Cause::NotOurs),
        (b"\x82\x21\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Cause::Invalid),
    ];
    for (taken, (bytes, cause)) in (1..).zip(hostile) {
        let before = counters.refusals(Receiver::UdpCompact, *cause);
        socket.send_to(bytes, to).unwrap();
        socket.send_to(GO, to).unwrap();
        wait_for("a refusal", || counters.refusals(Receiver::UdpCompact, *cause) == before + 1);
        wait_for("its neighbour", || counters.messages(Receiver::UdpCompact) == taken);
    }
    let refused: u64 = Cause::ALL.iter().map(|cause| counters.refusals(Receiver::UdpCompact, *cause)).sum();
    assert_eq!(refused, hostile.len() as u64);
}

#[test]
fn a_datagram_cut_anywhere_is_refused() {
    let backend = start();
    let app = backend.app();
    for (bytes, protocol) in [(GO, Protocol::Compact), (PYTHON, Protocol::Compact), (NODE, Protocol::Binary)]
    {
        for end in 0..bytes.len() - 1 {
            jaeger_all_in_one::receive::udp::datagram(app, Receiver::UdpCompact, protocol, &bytes[..end]);
        }
    }
    assert_eq!(app.counters.messages(Receiver::UdpCompact), 0);
    let refused: u64 =
        Cause::ALL.iter().map(|cause| app.counters.refusals(Receiver::UdpCompact, *cause)).sum();
    assert_eq!(refused as usize, GO.len() + PYTHON.len() + NODE.len() - 3);
    assert_eq!(app.store.stats().spans, 0);
}

#[test]
fn a_span_without_a_trace_is_refused_and_its_neighbours_are_taken() {
    let backend = start();
    let mut two = batch("zero", 0);
    two.spans.extend(batch("", 7).spans);
    let mut body = Vec::new();
    two.encode_into(Protocol::Binary, &mut body);
    assert_eq!(post(&backend, "thrift_http", "/api/traces", &[THRIFT], &body).status, 202);
    let counters = &backend.app().counters;
    assert_eq!(counters.refusals(Receiver::ThriftHttp, Cause::ZeroId), 1);
    assert_eq!(counters.spans(Receiver::ThriftHttp), 1);
    assert_eq!(all(&backend)[0].trace_id, 7);
}

/// Small messages are stored while they are read, large ones behind that: of either, whole or not at all.
#[test]
fn of_a_message_that_breaks_off_nothing_is_stored() {
    for spans in [3, 20_000] {
        let backend = start();
        let mut many = batch("broken", 1);
        many.spans = (1..=spans).map(|span_id| Span { span_id, ..many.spans[0].clone() }).collect();
        let mut body = Vec::new();
        many.encode_into(Protocol::Binary, &mut body);
        assert_eq!(body.len() > 256 << 10, spans > 3);
        let span = |span_id: u64| otlp::Span {
            trace_id: vec![1; 16],
            span_id: span_id.to_be_bytes().to_vec(),
            ..otlp::Span::default()
        };
        let scope =
            otlp::ScopeSpans { spans: (1..=spans).map(span).collect(), ..otlp::ScopeSpans::default() };
        let resource = otlp::ResourceSpans { scope_spans: vec![scope], ..otlp::ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec();
        let broken = &body[..body.len() - 3];
        assert_eq!(post(&backend, "thrift_http", "/api/traces", &[THRIFT], broken).status, 400);
        let broken = [&request[..], b"\x0a\xff"].concat();
        assert_eq!(post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF], &broken).status, 400);
        assert_eq!((all(&backend), backend.app().store.services().unwrap()), (vec![], vec![]));
        assert_eq!(backend.app().store.stats().spans, 0);
        // And of what wants a closer look at its end nothing is stored twice: here the resource stands behind its spans.
        let name = AnyValue { value: Some(any_value::Value::StringValue("late".into())) };
        let name = KeyValue { key: "service.name".into(), value: Some(name), ..KeyValue::default() };
        let late = Resource { attributes: vec![name], ..Resource::default() };
        let late = otlp::ResourceSpans { resource: Some(late), ..otlp::ResourceSpans::default() };
        let mut odd =
            ExportTraceServiceRequest::decode(&request[..]).unwrap().resource_spans[0].encode_to_vec();
        odd.extend(late.encode_to_vec());
        let mut length = Vec::new();
        prost::encode_length_delimiter(odd.len(), &mut length).unwrap();
        let odd = [b"\x0a", &length[..], &odd].concat();
        assert_eq!(post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF], &odd).status, 200);
        assert_eq!(backend.app().store.services().unwrap(), ["late"]);
        assert_eq!(all(&backend)[0].spans.len() as u64, spans);
        assert_eq!(backend.app().counters.spans(Receiver::OtlpHttp), spans);
    }
}

#[test]
fn thrift_over_http() {
    let backend = start();
    let mut body = Vec::new();
    batch("http", 1).encode_into(Protocol::Binary, &mut body);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&body).unwrap();
    let deflated = zlib.finish().unwrap();
    let gz = ("Content-Encoding", "gzip");
    let zstd = ("Content-Encoding", "zstd");
    let packed = zstd::encode_all(&body[..], 0).unwrap();
    // Its head alone: a frame with a window of 2 GiB.
    let wide = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3];
    for (headers, bytes) in [
        (&[THRIFT][..], &body),
        (&[("Content-Type", "application/vnd.apache.thrift.binary; charset=x")], &body),
        (&[THRIFT, gz], &gzip(&body)),
        (&[THRIFT, ("Content-Encoding", "deflate")], &deflated),
        (&[THRIFT, zstd], &packed),
        (&[THRIFT], &[&body[..], b"trailing"].concat()),
    ] {
        let reply = post(&backend, "thrift_http", "/api/traces?format=jaeger.thrift", headers, bytes);
        assert_eq!((reply.status, reply.body.as_str()), (202, ""), "{headers:?}");
    }
    let counters = &backend.app().counters;
    assert_eq!(counters.spans(Receiver::ThriftHttp), 6);
    for (headers, bytes, status, cause) in [
        (&[][..], &body[..], 400, Cause::MediaType),
        (&[("Content-Type", "text/plain")], &body, 400, Cause::MediaType),
        (&[THRIFT, ("Content-Encoding", "br")], &body, 415, Cause::MediaType),
        (&[THRIFT], b"", 400, Cause::Truncated),
        (&[THRIFT], &body[..body.len() - 3], 400, Cause::Truncated),
        (&[THRIFT], b"garbage", 400, Cause::Invalid),
        (&[THRIFT, gz], &body, 400, Cause::Invalid),
        (&[THRIFT, gz], &gzip(&vec![0; 21 << 20]), 413, Cause::TooLarge),
        (&[THRIFT, zstd], &body, 400, Cause::Invalid),
        (&[THRIFT, zstd], &wide, 400, Cause::Invalid),
        (&[THRIFT, zstd], &packed[..packed.len() - 3], 400, Cause::Invalid),
        (&[THRIFT, zstd], &zstd::encode_all(&vec![0; 21 << 20][..], 0).unwrap(), 413, Cause::TooLarge),
    ] {
        let before = counters.refusals(Receiver::ThriftHttp, cause);
        let reply = post(&backend, "thrift_http", "/api/traces", headers, bytes);
        assert_eq!(reply.status, status, "{headers:?} {}", reply.body);
        assert!(reply.body.ends_with('\n') && reply.body.len() > 5, "{:?}", reply.body);
        assert_eq!(counters.refusals(Receiver::ThriftHttp, cause), before + 1, "{headers:?} {}", reply.body);
    }
    assert_eq!(counters.spans(Receiver::ThriftHttp), 6, "of what is refused nothing is taken");
    let to = backend.address("thrift_http").unwrap();
    assert_eq!(request(to, "GET", "/api/traces", &[], b"").status, 405);
    assert_eq!(request(to, "POST", "/other", &[THRIFT], &body).status, 404);
    assert_eq!(
        post(&backend, "thrift_http", "/api/traces", &[THRIFT, ("Origin", "http://evil.example")], &body)
            .status,
        403
    );
}

#[test]
fn a_body_that_declares_too_much_is_refused_before_it_comes() {
    let backend = start();
    let mut stream = TcpStream::connect(backend.address("thrift_http").unwrap()).unwrap();
    write!(stream, "POST /api/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\nContent-Length: 99999999999\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_eq!(backend.app().counters.refusals(Receiver::ThriftHttp, Cause::TooLarge), 1);
}

fn text(value: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) })
}

fn attribute(key: &str, value: Option<AnyValue>) -> KeyValue {
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn otlp_request() -> ExportTraceServiceRequest {
    let list = any_value::Value::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue {
        values: vec![AnyValue { value: Some(any_value::Value::DoubleValue(5.0)) }, text("<b>").unwrap()],
    });
    let span = otlp::Span {
        trace_id: 7u128.to_be_bytes().to_vec(),
        span_id: 8u64.to_be_bytes().to_vec(),
        parent_span_id: 9u64.to_be_bytes().to_vec(),
        trace_state: "k=v".to_owned(),
        flags: 0x301,
        name: "get".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_000_999,
        end_time_unix_nano: 3_500_000,
        attributes: vec![attribute("list", Some(AnyValue { value: Some(list) })), attribute("none", None)],
        events: vec![otlp::span::Event {
            time_unix_nano: 2_000_000,
            name: "hit".to_owned(),
            ..Default::default()
        }],
        links: vec![otlp::span::Link {
            trace_id: 1u128.to_be_bytes().to_vec(),
            span_id: 2u64.to_be_bytes().to_vec(),
            ..Default::default()
        }],
        status: Some(otlp::Status { code: 2, message: "bad".to_owned() }),
        ..otlp::Span::default()
    };
    let scope =
        InstrumentationScope { name: "lib".to_owned(), version: "1".to_owned(), ..Default::default() };
    let scope_spans = vec![otlp::ScopeSpans { scope: Some(scope), spans: vec![span], ..Default::default() }];
    let attributes = vec![attribute("service.name", text("otel")), attribute("host.name", text("h"))];
    let resource = Some(Resource { attributes, ..Default::default() });
    ExportTraceServiceRequest {
        resource_spans: vec![otlp::ResourceSpans { resource, scope_spans, ..Default::default() }],
    }
}

/// What the request above is in Jaeger's form.
fn assert_is_otlp(backend: &Backend) {
    let traces = all(backend);
    assert_eq!(traces.len(), 1);
    let stored = &traces[0].spans[0];
    let shown: Vec<String> = stored
        .span
        .tags
        .iter()
        .map(|tag| format!("{}={}", tag.key, jaeger_all_in_one::rules::value_text(&tag.value)))
        .collect();
    assert_eq!(
        shown,
        [
            "otel.scope.name=lib",
            "otel.scope.version=1",
            "list=[5,\"\\u003cb\\u003e\"]",
            "none=",
            "span.kind=server",
            "otel.status_code=ERROR",
            "error=true",
            "otel.status_description=bad",
            "w3c.tracestate=k=v"
        ]
    );
    let span = &stored.span;
    assert_eq!((span.trace_id, span.span_id, span.parent_span_id, span.flags), (7, 8, 9, 1));
    assert_eq!((&*span.operation_name, span.start_time, span.duration), ("get", 1_000, 2_499));
    assert_eq!((span.references[0].trace_id, span.references[0].span_id), (1, 2));
    assert_eq!((span.logs[0].timestamp, &span.logs[0].fields[..]), (2_000, &[Tag::new("event", "hit")][..]));
    assert_eq!(stored.process.service_name, "otel");
    assert_eq!(stored.process.tags, [Tag::new("host.name", "h")]);
}

#[test]
fn otlp_as_protobuf() {
    let backend = start();
    let body = otlp_request().encode_to_vec();
    let reply =
        post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF, ("Content-Encoding", "gzip")], &gzip(&body));
    assert_eq!((reply.status, reply.body.as_bytes()), (200, &[0x0a, 0][..]));
    assert_eq!(reply.header("content-type"), Some("application/x-protobuf"));
    assert_is_otlp(&backend);
    for bytes in [&body[..body.len() - 1], b"garbage", b"\x0a\xff\xff\xff\xff\x7f"] {
        let reply = post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF], bytes);
        // Field 1, the code, is 3.
        assert_eq!((reply.status, &reply.body.as_bytes()[..2]), (400, &[8, 3][..]));
    }
    let mut bad = otlp_request();
    bad.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![1; 7];
    let reply = post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF], &bad.encode_to_vec());
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("a trace id has 7 bytes instead of 16"), "{}", reply.body);
    assert_eq!(backend.app().counters.refusals(Receiver::OtlpHttp, Cause::Invalid), 4);
    assert_eq!(
        post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF], b"").status,
        200,
        "nothing is a request of no spans"
    );
}

#[test]
fn otlp_as_json_in_every_spelling() {
    let camel = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"otel"}},
        {"key":"host.name","value":{"stringValue":"h"}}]},"scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[{
        "traceId":"00000000000000000000000000000007","spanId":"0000000000000008","parentSpanId":"0000000000000009","traceState":"k=v",
        "flags":769,"name":"get","kind":2,"startTimeUnixNano":"1000999","endTimeUnixNano":3500000,
        "attributes":[{"key":"list","value":{"arrayValue":{"values":[{"doubleValue":5},{"stringValue":"<b>"}]}}},{"key":"none"}],
        "events":[{"timeUnixNano":"2000000","name":"hit"}],
        "links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002"}],
        "status":{"code":2,"message":"bad"},"unknown":[{}]}]}]}]}"#;
    let snake = camel
        .replace("resourceSpans", "resource_spans")
        .replace("scopeSpans", "scope_spans")
        .replace("traceId", "trace_id")
        .replace("spanId", "span_id")
        .replace("parentSpanId", "parent_span_id")
        .replace("startTimeUnixNano", "start_time_unix_nano")
        .replace("stringValue", "string_value")
        .replace("\"kind\":2", "\"kind\":\"SPAN_KIND_SERVER\"")
        .replace("\"code\":2", "\"code\":\"STATUS_CODE_ERROR\"")
        .replace("\"1000999\"", "1000999");
    for body in [camel, &snake] {
        let backend = start();
        let reply = post(&backend, "otlp_http", "/v1/traces", &[JSON], body.as_bytes());
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"partialSuccess":{}}"#));
        assert_is_otlp(&backend);
    }
    let backend = start();
    for body in ["", "{", "[]", r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#] {
        let reply = post(&backend, "otlp_http", "/v1/traces", &[JSON], body.as_bytes());
        assert_eq!(reply.status, 400);
        assert!(reply.body.starts_with(r#"{"code":3,"message":""#), "{}", reply.body);
    }
    assert_eq!(post(&backend, "otlp_http", "/v1/traces", &[("Content-Type", "text/plain")], b"").status, 415);
    assert_eq!(request(backend.address("otlp_http").unwrap(), "GET", "/v1/traces", &[], b"").status, 405);
    for fine in ["{}", r#"{"resourceSpans":null}"#, r#"{"resourceSpans":[{}]}"#] {
        assert_eq!(post(&backend, "otlp_http", "/v1/traces", &[JSON], fine.as_bytes()).status, 200, "{fine}");
    }
}

#[test]
fn services_that_have_no_name() {
    for (attributes, name) in [
        (vec![], "missing-service-name"),
        (vec![attribute("service.name", text(""))], "empty-service-name"),
        (vec![attribute("service.name", None)], "service-name-wrong-type"),
    ] {
        let backend = start();
        let mut request = otlp_request();
        request.resource_spans[0].resource = Some(Resource { attributes, ..Default::default() });
        post(&backend, "otlp_http", "/v1/traces", &[PROTOBUF], &request.encode_to_vec());
        assert_eq!(backend.app().store.services().unwrap(), [name]);
    }
}

#[test]
fn otlp_over_grpc() {
    let backend = start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("http://{}", backend.address("otlp_grpc").unwrap());
    runtime.block_on(async {
        let client = TraceServiceClient::connect(url).await.unwrap();
        let mut client = client.send_compressed(tonic::codec::CompressionEncoding::Gzip);
        let answer = client.export(otlp_request()).await.unwrap().into_inner();
        assert_eq!(answer.partial_success.unwrap_or_default().rejected_spans, 0);
        let mut bad = otlp_request();
        bad.resource_spans[0].scope_spans[0].spans[0].span_id = vec![1; 9];
        let status = client.export(bad).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(status.message(), "a span id has 9 bytes instead of 8");
    });
    assert_is_otlp(&backend);
    let counters = &backend.app().counters;
    assert_eq!(counters.messages(Receiver::OtlpGrpc), 1);
    assert_eq!(counters.refusals(Receiver::OtlpGrpc, Cause::Invalid), 1);
}

#[test]
fn zipkin_of_both_versions() {
    let backend = start();
    let two = r#"[{"traceId":"463ac35c9f6413ad48485a3953bb6124","id":"a2fb4a1d1a96d312","parentId":"1","name":"get","kind":"CLIENT",
        "timestamp":1000,"duration":50,"shared":true,"localEndpoint":{"serviceName":"front","ipv4":"10.0.0.1","port":80},
        "remoteEndpoint":{"serviceName":"back","ipv6":"::1"},"annotations":[{"timestamp":1010,"value":"retry"}],
        "tags":{"http.path":"/a","error":"timeout","host.name":"box"}}]"#;
    assert_eq!(post(&backend, "zipkin", "/api/v2/spans", &[JSON], two.as_bytes()).status, 202);
    let traces = all(&backend);
    let stored = &traces[0].spans[0];
    assert_eq!(traces[0].trace_id, 0x463a_c35c_9f64_13ad_4848_5a39_53bb_6124);
    assert_eq!((stored.span.span_id, stored.span.parent_span_id), (0xa2fb_4a1d_1a96_d312, 1));
    assert_eq!((stored.span.start_time, stored.span.duration), (1_000, 50));
    assert_eq!(stored.span.logs[0].fields, [Tag::new("event", "retry")]);
    assert_eq!(stored.process.tags, [Tag::new("host.name", "box")]);
    assert_eq!(
        stored.span.tags,
        [
            Tag::new("http.path", "/a"),
            Tag::new("error", "timeout"),
            Tag::new("net.host.ip", "10.0.0.1"),
            Tag::new("net.host.port", 80),
            Tag::new("peer.service", "back"),
            Tag::new("net.peer.ip", "::1"),
            Tag::new("span.kind", "client"),
            Tag::new("otel.status_code", "ERROR"),
            Tag { key: "error".into(), value: Value::Bool(true) },
        ]
    );
    let one = r#"[{"traceId":"2","id":"3","name":"call","annotations":[{"timestamp":100,"value":"sr","endpoint":{"serviceName":"old"}},
        {"timestamp":130,"value":"ss"},{"timestamp":110,"value":"note"}],"binaryAnnotations":[{"key":"n","value":5},
        {"key":"ca","value":true,"endpoint":{"serviceName":"caller"}}]}]"#;
    assert_eq!(post(&backend, "zipkin", "/api/v1/spans", &[JSON], one.as_bytes()).status, 202);
    let old = jaeger_all_in_one::store::trace(&*backend.app().store, 2).unwrap().unwrap();
    let stored = &old.spans[0];
    assert_eq!(
        (&*stored.process.service_name, stored.span.start_time, stored.span.duration),
        ("old", 100, 30)
    );
    assert_eq!(
        stored.span.tags,
        [Tag::new("n", "5"), Tag::new("peer.service", "caller"), Tag::new("span.kind", "server")]
    );
    assert_eq!(stored.span.logs.len(), 1);
    for bad in [
        r#"[{"traceId":"1","id":"0"}]"#,
        r#"[{"traceId":"","id":"1"}]"#,
        r#"[{"traceId":"1","id":"1"},{"traceId":"+1","id":"1"}]"#,
        r#"[{"traceId":"1","id":"12345678901234567"}]"#,
        "{}",
        "",
    ] {
        let reply = post(&backend, "zipkin", "/api/v2/spans", &[JSON], bad.as_bytes());
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.body.ends_with('\n'));
    }
    assert_eq!(backend.app().store.stats().traces, 2, "one bad span refuses all");
    assert_eq!(backend.app().counters.refusals(Receiver::Zipkin, Cause::Invalid), 6);
    // Taken for JSON, as the real Jaeger does, unless it says that it is something that we do not read.
    for (kind, status) in
        [("text/plain", 202), ("application/x-www-form-urlencoded", 202), ("application/x-protobuf", 415)]
    {
        let header = [("Content-Type", kind)];
        assert_eq!(post(&backend, "zipkin", "/api/v2/spans", &header, b"[]").status, status, "{kind}");
    }
    let no_time = r#"[{"traceId":"5","id":"1"}]"#;
    assert_eq!(post(&backend, "zipkin", "/api/v2/spans", &[], no_time.as_bytes()).status, 202);
    let found = jaeger_all_in_one::store::trace(&*backend.app().store, 5).unwrap().unwrap();
    assert_eq!(found.spans[0].span.tags, [Tag::new("otel.zipkin.absentField.startTime", true)]);
    assert_eq!(found.spans[0].process.service_name, "missing-service-name");
}

#[test]
fn sampling_and_baggage() {
    let file = std::env::temp_dir().join(format!("jaeger-sampling-{}.json", std::process::id()));
    std::fs::write(
        &file,
        r#"{"service_strategies":[{"service":"my shop","type":"ratelimiting","param":5}]}"#,
    )
    .unwrap();
    let backend = Backend::start(Config { strategies: Some(file.clone()), ..Config::free_ports() }).unwrap();
    std::fs::remove_file(&file).unwrap();
    let get = |path: &str| request(backend.address("sampling").unwrap(), "GET", path, &[], b"");
    assert_eq!(
        get("/sampling?service=my%20shop").body,
        r#"{"rateLimitingSampling":{"maxTracesPerSecond":5},"strategyType":1}"#
    );
    assert_eq!(
        get("/sampling?service=x").body,
        r#"{"probabilisticSampling":{"samplingRate":1.0},"strategyType":0}"#
    );
    // As Jaeger's Java client asks, and as a collector is asked.
    for path in ["/?service=my%20shop", "/api/sampling?service=my%20shop"] {
        assert!(get(path).body.contains(r#""maxTracesPerSecond":5"#), "{path}");
    }
    for path in ["/sampling", "/sampling?service=a&service=b", "/baggageRestrictions"] {
        let reply = get(path);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (400, "'service' parameter must be provided once\n"),
            "{path}"
        );
    }
    assert_eq!(get("/baggageRestrictions?service=x").body, "[]");
    let plain = start();
    let reply = request(plain.address("sampling").unwrap(), "GET", "/sampling?service=x", &[], b"");
    assert_eq!(reply.body, r#"{"probabilisticSampling":{"samplingRate":1},"strategyType":0}"#);
}
