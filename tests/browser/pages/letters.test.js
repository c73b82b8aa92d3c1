// Letters that the browser was told to make larger: rows grow with them, nothing is cut, and nothing runs over the side.

import test from "node:test";
import assert from "node:assert/strict";
import { harness } from "../lib/harness.js";
import { shop, hex } from "../lib/traces.js";

const it = harness(async (backend) => {
  const now = Date.now() * 1000;
  for (const spans of shop(12, now)) await backend.send(spans);
  // Of two spans the parents are missing, which is told in the list.
  const late = (n) => ({ trace: hex(0xfade, 32), id: hex(n, 16), parent: hex(0xf00 + n, 16), service: "web", name: "late", start: now, duration: 100 });
  await backend.send([late(1), late(2)]);
});
const trace = (n, more = "") => `/trace/${hex(n, 16)}${more}`;
const VIEWS = [
  [trace(5), ".tl-row", ".tl-label, .tl-name > .tl-service, .tl-name > .tl-operation"],
  [trace(5, "?from=1000&to=1010"), ".tl-row", ".tl-label"],
  [trace(5, "?view=spans"), ".long-body .long-row", ".long-body .long-cell"],
  [trace(5, "?view=logs"), ".long-body .long-row", ".long-body .long-cell"],
  [`${trace(1)}...${hex(5, 16)}`, ".compare-table .long-body .long-row", ".long-body .long-cell"],
  [trace(5, "?view=statistics"), ".stat-host tbody tr", "thead th"],
  [trace(5, "?view=flame"), ".flame-told:not(:empty)", ".flame-told"],
  [trace(5, "?view=graph"), ".node", ".tab"],
  ["/search?lookback=1h", ".badge-orphan", ".result-duration"],
  ["/dependencies", ".node", "h1"],
  ["/monitor?service=web", ".chart", "h1"],
  // IDs of 32 digits that are not there.
  [trace(5).replace(/[^/]+$/, "deadbeef".repeat(4)), ".state code", ".state-title"],
  [`${trace(1)}...${"deadbeef".repeat(4)}`, ".state code", ".state-title"],
];

// The setting of the browser, not a style of the page: media queries follow it too.
async function letters(page, size) {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setFontSizes", { fontSizes: { standard: size } });
}

for (const [size, width] of [[24, 1280], [32, 1280], [24, 360], [32, 360]]) {
  test(`with letters of ${size} px in a window of ${width} rows are as high as their texts, marks lie apart, and no view is wider than the window`, () =>
    it.visit("/compare", { width, expectErrors: /404/ }, async (page) => {
      await letters(page, size);
      for (const [address, ready, text] of VIEWS) {
        await page.goto(it.backend.url + address);
        await page.waitForSelector(ready);
        const told = await page.evaluate((selector) => {
          const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
          const rows = [...document.querySelectorAll(".tl-row:not([hidden]), .long-body > .long-row:not([hidden])")].map((row) => row.getBoundingClientRect()).sort((a, b) => a.top - b.top);
          const over = rows.filter((row, k) => k > 0 && row.top < rows[k - 1].bottom - 0.5).length;
          const cut = [...document.querySelectorAll(selector)].filter((element) => {
            const range = document.createRange();
            range.selectNodeContents(element);
            const box = range.getBoundingClientRect();
            const row = (element.closest(".tl-lane, .tl-name, .long-row") ?? element).getBoundingClientRect();
            return element.checkVisibility() && box.height > 0 && (box.top < row.top - 0.5 || box.bottom > row.bottom + 0.5);
          }).length;
          const marks = [...document.querySelectorAll(".tl-tick")].map((mark) => mark.getBoundingClientRect()).sort((a, b) => a.left - b.left);
          const axis = document.querySelector(".tl-axis")?.getBoundingClientRect();
          const touching = marks.filter((mark, k) => (k > 0 && mark.left < marks[k - 1].right) || mark.right > axis.right + 1 || mark.left < axis.left - 1).length;
          // The buttons beside the axis, and those of the head.
          const head = document.querySelector(".tl-head-name")?.getBoundingClientRect();
          const hidden = [...document.querySelectorAll(".tl-levels > *")].filter((part) => part.getBoundingClientRect().right > head.right + 1).length + [...document.querySelectorAll(".trace-actions > *")].filter((part) => part.getBoundingClientRect().left < 0).length;
          return { hidden, root: getComputedStyle(document.documentElement).fontSize, wide, over, cut, touching };
        }, text);
        assert.deepEqual(told, { hidden: 0, root: `${size}px`, wide: 0, over: 0, cut: 0, touching: 0 }, address);
      }
    }));
}

test("letters that are made larger while a trace is open make its rows higher", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const high = () => page.locator(".tl-row:not([hidden])").nth(1).evaluate((row) => row.getBoundingClientRect().height);
    assert.equal(await high(), 28);
    await letters(page, 24);
    await page.waitForFunction(() => {
      const rows = [...document.querySelectorAll(".tl-row:not([hidden])")].map((row) => row.getBoundingClientRect()).sort((a, b) => a.top - b.top);
      return rows[0].height === 42 && rows.every((row, k) => k === 0 || row.top === rows[k - 1].bottom);
    });
  }));
