// Comparison, dependencies, monitor.

import test from "node:test";
import assert from "node:assert/strict";
import { harness, texts, query, hasText } from "../lib/harness.js";
import { shop, shopTrace, hex } from "../lib/traces.js";

const NOW = Date.now() * 1000;
const id = (n) => hex(n, 16);
const it = harness(async (backend) => {
  for (const spans of shop(20, NOW)) await backend.send(spans);
  const changed = shopTrace(101, 1, NOW - 60e6).filter((span) => span.name !== "send receipt");
  const order = changed.find((span) => span.name === "place order");
  changed.push({ ...order, id: "00000000000000aa", parent: order.id, service: "fraud", name: "score order" });
  const session = changed.find((span) => span.name === "GET session");
  changed.push({ ...session, id: "00000000000000ab" });
  await backend.send(changed);
  // A hundred calls of 1 to 100 ms, half of them in one minute; the ten that fail are alone in theirs.
  const calls = Array.from({ length: 100 }, (_, i) => ({
    trace: hex(0x3000 + i, 32),
    id: hex(1, 16),
    service: "measured",
    name: "measure",
    start: NOW - (i % 2 ? 60e6 : i % 10 === 0 ? 120e6 + i * 6e6 : 90e6 + i * 1e6),
    duration: (i + 1) * 1000,
    error: i % 10 === 0 ? "failed" : undefined,
  }));
  await backend.send(calls);
});

test("two traces are compared path by path: added, removed, more often, slower", () =>
  it.visit(`/trace/${id(1)}...${id(101)}`, {}, async (page) => {
    await page.waitForSelector(".compare-table .long-body .long-row");
    await hasText(page, ".compare-told strong", /^B took [\d.]+ (µs|ms) (longer|less) \([<\d.]+ %\)$|^Both took as long$/);
    const rows = await page.evaluate(() =>
      [...document.querySelectorAll(".compare-table .long-body .long-row:not([hidden])")].map((r) => [r.querySelector(".compare-name").textContent, r.className.match(/is-(added|removed|more|fewer|same)/)[1], r.querySelector(".col-diff").textContent]),
    );
    const of = (name) => rows.find(([text]) => text.includes(name));
    assert.equal(of("score order")[1], "added");
    assert.equal(of("send receipt")[1], "removed");
    assert.equal(of("GET session")[1], "more");
    assert.equal(of("charge card")[1], "same");
    assert.match(of("charge card")[2], /^[+−][\d.]+ (µs|ms|s) \([+−]/);
    assert.deepEqual((await texts(page, ".change-told")).length, 3);
    assert.deepEqual(await page.$$eval(".compare-name .tl-service", (list) => list.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent)), [], "none is cut where there is room");
    await page.getByLabel("Only what differs").check();
    await page.waitForFunction(() => [...document.querySelectorAll(".compare-table .long-body .long-row:not([hidden])")].length < 12);
    assert.equal((await query(page)).changed, "1");
    await page.getByRole("treegrid").focus();
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(() => document.querySelectorAll(".compare-table .long-body .long-row:not([hidden])").length === 1);
    await page.getByRole("button", { name: "Swap" }).click();
    await page.waitForURL(new RegExp(`/trace/${id(101)}\\.\\.\\.${id(1)}`));
  }));

test("a comparison begins from a trace, or from two ids; a missing one is named", () =>
  it.visit(`/trace/${id(1)}`, { expectErrors: /404/ }, async (page) => {
    await page.getByRole("link", { name: "Compare…" }).click();
    await page.waitForURL(/\/compare\?a=/);
    assert.equal(await page.getByLabel("Before (A)").inputValue(), id(1));
    await page.getByLabel("After (B)").fill(id(2));
    await page.getByRole("button", { name: "Compare" }).click();
    await page.waitForSelector(".compare-table .long-body .long-row");
    await page.goto(`${it.backend.url}/trace/${id(1)}...${id(0xdead)}`);
    await hasText(page, ".state code", id(0xdead));
  }));

test("traces of a comparison that are not there are named as the page of one names it, and so is what is no id", () =>
  it.visit(`/trace/1...deadbee`, { expectErrors: /400|404/ }, async (page) => {
    const told = async (path, title, ...ids) => {
      await page.goto(it.backend.url + path);
      await hasText(page, "h1.state-title", title);
      assert.deepEqual(await texts(page, ".state code"), ids, path);
    };
    await told("/trace/1...deadbee", "No such trace", "deadbee");
    await page.getByRole("button", { name: "Look again" }).waitFor();
    await page.getByRole("link", { name: "Compare 1 with another" }).click();
    await page.waitForURL(/\/compare\?a=1$/);
    await told("/trace/deadbee...1", "No such trace", "deadbee");
    await told("/trace/deadbee...deadbef", "No such traces", "deadbee", "deadbef");
    await told("/trace/deadbee...deadbee", "No such trace", "deadbee");
    // As it stands in the address, not written for an address once more.
    for (const path of ["/trace/%E0%A4%A", "/trace/%E0%A4%A...1", "/trace/1...%E0%A4%A"]) await told(path, "No such trace", "%E0%A4%A");
    await told("/trace/xyz", "No such trace", "xyz");
    assert.match(await page.locator(".state").innerText(), /1 to 32 hexadecimal digits/);
    assert.equal(await page.getByRole("button", { name: /again/ }).count(), 0, "it will never be there");
    // It comes, and is looked for again.
    await told("/trace/1...c0c0", "No such trace", "c0c0");
    await it.backend.send(shopTrace(0xc0c0, 1, NOW));
    await page.getByRole("button", { name: "Look again" }).click();
    await page.waitForSelector(".compare-table .long-body .long-row");
  }));

test("dependencies show services and calls as a picture and as a table, for a period", () =>
  it.visit("/dependencies", {}, async (page) => {
    await page.waitForSelector(".node");
    const served = (await (await fetch(`${it.backend.url}/api/dependencies?endTs=${Date.now()}&lookback=86400000`)).json()).data;
    assert.ok(served.length > 10);
    assert.equal(await page.locator("tbody tr").count(), served.length);
    const names = new Set(served.flatMap((item) => [item.parent, item.child]));
    assert.equal(await page.locator(".node").count(), names.size);
    assert.equal(await page.locator(".edge").count(), served.filter((item) => item.parent !== item.child).length);
    const calls = (await texts(page, "tbody .col-calls")).map((text) => Number(text.replace(/,/g, "")));
    assert.deepEqual(calls, served.map((item) => item.callCount).sort((a, b) => b - a));
    await page.getByRole("button", { name: "From", exact: true }).click();
    await page.getByLabel("Period").selectOption("12h");
    await page.waitForURL(/lookback=12h/);
    await page.waitForSelector(".node");
    await page.getByRole("button", { name: /^cart, / }).click();
    await page.waitForURL(/\/search\?service=cart&lookback=12h$/);
    await page.waitForSelector(".result");
  }));

test("dependencies are counted again as spans come in; zoom, focus and order stay", () =>
  it.visit("/dependencies", {}, async (page) => {
    await page.waitForSelector(".node");
    const call = (n, to) => [
      { trace: hex(0x9000 + n, 32), id: hex(1, 16), service: "cart", name: "call", start: Date.now() * 1000 - 10e6, duration: 1000 },
      { trace: hex(0x9000 + n, 32), id: hex(2, 16), parent: hex(1, 16), service: to, name: "answer", start: Date.now() * 1000 - 10e6, duration: 500 },
    ];
    const toggle = page.getByRole("switch", { name: "Live" });
    assert.ok(!(await toggle.isChecked()), "who has not asked for it reads in peace");
    await toggle.check();
    assert.equal((await query(page)).live, "1");
    await page.getByRole("button", { name: "To", exact: true }).click();
    await page.getByRole("button", { name: "Closer" }).click();
    const zoom = () => page.locator(".network-svg").getAttribute("viewBox");
    const chosen = await zoom();
    await page.getByRole("button", { name: /^cart, / }).focus();
    await it.backend.send(call(0, "ledger"));
    await page.getByRole("button", { name: /^ledger, 1 call$/ }).waitFor({ state: "attached" });
    assert.equal(await zoom(), chosen);
    assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^cart, /);
    assert.equal(await page.locator(".col-to[aria-sort]").getAttribute("aria-sort"), "ascending");
    await it.backend.send(call(1, "ledger"));
    await page.getByRole("button", { name: /^ledger, 2 calls$/ }).waitFor({ state: "attached" });
    await page.getByRole("row", { name: /^cart ledger 2$/ }).waitFor({ state: "attached" });
    // Switched off, it stays as it is.
    await toggle.uncheck();
    let asked = 0;
    page.on("request", (request) => (asked += request.url().includes("/api/dependencies") ? 1 : 0));
    await it.backend.send(call(2, "ledger"));
    assert.equal(asked, 0);
  }));

test("the monitor shows rate, errors and latencies of a service and of each operation", () =>
  it.visit("/monitor?service=web", {}, async (page) => {
    await page.waitForSelector(".chart path.chart-line, .chart .chart-point");
    assert.deepEqual(await texts(page, ".chart-title"), ["Latency", "Errors", "Rate"]);
    assert.match(await page.locator(".chart svg[role=img]").first().getAttribute("aria-label"), /^Latency, last values: p50 .*, p95 .*, p99 /);
    assert.deepEqual((await texts(page, "thead th")).map((text) => text.replace(/ [↑↓]/, "")), ["Operation", "p50", "p95", "p99", "Rate", "Errors", "Impact"]);
    assert.deepEqual((await texts(page, "tbody .col-operation")).sort(), ["GET /cart", "GET /search", "POST /checkout"]);
    for (const cell of await texts(page, "tbody .col-p95")) assert.match(cell, /^[\d.]+ (µs|ms|s)$/);
    for (const cell of await texts(page, "tbody .col-rate")) assert.match(cell, /^[\d.]+\/(s|min)$/);
    await page.getByRole("button", { name: "p99" }).click();
    assert.equal(await page.locator("th.col-p99").getAttribute("aria-sort"), "descending");
    const service = page.getByLabel("Service", { exact: true });
    await service.fill("postgres");
    await page.waitForURL(/service=postgres/);
    await page.waitForFunction(() => [...document.querySelectorAll("tbody .col-operation")].some((cell) => cell.textContent === "SELECT items"));
    await page.getByLabel("Kind").selectOption("server");
    await page.waitForURL(/kind=server/);
    await hasText(page, ".state-title", /^No spans of postgres/);
    await page.getByLabel("Kind").selectOption("client");
    await page.getByLabel("Period").selectOption("1d");
    await page.waitForURL(/lookback=1d/);
    await page.getByRole("link", { name: "SELECT items" }).click();
    await page.waitForURL(/\/search\?service=postgres&operation=SELECT/);
    await page.waitForSelector(".result");
  }));

test("an operation's quantiles and share of errors are those of the whole period, not means of its minutes", () =>
  it.visit("/monitor?service=measured", {}, async (page) => {
    await page.waitForSelector("tbody tr");
    const cell = async (name) => (await texts(page, `tbody .col-${name}`))[0];
    assert.deepEqual([await cell("p50"), await cell("p95"), await cell("p99"), await cell("errors")], ["50 ms", "95 ms", "99 ms", "10 %"]);
    assert.equal(await cell("rate"), "1.67/min", "100 in an hour");
  }));

test("the monitor's field knows the services that came after it was opened", () =>
  it.visit("/monitor?service=web", {}, async (page) => {
    await page.waitForSelector("tbody tr");
    await it.backend.send(shopTrace(0x4000, 1, NOW).map((span) => ({ ...span, service: "newcomer" })));
    const service = page.getByLabel("Service", { exact: true });
    await service.fill("newc");
    await page.getByRole("option", { name: "newcomer" }).waitFor();
  }));

test("the monitor counts again as spans come in, under the hands of who reads it", () =>
  it.visit("/monitor?service=lively", { expectErrors: /ERR_/ }, async (page) => {
    const calls = (from, count, name = "work") => Array.from({ length: count }, (_, i) => ({ trace: hex(0x5000 + from + i, 32), id: hex(1, 16), service: "lively", name, start: Date.now() * 1000 - 10e6, duration: 1000 }));
    await hasText(page, ".state-title", /^No spans of lively/);
    const toggle = page.getByRole("switch", { name: "Live" });
    assert.ok(!(await toggle.isChecked()), "who has not asked for it reads in peace");
    await toggle.check();
    assert.equal((await query(page)).live, "1");
    await it.backend.send(calls(0, 60));
    await hasText(page, "tbody .col-rate", "1/min");
    // What was sorted and where the focus is stay.
    await page.getByRole("button", { name: "Operation", exact: true }).click();
    await page.getByRole("link", { name: "work" }).focus();
    await it.backend.send(calls(60, 60));
    await hasText(page, "tbody .col-rate", "2/min");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "work");
    await it.backend.send(calls(120, 30, "a new one"));
    await hasText(page, "tbody .col-operation", "a new one");
    assert.equal(await page.locator(".col-operation[aria-sort]").getAttribute("aria-sort"), "ascending");
    // Nothing moves while a finger is down.
    const { x, y } = await page.getByRole("link", { name: "a new one" }).boundingBox();
    await page.mouse.move(x + 3, y + 3);
    await page.mouse.down();
    const answered = page.waitForResponse((answer) => answer.url().includes("quantile=0.99") && answer.url().includes("groupByOperation"));
    await it.backend.send(calls(150, 30, "a newer one"));
    await answered;
    await page.mouse.up();
    await page.waitForURL(/\/search\?service=lively&operation=a\+new\+one|\/search\?service=lively&operation=a%20new%20one/);
    await page.goBack();
    await page.waitForSelector("tbody tr");
    assert.ok(await toggle.isChecked(), "the address holds it");
    // Switched off, it stays as it is.
    await toggle.uncheck();
    let asked = 0;
    page.on("request", (request) => (asked += request.url().includes("/api/metrics/") ? 1 : 0));
    await it.backend.send(calls(180, 30, "late"));
    assert.equal(asked, 0);
  }));

test("more rows that were asked for stay when the monitor counts again", () =>
  it.visit("/monitor?service=many&live=1", {}, async (page) => {
    const calls = Array.from({ length: 300 }, (_, i) => ({ trace: hex(0x7000 + i, 32), id: hex(1, 16), service: "many", name: `operation ${i}`, start: Date.now() * 1000 - 10e6, duration: 1000 }));
    await it.backend.send(calls);
    await page.getByRole("button", { name: /^Show the other/ }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 300);
    await it.backend.send(Array.from({ length: 60 }, (_, i) => ({ ...calls[7], trace: hex(0x7200 + i, 32) })));
    await hasText(page, "tbody .col-rate", "1.02/min");
    assert.equal(await page.locator("tbody .col-operation").count(), 300);
  }));

test("of very many services the picture shows the busiest, and the table all", () =>
  it.visit("/dependencies", {}, async (page) => {
    const chain = Array.from({ length: 300 }, (_, i) => ({ trace: hex(0x8000, 32), id: hex(i + 1, 16), parent: i ? hex(i, 16) : undefined, service: `link ${i}`, name: "go on", start: Date.now() * 1000 - 10e6, duration: 1000 }));
    await it.backend.send(chain);
    await page.reload();
    await hasText(page, ".page-head [role=status]", /^3\d\d services, \d+ connections; the picture has the busiest 150 and \d+, the table all$/);
    assert.equal(await page.locator(".node").count(), 150);
    assert.ok(await page.getByRole("button", { name: /^postgres, / }).count(), "which are not the 300 that were called once");
    await page.goto(`${it.backend.url}/trace/${hex(0x8000, 16)}?view=graph`);
    await page.waitForSelector(".node");
    assert.equal(await page.locator(".node").count(), 150);
    await hasText(page, ".view-tools [role=status]", /the busiest of 300 services: 150 boxes, 149 arrows$/);
    // Boxes of services, though nobody chose them.
    await page.getByRole("button", { name: /^link 7, / }).press("Enter");
    await hasText(page, "#filter-count", "1 of 300");
    assert.equal(await page.locator(".node:not(.is-dim)").count(), 1);
  }));
