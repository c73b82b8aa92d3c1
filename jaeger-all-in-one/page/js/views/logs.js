// The logs of all spans in the order of time.

import { h, fill } from "../lib/dom.js";
import { longTable } from "./table.js";
import { empty, noMatch } from "../lib/states.js";
import { paint } from "../lib/color.js";
import { count, dateTime, exact } from "../lib/format.js";
import { number, text } from "../model/trace.js";

// Of a log in a row of the table; all of it stands in the details of its span.
const FIELDS = 20;
const LETTERS = 200;

// In the order of the spans; the table sorts them.
function collect(state) {
  const { trace, found } = state;
  const list = [];
  for (let i = 0; i < trace.n; i++) {
    const { logs } = trace.raw[i];
    if (!Array.isArray(logs) || (found && !found.match[i])) continue;
    for (const log of logs) {
      const fields = (Array.isArray(log?.fields) ? log.fields : []).filter(Boolean);
      list.push({ row: i, at: number(log?.timestamp) - trace.startTime, fields });
    }
  }
  return list;
}

const level = (log) => text(log.fields.find((field) => field.key === "level")?.value).toLowerCase();
const event = (log) => text((log.fields.find((field) => field.key === "event") ?? log.fields.find((field) => field.key === "message"))?.value);
const cut = (text) => (text.length > LETTERS ? `${text.slice(0, LETTERS)}…` : text);

export function create(state, panel, { show, kept }) {
  const host = h("div", { class: "view view-fill" });
  panel.append(host);
  const items = collect(state);
  const table = longTable({
    label: "Logs of the trace",
    kept,
    items,
    sort: { key: "start", down: false },
    columns: [
      { key: "start", label: "Time", numeric: true, sort: (log) => log.at },
      { key: "service", label: "Span", sort: (log) => state.trace.services[state.trace.service[log.row]].toLowerCase() },
      { key: "event", label: "Event", sort: (log) => event(log).toLowerCase() },
      { key: "fields", label: "Fields" },
    ],
    fillRow(cells, log, element) {
      const { trace } = state;
      const service = trace.services[trace.service[log.row]];
      const name = event(log);
      paint(element, service);
      element.classList.toggle("is-bad", name === "error" || name === "panic" || name === "exception" || level(log) === "error");
      cells[0].textContent = exact(log.at);
      cells[0].title = dateTime(trace.startTime + log.at, true);
      fill(cells[1], h("span", { class: "chip-dot", "aria-hidden": "true" }), `${service}: ${trace.operations[trace.operation[log.row]]}`);
      cells[2].textContent = cut(name) || "–";
      const fields = log.fields.filter((field) => field.key !== "event");
      fill(
        cells[3],
        fields.slice(0, FIELDS).map((field) => h("span", { class: "log-field" }, h("span", { class: "log-key" }, cut(text(field.key))), cut(text(field.value)))),
        fields.length > FIELDS && h("span", { class: "hint log-more" }, `and ${count(fields.length - FIELDS)} more`),
      );
    },
    async press(log) {
      await show("timeline");
      state.goTo(log.row, true);
    },
  });
  table.element.classList.add("logs-table");
  const draw = () => {
    const list = collect(state);
    if (state.found?.count === 0) return void fill(host, noMatch());
    if (list.length === 0) return void fill(host, empty(state.found ? "No span that matches has logs" : "No span of this trace has logs"));
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
