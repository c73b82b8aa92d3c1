// Keys: one table for the whole page, shown by "?".
//
// Keys of a single letter, digit or sign can be switched off, and are then off in this browser: who speaks to the page, or whose
// hand hits keys that it did not mean, would set them off (WCAG 2.1.4). Arrows, Enter and the like stay.

import { h } from "./dom.js";

const KEY = "jaeger-keys";
const bound = [];
let single = stored() !== "off";

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Whether keys of a single sign do something. */
export function singleKeys() {
  return single;
}

function switchSingle(on) {
  single = on;
  try {
    if (on) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, "off");
  } catch {
    // A browser that keeps nothing still changes now.
  }
}

/** A key that types something where there is a field. */
function types(key) {
  return [...key].length === 1 && key !== " ";
}

function typing(target) {
  return target.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

/** Binds `keys` (as in KeyboardEvent.key) to `run(event)`; returns a function that unbinds. `where` heads the help. */
export function bind(keys, what, run, where = "Everywhere") {
  const entry = { keys: [keys].flat(), what, run, where };
  bound.push(entry);
  return () => bound.splice(bound.indexOf(entry), 1);
}

export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (!single && types(event.key)) return;
    if (document.querySelector("dialog[open]")) return;
    for (let i = bound.length - 1; i >= 0; i--) {
      const entry = bound[i];
      if (entry.keys.includes(event.key) && entry.run(event) !== false) {
        event.preventDefault();
        return;
      }
    }
  });
}

const SHOWN = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", " ": "space" };

export function help() {
  const groups = new Map();
  for (const entry of bound) {
    if (!groups.has(entry.where)) groups.set(entry.where, []);
    groups.get(entry.where).push(entry);
  }
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, "Keys"),
    h(
      "label",
      { class: "switch" },
      h("input", { type: "checkbox", role: "switch", name: "single-keys", checked: single, "aria-describedby": "keys-told", on: { change: (event) => switchSingle(event.target.checked) } }),
      h("span", "Keys of a single letter or sign"),
    ),
    h("p", { class: "hint", id: "keys-told" }, "Switch them off if you speak to the page, or press keys without meaning to. Arrows, Enter, Space and Tab stay."),
    [...groups].map(([where, entries]) => [
      h("h3", where),
      h(
        "dl",
        { class: "keys" },
        entries.map((entry) =>
          h("div", h("dt", entry.keys.map((key) => h("kbd", SHOWN[key] ?? key))), h("dd", entry.what)),
        ),
      ),
    ]),
    h("form", { method: "dialog" }, h("button", { class: "button" }, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}
