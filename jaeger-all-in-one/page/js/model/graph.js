// Directed graphs in layers: the graph of a trace and the graph of services.
//
// Layout in the manner of Sugiyama: circles are broken by turning back edges round, layers by longest path, order in a
// layer by a few sweeps of the mean position of neighbours. Deterministic: same input, same picture.

import { ERROR } from "./trace.js";

/** Nodes and edges of a trace, by service and operation or by service: `{nodes, edges}`. */
export function traceGraph(trace, by = "operation", self = null) {
  const nodes = new Map();
  const edges = new Map();
  const keys = new Array(trace.n);
  for (let i = 0; i < trace.n; i++) {
    const service = trace.services[trace.service[i]];
    const operation = by === "operation" ? trace.operations[trace.operation[i]] : "";
    const key = `${service}\u0000${operation}`;
    keys[i] = key;
    let node = nodes.get(key);
    if (!node) {
      node = { id: key, service, operation, count: 0, total: 0, self: 0, errors: 0, first: i };
      nodes.set(key, node);
    }
    node.count++;
    node.total += trace.span[i];
    if (self) node.self += self[i];
    if (trace.flags[i] & ERROR) node.errors++;
    const up = trace.parent[i];
    if (up < 0 || keys[up] === key) continue;
    const edge = `${keys[up]}\u0001${key}`;
    const known = edges.get(edge);
    if (known) known.count++;
    else edges.set(edge, { from: keys[up], to: key, count: 1 });
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** Nodes and edges of `/api/dependencies`; calls of a service to itself stay on the node. */
export function dependencyGraph(items) {
  const nodes = new Map();
  const node = (name) => {
    if (!nodes.has(name)) nodes.set(name, { id: name, service: name, operation: "", count: 0, loops: 0 });
    return nodes.get(name);
  };
  const edges = [];
  for (const item of items) {
    const from = node(String(item.parent));
    const to = node(String(item.child));
    const count = Number(item.callCount) || 0;
    to.count += count;
    if (from === to) from.loops += count;
    else edges.push({ from: from.id, to: to.id, count });
  }
  return { nodes: [...nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), edges };
}

/** What of a graph is still a picture: its busiest nodes, and the busiest edges between them. The same graph if it is small enough. */
export function busiest(graph, boxes, arrows) {
  if (graph.nodes.length <= boxes && graph.edges.length <= arrows) return graph;
  const calls = new Map(graph.nodes.map((node) => [node.id, 0]));
  for (const { from, to, count } of graph.edges) {
    calls.set(from, calls.get(from) + count);
    calls.set(to, calls.get(to) + count);
  }
  const most = (list, weight, n) => new Set([...list].sort((a, b) => weight(b) - weight(a)).slice(0, n));
  const kept = most(graph.nodes, (node) => calls.get(node.id), boxes);
  const nodes = graph.nodes.filter((node) => kept.has(node));
  const ids = new Set(nodes.map((node) => node.id));
  const between = graph.edges.filter(({ from, to }) => ids.has(from) && ids.has(to));
  const drawn = most(between, (edge) => edge.count, arrows);
  return { nodes, edges: between.filter((edge) => drawn.has(edge)) };
}

// Which edges go against the flow, found depth first from the nodes that nothing points at.
function turned(count, out, indegree) {
  const state = new Uint8Array(count);
  const back = new Set();
  const roots = [...Array(count).keys()].sort((a, b) => indegree[a] - indegree[b] || a - b);
  for (const root of roots) {
    if (state[root]) continue;
    const stack = [[root, 0]];
    state[root] = 1;
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const edge = out[top[0]][top[1]++];
      if (!edge) {
        state[top[0]] = 2;
        stack.pop();
      } else if (state[edge.b] === 1) {
        back.add(edge);
      } else if (state[edge.b] === 0) {
        state[edge.b] = 1;
        stack.push([edge.b, 0]);
      }
    }
  }
  return back;
}

/**
 * Positions: gives every node `layer`, `x`, `y` (its centre) and returns `{width, height, edges}` with `back` marked.
 * Layers run left to right. `options`: node width and height and the gaps, in pixels.
 */
export function layout(graph, options = {}) {
  const { width = 190, height = 48, gapX = 84, gapY = 18 } = options;
  const { nodes } = graph;
  const index = new Map(nodes.map((node, i) => [node.id, i]));
  const out = nodes.map(() => []);
  const indegree = new Int32Array(nodes.length);
  const edges = [];
  for (const edge of graph.edges) {
    const a = index.get(edge.from);
    const b = index.get(edge.to);
    if (a === undefined || b === undefined || a === b) continue;
    const known = { ...edge, a, b };
    edges.push(known);
    out[a].push(known);
    indegree[b]++;
  }
  const back = turned(nodes.length, out, indegree);

  // Longest path, in topological order of the edges that are left.
  const layer = new Int32Array(nodes.length);
  const waits = new Int32Array(nodes.length);
  for (const edge of edges) if (!back.has(edge)) waits[edge.b]++;
  const ready = [...Array(nodes.length).keys()].filter((i) => waits[i] === 0);
  for (let at = 0; at < ready.length; at++) {
    for (const edge of out[ready[at]]) {
      if (back.has(edge)) continue;
      layer[edge.b] = Math.max(layer[edge.b], layer[edge.a] + 1);
      if (--waits[edge.b] === 0) ready.push(edge.b);
    }
  }
  const layers = [];
  for (const i of ready) (layers[layer[i]] ??= []).push(i);

  const place = new Float64Array(nodes.length);
  const settle = () => layers.forEach((row) => row.forEach((i, k) => (place[i] = k - (row.length - 1) / 2)));
  settle();
  const before = nodes.map(() => []);
  const after = nodes.map(() => []);
  for (const edge of edges) {
    before[edge.b].push(edge.a);
    after[edge.a].push(edge.b);
  }
  const mean = (list, self) => (list.length ? list.reduce((sum, i) => sum + place[i], 0) / list.length : place[self]);
  for (let sweep = 0; sweep < 6; sweep++) {
    const rows = sweep % 2 ? [...layers].reverse() : layers;
    const side = sweep % 2 ? after : before;
    for (const row of rows) {
      const target = new Map(row.map((i) => [i, mean(side[i], i)]));
      row.sort((a, b) => target.get(a) - target.get(b) || a - b);
    }
    settle();
  }

  const tallest = Math.max(0, ...layers.map((row) => row.length));
  const whole = tallest * (height + gapY) - gapY;
  layers.forEach((row, l) => {
    const offset = (whole - (row.length * (height + gapY) - gapY)) / 2;
    row.forEach((i, k) => {
      nodes[i].layer = l;
      nodes[i].x = l * (width + gapX) + width / 2;
      nodes[i].y = offset + k * (height + gapY) + height / 2;
    });
  });
  return {
    width: Math.max(0, layers.length * (width + gapX) - gapX),
    height: Math.max(0, whole),
    node: { width, height },
    edges: edges.map((edge) => ({ ...edge, back: back.has(edge), source: nodes[edge.a], target: nodes[edge.b] })),
  };
}
