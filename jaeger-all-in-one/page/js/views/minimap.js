// The whole trace as a picture, on a canvas, with the part in view framed. Two handles move its edges; dragging across
// chooses another part.
//
// At most SAMPLE spans are drawn for a row of pixels, so 100,000 spans cost what a few thousand cost; spans that failed
// are always drawn.

import { h, canvasContext, perFrame } from "../lib/dom.js";
import { canvasColors } from "../lib/color.js";
import { inFull } from "../lib/format.js";
import { onTheme } from "../lib/theme.js";
import { ERROR, PANIC } from "../model/trace.js";

const SAMPLE = 32;

export function minimap(state) {
  const canvas = h("canvas", { class: "map-canvas", "aria-hidden": "true" });
  const before = h("div", { class: "map-shade map-shade-before" });
  const after = h("div", { class: "map-shade map-shade-after" });
  const handles = ["from", "to"].map((side) =>
    h("div", {
      class: `map-handle map-handle-${side}`,
      role: "slider",
      tabindex: "0",
      "aria-label": side === "from" ? "Start of the time in view" : "End of the time in view",
      "aria-valuemin": "0",
    }),
  );
  const reset = h("button", { type: "button", class: "button map-reset", hidden: true, on: { click: () => state.setZoom(0, state.trace.duration) } }, "Whole trace");
  const element = h("div", { class: "map", role: "group", "aria-label": "Overview of the trace" }, canvas, before, after, handles, reset);

  const draw = perFrame(() => {
    if (!canvas.isConnected) return;
    const { trace } = state;
    const { context, width, height } = canvasContext(canvas);
    if (width < 2) return;
    const colors = canvasColors();
    const each = Math.max(1, Math.min(4, (height - 4) / Math.max(1, trace.n)));
    const perPixel = Math.max(1, Math.ceil((trace.n * 0.5) / (height * SAMPLE)));
    const whole = trace.duration || 1;
    const place = (i, least) => {
      const w = Math.max(least, (trace.span[i] / whole) * width);
      // What ends the trace, however short, ends where the picture does.
      const x = Math.min((trace.start[i] / whole) * width, width - w);
      const y = trace.n * each <= height - 4 ? 2 + i * each : 2 + (i / trace.n) * (height - 4);
      return [x, y, w, Math.max(1, each - (each > 2 ? 1 : 0))];
    };
    for (let i = 0; i < trace.n; i += perPixel) {
      context.fillStyle = colors.service(trace.services[trace.service[i]]);
      context.fillRect(...place(i, 0.75));
    }
    context.fillStyle = colors.get("--error");
    let drawn = 0;
    for (let i = 0; i < trace.n && drawn < 2000; i++) {
      if (!(trace.flags[i] & (ERROR | PANIC))) continue;
      const [x, y, w, hgt] = place(i, 2);
      context.fillRect(x, y, w, Math.max(1.5, hgt));
      drawn++;
    }
  });

  const frame = () => {
    const { from, to } = state.zoom;
    const whole = state.trace.duration;
    const a = whole > 0 ? (100 * from) / whole : 0;
    const b = whole > 0 ? (100 * to) / whole : 100;
    before.style.width = `${a}%`;
    after.style.width = `${Math.max(0, 100 - b)}%`;
    handles[0].style.left = `${a}%`;
    handles[1].style.left = `${b}%`;
    [from, to].forEach((time, k) => {
      handles[k].setAttribute("aria-valuemax", String(Math.round(whole)));
      handles[k].setAttribute("aria-valuenow", String(Math.round(time)));
      handles[k].setAttribute("aria-valuetext", inFull(time, (to - from) / 100));
    });
    reset.hidden = state.whole;
  };

  handles.forEach((handle, k) => {
    handle.addEventListener("keydown", (event) => {
      const step = (state.zoom.to - state.zoom.from) * 0.05 * ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key] ?? 0);
      const ends = { Home: k === 0 ? 0 : state.zoom.from, End: k === 0 ? state.zoom.to : state.trace.duration }[event.key];
      if (!step && ends === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const to = ends ?? (k === 0 ? state.zoom.from : state.zoom.to) + step;
      if (k === 0) state.setZoom(Math.min(to, state.zoom.to), state.zoom.to);
      else state.setZoom(state.zoom.from, Math.max(to, state.zoom.from));
    });
  });

  let drag = null;
  const time = (event) => {
    const box = canvas.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * state.trace.duration;
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target === reset) return;
    const k = handles.indexOf(event.target);
    element.setPointerCapture(event.pointerId);
    // A handle keeps the other end where it is; elsewhere a new part begins here.
    drag = { fixed: k === 0 ? state.zoom.to : k === 1 ? state.zoom.from : time(event), x: event.clientX, moved: k >= 0 };
    if (k >= 0) event.target.focus();
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (Math.abs(event.clientX - drag.x) > 3) drag.moved = true;
    if (drag.moved) state.setZoom(drag.fixed, time(event));
  });
  const drop = () => (drag = null);
  element.addEventListener("pointerup", drop);
  element.addEventListener("pointercancel", drop);
  element.addEventListener("dblclick", (event) => event.target !== reset && state.setZoom(0, state.trace.duration));

  const off = [
    state.on((what) => {
      if (what === "zoom") frame();
      else if (what === "trace") {
        draw();
        frame();
      }
    }),
    onTheme(draw),
  ];
  const observer = new ResizeObserver(draw);
  observer.observe(canvas);
  frame();
  return {
    element,
    destroy() {
      observer.disconnect();
      for (const end of off) end();
    },
  };
}
