// The language of the tags field: `key=value` with spaces between, read, written, and completed while it is typed.
//
//   http.status_code=500      up to the next space, whatever stands in it
//   "my key"="two words"      quotes round a key or a value that holds a space, a quote, or (a key) an =; within them
//                             \" is a quote and \\ a backslash
//   {"error": "true"}         or a JSON object, as Jaeger's own links have it

const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
const TAG = new RegExp(String.raw`(?:${QUOTED}|([^\s="]+))=(?:${QUOTED}|(\S*))`, "g");

const plain = (quoted) => quoted.replace(/\\(.)/g, "$1");

/** Tags as the field has them, as an object. Throws a message for people. */
export function parseTags(text) {
  const source = text.trim();
  if (!source) return {};
  if (source.startsWith("{")) {
    let object;
    try {
      object = JSON.parse(source);
    } catch {
      throw new Error("Tags that start with { must be a JSON object");
    }
    return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, String(value)]));
  }
  // Pairs, not fields of an object: a key may be called as one that every object has.
  const tags = [];
  const rest = source.replace(TAG, (_, quotedKey, key, quotedValue, value) => {
    tags.push([key ?? plain(quotedKey), value ?? plain(quotedValue)]);
    return "";
  });
  if (rest.trim()) throw new Error(`Write tags as key=value: “${rest.trim().split(/\s+/)[0]}” has no =`);
  return Object.fromEntries(tags);
}

/** A key or a value as the field takes it. */
export function quoteTag(text) {
  return /[\s"=]|^\{|^$/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}

/** The tag that the caret stands in, `{from, to, text}`; the text is what stands before the caret. */
export function tagAt(source, caret) {
  let from = 0;
  for (;;) {
    const to = endOfTag(source, from, caret);
    if (caret <= to) return { from, to, text: source.slice(from, caret) };
    from = to;
    while (from < caret && /\s/.test(source[from])) from++;
  }
}

function endOfTag(source, from, caret) {
  let at = endOfPart(source, from, caret);
  if (source[at] === "=") at = endOfPart(source, at + 1, caret);
  while (at < source.length && !/\s/.test(source[at])) at++;
  return at;
}

// The end of a key or of a value.
function endOfPart(source, from, caret) {
  if (source[from] === '"') {
    const closed = /"(?:[^"\\]|\\.)*"(?=[\s=]|$)/y;
    closed.lastIndex = from;
    if (closed.test(source)) return closed.lastIndex;
    // Not closed yet: what was typed within belongs to it, what stands behind the caret does not.
    return Math.max(from + 1, caret);
  }
  let at = from;
  while (at < source.length && !/[\s=]/.test(source[at])) at++;
  return at;
}

/** What of a tag was typed: `{key, value}`; the value is undefined as long as there is no `=`. */
export function typedTag(text) {
  const [, quoted, key, value] = /^(?:"((?:[^"\\]|\\.)*)(?:"|$)|([^\s="]*))(?:=(.*))?$/s.exec(text) ?? [, undefined, text];
  const [, begun] = /^"((?:[^"\\]|\\.)*)(?:"|$)/.exec(value ?? "") ?? [];
  return { key: quoted === undefined ? key : plain(quoted), value: begun === undefined ? value : plain(begun) };
}
