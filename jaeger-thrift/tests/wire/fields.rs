//! Fields that are missing, unknown, repeated, out of order, of another type, or say two things at once.

use crate::hostile::{PROTOCOLS, batch_error};
use crate::oracle::reader;
use crate::tree::{self, Tree, structs, tag, text, text_tag};
use jaeger_thrift::{Batch, DecodeErrorKind as Kind, Message, Process, Protocol, Span, Tag, Value};
use thrift::protocol::TType;

/// Where a struct is, what it is called, and its required fields.
type Required = (fn(&mut Tree) -> &mut Tree, &'static str, &'static [(i16, &'static str)]);

const REQUIRED: [Required; 8] = [
    (|batch| batch, "Batch", &[(1, "process"), (2, "spans")]),
    (|batch| batch.field(1), "Process", &[(1, "serviceName")]),
    (
        |batch| batch.field(2).first(),
        "Span",
        &[
            (1, "traceIdLow"),
            (2, "traceIdHigh"),
            (3, "spanId"),
            (4, "parentSpanId"),
            (5, "operationName"),
            (7, "flags"),
            (8, "startTime"),
            (9, "duration"),
        ],
    ),
    (
        |batch| batch.field(2).first().field(6).first(),
        "SpanRef",
        &[(1, "refType"), (2, "traceIdLow"), (3, "traceIdHigh"), (4, "spanId")],
    ),
    (|batch| batch.field(2).first().field(10).first(), "Tag", &[(1, "key"), (2, "vType")]),
    (|batch| batch.field(2).first().field(11).first(), "Log", &[(1, "timestamp"), (2, "fields")]),
    (|batch| batch.field(2).first().field(11).first().field(2).first(), "Tag", &[(1, "key"), (2, "vType")]),
    (
        |batch| batch.field(4),
        "ClientStats",
        &[(1, "fullQueueDroppedSpans"), (2, "tooLargeDroppedSpans"), (3, "failedToEmitSpans")],
    ),
];

#[test]
fn a_required_field_that_is_missing_or_of_another_type_is_named() {
    for protocol in PROTOCOLS {
        for (at, name, fields) in REQUIRED {
            for (id, field) in fields {
                let mut missing = tree::batch();
                // Room for the count's least size, so that the field is what is missed.
                missing.fields().push((40, text(&"x".repeat(100))));
                let mut other_type = missing.clone();
                at(&mut missing).fields().retain(|(it, _)| it != id);
                *at(&mut other_type).field(*id) = Tree::I16(1);
                for batch in [missing, other_type] {
                    let error = batch_error(protocol, &batch.bytes(protocol));
                    assert_eq!(
                        (error.kind(), error.reading().to_owned()),
                        (&Kind::Missing, format!("{name}.{field}"))
                    );
                }
            }
        }
    }
}

/// Every type that Thrift has, as fields that Jaeger's structs have not.
fn unknown_fields() -> Vec<(i16, Tree)> {
    vec![
        (20, Tree::Bool(true)),
        (21, Tree::Bool(false)),
        (22, Tree::I8(-1)),
        (23, Tree::I16(i16::MIN)),
        (24, Tree::I32(i32::MIN)),
        (25, Tree::I64(i64::MIN)),
        (26, Tree::Double(f64::NAN)),
        (27, text("unknown")),
        (28, Tree::Struct(vec![(1, Tree::Struct(vec![])), (400, Tree::Bool(true))])),
        (29, Tree::List(TType::Bool, vec![Tree::Bool(true), Tree::Bool(false)])),
        (30, Tree::List(TType::String, (0..20).map(|_| text("many")).collect())),
        (31, Tree::Set(TType::I32, vec![Tree::I32(1), Tree::I32(-1)])),
        (32, Tree::Map(TType::String, TType::Double, vec![(text("k"), Tree::Double(1.0))])),
        (33, Tree::Map(TType::I08, TType::Bool, vec![])),
        (34, Tree::Map(TType::Bool, TType::Struct, vec![(Tree::Bool(true), Tree::Struct(vec![]))])),
        (35, Tree::List(TType::List, vec![Tree::List(TType::I16, vec![Tree::I16(5)])])),
        (15_000, Tree::I32(1)),
        (-15_000, Tree::I32(1)),
        (0, Tree::I32(1)),
    ]
}

#[test]
fn unknown_fields_are_skipped_in_every_struct() {
    for protocol in PROTOCOLS {
        let known = Tree::Struct(vec![(1, tree::batch())]);
        let mut more = known.clone();
        more.each_struct(&mut |fields| {
            let behind = std::mem::take(fields);
            fields.extend(unknown_fields());
            fields.extend(behind);
            fields.extend(unknown_fields());
        });
        let (known, more) = (known.call(protocol, "emitBatch"), more.call(protocol, "emitBatch"));
        assert!(more.len() > 10 * known.len());
        assert_eq!(Message::decode(protocol, &more).unwrap(), Message::decode(protocol, &known).unwrap());
    }
}

/// The newest of Thrift's types, which the oracle's writer takes only from another crate.
#[test]
fn a_uuid_is_skipped() {
    let compact = [&b"\x5d"[..], &[7; 16], &Tree::Struct(vec![]).bytes(Protocol::Compact)].concat();
    let binary = [&b"\x10\x00\x05"[..], &[7; 16], &Tree::Struct(vec![]).bytes(Protocol::Binary)].concat();
    for (protocol, bytes) in [(Protocol::Compact, compact), (Protocol::Binary, binary)] {
        let error = batch_error(protocol, &bytes);
        assert_eq!(
            (error.kind().clone(), error.reading(), error.offset()),
            (Kind::Missing, "Batch.process", bytes.len())
        );
    }
}

#[test]
fn fields_come_in_any_order_and_the_last_of_two_counts() {
    for protocol in PROTOCOLS {
        let known = tree::batch().bytes(protocol);
        let mut other = tree::batch();
        other.each_struct(&mut |fields| {
            let good = fields.clone();
            fields.reverse();
            fields.retain(|(_, field)| matches!(field, Tree::I64(_)));
            fields.iter_mut().for_each(|(_, field)| *field = Tree::I64(-77));
            fields.extend(good.into_iter().rev());
        });
        assert_eq!(
            Batch::decode(protocol, &other.bytes(protocol)).unwrap(),
            Batch::decode(protocol, &known).unwrap()
        );
    }
}

fn with_tag(tag: Tree) -> Tree {
    let mut batch = tree::batch();
    *batch.field(2).first().field(10) = structs(vec![tag]);
    batch
}

#[test]
fn a_tag_is_what_its_type_says() {
    let all = |v_type| {
        Tree::Struct(vec![
            (1, text("k")),
            (3, text("text")),
            (4, Tree::Double(2.5)),
            (5, Tree::Bool(true)),
            (6, Tree::I64(6)),
            (7, text("bytes")),
            // The type last: nothing may depend on the order.
            (2, Tree::I32(v_type)),
        ])
    };
    let values = [
        Value::from("text"),
        Value::Double(2.5),
        Value::Bool(true),
        Value::Long(6),
        Value::from(&b"bytes"[..]),
    ];
    let empty =
        [Value::from(""), Value::Double(0.0), Value::Bool(false), Value::Long(0), Value::from(&b""[..])];
    for protocol in PROTOCOLS {
        for v_type in 0..5 {
            let bytes = with_tag(all(v_type)).bytes(protocol);
            let batch = Batch::decode(protocol, &bytes).unwrap();
            assert_eq!(batch.spans[0].tags, [Tag::new("k", values[v_type as usize].clone())]);
            // The value of its type is missing, another's is there.
            let other = if v_type == 0 { (6, Tree::I64(1)) } else { (3, text("other")) };
            let missing = Tree::Struct(vec![(1, text("k")), (2, Tree::I32(v_type)), other]);
            let bytes = with_tag(missing).bytes(protocol);
            let batch = Batch::decode(protocol, &bytes).unwrap();
            assert_eq!(batch.spans[0].tags, [Tag::new("k", empty[v_type as usize].clone())]);
        }
    }
}

#[test]
fn unknown_values_of_enumerations_are_refused() {
    for protocol in PROTOCOLS {
        for value in [-1, 5, i32::MAX] {
            let batch = with_tag(tag("k", value, 3, text("v")));
            let error = batch_error(protocol, &batch.bytes(protocol));
            assert_eq!((error.kind(), error.reading()), (&Kind::UnknownValue(value), "Tag.vType"));

            let mut batch = tree::batch();
            *batch.field(2).first().field(6).first().field(1) = Tree::I32(value);
            let error = batch_error(protocol, &batch.bytes(protocol));
            assert_eq!((error.kind(), error.reading()), (&Kind::UnknownValue(value), "SpanRef.refType"));
        }
    }
}

#[test]
fn text_that_is_no_utf_8_becomes_bytes_or_is_repaired() {
    let bad = || Tree::Text(b"a\xffb".to_vec());
    for protocol in PROTOCOLS {
        let mut batch = with_tag(Tree::Struct(vec![(1, bad()), (2, Tree::I32(0)), (3, bad())]));
        *batch.field(1).field(1) = bad();
        *batch.field(2).first().field(5) = bad();
        let bytes = batch.bytes(protocol);
        let batch = Batch::decode(protocol, &bytes).unwrap();
        assert_eq!(batch.process.service_name, "a\u{fffd}b");
        let Span { operation_name, tags, .. } = &batch.spans[0];
        assert_eq!(operation_name, "a\u{fffd}b");
        assert_eq!(*tags, [Tag::new("a\u{fffd}b", Value::from(&b"a\xffb"[..]))]);
        // The same through the `thrift` crate.
        assert_eq!(Batch::read_from(&mut *reader(protocol, &bytes)).unwrap(), batch);
    }
}

#[test]
fn the_thrift_crates_way_refuses_the_same() {
    for protocol in PROTOCOLS {
        for (at, name, fields) in REQUIRED {
            for (id, field) in fields {
                let mut batch = tree::batch();
                at(&mut batch).fields().retain(|(it, _)| it != id);
                let bytes = batch.bytes(protocol);
                let error = Batch::read_from(&mut *reader(protocol, &bytes)).unwrap_err();
                let said = format!("required field {name}.{field} is missing");
                assert!(format!("{error:?}").contains(&said), "{error:?}");
            }
        }
        let mut numbers = tree::batch();
        *numbers.field(2) = Tree::List(TType::I64, vec![Tree::I64(1)]);
        let bytes = numbers.bytes(protocol);
        let error = Batch::read_from(&mut *reader(protocol, &bytes)).unwrap_err();
        assert!(format!("{error:?}").contains("a list of structs holds something else"), "{error:?}");
        let zipkin = Tree::Struct(vec![(1, tree::batch())]).call(protocol, "emitZipkinBatch");
        let error = Message::read_from(&mut *reader(protocol, &zipkin)).unwrap_err();
        assert!(format!("{error:?}").contains("emitZipkinBatch"), "{error}");
        let unknown = with_tag(text_tag_of_type(9)).bytes(protocol);
        let error = Batch::read_from(&mut *reader(protocol, &unknown)).unwrap_err();
        assert!(format!("{error:?}").contains("unknown value 9 of Tag.vType"), "{error}");
    }
}

fn text_tag_of_type(v_type: i32) -> Tree {
    let mut it = text_tag("k", "v");
    *it.field(2) = Tree::I32(v_type);
    it
}

/// Fields in any order, and of one that comes twice the last: also where spans are read as they come.
#[test]
fn process_and_spans_in_any_order_and_twice() {
    let batch = |service: &'static str, ids: &[u64]| {
        let span = |&span_id: &u64| Span { trace_id: 1, span_id, ..Span::default() };
        let spans: Vec<Span<'static>> = ids.iter().map(span).collect();
        Batch { process: Process::new(service), spans, ..Batch::default() }
    };
    for protocol in [Protocol::Compact, Protocol::Binary] {
        // The two fields of a batch, each as it stands behind the other one or in front of it.
        let fields = |service, ids: &[u64]| {
            let length = |batch: Batch<'static>| {
                let mut bytes = Vec::new();
                batch.encode_into(protocol, &mut bytes);
                bytes
            };
            let (whole, empty) = (length(batch(service, ids)), length(batch(service, &[])));
            // A list of nothing takes two bytes or eight, and the stop one.
            let at = empty.len() - if protocol == Protocol::Compact { 3 } else { 9 };
            (whole[..at].to_vec(), whole[at..whole.len() - 1].to_vec())
        };
        let read = |parts: &[&[u8]]| {
            let mut bytes = parts.concat();
            if protocol == Protocol::Compact {
                // Written with the whole id, in zigzag, instead of the difference to the field before.
                bytes.clear();
                for part in parts {
                    let id = if part[0] & 0x0f == 0x0c { 2 } else { 4 };
                    bytes.extend([part[0] & 0x0f, id]);
                    bytes.extend(&part[1..]);
                }
            }
            bytes.push(0);
            Batch::decode(protocol, &bytes).map(Batch::into_owned)
        };
        let ((shop, ones), (bank, twos)) = (fields("shop", &[1, 2]), fields("bank", &[3]));
        assert_eq!(read(&[&shop, &ones]).unwrap(), batch("shop", &[1, 2]));
        assert_eq!(read(&[&ones, &shop]).unwrap(), batch("shop", &[1, 2]));
        assert_eq!(read(&[&shop, &ones, &bank]).unwrap(), batch("bank", &[1, 2]));
        assert_eq!(read(&[&shop, &ones, &twos]).unwrap(), batch("shop", &[3]));
        assert_eq!(read(&[&shop, &ones, &bank, &twos]).unwrap(), batch("bank", &[3]));
        assert_eq!(read(&[&ones, &shop, &bank, &twos]).unwrap(), batch("bank", &[3]));
        assert_eq!(read(&[&shop, &bank, &ones]).unwrap(), batch("bank", &[1, 2]));
        assert!(read(&[&ones]).is_err() && read(&[&shop]).is_err());
        // A list that another takes the place of is a list of spans nevertheless, or the batch is none: two structs without a field.
        let mut empty = fields("shop", &[]).1;
        match protocol {
            Protocol::Compact => empty[1] |= 2 << 4,
            Protocol::Binary => empty[7] = 2,
        }
        empty.extend([0, 0]);
        for parts in [
            &[&empty, &shop, &ones][..],
            &[&shop, &empty, &ones],
            &[&shop, &ones, &empty, &twos],
            &[&empty, &ones, &shop],
        ] {
            let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
            assert!(read(&parts).is_err(), "{parts:?}");
        }
    }
}
