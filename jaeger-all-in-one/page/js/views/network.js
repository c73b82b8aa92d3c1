// A picture of nodes and edges that can be moved and zoomed; used by the graph of a trace and by that of services.

import { h, s } from "../lib/dom.js";
import { layout } from "../model/graph.js";
import { serviceStyle } from "../lib/color.js";
import { count } from "../lib/format.js";

// More than these are no picture any more.
export const BOXES = 150;
export const ARROWS = 600;
// Below this scale text can not be read; on a phone, which is held in the hand and moved by a finger, below the other: its
// smallest letters are then of 11 pixels.
const LEAST = 0.62;
const LEAST_NARROW = 0.92;
const NARROW = matchMedia("(max-width: 45rem)");
// Width of a bold letter; text of a picture is not cut by the browser.
const LETTER = 7.9;

/**
 * `graph`: `{nodes, edges}` as of model/graph.js. `describe(node)` gives `{title, lines: [text], bad}`; `press(node)` makes
 * nodes buttons. `like`: the picture that it replaces, whose zoom it keeps if somebody chose one. The element says in words what it shows; a table beside it should hold the facts.
 */
export function network(graph, { label, describe, press, nodeSize, like }) {
  const plan = layout(graph, nodeSize);
  const pad = 24;
  const whole = { x: -pad, y: -pad, w: plan.width + 2 * pad, h: plan.height + 2 * pad };
  let chosen = like?.chosen() ?? false;
  let box = chosen ? like.box() : { ...whole };
  const most = Math.max(1, ...plan.edges.map((edge) => edge.count));

  const edges = plan.edges.map((edge) => drawEdge(edge, plan.node, most));
  const nodes = graph.nodes.map((node) => {
    const { title, lines, bad } = describe(node);
    const { width, height } = plan.node;
    const group = s(
      "g",
      {
        class: `node${bad ? " node-bad" : ""}`,
        transform: `translate(${node.x - width / 2} ${node.y - height / 2})`,
        style: serviceStyle(node.service),
        tabindex: press ? "0" : undefined,
        role: press ? "button" : "img",
        "aria-label": [title, ...lines].join(", "),
        on: press && {
          click: () => !moved && press(node),
          keydown(event) {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            press(node);
          },
        },
      },
      s("title", [title, ...lines].join("\n")),
      s("rect", { class: "node-box", width, height, rx: 5 }),
      s("rect", { class: "node-color", width: 5, height, rx: 2 }),
      s("text", { class: "node-title", x: 14, y: 19 }, clip(title, Math.floor((width - (bad ? 46 : 20)) / LETTER))),
      lines[0] && s("text", { class: "node-line", x: 14, y: 36 }, clip(lines.slice(0, 1).join(""), 28)),
      lines[1] && s("text", { class: "node-line", x: 14, y: 52 }, clip(lines[1], 28)),
      bad && s("text", { class: "node-mark", x: width - 8, y: 19, "text-anchor": "end" }, `! ${bad}`),
    );
    for (const { element, edge } of edges) {
      if (edge.source !== node && edge.target !== node) continue;
      group.addEventListener("pointerenter", () => element.classList.add("is-near"));
      group.addEventListener("pointerleave", () => element.classList.remove("is-near"));
    }
    return group;
  });
  const svg = s(
    "svg",
    { class: "network-svg", role: "group", "aria-label": label },
    s("defs", s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, s("path", { d: "M0 0 8 4 0 8Z", class: "arrow" }))),
    edges.map(({ element }) => element),
    nodes,
  );
  const show = () => svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.w} ${box.h}`);
  const zoom = (factor, at = { x: box.x + box.w / 2, y: box.y + box.h / 2 }) => {
    const w = Math.max(120, Math.min(whole.w * 4, box.w * factor));
    const f = w / box.w;
    box = { x: at.x - (at.x - box.x) * f, y: at.y - (at.y - box.y) * f, w, h: box.h * f };
    chosen = true;
    show();
  };
  const button = (text, name, run) => h("button", { type: "button", class: "button-icon", "aria-label": name, title: name, on: { click: run } }, text);
  const fit = (readable = false) => {
    chosen = false;
    box = { ...whole };
    // Small graphs keep their size instead of filling the screen.
    const { width, height } = svg.getBoundingClientRect();
    const least = NARROW.matches ? LEAST_NARROW : LEAST;
    if (width > 0) {
      const w = Math.max(box.w, width);
      const hgt = Math.max(box.h, height);
      if (box.w < width && box.h < height) box = { x: box.x - (w - box.w) / 2, y: box.y - (hgt - box.h) / 2, w, h: hgt };
      // Where all of it would be too small to read, it begins where the calls begin.
      else if (readable && Math.min(width / box.w, height / box.h) < least) {
        const first = graph.nodes.reduce((a, b) => (b.layer < a.layer || (b.layer === a.layer && b.y < a.y) ? b : a));
        const h0 = height / least;
        box = { x: whole.x, y: Math.max(whole.y, Math.min(first.y - h0 / 2, whole.y + whole.h - h0)), w: width / least, h: h0 };
        if (h0 >= whole.h) box.y = whole.y - (h0 - whole.h) / 2;
      }
    }
    show();
  };
  let from = null;
  let moved = false;
  // Two fingers on the picture: what lies between them follows them.
  const fingers = new Map();
  let spread = null;
  const pinch = () => {
    const [a, b] = [...fingers.values()];
    const matrix = svg.getScreenCTM().inverse();
    return { apart: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)), at: new DOMPoint((a.x + b.x) / 2, (a.y + b.y) / 2).matrixTransform(matrix) };
  };
  svg.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) {
      from = null;
      moved = true;
      spread = pinch();
      return;
    }
    from = { x: event.clientX, y: event.clientY, box: { ...box } };
    moved = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (spread && fingers.size === 2) {
      const now = pinch();
      box.x += spread.at.x - now.at.x;
      box.y += spread.at.y - now.at.y;
      zoom(spread.apart / now.apart, spread.at);
      spread = { ...spread, apart: now.apart };
      return;
    }
    if (!from) return;
    const dx = event.clientX - from.x;
    const dy = event.clientY - from.y;
    if (!moved && Math.hypot(dx, dy) < 4) return;
    if (!moved) svg.setPointerCapture(event.pointerId);
    moved = true;
    const { width, height } = svg.getBoundingClientRect();
    const scale = Math.max(from.box.w / width, from.box.h / height);
    box = { ...from.box, x: from.box.x - dx * scale, y: from.box.y - dy * scale };
    chosen = true;
    show();
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(end, (event) => {
    from = null;
    fingers.delete(event.pointerId);
    if (fingers.size < 2) spread = null;
  });
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const matrix = svg.getScreenCTM().inverse();
      zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix));
    },
    { passive: false },
  );
  const element = h("div", { class: "network" }, svg, h("div", { class: "network-tools" }, button("+", "Closer", () => zoom(1 / 1.4)), button("−", "Further", () => zoom(1.4)), button("⤢", "All of it", () => fit())));
  // It is told once at the beginning; then what was chosen stays.
  let keep = chosen;
  const observer = new ResizeObserver(() => {
    if (!element.isConnected) return observer.disconnect();
    if (!keep) fit(true);
    keep = false;
  });
  observer.observe(element);
  show();
  return { element, nodes, graph, chosen: () => chosen, box: () => box };
}

function drawEdge(edge, size, most) {
  const { source, target, back } = edge;
  const x1 = source.x + size.width / 2;
  const x2 = target.x - size.width / 2;
  let path;
  if (back) {
    // Against the flow: round below both.
    const y = Math.max(source.y, target.y) + size.height;
    path = `M${x1} ${source.y} C${x1 + 60} ${y} ${x2 - 60} ${y} ${x2} ${target.y}`;
  } else {
    const bend = Math.max(30, (x2 - x1) / 2);
    path = `M${x1} ${source.y} C${x1 + bend} ${source.y} ${x2 - bend} ${target.y} ${x2} ${target.y}`;
  }
  const element = s(
    "g",
    { class: "edge" },
    s("title", `${source.service} ${source.operation} → ${target.service} ${target.operation}: ${count(edge.count)}`),
    s("path", { d: path, class: "edge-line", "marker-end": "url(#arrow)", "stroke-width": (most > 1 ? 1 + 3 * Math.sqrt(edge.count / most) : 1.5).toFixed(2) }),
    s("text", { class: "edge-label", x: (x1 + x2) / 2, y: (source.y + target.y) / 2 - 5 + (back ? size.height * 0.75 : 0), "text-anchor": "middle" }, count(edge.count)),
  );
  return { element, edge };
}

function clip(text, n) {
  return text.length > n ? `${text.slice(0, n - 1)}…` : text;
}
