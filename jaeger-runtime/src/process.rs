//! What Jaeger shows about the process: service, client, host, address, and the user's own tags.
//!
//! Found out once, when the tracer is installed. What the system does not tell is left out rather than made up, and a tag of the user's with one of these keys takes its place, so that
//! a container can say its real address.

use jaeger_thrift::{Process, Tag, Value};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::time::SystemTime;

/// The process of a service: `jaeger.version`, `hostname`, `ip`, `client-uuid`, then the user's tags in their order.
pub(crate) fn describe(service: &str, user: &[(String, String)]) -> Process<'static> {
    let found = [
        ("jaeger.version", Some(concat!("Rust-", env!("CARGO_PKG_VERSION")).to_owned())),
        ("hostname", hostname()),
        ("ip", ip().map(|ip| ip.to_string())),
        ("client-uuid", Some(format!("{:x}", random()))),
    ];
    let found = found.into_iter().filter(|(key, _)| user.iter().all(|(own, _)| own != key));
    let found = found.filter_map(|(key, value)| Some(tag(key.to_owned(), value?)));
    let tags = found.chain(user.iter().map(|(key, value)| tag(key.clone(), value.clone()))).collect();
    Process { service_name: service.to_owned().into(), tags }
}

fn tag(key: String, value: String) -> Tag<'static> {
    Tag { key: key.into(), value: Value::String(value.into()) }
}

#[cfg(unix)]
fn hostname() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(not(unix))]
fn hostname() -> Option<String> {
    std::env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}

/// The first IPv4 address of an interface that is up and not the loopback.
fn ip() -> Option<Ipv4Addr> {
    let interfaces = if_addrs::get_if_addrs().ok()?;
    interfaces.into_iter().filter(|interface| interface.is_oper_up() && !interface.is_loopback()).find_map(
        |interface| match interface.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        },
    )
}

/// Tells this tracer from every other one, also from those of processes forked from the same parent, which share the hasher's keys.
fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    hasher.write_u128(since_1970.as_nanos());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(process: &Process<'_>) -> Vec<(String, String)> {
        let pair = |tag: &Tag<'_>| match &tag.value {
            Value::String(text) => (tag.key.to_string(), text.to_string()),
            other => panic!("{} is {other:?}, not text", tag.key),
        };
        process.tags.iter().map(pair).collect()
    }

    fn own(tags: &[(&str, &str)]) -> Vec<(String, String)> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn ours_come_first_then_the_users_in_order() {
        let process = describe("shop", &own(&[("zone", "b"), ("build", "7"), ("zone", "c")]));
        assert_eq!(process.service_name, "shop");
        let tags = pairs(&process);
        assert_eq!(tags[0], ("jaeger.version".into(), format!("Rust-{}", env!("CARGO_PKG_VERSION"))));
        assert_eq!(tags[tags.len() - 3..], own(&[("zone", "b"), ("build", "7"), ("zone", "c")]));
        let order = ["jaeger.version", "hostname", "ip", "client-uuid", "zone"];
        let places: Vec<_> = order.iter().filter_map(|key| tags.iter().position(|(k, _)| k == key)).collect();
        assert!(places.is_sorted(), "{tags:?}");
        assert!(tags.iter().all(|(_, value)| !value.is_empty()), "{tags:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_host_is_named_as_the_system_names_it() {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(hostname().as_deref(), Some(kernel.trim_end()).filter(|name| !name.is_empty()));
    }

    #[test]
    fn an_address_of_this_host_that_others_could_reach() {
        if let Some(ip) = ip() {
            assert!(!ip.is_loopback() && !ip.is_unspecified());
            // It is ours if a socket can be bound to it.
            std::net::UdpSocket::bind((ip, 0)).unwrap();
        }
    }

    #[test]
    fn each_tracer_is_another_client() {
        let uuid = || {
            let tags = pairs(&describe("shop", &[]));
            tags.into_iter().find(|(key, _)| key == "client-uuid").unwrap().1
        };
        let (one, other) = (uuid(), uuid());
        assert_ne!(one, other);
        assert!(u64::from_str_radix(&one, 16).is_ok() && one.len() > 8, "{one}");
    }

    #[test]
    fn a_tag_of_the_users_takes_the_place_of_ours() {
        let tags = pairs(&describe("shop", &own(&[("ip", "10.1.2.3"), ("hostname", "pod-1")])));
        let values =
            |key: &str| tags.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
        assert_eq!((values("ip"), values("hostname")), (vec!["10.1.2.3"], vec!["pod-1"]));
    }
}
