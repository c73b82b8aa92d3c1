//! How answers are written: JSON that is safe inside a page, with numbers as JavaScript and Jaeger write them, compact or in lines.
//!
//! `<`, `>`, `&` and the two line separators of Unicode are escaped, so no answer closes a script element or a string wherever it is pasted.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::rules::number_text;

/// Writes `value` into one piece of memory; `pretty` means lines, indented by 4 spaces.
pub(super) fn write(value: &impl Serialize, pretty: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write_to(&mut out, value, pretty);
    out
}

/// The same, into memory of any kind.
pub(super) fn write_to(out: &mut impl Write, value: &impl Serialize, pretty: bool) {
    let written = try_write_to(out, value, pretty);
    // Memory takes every write, and what is written here has text for keys: the two ways in which this could fail.
    debug_assert!(written.is_ok(), "{written:?}");
}

/// The same for what may fail while it is written, or be too large.
pub(super) fn try_write_to(
    out: &mut impl Write,
    value: &impl Serialize,
    pretty: bool,
) -> serde_json::Result<()> {
    if pretty {
        value.serialize(&mut Serializer::with_formatter(out, Safe(PrettyFormatter::with_indent(b"    "))))
    } else {
        value.serialize(&mut Serializer::with_formatter(out, Safe(CompactFormatter)))
    }
}

/// A formatter with our numbers and our escapes; the rest is the other's.
struct Safe<F>(F);

/// Forwards what `Safe` does not change.
macro_rules! forward {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {$(
        fn $name<W: ?Sized + Write>(&mut self, to: &mut W, $($argument: $kind),*) -> io::Result<()> {
            self.0.$name(to, $($argument),*)
        }
    )*};
}

impl<F: Formatter> Formatter for Safe<F> {
    forward! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn write_f64<W: ?Sized + Write>(&mut self, to: &mut W, value: f64) -> io::Result<()> {
        to.write_all(number_text(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        // Without a branch, so that many bytes are looked at at once; 0xe2 begins the two that are longer.
        let special = |byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2);
        if !fragment.bytes().fold(false, |found, byte| found | special(byte)) {
            return to.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            to.write_all(plain.as_bytes())?;
            let mut characters = special.chars();
            let code = characters.next().map_or(0, u32::from);
            write!(to, "\\u{code:04x}")?;
            rest = characters.as_str();
        }
        to.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_escapes() {
        let value = json!({"a": 5.0, "b": 1e21, "c": "</script>&\u{2028}\"\\\n", "d": [], "e": {}});
        let text = String::from_utf8(write(&value, false)).unwrap();
        assert_eq!(text, r#"{"a":5,"b":1e+21,"c":"\u003c/script\u003e\u0026\u2028\"\\\n","d":[],"e":{}}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["c"], value["c"]);
    }

    #[test]
    fn lines_of_four_spaces() {
        let text = String::from_utf8(write(&json!({"a": [1, 2], "b": []}), true)).unwrap();
        assert_eq!(text, "{\n    \"a\": [\n        1,\n        2\n    ],\n    \"b\": []\n}");
    }
}
