// One program and one Chromium for a file of tests; pages that notice every error, dialog and refused script.

import { after, before } from "node:test";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { browserOptions } from "./browser.js";
import { start } from "./program.js";

// A test that waits for what does not come fails by its name, not by CI's limit for all of them; the longest takes some 15 s.
const LIMIT = 180_000;

async function within(ms, work) {
  let timer;
  const over = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not done after ${ms / 1000} s`)), ms)));
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** `prepare(backend)` fills the program before the tests of the file run. */
export function harness(prepare) {
  const it = {};
  before(async () => {
    it.backend = await start();
    it.browser = await chromium.launch(browserOptions);
    await prepare?.(it.backend);
  });
  after(async () => {
    await it.browser?.close();
    await it.backend?.stop();
  });

  /**
   * Runs `body(page)` with a fresh page at `path`; afterwards nothing must have gone wrong in it. `options`: width,
   * height, scheme, reducedMotion, expectErrors (a pattern of console errors that belong to the test).
   */
  it.visit = async (path, options, body) => {
    const { width = 1280, height = 800, scheme = "light", expectErrors, ...context } = options;
    const browserContext = await it.browser.newContext({ viewport: { width, height }, colorScheme: scheme, acceptDownloads: true, ...context });
    await browserContext.addInitScript(() => {
      window.__violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
    });
    const page = await browserContext.newPage();
    page.setDefaultTimeout(20_000);
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("console", (message) => {
      if (message.type() === "error" && !expectErrors?.test(message.text())) wrong.push(`console: ${message.text()}`);
    });
    try {
      await page.goto(it.backend.url + path);
      await within(LIMIT, body(page));
      wrong.push(...(await page.evaluate(() => window.__violations)).map((text) => `policy: ${text}`));
      assert.deepEqual(wrong, []);
    } finally {
      await browserContext.close();
    }
  };
  return it;
}

/** Text of every element that matches, trimmed. */
export async function texts(page, selector) {
  return (await page.locator(selector).allTextContents()).map((text) => text.replace(/\s+/g, " ").trim());
}

/** Operations of the timeline's rows from top to bottom. */
export async function rowNames(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll(".tl-row:not([hidden])")].sort((a, b) => a.virtualPosition - b.virtualPosition).map((row) => row.querySelector(".tl-operation").textContent),
  );
}

export function row(page, operation) {
  return page.locator(".tl-row:not([hidden])", { has: page.locator(".tl-operation", { hasText: operation }) }).first();
}

export async function query(page) {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/** Waits until `test` (run in the page) is true. */
export function shows(page, test, argument) {
  return page.waitForFunction(test, argument);
}

/** Waits until the text of the first element that matches is `text` or matches it. */
export async function hasText(page, selector, text) {
  const like = text instanceof RegExp ? text : null;
  await page.waitForFunction(
    ([s, plain, source, flags]) => {
      const found = document.querySelector(s)?.innerText.replace(/\s+/g, " ").trim();
      return found !== undefined && (source ? new RegExp(source, flags).test(found) : found === plain);
    },
    [selector, like ? "" : text, like?.source, like?.flags],
  );
}
