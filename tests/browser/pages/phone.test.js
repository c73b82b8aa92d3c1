// A phone: nothing runs over the side, everything can be pressed, the form folds; and the two themes.

import test from "node:test";
import assert from "node:assert/strict";
import { harness, hasText, rowNames, row } from "../lib/harness.js";
import { shop, shopTrace, hex } from "../lib/traces.js";

const it = harness(async (backend) => {
  const now = Date.now() * 1000;
  for (const spans of shop(12, now)) await backend.send(spans);
  // Names as some languages' packages make them.
  const long = shopTrace(0x10e, 1, now - 10e6).map((span) => ({ ...span, service: `com.example.${"really.long.package.".repeat(5)}${span.service}`, name: `com.example.${"deeply.nested.class.".repeat(6)}${span.name}` }));
  await backend.send(long);
});
const PHONE = { width: 390, height: 844, hasTouch: true, isMobile: true };
const trace = (n, more = "") => `/trace/${hex(n, 16)}${more}`;
const PAGES = [
  ["/search?lookback=1h", ".result"],
  [trace(5), ".tl-row"],
  [trace(5, "?span=0000000000050009"), ".detail"],
  [trace(5, "?view=graph"), ".node"],
  [trace(5, "?view=statistics"), ".stat-host tbody tr"],
  [trace(5, "?view=spans"), ".long-body .long-row"],
  [trace(5, "?view=flame"), ".flame-told:not(:empty)"],
  [trace(5, "?view=logs"), ".long-body .long-row"],
  [trace(5, "?view=json"), ".json"],
  [`${trace(1)}...${hex(2, 16)}`, ".compare-table .long-body .long-row"],
  ["/compare", "#compare-a"],
  ["/dependencies", ".node"],
  ["/monitor?service=web", ".chart"],
];

// Held upright, small, and sideways.
for (const width of [390, 320, 740]) {
  test(`no view is wider than a phone of ${width}`, () =>
    it.visit("/", { ...PHONE, width }, async (page) => {
      for (const [address, ready] of PAGES) {
        await page.goto(it.backend.url + address);
        await page.waitForSelector(ready);
        const { wide, over } = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          over: [...document.querySelectorAll("#header *, .trace-head *, .view-tools *, .filter *, .results-head *")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".filter-help dl, .combo-list")).map((e) => e.className || e.tagName),
        }));
        assert.equal(wide, 0, `${address} runs ${wide} px over the side`);
        assert.deepEqual(over, [], address);
      }
    }));
}

for (const width of [390, 1400]) {
  test(`names of a hundred characters are cut or wrapped, and lie on nothing, at ${width}`, () =>
    it.visit("/search?lookback=1h", { width }, async (page) => {
      await page.waitForSelector(".result");
      const result = page.locator(`[data-trace="${hex(0x10e, 16)}"]`);
      const box = (selector) => result.locator(selector).first().boundingBox();
      const [service, operation, duration] = [await box(".result-service"), await box(".result-operation"), await box(".result-duration")];
      assert.ok(service.x + service.width <= duration.x, "the service ends before the duration");
      assert.ok(operation.width > 60, "something of the operation is seen");
      assert.equal(await result.locator(".chip-name").first().evaluate((chip) => getComputedStyle(chip).textOverflow), "ellipsis");
      await page.goto(`${it.backend.url}${trace(0x10e)}?view=statistics`);
      await page.waitForSelector(".stat-host tbody tr");
      const wrapped = await page.locator(".stat-operation").first().evaluate((name) => name.getClientRects().length);
      assert.ok(wrapped <= 16, `an operation of 130 characters stands on ${wrapped} lines`);
      await page.goto(`${it.backend.url}${trace(0x10e)}...${hex(1, 16)}`);
      await page.waitForSelector(".compare-table .long-body .long-row");
      const name = page.locator(".compare-table .long-body .long-row", { hasText: "POST /checkout" }).first();
      assert.ok((await name.locator(".tl-operation").boundingBox()).width > 20, "something of the operation is seen");
      assert.match(await name.locator(".compare-name").getAttribute("title"), /really[\s\S]*nested[\s\S]*POST \/checkout/);
    }));
}

test("by touch: search folds away, a trace opens, rows and details open", () =>
  it.visit("/search?lookback=1h", PHONE, async (page) => {
    await page.waitForSelector(".result");
    const toggle = page.locator(".search-toggle");
    assert.equal(await toggle.getAttribute("aria-expanded"), "false");
    assert.ok(!(await page.getByLabel("Tags", { exact: true }).isVisible()));
    await toggle.tap();
    assert.ok(await page.getByLabel("Tags", { exact: true }).isVisible());
    await page.getByLabel("Tags", { exact: true }).fill("http.method=POST");
    await page.getByRole("button", { name: "Find traces" }).tap();
    await hasText(page, ".results-title", /^\d+ traces?$/);
    await page.locator(".result-link").first().tap();
    await page.waitForSelector(".tl-row");
    const before = (await rowNames(page)).length;
    await row(page, "check session").locator(".tl-twisty").tap();
    assert.equal((await rowNames(page)).length, before - 1);
    await row(page, "load cart").tap();
    await page.locator(".detail").waitFor();
    // Name above bar, so that both have the whole width.
    const { name, lane } = await row(page, "load cart").evaluate((r) => ({ name: r.querySelector(".tl-name").getBoundingClientRect(), lane: r.querySelector(".tl-lane").getBoundingClientRect() }));
    assert.ok(lane.top >= name.bottom - 1 && lane.width > 380);
    await page.getByRole("tab", { name: "JSON" }).tap();
    await page.waitForSelector(".json");
  }));

test("a link to a span shows it, though the rows begin below the first view", () =>
  it.visit(trace(5, "?span=0000000000050009"), PHONE, async (page) => {
    await page.locator(".detail").waitFor();
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector(".detail h2").getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });
  }));

test("of wide tables the columns that matter are seen without scrolling", () =>
  it.visit(trace(5, "?view=spans"), PHONE, async (page) => {
    for (const [address, column] of [[trace(5, "?view=spans"), ".col-duration"], [`${trace(1)}...${hex(2, 16)}`, ".col-diff"]]) {
      await page.goto(it.backend.url + address);
      await page.waitForSelector(".long-body .long-row");
      const { right, left } = await page.locator(`.long-body ${column}`).first().evaluate((cell) => cell.getBoundingClientRect().toJSON());
      assert.ok(left > 0 && right <= PHONE.width, `${column} ends at ${right}`);
      const head = await page.locator(`.long-head ${column}`).evaluate((cell) => cell.getBoundingClientRect().right);
      assert.ok(Math.abs(head - right) < 1, "below its head");
    }
  }));

test("what stands in a graph's boxes can be read on a phone", () =>
  it.visit("/dependencies", PHONE, async (page) => {
    for (const address of [trace(5, "?view=graph"), "/dependencies"]) {
      await page.goto(it.backend.url + address);
      await page.waitForSelector(".node");
      // It settles to its size first.
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
      const least = await page.evaluate(() => Math.min(...[...document.querySelectorAll(".network-svg text")].map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)));
      assert.ok(least >= 11, `${address}: letters of ${least} pixels`);
      // And where the calls begin is in view.
      assert.ok(await page.evaluate(() => [...document.querySelectorAll(".node")].some((node) => { const { left, top, bottom } = node.getBoundingClientRect(); return left >= 0 && left < 60 && top >= 0 && bottom <= innerHeight; })), address);
    }
  }));

test("the buttons of a graph lie beside it, not on its boxes, wherever it is moved to", () =>
  it.visit("/dependencies", { ...PHONE, width: 360, height: 740 }, async (page) => {
    for (const address of [trace(5, "?view=graph"), "/dependencies"]) {
      await page.goto(it.backend.url + address);
      await page.waitForSelector(".node");
      const apart = () => page.evaluate(() => document.querySelector(".network-svg").getBoundingClientRect().bottom <= document.querySelector(".network-tools").getBoundingClientRect().top);
      assert.ok(await apart(), address);
      for (const name of ["Closer", "Further", "All of it"]) {
        await page.getByRole("button", { name }).tap();
        // Whoever presses the middle of a button presses it.
        assert.ok(await page.evaluate((label) => {
          const button = document.querySelector(`[aria-label="${label}"]`);
          const { left, top, width, height } = button.getBoundingClientRect();
          return document.elementFromPoint(left + width / 2, top + height / 2) === button && width >= 24 && height >= 24;
        }, name));
      }
      assert.ok(await apart(), address);
    }
  }));

test("two fingers bring the graph closer", () =>
  it.visit(trace(5, "?view=graph"), PHONE, async (page) => {
    await page.waitForSelector(".node");
    // It settles to its size first.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    const node = page.locator(".node").first();
    const before = await node.boundingBox();
    const box = await page.locator(".network-svg").boundingBox();
    const [x, y] = [Math.round(before.x + before.width / 2), Math.round(before.y + before.height / 2)];
    assert.ok(x > box.x && y > box.y);
    const session = await page.context().newCDPSession(page);
    const touch = (type, ...xs) => session.send("Input.dispatchTouchEvent", { type, touchPoints: xs.map((at, id) => ({ x: at, y, id })) });
    await touch("touchStart", x - 20);
    await touch("touchStart", x - 20, x + 20);
    for (const apart of [25, 30, 35, 40]) await touch("touchMove", x - apart, x + apart);
    await touch("touchEnd");
    await page.waitForFunction((width) => document.querySelector(".node").getBoundingClientRect().width > 1.6 * width, before.width);
    const after = await node.boundingBox();
    assert.ok(Math.abs(after.x + after.width / 2 - x) < 12, "what lay between the fingers lies there still");
    assert.equal(await page.getByLabel("Filter spans").inputValue(), "", "and was not pressed");
  }));

test("light and dark follow the system, can be changed, and are kept", () =>
  it.visit("/compare", { scheme: "dark" }, async (page) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await ground();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await page.getByRole("button", { name: "Change to light colours" }).click();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "light");
    assert.notEqual(await ground(), dark);
    await page.reload();
    await page.waitForSelector("#compare-a");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "light");
    await page.locator("#main").focus();
    await page.keyboard.press("t");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  }));

test("the theme stands before anything of the page is painted: the system's, or the one that was chosen", () =>
  it.visit("/compare", { scheme: "dark" }, async (page) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.waitForSelector("#compare-a");
    const dark = await ground();
    // Without the page's own program, what is seen is what the document alone shows.
    await page.route("**/js/main.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await page.reload();
    assert.equal(await ground(), dark);
    await page.evaluate(() => localStorage.setItem("jaeger-theme", "light"));
    await page.reload();
    assert.notEqual(await ground(), dark);
  }));
