// JSON of a large object in parts: one text holds half a gigabyte at most, a file may have more.

/** The parts of what `JSON.stringify(object)` is; the list named `key` comes so many elements at a time. */
export function jsonParts(object, key, atOnce = 5_000) {
  const parts = [];
  let before = "{";
  for (const [name, value] of Object.entries(object)) {
    const text = name === key && Array.isArray(value) ? null : JSON.stringify(value);
    // As there: what is no JSON (undefined, a function) is left out.
    if (text === undefined) continue;
    parts.push(`${before}${JSON.stringify(name)}:`);
    before = ",";
    if (text !== null) {
      parts.push(text);
      continue;
    }
    parts.push("[");
    for (let at = 0; at < value.length; at += atOnce) {
      const some = JSON.stringify(value.slice(at, at + atOnce)).slice(1, -1);
      parts.push(at > 0 ? `,${some}` : some);
    }
    parts.push("]");
  }
  parts.push(before === "{" ? "{}" : "}");
  return parts;
}
