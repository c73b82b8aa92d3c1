//! `json(argument)`: a value as JSON, serialized into the bounded writer and no further.

use crate::value::Value;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::io;

/// A value that is shown as JSON. For generated code.
#[derive(Debug)]
pub struct Json<'a, T: ?Sized>(pub &'a T);

/// The value for the log.
pub fn json<'a, T: Serialize + ?Sized>(shown: &'a Json<'_, T>) -> Value<'a> {
    Value::Display(shown)
}

impl<T: Serialize + ?Sized> Display for Json<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match serde_json::to_writer(Into(f), self.0) {
            Ok(()) => Ok(()),
            // The writer has had enough.
            Err(error) if error.is_io() => Err(fmt::Error),
            Err(error) => write!(f, "[no JSON: {error}]"),
        }
    }
}

struct Into<'a, 'b>(&'a mut Formatter<'b>);

impl io::Write for Into<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // serde_json writes whole strings and whole pieces of syntax, which are text.
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serializer;
    use serde::ser::SerializeSeq;
    use std::collections::BTreeMap;

    /// A list without end.
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            loop {
                list.serialize_element(&7)?;
            }
        }
    }

    fn shown(value: &(impl Serialize + ?Sized)) -> String {
        crate::text::with_plain(&[json(&Json(value))], 20, |plain| match plain {
            [Value::Str(text)] => (*text).to_owned(),
            _ => String::new(),
        })
    }

    #[test]
    fn json_is_bounded_while_it_is_written() {
        assert_eq!(shown(&("é", 1, [true])), "[\"é\",1,[true]]");
        assert_eq!(shown(&Endless), "[7,7,7,7,7,7,7,7,7,7,7,7");
        assert!(shown(&BTreeMap::from([((1, 2), 3)])).contains("[no JSON: key must"));
    }
}
