// Numbers as the page shows them.

import test from "node:test";
import assert from "node:assert/strict";
import { jsonParts } from "../../../jaeger-all-in-one/page/js/lib/json-parts.js";
import { axisMarks, duration, exact, timeMarks, timeTicks } from "../../../jaeger-all-in-one/page/js/lib/format.js";

test("a duration that rounds up goes on to the next unit", () => {
  const shown = { 999.4: "999 µs", 999.7: "1 ms", 999_400: "999 ms", 999_960: "1 s", 119_400_000: "1m 59s", 119_700_000: "2m", 3_599_800_000: "1h", 7_190_000_000: "2h", 86_399_000_000: "1d", [-119_700_000]: "−2m", 90_000_000: "1m 30s", 0: "0" };
  for (const [us, text] of Object.entries(shown)) assert.equal(duration(Number(us)), text, us);
});

test("a time in full has each of its microseconds, and no zeros behind them", () => {
  const shown = { 0: "0", 7: "7 µs", 12_345: "12.345 ms", 1_231_100: "1.2311 s", 93_784_000_005: "1d 2h 3m 4.000005 s", 86_400_000_001: "1d 1 µs", [-3_000_001]: "−3.000001 s", [NaN]: "–" };
  for (const [us, text] of Object.entries(shown)) assert.equal(exact(Number(us)), text, us);
});

test("the marks of an axis say different times, with as many digits as lie between them", () => {
  const day = 86_400e6;
  const shown = [
    [0, 1000, 4, "0, 0.25 ms, 0.5 ms, 0.75 ms, 1 ms"],
    [0, 3e6, 3, "0, 1 s, 2 s, 3 s"],
    [5e6, 5.001e6, 4, "5 s, 5.00025 s, 5.0005 s, 5.00075 s, 5.001 s"],
    [12.5, 12.53, 3, "12.5 µs, 12.51 µs, 12.52 µs, 12.53 µs"],
    // Where that would be too many digits, by how much later than the first.
    [day, day + 10, 5, "1d, +2 µs, +4 µs, +6 µs, +8 µs, +10 µs"],
    [2 * day + 3600e6 + 1.5e6, 2 * day + 3600e6 + 1.502e6, 2, "2d 1h 1.5 s, +1 ms, +2 ms"],
    [59e6, 62e6, 3, "59 s, 1m, 1m 1s, 1m 2s"],
    // Long ones are round in minutes, hours and days.
    [0, 60e6, 4, "0, 15 s, 30 s, 45 s, 1m"],
    [0, 200e6, 4, "0, 1m, 2m, 3m"],
    [0, 3 * day, 3, "0, 1d, 2d, 3d"],
    [0, 2 * day, 3, "0, 1d, 2d"],
    [0, day, 5, "0, 6h, 12h, 18h, 1d"],
    [0, 100 * day, 4, "0, 25d, 50d, 75d, 100d"],
    [day, day + 3600e6, 2, "1d, +30m, +1h"],
  ];
  for (const [from, to, wanted, text] of shown) assert.equal(timeMarks(timeTicks(from, to, wanted)).join(", "), text);
  // Whatever is zoomed into: no two say the same.
  for (let whole = 1; whole < 1e16; whole *= 7) {
    for (let part = whole; part >= Math.max(0.01, whole / 1e6); part /= 3) {
      for (const from of [0, whole / 3, whole - part]) {
        const list = timeMarks(timeTicks(from, from + part, 9));
        assert.equal(new Set(list).size, list.length, `${from} ${part}: ${list.join(", ")}`);
      }
    }
  }
});

test("marks of an axis stand beside each other on it, whatever its width and its letters", () => {
  for (let whole = 1; whole < 1e16; whole *= 31) {
    for (const from of [0, whole / 3, 10 * whole]) {
      for (const [width, letter] of [[1000, 8], [250, 8], [300, 16], [100, 16], [600, 12]]) {
        const list = axisMarks(from, from + whole, width, letter);
        assert.ok(list.length > 0);
        let reached = 0;
        for (const { place, text, before } of list) {
          const begin = place * width - (before ? (text.length + 1.5) * letter : 0);
          assert.ok(list.length === 1 || begin >= reached - 0.5, `${from}+${whole} at ${width}: ${list.map(({ text }) => text).join(", ")}`);
          reached = begin + (text.length + 1.5) * letter;
        }
        assert.ok(list.length === 1 || reached <= width + 0.5);
      }
    }
  }
  // One that stands alone is not rounded to the next day.
  assert.deepEqual(axisMarks(171_999_870_400, 172_000_129_600, 360, 7.8).map(({ text }) => text), ["1d 23h 46m 40 s"]);
  assert.deepEqual(axisMarks(0, 50_000, 900, 8).map(({ text }) => text), ["0", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms"]);
});

test("JSON in parts is the same JSON, and no part of it holds more than so many elements", () => {
  const same = (object, atOnce) => {
    const parts = jsonParts(object, "spans", atOnce);
    assert.equal(parts.join(""), JSON.stringify(object));
    return parts;
  };
  const spans = Array.from({ length: 7 }, (_, i) => ({ i, toJSON: () => `span ${i}` }));
  for (const atOnce of [1, 3, 7, 8]) {
    const parts = same({ traceID: "1", "odd \"": undefined, spans: [...spans, undefined], f() {}, warnings: null }, atOnce);
    assert.ok(parts.every((part) => part.split("span ").length - 1 <= atOnce));
  }
  same({});
  same({ spans: [] });
  same({ spans: "none", more: [1, { spans: [2] }] });
});
