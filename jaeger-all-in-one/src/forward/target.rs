//! The address that is sent to: what may be left out is filled in, what cannot be sent to is told with what to write instead.
//!
//! A name, a password and what stands behind a question mark are secrets: no text that comes from here has them, nor has what `Debug` shows.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Authority;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::values::unescape;

/// How long the start waits for a target's name.
const LOOK_UP: Duration = Duration::from_secs(1);

/// An address as it was given. It turns into text in no way, since there may be a password in it.
///
/// ```
/// use jaeger_all_in_one::forward::Address;
/// let address = Address::from("http://me:secret@collector/api/traces?token=x");
/// assert_eq!(format!("{address:?}"), r#""http://…@collector/api/traces?…""#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Address(url.to_owned())
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        Address(url)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever it is: also of what is no URL.
        let (scheme, rest) = match self.0.split_once("://") {
            Some((scheme, rest)) => (format!("{scheme}://"), rest),
            None => (String::new(), &*self.0),
        };
        let (name, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("…@", rest));
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
        write!(f, "{:?}", format!("{scheme}{name}{rest}{query}"))
    }
}

/// In what form spans are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// HTTP, Thrift binary: a collector's 14268.
    Thrift,
    /// HTTP, OTLP as protobuf: 4318.
    Otlp,
    /// UDP, Thrift compact: an agent's 6831.
    Udp,
}

impl Way {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Way::Thrift => "Thrift over HTTP",
            Way::Otlp => "OTLP over HTTP",
            Way::Udp => "Thrift over UDP",
        }
    }
}

/// Where spans are sent, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// In what form.
    pub way: Way,
    /// A name or an address, of IPv6 with its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query; empty for UDP.
    pub path: String,
    /// The value of the header `Authorization`.
    pub(super) authorization: Option<String>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.way.name())
    }
}

/// The address without what may be secret.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.way == Way::Udp { "udp" } else { "http" };
        let (path, query) = self.path.split_once('?').map_or((&*self.path, ""), |(path, _)| (path, "?…"));
        write!(f, "{scheme}://{}:{}{path}{query}", self.host, self.port)
    }
}

const FORMS: &str = "write http://HOST:14268/api/traces for Thrift, http://HOST:4318/v1/traces for OTLP, or udp://HOST:6831 for an agent";

impl Target {
    /// Takes an address apart.
    ///
    /// `http://` is Thrift, with port 14268 and path `/api/traces` where they are left out; it is OTLP if the port is 4318 or the path ends in `/v1/traces`, and
    /// always as `otlp+http://`, with port 4318 and path `/v1/traces`. `udp://` is an agent, with port 6831. `http://NAME:PASSWORD@HOST` logs in, by HTTP's
    /// basic authentication; what has a meaning in a URL is escaped in them (`%40` for `@`).
    ///
    /// ```
    /// use jaeger_all_in_one::forward::{Target, Way};
    /// let target = |url: &str| Target::new(&url.into());
    /// assert_eq!(target("http://collector").unwrap().to_string(), "http://collector:14268/api/traces");
    /// assert_eq!(target("http://collector:4318").unwrap().way, Way::Otlp);
    /// assert_eq!(target("udp://agent").unwrap().port, 6831);
    /// ```
    ///
    /// # Errors
    /// A text that names the flag, the value without its secrets, and what to write.
    pub fn new(address: &Address) -> Result<Target, String> {
        let wrong = |why: &str| Err(format!("--forward {address:?}: {why}; {FORMS}"));
        let Ok(uri) = address.0.parse::<Uri>() else { return wrong("this is no URL") };
        let scheme = uri.scheme_str().unwrap_or_default();
        match scheme {
            "http" | "otlp+http" | "udp" => {}
            "https" | "otlp+https" => return wrong("TLS is not spoken here"),
            "grpc" | "otlp" | "otlp+grpc" => return wrong("gRPC is not spoken here, OTLP over HTTP is"),
            _ => return wrong("the URL begins with none of http://, otlp+http://, udp://"),
        }
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
            return wrong("the URL names no host");
        };
        let host = authority.host();
        let port = match authority.port() {
            Some(port) if port.as_u16() != 0 => Some(port.as_u16()),
            None if authority.as_str().ends_with(host) => None,
            _ => return wrong("this port does not exist"),
        };
        let (name, path) = (name(authority), uri.path_and_query().map_or("/", |path| path.as_str()));
        let Ok(authorization) = name else { return wrong("name or password has a bad escape") };
        let otlp = scheme == "otlp+http" || port == Some(4318) || uri.path().ends_with("/v1/traces");
        let (way, usual_port, usual_path) = match scheme {
            "udp" => (Way::Udp, 6831, ""),
            _ if otlp => (Way::Otlp, 4318, "/v1/traces"),
            _ => (Way::Thrift, 14268, "/api/traces"),
        };
        match port {
            Some(4317) if way != Way::Udp => {
                return wrong("gRPC (4317) is not spoken here, OTLP over HTTP is");
            }
            Some(6832) if way == Way::Udp => return wrong("6832 takes Thrift binary, and compact is sent"),
            _ => {}
        }
        if way == Way::Udp && (path != "/" || authorization.is_some()) {
            return wrong("UDP has neither paths nor names");
        }
        let path = if path == "/" { usual_path } else { path };
        let (host, port) = (host.to_owned(), port.unwrap_or(usual_port));
        Ok(Target { way, host, port, path: path.to_owned(), authorization })
    }

    /// Where this goes, as far as names say within a second; whoever cannot be found now is somebody else.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let (found, told) = mpsc::sync_channel(1);
        let host = self.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = self.port;
        // A thread, because looking a name up may take as long as it likes.
        std::thread::spawn(move || {
            let _ = found.send((&*host, port).to_socket_addrs().map(Iterator::collect));
        });
        told.recv_timeout(LOOK_UP).ok().and_then(Result::ok).unwrap_or_default()
    }

    /// What is asked for, without name and password.
    pub(super) fn url(&self) -> String {
        format!("http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// The header's value for the name and password of an address.
fn name(authority: &Authority) -> Result<Option<String>, ()> {
    let Some((name, _)) = authority.as_str().rsplit_once('@') else { return Ok(None) };
    let (name, password) = name.split_once(':').unwrap_or((name, ""));
    // A plus is a plus here, not a space.
    let plain = |text: &str| unescape(&text.replace('+', "%2B")).ok_or(());
    let both = format!("{}:{}", plain(name)?, plain(password)?);
    Ok(Some(format!("Basic {}", STANDARD.encode(both))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, String> {
        Target::new(&url.into())
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        use Way::{Otlp, Thrift, Udp};
        for (url, way, whole) in [
            ("http://h", Thrift, "http://h:14268/api/traces"),
            ("http://h:80/", Thrift, "http://h:80/api/traces"),
            ("http://[::1]:9/in", Thrift, "http://[::1]:9/in"),
            ("http://h:4318", Otlp, "http://h:4318/v1/traces"),
            ("http://h:4318/otlp", Otlp, "http://h:4318/otlp"),
            ("http://h/v1/traces", Otlp, "http://h:4318/v1/traces"),
            ("http://h:80/otlp/v1/traces", Otlp, "http://h:80/otlp/v1/traces"),
            ("otlp+http://h", Otlp, "http://h:4318/v1/traces"),
            ("otlp+http://h:80/in", Otlp, "http://h:80/in"),
            ("udp://h", Udp, "udp://h:6831"),
            ("udp://[::1]:5775", Udp, "udp://[::1]:5775"),
        ] {
            let target = target(url).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((target.way, target.to_string()), (way, whole.to_owned()), "{url}");
        }
        let query = target("http://h/api/traces?format=jaeger.thrift").expect("it is right");
        assert_eq!(query.url(), "http://h:14268/api/traces?format=jaeger.thrift");
    }

    #[test]
    fn what_is_wrong_is_told_with_the_flag_the_value_and_what_to_write() {
        for (url, why) in [
            ("", "no URL"),
            ("h", "begins with none"),
            ("h:14268", "begins with none"),
            ("https://h", "TLS"),
            ("otlp+https://h", "TLS"),
            ("grpc://h", "gRPC"),
            ("http://h:4317", "gRPC"),
            ("http://h:0", "port"),
            ("http://h:70000", "port"),
            ("http://h:", "port"),
            ("http://a b", "no URL"),
            ("udp://h:6832", "6832"),
            ("udp://h/path", "paths"),
            ("udp://name@h", "names"),
            ("http://a:%zz@h", "escape"),
        ] {
            let message = target(url).expect_err(url);
            let told =
                message.starts_with("--forward \"") && message.ends_with(FORMS) && message.contains(why);
            assert!(told, "{url}: {message}");
        }
        assert!(target("collector:14268").expect_err("no scheme").contains("--forward \"collector:14268\""));
    }

    #[test]
    fn names_and_passwords_are_sent_and_never_shown() {
        let ok = target("http://u:p+%40ss@h:9/in?token=hidden").expect("it is right");
        assert_eq!(ok.authorization.as_deref(), Some("Basic dTpwK0Bzcw=="), "u:p+@ss");
        assert_eq!(ok.url(), "http://h:9/in?token=hidden");
        assert_eq!(
            (ok.to_string(), format!("{ok:?}")),
            ("http://h:9/in?…".to_owned(), "http://h:9/in?… (Thrift over HTTP)".to_owned())
        );
        for url in [
            "https://u:secret@h?secret",
            "udp://u:secret@h",
            "secret:secret@h",
            "http://u:se@secret@h:0",
            "http://u:secret?secret@h",
            "http:// ?secret",
            "grpc://u:sec/secret@h",
        ] {
            let told = format!("{} {:?}", target(url).expect_err(url), Address::from(url));
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
