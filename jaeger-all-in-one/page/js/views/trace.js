// The page of one trace: its head, its views as tabs, the filter; loading, live update, and the address.

import { h, fill, announce, debounce, inSteps } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { buildTrace, overview, rootRow, text } from "../model/trace.js";
import { TraceState } from "../model/state.js";
import { loading, failed, empty, pageState } from "../lib/states.js";
import { badge, icon } from "../lib/icons.js";
import { ago, count, dateTime, duration, plural, shortId } from "../lib/format.js";
import { setQuery } from "../lib/router.js";
import * as keyboard from "../lib/keyboard.js";
import { liveSwitch, watch } from "../lib/live.js";
import { toast } from "../lib/drop.js";
import { copyButton } from "../lib/copy.js";
import { jsonParts } from "../lib/json-parts.js";
import { isMissing, missingTraces } from "./missing.js";

const VIEWS = [
  ["timeline", "Timeline", () => import("./timeline.js")],
  ["graph", "Graph", () => import("./graph.js")],
  ["statistics", "Statistics", () => import("./statistics.js")],
  ["spans", "Spans", () => import("./spans.js")],
  ["flame", "Flame graph", () => import("./flame.js")],
  ["logs", "Logs", () => import("./logs.js")],
  ["json", "JSON", () => import("./json.js")],
];

function viewNamed(name) {
  return VIEWS.find((item) => item[0] === name) ?? VIEWS[0];
}

export function mount(outlet, at) {
  let destroyed = false;
  let page = null;
  const abort = new AbortController();
  const id = at.params[0];
  document.title = `Trace ${shortId(id)} – Jaeger`;
  fill(outlet, loading("Loading the trace"));
  // The code of the view comes while the trace does.
  viewNamed(at.query.view)[2]().catch(() => {});

  const load = async () => {
    try {
      const json = await api.traceJson(id, { signal: abort.signal });
      if (destroyed) return;
      const trace = buildTrace(json);
      if (trace.n === 0) return void fill(outlet, pageState(empty("This trace has no spans")));
      // Kept where a reload finds it, unlike the file.
      if (api.fromFile(id)) history.replaceState({ ...history.state, file: true }, "");
      page = tracePage(outlet, id, trace, json, at.query, abort.signal);
    } catch (error) {
      if (destroyed || error.name === "AbortError") return;
      fill(outlet, isMissing(id, error) ? missingTraces([id], load) : pageState(failed(error, load)));
    }
  };
  load();
  return {
    update(next) {
      if (next.params[0] !== id || !page) return false;
      page.take(next.query);
      return true;
    },
    destroy() {
      destroyed = true;
      abort.abort();
      page?.destroy();
    },
  };
}

function tracePage(outlet, id, trace, json, query, signal) {
  const state = new TraceState(trace, json);
  const unbind = [];
  let view = null;
  let viewName = "";
  // What each view wants to find again when it is opened anew: where it was scrolled to, its order.
  const kept = Object.fromEntries(VIEWS.map(([name]) => [name, {}]));
  let unwatch = null;
  const waits = liveSwitch((on) => setLive(on));

  const head = h("div", { class: "trace-head" });
  const panel = h("div", { class: "trace-panel", role: "tabpanel", id: "trace-panel", tabindex: "-1" });
  const tabs = VIEWS.map(([name, label]) =>
    h("button", { type: "button", role: "tab", class: "tab", id: `tab-${name}`, "aria-controls": "trace-panel", "data-view": name, on: { click: () => show(name) } }, label),
  );
  const tablist = h("div", { class: "tabs", role: "tablist", "aria-label": "Views of the trace", on: { keydown: tabKeys } }, tabs);
  const filter = filterBar(state);
  fill(outlet, h("div", { class: "trace-page" }, head, h("div", { class: "trace-bar" }, tablist, filter.element), panel));
  drawHead();

  function drawHead() {
    const { trace } = state;
    const root = rootRow(trace);
    const facts = overview(trace);
    const service = trace.services[trace.service[root]];
    const operation = trace.operations[trace.operation[root]];
    document.title = `${service}: ${operation} – Jaeger`;
    const fact = (name, ...value) => h("div", { class: "fact" }, h("dt", name), h("dd", value));
    fill(
      head,
      h(
        "div",
        { class: "trace-title" },
        h("h1", { title: `${service}: ${operation}` }, h("span", { class: "trace-service" }, service), h("span", { class: "trace-operation" }, operation)),
        h(
          "div",
          { class: "trace-actions" },
          api.fromFile(id) ? h("span", { class: "hint" }, "from a file") : waits.element({ title: "Show spans as they come in", checked: Boolean(unwatch) }),
          h("a", { class: "button", href: `/compare?a=${encodeURIComponent(id)}` }, "Compare…"),
          h("button", { type: "button", class: "button", title: "Download JSON", "aria-label": "Download JSON", on: { click: () => download(state) } }, icon("download"), h("span", { class: "wide-only" }, "JSON")),
        ),
      ),
      h(
        "dl",
        { class: "facts" },
        fact("Trace", h("span", { class: "mono trace-id" }, trace.id), copyButton(trace.id, "the trace ID")),
        fact("Start", h("time", { title: ago(trace.startTime) }, dateTime(trace.startTime))),
        fact("Duration", duration(trace.duration)),
        fact("Spans", count(trace.n)),
        fact("Services", count(facts.services)),
        fact("Depth", count(facts.depth)),
        (facts.errors || facts.panics || facts.cancelled) > 0 &&
          h(
            "div",
            { class: "fact fact-badges" },
            h("dt", "Outcome"),
            h(
              "dd",
              facts.panics > 0 && badge("panic", plural(facts.panics, "panic")),
              facts.errors > 0 && badge("error", plural(facts.errors, "error")),
              facts.cancelled > 0 && badge("cancelled", `${count(facts.cancelled)} cancelled`),
            ),
          ),
      ),
      trace.warnings.length > 0 && warnings(trace.warnings),
    );
  }

  function setLive(on) {
    unwatch?.();
    unwatch = on ? watch({ traceID: id }, refresh, waits.tell) : null;
    setQuery({ live: on ? 1 : "" });
  }

  async function refresh() {
    try {
      const fresh = await api.traceJson(id, { signal });
      if (fresh.spans.length === state.trace.n) return;
      const before = state.trace.n;
      state.replace(buildTrace(fresh), fresh);
      drawHead();
      announce(`${plural(state.trace.n - before, "span")} more`);
    } catch (error) {
      if (error.name !== "AbortError") toast(error.message, true);
    }
  }

  let turn = 0;
  async function show(name) {
    const entry = viewNamed(name);
    const mine = ++turn;
    for (const tab of tabs) {
      const on = tab.dataset.view === entry[0];
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      // On a narrow page the tabs are a strip that scrolls.
      if (on) tablist.scrollLeft = tab.offsetLeft - tablist.offsetLeft - tablist.clientWidth / 2 + tab.clientWidth / 2;
    }
    panel.setAttribute("aria-labelledby", `tab-${entry[0]}`);
    panel.dataset.view = entry[0];
    setQuery({ view: entry[0] === "timeline" ? "" : entry[0] });
    if (viewName === entry[0]) return;
    let module;
    try {
      module = await entry[2]();
    } catch {
      const error = new Error("This view could not be loaded. Is the program still running?");
      module = { create: () => void fill(panel, failed(error, () => location.reload())) };
    }
    if (mine !== turn) return;
    view?.destroy?.();
    viewName = entry[0];
    fill(panel);
    view = module.create(state, panel, { show, kept: kept[viewName] });
  }

  function tabKeys(event) {
    const at = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const tab = tabs[(next + tabs.length) % tabs.length];
    tab.focus();
    show(tab.dataset.view);
  }

  // Everything is as the address says, and what it does not say as it is in the beginning: an address is taken more than once where somebody comes back to
  // it, or goes to the same trace again.
  function take(next) {
    const text = next.uiFind ?? next.filter ?? "";
    if (text !== state.filter || (next.hide === "1") !== state.hide) {
      state.setFilter(text, next.hide === "1");
      filter.set(text, state.hide);
    }
    const from = Number(next.from);
    const to = Number(next.to);
    if (Number.isFinite(from) && Number.isFinite(to) && to > from) state.setZoom(from, to);
    else state.setZoom(0, state.trace.duration);
    state.setCritical(next.critical !== "0");
    state.opened.clear();
    const live = next.live === "1" && !api.fromFile(id);
    if (live !== Boolean(unwatch)) {
      setLive(live);
      drawHead();
    }
    // A view reads of the address what only it shows.
    viewName = "";
    const row = next.span ? state.rowOf(next.span) : -1;
    show(next.view).then(() => {
      if (next.span && row < 0) toast(`Span ${next.span.slice(0, 40)} is not in this trace (yet)`, true);
      if (row < 0) return;
      state.goTo(row, true);
      // On a phone the rows begin below what is seen.
      panel.scrollIntoView({ block: "nearest" });
    });
  }

  const saveZoom = debounce(() => {
    const { from, to } = state.zoom;
    setQuery(state.whole ? { from: "", to: "" } : { from: round(from), to: round(to) });
  }, 150);
  unbind.push(
    state.on((what) => {
      if (what === "zoom") saveZoom();
      if (what === "critical") setQuery({ critical: state.showCritical ? "" : 0 });
      if (what === "filter") setQuery({ uiFind: state.filter, filter: "", hide: state.hide ? 1 : "" });
      if (what === "opened" || what === "goto") {
        const last = [...state.opened].pop();
        setQuery({ span: last === undefined ? "" : text(state.trace.raw[last].spanID) });
      }
      filter.draw();
    }),
    ...VIEWS.map(([name, label], i) => keyboard.bind(String(i + 1), label, () => void show(name), "A trace")),
    keyboard.bind("f", "Filter spans", () => filter.focus(), "A trace"),
    keyboard.bind("n", "Next match", () => filter.step(1), "A trace"),
    keyboard.bind("p", "Match before", () => filter.step(-1), "A trace"),
    keyboard.bind("h", "Hide or show what does not match", () => filter.toggleHide(), "A trace"),
  );
  take(query);
  return {
    take,
    destroy() {
      unwatch?.();
      saveZoom.cancel();
      view?.destroy?.();
      for (const off of unbind) off();
    },
  };
}

function warnings(texts) {
  const host = h("ul", { class: "trace-warnings" });
  inSteps(host, texts, (warning) => h("li", icon("warning", "warning"), " ", warning), 5, (more) => h("li", more));
  return host;
}

function filterBar(state) {
  const input = h("input", {
    type: "search",
    class: "input filter-input",
    name: "filter",
    placeholder: "Filter: text, key=value, > 2.5 %, is:error",
    "aria-label": "Filter spans",
    "aria-describedby": "filter-count",
    autocomplete: "off",
    spellcheck: "false",
    "data-first-field": true,
  });
  const hide = h("input", { type: "checkbox", name: "hide", on: { change: () => state.setFilter(input.value, hide.checked) } });
  const told = h("output", { class: "filter-count", id: "filter-count" });
  const apply = debounce(() => state.setFilter(input.value), 120);
  input.addEventListener("input", apply);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (input.value !== state.filter) {
        apply.cancel();
        state.setFilter(input.value);
      }
      step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && input.value) {
      event.preventDefault();
      input.value = "";
      state.setFilter("");
    }
  });
  const step = (by) => {
    const row = state.nextMatch(by);
    if (row >= 0) state.goTo(row);
  };
  const button = (text, label, by) => h("button", { type: "button", class: "button-icon", "aria-label": label, title: label, on: { click: () => step(by) } }, text);
  const before = button("↑", "Match before (p)", -1);
  const after = button("↓", "Next match (n)", 1);
  const help = h(
    "details",
    { class: "filter-help" },
    h("summary", { class: "button-icon", "aria-label": "How to write a filter", title: "How to write a filter" }, "?"),
    h(
      "dl",
      [
        ["checkout", "text in names, tags, logs"],
        ["http.method=GET", "a tag, a log field, service=, operation="],
        ['"two words"', 'spaces within quotes; \\" is a quote, \\\\ a backslash'],
        ["> 2.5 %  ·  < 10ms", "share of the trace, duration"],
        ["is:error", "also panic, cancelled, warning, critical, root, leaf"],
        ["-health", "everything but"],
        ["a | b", "one or the other; a space joins by “and”"],
      ].map(([what, text]) => h("div", h("dt", h("code", what)), h("dd", text))),
    ),
  );
  // It lies over the rows: gone by Escape, or by going elsewhere.
  const closeHelp = () => (help.open = false);
  help.addEventListener("focusout", (event) => help.contains(event.relatedTarget) || closeHelp());
  help.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !help.open) return;
    event.stopPropagation();
    closeHelp();
  });
  const element = h(
    "div",
    { class: "filter", role: "search" },
    h("div", { class: "filter-field" }, input, told),
    before,
    after,
    h("label", { class: "check", title: "Hide the spans that do not match (h)" }, hide, h("span", "Hide others")),
    help,
  );
  const draw = () => {
    const { found } = state;
    if (found?.error) told.textContent = found.error;
    else told.textContent = found ? `${count(found.count)} of ${count(state.trace.n)}` : "";
    told.classList.toggle("filter-problem", Boolean(found?.error));
    input.toggleAttribute("aria-invalid", Boolean(found?.error));
    before.disabled = after.disabled = !found?.count;
    hide.checked = state.hide;
  };
  draw();
  return {
    element,
    draw,
    step,
    set(text, hidden) {
      input.value = text;
      hide.checked = hidden;
      draw();
    },
    focus: () => input.focus(),
    toggleHide: () => state.setFilter(input.value, !state.hide),
  };
}

function download(state) {
  const parts = ['{"data":[', ...jsonParts(state.json, "spans"), '],"total":0,"limit":0,"offset":0,"errors":null}'];
  const url = URL.createObjectURL(new Blob(parts, { type: "application/json" }));
  const link = h("a", { href: url, download: `trace-${state.trace.id || "file"}.json` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function round(x) {
  return Math.round(x * 1000) / 1000;
}

