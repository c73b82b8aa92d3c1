//! What can be set. Made by hand (tests, examples) or from flags and environment (`main`).

use std::net::{IpAddr, Ipv4Addr};

/// Settings of a backend. Of a port, `None` means: do not listen; `Some(0)`: any free one, told by [`crate::Backend::address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where everything listens; loopback by default.
    pub host: IpAddr,
    /// Query API and page, 16686.
    pub query_port: Option<u16>,
    /// UDP, compact, 6831.
    pub compact_port: Option<u16>,
    /// Names under which the query port may be asked, beside addresses, `localhost` and names without a dot: any other is refused (DNS rebinding).
    pub allowed_hosts: Vec<String>,
    /// Bytes that storage in memory may hold, indexes included.
    pub memory_bytes: u64,
}

impl Default for Config {
    /// Jaeger's own ports on loopback, 512 MiB.
    fn default() -> Self {
        Config {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            query_port: Some(16686),
            compact_port: Some(6831),
            allowed_hosts: Vec::new(),
            memory_bytes: 512 << 20,
        }
    }
}

impl Config {
    /// Any free ports of loopback, for tests and examples.
    pub fn free_ports() -> Self {
        Config { query_port: Some(0), compact_port: Some(0), ..Config::default() }
    }
}
