//! Finding traces: series by their extremes, records by their heads, and only then tags, newest segment first, until there are enough.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::record::{Fixed, Place};
use super::segment::{Segment, Series};
use super::{AT_ONCE, MemoryStore};
use crate::store::TraceQuery;
use crate::store::query::{is_text, process_has};

impl MemoryStore {
    /// Ids of the traces that have what `query` asks, newest first.
    ///
    /// All of a trace's records lie behind its first. So, when all segments from one on have been looked through, every trace that began behind its
    /// beginning has shown whether it matches, and once there are enough of these, what is older cannot come before them.
    pub(super) fn search(&self, query: &TraceQuery, go_on: &dyn Fn() -> bool) -> Vec<u128> {
        let snapshot = self.held().snapshot();
        let mut found: HashMap<u128, Place> = HashMap::new();
        for segment in snapshot.newest_first() {
            let mut hits = Vec::new();
            // Within a segment, of two megabytes, nobody goes far.
            if !go_on() {
                break;
            }
            for (series, tests) in candidates(segment, query) {
                self.hits(segment, series, query, &tests, &mut hits, &mut found);
            }
            self.settle(&mut hits, &mut found);
            let begin = Place::new(segment.number, 0);
            if found.values().filter(|first| **first >= begin).count() >= query.limit {
                break;
            }
        }
        let mut found: Vec<(u128, Place)> = found.into_iter().collect();
        found.sort_unstable_by_key(|(_, first)| std::cmp::Reverse(*first));
        found.truncate(query.limit);
        found.into_iter().map(|(id, _)| id).collect()
    }

    /// The records of a series that match, but for those of traces found already.
    fn hits(
        &self,
        segment: &Segment,
        series: &Series,
        query: &TraceQuery,
        tests: &[Test<'_>],
        hits: &mut Vec<(u128, Place)>,
        found: &mut HashMap<u128, Place>,
    ) {
        for (place, fixed, reader) in segment.records(series) {
            if !in_bounds(query, &fixed) || found.contains_key(&fixed.trace_id) {
                continue;
            }
            let passes = |test: &Test<'_>| {
                segment.any_tag(&fixed, reader.clone(), |key, value| {
                    key == test.key && is_text(test.name, value, test.value)
                })
            };
            if tests.iter().all(passes) {
                hits.push((fixed.trace_id, place));
                if hits.len() == AT_ONCE {
                    self.settle(hits, found);
                }
            }
        }
    }

    /// Looks up where the hits' traces began; those that are gone are no hits.
    fn settle(&self, hits: &mut Vec<(u128, Place)>, found: &mut HashMap<u128, Place>) {
        if hits.is_empty() {
            return;
        }
        let held = self.held();
        for (id, place) in hits.drain(..) {
            if let Entry::Vacant(vacant) = found.entry(id)
                && let Some(known) = held.traces.get(id)
                // Otherwise this is a left-over of an older trace of the same id.
                && known.first <= place
            {
                vacant.insert(known.first);
            }
        }
    }
}

/// A tag that a record must have.
struct Test<'q> {
    key: u32,
    name: &'q str,
    value: &'q str,
}

fn in_bounds(query: &TraceQuery, fixed: &Fixed) -> bool {
    (query.start_min..=query.start_max).contains(&fixed.start_time)
        && query.duration_min.is_none_or(|least| fixed.duration >= least)
        && query.duration_max.is_none_or(|most| fixed.duration <= most)
}

/// The series that may have matching records, with the tags that their processes have not.
fn candidates<'s>(
    segment: &'s Segment,
    query: &'s TraceQuery,
) -> impl Iterator<Item = (&'s Series, Vec<Test<'s>>)> {
    // A process is looked at once, and only if a series comes that needs it: `None` if nothing of it can match.
    let mut processes: HashMap<u32, Option<Vec<usize>>> = HashMap::new();
    let operation = query.operation.as_ref().map(|operation| segment.dictionary.find(operation));
    segment.series.iter().filter_map(move |series| {
        if operation.is_some_and(|operation| operation != Some(series.operation))
            || series.start_max < query.start_min
            || series.start_min > query.start_max
            || query.duration_min.is_some_and(|least| series.duration_max < least)
            || query.duration_max.is_some_and(|most| series.duration_min > most)
        {
            return None;
        }
        let open = processes.entry(series.process).or_insert_with(|| {
            if query.service.as_ref().is_some_and(|service| service != segment.service(series.process)) {
                return None;
            }
            if query.tags.is_empty() {
                return Some(Vec::new());
            }
            let process = segment.read_process(series.process);
            let open = query.tags.iter().enumerate();
            Some(
                open.filter(|(_, (key, value))| !process_has(&process, key, value)).map(|(n, _)| n).collect(),
            )
        });
        let test = |&n: &usize| {
            let (key, value) = &query.tags[n];
            Some(Test { key: segment.dictionary.find(key)?, name: key, value })
        };
        // A key that the segment has never seen is in none of its spans.
        let tests: Option<Vec<Test<'s>>> = open.as_ref()?.iter().map(test).collect();
        Some((series, tests?))
    })
}
