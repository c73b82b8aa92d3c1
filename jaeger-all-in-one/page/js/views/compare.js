// Two traces side by side: equal paths of calls in one row, with what came, went, and took longer.

import { h, fill, scaled } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { buildTrace, nameOf, overview, rootRow } from "../model/trace.js";
import { compareTraces, summary, verdict } from "../model/compare.js";
import { visibleRows } from "../model/filter.js";
import { VirtualRows } from "../lib/virtual.js";
import { failed, loading, pageState } from "../lib/states.js";
import { isMissing, missingTraces } from "./missing.js";
import { icon } from "../lib/icons.js";
import { paint } from "../lib/color.js";
import { count, dateTime, duration, percent, plural, shortId } from "../lib/format.js";
import { navigate, setQuery } from "../lib/router.js";

export function mount(outlet, at) {
  document.title = "Compare – Jaeger";
  const abort = new AbortController();
  const [a, b] = at.params.length === 2 ? at.params : [at.query.a ?? "", at.query.b ?? ""];
  let view = null;
  if (!a || !b) chooser(outlet, a, b);
  else {
    fill(outlet, loading("Loading both traces"));
    const load = async () => {
      const ids = [a, b];
      const found = await Promise.allSettled(ids.map((id) => api.traceJson(id, { signal: abort.signal })));
      if (abort.signal.aborted) return;
      const missing = ids.filter((id, k) => found[k].reason && isMissing(id, found[k].reason));
      const other = ids.find((id) => !missing.includes(id));
      if (missing.length > 0) return void fill(outlet, missingTraces([...new Set(missing)], load, other && h("p", h("a", { href: `/compare?a=${encodeURIComponent(other)}` }, `Compare ${shortId(other)} with another`))));
      const bad = found.findIndex(({ reason }) => reason);
      if (bad >= 0) return void fill(outlet, pageState(failed(named(found[bad].reason, ids[bad]), load)));
      // Kept where a reload finds it, unlike the file.
      if (ids.some((id) => api.fromFile(id))) history.replaceState({ ...history.state, file: true }, "");
      try {
        view = page(outlet, ids, ...found.map(({ value }) => buildTrace(value)), at.query);
      } catch (error) {
        fill(outlet, pageState(failed(error, load)));
      }
    };
    load();
  }
  return {
    destroy() {
      abort.abort();
      view?.destroy();
    },
  };
}

function named(error, id) {
  error.message = `${shortId(id)}: ${error.message}`;
  return error;
}

function chooser(outlet, a, b) {
  const field = (name, label, value) => h("div", { class: "field" }, h("label", { for: `compare-${name}` }, label), h("input", { class: "input mono", id: `compare-${name}`, name, value, spellcheck: "false", autocomplete: "off", "data-first-field": value ? undefined : true }));
  fill(
    outlet,
    h(
      "div",
      { class: "compare-choose" },
      h("h1", "Compare two traces"),
      h("p", { class: "hint" }, "Choose two in the ", h("a", { href: "/search" }, "search"), ", or write their IDs."),
      h(
        "form",
        {
          on: {
            submit(event) {
              event.preventDefault();
              const form = new FormData(event.target);
              const [x, y] = ["a", "b"].map((name) => encodeURIComponent(form.get(name).trim()));
              if (x && y) navigate(`/trace/${x}...${y}`);
              else event.target.querySelector("input:placeholder-shown, input")?.focus();
            },
          },
        },
        field("a", "Before (A)", a),
        field("b", "After (B)", b),
        h("button", { class: "button button-primary" }, "Compare"),
      ),
    ),
  );
}

const CHANGES = {
  added: ["+", "only in B"],
  removed: ["−", "only in A"],
  more: ["▲", "more often in B"],
  fewer: ["▼", "less often in B"],
  same: ["=", "as often"],
};

function page(outlet, ids, a, b, query) {
  const compared = compareTraces(a, b);
  const collapsed = new Uint8Array(compared.n);
  let only = query.changed === "1";
  let rows = [];
  let active = 0;
  const told = summary(compared);
  const differs = new Uint8Array(compared.n);
  for (let i = compared.n - 1; i >= 0; i--) {
    if (verdict(compared.frames[i]).change !== "same") differs[i] = 1;
    if (differs[i] && compared.parent[i] >= 0) differs[compared.parent[i]] = 1;
  }

  const body = h("div", { class: "long-body", role: "rowgroup" });
  const heads = ["Service and operation", "", "Spans A", "Spans B", "Time A", "Time B", "Change"];
  const keys = ["path", "change", "count-a", "count-b", "time-a", "time-b", "diff"];
  const scroller = h(
    "div",
    { class: "long-scroll compare-table", role: "treegrid", tabindex: "0", "aria-label": "Calls of both traces" },
    h("div", { class: "long-head", role: "rowgroup" }, h("div", { class: "long-row", role: "row" }, heads.map((text, i) => h("div", { class: `col-head col-${keys[i]}`, role: "columnheader", }, text || h("span", { class: "visually-hidden" }, "How often"))))),
    body,
  );
  const virtual = new VirtualRows({
    scroller,
    body,
    height: () => scaled(30),
    create() {
      const cells = keys.map((key) => h("div", { class: `long-cell col-${key}`, role: "gridcell" }));
      const element = h("div", { class: "long-row", role: "row" }, cells);
      element.cells = cells;
      return element;
    },
    render(element, at) {
      const i = rows[at];
      const frame = compared.frames[i];
      const { change, time } = verdict(frame);
      const [x, y] = frame.time;
      element.id = `compare-${at}`;
      element.className = `long-row is-${change}${at === active ? " is-active" : ""}${collapsed[i] ? " is-collapsed" : ""}${compared.size[i] > 1 ? " is-parent" : ""}`;
      element.setAttribute("aria-level", String(compared.depth[i] + 1));
      if (compared.size[i] > 1) element.setAttribute("aria-expanded", String(!collapsed[i]));
      else element.removeAttribute("aria-expanded");
      paint(element, frame.service);
      element.style.setProperty("--depth", String(Math.min(compared.depth[i], 20)));
      const [path, sign, countA, countB, timeA, timeB, diff] = element.cells;
      fill(path, h("span", { class: "tl-twisty", "aria-hidden": "true" }, icon("chevron")), h("span", { class: "chip-dot", "aria-hidden": "true" }), h("span", { class: "compare-name", title: `${frame.service} ${frame.operation}` }, h("span", { class: "tl-service" }, frame.service), " ", h("span", { class: "tl-operation" }, frame.operation)));
      fill(sign, h("span", { class: `change change-${change}`, title: CHANGES[change][1] }, CHANGES[change][0], h("span", { class: "visually-hidden" }, CHANGES[change][1])));
      countA.textContent = frame.count[0] ? count(frame.count[0]) : "–";
      countB.textContent = frame.count[1] ? count(frame.count[1]) : "–";
      const timed = (n, t) => (n ? [duration(t), h("span", { class: "compare-bar", "aria-hidden": "true", style: { width: `${(100 * t) / compared.most}%` } })] : "–");
      fill(timeA, timed(frame.count[0], x));
      fill(timeB, timed(frame.count[1], y));
      const both = frame.count[0] > 0 && frame.count[1] > 0;
      const share = x > 0 ? ` (${time > 0 ? "+" : "−"}${percent(Math.abs(time) / x)})` : "";
      diff.textContent = !both ? CHANGES[change][1] : time === 0 ? "as long" : `${time > 0 ? "+" : ""}${duration(time)}${share}`;
      // What is in one trace only is neither slower nor faster.
      diff.className = `long-cell col-diff${!both ? "" : time > 0 ? " is-slower" : time < 0 ? " is-faster" : ""}`;
    },
  });
  const draw = () => {
    rows = visibleRows(compared, collapsed, only ? differs : null);
    active = Math.min(active, Math.max(0, rows.length - 1));
    scroller.setAttribute("aria-rowcount", String(rows.length + 1));
    virtual.reset(rows.length);
    point();
  };
  const point = () => {
    for (const [at, element] of virtual.rows) element.classList.toggle("is-active", at === active);
    if (virtual.element(active)) scroller.setAttribute("aria-activedescendant", `compare-${active}`);
    else scroller.removeAttribute("aria-activedescendant");
  };
  const toggle = (at, to = !collapsed[rows[at]]) => {
    if (compared.size[rows[at]] === 1) return;
    collapsed[rows[at]] = to ? 1 : 0;
    draw();
  };
  scroller.addEventListener("click", (event) => {
    const element = event.target.closest(".long-body .long-row");
    if (!element) return;
    active = element.virtualPosition;
    toggle(active);
    point();
  });
  scroller.addEventListener("keydown", (event) => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: rows.length - 1, PageDown: active + 15, PageUp: active - 15 }[event.key];
    if (to !== undefined) {
      active = Math.max(0, Math.min(rows.length - 1, to));
      virtual.reveal(active);
      point();
    } else if (event.key === "ArrowRight") toggle(active, false);
    else if (event.key === "ArrowLeft") toggle(active, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const side = (letter, trace, id) => {
    const root = rootRow(trace);
    const facts = overview(trace);
    return h(
      "div",
      { class: "compare-side" },
      h("span", { class: "compare-letter", "aria-hidden": "true" }, letter),
      h(
        "div",
        h("a", { class: "compare-title", href: `/trace/${encodeURIComponent(id)}`, title: root < 0 ? null : nameOf(trace, root) }, root < 0 ? "no spans" : h("span", { class: "trace-service" }, trace.services[trace.service[root]]), " ", root < 0 ? "" : trace.operations[trace.operation[root]]),
        h("p", { class: "hint" }, [shortId(trace.id), dateTime(trace.startTime), duration(trace.duration), plural(trace.n, "span"), facts.errors ? plural(facts.errors, "error") : "no errors"].join(" · ")),
      ),
    );
  };
  const change = b.duration - a.duration;
  const box = h("input", {
    type: "checkbox",
    name: "changed",
    checked: only,
    on: {
      change() {
        only = box.checked;
        setQuery({ changed: only ? 1 : "" });
        draw();
      },
    },
  });
  document.title = `Compare ${shortId(ids[0])} and ${shortId(ids[1])} – Jaeger`;
  fill(
    outlet,
    h(
      "div",
      { class: "compare-page" },
      h("h1", { class: "visually-hidden" }, "Comparison of two traces"),
      h("div", { class: "compare-sides" }, side("A", a, ids[0]), side("B", b, ids[1]), h("button", { type: "button", class: "button", on: { click: () => navigate(`/trace/${encodeURIComponent(ids[1])}...${encodeURIComponent(ids[0])}`) } }, "Swap")),
      h(
        "div",
        { class: "view-tools compare-told", role: "status" },
        h("strong", change === 0 ? "Both took as long" : `B took ${duration(Math.abs(change))} ${change > 0 ? "longer" : "less"}${a.duration > 0 ? ` (${percent(Math.abs(change) / a.duration)})` : ""}`),
        Object.entries(CHANGES).filter(([name]) => name !== "same" && told[name] > 0).map(([name, [sign, text]]) => h("span", { class: `change-told change-${name}` }, `${sign} ${count(told[name])} ${text}`)),
        told.added + told.removed + told.more + told.fewer === 0 && h("span", "the same calls, equally often"),
        h("label", { class: "check" }, box, h("span", "Only what differs")),
      ),
      scroller,
    ),
  );
  draw();
  return { destroy: () => virtual.destroy() };
}
