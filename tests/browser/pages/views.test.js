// The other views of a trace: graph, statistics, span table, flame graph, logs, JSON; tabs and keys between them.

import test from "node:test";
import assert from "node:assert/strict";
import { harness, texts, query, hasText } from "../lib/harness.js";
import { shopTrace, bigTrace, hex } from "../lib/traces.js";
import { duration } from "../../../jaeger-all-in-one/page/js/lib/format.js";
import { buildTrace, selfTimes } from "../../../jaeger-all-in-one/page/js/model/trace.js";

const NOW = Date.now() * 1000;
const trace = (n) => `/trace/${hex(n, 16)}`;
const it = harness(async (backend) => {
  await backend.send(shopTrace(5, 1, NOW - 60e6, { error: true }));
  const [asked] = shopTrace(6, 1, NOW - 60e6);
  // Their logs stand the other way round than they do.
  const told = (event, after) => [{ at: asked.start + after, event }];
  const below = [`SELECT "a b" WHERE c='\\'`, ""].map((name, i) => ({ ...asked, id: hex(0x60 + i, 16), parent: asked.id, name, logs: told(["second", "first"][i], 200 - 100 * i) }));
  await backend.send([{ ...asked, logs: told("third", 300) }, ...below]);
  // Beside ten seconds, two calls three milliseconds apart, with logs three microseconds apart.
  const near = [1_231_100, 1_234_407].map((after, i) => ({ ...asked, trace: hex(7, 32), id: hex(0x70 + i, 16), parent: asked.id, name: `near ${i}`, start: asked.start + after, duration: 1203, logs: [150, 153].map((more) => ({ at: asked.start + after + more, event: "tick" })) }));
  await backend.send([{ ...asked, trace: hex(7, 32), duration: 10e6, logs: [] }, ...near]);
  await backend.send(bigTrace(0xb6, 1600, NOW - 50e6));
  // Many at once: what is drawn is several times as long as the trace.
  const [root] = bigTrace(0xb7, 1, NOW - 40e6);
  await backend.send([root, ...[1, 2, 3].map((i) => ({ ...root, id: hex(0xb70 + i, 16), parent: root.id, name: `part ${i}` }))]);
});
const canvasHash = (page, selector) =>
  page.evaluate((s) => {
    const canvas = document.querySelector(s);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] * 3 + data[i + 1] * 5 + data[i + 2] * 7 + data[i + 3]) % 1_000_000_007;
    return sum;
  }, selector);

test("tabs change by pressing, by arrow keys and by number; the address keeps the view", () =>
  it.visit(trace(5), {}, async (page) => {
    const tabs = page.getByRole("tab");
    await page.waitForSelector(".tl-row");
    assert.deepEqual(await tabs.allTextContents(), ["Timeline", "Graph", "Statistics", "Spans", "Flame graph", "Logs", "JSON"]);
    await page.getByRole("tab", { name: "Timeline" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForSelector(".network-svg");
    assert.equal(await page.getByRole("tab", { name: "Graph", exact: true }).getAttribute("aria-selected"), "true");
    assert.equal((await query(page)).view, "graph");
    const shown = [".timeline", ".network", ".stat-host table", ".spans-table", ".flame-canvas", ".logs-table", ".json"];
    await page.locator("#main").focus();
    for (let i = 0; i < shown.length; i++) {
      await page.keyboard.press(String(i + 1));
      await page.waitForSelector(shown[i]);
      assert.equal(await tabs.nth(i).getAttribute("aria-selected"), "true");
      assert.equal(await page.getByRole("tabpanel").getAttribute("aria-labelledby"), await tabs.nth(i).getAttribute("id"));
    }
    await page.reload();
    await page.waitForSelector(".json");
    await page.keyboard.press("?");
    await hasText(page, "dialog[open] h2", "Keys");
    assert.match(await page.locator("dialog").innerText(), /Filter spans/);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
  }));

test("an id is copied, also where the page comes from another machine without HTTPS", () =>
  it.visit(trace(5), { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    const button = page.getByRole("button", { name: "Copy the trace ID" });
    const filter = page.getByLabel("Filter spans");
    for (const clipboard of ["there", "absent"]) {
      if (clipboard === "absent") await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
      await page.evaluate(() => document.querySelectorAll(".toast").forEach((toast) => toast.remove()));
      await button.click();
      await hasText(page, ".toast", "Copied");
      assert.ok(await button.evaluate((element) => element === document.activeElement), "the focus stays");
      await filter.fill("");
      await filter.press("Control+V");
      assert.equal(await filter.inputValue(), hex(5, 16), clipboard);
      // Something else, so that what is pasted next is what was copied next.
      await filter.fill("x");
      await filter.selectText();
      await filter.press("Control+C");
    }
  }));

test("who comes back to a view finds it where it was left: rows, what is below them, order", () =>
  it.visit(trace(0xb6), {}, async (page) => {
    const tab = async (name, ready) => {
      await page.getByRole("tab", { name, exact: true }).click();
      await page.waitForSelector(ready);
    };
    // Where a row lies, and whether it is the one gone to.
    const at = (selector) =>
      page.evaluate((s) => {
        const scroller = document.querySelector(s.split(" ")[0]);
        const top = scroller.getBoundingClientRect().top + 60;
        const seen = [...scroller.querySelectorAll(s.split(" ")[1])].filter((row) => !row.hidden && row.getBoundingClientRect().top >= top).sort((a, b) => a.virtualPosition - b.virtualPosition)[0];
        return [seen.virtualPosition, seen.getBoundingClientRect().top, scroller.querySelector(".is-active:not([hidden])")?.virtualPosition];
      }, selector);
    await page.waitForSelector(".tl-row");
    await page.locator("#row-1").click();
    await page.locator("#row-1").click();
    await page.locator("#row-2").click();
    const details = await page.locator(".virtual-extra").boundingBox();
    assert.ok(details.height > 170, "more than is taken for it before it is measured");
    await page.waitForFunction(() => document.querySelector("#row-3").getBoundingClientRect().top + 1 > document.querySelector(".virtual-extra").getBoundingClientRect().bottom);
    // What grows above the view moves nothing that is in it.
    const moved = await page.evaluate(async () => {
      const [scroller, extra] = [document.querySelector(".tl-scroll"), document.querySelector(".virtual-extra")];
      const lies = () => document.querySelector("#row-10").getBoundingClientRect().top;
      scroller.scrollTop = extra.offsetHeight + 120;
      const whole = () => document.querySelector(".tl-body").offsetHeight;
      const [high, before] = [whole(), lies()];
      extra.querySelectorAll("details").forEach((part) => (part.open = true));
      while (whole() === high) await new Promise(requestAnimationFrame);
      return lies() - before;
    });
    assert.equal(moved, 0);
    for (const [key, times] of [["End", 1], ["PageUp", 4]]) for (let i = 0; i < times; i++) await page.keyboard.press(key);
    await page.evaluate(() => (document.querySelector(".tl-scroll").scrollTop -= 9));
    const left = await at(".tl-scroll .tl-row");
    assert.ok(left[0] > 1000 && left[2] > 1000, String(left));
    await tab("Spans", ".spans-table .long-body .long-row");
    await page.getByRole("columnheader", { name: "Duration" }).getByRole("button").click();
    await page.getByRole("grid").focus();
    await page.keyboard.press("End");
    const table = await at(".spans-table .long-row");
    await tab("Timeline", ".tl-row");
    assert.deepEqual(await at(".tl-scroll .tl-row"), left);
    await tab("Spans", ".spans-table .long-body .long-row");
    assert.deepEqual(await at(".spans-table .long-row"), table);
    assert.equal(await page.getByRole("columnheader", { name: "Duration" }).getAttribute("aria-sort"), "descending");
    // What was gone to meanwhile is shown.
    await page.getByLabel("Filter spans").fill("number=77");
    await hasText(page, "#filter-count", "1 of 1,600");
    await page.keyboard.press("Enter");
    await tab("Timeline", ".tl-row");
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector(".tl-scroll").getBoundingClientRect();
      const box = document.querySelector(".tl-row.is-active:not(.is-dim):not([hidden])")?.getBoundingClientRect();
      return box && box.top >= top && box.bottom <= bottom;
    });
  }));

test("keys of a single sign can be switched off, and stay off in this browser", () =>
  it.visit(trace(5), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const theme = () => page.locator("html").getAttribute("data-theme");
    await page.getByRole("button", { name: "Show the keys" }).click();
    const toggle = page.getByRole("switch", { name: "Keys of a single letter or sign" });
    assert.ok(await toggle.isChecked());
    await toggle.uncheck();
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    for (let visit = 0; visit < 2; visit++) {
      const tree = page.getByRole("treegrid");
      const active = () => tree.getAttribute("aria-activedescendant");
      for (const place of ["#main", "[role=treegrid]"]) {
        await page.locator(place).focus();
        const before = await active();
        for (const key of ["t", "?", "/", "2", "f", "j", "k", "]", "[", "c"]) await page.keyboard.press(key);
        assert.deepEqual([await theme(), await page.locator("dialog").count(), await query(page), await active()], ["light", 0, {}, before], place);
        assert.ok(await page.locator(place).evaluate((element) => element === document.activeElement), "nothing took the focus");
      }
      await page.keyboard.press("ArrowDown");
      assert.equal(await active(), "row-1", "the others work");
      await page.reload();
      await page.waitForSelector(".tl-row");
    }
    await page.getByRole("button", { name: "Show the keys" }).click();
    await toggle.check();
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    await page.keyboard.press("t");
    assert.equal(await theme(), "dark");
  }));

test("the graph has a box for each operation and an arrow for each call, and filters when pressed", () =>
  it.visit(`${trace(5)}?view=graph`, {}, async (page) => {
    await page.waitForSelector(".node");
    assert.equal(await page.locator(".node").count(), 12);
    assert.equal(await page.locator(".edge").count(), 11);
    assert.equal(await page.locator(".node-bad").count(), 2);
    const box = page.getByRole("button", { name: /^charge card, payment/ });
    await box.focus();
    await page.keyboard.press("Enter");
    await hasText(page, "#filter-count", "1 of 12");
    assert.equal(await page.locator(".node.is-dim").count(), 11);
    assert.equal(await page.getByLabel("Filter spans").inputValue(), 'service==payment operation=="charge card"', "that operation, and none that is called longer");
    const before = await page.locator(".network-svg").getAttribute("viewBox");
    await page.getByRole("button", { name: "Closer" }).click();
    assert.notEqual(await page.locator(".network-svg").getAttribute("viewBox"), before);
    await page.getByLabel("A box for each").selectOption("service");
    await page.waitForFunction(() => document.querySelectorAll(".node").length === 10);
    assert.equal((await query(page)).by, "service");
  }));

test("a box of the graph filters for its operation, also for one with quotes and for one without a name", () =>
  it.visit(`${trace(6)}?view=graph`, {}, async (page) => {
    for (const box of [/^SELECT/, /^no name, web/, /^POST/]) {
      await page.getByRole("button", { name: box }).click();
      await hasText(page, "#filter-count", "1 of 3");
      assert.equal(await page.locator(".node:not(.is-dim)").count(), 1);
      assert.match(await page.locator(".node:not(.is-dim)").getAttribute("aria-label"), box);
    }
  }));

test("statistics give count, total, self time and quantiles; they sort and group", () =>
  it.visit(`${trace(0xb6)}?view=statistics`, {}, async (page) => {
    await page.waitForSelector(".stat-host tbody tr");
    assert.deepEqual(
      (await texts(page, ".stat-host thead th")).map((text) => text.replace(/ [↑↓]/, "")),
      ["Service and operation", "Count", "Errors", "Total", "Self", "Self share", "Mean", "Min", "p50", "p95", "p99", "Max"],
    );
    const counts = async () => (await texts(page, ".stat-host tbody .col-count")).map((text) => Number(text.replace(/,/g, "")));
    assert.equal((await counts()).reduce((a, b) => a + b), 1600);
    assert.match(await page.locator(".stat-name").first().textContent(), /^\w+ \w+ \w+$/, "service and operation are words of their own");
    assert.equal(await page.locator("th.col-self").getAttribute("aria-sort"), "descending");
    await page.getByRole("button", { name: "Count" }).click();
    let list = await counts();
    assert.deepEqual(list, [...list].sort((a, b) => b - a));
    await page.getByRole("button", { name: "Count" }).click();
    list = await counts();
    assert.deepEqual(list, [...list].sort((a, b) => a - b));
    assert.equal(await page.locator("th.col-count").getAttribute("aria-sort"), "ascending");
    await page.getByLabel("Group by").selectOption("service");
    assert.equal((await counts()).length, 8);
    await page.getByLabel("Group by").selectOption("tag");
    await page.getByLabel("Grouping tag").fill("table");
    await page.getByLabel("Grouping tag").press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".stat-host tbody tr").length === 3);
    assert.deepEqual((await texts(page, ".stat-host tbody th")).sort(), ["items", "orders", "prices"]);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll(".stat-host tbody tr").length === 3);
  }));

test("statistics follow the filter, keep their order, and say of what they are", () =>
  it.visit(`${trace(0xb6)}?view=statistics&group=service`, {}, async (page) => {
    await page.waitForSelector(".stat-host tbody tr");
    await page.getByRole("button", { name: "Service", exact: true }).click();
    const filter = page.getByLabel("Filter spans");
    await filter.fill("table=items");
    await hasText(page, ".view-tools [role=status]", /^Of the 533 spans that match/);
    const counts = (await texts(page, ".stat-host tbody .col-count")).map((text) => Number(text.replace(/,/g, "")));
    assert.equal(counts.reduce((a, b) => a + b), 533);
    assert.equal(await page.locator("thead th.col-name").getAttribute("aria-sort"), "ascending");
    await filter.fill("nothing like it");
    await hasText(page, ".stat-host .state-title", "No span matches the filter");
    await filter.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll(".stat-host tbody tr").length === 8);
    await hasText(page, ".view-tools [role=status]", "");
  }));

test("a filter that matches nothing is said in every view that has nothing left to show", () =>
  it.visit("/compare", {}, async (page) => {
    const filter = page.getByLabel("Filter spans");
    for (const [view, rows] of [["timeline", ".tl-row"], ["spans", ".spans-table .long-body .long-row"], ["logs", ".logs-table .long-body .long-row"], ["statistics", ".stat-host tbody tr"]]) {
      await page.goto(`${it.backend.url}${trace(5)}?view=${view}&uiFind=nothing&hide=1`);
      const none = page.locator(".trace-panel .state-title");
      await none.waitFor();
      assert.equal(await none.innerText(), "No span matches the filter", view);
      // In the middle of the place where the rows were.
      const [panel, text] = await Promise.all([page.locator(".trace-panel").boundingBox(), none.boundingBox()]);
      assert.ok(Math.abs(text.x + text.width / 2 - panel.x - panel.width / 2) < 20 && text.y > panel.y && text.y < panel.y + panel.height, view);
      assert.equal(await page.locator(`${rows}:visible`).count(), 0);
      await filter.fill("charge");
      await page.locator(`${rows}:visible`).first().waitFor();
      await none.waitFor({ state: "hidden" });
      await filter.fill("nothing");
      await none.waitFor();
    }
    // Others that only dim stay.
    await page.goto(`${it.backend.url}${trace(5)}?uiFind=nothing`);
    await page.locator(".tl-row:visible").first().waitFor();
    assert.ok(!(await page.locator(".trace-panel .state-title").isVisible()));
  }));

test("a table of very many rows begins with some, and shows more when asked", () =>
  it.visit(`${trace(0xb6)}?view=statistics&group=tag&tag=number`, {}, async (page) => {
    const rows = () => page.locator(".stat-host tbody .col-count").count();
    await page.waitForSelector(".stat-host tbody tr");
    assert.equal(await rows(), 200);
    await page.getByRole("button", { name: "Show 200 more of 1400" }).click();
    assert.equal(await rows(), 400);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Show 200 more of 1200");
    await page.getByRole("button", { name: "Count" }).click();
    assert.equal(await rows(), 200, "in another order it begins anew");
  }));

test("the span table sorts every column, keeps few rows, follows the filter, and leads to the timeline", () =>
  it.visit(`${trace(0xb6)}?view=spans`, {}, async (page) => {
    await page.waitForSelector(".long-body .long-row");
    const grid = page.getByRole("grid", { name: "Spans of the trace" });
    assert.equal(await grid.getAttribute("aria-rowcount"), "1601");
    assert.ok((await page.locator(".long-body .long-row").count()) < 60);
    const names = () => page.evaluate(() => [...document.querySelectorAll(".long-body .long-row:not([hidden])")].sort((a, b) => a.virtualPosition - b.virtualPosition).map((r) => r.querySelector(".col-service").textContent));
    for (const column of ["Service", "Operation", "Start", "Duration", "Self", "Outcome", "Span ID"]) {
      await page.getByRole("columnheader", { name: column, exact: true }).getByRole("button").click();
    }
    await page.getByRole("columnheader", { name: "Service", exact: true }).getByRole("button").click();
    assert.equal((await names())[0], "audit");
    await page.getByRole("columnheader", { name: "Service", exact: true }).getByRole("button").click();
    assert.equal((await names())[0], "stock");
    // By time that was spent in no child, once the longest first and once the shortest.
    const selves = () => page.evaluate(() => [...document.querySelectorAll(".long-body .long-row:not([hidden])")].sort((a, b) => a.virtualPosition - b.virtualPosition).slice(0, 12).map((r) => r.querySelector(".col-self").textContent));
    const served = (await (await fetch(`${it.backend.url}/api${trace(0xb6).replace("trace", "traces")}`)).json()).data[0];
    const all = Array.from(selfTimes(buildTrace(served))).sort((a, b) => a - b);
    const expected = [all.slice(-12).reverse(), all.slice(0, 12)].map((times) => times.map((time) => duration(time)));
    const self = page.getByRole("columnheader", { name: "Self", exact: true });
    const seen = {};
    for (const _ of [1, 2]) {
      await self.getByRole("button").click();
      seen[await self.getAttribute("aria-sort")] = await selves();
    }
    assert.deepEqual([seen.descending, seen.ascending], expected);
    await page.getByLabel("Filter spans").fill("is:error");
    await page.waitForFunction(() => document.querySelector("[role=grid]").getAttribute("aria-rowcount") === "3");
    await grid.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".detail .badge-error");
    assert.equal((await query(page)).view, undefined);
  }));

test("the flame graph draws, names what is under the pointer, zooms by pressing and by keys", () =>
  it.visit(`${trace(5)}?view=flame`, {}, async (page) => {
    await hasText(page, ".flame-told", /^web: POST \/checkout – [\d.]+ ms, 100 %, 1 span/);
    await page.waitForTimeout(0);
    const canvas = await page.locator(".flame-canvas").boundingBox();
    const whole = await canvasHash(page, ".flame-canvas");
    assert.notEqual(whole, 0, "something is drawn");
    await page.mouse.move(canvas.x + canvas.width * 0.02, canvas.y + 35);
    await hasText(page, ".flame-told", /^auth: check session – [\d.]+ ms, [\d.]+ %, 1 span$/);
    await page.mouse.down();
    await page.mouse.up();
    await page.getByRole("button", { name: "Show all" }).waitFor();
    await page.waitForFunction((s) => s !== undefined, whole);
    assert.notEqual(await canvasHash(page, ".flame-canvas"), whole);
    await page.getByRole("application").focus();
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => [...document.querySelectorAll("button")].every((b) => b.textContent !== "Show all" || b.hidden));
    await page.keyboard.press("ArrowRight");
    await hasText(page, ".flame-told", /^cart: load cart/);
    await page.keyboard.press("ArrowDown");
    await hasText(page, ".flame-told", /^postgres: SELECT items/);
    await page.getByRole("button", { name: "To the timeline" }).click();
    await hasText(page, ".detail h2", /SELECT items/);
  }));

test("a flame graph's shares are of what is drawn, also where calls ran beside each other", () =>
  it.visit(`${trace(0xb7)}?view=flame`, {}, async (page) => {
    await hasText(page, ".flame-told", /^gateway: import all orders – .*, 100 %, 1 span$/);
    await page.getByRole("application").focus();
    await page.keyboard.press("ArrowDown");
    await hasText(page, ".flame-told", /part 1 – .*, 33 %, 1 span$/);
  }));

test("logs of all spans stand in the order of time, with their fields, and lead to their span", () =>
  it.visit(`${trace(5)}?view=logs`, {}, async (page) => {
    await page.waitForSelector(".logs-table .long-body .long-row");
    const served = (await (await fetch(`${it.backend.url}/api/traces/5`)).json()).data[0];
    const total = served.spans.reduce((sum, span) => sum + span.logs.length, 0);
    assert.equal(await page.getByRole("grid").getAttribute("aria-rowcount"), String(total + 1));
    const names = () => page.evaluate(() => [...document.querySelectorAll(".logs-table .long-body .long-row:not([hidden])")].map((r) => r.querySelector(".col-event").textContent));
    const times = served.spans.flatMap((span) => span.logs.map((log) => [log.timestamp, log.fields.find((field) => field.key === "event").value]));
    assert.deepEqual(await names(), times.sort(([a], [b]) => a - b).map(([, name]) => name));
    const bad = page.locator(".logs-table .is-bad");
    assert.match(await bad.innerText(), /error[\s\S]*card declined/);
    await bad.click();
    await hasText(page, ".detail h2", /charge card/);
    // Not in that of the spans.
    await page.goto(`${it.backend.url}${trace(6)}?view=logs`);
    await page.waitForSelector(".logs-table .long-body .long-row");
    assert.deepEqual(await names(), ["first", "second", "third"]);
    await page.getByRole("button", { name: "Time" }).click();
    assert.deepEqual(await texts(page, ".logs-table .col-event:not(.col-head)"), ["third", "second", "first"]);
  }));

test("what begins within the same hundredth of a second is told apart: in the table, in the logs, and in the details, to the microsecond", () =>
  it.visit(`${trace(7)}?view=spans`, {}, async (page) => {
    await page.waitForSelector(".long-body .long-row");
    const shown = async (column) => {
      const cells = page.locator(`.long-body .long-row:visible .col-${column}`);
      assert.deepEqual(await cells.evaluateAll((list) => list.filter((cell) => cell.scrollWidth > cell.clientWidth).length), 0, "all of it is seen");
      return texts(page, `.long-body .long-row:not([hidden]) .col-${column}`);
    };
    assert.deepEqual(await shown("start"), ["0", "1.2311 s", "1.234407 s"]);
    const { startTime } = (await (await fetch(`${it.backend.url}/api/traces/7`)).json()).data[0].spans.find((span) => span.operationName === "near 1");
    const titles = await page.locator(".long-body .long-row:visible").last().evaluate((row) => [...row.children].slice(2, 5).map((cell) => cell.title));
    assert.match(titles[0], new RegExp(`:\\d\\d\\.${String(startTime).slice(-6)}$`));
    assert.deepEqual(titles.slice(1), ["1.203 ms", "1.203 ms"]);
    await page.goto(`${it.backend.url}${trace(7)}?view=logs`);
    await page.waitForSelector(".long-body .long-row");
    assert.deepEqual(await shown("start"), ["1.23125 s", "1.231253 s", "1.234557 s", "1.23456 s"]);
    await page.goto(`${it.backend.url}${trace(7)}?span=${hex(0x71, 16)}`);
    await page.locator(".detail").waitFor();
    // In words of the page, not in a title that only a mouse finds.
    assert.match((await texts(page, ".detail .facts"))[0], /^Start1\.234407 sDuration1\.203 ms/);
    assert.deepEqual(await texts(page, ".detail .log-list time"), ["1.234557 s", "1.23456 s"]);
  }));

test("the JSON is what the backend sent, in pages where it is long", () =>
  it.visit(`${trace(5)}?view=json`, {}, async (page) => {
    await page.waitForSelector(".json");
    const served = (await (await fetch(`${it.backend.url}/api/traces/5`)).json()).data[0];
    assert.deepEqual(JSON.parse(await page.locator(".json").textContent()), served);
    await page.goto(`${it.backend.url}${trace(0xb6)}?view=json`);
    await hasText(page, ".view-tools [role=status]", /Spans 1 to 500 of 1,600/);
    await page.getByRole("button", { name: "Spans after these" }).click();
    await hasText(page, ".view-tools [role=status]", /Spans 501 to 1,000 of 1,600/);
    assert.equal(JSON.parse(await page.locator(".json").textContent()).spans.length, 500);
  }));
