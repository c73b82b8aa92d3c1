// The filter language of the trace page.
//
//   checkout            text in service, operation, tags or logs (case does not matter)
//   "two words"         the same, with spaces; up to the end while the second quote is not written yet. Within quotes
//                       \" is a quote and \\ a backslash; any other backslash is itself
//   http.method=GET     a tag of the span or its process, or a field of a log; also service=, operation=, kind=, span=
//   http.method!=GET    the opposite;  http.method=  has it at all;  service==a  is that, where service=a holds it
//   > 2.5 %             at least so much of the trace's duration;  < 10ms,  >= 1.5s  a duration
//   is:error            also is:panic, is:cancelled, is:warning, is:orphan, is:critical, is:root, is:leaf
//   -term               what does not match
//
// Terms are joined by "and"; `|` between two terms is "or" and binds tighter.

import { ERROR, PANIC, CANCELLED, WARNING, ORPHAN, processOf, text } from "./trace.js";

const TOKEN = /(-?)(?:([<>]=?)\s*(\d+(?:[.,]\d+)?)\s*(%|ns|us|µs|μs|ms|s|m|h)?(?=\s|\||$)|"((?:\\["\\]|[^"])*)(?:"|$)|([^\s|"=]+?)(==|!?=)(?:"((?:\\["\\]|[^"])*)(?:"|$)|([^\s|]*))|([^\s|]+))|(\|)/g;
const UNIT = { ns: 1e-3, us: 1, "µs": 1, "μs": 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9 };
const STATES = new Set(["error", "panic", "cancelled", "warning", "orphan", "critical", "root", "leaf"]);

const unquoted = (text) => text.replace(/\\(["\\])/g, "$1");

/** A value as the filter takes it: what writes filters writes this. */
export function quoteFilter(text) {
  return /[\s|"]|^$/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}

/** Terms of a filter: a list of alternatives each, `{terms, error}`; `error` says what is not understood. */
export function parseFilter(source) {
  const groups = [];
  let joined = false;
  let error = "";
  for (const match of source.matchAll(TOKEN)) {
    const [, minus, compare, amount, unit, quoted, key, sign, quotedValue, value, word, bar] = match;
    if (bar) {
      joined = groups.length > 0;
      continue;
    }
    let term;
    if (compare) {
      if (!unit) error = `“${match[0].trim()}” needs a unit: %, µs, ms, s, m or h`;
      term = { type: "duration", compare, amount: Number(amount.replace(",", ".")) * (unit === "%" || !unit ? 1 : UNIT[unit]), percent: unit === "%" };
    } else if (quoted !== undefined) {
      term = { type: "text", text: unquoted(quoted).toLowerCase() };
    } else if (key !== undefined) {
      term = { type: "tag", key, value: (quotedValue === undefined ? value : unquoted(quotedValue)).toLowerCase(), any: quotedValue === undefined && value === "", exact: sign === "==" };
      if (sign === "!=") term.not = true;
    } else if (word.startsWith("is:")) {
      const state = word.slice(3).toLowerCase();
      if (!STATES.has(state)) error = `“${word}” is none of ${[...STATES].map((s) => `is:${s}`).join(", ")}`;
      term = { type: "is", state };
    } else if (word === "<" || word === ">" || word === "<=" || word === ">=") {
      error = `“${word}” needs a duration or a share: > 10ms, > 2.5 %`;
      continue;
    } else {
      term = { type: "text", text: word.toLowerCase() };
    }
    if (minus) term.not = !term.not;
    if (joined) groups[groups.length - 1].push(term);
    else groups.push([term]);
    joined = false;
  }
  return { terms: groups, error };
}

function has(value, needle) {
  if (typeof value === "string") return value.toLowerCase().includes(needle);
  return value !== undefined && value !== null && text(value).toLowerCase().includes(needle);
}

function inTags(tags, needle) {
  if (!Array.isArray(tags)) return false;
  for (const tag of tags) if (tag && (has(tag.key, needle) || has(tag.value, needle))) return true;
  return false;
}

function tagIs(tags, term) {
  if (!Array.isArray(tags)) return false;
  for (const tag of tags) {
    if (tag?.key === term.key && (term.any || text(tag.value).toLowerCase() === term.value)) return true;
  }
  return false;
}

function matcher(trace, term, context) {
  const { service, operation, raw, span, start } = trace;
  switch (term.type) {
    case "text": {
      const needle = term.text;
      if (!needle) return () => true;
      // Names repeat: decided once for each name, not for each span.
      const services = trace.services.map((name) => has(name, needle));
      const operations = trace.operations.map((name) => has(name, needle));
      const processes = new Map(Object.entries(trace.processes).map(([id, process]) => [id, inTags(process?.tags, needle)]));
      return (i) => {
        if (services[service[i]] || operations[operation[i]]) return true;
        const s = raw[i];
        if (inTags(s.tags, needle) || processes.get(s.processID)) return true;
        if (has(s.spanID, needle)) return true;
        return Array.isArray(s.logs) && s.logs.some((log) => inTags(log?.fields, needle));
      };
    }
    case "tag": {
      const want = term.value;
      const named = term.exact ? (name) => text(name).toLowerCase() === want : (name) => has(name, want);
      if (term.key === "service") return (i) => named(trace.services[service[i]]);
      if (term.key === "operation") return (i) => named(trace.operations[operation[i]]);
      if (term.key === "span") return (i) => named(raw[i].spanID);
      const at = term.key === "kind" ? { ...term, key: "span.kind" } : term;
      return (i) => {
        const s = raw[i];
        if (tagIs(s.tags, at) || tagIs(processOf(trace, i).tags, at)) return true;
        return Array.isArray(s.logs) && s.logs.some((log) => tagIs(log?.fields, at));
      };
    }
    case "duration": {
      const limit = term.percent ? (term.amount / 100) * trace.duration : term.amount;
      // ">" includes the limit's own value only when written so; for shares the usual wish is "at least".
      const { compare } = term;
      if (compare === ">") return (i) => span[i] > limit;
      if (compare === ">=") return (i) => span[i] >= limit;
      if (compare === "<") return (i) => span[i] < limit;
      return (i) => span[i] <= limit;
    }
    default: {
      const flag = { error: ERROR, panic: PANIC, cancelled: CANCELLED, warning: WARNING, orphan: ORPHAN }[term.state];
      if (flag) return (i) => (trace.flags[i] & flag) !== 0;
      if (term.state === "critical") return (i) => context.critical?.has(i) ?? false;
      if (term.state === "root") return (i) => trace.parent[i] < 0;
      if (term.state === "leaf") return (i) => trace.size[i] === 1;
      return () => start[0] !== undefined;
    }
  }
}

/**
 * Which rows match: `{match: Uint8Array, count, error}`, or null for an empty filter.
 * `context.critical` is a Map or Set of the rows on the critical path.
 */
export function filterTrace(trace, source, context = {}) {
  const { terms, error } = parseFilter(source);
  if (terms.length === 0) return error ? { match: new Uint8Array(trace.n).fill(1), count: trace.n, error } : null;
  const tests = terms.map((group) =>
    group.map((term) => {
      const test = matcher(trace, term, context);
      return term.not ? (i) => !test(i) : test;
    }),
  );
  const match = new Uint8Array(trace.n);
  let count = 0;
  for (let i = 0; i < trace.n; i++) {
    if (tests.every((group) => group.some((test) => test(i)))) {
      match[i] = 1;
      count++;
    }
  }
  return { match, count, error };
}

/** Rows to show when the others are hidden: those that match and what they hang from. */
export function withAncestors(trace, match) {
  const keep = new Uint8Array(trace.n);
  for (let i = trace.n - 1; i >= 0; i--) {
    if (match[i]) keep[i] = 1;
    if (keep[i] && trace.parent[i] >= 0) keep[trace.parent[i]] = 1;
  }
  return keep;
}

/** Rows in view: `keep` (or null) and no collapsed ancestor. `collapsed` is a Uint8Array by row. */
export function visibleRows(trace, collapsed, keep) {
  const rows = new Uint32Array(trace.n);
  let at = 0;
  for (let i = 0; i < trace.n; ) {
    if (keep && !keep[i]) {
      // Nothing below a row that is not kept is kept either.
      i += trace.size[i];
      continue;
    }
    rows[at++] = i;
    i += collapsed[i] ? trace.size[i] : 1;
  }
  return rows.subarray(0, at);
}
