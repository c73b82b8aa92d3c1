// What is known of one span: times, tags, process, logs, references, warnings.

import { h, inSteps, value } from "../lib/dom.js";
import { icon, badge } from "../lib/icons.js";
import { serviceStyle } from "../lib/color.js";
import { count, dateTime, exact, percent, plural, shortId } from "../lib/format.js";
import { CANCELLED, CUT, DUPLICATE, ERROR, ORPHAN, PANIC, nameOf, number, processOf, text } from "../model/trace.js";
import { copyButton } from "../lib/copy.js";

const LONG = 400;
// Tags, logs and references shown at once; a span may have tens of thousands.
const STEP = 100;
// Fields of logs that are there, folded, for the browser's search; those of further logs are made as they are unfolded.
const FOLDED = 500;

export function detail(state, row) {
  const { trace } = state;
  const span = trace.raw[row];
  const process = processOf(trace, row);
  const logs = list(span.logs);
  const tags = list(span.tags);
  const references = list(span.references);
  const flags = trace.flags[row];
  const service = trace.services[trace.service[row]];
  const link = new URL(`/trace/${encodeURIComponent(trace.id)}?span=${encodeURIComponent(text(span.spanID))}`, location.origin).href;
  const critical = state.sections.get(row);
  let onPath = 0;
  for (let k = 0; critical && k < critical.length; k += 2) onPath += critical[k + 1] - critical[k];
  const fact = (name, ...what) => h("div", { class: "fact" }, h("dt", name), h("dd", what));

  return h(
    "section",
    { class: "detail service-color", style: serviceStyle(service), "aria-label": `Details of ${service}: ${trace.operations[trace.operation[row]]}` },
    h(
      "header",
      { class: "detail-head" },
      h("h2", h("span", { class: "detail-operation" }, trace.operations[trace.operation[row]]), h("span", { class: "detail-service" }, service)),
      h(
        "div",
        { class: "detail-badges" },
        flags & PANIC ? badge("panic", "panic") : null,
        flags & ERROR ? badge("error", "error") : null,
        flags & CANCELLED ? badge("cancelled", "cancelled") : null,
      ),
    ),
    h(
      "dl",
      { class: "facts" },
      fact("Start", h("time", { title: dateTime(trace.startTime + trace.start[row], true) }, exact(trace.start[row]))),
      fact("Duration", exact(trace.span[row]), number(span.duration) < 0 && h("span", { class: "hint" }, ` (sent as ${text(span.duration)} µs)`)),
      fact("Of the trace", percent(trace.duration > 0 ? trace.span[row] / trace.duration : 1)),
      fact("Self", exact(state.self[row])),
      onPath > 0 && fact("Critical", exact(onPath)),
      trace.size[row] > 1 && fact("Below", plural(trace.size[row] - 1, "span")),
      fact("Span", h("span", { class: "mono" }, text(span.spanID)), copyButton(link, "a link to this span")),
    ),
    warnings(span, flags),
    section("Tags", tags.length, table(tags), true),
    section("Process", list(process.tags).length, h("div", h("p", { class: "detail-process" }, text(process.serviceName) || "unknown service"), table(list(process.tags))), false),
    logs.length > 0 && section("Logs", logs.length, logList(logs, span, trace), true),
    references.length > 0 && section("References", references.length, referenceList(state, references), references.length > 1),
  );
}

function list(value) {
  return Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : [];
}

function section(title, n, content, open) {
  return h("details", { class: "detail-section", open: open && n > 0 }, h("summary", icon("chevron"), h("span", title), h("span", { class: "hint" }, count(n))), content);
}

function warnings(span, flags) {
  const texts = Array.isArray(span.warnings) ? span.warnings.map(text) : [];
  if (flags & ORPHAN) texts.push("The parent span is not in this trace (yet).");
  if (flags & CUT) texts.push("The span is its own ancestor; it is shown as a root.");
  if (flags & DUPLICATE) texts.push("Another span of this trace has the same id.");
  if (texts.length === 0) return null;
  const host = h("ul", { class: "detail-warnings", "aria-label": "Warnings" });
  inSteps(host, texts, (warning) => h("li", icon("warning", "warning"), h("span", warning)), STEP, (more) => h("li", more));
  return host;
}

/** A table of tags: key, value, type. */
export function table(tags) {
  if (tags.length === 0) return h("p", { class: "hint detail-none" }, "none");
  const body = h("tbody");
  const line = (tag) => h("tr", h("th", { scope: "row" }, text(tag.key)), h("td", shown(tag)), h("td", { class: "tag-type" }, tag.type && tag.type !== "string" ? text(tag.type) : ""));
  inSteps(body, tags, line, STEP, (more) => h("tr", h("td", { colspan: "3" }, more)));
  return h("table", { class: "tags" }, body);
}

function shown(tag) {
  const full = text(tag.value);
  if (full === "") return h("span", { class: "hint" }, "empty");
  const pretty = structured(full);
  if (pretty) return h("details", { class: "tag-json" }, h("summary", h("code", cut(full, 80))), h("pre", pretty));
  if (full.length <= LONG) return h("span", { class: tag.type === "string" || !tag.type ? "tag-text" : "tag-number" }, value(full));
  return h("details", { class: "tag-json" }, h("summary", `${cut(full, 120)} (${count(full.length)} characters)`), h("pre", full));
}

function cut(text, n) {
  return text.length > n ? `${text.slice(0, n)}…` : text;
}

// Values that are JSON objects or lists are easier to read when they are laid out.
function structured(text) {
  if (text.length < 24 || !/^[[{]/.test(text) || !/[\]}]\s*$/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

function logList(logs, span, trace) {
  const host = h("ol", { class: "log-list" });
  let made = 0;
  const line = (log) => {
    const at = number(log.timestamp) - trace.startTime;
    const fields = list(log.fields);
    const event = fields.find((field) => field.key === "event" || field.key === "message");
    made += fields.length;
    const whole = logs.length <= 3 || made <= FOLDED;
    const unfold = (event) => event.target.open && event.target.children.length === 1 && event.target.append(table(fields));
    return h(
      "li",
      h(
        "details",
        { open: logs.length <= 3, on: whole ? {} : { toggle: unfold } },
        h("summary", icon("chevron"), h("time", { title: dateTime(number(log.timestamp), true) }, exact(at)), h("span", event ? cut(text(event.value), 120) : plural(fields.length, "field"))),
        whole && table(fields),
      ),
    );
  };
  inSteps(host, logs, line, STEP, (more) => h("li", more));
  return host;
}

function referenceList(state, references) {
  const { trace } = state;
  const host = h("ul", { class: "reference-list" });
  const line = (reference) => {
    const id = text(reference.spanID);
    const inside = !reference.traceID || reference.traceID === trace.id;
    const row = inside ? state.rowOf(id) : -1;
    const kind = h("span", { class: "reference-kind" }, reference.refType === "FOLLOWS_FROM" ? "follows from" : "child of");
    if (row >= 0) return h("li", kind, h("button", { type: "button", class: "link", on: { click: () => state.goTo(row, true) } }, nameOf(trace, row)), h("span", { class: "mono hint" }, id));
    if (inside) return h("li", kind, h("span", { class: "mono" }, id), h("span", { class: "hint" }, "not in this trace"));
    const href = `/trace/${encodeURIComponent(text(reference.traceID))}?span=${encodeURIComponent(id)}`;
    return h("li", kind, h("a", { href }, `span ${shortId(id)} of trace ${shortId(text(reference.traceID))}`));
  };
  inSteps(host, references, line, STEP, (more) => h("li", more));
  return host;
}
