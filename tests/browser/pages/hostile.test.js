// What comes from outside stays text: names, tags, links that want to be scripts; the policy; traces that are no trees.

import test from "node:test";
import assert from "node:assert/strict";
import { harness, rowNames, hasText, row } from "../lib/harness.js";
import { hex } from "../lib/traces.js";

const NOW = Date.now() * 1000;
const EVIL = `<img src=x onerror="window.hit=1;alert(1)"><script>window.hit=1;alert(2)</script>'"\`{{7*7}}`;
const BREAK = `</script><svg onload="window.hit=1">`;
const trace = (n) => `/trace/${hex(n, 16)}`;
const span = (t, id, parent, more = {}) => ({ trace: hex(t, 32), id: hex(id, 16), parent: parent ? hex(parent, 16) : "", service: "odd", name: `span ${id}`, start: NOW - 50e6 + id * 1000, duration: 5000, tags: {}, logs: [], ...more });

const it = harness(async (backend) => {
  await backend.send([
    span(1, 1, 0, { service: EVIL, name: EVIL, error: EVIL, tags: { [EVIL]: EVIL, url: "javascript:window.hit=1;alert(3)", data: "data:text/html,<script>alert(4)</script>", good: "https://example.com/<b>?a=1&b=\"2\"", json: `{"a":"${"</pre><script>window.hit=1</script>".repeat(2)}"}` }, logs: [{ at: NOW - 50e6, event: EVIL, [BREAK]: BREAK }] }),
    span(1, 2, 1, { service: BREAK, name: BREAK }),
  ]);
  // Hebrew, and the sign that turns round what follows it, without the one that ends it.
  await backend.send([span(3, 1, 0, { service: "שירות הזמנות", name: "קבל" }), span(3, 2, 1, { service: "rlo\u202egnp.exe", name: "read" })]);
  // A circle of three with a tail, a span that is its own parent, the same id twice, a parent that is not there.
  await backend.send([span(2, 1, 3), span(2, 2, 1), span(2, 3, 2), span(2, 4, 2), span(2, 5, 5), span(2, 6, 1, { name: "first six" }), span(2, 6, 1, { name: "second six", start: NOW - 49e6 }), span(2, 7, 999), span(2, 8, 0, { duration: 0, name: "no time" })]);
});

test("script in names, tags, logs, links and JSON stays text in every view, and nothing of it runs", () =>
  it.visit("/search?lookback=1h&limit=100", {}, async (page) => {
    const clean = async (where) => {
      const found = await page.evaluate(() => ({
        hit: window.hit,
        made: document.querySelectorAll("#main img, #main script, #main [onerror], #main [onload], #main iframe").length,
        links: [...document.querySelectorAll("a[href]")].map((a) => a.protocol).filter((p) => !["http:", "https:"].includes(p)),
      }));
      assert.deepEqual(found, { hit: undefined, made: 0, links: [] }, where);
    };
    await page.waitForSelector(".result");
    assert.ok((await page.locator(".result-title", { hasText: "<img" }).count()) > 0, "shown as it is");
    await clean("search");
    const service = page.getByLabel("Service", { exact: true });
    await service.fill("<");
    await page.locator("[role=option]", { hasText: "<img" }).first().waitFor();
    await clean("completion");

    await page.goto(it.backend.url + trace(1));
    await row(page, "<img").click();
    await page.locator(".detail").waitFor();
    await page.evaluate(() => document.querySelectorAll(".detail details").forEach((d) => (d.open = true)));
    await clean("timeline");
    const links = await page.$$eval(".detail .tags a", (list) => list.map((a) => [a.protocol, a.rel, a.target, a.textContent]));
    assert.deepEqual(links, [["https:", "noopener noreferrer nofollow", "_blank", 'https://example.com/<b>?a=1&b="2"']], "only the address of the web is a link");
    for (const view of ["graph", "statistics", "spans", "flame", "logs", "json"]) {
      await page.goto(`${it.backend.url}${trace(1)}?view=${view}&uiFind=${encodeURIComponent('"><img src=x onerror=alert(5)>')}`);
      await page.waitForSelector(".trace-panel > *");
      await clean(view);
    }
    for (const [address, ready] of [
      [`${trace(1)}...${trace(2).slice(7)}`, ".compare-table .long-body .long-row"],
      ["/dependencies", ".node"],
      [`/monitor?service=${encodeURIComponent(EVIL)}`, ".chart"],
      [`/search?service=${encodeURIComponent(EVIL)}&lookback=1h`, ".results-title"],
    ]) {
      await page.goto(it.backend.url + address);
      await page.waitForSelector(ready);
      await clean(address);
    }
  }));

test("a file of script, of wrong types and of monstrous numbers opens like any other", () =>
  it.visit("/search?source=files", {}, async (page) => {
    // What is no text, and whose text a program that asks for it does not get.
    const NONE = { toString: 1 };
    const json = {
      data: [
        {
          traceID: EVIL,
          warnings: [EVIL],
          processes: { p1: { serviceName: EVIL, tags: "none" }, __proto__: { serviceName: "x" } },
          spans: [
            { traceID: EVIL, spanID: EVIL, operationName: EVIL, processID: "p1", startTime: "1700000000000000", duration: "90071992547409931234", warnings: [EVIL], references: [{ refType: EVIL, traceID: "javascript:alert(6)", spanID: EVIL }], tags: [{ key: "a", type: EVIL, value: { nested: EVIL, ...NONE } }, null, 7, { key: 5 }], logs: [null, { timestamp: "x", fields: [{ key: "event", value: NONE }, { key: NONE, value: NONE }, null] }] },
            { spanID: "b", operationName: null, processID: "__proto__", startTime: -9e15, duration: -5, references: "no", tags: {}, logs: {} },
            { spanID: 7, operationName: ["list", NONE], startTime: null, duration: null },
            { spanID: NONE, operationName: "none", processID: NONE, startTime: NONE, duration: NONE, warnings: [NONE], references: [{ refType: "CHILD_OF", spanID: NONE, traceID: NONE }], tags: [{ key: NONE, type: NONE, value: 1 }], logs: [{ timestamp: NONE, fields: [] }] },
          ],
        },
      ],
    };
    const bytes = Buffer.from(JSON.stringify(json));
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open a file" }).click()]);
    await chooser.setFiles({ name: "evil.json", mimeType: "application/json", buffer: bytes });
    await page.waitForURL(/\/trace\/f11e/);
    await page.waitForSelector(".tl-row");
    assert.equal((await rowNames(page)).length, 4);
    for (const operation of [EVIL, "list", "none"]) await row(page, operation).click();
    await page.evaluate(() => document.querySelectorAll(".detail details").forEach((d) => (d.open = true)));
    for (let i = 1; i <= 7; i++) {
      await page.locator("#main").focus();
      await page.keyboard.press(String(i));
      await page.waitForSelector(`[role=tab]:nth-child(${i})[aria-selected=true]`);
      await page.waitForSelector(".trace-panel > *");
    }
    await page.getByRole("tab", { name: "Statistics" }).click();
    await page.getByLabel("Group by").selectOption("tag");
    await page.getByLabel("Grouping tag").fill("a");
    await page.getByLabel("Grouping tag").press("Enter");
    await hasText(page, ".stat-host tbody", /"toString":1/);
    await page.getByLabel("Filter spans").fill('"tostring":1');
    await hasText(page, "#filter-count", /^[23] of 4$/);
    await page.getByLabel("Filter spans").fill("span==b");
    await hasText(page, "#filter-count", "1 of 4");
    await page.getByLabel("Filter spans").fill("a=1 | tostring");
    await hasText(page, "#filter-count", /^[23] of 4$/);
    assert.equal(await page.evaluate(() => window.hit), undefined);
  }));

test("letters that run from right to left, and signs that turn text round, stay in their own name", () =>
  it.visit(`${trace(3)}?view=statistics`, {}, async (page) => {
    await page.waitForSelector(".stat-host tbody tr");
    // The service stands before its operation, whatever either is written in.
    const places = await page.$$eval(".stat-name", (list) => list.map((name) => [".stat-service", ".stat-operation"].map((part) => name.querySelector(part).getBoundingClientRect().left)));
    assert.equal(places.length, 2);
    for (const [service, operation] of places) assert.ok(service < operation, `${service} ${operation}`);
  }));

test("the policy stands at every document and refuses scripts, inline or from elsewhere", async () => {
  for (const address of ["/", "/search", trace(1), "/dependencies", "/monitor", "/compare"]) {
    const answer = await fetch(it.backend.url + address);
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/, address);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    assert.doesNotMatch(policy, /unsafe/);
  }
  const context = await it.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${it.backend.url}/compare`);
  await page.waitForSelector("#compare-a");
  const refused = await page.evaluate(async () => {
    const broken = [];
    document.addEventListener("securitypolicyviolation", (event) => broken.push(event.effectiveDirective));
    const script = document.createElement("script");
    let trusted = "";
    try {
      script.text = "window.hit = 1";
      document.body.append(script);
    } catch (error) {
      trusted = error.name;
    }
    try {
      document.body.innerHTML = "<b>x</b>";
    } catch (error) {
      trusted = error.name;
    }
    const image = new Image();
    await new Promise((resolve) => {
      image.onerror = image.onload = resolve;
      image.src = "https://elsewhere.invalid/x.png";
    });
    return { hit: window.hit, trusted, broken: broken.includes("img-src") };
  });
  await context.close();
  assert.deepEqual(refused, { hit: undefined, trusted: "TypeError", broken: true });
});

test("circles, self-parents, double ids and missing parents: every span has a row and says what is odd", () =>
  it.visit(trace(2), {}, async (page) => {
    await page.waitForSelector(".tl-row");
    const names = await rowNames(page);
    const served = (await (await fetch(`${it.backend.url}/api/traces/2`)).json()).data[0].spans;
    assert.equal(names.length, served.length);
    assert.deepEqual([...names].sort(), served.map((s) => s.operationName).sort());
    assert.ok((await page.locator(".tl-row .mark-warning").count()) >= 2);
    assert.ok(await row(page, "span 7").locator(".mark-orphan").isVisible());
    await row(page, "span 5").click();
    await hasText(page, ".detail-warnings", /own ancestor/);
    for (const view of ["graph", "statistics", "spans", "flame"]) {
      await page.goto(`${it.backend.url}${trace(2)}?view=${view}`);
      await page.waitForSelector(".trace-panel > *");
    }
  }));
