// Addresses and views: which view an address names, and addresses that change with what is shown.

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
  addEventListener("popstate", () => show());
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
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  return show();
}

/** Changes the query of the present address and nothing else: no view is told. Empty values are left out. */
export function setQuery(changes) {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === null || value === "" || value === false) url.searchParams.delete(key);
    else url.searchParams.set(key, String(value));
  }
  if (url.href !== location.href) history.replaceState(null, "", url);
}

async function show(first = false) {
  const at = parse(location.href);
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
  const module = await load();
  if (mine !== turn) return;
  current?.view?.destroy?.();
  outlet.replaceChildren();
  scrollTo(0, 0);
  current = { route, view: module.mount(outlet, at) };
  moved(at);
  // Who goes to another page hears its heading next; at the first load the browser does that itself.
  if (!first) outlet.focus({ preventScroll: true });
}
