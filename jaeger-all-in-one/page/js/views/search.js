// Search: the form, the list of what was found, and its picture over time.
//
// The address holds the whole search (Jaeger's own parameter names), so that a link to it finds the same.

import { h, fill, announce } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { searchForm, readQuery, MOST_TRACES } from "./search-form.js";
import { resultList, SORTS } from "./results.js";
import { scatter } from "./scatter.js";
import { loading, empty, failed } from "../lib/states.js";
import { count, plural } from "../lib/format.js";
import { fileButton } from "../lib/drop.js";
import { icon } from "../lib/icons.js";
import { navigate, setQuery } from "../lib/router.js";
import { hands, liveSwitch, watch } from "../lib/live.js";

const LOOKED_UP = new Set(["service", "operation", "tags", "lookback", "start", "end", "minDuration", "maxDuration", "limit", "source"]);

// Traces chosen for comparison: who comes back from one finds them chosen.
const chosen = new Set();

export function mount(outlet, at) {
  document.title = "Search – Jaeger";
  const results = h("section", { class: "results", "aria-label": "Found traces" });
  const form = searchForm((fields) => {
    // The form says what is looked for; in which order it stands, and whether it goes on, was chosen beside the list.
    const { sort = "", live = "" } = query;
    const search = new URLSearchParams(Object.entries({ ...fields, sort, live }).filter(([, value]) => value !== ""));
    const href = `/search?${search}`;
    if (href === location.pathname + location.search) run();
    else navigate(href);
  });
  // On a narrow page the form folds away behind a line that says what was asked.
  const toggle = h("button", { type: "button", class: "button search-toggle", on: { click: () => fold(!side.classList.contains("is-folded")) } });
  const side = h("aside", { class: "search-side", "aria-label": "Search" }, toggle, form.element);
  outlet.append(h("div", { class: "search-page" }, h("h1", { class: "visually-hidden" }, "Search"), side, results));
  function fold(on) {
    side.classList.toggle("is-folded", on);
    toggle.setAttribute("aria-expanded", String(!on));
    const { service, operation, tags } = query;
    fill(toggle, on ? "Change the search" : "Fold the form", h("span", { class: "hint" }, [service || "all services", operation, tags].filter(Boolean).join(" · ")));
  }

  let abort = new AbortController();
  let query = at.query;
  // Who comes back to a list comes back to the place in it.
  let scroll = 0;
  let unwatch = null;
  let shown = [];
  let scale;
  const waits = liveSwitch((on) => setLive(on));

  const setLive = (on) => {
    unwatch?.();
    unwatch = on ? watch({}, () => run(true), waits.tell) : null;
    setQuery({ live: on ? 1 : "" });
    query = { ...query, live: on ? "1" : undefined };
  };

  const finger = hands(results);

  async function run(quiet = false) {
    abort.abort();
    abort = new AbortController();
    const mine = abort;
    if (query.source === "files") {
      shown = api.fileSummaries();
      return draw("from files");
    }
    // The first look, with nothing asked yet: what came last.
    const first = !asks(query);
    if (!quiet) put("", () => loading("Searching"));
    try {
      const found = await api.search(readQuery(query), { signal: mine.signal });
      if (quiet) await finger.off();
      if (mine !== abort) return;
      shown = found;
      if (first && found.length === 0) return welcome();
      draw(quiet ? "updated" : "found");
    } catch (error) {
      if (error.name === "AbortError" || mine !== abort) return;
      // A backend that wants a service named (as a plain Jaeger does) is no failure before anything was asked.
      if (first && error.status === 400) welcome();
      else put("", () => failed(error, () => run()));
    }
  }

  // The parts of the list on the page, or null while something else stands there. Live update writes into them instead of
  // making them anew.
  let parts = null;
  // Which of the states without a list is shown.
  let state = "";

  /** Puts one state of the page where the results are; a switch that had the focus keeps it. */
  function put(name, make) {
    if (state === name && name !== "") return;
    const live = document.activeElement?.name === "live" && results.contains(document.activeElement);
    state = name;
    parts = null;
    fill(results, make());
    if (live) results.querySelector("input[name=live]")?.focus({ preventScroll: true });
  }

  function draw(how) {
    if (shown.length === 0) {
      const files = query.source === "files";
      put(files ? "no file" : "no trace", () =>
        files
          ? empty("No file is open", h("p", "Drop a JSON file anywhere on the page, or choose one."), fileButton(icon("file"), "Open a file"))
          : empty("No trace matches", h("p", "Look further back, or leave a condition out. One span has to satisfy all of them."), liveToggle()),
      );
      if (how !== "updated") announce("No trace matches");
      return;
    }
    const sort = Object.hasOwn(SORTS, query.sort ?? "") ? query.sort : "newest";
    if (!parts) {
      const made = listParts(sort);
      put("", () => made.elements);
      parts = made;
    }
    const limited = query.source !== "files" && shown.length >= Number(readQuery(query).limit);
    const sorted = SORTS[sort].order(shown);
    // A search is held to so many; a file may have any number.
    const part = sorted.slice(0, MOST_TRACES);
    const hint = limited ? " (the limit; there may be more)" : part.length < sorted.length ? `, the first ${count(part.length)} in this order` : "";
    fill(parts.title, plural(shown.length, "trace"), hint && h("span", { class: "hint" }, hint));
    fill(parts.compare, compareButton());
    parts.plot.show(part);
    parts.list.show(part);
    if (how !== "updated") announce(`${plural(shown.length, "trace")} ${how}`);
    if (scroll) scrollTo(0, scroll);
    scroll = 0;
  }

  function listParts(sort) {
    const title = h("h2", { class: "results-title" });
    const compare = h("span", { class: "compare-slot" });
    const plot = scatter(scale, (log) => (scale = log));
    const list = resultList(chosen, choose);
    const select = h(
      "select",
      { class: "input", name: "sort", on: { change: () => resort(select.value) } },
      Object.entries(SORTS).map(([name, { label }]) => h("option", { value: name, selected: name === sort }, label)),
    );
    const tools = h("div", { class: "results-tools" }, compare, liveToggle(), h("label", { class: "inline-field" }, h("span", "Sort"), select));
    return { title, compare, plot, list, elements: [h("div", { class: "results-head" }, title, tools), plot.element, list.element] };
  }

  function resort(sort) {
    setQuery({ sort: sort === "newest" ? "" : sort });
    query = { ...query, sort };
    draw("sorted");
  }

  function choose(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    if (parts) fill(parts.compare, compareButton());
  }

  function compareButton() {
    const two = [...chosen].filter((id) => shown.some((trace) => trace.id === id));
    if (two.length === 0) return null;
    if (two.length === 2) return h("a", { class: "button button-primary", href: `/trace/${two[0]}...${two[1]}` }, "Compare the two");
    return h("span", { class: "hint" }, two.length === 1 ? "Choose one more to compare" : `${count(two.length)} chosen; choose two to compare`);
  }

  function liveToggle() {
    if (query.source === "files") return null;
    return waits.element({ title: "Show traces as they come in", checked: Boolean(unwatch) });
  }

  function welcome() {
    put("welcome", () =>
      empty(
        "No traces yet",
        h("p", "None came in during the last hour. Switch on ", h("b", "Live"), " to see them as they come, or look further back."),
        liveToggle(),
        h("p", { class: "hint" }, "Or open a file: drop it anywhere on the page."),
        fileButton(icon("file"), "Open a JSON file"),
      ),
    );
  }

  function update(next) {
    query = next.query;
    scroll = next.scroll;
    form.set(query);
    fold(asks(query));
    unwatch?.();
    unwatch = null;
    if (query.live === "1") unwatch = watch({}, () => run(true), waits.tell);
    run();
    return true;
  }
  update(at);
  return {
    update,
    destroy() {
      abort.abort();
      unwatch?.();
      finger.destroy();
      form.destroy();
    },
  };
}

function asks(query) {
  return Object.keys(query).some((key) => LOOKED_UP.has(key));
}
