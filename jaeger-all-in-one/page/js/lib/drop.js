// Files: dropped anywhere on the page or chosen by a button, read, and shown.

import { h, announce } from "./dom.js";
import { readFile } from "./api.js";
import { navigate } from "./router.js";
import { plural } from "./format.js";

// From so many bytes on, reading is something to wait for.
const LONG = 2e6;

/** Reads files of traces and goes to them: to the trace if it is one, else to their list. */
export async function openFiles(list) {
  const read = [];
  for (const file of list) {
    const waits = file.size > LONG ? line(`Reading ${file.name}…`) : null;
    try {
      for (const id of await readFile(file)) read.push(id);
    } catch (error) {
      toast(error.message, true);
    }
    waits?.remove();
  }
  if (read.length === 0) return;
  announce(`${plural(read.length, "trace")} read`);
  navigate(read.length === 1 ? `/trace/${read[0]}` : "/search?source=files");
}

/** A button that opens files. */
export function fileButton(...label) {
  const input = h("input", { type: "file", accept: ".json,application/json", multiple: true, class: "visually-hidden", tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", async () => {
    await openFiles([...input.files]);
    input.value = "";
  });
  return h("span", { class: "file-button" }, h("button", { type: "button", class: "button", on: { click: () => input.click() } }, label), input);
}

// A line at the edge of the page.
function line(text, bad = false) {
  const element = h("div", { class: `toast${bad ? " toast-bad" : ""}`, role: bad ? "alert" : "status" }, text);
  // Several stand above each other.
  let stack = document.querySelector(".toasts");
  if (!stack) document.body.append((stack = h("div", { class: "toasts" })));
  stack.append(element);
  return element;
}

/** A line that goes away by itself. */
export function toast(text, bad = false) {
  const element = line(text, bad);
  setTimeout(() => element.remove(), bad ? 8000 : 2500);
}

/** Lets the whole page take dropped files. */
export function takeDrops() {
  let depth = 0;
  const veil = h("div", { class: "drop-veil", hidden: true }, "Drop JSON files of traces to open them");
  document.body.append(veil);
  const files = (event) => event.dataTransfer?.types?.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!files(event)) return;
    depth++;
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (files(event) && --depth <= 0) veil.hidden = true;
  });
  addEventListener("dragover", (event) => files(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    openFiles([...event.dataTransfer.files]);
  });
}
