//! The address that is sent to: what may be left out is filled in, what cannot be sent to is told with what to write instead.

use axum::http::Uri;

/// A collector's whole address: the port is 14268 and the path `/api/traces` where they are left out.
///
/// ```
/// use jaeger_all_in_one::forward::target;
/// assert_eq!(target("http://collector").unwrap(), "http://collector:14268/api/traces");
/// assert!(target("http://collector:4318/v1/traces").unwrap_err().contains("OTLP"));
/// ```
///
/// # Errors
/// A text that names the flag, the value and what to do.
pub fn target(url: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("--forward {url:?}: {why}; write http://HOST:14268/api/traces"));
    let Ok(uri) = url.parse::<Uri>() else { return wrong("this is no URL") };
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return wrong("TLS is not spoken here"),
        Some("udp") => return wrong("spans are sent on by HTTP, not by UDP"),
        _ => return wrong("the URL does not begin with http://"),
    }
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
        return wrong("the URL names no host");
    };
    if authority.as_str().contains('@') {
        // Its value is printed.
        return Err(
            "--forward: names and passwords are not sent; write http://HOST:14268/api/traces".to_owned()
        );
    }
    let host = authority.host();
    let port = match authority.port() {
        Some(port) if port.as_u16() != 0 => port.as_u16(),
        None if authority.as_str() == host => 14268,
        _ => return wrong("this port does not exist"),
    };
    let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
        "/" => "/api/traces",
        path => path,
    };
    if matches!(port, 4317 | 4318) || uri.path().ends_with("/v1/traces") {
        return wrong("this is an address for OTLP, and spans are sent on as Thrift");
    }
    Ok(format!("http://{host}:{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_filled_in() {
        for (url, whole) in [
            ("http://h", "http://h:14268/api/traces"),
            ("http://h:80/", "http://h:80/api/traces"),
            ("http://[::1]:9/in?x=1", "http://[::1]:9/in?x=1"),
            ("http://h/api/traces?format=jaeger.thrift", "http://h:14268/api/traces?format=jaeger.thrift"),
        ] {
            assert_eq!(target(url).as_deref(), Ok(whole));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_flag_the_value_and_what_to_write() {
        for url in [
            "",
            "h",
            "h:14268",
            "https://h",
            "udp://h:6831",
            "http://h:0",
            "http://h:70000",
            "http://h:4318",
            "http://h/v1/traces",
            "http://a b",
        ] {
            let message = target(url).unwrap_err();
            let told =
                message.contains(&format!("--forward {url:?}")) && message.contains("http://HOST:14268");
            assert!(told, "{message}");
        }
        let secret = target("http://u:secret@h").unwrap_err();
        assert!(!secret.contains("secret"), "{secret}");
    }
}
