//! Spans whose clocks disagree: a child that lies outside its parent, on another host, gets a warning that says by how much.
//!
//! Jaeger can move such spans; it is off there by default, and here there is only the warning. A child shorter than its parent is thought to lie in its
//! middle; a longer one to start no earlier. Spans below take over the difference as long as they are of the same host. A host is the process tag `ip`; where
//! there is none, every span is on its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jaeger_thrift::{Process, Value};

use super::shown::Shown;
use super::{Version, library, references};
use crate::values::Duration;

/// Adds the warnings about clocks, and those about ids that keep clocks from being compared.
pub fn warn(spans: &mut [Shown], version: Version) {
    let hosts = numbered_hosts(spans, version);
    let parents: Vec<u64> =
        spans.iter().map(|one| references::parent(one.span.trace_id, &one.span.references)).collect();
    let mut places: HashMap<u64, usize> = HashMap::with_capacity(spans.len());
    let mut counted = Vec::with_capacity(spans.len());
    for (at, one) in spans.iter_mut().enumerate() {
        match places.entry(one.span.span_id) {
            Entry::Occupied(_) => {
                one.warnings.push("duplicate span IDs; skipping clock skew adjustment".to_owned());
            }
            Entry::Vacant(place) => {
                place.insert(at);
                counted.push(at);
            }
        }
    }
    // Of each span its last child, and of each child the one before it.
    let mut last_child: Vec<Option<usize>> = vec![None; spans.len()];
    let mut before: Vec<Option<usize>> = vec![None; spans.len()];
    // A span to be looked at, with what it takes over from above. Spans in a circle are below no root and never looked at.
    let mut open: Vec<(usize, Option<usize>, i128, Option<usize>)> = Vec::new();
    for at in counted {
        let parent = parents[at];
        match places.get(&parent) {
            _ if parent == 0 => open.push((at, None, 0, hosts[at])),
            Some(&place) => before[at] = last_child[place].replace(at),
            None => {
                spans[at].warnings.push(match version {
                    Version::One => {
                        format!("invalid parent span IDs={parent:016x}; skipping clock skew adjustment")
                    }
                    Version::Three => {
                        format!(
                            "parent span ID={parent:016x} is not in the trace; skipping clock skew adjustment"
                        )
                    }
                });
                open.push((at, None, 0, hosts[at]));
            }
        }
    }
    while let Some((at, parent, mut delta, mut host)) = open.pop() {
        if let Some(parent) = parent
            && (hosts[at].is_none() || hosts[at] != host)
        {
            host = hosts[at];
            delta = difference(&spans[at], &spans[parent]);
        }
        if delta != 0 {
            let by = Duration(delta.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
            spans[at]
                .warnings
                .push(format!("clock skew adjustment disabled; not applying calculated delta of {by}"));
        }
        let children = std::iter::successors(last_child[at], |&child| before[child]);
        open.extend(children.map(|child| (child, Some(at), delta, host)));
    }
}

/// The host of each span, if it says one, as a number.
fn numbered_hosts(spans: &[Shown], version: Version) -> Vec<Option<usize>> {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut number = |process: &Process<'_>| {
        let name = host(process, version)?;
        let next = numbers.len();
        Some(*numbers.entry(name).or_insert(next))
    };
    // Spans of one process come one after the other, most often.
    let mut last: Option<(&Arc<Process<'static>>, Option<usize>)> = None;
    let of = spans.iter().map(|Shown { process, .. }| match last {
        Some((known, host)) if Arc::ptr_eq(known, process) => host,
        _ => {
            let host = number(process);
            last = Some((process, host));
            host
        }
    });
    of.collect()
}

/// By how many nanoseconds the child would have to move.
fn difference(child: &Shown, parent: &Shown) -> i128 {
    let times = |one: &Shown| {
        let start = i128::from(one.span.start_time) * 1_000;
        (start, start + i128::from(one.span.duration) * 1_000)
    };
    let ((child_start, child_end), (start, end)) = (times(child), times(parent));
    let (child_lasts, lasts) = (child_end - child_start, end - start);
    if child_lasts > lasts {
        return (start - child_start).max(0);
    }
    if start <= child_start && child_end <= end {
        return 0;
    }
    start + (lasts - child_lasts) / 2 - child_start
}

/// Where a process runs, if it says so.
fn host(process: &Process<'_>, version: Version) -> Option<String> {
    let tag = |key: &str| process.tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value);
    let text = |value: &Value<'_>| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone().into_owned()),
        _ => None,
    };
    match version {
        Version::One => match tag("ip")? {
            Value::Binary(bytes) => match bytes.len() {
                4 => <[u8; 4]>::try_from(&bytes[..]).ok().map(|bytes| Ipv4Addr::from(bytes).to_string()),
                16 => <[u8; 16]>::try_from(&bytes[..])
                    .ok()
                    .map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical().to_string()),
                _ => None,
            },
            value @ Value::Long(_) => library::address(value).map(|address| address.to_string()),
            value => text(value),
        },
        Version::Three => {
            ["host.id", "host.ip", "host.name"].into_iter().find_map(|key| tag(key).map(text)).flatten()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jaeger_thrift::{Span, Tag};

    fn span(id: u64, parent: u64, start_time: i64, duration: i64, ip: &'static str) -> Shown {
        let tags = if ip.is_empty() { vec![] } else { vec![Tag::new("ip", ip)] };
        let process = Process { service_name: "s".into(), tags };
        let span = Span {
            trace_id: 1,
            span_id: id,
            parent_span_id: parent,
            start_time,
            duration,
            ..Span::default()
        };
        Shown::new(process.into(), span)
    }

    fn warnings(mut spans: Vec<Shown>) -> Vec<String> {
        warn(&mut spans, Version::One);
        spans
            .into_iter()
            .map(|one| {
                let text = one.warnings.join("; ");
                text.replace("clock skew adjustment disabled; not applying calculated delta of ", "")
            })
            .collect()
    }

    #[test]
    fn a_child_outside_its_parent() {
        let parent = || span(1, 0, 10_000, 10_000, "a");
        // Before, after, shorter: to its middle. Longer: to its start, if it began before.
        for (start, duration, by) in [
            (1_000, 10_000, "9ms"),
            (1_000, 2_000, "13ms"),
            (19_000, 2_000, "-5ms"),
            (9_000, 20_000, "1ms"),
            (11_000, 20_000, ""),
            (10_000, 10_000, ""),
            (12_000, 5_000, ""),
            (9_999, 9_999, "1.5\u{b5}s"),
        ] {
            let told = warnings(vec![parent(), span(2, 1, start, duration, "b")]);
            assert_eq!(told, ["", by], "{start} {duration}");
        }
    }

    #[test]
    fn one_host_has_one_clock() {
        assert_eq!(warnings(vec![span(1, 0, 10, 10, "a"), span(2, 1, 0, 1, "a")]), ["", ""]);
        // No host, no trust.
        assert_eq!(warnings(vec![span(1, 0, 10, 10, ""), span(2, 1, 0, 1, "")]), ["", "14.5\u{b5}s"]);
        // What is below on the same host differs by as much.
        let spans = vec![
            span(1, 0, 10_000, 10_000, "a"),
            span(2, 1, 1_000, 10_000, "b"),
            span(3, 2, 2_000, 1, "b"),
            span(4, 3, 0, 1, "c"),
        ];
        assert_eq!(warnings(spans), ["", "9ms", "9ms", "2ms"]);
    }

    #[test]
    fn ids_that_lead_nowhere() {
        let spans = vec![span(1, 0, 0, 9, ""), span(1, 0, 5, 9, ""), span(2, 7, 0, 1, "")];
        assert_eq!(
            warnings(spans),
            [
                "",
                "duplicate span IDs; skipping clock skew adjustment",
                "invalid parent span IDs=0000000000000007; skipping clock skew adjustment"
            ]
        );
    }

    #[test]
    fn circles_and_depth_end() {
        assert_eq!(
            warnings(vec![span(1, 2, 0, 1, ""), span(2, 1, 9, 1, ""), span(3, 3, 0, 1, "")]),
            ["", "", ""]
        );
        let deep = (1..=100_000).map(|id| span(id, id - 1, 0, 1, "a")).collect();
        assert!(warnings(deep).iter().all(String::is_empty));
    }

    #[test]
    fn absurd_times() {
        let told = warnings(vec![span(1, 0, i64::MAX, i64::MAX, "a"), span(2, 1, i64::MIN, i64::MIN, "b")]);
        assert_eq!(told, ["", "2562047h47m16.854775807s"]);
    }

    #[test]
    fn hosts() {
        let host = |tags| host(&Process { service_name: "s".into(), tags }, Version::One);
        assert_eq!(host(vec![Tag::new("ip", 0x7f00_0001)]).as_deref(), Some("127.0.0.1"));
        assert_eq!(host(vec![Tag::new("ip", b"\x7f\0\0\x01".as_slice())]).as_deref(), Some("127.0.0.1"));
        assert_eq!(host(vec![Tag::new("ip", b"abc".as_slice())]), None);
        assert_eq!(host(vec![Tag::new("ip", "x")]).as_deref(), Some("x"));
        assert_eq!(host(vec![]), None);
    }
}
