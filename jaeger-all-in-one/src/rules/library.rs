//! Tags of a span that say which library made it: they belong to its process. And addresses that came as numbers: they are shown as addresses.

use std::net::Ipv4Addr;
use std::sync::Arc;

use jaeger_thrift::{Process, Tag, Value};

use super::order;
use super::shown::Shown;

const LIBRARY: [&str; 5] = [
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "telemetry.distro.name",
    "telemetry.distro.version",
];

/// Moves the library's tags of a span to a process of its own.
pub fn move_tags(one: &mut Shown) {
    let is_librarys = |tag: &Tag<'_>| LIBRARY.contains(&&*tag.key);
    if !one.span.tags.iter().any(is_librarys) {
        return;
    }
    let process = Arc::<Process<'static>>::make_mut(&mut one.process);
    process.tags.extend(one.span.tags.extract_if(.., |tag| is_librarys(tag)));
    order::tags(&mut process.tags);
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Shows whole numbers (and floats) under `ip` and `peer.ipv4` as addresses.
pub fn show_addresses(tags: &mut [Tag<'_>]) {
    for tag in tags.iter_mut().filter(|tag| tag.key == "ip" || tag.key == "peer.ipv4") {
        if let Some(address) = address(&tag.value) {
            tag.value = Value::String(address.to_string().into());
        }
    }
}

/// The address that a number means: the low 32 bits of its whole part, which are 0 where that has more than 64, as on the machines that Jaeger mostly runs on.
pub fn address(value: &Value<'_>) -> Option<Ipv4Addr> {
    match value {
        Value::Long(number) => Some(Ipv4Addr::from_bits(*number as u32)),
        Value::Double(number) => {
            let fits = (-TWO_TO_63..TWO_TO_63).contains(number);
            Some(Ipv4Addr::from_bits(if fits { *number as i64 as u32 } else { 0 }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::Span;

    #[test]
    fn the_librarys_tags_move() {
        let tags = vec![Tag::new("a", 1), Tag::new("telemetry.sdk.name", "otel"), Tag::new("b", 2)];
        let process = Arc::new(Process { service_name: "s".into(), tags: vec![Tag::new("z", 1)] });
        let mut one = Shown::new(process.clone(), Span { tags, ..Span::default() });
        move_tags(&mut one);
        assert_eq!(one.span.tags, [Tag::new("a", 1), Tag::new("b", 2)]);
        assert_eq!(one.process.tags, [Tag::new("telemetry.sdk.name", "otel"), Tag::new("z", 1)]);
        assert_eq!(process.tags.len(), 1, "other spans keep theirs");
    }

    #[test]
    fn addresses() {
        let mut tags = [
            Tag::new("ip", 0x0a00_0001),
            Tag::new("ip", -1),
            Tag::new("peer.ipv4", 2_130_706_433.0),
            Tag::new("ip", "as it is"),
            Tag::new("port", 80),
        ];
        show_addresses(&mut tags);
        let values = tags.map(|tag| tag.value);
        assert_eq!(values[..4], ["10.0.0.1", "255.255.255.255", "127.0.0.1", "as it is"].map(Value::from));
        assert_eq!(values[4], Value::Long(80));
    }
}
