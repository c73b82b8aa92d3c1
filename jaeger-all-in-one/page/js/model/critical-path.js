// The critical path: the pieces of spans that the end of the trace waited for.
//
// Walking back from the end of the root: the child that ended last before the point reached is what the parent waited
// for; between its end and the point the parent itself was at work. The walk goes into that child and goes on at the
// child's start. Spans that follow from, rather than being children of, the parent are not waited for. A child that
// outlives its parent is clipped to it. A stack of our own: a trace may be 100,000 spans deep.

import { longestRoot } from "./trace.js";

function waitedFor(span) {
  const references = span.references;
  if (!Array.isArray(references) || references.length === 0) return true;
  return references.some((reference) => reference?.refType === "CHILD_OF") || !references.some((r) => r?.refType === "FOLLOWS_FROM");
}

/**
 * Sections of the critical path of `trace`, from the last to the first: `{row, from, to}` as three arrays,
 * times in microseconds since the start of the trace; together they cover the root from end to start without overlap.
 */
export function criticalPath(trace, root = longestRoot(trace)) {
  const rows = [];
  const from = [];
  const to = [];
  if (root < 0) return { rows, from, to };
  const { start, span, size, raw } = trace;

  const emit = (row, a, b) => {
    if (b <= a) return;
    rows.push(row);
    from.push(a);
    to.push(b);
  };
  const enter = (row, until, since) => {
    const end = Math.min(start[row] + span[row], until);
    const begin = Math.max(start[row], since);
    const children = [];
    for (let c = row + 1; c < row + size[row]; c += size[c]) {
      if (start[c] < end && start[c] + span[c] > begin && waitedFor(raw[c])) children.push(c);
    }
    const ending = (c) => Math.min(start[c] + span[c], end);
    children.sort((a, b) => ending(b) - ending(a) || start[b] - start[a]);
    return { row, at: end, begin, children, next: 0, took: false };
  };

  const stack = [enter(root, Infinity, -Infinity)];
  while (stack.length > 0) {
    const frame = stack[stack.length - 1];
    let entered = false;
    while (frame.next < frame.children.length) {
      const child = frame.children[frame.next++];
      const end = Math.min(start[child] + span[child], frame.at);
      // One that ended after the point reached ran beside the child already taken.
      if (frame.took && start[child] + span[child] > frame.at) continue;
      if (end <= frame.begin || start[child] >= frame.at) continue;
      emit(frame.row, end, frame.at);
      frame.at = Math.max(start[child], frame.begin);
      frame.took = true;
      stack.push(enter(child, end, frame.begin));
      entered = true;
      break;
    }
    if (!entered) {
      emit(frame.row, frame.begin, frame.at);
      stack.pop();
    }
  }
  return { rows, from, to };
}

/** Sections by row, `row → [from, to, from, to, …]`, for drawing. */
export function sectionsByRow(path) {
  const sections = new Map();
  for (let k = path.rows.length - 1; k >= 0; k--) {
    const row = path.rows[k];
    const at = sections.get(row);
    if (at) at.push(path.from[k], path.to[k]);
    else sections.set(row, [path.from[k], path.to[k]]);
  }
  return sections;
}
