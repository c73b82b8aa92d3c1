// What is not there: an address that is no page, traces that are not held.

import { h } from "../lib/dom.js";
import { icon } from "../lib/icons.js";
import { empty, pageState } from "../lib/states.js";
import { fileButton } from "../lib/drop.js";

export function mount(outlet, at) {
  document.title = "No such page – Jaeger";
  outlet.append(pageState(empty("There is no such page", h("p", h("code", at.path)), h("p", h("a", { href: "/search" }, "To the search")))));
  return {};
}

const ID = /^[0-9a-f]{1,32}$/i;

/** Whether what went wrong with the look for trace `id` means that there is none. */
export function isMissing(id, error) {
  return error.status === 404 || (error.status === 400 && !ID.test(id));
}

/** The page where the traces `ids` are not there; `again` looks for them once more, `more` are further ways out. */
export function missingTraces(ids, again, ...more) {
  const codes = ids.map((id) => h("p", h("code", id)));
  if (!ids.every((id) => ID.test(id))) return pageState(empty("No such trace", codes, h("p", "The ID of a trace has 1 to 32 hexadecimal digits."), more, h("p", h("a", { href: "/search" }, "To the search"))));
  if (history.state?.file) {
    return pageState(empty("This trace came from a file", codes, h("p", "What is opened from files is in this page alone, and goes when it is loaded again."), fileButton(icon("file"), "Open it again"), more));
  }
  const those = ids.length === 1 ? "It may not have arrived yet, or was dropped to make room." : "They may not have arrived yet, or were dropped to make room.";
  return pageState(empty(ids.length === 1 ? "No such trace" : "No such traces", codes, h("p", those), h("button", { type: "button", class: "button", on: { click: again } }, "Look again"), more));
}
