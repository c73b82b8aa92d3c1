// Search: the form, the list of what was found, and its picture over time.
//
// The address holds the whole search (Jaeger's own parameter names), so that a link to it finds the same.

import { h, fill, announce } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { searchForm, readQuery } from "./search-form.js";
import { resultList, SORTS } from "./results.js";
import { scatter } from "./scatter.js";
import { loading, empty, failed } from "../lib/states.js";
import { count, plural } from "../lib/format.js";
import { fileButton } from "../lib/drop.js";
import { icon } from "../lib/icons.js";
import { navigate, setQuery } from "../lib/router.js";
import { watch } from "../lib/live.js";

const LOOKED_UP = new Set(["service", "operation", "tags", "lookback", "start", "end", "minDuration", "maxDuration", "limit", "source"]);

export function mount(outlet, at) {
  document.title = "Search – Jaeger";
  const results = h("section", { class: "results", "aria-label": "Found traces" });
  const form = searchForm((query) => {
    const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
    const href = `/search?${search}`;
    if (href === location.pathname + location.search) run();
    else navigate(href);
  });
  // On a narrow page the form folds away behind a line that says what was asked.
  const toggle = h("button", { type: "button", class: "button search-toggle", on: { click: () => fold(!side.classList.contains("is-folded")) } });
  const side = h("aside", { class: "search-side", "aria-label": "Search" }, toggle, form.element);
  outlet.append(h("div", { class: "search-page" }, side, results));
  function fold(on) {
    side.classList.toggle("is-folded", on);
    toggle.setAttribute("aria-expanded", String(!on));
    const { service, operation, tags } = query;
    fill(toggle, on ? "Change the search" : "Fold the form", h("span", { class: "hint" }, [service || "all services", operation, tags].filter(Boolean).join(" · ")));
  }

  let abort = new AbortController();
  let query = at.query;
  let unwatch = null;
  let shown = [];
  let scale;
  const chosen = new Set();

  const setLive = (on) => {
    unwatch?.();
    unwatch = on ? watch({ service: query.service }, () => run(true)) : null;
    setQuery({ live: on ? 1 : "" });
    query = { ...query, live: on ? "1" : undefined };
  };

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
    if (!quiet) fill(results, loading("Searching"));
    try {
      const found = await api.search(readQuery(query), { signal: mine.signal });
      if (mine !== abort) return;
      shown = found;
      if (first && found.length === 0) return welcome();
      draw(quiet ? "updated" : "found");
    } catch (error) {
      if (error.name === "AbortError" || mine !== abort) return;
      // A backend that wants a service named (as a plain Jaeger does) is no failure before anything was asked.
      if (first && error.status === 400) welcome();
      else fill(results, failed(error, () => run()));
    }
  }

  function draw(how) {
    const sort = SORTS[query.sort] ? query.sort : "newest";
    const sorted = SORTS[sort].order(shown);
    if (shown.length === 0) {
      const files = query.source === "files";
      fill(
        results,
        files
          ? empty("No file is open", h("p", "Drop a JSON file anywhere on the page, or choose one."), fileButton(icon("file"), "Open a file"))
          : empty("No trace matches", h("p", "Look further back, or leave a condition out. One span has to satisfy all of them."), liveToggle()),
      );
      announce("No trace matches");
      return;
    }
    const limited = query.source !== "files" && shown.length >= Number(readQuery(query).limit);
    const tools = h(
      "div",
      { class: "results-head" },
      h("h1", { class: "results-title" }, plural(shown.length, "trace"), limited && h("span", { class: "hint" }, " (the limit; there may be more)")),
      h(
        "div",
        { class: "results-tools" },
        compareButton(),
        liveToggle(),
        h(
          "label",
          { class: "inline-field" },
          h("span", "Sort"),
          h(
            "select",
            { class: "input", name: "sort", on: { change: (event) => resort(event.target.value) } },
            Object.entries(SORTS).map(([name, { label }]) => h("option", { value: name, selected: name === sort }, label)),
          ),
        ),
      ),
    );
    // Those who read the list keep their place when it is drawn anew.
    const focused = document.activeElement?.closest?.("[data-trace]")?.dataset.trace;
    fill(results, tools, scatter(shown, scale, (log) => (scale = log)), resultList(sorted, chosen, choose));
    if (focused) results.querySelector(`[data-trace="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
    if (how !== "updated") announce(`${plural(shown.length, "trace")} ${how}`);
  }

  function resort(sort) {
    setQuery({ sort: sort === "newest" ? "" : sort });
    query = { ...query, sort };
    draw("sorted");
    results.querySelector("select[name=sort]")?.focus();
  }

  function choose(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    results.querySelector(".compare-slot")?.replaceWith(compareButton());
  }

  function compareButton() {
    const two = [...chosen].filter((id) => shown.some((trace) => trace.id === id));
    const slot = h("span", { class: "compare-slot" });
    if (two.length === 0) return slot;
    if (two.length === 2) slot.append(h("a", { class: "button button-primary", href: `/trace/${two[0]}...${two[1]}` }, "Compare the two"));
    else slot.append(h("span", { class: "hint" }, two.length === 1 ? "Choose one more to compare" : `${count(two.length)} chosen; choose two to compare`));
    return slot;
  }

  function liveToggle() {
    if (query.source === "files") return null;
    return h(
      "label",
      { class: "switch" },
      h("input", { type: "checkbox", role: "switch", name: "live", checked: Boolean(unwatch), on: { change: (event) => setLive(event.target.checked) } }),
      h("span", "Live"),
    );
  }

  function welcome() {
    fill(
      results,
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
    form.set(query);
    fold(asks(query));
    unwatch?.();
    unwatch = null;
    if (query.live === "1") unwatch = watch({ service: query.service }, () => run(true));
    run();
    return true;
  }
  update(at);
  return {
    update,
    destroy() {
      abort.abort();
      unwatch?.();
      form.destroy();
    },
  };
}

function asks(query) {
  return Object.keys(query).some((key) => LOOKED_UP.has(key));
}
