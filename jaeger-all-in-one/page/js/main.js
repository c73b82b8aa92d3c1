// The page starts here: theme, frame, routes, keys.

import { h, fill } from "./lib/dom.js";
import { icon } from "./lib/icons.js";
import * as router from "./lib/router.js";
import * as theme from "./lib/theme.js";
import * as keyboard from "./lib/keyboard.js";
import { takeDrops } from "./lib/drop.js";

const ROUTES = [
  { path: /^\/$/, nav: "search", view: () => import("./views/search.js") },
  { path: /^\/search\/?$/, nav: "search", view: () => import("./views/search.js") },
  { path: /^\/trace\/([^/]+)\.\.\.([^/]+)$/, nav: "compare", view: () => import("./views/compare.js") },
  { path: /^\/trace\/([^/]+)\/?$/, nav: "search", view: () => import("./views/trace.js") },
  { path: /^\/compare\/?$/, nav: "compare", view: () => import("./views/compare.js") },
  { path: /^\/dependencies\/?$/, nav: "dependencies", view: () => import("./views/dependencies.js") },
  { path: /^\/monitor\/?$/, nav: "monitor", view: () => import("./views/monitor.js") },
];

const NAV = [
  ["search", "/search", "Search"],
  ["compare", "/compare", "Compare"],
  ["dependencies", "/dependencies", "Dependencies"],
  ["monitor", "/monitor", "Monitor"],
];

function header() {
  const links = NAV.map(([name, href, text]) => h("a", { href, "data-nav": name }, text));
  const lookup = h("input", {
    class: "input lookup-input",
    type: "search",
    name: "id",
    placeholder: "Trace ID",
    "aria-label": "Open a trace by its ID",
    autocomplete: "off",
    spellcheck: "false",
  });
  const form = h(
    "form",
    {
      class: "lookup",
      role: "search",
      on: {
        submit(event) {
          event.preventDefault();
          const id = lookup.value.trim();
          if (!id) return;
          lookup.value = "";
          router.navigate(`/trace/${encodeURIComponent(id)}`);
        },
      },
    },
    icon("search"),
    lookup,
  );
  const themeButton = h("button", { type: "button", class: "button-icon", on: { click: () => theme.toggle() } });
  const drawTheme = () => {
    const other = theme.theme() === "dark" ? "light" : "dark";
    themeButton.setAttribute("aria-label", `Change to ${other} colours`);
    themeButton.title = `${other[0].toUpperCase()}${other.slice(1)} colours (t)`;
    fill(themeButton, icon(other === "dark" ? "moon" : "sun"));
  };
  theme.onTheme(drawTheme);
  drawTheme();
  const help = h("button", { type: "button", class: "button-icon", title: "Keys (?)", "aria-label": "Show the keys", on: { click: keyboard.help } }, "?");
  fill(
    document.getElementById("header"),
    h("a", { class: "brand", href: "/search", "aria-label": "Jaeger all-in-one, to the search" }, h("span", { class: "brand-mark", "aria-hidden": "true" }), "Jaeger", h("span", { class: "brand-sub" }, "all-in-one")),
    h("nav", { class: "nav", "aria-label": "Main" }, links),
    form,
    h("div", { class: "header-end" }, themeButton, help),
  );
  return { links, lookup };
}

theme.start();
const { links, lookup } = header();
keyboard.start();
keyboard.bind("?", "These keys", () => keyboard.help());
keyboard.bind("t", "Light or dark colours", () => void theme.toggle());
keyboard.bind("/", "To the first field of the page", () => {
  const field = document.querySelector("#main [data-first-field], #main input");
  (field ?? lookup).focus();
});
keyboard.bind("i", "Open a trace by its ID", () => lookup.focus());
takeDrops();

router.start(ROUTES, document.getElementById("main"), (at) => {
  for (const link of links) {
    if (link.dataset.nav === at.route?.nav) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
});
