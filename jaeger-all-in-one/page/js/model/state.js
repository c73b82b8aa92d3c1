// What a trace page shows at the moment: one object that all views of a trace read, and change through its methods.
//
// Rows are numbers that change when spans come in; what must last (opened, collapsed, the row gone to) is carried over
// by span id in `replace`. No DOM in here.

import { criticalPath, sectionsByRow } from "./critical-path.js";
import { filterTrace, visibleRows, withAncestors } from "./filter.js";
import { selfTimes, text } from "./trace.js";

export class TraceState {
  constructor(trace, json) {
    this.listeners = new Set();
    this.filter = "";
    this.hide = false;
    this.showCritical = true;
    this.opened = new Set();
    this.active = 0;
    this.zoom = { from: 0, to: trace.duration };
    this.whole = true;
    this.take(trace, json);
    this.collapsed = new Uint8Array(trace.n);
    this.refilter();
  }

  take(trace, json) {
    this.trace = trace;
    this.json = json;
    this.lazySelf = null;
    this.lazyPath = null;
    this.lazySections = null;
    this.lazyBelow = null;
    this.lazyRows = null;
    this.lazyIds = null;
    this.lazyAlike = null;
  }

  on(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(what) {
    for (const listener of this.listeners) listener(what);
  }

  /** The same trace with more spans. */
  replace(trace, json) {
    const before = this.trace;
    const ids = (rows) => new Set(rows.map((i) => before.raw[i]?.spanID));
    const opened = ids([...this.opened]);
    const collapsedRows = [];
    for (let i = 0; i < before.n; i++) if (this.collapsed[i]) collapsedRows.push(i);
    const collapsed = ids(collapsedRows);
    const active = before.raw[this.active]?.spanID;
    this.take(trace, json);
    this.collapsed = new Uint8Array(trace.n);
    this.opened = new Set();
    this.active = 0;
    for (let i = 0; i < trace.n; i++) {
      const id = trace.raw[i].spanID;
      if (opened.has(id)) this.opened.add(i);
      if (collapsed.has(id) && trace.size[i] > 1) this.collapsed[i] = 1;
      if (id === active) this.active = i;
    }
    if (this.whole) this.zoom = { from: 0, to: trace.duration };
    this.refilter();
    this.emit("trace");
  }

  get self() {
    return (this.lazySelf ??= selfTimes(this.trace));
  }

  get path() {
    return (this.lazyPath ??= criticalPath(this.trace));
  }

  /** Sections of the critical path by row. */
  get sections() {
    return (this.lazySections ??= sectionsByRow(this.path));
  }

  /** By row: the outcomes of all spans below it, as flags. */
  get below() {
    if (!this.lazyBelow) {
      const { n, parent, flags } = this.trace;
      this.lazyBelow = new Uint8Array(n);
      for (let i = n - 1; i > 0; i--) if (parent[i] >= 0) this.lazyBelow[parent[i]] |= this.lazyBelow[i] | flags[i];
    }
    return this.lazyBelow;
  }

  /** Rows in view, in order. */
  get rows() {
    return (this.lazyRows ??= visibleRows(this.trace, this.collapsed, this.hide ? this.keep : null));
  }

  refilter() {
    const context = /is:critical/i.test(this.filter) ? { critical: this.sections } : {};
    this.found = filterTrace(this.trace, this.filter, context);
    this.keep = this.found ? withAncestors(this.trace, this.found.match) : null;
    this.lazyRows = null;
  }

  setFilter(filter, hide = this.hide) {
    this.filter = filter;
    this.hide = hide;
    this.refilter();
    this.emit("filter");
  }

  setZoom(from, to) {
    const { duration } = this.trace;
    const least = Math.max(duration / 1e6, 0.01);
    const within = (x) => Math.max(0, Math.min(duration, x));
    let a = within(Math.min(from, to));
    let b = within(Math.max(from, to));
    if (b - a < least) {
      const middle = (a + b) / 2;
      a = Math.max(0, Math.min(duration - least, middle - least / 2));
      b = Math.min(duration, a + least);
    }
    this.zoom = { from: a, to: b };
    this.whole = a <= 0 && b >= duration;
    this.emit("zoom");
  }

  zoomBy(factor, around) {
    const { from, to } = this.zoom;
    const at = around ?? (from + to) / 2;
    this.setZoom(at - (at - from) * factor, at + (to - at) * factor);
  }

  pan(share) {
    const { from, to } = this.zoom;
    let by = (to - from) * share;
    by = Math.max(-from, Math.min(by, this.trace.duration - to));
    this.setZoom(from + by, to + by);
  }

  setCritical(on) {
    this.showCritical = on;
    this.emit("critical");
  }

  collapse(row, on) {
    if (this.trace.size[row] === 1) return;
    this.collapsed[row] = on ? 1 : 0;
    this.lazyRows = null;
    if (on && this.active > row && this.active < row + this.trace.size[row]) this.active = row;
    this.emit("rows");
  }

  /** Collapses every row at least `depth` deep, opens the others; `Infinity` opens all. */
  collapseTo(depth) {
    for (let i = 0; i < this.trace.n; i++) this.collapsed[i] = this.trace.size[i] > 1 && this.trace.depth[i] >= depth ? 1 : 0;
    while (this.parentCollapsed(this.active)) this.active = this.trace.parent[this.active];
    this.lazyRows = null;
    this.emit("rows");
  }

  parentCollapsed(row) {
    for (let up = this.trace.parent[row]; up >= 0; up = this.trace.parent[up]) if (this.collapsed[up]) return true;
    return false;
  }

  setActive(row) {
    this.active = row;
    this.emit("active");
  }

  /** Position of a row among those in view, or -1. */
  positionOf(row) {
    const { rows } = this;
    let low = 0;
    let high = rows.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (rows[middle] === row) return middle;
      if (rows[middle] < row) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Makes a row visible: opens what it hangs under, and lets it through the filter. */
  expose(row) {
    for (let up = this.trace.parent[row]; up >= 0; up = this.trace.parent[up]) this.collapsed[up] = 0;
    if (this.hide && this.keep && !this.keep[row]) this.hide = false;
    this.lazyRows = null;
  }

  /** Goes to a row, and opens its detail if asked. */
  goTo(row, open = false) {
    this.expose(row);
    this.active = row;
    if (open) this.opened.add(row);
    this.emit("goto");
  }

  /** The first row with that id; else, as other tools write ids, without zeros before and in capitals; -1 if there is none. */
  rowOf(spanId) {
    const id = text(spanId);
    this.lazyIds ??= this.rowsBy((id) => id);
    if (this.lazyIds.has(id)) return this.lazyIds.get(id);
    this.lazyAlike ??= this.rowsBy(alike);
    return this.lazyAlike.get(alike(id)) ?? -1;
  }

  rowsBy(key) {
    const rows = new Map();
    // From the last to the first, so that of several the first stays.
    for (let i = this.trace.n - 1; i >= 0; i--) rows.set(key(text(this.trace.raw[i].spanID)), i);
    return rows;
  }

  /** The next row that matches the filter, after (`step` 1) or before (-1) the active one; -1 if none does. */
  nextMatch(step) {
    if (!this.found?.count) return -1;
    const { n } = this.trace;
    for (let k = 1; k <= n; k++) {
      const i = (((this.active + step * k) % n) + n) % n;
      if (this.found.match[i]) return i;
    }
    return -1;
  }
}

function alike(id) {
  return id.toLowerCase().replace(/^0+(?=.)/, "");
}
