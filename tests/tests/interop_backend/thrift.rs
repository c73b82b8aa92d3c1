//! Spans as Thrift clients send them, one batch for every rule by which Jaeger shows them.

use jaeger_thrift::{Batch, Log, Process, Protocol, RefType, Span, SpanRef, Tag, Value};

/// A batch by its subject, which is the name of its service unless that is what it is about.
pub(crate) struct Made {
    pub(crate) batch: Batch<'static>,
    /// What the bytes of this text are to be replaced with, of the same length: text that is no UTF-8, which the model cannot hold.
    pub(crate) broken: Option<(&'static str, &'static [u8])>,
}

/// Milliseconds, in µs.
pub(crate) const MS: i64 = 1_000;
/// The trace of two services; what is asked about by its id.
pub(crate) const SHOP: u128 = 0x00ab_cdef_0000_0001_0000_0000_0000_5407;

/// A service, and the name that Jaeger gives it because its process has a tag `service.name`.
pub(crate) const RENAMED: (&str, &str) = ("renamed", "another");

/// A span of 10 ms, 1 ms after the one whose id is one less.
fn span(trace_id: u128, span_id: u64, parent_span_id: u64, at: i64) -> Span<'static> {
    Span {
        trace_id,
        span_id,
        parent_span_id,
        operation_name: format!("op{span_id}").into(),
        flags: 0,
        start_time: at + span_id as i64 * MS,
        duration: 10 * MS,
        ..Span::default()
    }
}

fn tagged(mut span: Span<'static>, tags: Vec<Tag<'static>>) -> Span<'static> {
    span.tags = tags;
    span
}

fn tag(key: &'static str, value: impl Into<Value<'static>>) -> Tag<'static> {
    Tag::new(key, value)
}

fn reference(ref_type: RefType, trace_id: u128, span_id: u64) -> SpanRef {
    SpanRef { ref_type, trace_id, span_id }
}

fn made(service: &'static str, tags: Vec<Tag<'static>>, spans: Vec<Span<'static>>) -> Made {
    let process = Process { service_name: service.into(), tags };
    Made { batch: Batch { process, spans, ..Batch::default() }, broken: None }
}

/// All of them; `at` is when they begin, µs since 1970. Trace ids are their place in this list, times 0x100.
pub(crate) fn all(at: i64) -> Vec<Made> {
    let mut all = vec![
        values(0x100, at),
        statuses(0x200, at),
        http(0x300, at),
        logs(0x400, at),
        references(0x500, at),
        process(at),
        renamed(at),
        addresses(0x700, at),
        library(0x800, at),
        twice(0x900, at),
        shared_ids(0xa00, at),
        odd_times(0xb00, at),
        broken_text(0xc00, at),
        numbers_that_are_none(0xd00, at),
        flags(0xe00, at),
        ids(at),
        made("", vec![], vec![span(0x1000, 1, 0, at)]),
        made("durations", vec![], durations(0x1100, at)),
    ];
    all.extend(shop(at));
    all.extend(skew(0x1200, at));
    all
}

/// A span of a service that nothing is asked about: it is sent until somebody hears it.
pub(crate) fn hello(protocol: Protocol, at: i64) -> Made {
    match protocol {
        Protocol::Compact => made("hello-compact", vec![], vec![span(0x3000, 1, 0, at)]),
        Protocol::Binary => made("hello-binary", vec![], vec![span(0x3001, 1, 0, at)]),
    }
}

/// A trace by the order in which it is sent; `start` says when it began.
pub(crate) fn arrival(n: u128, start: i64) -> Made {
    made("arrives", vec![], vec![Span { start_time: start, ..span(0x2000 + n, 1, 0, start) }])
}

fn values(trace: u128, at: i64) -> Made {
    let tags = vec![
        tag("z.text", "plain"),
        tag("a.text", "<b>&\u{2028}\u{1f600}\"\\"),
        tag("empty", ""),
        tag("yes", true),
        tag("no", false),
        tag("small", -7),
        tag("safe", (1_i64 << 53) - 1),
        tag("unsafe", 1_i64 << 53),
        tag("least", i64::MIN),
        tag("whole", 5.0),
        tag("part", 0.1),
        tag("huge", 1e21),
        tag("tiny", -1e-7),
        tag("bytes", b"\x00\xff\x01".as_slice()),
        tag("twice", 1),
        tag("twice", "two"),
        tag("Upper", "case"),
        tag("colon", "a:b"),
    ];
    made("values", vec![tag("process.tag", "p"), tag("a", 1.5)], vec![tagged(span(trace, 1, 0, at), tags)])
}

fn statuses(trace: u128, at: i64) -> Made {
    let kind = |kind: &'static str| tag("span.kind", kind);
    let each = [
        vec![tag("error", true)],
        vec![tag("error", false)],
        vec![tag("error", "true")],
        vec![tag("error", 1)],
        vec![kind("server"), tag("a", 1), tag("error", true), tag("b", 2)],
        vec![kind("client")],
        vec![kind("producer")],
        vec![kind("consumer")],
        vec![kind("internal")],
        vec![kind("SERVER"), tag("a", 1)],
        vec![tag("span.kind", 2)],
        vec![kind("unspecified")],
        vec![tag("otel.status_code", "OK")],
        vec![tag("otel.status_code", "error")],
        vec![tag("otel.status_code", "odd")],
        vec![tag("otel.status_code", "OK"), tag("error", true)],
        vec![tag("otel.status_description", "alone")],
        vec![
            tag("error", true),
            tag("otel.status_description", "mine"),
            tag("http.status_message", "theirs"),
        ],
        vec![tag("error", true), tag("http.status_message", "theirs")],
        vec![tag("otel.status_code", "OK"), tag("otel.status_description", "good")],
        vec![tag("w3c.tracestate", "a=b"), tag("otel.scope.name", "lib")],
    ];
    let spans = (1..).zip(each).map(|(id, tags)| tagged(span(trace, id, 0, at), tags)).collect();
    made("statuses", vec![], spans)
}

fn http(trace: u128, at: i64) -> Made {
    let mut spans = Vec::new();
    for code in [0, 99, 100, 200, 302, 398, 399, 400, 404, 499, 500, 503, 600, -1] {
        for kind in ["", "server", "client", "consumer"] {
            let mut tags = vec![tag("http.status_code", code), tag("http.status_message", "said")];
            if !kind.is_empty() {
                tags.push(tag("span.kind", kind));
            }
            spans.push(tagged(span(trace, spans.len() as u64 + 1, 0, at), tags));
        }
    }
    for value in ["500".into(), "none".into(), Value::Double(500.0), Value::Bool(true)] {
        let tags = vec![Tag { key: "http.status_code".into(), value }];
        spans.push(tagged(span(trace, spans.len() as u64 + 1, 0, at), tags));
    }
    made("http", vec![], spans)
}

fn logs(trace: u128, at: i64) -> Made {
    let mut one = span(trace, 1, 0, at);
    let each = [
        vec![tag("z", 1), tag("event", "first"), tag("a", "x"), tag("m", 2.5)],
        vec![tag("event", "only")],
        vec![],
        vec![tag("message", "no event"), tag("level", "info")],
        vec![tag("b", 1), tag("b", 2), tag("a", 3)],
        vec![tag("error.object", "boom"), tag("event", "error"), tag("stack", "a\nb")],
    ];
    one.logs = (0..).zip(each).map(|(n, fields)| Log { timestamp: at + 9 * MS - n, fields }).collect();
    let mut odd = span(trace, 2, 1, at);
    odd.logs = [tag("event", 5), tag("event", "")]
        .map(|event| Log { timestamp: at, fields: vec![event, tag("kept", true)] })
        .into();
    made("logs", vec![], vec![one, odd])
}

fn references(trace: u128, at: i64) -> Made {
    use RefType::{ChildOf, FollowsFrom};
    let mut spans = vec![span(trace, 1, 0, at), span(trace, 2, 1, at)];
    for (parent, references) in [
        (1, vec![reference(ChildOf, trace, 1)]),
        (1, vec![reference(ChildOf, trace, 2), reference(ChildOf, trace, 1)]),
        (1, vec![reference(FollowsFrom, trace, 1)]),
        (1, vec![reference(FollowsFrom, 0xbeef, 1), reference(FollowsFrom, trace, 2)]),
        (0, vec![reference(ChildOf, trace, 2)]),
        (0, vec![reference(FollowsFrom, trace, 1), reference(ChildOf, trace, 2)]),
        (0, vec![reference(FollowsFrom, 0xbeef, 1), reference(FollowsFrom, trace, 2)]),
        (0, vec![reference(ChildOf, 0xbeef, 7)]),
        (1, vec![reference(ChildOf, 1 << 64, 7)]),
        (1, vec![reference(ChildOf, 0xbeef, 1)]),
        (1, vec![reference(FollowsFrom, 0, 3)]),
    ] {
        let id = spans.len() as u64 + 1;
        spans.push(Span { references, ..span(trace, id, parent, at) });
    }
    made("references", vec![tag("ip", "10.0.0.1")], spans)
}

fn process(at: i64) -> Made {
    let tags = vec![
        tag("hostname", "box"),
        tag("jaeger.version", "Go-2.30.0"),
        tag("ip", "10.0.0.9"),
        tag("client-uuid", "1b2c"),
        tag("repeated", 1),
        tag("repeated", 2),
    ];
    made("process", tags, vec![span(0x600, 1, 0, at)])
}

/// A process that says in a tag that it is another service.
fn renamed(at: i64) -> Made {
    made(RENAMED.0, vec![tag("service.name", RENAMED.1), tag("b", 1)], vec![span(0x601, 1, 0, at)])
}

fn addresses(trace: u128, at: i64) -> Made {
    let one = tagged(
        span(trace, 1, 0, at),
        vec![tag("peer.ipv4", 0x7f00_0001), tag("ip", -1), tag("peer.port", 80)],
    );
    let two = tagged(span(trace, 2, 1, at), vec![tag("peer.ipv4", 16_909_060.0), tag("ip", "as it is")]);
    // What is no address, and no whole number of 64 bits.
    let three = tagged(span(trace, 3, 1, at), vec![tag("peer.ipv4", -1.0), tag("ip", 1e20)]);
    made(
        "addresses",
        vec![tag("ip", 0x0a00_0001), tag("hostname", "h"), tag("host.name", "taken")],
        vec![one, two, three],
    )
}

fn library(trace: u128, at: i64) -> Made {
    let tags = vec![
        tag("telemetry.sdk.name", "otel"),
        tag("kept", 1),
        tag("telemetry.distro.version", "3"),
        tag("telemetry.sdk.language", "rust"),
        tag("telemetry.auto.version", "stays"),
    ];
    made("library", vec![tag("z", 1)], vec![tagged(span(trace, 1, 0, at), tags), span(trace, 2, 1, at)])
}

/// The same span again, the same id with something else in it, and a parent that is not there.
// One host, so that clocks say nothing: which of two with the same id Jaeger compares with the parent is left to chance.
fn twice(trace: u128, at: i64) -> Made {
    let one = tagged(span(trace, 1, 0, at), vec![tag("b", 1), tag("a", 2)]);
    let turned = tagged(span(trace, 1, 0, at), vec![tag("a", 2), tag("b", 1)]);
    let other = tagged(span(trace, 2, 1, at), vec![tag("which", "one")]);
    let same_id = tagged(span(trace, 2, 1, at), vec![tag("which", "two")]);
    made(
        "twice",
        vec![tag("ip", "1.1.1.1"), tag("hostname", "h")],
        vec![one.clone(), one, turned, other, same_id, span(trace, 3, 0x77, at)],
    )
}

/// A call by Zipkin's habit: client and server are one id.
fn shared_ids(trace: u128, at: i64) -> Made {
    let kind = |kind: &'static str| vec![tag("span.kind", kind)];
    let client = tagged(span(trace, 5, 4, at), kind("client"));
    let mut server = tagged(span(trace, 5, 4, at), kind("server"));
    server.operation_name = "handled".into();
    server.start_time += 1;
    server.duration -= 10;
    made(
        "shared-ids",
        vec![tag("ip", "1.1.1.1")],
        vec![span(trace, 4, 0, at), client, server, span(trace, 6, 5, at)],
    )
}

fn odd_times(trace: u128, at: i64) -> Made {
    let none = Span { duration: 0, ..span(trace, 1, 0, at) };
    let less = Span { duration: -5 * MS, ..span(trace, 2, 0, at) };
    let early = Span { start_time: -1_500_000, ..span(trace + 1, 1, 0, at) };
    made("odd-times", vec![tag("ip", "1.1.1.1")], vec![none, less, early])
}

fn broken_text(trace: u128, at: i64) -> Made {
    let one = tagged(span(trace, 1, 0, at), vec![tag("broken", "BROKEN!"), tag("good", "text")]);
    let broken = Some(("BROKEN!", b"br\xffk\xc3n\x80".as_slice()));
    Made { broken, ..made("broken-text", vec![], vec![one]) }
}

fn numbers_that_are_none(trace: u128, at: i64) -> Made {
    let tags = vec![tag("nan", f64::NAN), tag("up", f64::INFINITY), tag("down", f64::NEG_INFINITY)];
    made("no-numbers", vec![], vec![tagged(span(trace, 1, 0, at), tags)])
}

fn flags(trace: u128, at: i64) -> Made {
    let flag = |id, flags| Span { flags, ..span(trace, id, 0, at) };
    made("flags", vec![], vec![flag(1, 1), flag(2, 2), flag(3, 3), flag(4, -1)])
}

fn ids(at: i64) -> Made {
    let with = |trace, id| Span { operation_name: "".into(), span_id: id, ..span(trace, 1, 0, at) };
    made(
        "ids",
        vec![],
        vec![with(0xf00, 1), with(u128::MAX, u64::MAX), with(1 << 64, 1 << 63), with(u64::MAX.into(), 9)],
    )
}

fn durations(trace: u128, at: i64) -> Vec<Span<'static>> {
    let each = [1, 999, 1_000, 1_001, 1_500, 60_000_000, 3_600_000_000];
    (0_u128..).zip(each).map(|(n, duration)| Span { duration, ..span(trace + n, 1, 0, at) }).collect()
}

/// Two services, one of which calls the other and itself.
fn shop(at: i64) -> Vec<Made> {
    let kind = |kind: &'static str| vec![tag("span.kind", kind), tag("http.method", "GET")];
    let within = |id: u64, parent, room: i64| Span { duration: room * MS, ..span(SHOP, id, parent, at) };
    let asks = tagged(within(2, 1, 40), kind("client"));
    let answers = tagged(within(3, 2, 30), kind("server"));
    let fails = tagged(within(4, 3, 5), vec![tag("error", true), tag("db.rows", 17)]);
    vec![
        made("shop", vec![tag("ip", "10.0.0.1")], vec![within(1, 0, 100), asks]),
        made("stock", vec![tag("ip", "10.0.0.2")], vec![answers, fails, within(5, 3, 5)]),
    ]
}

/// Children outside their parents, on hosts that are the same, others, unknown.
fn skew(trace: u128, at: i64) -> Vec<Made> {
    let moved = |id, parent, start: i64, duration: i64| Span {
        start_time: at + start,
        duration,
        ..span(trace, id, parent, at)
    };
    let parents = vec![moved(1, 0, 100 * MS, 100 * MS)];
    let others = vec![
        moved(2, 1, 91 * MS, 100 * MS),
        moved(3, 1, 50 * MS, 10 * MS),
        moved(4, 1, 195 * MS, 10 * MS),
        moved(5, 1, 90 * MS, 200 * MS),
        moved(6, 1, 110 * MS, 200 * MS),
        moved(7, 1, 110 * MS, 20 * MS),
        moved(8, 2, 80 * MS, MS),
        moved(9, 1, 10 * MS, 99_999),
    ];
    vec![
        made("skew-parents", vec![tag("ip", "10.0.0.1")], parents),
        made("skew-others", vec![tag("ip", "10.0.0.2")], others),
        made("skew-same", vec![tag("ip", 0x0a00_0001)], vec![moved(10, 1, 50 * MS, 10 * MS)]),
        made(
            "skew-unknown",
            vec![],
            vec![moved(11, 1, 50 * MS, 10 * MS), moved(12, 11, 0, MS), moved(13, 0x99, 0, MS)],
        ),
        made(
            "skew-bytes",
            vec![tag("ip", b"\x0a\x00\x00\x01".as_slice())],
            vec![moved(14, 1, 50 * MS, 10 * MS)],
        ),
    ]
}
