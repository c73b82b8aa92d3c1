// The trace as a graph: who called whom, how often, and where the time went.

import { h, fill } from "../lib/dom.js";
import { ARROWS, BOXES, network } from "./network.js";
import { busiest, traceGraph } from "../model/graph.js";
import { quoteFilter } from "../model/filter.js";
import { count, duration, percent, plural } from "../lib/format.js";
import { setQuery } from "../lib/router.js";

export function create(state, panel) {
  let by = new URLSearchParams(location.search).get("by");
  const select = h("select", { class: "input", name: "by", on: { change: () => choose(select.value) } }, h("option", { value: "operation" }, "Service and operation"), h("option", { value: "service" }, "Service"));
  const told = h("span", { class: "hint", role: "status" });
  const host = h("div", { class: "graph-host" });
  panel.append(h("div", { class: "view view-fill" }, h("div", { class: "view-tools" }, h("label", { class: "inline-field" }, h("span", "A box for each"), select), told), host));

  function choose(next) {
    by = next;
    setQuery({ by: by === "service" ? by : "" });
    draw();
  }
  // What the boxes of the picture are: what was chosen, or services where operations are too many.
  let boxes = "operation";
  function draw() {
    const { trace } = state;
    boxes = by === "service" ? "service" : "operation";
    let graph = traceGraph(trace, boxes, state.self);
    let note = "";
    if ((graph.nodes.length > BOXES || graph.edges.length > ARROWS) && boxes === "operation") {
      note = `${plural(graph.nodes.length, "operation")} with ${plural(graph.edges.length, "arrow")} are too many for a picture; by service: `;
      boxes = "service";
      graph = traceGraph(trace, boxes, state.self);
    }
    select.value = boxes;
    const all = graph.nodes.length;
    graph = busiest(graph, BOXES, ARROWS);
    if (graph.nodes.length < all) note += `the busiest of ${plural(all, "service")}: `;
    told.textContent = `${note}${plural(graph.nodes.length, "box", "boxes")}, ${plural(graph.edges.length, "arrow")}`;
    const whole = state.self.reduce((sum, x) => sum + x, 0) || 1;
    const picture = network(graph, {
      label: "Graph of the trace",
      nodeSize: { width: 210, height: 62, gapX: 76, gapY: 16 },
      describe: (node) => ({
        title: boxes === "service" ? node.service : node.operation || "no name",
        lines: [boxes === "service" ? plural(node.count, "span") : node.service, `${boxes === "service" ? "" : `${count(node.count)}× · `}${duration(node.total)} · self ${percent(node.self / whole)}`],
        bad: node.errors ? count(node.errors) : "",
      }),
      press(node) {
        state.setFilter(`service==${quoteFilter(node.service)}${boxes === "service" ? "" : ` operation==${quoteFilter(node.operation)}`}`);
        document.querySelector(".filter-input").value = state.filter;
      },
    });
    fill(host, picture.element);
    mark(picture);
  }
  let last = null;
  function mark(picture = last) {
    last = picture;
    if (!picture) return;
    const { trace, found } = state;
    const hit = new Set();
    if (found) for (let i = 0; i < trace.n; i++) if (found.match[i]) hit.add(`${trace.services[trace.service[i]]}\u0000${boxes === "service" ? "" : trace.operations[trace.operation[i]]}`);
    picture.graph.nodes.forEach((node, k) => picture.nodes[k].classList.toggle("is-dim", Boolean(found) && !hit.has(node.id)));
  }
  const off = state.on((what) => {
    if (what === "trace") draw();
    if (what === "filter") mark();
  });
  draw();
  return { destroy: off };
}
