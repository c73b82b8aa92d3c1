//! What is small on the wire and large in memory: the program holds no more of it than it has said to itself, and refuses what would be too much.
#![cfg(target_os = "linux")]

mod common;

use common::program::start;
use common::request;
use jaeger_all_in_one::receive::unpacked;

/// Bytes that all bodies may become at a time.
const READ: usize = 1 << 30;

/// A field of protobuf that holds bytes.
fn field(number: u8, held: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2];
    let mut length = held.len();
    while length >= 0x80 {
        all.push(length as u8 | 0x80);
        length >>= 7;
    }
    all.push(length as u8);
    all.extend_from_slice(held);
    all
}

/// Fields within each other, the outermost first.
fn within(numbers: &[u8], held: &[u8]) -> Vec<u8> {
    numbers.iter().rev().fold(held.to_vec(), |held, number| field(*number, &held))
}

/// Requests that are one element again and again: where to, and the body with so many.
struct Bomb {
    name: &'static str,
    port: &'static str,
    path: &'static str,
    becomes: fn(&[u8]) -> usize,
    body: Box<dyn Fn(usize) -> Vec<u8>>,
}

fn protobuf(name: &'static str, around: &'static [u8], number: u8) -> Bomb {
    let body = move |count| within(around, &field(number, b"").repeat(count));
    Bomb {
        name,
        port: "--otlp-http-port",
        path: "/v1/traces",
        becomes: unpacked::protobuf,
        body: Box::new(body),
    }
}

fn json(name: &'static str, to: [&'static str; 2], text: [&'static str; 3]) -> Bomb {
    let [begin, element, end] = text;
    let body = move |count| [begin, &format!("{element},").repeat(count), element, end].concat().into_bytes();
    Bomb { name, port: to[0], path: to[1], becomes: unpacked::json, body: Box::new(body) }
}

fn bombs() -> Vec<Bomb> {
    let otlp = ["--otlp-http-port", "/v1/traces"];
    let two = ["--zipkin-port", "/api/v2/spans"];
    let one = ["--zipkin-port", "/api/v1/spans"];
    let page = ["--query-port", "/api/transform"];
    let spans = [r#"{"resourceSpans":[{"scopeSpans":[{"spans":["#, "{}", "]}]}]}"];
    let attributes = [r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":["#, "{}", "]}]}]}]}"];
    let events = [r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"events":["#, "{}", "]}]}]}]}"];
    let links = [r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"links":["#, "{}", "]}]}]}]}"];
    let values = [
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":{"arrayValue":{"values":["#,
        "{}",
        "]}}}]}]}]}]}",
    ];
    vec![
        protobuf("resources", &[], 1),
        protobuf("attributes of a resource", &[1, 1], 1),
        protobuf("scopes", &[1], 2),
        protobuf("spans", &[1, 2], 2),
        protobuf("attributes", &[1, 2, 2], 9),
        protobuf("events", &[1, 2, 2], 11),
        protobuf("attributes of an event", &[1, 2, 2, 11], 3),
        protobuf("links", &[1, 2, 2], 13),
        protobuf("values", &[1, 2, 2, 9, 2, 5], 1),
        protobuf("entries", &[1, 2, 2, 9, 2, 6], 1),
        // The library's messages: a resource that comes behind its spans.
        Bomb {
            body: Box::new(|count| {
                within(&[1], &[within(&[2], &b"\x12\0".repeat(count)), field(1, b"")].concat())
            }),
            ..protobuf("spans for the library", &[], 1)
        },
        json("resources in JSON", otlp, [r#"{"resourceSpans":["#, "{}", "]}"]),
        json("spans in JSON", otlp, spans),
        json("attributes in JSON", otlp, attributes),
        json("events in JSON", otlp, events),
        json("links in JSON", otlp, links),
        json("values in JSON", otlp, values),
        json("spans of Zipkin", two, ["[", "{}", "]"]),
        json("tags of Zipkin", two, [r#"[{"traceId":"1","id":"1","tags":{"#, r#""":"""#, "}}]"]),
        json("annotations of Zipkin", two, [r#"[{"annotations":["#, r#"{"timestamp":1,"value":""}"#, "]}]"]),
        json("spans of Zipkin's first version", one, ["[", "{}", "]"]),
        json("binary annotations", one, [r#"[{"binaryAnnotations":["#, r#"{"key":"","value":""}"#, "]}]"]),
        json("spans to show", page, spans),
        json("attributes to show", page, attributes),
    ]
}

/// The most that a process had resident since it began, in bytes.
fn most(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.split_whitespace().next().and_then(|number| number.parse::<usize>().ok()).expect("kB") << 10
}

#[test]
fn a_request_becomes_no_more_than_was_counted_and_too_much_is_refused() {
    for Bomb { name, port, path, becomes, body } in bombs() {
        let program = start(&[&format!("{port}=0"), "--memory=64MiB"]);
        let of = |line: &str, what: &str| {
            let part = program.line(line).split(" · ").find_map(|part| part.strip_prefix(what));
            std::net::SocketAddr::from((
                [127, 0, 0, 1],
                part.expect("a port").trim().parse().expect("a port"),
            ))
        };
        let to = match port {
            "--query-port" => program.query(),
            "--zipkin-port" => of("Zipkin", "HTTP "),
            _ => of("OTLP", "HTTP "),
        };
        let kind = if path == "/v1/traces" && becomes(b"{") == unpacked::protobuf(b"{") {
            "application/x-protobuf"
        } else {
            "application/json"
        };
        let post = |body: &[u8]| request(to, "POST", path, &[("Content-Type", kind)], body).status;
        let each = (becomes(&body(2_000)) - becomes(&body(1_000))) / 1_000;
        let before = most(program.child.id());
        let much = body(READ / 4 / each);
        let status = post(&much);
        let grown = most(program.child.id()) - before;
        println!("{name}: {status}, {} bytes each, {} MiB of {}", each, grown >> 20, becomes(&much) >> 20);
        assert!(grown <= becomes(&much) + (8 << 20), "{name}: {grown} of {}", becomes(&much));
        assert_ne!(status, 413, "{name}");
        let too_much = body(READ / each + 1);
        if too_much.len() < 20 << 20 {
            assert_eq!(post(&too_much), 413, "{name}");
        }
    }
}
