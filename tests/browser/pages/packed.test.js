// A trace as the backend packs it for the page is the trace of Jaeger's JSON: every field of every span, whatever was sent.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { start } from "../lib/program.js";
import { bigTrace, hex, shopTrace } from "../lib/traces.js";
import { buildTrace } from "../../../jaeger-all-in-one/page/js/model/trace.js";
import { unpack } from "../../../jaeger-all-in-one/page/js/model/packed.js";

const NOW = Date.now() * 1000;
let backend;
before(async () => (backend = await start()));
after(() => backend?.stop());

const asked = async (id, query = "") => (await (await fetch(`${backend.url}/api/traces/${id}${query}`)).json()).data[0];

/** Both forms of a trace, which must say the same; gives the plain one. */
async function same(id) {
  const [plain, packed] = [await asked(id), await asked(id, "?packed=true")];
  assert.equal(packed.spans, undefined);
  const unpacked = unpack(packed);
  assert.deepEqual(JSON.parse(JSON.stringify(unpacked)), plain);
  // Also the order of the fields, since it is what is shown as JSON and downloaded.
  assert.equal(JSON.stringify(unpacked), JSON.stringify(plain));
  // What is read from the list without making objects.
  const { raw: _, ...columns } = buildTrace(unpack(packed));
  const { raw: __, ...expected } = buildTrace(plain);
  assert.deepEqual(columns, expected);
  // And from one whose objects were made before.
  const { raw: ___, ...later } = buildTrace(unpacked);
  assert.deepEqual(later, expected);
  return plain;
}

test("traces with errors, panics, cancelled calls, logs and links", async () => {
  for (let n = 1; n <= 6; n++) {
    await backend.send(shopTrace(n, n % 4, NOW - n * 1e6));
    await same(hex(n, 16));
  }
  const many = bigTrace(0x77, 3000, NOW - 60e6);
  await backend.send(many);
  const plain = await same(hex(0x77, 16));
  assert.equal(plain.spans.length, 3000);
  const bytes = async (query) => (await (await fetch(`${backend.url}/api/traces/${hex(0x77, 16)}${query}`)).text()).length;
  assert.ok((await bytes("?packed=true")) * 4 < (await bytes("")), "a fourth of the bytes");
});

/** Posts OTLP JSON of spans as they are, of one service. */
async function post(spans) {
  const body = { resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "odd" } }] }, scopeSpans: [{ scope: { name: "scope", version: "1" }, spans }] }] };
  const answer = await fetch(backend.traces, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.text());
}

test("every type of value, ids that are large, links elsewhere, and what is odd", async () => {
  const traceId = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb";
  const at = (us) => `${us}000`;
  const value = (value) => ({ key: `key ${JSON.stringify(value)}`, value });
  const attributes = [
    value({ stringValue: "" }),
    value({ stringValue: "<script>\u2028 \"quoted\" \\ \u{1f600}" }),
    value({ boolValue: false }),
    value({ intValue: "9007199254740991" }),
    value({ intValue: "9007199254740992" }),
    value({ intValue: "-9223372036854775808" }),
    value({ doubleValue: 0.1 }),
    value({ doubleValue: -0 }),
    value({ doubleValue: 1e300 }),
    value({ doubleValue: "NaN" }),
    value({ doubleValue: "-Infinity" }),
    value({ bytesValue: "/wA=" }),
    value({ arrayValue: { values: [{ intValue: "1" }, { stringValue: "two" }] } }),
    { key: "error", value: { stringValue: "true" } },
    { key: "cancelled", value: { boolValue: true } },
  ];
  const span = (n, parent, more = {}) => ({ traceId, spanId: hex(n, 16), parentSpanId: parent ? hex(parent, 16) : undefined, name: `span ${n}`, kind: 2, startTimeUnixNano: at(NOW + n), endTimeUnixNano: at(NOW + 10 * n), ...more });
  await post([
    span(1, 0, { spanId: "ffffffffffffff01", attributes, flags: 1, traceState: "a=b" }),
    span(2, 0xfff, { events: [{ timeUnixNano: at(NOW + 5), name: "panic", attributes }, { timeUnixNano: at(NOW), name: "", attributes: [] }] }),
    // Links to another trace, and to its own.
    span(3, 2, { links: [{ traceId: hex(9, 32), spanId: hex(8, 16) }, { traceId, spanId: hex(2, 16) }], status: { code: 2, message: "no" } }),
    span(4, 0, { links: [{ traceId: hex(9, 32), spanId: hex(2, 16) }, { traceId, spanId: hex(3, 16) }] }),
    // To two of its own trace: the first is the parent. An error by its status' tag alone.
    span(9, 0, { links: [{ traceId, spanId: hex(6, 16) }, { traceId, spanId: hex(2, 16) }], attributes: [{ key: "otel.status_code", value: { stringValue: "ERROR" } }] }),
    // To one that stands before its parent in the order of references.
    span(10, 4, { links: [{ traceId, spanId: hex(2, 16) }] }),
    // Only to a span of another trace, whose id one of this trace has too.
    span(8, 0, { links: [{ traceId: hex(9, 32), spanId: hex(2, 16) }] }),
    // Its own parent; twice the same id; an end before its start.
    span(5, 5),
    span(3, 2, { name: "again" }),
    span(6, 2, { startTimeUnixNano: at(NOW + 50), endTimeUnixNano: at(NOW) }),
  ]);
  const plain = await same(traceId);
  assert.equal(plain.spans.length, 10);
  assert.ok(plain.spans.some((span) => span.warnings?.length > 0));
});

test("times so far apart that floats do not hold their difference", async () => {
  const traceId = hex(0xfa4, 32);
  const span = (n, start, end, logs = []) => ({ traceId, spanId: hex(n, 16), name: "far", startTimeUnixNano: start, endTimeUnixNano: end, events: logs.map((timeUnixNano) => ({ timeUnixNano, name: "log" })) });
  const far = "18446744073709551000";
  await post([span(1, "0", "1000"), span(2, `${NOW}123`, `${NOW + 7}000`, ["0", far]), span(3, far, far)]);
  const plain = await same(traceId);
  assert.deepEqual(plain.spans.map((span) => span.startTime), [0, NOW, 18446744073709551]);
  assert.equal((await asked(traceId, "?packed=true")).start, 0);
});

test("a backend that packs nothing is understood, and so is a trace without spans", () => {
  const plain = { traceID: "1", spans: [], processes: {}, warnings: null };
  assert.equal(unpack(plain), plain);
  assert.equal(unpack(undefined), undefined);
  // A span without flags has no such field.
  const packed = [hex(1, 16), 0, 0, 5, 6, 1, 0, 0, 0, 0];
  const [one] = JSON.parse(JSON.stringify(unpack({ traceID: "1", start: 7, count: 1, packed, texts: ["name"], processes: {}, warnings: null }))).spans;
  assert.deepEqual(one, { traceID: "1", spanID: hex(1, 16), operationName: "name", references: [], startTime: 12, duration: 6, tags: [], logs: [], processID: "p1", warnings: null });
  const none = unpack({ traceID: "1", start: 0, count: 0, packed: [], texts: [], processes: {}, warnings: null });
  assert.equal(buildTrace(none).n, 0);
});
