// The list of found traces: one line of facts each, from summaries alone.

import { h } from "../lib/dom.js";
import { badge } from "../lib/icons.js";
import { serviceStyle } from "../lib/color.js";
import { ago, count, dateTime, duration, plural, shortId } from "../lib/format.js";

// Ties fall to the newest, then to the id, so that the same answer always stands in the same order.
const by = (key, sign) => (list) =>
  [...list].sort((a, b) => sign * (a[key] - b[key]) || b.startTime - a.startTime || (a.id < b.id ? -1 : 1));

export const SORTS = {
  newest: { label: "Newest first", order: by("startTime", -1) },
  oldest: { label: "Oldest first", order: by("startTime", 1) },
  longest: { label: "Longest first", order: by("duration", -1) },
  shortest: { label: "Shortest first", order: by("duration", 1) },
  "most-spans": { label: "Most spans first", order: by("spans", -1) },
  "fewest-spans": { label: "Fewest spans first", order: by("spans", 1) },
  "most-errors": { label: "Most errors first", order: by("errors", -1) },
};

const SERVICES_SHOWN = 8;
// From so many on, results that are not in view are not laid out.
const LONG = 200;

/**
 * The list, `{element, show(summaries)}`. What is shown again keeps its elements, so that a list that grows under somebody's
 * hand loses neither the press nor the focus. `chosen` is the set of ids marked for comparison; `choose(id, on)` hears of changes.
 */
export function resultList(chosen, choose) {
  const element = h("ul", { class: "result-list" });
  let items = new Map();
  function show(summaries) {
    const longest = summaries.reduce((most, trace) => Math.max(most, trace.duration), 1);
    element.classList.toggle("is-long", summaries.length > LONG);
    const before = items;
    const focus = document.activeElement;
    const within = element.contains(focus) ? focus.closest(".result").dataset.trace : null;
    items = new Map();
    for (const trace of summaries) {
      const content = JSON.stringify(trace);
      const known = before.get(trace.id);
      const item = known?.content === content ? known : { content, element: result(trace, chosen, choose) };
      item.element.querySelector(".result-bar-fill").style.width = `${Math.max(0.3, (100 * trace.duration) / longest)}%`;
      item.element.querySelector(".result-time time").textContent = ago(trace.startTime);
      items.set(trace.id, item);
    }
    for (const [id, item] of before) if (items.get(id) !== item) item.element.remove();
    // Only what is out of place moves: an element that moves loses the focus.
    let at = element.firstChild;
    for (const item of items.values()) {
      if (item.element === at) at = at.nextSibling;
      else element.insertBefore(item.element, at);
    }
    // One that grew was made anew.
    if (within && !focus.isConnected) items.get(within)?.element.querySelector(focus.localName)?.focus({ preventScroll: true });
  }
  return { element, show };
}

function result(trace, chosen, choose) {
  const services = trace.services.slice(0, SERVICES_SHOWN);
  const more = trace.services.length - services.length;
  return h(
    "li",
    { class: "result", "data-trace": trace.id },
    h(
      "label",
      { class: "result-choose", title: "Choose for comparison" },
      h("input", {
        type: "checkbox",
        checked: chosen.has(trace.id),
        "aria-label": `Choose trace ${shortId(trace.id)} for comparison`,
        on: { change: (event) => choose(trace.id, event.target.checked) },
      }),
    ),
    h(
      "a",
      { class: "result-link", href: `/trace/${encodeURIComponent(trace.id)}` },
      h(
        "span",
        { class: "result-title" },
        h("span", { class: "result-service" }, trace.service || "no root yet"),
        h("span", { class: "result-operation" }, trace.operation),
        h("span", { class: "result-id" }, shortId(trace.id)),
      ),
      h("span", { class: "result-duration" }, duration(trace.duration)),
      h(
        "span",
        { class: "result-bar", "aria-hidden": "true" },
        h("span", { class: "result-bar-fill", style: serviceStyle(trace.service) }),
      ),
      h(
        "span",
        { class: "result-facts" },
        h("span", { class: "result-spans" }, plural(trace.spans, "span")),
        trace.panics > 0 && badge("panic", plural(trace.panics, "panic")),
        trace.errors > 0 && badge("error", plural(trace.errors, "error")),
        trace.cancelled > 0 && badge("cancelled", `${trace.cancelled} cancelled`),
        trace.orphans > 0 && badge("orphan", plural(trace.orphans, "missing parent")),
        services.map((service) =>
          h(
            "span",
            { class: "chip service-color", style: serviceStyle(service.name) },
            h("span", { class: "chip-dot", "aria-hidden": "true" }),
            h("span", { class: "chip-name", title: service.name }, service.name),
            h("span", { class: "chip-count" }, count(service.count)),
          ),
        ),
        more > 0 && h("span", { class: "hint" }, `+${more}`),
      ),
      h("span", { class: "result-time" }, h("time", { title: dateTime(trace.startTime) })),
    ),
  );
}
