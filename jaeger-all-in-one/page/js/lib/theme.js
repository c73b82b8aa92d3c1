// Light and dark: as the system has it, until somebody says otherwise; then as they said, kept in this browser.

const KEY = "jaeger-theme";
const listeners = new Set();

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function theme() {
  return document.documentElement.dataset.theme;
}

function set(name) {
  document.documentElement.dataset.theme = name;
  for (const listener of listeners) listener();
}

/** Follows the system from here on; `first.js` has set the theme before anything was drawn. */
export function start() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => {
    if (!stored()) set(dark.matches ? "dark" : "light");
  });
}

export function toggle() {
  const next = theme() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing still changes now.
  }
  set(next);
  return next;
}

/** Calls `f` when the theme changes, for what is drawn rather than styled; returns a function that ends it. */
export function onTheme(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}
