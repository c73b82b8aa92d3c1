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
    #[inline]
    pub fn get(&mut self, bytes: &'a [u8]) -> Option<&'a str> {
        let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return Some("") };
        let middle = bytes[bytes.len() / 2];
        let mixed = usize::from(first) ^ usize::from(middle) << 2 ^ usize::from(last) << 4;
        let place = (mixed ^ mixed >> 6).wrapping_add(bytes.len()) % PLACES;
        if self.known[place].as_bytes() == bytes {
            return Some(self.known[place]);
        }
        let text = std::str::from_utf8(bytes).ok()?;
        self.known[place] = text;
        Some(text)
    }
}
