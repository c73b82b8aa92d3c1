// Statistics of a trace by service, operation, both, or the values of a tag.

import { ERROR, PANIC, CANCELLED, processOf, selfTimes, text } from "./trace.js";

/** The value below which `share` (0..1) of the ascending `sorted` lie: nearest rank, so it is always one that occurred. */
export function quantile(sorted, share) {
  if (sorted.length === 0) return 0;
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1];
}

/** Value of tag `key` of a span or its process, as text, or undefined. */
export function tagValue(trace, i, key) {
  const span = trace.raw[i];
  for (const tags of [span.tags, processOf(trace, i).tags]) {
    if (!Array.isArray(tags)) continue;
    for (const tag of tags) if (tag?.key === key) return text(tag.value);
  }
  return undefined;
}

/** How spans can be grouped: each gives a list of names for row i. */
export const groupings = {
  "service-operation": (trace, i) => [trace.services[trace.service[i]], trace.operations[trace.operation[i]]],
  service: (trace, i) => [trace.services[trace.service[i]]],
  operation: (trace, i) => [trace.operations[trace.operation[i]]],
};

/** A grouping by the values of a tag. */
export function byTag(key) {
  return (trace, i) => [tagValue(trace, i, key) ?? "(none)"];
}

/**
 * One row for each group, durations in microseconds: `{names, service, count, errors, panics, cancelled, total, self, min, max, mean,
 * p50, p95, p99, share}`; `share` is self time over the self time of all spans counted, 0..1. With `match` (by row) only those spans are.
 */
export function statistics(trace, grouping = groupings["service-operation"], self = selfTimes(trace), match = null) {
  const groups = new Map();
  let selfOfAll = 0;
  for (let i = 0; i < trace.n; i++) {
    if (match && !match[i]) continue;
    const names = grouping(trace, i);
    const key = names.length === 1 ? names[0] : JSON.stringify(names);
    let group = groups.get(key);
    if (!group) {
      group = { names, service: trace.services[trace.service[i]], first: i, durations: [], self: 0, errors: 0, panics: 0, cancelled: 0 };
      groups.set(key, group);
    }
    group.durations.push(trace.span[i]);
    group.self += self[i];
    selfOfAll += self[i];
    if (trace.flags[i] & ERROR) group.errors++;
    if (trace.flags[i] & PANIC) group.panics++;
    if (trace.flags[i] & CANCELLED) group.cancelled++;
  }
  return Array.from(groups.values(), ({ durations, ...group }) => {
    const sorted = Float64Array.from(durations).sort();
    let total = 0;
    for (const d of sorted) total += d;
    return {
      ...group,
      count: sorted.length,
      total,
      min: sorted[0],
      max: sorted[sorted.length - 1],
      mean: total / sorted.length,
      p50: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      p99: quantile(sorted, 0.99),
      share: selfOfAll > 0 ? group.self / selfOfAll : 0,
    };
  });
}
