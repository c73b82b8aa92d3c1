//! The agent's address as users write it: `host:port`, an IPv6 address in brackets.
//!
//! Only its form is looked at here. What the name stands for is found out by the collector's thread, again and again.

use crate::error::Error;
use std::fmt;
use std::net::Ipv6Addr;

/// A name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads `host:port`.
    ///
    /// # Errors
    /// It has not that form, or the port is 0.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |advice: &'static str| Error::setting("agent address", text, "host:port", advice);
        let text = text.trim();
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(wrong("add the agent's port for Thrift compact, usually 6831"));
        };
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // A zone (`fe80::1%eth0`) is not part of the address proper.
            Some(inner)
                if inner.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) =>
            {
                inner
            }
            Some(_) => return Err(wrong("brackets are for an IPv6 address, such as [::1]:6831")),
            None if host.contains("//") => return Err(wrong("leave the scheme out; spans go by UDP")),
            None if host.contains(':') => {
                return Err(wrong("put an IPv6 address in brackets, such as [::1]:6831"));
            }
            None => host,
        };
        if host.is_empty()
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@[]".contains(c))
        {
            return Err(wrong("give a host name or an address before the colon"));
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port @ 1..) if digits => Ok(Self { host: host.to_owned(), port }),
            _ => Err(wrong("the port is a number from 1 to 65535, usually 6831")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_in_all_forms() {
        for (text, host, port) in [
            ("127.0.0.1:6831", "127.0.0.1", 6831),
            ("localhost:1", "localhost", 1),
            (" jaeger-agent.tracing.svc:65535\n", "jaeger-agent.tracing.svc", 65535),
            ("[::1]:6831", "::1", 6831),
            ("[fe80::1%eth0]:6831", "fe80::1%eth0", 6831),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), text.trim());
        }
    }

    #[test]
    fn what_is_no_address_is_named_with_what_to_do() {
        for (text, part) in [
            ("", "add the agent's port"),
            ("localhost", "add the agent's port"),
            ("localhost:", "1 to 65535"),
            ("localhost:0", "1 to 65535"),
            ("localhost:65536", "1 to 65535"),
            ("localhost:+1", "1 to 65535"),
            ("localhost:6831/", "1 to 65535"),
            (":6831", "host name"),
            ("a b:6831", "host name"),
            ("::1:6831", "in brackets"),
            ("[agent]:6831", "IPv6"),
            ("[]:6831", "IPv6"),
            ("udp://agent:6831", "scheme"),
        ] {
            let message = Address::parse(text).unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("agent address is {text:?}, expected host:port: ")),
                "{message}"
            );
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    }
}
