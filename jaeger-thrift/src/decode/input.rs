//! The bytes being read, by either encoding, and how to skip what is unknown.
//!
//! Nothing declared by the input is believed before it is compared with what is left of the input: a length must lie within, a count of elements must fit
//! at the least size of an element. Nesting ends at [`DEEPEST`], so the recursion does. Every step that does not fail consumes bytes.

use super::error::{DecodeError, DecodeErrorKind};

/// How deep structs and containers may lie within each other, the arguments of the call included.
pub(crate) const DEEPEST: u8 = 64;

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// Input, and how far it is read.
#[derive(Clone)]
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u8,
}

/// The type of a field or an element, in either encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bool that the field's header tells: compact only.
    Known(bool),
    /// A bool in a byte.
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    /// Text or bytes.
    Binary,
    Struct,
    Map,
    Set,
    List,
    Uuid,
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Input { bytes, at: 0, depth: 0 }
    }

    /// How many bytes are read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Goes on where `rest`, the end of what was left, begins.
    pub(super) fn go_on_at(&mut self, rest: &'a [u8]) {
        self.at = self.bytes.len() - rest.len();
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The bytes from `start` to here.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// A fault at `offset`.
    #[cold]
    pub(crate) fn fault(offset: usize, reading: &'static str, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(offset, reading, kind)
    }

    /// A fault here.
    #[cold]
    pub(crate) fn fault_here(&self, reading: &'static str, kind: DecodeErrorKind) -> DecodeError {
        Self::fault(self.at, reading, kind)
    }

    #[cold]
    fn truncated(&self, reading: &'static str) -> DecodeError {
        Self::fault(self.bytes.len(), reading, DecodeErrorKind::Truncated)
    }

    #[inline]
    fn array<const N: usize>(&mut self, reading: &'static str) -> Result<[u8; N]> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(reading)),
        }
    }

    #[inline]
    fn byte(&mut self, reading: &'static str) -> Result<u8> {
        self.array::<1>(reading).map(|[byte]| byte)
    }

    /// The next `declared` bytes; their length stood at `offset`.
    fn slice(&mut self, declared: usize, offset: usize, reading: &'static str) -> Result<&'a [u8]> {
        match self.bytes[self.at..].get(..declared) {
            Some(bytes) => {
                self.at += declared;
                Ok(bytes)
            }
            None => {
                Err(Self::fault(offset, reading, DecodeErrorKind::Length { declared, left: self.left() }))
            }
        }
    }

    /// Goes into a struct or a container.
    pub(crate) fn enter(&mut self, reading: &'static str) -> Result<()> {
        if self.depth == DEEPEST {
            return Err(self.fault_here(reading, DecodeErrorKind::TooDeep));
        }
        self.depth += 1;
        Ok(())
    }

    /// Comes out again.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// A variable-length integer of at most `bits` bits.
    #[inline]
    fn varint(&mut self, bits: u32, reading: &'static str) -> Result<u64> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(bits, reading),
        }
    }

    /// The same of more than a byte: without a loop where 8 bytes are left to look at, as ids and times have 8 to 10.
    fn long_varint(&mut self, bits: u32, reading: &'static str) -> Result<u64> {
        let start = self.at;
        let Some(&first) = self.bytes[start..].first_chunk::<8>() else {
            return self.last_varint(bits, reading);
        };
        let word = u64::from_le_bytes(first);
        // The "another follows" bits that are not set; the lowest ends the integer.
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            // 56 bits, and the ninth and tenth byte.
            let value = gather(word & !0x8080_8080_8080_8080);
            return match self.bytes[start + 8..] {
                [ninth @ 1..0x80, ..] if bits == 64 => {
                    self.at += 9;
                    Ok(value | u64::from(ninth) << 56)
                }
                [ninth @ 0x80..=0xff, 1, ..] if bits == 64 => {
                    self.at += 10;
                    Ok(value | u64::from(ninth & 0x7f) << 56 | 1 << 63)
                }
                // All that is wrong is said in one place.
                _ => self.last_varint(bits, reading),
            };
        }
        let end = ends.trailing_zeros();
        let word = word & (u64::MAX >> (63 - end));
        let value = gather(word & !0x8080_8080_8080_8080);
        if bits < 64 && value >> bits != 0 {
            return Err(Self::fault(start, reading, DecodeErrorKind::VarintTooLarge));
        }
        if word >> (end - 7) == 0 {
            return Err(Self::fault(start, reading, DecodeErrorKind::VarintOverlong));
        }
        self.at += end as usize / 8 + 1;
        Ok(value)
    }

    /// The same byte by byte.
    fn last_varint(&mut self, bits: u32, reading: &'static str) -> Result<u64> {
        let start = self.at;
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte(reading)?;
            let part = u64::from(byte & 0x7f);
            // Of the last byte that can be, only the bits that the type still has.
            if shift >= bits || (bits - shift < 7 && part >> (bits - shift) != 0) {
                return Err(Self::fault(start, reading, DecodeErrorKind::VarintTooLarge));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(Self::fault(start, reading, DecodeErrorKind::VarintOverlong));
                }
                return Ok(value);
            }
            shift += 7;
        }
    }

    fn zigzag(&mut self, bits: u32, reading: &'static str) -> Result<i64> {
        let value = self.varint(bits, reading)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A signed 32-bit length or count.
    fn size(&mut self, reading: &'static str) -> Result<usize> {
        let start = self.at;
        let size = i32::from_be_bytes(self.array(reading)?);
        usize::try_from(size).map_err(|_| Self::fault(start, reading, DecodeErrorKind::Negative(size)))
    }

    /// The header of an unversioned binary message is the length of its name; the first bit of a version is set.
    pub(crate) fn is_versioned(&self) -> bool {
        self.bytes.get(self.at).is_some_and(|byte| byte & 0x80 != 0)
    }
}

/// Puts 8 times 7 bits, a byte each, together.
#[inline]
pub(super) fn gather(v: u64) -> u64 {
    let v = (v & 0x007f_007f_007f_007f) | ((v & 0x7f00_7f00_7f00_7f00) >> 1);
    let v = (v & 0x0000_3fff_0000_3fff) | ((v & 0x3fff_0000_3fff_0000) >> 2);
    (v & 0x0fff_ffff) | ((v & 0x0fff_ffff_0000_0000) >> 4)
}

/// An encoding, reading.
pub(crate) trait Read {
    /// Type and sequence id from the header of a message, and the bytes of the method's name.
    fn message<'a>(input: &mut Input<'a>) -> Result<(u8, i32, &'a [u8])>;
    /// The header of a field: its id and type, `None` for the end of the struct. `last` is the id of the field before.
    fn field(input: &mut Input<'_>, last: &mut i16, reading: &'static str) -> Result<Option<(i16, Kind)>>;
    /// The header of a list or a set: the elements' type and their count.
    fn list(input: &mut Input<'_>, reading: &'static str) -> Result<(u8, usize)>;
    /// The header of a map: types of keys and values, and the count.
    fn map(input: &mut Input<'_>, reading: &'static str) -> Result<(u8, u8, usize)>;
    /// What a number in a header of a container stands for.
    fn element(number: u8) -> Option<Kind>;
    /// The least that an element of this type takes, in bytes; never 0.
    fn least(kind: Kind) -> usize;
    fn i16(input: &mut Input<'_>, reading: &'static str) -> Result<i16>;
    fn i32(input: &mut Input<'_>, reading: &'static str) -> Result<i32>;
    fn i64(input: &mut Input<'_>, reading: &'static str) -> Result<i64>;
    fn double(input: &mut Input<'_>, reading: &'static str) -> Result<f64>;
    fn bytes<'a>(input: &mut Input<'a>, reading: &'static str) -> Result<&'a [u8]>;

    /// A bool, which the field's header may have told.
    fn bool(input: &mut Input<'_>, kind: Kind, reading: &'static str) -> Result<bool> {
        match kind {
            Kind::Known(value) => Ok(value),
            _ => Ok(input.byte(reading)? == 1),
        }
    }
}

pub(crate) struct Compact;
pub(crate) struct Binary;

/// The first byte of a compact message.
const COMPACT_ID: u8 = 0x82;

impl Read for Compact {
    fn message<'a>(input: &mut Input<'a>) -> Result<(u8, i32, &'a [u8])> {
        const READING: &str = "message header";
        let start = input.at;
        let id = input.byte(READING)?;
        if id != COMPACT_ID {
            return Err(Input::fault(start, READING, DecodeErrorKind::NotThisProtocol(id)));
        }
        let byte = input.byte(READING)?;
        if byte & 0x1f != 1 {
            return Err(Input::fault(start + 1, READING, DecodeErrorKind::Version(u16::from(byte & 0x1f))));
        }
        let sequence_id = input.varint(32, READING)? as i32;
        Ok((byte >> 5, sequence_id, Self::bytes(input, READING)?))
    }

    #[inline]
    fn field(input: &mut Input<'_>, last: &mut i16, reading: &'static str) -> Result<Option<(i16, Kind)>> {
        let start = input.at;
        let byte = input.byte(reading)?;
        if byte == 0 {
            return Ok(None);
        }
        let kind = match byte & 0x0f {
            1 => Kind::Known(true),
            2 => Kind::Known(false),
            number => Self::element(number)
                .ok_or_else(|| Input::fault(start, reading, DecodeErrorKind::UnknownType(number)))?,
        };
        *last = match i16::from(byte >> 4) {
            0 => Self::i16(input, reading)?,
            delta => last
                .checked_add(delta)
                .ok_or_else(|| Input::fault(start, reading, DecodeErrorKind::FieldId))?,
        };
        Ok(Some((*last, kind)))
    }

    fn list(input: &mut Input<'_>, reading: &'static str) -> Result<(u8, usize)> {
        let byte = input.byte(reading)?;
        let count = match byte >> 4 {
            15 => input.varint(32, reading)? as usize,
            count => usize::from(count),
        };
        Ok((byte & 0x0f, count))
    }

    fn map(input: &mut Input<'_>, reading: &'static str) -> Result<(u8, u8, usize)> {
        let count = input.varint(32, reading)? as usize;
        // An empty map has no types.
        let types = if count == 0 { 0 } else { input.byte(reading)? };
        Ok((types >> 4, types & 0x0f, count))
    }

    fn element(number: u8) -> Option<Kind> {
        Some(match number {
            1 | 2 => Kind::Bool,
            3 => Kind::I8,
            4 => Kind::I16,
            5 => Kind::I32,
            6 => Kind::I64,
            7 => Kind::Double,
            8 => Kind::Binary,
            9 => Kind::List,
            10 => Kind::Set,
            11 => Kind::Map,
            12 => Kind::Struct,
            13 => Kind::Uuid,
            _ => return None,
        })
    }

    fn least(kind: Kind) -> usize {
        match kind {
            Kind::Double => 8,
            Kind::Uuid => 16,
            _ => 1,
        }
    }

    fn i16(input: &mut Input<'_>, reading: &'static str) -> Result<i16> {
        let start = input.at;
        let value = input.zigzag(32, reading)?;
        i16::try_from(value).map_err(|_| Input::fault(start, reading, DecodeErrorKind::FieldId))
    }

    fn i32(input: &mut Input<'_>, reading: &'static str) -> Result<i32> {
        Ok(input.zigzag(32, reading)? as i32)
    }

    fn i64(input: &mut Input<'_>, reading: &'static str) -> Result<i64> {
        input.zigzag(64, reading)
    }

    fn double(input: &mut Input<'_>, reading: &'static str) -> Result<f64> {
        input.array(reading).map(f64::from_le_bytes)
    }

    fn bytes<'a>(input: &mut Input<'a>, reading: &'static str) -> Result<&'a [u8]> {
        let start = input.at;
        let length = input.varint(32, reading)? as usize;
        input.slice(length, start, reading)
    }
}

impl Read for Binary {
    fn message<'a>(input: &mut Input<'a>) -> Result<(u8, i32, &'a [u8])> {
        const READING: &str = "message header";
        if !input.is_versioned() {
            let name = Self::bytes(input, READING)?;
            let message_type = input.byte(READING)?;
            return Ok((message_type, Self::i32(input, READING)?, name));
        }
        let start = input.at;
        let [first, second, _, message_type] = input.array(READING)?;
        if [first, second] != [0x80, 1] {
            let version = u16::from_be_bytes([first & 0x7f, second]);
            return Err(Input::fault(start, READING, DecodeErrorKind::Version(version)));
        }
        let name = Self::bytes(input, READING)?;
        Ok((message_type, Self::i32(input, READING)?, name))
    }

    #[inline]
    fn field(input: &mut Input<'_>, last: &mut i16, reading: &'static str) -> Result<Option<(i16, Kind)>> {
        let start = input.at;
        let number = input.byte(reading)?;
        if number == 0 {
            return Ok(None);
        }
        let kind = Self::element(number)
            .ok_or_else(|| Input::fault(start, reading, DecodeErrorKind::UnknownType(number)))?;
        *last = Self::i16(input, reading)?;
        Ok(Some((*last, kind)))
    }

    fn list(input: &mut Input<'_>, reading: &'static str) -> Result<(u8, usize)> {
        Ok((input.byte(reading)?, input.size(reading)?))
    }

    fn map(input: &mut Input<'_>, reading: &'static str) -> Result<(u8, u8, usize)> {
        Ok((input.byte(reading)?, input.byte(reading)?, input.size(reading)?))
    }

    fn element(number: u8) -> Option<Kind> {
        Some(match number {
            2 => Kind::Bool,
            3 => Kind::I8,
            4 => Kind::Double,
            6 => Kind::I16,
            8 => Kind::I32,
            10 => Kind::I64,
            11 => Kind::Binary,
            12 => Kind::Struct,
            13 => Kind::Map,
            14 => Kind::Set,
            15 => Kind::List,
            16 => Kind::Uuid,
            _ => return None,
        })
    }

    fn least(kind: Kind) -> usize {
        match kind {
            Kind::Known(_) | Kind::Bool | Kind::I8 | Kind::Struct => 1,
            Kind::I16 => 2,
            Kind::I32 | Kind::Binary => 4,
            Kind::List | Kind::Set => 5,
            Kind::Map => 6,
            Kind::I64 | Kind::Double => 8,
            Kind::Uuid => 16,
        }
    }

    fn i16(input: &mut Input<'_>, reading: &'static str) -> Result<i16> {
        input.array(reading).map(i16::from_be_bytes)
    }

    fn i32(input: &mut Input<'_>, reading: &'static str) -> Result<i32> {
        input.array(reading).map(i32::from_be_bytes)
    }

    fn i64(input: &mut Input<'_>, reading: &'static str) -> Result<i64> {
        input.array(reading).map(i64::from_be_bytes)
    }

    fn double(input: &mut Input<'_>, reading: &'static str) -> Result<f64> {
        input.array(reading).map(f64::from_be_bytes)
    }

    fn bytes<'a>(input: &mut Input<'a>, reading: &'static str) -> Result<&'a [u8]> {
        let start = input.at;
        let length = input.size(reading)?;
        input.slice(length, start, reading)
    }
}

/// The header of a list whose elements take `least` bytes at least: how many there are. `reading` is what they are.
pub(crate) fn structs<R: Read>(input: &mut Input<'_>, least: usize, reading: &'static str) -> Result<usize> {
    let start = input.at;
    let (number, declared) = R::list(input, reading)?;
    if declared > 0 && R::element(number) != Some(Kind::Struct) {
        return Err(Input::fault(start, reading, DecodeErrorKind::NotStructs));
    }
    let left = input.left();
    if declared > left / least {
        return Err(Input::fault(start, reading, DecodeErrorKind::Count { declared, left }));
    }
    Ok(declared)
}

/// Passes over a value of type `kind`.
pub(crate) fn skip<R: Read>(input: &mut Input<'_>, kind: Kind, reading: &'static str) -> Result<()> {
    match kind {
        Kind::Known(_) => {}
        Kind::Bool | Kind::I8 => drop(input.byte(reading)?),
        Kind::I16 => drop(R::i16(input, reading)?),
        Kind::I32 => drop(R::i32(input, reading)?),
        Kind::I64 => drop(R::i64(input, reading)?),
        Kind::Double => drop(R::double(input, reading)?),
        Kind::Binary => drop(R::bytes(input, reading)?),
        Kind::Uuid => drop(input.array::<16>(reading)?),
        Kind::Struct => {
            input.enter(reading)?;
            let mut last = 0;
            while let Some((_, kind)) = R::field(input, &mut last, reading)? {
                skip::<R>(input, kind, reading)?;
            }
            input.leave();
        }
        Kind::List | Kind::Set => {
            let start = input.at;
            let (number, count) = R::list(input, reading)?;
            skip_elements::<R>(input, start, &[number], count, reading)?;
        }
        Kind::Map => {
            let start = input.at;
            let (keys, values, count) = R::map(input, reading)?;
            skip_elements::<R>(input, start, &[keys, values], count, reading)?;
        }
    }
    Ok(())
}

/// Passes over `declared` times one value of each of `numbers`' types.
fn skip_elements<R: Read>(
    input: &mut Input<'_>,
    start: usize,
    numbers: &[u8],
    declared: usize,
    reading: &'static str,
) -> Result<()> {
    // The elements' type of an empty container may be anything.
    if declared == 0 {
        return Ok(());
    }
    let mut kinds = [Kind::Bool; 2];
    let mut least = 0;
    for (kind, &number) in kinds.iter_mut().zip(numbers) {
        *kind = R::element(number)
            .ok_or_else(|| Input::fault(start, reading, DecodeErrorKind::UnknownType(number)))?;
        least += R::least(*kind);
    }
    let left = input.left();
    if declared > left / least {
        return Err(Input::fault(start, reading, DecodeErrorKind::Count { declared, left }));
    }
    input.enter(reading)?;
    for _ in 0..declared {
        for &kind in &kinds[..numbers.len()] {
            skip::<R>(input, kind, reading)?;
        }
    }
    input.leave();
    Ok(())
}
