// Live update as spans come in; files of traces.

import test from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { harness, query, hasText, rowNames, row } from "../lib/harness.js";
import { shopTrace, hex, otlp } from "../lib/traces.js";

const now = () => Date.now() * 1000;
const it = harness(async (backend) => {
  await backend.send(shopTrace(5, 1, now() - 60e6, { error: true }));
});
const folder = () => mkdtemp(path.join(tmpdir(), "page-"));

test("a trace grows as its spans come in, and keeps what was opened and collapsed", () =>
  it.visit("/search?lookback=1h", {}, async (page) => {
    const spans = shopTrace(50, 1, now());
    await it.backend.send(spans.slice(0, 6));
    await page.goto(`${it.backend.url}/trace/${hex(50, 16)}`);
    await page.waitForSelector(".tl-row");
    await row(page, "check session").locator(".tl-twisty").click();
    await row(page, "load cart").click();
    await page.locator(".detail summary", { hasText: "Process" }).click();
    await page.locator(".detail summary", { hasText: "Tags" }).click();
    assert.equal((await rowNames(page)).length, 5);
    await page.getByRole("switch", { name: "Live" }).check();
    assert.equal((await query(page)).live, "1");
    await it.backend.send(spans.slice(6));
    await page.waitForFunction(() => document.querySelector("[role=treegrid]").getAttribute("aria-rowcount") === "11");
    assert.ok((await rowNames(page)).includes("charge card"));
    assert.equal(await row(page, "check session").getAttribute("aria-expanded"), "false");
    await hasText(page, ".detail h2", /load cart/);
    const open = (name) => page.locator(".detail-section", { has: page.locator("summary", { hasText: name }) }).evaluate((section) => section.open);
    assert.deepEqual([await open("Process"), await open("Tags")], [true, false], "folded as it was");
    await hasText(page, "#announcer", /more$/);
    // Switched off, it stays as it is.
    await page.getByRole("switch", { name: "Live" }).uncheck();
    let asked = 0;
    page.on("request", (request) => (asked += request.url().includes("/api/traces/") ? 1 : 0));
    await it.backend.send([{ ...spans[3], id: "00000000000000ee", name: "late" }]);
    assert.equal(asked, 0);
    // Switched on again, it looks at once.
    await page.getByRole("switch", { name: "Live" }).check();
    await row(page, "late").waitFor();
  }));

test("the list grows as traces come in", () =>
  it.visit("/search?lookback=1h&limit=100&live=1", {}, async (page) => {
    await page.waitForSelector(".result");
    const before = await page.locator(".result").count();
    assert.ok(await page.getByRole("switch", { name: "Live" }).isChecked());
    await it.backend.send(shopTrace(60, 0, now()));
    await page.waitForFunction((n) => document.querySelectorAll(".result").length === n + 1, before);
    await hasText(page, ".result .result-title", /web GET \/cart/);
  }));

test("the list of one service grows too, also by spans that others add to its traces", () =>
  it.visit("/search?service=web&lookback=1h&limit=100&live=1", {}, async (page) => {
    await page.waitForSelector(".result");
    const before = await page.locator(".result").count();
    const spans = shopTrace(0x680, 0, now());
    // In one request, the service that is watched first: the event may name the one that came last.
    await it.backend.send(spans);
    await page.waitForFunction((n) => document.querySelectorAll(".result").length === n + 1, before);
    await it.backend.send([{ ...spans[2], id: "00000000000000dd" }]);
    await hasText(page, `[data-trace="${hex(0x680, 16)}"] .result-spans`, "7 spans");
  }));

test("when the program is gone, Live says that it waits", () =>
  it.visit("/search?lookback=1h", { expectErrors: /ERR_/ }, async (page) => {
    await page.waitForSelector(".result");
    // The first stream ends at once and is asked for again soon; then nobody is there; then the program is back, with a stream that stays: only of that one "Live" stays too.
    let answer = (route) => route.fulfill({ contentType: "text/event-stream", body: "retry: 200\n\n" });
    await page.route("**/api/live", (route) => answer(route));
    await page.getByRole("switch", { name: "Live" }).check();
    await hasText(page, ".switch", "Live, waiting for the program");
    const failed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/api/live"));
    answer = (route) => route.abort("connectionrefused");
    await failed;
    await hasText(page, ".switch", "Live, waiting for the program");
    answer = (route) => route.continue();
    await page.waitForFunction(() => document.querySelector(".switch").innerText.trim() === "Live");
  }));

test("a list that grows loses neither a press that is held, nor the focus, nor what was chosen", () =>
  it.visit("/search?lookback=1h&limit=100", {}, async (page) => {
    await page.waitForSelector(".result");
    const grown = async (trace) => {
      const before = await page.locator(".result").count();
      await it.backend.send(trace);
      await page.waitForFunction((n) => document.querySelectorAll(".result").length === n + 1, before);
    };
    const focused = () => page.evaluate(() => [document.activeElement.localName, document.activeElement.name ?? "", document.activeElement.closest(".result")?.dataset.trace]);
    // By keys: the switch stays where the keys are.
    await page.getByRole("switch", { name: "Live" }).focus();
    await page.keyboard.press("Space");
    await grown(shopTrace(0x800, 0, now()));
    assert.deepEqual(await focused(), ["input", "live", undefined]);
    assert.ok(await page.getByRole("switch", { name: "Live" }).isChecked());
    const link = page.locator(`[data-trace="${hex(0x800, 16)}"] a`);
    await link.focus();
    await page.locator(`[data-trace="${hex(0x800, 16)}"] input`).check();
    await grown(shopTrace(0x801, 0, now()));
    assert.deepEqual(await focused(), ["input", "", hex(0x800, 16)]);
    // The trace itself grows: its line is another, the focus is on it all the same.
    await link.focus();
    await it.backend.send([{ ...shopTrace(0x800, 0, now())[1], id: "00000000000000ee" }]);
    await hasText(page, `[data-trace="${hex(0x800, 16)}"] .result-spans`, "7 spans");
    assert.deepEqual(await focused(), ["a", "", hex(0x800, 16)]);
    assert.ok(await page.locator(`[data-trace="${hex(0x800, 16)}"] input`).isChecked());

    // By hand: what comes in while a result is pressed waits until it is let go.
    const box = await page.locator(`[data-trace="${hex(5, 16)}"] .result-title`).boundingBox();
    await page.mouse.move(box.x + 10, box.y + 5);
    await page.mouse.down();
    const answered = page.waitForResponse((response) => response.url().includes("/api/v3/trace-summaries"));
    await it.backend.send(shopTrace(0x802, 0, now()));
    await answered;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    await page.mouse.up();
    await page.waitForURL(new RegExp(`/trace/${hex(5, 16)}$`));
  }));

test("without an event stream the page asks again by itself", () =>
  it.visit("/compare", { expectErrors: /404/ }, async (page) => {
    await page.route("**/api/live", (route) => route.fulfill({ status: 404, body: "" }));
    await page.goto(`${it.backend.url}/search?lookback=1h&limit=100&live=1`);
    await page.waitForSelector(".result");
    const before = await page.locator(".result").count();
    await it.backend.send(shopTrace(61, 0, now()));
    await page.waitForFunction((n) => document.querySelectorAll(".result").length === n + 1, before);
  }));

test("a stream that could not keep up makes the page look again", () =>
  it.visit("/compare", {}, async (page) => {
    // Counted in the page itself: the look of a page that opens may be broken off by the one of its stream that opened.
    await page.addInitScript(() => {
      window.looks = 0;
      const ask = window.fetch;
      window.fetch = (what, ...more) => ((window.looks += String(what).includes("/api/v3/trace-summaries")), ask(what, ...more));
      const Own = window.EventSource;
      window.EventSource = class extends Own {
        constructor(url) {
          super(url);
          // After the page has heard it.
          this.addEventListener("open", () => setTimeout(() => (window.stream = this)));
        }
      };
    });
    await page.goto(`${it.backend.url}/search?lookback=1h&limit=100&live=1`);
    await page.waitForFunction(() => window.stream);
    const before = await page.evaluate(() => {
      const { looks } = window;
      window.stream.dispatchEvent(new MessageEvent("lagged", { data: "1" }));
      return looks;
    });
    assert.ok(before > 0);
    await page.waitForFunction((n) => window.looks > n, before);
  }));

test("a hidden page asks for nothing, and looks once when it is seen again", () =>
  it.visit("/search?lookback=1h&limit=100", {}, async (page) => {
    await page.waitForSelector(".result");
    let asked = 0;
    page.on("request", (request) => (asked += request.url().includes("/api/v3/trace-summaries") ? 1 : 0));
    const first = page.waitForResponse((response) => response.url().includes("/api/v3/trace-summaries"));
    await page.getByRole("switch", { name: "Live" }).check();
    await first;
    const before = await page.locator(".result").count();
    const hide = (hidden) =>
      page.evaluate((on) => {
        Object.defineProperty(document, "hidden", { value: on, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    asked = 0;
    // A stream of the test's own says when the page has been told too: both are told by the same event, in the order they came.
    await page.evaluate(() => {
      window.told = new Promise((resolve) => {
        const events = new EventSource("/api/live");
        events.addEventListener("open", () => (window.watching = true));
        events.addEventListener("change", () => (events.close(), setTimeout(resolve, 0)));
      });
    });
    await page.waitForFunction(() => window.watching);
    await it.backend.send(shopTrace(0x900, 0, now()));
    await it.backend.send(shopTrace(0x901, 0, now()));
    await page.evaluate(() => window.told);
    assert.equal(asked, 0);
    await hide(false);
    await page.waitForFunction((n) => document.querySelectorAll(".result").length === n + 2, before);
  }));

test("what takes long is not asked for back to back", () =>
  it.visit("/compare", {}, async (page) => {
    const spans = shopTrace(0x950, 1, now());
    await it.backend.send(spans);
    // The answer takes its time; meanwhile spans keep coming in.
    const looks = [];
    await page.route(`**/api/traces/${hex(0x950, 16)}?*`, async (route) => {
      const look = { began: performance.now() };
      looks.push(look);
      const answer = await route.fetch();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await route.fulfill({ response: answer });
      look.ended = performance.now();
    });
    await page.goto(`${it.backend.url}/trace/${hex(0x950, 16)}?live=1`);
    await page.waitForSelector(".tl-row");
    // The first is of the page itself, the second of the stream that opened; four more, each of spans that came in.
    for (let i = 0; looks.filter((look) => look.ended).length < 6; i++) await it.backend.send([{ ...spans[3], id: hex(0xfff000 + i, 16), name: `late ${i}` }]);
    for (let k = 2; k < 6; k++) {
      const took = looks[k - 1].ended - looks[k - 1].began;
      assert.ok(looks[k].began - looks[k - 1].ended > 1.5 * took, `look ${k} came ${looks[k].began - looks[k - 1].ended} ms after one of ${took}`);
    }
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }));

test("a file that the page wrote opens again, from the button", () =>
  it.visit("/search?source=files", { expectErrors: /404/ }, async (page) => {
    const served = await (await fetch(`${it.backend.url}/api/traces/5`)).text();
    const file = path.join(await folder(), "trace.json");
    await writeFile(file, served.replaceAll('"traceID":"0000000000000005"', '"traceID":"f00d"'));
    await hasText(page, ".state-title", "No file is open");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open a file" }).click()]);
    await chooser.setFiles(file);
    await page.waitForURL(/\/trace\/f00d$/);
    await page.waitForSelector(".tl-row");
    assert.equal((await rowNames(page)).length, 12);
    await hasText(page, ".trace-actions", /from a file/);
    // References inside it are found though the backend knows nothing of it.
    await row(page, "charge card").click();
    await page.locator(".detail summary", { hasText: "References" }).click();
    await page.getByRole("button", { name: "checkout: place order" }).click();
    await hasText(page, ".tl-row.is-active:not([hidden]) .tl-operation", "place order");
    // A page that is loaded again has no file any more, and says so.
    await page.reload();
    await hasText(page, "h1.state-title", "This trace came from a file");
    const [again] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open it again" }).click()]);
    await again.setFiles(file);
    await page.waitForSelector(".tl-row");
    // So does a comparison with it.
    await page.getByRole("link", { name: "Compare…" }).click();
    await page.getByLabel("After (B)").fill("5");
    await page.getByRole("button", { name: "Compare" }).click();
    await page.waitForSelector(".compare-table .long-body .long-row");
    await page.reload();
    await hasText(page, "h1.state-title", "This trace came from a file");
    await page.goto(`${it.backend.url}/trace/dead`);
    await hasText(page, "h1.state-title", "No such trace");
  }));

test("of a file of very many traces the first stand in the list, in the order that is chosen, and it says so", () =>
  it.visit("/search?source=files", {}, async (page) => {
    const file = path.join(await folder(), "many.json");
    const begin = now();
    const spans = (i) => [{ spanID: "1", operationName: `call ${i}`, startTime: begin + i, duration: i, tags: [{ key: "text", value: "x".repeat(1500) }] }];
    await writeFile(file, JSON.stringify({ data: Array.from({ length: 1600 }, (_, i) => ({ traceID: hex(0xf000 + i, 16), spans: spans(i) })) }));
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open a file" }).click()]);
    await page.evaluate(() => {
      window.said = [];
      new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => window.said.push(node.textContent)))).observe(document.body, { childList: true, subtree: true });
    });
    await chooser.setFiles(file);
    await hasText(page, ".results-title", "1,600 traces, the first 1,500 in this order");
    assert.ok((await page.evaluate(() => window.said)).includes("Reading many.json…"), "who waits for a long file is told");
    assert.equal(await page.locator(".toast").count(), 0);
    assert.equal(await page.locator(".result").count(), 1500);
    assert.equal(await page.locator(".dot").count(), 1500);
    await hasText(page, ".result-operation", "call 1599");
    await page.getByLabel("Sort").selectOption("shortest");
    await hasText(page, ".result-operation", "call 0");
    assert.equal(await page.locator(".result").count(), 1500);
    // One more, read from a file of its own, is the one that is shown, though later ones are open.
    await page.evaluate((text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], "one.json"));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
    }, JSON.stringify({ traceID: hex(0xf003, 16), spans: spans(3) }));
    await page.waitForURL(new RegExp(`/trace/${hex(0xf003, 16)}$`));
    await hasText(page, "h1", /call 3$/);
  }));

test("several traces, dropped on the page, give a list; what is no trace is said", () =>
  it.visit("/monitor", {}, async (page) => {
    const trace = (id) => ({ traceID: id, spans: [{ traceID: id, spanID: "a", operationName: "from a file", startTime: 1_700_000_000_000_000, duration: 5, processID: "p1" }], processes: { p1: { serviceName: "offline" } } });
    const drop = (name, content) =>
      page.evaluate(
        ([n, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], n, { type: "application/json" }));
          for (const type of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
        },
        [name, content],
      );
    await drop("two.json", JSON.stringify([trace("a1"), trace("a2")]));
    await page.waitForURL(/source=files/);
    await hasText(page, ".results-title", "2 traces");
    await drop("bad.json", "{ not json");
    await drop("empty.json", "{}");
    // Both are said, and the one does not hide the other.
    await page.waitForFunction(() => {
      const [one, other] = document.querySelectorAll(".toast-bad");
      return other && one.textContent.startsWith("bad.json is no JSON") && other.textContent.startsWith("empty.json holds no trace") && one.getBoundingClientRect().bottom <= other.getBoundingClientRect().top;
    });
    await page.locator(".result-link").first().click();
    await hasText(page, "h1", /offline from a file/);
  }));

test("a file of OTLP JSON is turned over by the backend", () =>
  it.visit("/search?source=files", {}, async (page) => {
    const file = path.join(await folder(), "otlp.json");
    await writeFile(file, JSON.stringify(otlp(shopTrace(77, 2, now()))));
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open a file" }).click()]);
    await chooser.setFiles(file);
    await page.waitForURL(/\/trace\/0*4d$/);
    await hasText(page, "h1", /web GET \/search/);
    await page.waitForSelector(".tl-row");
    assert.equal((await rowNames(page)).length, 6);
  }));

test("a file with a line of OTLP JSON for each batch, as collectors write it, opens whole", () =>
  it.visit("/search?source=files", {}, async (page) => {
    const file = path.join(await folder(), "lines.json");
    const one = shopTrace(78, 2, now());
    // One trace lies in two lines.
    await writeFile(file, [one.slice(0, 3), one.slice(3), shopTrace(79, 1, now())].map((spans) => JSON.stringify(otlp(spans))).join("\n") + "\n");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Open a file" }).click()]);
    await chooser.setFiles(file);
    await hasText(page, ".results-title", "2 traces");
    assert.deepEqual((await page.locator(".result-spans").allTextContents()).sort(), ["12 spans", "6 spans"]);
    await writeFile(file, '{"data":[]}\n{"broken');
    const [again] = await Promise.all([page.waitForEvent("filechooser"), page.goto(`${it.backend.url}/search?source=files`).then(() => page.getByRole("button", { name: "Open a file" }).click())]);
    await again.setFiles(file);
    await hasText(page, ".toast-bad", /^lines\.json is no JSON/);
  }));
