// The timeline of a trace: tree, details, minimap, filter, critical path, addresses, keys.

import test from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { harness, texts, query, hasText, rowNames, row } from "../lib/harness.js";
import { shopTrace, hex } from "../lib/traces.js";

const NOW = Date.now() * 1000;
const trace = (n) => `/trace/${hex(n, 16)}`;
const it = harness(async (backend) => {
  await backend.send(shopTrace(5, 1, NOW - 60e6, { error: true }));
  await backend.send(shopTrace(6, 3, NOW - 90e6, { panic: true }));
  await backend.send(shopTrace(7, 2, NOW - 99e6, { cancel: true }));
  const linked = shopTrace(8, 0, NOW - 30e6);
  linked[1].links = [{ trace: hex(5, 32), span: hex(0x50001, 16) }];
  linked[2].parent = "00000000000000ff";
  linked[1].tags.body = JSON.stringify({ items: [1, 2, 3], name: "a value that is JSON" });
  linked[1].tags.stack = "at render\n    in layout\n";
  await backend.send(linked);
  // A statement as a name, and at the very end of ten seconds a failed call that took 5 ms, with a log where it ended.
  const [long] = shopTrace(9, 1, NOW - 70e6);
  const last = { ...long, id: hex(0x90002, 16), parent: long.id, name: "last", kind: 1, start: long.start + 9_995_000, duration: 5000, error: "late" };
  await backend.send([{ ...long, name: `SELECT ${"column, ".repeat(300)}`, duration: 10e6 }, { ...last, logs: [{ at: last.start + 5000, event: "end" }] }]);
  await backend.send([{ ...long, trace: hex(10, 32), duration: 0 }]);
});
const ALL = ["POST /checkout", "check session", "GET session", "load cart", "SELECT items", "place order", "reserve", "UPDATE stock", "charge card", "POST /charges", "INSERT order", "send receipt"];

test("the tree stands as it was called, and says its level, size and state", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    assert.deepEqual(await rowNames(page), ALL);
    const grid = page.getByRole("treegrid");
    assert.equal(await grid.getAttribute("aria-rowcount"), "12");
    assert.equal(await row(page, "UPDATE stock").getAttribute("aria-level"), "4");
    assert.equal(await row(page, "place order").getAttribute("aria-expanded"), "true");
    assert.equal(await row(page, "UPDATE stock").getAttribute("aria-expanded"), null);
    assert.match((await texts(page, ".trace-head .facts"))[0], /Spans12Services10Depth4.*2 errors/);
  }));

test("rows collapse and expand by pressing, by level, and all at once", () =>
  it.visit(trace(5), {}, async (page) => {
    await row(page, "place order").locator(".tl-twisty").click();
    assert.deepEqual(await rowNames(page), ALL.slice(0, 6));
    assert.equal(await row(page, "place order").getAttribute("aria-expanded"), "false");
    assert.equal(await row(page, "place order").locator(".tl-count").innerText(), "+6");
    await page.getByRole("button", { name: "Expand all" }).click();
    assert.equal((await rowNames(page)).length, 12);
    await page.getByRole("button", { name: "Collapse all" }).click();
    assert.deepEqual(await rowNames(page), ["POST /checkout"]);
    await page.getByRole("button", { name: "Expand one level" }).click();
    assert.deepEqual(await rowNames(page), ["POST /checkout", "check session", "load cart", "place order"]);
    await page.getByRole("button", { name: "Collapse one level" }).click();
    assert.deepEqual(await rowNames(page), ["POST /checkout"]);
  }));

test("keys move, expand, collapse, and open details; the row gone to is told", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    await page.keyboard.press("j");
    const active = () => page.evaluate(() => document.getElementById(document.querySelector("[role=treegrid]").getAttribute("aria-activedescendant"))?.querySelector(".tl-operation").textContent);
    assert.equal(await active(), "POST /checkout");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await active(), "GET session");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await active(), "check session", "a leaf goes to its parent");
    await page.keyboard.press("ArrowLeft");
    assert.equal((await rowNames(page)).length, 11, "an open row closes");
    await page.keyboard.press("ArrowRight");
    assert.equal((await rowNames(page)).length, 12);
    await page.keyboard.press("End");
    assert.equal(await active(), "send receipt");
    await page.keyboard.press("Enter");
    await hasText(page, ".detail h2", /send receipt/);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".detail", { state: "detached" });
    await page.keyboard.press("Home");
    assert.equal(await active(), "POST /checkout");
  }));

test("a span's details hold its times, tags, process, logs and references", () =>
  it.visit(trace(5), {}, async (page) => {
    await row(page, "charge card").click();
    const detail = page.locator(".detail");
    await detail.waitFor();
    assert.deepEqual(await texts(page, ".detail .facts dt"), ["Start", "Duration", "Of the trace", "Self", "Critical", "Below", "Span"]);
    assert.match(await detail.locator("details", { hasText: "Tags" }).first().innerText(), /error\s+true\s+bool/);
    assert.match(await detail.locator(".log-list").innerText(), /error[\s\S]*message\s+card declined/);
    assert.match(await detail.locator(".log-list").innerText(), /error\.kind\s+PaymentError/);
    assert.ok(await detail.locator(".badge-error").isVisible());
    await detail.locator("summary", { hasText: "Process" }).click();
    assert.match(await detail.locator("details", { hasText: "Process" }).innerText(), /payment[\s\S]*host\.name\s+payment-1/);
    await detail.locator("summary", { hasText: "References" }).click();
    await detail.getByRole("button", { name: "checkout: place order" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".detail").length === 2);
  }));

test("references to another trace are links, a missing parent is a warning, JSON values are laid out", () =>
  it.visit(trace(8), {}, async (page) => {
    await row(page, "load cart").click();
    await page.locator(".tag-json summary").first().click();
    await hasText(page, ".tag-json pre", /"items": \[ 1, 2, 3 \]/);
    assert.equal(await page.locator(".tag-text", { hasText: "at render" }).innerText(), "at render\n    in layout\n", "lines are lines");
    const link = page.locator(".detail .reference-list a");
    assert.match(await link.getAttribute("href"), /^\/trace\/0*5\?span=0000000000050001$/);
    assert.ok(await page.locator(".tl-row .mark-orphan").first().isVisible());
    await row(page, "GET cart").click();
    await page.waitForFunction(() => [...document.querySelectorAll(".detail-warnings")].some((list) => list.innerText.includes("not in this trace")));
    await link.click();
    await page.waitForURL(/span=0000000000050001/);
    await hasText(page, ".detail h2", /POST \/checkout/);
  }));

test("what the backend warns of stands in the details, and how to write a filter goes by Escape", () =>
  it.visit("/compare", {}, async (page) => {
    await page.route("**/api/traces/*", async (route) => {
      // As a backend answers that packs nothing.
      const json = await (await route.fetch({ url: route.request().url().split("?")[0] })).json();
      json.data[0].spans.find((span) => span.operationName === "load cart").warnings = ["the clock was set back"];
      await route.fulfill({ json });
    });
    await page.goto(`${it.backend.url}${trace(5)}`);
    await row(page, "load cart").click();
    await hasText(page, ".detail-warnings", "the clock was set back");
    const help = page.locator(".filter-help");
    const opens = () => help.evaluate((element) => element.open);
    for (const close of [() => page.keyboard.press("Escape"), () => page.getByLabel("Filter spans").click()]) {
      await help.locator("summary").click();
      assert.ok(await opens());
      await close();
      assert.ok(!(await opens()));
    }
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }));

test("the minimap zooms by dragging, by its handles, and back", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const map = await page.locator(".map").boundingBox();
    const painted = await page.evaluate(() => {
      const canvas = document.querySelector(".map-canvas");
      return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((x) => x > 0);
    });
    assert.ok(painted, "the canvas shows something");
    await page.mouse.move(map.x + map.width * 0.5, map.y + 20);
    await page.mouse.down();
    await page.mouse.move(map.x + map.width * 0.75, map.y + 25, { steps: 4 });
    await page.mouse.up();
    // The address follows a little later: it has come to rest when it says what the handles say.
    await page.waitForFunction(() => {
      const said = new URLSearchParams(location.search);
      const at = [...document.querySelectorAll(".map-handle")].map((handle) => Number(handle.getAttribute("aria-valuenow")));
      return ["from", "to"].every((name, k) => said.has(name) && Math.round(Number(said.get(name))) === at[k]);
    });
    const { from, to } = await query(page);
    const start = page.getByRole("slider", { name: "Start of the time in view" });
    assert.equal(Math.round(Number(from)), Number(await start.getAttribute("aria-valuenow")));
    const whole = Number(await start.getAttribute("aria-valuemax"));
    assert.ok(Math.abs(Number(from) / whole - 0.5) < 0.02 && Math.abs(Number(to) / whole - 0.75) < 0.02);
    const first = (await texts(page, ".tl-tick"))[0];
    assert.notEqual(first, "0");
    await start.focus();
    await page.keyboard.press("ArrowLeft");
    assert.ok(Number(await start.getAttribute("aria-valuenow")) < Number(from));
    await page.reload();
    await page.waitForSelector(".tl-row");
    assert.ok(Number(await page.getByRole("slider", { name: "Start" }).getAttribute("aria-valuenow")) > 0, "the address keeps the zoom");
    await page.getByRole("button", { name: "Whole trace" }).click();
    assert.equal(await page.getByRole("slider", { name: "Start" }).getAttribute("aria-valuenow"), "0");
  }));

test("a trace that took no time is in view from end to end", () =>
  it.visit(trace(10), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const [map, from, to] = await Promise.all([".map", ".map-handle-from", ".map-handle-to"].map((selector) => page.locator(selector).boundingBox()));
    assert.deepEqual([from.x + 6, to.x + 6], [map.x, map.x + map.width]);
    assert.deepEqual(await page.$$eval(".map-shade", (list) => list.map((shade) => shade.getBoundingClientRect().width)), [0, 0]);
  }));

test("what ends the trace is seen, however short: its bar, its log, its place on the minimap", () =>
  it.visit(trace(9), { width: 800 }, async (page) => {
    const last = row(page, "last");
    await last.waitFor();
    const seen = (selector) =>
      last.evaluate((element, s) => {
        const lane = element.querySelector(".tl-lane").getBoundingClientRect();
        const piece = element.querySelector(s).getBoundingClientRect();
        return Math.min(piece.right, lane.right) - piece.left;
      }, selector);
    assert.ok((await seen(".tl-bar")) >= 1.9);
    for (const piece of [".tl-log", ".tl-critical"]) assert.ok((await seen(piece)) >= 0.9, piece);
    // Below the root, which lies there too.
    await page.waitForFunction(() => {
      const { width, height } = document.querySelector(".map-canvas");
      const { data } = document.querySelector(".map-canvas").getContext("2d").getImageData(width - 2, 6, 1, height - 6);
      return data.some((x) => x > 0);
    });
  }));

test("the head of a trace whose name is a long statement stays a head", () =>
  it.visit(trace(9), { width: 390 }, async (page) => {
    await page.waitForSelector(".tl-row");
    for (const address of [trace(9), `${trace(9)}...${hex(5, 16)}`]) {
      await page.goto(it.backend.url + address);
      const name = page.locator(".trace-title h1, .compare-title").first();
      await name.waitFor();
      const lines = await name.evaluate((element) => element.getBoundingClientRect().height / parseFloat(getComputedStyle(element).lineHeight));
      assert.ok(lines < 5.1, `${address}: ${lines} lines`);
      assert.match(await name.getAttribute("title"), /^web: SELECT column[\s\S]*column,/);
    }
  }));

test("the axis zooms by dragging, keys zoom and move in time", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const axis = await page.locator(".tl-axis").boundingBox();
    await page.mouse.move(axis.x + axis.width * 0.2, axis.y + 10);
    await page.mouse.down();
    await page.mouse.move(axis.x + axis.width * 0.6, axis.y + 10, { steps: 3 });
    await page.mouse.up();
    const start = page.getByRole("slider", { name: "Start" });
    const now = async () => Number(await start.getAttribute("aria-valuenow"));
    const zoomed = await now();
    assert.ok(zoomed > 0);
    await page.keyboard.press("j");
    await page.keyboard.press("Shift+ArrowRight");
    assert.ok((await now()) > zoomed);
    await page.keyboard.press("+");
    await page.keyboard.press("0");
    assert.equal(await now(), 0);
  }));

test("close up, the marks of the axis and the ends of what is in view say different times", () =>
  it.visit(`${trace(9)}?from=5000000&to=5001000`, {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const told = await texts(page, ".tl-tick");
    assert.deepEqual([told[0], new Set(told).size], ["5 s", told.length], told.join(", "));
    assert.deepEqual(await page.$$eval(".map-handle", (list) => list.map((handle) => handle.getAttribute("aria-valuetext"))), ["5 s", "5.001 s"]);
  }));

test("an address of the trace that is open is shown as if it were opened by it: what it does not say is as at first", () =>
  it.visit(`${trace(5)}?from=1000&to=2000&critical=0&live=1&uiFind=redis&span=000000000005000a`, {}, async (page) => {
    const shown = () =>
      page.evaluate(() => ({
        from: document.querySelector(".map-handle-from").getAttribute("aria-valuenow"),
        zoomed: !document.querySelector(".map-reset").hidden,
        critical: document.querySelector("[name=critical]").checked,
        live: document.querySelector("[name=live]").checked,
        filter: document.querySelector("[name=filter]").value,
        details: [...document.querySelectorAll(".detail h2 > :first-child")].map((name) => name.textContent),
      }));
    const open = () => page.getByLabel("Open a trace by its ID").fill(hex(5, 16)).then(() => page.keyboard.press("Enter"));
    const first = { from: "1000", zoomed: true, critical: false, live: true, filter: "redis", details: ["POST /charges"] };
    await page.locator(".detail").waitFor();
    assert.deepEqual(await shown(), first);
    await open();
    await page.waitForFunction(() => !location.search && document.querySelector(".tl-row") && !document.querySelector(".detail"));
    assert.deepEqual(await shown(), { from: "0", zoomed: false, critical: true, live: false, filter: "", details: [] });
    // What it is changed to becomes its address, so that the way back is one, too.
    await page.keyboard.press("Escape");
    await row(page, "load cart").click();
    await page.locator(".detail").waitFor();
    await page.goBack();
    await hasText(page, ".detail h2 > :first-child", "POST /charges");
    assert.deepEqual(await shown(), first);
    await page.goForward();
    await hasText(page, ".detail h2 > :first-child", "load cart");
    // The same for what only one view shows.
    await page.goto(`${it.backend.url}${trace(5)}?view=statistics&group=service`);
    await page.waitForSelector(".stat-host tbody tr");
    await open();
    await page.waitForSelector(".tl-row");
    await page.getByRole("tab", { name: "Statistics" }).click();
    await page.waitForSelector(".stat-host .stat-operation");
    await page.goBack();
    await page.waitForSelector(".stat-host .stat-operation", { state: "detached" });
    assert.equal(await page.getByLabel("Group by").inputValue(), "service");
  }));

test("rows and what is below them stand in the document as on the screen, whatever was scrolled, collapsed or opened", () =>
  it.visit(trace(5), { height: 500 }, async (page) => {
    await page.waitForSelector(".tl-row");
    const order = (ready) =>
      page.waitForFunction((ready) => {
        const shown = [...document.querySelectorAll(".tl-body > :not([hidden])")];
        const box = (element) => element.getBoundingClientRect();
        return shown.length >= ready && shown.every((element, k) => k === 0 || box(element).top >= box(shown[k - 1]).top + 20) && new Set([...document.querySelectorAll("[id]")].map(({ id }) => id)).size === document.querySelectorAll("[id]").length;
      }, ready);
    await order(12);
    await row(page, "place order").locator(".tl-twisty").click();
    await order(6);
    await row(page, "place order").locator(".tl-twisty").click();
    await order(12);
    for (const operation of ["load cart", "check session"]) await row(page, operation).click();
    await order(10);
    for (const key of ["End", "Home", "End", "PageUp"]) {
      await page.keyboard.press(key);
      await order(6);
    }
    await page.getByRole("button", { name: "Collapse all" }).click();
    await page.getByRole("button", { name: "Expand all" }).click();
    await page.keyboard.press("Home");
    await order(10);
  }));

test("Tab goes through opened details as they stand, whichever was opened first", () =>
  it.visit(trace(5), {}, async (page) => {
    for (const operation of ["load cart", "place order", "check session"]) await row(page, operation).click();
    await page.waitForFunction(() => document.querySelectorAll(".detail").length === 3);
    const passed = [];
    await page.getByRole("treegrid").focus();
    while (passed.length < 3) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate(() => document.activeElement.closest(".detail")?.querySelector(".detail-operation").textContent ?? "none");
      if (!passed.includes(name)) passed.push(name);
    }
    assert.deepEqual(passed, ["check session", "load cart", "place order"]);
  }));

test("the filter finds by text, tag, share and state; others dim or hide; the address keeps it", () =>
  it.visit(trace(5), {}, async (page) => {
    const filter = page.getByLabel("Filter spans");
    await filter.fill("postgres");
    await hasText(page, "#filter-count", "3 of 12");
    assert.equal(await page.locator(".tl-row.is-dim:not([hidden])").count(), 9);
    await page.getByLabel("Hide others").check();
    assert.deepEqual(await rowNames(page), ["POST /checkout", "load cart", "SELECT items", "place order", "reserve", "UPDATE stock", "INSERT order"]);
    await page.waitForURL(/uiFind=postgres&hide=1/);
    await page.reload();
    await hasText(page, "#filter-count", "3 of 12");
    await page.waitForSelector(".tl-row");
    assert.equal((await rowNames(page)).length, 7);
    await filter.fill("> 20 %");
    await hasText(page, "#filter-count", /^[1-9] of 12$/);
    const wide = await rowNames(page);
    assert.ok(wide.includes("POST /checkout") && !wide.includes("send receipt"), String(wide));
    await filter.fill("span.kind=client");
    await hasText(page, "#filter-count", /^[4-7] of 12$/);
    await filter.fill("is:error");
    await hasText(page, "#filter-count", "2 of 12");
    assert.deepEqual(await rowNames(page), ["POST /checkout", "place order", "charge card"]);
    await filter.fill("-postgres -redis");
    await hasText(page, "#filter-count", "8 of 12");
    await filter.fill("> 5");
    await hasText(page, "#filter-count", /needs a unit/);
    await filter.press("Escape");
    await page.waitForFunction(() => !document.querySelector("#filter-count").textContent);
    assert.equal(await filter.inputValue(), "");
    await page.getByLabel("Hide others").uncheck();
    assert.equal((await rowNames(page)).length, 12);
  }));

test("matches are walked by buttons and keys, in collapsed rows too", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.getByRole("button", { name: "Collapse all" }).click();
    await page.keyboard.press("f");
    await page.keyboard.type("postgres");
    await hasText(page, "#filter-count", "3 of 12");
    await page.keyboard.press("Enter");
    await hasText(page, ".tl-row.is-active:not([hidden]) .tl-operation", "SELECT items");
    await page.getByRole("button", { name: "Next match" }).click();
    await hasText(page, ".tl-row.is-active:not([hidden]) .tl-operation", "UPDATE stock");
    await page.getByRole("treegrid").focus();
    await page.keyboard.press("p");
    await hasText(page, ".tl-row.is-active:not([hidden]) .tl-operation", "SELECT items");
    await page.keyboard.press("n");
    await hasText(page, ".tl-row.is-active:not([hidden]) .tl-operation", "UPDATE stock");
    await page.keyboard.press("h");
    assert.ok(await page.getByLabel("Hide others").isChecked());
  }));

test("the critical path is marked, can be left out, and can be filtered for", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-critical");
    const first = await page.evaluate(() => {
      // Along the root, the pieces of the path of all rows cover the whole lane, none twice.
      const pieces = [...document.querySelectorAll(".tl-row:not([hidden]) .tl-critical")].map((piece) => piece.getBoundingClientRect());
      const lane = document.querySelector(".tl-lane").getBoundingClientRect();
      return pieces.reduce((sum, box) => sum + box.width, 0) / lane.width;
    });
    assert.ok(Math.abs(first - 1) < 0.03, `the pieces cover ${first} of the trace`);
    await page.getByLabel("Critical path").uncheck();
    assert.equal(await page.locator(".tl-critical").count(), 0);
    assert.equal((await query(page)).critical, "0");
    await page.getByRole("treegrid").focus();
    await page.keyboard.press("c");
    await page.waitForSelector(".tl-critical");
    await page.getByLabel("Filter spans").fill("is:critical");
    await hasText(page, "#filter-count", /^\d+ of 12$/);
  }));

test("error, panic and cancelled spans differ in shape and word, not in colour alone", () =>
  it.visit(trace(5), {}, async (page) => {
    const look = async (path, operation, name) => {
      await page.goto(it.backend.url + path);
      const at = row(page, operation);
      const mark = at.locator(`.mark-${name} svg`);
      await mark.waitFor();
      assert.equal(await mark.getAttribute("aria-label"), name);
      const style = await at.locator(".tl-bar").evaluate((bar) => {
        const { backgroundImage, boxShadow, outlineStyle } = getComputedStyle(bar);
        return `${backgroundImage.slice(0, 20)}|${boxShadow !== "none"}|${outlineStyle}`;
      });
      return [await mark.locator("path").getAttribute("d"), style];
    };
    const three = [await look(trace(5), "charge card", "error"), await look(trace(6), "render", "panic"), await look(trace(7), "price items", "cancelled")];
    assert.equal(new Set(three.map(([shape]) => shape)).size, 3);
    assert.equal(new Set(three.map(([, style]) => style)).size, 3);
  }));

test("a collapsed row says what failed below it, and no longer once it is open", () =>
  it.visit(trace(5), {}, async (page) => {
    const order = row(page, "place order");
    assert.equal(await order.locator(".mark").count(), 0);
    await order.locator(".tl-twisty").click();
    assert.deepEqual(await order.locator(".tl-count .mark svg").evaluateAll((list) => list.map((svg) => svg.getAttribute("aria-label"))), ["error below"]);
    assert.match(await order.locator(".tl-count").innerText(), /^\+6/);
    assert.equal(await order.evaluate((r) => r.className.includes("has-error")), false, "its own bar is not marked");
    await order.locator(".tl-twisty").click();
    assert.equal(await order.locator(".mark").count(), 0);
    await page.goto(it.backend.url + trace(6));
    await page.waitForSelector(".tl-row");
    await page.getByRole("button", { name: "Collapse all" }).click();
    assert.deepEqual(await page.locator(".tl-row:not([hidden]) .mark-below svg").evaluateAll((list) => list.map((svg) => svg.getAttribute("aria-label"))), ["panic below", "error below"]);
  }));

test("a link to a span opens it; the whole trace downloads and is the same", () =>
  it.visit(`${trace(5)}?span=000000000005000a`, {}, async (page) => {
    await hasText(page, ".detail h2", /POST \/charges/);
    await hasText(page, ".tl-row.is-active:not([hidden]) .tl-operation", "POST /charges");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download JSON" }).click()]);
    const saved = JSON.parse(await readFile(await download.path(), "utf8"));
    const served = await (await fetch(`${it.backend.url}/api/traces/5`)).json();
    assert.deepEqual(saved.data, served.data);
    assert.match(download.suggestedFilename(), /^trace-0*5\.json$/);
  }));

test("a link finds its span however the id is written, and says when the trace has none such", () =>
  it.visit(`${trace(5)}?span=5000A`, {}, async (page) => {
    await hasText(page, ".detail h2", /POST \/charges/);
    assert.equal(await page.locator(".toast").count(), 0);
    await page.goto(`${it.backend.url}${trace(5)}?span=ffffffffffffffff`);
    await hasText(page, ".toast[role=alert]", "Span ffffffffffffffff is not in this trace (yet)");
    await page.waitForSelector(".tl-row");
    assert.equal(await page.locator(".detail").count(), 0);
  }));

test("the width of the names can be moved, also by keys", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const width = () => page.locator(".tl-name").first().evaluate((cell) => cell.getBoundingClientRect().width);
    const before = await width();
    const splitter = page.getByRole("separator", { name: "Width of the names" });
    await splitter.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.ok((await width()) > before);
    const box = await splitter.boundingBox();
    await page.mouse.move(box.x + 4, box.y + 4);
    await page.mouse.down();
    await page.mouse.move(box.x - 200, box.y + 4, { steps: 3 });
    await page.mouse.up();
    assert.ok((await width()) < before);
  }));
