//! Parameters of `/api/v3`, named as in its gRPC messages; times as RFC 3339.

use crate::api::answer::Failure;
use crate::api::parameters::{at_least, at_most, depth, tags_from_json};
use crate::store::TraceQuery;
use crate::values::{Duration, Query, parse_bool, parse_duration, parse_int, parse_rfc3339, parse_trace_id};

const START: &str = "query.start_time_min";
const END: &str = "query.start_time_max";
/// What summaries look back at and give where nothing is said: 48 h in µs; traces.
const LOOKBACK: i64 = 48 * 3600 * 1_000_000;
const LIMIT: usize = 100;

/// A search.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) query: TraceQuery,
    pub(super) raw: bool,
}

fn malformed(name: &str, why: impl std::fmt::Display) -> Failure {
    Failure::bad(format!("malformed parameter {name}: {why}"))
}

/// A trace by its id, and whether it is wanted as it came.
pub(super) fn one(id: &str, query: &Query) -> Result<(u128, bool), Failure> {
    let id = parse_trace_id(id).map_err(|why| malformed("trace_id", why))?;
    for name in ["start_time", "end_time"] {
        time(query, name)?;
    }
    Ok((id, yes(query, "raw_traces")?))
}

fn yes(query: &Query, name: &str) -> Result<bool, Failure> {
    query.get(name).map_or(Ok(false), |text| parse_bool(text).map_err(|why| malformed(name, why)))
}

/// A time in nanoseconds since 1970.
fn time(query: &Query, name: &str) -> Result<Option<i128>, Failure> {
    query.get(name).map(|text| parse_rfc3339(text).map_err(|why| malformed(name, why))).transpose()
}

/// A duration; 0 means none.
fn duration(query: &Query, name: &str) -> Result<Option<Duration>, Failure> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let duration = parse_duration(text).map_err(|why| malformed(name, why))?;
    Ok(Some(duration).filter(|duration| duration.0 != 0))
}

impl Find {
    /// Reads the parameters of `/api/v3/traces`, which must say when and how many.
    pub(super) fn read(query: &Query) -> Result<Find, Failure> {
        if query.get(START).is_none() || query.get(END).is_none() {
            return Err(Failure::bad(format!("{START} and {END} are required")));
        }
        let (mut find, limit) = Find::lenient(query)?;
        find.query.limit = depth(limit.unwrap_or(0))?;
        Ok(find)
    }

    /// Reads the parameters of `/api/v3/trace-summaries`, none of which must be there. `now` is µs since 1970.
    pub(super) fn read_or_default(query: &Query, now: i64) -> Result<Find, Failure> {
        let (mut find, limit) = Find::lenient(query)?;
        find.query.limit = limit.map_or(Ok(LIMIT), depth)?;
        if query.get(END).is_none() {
            find.query.start_max = now;
        }
        if query.get(START).is_none() {
            find.query.start_min = find.query.start_max.saturating_sub(LOOKBACK);
        }
        Ok(find)
    }

    fn lenient(query: &Query) -> Result<(Find, Option<i64>), Failure> {
        let (start, end) = (time(query, START)?, time(query, END)?);
        let limit = match query.get("query.num_traces") {
            Some(text) => Some(parse_int(text, 64).map_err(|why| malformed("query.num_traces", why))?),
            None => None,
        };
        let least = duration(query, "query.duration_min")?;
        let most = duration(query, "query.duration_max")?;
        let raw = yes(query, "query.raw_traces")?;
        let attributes = query.get("query.attributes").map_or(Ok(Default::default()), |text| {
            tags_from_json(text).map_err(|why| malformed("query.attributes", why))
        })?;
        let text = |name| query.get(name).map(str::to_owned);
        // RFC 3339 ends with the year 9999, so both fit.
        let micros = |nanos: i128| i64::try_from(nanos.div_euclid(1_000)).unwrap_or(i64::MAX);
        let query = TraceQuery {
            service: text("query.service_name"),
            // The page's newer name for it.
            operation: text("query.operation_name").or_else(|| text("query.span_name")),
            tags: attributes.into_iter().collect(),
            start_min: start.map_or(i64::MIN, |nanos| micros(nanos + 999)),
            start_max: end.map_or(i64::MAX, micros),
            duration_min: least.map(at_least),
            duration_max: most.map(at_most),
            limit: 0,
        };
        Ok((Find { query, raw }, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_search() {
        let text = "query.service_name=s&query.operation_name=o&query.start_time_min=1970-01-01T00:00:00.0000015Z\
            &query.start_time_max=1970-01-01T00:00:00.0000015Z&query.num_traces=7&query.duration_min=1ms&query.duration_max=0\
            &query.raw_traces=1&query.attributes={\"a\":\"b\"}";
        let find = Find::read(&Query::parse(text)).unwrap();
        let expected = TraceQuery {
            service: Some("s".into()),
            operation: Some("o".into()),
            tags: vec![("a".into(), "b".into())],
            start_min: 2,
            start_max: 1,
            duration_min: Some(1_000),
            duration_max: None,
            limit: 7,
        };
        assert_eq!((find.query, find.raw), (expected, true));
    }

    #[test]
    fn faults() {
        let when = "query.start_time_min=2020-01-01T00:00:00Z&query.start_time_max=2030-01-01T00:00:00Z";
        for (text, told) in [
            ("".to_owned(), "query.start_time_min and query.start_time_max are required"),
            (
                "query.start_time_min=x&query.start_time_max=y".to_owned(),
                "malformed parameter query.start_time_min: ",
            ),
            (format!("{when}&query.num_traces=x"), "malformed parameter query.num_traces: "),
            (
                format!("{when}&query.duration_min=1"),
                "malformed parameter query.duration_min: time: missing unit",
            ),
            (
                format!("{when}&query.num_traces=1&query.raw_traces=x"),
                "malformed parameter query.raw_traces: ",
            ),
            (
                format!("{when}&query.num_traces=1&query.attributes=x"),
                "malformed parameter query.attributes: ",
            ),
            (when.to_owned(), "search depth must be greater than 0"),
        ] {
            let failure = Find::read(&Query::parse(&text)).unwrap_err();
            assert!(format!("{failure:?}").contains(told), "{text}: {failure:?}");
        }
    }

    #[test]
    fn summaries_have_defaults() {
        let find = Find::read_or_default(&Query::parse("query.span_name=o"), 1_000).unwrap();
        assert_eq!((find.query.start_min, find.query.start_max), (1_000 - LOOKBACK, 1_000));
        assert_eq!((find.query.limit, find.query.operation.as_deref()), (100, Some("o")));
    }
}
