// A trace as columns: Jaeger's JSON in, typed arrays in tree order out.
//
// Spans are renumbered in depth-first order, siblings by start time, so that row i is span i, the subtree of i is the
// contiguous range [i, i + size[i]), and every pass over the tree is a loop over an array. All of it is linear in the
// number of spans; sorting is skipped where the backend already sent them by start time, as ours does.
//
// Nothing in the input is trusted: times may be text, huge, negative or absent; parents may be missing, be the span
// itself or run in a circle; ids may repeat. Each of these is kept, shown, and marked by a flag and a warning.
// Left out on purpose: tags, logs and references stay in the parsed JSON (`raw[i]`) until somebody opens the span.

export const ERROR = 1;
export const PANIC = 2;
export const CANCELLED = 4;
export const WARNING = 8;
/** The parent is named but not in the trace. */
export const ORPHAN = 16;
/** The edge to the parent was cut because it closed a circle. */
export const CUT = 32;
/** Another span has the same id. */
export const DUPLICATE = 64;

/** A number from whatever the JSON held; 0 where it is none. */
export function number(value) {
  const x = typeof value === "number" ? value : typeof value === "string" ? Number(value) : 0;
  return Number.isFinite(x) ? x : 0;
}

/** A text from whatever the JSON held. */
export function text(value) {
  if (typeof value === "string") return value;
  // Of an object the JSON, for it may have anything where a program looks for its text: `{"toString": 1}`.
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function list(value) {
  return Array.isArray(value) ? value : [];
}

/** Keys of tags and of logs' fields that tell an outcome. */
export const TELLING = ["error", "otel.status_code", "cancelled", "event"];

/** Bits of the outcome that a tag tells. */
export function tagOutcome(key, value) {
  switch (key) {
    case "error":
      return value === true || value === "true" ? ERROR : 0;
    case "otel.status_code":
      return value === "ERROR" ? ERROR : 0;
    case "cancelled":
      return value === true || value === "true" ? CANCELLED : 0;
    default:
      return 0;
  }
}

/** The same for a field of a log. */
export function logOutcome(key, value) {
  return key === "event" && value === "panic" ? PANIC : 0;
}

/** Bits of the outcome that the tags and logs of one span tell. */
export function outcome(span) {
  // One that is packed; no file holds functions.
  if (typeof span.outcome === "function") return span.outcome();
  let flags = 0;
  for (const tag of list(span.tags)) flags |= tagOutcome(tag?.key, tag?.value);
  for (const log of list(span.logs)) {
    for (const field of list(log?.fields)) flags |= logOutcome(field?.key, field?.value);
  }
  return flags;
}

/** The id of the parent: the first CHILD_OF within this trace, else the first FOLLOWS_FROM, else `parentSpanID`. */
export function parentId(span) {
  if (typeof span.parentId === "function") return span.parentId();
  let follows = "";
  for (const reference of list(span.references)) {
    if (!reference || (reference.traceID && span.traceID && reference.traceID !== span.traceID)) continue;
    if (reference.refType === "CHILD_OF") return text(reference.spanID);
    if (!follows && reference.refType === "FOLLOWS_FROM") follows = text(reference.spanID);
  }
  return follows || text(span.parentSpanID);
}

// Strings that repeat, each kept once and known by its number.
class Names {
  constructor() {
    this.list = [];
    this.numbers = new Map();
  }

  of(name) {
    let at = this.numbers.get(name);
    if (at === undefined) {
      at = this.list.length;
      this.numbers.set(name, at);
      this.list.push(name);
    }
    return at;
  }
}

/** Order of the spans by start time, stable. */
function byStart(start) {
  const n = start.length;
  const order = new Uint32Array(n);
  let sorted = true;
  for (let i = 0; i < n; i++) {
    order[i] = i;
    if (i > 0 && start[i] < start[i - 1]) sorted = false;
  }
  return sorted ? order : order.sort((a, b) => start[a] - start[b] || a - b);
}

/** Cuts every circle of parents at the span where it closes; returns nothing, changes `parent` and `flags`. */
function cutCircles(parent, flags) {
  const seen = new Uint32Array(parent.length);
  for (let i = 0; i < parent.length; i++) {
    const mark = i + 1;
    let at = i;
    while (at >= 0 && seen[at] === 0) {
      seen[at] = mark;
      const up = parent[at];
      if (up >= 0 && seen[up] === mark) {
        parent[at] = -1;
        flags[at] |= CUT | WARNING;
        break;
      }
      at = up;
    }
  }
}

/** Depth-first order of a forest: `order[row]` is the span, children by start time. */
function depthFirst(parent, sorted) {
  const n = parent.length;
  const head = new Int32Array(n).fill(-1);
  const next = new Int32Array(n).fill(-1);
  let roots = -1;
  // From the last to the first, pushing each to the front of its parent's list: the lists end up by start time.
  for (let k = n - 1; k >= 0; k--) {
    const i = sorted[k];
    const up = parent[i];
    if (up < 0) {
      next[i] = roots;
      roots = i;
    } else {
      next[i] = head[up];
      head[up] = i;
    }
  }
  const order = new Uint32Array(n);
  let row = 0;
  let at = roots;
  while (at >= 0) {
    order[row++] = at;
    if (head[at] >= 0) {
      at = head[at];
      continue;
    }
    while (at >= 0 && next[at] < 0) at = parent[at];
    if (at >= 0) at = next[at];
  }
  return order;
}

/**
 * Columns of a trace.
 *
 * `json` is one element of `data` of Jaeger's `/api/traces`: `{traceID, spans, processes, warnings}`.
 * Times are microseconds; `start[i]` counts from the start of the trace, `startTime` is since 1970.
 */
export function buildTrace(json) {
  const spans = list(json?.spans).filter((span) => span && typeof span === "object");
  const processes = json?.processes && typeof json.processes === "object" ? json.processes : {};
  const n = spans.length;
  const services = new Names();
  const operations = new Names();

  const begin = new Float64Array(n);
  const parent = new Int32Array(n).fill(-1);
  const flags = new Uint8Array(n);
  const byId = new Map();
  for (let i = 0; i < n; i++) {
    const span = spans[i];
    begin[i] = number(span.startTime);
    flags[i] = outcome(span);
    if (list(span.warnings).length > 0) flags[i] |= WARNING;
    if (number(span.duration) < 0) flags[i] |= WARNING;
    const id = text(span.spanID);
    if (byId.has(id)) flags[i] |= DUPLICATE | WARNING;
    else byId.set(id, i);
  }
  for (let i = 0; i < n; i++) {
    const id = parentId(spans[i]);
    if (!id || /^0+$/.test(id)) continue;
    const up = byId.get(id);
    if (up === undefined) flags[i] |= ORPHAN;
    else if (up === i) flags[i] |= CUT | WARNING;
    else parent[i] = up;
  }
  cutCircles(parent, flags);
  const order = depthFirst(parent, byStart(begin));

  const trace = {
    id: text(json?.traceID) || text(spans[0]?.traceID),
    n,
    startTime: 0,
    duration: 0,
    raw: new Array(n),
    processes,
    warnings: list(json?.warnings).map(text),
    start: new Float64Array(n),
    span: new Float64Array(n),
    parent: new Int32Array(n).fill(-1),
    depth: new Int32Array(n),
    size: new Int32Array(n).fill(1),
    service: new Uint32Array(n),
    operation: new Uint32Array(n),
    flags: new Uint8Array(n),
    services: services.list,
    operations: operations.list,
    depthMost: 0,
  };
  let first = Infinity;
  let last = -Infinity;
  const row = new Uint32Array(n);
  for (let r = 0; r < n; r++) {
    const i = order[r];
    row[i] = r;
    const span = spans[i];
    const length = Math.max(0, number(span.duration));
    trace.raw[r] = span;
    trace.start[r] = begin[i];
    trace.span[r] = length;
    trace.flags[r] = flags[i];
    trace.service[r] = services.of(serviceOf(span, processes));
    trace.operation[r] = operations.of(text(span.operationName));
    if (begin[i] < first) first = begin[i];
    if (begin[i] + length > last) last = begin[i] + length;
    if (parent[i] >= 0) {
      const up = row[parent[i]];
      trace.parent[r] = up;
      trace.depth[r] = trace.depth[up] + 1;
      if (trace.depth[r] > trace.depthMost) trace.depthMost = trace.depth[r];
    }
  }
  for (let r = n - 1; r >= 0; r--) {
    if (trace.parent[r] >= 0) trace.size[trace.parent[r]] += trace.size[r];
  }
  if (n > 0) {
    trace.startTime = first;
    trace.duration = last - first;
    for (let r = 0; r < n; r++) trace.start[r] -= first;
  }
  return trace;
}

function serviceOf(span, processes) {
  return text((span.process ?? own(processes, span.processID))?.serviceName) || "unknown service";
}

/** The process of row `i`. */
export function processOf(trace, i) {
  const span = trace.raw[i];
  if (span.process) return span.process;
  return own(trace.processes, span.processID) ?? { serviceName: "", tags: [] };
}

function own(processes, id) {
  const key = text(id);
  return Object.hasOwn(processes, key) ? processes[key] : undefined;
}

/** Microseconds that span `i` spent in no child: its duration less the union of its children, clipped to it. */
export function selfTimes(trace) {
  const { n, start, span, size } = trace;
  const self = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const end = start[i] + span[i];
    let covered = 0;
    let reached = start[i];
    // Children come by start time, so one walk merges their intervals.
    for (let c = i + 1; c < i + size[i]; c += size[c]) {
      const from = Math.max(start[c], reached);
      const to = Math.min(start[c] + span[c], end);
      if (to > from) {
        covered += to - from;
        reached = to;
      }
    }
    self[i] = Math.max(0, span[i] - covered);
  }
  return self;
}

/** Counts for the head of a page. */
export function overview(trace) {
  let errors = 0;
  let panics = 0;
  let cancelled = 0;
  for (let i = 0; i < trace.n; i++) {
    const f = trace.flags[i];
    if (f & ERROR) errors++;
    if (f & PANIC) panics++;
    if (f & CANCELLED) cancelled++;
  }
  return { errors, panics, cancelled, services: trace.services.length, depth: trace.n ? trace.depthMost + 1 : 0 };
}

/**
 * Row of the span that names the trace, -1 if there is none. The rule is that of the backend's summaries, so that lists and
 * pages call it the same: the first span without a parent; else the first whose parent is not there; else the first.
 */
export function rootRow(trace) {
  let orphan = -1;
  let first = -1;
  // What has no parent here stands by start time.
  for (let i = 0; i < trace.n; i += trace.size[i]) {
    if (!(trace.flags[i] & (ORPHAN | CUT))) return i;
    if (orphan < 0 && trace.flags[i] & ORPHAN) orphan = i;
  }
  if (orphan >= 0) return orphan;
  for (let i = 0; i < trace.n; i++) if (first < 0 || trace.start[i] < trace.start[first]) first = i;
  return first;
}

/** Row of the root that is longest, of those without a missing parent if there are any; -1 if there is none. */
export function longestRoot(trace) {
  let best = -1;
  let bestOrphan = true;
  for (let i = 0; i < trace.n; i += trace.size[i]) {
    const orphan = (trace.flags[i] & ORPHAN) !== 0;
    if (best < 0 || (bestOrphan && !orphan) || (bestOrphan === orphan && trace.span[i] > trace.span[best])) {
      best = i;
      bestOrphan = orphan;
    }
  }
  return best;
}

/** Text that names row `i`: service and operation. */
export function nameOf(trace, i) {
  return `${trace.services[trace.service[i]]}: ${trace.operations[trace.operation[i]]}`;
}
