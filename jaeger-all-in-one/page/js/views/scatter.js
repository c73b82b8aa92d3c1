// Duration of the found traces over time, one dot each. The list below says the same in words, so the picture is
// hidden from those who hear the page.

import { h, s } from "../lib/dom.js";
import { hue } from "../lib/color.js";
import { dateTime, duration, plural, ticks, timeOfDay } from "../lib/format.js";
import { navigate } from "../lib/router.js";

const HEIGHT = 168;
const PAD = { left: 62, right: 16, top: 14, bottom: 24 };

export function scatter(summaries) {
  const host = h("div", { class: "scatter", "aria-hidden": "true" });
  const draw = () => {
    const width = host.clientWidth;
    if (width > 0) host.replaceChildren(picture(summaries, width));
  };
  let last = 0;
  const observer = new ResizeObserver(() => {
    if (!host.isConnected) return observer.disconnect();
    if (host.clientWidth !== last) {
      last = host.clientWidth;
      draw();
    }
  });
  observer.observe(host);
  return host;
}

function picture(summaries, width) {
  const times = summaries.map((trace) => trace.startTime);
  let from = Math.min(...times);
  let to = Math.max(...times);
  if (to - from < 1) {
    from -= 500_000;
    to += 500_000;
  }
  const most = Math.max(1, ...summaries.map((trace) => trace.duration)) * 1.05;
  const mostSpans = Math.max(1, ...summaries.map((trace) => trace.spans));
  const x = (time) => PAD.left + ((time - from) / (to - from)) * (width - PAD.left - PAD.right);
  const y = (length) => HEIGHT - PAD.bottom - (length / most) * (HEIGHT - PAD.top - PAD.bottom);
  const xs = Math.max(2, Math.min(8, Math.floor(width / 130)));

  const grid = ticks(0, most, 4).map((length) => [
    s("line", { class: "chart-grid", x1: PAD.left, x2: width - PAD.right, y1: y(length), y2: y(length) }),
    s("text", { class: "chart-label", x: PAD.left - 8, y: y(length) + 4, "text-anchor": "end" }, duration(length)),
  ]);
  const axis = Array.from({ length: xs }, (_, i) => {
    const time = from + ((to - from) * (i + 0.5)) / xs;
    const text = to - from > 86_400e6 * 1.5 ? dateTime(time).slice(5, 16) : timeOfDay(time).slice(0, to - from < 10e6 ? 12 : 8);
    return s("text", { class: "chart-label", x: x(time), y: HEIGHT - 6, "text-anchor": "middle" }, text);
  });
  // The big ones first, so that small ones lie on top and can be pressed.
  const dots = [...summaries]
    .sort((a, b) => b.spans - a.spans)
    .map((trace) => {
      const bad = trace.panics > 0 ? "panic" : trace.errors > 0 ? "error" : "";
      const r = 3.5 + 7 * Math.sqrt(trace.spans / mostSpans);
      const shape = bad
        ? s("rect", { x: -r * 0.85, y: -r * 0.85, width: r * 1.7, height: r * 1.7, rx: 1.5, transform: bad === "panic" ? "rotate(45)" : undefined })
        : s("circle", { r });
      return s(
        "g",
        {
          class: `dot ${bad ? `dot-${bad}` : ""}`,
          transform: `translate(${x(trace.startTime).toFixed(1)} ${y(trace.duration).toFixed(1)})`,
          style: { "--hue": String(hue(trace.service)) },
          on: { click: () => navigate(`/trace/${encodeURIComponent(trace.id)}`) },
        },
        shape,
        s("title", `${trace.service}: ${trace.operation}\n${duration(trace.duration)}, ${plural(trace.spans, "span")}${trace.errors ? `, ${plural(trace.errors, "error")}` : ""}\n${dateTime(trace.startTime)}`),
      );
    });
  return s("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` }, grid, axis, dots);
}
