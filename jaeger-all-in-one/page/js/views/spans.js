// All spans as a table, sortable, of any length; those that do not match the filter are left out.

import { h, fill } from "../lib/dom.js";
import { longTable } from "./table.js";
import { marks } from "../lib/icons.js";
import { noMatch } from "../lib/states.js";
import { paint } from "../lib/color.js";
import { dateTime, duration, exact } from "../lib/format.js";
import { text } from "../model/trace.js";

export function create(state, panel, { show, kept }) {
  const rows = () => {
    const { n } = state.trace;
    const { found } = state;
    const list = [];
    for (let i = 0; i < n; i++) if (!found || found.match[i]) list.push(i);
    return list;
  };
  const lower = (names, of) => (i) => names()[of()[i]].toLowerCase();
  const table = longTable({
    label: "Spans of the trace",
    kept,
    items: [],
    sort: { key: "start", down: false },
    columns: [
      { key: "service", label: "Service", sort: lower(() => state.trace.services, () => state.trace.service) },
      { key: "operation", label: "Operation", sort: lower(() => state.trace.operations, () => state.trace.operation) },
      { key: "start", label: "Start", numeric: true, sort: (i) => state.trace.start[i] },
      { key: "duration", label: "Duration", numeric: true, sort: (i) => state.trace.span[i] },
      { key: "self", label: "Self", numeric: true, sort: (i) => state.self[i] },
      { key: "outcome", label: "Outcome", sort: (i) => -(state.trace.flags[i] & 7) },
      { key: "id", label: "Span ID", sort: (i) => text(state.trace.raw[i].spanID) },
    ],
    fillRow(cells, i, element) {
      const { trace: t } = state;
      const service = t.services[t.service[i]];
      paint(element, service);
      fill(cells[0], h("span", { class: "chip-dot", "aria-hidden": "true" }), service);
      cells[1].textContent = t.operations[t.operation[i]];
      cells[2].textContent = exact(t.start[i]);
      cells[2].title = dateTime(t.startTime + t.start[i], true);
      cells[3].textContent = duration(t.span[i]);
      cells[3].title = exact(t.span[i]);
      cells[4].textContent = duration(state.self[i]);
      cells[4].title = exact(state.self[i]);
      fill(cells[5], marks(t.flags[i]));
      cells[6].textContent = text(t.raw[i].spanID);
    },
    async press(i) {
      await show("timeline");
      state.goTo(i, true);
    },
  });
  table.element.classList.add("spans-table");
  const host = h("div", { class: "view view-fill" });
  panel.append(host);
  const draw = () => {
    const list = rows();
    if (list.length === 0) return void fill(host, noMatch());
    if (!table.element.isConnected) fill(host, table.element);
    table.set(list);
  };
  draw();
  const off = state.on((what) => (what === "filter" || what === "trace") && draw());
  return {
    destroy() {
      off();
      table.destroy();
    },
  };
}
