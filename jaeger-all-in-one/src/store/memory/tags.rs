//! Tags and logs as they lie in a segment's bytes.
//!
//! ```text
//! tag: 8 × symbol of its key + form · value in that form     logs: count · logs     log: time (from the span's start) · count · tags
//! ```

use std::borrow::Cow;

use jaeger_thrift::{Log, Tag, Value, ValueRef};

use super::bytes::{Out, Piece, Reader, put, put_signed};
use super::dictionary::{Dictionary, Memo, Symbol};

/// How a value is written.
mod form {
    pub(super) const TEXT: u64 = 0;
    pub(super) const SYMBOL: u64 = 1;
    pub(super) const DOUBLE: u64 = 2;
    pub(super) const FALSE: u64 = 3;
    pub(super) const TRUE: u64 = 4;
    pub(super) const LONG: u64 = 5;
    pub(super) const BINARY: u64 = 6;
}

/// Texts from this length on are interned; a shorter one is as short as its number, nearly.
const WORTH_A_SYMBOL: usize = 16;
/// So many different texts of a key may be interned beyond those that were met again.
const NEW_TEXTS: i32 = 64;

/// For each key, whether its texts come again: those of an id or a statement with its numbers never do, and are not worth looking up.
#[derive(Clone, Default)]
pub(super) struct Repeats(Vec<i32>);

impl Repeats {
    /// Whether to intern one more text of this key.
    fn worth(&mut self, key: u32) -> bool {
        let key = key as usize;
        if key >= self.0.len() {
            self.0.resize(key + 1, NEW_TEXTS);
        }
        self.0[key] > 0
    }

    fn note(&mut self, key: u32, new: bool) {
        let left = &mut self.0[key as usize];
        *left = if new { *left - 1 } else { (*left + 1).min(NEW_TEXTS) };
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * 4
    }
}

/// Which texts are interned.
pub(super) enum Intern<'r> {
    /// All, so that equal tags give equal bytes.
    All,
    /// Those of some length whose key repeats them.
    Repeated(&'r mut Repeats),
}

/// Appends a tag; its key's symbol.
// In the middle of the loop over a span's tags, where a call costs a third of what it does.
#[inline(always)]
pub(super) fn write_tag<'a>(
    to: &mut impl Out,
    tag: &Tag<'a>,
    dictionary: &mut Dictionary,
    memo: &mut Memo<'a>,
    intern: &mut Intern<'_>,
) -> Symbol {
    let key = dictionary.intern_again(&tag.key, memo);
    let mut piece = Piece::<20>::new();
    let head = |form: u64| u64::from(key) << 3 | form;
    let bytes = match &tag.value {
        Value::String(text) => match symbol(key, text, dictionary, memo, intern) {
            Some(symbol) => {
                put(&mut piece, head(form::SYMBOL));
                put(&mut piece, u64::from(symbol));
                &[]
            }
            None => {
                put(&mut piece, head(form::TEXT));
                put(&mut piece, text.len() as u64);
                text.as_bytes()
            }
        },
        Value::Double(value) => {
            put(&mut piece, head(form::DOUBLE));
            piece.slice(&value.to_bits().to_le_bytes());
            &[]
        }
        Value::Bool(value) => {
            put(&mut piece, head(if *value { form::TRUE } else { form::FALSE }));
            &[]
        }
        Value::Long(value) => {
            put(&mut piece, head(form::LONG));
            put_signed(&mut piece, *value);
            &[]
        }
        Value::Binary(bytes) => {
            put(&mut piece, head(form::BINARY));
            put(&mut piece, bytes.len() as u64);
            &**bytes
        }
    };
    piece.append_to(to);
    if !bytes.is_empty() {
        to.slice(bytes);
    }
    key
}

/// A text's symbol, if it shall have one.
#[inline]
#[expect(clippy::ptr_arg, reason = "as `intern_again`")]
fn symbol<'a>(
    key: Symbol,
    text: &Cow<'a, str>,
    dictionary: &mut Dictionary,
    memo: &mut Memo<'a>,
    intern: &mut Intern<'_>,
) -> Option<Symbol> {
    match intern {
        Intern::All => Some(dictionary.intern(text)),
        Intern::Repeated(repeats) => {
            if text.len() < WORTH_A_SYMBOL || !repeats.worth(key) {
                return None;
            }
            let known = dictionary.count();
            let symbol = dictionary.intern_again(text, memo);
            repeats.note(key, symbol == known);
            Some(symbol)
        }
    }
}

/// Appends logs.
pub(super) fn write_logs<'a>(
    to: &mut impl Out,
    logs: &[Log<'a>],
    start: i64,
    dictionary: &mut Dictionary,
    memo: &mut Memo<'a>,
    repeats: &mut Repeats,
) {
    put(to, logs.len() as u64);
    for log in logs {
        put_signed(to, log.timestamp.wrapping_sub(start));
        put(to, log.fields.len() as u64);
        for field in &log.fields {
            write_tag(to, field, dictionary, memo, &mut Intern::Repeated(repeats));
        }
    }
}

/// Reads a tag: its key's symbol, and its value.
#[inline]
pub(super) fn read_tag<'a>(reader: &mut Reader<'a>, dictionary: &'a Dictionary) -> (Symbol, ValueRef<'a>) {
    let head = reader.number();
    let value = match head & 7 {
        form::TEXT => {
            let length = reader.number() as usize;
            // Written from text; should that ever not be so, one value is shown as bytes.
            let bytes = reader.slice(length);
            std::str::from_utf8(bytes).map_or(ValueRef::Binary(bytes), ValueRef::String)
        }
        form::SYMBOL => ValueRef::String(dictionary.get(reader.number() as Symbol)),
        form::DOUBLE => ValueRef::Double(f64::from_bits(reader.fixed())),
        form::FALSE => ValueRef::Bool(false),
        form::TRUE => ValueRef::Bool(true),
        form::LONG => ValueRef::Long(reader.signed()),
        _ => {
            let length = reader.number() as usize;
            ValueRef::Binary(reader.slice(length))
        }
    };
    ((head >> 3) as Symbol, value)
}

/// Reads the tags to the end.
pub(super) fn read_tags<'a>(reader: &mut Reader<'a>, dictionary: &'a Dictionary) -> Vec<Tag<'a>> {
    let mut tags = Vec::new();
    while !reader.is_at_end() {
        tags.push(read_whole(reader, dictionary));
    }
    tags
}

fn read_whole<'a>(reader: &mut Reader<'a>, dictionary: &'a Dictionary) -> Tag<'a> {
    let (key, value) = read_tag(reader, dictionary);
    Tag { key: Cow::Borrowed(dictionary.get(key)), value: value.into() }
}

/// Reads logs.
pub(super) fn read_logs<'a>(reader: &mut Reader<'a>, start: i64, dictionary: &'a Dictionary) -> Vec<Log<'a>> {
    let count = reader.number();
    let mut logs = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let timestamp = reader.signed().wrapping_add(start);
        let fields = (0..reader.number()).map(|_| read_whole(reader, dictionary)).collect();
        logs.push(Log { timestamp, fields });
    }
    logs
}
