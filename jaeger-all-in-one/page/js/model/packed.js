// A trace as the backend packs it for this page (src/api/packed.rs says how): one flat list, from which a span is made when somebody looks at it.
//
// Of 100,000 spans the page draws some thirty. So a span here is only its place in the list; its tags, logs and references are objects from the first look on.
// To all who read one it is as it would be in Jaeger's JSON, also for `JSON.stringify`.

import { tagOutcome, logOutcome, TELLING } from "./trace.js";

const TYPES = ["string", "bool", "int64", "float64", "binary"];
const STRING = 0;
// What a span's part of the list begins with: each on its place, and then the references, behind their count.
const ID = 0;
const FLAGS = 1;
const OPERATION = 2;
const START = 3;
const DURATION = 4;
const PROCESS = 5;
const REFERENCES = 6;

/** Where the tags that begin at `at` end. */
const afterTags = (list, at) => at + 1 + 3 * list[at];

class Span {
  // Of the trace; where it begins; what was made of it.
  #of;
  #at;
  #tags;
  #logs;
  #references;

  constructor(of, at) {
    this.#of = of;
    this.#at = at;
  }

  get traceID() {
    return this.#of.traceID;
  }

  get spanID() {
    return this.#of.list[this.#at + ID];
  }

  get flags() {
    return this.#of.list[this.#at + FLAGS] || undefined;
  }

  get operationName() {
    return this.#of.texts[this.#of.list[this.#at + OPERATION]];
  }

  get startTime() {
    return this.#of.start + this.#of.list[this.#at + START];
  }

  get duration() {
    return this.#of.list[this.#at + DURATION];
  }

  get processID() {
    return `p${this.#of.list[this.#at + PROCESS]}`;
  }

  get references() {
    if (!this.#references) {
      const { list, traceID } = this.#of;
      this.#references = Array.from({ length: list[this.#at + REFERENCES] }, (_, k) => {
        const at = this.#at + REFERENCES + 1 + 3 * k;
        return { refType: list[at] === 0 ? "CHILD_OF" : "FOLLOWS_FROM", traceID: list[at + 1] || traceID, spanID: list[at + 2] };
      });
    }
    return this.#references;
  }

  get tags() {
    return (this.#tags ??= this.#tagsAt(this.#tagsFrom()));
  }

  get logs() {
    if (!this.#logs) {
      const { list, start } = this.#of;
      let at = afterTags(list, this.#tagsFrom());
      this.#logs = Array.from({ length: list[at++] }, () => {
        const log = { timestamp: start + list[at], fields: this.#tagsAt(at + 1) };
        at = afterTags(list, at + 1);
        return log;
      });
    }
    return this.#logs;
  }

  get warnings() {
    const { list } = this.#of;
    let at = afterTags(list, this.#tagsFrom());
    for (let left = list[at++]; left > 0; left--) at = afterTags(list, at + 1);
    return list[at] > 0 ? list.slice(at + 1, at + 1 + list[at]) : null;
  }

  /** As `outcome` of `trace.js`, without making its tags and logs. */
  outcome() {
    const { list, telling, value } = this.#of;
    let flags = 0;
    const read = (from, tells) => {
      const end = afterTags(list, from);
      for (let at = from + 1; at < end; at += 3) if (telling.has(list[at])) flags |= tells(telling.get(list[at]), value(at));
      return end;
    };
    let at = read(this.#tagsFrom(), tagOutcome);
    for (let left = list[at++]; left > 0; left--) at = read(at + 1, logOutcome);
    return flags;
  }

  /** As `parentId` of `trace.js`. */
  parentId() {
    const { list } = this.#of;
    let follows = "";
    const end = this.#tagsFrom();
    for (let at = this.#at + REFERENCES + 1; at < end; at += 3) {
      if (list[at + 1] !== 0) continue;
      if (list[at] === 0) return list[at + 2];
      follows ||= list[at + 2];
    }
    return follows;
  }

  toJSON() {
    const { traceID, spanID, flags, operationName, references, startTime, duration, tags, logs, processID, warnings } = this;
    return { traceID, spanID, flags, operationName, references, startTime, duration, tags, logs, processID, warnings };
  }

  #tagsFrom() {
    return this.#at + REFERENCES + 1 + 3 * this.#of.list[this.#at + REFERENCES];
  }

  #tagsAt(from) {
    const { list, texts, value } = this.#of;
    return Array.from({ length: list[from] }, (_, k) => {
      const at = from + 1 + 3 * k;
      return { key: texts[list[at]], type: TYPES[list[at + 1]], value: value(at) };
    });
  }
}

/** A trace of `/api/traces/{id}?packed=true` as one of Jaeger's JSON. A backend that knows nothing of that has sent such a one, which stays as it is. */
export function unpack(json) {
  if (!Array.isArray(json?.packed)) return json;
  const { traceID, start, count, packed: list, texts, processes, warnings } = json;
  const telling = new Map(TELLING.map((key) => [texts.indexOf(key), key]));
  const value = (at) => (list[at + 1] === STRING ? texts[list[at + 2]] : list[at + 2]);
  const of = { traceID, start, list, texts, telling, value };
  const spans = new Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    spans[i] = new Span(of, at);
    at = afterTags(list, at + REFERENCES + 1 + 3 * list[at + REFERENCES]);
    for (let left = list[at++]; left > 0; left--) at = afterTags(list, at + 1);
    at += 1 + list[at];
  }
  return { traceID, spans, processes, warnings };
}
