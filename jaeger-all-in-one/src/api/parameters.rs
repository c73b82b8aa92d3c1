//! What a search, a look at dependencies asks for: parameters of `/api` read and checked, in Jaeger's order, so that the same fault is told first.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use super::answer::Failure;
use crate::store::TraceQuery;
use crate::values::{Duration, Query, parse_bool, parse_duration, parse_int, parse_trace_id};

/// A second in the unit of the store, µs.
const SECOND: i64 = 1_000_000;
/// How far back a search goes that does not say.
const SEARCH_LOOKBACK: i64 = 48 * 3600 * SECOND;
/// Traces that a search gives that does not say.
const SEARCH_LIMIT: i64 = 100;
/// The most traces that a search may ask for.
const MOST_TRACES: i64 = 100_000;

/// Said when a service must be named and is not.
pub(super) const SERVICE_REQUIRED: &str = "parameter 'service' is required";

/// A search: by ids, or by what spans are like.
#[derive(Debug)]
pub(super) struct Search {
    /// The traces asked for; if there are any, nothing else counts.
    pub(super) ids: Vec<u128>,
    /// What spans are asked for.
    pub(super) query: TraceQuery,
    /// As they came.
    pub(super) raw: bool,
    /// `limit`, which is only wrong where it counts.
    limit: i64,
}

impl Search {
    /// Reads the parameters of `/api/traces`. `now` is µs since 1970.
    pub(super) fn read(query: &Query, now: i64) -> Result<Search, Failure> {
        let start = microseconds(query, "start")?;
        let end = microseconds(query, "end")?;
        let start = start.unwrap_or_else(|| now.saturating_sub(lookback(query)));
        let tags = tags(query)?;
        let limit = match query.get("limit") {
            Some(text) => parse_int(text, 32).map_err(|why| Failure::parameter("limit", why))?,
            None => SEARCH_LIMIT,
        };
        let least = duration(query, "minDuration")?;
        let most = duration(query, "maxDuration")?;
        let ids = query.all("traceID").map(parse_trace_id).collect::<Result<Vec<_>, _>>();
        let ids = ids.map_err(|why| Failure::bad(format!("cannot parse traceID param: {why}")))?;
        let raw = yes(query, "raw")?;
        let service = query.get("service").map(str::to_owned);
        if ids.is_empty() && service.is_none() {
            return Err(Failure::bad(SERVICE_REQUIRED));
        }
        if least.zip(most).is_some_and(|(least, most)| most < least) {
            return Err(Failure::bad("'maxDuration' should be greater than 'minDuration'"));
        }
        let query = TraceQuery {
            service,
            operation: query.get("operation").map(str::to_owned),
            tags: tags.into_iter().collect(),
            start_min: start,
            start_max: end.unwrap_or(now),
            duration_min: least.map(at_least),
            duration_max: most.map(at_most),
            limit: 0,
        };
        Ok(Search { ids, query, raw, limit })
    }

    /// The search with its limit, which is checked here: asking by ids ignores a wrong one.
    pub(super) fn limited(mut self) -> Result<TraceQuery, Failure> {
        self.query.limit = depth(self.limit)?;
        Ok(self.query)
    }
}

/// How many traces may be asked for.
pub(super) fn depth(limit: i64) -> Result<usize, Failure> {
    if (1..=MOST_TRACES).contains(&limit) {
        return Ok(limit as usize);
    }
    let message = "search depth must be greater than 0 and less than max traces";
    Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message))
}

/// The least number of µs that is no less than a duration.
pub(super) fn at_least(duration: Duration) -> i64 {
    duration.0.div_euclid(1_000) + i64::from(duration.0.rem_euclid(1_000) > 0)
}

/// The greatest number of µs that is no more than a duration.
pub(super) fn at_most(duration: Duration) -> i64 {
    duration.0.div_euclid(1_000)
}

/// A time in µs since 1970.
fn microseconds(query: &Query, name: &str) -> Result<Option<i64>, Failure> {
    query.get(name).map(|text| parse_int(text, 64).map_err(|why| Failure::parameter(name, why))).transpose()
}

/// `lookback` as Jaeger's page writes it (`1h`, `2d`, `2w`) counts where there is no `start`; `custom` and what else stands there means nothing.
fn lookback(query: &Query) -> i64 {
    let span = |text: &str| {
        let days = |text: &str, each: i64| text.parse().ok().and_then(|n: u32| each.checked_mul(n.into()));
        let nanos = match text.strip_suffix('d').map(|n| (n, 1)).or(text.strip_suffix('w').map(|n| (n, 7))) {
            Some((number, each)) => days(number, each * 86_400 * SECOND)?,
            None => parse_duration(text).ok()?.0 / 1_000,
        };
        (nanos > 0).then_some(nanos)
    };
    query.get("lookback").and_then(span).unwrap_or(SEARCH_LOOKBACK)
}

/// A duration; 0 means none.
fn duration(query: &Query, name: &str) -> Result<Option<Duration>, Failure> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let duration = parse_duration(text).map_err(|why| Failure::parameter(name, why))?;
    Ok(Some(duration).filter(|duration| duration.0 != 0))
}

/// Yes or no; absent means no.
pub(super) fn yes(query: &Query, name: &str) -> Result<bool, Failure> {
    let value = query.get(name).map(parse_bool).transpose();
    Ok(value.map_err(|why| Failure::parameter(name, why))?.unwrap_or(false))
}

/// `tag=key:value` and `tags={"key":"value"}`; of the same key the last counts, and `tags` before `tag`.
fn tags(query: &Query) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    for tag in query.all("tag") {
        let (key, value) = tag.split_once(':').ok_or_else(|| {
            Failure::bad(format!("malformed 'tag' parameter, expecting key:value, received: {tag}"))
        })?;
        all.insert(key.to_owned(), value.to_owned());
    }
    for json in query.all("tags") {
        all.extend(tags_from_json(json).map_err(|why| {
            Failure::bad(format!("malformed 'tags' parameter, cannot unmarshal JSON: {why}"))
        })?);
    }
    Ok(all)
}

/// An object of texts, or nothing. A null in it is an empty text.
pub(super) fn tags_from_json(text: &str) -> Result<BTreeMap<String, String>, serde_json::Error> {
    let tags: Option<BTreeMap<String, Option<String>>> = serde_json::from_str(text)?;
    Ok(tags.into_iter().flatten().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// The time between which dependencies and metrics are looked at, in µs since 1970: `endTs` and `lookback`, both in ms.
pub(super) fn range(query: &Query, now: i64, lookback: i64) -> Result<(i64, i64), Failure> {
    let end = match milliseconds(query, "endTs")? {
        Some(end) => end,
        None => now,
    };
    let lookback = milliseconds(query, "lookback")?.unwrap_or(lookback);
    Ok((end.saturating_sub(lookback), end))
}

/// A number of ms, as µs.
pub(super) fn milliseconds(query: &Query, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let number = parse_int(text, 64).map_err(|why| Failure::parameter(name, why))?;
    Ok(Some(number.saturating_mul(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    const NOW: i64 = 1_700_000_000_000_000;

    fn read(text: &str) -> Search {
        Search::read(&Query::parse(text), NOW).unwrap()
    }

    fn refused(text: &str) -> String {
        let failure = Search::read(&Query::parse(text), NOW).unwrap_err();
        let text = format!("{failure:?}");
        assert_eq!(failure.into_response().status(), 400, "{text}");
        text
    }

    #[test]
    fn defaults() {
        let search = read("service=s");
        assert_eq!((search.ids.len(), search.raw), (0, false));
        let query = search.limited().unwrap();
        let expected = TraceQuery {
            service: Some("s".into()),
            start_min: NOW - 48 * 3600 * 1_000_000,
            start_max: NOW,
            ..TraceQuery::default()
        };
        assert_eq!(query, expected);
    }

    #[test]
    fn everything_said() {
        let text = "service=s&operation=o&start=-5&end=+7&minDuration=1500ns&maxDuration=2999ns&limit=3&raw=T\
            &tag=k:1&tag=k:2:3&tag=j:x&tags={\"j\":\"y\",\"n\":null}&service=other&lookback=1h";
        let search = read(&text.replace('+', "%2B"));
        assert!(search.raw);
        let query = search.limited().unwrap();
        assert_eq!((query.start_min, query.start_max), (-5, 7));
        assert_eq!((query.duration_min, query.duration_max), (Some(2), Some(2)));
        assert_eq!((query.limit, query.service.as_deref()), (3, Some("s")));
        let tags: Vec<_> = query.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(tags, ["j=y", "k=2:3", "n="]);
    }

    #[test]
    fn lookback_without_a_start() {
        let start = |text: &str| (NOW - read(&format!("service=s&{text}")).query.start_min) / 60_000_000;
        assert_eq!(start("lookback=1h"), 60);
        assert_eq!(start("lookback=2d"), 2 * 1440);
        assert_eq!(start("lookback=1w"), 7 * 1440);
        for odd in ["custom", "0", "-1h", "d", "99999999999w"] {
            assert_eq!(start(&format!("lookback={odd}")), 2880, "{odd}");
        }
    }

    #[test]
    fn faults_in_jaegers_order() {
        for (text, told) in [
            ("", "parameter 'service' is required"),
            ("service=", "parameter 'service' is required"),
            ("start=x&end=y", "unable to parse param 'start'"),
            ("service=s&start=1.5", "unable to parse param 'start': "),
            ("service=s&limit=x", "unable to parse param 'limit': "),
            ("service=s&limit=2147483648", "does not fit in 32 bits"),
            (
                "service=s&minDuration=1",
                "unable to parse param 'minDuration': time: missing unit in duration",
            ),
            ("service=s&minDuration=2s&maxDuration=1s", "'maxDuration' should be greater than 'minDuration'"),
            ("service=s&tag=a", "malformed 'tag' parameter, expecting key:value, received: a"),
            ("service=s&tags=[1]", "malformed 'tags' parameter, cannot unmarshal JSON: "),
            ("service=s&tags=", "malformed 'tags' parameter, cannot unmarshal JSON: "),
            ("service=s&raw=yes", "unable to parse param 'raw': "),
            ("traceID=xyz", "cannot parse traceID param: "),
        ] {
            assert!(refused(text).contains(told), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn the_limit_only_counts_for_a_search() {
        for limit in ["0", "-1", "100001"] {
            let failure = read(&format!("service=s&limit={limit}")).limited().unwrap_err();
            assert_eq!(failure.into_response().status(), 500, "{limit}");
        }
        assert_eq!(read("traceID=1&traceID=F&limit=0").ids, [1, 15]);
        assert_eq!(read("service=s&limit=100000").limited().unwrap().limit, 100_000);
    }

    #[test]
    fn durations_that_fit_no_microsecond() {
        assert_eq!((at_least(Duration(1)), at_most(Duration(1))), (1, 0));
        assert_eq!((at_least(Duration(-1)), at_most(Duration(-1))), (0, -1));
        assert_eq!((at_least(Duration(2_000)), at_most(Duration(2_000))), (2, 2));
    }
}
