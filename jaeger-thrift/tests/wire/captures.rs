//! One real datagram each of the Go, Python and Node clients, decoded in full.
//!
//! The three programs traced the same: a parent, and a child with a tag of each kind and a log. The clients differ in what they write: Go references,
//! number and statistics; Node the binary protocol, all five values on every tag, and integers as floats.

use crate::oracle::reader;
use jaeger_thrift::{
    Batch, ClientStats, Log, Message, MessageType, Process, Protocol, RefType, Span, SpanRef, Tag, Value,
};
use std::borrow::Cow;

const GO: &[u8] = include_bytes!("../data/go.bin");
const PYTHON: &[u8] = include_bytes!("../data/python.bin");
const NODE: &[u8] = include_bytes!("../data/node.bin");

fn text_tags(tags: &[(&'static str, &'static str)]) -> Vec<Tag<'static>> {
    tags.iter().map(|&(key, value)| Tag::new(key, value)).collect()
}

/// The child's tags; `integer` is how the client sends an integer.
fn span_tags(integer: fn(i32) -> Value<'static>) -> Vec<Tag<'static>> {
    vec![
        Tag::new("str", "héllo"),
        Tag::new("int", integer(42)),
        Tag::new("neg", integer(-1)),
        Tag::new("flt", Value::Double(1.5)),
        Tag::new("yes", Value::Bool(true)),
        Tag::new("no", Value::Bool(false)),
        Tag::new("span.kind", "server"),
    ]
}

fn log(timestamp: i64, integer: fn(i32) -> Value<'static>) -> Log<'static> {
    Log { timestamp, fields: vec![Tag::new("event", "hit"), Tag::new("n", integer(7))] }
}

fn long(v: i32) -> Value<'static> {
    Value::Long(v.into())
}

fn double(v: i32) -> Value<'static> {
    Value::Double(v.into())
}

fn go() -> Message<'static> {
    let trace_id = 0x36f8_59a4_44c1_8854_1716_c3ca_f684_8832;
    // The Go client gives the root the low half of the trace id.
    let parent = 0x1716_c3ca_f684_8832;
    Message {
        message_type: MessageType::Call,
        sequence_id: 1,
        batch: Batch {
            process: Process {
                service_name: "go-svc".into(),
                tags: text_tags(&[
                    ("proc.tag", "pv"),
                    ("jaeger.version", "Go-2.30.1-dev"),
                    ("hostname", "vm"),
                    ("ip", "192.0.2.2"),
                    ("client-uuid", "721398124d8f59b2"),
                ]),
            },
            spans: vec![Span {
                trace_id,
                span_id: 0x31c9_d038_eac0_36f0,
                parent_span_id: parent,
                operation_name: "child-op".into(),
                references: vec![SpanRef { ref_type: RefType::ChildOf, trace_id, span_id: parent }],
                flags: 1,
                start_time: 1_795_345_177_984_778,
                duration: 5,
                tags: span_tags(long),
                logs: vec![log(1_795_345_177_984_783, long)],
            }],
            seq_no: Some(1),
            stats: Some(ClientStats::default()),
        },
    }
}

fn python() -> Message<'static> {
    Message {
        message_type: MessageType::Oneway,
        sequence_id: 1,
        batch: Batch {
            process: Process {
                service_name: "py-svc".into(),
                tags: text_tags(&[
                    ("jaeger.version", "Python-4.8.0"),
                    ("proc.tag", "pv"),
                    ("ip", "192.0.2.2"),
                    ("hostname", "vm"),
                ]),
            },
            spans: vec![Span {
                trace_id: 0x1b0b_9a9d_2517_3746_c7f5_682e_af70_8ebc,
                span_id: 0x8426_0264_5dd7_c9fe,
                parent_span_id: 0x9bc3_fbb6_9085_e6a8,
                operation_name: "child-op".into(),
                references: vec![],
                flags: 1,
                start_time: 1_795_344_844_125_800,
                duration: 82,
                tags: span_tags(long),
                logs: vec![log(1_795_344_844_125_837, long)],
            }],
            seq_no: None,
            stats: None,
        },
    }
}

fn node() -> Message<'static> {
    Message {
        message_type: MessageType::Oneway,
        sequence_id: 0,
        batch: Batch {
            process: Process {
                service_name: "node-svc".into(),
                tags: text_tags(&[
                    ("proc.tag", "pv"),
                    ("jaeger.version", "Node-3.19.0"),
                    ("hostname", "vm"),
                    ("ip", "192.0.2.2"),
                    ("client-uuid", "bd5b2390-a300-4c07-84ac-ea96e2cc1801"),
                ]),
            },
            spans: vec![Span {
                trace_id: 0xa58f_70fe_4649_7e7c_3281_4ddc_420f_cbe6,
                span_id: 0x0bbe_862d_c649_64af,
                parent_span_id: 0x3281_4ddc_420f_cbe6,
                operation_name: "child-op".into(),
                references: vec![],
                flags: 1,
                start_time: 0x0006_60db_4be3_8068,
                duration: 0,
                tags: span_tags(double),
                logs: vec![log(0x0006_60db_4be3_8068, double)],
            }],
            seq_no: None,
            stats: None,
        },
    }
}

#[test]
fn go_decodes_and_encodes_to_the_same_bytes() {
    let message = Message::decode(Protocol::Compact, GO).unwrap();
    assert_eq!(message, go());
    let mut again = Vec::new();
    message.encode_into(Protocol::Compact, &mut again);
    assert_eq!(again, GO);
}

#[test]
fn what_we_choose_to_send_is_what_go_sends() {
    let mut again = Vec::new();
    Message::new(go().batch).encode_into(Protocol::Compact, &mut again);
    assert_eq!(again, GO);
}

#[test]
fn python_decodes_and_encodes_to_the_same_bytes() {
    let message = Message::decode(Protocol::Compact, PYTHON).unwrap();
    assert_eq!(message, python());
    let mut again = Vec::new();
    message.encode_into(Protocol::Compact, &mut again);
    assert_eq!(again, PYTHON);
}

#[test]
fn node_decodes_by_the_type_of_each_tag_alone() {
    assert_eq!(Message::decode(Protocol::Binary, NODE).unwrap(), node());
}

#[test]
fn the_thrift_crate_reads_the_same_from_them() {
    assert_eq!(Message::read_from(&mut *reader(Protocol::Compact, GO)).unwrap(), go());
    assert_eq!(Message::read_from(&mut *reader(Protocol::Compact, PYTHON)).unwrap(), python());
    assert_eq!(Message::read_from(&mut *reader(Protocol::Binary, NODE)).unwrap(), node());
}

#[test]
fn nothing_is_copied() {
    for (protocol, capture) in
        [(Protocol::Compact, GO), (Protocol::Compact, PYTHON), (Protocol::Binary, NODE)]
    {
        let Batch { process, spans, .. } = Message::decode(protocol, capture).unwrap().batch;
        let fields = spans[0].logs[0].fields.iter();
        let tags: Vec<_> = process.tags.iter().chain(&spans[0].tags).chain(fields).collect();
        assert!(matches!(process.service_name, Cow::Borrowed(_)));
        assert!(matches!(spans[0].operation_name, Cow::Borrowed(_)));
        assert!(tags.iter().all(|tag| matches!(tag.key, Cow::Borrowed(_))));
        assert!(!tags.iter().any(|tag| matches!(tag.value, Value::String(Cow::Owned(_)))));
    }
}

#[test]
fn bytes_behind_a_message_are_not_looked_at() {
    let mut datagram = GO.to_vec();
    datagram.extend(b"\xff\xff\xff");
    assert_eq!(Message::decode(Protocol::Compact, &datagram).unwrap(), go());
}
