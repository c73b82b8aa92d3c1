// Addresses and views: which view an address names, and addresses that change with what is shown.

import { failed, pageState } from "./states.js";

let routes = [];
let current = null;
let outlet = null;
let moved = () => {};

/** A path and its query as an object, first of repeated values. */
function parse(href) {
  const url = new URL(href, location.origin);
  const query = {};
  for (const [key, value] of url.searchParams) if (!Object.hasOwn(query, key)) query[key] = value;
  for (const route of routes) {
    const match = route.path.exec(url.pathname);
    if (match) return { route, path: url.pathname, params: match.slice(1).map(decode), query };
  }
  return null;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `table`: `[{path: RegExp, view: () => import(…) with mount(outlet, at) → {update?, destroy?}, nav}]`. */
export function start(table, element, onMove) {
  routes = table;
  outlet = element;
  moved = onMove;
  // The browser would go back to where it was before the list that it was in is there.
  history.scrollRestoration = "manual";
  addEventListener("popstate", (event) => show(false, event.state?.scroll));
  addEventListener("pagehide", () => history.replaceState({ ...history.state, scroll: scrollY }, ""));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return;
    if (!parse(link.href)) return;
    event.preventDefault();
    navigate(link.href);
  });
  return show(true);
}

/** Goes to an address of the page. */
export function navigate(href, { replace = false } = {}) {
  if (!replace) {
    history.replaceState({ ...history.state, scroll: scrollY }, "");
    history.pushState(null, "", href);
  } else history.replaceState(null, "", href);
  return show();
}

/** Changes the query of the present address and nothing else: no view is told. Empty values are left out. */
export function setQuery(changes) {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === null || value === "" || value === false) url.searchParams.delete(key);
    else url.searchParams.set(key, String(value));
  }
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

/** `scroll`: how far down the page was when it was left, of an address that somebody comes back to. */
async function show(first = false, scroll = 0) {
  const at = parse(location.href);
  if (at) at.scroll = first ? (history.state?.scroll ?? 0) : scroll;
  if (!at) {
    await replace(null, () => import("../views/missing.js"), { path: location.pathname, params: [], query: {} }, first);
    return;
  }
  if (current?.route === at.route && current.view?.update?.(at) === true) {
    moved(at);
    return;
  }
  await replace(at.route, at.route.view, at, first);
}

let turn = 0;
async function replace(route, load, at, first) {
  const mine = ++turn;
  let module;
  try {
    module = await load();
  } catch {
    const error = new Error("This part of the page could not be loaded. Is the program still running?");
    module = { mount: (element) => void element.append(pageState(failed(error, () => location.reload()))) };
  }
  if (mine !== turn) return;
  current?.view?.destroy?.();
  outlet.replaceChildren();
  scrollTo(0, 0);
  current = { route, view: module.mount(outlet, at) };
  moved(at);
  // Who goes to another page hears its heading next; at the first load the browser does that itself.
  if (!first) outlet.focus({ preventScroll: true });
}
