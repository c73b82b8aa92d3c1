//! Rates, errors and latencies of services and their operations, counted over the spans that are held.
//!
//! Jaeger asks a Prometheus for these, which somebody has to run and feed; here they are computed when they are asked for, exactly, and reach back as far as
//! the store does. The shape is Jaeger's. A span counts at its start. Each point looks at the time of `ratePer` up to it: calls a second, the share of them
//! that failed, the duration in ms that the given share of them (`quantile`) does not exceed. Where there were no calls there is a rate of 0, and no point of
//! the other two.

mod series;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use axum::extract::{RawQuery, State};
use serde::Serialize;

use super::answer::{Body, Envelope, Failure, Ready};
use super::parameters::{milliseconds, range, yes};
use super::{ask, now, query};
use crate::app::App;
use crate::store::{Scan, head};
use crate::values::{Query, parse_number, rfc3339};
use series::{Call, Grid, Measure};

/// What is looked at where nothing is said, µs.
const LOOKBACK: i64 = 3_600_000_000;
const STEP: i64 = 5_000_000;
const RATE_PER: i64 = 600_000_000;
/// Points a line may have, as Prometheus allows.
const MOST_POINTS: i64 = 11_000;

/// `GET /api/metrics/calls`
pub(super) async fn calls(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let asked = Asked::read(&query, Measure::Calls)?;
    family(&app, asked, query, "call_rate", "calls/sec, grouped by service".to_owned()).await
}

/// `GET /api/metrics/errors`
pub(super) async fn errors(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let asked = Asked::read(&query, Measure::Errors)?;
    let help =
        "error rate, computed as a fraction of errors/sec over calls/sec, grouped by service".to_owned();
    family(&app, asked, query, "error_rate", help).await
}

/// `GET /api/metrics/latencies`
pub(super) async fn latencies(State(app): State<App>, raw: RawQuery) -> Result<Ready, Failure> {
    let query = query(raw);
    let quantile = parse_number(query.first("quantile").unwrap_or_default())
        .and_then(|share| {
            if (0.0..=1.0).contains(&share) {
                Ok(share)
            } else {
                Err(format!("{share} is not between 0 and 1"))
            }
        })
        .map_err(|why| Failure::parameter("quantile", why))?;
    let asked = Asked::read(&query, Measure::Latency(quantile))?;
    let help = format!("{quantile:.2}th quantile latency, grouped by service");
    family(&app, asked, query, "latencies", help).await
}

/// `GET /api/metrics/minstep`: the least step, in ms.
pub(super) async fn minstep(raw: RawQuery) -> Ready {
    Body::new(&Envelope::of(1), &query(raw)).small()
}

/// What a request wants to see.
#[derive(Debug)]
struct Asked {
    services: Vec<String>,
    by_operation: bool,
    kinds: Vec<String>,
    grid: Grid,
    measure: Measure,
}

impl Asked {
    fn read(query: &Query, measure: Measure) -> Result<Asked, Failure> {
        let services: Vec<String> = query.all("service").map(str::to_owned).collect();
        if services.is_empty() {
            return Err(Failure::parameter("service", "please provide at least one service name"));
        }
        let by_operation = yes(query, "groupByOperation")?;
        let kinds = kinds(query)?;
        let (start, end) = range(query, now(), LOOKBACK)?;
        let step = milliseconds(query, "step")?.unwrap_or(STEP);
        let per = milliseconds(query, "ratePer")?.unwrap_or(RATE_PER);
        for (name, value) in [("step", step), ("ratePer", per)] {
            if value <= 0 {
                return Err(Failure::parameter(name, "it must be more than 0"));
            }
        }
        if end.saturating_sub(start) / step >= MOST_POINTS {
            let why = format!("the time asked for would have more than {MOST_POINTS} steps");
            return Err(Failure::parameter("step", why));
        }
        Ok(Asked { services, by_operation, kinds, grid: Grid { start, end, step, per }, measure })
    }
}

/// The kinds asked for, servers' if nothing is said. `unspecified` is a span without one.
fn kinds(query: &Query) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for kind in query.all("spanKind") {
        all.push(match kind {
            "unspecified" => String::new(),
            "internal" | "server" | "client" | "producer" | "consumer" => kind.to_owned(),
            _ => return Err(Failure::parameter("spanKind", format!("unsupported span kind: '{kind}'"))),
        });
    }
    if query.first("spanKind").is_none() {
        all.push("server".to_owned());
    }
    Ok(all)
}

#[derive(Serialize)]
struct Family<'f> {
    name: String,
    r#type: &'static str,
    help: String,
    metrics: Vec<Metric<'f>>,
}

#[derive(Serialize)]
struct Metric<'f> {
    labels: Vec<Label<'f>>,
    #[serde(rename = "metricPoints")]
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Label<'f> {
    name: &'static str,
    value: &'f str,
}

#[derive(Serialize)]
struct Point {
    #[serde(rename = "gaugeValue")]
    value: Gauge,
    timestamp: String,
}

#[derive(Serialize)]
struct Gauge {
    #[serde(rename = "doubleValue")]
    number: f64,
}

async fn family(
    app: &App,
    asked: Asked,
    query: Query,
    name: &'static str,
    mut help: String,
) -> Result<Ready, Failure> {
    ask(app, move |store| {
        // By service and operation; the operation is empty where they are not told apart.
        let mut lines: BTreeMap<(String, String), Vec<Call>> = BTreeMap::new();
        let (first, last) = asked.grid.reach();
        for service in &asked.services {
            let range = Scan { service: Some(service.clone()), start_min: first, start_max: last };
            let mut of_service: BTreeMap<String, Vec<Call>> = BTreeMap::new();
            store.scan(&range, &mut |process, span| {
                let head = head(process, span);
                if asked.kinds.iter().any(|kind| kind == head.kind) {
                    let operation = if asked.by_operation { head.operation } else { "" };
                    let call = Call { at: head.start_time, took: head.duration.max(0), failed: head.error };
                    match of_service.get_mut(operation) {
                        Some(calls) => calls.push(call),
                        None => drop(of_service.insert(operation.to_owned(), vec![call])),
                    }
                }
                ControlFlow::Continue(())
            })?;
            lines.extend(
                of_service.into_iter().map(|(operation, calls)| ((service.clone(), operation), calls)),
            );
        }
        let metrics = lines.iter_mut().map(|((service, operation), calls)| {
            let points = series::points(calls, &asked.grid, asked.measure);
            let points = points.into_iter().map(|(at, number)| Point {
                value: Gauge { number },
                timestamp: rfc3339(i128::from(at) * 1_000),
            });
            let service = Label { name: "service_name", value: service.as_str() };
            let operation = Label { name: "operation", value: operation.as_str() };
            let labels = if asked.by_operation { vec![operation, service] } else { vec![service] };
            Metric { labels, points: points.collect() }
        });
        let metrics: Vec<Metric<'_>> = metrics.filter(|metric| !metric.points.is_empty()).collect();
        if asked.by_operation {
            help.push_str(" & operation");
        }
        let of = if asked.by_operation { "service_operation" } else { "service" };
        Ok(Body::new(&Family { name: format!("{of}_{name}"), r#type: "GAUGE", help, metrics }, &query))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    #[test]
    fn defaults() {
        let asked = Asked::read(&Query::parse("service=a&service=b&endTs=10000"), Measure::Calls).unwrap();
        assert_eq!(asked.services, ["a", "b"]);
        assert_eq!((asked.by_operation, asked.kinds), (false, vec!["server".to_owned()]));
        let expected = Grid { start: 10_000_000 - LOOKBACK, end: 10_000_000, step: STEP, per: RATE_PER };
        assert_eq!(asked.grid, expected);
    }

    #[test]
    fn faults_in_jaegers_order() {
        for (text, told) in [
            ("", "please provide at least one service name"),
            ("service=a&groupByOperation=maybe&spanKind=x", "'groupByOperation'"),
            ("service=a&spanKind=x&endTs=y", "unsupported span kind: 'x'"),
            ("service=a&endTs=y&lookback=z", "'endTs'"),
            ("service=a&lookback=1h", "'lookback'"),
            ("service=a&step=1s", "'step'"),
            ("service=a&ratePer=x", "'ratePer'"),
            ("service=a&step=0", "it must be more than 0"),
            ("service=a&step=1&lookback=11000", "more than 11000 steps"),
            ("service=a&step=1&lookback=9223372036854775807", "more than 11000 steps"),
        ] {
            let failure = Asked::read(&Query::parse(text), Measure::Calls).unwrap_err();
            assert!(format!("{failure:?}").contains(told), "{text}: {failure:?}");
            assert_eq!(failure.into_response().status(), 400);
        }
    }
}
