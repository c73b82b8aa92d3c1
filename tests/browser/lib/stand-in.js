// A stand-in for the program, in the form of its API: serves the page and traces sent to it as OTLP JSON. For work on the
// page alone: `node lib/stand-in.js [port]`, then open the address it prints. The tests run the real program.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { shop, shopTrace, bigTrace, otlp } from "./traces.js";
import { summarise } from "../../../jaeger-all-in-one/page/js/lib/api.js";

const PAGE = fileURLToPath(new URL("../../../jaeger-all-in-one/page", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const traces = new Map();
const known = new Map();
// A summary costs a look at each span; kept until the trace grows.
function summaryOf(trace) {
  const at = known.get(trace);
  if (at?.spans === trace.spans.length) return at;
  known.set(trace, summarise(trace));
  return known.get(trace);
}
const listeners = new Set();

function jaegerTags(list = []) {
  return list.map(({ key, value }) => {
    if ("boolValue" in value) return { key, type: "bool", value: value.boolValue };
    if ("intValue" in value) return { key, type: "int64", value: Number(value.intValue) };
    if ("doubleValue" in value) return { key, type: "float64", value: value.doubleValue };
    return { key, type: "string", value: value.stringValue ?? "" };
  });
}

export function take(json) {
  const changed = new Map();
  for (const { resource, scopeSpans } of json.resourceSpans) {
    const process = jaegerTags(resource.attributes);
    const service = process.find((tag) => tag.key === "service.name")?.value ?? "missing-service-name";
    for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
      const id = span.traceId.replace(/^0{16}/, "");
      if (!traces.has(id)) traces.set(id, { traceID: id, spans: [], processes: {}, warnings: null });
      const trace = traces.get(id);
      let pid = Object.keys(trace.processes).find((p) => trace.processes[p].serviceName === service);
      if (!pid) {
        pid = `p${Object.keys(trace.processes).length + 1}`;
        trace.processes[pid] = { serviceName: service, tags: process.filter((tag) => tag.key !== "service.name") };
      }
      const tags = jaegerTags(span.attributes);
      const kind = { 2: "server", 3: "client", 4: "producer", 5: "consumer" }[span.kind];
      if (kind) tags.push({ key: "span.kind", type: "string", value: kind });
      if (span.status?.code === 2) tags.push({ key: "error", type: "bool", value: true }, { key: "otel.status_code", type: "string", value: "ERROR" }, { key: "otel.status_description", type: "string", value: span.status.message });
      const start = Number(BigInt(span.startTimeUnixNano) / 1000n);
      trace.spans.push({
        traceID: id,
        spanID: span.spanId,
        operationName: span.name,
        references: [...(span.parentSpanId ? [{ refType: "CHILD_OF", traceID: id, spanID: span.parentSpanId }] : []), ...(span.links ?? []).map((link) => ({ refType: "FOLLOWS_FROM", traceID: link.traceId, spanID: link.spanId }))],
        startTime: start,
        duration: Number(BigInt(span.endTimeUnixNano) / 1000n) - start,
        tags: tags.sort((a, b) => (a.key < b.key ? -1 : 1)),
        logs: (span.events ?? []).map((event) => ({ timestamp: Number(BigInt(event.timeUnixNano) / 1000n), fields: [{ key: "event", type: "string", value: event.name }, ...jaegerTags(event.attributes)] })),
        processID: pid,
        warnings: null,
      });
      changed.set(id, service);
    }
  }
  for (const id of changed.keys()) traces.get(id).spans.sort((a, b) => a.startTime - b.startTime);
  const text = JSON.stringify({ traces: [...changed].map(([traceID, service]) => ({ traceID, service })) });
  for (const listener of listeners) listener.write(`event: change\ndata: ${text}\n\n`);
}

const serviceOf = (trace, span) => trace.processes[span.processID].serviceName;
const unique = (list) => [...new Set(list)].sort();
function* spansOf(service, operation) {
  for (const trace of traces.values()) {
    for (const span of trace.spans) {
      if (service && serviceOf(trace, span) !== service) continue;
      if (operation && span.operationName !== operation) continue;
      yield [trace, span];
    }
  }
}
const DURATION = { ns: 1e-3, us: 1, ms: 1e3, s: 1e6, m: 6e7, h: 36e8 };
const micros = (text) => {
  const [, n, unit] = /^([\d.]+)(\D+)$/.exec(text) ?? [];
  return Number(n) * DURATION[unit];
};

function summaries(q) {
  const [start, end] = ["start", "end"].map((side, i) => Date.parse(q.get(`query.start_time_${["min", "max"][i]}`)) * 1000);
  const wanted = Object.entries(JSON.parse(q.get("query.attributes") || "{}"));
  const [least, most] = [q.get("query.duration_min"), q.get("query.duration_max")].map((text) => (text ? micros(text) : undefined));
  const found = new Set();
  for (const [trace, span] of spansOf(q.get("query.service_name"), q.get("query.operation_name"))) {
    if (span.startTime < start || span.startTime > end + 1000) continue;
    if (least !== undefined && span.duration < least) continue;
    if (most !== undefined && span.duration > most) continue;
    if (!wanted.every(([key, value]) => span.tags.some((tag) => tag.key === key && String(tag.value) === value))) continue;
    found.add(trace);
  }
  return [...found]
    .map(summaryOf)
    .sort((a, b) => b.startTime - a.startTime)
    .slice(0, Number(q.get("query.num_traces")) || 20)
    .map((s) => ({
      traceId: s.id,
      rootServiceName: s.service,
      rootOperationName: s.operation,
      minStartTimeUnixNano: String(BigInt(s.startTime) * 1000n),
      maxEndTimeUnixNano: String(BigInt(s.startTime + s.duration) * 1000n),
      spanCount: s.spans,
      errorSpanCount: s.errors,
      orphanSpanCount: s.orphans,
      panicSpanCount: s.panics,
      cancelledSpanCount: s.cancelled,
      services: s.services.map((x) => ({ name: x.name, spanCount: x.count, errorSpanCount: x.errors })),
    }));
}

function metrics(name, q) {
  const [end, lookback, step] = ["endTs", "lookback", "step"].map((key) => Number(q.get(key)));
  const groups = new Map();
  for (const [, span] of spansOf(q.get("service"))) {
    const at = span.startTime / 1000;
    if (at < end - lookback || at > end) continue;
    const key = q.get("groupByOperation") ? span.operationName : "";
    if (!groups.has(key)) groups.set(key, new Map());
    const bucket = Math.floor((at - (end - lookback)) / step);
    const points = groups.get(key);
    if (!points.has(bucket)) points.set(bucket, []);
    points.get(bucket).push(span);
  }
  const value = (spans) => {
    if (name === "calls") return spans.length / (step / 1000);
    if (name === "errors") return spans.filter((span) => span.tags.some((tag) => tag.key === "error")).length / spans.length;
    const sorted = spans.map((span) => span.duration).sort((a, b) => a - b);
    return sorted[Math.ceil(Number(q.get("quantile")) * sorted.length) - 1] / 1000;
  };
  return [...groups].map(([operation, points]) => ({
    labels: [...(operation ? [{ name: "operation", value: operation }] : []), { name: "service_name", value: q.get("service") }],
    metricPoints: [...points].sort((a, b) => a[0] - b[0]).map(([bucket, spans]) => ({ gaugeValue: { doubleValue: value(spans) }, timestamp: new Date(end - lookback + (bucket + 1) * step).toISOString() })),
  }));
}

function dependencies() {
  const counts = new Map();
  for (const trace of traces.values()) {
    const byId = new Map(trace.spans.map((span) => [span.spanID, span]));
    for (const span of trace.spans) {
      const up = byId.get(span.references[0]?.spanID);
      if (!up) continue;
      const key = JSON.stringify([serviceOf(trace, up), serviceOf(trace, span)]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts].map(([key, callCount]) => ({ parent: JSON.parse(key)[0], child: JSON.parse(key)[1], callCount }));
}

function api(url) {
  const q = url.searchParams;
  const data = (list) => ({ data: list, total: list.length, limit: 0, offset: 0, errors: null });
  const begins = (list) => list.filter((text) => text.toLowerCase().includes((q.get("prefix") ?? "").toLowerCase())).slice(0, 50);
  const match = (pattern) => pattern.exec(url.pathname);
  let found;
  if (url.pathname === "/api/services") return data(unique([...spansOf()].map(([trace, span]) => serviceOf(trace, span))));
  if (url.pathname === "/api/operations") return data(unique([...spansOf(q.get("service"))].map(([, span]) => span.operationName)).map((name) => ({ name, spanKind: "" })));
  if (url.pathname === "/api/tags") return data(begins(unique([...spansOf(q.get("service"), q.get("operation"))].flatMap(([, span]) => span.tags.map((tag) => tag.key)))));
  if ((found = match(/^\/api\/tags\/([^/]+)\/values$/))) return data(begins(unique([...spansOf(q.get("service"))].flatMap(([, span]) => span.tags.filter((tag) => tag.key === decodeURIComponent(found[1])).map((tag) => String(tag.value))))));
  if (url.pathname === "/api/v3/trace-summaries") return { summaries: summaries(q) };
  if (url.pathname === "/api/dependencies") return data(dependencies());
  if ((found = match(/^\/api\/metrics\/(calls|errors|latencies)$/))) return { name: found[1], type: "GAUGE", help: "", metrics: metrics(found[1], q) };
  if ((found = match(/^\/api\/traces\/([0-9a-f]+)$/i))) {
    const trace = traces.get(found[1].replace(/^0{16}/, "")) ?? traces.get(found[1].padStart(16, "0"));
    return trace ? data([trace]) : null;
  }
  return undefined;
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

export function serve(port = 0) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const send = (status, type, content, headers = {}) => {
      response.writeHead(status, { "content-type": type, "content-security-policy": POLICY, ...headers });
      response.end(content);
    };
    if (url.pathname === "/v1/traces" && request.method === "POST") {
      take(await body(request));
      return send(200, "application/json", '{"partialSuccess":{}}');
    }
    if (url.pathname === "/api/live") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(": here\n\n");
      listeners.add(response);
      request.on("close", () => listeners.delete(response));
      return;
    }
    if (url.pathname.startsWith("/api/")) {
      const answer = api(url);
      if (answer) return send(200, "application/json", JSON.stringify(answer));
      return send(404, "text/plain; charset=utf-8", JSON.stringify({ data: null, errors: [{ code: 404, msg: answer === null ? "trace not found" : "no such path" }] }));
    }
    const name = url.pathname.startsWith("/static/") ? url.pathname.slice(8) : "index.html";
    try {
      const file = path.join(PAGE, path.normalize(`/${name}`));
      send(200, TYPES[path.extname(file)] ?? "text/plain", await readFile(file), { "cache-control": "no-cache" });
    } catch {
      send(404, "text/plain", "not found");
    }
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.argv[2] ?? 0));
  for (const spans of shop(60, Date.now() * 1000)) take(otlp(spans));
  take(otlp(bigTrace(0xb16, 100_000, Date.now() * 1000 - 30e6)));
  console.log(`http://127.0.0.1:${server.address().port}`);
  const timer = process.argv.includes("--live") && setInterval(() => take(otlp(shopTrace(Math.floor(Date.now() / 1000) % 100000, Date.now() % 4, Date.now() * 1000 - 400_000))), 1500);
  void timer;
}
