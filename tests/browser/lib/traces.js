// Traces for the tests, as OTLP JSON: a shop with errors, a panic and a cancelled call; big ones; hostile ones.
// Everything is computed from a seed, so that the same trace comes out each time.

/** Numbers in 0..1 that look random and are the same in each run. */
export function randomFrom(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export function hex(n, digits) {
  return n.toString(16).padStart(digits, "0");
}

function attribute(key, value) {
  if (typeof value === "boolean") return { key, value: { boolValue: value } };
  if (Number.isInteger(value)) return { key, value: { intValue: String(value) } };
  if (typeof value === "number") return { key, value: { doubleValue: value } };
  return { key, value: { stringValue: String(value) } };
}
const attributes = (object = {}) => Object.entries(object).map(([key, value]) => attribute(key, value));

/**
 * OTLP JSON of spans `{trace, id, parent, service, name, start (µs), duration (µs), tags, logs: [{at, …fields}], error,
 * kind, links: [{trace, span}]}`, by service as OTLP wants it.
 */
export function otlp(spans) {
  const services = new Map();
  for (const span of spans) {
    if (!services.has(span.service)) services.set(span.service, []);
    services.get(span.service).push(span);
  }
  const nanos = (us) => String(BigInt(Math.round(us)) * 1000n);
  return {
    resourceSpans: [...services].map(([service, list]) => ({
      resource: { attributes: attributes({ "service.name": service, "host.name": `${service}-1` }) },
      scopeSpans: [
        {
          spans: list.map((span) => ({
            traceId: span.trace,
            spanId: span.id,
            parentSpanId: span.parent || undefined,
            name: span.name,
            kind: span.kind ?? 1,
            startTimeUnixNano: nanos(span.start),
            endTimeUnixNano: nanos(span.start + span.duration),
            attributes: attributes(span.tags),
            events: (span.logs ?? []).map(({ at, event, ...fields }) => ({ timeUnixNano: nanos(at), name: event ?? "", attributes: attributes(fields) })),
            links: (span.links ?? []).map((link) => ({ traceId: link.trace, spanId: link.span })),
            status: span.error ? { code: 2, message: String(span.error) } : {},
          })),
        },
      ],
    })),
  };
}

const SHAPES = [
  ["web", "GET /cart", [["cart", "load cart", [["redis", "GET cart", []], ["postgres", "SELECT items", []]]], ["pricing", "price items", [["redis", "MGET prices", []]]]]],
  [
    "web",
    "POST /checkout",
    [
      ["auth", "check session", [["redis", "GET session", []]]],
      ["cart", "load cart", [["postgres", "SELECT items", []]]],
      ["checkout", "place order", [["inventory", "reserve", [["postgres", "UPDATE stock", []]]], ["payment", "charge card", [["bank", "POST /charges", []]]], ["postgres", "INSERT order", []], ["mail", "send receipt", []]]],
    ],
  ],
  ["web", "GET /search", [["search", "query index", [["search", "shard 0", []], ["search", "shard 1", []], ["search", "shard 2", []]]], ["pricing", "price items", []]]],
  ["worker", "nightly report", [["postgres", "SELECT orders", []], ["report", "render", [["report", "layout", []], ["report", "compress", []]]], ["mail", "send report", []]]],
];

/** One trace of the shop: `shape` 0–3, `start` in µs since 1970. */
export function shopTrace(seed, shape, start, options = {}) {
  const random = randomFrom(seed * 7919 + 13);
  const trace = hex(seed, 32);
  const spans = [];
  let next = 1;
  const visit = ([service, name, children], parent, at, length, depth) => {
    const id = hex(seed * 0x10000 + next++, 16);
    const span = { trace, id, parent, service, name, start: at, duration: length, tags: {}, logs: [], kind: depth === 0 ? 2 : service === "postgres" || service === "redis" || service === "bank" ? 3 : 1 };
    if (depth === 0) Object.assign(span.tags, { "http.method": name.startsWith("POST") ? "POST" : "GET", "http.url": `https://shop.example${name.split(" ")[1] ?? "/"}?id=${seed}`, "http.status_code": 200 });
    if (service === "postgres") span.tags["db.statement"] = `${name} WHERE id = $1`;
    if (service === "redis") span.tags.hit = random() > 0.3;
    span.tags.attempt = 1 + Math.floor(random() * 2);
    if (random() < 0.35) span.logs.push({ at: at + length * random(), event: "cache", key: `item:${Math.floor(random() * 100)}`, hit: random() > 0.5 });
    spans.push(span);
    // Children one after the other, now and then beside each other, each leaving a little time to the parent.
    const beside = name === "query index";
    const room = length * 0.92;
    let cursor = at + length * 0.03;
    for (const child of children) {
      const share = beside ? 0.6 + 0.4 * random() : (0.55 + 0.45 * random()) / children.length;
      const took = Math.max(1, Math.round(room * share));
      visit(child, id, Math.round(cursor), took, depth + 1);
      if (!beside) cursor += took + length * 0.01;
    }
    return span;
  };
  visit(SHAPES[shape], "", Math.round(start), Math.round(20_000 + 300_000 * random() ** 3), 0);
  const find = (name) => spans.find((span) => span.name === name);
  if (options.error) {
    const at = find("charge card") ?? spans[spans.length - 1];
    at.error = "card declined";
    at.logs.push({ at: at.start + at.duration, event: "error", message: "card declined", "error.kind": "PaymentError" });
    spans[0].error = "502";
    spans[0].tags["http.status_code"] = 502;
  }
  if (options.panic) {
    const at = find("render") ?? spans[1];
    at.error = "panicked";
    at.logs.push({ at: at.start + at.duration, event: "panic", message: "index out of bounds: the len is 3 but the index is 7", location: "src/render.rs:118:9" });
  }
  if (options.cancel) (find("price items") ?? spans[1]).tags.cancelled = true;
  return spans;
}

/** `count` traces of the shop over the last `minutes`; some fail. */
export function shop(count, now, minutes = 40) {
  const list = [];
  for (let i = 0; i < count; i++) {
    const start = now - (minutes * 60e6 * (i + 0.5)) / count;
    list.push(shopTrace(i + 1, [1, 0, 2, 0, 1, 3][i % 6], start, { error: i % 7 === 4, panic: i % 12 === 5, cancel: i % 6 === 2 }));
  }
  return list;
}

/** A trace of `n` spans: a root, batches below it, calls below these, and now and then an error. */
export function bigTrace(id, n, start) {
  const random = randomFrom(4711);
  const spans = [];
  const trace = hex(id, 32);
  const services = ["gateway", "orders", "stock", "prices", "postgres", "redis", "queue", "audit"];
  const whole = n * 100;
  const depthOf = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const up = i === 0 ? -1 : Math.max(0, i - 1 - Math.floor(random() ** 2 * Math.min(i, 60)));
    const parent = up < 0 ? null : depthOf[up] > 10 ? spans[0] : spans[up];
    depthOf[i] = parent === null ? 0 : parent === spans[0] ? 1 : depthOf[up] + 1;
    const service = services[(depthOf[i] * 3 + Math.floor(random() * 2)) % services.length];
    const at = i === 0 ? start : Math.max(parent.start, start + Math.round((whole * i) / n) - 200);
    spans.push({
      trace,
      id: hex(id * 0x1000000 + i + 1, 16),
      parent: parent?.id ?? "",
      service,
      name: i === 0 ? "import all orders" : `${["load", "check", "store", "send"][i % 4]} ${["order", "item", "price"][i % 3]}`,
      start: at,
      duration: i === 0 ? whole : Math.round(50 + random() ** 4 * 20_000),
      tags: { number: i, table: ["orders", "items", "prices"][i % 3], cached: i % 5 === 0 },
      logs: [],
      error: i % 997 === 500 ? "timed out" : undefined,
    });
  }
  return spans;
}
