//! Text of an input, checked once however often it comes.

/// Remembers some of the texts that an input held, so that one that comes again (a tag's key, an operation) is only compared and not checked anew to be
/// UTF-8. It gives back the first of equal texts: who sees the same address twice knows that it is the same text.
///
/// Memory is fixed; texts that fall on one place drive each other out, which costs time and nothing else.
///
/// ```
/// let input = b"key key \xff";
/// let mut texts = jaeger_thrift::Texts::default();
/// let first = texts.get(&input[..3]).unwrap();
/// let second = texts.get(&input[4..7]).unwrap();
/// assert_eq!(first.as_ptr(), second.as_ptr());
/// assert_eq!(texts.get(&input[8..]), None, "no UTF-8");
/// ```
#[derive(Clone, Debug)]
pub struct Texts<'a> {
    known: [&'a str; PLACES],
}

const PLACES: usize = 64;

impl Default for Texts<'_> {
    fn default() -> Self {
        Texts { known: [""; PLACES] }
    }
}

impl<'a> Texts<'a> {
    /// The bytes as text, `None` if they are none.
    #[inline(always)]
    pub fn get(&mut self, bytes: &'a [u8]) -> Option<&'a str> {
        let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return Some("") };
        let middle = bytes[bytes.len() / 2];
        let mixed = usize::from(first) ^ usize::from(middle) << 2 ^ usize::from(last) << 4;
        let place = (mixed ^ mixed >> 6).wrapping_add(bytes.len()) % PLACES;
        if Self::same(self.known[place].as_bytes(), bytes) {
            return Some(self.known[place]);
        }
        self.check(place, bytes)
    }

    /// Whether they are equal: without a call where they are short, as nearly all are.
    #[inline(always)]
    pub fn same(a: &[u8], b: &[u8]) -> bool {
        /// Of `N` to twice as many: by both ends, which overlap.
        #[inline(always)]
        fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
            a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
        }
        a.len() == b.len()
            && match a.len() {
                8..=16 => ends::<8>(a, b),
                17..=32 => ends::<16>(a, b),
                4..8 => ends::<4>(a, b),
                2..4 => ends::<2>(a, b),
                _ => a == b,
            }
    }

    #[inline(never)]
    fn check(&mut self, place: usize, bytes: &'a [u8]) -> Option<&'a str> {
        let text = std::str::from_utf8(bytes).ok()?;
        self.known[place] = text;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn texts_are_the_same_if_every_byte_is() {
        let all = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
        for length in 0..all.len() {
            let text = &all[..length];
            assert!(Texts::same(text, &all.to_vec()[..length]));
            assert!(!Texts::same(text, &all[..length + 1]) && !Texts::same(&all[..length + 1], text));
            for at in 0..length {
                let mut other = text.to_vec();
                other[at] ^= 1;
                assert!(!Texts::same(text, &other), "{at} of {length}");
            }
        }
    }
}
