//! Strings of one segment, each once: text to a small number and back.
//!
//! Every segment has its own, so that what is interned goes with the spans that used it and no client can fill it for good.

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A string's number within its segment.
pub(super) type Symbol = u32;

/// The strings.
#[derive(Clone, Default)]
pub(super) struct Dictionary {
    text: String,
    /// Where each ends in `text`.
    ends: Vec<u32>,
    table: HashTable<Symbol>,
    hasher: DefaultHashBuilder,
}

/// Numbers of the strings that a message held so far, by their address: what reads one gives equal texts the same address (`jaeger_thrift::Texts`), and all
/// of them live as long as this, so the same address and length are the same text. Of one dictionary.
///
/// Two share a set, so that it takes three of a message to drive each other out: where one lies is chance, and what it costs shall not be.
pub(super) struct Memo<'a>([[(&'a str, Symbol); 2]; SETS]);

/// A power of two.
const SETS: usize = 64;

impl Memo<'_> {
    /// For a dictionary, which has to know the empty string.
    pub(super) fn new(dictionary: &mut Dictionary) -> Self {
        Memo([[("", dictionary.intern("")); 2]; SETS])
    }
}

impl Dictionary {
    /// The number of a string that may have come before. One that is owned is not remembered: it may go, and another lie in its place.
    #[inline]
    #[expect(clippy::ptr_arg, reason = "what is borrowed outlives the memo, what is owned does not")]
    pub(super) fn intern_again<'a>(&mut self, text: &Cow<'a, str>, memo: &mut Memo<'a>) -> Symbol {
        let Cow::Borrowed(text) = *text else { return self.intern(text) };
        let mixed = (text.as_ptr().addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let set = &mut memo.0[(mixed >> (64 - SETS.ilog2())) as usize % SETS];
        if !std::ptr::eq(set[0].0, text) {
            set.swap(0, 1);
            if !std::ptr::eq(set[0].0, text) {
                set[0] = (text, self.intern(text));
            }
        }
        set[0].1
    }

    /// The string's number, which it gets if it has none.
    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.hash_one(text);
        let Dictionary { text: all, ends, table, hasher } = self;
        if let Some(&symbol) = table.find(hash, |&symbol| get(all, ends, symbol) == text) {
            return symbol;
        }
        let symbol = ends.len() as Symbol;
        all.push_str(text);
        ends.push(all.len() as u32);
        table.insert_unique(hash, symbol, |&symbol| hasher.hash_one(get(all, ends, symbol)));
        symbol
    }

    /// Takes all strings from this number on out again.
    pub(super) fn truncate(&mut self, count: Symbol) {
        let Dictionary { text: all, ends, table, hasher } = self;
        for symbol in count..ends.len() as Symbol {
            let hash = hasher.hash_one(get(all, ends, symbol));
            if let Ok(entry) = table.find_entry(hash, |&other| other == symbol) {
                entry.remove();
            }
        }
        ends.truncate(count as usize);
        all.truncate(ends.last().map_or(0, |&end| end as usize));
    }

    /// The string's number, if it has one.
    pub(super) fn find(&self, text: &str) -> Option<Symbol> {
        let hash = self.hasher.hash_one(text);
        self.table.find(hash, |&symbol| self.get(symbol) == text).copied()
    }

    /// The string of a number.
    pub(super) fn get(&self, symbol: Symbol) -> &str {
        get(&self.text, &self.ends, symbol)
    }

    /// How many there are, which is the next one's number.
    pub(super) fn count(&self) -> Symbol {
        self.ends.len() as Symbol
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 4 + self.table.allocation_size()
    }
}

fn get<'t>(text: &'t str, ends: &[u32], symbol: Symbol) -> &'t str {
    let symbol = symbol as usize;
    let start = symbol.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start as usize..ends[symbol] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_keeps_its_number_and_a_number_its_string() {
        let mut dictionary = Dictionary::default();
        let all: Vec<String> = (0..1_000).map(|n| "é".repeat(n % 7) + &n.to_string()).collect();
        let symbols: Vec<Symbol> = all.iter().map(|text| dictionary.intern(text)).collect();
        assert_eq!(symbols, (0..1_000).collect::<Vec<_>>());
        for (text, symbol) in all.iter().zip(symbols) {
            assert_eq!(dictionary.intern(text), symbol);
            assert_eq!(dictionary.find(text), Some(symbol));
            assert_eq!(dictionary.get(symbol), text);
        }
        assert_eq!(dictionary.find("never"), None);
        assert_eq!(dictionary.intern(""), 1_000);
        assert_eq!(dictionary.get(1_000), "");
    }

    #[test]
    fn a_memo_takes_no_text_for_another() {
        let mut dictionary = Dictionary::default();
        let mut memo = Memo::new(&mut dictionary);
        // Parts of one text: the same addresses with other lengths, and addresses that fall on one place.
        let all = "abcdefghij".repeat(100);
        for _ in 0..2 {
            for start in 0..500 {
                for length in [0, 1, 5, 300] {
                    let text = Cow::Borrowed(&all[start..start + length]);
                    let symbol = dictionary.intern_again(&text, &mut memo);
                    assert_eq!(dictionary.get(symbol), text);
                    assert_eq!(dictionary.intern_again(&text, &mut memo), symbol);
                }
            }
        }
        assert_eq!(dictionary.count(), 31, "ten of each length, and the empty one");
    }

    #[test]
    fn an_owned_text_is_not_known_by_its_place() {
        let mut dictionary = Dictionary::default();
        let mut memo = Memo::new(&mut dictionary);
        for n in 0..100 {
            // Each lies where the one before lay, likely.
            let text = Cow::Owned(format!("text {n:02}"));
            let symbol = dictionary.intern_again(&text, &mut memo);
            assert_eq!(dictionary.get(symbol), text);
        }
    }

    #[test]
    fn what_is_taken_out_was_never_there() {
        let mut dictionary = Dictionary::default();
        for text in ["a", "", "b"] {
            dictionary.intern(text);
        }
        for _ in 0..3 {
            let more: Vec<Symbol> = ["c", "a", "dd"].iter().map(|text| dictionary.intern(text)).collect();
            assert_eq!(more, [3, 0, 4]);
            dictionary.truncate(3);
            assert_eq!((dictionary.find("c"), dictionary.find("dd"), dictionary.count()), (None, None, 3));
            assert_eq!((dictionary.find("b"), &*dictionary.text), (Some(2), "ab"));
        }
        dictionary.truncate(0);
        assert_eq!((dictionary.find("a"), &*dictionary.text), (None, ""));
        assert_eq!(dictionary.intern("b"), 0);
    }
}
