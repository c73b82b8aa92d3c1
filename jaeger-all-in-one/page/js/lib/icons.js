// The few pictures of the page, drawn from code. Each outcome has a shape of its own, so that none is told by colour alone.

import { h, s } from "./dom.js";
import { CANCELLED, ERROR, ORPHAN, PANIC, WARNING } from "../model/trace.js";

const PATHS = {
  // A filled circle with a bar and a dot cut out.
  error: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-1 3h2v5H7V4Zm0 6.5h2v2H7v-2Z",
  // A star burst.
  panic: "M8 0l1.6 3.6L13 1.9l-.9 3.7L16 6.4l-3.1 2.2L15 12l-3.8-.5L10.7 15 8 12.3 5.3 15l-.5-3.5L1 12l2.1-3.4L0 6.4l3.9-.8L3 1.9l3.4 1.7L8 0Z",
  // A ring with a stroke through it.
  cancelled: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 2c1.1 0 2.1.35 2.95.95L3.95 10.95A5 5 0 0 1 8 3Zm0 10c-1.1 0-2.1-.35-2.95-.95l7-7A5 5 0 0 1 8 13Z",
  warning: "M8 1.2 15.4 14.5H.6L8 1.2ZM7.1 6v4.2h1.8V6H7.1Zm0 5.2V13h1.8v-1.8H7.1Z",
  orphan: "M3 2h4v4H5.7v2.3H4.3V6H3V2Zm1.3 7.7h1.4V12H9v-1.6l3.4 2.3L9 15v-1.6H4.3V9.7Z",
  chevron: "M5.5 3.2 10.3 8l-4.8 4.8-1.3-1.3L7.7 8 4.2 4.5l1.3-1.3Z",
  search: "M6.8 1.5a5.3 5.3 0 1 1-3.2 9.5 5.3 5.3 0 0 1 3.2-9.5Zm0 1.7a3.6 3.6 0 1 0 0 7.2 3.6 3.6 0 0 0 0-7.2Zm4.1 6.7 3.6 3.6-1.2 1.2-3.6-3.6 1.2-1.2Z",
  sun: "M8 4.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8ZM7.2 0h1.6v2.6H7.2V0Zm0 13.4h1.6V16H7.2v-2.6ZM0 7.2h2.6v1.6H0V7.2Zm13.4 0H16v1.6h-2.6V7.2ZM2.9 1.8l1.8 1.8-1.1 1.1-1.8-1.8 1.1-1.1Zm9.5 9.5 1.8 1.8-1.1 1.1-1.8-1.8 1.1-1.1Zm.7-9.5 1.1 1.1-1.8 1.8-1.1-1.1 1.8-1.8Zm-9.5 9.5 1.1 1.1-1.8 1.8-1.1-1.1 1.8-1.8Z",
  moon: "M6.2 1.2A6.9 6.9 0 1 0 14.8 9.8 5.6 5.6 0 0 1 6.2 1.2Z",
  copy: "M5 1h9v10h-2.5v-1.5h1V2.5h-6v1H5V1ZM2 5h8v10H2V5Zm1.5 1.5v7h5v-7h-5Z",
  close: "M3.3 2.2 8 6.9l4.7-4.7 1.1 1.1L9.1 8l4.7 4.7-1.1 1.1L8 9.1l-4.7 4.7-1.1-1.1L6.9 8 2.2 3.3l1.1-1.1Z",
  file: "M3 1h6l4 4v10H3V1Zm1.5 1.5v11h7V6H8V2.5H4.5Z",
  download: "M7.2 1h1.6v7.2l2.5-2.5 1.1 1.1L8 11.2 3.6 6.8l1.1-1.1 2.5 2.5V1ZM2 12.5h12V14H2v-1.5Z",
};

/** A picture; without `label` it says nothing to those who hear the page. */
export function icon(name, label) {
  const about = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return s("svg", { viewBox: "0 0 16 16", class: `icon icon-${name}`, ...about }, s("path", { d: PATHS[name] }));
}

/** The outcomes that flags tell, worst first. */
export function outcomes(flags) {
  const list = [];
  if (flags & PANIC) list.push("panic");
  if (flags & ERROR) list.push("error");
  if (flags & CANCELLED) list.push("cancelled");
  if (flags & WARNING) list.push("warning");
  if (flags & ORPHAN) list.push("orphan");
  return list;
}

const WORDS = { panic: "panic", error: "error", cancelled: "cancelled", warning: "warning", orphan: "parent missing" };

/** Shapes for the outcomes of a span, each with its word. */
export function marks(flags) {
  return outcomes(flags).map((name) => h("span", { class: `mark mark-${name}`, title: WORDS[name] }, icon(name, WORDS[name])));
}

/** Shapes for what lies hidden below a span: those of failures, each with its word. */
export function marksBelow(flags) {
  return outcomes(flags & (PANIC | ERROR | CANCELLED)).map((name) => h("span", { class: `mark mark-${name} mark-below`, title: `${WORDS[name]} below` }, icon(name, `${WORDS[name]} below`)));
}

/** A shape with a number and a word: `3 errors`. */
export function badge(name, text) {
  return h("span", { class: `badge badge-${name}` }, icon(name), h("span", text));
}
