// The query API, and the traces that came from files.

import { buildTrace, overview, rootRow, number, ORPHAN } from "../model/trace.js";
import { unpack } from "../model/packed.js";

/** An answer that is no success: `status` (0: nobody answered) and the backend's own words. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// By trace id: `{trace, summary}`.
const files = new Map();
// Which of our own endpoints this backend lacks (a plain Jaeger has none of them); asked once, then left alone.
const absent = new Set();

/** JSON of `path`; `options.signal` ends it. */
export async function getJson(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { headers: { accept: "application/json" }, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The backend does not answer. Is it still running?");
  }
  if (!answer.ok) throw new ApiError(answer.status, await failure(answer));
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(answer.status, "The backend's answer is no JSON.");
  }
}

async function failure(answer) {
  const body = await answer.text().catch(() => "");
  try {
    const json = JSON.parse(body);
    const message = json.errors?.[0]?.msg ?? json.error?.message ?? json.message;
    if (message) return String(message);
  } catch {
    // Not JSON: the status says enough.
  }
  return `${answer.status} ${answer.statusText}`.trim();
}

/** As `getJson`, but null where the backend does not know the path. */
async function optional(name, path, options) {
  if (absent.has(name)) return null;
  try {
    return await getJson(path, options);
  } catch (error) {
    if ([404, 405, 501].includes(error.status)) absent.add(name);
    else if (error.status !== 200) throw error;
    return null;
  }
}

function query(parameters) {
  const search = new URLSearchParams();
  for (const [key, values] of Object.entries(parameters)) {
    for (const value of [values].flat()) if (value !== undefined && value !== null && value !== "") search.append(key, value);
  }
  return search.toString();
}

export async function services(options) {
  return (await getJson("/api/services", options)).data ?? [];
}

/** Operations of a service: `[{name, kind}]`. */
export async function operations(service, options) {
  const { data } = await getJson(`/api/operations?${query({ service })}`, options);
  return (data ?? []).map((item) => ({ name: item.name, kind: item.spanKind ?? "" }));
}

// One more than are shown, so that a list can say that there are more.
const COMPLETIONS = 51;

/** Tag keys held, or null where the backend can not say. */
export async function tagKeys({ service, operation, prefix }, options) {
  return (await optional("tags", `/api/tags?${query({ service, operation, prefix, limit: COMPLETIONS })}`, options))?.data ?? null;
}

export async function tagValues(key, { service, operation, prefix }, options) {
  const path = `/api/tags/${encodeURIComponent(key)}/values?${query({ service, operation, prefix, limit: COMPLETIONS })}`;
  return (await optional("tags", path, options))?.data ?? null;
}

/** One trace as Jaeger's JSON, from a file opened here or from the backend. */
export async function traceJson(id, options) {
  const known = files.get(id.toLowerCase());
  if (known) return known.trace;
  // Packed, where the backend knows how: another one sends the same unpacked.
  const answer = await getJson(`/api/traces/${encodeURIComponent(id)}?packed=true`, options);
  const trace = answer.data?.[0];
  if (!trace) throw new ApiError(404, answer.errors?.[0]?.msg ?? "trace not found");
  return unpack(trace);
}

const micros = (nanos) => Number(BigInt(nanos) / 1000n);

function fromV3(item) {
  const begin = BigInt(item.minStartTimeUnixNano ?? 0);
  const end = BigInt(item.maxEndTimeUnixNano ?? 0);
  return {
    // 32 digits there, 16 elsewhere if the others are 0; one form, so that lists and traces name the same.
    id: String(item.traceId).replace(/^0{16}(?=.{16}$)/, ""),
    service: item.rootServiceName ?? "",
    operation: item.rootOperationName ?? "",
    startTime: micros(begin),
    duration: Number(end - begin) / 1000,
    spans: number(item.spanCount),
    errors: number(item.errorSpanCount),
    orphans: number(item.orphanSpanCount),
    panics: number(item.panicSpanCount),
    cancelled: number(item.cancelledSpanCount),
    services: (item.services ?? []).map((s) => ({ name: s.name, count: number(s.spanCount), errors: number(s.errorSpanCount) })),
  };
}

/** What a list shows of a whole trace. */
export function summarise(json) {
  const trace = buildTrace(json);
  const root = rootRow(trace);
  const counts = trace.services.map((name) => ({ name, count: 0, errors: 0 }));
  let orphans = 0;
  for (let i = 0; i < trace.n; i++) {
    counts[trace.service[i]].count++;
    if (trace.flags[i] & 1) counts[trace.service[i]].errors++;
    if (trace.flags[i] & ORPHAN) orphans++;
  }
  return {
    id: trace.id,
    service: root < 0 ? "" : trace.services[trace.service[root]],
    operation: root < 0 ? "" : trace.operations[trace.operation[root]],
    startTime: trace.startTime,
    duration: trace.duration,
    spans: trace.n,
    ...overview(trace),
    orphans,
    services: counts.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/**
 * Summaries of the traces that match, newest first. `search`: `{service, operation, tags (object), minDuration,
 * maxDuration, start, end (µs), limit}`. Where the backend has no summaries, whole traces are asked for and summed up here.
 */
export async function search(search, options) {
  const tags = Object.keys(search.tags).length ? JSON.stringify(search.tags) : "";
  const time = (us) => new Date(us / 1000).toISOString();
  const v3 = query({
    "query.service_name": search.service,
    "query.operation_name": search.operation,
    "query.attributes": tags,
    "query.start_time_min": time(search.start),
    "query.start_time_max": time(search.end),
    "query.duration_min": search.minDuration,
    "query.duration_max": search.maxDuration,
    "query.num_traces": search.limit,
  });
  const summaries = await optional("summaries", `/api/v3/trace-summaries?${v3}`, options);
  if (summaries) return (summaries.summaries ?? []).map(fromV3);
  const old = query({
    service: search.service,
    operation: search.operation,
    tags,
    start: Math.floor(search.start),
    end: Math.ceil(search.end),
    minDuration: search.minDuration,
    maxDuration: search.maxDuration,
    limit: search.limit,
  });
  const { data } = await getJson(`/api/traces?${old}`, options);
  return (data ?? []).map(summarise).sort((a, b) => b.startTime - a.startTime || (a.id < b.id ? -1 : 1));
}

export async function dependencies(endTs, lookback, options) {
  return (await getJson(`/api/dependencies?${query({ endTs, lookback })}`, options)).data ?? [];
}

/** One of Jaeger's metrics by operation: `calls`, `errors`, `latencies`; see `monitor.js` for what is made of it. */
export async function metric(name, parameters, options) {
  return (await getJson(`/api/metrics/${name}?${query(parameters)}`, options)).metrics ?? [];
}

/** JSON of a file: one value, or one in each line, as the OpenTelemetry collector writes its files. */
function parseFile(name, text) {
  try {
    return [JSON.parse(text)];
  } catch (error) {
    const lines = text.split("\n").filter((line) => line.trim());
    try {
      if (lines.length > 1) return lines.map((line) => JSON.parse(line));
    } catch {
      // Not that either: what is wrong with the whole is what to say.
    }
    throw new Error(`${name} is no JSON: ${error.message}`);
  }
}

/**
 * Reads traces from a file: Jaeger's answer, one trace, a list of traces, or OTLP JSON (which the backend turns over); or
 * lines of these. Gives their ids.
 */
export async function readFile(file) {
  const found = [];
  const resourceSpans = [];
  for (const json of parseFile(file.name, await file.text())) {
    const spans = json?.resourceSpans ?? json?.result?.resourceSpans;
    // One by one: a call takes some hundred thousand arguments, a file holds more.
    if (Array.isArray(spans)) for (const item of spans) resourceSpans.push(item);
    else for (const trace of [json?.data ?? json].flat()) found.push(trace);
  }
  if (resourceSpans.length > 0) {
    const answer = await getJson("/api/transform", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ resourceSpans }),
    });
    for (const trace of answer.data ?? []) found.push(trace);
  }
  const traces = found.filter((trace) => Array.isArray(trace?.spans));
  if (traces.length === 0) {
    throw new Error(`${file.name} holds no trace. Expected is what “Download JSON” writes, an answer of /api/traces, or OTLP JSON.`);
  }
  for (const trace of traces) {
    const summary = summarise(trace);
    // The id goes into addresses: one that is no id gets a name from its content.
    trace.traceID = /^[0-9a-f]{1,32}$/i.test(summary.id) ? summary.id.toLowerCase() : `f11e${files.size.toString(16).padStart(12, "0")}`;
    files.set(trace.traceID, { trace, summary: { ...summary, id: trace.traceID } });
  }
  return traces.map((trace) => trace.traceID);
}

/** Summaries of what was opened from files. */
export function fileSummaries() {
  return Array.from(files.values(), ({ summary }) => summary).sort((a, b) => b.startTime - a.startTime);
}

export function fromFile(id) {
  return files.has(id.toLowerCase());
}
