// Which service calls which, from the traces held.

import { h, fill } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { ARROWS, BOXES, network } from "./network.js";
import { sortedTable } from "./table.js";
import { busiest, dependencyGraph } from "../model/graph.js";
import { empty, failed, loading } from "../lib/states.js";
import { serviceStyle } from "../lib/color.js";
import { count, plural } from "../lib/format.js";
import { navigate, setQuery } from "../lib/router.js";
import { hands, liveSwitch, watch } from "../lib/live.js";

// Also where nothing comes in: what is older than the period goes.
const BEAT = 60e3;
const PERIODS = [
  ["1h", "Last hour", 3600e3],
  ["12h", "Last 12 hours", 12 * 3600e3],
  ["1d", "Last day", 86_400e3],
  ["7d", "Last 7 days", 7 * 86_400e3],
];

export function mount(outlet, at) {
  document.title = "Dependencies – Jaeger";
  let abort = new AbortController();
  let period = PERIODS.some(([name]) => name === at.query.lookback) ? at.query.lookback : "1d";
  const host = h("div", { class: "graph-host dependencies-host" });
  const told = h("span", { class: "hint", role: "status" });
  const finger = hands(host);
  const waits = liveSwitch((on) => setLive(on));
  let unwatch = null;
  // What is on the page: live update writes into it, so that zoom, focus and order stay.
  let parts = null;
  const live = waits.element({ title: "Count again as spans come in", checked: at.query.live === "1" });
  const select = h(
    "select",
    { class: "input", name: "lookback", on: { change: () => choose(select.value) } },
    PERIODS.map(([name, label]) => h("option", { value: name, selected: name === period }, label)),
  );
  fill(
    outlet,
    h("div", { class: "page-view" }, h("div", { class: "page-head" }, h("h1", "Dependencies"), h("div", { class: "view-tools" }, told, h("label", { class: "inline-field" }, h("span", "Period"), select), live)), host),
  );

  const listen = () => watch({ every: BEAT }, () => load(true), waits.tell);
  function setLive(on) {
    unwatch?.();
    unwatch = on ? listen() : null;
    setQuery({ live: on ? 1 : "" });
  }

  function choose(next) {
    period = next;
    setQuery({ lookback: period === "1d" ? "" : period });
    load();
  }

  function put(...children) {
    parts = null;
    fill(host, ...children);
  }

  async function load(quiet = false) {
    abort.abort();
    abort = new AbortController();
    const mine = abort;
    if (!quiet) {
      put(loading("Reading the traces"));
      told.textContent = "";
    }
    try {
      const items = await api.dependencies(Date.now(), PERIODS.find(([name]) => name === period)[2], { signal: mine.signal });
      if (quiet) await finger.off();
      if (mine !== abort) return;
      if (items.length > 0) return draw(items);
      told.textContent = "";
      put(empty("No calls between services", h("p", "Nothing in this period has a parent in its own trace.")));
    } catch (error) {
      // What live update cannot have now stays as it was; the switch says so.
      if (error.name !== "AbortError" && mine === abort && !(quiet && parts)) put(failed(error, () => load()));
    }
  }

  function draw(items) {
    const whole = dependencyGraph(items);
    const graph = busiest(whole, BOXES, ARROWS);
    const cut = graph !== whole && `; the picture has the busiest ${count(graph.nodes.length)} and ${count(graph.edges.length)}, the table all`;
    told.textContent = `${plural(whole.nodes.length, "service")}, ${plural(whole.edges.length, "connection")}${cut || ""}`;
    const picture = network(graph, {
      label: "Services and their calls",
      nodeSize: { width: 190, height: 46, gapX: 96, gapY: 22 },
      describe: (node) => ({ title: node.service, lines: [node.loops > 0 ? `${plural(node.count, "call")}, ${count(node.loops)} from itself` : node.count > 0 ? plural(node.count, "call") : "calls only"] }),
      press: (node) => navigate(`/search?service=${encodeURIComponent(node.service)}&lookback=${period}`),
      like: parts?.picture,
    });
    if (parts) {
      const focused = parts.picture.graph.nodes[parts.picture.nodes.indexOf(document.activeElement)]?.service;
      parts.picture.element.replaceWith(picture.element);
      if (focused !== undefined) picture.nodes[graph.nodes.findIndex((node) => node.service === focused)]?.focus({ preventScroll: true });
      parts.picture = picture;
      return parts.table.set(items);
    }
    const name = (service) => h("span", { class: "stat-name service-color", style: serviceStyle(service) }, h("span", { class: "chip-dot", "aria-hidden": "true" }), service);
    const table = sortedTable({
      label: "Calls between services",
      items,
      sort: { key: "calls", down: true },
      columns: [
        { key: "from", label: "From", sort: (item) => String(item.parent).toLowerCase(), cell: (item) => name(String(item.parent)) },
        { key: "to", label: "To", sort: (item) => String(item.child).toLowerCase(), cell: (item) => name(String(item.child)) },
        { key: "calls", label: "Calls", numeric: true, sort: (item) => Number(item.callCount), cell: (item) => count(Number(item.callCount)) },
      ],
    });
    put(picture.element, table.element);
    parts = { picture, table };
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
