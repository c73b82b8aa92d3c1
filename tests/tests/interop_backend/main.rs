//! The real Jaeger and ours, fed the same spans and asked the same questions, answer the same.
//!
//! Both get the captures of real clients and made-up spans for every rule by which Jaeger shows them, over UDP, HTTP, OTLP and Zipkin, and then a long list of
//! questions, good and bad. Status, kind of content and JSON must be the same once what Jaeger leaves in random order is sorted (`canonical`). The differences
//! that are meant stand in one table with their reasons (`accepted`), which is printed; any other one fails, and so does one that no answer shows. All of it with storage in memory and in a file.

mod accepted;
mod canonical;
mod diff;
mod forward;
mod otlp;
mod queries;
mod sides;
mod thrift;
mod zipkin;

use std::time::{SystemTime, UNIX_EPOCH};

use jaeger_all_in_one::config::Storage;
use jaeger_thrift::{Message, Protocol};
use tests::{Jaeger, say, skip};

use accepted::ACCEPTED;
use queries::Question;
use sides::Side;

#[test]
fn same_spans_same_questions_same_answers() {
    same("same_spans_same_questions_same_answers", Storage::Memory);
}

#[test]
fn same_spans_same_questions_same_answers_from_a_file() {
    let folder = std::env::temp_dir().join(format!("interop-backend-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let file = folder.join("spans.db");
    same("same_spans_same_questions_same_answers_from_a_file", Storage::Sqlite(file.clone()));
    let _ = std::fs::remove_dir_all(&folder);
}

/// With one kind of storage.
fn same(test: &str, storage: Storage) {
    let jaeger = match Jaeger::start() {
        Ok(jaeger) => jaeger,
        Err(missing) => return skip(test, &missing),
    };
    let backend = Side::start(storage);
    let sides = [Side::theirs(&jaeger), Side::ours(&backend)];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_micros() as i64;
    // Ten minutes ago, to the millisecond: within what a search looks at by default.
    let at = now / 1_000 * 1_000 - 600_000_000;
    let services = feed(&sides, at);
    compare(&sides, &queries::all(at, &services));
    newest_first(&sides, at);
}

/// Traces come newest first by the arrival of their first span, whatever their times: sent one after the other, each awaited.
fn newest_first(sides: &[Side; 2], at: i64) {
    for (n, start) in [5, 1, 4, 2, 3].into_iter().enumerate() {
        send(sides, &thrift::arrival(n as u128, at + start), Way::Compact);
        for side in sides {
            side.await_traces("arrives", n + 1);
        }
    }
    for limit in [1, 3, 5, 9] {
        let path = format!("/api/traces?service=arrives&limit={limit}");
        let [theirs, ours] = [&sides[0], &sides[1]].map(|side| side.ask("GET", &path, "").trace_ids());
        assert_eq!(ours.len(), limit.min(5), "{path}");
        assert_eq!(theirs, ours, "{path}");
    }
}

/// How a batch gets there.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Compact,
    Binary,
    Http,
}

impl Way {
    const ALL: [Way; 3] = [Way::Compact, Way::Binary, Way::Http];
}

/// A batch as a datagram.
fn encoded(made: &thrift::Made, protocol: Protocol) -> Vec<u8> {
    let mut bytes = Vec::new();
    Message::new(made.batch.clone()).encode_into(protocol, &mut bytes);
    if let Some((from, to)) = made.broken {
        replace(&mut bytes, from.as_bytes(), to);
    }
    bytes
}

/// Sends a batch to both.
fn send(sides: &[Side; 2], made: &thrift::Made, way: Way) {
    for side in sides {
        match way {
            Way::Compact => side.send(side.compact, &encoded(made, Protocol::Compact)),
            Way::Binary => side.send(side.binary, &encoded(made, Protocol::Binary)),
            Way::Http => {
                let mut body = Vec::new();
                made.batch.encode_into(Protocol::Binary, &mut body);
                if let Some((from, to)) = made.broken {
                    replace(&mut body, from.as_bytes(), to);
                }
                side.post(
                    side.thrift_http,
                    "/api/traces?format=jaeger.thrift",
                    "application/x-thrift",
                    &body,
                );
            }
        }
    }
}

/// What real clients sent over UDP, with the names of their services.
const CAPTURES: &[(&[u8], Protocol, &str)] = &[
    (include_bytes!("../../../jaeger-thrift/tests/data/go.bin"), Protocol::Compact, "go-svc"),
    (include_bytes!("../../../jaeger-thrift/tests/data/python.bin"), Protocol::Compact, "py-svc"),
    (include_bytes!("../../../jaeger-thrift/tests/data/node.bin"), Protocol::Binary, "node-svc"),
];

/// Sends everything to both and waits until it is found; the names of the services.
fn feed(sides: &[Side; 2], at: i64) -> Vec<String> {
    // Jaeger says that it is healthy a moment before it hears datagrams.
    for side in sides {
        for (protocol, to) in [(Protocol::Compact, side.compact), (Protocol::Binary, side.binary)] {
            let hello = thrift::hello(protocol, at);
            let service = hello.batch.process.service_name.to_string();
            side.await_ears(to, &encoded(&hello, protocol), &service);
        }
    }
    let mut services = Vec::new();
    for (n, made) in thrift::all(at).iter().enumerate() {
        send(sides, made, Way::ALL[n % Way::ALL.len()]);
        let name = made.batch.process.service_name.to_string();
        services.push(if name.is_empty() { "missing-service-name".to_owned() } else { name });
    }
    for (capture, protocol, service) in CAPTURES {
        for side in sides {
            side.send(if *protocol == Protocol::Compact { side.compact } else { side.binary }, capture);
        }
        services.push((*service).to_owned());
    }
    for request in otlp::all(at) {
        for side in sides {
            side.post(side.otlp_http, "/v1/traces", "application/json", request.body.to_string().as_bytes());
        }
        services.extend(request.services.iter().map(|service| (*service).to_owned()));
    }
    for side in sides {
        side.post(side.zipkin, "/api/v2/spans", "application/json", zipkin::all(at).to_string().as_bytes());
    }
    services.extend(zipkin::SERVICES.iter().map(|service| (*service).to_owned()));
    let [theirs, ours] = sides;
    for service in &services {
        ours.await_service(service);
        theirs.await_service(if service == thrift::RENAMED.0 { thrift::RENAMED.1 } else { service });
    }
    services.push(thrift::RENAMED.1.to_owned());
    services.sort();
    services.dedup();
    services
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the text is there");
    bytes[at..at + to.len()].copy_from_slice(to);
}

/// Asks both, levels what is meant, and fails with all that differs beyond it.
fn compare(sides: &[Side; 2], questions: &[Question]) {
    let mut met = vec![0; ACCEPTED.len()];
    let (mut same, mut levelled) = (0, 0);
    let mut faults = Vec::new();
    for question in questions {
        let [mut theirs, mut ours] =
            [&sides[0], &sides[1]].map(|side| side.ask(question.method, &question.path, &question.body));
        let plain = {
            let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
            canonical::order(&question.path, &mut theirs);
            canonical::order(&question.path, &mut ours);
            theirs == ours
        };
        if plain {
            same += 1;
            continue;
        }
        for (difference, met) in ACCEPTED.iter().zip(&mut met) {
            *met += usize::from((difference.level)(question, &mut theirs, &mut ours));
        }
        canonical::order(&question.path, &mut theirs);
        canonical::order(&question.path, &mut ours);
        if theirs == ours {
            levelled += 1;
        } else {
            faults.push(format!("{} {}\n{}", question.method, question.path, diff::told(&theirs, &ours)));
        }
    }
    say(&format!("{} questions: {same} answered alike, {levelled} but for what is meant", questions.len()));
    for (difference, met) in ACCEPTED.iter().zip(&met) {
        say(&format!("{met:5} × {}\n        because {}", difference.what, difference.why));
    }
    assert!(faults.is_empty(), "{} differences that are not meant:\n\n{}", faults.len(), faults.join("\n\n"));
    let stale: Vec<_> =
        ACCEPTED.iter().zip(&met).filter(|(_, met)| **met == 0).map(|(one, _)| one.what).collect();
    assert!(stale.is_empty(), "differences that no answer showed: {stale:#?}");
}

/// The table is what a user reads, too.
#[test]
fn the_readme_has_the_differences() {
    let readme = include_str!("../../../jaeger-all-in-one/README.md");
    for difference in ACCEPTED {
        let row = format!("| {} | {} |", difference.what, difference.why);
        assert!(readme.lines().any(|line| line == row), "jaeger-all-in-one/README.md lacks the row\n{row}");
    }
    let rows = readme.lines().filter(|line| line.starts_with("| ") && line.contains("; ours")).count();
    assert_eq!(rows, ACCEPTED.len(), "jaeger-all-in-one/README.md has a row that is in no table");
}
