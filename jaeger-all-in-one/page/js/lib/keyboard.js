// Keys: one table for the whole page, shown by "?".

import { h } from "./dom.js";

const bound = [];

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
