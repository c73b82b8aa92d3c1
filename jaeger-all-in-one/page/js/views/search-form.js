// The search form: fields, completion, and what they mean.

import { h, fill } from "../lib/dom.js";
import * as api from "../lib/api.js";
import { combobox, suggest } from "../lib/combobox.js";
import { count, duration, parseDuration } from "../lib/format.js";
import { parseTags, quoteTag, tagAt, typedTag } from "../lib/tags.js";

const LOOKBACKS = [
  ["5m", "Last 5 minutes", 300],
  ["15m", "Last 15 minutes", 900],
  ["1h", "Last hour", 3600],
  ["3h", "Last 3 hours", 3 * 3600],
  ["12h", "Last 12 hours", 12 * 3600],
  ["1d", "Last day", 86_400],
  ["2d", "Last 2 days", 2 * 86_400],
  ["7d", "Last 7 days", 7 * 86_400],
  ["custom", "From … to …", 0],
];
const DEFAULT_LOOKBACK = "1h";
// As many as Jaeger's own page takes; each is a line and a dot.
export const MOST_TRACES = 1500;

/** The search that an address asks for, as `api.search` takes it. Throws a message for people. */
export function readQuery(query, now = Date.now() * 1000) {
  const { start, end } = period(query, now);
  return {
    service: query.service ?? "",
    operation: query.operation === "all" ? "" : (query.operation ?? ""),
    tags: parseTags(query.tags ?? ""),
    minDuration: query.minDuration ?? "",
    maxDuration: query.maxDuration ?? "",
    limit: Number(query.limit) >= 1 ? Math.min(MOST_TRACES, Math.floor(Number(query.limit))) : 20,
    start,
    end,
  };
}

function period(query, now) {
  if (query.lookback === "custom" || (!query.lookback && query.start)) {
    return { start: moment("start", query.start) ?? now - 3600e6, end: moment("end", query.end) ?? now };
  }
  const seconds = LOOKBACKS.find(([name]) => name === query.lookback)?.[2] ?? span(query.lookback) ?? 3600;
  return { start: Math.max(0, now - seconds * 1e6), end: now };
}

// The last moment that the backend's dates have digits for, in µs.
const LAST = Date.UTC(9999, 11, 31) * 1000;

// A time of the address in µs. What is none is said: to look somewhere else instead would look like an answer.
function moment(name, text) {
  if (!text) return undefined;
  const us = Number(text);
  if (us >= 0 && us <= LAST) return us;
  throw new Error(`${name}=${text} is no time: it is written in microseconds since 1970`);
}

// Jaeger's links also say "30m" or "4h".
function span(text) {
  const match = /^(\d+)([mhdw])$/.exec(text ?? "");
  return match ? Number(match[1]) * { m: 60, h: 3600, d: 86_400, w: 604_800 }[match[2]] : undefined;
}

/** What a field of date and time holds; nothing for what is no time. */
function local(us) {
  if (!(us >= 0 && us <= LAST)) return "";
  const date = new Date(us / 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
const micros = (value) => new Date(value).getTime() * 1000;

// Keeps an answer while somebody types a word, and no longer: what has come in since is found at the next look.
const KEPT = 1000;
function brief(ask) {
  let answer = null;
  let at = 0;
  return () => {
    if (!answer || performance.now() - at > KEPT) {
      at = performance.now();
      const mine = (answer = ask());
      mine.catch(() => mine === answer && (answer = null));
    }
    return answer;
  };
}

/** The form; `submit(query)` gets the fields as they stand in the address. */
export function searchForm(submit) {
  const services = brief(() => api.services({ signal: end.signal }));
  const operations = new Map();
  const end = new AbortController();

  const service = combobox({
    id: "search-service",
    name: "service",
    placeholder: "All services",
    source: async (text) => {
      const list = await services();
      // A whole name that is already there means: show me the others.
      return suggest(list, list.includes(text) ? "" : text).map((name) => ({ value: name }));
    },
  });
  service.input.dataset.firstField = "";
  const operationsOf = (name) => {
    if (!operations.has(name)) operations.set(name, brief(() => api.operations(name, { signal: end.signal })));
    return operations.get(name)();
  };
  const operation = combobox({
    id: "search-operation",
    name: "operation",
    placeholder: "All operations",
    source: async (text) => {
      const name = service.input.value.trim();
      if (!name) return [];
      const list = await operationsOf(name);
      const known = list.some((item) => item.name === text);
      return suggest(list, known ? "" : text, (item) => item.name).map((item) => ({ value: item.name, hint: item.kind }));
    },
  });
  const tags = combobox({
    id: "search-tags",
    name: "tags",
    placeholder: "http.status_code=500 error=true",
    describedby: "search-tags-hint",
    token: (input) => tagAt(input.value, input.selectionStart ?? input.value.length),
    source: async (text, signal) => {
      const where = { service: service.input.value.trim(), operation: operation.input.value.trim() };
      const { key, value: begun } = typedTag(text);
      if (begun === undefined) {
        const keys = (await api.tagKeys({ ...where, prefix: key }, { signal })) ?? [];
        return suggest(keys, key).map((name) => ({ value: `${quoteTag(name)}=`, label: name, more: true }));
      }
      const values = (await api.tagValues(key, { ...where, prefix: begun }, { signal })) ?? [];
      return suggest(values.map(String), begun).map((value) => ({ value: `${quoteTag(key)}=${quoteTag(value)} `, label: value, hint: key }));
    },
  });

  const lookback = h("select", { id: "search-lookback", name: "lookback", class: "input" }, LOOKBACKS.map(([name, text]) => h("option", { value: name }, text)));
  const from = h("input", { id: "search-from", type: "datetime-local", step: "1", class: "input" });
  const to = h("input", { id: "search-to", type: "datetime-local", step: "1", class: "input" });
  const custom = h("div", { class: "field-stack" }, field("search-from", "From", from), field("search-to", "To", to));
  const minimum = h("input", { id: "search-min", name: "minDuration", class: "input", placeholder: "1.2s, 100ms", autocomplete: "off", "aria-describedby": "search-duration-hint" });
  const maximum = h("input", { id: "search-max", name: "maxDuration", class: "input", placeholder: "500us", autocomplete: "off", "aria-describedby": "search-duration-hint" });
  const limit = h("input", { id: "search-limit", name: "limit", type: "number", min: "1", max: String(MOST_TRACES), class: "input", value: "20" });
  const problem = h("p", { class: "field-problem", id: "search-problem", role: "alert" });

  const showCustom = () => {
    custom.hidden = lookback.value !== "custom";
    if (!custom.hidden && !from.value) {
      from.value = local(Date.now() * 1000 - 3600e6);
      to.value = local(Date.now() * 1000);
    }
  };
  lookback.addEventListener("change", showCustom);

  // Says what is wrong with the first field that is, and goes there.
  const wrong = () => {
    for (const input of [tags.input, minimum, maximum, limit]) input.removeAttribute("aria-invalid");
    const refuse = (input, text) => {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-errormessage", "search-problem");
      fill(problem, text);
      input.focus();
      return true;
    };
    fill(problem);
    try {
      parseTags(tags.input.value);
    } catch (error) {
      return refuse(tags.input, error.message);
    }
    for (const input of [minimum, maximum]) {
      const text = input.value.trim();
      if (text && Number.isNaN(parseDuration(text))) return refuse(input, `“${text}” is no duration: write 100ms, 1.5s or 250us`);
    }
    if (limit.value.trim() && !(Number(limit.value) >= 1 && Number(limit.value) <= MOST_TRACES)) return refuse(limit, `The most traces are 1 to ${count(MOST_TRACES)}`);
    const [least, most] = [minimum, maximum].map((input) => parseDuration(input.value.trim()));
    if (most < least) return refuse(maximum, "The longest duration is shorter than the shortest");
    return false;
  };

  const element = h(
    "form",
    {
      class: "search-form",
      novalidate: true,
      "aria-label": "Search for traces",
      on: {
        submit(event) {
          event.preventDefault();
          if (wrong()) return;
          const query = {
            service: service.input.value.trim(),
            operation: operation.input.value.trim(),
            tags: tags.input.value.trim(),
            minDuration: minimum.value.trim(),
            maxDuration: maximum.value.trim(),
            lookback: lookback.value,
            limit: limit.value.trim() || "20",
          };
          if (query.lookback === "custom") {
            query.start = String(micros(from.value) || "");
            query.end = String(micros(to.value) || "");
          }
          submit(query);
        },
      },
    },
    field("search-service", "Service", service.element),
    field("search-operation", "Operation", operation.element),
    field("search-tags", "Tags", tags.element, h("p", { class: "hint", id: "search-tags-hint" }, "All on one span; quotes around spaces")),
    field("search-lookback", "When", lookback),
    custom,
    h(
      "div",
      { class: "field field-durations", role: "group", "aria-label": "Duration of a span" },
      h("div", { class: "field-pair" }, field("search-min", "At least", minimum), field("search-max", "At most", maximum)),
      // As Jaeger's: a trace is found by any one span, so it may itself be longer.
      h("p", { class: "hint", id: "search-duration-hint" }, "How long one of its spans took"),
    ),
    field("search-limit", "Most traces", limit),
    problem,
    h("button", { class: "button button-primary button-wide" }, "Find traces"),
  );
  services().catch(() => {});

  return {
    element,
    set(query) {
      service.input.value = query.service ?? "";
      operation.input.value = query.operation === "all" ? "" : (query.operation ?? "");
      tags.input.value = query.tags ?? "";
      minimum.value = query.minDuration ?? "";
      maximum.value = query.maxDuration ?? "";
      limit.value = query.limit ?? "20";
      lookback.querySelector("[data-other]")?.remove();
      const known = LOOKBACKS.some(([name]) => name === query.lookback);
      const other = !known && span(query.lookback);
      // A period that only a link names stands among the others, so that the next search has it too.
      if (other) lookback.append(h("option", { value: query.lookback, "data-other": true }, other * 1e3 < Date.now() ? `Last ${duration(other * 1e6)}` : "All that is held"));
      lookback.value = known || other ? query.lookback : query.start ? "custom" : DEFAULT_LOOKBACK;
      if (lookback.value === "custom") {
        from.value = query.start ? local(Number(query.start)) : "";
        to.value = query.end ? local(Number(query.end)) : "";
      }
      showCustom();
    },
    destroy: () => end.abort(),
  };
}

function field(id, label, control, ...more) {
  return h("div", { class: "field" }, h("label", { for: id }, label), control, more);
}
