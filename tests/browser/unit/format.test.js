// Numbers as the page shows them.

import test from "node:test";
import assert from "node:assert/strict";
import { duration } from "../../../jaeger-all-in-one/page/js/lib/format.js";

test("a duration that rounds up goes on to the next unit", () => {
  const shown = { 999.4: "999 µs", 999.7: "1 ms", 999_400: "999 ms", 999_960: "1 s", 119_400_000: "1m 59s", 119_700_000: "2m", 3_599_800_000: "1h", 7_190_000_000: "2h", 86_399_000_000: "1d", [-119_700_000]: "−2m", 90_000_000: "1m 30s", 0: "0" };
  for (const [us, text] of Object.entries(shown)) assert.equal(duration(Number(us)), text, us);
});
