//! The query string of a request: names with values, repeated ones kept in order.
//!
//! Pairs that hold a bad escape or a semicolon are passed over, as Go's library does; the others count.

use std::borrow::Cow;

/// A query string, taken apart.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Takes a query string apart (without its question mark).
    pub fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        Query(
            pairs
                .filter_map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((unescape(name)?, unescape(value)?))
                })
                .collect(),
        )
    }

    /// The first value of a name, if it is there and not empty: what Jaeger takes an absent parameter for.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// The first value of a name, empty or not.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a name.
    pub fn all<'q>(&'q self, name: &str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// Undoes the escapes of a part of a query: `+` is a space, `%41` is a byte. `None` if an escape is cut or no number.
///
/// Bytes that are no UTF-8 become U+FFFD: no service, tag or id is found by them, and none was stored under them.
pub fn unescape(text: &str) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    Some(match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(_) => String::from_utf8(bytes).unwrap_or_default(),
        Cow::Owned(repaired) => repaired,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_order_and_the_first_counts() {
        let query = Query::parse("service=a+b&tag=k:1&tag=k%3A2&empty=&lone&=x");
        assert_eq!(query.get("service"), Some("a b"));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["k:1", "k:2"]);
        assert_eq!(query.get("empty"), None);
        assert_eq!(query.first("lone"), Some(""));
        assert_eq!(query.get("absent"), None);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let query = Query::parse("a=%zz&b=%4&c=1;d=2&e=%ff&f=%C3%A9");
        for name in ["a", "b", "c", "d"] {
            assert_eq!(query.first(name), None, "{name}");
        }
        assert_eq!(query.get("e"), Some("\u{fffd}"));
        assert_eq!(query.get("f"), Some("é"));
    }
}
