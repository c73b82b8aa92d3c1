// What a view shows when there is nothing to show: loading, empty, failed.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** Shown only if it takes longer than a blink (the style delays it). */
export function loading(text = "Loading") {
  return h("div", { class: "state state-loading", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), h("span", `${text}…`));
}

export function empty(title, ...more) {
  return h("div", { class: "state" }, h("p", { class: "state-title" }, title), more);
}

/** What every view of a trace shows where its filter leaves it nothing. */
export function noMatch() {
  return empty("No span matches the filter");
}

/** `retry` is called by the button. */
export function failed(error, retry) {
  return h(
    "div",
    { class: "state state-failed", role: "alert" },
    h("p", { class: "state-title" }, icon("error"), " ", error?.status ? "The backend refused this" : "That did not work"),
    h("p", error?.message ?? String(error)),
    retry && h("button", { type: "button", class: "button", on: { click: retry } }, "Try again"),
  );
}

/** A state that is all there is on the page: its title heads it. */
export function pageState(state) {
  const title = state.querySelector(".state-title");
  title.replaceWith(h("h1", { class: "state-title" }, [...title.childNodes]));
  return state;
}
