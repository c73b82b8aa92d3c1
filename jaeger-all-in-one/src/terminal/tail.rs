//! `tail`: follows the stream of changes, and prints a trace once nothing has come for it for a moment.
//!
//! Invariant: a trace that came while this watched is printed, or it is said that it was not. A backend that goes away is waited for; what it told of meanwhile is asked for again when it is back. What came
//! while nobody listened is not told of, and so not printed: `search` finds it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Asker, Failure, escape};

/// A trace is finished when nothing has come for it for so long: a client's flush interval, and a bit.
const QUIET: Duration = Duration::from_millis(1_200);
/// How often it looks which are.
const LOOK: Duration = Duration::from_millis(100);
/// Traces that are remembered, so that late spans do not print one twice.
const REMEMBERED: usize = 100_000;
/// Between two tries to reach a backend that has gone away.
const AGAIN: Duration = Duration::from_millis(500);
/// Traces that wait to be printed; of more it is only said how many there were.
const WAITING: usize = 100_000;
/// How long a trace is asked for that cannot be had.
const GIVE_UP: Duration = Duration::from_secs(60);

/// What the listening thread tells.
enum Told {
    /// Spans have come for these traces.
    Changed(Vec<String>),
    /// And for so many more that are not named; `None` if nobody knows how many.
    Missed(Option<u64>),
    /// The stream has ended.
    Gone,
    /// There is one again.
    Back,
}

/// The traces that were printed last.
#[derive(Default)]
struct Done {
    all: HashSet<String>,
    order: VecDeque<String>,
}

impl Done {
    fn contains(&self, id: &str) -> bool {
        self.all.contains(id)
    }

    fn add(&mut self, id: String) {
        if self.all.insert(id.clone()) {
            self.order.push_back(id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

/// A trace that is not printed yet.
struct Open {
    /// When spans came for it.
    last: Instant,
    /// Since when it cannot be had.
    failing: Option<Instant>,
}

pub(super) fn tail(asker: &Asker, service: Option<&str>, count: Option<u64>) -> Result<(), String> {
    let url = format!("{}/api/live?most={WAITING}", asker.url);
    let answer = asker.http.get(&url).call().map_err(|error| asker.unreachable(&error))?;
    if answer.status() != 200 {
        return Err(format!("{url}: {}; tail needs a running jaeger-all-in-one", answer.status()));
    }
    if !is_stream(&answer) {
        // A real Jaeger answers with its page.
        return Err(format!(
            "{url} does not tell what is new; tail needs a running jaeger-all-in-one, `search` also asks a real Jaeger"
        ));
    }
    if count == Some(0) {
        return Ok(());
    }
    let (told, changes) = mpsc::channel();
    let http = asker.http.clone();
    std::thread::spawn(move || listen(&http, &url, answer, &told));
    eprintln!("watching {}", asker.url);
    let mut open: HashMap<String, Open> = HashMap::new();
    let mut done = Done::default();
    let mut printed = 0;
    loop {
        match changes.recv_timeout(LOOK) {
            Ok(Told::Changed(ids)) => {
                let last = Instant::now();
                let mut missed = 0;
                for id in ids.into_iter().filter(|id| !done.contains(id)) {
                    if open.len() < WAITING || open.contains_key(&id) {
                        open.insert(id, Open { last, failing: None });
                    } else {
                        missed += 1;
                    }
                }
                if missed > 0 {
                    say_missed(Some(missed));
                }
                continue;
            }
            Ok(Told::Missed(traces)) => {
                say_missed(traces);
                continue;
            }
            Ok(Told::Gone) => eprintln!("{} is gone; waiting for it to come back", asker.url),
            Ok(Told::Back) => eprintln!("watching {} again", asker.url),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("nobody listens any more: a bug".to_owned()),
        }
        let mut quiet: Vec<(Instant, String)> = open
            .iter()
            .filter(|(_, trace)| trace.last.elapsed() >= QUIET)
            .map(|(id, trace)| (trace.last, id.clone()))
            .collect();
        quiet.sort();
        for (_, id) in quiet {
            let traces = match asker.traces(&format!("/api/traces/{}", escape(&id))) {
                Ok(traces) => traces,
                Err(failure) => {
                    let Some(trace) = open.get_mut(&id) else { continue };
                    let since = *trace.failing.get_or_insert_with(Instant::now);
                    match failure {
                        Failure::Refused(why) => eprintln!("trace {id} is not printed: {why}"),
                        Failure::Broken(why) if since.elapsed() >= GIVE_UP => {
                            eprintln!("trace {id} is not printed: {why}");
                        }
                        // The rest of them has the same trouble.
                        Failure::Broken(_) => {
                            std::thread::sleep(AGAIN);
                            break;
                        }
                    }
                    Vec::new()
                }
            };
            for trace in
                traces.iter().filter(|trace| service.is_none_or(|service| takes_part(trace, service)))
            {
                asker.print(trace)?;
                printed += 1;
                if count.is_some_and(|count| printed >= count) {
                    return Ok(());
                }
            }
            open.remove(&id);
            done.add(id);
        }
    }
}

/// Whether what is told of comes as it happens.
fn is_stream(answer: &ureq::http::Response<ureq::Body>) -> bool {
    answer.body().mime_type() == Some("text/event-stream")
}

/// More came than can be followed.
fn say_missed(traces: Option<u64>) {
    let traces = traces.map_or_else(|| "some traces".to_owned(), |traces| format!("{traces} traces"));
    eprintln!("{traces} are not printed: too many came at once; search finds them");
}

/// Reads the stream, again and again, until nobody wants it.
fn listen(http: &ureq::Agent, url: &str, mut answer: ureq::http::Response<ureq::Body>, told: &Sender<Told>) {
    loop {
        for line in BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok) {
            let Some(data) = line.strip_prefix("data:") else { continue };
            let change: Value = serde_json::from_str(data).unwrap_or_default();
            let missed = match &change["more"] {
                // What lagged has none.
                Value::Null => Some(None),
                more => more.as_u64().filter(|more| *more > 0).map(Some),
            };
            if let Some(missed) = missed
                && told.send(Told::Missed(missed)).is_err()
            {
                return;
            }
            let ids = change["traces"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|trace| trace["traceID"].as_str());
            if told.send(Told::Changed(ids.map(str::to_owned).collect())).is_err() {
                return;
            }
        }
        if told.send(Told::Gone).is_err() {
            return;
        }
        answer = loop {
            // Its end is not ours to await: it may come back or not.
            std::thread::sleep(AGAIN);
            match http.get(url).call() {
                Ok(answer) if answer.status() == 200 && is_stream(&answer) => break answer,
                _ => {}
            }
        };
        if told.send(Told::Back).is_err() {
            return;
        }
    }
}

fn takes_part(trace: &Value, service: &str) -> bool {
    trace["processes"]
        .as_object()
        .is_some_and(|all| all.values().any(|process| process["serviceName"] == service))
}
