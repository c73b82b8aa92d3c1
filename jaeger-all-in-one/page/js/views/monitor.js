// The monitor: rate, errors and latencies of a service and of its operations, from the spans held.
//
// Asked as Jaeger's own page asks (`/api/metrics/…`): latencies are milliseconds, calls are a rate a second, errors a
// share of the calls, each a list of points in time; a point may be "NaN" where nothing happened.
//
// The table asks for one window as long as the period: a quantile of all calls is no mean of the quantiles of its minutes.

import { h, fill } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { chart } from "./chart.js";
import { sortedTable } from "./table.js";
import { combobox, suggest } from "../lib/combobox.js";
import { empty, failed, loading } from "../lib/states.js";
import { duration, percent } from "../lib/format.js";
import { setQuery } from "../lib/router.js";
import { hands, liveSwitch, watch } from "../lib/live.js";

const PERIODS = [
  ["5m", "Last 5 minutes", 300e3, 5e3],
  ["1h", "Last hour", 3600e3, 60e3],
  ["6h", "Last 6 hours", 6 * 3600e3, 360e3],
  ["1d", "Last day", 86_400e3, 1440e3],
];
// Jaeger counts what servers were asked unless told otherwise; here everything is counted unless told otherwise.
const ALL_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const KINDS = [
  ["", "All spans"],
  ["server", "Server"],
  ["client", "Client"],
  ["internal", "Internal"],
  ["producer", "Producer"],
  ["consumer", "Consumer"],
];
const QUANTILES = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]];

/** Points `[[ms since 1970, value], …]` by operation from one answer. */
export function series(metrics) {
  const map = new Map();
  for (const metric of metrics ?? []) {
    const labels = Object.fromEntries((metric.labels ?? []).map((label) => [label.name, label.value]));
    const points = (metric.metricPoints ?? [])
      .map((point) => [Date.parse(point.timestamp), Number(point.gaugeValue?.doubleValue ?? NaN)])
      .filter(([time, value]) => Number.isFinite(time) && Number.isFinite(value));
    map.set(labels.operation ?? "", points);
  }
  return map;
}

// The value of the last point, which looks back over the whole period.
function last(points) {
  return points?.length ? points[points.length - 1][1] : NaN;
}

export function mount(outlet, at) {
  document.title = "Monitor – Jaeger";
  let abort = new AbortController();
  let period = PERIODS.find(([name]) => name === at.query.lookback) ?? PERIODS[1];
  let service = at.query.service ?? "";
  let kind = KINDS.some(([name]) => name === at.query.kind) ? at.query.kind : "";
  let names = [];
  const field = combobox({
    id: "monitor-service",
    name: "service",
    placeholder: "Service",
    source: async (text, signal) => {
      names = await api.services({ signal }).catch(() => names);
      return suggest(names, names.includes(text) ? "" : text).map((name) => ({ value: name }));
    },
    onChange(value) {
      if (names.includes(value.trim()) && value.trim() !== service) choose({ service: value.trim() });
    },
  });
  field.input.dataset.firstField = "";
  field.input.value = service;
  const select = h(
    "select",
    { class: "input", name: "lookback", on: { change: () => choose({ period: PERIODS.find(([name]) => name === select.value) }) } },
    PERIODS.map(([name, label]) => h("option", { value: name, selected: name === period[0] }, label)),
  );
  const kinds = h(
    "select",
    { class: "input", name: "kind", on: { change: () => choose({ kind: kinds.value }) } },
    KINDS.map(([name, label]) => h("option", { value: name, selected: name === kind }, label)),
  );
  const host = h("div", { class: "monitor-host" });
  const finger = hands(host);
  const waits = liveSwitch((on) => setLive(on));
  let unwatch = null;
  // What is on the page: live update writes into it instead of making it anew.
  let parts = null;
  const live = waits.element({ title: "Count again as spans come in", checked: at.query.live === "1" });
  fill(
    outlet,
    h(
      "div",
      { class: "page-view" },
      h("div", { class: "page-head" }, h("h1", "Monitor"), h("div", { class: "view-tools" }, h("label", { class: "inline-field", for: "monitor-service" }, h("span", "Service")), field.element, h("label", { class: "inline-field" }, h("span", "Kind"), kinds), h("label", { class: "inline-field" }, h("span", "Period"), select), live)),
      host,
    ),
  );

  // Also where nothing comes in: the period ends now.
  const listen = () => watch({ every: period[3] }, () => load(true), waits.tell);
  function setLive(on) {
    unwatch?.();
    unwatch = on ? listen() : null;
    setQuery({ live: on ? 1 : "" });
  }

  function put(...children) {
    parts = null;
    fill(host, ...children);
  }

  function choose(next) {
    if (next.service !== undefined) service = next.service;
    if (next.period) period = next.period;
    if (next.kind !== undefined) kind = next.kind;
    setQuery({ service, kind, lookback: period[0] === "1h" ? "" : period[0] });
    if (unwatch) setLive(true);
    load();
  }

  async function load(quiet = false) {
    abort.abort();
    abort = new AbortController();
    const mine = abort;
    if (!quiet) put(loading("Counting spans"));
    try {
      names = await api.services({ signal: mine.signal });
      if (!service) service = names.find((name) => !/^jaeger/.test(name)) ?? names[0] ?? "";
      // Who types into it goes on.
      if (!quiet || field.input !== document.activeElement) field.input.value = service;
      if (!service) return put(empty("No spans yet", h("p", "The monitor counts the spans that the backend holds. There are none.")));
      const [, , lookback, step] = period;
      const common = { service, endTs: Date.now(), lookback, step, ratePer: Math.max(step, 10e3), spanKind: kind || ALL_KINDS };
      const ask = (name, extra) => api.metric(name, { ...common, ...extra }, { signal: mine.signal }).then(series);
      const whole = { groupByOperation: true, lookback: 1e3, step: 1e3, ratePer: lookback };
      const both = (name, extra = {}) => Promise.all([ask(name, extra), ask(name, { ...extra, ...whole })]);
      const [calls, errors, ...latencies] = await Promise.all([both("calls"), both("errors"), ...QUANTILES.map(([, q]) => both("latencies", { quantile: q }))]);
      if (quiet) await finger.off();
      if (mine === abort) draw({ calls, errors, latencies, end: common.endTs, lookback });
    } catch (error) {
      // What live update cannot have now stays as it was; the switch says so.
      if (error.name !== "AbortError" && mine === abort && !(quiet && parts)) put(failed(error, () => load()));
    }
  }

  function draw({ calls, errors, latencies, end, lookback }) {
    const all = (map) => map.get("") ?? [...map.values()][0] ?? [];
    const operations = new Set([calls, errors, ...latencies].flatMap(([, by]) => [...by.keys()]).filter(Boolean));
    if (operations.size === 0 && all(calls[0]).length === 0) {
      return put(empty(`No spans of ${service} in this period`, h("p", "Choose a longer period or another service.")));
    }
    const range = { from: end - lookback, to: end };
    const charts = [
      chart({ title: "Latency", range, format: (ms) => duration(ms * 1000), scale: (most) => (most < 1000 ? 1 : 1e-3), lines: QUANTILES.map(([name], i) => ({ name, points: all(latencies[i][0]) })) }),
      chart({ title: "Errors", range, format: percent, scale: () => 100, least: 0.01, lines: [{ name: "error rate", points: all(errors[0]), bad: true }] }),
      chart({ title: "Rate", range, format: perSecond, scale: (most) => (most < 1 ? 60 : 1), lines: [{ name: "calls", points: all(calls[0]) }] }),
    ];
    const items = [...operations].map((operation) => {
      const rate = last(calls[1].get(operation));
      const [p50, p95, p99] = latencies.map(([, by]) => last(by.get(operation)) * 1000);
      return { operation, rate, errors: last(errors[1].get(operation)), p50, p95, p99, impact: (rate || 0) * (p95 || 0) };
    });
    const most = Math.max(1e-9, ...items.map((item) => item.impact));
    for (const item of items) item.share = item.impact / most;
    if (parts) {
      fill(parts.charts, charts);
      return parts.table.set(items);
    }
    const number = (key, label, format, title) => ({ key, label, title, numeric: true, sort: (item) => (Number.isFinite(item[key]) ? item[key] : -1), cell: (item) => (Number.isFinite(item[key]) ? format(item[key]) : "–") });
    const link = (operation, more = "") => `/search?service=${encodeURIComponent(service)}&operation=${encodeURIComponent(operation)}&lookback=${period[0]}${more}`;
    const table = sortedTable({
      label: `Operations of ${service}`,
      items,
      sort: { key: "impact", down: true },
      columns: [
        { key: "operation", label: "Operation", sort: (item) => item.operation.toLowerCase(), cell: (item) => h("a", { href: link(item.operation) }, item.operation) },
        number("p50", "p50", duration),
        number("p95", "p95", duration),
        number("p99", "p99", duration),
        number("rate", "Rate", perSecond),
        { ...number("errors", "Errors", percent), cell: (item) => (item.errors > 0 ? h("a", { class: "bad-link", href: link(item.operation, `&tags=${encodeURIComponent("error=true")}`) }, percent(item.errors)) : Number.isFinite(item.errors) ? "0 %" : "–") },
        { key: "impact", label: "Impact", title: "Rate times p95, against the greatest", numeric: true, sort: (item) => item.impact, cell: (item) => h("span", { class: "share" }, h("span", { class: "share-bar", "aria-hidden": "true" }, h("span", { class: "share-fill", style: { width: `${100 * item.share}%` } })), h("span", { class: "share-number" }, percent(item.share))) },
      ],
    });
    const made = { charts: h("div", { class: "charts" }, charts), table };
    put(made.charts, table.element);
    parts = made;
  }
  load();
  if (at.query.live === "1") unwatch = listen();
  return {
    destroy() {
      abort.abort();
      unwatch?.();
      finger.destroy();
    },
  };
}

function perSecond(rate) {
  if (rate >= 100) return `${Math.round(rate)}/s`;
  if (rate >= 1) return `${rate.toFixed(1)}/s`;
  return rate > 0 ? `${String(Number((rate * 60).toFixed(rate * 60 < 10 ? 2 : 1)))}/min` : "0";
}
