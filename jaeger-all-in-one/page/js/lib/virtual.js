// Rows that exist only while they are in view, so that a hundred thousand cost what fifty cost.
//
// All rows have one height, except those that are opened: what hangs below them (`extra`) is measured as it appears.
// Elements are kept and reused; a scroll changes the text of those that come into view and moves them.

import { h, perFrame } from "./dom.js";

const OVERSCAN = 8;

export class VirtualRows {
  /**
   * `scroller` scrolls; `body` (inside it) holds the rows. `height()` of a row in pixels, which grows with the letters. `create()` makes an element,
   * `render(element, row)` fills it. `extra(row, before)` makes what hangs below row `row`; `before` is the element that did
   * until now, if there was one of the same `key(row)`. `heights`: what was measured of these, by key; given again, the rows lie where they lay.
   */
  constructor({ scroller, body, height, create, render, extra, key = (row) => row, heights = new Map() }) {
    Object.assign(this, { scroller, body, create, render, extra, key, heights });
    this.heightNow = height;
    this.height = height();
    this.count = 0;
    // Pixels that what is above the view has grown by: the view goes with it.
    this.shift = 0;
    // Those in view are to be filled again.
    this.stale = false;
    this.rows = new Map();
    this.free = [];
    // Of opened rows, by position: {element, height}.
    this.opened = new Map();
    this.order = [];
    this.schedule = perFrame(() => this.draw());
    this.body.classList.add("virtual-body");
    this.onScroll = () => this.schedule();
    this.scroller.addEventListener("scroll", this.onScroll, { passive: true });
    this.resize = new ResizeObserver((entries) => {
      let moved = false;
      for (const entry of entries) {
        const at = entry.target.virtualPosition;
        if (at === undefined) {
          moved = true;
          this.remeasure();
        } else moved = this.measure(at, entry.target) || moved;
      }
      if (moved) this.schedule();
    });
    this.resize.observe(this.scroller);
  }

  destroy() {
    this.scroller.removeEventListener("scroll", this.onScroll);
    this.resize.disconnect();
  }

  /** A new number of rows, of which `opened` (positions) have something below them; all are drawn anew. */
  reset(count, opened = []) {
    this.count = count;
    const before = new Map([...this.opened.values()].map(({ element }) => [element.virtualKey, element]));
    for (const { element } of this.opened.values()) {
      this.resize.unobserve(element);
      element.remove();
    }
    this.opened.clear();
    for (const at of opened) this.open(at, before.get(this.key(at)));
    this.sortOpened();
    this.stale = true;
    this.draw();
  }

  /** Opens or closes what hangs below the row at position `at`. */
  toggle(at) {
    const known = this.opened.get(at);
    if (known) {
      this.resize.unobserve(known.element);
      known.element.remove();
      this.opened.delete(at);
    } else this.open(at);
    this.sortOpened();
    this.refresh();
  }

  open(at, before) {
    // In a grid, what hangs below a row is a row of one cell.
    const element = h("div", { class: "virtual-extra", role: "row" }, h("div", { role: "gridcell" }, this.extra(at, before)));
    element.virtualKey = this.key(at);
    element.virtualPosition = at;
    // Until it is measured, as high as most are.
    this.opened.set(at, { element, height: this.heights.get(element.virtualKey) ?? 160 });
  }

  /** Rows may have another height than they had. */
  remeasure() {
    this.height = this.heightNow();
    this.sortOpened();
  }

  measure(at, element) {
    const known = this.opened.get(at);
    const height = element.offsetHeight;
    if (!known || known.element !== element || height === 0 || known.height === height) return false;
    if (this.top(at) + this.height + known.height <= this.scroller.scrollTop) this.shift += height - known.height;
    known.height = height;
    this.heights.set(element.virtualKey, height);
    this.sortOpened();
    return true;
  }

  sortOpened() {
    let before = 0;
    this.order = [...this.opened.entries()]
      .sort((a, b) => a[0] - b[0])
      .map(([at, { height }]) => {
        const entry = { at, height, top: (at + 1) * this.height + before };
        before += height;
        return entry;
      });
    this.extraHeight = before;
  }

  /** Pixels above the row at position `at`. */
  top(at) {
    let sum = at * this.height;
    for (const entry of this.order) {
      if (entry.at >= at) break;
      sum += entry.height;
    }
    return sum;
  }

  /** Position of the row at `y` pixels. */
  at(y) {
    let before = 0;
    for (const entry of this.order) {
      if (y < entry.top) break;
      if (y < entry.top + entry.height) return entry.at;
      before += entry.height;
    }
    return Math.floor((y - before) / this.height);
  }

  release(element) {
    element.hidden = true;
    // Another may come to have it.
    element.removeAttribute("id");
    this.free.push(element);
  }

  /** Fills again every row in view. */
  refresh() {
    for (const [at, element] of this.rows) this.render(element, at);
    this.draw();
  }

  draw() {
    const total = this.count * this.height + (this.extraHeight ?? 0);
    this.body.style.height = `${total}px`;
    if (this.shift !== 0) {
      this.scroller.scrollTop += this.shift;
      this.shift = 0;
    }
    const offset = this.body.offsetTop;
    const view = this.scroller.clientHeight;
    const y = Math.max(0, this.scroller.scrollTop - offset);
    const first = Math.max(0, this.at(y) - OVERSCAN);
    const last = Math.min(this.count - 1, this.at(y + view) + OVERSCAN);
    for (const [at, element] of this.rows) {
      if (at >= first && at <= last) continue;
      this.release(element);
      this.rows.delete(at);
    }
    const fresh = new Set();
    for (let at = first; at <= last; at++) {
      let element = this.rows.get(at);
      if (!element) {
        element = this.free.pop() ?? this.create();
        element.hidden = false;
        this.rows.set(at, element);
        element.virtualPosition = at;
        fresh.add(element);
        this.render(element, at);
      } else if (this.stale) this.render(element, at);
      const top = this.top(at);
      if (element.virtualTop !== top) {
        element.virtualTop = top;
        element.style.transform = `translateY(${top}px)`;
      }
    }
    this.stale = false;
    // In the document they stand as on the screen, whichever was made or opened first: so they are read, and so the focus goes from one to the next. From
    // the last to the first, each that is new before the one after it; the others stay where they are.
    let after = null;
    let k = this.order.length - 1;
    const extras = (least) => {
      for (; k >= 0 && this.order[k].at >= least; k--) after = this.hang(this.order[k], y, view, after);
    };
    for (let at = last; at >= first; at--) {
      extras(at);
      const element = this.rows.get(at);
      if (fresh.has(element)) this.body.insertBefore(element, after);
      after = element;
    }
    extras(0);
  }

  /** Shows what hangs below a row if it is in view or near, before the element `after`; gives what others stand before then. */
  hang({ at, top, height }, y, view, after) {
    const { element } = this.opened.get(at);
    const seen = top + height >= y - 400 && top <= y + view + 400;
    if (!seen) {
      if (element.isConnected && !element.contains(document.activeElement)) {
        this.resize.unobserve(element);
        element.remove();
      }
      return element.isConnected ? element : after;
    }
    element.style.transform = `translateY(${top}px)`;
    if (!element.isConnected) {
      this.body.insertBefore(element, after);
      this.resize.observe(element);
    }
    return element;
  }

  /** The row at the top of the view, and how many pixels of it and of what hangs below it are above: `{at, above}`. */
  place() {
    const { scrollTop } = this.scroller;
    const at = Math.max(0, Math.min(this.count - 1, this.at(scrollTop)));
    return { at, above: scrollTop - this.top(at) };
  }

  /** Scrolls to a `place`. */
  goTo({ at, above }) {
    this.scroller.scrollTop = this.top(at) + above;
    this.draw();
  }

  /** Scrolls so that the row at position `at` is in view; `center` puts it in the middle if it was not. */
  reveal(at, center = false) {
    const top = this.top(at) + this.body.offsetTop;
    const { scrollTop, clientHeight } = this.scroller;
    // What sticks to the top hides that much.
    const head = this.body.offsetTop;
    if (top - head >= scrollTop && top + this.height <= scrollTop + clientHeight) return;
    if (center) this.scroller.scrollTop = Math.max(0, top - clientHeight / 2);
    else if (top - head < scrollTop) this.scroller.scrollTop = Math.max(0, top - head);
    else this.scroller.scrollTop = top + this.height - clientHeight + 4;
    this.draw();
  }

  element(at) {
    return this.rows.get(at);
  }
}
