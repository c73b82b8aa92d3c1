// A trace of 100,000 spans: opens, scrolls, filters, and shows in every view, with a number of rows that does not depend on
// it. Times are printed for the docs; what is asserted are counts and ratios within this run.

import test from "node:test";
import assert from "node:assert/strict";
import { harness, hasText } from "../lib/harness.js";
import { bigTrace, hex } from "../lib/traces.js";

const N = Number(process.env.BIG_SPANS ?? 100_000);
const NOW = Date.now() * 1000;
const it = harness(async (backend) => {
  await backend.send(bigTrace(0xb16, N, NOW - 60e6));
  await backend.send(bigTrace(0xb15, N / 10, NOW - 90e6));
  const [chatty] = bigTrace(0xb14, 1, NOW - 95e6);
  const tags = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`tag.${i}`, i]));
  await backend.send([{ ...chatty, duration: LOGS * 100, tags, logs: Array.from({ length: LOGS }, (_, i) => ({ at: chatty.start + i * 100, event: `tick ${i}` })) }]);
  // A span that links to thousands of others, of its trace and of another one; and logs of thousands of fields, one of a long text.
  const linked = (n, to) => ({ ...chatty, trace: hex(0xb13, 32), id: hex(n, 16), parent: n > 1 ? hex(1, 16) : "", links: Array.from({ length: LINKS }, (_, i) => ({ trace: hex(to, 32), span: hex(2 + i, 16) })) });
  const fields = Object.fromEntries(Array.from({ length: FIELDS }, (_, i) => [`field.${i}`, i]));
  const logs = Array.from({ length: 40 }, (_, i) => ({ at: chatty.start + i, event: i ? "many" : "e".repeat(10_000), ...(i ? fields : { text: "t".repeat(100_000) }) }));
  await backend.send([linked(1, 0xb13), linked(2, 0xb99), { ...linked(3, 0xb13), links: [], logs }]);
});
const LOGS = 10_000;
const LINKS = 3000;
const FIELDS = 500;
const trace = (n) => `/trace/${hex(n, 16)}`;
const say = (what, value) => console.log(`figure: ${what}: ${value}`);

// Opens a trace twice (the second time the program and the browser are warm); ms from the click of the link to its rows painted.
async function open(page, id) {
  let took = {};
  for (let round = 0; round < 3; round++) {
    await page.goto(`${it.backend.url}/compare`);
    await page.waitForSelector("#compare-a");
    took = await page.evaluate(async (path) => {
      const began = performance.now();
      const link = document.querySelector(".nav a").cloneNode();
      link.href = path;
      document.body.append(link);
      link.click();
      await new Promise((resolve) => {
        const look = () => (document.querySelector(".tl-row") ? requestAnimationFrame(() => setTimeout(resolve)) : setTimeout(look));
        look();
      });
      const entry = performance.getEntriesByType("resource").filter((r) => r.name.includes("/api/traces/")).pop();
      return { all: performance.now() - began, served: entry.responseEnd - entry.startTime, waited: entry.responseStart - entry.startTime, bytes: entry.decodedBodySize };
    }, trace(id));
  }
  return took;
}

test(`${N} spans open with a few rows, in time that grows no faster than their number`, () =>
  it.visit("/compare", { width: 1440, height: 900 }, async (page) => {
    const small = await open(page, 0xb15);
    const big = await open(page, 0xb16);
    assert.equal(await page.getByRole("treegrid").getAttribute("aria-rowcount"), String(N));
    const rows = await page.locator(".tl-row").count();
    const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    say("spans", N);
    say("open, all, ms", Math.round(big.all));
    say("of it until the backend's answer began, ms", Math.round(big.waited));
    say("of it the answer's transfer, ms", Math.round(big.served - big.waited));
    say("of it the page's own work, ms", Math.round(big.all - big.served));
    say("answer, MB", (big.bytes / 1e6).toFixed(1));
    say("rows in the document", rows);
    say("elements in the document", nodes);
    say(`the page's own work on ${N / 10} spans, ms`, Math.round(small.all - small.served));
    assert.ok(rows < 80, `${rows} rows`);
    assert.ok(nodes < 1500, `${nodes} elements`);
    const ratio = (big.all - big.served) / Math.max(20, small.all - small.served);
    say("ratio of the page's work for ten times the spans", ratio.toFixed(1));
    assert.ok(ratio < 25, `ten times the spans took ${ratio.toFixed(1)} times as long`);
  }));

test("the critical path of a row with thousands of pieces and the marks of thousands of logs go on to the end, with few elements", () =>
  it.visit(trace(0xb16), { width: 1440, height: 900 }, async (page) => {
    const lane = (selector) =>
      page.evaluate((s) => {
        const row = document.getElementById("row-0");
        const { left, width } = row.querySelector(".tl-lane").getBoundingClientRect();
        const pieces = [...row.querySelectorAll(s)].map((piece) => piece.getBoundingClientRect());
        return { count: pieces.length, end: Math.max(...pieces.map((box) => (box.right - left) / width)) };
      }, selector);
    await page.waitForSelector("#row-0 .tl-critical");
    const path = await lane(".tl-critical");
    assert.ok(path.end > 0.97, `the path ends at ${path.end}`);
    assert.ok(path.count < 500, `${path.count} pieces`);
    await page.goto(it.backend.url + trace(0xb14));
    await page.waitForSelector("#row-0 .tl-log");
    const logs = await lane(".tl-log");
    assert.ok(logs.end > 0.97, `the marks end at ${logs.end}`);
    assert.ok(logs.count > 100 && logs.count < 500, `${logs.count} marks`);
  }));

test("scrolling through all of it shows the right rows, keeps few, and loses few frames", () =>
  it.visit(trace(0xb16), { width: 1440, height: 900 }, async (page) => {
    await page.waitForSelector(".tl-row");
    const told = await page.evaluate(async () => {
      const scroller = document.querySelector(".tl-scroll");
      const frame = () => new Promise(requestAnimationFrame);
      // Frames that this machine gives to a page that does nothing, as the measure.
      const idle = [];
      for (let last = await frame(), i = 0; i < 60; i++) {
        const now = await frame();
        idle.push(now - last);
        last = now;
      }
      const busy = [];
      const work = [];
      let most = 0;
      let gaps = 0;
      for (let last = await frame(), i = 0; i < 240; i++) {
        scroller.scrollTop += i % 40 === 39 ? 200_000 : 340;
        const now = await frame();
        busy.push(now - last);
        last = now;
        const began = performance.now();
        // What a frame costs beside painting: layout is forced here.
        void scroller.getBoundingClientRect().height;
        work.push(performance.now() - began);
        const rows = [...document.querySelectorAll(".tl-row:not([hidden])")];
        most = Math.max(most, document.querySelectorAll(".tl-row").length);
        const top = scroller.getBoundingClientRect().top;
        const covering = rows.map((row) => row.getBoundingClientRect()).sort((a, b) => a.top - b.top);
        if (i % 20 === 10 && (covering[0].top > top + 1 || covering[covering.length - 1].bottom < top + scroller.clientHeight - 1)) gaps++;
      }
      const middle = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
      const at = (list, share) => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)];
      return { idle: middle(idle), scroll: middle(busy), p95: at(busy, 0.95), most, gaps };
    });
    say("frame at rest, median, ms", told.idle.toFixed(1));
    say("frame while scrolling, median, ms", told.scroll.toFixed(1));
    say("frame while scrolling, p95, ms", told.p95.toFixed(1));
    say("rows ever made while scrolling", told.most);
    assert.equal(told.gaps, 0, "rows cover the view");
    assert.ok(told.most < 100, `${told.most} rows`);
    assert.ok(told.scroll < 3 * told.idle, `a frame takes ${told.scroll} ms, at rest ${told.idle}`);
    // The last row is the last span of the tree.
    await page.getByRole("treegrid").focus();
    await page.keyboard.press("End");
    await page.waitForFunction((n) => document.getElementById(`row-${n - 1}`) && !document.getElementById(`row-${n - 1}`).hidden, N);
  }));

test("collapsing, filtering and details work in it, and every view opens", () =>
  it.visit(trace(0xb16), { width: 1440, height: 900 }, async (page) => {
    await page.waitForSelector(".tl-row");
    await page.getByRole("button", { name: "Collapse all" }).click();
    assert.equal(await page.locator(".tl-row:not([hidden])").count(), 1);
    await page.getByRole("button", { name: "Expand all" }).click();
    const filter = page.getByLabel("Filter spans");
    await filter.fill("number=77777");
    await hasText(page, "#filter-count", N > 77_777 ? /^1 of / : /^0 of /);
    await filter.fill("> 0.15 %");
    await hasText(page, "#filter-count", /^[\d,]+ of 1/);
    await page.getByLabel("Hide others").check();
    await filter.fill("is:error");
    await hasText(page, "#filter-count", new RegExp(`^${Math.floor((N - 501) / 997) + 1} of `));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    for (const [view, ready] of [["graph", ".node"], ["statistics", ".stat-host tbody tr"], ["spans", ".long-body .long-row"], ["flame", ".flame-told:not(:empty)"], ["logs", ".state-title"], ["json", ".json"]]) {
      await page.locator(`#tab-${view}`).click();
      await page.waitForSelector(ready);
      const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
      assert.ok(nodes < 4000, `${view} made ${nodes} elements`);
    }
  }));

test(`a span with ${LOGS} logs opens with some of them, and statistics by a tag that each span has another value of with some rows`, () =>
  it.visit(trace(0xb14), { width: 1440, height: 900 }, async (page) => {
    await page.locator(".tl-row").first().click();
    await page.locator(".detail").waitFor();
    assert.equal(await page.locator(".log-list > li > details").count(), 100);
    assert.equal(await page.locator(".detail .detail-section").first().locator(".tags tr > th").count(), 100);
    await page.getByRole("button", { name: `Show 100 more of ${LOGS - 100}` }).click();
    assert.equal(await page.locator(".log-list > li > details").count(), 200);
    await hasText(page, ".log-list > li:nth-child(200) summary > span", "tick 199");
    let nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    assert.ok(nodes < 8000, `${nodes} elements`);
    await page.goto(`${it.backend.url}${trace(0xb16)}?view=statistics&group=tag&tag=number`);
    await page.waitForSelector(".stat-host tbody tr");
    nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    assert.ok(nodes < 8000, `${nodes} elements`);
  }));

test(`a span with ${LINKS} references opens with some of them; logs of ${FIELDS} fields show some of these`, () =>
  it.visit(trace(0xb13), { width: 1440, height: 900 }, async (page) => {
    const elements = () => page.evaluate(() => document.querySelectorAll("*").length);
    for (const n of [0, 1]) {
      await page.locator(`#row-${n}`).click();
      await page.locator(".reference-list").first().waitFor();
      // The first reference of the second is to its parent.
      assert.equal(await page.locator(".reference-list > li > .reference-kind").count(), 100);
      await page.getByRole("button", { name: /^Show 100 more of (2900|2901)$/ }).click();
      assert.equal(await page.locator(".reference-list > li > .reference-kind").count(), 200);
      await page.locator(`#row-${n}`).click();
    }
    await page.locator("#row-2").click();
    await page.locator(".log-list").waitFor();
    assert.ok((await elements()) < 8000, `the details made ${await elements()} elements`);
    // What is folded is filled when it is opened.
    await page.locator(".log-list > li:last-child summary").click();
    await hasText(page, ".log-list > li:last-child td[colspan]", `Show 100 more of ${FIELDS - 99}`);
    await page.getByRole("tab", { name: "Logs" }).click();
    await page.waitForSelector(".logs-table .long-body .long-row");
    assert.ok((await elements()) < 3000, `the view made ${await elements()} elements`);
    const longest = await page.$$eval(".logs-table .long-row", (rows) => Math.max(...rows.map((row) => row.textContent.length)));
    assert.ok(longest < 2000, `a row holds ${longest} letters`);
    await hasText(page, ".logs-table .long-body .long-row:nth-child(2) .log-more", `and ${FIELDS - 20} more`);
  }));
