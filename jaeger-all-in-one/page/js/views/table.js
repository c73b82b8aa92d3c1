// Tables whose columns sort: a small one that stands in the page, and one of any length whose rows exist only in view.

import { h, inSteps, scaled } from "../lib/dom.js";
import { VirtualRows } from "../lib/virtual.js";

/** Sorting of a table by column, up or down, as `sort` says, which is changed. `columns`: `[{key, label, sort?(item) → number | string, …}]`. */
function sorter(columns, sort, changed) {
  const head = (column, role) => {
    const button = h(
      "button",
      {
        type: "button",
        class: "sort-button",
        on: {
          click() {
            if (sort.key === column.key) sort.down = !sort.down;
            else Object.assign(sort, { key: column.key, down: column.numeric ?? false });
            mark();
            changed();
          },
        },
      },
      column.label,
    );
    const cell = h(role === "th" ? "th" : "div", { class: `col-head col-${column.key}${column.numeric ? " is-number" : ""}`, scope: role === "th" ? "col" : undefined, role: role === "th" ? undefined : "columnheader", title: column.title }, column.sort ? button : column.label);
    cell.column = column;
    return cell;
  };
  const cells = [];
  const mark = () => {
    for (const cell of cells) {
      if (!cell.column.sort) continue;
      cell.setAttribute("aria-sort", cell.column.key === sort.key ? (sort.down ? "descending" : "ascending") : "none");
    }
  };
  const order = (items) => {
    const column = columns.find((c) => c.key === sort.key);
    if (!column) return items;
    const sign = sort.down ? -1 : 1;
    const keyed = Array.from(items, (item, i) => [column.sort(item), i, item]);
    keyed.sort(([a, i], [b, k]) => (a < b ? -sign : a > b ? sign : i - k));
    return keyed.map(([, , item]) => item);
  };
  return {
    heads(role) {
      for (const column of columns) cells.push(head(column, role));
      mark();
      return cells;
    },
    order,
  };
}

// Rows of a small table that are made at once.
const STEP = 200;

/** A table in the page, its first rows at once, the others when asked for. A column's `cell(item)` gives what stands in it. */
export function sortedTable({ columns, items, sort, label, rowClass, rowStyle }) {
  let list = items;
  const body = h("tbody");
  const line = (item) =>
    h(
      "tr",
      { class: rowClass?.(item), style: rowStyle?.(item) },
      columns.map((column, i) => h(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : undefined, class: `col-${column.key}${column.numeric ? " is-number" : ""}` }, column.cell(item))),
    );
  const more = (button) => h("tr", { class: "more-rows" }, h("td", { colspan: String(columns.length) }, button));
  const draw = (first = STEP) => {
    body.replaceChildren();
    inSteps(body, sorting.order(list), line, STEP, more, first);
  };
  // Where the focus is: the row, by what its head says, and the column.
  const place = () => {
    const cell = document.activeElement?.closest("td, th");
    return body.contains(cell) && { row: cell.parentElement.firstChild.textContent, column: cell.cellIndex };
  };
  const sorting = sorter(columns, sort, () => draw());
  const element = h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": label }, h("table", { class: "table" }, h("thead", h("tr", sorting.heads("th"))), body));
  draw();
  return {
    element,
    /** Other items in the same order; as many rows as there were, and the focus where it was. */
    set(next) {
      list = next;
      const focus = place();
      draw(Math.max(STEP, body.querySelectorAll("tr:not(.more-rows)").length));
      if (!focus) return;
      const row = [...body.rows].find((row) => row.firstChild.textContent === focus.row);
      row?.cells[focus.column].querySelector("a, button")?.focus({ preventScroll: true });
    },
  };
}

/**
 * A table of any length. `items` is an array (of row numbers, say); `fillRow(cells, item, element)` writes one row into
 * its cells, made once by `makeCell(column)`. Arrow keys move, Enter presses. `kept` holds order, place and row for the table that will
 * take this one's place.
 */
export function longTable({ columns, items, sort, label, fillRow, press, kept = {} }) {
  let list = items;
  let active = kept.active ?? 0;
  const body = h("div", { class: "long-body", role: "rowgroup" });
  const scroller = h("div", { class: "long-scroll", role: "grid", tabindex: "0", "aria-label": label, "aria-colcount": String(columns.length) });
  const changed = () => {
    ordered = sorting.order(list);
    scroller.scrollTop = 0;
    draw();
  };
  const sorting = sorter(columns, (kept.sort ??= sort), changed);
  let ordered = sorting.order(list);
  scroller.append(h("div", { class: "long-head", role: "rowgroup" }, h("div", { class: "long-row", role: "row" }, sorting.heads("div"))), body);
  const rows = new VirtualRows({
    scroller,
    body,
    height: () => scaled(32),
    create() {
      const cells = columns.map((column, i) => h("div", { class: `long-cell col-${column.key}${column.numeric ? " is-number" : ""}`, role: "gridcell", "aria-colindex": String(i + 1) }));
      const element = h("div", { class: "long-row", role: "row" }, cells);
      element.cells = cells;
      return element;
    },
    render(element, at) {
      element.id = `long-${at}`;
      element.setAttribute("aria-rowindex", String(at + 2));
      element.classList.toggle("is-active", at === active);
      fillRow(element.cells, ordered[at], element);
    },
  });
  const draw = () => {
    active = Math.min(active, Math.max(0, ordered.length - 1));
    scroller.setAttribute("aria-rowcount", String(ordered.length + 1));
    rows.reset(ordered.length);
    if (kept.top) {
      scroller.scrollTop = kept.top;
      kept.top = 0;
      rows.draw();
    }
    point();
  };
  const point = () => {
    if (rows.element(active)) scroller.setAttribute("aria-activedescendant", `long-${active}`);
    else scroller.removeAttribute("aria-activedescendant");
  };
  scroller.addEventListener("click", (event) => {
    if (event.target.closest("a, button")) return;
    const element = event.target.closest(".long-body .long-row");
    if (!element) return;
    active = element.virtualPosition;
    press?.(ordered[active]);
  });
  scroller.addEventListener("keydown", (event) => {
    if (event.target !== scroller) return;
    const page = Math.max(1, Math.floor(scroller.clientHeight / rows.height) - 2);
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: ordered.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      active = Math.max(0, Math.min(ordered.length - 1, to));
      rows.reveal(active);
      for (const [at, element] of rows.rows) element.classList.toggle("is-active", at === active);
      point();
    } else if (event.key === "Enter" && ordered.length > 0) {
      event.preventDefault();
      event.stopPropagation();
      press?.(ordered[active]);
    }
  });
  return {
    element: scroller,
    draw,
    set(next) {
      list = next;
      ordered = sorting.order(list);
      draw();
    },
    destroy() {
      Object.assign(kept, { active, top: scroller.scrollTop });
      rows.destroy();
    },
  };
}
