// The page's algorithms, without a browser: trees from hostile input, self time, critical path, statistics, flame graph,
// filter, comparison, graph layout.

import test from "node:test";
import assert from "node:assert/strict";
import * as model from "../../../jaeger-all-in-one/page/js/model/trace.js";
import { criticalPath, sectionsByRow } from "../../../jaeger-all-in-one/page/js/model/critical-path.js";
import { statistics, quantile, groupings, byTag } from "../../../jaeger-all-in-one/page/js/model/stats.js";
import { flame } from "../../../jaeger-all-in-one/page/js/model/flame.js";
import { filterTrace, parseFilter, quoteFilter, withAncestors, visibleRows } from "../../../jaeger-all-in-one/page/js/model/filter.js";
import { compareTraces, verdict, summary } from "../../../jaeger-all-in-one/page/js/model/compare.js";
import { TraceState } from "../../../jaeger-all-in-one/page/js/model/state.js";
import { busiest, traceGraph, dependencyGraph, layout } from "../../../jaeger-all-in-one/page/js/model/graph.js";

const { buildTrace, selfTimes, rootRow, longestRoot, overview } = model;
const T0 = 1_700_000_000_000_000;

// A span in one line: id, parent, start, duration in µs.
function span(spanID, parent, start, duration, more = {}) {
  const references = parent ? [{ refType: more.refType ?? "CHILD_OF", traceID: "t", spanID: parent }] : [];
  return {
    traceID: "t",
    spanID,
    operationName: more.op ?? spanID,
    references,
    startTime: T0 + start,
    duration,
    tags: more.tags ?? [],
    logs: more.logs ?? [],
    processID: more.process ?? "p1",
    warnings: null,
  };
}
const processes = {
  p1: { serviceName: "web", tags: [{ key: "host.name", type: "string", value: "alpha" }] },
  p2: { serviceName: "db", tags: [] },
};
const trace = (...spans) => buildTrace({ traceID: "t", spans, processes, warnings: null });
const ids = (t) => t.raw.map((s) => s.spanID);

test("rows stand in depth-first order, siblings by start, whatever order they came in", () => {
  const t = trace(span("c", "a", 50, 10), span("d", "b", 12, 2), span("a", "", 0, 100), span("b", "a", 10, 20));
  assert.deepEqual(ids(t), ["a", "b", "d", "c"]);
  assert.deepEqual([...t.depth], [0, 1, 2, 1]);
  assert.deepEqual([...t.size], [4, 2, 1, 1]);
  assert.deepEqual([...t.parent], [-1, 0, 1, 0]);
  assert.deepEqual([...t.start], [0, 10, 12, 50]);
  assert.equal(t.duration, 100);
  assert.equal(t.startTime, T0);
});

test("spans with the same start keep the order of arrival", () => {
  const t = trace(span("a", "", 0, 9), span("z", "a", 1, 1), span("y", "a", 1, 1), span("x", "a", 1, 1));
  assert.deepEqual(ids(t), ["a", "z", "y", "x"]);
});

test("a circle of parents is cut once, a span that is its own parent becomes a root, both are marked", () => {
  const t = trace(span("a", "c", 0, 9), span("b", "a", 1, 1), span("c", "b", 2, 1), span("s", "s", 3, 1), span("k", "a", 4, 1));
  assert.equal(t.n, 5);
  assert.equal(new Set(ids(t)).size, 5);
  const cut = ids(t).filter((_, i) => t.flags[i] & model.CUT);
  assert.equal(cut.length, 2);
  assert.ok(cut.includes("s"));
  assert.equal([...t.parent].filter((p) => p < 0).length, 2);
});

test("every shape of parents gives each span exactly one row", () => {
  let seed = 7;
  const random = (n) => ((seed = (seed * 1103515245 + 12345) % 2147483648), seed % n);
  for (let round = 0; round < 300; round++) {
    const n = 1 + random(12);
    const spans = [];
    for (let i = 0; i < n; i++) spans.push(span(`s${random(n + 2)}`, random(5) ? `s${random(n + 2)}` : "", random(20), random(30) - 3));
    const t = trace(...spans);
    assert.equal(new Set(t.raw).size, n);
    assert.equal([...t.parent].reduce((sum, p, i) => sum + (p < 0 ? t.size[i] : 0), 0), n);
    for (let i = 0; i < n; i++) assert.ok(t.parent[i] < i && (t.parent[i] < 0 || i < t.parent[i] + t.size[t.parent[i]]));
    const path = criticalPath(t);
    const root = longestRoot(t);
    let at = t.start[root] + t.span[root];
    path.rows.forEach((_, k) => {
      assert.equal(path.to[k], at);
      assert.ok(path.from[k] < path.to[k]);
      at = path.from[k];
    });
    if (path.rows.length) assert.equal(at, t.start[root]);
  }
});

test("double ids, a missing parent, and a parent in another trace are kept and marked", () => {
  const other = span("o", "", 5, 1);
  other.references = [{ refType: "CHILD_OF", traceID: "another", spanID: "a" }];
  const t = trace(span("a", "", 0, 9), span("a", "", 1, 2), span("m", "gone", 2, 1), other);
  assert.ok(t.flags[ids(t).lastIndexOf("a")] & model.DUPLICATE);
  assert.ok(t.flags[ids(t).indexOf("m")] & model.ORPHAN);
  assert.equal(t.parent[ids(t).indexOf("o")], -1);
});

test("a trace is named by its first root, as the backend's summaries name it; what ended last is followed from the longest", () => {
  const named = (...spans) => {
    const t = trace(...spans);
    return ids(t)[rootRow(t)];
  };
  const two = [span("short", "", 10, 5), span("long", "", 20, 500), span("child", "long", 0, 1)];
  assert.equal(named(...two), "short");
  assert.equal(named(...two.toReversed()), "short");
  assert.equal(trace(...two).raw[criticalPath(trace(...two)).rows[0]].spanID, "long");
  assert.equal(named(span("orphan", "gone", 0, 900), ...two), "short", "a root goes before what has lost its parent");
  assert.equal(named(span("b", "gone", 5, 900), span("a", "lost", 3, 1)), "a");
  assert.equal(named(span("x", "y", 7, 900), span("y", "x", 9, 1), span("orphan", "gone", 20, 1)), "orphan", "and that before a circle");
  assert.equal(named(span("x", "y", 7, 900), span("y", "x", 4, 1)), "y");
});

test("times as text, huge, negative, absent or not numbers never spoil the rest", () => {
  const t = buildTrace({
    spans: [
      { spanID: "a", startTime: String(T0), duration: "1000", processID: "p1" },
      { spanID: "b", startTime: T0 + 5, duration: -4, processID: "nope" },
      { spanID: "c", startTime: T0 + 6, duration: "NaN" },
      { spanID: "d", startTime: T0 + 7, duration: null, tags: "x", logs: 3, references: {}, warnings: 9 },
      null,
      7,
    ],
    processes,
  });
  assert.equal(t.n, 4);
  assert.deepEqual([...t.span], [1000, 0, 0, 0]);
  assert.equal(t.duration, 1000);
  assert.equal(t.services[t.service[1]], "unknown service");
  assert.ok(t.flags[1] & model.WARNING);
  const far = buildTrace({ spans: [{ spanID: "a", startTime: "18446744073709551615", duration: "9223372036854775807" }] });
  assert.ok(Number.isFinite(far.duration));
});

test("input that is no trace gives an empty one", () => {
  for (const json of [null, undefined, {}, { spans: 3 }, { spans: [] }, []]) {
    const t = buildTrace(json);
    assert.equal(t.n, 0);
    assert.equal(rootRow(t), -1);
    assert.equal(criticalPath(t).rows.length, 0);
    assert.equal(statistics(t).length, 0);
    assert.equal(flame(t).n, 0);
    assert.equal(filterTrace(t, "x").count, 0);
  }
});

test("names of Object's own are services and processes like others", () => {
  const t = buildTrace({ spans: [{ spanID: "a", processID: "__proto__" }, { spanID: "b", processID: "constructor" }], processes: {} });
  assert.deepEqual([...t.services], ["unknown service"]);
});

test("error, panic and cancelled are told apart", () => {
  const t = trace(
    span("e", "", 0, 1, { tags: [{ key: "error", type: "bool", value: true }] }),
    span("s", "", 1, 1, { tags: [{ key: "error", type: "string", value: "true" }] }),
    span("n", "", 2, 1, { tags: [{ key: "error", type: "bool", value: false }] }),
    span("p", "", 3, 1, { logs: [{ timestamp: T0, fields: [{ key: "event", type: "string", value: "panic" }] }] }),
    span("c", "", 4, 1, { tags: [{ key: "cancelled", type: "bool", value: true }] }),
    span("o", "", 5, 1, { tags: [{ key: "otel.status_code", type: "string", value: "ERROR" }] }),
  );
  assert.deepEqual([...t.flags], [model.ERROR, model.ERROR, 0, model.PANIC, model.CANCELLED, model.ERROR]);
  assert.deepEqual(overview(t), { errors: 3, panics: 1, cancelled: 1, services: 1, depth: 1 });
});

test("self time is the duration less the union of the children within it", () => {
  const t = trace(span("a", "", 0, 100), span("b", "a", 10, 20), span("c", "a", 20, 20), span("d", "a", 90, 50), span("e", "a", 95, 1));
  const self = selfTimes(t);
  assert.equal(self[0], 100 - 30 - 10);
  assert.equal(self[1], 20);
});

test("the critical path goes through the child that ended last, then the one before it", () => {
  const t = trace(span("a", "", 0, 100), span("b", "a", 10, 30), span("c", "a", 20, 60), span("d", "c", 30, 10));
  const path = criticalPath(t);
  const told = path.rows.map((row, k) => [ids(t)[row], path.from[k], path.to[k]]);
  // b overlaps c, so nothing waited for it.
  assert.deepEqual(told, [["a", 80, 100], ["c", 40, 80], ["d", 30, 40], ["c", 20, 30], ["a", 0, 20]]);
  assert.deepEqual(sectionsByRow(path).get(0), [0, 20, 80, 100]);
});

test("children that outlive the parent are clipped; those that only follow are not waited for", () => {
  const t = trace(span("a", "", 0, 100), span("b", "a", 50, 500), span("f", "a", 10, 20, { refType: "FOLLOWS_FROM" }));
  const path = criticalPath(t);
  assert.deepEqual(path.rows.map((row, k) => [ids(t)[row], path.from[k], path.to[k]]), [["b", 50, 100], ["a", 0, 50]]);
});

test("100,000 spans in one chain neither recurse nor take more than linear time", () => {
  const spans = Array.from({ length: 100_000 }, (_, i) => span(`s${i}`, i ? `s${i - 1}` : "", i, 300_000 - 2 * i));
  const t = trace(...spans);
  assert.equal(t.depthMost, 99_999);
  assert.equal(t.size[0], 100_000);
  const path = criticalPath(t);
  assert.equal(path.rows.length, 2 * 100_000 - 1);
  assert.equal(flame(t).n, 100_000);
});

test("quantiles are values that occurred", () => {
  assert.equal(quantile([], 0.5), 0);
  assert.equal(quantile([7], 0.99), 7);
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual([0.5, 0.95, 0.99, 1].map((q) => quantile(hundred, q)), [50, 95, 99, 100]);
});

test("statistics count, sum and share by service and operation, service, or tag", () => {
  const t = trace(
    span("a", "", 0, 100, { op: "get" }),
    span("b", "a", 10, 20, { op: "sql", process: "p2", tags: [{ key: "table", type: "string", value: "users" }] }),
    span("c", "a", 40, 30, { op: "sql", process: "p2", tags: [{ key: "error", type: "bool", value: true }] }),
  );
  const rows = statistics(t);
  const sql = rows.find((row) => row.names[1] === "sql");
  assert.deepEqual(
    [sql.count, sql.total, sql.self, sql.min, sql.max, sql.mean, sql.p50, sql.p95, sql.p99, sql.errors],
    [2, 50, 50, 20, 30, 25, 20, 30, 30, 1],
  );
  assert.equal(rows.find((row) => row.names[1] === "get").self, 50);
  assert.equal(rows.reduce((sum, row) => sum + row.share, 0), 1);
  assert.deepEqual(statistics(t, groupings.service).map((row) => row.names[0]), ["web", "db"]);
  assert.deepEqual(statistics(t, byTag("table")).map((row) => [row.names[0], row.count]), [["(none)", 2], ["users", 1]]);
});

test("statistics of the spans that match count no other, and their shares are of one another", () => {
  const trace = buildTrace({ traceID: "t", spans: [span("r", null, 0, 100, { op: "root" }), span("a", "r", 0, 40, { op: "x" }), span("b", "r", 50, 40, { op: "x" }), span("c", "r", 95, 5, { op: "y" })], processes: {} });
  const { match } = filterTrace(trace, "operation=x | operation=y");
  const rows = statistics(trace, groupings.operation, selfTimes(trace), match);
  assert.deepEqual(rows.map((row) => [row.names[0], row.count, row.total]), [["x", 2, 80], ["y", 1, 5]]);
  assert.equal(rows.reduce((sum, row) => sum + row.share, 0), 1);
});

test("flame frames merge equal paths and lie within their parents", () => {
  const t = trace(
    span("a", "", 0, 100, { op: "get" }),
    span("b", "a", 10, 90, { op: "sql" }),
    span("c", "a", 10, 80, { op: "sql" }),
    span("d", "a", 20, 5, { op: "log" }),
  );
  const f = flame(t);
  assert.equal(f.n, 3);
  assert.equal(f.total[0], 100);
  assert.equal(f.width[0], 175);
  assert.deepEqual([f.count[1], f.width[1], f.left[1], f.left[2]], [2, 170, 0, 170]);
});

test("the filter finds text, tags, shares, durations, states, and what they are not", () => {
  const t = trace(
    span("a", "", 0, 1000, { op: "GET /users" }),
    span("b", "a", 0, 30, { op: "sql", process: "p2", tags: [{ key: "db.table", type: "string", value: "Users" }] }),
    span("c", "a", 40, 10, { op: "sql", process: "p2", tags: [{ key: "error", type: "bool", value: true }] }),
    span("d", "a", 60, 20, { op: "cache", logs: [{ timestamp: T0, fields: [{ key: "event", type: "string", value: "cache miss" }] }] }),
  );
  const found = (source, context) => {
    const result = filterTrace(t, source, context);
    assert.equal(result.error, "", source);
    return ids(t).filter((_, i) => result.match[i]).join("");
  };
  assert.equal(filterTrace(t, "  "), null);
  assert.equal(found("users"), "ab");
  assert.equal(found('"cache miss"'), "d");
  assert.equal(found("alpha"), "ad");
  assert.equal(found("db.table=users"), "b");
  assert.equal(found("db.table="), "b");
  assert.equal(found("db.table!=users"), "acd");
  assert.equal(found("service=db"), "bc");
  assert.equal(found("operation=users"), "a");
  assert.equal(found("operation==users"), "", "all of it");
  assert.equal(found('operation=="get /users"'), "a");
  assert.equal(found("db.table==users"), "b");
  assert.equal(found("> 2.5 %"), "ab");
  assert.equal(found(">2.5%"), "ab");
  assert.equal(found("<= 20us"), "cd");
  assert.equal(found("> 0.02ms"), "ab");
  assert.equal(found("> 2,5 %"), "ab");
  assert.equal(found('"cache mi'), "d", "while it is being written");
  assert.equal(found('operation=="get /us'), "");
  assert.equal(found('operation="get /us'), "a");
  assert.equal(found("is:error"), "c");
  assert.equal(found("-is:error service=db"), "b");
  assert.equal(found("is:error | cache"), "cd");
  assert.equal(found("-sql -cache"), "a");
  assert.equal(found("is:critical", { critical: new Set([3]) }), "d");
  assert.equal(found("is:root"), "a");
  assert.match(filterTrace(t, "> 5").error, /needs a unit/);
  assert.match(filterTrace(t, "is:blue").error, /is:error/);
  assert.match(parseFilter(">").error, /needs a duration/);
});

test("whatever an operation is called, the filter that is written for it finds it and no other", () => {
  const names = ['SELECT * FROM "users" WHERE id=1', '"quoted"', "a|b", "", "-minus", "back\\slash", 'ends in \\', 'both \\" of them', "=x", "> 5", "is:error", "plain"];
  const t = trace(span("root", "", 0, 100, { op: "root" }), ...names.map((op, i) => span(`s${i}`, "root", i + 1, 1, { op })));
  for (const [i, name] of names.entries()) {
    const { match, count } = filterTrace(t, `service==web operation==${quoteFilter(name)} -none`);
    assert.deepEqual([count, match[i + 1]], [1, 1], name);
  }
  const text = (source) => parseFilter(source).terms.map(([term]) => term.text ?? term.value);
  assert.deepEqual(text(String.raw`"a \"b\" c" x="\"" "C:\temp\\" "open \"`), ['a "b" c', '"', "c:\\temp\\", 'open "']);
});

test("hiding keeps what a match hangs from; collapsing hides what is below", () => {
  const t = trace(span("a", "", 0, 100), span("b", "a", 1, 10), span("c", "b", 2, 1), span("d", "a", 20, 10), span("e", "d", 21, 1));
  const keep = withAncestors(t, filterTrace(t, "operation=c").match);
  const collapsed = new Uint8Array(t.n);
  assert.deepEqual([...visibleRows(t, collapsed, keep)].map((i) => ids(t)[i]), ["a", "b", "c"]);
  collapsed[1] = 1;
  assert.deepEqual([...visibleRows(t, collapsed, null)].map((i) => ids(t)[i]), ["a", "b", "d", "e"]);
});

test("a zoom stays within the trace, whatever an address asks for", () => {
  const state = new TraceState(trace(span("a", "", 0, 1000)), null);
  for (const [from, to] of [[1e30, 1e31], [-1e31, -1e30], [2000, 3000], [1000, 1000], [0, 0], [500, 1e30], [-5, 1e300]]) {
    state.setZoom(from, to);
    const { zoom } = state;
    assert.ok(zoom.from >= 0 && zoom.from < zoom.to && zoom.to <= 1000, `${from}..${to} gives ${zoom.from}..${zoom.to}`);
  }
});

test("comparing lays equal paths over each other and says what came and went", () => {
  const a = trace(span("a", "", 0, 100, { op: "get" }), span("b", "a", 1, 10, { op: "sql" }), span("c", "a", 20, 10, { op: "old" }));
  const b = trace(
    span("a", "", 0, 130, { op: "get" }),
    span("b", "a", 1, 10, { op: "sql" }),
    span("c", "a", 20, 10, { op: "sql" }),
    span("d", "b", 2, 3, { op: "new" }),
  );
  const compared = compareTraces(a, b);
  const told = compared.frames.map((frame) => [frame.operation, verdict(frame).change, verdict(frame).time]);
  assert.deepEqual(told, [["get", "same", 30], ["sql", "more", 10], ["new", "added", 3], ["old", "removed", -10]]);
  assert.deepEqual([...compared.size], [4, 2, 1, 1]);
  assert.deepEqual(summary(compared), { added: 1, removed: 1, more: 1, fewer: 0, same: 1 });
});

test("quantiles of a hundred spans are three different ones", () => {
  const t = trace(...Array.from({ length: 100 }, (_, i) => span(`s${i}`, "", 0, i + 1, { op: "one" })));
  const [one] = statistics(t);
  assert.deepEqual([one.p50, one.p95, one.p99, one.max], [50, 95, 99, 100]);
});

test("traces of a hundred thousand different calls are compared, and the longest time found", () => {
  const many = (from) => trace(span("root", "", 0, 1), ...Array.from({ length: 100_000 }, (_, i) => span(`${from}${i}`, "root", 1, i)));
  const compared = compareTraces(many("x"), many("y"));
  assert.equal(compared.n, 200_001);
  assert.equal(compared.most, 99_999);
});

test("a span is found by its id without looking at all of them each time, with and without zeros before, in capitals and not", () => {
  let asked = 0;
  const spans = Array.from({ length: 1000 }, (_, i) => {
    const made = span("", i ? "00a0" : "", i, 1);
    const id = (0xa0 + i).toString(16).padStart(4, "0");
    Object.defineProperty(made, "spanID", { get: () => (asked++, id) });
    return made;
  });
  const state = new TraceState(trace(...spans), {});
  assert.equal(state.rowOf("00a1"), 1);
  asked = 0;
  for (let i = 0; i < 1000; i++) assert.equal(state.rowOf((0xa0 + i).toString(16).padStart(4, "0")), i);
  assert.ok(asked <= 1000, `${asked} spans were asked for their ids`);
  assert.deepEqual(["A1", "a1", "000000A1", "ffff", "", undefined].map((id) => state.rowOf(id)), [1, 1, 1, -1, -1, -1]);
  // The first of two with one id; spans that came in are known.
  const twice = trace(span("a", "", 0, 9), span("b", "a", 1, 1), span("b", "a", 2, 1), span("c", "a", 3, 1));
  state.replace(twice, {});
  assert.deepEqual(["b", "c"].map((id) => state.rowOf(id)), [1, 3]);
});

test("graphs put callers left of callees, also where calls run in a circle, and overlap no nodes", () => {
  const graph = dependencyGraph([
    { parent: "web", child: "api", callCount: 3 },
    { parent: "api", child: "db", callCount: 9 },
    { parent: "db", child: "api", callCount: 1 },
    { parent: "db", child: "db", callCount: 4 },
  ]);
  const plan = layout(graph);
  const at = Object.fromEntries(graph.nodes.map((node) => [node.id, node]));
  assert.ok(at.web.x < at.api.x && at.api.x < at.db.x);
  assert.equal(plan.edges.filter((edge) => edge.back).length, 1);
  assert.equal(at.db.loops, 4);

  const t = trace(span("a", "", 0, 10), ...Array.from({ length: 30 }, (_, i) => span(`k${i}`, i % 3 ? `k${i - 1}` : "a", i, 1)));
  const big = traceGraph(t);
  layout(big);
  for (const a of big.nodes) {
    for (const b of big.nodes) if (a !== b) assert.ok(Math.abs(a.x - b.x) >= 190 || Math.abs(a.y - b.y) >= 48);
  }
});

test("of a graph that is too large for a picture the busiest stays", () => {
  const items = Array.from({ length: 1000 }, (_, i) => ({ parent: `s${i}`, child: `s${(i + 1) % 1000}`, callCount: i }));
  const graph = dependencyGraph(items);
  assert.equal(busiest(graph, 1000, 1000), graph);
  const { nodes, edges } = busiest(graph, 10, 5);
  // The busiest edge is that from 999 to 0; among the busiest nodes the edges from 990 on.
  assert.deepEqual(nodes.map((node) => node.id).sort(), Array.from({ length: 10 }, (_, i) => `s${990 + i}`));
  assert.deepEqual(edges.map((edge) => edge.count).sort(), [994, 995, 996, 997, 998]);
  layout({ nodes, edges });
  // A star keeps its middle.
  const star = dependencyGraph(items.map((_, i) => ({ parent: "middle", child: `leaf${i}`, callCount: 1 })));
  assert.equal(busiest(star, 10, 100).edges.length, 9);
});
