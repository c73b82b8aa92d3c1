//! `tail`: follows the stream of changes, and prints a trace once nothing has come for it for a moment.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Asker, escape};

/// A trace is finished when nothing has come for it for so long: a client's flush interval, and a bit.
const QUIET: Duration = Duration::from_millis(1_200);
/// How often it looks which are.
const LOOK: Duration = Duration::from_millis(100);
/// Traces that are remembered, so that late spans do not print one twice.
const REMEMBERED: usize = 10_000;

pub(super) fn tail(asker: &Asker, service: Option<&str>, count: Option<u64>) -> Result<(), String> {
    let url = format!("{}/api/live", asker.url);
    let answer = asker.http.get(&url).call().map_err(|error| asker.unreachable(&error))?;
    if answer.status() != 200 {
        return Err(format!("{url}: {}; tail needs a running jaeger-all-in-one", answer.status()));
    }
    let (told, changes) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok) {
            let Some(data) = line.strip_prefix("data:") else { continue };
            let change: Value = serde_json::from_str(data).unwrap_or_default();
            let ids = change["traces"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|trace| trace["traceID"].as_str());
            if told.send(ids.map(str::to_owned).collect::<Vec<_>>()).is_err() {
                return;
            }
        }
    });
    eprintln!("watching {}", asker.url);
    let mut open: HashMap<String, Instant> = HashMap::new();
    let mut done: VecDeque<String> = VecDeque::new();
    let mut printed = 0;
    loop {
        match changes.recv_timeout(LOOK) {
            Ok(ids) => {
                let now = Instant::now();
                open.extend(ids.into_iter().filter(|id| !done.contains(id)).map(|id| (id, now)));
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(format!("{} has ended", asker.url)),
        }
        let mut quiet: Vec<(Instant, String)> = Vec::new();
        open.retain(|id, last| {
            let is_open = last.elapsed() < QUIET;
            if !is_open {
                quiet.push((*last, id.clone()));
            }
            is_open
        });
        quiet.sort();
        for (_, id) in quiet {
            // One that is gone again has made room for others.
            let traces = asker.traces(&format!("/api/traces/{}", escape(&id))).unwrap_or_default();
            for trace in
                traces.iter().filter(|trace| service.is_none_or(|service| takes_part(trace, service)))
            {
                asker.print(trace)?;
                printed += 1;
                if count.is_some_and(|count| printed >= count) {
                    return Ok(());
                }
            }
            done.push_back(id);
            if done.len() > REMEMBERED {
                done.pop_front();
            }
        }
    }
}

fn takes_part(trace: &Value, service: &str) -> bool {
    trace["processes"]
        .as_object()
        .is_some_and(|all| all.values().any(|process| process["serviceName"] == service))
}
