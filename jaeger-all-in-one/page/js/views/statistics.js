// Statistics of the trace by service, operation, both, or the values of a tag; with a filter, of the spans that match.

import { h, fill } from "../lib/dom.js";
import { sortedTable } from "./table.js";
import { text } from "../model/trace.js";
import { byTag, groupings, statistics } from "../model/stats.js";
import { badge } from "../lib/icons.js";
import { noMatch } from "../lib/states.js";
import { serviceStyle } from "../lib/color.js";
import { count, duration, percent, plural } from "../lib/format.js";
import { setQuery } from "../lib/router.js";

const GROUPS = [
  ["service-operation", "Service and operation"],
  ["service", "Service"],
  ["operation", "Operation"],
  ["tag", "A tag…"],
];

export function create(state, panel, { kept }) {
  const query = new URLSearchParams(location.search);
  let group = GROUPS.some(([name]) => name === query.get("group")) ? query.get("group") : "service-operation";
  let tag = query.get("tag") ?? "";
  const keys = h("datalist", { id: "stat-tags" });
  const tagInput = h("input", { class: "input", name: "tag", list: "stat-tags", value: tag, placeholder: "http.method", "aria-label": "Grouping tag", on: { change: () => choose() } });
  const select = h(
    "select",
    { class: "input", name: "group", on: { change: () => choose() } },
    GROUPS.map(([name, label]) => h("option", { value: name, selected: name === group }, label)),
  );
  const told = h("span", { class: "hint", role: "status" });
  const host = h("div", { class: "stat-host" });
  // Of the grouping that is shown; the same one keeps its order when the filter changes.
  let table = null;
  let shown = "";
  let most = 1;
  panel.append(
    h("div", { class: "view" }, h("div", { class: "view-tools" }, h("label", { class: "inline-field" }, h("span", "Group by"), select), tagInput, keys, h("span", { class: "hint" }, "Self time is what a span spent in none of its children."), told), host),
  );

  function choose() {
    group = select.value;
    tag = tagInput.value.trim();
    setQuery({ group: group === "service-operation" ? "" : group, tag: group === "tag" ? tag : "" });
    draw();
    if (group === "tag" && !tag) tagInput.focus();
  }

  function draw() {
    tagInput.hidden = group !== "tag";
    if (group === "tag" && !keys.firstChild) {
      const names = new Set();
      for (let i = 0; i < state.trace.n && names.size < 500; i++) {
        const { tags } = state.trace.raw[i];
        if (Array.isArray(tags)) for (const tag of tags) names.add(text(tag?.key));
      }
      fill(keys, [...names].slice(0, 500).sort().map((name) => h("option", { value: name })));
    }
    const grouping = group === "tag" ? byTag(tag) : groupings[group];
    const { found, trace } = state;
    const items = statistics(trace, grouping, state.self, found?.match);
    most = items.reduce((most, item) => Math.max(most, item.share), 1e-9);
    told.textContent = found ? `Of the ${plural(found.count, "span")} that ${found.count === 1 ? "matches" : "match"} the filter` : "";
    if (items.length === 0) {
      table = null;
      return void fill(host, noMatch());
    }
    if (table && shown === `${group} ${tag}`) return void table.set(items);
    shown = `${group} ${tag}`;
    const named = (item) => {
      if (group === "service-operation") return [h("span", { class: "stat-service" }, item.names[0]), " ", h("span", { class: "stat-operation" }, item.names[1])];
      return item.names[0];
    };
    const time = (key, label, title) => ({ key, label, title, numeric: true, sort: (item) => item[key], cell: (item) => duration(item[key]) });
    table = sortedTable({
      label: "Statistics",
      items,
      sort: (kept[group] ??= { key: "self", down: true }),
      rowClass: () => "service-color",
      rowStyle: (item) => (group === "service" || group === "service-operation" ? serviceStyle(item.service) : undefined),
      columns: [
        { key: "name", label: GROUPS.find(([name]) => name === group)[1].replace("A tag…", tag || "Tag"), sort: (item) => item.names.join("\u0000").toLowerCase(), cell: (item) => h("span", { class: "stat-name" }, h("span", { class: "chip-dot", "aria-hidden": "true" }), named(item)) },
        { key: "count", label: "Count", numeric: true, sort: (item) => item.count, cell: (item) => count(item.count) },
        { key: "outcome", label: "Errors", numeric: true, sort: (item) => item.errors + item.panics * 1000, cell: (item) => [item.panics > 0 && badge("panic", count(item.panics)), item.errors > 0 && badge("error", count(item.errors)), item.cancelled > 0 && badge("cancelled", count(item.cancelled)), !item.panics && !item.errors && !item.cancelled && h("span", { class: "hint" }, "0")] },
        time("total", "Total"),
        time("self", "Self", "Time in none of the children"),
        { key: "share", label: "Self share", numeric: true, sort: (item) => item.share, cell: (item) => h("span", { class: "share" }, h("span", { class: "share-bar", "aria-hidden": "true" }, h("span", { class: "share-fill", style: { width: `${(100 * item.share) / most}%` } })), h("span", { class: "share-number" }, percent(item.share))) },
        time("mean", "Mean"),
        time("min", "Min"),
        time("p50", "p50"),
        time("p95", "p95"),
        time("p99", "p99"),
        time("max", "Max"),
      ],
    });
    fill(host, table.element);
  }
  const off = state.on((what) => (what === "trace" || what === "filter") && draw());
  draw();
  return { destroy: off };
}
