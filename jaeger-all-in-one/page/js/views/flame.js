// Flame graph: equal paths of calls merged, drawn on a canvas. Pressing a frame makes it as wide as the picture.
//
// Only the levels in view and the frames at least a third of a pixel wide are drawn. Arrow keys walk the frames, and the
// line below says in words which one is meant.

import { h, canvasContext, perFrame, scaled } from "../lib/dom.js";
import { canvasColors } from "../lib/color.js";
import { onTheme } from "../lib/theme.js";
import { count, duration, percent, plural } from "../lib/format.js";
import { flame } from "../model/flame.js";

// Of a level in pixels, where letters are of the usual size.
const LEVEL = 22;

export function create(state, panel, { show, kept }) {
  let graph = flame(state.trace);
  // Frames are numbers that mean something in this trace only.
  let { focus, current } = kept.trace === state.trace ? kept : { focus: -1, current: 0 };
  let hover = -1;
  let matches = null;

  const canvas = h("canvas", { class: "flame-canvas" });
  const spacer = h("div", { class: "flame-spacer" });
  const scroller = h("div", { class: "flame-scroll", tabindex: "0", role: "application", "aria-label": "Flame graph. Arrow keys walk, Enter zooms, Escape shows all.", "aria-describedby": "flame-told" }, canvas, spacer);
  const told = h("div", { class: "flame-told", id: "flame-told", role: "status" });
  const reset = h("button", { type: "button", class: "button", hidden: true, on: { click: () => zoom(-1) } }, "Show all");
  const open = h("button", { type: "button", class: "button", on: { click: toTimeline } }, "To the timeline");
  panel.append(h("div", { class: "view view-fill flame" }, h("div", { class: "view-tools" }, told, reset, open), scroller));

  let tall = scaled(LEVEL);
  const view = () => (focus < 0 ? { left: 0, width: graph.whole || 1 } : { left: graph.left[focus], width: graph.width[focus] || 1 });

  const draw = perFrame(() => {
    if (!canvas.isConnected) return;
    tall = scaled(LEVEL);
    spacer.style.height = `${Math.max(0, graph.levels * tall + 4)}px`;
    const { context, width, height } = canvasContext(canvas);
    const colors = canvasColors();
    const text = colors.get("--on-service");
    const strong = colors.get("--text");
    const { left, width: span } = view();
    const firstLevel = Math.floor(scroller.scrollTop / tall);
    const lastLevel = Math.min(graph.levels - 1, Math.ceil((scroller.scrollTop + height) / tall));
    context.font = `${scaled(12)}px ${colors.get("--sans")}`;
    context.textBaseline = "middle";
    for (let level = firstLevel; level <= lastLevel; level++) {
      const y = level * tall - scroller.scrollTop + 2;
      for (const f of graph.byLevel[level] ?? []) {
        let x = ((graph.left[f] - left) / span) * width;
        let w = (graph.width[f] / span) * width;
        if (x + w < 0 || w < 0.33) continue;
        if (x > width) break;
        if (x < 0) {
          w += x;
          x = 0;
        }
        w = Math.min(w, width - x);
        const dim = matches && !matches[f];
        context.globalAlpha = dim ? 0.25 : 1;
        context.fillStyle = colors.service(state.trace.services[graph.service[f]]);
        context.fillRect(x, y, Math.max(0.5, w - 1), tall - 2);
        if (graph.errors[f]) {
          // Failed ones carry a stripe, so that they are not told by colour.
          context.fillStyle = colors.get("--error");
          context.fillRect(x, y + tall - 6, Math.max(0.5, w - 1), 4);
        }
        if (f === current || f === hover) {
          context.strokeStyle = strong;
          context.lineWidth = f === current ? 2 : 1;
          context.strokeRect(x + 1, y + 1, Math.max(1, w - 3), tall - 4);
        }
        if (w > scaled(34)) {
          context.fillStyle = text;
          context.save();
          context.beginPath();
          context.rect(x, y, w - 5, tall);
          context.clip();
          const name = state.trace.operations[graph.operation[f]];
          const many = graph.count[f] > 1 ? ` ×${count(graph.count[f])}` : "";
          context.fillText(`${graph.errors[f] ? "! " : ""}${name}${many}`, x + 6, y + tall / 2 - 1);
          context.restore();
        }
        context.globalAlpha = 1;
      }
    }
  });

  function say(f) {
    if (f < 0 || f >= graph.n) return;
    const { trace } = state;
    // Of what is drawn: calls that ran beside each other stand side by side here, so their times say less than their widths.
    const share = graph.whole > 0 ? graph.width[f] / graph.whole : 0;
    const bad = graph.errors[f] ? `, ${plural(graph.errors[f], "error")}` : "";
    told.textContent = `${trace.services[graph.service[f]]}: ${trace.operations[graph.operation[f]]} – ${duration(graph.total[f])}, ${percent(share)}, ${plural(graph.count[f], "span")}${bad}`;
  }

  function zoom(f) {
    focus = f;
    reset.hidden = f < 0;
    draw();
  }

  async function toTimeline() {
    const row = graph.first[current] ?? 0;
    await show("timeline");
    state.goTo(row, true);
  }

  function frameAt(event) {
    const box = canvas.getBoundingClientRect();
    const level = Math.floor((event.clientY - box.top + scroller.scrollTop - 2) / tall);
    const { left, width } = view();
    const x = left + ((event.clientX - box.left) / box.width) * width;
    const row = graph.byLevel[level];
    if (!row) return -1;
    // The last frame that begins at or before x.
    let low = 0;
    let high = row.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (graph.left[row[middle]] <= x) low = middle;
      else high = middle - 1;
    }
    const f = row[low];
    return graph.left[f] <= x && x <= graph.left[f] + graph.width[f] ? f : -1;
  }

  canvas.addEventListener("pointermove", (event) => {
    const f = frameAt(event);
    if (f === hover) return;
    hover = f;
    say(f < 0 ? current : f);
    draw();
  });
  canvas.addEventListener("pointerleave", () => {
    hover = -1;
    say(current);
    draw();
  });
  canvas.addEventListener("click", (event) => {
    const f = frameAt(event);
    if (f < 0) return;
    current = f;
    say(f);
    zoom(f === focus ? graph.parent[f] : f);
  });
  scroller.addEventListener("scroll", draw, { passive: true });
  scroller.addEventListener("keydown", (event) => {
    const row = graph.byLevel[graph.depth[current]] ?? [];
    const at = row.indexOf(current);
    let next = -1;
    if (event.key === "ArrowRight") next = row[at + 1] ?? -1;
    else if (event.key === "ArrowLeft") next = row[at - 1] ?? -1;
    else if (event.key === "ArrowUp") next = graph.parent[current];
    else if (event.key === "ArrowDown") next = (graph.byLevel[graph.depth[current] + 1] ?? []).find((f) => graph.parent[f] === current) ?? -1;
    else if (event.key === "Enter") zoom(current === focus ? -1 : current);
    else if (event.key === "Escape") zoom(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (next >= 0) {
      current = next;
      const y = graph.depth[current] * tall;
      if (y < scroller.scrollTop || y > scroller.scrollTop + scroller.clientHeight - tall) scroller.scrollTop = y - scroller.clientHeight / 2;
    }
    say(current);
    draw();
  });

  function search() {
    matches = null;
    if (state.found) {
      matches = new Uint8Array(graph.n);
      for (let i = 0; i < state.trace.n; i++) if (state.found.match[i]) matches[graph.frameOf[i]] = 1;
    }
    draw();
  }
  const offs = [
    state.on((what) => {
      if (what === "trace") {
        graph = flame(state.trace);
        focus = -1;
        current = Math.min(current, graph.n - 1);
        search();
      }
      if (what === "filter") search();
    }),
    onTheme(draw),
  ];
  const observer = new ResizeObserver(draw);
  observer.observe(scroller);
  say(current);
  zoom(focus);
  search();
  return {
    destroy() {
      Object.assign(kept, { trace: state.trace, focus, current });
      observer.disconnect();
      for (const off of offs) off();
    },
  };
}
