// What addresses ask for and what the fields of the search mean, without a browser.

import test from "node:test";
import assert from "node:assert/strict";
import { readQuery } from "../../../jaeger-all-in-one/page/js/views/search-form.js";

const NOW = 1_700_000_000_000_000;
const period = (query) => {
  const { start, end } = readQuery(query, NOW);
  return [start, end];
};

test("a period of an address is one that has been, or is refused with what is wrong with it", () => {
  assert.deepEqual(period({}), [NOW - 3600e6, NOW]);
  assert.deepEqual(period({ lookback: "30m" }), [NOW - 1800e6, NOW]);
  assert.deepEqual(period({ lookback: "custom", start: "5", end: "9" }), [5, 9]);
  assert.deepEqual(period({ start: "0" }), [0, NOW]);
  assert.deepEqual(period({ lookback: "custom", start: "", end: "" }), [NOW - 3600e6, NOW]);
  // Longer than there was time: all of it.
  for (const lookback of ["3000w", "99999999999w", `${"9".repeat(400)}d`]) assert.deepEqual(period({ lookback }), [0, NOW], lookback);
  for (const lookback of ["1y", "-5m", "constructor", "h"]) assert.deepEqual(period({ lookback }), [NOW - 3600e6, NOW], lookback);
  // Beyond every date, no number, before 1970; and nanoseconds where microseconds are meant.
  for (const bad of ["1e30", "99999999999999999999", "yesterday", "-1", "Infinity", "1700000000000000000"]) {
    for (const query of [{ lookback: "custom", start: bad, end: "9" }, { lookback: "custom", end: bad }, { start: bad }]) {
      assert.throws(() => readQuery(query, NOW), /(start|end)=.* is no time: .*microseconds/, JSON.stringify(query));
    }
  }
});
