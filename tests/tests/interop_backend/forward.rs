//! What is sent on to a real Jaeger is found there as if it had been sent to it: by Thrift over HTTP, by OTLP, by UDP.
//!
//! Four Jaegers: one gets everything from the clients themselves, and ours sends everything on to each of the others, in another way to each. They must give the
//! same answers, once what Jaeger leaves in random order is sorted. What OTLP cannot say, or says better, stands in a table with its reason; a service that is
//! in it and answered alike fails, too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jaeger_all_in_one::forward::{Target, Way};
use jaeger_all_in_one::{Backend, Config};
use tests::{Jaeger, say, skip, wait_for};

use crate::sides::{Answer, Body, Side, percent};
use crate::{canonical, diff, feed};

/// How long until all is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Services that are shown otherwise, by the way that was taken, and why.
const OTHERWISE: &[(&[Way], &[&str], &str)] = &[
    (&THRIFT, &["otlp-kinds"], "Jaeger's receiver for Thrift renames the resource's hostname"),
    (
        &THRIFT,
        &["otlp-statuses", "zipkin-back", "zipkin-front", "zipkin-bare"],
        "that receiver takes error and http.status_code for the status, and keeps one tag of a name",
    ),
    (
        &OTLP,
        &["logs"],
        "a field `event` that is no text is an attribute and stays; of Thrift Jaeger loses it",
    ),
    (
        &OTLP,
        &["references"],
        "a CHILD_OF another trace's span is a link and stays; of Thrift Jaeger loses it if that has the id of the parent",
    ),
    (&OTLP, &["odd-times"], "OTLP has no times before 1970"),
];
const THRIFT: [Way; 2] = [Way::Thrift, Way::Udp];
const OTLP: [Way; 1] = [Way::Otlp];

#[test]
fn what_is_sent_on_is_found_as_if_it_had_been_sent_there() {
    let started: Result<Vec<Jaeger>, _> = (0..4).map(|_| Jaeger::start()).collect();
    let jaegers = match started {
        Ok(jaegers) => jaegers,
        Err(missing) => return skip("what_is_sent_on_is_found_as_if_it_had_been_sent_there", &missing),
    };
    let [direct, thrift, otlp, udp] = &jaegers[..] else { panic!("four were started") };
    let urls = [
        format!("http://127.0.0.1:{}/api/traces?format=jaeger.thrift", thrift.collector_port()),
        format!("otlp+http://127.0.0.1:{}", otlp.otlp_port()),
        format!("udp://127.0.0.1:{}", udp.compact_port()),
    ];
    let forward = urls.iter().map(|url| (&**url).into()).collect();
    let ours = Backend::start(Config { forward, ..Config::free_ports() });
    let ours = ours.unwrap_or_else(|error| panic!("{error}"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_micros() as i64;
    let sides = [Side::theirs(direct), Side::ours(&ours)];
    let services = feed(&sides, now / 1_000 * 1_000 - 600_000_000);
    let [direct, _] = sides;
    let mut faults = Vec::new();
    for (jaeger, target) in [thrift, otlp, udp].into_iter().zip(ours.app().forward.targets()) {
        let side = Side::theirs(jaeger);
        compare(&direct, &side, target.target(), &services, &mut faults);
        // The greetings were repeated until they were heard, so only the services are counted in advance.
        let (counts, name) = (target.counts(), target.target());
        assert!(counts.sent > 100, "{name}: {counts:?}");
        assert_eq!(counts.lost.iter().sum::<u64>(), 0, "{name}: {counts:?}");
    }
    assert!(faults.is_empty(), "{} differences:\n\n{}", faults.len(), faults.join("\n\n"));
}

/// Asks both for all traces of each service.
fn compare(direct: &Side, side: &Side, target: &Target, services: &[String], faults: &mut Vec<String>) {
    let mut alike = 0;
    for service in services {
        let found = format!("/api/traces?service={}&start=0&limit=1000", percent(service));
        let mut paths = vec![found.clone()];
        if target.way == Way::Otlp && service.starts_with("otlp-") {
            // In OpenTelemetry's own form: lists, nanoseconds, what stands at links.
            paths.push(format!(
                "/api/v3/traces?query.service_name={service}&query.start_time_min=1970-01-02T00:00:00Z\
                 &query.start_time_max=2100-01-01T00:00:00Z&query.num_traces=1000&query.raw_traces=true"
            ));
        }
        let meant = OTHERWISE
            .iter()
            .find(|(ways, names, _)| ways.contains(&target.way) && names.contains(&&**service));
        // The other has it all already; of what is shown otherwise the number may differ, too.
        let arrived = wait_for(PATIENCE, || {
            let [one, two] = [direct, side].map(|side| spans(&side.ask("GET", &found, "")));
            (one == two || meant.is_some() && two > 0).then_some(())
        });
        let mut places = if arrived.is_some() { String::new() } else { "\nspans are missing".to_owned() };
        for path in paths {
            let [mut one, mut two] = [direct, side].map(|side| side.ask("GET", &path, ""));
            canonical::order(&path, &mut one);
            canonical::order(&path, &mut two);
            if one != two {
                places.push_str(&format!("\n{path}\n{}", diff::told(&one, &two)));
            }
        }
        match (places.is_empty(), meant) {
            (true, None) => alike += 1,
            (true, Some(_)) => faults.push(format!("{target}: {service} is shown alike")),
            (false, None) => faults.push(format!("{target}: {service}:{places}")),
            (false, Some((_, _, why))) => say(&format!("{target}: {service} is shown otherwise: {why}")),
        }
    }
    say(&format!("{target}: {alike} of {} services are shown alike", services.len()));
}

/// How many spans there are in an answer.
fn spans(answer: &Answer) -> usize {
    let Body::Json(body) = &answer.body else { return 0 };
    let traces = body["data"].as_array().into_iter().flatten();
    traces.map(|trace| trace["spans"].as_array().map_or(0, Vec::len)).sum()
}
