//! Input that is broken, or made to hurt: every case ends in an error that names what was read and where, and costs no more than its own length.

use crate::random;
use crate::tree::{self, Tree, structs, text};
use jaeger_thrift::{Batch, DecodeError, DecodeErrorKind as Kind, Message, Protocol};
use proptest::prelude::*;
use thrift::protocol::TType;

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Compact, Protocol::Binary];

/// The three captures.
fn captures() -> [(Protocol, &'static [u8]); 3] {
    [
        (Protocol::Compact, include_bytes!("../data/go.bin")),
        (Protocol::Compact, include_bytes!("../data/python.bin")),
        (Protocol::Binary, include_bytes!("../data/node.bin")),
    ]
}

fn error(protocol: Protocol, bytes: &[u8]) -> DecodeError {
    Message::decode(protocol, bytes).expect_err("this is no message")
}

pub(crate) fn batch_error(protocol: Protocol, bytes: &[u8]) -> DecodeError {
    Batch::decode(protocol, bytes).expect_err("this is no batch")
}

/// What an error says: kind, subject, offset.
fn parts(error: &DecodeError) -> (Kind, &'static str, usize) {
    (error.kind().clone(), error.reading(), error.offset())
}

#[test]
fn a_message_cut_at_any_byte_is_an_error_within_it() {
    for (protocol, capture) in captures() {
        for end in 0..capture.len() {
            let error = error(protocol, &capture[..end]);
            assert!(error.offset() <= end, "{error} of {end} bytes");
        }
    }
}

proptest! {
    #[test]
    fn a_random_batch_cut_at_any_byte_is_an_error(
        protocol in random::protocol(), batch in random::batch(), at in any::<prop::sample::Index>()
    ) {
        let mut bytes = Vec::new();
        batch.encode_into(protocol, &mut bytes);
        let end = at.index(bytes.len());
        prop_assert!(batch_error(protocol, &bytes[..end]).offset() <= end);
    }

    /// Flips a few bytes of what was good: an answer or an error, and what is read can be written and read again.
    #[test]
    fn damage_is_survived(
        protocol in random::protocol(),
        message in random::message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = Vec::new();
        message.encode_into(protocol, &mut bytes);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match Message::decode(protocol, &bytes) {
            Err(error) => prop_assert!(error.offset() <= bytes.len()),
            Ok(read) => {
                let mut again = Vec::new();
                read.encode_into(protocol, &mut again);
                let twice = Message::decode(protocol, &again).unwrap();
                prop_assert_eq!(random::exact(twice), random::exact(read));
            }
        }
    }

    #[test]
    fn noise_is_survived(protocol in random::protocol(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Message::decode(protocol, &bytes);
        let _ = Batch::decode(protocol, &bytes);
    }
}

// ------------------------------------------------------------------------------------------------- lengths and counts

/// 2^31 - 1 spans in 26 bytes.
#[test]
fn a_count_must_fit_into_what_is_left() {
    let compact = b"\x82\x81\x01\x09emitBatch\x1c\x1c\x18\x01x\x00\x19\xfc\xff\xff\xff\xff\x07";
    let declared = i32::MAX as usize;
    assert_eq!(
        parts(&error(Protocol::Compact, compact)),
        (Kind::Count { declared, left: 0 }, "Batch.spans", 20)
    );

    let mut binary = Tree::Struct(vec![(1, Tree::Struct(vec![(1, text("x"))]))]).bytes(Protocol::Binary);
    binary.pop();
    let at = binary.len() + 3;
    binary.extend(b"\x0f\x00\x02\x0c\x7f\xff\xff\xff");
    assert_eq!(
        parts(&batch_error(Protocol::Binary, &binary)),
        (Kind::Count { declared, left: 0 }, "Batch.spans", at)
    );
}

/// The least that a tag takes is 5 bytes compact and 15 binary: one more than fits is refused before anything is allocated for it.
#[test]
fn a_count_is_measured_by_the_least_size_of_an_element() {
    for (protocol, least) in [(Protocol::Compact, 5), (Protocol::Binary, 15)] {
        let tags: Vec<Tree> = (0..40).map(|_| Tree::Struct(vec![(1, text("")), (2, Tree::I32(0))])).collect();
        let good = Tree::Struct(vec![
            (1, Tree::Struct(vec![(1, text("x")), (2, structs(tags))])),
            (2, structs(vec![])),
        ]);
        let bytes = good.bytes(protocol);
        assert_eq!(Batch::decode(protocol, &bytes).unwrap().process.tags.len(), 40);
        // Behind the tags: the process's stop, an empty list of spans, the batch's stop.
        let behind = match protocol {
            Protocol::Compact => 1 + 2 + 1,
            Protocol::Binary => 1 + 8 + 1,
        };
        let first = bytes.len() - behind - 40 * least;
        let left = bytes.len() - first;
        let most = left / least;
        for count in [most, most + 1] {
            let mut bytes = bytes.clone();
            // The last byte of the header, in either encoding.
            bytes[first - 1] = count as u8;
            let refused = Batch::decode(protocol, &bytes)
                .is_err_and(|error| *error.kind() == Kind::Count { declared: count, left });
            assert_eq!(refused, count > most);
        }
    }
}

#[test]
fn a_length_must_fit_into_what_is_left() {
    // A service name of 127 bytes, of 2^32 - 1, and binary ones of 2^31 - 1 and of -1.
    let compact = |length: &[u8]| [b"\x1c\x18", length, b"abc"].concat();
    let binary = |length: &[u8]| [b"\x0c\x00\x01\x0b\x00\x01", length, b"abc"].concat();
    let long = |declared| (Kind::Length { declared, left: 3 }, "Process.serviceName");
    let cases = [
        (Protocol::Compact, compact(b"\x7f"), long(127), 2),
        (Protocol::Compact, compact(b"\xff\xff\xff\xff\x0f"), long(u32::MAX as usize), 2),
        (Protocol::Binary, binary(b"\x7f\xff\xff\xff"), long(i32::MAX as usize), 6),
        (Protocol::Binary, binary(b"\xff\xff\xff\xff"), (Kind::Negative(-1), "Process.serviceName"), 6),
    ];
    for (protocol, bytes, (kind, reading), offset) in cases {
        assert_eq!(parts(&batch_error(protocol, &bytes)), (kind, reading, offset));
    }
}

#[test]
fn a_negative_count_is_refused() {
    let mut bytes = Tree::Struct(vec![(1, Tree::Struct(vec![(1, text("x"))]))]).bytes(Protocol::Binary);
    bytes.pop();
    let at = bytes.len() + 4;
    bytes.extend(b"\x0f\x00\x02\x0c\x80\x00\x00\x00");
    assert_eq!(parts(&batch_error(Protocol::Binary, &bytes)), (Kind::Negative(i32::MIN), "Batch.spans", at));
}

#[test]
fn a_skipped_container_must_fit_too() {
    let huge = [
        (Protocol::Compact, &b"\x59\xf6\xff\xff\xff\xff\x07"[..], 1), // list<i64>
        (Protocol::Compact, b"\x5a\xf3\xff\xff\xff\xff\x07", 1),      // set<i8>
        (Protocol::Compact, b"\x5b\xff\xff\xff\xff\x07\x88", 1),      // map<string, string>
        (Protocol::Compact, b"\x59\xf7\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1), // list<double>, 2 in 15 bytes
        (Protocol::Binary, b"\x0f\x00\x09\x0a\x7f\xff\xff\xff", 3),
        (Protocol::Binary, b"\x0e\x00\x09\x02\x7f\xff\xff\xff", 3),
        (Protocol::Binary, b"\x0d\x00\x09\x0b\x0b\x7f\xff\xff\xff", 3),
        (Protocol::Binary, b"\x0f\x00\x09\x08\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0", 3), // list<i32>, 3 in 11 bytes
    ];
    for (protocol, bytes, offset) in huge {
        let error = batch_error(protocol, bytes);
        assert!(matches!(error.kind(), Kind::Count { .. }), "{error}");
        assert_eq!((error.reading(), error.offset()), ("Batch", offset));
    }
}

// ------------------------------------------------------------------------------------------------------------ varints

#[test]
fn endless_and_overlong_varints_are_refused() {
    // Field 3 of a batch, its number.
    let seq_no = |varint: &[u8]| [b"\x36", varint].concat();
    let cases: [(&[u8], Kind); 8] = [
        (&[0xff; 200], Kind::VarintTooLarge),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], Kind::VarintTooLarge),
        (&[0x80; 200], Kind::VarintTooLarge),
        (&[0x80, 0x00], Kind::VarintOverlong),
        (&[0xff, 0x80, 0x00], Kind::VarintOverlong),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00], Kind::VarintOverlong),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00], Kind::VarintOverlong),
        (&[0xff; 5], Kind::Truncated),
    ];
    for (varint, kind) in cases {
        let bytes = seq_no(varint);
        if kind == Kind::Truncated {
            assert_eq!(parts(&batch_error(Protocol::Compact, &bytes)), (kind, "Batch.seqNo", bytes.len()));
            continue;
        }
        // At the end of the input, and where there is more to look at.
        for behind in [0, 20] {
            let bytes = [&bytes[..], &vec![0; behind]].concat();
            assert_eq!(parts(&batch_error(Protocol::Compact, &bytes)), (kind.clone(), "Batch.seqNo", 1));
        }
    }
    // The largest that there is.
    let largest = seq_no(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0]);
    assert_eq!(parts(&batch_error(Protocol::Compact, &largest)).0, Kind::Missing);
}

#[test]
fn a_32_bit_varint_has_32_bits() {
    // A tag's type: field 2 behind a key, in a process's tags.
    let tag = |varint: &[u8], behind: &[u8]| [b"\x1c\x18\x01x\x19\x1c\x18\x00\x15", varint, behind].concat();
    let kind = |varint: &[u8]| {
        let [short, long] = [&[0; 1][..], &[0; 20]]
            .map(|behind| batch_error(Protocol::Compact, &tag(varint, behind)).kind().clone());
        assert_eq!(short, long);
        short
    };
    assert_eq!(kind(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Kind::UnknownValue(i32::MIN));
    assert_eq!(kind(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Kind::VarintTooLarge);
    assert_eq!(kind(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Kind::VarintTooLarge);
}

#[test]
fn a_field_id_has_16_bits() {
    // The long form of a field header: type i8, then the id.
    let id = |varint: &[u8]| [b"\x03", varint, b"\x00\x13\x00\x00"].concat();
    // 32767, then one more by a difference of 1.
    assert_eq!(parts(&batch_error(Protocol::Compact, &id(&[0xfe, 0xff, 0x03]))), (Kind::FieldId, "Batch", 5));
    assert_eq!(parts(&batch_error(Protocol::Compact, &id(&[0x80, 0x80, 0x04]))), (Kind::FieldId, "Batch", 1));
}

// -------------------------------------------------------------------------------------------------- nesting and types

/// A batch with an unknown field that goes `depth` deep; the batch itself is 1.
fn nested(depth: usize, wrap: fn(Tree) -> Tree) -> Tree {
    let mut batch = tree::batch();
    // What is wrapped is a container too.
    let inner = (2..depth).fold(Tree::Struct(vec![]), |inner, _| wrap(inner));
    batch.fields().push((30, inner));
    batch
}

#[test]
fn nesting_ends_at_64() {
    let wraps: [fn(Tree) -> Tree; 4] = [
        |inner| Tree::Struct(vec![(1, inner)]),
        |inner| Tree::List(kind(&inner), vec![inner]),
        |inner| Tree::Set(kind(&inner), vec![inner]),
        |inner| Tree::Map(TType::I08, kind(&inner), vec![(Tree::I8(1), inner)]),
    ];
    fn kind(tree: &Tree) -> TType {
        match tree {
            Tree::Struct(_) => TType::Struct,
            Tree::List(..) => TType::List,
            Tree::Set(..) => TType::Set,
            _ => TType::Map,
        }
    }
    for protocol in PROTOCOLS {
        for wrap in wraps {
            let deepest = nested(64, wrap).bytes(protocol);
            assert!(Batch::decode(protocol, &deepest).is_ok());
            let deeper = batch_error(protocol, &nested(65, wrap).bytes(protocol));
            assert_eq!((deeper.kind(), deeper.reading()), (&Kind::TooDeep, "Batch"));
            // In a message the arguments are one level more.
            let arguments = |depth| Tree::Struct(vec![(1, nested(depth, wrap))]).call(protocol, "emitBatch");
            assert!(Message::decode(protocol, &arguments(63)).is_ok());
            assert_eq!(*error(protocol, &arguments(64)).kind(), Kind::TooDeep);
        }
    }
}

/// A datagram of nothing but nesting must not cost stack.
#[test]
fn a_datagram_of_opening_brackets_is_refused() {
    for (protocol, bracket) in [(Protocol::Compact, &b"\xfc"[..]), (Protocol::Binary, b"\x0c\x00\x21")] {
        assert_eq!(*batch_error(protocol, &bracket.repeat(20_000)).kind(), Kind::TooDeep);
    }
}

#[test]
fn unknown_types_are_refused() {
    for number in [0x0e, 0x0f] {
        let bytes = [0x10 | number, 0, 0, 0];
        assert_eq!(parts(&batch_error(Protocol::Compact, &bytes)), (Kind::UnknownType(number), "Batch", 0));
    }
    // A difference with the type of an end.
    assert_eq!(*batch_error(Protocol::Compact, &[0x10, 0]).kind(), Kind::UnknownType(0));
    for number in [1, 5, 7, 9, 17, 0x80, 0xff] {
        let bytes = [number, 0, 1, 0, 0];
        assert_eq!(parts(&batch_error(Protocol::Binary, &bytes)), (Kind::UnknownType(number), "Batch", 0));
    }
    // Elements of an unknown type, in a list that is skipped.
    assert_eq!(*batch_error(Protocol::Compact, b"\x59\x1e\x00\x00").kind(), Kind::UnknownType(14));
    assert_eq!(*batch_error(Protocol::Compact, b"\x5b\x01\x8e\x00\x00").kind(), Kind::UnknownType(14));
    assert_eq!(*batch_error(Protocol::Binary, b"\x0f\x00\x09\x01\0\0\0\x01\0").kind(), Kind::UnknownType(1));
}

#[test]
fn a_list_of_something_else_is_refused() {
    for protocol in PROTOCOLS {
        let mut batch = tree::batch();
        *batch.field(2) = Tree::List(TType::I64, vec![Tree::I64(1)]);
        let error = batch_error(protocol, &batch.bytes(protocol));
        assert_eq!((error.kind(), error.reading()), (&Kind::NotStructs, "Batch.spans"));
        // An empty one has no elements that could be wrong.
        *batch.field(2) = Tree::List(TType::I64, vec![]);
        assert_eq!(Batch::decode(protocol, &batch.bytes(protocol)).unwrap().spans, vec![]);
    }
}

// ------------------------------------------------------------------------------------------------------------ headers

#[test]
fn other_headers_are_refused() {
    let good = Tree::Struct(vec![(1, tree::batch())]);
    let compact = good.call(Protocol::Compact, "emitBatch");
    let binary = good.call(Protocol::Binary, "emitBatch");
    let with = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        bytes
    };
    let header = |protocol, bytes: Vec<u8>| parts(&error(protocol, &bytes));
    const HEADER: &str = "message header";
    // Each other's.
    assert_eq!(header(Protocol::Compact, binary.clone()), (Kind::NotThisProtocol(0x80), HEADER, 0));
    assert_eq!(header(Protocol::Binary, compact.clone()), (Kind::Version(0x281), HEADER, 0));
    // Other versions.
    assert_eq!(header(Protocol::Compact, with(&compact, 1, 0x82)), (Kind::Version(2), HEADER, 1));
    assert_eq!(header(Protocol::Binary, with(&binary, 1, 2)), (Kind::Version(2), HEADER, 0));
    // Other message types.
    for (number, byte) in [(0, 0x01), (5, 0xa1), (7, 0xe1)] {
        assert_eq!(
            header(Protocol::Compact, with(&compact, 1, byte)),
            (Kind::MessageType(number), HEADER, 0)
        );
        assert_eq!(
            header(Protocol::Binary, with(&binary, 3, number)),
            (Kind::MessageType(number), HEADER, 0)
        );
    }
    // The other method of the agent, and a name that would fill a log.
    for protocol in PROTOCOLS {
        let zipkin = good.call(protocol, "emitZipkinBatch");
        assert_eq!(header(protocol, zipkin), (Kind::UnknownMethod("emitZipkinBatch".into()), HEADER, 0));
        let endless = good.call(protocol, &"x".repeat(10_000));
        assert_eq!(header(protocol, endless), (Kind::UnknownMethod("x".repeat(64)), HEADER, 0));
    }
    assert_eq!(header(Protocol::Compact, vec![]), (Kind::Truncated, HEADER, 0));
    assert_eq!(header(Protocol::Binary, vec![]), (Kind::Truncated, HEADER, 0));
}

#[test]
fn the_argument_is_required() {
    for protocol in PROTOCOLS {
        let error = error(protocol, &Tree::Struct(vec![]).call(protocol, "emitBatch"));
        assert_eq!((error.kind(), error.reading()), (&Kind::Missing, "emitBatch.batch"));
    }
}
