//! The real Jaeger and ours, fed the same spans and asked the same questions, answer the same.
//!
//! Both get the captures of real clients and made-up spans for every rule by which Jaeger shows them, over UDP, and then a long list of
//! questions, good and bad. Status, kind of content and JSON must be the same once what Jaeger leaves in random order is sorted (`canonical`). The differences
//! that are meant stand in one table with their reasons (`accepted`), which is printed; any other one fails, and so does one that no answer shows.

mod accepted;
mod canonical;
mod diff;
mod queries;
mod sides;
mod thrift;

use std::time::{SystemTime, UNIX_EPOCH};

use jaeger_thrift::{Message, Protocol};
use tests::{Jaeger, say, skip};

use accepted::ACCEPTED;
use queries::Question;
use sides::Side;

#[test]
fn same_spans_same_questions_same_answers() {
    let jaeger = match Jaeger::start() {
        Ok(jaeger) => jaeger,
        Err(missing) => return skip("same_spans_same_questions_same_answers", &missing),
    };
    let backend = Side::start();
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
        send(sides, &thrift::arrival(n as u128, at + start));
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

/// A batch as a datagram.
fn datagram(made: &thrift::Made) -> Vec<u8> {
    let mut datagram = Vec::new();
    Message::new(made.batch.clone()).encode_into(Protocol::Compact, &mut datagram);
    if let Some((from, to)) = made.broken {
        replace(&mut datagram, from.as_bytes(), to);
    }
    datagram
}

/// Sends a batch to both.
fn send(sides: &[Side; 2], made: &thrift::Made) {
    let datagram = datagram(made);
    for side in sides {
        side.send(side.compact, &datagram);
    }
}

/// What real clients sent over UDP, with the names of their services.
const CAPTURES: &[(&[u8], &str)] = &[
    (include_bytes!("../../../jaeger-thrift/tests/data/go.bin"), "go-svc"),
    (include_bytes!("../../../jaeger-thrift/tests/data/python.bin"), "py-svc"),
];

/// Sends everything to both and waits until it is found; the names of the services.
fn feed(sides: &[Side; 2], at: i64) -> Vec<String> {
    // Jaeger says that it is healthy a moment before it hears datagrams.
    let hello = datagram(&thrift::hello(at));
    for side in sides {
        side.await_ears(&hello, thrift::HELLO);
    }
    let mut services = Vec::new();
    for made in thrift::all(at) {
        send(sides, &made);
        let name = made.batch.process.service_name.to_string();
        services.push(if name.is_empty() { "missing-service-name".to_owned() } else { name });
    }
    for (capture, service) in CAPTURES {
        for side in sides {
            side.send(side.compact, capture);
        }
        services.push((*service).to_owned());
    }
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
