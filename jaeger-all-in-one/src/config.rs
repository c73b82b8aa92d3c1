//! What can be set. Made by hand (tests, examples) or from flags and environment (`cli`).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::forward::Address;

/// Settings of a backend. Of a port, `None` means: do not listen; `Some(0)`: any free one, told by [`crate::Backend::address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where everything listens; loopback by default.
    pub host: IpAddr,
    /// Query API and page, 16686.
    pub query_port: Option<u16>,
    /// UDP, Thrift compact, 6831.
    pub compact_port: Option<u16>,
    /// A second such port, for clients that still send to 5775; by default none.
    pub old_compact_port: Option<u16>,
    /// UDP, Thrift binary, 6832.
    pub binary_port: Option<u16>,
    /// HTTP, Thrift, 14268.
    pub thrift_http_port: Option<u16>,
    /// OTLP over gRPC, 4317.
    pub otlp_grpc_port: Option<u16>,
    /// OTLP over HTTP, 4318.
    pub otlp_http_port: Option<u16>,
    /// Zipkin, 9411.
    pub zipkin_port: Option<u16>,
    /// Sampling strategies for clients, 5778.
    pub sampling_port: Option<u16>,
    /// Whether a port that cannot be had ends the start; otherwise it is told by [`crate::Backend::not_listening`] and the others work.
    pub require_ports: bool,
    /// Names under which the query port may be asked, beside addresses, `localhost` and names without a dot: any other is refused (DNS rebinding).
    pub allowed_hosts: Vec<String>,
    /// Where spans are kept.
    pub storage: Storage,
    /// Bytes that storage in memory may hold, indexes included.
    pub memory_bytes: u64,
    /// Bytes that a database may hold; the oldest traces go when it is larger.
    pub disk_bytes: u64,
    /// How long a database keeps a trace; `None`: as long as there is room.
    pub keep: Option<Duration>,
    /// Sampling strategies, a file of the form that Jaeger reads; without one everything is sampled.
    pub strategies: Option<PathBuf>,
    /// Where all spans are sent on to: collectors and agents, in the forms of [`crate::forward::Target::new`].
    pub forward: Vec<Address>,
}

/// Where spans are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory, until the program ends.
    Memory,
    /// In a database in this file.
    Sqlite(PathBuf),
}

impl Default for Config {
    /// Jaeger's own ports on loopback, 512 MiB of memory.
    fn default() -> Self {
        Config {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            query_port: Some(16686),
            compact_port: Some(6831),
            old_compact_port: None,
            binary_port: Some(6832),
            thrift_http_port: Some(14268),
            otlp_grpc_port: Some(4317),
            otlp_http_port: Some(4318),
            zipkin_port: Some(9411),
            sampling_port: Some(5778),
            require_ports: false,
            allowed_hosts: Vec::new(),
            storage: Storage::Memory,
            memory_bytes: 512 << 20,
            disk_bytes: 4 << 30,
            keep: Some(Duration::from_secs(7 * 24 * 3_600)),
            strategies: None,
            forward: Vec::new(),
        }
    }
}

impl Config {
    /// Any free ports of loopback, all required: for tests and examples.
    pub fn free_ports() -> Self {
        let any = Some(0);
        Config {
            query_port: any,
            compact_port: any,
            binary_port: any,
            thrift_http_port: any,
            otlp_grpc_port: any,
            otlp_http_port: any,
            zipkin_port: any,
            sampling_port: any,
            require_ports: true,
            ..Config::default()
        }
    }

    /// Every port's setting: what it is for (as in [`crate::Backend::address`]), the flag that sets it, the number.
    pub fn ports(&self) -> [(&'static str, &'static str, Option<u16>); 9] {
        [
            ("query", "--query-port", self.query_port),
            ("compact", "--compact-port", self.compact_port),
            ("old_compact", "--old-compact-port", self.old_compact_port),
            ("binary", "--binary-port", self.binary_port),
            ("thrift_http", "--thrift-http-port", self.thrift_http_port),
            ("otlp_grpc", "--otlp-grpc-port", self.otlp_grpc_port),
            ("otlp_http", "--otlp-http-port", self.otlp_http_port),
            ("zipkin", "--zipkin-port", self.zipkin_port),
            ("sampling", "--sampling-port", self.sampling_port),
        ]
    }
}
