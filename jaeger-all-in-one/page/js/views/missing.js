// An address that is no page.

import { h } from "../lib/dom.js";
import { empty, pageState } from "../lib/states.js";

export function mount(outlet, at) {
  document.title = "No such page – Jaeger";
  outlet.append(pageState(empty("There is no such page", h("p", h("code", at.path)), h("p", h("a", { href: "/search" }, "To the search")))));
  return {};
}
