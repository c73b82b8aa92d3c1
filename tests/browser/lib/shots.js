// Screenshots of every view in both themes and two widths, to be looked at:
//
//   JAEGER_ALL_IN_ONE=target/release/jaeger-all-in-one node lib/shots.js DIRECTORY [name-part]

import { chromium } from "playwright-core";
import { browserOptions } from "./browser.js";
import { start } from "./program.js";
import { bigTrace, shop } from "./traces.js";

const [directory, only = ""] = process.argv.slice(2);
const VIEWS = [
  ["search", "/search?lookback=1h&limit=20"],
  ["search-empty", "/"],
  ["timeline", "/trace/0000000000000005"],
  ["timeline-detail", "/trace/0000000000000005?span=000000000005000a"],
  ["timeline-filter", "/trace/0000000000000005?uiFind=postgres&hide=1"],
  ["timeline-big", "/trace/0000000000000b16"],
  ["graph", "/trace/0000000000000005?view=graph"],
  ["statistics", "/trace/0000000000000005?view=statistics"],
  ["spans", "/trace/0000000000000b16?view=spans"],
  ["flame", "/trace/0000000000000b16?view=flame"],
  ["logs", "/trace/0000000000000005?view=logs"],
  ["json", "/trace/0000000000000005?view=json"],
  ["compare", "/trace/0000000000000001...0000000000000005"],
  ["dependencies", "/dependencies"],
  ["monitor", "/monitor?service=web"],
  ["missing", "/trace/00000000deadbeef"],
];
const backend = await start();
const { url } = backend;
for (const spans of shop(60, Date.now() * 1000)) await backend.send(spans);
await backend.send(bigTrace(0xb16, 100_000, Date.now() * 1000 - 30e6));
const browser = await chromium.launch(browserOptions);
for (const scheme of ["light", "dark"]) {
  for (const width of [1440, 390]) {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: width === 390 ? 844 : 900 }, deviceScaleFactor: 1, hasTouch: width === 390 });
    for (const [name, path] of VIEWS) {
      if (!name.includes(only)) continue;
      const page = await context.newPage();
      page.on("pageerror", (error) => console.log(name, "pageerror", error.message));
      page.on("console", (message) => message.type() === "error" && console.log(name, message.text()));
      await page.goto(url + path, { waitUntil: "load" });
      // What is shown at first is a blink of "loading"; it is done when there is none for a while.
      let still = 0;
      while (still < 4) {
        await page.waitForTimeout(120);
        const busy = await page.evaluate(() => !document.querySelector("#main > :not(noscript)") || Boolean(document.querySelector(".state-loading, .trace-panel:empty")));
        still = busy ? 0 : still + 1;
      }
      await page.screenshot({ path: `${directory}/${name}-${scheme}-${width}.png` });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
await backend.stop();
