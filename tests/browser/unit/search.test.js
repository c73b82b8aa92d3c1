// What addresses ask for and what the fields of the search mean, without a browser.

import test from "node:test";
import assert from "node:assert/strict";
import { parseTags, quoteTag, tagAt, typedTag } from "../../../jaeger-all-in-one/page/js/lib/tags.js";
import { fileSummaries, readFile, traceJson } from "../../../jaeger-all-in-one/page/js/lib/api.js";
import { powers } from "../../../jaeger-all-in-one/page/js/views/scatter.js";
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

test("tags are read with any key and any value, and what the page writes is read as what it was", () => {
  assert.deepEqual(parseTags('k8s:pod=1 aws:region=eu url=http://x/?a=b "my key"="two words" empty='), { "k8s:pod": "1", "aws:region": "eu", url: "http://x/?a=b", "my key": "two words", empty: "" });
  assert.deepEqual(parseTags('{"k8s:pod": 1}'), { "k8s:pod": "1" });
  for (const bad of ["error", "error:true", "a=1 b", '"my key"', "=1"]) assert.throws(() => parseTags(bad), /Write tags as key=value/, bad);
  const odd = ["plain", "k8s:pod", "my key", "eq=key", 'a "quote"', "back\\slash", 'both \\" of them', "ends in \\", "{brace", "__proto__", "constructor", "-x"];
  for (const key of odd) {
    for (const value of [...odd, ""]) {
      const text = `${quoteTag(key)}=${quoteTag(value)}`;
      assert.deepEqual(Object.entries(parseTags(`${text} a=1`)), [[key, value], ["a", "1"]], text);
      // Completed from its beginning or within, it is one tag; before its end its key is known.
      const source = `x=1 ${text} y=2`;
      const tag = tagAt(source, 4 + text.length);
      assert.deepEqual(tag, { from: 4, to: 4 + text.length, text });
      assert.deepEqual(typedTag(tag.text), { key, value });
      assert.deepEqual(typedTag(`${quoteTag(key)}=`), { key, value: "" });
      assert.equal(tagAt(source, 6).to, 4 + text.length, text);
    }
  }
});

test("of a tag that is being typed, what stands behind the caret stays out of it", () => {
  const typed = (marked) => {
    const caret = marked.indexOf("|");
    const { from, to, text } = tagAt(marked.replace("|", ""), caret);
    return [from, to, typedTag(text)];
  };
  assert.deepEqual(typed("|"), [0, 0, { key: "", value: undefined }]);
  assert.deepEqual(typed("a=1 |"), [4, 4, { key: "", value: undefined }]);
  assert.deepEqual(typed("a=1 ht| b=2"), [4, 6, { key: "ht", value: undefined }]);
  assert.deepEqual(typed('"my k|'), [0, 5, { key: "my k", value: undefined }]);
  assert.deepEqual(typed('"my key"=v|'), [0, 10, { key: "my key", value: "v" }]);
  assert.deepEqual(typed('a="| b="x y"'), [0, 3, { key: "a", value: "" }]);
  assert.deepEqual(typed('a="x |y" b=1'), [0, 7, { key: "a", value: "x " }]);
});

test("an axis of powers has marks enough to read lengths by, and no more than have room", () => {
  assert.deepEqual(powers(1, 50), [1, 3, 10, 30]);
  assert.deepEqual(powers(700, 3e6), [1e3, 1e4, 1e5, 1e6]);
  for (let decades = 0; decades < 20; decades++) {
    const marks = powers(0.7, 2 * 10 ** decades);
    assert.ok(marks.length >= 1 && marks.length <= 6, `${decades} decades: ${marks}`);
    if (decades >= 3) assert.ok(marks.length >= 4, `${decades} decades: ${marks}`);
  }
});

test("a file may hold more traces than a call takes arguments", async () => {
  const N = 200_000;
  const traces = Array.from({ length: N }, (_, i) => ({ traceID: (i + 1).toString(16), spans: [{ spanID: "1", operationName: "call", startTime: NOW + i, duration: 5 }] }));
  const file = (data) => ({ name: "many.json", text: async () => JSON.stringify(data) });
  const ids = await readFile(file({ data: traces }));
  assert.deepEqual([ids.length, ids[9]], [N, "a"]);
  const summaries = fileSummaries();
  assert.deepEqual([summaries.length, summaries[0].id, summaries[0].operation], [N, N.toString(16), "call"]);
  // Read again, a trace takes the place of the one before.
  assert.deepEqual(await readFile(file({ traceID: "A", spans: [{ spanID: "1" }, { spanID: "2" }] })), ["a"]);
  assert.equal(fileSummaries().length, N);
  assert.equal((await traceJson("a")).spans.length, 2);
});
