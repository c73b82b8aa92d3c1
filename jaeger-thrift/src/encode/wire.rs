//! The two encodings' primitives: fields of each type, list headers, message headers.
//!
//! A field is written with its id and the id of the field before it in the same struct, since the compact encoding writes the difference. All ids of
//! Jaeger's structs rise and differ by less than 15, so the compact header is always one byte. Callers ask for the room; `FIELD` is what a field without
//! its text takes at most, in either encoding.

use super::out::Slot;
use crate::protocol::{METHOD, MessageType};

/// A field's header and its number, or its length, at most: 1 + 10 bytes in the compact encoding, 3 + 8 in the binary one.
pub(crate) const FIELD: usize = 11;

/// Thrift's lengths are signed 32-bit numbers. Longer text is cut there, which no datagram can hold anyway.
const LONGEST: usize = i32::MAX as usize;

/// The id of a field, and of the one before it (0 for none).
#[derive(Clone, Copy)]
pub(crate) struct Id {
    pub(crate) last: u8,
    pub(crate) id: u8,
}

/// Shorthand for [`Id`].
#[inline(always)]
pub(crate) const fn id(last: u8, id: u8) -> Id {
    Id { last, id }
}

/// What ends a struct, in both encodings.
#[inline(always)]
pub(crate) fn stop(s: &mut Slot<'_>) {
    s.put([0]);
}

/// An encoding.
pub(crate) trait Wire {
    /// A 32-bit integer.
    fn i32(s: &mut Slot<'_>, id: Id, v: i32);
    /// A 64-bit integer.
    fn i64(s: &mut Slot<'_>, id: Id, v: i64);
    /// A float.
    fn double(s: &mut Slot<'_>, id: Id, v: f64);
    /// A bool.
    fn bool(s: &mut Slot<'_>, id: Id, v: bool);
    /// Text or bytes; needs room for `v.len()` more.
    fn bytes(s: &mut Slot<'_>, id: Id, v: &[u8]);
    /// The header of a field that is a struct.
    fn structure(s: &mut Slot<'_>, id: Id);
    /// The header of a field that is a list of `n` structs.
    fn list(s: &mut Slot<'_>, id: Id, n: usize);
    /// What stands before the arguments of a call; takes up to 32 bytes.
    fn message(s: &mut Slot<'_>, message_type: MessageType, sequence_id: i32);
}

/// The compact encoding.
pub(crate) struct Compact;

/// The binary encoding with the version in the header.
pub(crate) struct Binary;

const COMPACT_I32: u8 = 5;
const COMPACT_I64: u8 = 6;
const COMPACT_DOUBLE: u8 = 7;
const COMPACT_BINARY: u8 = 8;
const COMPACT_LIST: u8 = 9;
const COMPACT_STRUCT: u8 = 12;

#[inline(always)]
fn header(s: &mut Slot<'_>, id: Id, kind: u8) {
    s.put([((id.id - id.last) << 4) | kind]);
}

/// Spreads the low 56 bits over 8 bytes, 7 to a byte.
#[inline(always)]
fn spread(v: u64) -> u64 {
    let v = (v & 0x0000_0000_0fff_ffff) | ((v & 0x00ff_ffff_f000_0000) << 4);
    let v = (v & 0x0000_3fff_0000_3fff) | ((v & 0x0fff_c000_0fff_c000) << 2);
    (v & 0x007f_007f_007f_007f) | ((v & 0x3f80_3f80_3f80_3f80) << 1)
}

/// Every byte's "another follows" bit.
const MORE: u64 = 0x8080_8080_8080_8080;

/// A variable-length integer. Without a loop: its length is known from the leading zeros.
#[inline(always)]
fn varint(s: &mut Slot<'_>, v: u64) {
    if v < 0x80 {
        s.put([v as u8]);
    } else if v >> 56 == 0 {
        let bits = 64 - v.leading_zeros() as usize;
        // ceil(bits / 7) for 1..=56 bits.
        let len = (bits * 9 + 64) >> 6;
        let more = MORE & ((1 << (8 * (len - 1))) - 1);
        s.store((spread(v) | more).to_le_bytes(), len);
    } else {
        // The ninth byte holds bits 56 to 62, the tenth bit 63.
        let long = v >> 63;
        s.put((spread(v) | MORE).to_le_bytes());
        s.store([(v >> 56) as u8 & 0x7f | (long as u8) << 7, long as u8], 1 + long as usize);
    }
}

#[inline(always)]
fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

impl Wire for Compact {
    #[inline(always)]
    fn i32(s: &mut Slot<'_>, id: Id, v: i32) {
        header(s, id, COMPACT_I32);
        varint(s, zigzag(i64::from(v)));
    }
    #[inline(always)]
    fn i64(s: &mut Slot<'_>, id: Id, v: i64) {
        header(s, id, COMPACT_I64);
        varint(s, zigzag(v));
    }
    #[inline(always)]
    fn double(s: &mut Slot<'_>, id: Id, v: f64) {
        header(s, id, COMPACT_DOUBLE);
        s.put(v.to_bits().to_le_bytes());
    }
    #[inline(always)]
    fn bool(s: &mut Slot<'_>, id: Id, v: bool) {
        header(s, id, if v { 1 } else { 2 });
    }
    #[inline(always)]
    fn bytes(s: &mut Slot<'_>, id: Id, v: &[u8]) {
        let v = &v[..v.len().min(LONGEST)];
        header(s, id, COMPACT_BINARY);
        varint(s, v.len() as u64);
        s.slice(v);
    }
    #[inline(always)]
    fn structure(s: &mut Slot<'_>, id: Id) {
        header(s, id, COMPACT_STRUCT);
    }
    #[inline(always)]
    fn list(s: &mut Slot<'_>, id: Id, n: usize) {
        header(s, id, COMPACT_LIST);
        if n < 15 {
            s.put([(n as u8) << 4 | COMPACT_STRUCT]);
        } else {
            s.put([0xf0 | COMPACT_STRUCT]);
            varint(s, n as u64);
        }
    }
    fn message(s: &mut Slot<'_>, message_type: MessageType, sequence_id: i32) {
        s.put([0x82, (message_type as u8) << 5 | 1]);
        varint(s, u64::from(sequence_id as u32));
        varint(s, METHOD.len() as u64);
        s.slice(METHOD.as_bytes());
    }
}

const BINARY_BOOL: u8 = 2;
const BINARY_DOUBLE: u8 = 4;
const BINARY_I32: u8 = 8;
const BINARY_I64: u8 = 10;
const BINARY_STRING: u8 = 11;
const BINARY_STRUCT: u8 = 12;
const BINARY_LIST: u8 = 15;

/// Type and id, then 4 bytes.
#[inline(always)]
fn field4(s: &mut Slot<'_>, kind: u8, id: Id, v: [u8; 4]) {
    s.put([kind, 0, id.id, v[0], v[1], v[2], v[3]]);
}

/// Type and id, then 8 bytes.
#[inline(always)]
fn field8(s: &mut Slot<'_>, kind: u8, id: Id, v: [u8; 8]) {
    s.put([kind, 0, id.id, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]]);
}

impl Wire for Binary {
    #[inline(always)]
    fn i32(s: &mut Slot<'_>, id: Id, v: i32) {
        field4(s, BINARY_I32, id, v.to_be_bytes());
    }
    #[inline(always)]
    fn i64(s: &mut Slot<'_>, id: Id, v: i64) {
        field8(s, BINARY_I64, id, v.to_be_bytes());
    }
    #[inline(always)]
    fn double(s: &mut Slot<'_>, id: Id, v: f64) {
        field8(s, BINARY_DOUBLE, id, v.to_bits().to_be_bytes());
    }
    #[inline(always)]
    fn bool(s: &mut Slot<'_>, id: Id, v: bool) {
        s.put([BINARY_BOOL, 0, id.id, u8::from(v)]);
    }
    #[inline(always)]
    fn bytes(s: &mut Slot<'_>, id: Id, v: &[u8]) {
        let v = &v[..v.len().min(LONGEST)];
        field4(s, BINARY_STRING, id, (v.len() as u32).to_be_bytes());
        s.slice(v);
    }
    #[inline(always)]
    fn structure(s: &mut Slot<'_>, id: Id) {
        s.put([BINARY_STRUCT, 0, id.id]);
    }
    #[inline(always)]
    fn list(s: &mut Slot<'_>, id: Id, n: usize) {
        s.put([BINARY_LIST, 0, id.id, BINARY_STRUCT]);
        s.put((n as u32).to_be_bytes());
    }
    fn message(s: &mut Slot<'_>, message_type: MessageType, sequence_id: i32) {
        s.put([0x80, 1, 0, message_type as u8]);
        s.put((METHOD.len() as u32).to_be_bytes());
        s.slice(METHOD.as_bytes());
        s.put(sequence_id.to_be_bytes());
    }
}
