// A small line chart: a few series over time, each with a dash of its own, and a summary in words.

import { h, s } from "../lib/dom.js";
import { ticks, timeOfDay } from "../lib/format.js";

const HEIGHT = 190;
const PAD = { left: 58, right: 12, top: 12, bottom: 24 };

/** `lines`: `[{name, points: [[ms, value]], bad?}]`; `range` `{from, to}` in ms; `format(value)`; marks are round after `scale(greatest)`. */
export function chart({ title, range, lines, format, least = 0, scale = () => 1 }) {
  const host = h("div", { class: "chart-host" });
  const last = lines.map((line) => `${line.name} ${line.points.length ? format(line.points[line.points.length - 1][1]) : "none"}`).join(", ");
  const draw = () => {
    if (host.clientWidth > 0) host.replaceChildren(picture(host.clientWidth));
  };
  function picture(width) {
    const most = Math.max(least, ...lines.flatMap((line) => line.points.map(([, value]) => value))) * 1.08 || 1;
    const x = (time) => PAD.left + ((time - range.from) / (range.to - range.from)) * (width - PAD.left - PAD.right);
    const y = (value) => HEIGHT - PAD.bottom - (value / most) * (HEIGHT - PAD.top - PAD.bottom);
    const n = Math.max(2, Math.floor(width / 120));
    return s(
      "svg",
      { width, height: HEIGHT, role: "img", "aria-label": `${title}, last values: ${last}` },
      ticks(0, most * scale(most), 4).map((mark) => mark / scale(most)).map((value) => [
        s("line", { class: "chart-grid", x1: PAD.left, x2: width - PAD.right, y1: y(value), y2: y(value) }),
        s("text", { class: "chart-label", x: PAD.left - 8, y: y(value) + 4, "text-anchor": "end" }, format(value)),
      ]),
      Array.from({ length: n }, (_, i) => {
        const time = range.from + ((range.to - range.from) * (i + 0.5)) / n;
        return s("text", { class: "chart-label", x: x(time), y: HEIGHT - 6, "text-anchor": "middle" }, timeOfDay(time * 1000).slice(0, 5));
      }),
      lines.map((line, i) => {
        const points = line.points.filter(([time]) => time >= range.from && time <= range.to);
        const path = points.map(([time, value], k) => `${k ? "L" : "M"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`).join("");
        const style = `chart-line chart-line-${i}${line.bad ? " chart-line-bad" : ""}`;
        // A single point is no line, but still something that happened.
        return [points.length > 1 && s("path", { class: style, d: path }), points.length < 40 && points.map(([time, value]) => s("circle", { class: `chart-point${line.bad ? " chart-point-bad" : ""} chart-point-${i}`, cx: x(time), cy: y(value), r: 2.5 }))];
      }),
    );
  }
  const observer = new ResizeObserver(() => {
    if (!host.isConnected) return observer.disconnect();
    draw();
  });
  observer.observe(host);
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", h("span", { class: "chart-title" }, title), lines.length > 1 && h("span", { class: "chart-legend" }, lines.map((line, i) => h("span", { class: "legend" }, s("svg", { width: 22, height: 8, "aria-hidden": "true" }, s("line", { class: `chart-line chart-line-${i}`, x1: 0, x2: 22, y1: 4, y2: 4 })), line.name)))),
    host,
  );
}
