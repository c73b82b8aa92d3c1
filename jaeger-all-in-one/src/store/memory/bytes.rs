//! Variable-length integers, written to and read from our own memory.
//!
//! The reader trusts what the writer wrote: reading anything else is a bug and panics on the slice's bounds.

/// What is written to.
pub(super) trait Out {
    fn byte(&mut self, byte: u8);
    fn slice(&mut self, bytes: &[u8]);
    /// The first `length` of some bytes, which may all be written: a copy of a fixed length is some moves and no call.
    fn part<const N: usize>(&mut self, bytes: &[u8; N], length: usize);
}

impl Out for Vec<u8> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.push(byte);
    }
    #[inline]
    fn slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    #[inline]
    fn part<const N: usize>(&mut self, bytes: &[u8; N], length: usize) {
        let length = self.len() + length;
        self.extend_from_slice(bytes);
        self.truncate(length);
    }
}

/// A short piece, put together on the stack and appended at once: every byte appended to a vector asks for room.
pub(super) struct Piece<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Piece<N> {
    #[inline]
    pub(super) fn new() -> Self {
        Piece { bytes: [0; N], length: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.length as u32
    }

    /// Appends it.
    #[inline]
    pub(super) fn append_to(&self, to: &mut impl Out) {
        to.part(&self.bytes, self.length);
    }
}

impl<const N: usize> Out for Piece<N> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
    #[inline]
    fn slice(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
    #[inline]
    fn part<const M: usize>(&mut self, bytes: &[u8; M], length: usize) {
        self.slice(&bytes[..length]);
    }
}

/// Appends a number in groups of 7 bits, the lowest first.
#[inline]
pub(super) fn put(to: &mut impl Out, mut value: u64) {
    // Of a byte or two nearly always.
    if value < 0x80 {
        return to.byte(value as u8);
    }
    if value < 0x4000 {
        return to.slice(&[value as u8 | 0x80, (value >> 7) as u8]);
    }
    while value >= 0x80 {
        to.byte(value as u8 | 0x80);
        value >>= 7;
    }
    to.byte(value as u8);
}

/// Appends a signed number: small ones of either sign are short.
#[inline]
pub(super) fn put_signed(to: &mut impl Out, value: i64) {
    put(to, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads on from a place.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Reader { bytes, at }
    }

    /// Whether nothing is left.
    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.bytes[self.at];
        self.at += 1;
        byte
    }

    #[inline]
    pub(super) fn number(&mut self) -> u64 {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }

    #[inline]
    pub(super) fn signed(&mut self) -> i64 {
        let value = self.number();
        (value >> 1) as i64 ^ -((value & 1) as i64)
    }

    #[inline]
    pub(super) fn fixed(&mut self) -> u64 {
        let mut array = [0; 8];
        array.copy_from_slice(self.slice(8));
        u64::from_le_bytes(array)
    }

    #[inline]
    pub(super) fn slice(&mut self, length: usize) -> &'a [u8] {
        let slice = &self.bytes[self.at..self.at + length];
        self.at += length;
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_again() {
        let edges = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX];
        let mut bytes = Vec::new();
        for edge in edges {
            put(&mut bytes, edge);
            put_signed(&mut bytes, edge as i64);
            put_signed(&mut bytes, (edge as i64).wrapping_neg());
        }
        put_signed(&mut bytes, i64::MIN);
        let mut reader = Reader::new(&bytes, 0);
        for edge in edges {
            assert_eq!(reader.number(), edge);
            assert_eq!(reader.signed(), edge as i64);
            assert_eq!(reader.signed(), (edge as i64).wrapping_neg());
        }
        assert_eq!(reader.signed(), i64::MIN);
        assert_eq!(reader.at, bytes.len());
    }
}
