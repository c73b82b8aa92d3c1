// The trace as the backend sent it, a page of spans at a time: a text of a hundred megabytes is no use to anybody.

import { h, fill } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { copyButton } from "../lib/copy.js";

const SPANS = 500;

export function create(state, panel, { kept }) {
  let from = 0;
  const told = h("span", { class: "hint", role: "status" });
  const pre = h("pre", { class: "json", tabindex: "0", "aria-label": "JSON of the trace" });
  const step = (by, text, label) => h("button", { type: "button", class: "button", "aria-label": label, on: { click: () => draw(from + by) } }, text);
  const back = step(-SPANS, "←", "Spans before these");
  const on = step(SPANS, "→", "Spans after these");
  const tools = h("div", { class: "view-tools" }, back, on, told);
  const copySlot = h("span");
  tools.append(copySlot);

  function draw(next) {
    const spans = state.json.spans ?? [];
    from = Math.max(0, Math.min(next, Math.floor(Math.max(0, spans.length - 1) / SPANS) * SPANS));
    const part = spans.length > SPANS ? { ...state.json, spans: spans.slice(from, from + SPANS) } : state.json;
    const text = JSON.stringify(part, null, 2);
    pre.textContent = text;
    pre.scrollTop = 0;
    back.hidden = on.hidden = spans.length <= SPANS;
    back.disabled = from === 0;
    on.disabled = from + SPANS >= spans.length;
    told.textContent = spans.length > SPANS ? `Spans ${count(from + 1)} to ${count(Math.min(spans.length, from + SPANS))} of ${count(spans.length)}; the download has all` : "";
    fill(copySlot, copyButton(text, "this JSON"));
  }
  panel.append(h("div", { class: "view view-fill" }, tools, pre));
  draw(kept.from ?? 0);
  pre.scrollTop = kept.top ?? 0;
  const off = state.on((what) => what === "trace" && draw(from));
  return {
    destroy() {
      off();
      Object.assign(kept, { from, top: pre.scrollTop });
    },
  };
}
