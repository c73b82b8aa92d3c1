// Search: form, completion, what is found, order, scatter plot, addresses, empty and failed.

import test from "node:test";
import assert from "node:assert/strict";
import { harness, texts, query, hasText } from "../lib/harness.js";
import { shop, shopTrace } from "../lib/traces.js";

const COUNT = 24;
const it = harness(async (backend) => {
  for (const [i, spans] of shop(COUNT, Date.now() * 1000).entries()) {
    if (i === 0) Object.assign(spans[0].tags, { "odd:pod": "p1", "odd key": "v 1", "odd=key": "x" });
    await backend.send(spans);
  }
});
const found = (page) => page.locator(".result").count();
const SHOWN = "[role=listbox]:not([hidden]) > [role=option]";
const find = async (page) => {
  const answered = page.waitForResponse((response) => response.url().includes("/api/v3/trace-summaries"));
  await page.getByRole("button", { name: "Find traces" }).click();
  await answered;
};

test("the first look shows what came last, from summaries alone", () =>
  it.visit("/", {}, async (page) => {
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    await hasText(page, ".results-title", /^20 traces/);
    assert.ok(asked.includes("/api/v3/trace-summaries"));
    assert.ok(!asked.some((path) => path.startsWith("/api/traces")), "no whole trace was asked for");
    assert.equal(await found(page), 20);
    assert.equal(await page.locator(".scatter .dot").count(), 20);
  }));

test("services and operations complete while typing, with the keyboard", () =>
  it.visit("/", {}, async (page) => {
    const service = page.getByLabel("Service", { exact: true });
    await service.fill("po");
    await page.waitForFunction((shown) => document.querySelectorAll(shown).length === 2, SHOWN);
    // Those that begin with it come first.
    assert.deepEqual(await texts(page, SHOWN), ["postgres", "report"]);
    // Typing on makes another list, in which nothing is marked, whatever was in the one before.
    await service.press("ArrowDown");
    await service.pressSequentially("s");
    await page.waitForFunction((shown) => document.querySelectorAll(shown).length === 1, SHOWN);
    assert.equal(await service.getAttribute("aria-activedescendant"), null);
    // Enter without a marked option searches, and the list does not stay over the fields below.
    const looked = page.waitForResponse((response) => response.url().includes("/api/v3/trace-summaries"));
    await service.press("Enter");
    await looked;
    assert.equal(await page.locator(SHOWN).count(), 0);
    assert.equal(await service.getAttribute("aria-expanded"), "false");
    await service.fill("");
    await service.fill("po");
    await page.waitForFunction((shown) => document.querySelectorAll(shown).length === 2, SHOWN);
    await service.press("ArrowDown");
    assert.equal(await service.getAttribute("aria-expanded"), "true");
    assert.ok(await service.getAttribute("aria-activedescendant"));
    await service.press("Enter");
    assert.equal(await service.inputValue(), "postgres");

    const operation = page.getByLabel("Operation", { exact: true });
    await operation.focus();
    await page.getByRole("option", { name: "INSERT order" }).waitFor();
    assert.deepEqual((await texts(page, `${SHOWN} > span:first-child`)).sort(), ["INSERT order", "SELECT items", "SELECT orders", "UPDATE stock"]);
    // The list is narrowed while an option of the whole one is held down: what was pressed is what was meant.
    await page.getByRole("option", { name: "UPDATE stock" }).hover();
    await page.mouse.down();
    if ((await operation.inputValue()) !== "UPDATE stock") {
      await operation.evaluate((input) => {
        input.value = "orders";
        input.dispatchEvent(new Event("input", { bubbles: true }));
      });
      await page.waitForFunction((shown) => document.querySelectorAll(shown).length === 1, SHOWN);
    }
    await page.mouse.up();
    assert.equal(await operation.inputValue(), "UPDATE stock");
    await operation.fill("stock");
    await page.waitForFunction((shown) => document.querySelectorAll(shown).length === 1, SHOWN);
    await page.getByRole("option", { name: "UPDATE stock" }).click();
    assert.equal(await operation.inputValue(), "UPDATE stock");
    await find(page);
    await hasText(page, ".results-title", /^\d+ traces$/);
    assert.deepEqual(new Set(await texts(page, ".result-operation")), new Set(["POST /checkout"]));
    assert.equal((await query(page)).operation, "UPDATE stock");
  }));

test("tag keys and values complete while typing", () =>
  it.visit("/", {}, async (page) => {
    await page.getByLabel("Service", { exact: true }).fill("web");
    const tags = page.getByLabel("Tags", { exact: true });
    await tags.fill("http.sta");
    await page.getByRole("option", { name: "http.status_code" }).click();
    assert.equal(await tags.inputValue(), "http.status_code=");
    await page.waitForFunction((shown) => document.querySelectorAll(shown).length === 2, SHOWN);
    assert.deepEqual((await texts(page, `${SHOWN} > span:first-child`)).sort(), ["200", "502"]);
    await tags.press("ArrowDown");
    await tags.press("ArrowDown");
    await tags.press("Enter");
    assert.equal(await tags.inputValue(), "http.status_code=502 ");
    await find(page);
    await hasText(page, ".results-title", /^\d traces?$/);
    assert.ok((await found(page)) > 0);
    assert.equal(await page.locator(".result .badge-error").count(), await found(page));
  }));

test("keys with colons, spaces and signs complete to what finds them", () =>
  it.visit("/", {}, async (page) => {
    const tags = page.getByLabel("Tags", { exact: true });
    for (const [typed, key, written] of [["odd:", "odd:pod", "odd:pod=p1 "], ["odd k", "odd key", '"odd key"="v 1" '], ["odd=", "odd=key", '"odd=key"=x ']]) {
      // A space or a sign within a key stands in quotes.
      await tags.fill(/[ =]/.test(typed) ? `"${typed}` : typed);
      await page.getByRole("option", { name: key }).click();
      await page.locator(SHOWN, { has: page.locator(".hint", { hasText: key }) }).click();
      assert.equal(await tags.inputValue(), written);
      await find(page);
      await hasText(page, ".results-title", "1 trace");
    }
  }));

test("durations and the limit narrow the list; the address keeps them and a reload finds the same", () =>
  it.visit("/", {}, async (page) => {
    await page.getByLabel("At least").fill("60ms");
    await page.getByLabel("Most traces").fill("3");
    await find(page);
    await hasText(page, ".results-title", /^3 traces/);
    await page.getByLabel("Most traces").fill("50");
    await find(page);
    await page.waitForFunction(() => document.querySelectorAll(".result").length > 3);
    const several = await found(page);
    assert.ok(several < COUNT);
    const ids = () => page.$$eval("[data-trace]", (list) => list.map((item) => item.dataset.trace));
    const before = await ids();
    await page.reload();
    await page.waitForSelector(".result");
    assert.deepEqual(await ids(), before, "the order is the same each time");
    assert.equal(await page.getByLabel("At least").inputValue(), "60ms");
    assert.equal((await query(page)).limit, "50");
    await page.goBack();
    await hasText(page, ".results-title", /^3 traces/);
    // A span that took so little is in every trace; one that took no time in none.
    for (const [most, title] of [["60ms", /^\d+ traces/], ["1ns", "No trace matches"]]) {
      await page.goto(`${it.backend.url}/search?lookback=1h&maxDuration=${most}`);
      await hasText(page, ".results-title, .state-title", title);
    }
  }));

test("the fields of durations say of what, to those who hear them too: a trace is found by one of its spans", () =>
  it.visit("/", {}, async (page) => {
    const group = page.getByRole("group", { name: "Duration of a span" });
    for (const name of ["At least", "At most"]) {
      const field = group.getByRole("textbox", { name });
      const hint = await field.evaluate((input) => {
        const told = document.getElementById(input.getAttribute("aria-describedby"));
        return told.checkVisibility() && told.textContent;
      });
      assert.equal(hint, "How long one of its spans took", name);
    }
  }));

test("a look back of five minutes finds fewer than one of an hour; a period of one's own finds what lies in it", () =>
  it.visit("/search?lookback=5m&limit=100", {}, async (page) => {
    await page.waitForSelector(".result");
    const few = await found(page);
    await page.getByLabel("When").selectOption("1h");
    await find(page);
    await hasText(page, ".results-title", `${COUNT} traces`);
    assert.ok(few < COUNT && few > 0);
    await page.getByLabel("When").selectOption("custom");
    assert.ok(await page.getByLabel("From", { exact: true }).isVisible());
    await find(page);
    await hasText(page, ".results-title", `${COUNT} traces`);
    assert.match((await query(page)).start, /^\d{16}$/);
    // The end counts as the start does.
    const { start, end } = await query(page);
    await page.goto(`${it.backend.url}/search?lookback=custom&limit=100&start=${start}&end=${Number(end) - 20 * 60e6}`);
    await hasText(page, ".results-title", `${COUNT / 2} traces`);
  }));

test("what is written wrong is said at the field, and nothing is asked", () =>
  it.visit("/", {}, async (page) => {
    await page.waitForSelector(".result");
    let asked = 0;
    page.on("request", (request) => (asked += request.url().includes("summaries") ? 1 : 0));
    const press = () => page.getByRole("button", { name: "Find traces" }).click();
    await page.getByLabel("At least").fill("5");
    await press();
    await hasText(page, "#search-problem", /“5” is no duration/);
    assert.equal(await page.getByLabel("At least").getAttribute("aria-invalid"), "true");
    await page.getByLabel("At least").fill("5s");
    await page.getByLabel("At most").fill("1s");
    await press();
    await hasText(page, "#search-problem", /shorter than the shortest/);
    await page.getByLabel("At most").fill("");
    await page.getByLabel("Tags", { exact: true }).fill("error");
    await press();
    await hasText(page, "#search-problem", /“error” has no =/);
    await page.getByLabel("Tags", { exact: true }).fill("");
    await page.getByLabel("Most traces").fill("100000");
    await press();
    await hasText(page, "#search-problem", /1 to 1,500/);
    assert.equal(asked, 0);
  }));

test("a period that only a link names is shown and kept; the fields of one's own show the time of day", () =>
  it.visit("/search?lookback=30m&limit=100000", {}, async (page) => {
    const asked = page.waitForRequest((request) => request.url().includes("/api/v3/trace-summaries"));
    await page.reload();
    const sent = new URL((await asked).url()).searchParams;
    assert.equal(sent.get("query.num_traces"), "1500", "no more than a page can hold");
    await page.waitForSelector(".result");
    assert.equal(await page.getByLabel("When").locator("option:checked").innerText(), "Last 30m");
    await page.getByLabel("Most traces").fill("50");
    await find(page);
    await page.waitForURL(/limit=50/);
    assert.equal((await query(page)).lookback, "30m");
    await page.getByLabel("When").selectOption("custom");
    // Date, time and the button of the browser need some 200 px.
    for (const name of ["From", "To"]) assert.ok((await page.getByLabel(name, { exact: true }).boundingBox()).width > 220, name);
  }));

test("an address with times, periods or orders that are none says what is wrong or does without, and the form works on", () =>
  it.visit("/search?lookback=custom&start=1e30&end=1e31", {}, async (page) => {
    await hasText(page, ".state-failed", /start=1e30 is no time/);
    assert.match(await page.getByLabel("From", { exact: true }).inputValue(), /^\d{4}-/, "the last hour stands in the fields");
    await find(page);
    await hasText(page, ".results-title", /^20 traces/);
    await page.goto(`${it.backend.url}/search?lookback=99999999999w`);
    await hasText(page, ".results-title", /^20 traces/);
    assert.equal(await page.getByLabel("When").locator("option:checked").innerText(), "All that is held");
    for (const sort of ["constructor", "toString", "__proto__"]) {
      await page.goto(`${it.backend.url}/search?lookback=1h&sort=${sort}`);
      await hasText(page, ".results-title", /^20 traces/);
      assert.equal(await page.getByLabel("Sort").inputValue(), "newest");
    }
  }));

test("the list sorts seven ways, and the choice stays in the address", () =>
  it.visit("/search?lookback=1h&limit=100", {}, async (page) => {
    await page.waitForSelector(".result");
    const micros = (text) => {
      const [, n, unit] = /^([\d.]+)\s?(\S+)/.exec(text);
      return Number(n) * { "µs": 1, ms: 1e3, s: 1e6 }[unit];
    };
    await page.getByLabel("Sort").selectOption("longest");
    let lengths = (await texts(page, ".result-duration")).map(micros);
    assert.deepEqual(lengths, [...lengths].sort((a, b) => b - a));
    await page.getByLabel("Sort").selectOption("shortest");
    lengths = (await texts(page, ".result-duration")).map(micros);
    assert.deepEqual(lengths, [...lengths].sort((a, b) => a - b));
    await page.getByLabel("Sort").selectOption("most-spans");
    const spans = (await texts(page, ".result-spans")).map((text) => parseInt(text, 10));
    assert.deepEqual(spans, [...spans].sort((a, b) => b - a));
    await page.getByLabel("Sort").selectOption("most-errors");
    assert.ok(await page.locator(".result").first().locator(".badge-error").isVisible());
    assert.equal((await query(page)).sort, "most-errors");
    // Another search keeps the order and goes on.
    await page.getByRole("switch", { name: "Live" }).check();
    await page.getByLabel("Most traces").fill("90");
    await find(page);
    await page.waitForURL(/limit=90/);
    const { sort, live } = await query(page);
    assert.deepEqual([sort, live], ["most-errors", "1"]);
    await page.waitForSelector(".result");
    assert.equal(await page.getByLabel("Sort").inputValue(), "most-errors");
    assert.ok(await page.getByRole("switch", { name: "Live" }).isChecked());
    await page.getByLabel("Sort").selectOption("fewest-spans");
    assert.deepEqual((await texts(page, ".result-spans")).map((text) => parseInt(text, 10)), [...spans].reverse());
    for (const sort of ["oldest", "newest"]) await page.getByLabel("Sort").selectOption(sort);
    assert.equal((await query(page)).sort, undefined);
  }));

test("error, panic and cancelled each have a shape and a word of their own in the list", () =>
  it.visit("/compare", {}, async (page) => {
    await page.goto(`${it.backend.url}/search?lookback=1h&limit=100`);
    await page.waitForSelector(".result");
    const shapes = {};
    for (const name of ["error", "panic", "cancelled"]) {
      const badge = page.locator(`.badge-${name}`).first();
      assert.match(await badge.innerText(), new RegExp(name));
      shapes[name] = await badge.locator("path").getAttribute("d");
    }
    assert.equal(new Set(Object.values(shapes)).size, 3);
    assert.ok((await page.locator(".dot-error rect").count()) > 0, "squares, not circles");
    assert.ok((await page.locator(".dot-panic rect[transform]").count()) > 0, "turned squares");
  }));

test("a dot of the scatter plot opens its trace; its axis can be logarithmic", () =>
  it.visit("/search?lookback=1h&limit=100", {}, async (page) => {
    await page.waitForSelector(".dot");
    const scale = page.getByRole("button", { name: "Logarithmic axis" });
    const was = await scale.getAttribute("aria-pressed");
    const at = await page.locator(".dot").first().getAttribute("transform");
    await scale.click();
    assert.notEqual(await scale.getAttribute("aria-pressed"), was);
    assert.notEqual(await page.locator(".dot").first().getAttribute("transform"), at);
    await page.locator(".dot").last().click();
    await page.waitForURL(/\/trace\/[0-9a-f]+/);
    await page.waitForSelector(".tl-row");
  }));

test("two chosen traces lead to their comparison", () =>
  it.visit("/search?lookback=1h", {}, async (page) => {
    await page.waitForSelector(".result");
    await page.locator(".result input[type=checkbox]").nth(0).check();
    await hasText(page, ".compare-slot", /one more/);
    await page.locator(".result input[type=checkbox]").nth(1).check();
    await page.getByRole("link", { name: "Compare the two" }).click();
    await page.waitForURL(/\/trace\/[0-9a-f]+\.\.\.[0-9a-f]+$/);
    await page.waitForSelector(".compare-table .long-body .long-row");
    await page.goBack();
    await page.getByRole("link", { name: "Compare the two" }).waitFor();
    assert.equal(await page.locator(".result input:checked").count(), 2, "who comes back finds them chosen");
  }));

test("a trace opens by its id from the head of any page", () =>
  it.visit("/dependencies", {}, async (page) => {
    await page.getByLabel("Open a trace by its ID").fill(" 5 ");
    await page.getByLabel("Open a trace by its ID").press("Enter");
    await page.waitForURL(/\/trace\/5$/);
    await hasText(page, "h1", /web POST \/checkout/);
  }));

test("nothing found, no such trace, no such page and a refusing backend are told apart", () =>
  it.visit("/search?service=nobody&lookback=1h", { expectErrors: /404|500/ }, async (page) => {
    await hasText(page, ".state-title", "No trace matches");
    await page.goto(`${it.backend.url}/trace/deadbeef`);
    await hasText(page, ".state-title", "No such trace");
    await page.route("**/api/v3/trace-summaries*", (route) => route.fulfill({ status: 500, contentType: "text/plain", body: '{"errors":[{"code":500,"msg":"the store is on fire"}]}' }));
    await page.goto(`${it.backend.url}/search?lookback=1h`);
    await hasText(page, ".state-failed", /the store is on fire/);
    await page.unroute("**/api/v3/trace-summaries*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector(".result");
  }));

test("a backend without summaries (a plain Jaeger) is searched through its whole traces", () =>
  it.visit("/compare", { expectErrors: /404/ }, async (page) => {
    const whole = await (await fetch(`${it.backend.url}/api/traces/5`)).json();
    await page.route("**/api/v3/**", (route) => route.fulfill({ status: 404, body: "404 page not found" }));
    await page.route("**/api/traces?*", (route) => route.fulfill({ json: whole }));
    await page.goto(`${it.backend.url}/search?service=web&lookback=1h`);
    await hasText(page, ".results-title", "1 trace");
    await hasText(page, ".result-title", /web POST \/checkout/);
    assert.ok(await page.locator(".badge-error").isVisible());
  }));

test("who comes back from a trace is where they were in the list", () =>
  it.visit("/search?lookback=1h&limit=100", { height: 500 }, async (page) => {
    await page.waitForSelector(".result");
    const at = page.locator(".result-link").nth(COUNT - 4);
    const id = await page.locator(".result").nth(COUNT - 4).getAttribute("data-trace");
    await at.scrollIntoViewIfNeeded();
    const there = () => page.evaluate(() => scrollY);
    const before = await there();
    assert.ok(before > 300);
    await at.click();
    await page.waitForSelector(".tl-row");
    await page.goBack();
    await page.waitForSelector(".result");
    await page.waitForFunction((y) => scrollY === y, before);
    const box = await page.locator(`[data-trace="${id}"]`).boundingBox();
    assert.ok(box.y > -box.height && box.y < 500, `it stands at ${box.y}`);
    await page.reload();
    await page.waitForSelector(".result");
    await page.waitForFunction((y) => scrollY === y, before);
    // A new search begins at its head.
    await page.getByRole("link", { name: "Search", exact: true }).click();
    await page.waitForFunction(() => scrollY === 0);
  }));

test("a view whose program can not be had says so, and is there when it can", () =>
  it.visit("/search?lookback=1h", { expectErrors: /Failed to load resource|ERR_/ }, async (page) => {
    await page.waitForSelector(".result");
    await page.route("**/js/views/{monitor,flame}.js", (route) => route.abort());
    await page.getByRole("link", { name: "Monitor" }).click();
    await hasText(page, "h1.state-title", "That did not work");
    await page.goto(`${it.backend.url}/trace/5`);
    await page.waitForSelector(".tl-row");
    await page.getByRole("tab", { name: "Flame graph" }).click();
    await hasText(page, ".trace-panel .state-failed", /could not be loaded/);
    await page.unroute("**/js/views/{monitor,flame}.js");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector(".flame-canvas");
  }));

test("a list that shows some of very many services says that there are more", () =>
  it.visit("/compare", {}, async (page) => {
    const names = Array.from({ length: 60 }, (_, i) => `service ${i}`);
    await page.route("**/api/services", (route) => route.fulfill({ json: { data: names } }));
    await page.goto(`${it.backend.url}/search?lookback=1h`);
    const service = page.getByLabel("Service", { exact: true });
    await service.focus();
    await hasText(page, `${SHOWN}:last-child`, "There are more: type on");
    assert.equal(await page.locator(SHOWN).count(), 51);
    // Which is no option: pressed it chooses nothing, and from the first, the one before is the last service.
    await page.locator(SHOWN).last().click({ force: true });
    assert.equal(await service.inputValue(), "");
    await service.press("ArrowUp");
    await service.press("Enter");
    assert.equal(await service.inputValue(), "service 49");
  }));

// The last ones, since they add to what is held.
test("a trace of several roots has one name: in the list, on its page, in its title, and in a comparison", () =>
  it.visit("/compare", {}, async (page) => {
    const [root] = shopTrace(0x702, 0, Date.now() * 1000);
    await it.backend.send([{ ...root, service: "rooted", name: "first root" }, { ...root, service: "rooted", id: "00000000000000aa", name: "longest root", start: root.start + 10, duration: 10 * root.duration }]);
    await page.goto(`${it.backend.url}/search?service=rooted&lookback=1h`);
    await hasText(page, ".result-title", /^rooted first root/);
    await page.locator(".result-link").click();
    await hasText(page, "h1", /^rooted first root$/);
    assert.equal(await page.title(), "rooted: first root – Jaeger");
    await page.goto(`${it.backend.url}/trace/702...5`);
    await hasText(page, ".compare-title", /^rooted first root$/);
  }));

test("services and operations that came after the page was opened complete too", () =>
  it.visit("/", {}, async (page) => {
    const typed = async (field, text, option) => {
      // An answer may be kept while a word is typed; the look after that has the new one.
      for (;;) {
        await field.fill("");
        await field.fill(text);
        if (await page.getByRole("option", { name: option }).waitFor({ timeout: 500 }).then(() => true, () => false)) return;
      }
    };
    const service = page.getByLabel("Service", { exact: true });
    await service.fill("web");
    await page.getByRole("option", { name: "web" }).waitFor();
    await it.backend.send([{ ...shopTrace(0x700, 0, Date.now() * 1000)[0], service: "newcomer", name: "first call" }]);
    await typed(service, "newc", "newcomer");
    await service.fill("newcomer");
    const operation = page.getByLabel("Operation", { exact: true });
    await typed(operation, "first", "first call");
    await it.backend.send([{ ...shopTrace(0x701, 0, Date.now() * 1000)[0], service: "newcomer", name: "second call" }]);
    await typed(operation, "second", "second call");
  }));
