// Duration of the found traces over time, one dot each. The list below says the same in words, so the picture is
// hidden from those who hear the page.

import { h, s } from "../lib/dom.js";
import { serviceStyle } from "../lib/color.js";
import { dateTime, duration, plural, timeOfDay, timeTicks } from "../lib/format.js";
import { navigate } from "../lib/router.js";

const HEIGHT = 168;
// The greatest dot; one at the left edge must not lie on the words.
const MOST_R = 10.5;
const PAD = { left: 68, right: 58, top: 14, bottom: 24 };

/**
 * The picture, `{element, show(summaries)}`. `log` makes the axis of durations logarithmic; without a wish, it is where one
 * trace would press all others flat. `onScale(log)` hears of a wish.
 */
export function scatter(log, onScale) {
  let summaries = [];
  const logarithmic = () => {
    if (log !== undefined) return log;
    const lengths = summaries.map((trace) => trace.duration).sort((a, b) => a - b);
    return lengths[lengths.length - 1] > 25 * Math.max(1, lengths[lengths.length >> 1]);
  };
  const button = h("button", { type: "button", class: "button scatter-scale", "aria-label": "Logarithmic axis of durations", on: { click: toggle } }, "log");
  const element = h("div", { class: "scatter" }, button);
  let svg = null;
  function toggle() {
    log = !logarithmic();
    onScale(log);
    draw();
  }
  function draw() {
    const width = element.clientWidth;
    button.setAttribute("aria-pressed", String(logarithmic()));
    svg?.remove();
    svg = null;
    if (width > 0 && summaries.length > 0) element.prepend((svg = picture(summaries, width, logarithmic())));
  }
  let last = 0;
  const observer = new ResizeObserver(() => {
    if (!element.isConnected) return observer.disconnect();
    if (element.clientWidth !== last) {
      last = element.clientWidth;
      draw();
    }
  });
  observer.observe(element);
  return {
    element,
    show(next) {
      summaries = next;
      draw();
    },
  };
}

function picture(summaries, width, log) {
  // Of a file there may be more of them than a call takes arguments.
  const least = (key) => summaries.reduce((found, trace) => Math.min(found, trace[key]), Infinity);
  const greatest = (key) => summaries.reduce((found, trace) => Math.max(found, trace[key]), -Infinity);
  let from = least("startTime");
  let to = greatest("startTime");
  if (to - from < 1) {
    from -= 500_000;
    to += 500_000;
  }
  const longest = Math.max(1, greatest("duration")) * 1.05;
  const mostSpans = Math.max(1, greatest("spans"));
  const x = (time) => PAD.left + ((time - from) / (to - from)) * (width - PAD.left - PAD.right);
  const shortest = Math.max(1, least("duration") * 0.7);
  const share = log ? (length) => Math.log(Math.max(length, shortest) / shortest) / Math.log(longest / shortest || 2) : (length) => length / longest;
  const y = (length) => HEIGHT - PAD.bottom - share(length) * (HEIGHT - PAD.top - PAD.bottom);
  const xs = Math.max(2, Math.min(8, Math.floor(width / 130)));

  const grid = (log ? powers(shortest, longest) : timeTicks(0, longest, 4)).map((length) => [
    s("line", { class: "chart-grid", x1: PAD.left, x2: width - PAD.right, y1: y(length), y2: y(length) }),
    s("text", { class: "chart-label", x: PAD.left - MOST_R - 3, y: y(length) + 4, "text-anchor": "end" }, duration(length)),
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
      const r = 3.5 + (MOST_R - 3.5) * Math.sqrt(trace.spans / mostSpans);
      const shape = bad
        ? s("rect", { x: -r * 0.85, y: -r * 0.85, width: r * 1.7, height: r * 1.7, rx: 1.5, transform: bad === "panic" ? "rotate(45)" : undefined })
        : s("circle", { r });
      return s(
        "g",
        {
          class: `dot ${bad ? `dot-${bad}` : ""}`,
          transform: `translate(${x(trace.startTime).toFixed(1)} ${y(trace.duration).toFixed(1)})`,
          style: serviceStyle(trace.service),
          on: { click: () => navigate(`/trace/${encodeURIComponent(trace.id)}`) },
        },
        shape,
        s("title", `${trace.service}: ${trace.operation}\n${duration(trace.duration)}, ${plural(trace.spans, "span")}${trace.errors ? `, ${plural(trace.errors, "error")}` : ""}\n${dateTime(trace.startTime)}`),
      );
    });
  return s("svg", { "aria-hidden": "true", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` }, grid, axis, dots);
}

// Words of more marks would touch each other.
const MARKS = 6;

/** Powers of ten between two lengths, and their threes where that leaves few; of very many powers each second, or third. */
export function powers(least, most) {
  const tens = [];
  const all = [];
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
    if (power >= least) tens.push(power);
    for (const x of [power, 3 * power]) if (x >= least && x <= most) all.push(x);
  }
  if (all.length < MARKS) return all;
  const step = Math.ceil(tens.length / MARKS);
  return tens.filter((_, i) => i % step === 0);
}
