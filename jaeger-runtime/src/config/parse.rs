//! The values of single variables: yes or no, host, port, interval, tags.
//!
//! Each reads text without space around it and, if it is not what it should be, answers with what is expected and what to do; who calls adds the variable's name and value.

use super::duration::{self, Fault};
use super::{LONGEST_INTERVAL, SHORTEST_INTERVAL, Wrong};
use std::ffi::OsString;
use std::net::Ipv6Addr;
use std::time::Duration;

/// The words that Go's clients take for yes and no.
pub(super) fn boolean(text: &str) -> Result<bool, Wrong> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(("true or false", "write true or false, or unset it")),
    }
}

/// A host name or address, without the brackets that an IPv6 address may have.
pub(super) fn host(text: &str) -> Result<String, Wrong> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if inner.contains(':') {
        // A zone (`fe80::1%eth0`) is not part of the address proper.
        let address = inner.split('%').next().unwrap_or(inner);
        if address.parse::<Ipv6Addr>().is_ok() {
            return Ok(inner.to_owned());
        }
    } else if !inner.is_empty()
        && !inner.contains(|c: char| c.is_whitespace() || c.is_control() || "/@[]".contains(c))
    {
        return Ok(inner.to_owned());
    }
    Err(("a host name or an address", "give the name alone; the port is JAEGER_AGENT_PORT"))
}

/// A port that can be sent to.
pub(super) fn port(text: &str) -> Result<u16, Wrong> {
    let wrong = ("a port from 1 to 65535", "give the agent's port for Thrift compact, usually 6831");
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong);
    }
    text.parse().ok().filter(|port| *port != 0).ok_or(wrong)
}

/// How often to flush.
pub(super) fn interval(text: &str) -> Result<Duration, Wrong> {
    let least = ("a duration of at least 1ms", "give a longer one, such as 500ms or 1s");
    let most = ("a duration of at most 24h", "give a shorter one, such as 500ms or 1s");
    match duration::parse(text) {
        Ok(interval) if interval > LONGEST_INTERVAL => Err(most),
        Ok(interval) if interval >= SHORTEST_INTERVAL => Ok(interval),
        Ok(_) | Err(Fault::Negative) => Err(least),
        Err(Fault::TooLong) => Err(most),
        Err(Fault::Form) => Err(("a duration with its unit", "write it like 500ms, 2s or 1m30s")),
    }
}

/// `k=v,k2=${VAR:default}`: a value in `${}` is that variable's, or the default if it is unset or empty; a default may hold commas.
pub(super) fn tags(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<(String, String)>, Wrong> {
    let mut tags = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (pair, after) = split_pair(rest)?;
        rest = after;
        let pair = pair.trim();
        if pair.is_empty() {
            // A comma at the end, or two in a row.
            continue;
        }
        let Some((key, value)) = pair.split_once('=') else { return Err(NO_PAIR) };
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(NO_PAIR);
        }
        let value = match value.strip_prefix("${").and_then(|inner| inner.strip_suffix('}')) {
            Some(inner) => {
                let (variable, default) = inner.split_once(':').unwrap_or((inner, ""));
                let set = lookup(variable).map(|value| value.to_string_lossy().into_owned());
                set.filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
            }
            None => value.to_owned(),
        };
        tags.push((key.to_owned(), value));
    }
    Ok(tags)
}

const NO_PAIR: Wrong =
    ("key=value pairs with commas between them", "write it like zone=b,host=${HOSTNAME:unknown}");

/// The text up to the next comma that is not within `${}`, and what follows the comma.
fn split_pair(text: &str) -> Result<(&str, &str), Wrong> {
    let mut from = 0;
    loop {
        let comma = text[from..].find(',').map(|at| from + at);
        let open = text[from..].find("${").map(|at| from + at);
        match (comma, open) {
            (Some(comma), None) => return Ok((&text[..comma], &text[comma + 1..])),
            (Some(comma), Some(open)) if comma < open => return Ok((&text[..comma], &text[comma + 1..])),
            (_, Some(open)) => match text[open..].find('}') {
                Some(close) => from = open + close + 1,
                None => return Err(("a } for every ${", "close it, as in host=${HOSTNAME:unknown}")),
            },
            (None, None) => return Ok((text, "")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_words_for_yes_and_no_and_no_others() {
        for word in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(boolean(word), Ok(true), "{word}");
        }
        for word in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(boolean(word), Ok(false), "{word}");
        }
        for word in ["", "yes", "no", "on", "tRuE", "2", "01"] {
            assert!(boolean(word).is_err(), "{word}");
        }
    }

    #[test]
    fn hosts_with_and_without_brackets_but_without_ports() {
        for (text, name) in [
            ("localhost", "localhost"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "::1"),
            ("[fe80::1%eth0]", "fe80::1%eth0"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(name));
        }
        for text in ["a b", "a:6831", "[::1]:6831", "[]", "[", "http://a", "user@a", "a/b", ":6831"] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    fn read(text: &str) -> Result<Vec<(String, String)>, Wrong> {
        tags(text, &|name| match name {
            "ZONE" => Some("b-7".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        })
    }

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(text).unwrap()
    }

    #[test]
    fn tags_with_variables_and_defaults() {
        let own = |tags: &[(&str, &str)]| {
            tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(pairs("a=1,b=2"), own(&[("a", "1"), ("b", "2")]));
        assert_eq!(pairs(" a = 1 , b = x=y ,"), own(&[("a", "1"), ("b", "x=y")]));
        assert_eq!(pairs("z=${ZONE:none}"), own(&[("z", "b-7")]));
        assert_eq!(pairs("z=${NOWHERE:none},y=1"), own(&[("z", "none"), ("y", "1")]));
        assert_eq!(pairs("z=${EMPTY:none}"), own(&[("z", "none")]));
        assert_eq!(pairs("z=${ZONE}"), own(&[("z", "b-7")]));
        assert_eq!(pairs("z=${NOWHERE},y=${NOWHERE:}"), own(&[("z", ""), ("y", "")]));
        assert_eq!(
            pairs("u=${NOWHERE:http://a:1/?b=1,2},y=1"),
            own(&[("u", "http://a:1/?b=1,2"), ("y", "1")])
        );
        // Only a value that is nothing else is looked up, as in the Go client.
        assert_eq!(pairs("z=pre-${ZONE}"), own(&[("z", "pre-${ZONE}")]));
        assert_eq!(pairs("e="), own(&[("e", "")]));
        assert_eq!(pairs("a=1,a=2"), own(&[("a", "1"), ("a", "2")]));
    }

    #[test]
    fn what_are_no_tags() {
        for text in ["a", "=1", " =1", "a=1,b", "a=1,=2"] {
            assert_eq!(read(text), Err(NO_PAIR), "{text}");
        }
        for text in ["a=${ZONE", "a=1,b=${ZONE,c=3"] {
            assert!(read(text).unwrap_err().0.contains('}'), "{text}");
        }
    }
}
