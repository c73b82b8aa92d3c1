// For those who use the page by ear, by keys, or with little sight: axe-core on every view in both themes, focus, motion.

import test from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { harness, hasText } from "../lib/harness.js";
import { shop, hex } from "../lib/traces.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const it = harness(async (backend) => {
  for (const spans of shop(14, Date.now() * 1000)) await backend.send(spans);
});
const trace = (n, more = "") => `/trace/${hex(n, 16)}${more}`;
const VIEWS = [
  ["/search?lookback=1h", ".result"],
  [trace(5), ".tl-row"],
  [trace(5, "?span=0000000000050009"), ".detail"],
  [trace(5, "?uiFind=postgres&hide=1"), ".tl-row"],
  [trace(6), ".mark-panic"],
  [trace(5, "?view=graph"), ".node"],
  [trace(5, "?view=statistics"), ".stat-host tbody tr"],
  [trace(5, "?view=spans"), ".long-body .long-row"],
  [trace(5, "?view=flame"), ".flame-told:not(:empty)"],
  [trace(5, "?view=logs"), ".long-body .long-row"],
  [trace(5, "?view=json"), ".json"],
  [`${trace(1)}...${hex(3, 16)}`, ".compare-table .long-body .long-row"],
  ["/compare", "#compare-a"],
  ["/dependencies", ".node"],
  ["/monitor?service=web", ".chart"],
  // Where there is nothing, or something failed.
  ["/search?service=nobody&lookback=1h", ".state-title"],
  ["/search?tags=broken&lookback=1h", ".state-failed"],
  ["/search?source=files", ".state-title"],
  [trace(0xdead), "h1.state-title"],
  [`${trace(1)}...${hex(0xdead, 16)}`, "h1.state-title"],
  ["/nowhere", "h1.state-title"],
  ["/monitor?service=nobody", ".state-title"],
  [trace(5, "?view=statistics&uiFind=nothing"), ".state-title"],
  [trace(5, "?uiFind=nothing&hide=1"), ".tl-none .state-title"],
  [trace(5, `?uiFind=${encodeURIComponent("> 5")}`), ".filter-problem"],
];

for (const scheme of ["light", "dark"]) {
  test(`axe finds nothing wrong in any view, ${scheme}`, () =>
    it.visit("/compare", { scheme, width: 1440, height: 900, expectErrors: /404/ }, async (page) => {
      for (const [address, ready] of VIEWS) {
        await page.goto(it.backend.url + address);
        await page.waitForSelector(ready);
        // Through the debugger, so that the page's policy stays as it is.
        await page.evaluate(axe);
        const found = await page.evaluate(async () => {
          const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
          return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""}`).join(" | ")}`);
        });
        assert.deepEqual(found, [], address);
      }
    }));
}

test("from the search to a span by keys alone", () =>
  it.visit("/search?lookback=1h", {}, async (page) => {
    await page.waitForSelector(".result");
    await page.keyboard.press("Tab");
    await hasText(page, ":focus", "To the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.name), "service");
    await page.keyboard.press("Escape");
    await page.locator(".result-link").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".tl-row");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main", "a new page is where the focus is");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".detail").waitFor();
    // The details come after the tree, and can be reached from it.
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => Boolean(document.activeElement.closest(".detail"))));
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(ring, "solid", "the focus can be seen");
  }));

test("keys work after a switch was pressed", () =>
  it.visit("/search?lookback=1h", {}, async (page) => {
    await page.waitForSelector(".result");
    await page.getByRole("switch", { name: "Live" }).focus();
    await page.keyboard.press("Space");
    assert.ok(await page.getByRole("switch", { name: "Live" }).isChecked());
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.name), "service");
  }));

test("what happens is told to those who hear it", () =>
  it.visit("/search?lookback=1h", {}, async (page) => {
    await hasText(page, "#announcer", "14 traces found");
    await page.goto(it.backend.url + trace(5));
    await page.waitForSelector(".tl-row");
    assert.equal(await page.locator("#filter-count").evaluate((e) => e.tagName), "OUTPUT");
    assert.match(await page.title(), /^web: POST \/checkout – Jaeger$/);
    assert.equal(await page.locator("h1").count(), 1);
  }));

test("who wants less motion gets none", () =>
  it.visit("/search?lookback=1h", { reducedMotion: "reduce" }, async (page) => {
    await page.waitForSelector(".result");
    const longest = await page.evaluate(() => {
      const element = document.createElement("span");
      element.className = "spinner";
      document.body.append(element);
      const { animationDuration, animationIterationCount } = getComputedStyle(element);
      return [parseFloat(animationDuration) < 0.001, animationIterationCount];
    });
    assert.deepEqual(longest, [true, "1"]);
  }));

test("where the system takes colours away, bars, tabs and switches are still told apart", () =>
  it.visit(trace(5), { forcedColors: "active" }, async (page) => {
    await page.waitForSelector(".tl-row");
    const grounds = (selector) => page.locator(selector).evaluateAll((all) => new Set(all.map((element) => getComputedStyle(element).backgroundColor)).size);
    for (const selector of [".tl-row:not([hidden]) .tl-bar", ".tl-row:not([hidden]) .tl-color"]) assert.ok((await grounds(selector)) > 5, `${selector}: a colour a service`);
    const lines = [];
    for (const tab of await page.getByRole("tab").all()) lines.push(await tab.evaluate((element) => getComputedStyle(element).borderBottomColor));
    assert.deepEqual([lines.lastIndexOf(lines[0]), new Set(lines).size], [0, 2], "one tab is underlined");
    const toggle = page.getByRole("switch", { name: "Live" });
    const ground = () => toggle.evaluate((element) => getComputedStyle(element).backgroundColor);
    const off = await ground();
    await toggle.check();
    assert.notEqual(await ground(), off);
    await page.goto(`${it.backend.url}/search?lookback=1h`);
    await page.waitForSelector(".result");
    for (const selector of [".result-bar-fill", ".chip-dot"]) assert.ok((await grounds(selector)) > 1, selector);
    const button = await page.getByRole("button", { name: "Find traces" }).evaluate((element) => [getComputedStyle(element).color, getComputedStyle(element).backgroundColor, getComputedStyle(element).forcedColorAdjust]);
    assert.notEqual(button[0], button[1]);
    assert.equal(button[2], "none", "or the system lays a ground of its own behind its letters");
  }));
