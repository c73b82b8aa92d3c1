// Flame graph: spans with the same path of services and operations merged into one frame.
//
// Frames are columns too. A frame's width is the time of its spans; where children of a parallel parent took longer
// than the parent itself, the parent is as wide as they are, so that every frame lies within its parent.

import { ERROR } from "./trace.js";

/**
 * `{n, parent, depth, total, width, left, count, errors, service, operation, first, levels, byLevel, whole, frameOf}`; frames in order of
 * creation, a parent always before its children; `left` and `width` in microseconds of merged time.
 */
export function flame(trace) {
  const parent = [];
  const depth = [];
  const service = [];
  const operation = [];
  const first = [];
  const total = [];
  const count = [];
  const errors = [];
  const frameOf = new Int32Array(trace.n);
  const known = new Map();
  const names = trace.operations.length;
  const kinds = names * trace.services.length + 1;
  for (let i = 0; i < trace.n; i++) {
    const up = trace.parent[i] < 0 ? -1 : frameOf[trace.parent[i]];
    const key = (up + 1) * kinds + trace.service[i] * names + trace.operation[i];
    let at = known.get(key);
    if (at === undefined) {
      at = parent.length;
      known.set(key, at);
      parent.push(up);
      depth.push(up < 0 ? 0 : depth[up] + 1);
      service.push(trace.service[i]);
      operation.push(trace.operation[i]);
      first.push(i);
      total.push(0);
      count.push(0);
      errors.push(0);
    }
    frameOf[i] = at;
    total[at] += trace.span[i];
    count[at]++;
    if (trace.flags[i] & ERROR) errors[at]++;
  }
  const n = parent.length;
  const width = Float64Array.from(total);
  const inner = new Float64Array(n);
  let whole = 0;
  for (let f = n - 1; f >= 0; f--) {
    width[f] = Math.max(width[f], inner[f]);
    if (parent[f] >= 0) inner[parent[f]] += width[f];
    else whole += width[f];
  }
  // Children side by side from the parent's left edge, in order of creation.
  const left = new Float64Array(n);
  const filled = new Float64Array(n);
  let filledRoots = 0;
  let levels = 0;
  const byLevel = [];
  for (let f = 0; f < n; f++) {
    const up = parent[f];
    if (up < 0) {
      left[f] = filledRoots;
      filledRoots += width[f];
    } else {
      left[f] = left[up] + filled[up];
      filled[up] += width[f];
    }
    (byLevel[depth[f]] ??= []).push(f);
    levels = Math.max(levels, depth[f] + 1);
  }
  for (const level of byLevel) level.sort((a, b) => left[a] - left[b]);
  return { n, parent, depth, service, operation, first, total, width, left, count, errors, levels, byLevel, whole, frameOf };
}
