// Two traces laid over each other by path of service and operation.
//
// Frames as in the flame graph, but of both traces at once, in depth-first order: `size[f]` is the number of frames in
// the subtree, so the table can collapse them as the timeline does.

/**
 * `{n, depth, size, parent, frames, most}`, a frame `{service, operation, count, time, errors}` of both sides each; times in microseconds (sums), `most` the
 * longest of them, at least 1.
 */
export function compareTraces(a, b) {
  const root = { children: new Map(), index: -1 };
  let total = 0;
  const add = (trace, side) => {
    const at = new Array(trace.n);
    for (let i = 0; i < trace.n; i++) {
      const up = trace.parent[i] < 0 ? root : at[trace.parent[i]];
      const service = trace.services[trace.service[i]];
      const operation = trace.operations[trace.operation[i]];
      const key = `${service}\u0000${operation}`;
      let frame = up.children.get(key);
      if (!frame) {
        frame = { service, operation, count: [0, 0], time: [0, 0], errors: [0, 0], children: new Map() };
        up.children.set(key, frame);
        total++;
      }
      frame.count[side]++;
      frame.time[side] += trace.span[i];
      if (trace.flags[i] & 1) frame.errors[side]++;
      at[i] = frame;
    }
  };
  add(a, 0);
  add(b, 1);

  const out = {
    n: total,
    depth: new Int32Array(total),
    size: new Int32Array(total).fill(1),
    parent: new Int32Array(total).fill(-1),
    frames: new Array(total),
    most: 1,
  };
  let next = 0;
  const stack = [{ children: root.children.values(), index: -1, depth: -1 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const step = top.children.next();
    if (step.done) {
      stack.pop();
      continue;
    }
    const frame = step.value;
    const index = next++;
    out.frames[index] = frame;
    out.most = Math.max(out.most, ...frame.time);
    out.parent[index] = top.index;
    out.depth[index] = top.depth + 1;
    stack.push({ children: frame.children.values(), index, depth: top.depth + 1 });
  }
  for (let f = total - 1; f >= 0; f--) if (out.parent[f] >= 0) out.size[out.parent[f]] += out.size[f];
  return out;
}

/** What became of a frame: "added", "removed", "more", "fewer" or "same" by number of spans, and the change of time. */
export function verdict(frame) {
  const [a, b] = frame.count;
  const change = a === 0 ? "added" : b === 0 ? "removed" : b > a ? "more" : b < a ? "fewer" : "same";
  return { change, count: b - a, time: frame.time[1] - frame.time[0] };
}

/** Numbers for the head of the page. */
export function summary(compared) {
  const counts = { added: 0, removed: 0, more: 0, fewer: 0, same: 0 };
  for (const frame of compared.frames) counts[verdict(frame).change]++;
  return counts;
}
