// The timeline: the tree of spans with a bar each, virtual rows, a treegrid to those who hear it.

import { h, fill, perFrame, scaled } from "../lib/dom.js";
import { VirtualRows } from "../lib/virtual.js";
import { marks, marksBelow, icon, outcomes } from "../lib/icons.js";
import { paint } from "../lib/color.js";
import { axisMarks, duration } from "../lib/format.js";
import { noMatch } from "../lib/states.js";
import { number } from "../model/trace.js";
import { minimap } from "./minimap.js";
import { detail } from "./detail.js";
import * as keyboard from "../lib/keyboard.js";

const NARROW = matchMedia("(max-width: 45rem)");
// What can be told apart on a lane, in percent of it.
const PIXEL = 0.25;
const INDENT_LEVELS = 24;

export function create(state, panel, { kept }) {
  const map = minimap(state);
  const axis = h("div", { class: "tl-axis", "aria-hidden": "true" });
  const splitter = h("div", {
    class: "tl-splitter",
    role: "separator",
    "aria-orientation": "vertical",
    "aria-label": "Width of the names",
    "aria-valuemin": "15",
    "aria-valuemax": "80",
    tabindex: "0",
  });
  const critical = h("input", { type: "checkbox", name: "critical", checked: state.showCritical, on: { change: () => state.setCritical(critical.checked) } });
  const head = h("div", { class: "tl-head" }, h("div", { class: "tl-head-name" }, h("span", "Service and operation"), levelButtons(state, critical)), splitter, axis);
  const body = h("div", { class: "tl-body", role: "presentation" });
  const scroller = h(
    "div",
    {
      class: "tl-scroll",
      role: "treegrid",
      tabindex: "0",
      "aria-label": "Spans of the trace",
      "aria-colcount": "2",
    },
    body,
  );
  const grid = h("div", { class: "tl-grid", "aria-hidden": "true" });
  // Over the rows' place, not instead of it: the focus stays there while a filter is written.
  const none = h("div", { class: "tl-none", hidden: true }, noMatch());
  const root = h("div", { class: "timeline" }, map.element, head, h("div", { class: "tl-area" }, grid, scroller, none));
  panel.append(root);

  const rowHeight = () => scaled(NARROW.matches ? 46 : 28);
  const rows = new VirtualRows({
    scroller,
    body,
    height: rowHeight,
    create: () => makeRow(),
    render: (element, at) => drawRow(state, element, state.rows[at], at),
    extra: (at, before) => unfold(detail(state, state.rows[at]), before),
    key: (at) => state.trace.raw[state.rows[at]].spanID,
    heights: (kept.heights ??= new Map()),
  });

  const reset = () => {
    const opened = [];
    for (const row of state.opened) {
      const at = state.positionOf(row);
      if (at >= 0) opened.push(at);
    }
    scroller.setAttribute("aria-rowcount", String(state.rows.length));
    root.classList.toggle("is-filtered", Boolean(state.found));
    none.hidden = state.rows.length > 0;
    grid.hidden = !none.hidden;
    rows.reset(state.rows.length, opened);
    setActive();
  };
  const setActive = () => {
    for (const [at, element] of rows.rows) element.classList.toggle("is-active", state.rows[at] === state.active);
    const at = state.positionOf(state.active);
    if (rows.element(at)) scroller.setAttribute("aria-activedescendant", `row-${state.active}`);
    else scroller.removeAttribute("aria-activedescendant");
  };
  const drawAxis = () => {
    const { from, to } = state.zoom;
    const list = axisMarks(from, to, axis.clientWidth || 600, scaled(7.8));
    fill(axis, list.map(({ place, text, before }) => h("span", { class: `tl-tick${before ? " tl-tick-end" : ""}`, style: { left: `${100 * place}%` } }, text)));
    fill(grid, list.map(({ place }) => h("span", { class: "tl-grid-line", style: { left: `${100 * place}%` } })));
    // The axis ends where the lanes end: before the scroll bar, if it takes room.
    root.style.setProperty("--bar", `${scroller.offsetWidth - scroller.clientWidth}px`);
  };
  const refresh = perFrame(() => {
    drawAxis();
    rows.refresh();
  });

  // The row that the address or a match names: in view, and found by those who hear the page.
  const goTo = () => {
    reset();
    const at = state.positionOf(state.active);
    if (at < 0) return;
    rows.reveal(at, true);
    setActive();
  };

  // Where it was left, unless another row was gone to meanwhile. By ids, for rows change as spans come in.
  const idOf = (row) => state.trace.raw[row]?.spanID;
  const comeBack = () => {
    if (kept.active !== idOf(state.active)) return goTo();
    let row = state.rowOf(kept.top);
    let { above } = kept;
    // Collapsed or hidden since: what it hangs from.
    while (row >= 0 && state.positionOf(row) < 0) {
      row = state.trace.parent[row];
      above = 0;
    }
    if (row < 0) return;
    rows.goTo({ at: state.positionOf(row), above });
    setActive();
  };

  const off = state.on((what) => {
    if (what === "critical") critical.checked = state.showCritical;
    if (what === "zoom" || what === "critical") refresh();
    else if (what === "goto") goTo();
    else if (what === "active") setActive();
    else if (what !== "opened") {
      if (what === "trace") drawAxis();
      reset();
    }
  });

  scroller.addEventListener("click", (event) => {
    const element = event.target.closest(".tl-row");
    if (!element) return;
    const row = state.rows[element.virtualPosition];
    state.active = row;
    if (event.target.closest(".tl-twisty") && state.trace.size[row] > 1) state.collapse(row, !state.collapsed[row]);
    else openDetail(row);
    scroller.focus({ preventScroll: true });
  });
  function openDetail(row) {
    const at = state.positionOf(row);
    if (state.opened.has(row)) state.opened.delete(row);
    else state.opened.add(row);
    rows.toggle(at);
    setActive();
    state.emit("opened");
  }

  scroller.addEventListener("keydown", (event) => {
    if (event.target !== scroller || event.ctrlKey || event.metaKey || event.altKey) return;
    if ("jk".includes(event.key) && !keyboard.singleKeys()) return;
    const { active, trace, collapsed } = state;
    const at = state.positionOf(active);
    const page = Math.max(1, Math.floor(scroller.clientHeight / rows.height) - 1);
    const move = (to) => {
      const next = Math.max(0, Math.min(state.rows.length - 1, to));
      state.active = state.rows[next];
      rows.reveal(next);
      setActive();
    };
    switch (event.key) {
      case "ArrowDown":
      case "j":
        move(at + 1);
        break;
      case "ArrowUp":
      case "k":
        move(at - 1);
        break;
      case "PageDown":
        move(at + page);
        break;
      case "PageUp":
        move(at - page);
        break;
      case "Home":
        move(0);
        break;
      case "End":
        move(state.rows.length - 1);
        break;
      case "ArrowRight":
        if (event.shiftKey) state.pan(0.2);
        else if (trace.size[active] > 1 && collapsed[active]) state.collapse(active, false);
        else if (trace.size[active] > 1) move(at + 1);
        break;
      case "ArrowLeft":
        if (event.shiftKey) state.pan(-0.2);
        else if (trace.size[active] > 1 && !collapsed[active]) state.collapse(active, true);
        else if (trace.parent[active] >= 0) move(state.positionOf(trace.parent[active]));
        break;
      case "Enter":
      case " ":
        openDetail(active);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = axis.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
      const { from, to } = state.zoom;
      state.zoomBy(event.deltaY > 0 ? 1.25 : 0.8, from + share * (to - from));
    },
    { passive: false },
  );
  dragZoom(axis, state);
  split(splitter, root);

  const where = "The timeline";
  const keys = [
    keyboard.bind(["j", "ArrowDown"], "Next span", () => (scroller.focus(), undefined), where),
    keyboard.bind(["k", "ArrowUp"], "Span before", () => (scroller.focus(), undefined), where),
    keyboard.bind("Enter", "Details of the span (also space)", (event) => (event.target.closest?.("button, a, summary") ? false : scroller.focus()), where),
    keyboard.bind(["ArrowRight", "ArrowLeft"], "Expand, collapse; with shift: move in time", () => false, where),
    keyboard.bind("+", "Closer in time", () => state.zoomBy(0.5), where),
    keyboard.bind("-", "Further in time", () => state.zoomBy(2), where),
    keyboard.bind("0", "The whole time", () => state.setZoom(0, state.trace.duration), where),
    keyboard.bind("c", "Critical path on or off", () => state.setCritical(!state.showCritical), where),
    keyboard.bind("[", "Collapse all", () => state.collapseTo(0), where),
    keyboard.bind("]", "Expand all", () => state.collapseTo(Infinity), where),
  ];

  const relayout = () => {
    rows.remeasure();
    reset();
    drawAxis();
  };
  NARROW.addEventListener("change", relayout);
  const resize = new ResizeObserver(() => drawAxis());
  resize.observe(axis);
  drawAxis();
  reset();
  if (kept.active !== undefined) comeBack();
  return {
    destroy() {
      const { at, above } = rows.place();
      Object.assign(kept, { active: idOf(state.active), top: idOf(state.rows[at]), above });
      off();
      for (const unbind of keys) unbind();
      NARROW.removeEventListener("change", relayout);
      resize.disconnect();
      rows.destroy();
      map.destroy();
    },
  };
}

// What was folded and unfolded in the details before is so in those that take their place.
function unfold(made, before) {
  if (!before) return made;
  const name = (part) => part.querySelector("summary").textContent;
  const folded = new Map([...before.querySelectorAll(".detail-section")].map((part) => [name(part), part.open]));
  for (const part of made.querySelectorAll(".detail-section")) part.open = folded.get(name(part)) ?? part.open;
  return made;
}

function levelButtons(state, critical) {
  const button = (text, label, run) => h("button", { type: "button", class: "button-icon button-small", title: label, "aria-label": label, on: { click: run } }, text);
  // The deepest level that is open decides what one level more or less means.
  const level = () => {
    let least = Infinity;
    for (let i = 0; i < state.trace.n; i++) if (state.collapsed[i]) least = Math.min(least, state.trace.depth[i]);
    return least === Infinity ? state.trace.depthMost : least;
  };
  return h(
    "span",
    { class: "tl-levels" },
    h("label", { class: "check", title: "Mark what the end of the trace waited for (c)" }, critical, h("span", "Critical path")),
    button("−1", "Collapse one level", () => state.collapseTo(Math.max(0, level() - 1))),
    button("+1", "Expand one level", () => state.collapseTo(level() + 1)),
    button("−", "Collapse all", () => state.collapseTo(0)),
    button("+", "Expand all", () => state.collapseTo(Infinity)),
  );
}

function makeRow() {
  const twisty = h("span", { class: "tl-twisty", "aria-hidden": "true" }, icon("chevron"));
  const service = h("span", { class: "tl-service" });
  const operation = h("span", { class: "tl-operation" });
  const marked = h("span", { class: "tl-marks" });
  const amount = h("span");
  const failed = h("span", { class: "tl-marks" });
  const inner = h("span", { class: "tl-count" }, amount, failed);
  const name = h("div", { class: "tl-name", role: "gridcell", "aria-colindex": "1" }, twisty, h("span", { class: "tl-color", "aria-hidden": "true" }), marked, service, operation, inner);
  const bar = h("div", { class: "tl-bar" });
  const label = h("span", { class: "tl-label" });
  const over = h("div", { class: "tl-over", "aria-hidden": "true" });
  const lane = h("div", { class: "tl-lane", role: "gridcell", "aria-colindex": "2" }, bar, over, label);
  const element = h("div", { class: "tl-row", role: "row" }, name, lane);
  element.parts = { service, operation, marked, amount, failed, name, bar, label, over };
  return element;
}

function drawRow(state, element, row, at) {
  const { trace, zoom } = state;
  const { name, service, operation, marked, amount, failed, bar, label, over } = element.parts;
  const flags = trace.flags[row];
  const parent = trace.size[row] > 1;
  const collapsed = state.collapsed[row] === 1;
  const depth = trace.depth[row];
  const serviceName = trace.services[trace.service[row]];
  element.id = `row-${row}`;
  element.setAttribute("aria-level", String(depth + 1));
  element.setAttribute("aria-rowindex", String(at + 1));
  if (parent) element.setAttribute("aria-expanded", String(!collapsed));
  else element.removeAttribute("aria-expanded");
  const sameAsParent = trace.parent[row] >= 0 && trace.service[trace.parent[row]] === trace.service[row];
  let names = "tl-row";
  if (parent) names += " is-parent";
  if (collapsed) names += " is-collapsed";
  if (row === state.active) names += " is-active";
  if (state.opened.has(row)) names += " is-open";
  if (sameAsParent) names += " is-same-service";
  if (state.found && !state.found.match[row]) names += " is-dim";
  for (const name of outcomes(flags)) names += ` has-${name}`;
  element.className = names;
  paint(element, serviceName);
  element.style.setProperty("--depth", String(Math.min(depth, INDENT_LEVELS)));
  service.textContent = serviceName;
  operation.textContent = trace.operations[trace.operation[row]];
  // Both may be cut.
  name.title = `${serviceName} ${operation.textContent}`;
  // What failed in a subtree is said where it is collapsed, unless the row says it of itself.
  const hidden = collapsed ? state.below[row] & ~flags : 0;
  const told = flags | (hidden << 8);
  if (element.told !== told) {
    element.told = told;
    fill(marked, flags ? marks(flags) : null);
    fill(failed, marksBelow(hidden));
  }
  amount.textContent = collapsed ? `+${trace.size[row] - 1}` : "";

  const whole = zoom.to - zoom.from || 1;
  const left = (100 * (trace.start[row] - zoom.from)) / whole;
  const right = (100 * (trace.start[row] + trace.span[row] - zoom.from)) / whole;
  const from = Math.max(-1, Math.min(101, left));
  const to = Math.max(-1, Math.min(101, right));
  bar.style.left = left > 100 ? `${from}%` : within(from, 2);
  bar.style.width = `${Math.max(0, to - from)}%`;
  label.textContent = right < 0 ? `← ${duration(trace.span[row])}` : left > 100 ? `${duration(trace.span[row])} →` : duration(trace.span[row]);
  const after = to < 86;
  const inside = !after && from < 12;
  label.className = `tl-label${inside ? " tl-label-in" : ""}`;
  label.style.left = after ? `${Math.max(0, to)}%` : "auto";
  label.style.right = after ? "auto" : inside ? `${100 - Math.min(100, to)}%` : `${100 - Math.min(100, from)}%`;

  const pieces = [];
  if (state.showCritical) {
    for (const [a, b] of merged(state.sections.get(row), zoom)) pieces.push(h("span", { class: "tl-critical", style: { left: within(a, 1), width: `${b - a}%` } }));
  }
  const { logs, startTime } = trace.raw[row];
  if (Array.isArray(logs)) {
    const taken = new Set();
    for (const log of logs) {
      const x = left + (100 * (number(log?.timestamp) - number(startTime))) / whole;
      const place = Math.round(x / PIXEL);
      if (!(x >= 0 && x <= 100) || taken.has(place)) continue;
      taken.add(place);
      pieces.push(h("span", { class: "tl-log", style: { left: within(x, 1) } }));
    }
  }
  if (pieces.length > 0 || over.firstChild) over.replaceChildren(...pieces);
}

// A place on a lane, in percent of it, such that `pixels` of what begins there are on the lane: the end of a trace is no less to be seen.
function within(place, pixels) {
  return place > 90 ? `min(${place}%, 100% - ${pixels}px)` : `${place}%`;
}

// Sections `[from, to, from, to, …]` as shares of the time in view. What lies closer together than can be seen is one piece,
// so that a row has few pieces however many sections it has, and none is left out.
function merged(sections, zoom) {
  const pieces = [];
  const whole = zoom.to - zoom.from || 1;
  for (let k = 0; sections && k < sections.length; k += 2) {
    const a = Math.max(0, (100 * (sections[k] - zoom.from)) / whole);
    const b = Math.min(100, (100 * (sections[k + 1] - zoom.from)) / whole);
    if (b <= a) continue;
    const last = pieces[pieces.length - 1];
    if (last && a - last[1] < PIXEL) last[1] = Math.max(last[1], b);
    else pieces.push([a, b]);
  }
  return pieces;
}

// Pressing and dragging along the axis zooms to what was passed over.
function dragZoom(axis, state) {
  let begin = null;
  const shade = h("div", { class: "tl-shade", hidden: true });
  const share = (event) => {
    const box = axis.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  axis.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    begin = share(event);
    axis.setPointerCapture(event.pointerId);
    axis.append(shade);
  });
  axis.addEventListener("pointermove", (event) => {
    if (begin === null) return;
    const at = share(event);
    shade.hidden = false;
    shade.style.left = `${Math.min(begin, at) * 100}%`;
    shade.style.width = `${Math.abs(at - begin) * 100}%`;
  });
  axis.addEventListener("pointerup", (event) => {
    if (begin === null) return;
    const [a, b] = [begin, share(event)].sort((x, y) => x - y);
    begin = null;
    shade.hidden = true;
    const { from, to } = state.zoom;
    if (b - a > 0.005) state.setZoom(from + a * (to - from), from + b * (to - from));
  });
  axis.addEventListener("dblclick", () => state.setZoom(0, state.trace.duration));
}

function split(splitter, root) {
  const set = (percent) => {
    const to = Math.max(15, Math.min(80, percent));
    root.style.setProperty("--names", `${to}%`);
    splitter.setAttribute("aria-valuenow", String(Math.round(to)));
  };
  splitter.setAttribute("aria-valuenow", "36");
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const box = root.getBoundingClientRect();
    set((100 * (event.clientX - box.left)) / box.width);
  });
  splitter.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    set(Number(splitter.getAttribute("aria-valuenow")) + step);
  });
}
