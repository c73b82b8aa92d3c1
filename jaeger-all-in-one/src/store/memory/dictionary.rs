//! Strings of one segment, each once: text to a small number and back.
//!
//! Every segment has its own, so that what is interned goes with the spans that used it and no client can fill it for good.

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

/// Numbers of the strings that a batch held so far, by their address: what reads a batch gives equal texts the same address (`jaeger_thrift::Texts`), and all
/// of them live as long as the batch, so the same address and length are the same text. Of one batch and one dictionary.
///
/// Two share a set, so that it takes three of a batch to drive each other out: where a batch lies is chance, and what it costs shall not be.
pub(super) struct Memo([[(usize, usize, Symbol); 2]; SETS]);

/// A power of two.
const SETS: usize = 64;

impl Default for Memo {
    fn default() -> Self {
        // No text is at address 0.
        Memo([[(0, 0, 0); 2]; SETS])
    }
}

impl Dictionary {
    /// The number of a string of the batch that `memo` is about.
    #[inline]
    pub(super) fn intern_again(&mut self, text: &str, memo: &mut Memo) -> Symbol {
        let address = text.as_ptr().addr();
        let mixed = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let set = &mut memo.0[(mixed >> (64 - SETS.ilog2())) as usize % SETS];
        if (set[0].0, set[0].1) != (address, text.len()) {
            set.swap(0, 1);
            if (set[0].0, set[0].1) != (address, text.len()) {
                set[0] = (address, text.len(), self.intern(text));
            }
        }
        set[0].2
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
        let mut memo = Memo::default();
        // Parts of one text: the same addresses with other lengths, and addresses that fall on one place.
        let all = "abcdefghij".repeat(100);
        for _ in 0..2 {
            for start in 0..500 {
                for length in [0, 1, 5, 300] {
                    let text = &all[start..start + length];
                    let symbol = dictionary.intern_again(text, &mut memo);
                    assert_eq!(dictionary.get(symbol), text);
                    assert_eq!(dictionary.intern_again(text, &mut memo), symbol);
                }
            }
        }
        assert_eq!(dictionary.count(), 31, "ten of each length, and the empty one");
    }
}
