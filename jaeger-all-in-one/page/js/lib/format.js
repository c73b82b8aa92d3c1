// Numbers as people read them. Durations are microseconds everywhere in the page.

const UNITS = [
  [86_400e6, "d", 3600e6, "h"],
  [3600e6, "h", 60e6, "m"],
  [60e6, "m", 1e6, "s"],
];

/** `1.23 ms`, `12.3 s`, `2m 3s`: three digits that matter. */
export function duration(us) {
  if (!Number.isFinite(us)) return "–";
  if (us === 0) return "0";
  const sign = us < 0 ? "−" : "";
  const x = Math.abs(us);
  for (const [unit, name, smaller, smallerName] of UNITS) {
    if (x < unit) continue;
    const whole = Math.floor(x / unit);
    if (whole >= 1e6) return `${sign}${whole.toExponential(1)}${name}`;
    const rest = Math.round((x - whole * unit) / smaller);
    // Rounded up to one more of the greater: 1m 60s is 2m.
    if (rest * smaller === unit) return duration((whole + 1) * unit * (us < 0 ? -1 : 1));
    return `${sign}${whole}${name}${rest ? ` ${rest}${smallerName}` : ""}`;
  }
  if (x >= 999_500) return `${sign}${digits(x / 1e6)} s`;
  if (x >= 999.5) return `${sign}${digits(x / 1e3)} ms`;
  return `${sign}${digits(x)} µs`;
}

/** All of a time to the microsecond, which is as fine as the backend tells it: `1.2311 s`. Tells neighbours apart that begin at `1.23 s` both. */
export function exact(us) {
  if (!Number.isFinite(us)) return "–";
  return us < 0 ? `−${inFull(-us, 1)}` : inFull(us, 1);
}

function digits(x) {
  if (x >= 100) return String(Math.round(x));
  if (x >= 10) return trim(x.toFixed(1));
  return trim(x.toFixed(2));
}

function trim(text) {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** A duration written by a user, `1.5ms`, `1h30m`, in microseconds; NaN if it is none. The backend takes the same. */
export function parseDuration(text) {
  const source = text.trim();
  if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(source)) return NaN;
  const factor = { ns: 1e-3, us: 1, "µs": 1, "μs": 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };
  let sum = 0;
  for (const [, amount, unit] of source.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g)) sum += Number(amount) * factor[unit];
  return sum;
}

const numbers = new Intl.NumberFormat("en");
/** `12,345`. */
export function count(n) {
  return numbers.format(n);
}

/** `1 span`, `3 spans`. */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `2.5 %` of a share 0..1. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const x = share * 100;
  return `${x === 0 ? "0" : x < 0.1 ? "<0.1" : x < 10 ? trim(x.toFixed(1)) : Math.round(x)} %`;
}

function two(n) {
  return String(n).padStart(2, "0");
}

/** Local date and time of microseconds since 1970: `2026-11-25 14:03:12.345`; with `micros`, of which three digits more. */
export function dateTime(us, micros = false) {
  const date = new Date(us / 1000);
  if (Number.isNaN(date.getTime())) return "no date";
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${timeOfDay(us)}${micros ? String(((Math.floor(us) % 1000) + 1000) % 1000).padStart(3, "0") : ""}`;
}

/** `14:03:12.345`. */
export function timeOfDay(us) {
  const date = new Date(us / 1000);
  if (Number.isNaN(date.getTime())) return "no time";
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `3 minutes ago`. */
export function ago(us, now = Date.now() * 1000) {
  const seconds = (now - us) / 1e6;
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 3e10) return "at no known time";
  if (seconds < -1) return "in the future";
  if (seconds < 10) return "just now";
  for (const [size, name] of [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]]) {
    if (seconds >= size) return `${plural(Math.floor(seconds / size), name)} ago`;
  }
  return "just now";
}

/** Seven digits of an id, after its leading zeros, are enough to tell traces apart by eye. */
export function shortId(id) {
  return id.replace(/^0+(?=.)/, "").slice(0, 7);
}

/** Round steps for an axis over `from..to`, about `wanted` of them. */
export function ticks(from, to, wanted) {
  return steps(from, to, roundStep((to - from) / Math.max(1, wanted)));
}

// Round times that are no powers of ten, in µs.
const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIMES = [10 * SECOND, 15 * SECOND, 30 * SECOND, ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), ...[1, 2, 3, 6, 12].map((n) => n * HOUR), DAY];

/** The same for times in µs, which are round in minutes, hours and days where they are long. */
export function timeTicks(from, to, wanted) {
  const raw = (to - from) / Math.max(1, wanted);
  if (raw <= 5 * SECOND) return ticks(from, to, wanted);
  return steps(from, to, TIMES.find((step) => step >= raw) ?? DAY * roundStep(raw / DAY));
}

function roundStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].map((f) => f * power).find((x) => x >= raw);
}

function steps(from, to, step) {
  if (!(to - from > 0)) return [from];
  const list = [];
  for (let x = Math.ceil(from / step) * step; x <= to + step * 1e-9; x += step) list.push(x);
  return list;
}

// Digits of a mark that are still read at a glance, and that fit between two marks.
const DIGITS = 7;

/** Texts of the marks of a time axis (of `timeTicks`), each with as many digits as lie between two; later than the first by so much where that would be too many. */
export function timeMarks(list) {
  const step = list.length > 1 ? list[1] - list[0] : 0;
  const last = list[list.length - 1];
  const [first] = list;
  const short = (time) => (time < 60e6 ? digitsBy(time, step, time) : duration(time));
  if (step === 0) return list.map(duration);
  if (last < 60e6) {
    const told = list.map((time) => digitsBy(time, step, last));
    if (told.every((text) => text.replace(/\D/g, "").length <= DIGITS)) return told;
  } else if (first <= 0 || list.every((time) => roundedBy(time) <= step / 4)) return list.map(short);
  return list.map((time, k) => (k === 0 ? inFull(time, step) : `+${short(time - first)}`));
}

/**
 * The marks of a time axis that is `width` wide: `[{time, place (0..1), text, before}]`, as many as stand beside each other without touching, `letter` being the
 * width of a letter. One whose text would not end on the axis has it `before` its line.
 */
export function axisMarks(from, to, width, letter) {
  const whole = to - from || 1;
  // A mark needs room of some fifteen letters, to be read at a glance.
  for (let wanted = Math.max(2, Math.floor(width / (14 * letter))); ; wanted--) {
    const list = timeTicks(from, to, wanted);
    // No round time lies in it, or no two find room: where it begins.
    if (list.length === 0 || wanted < 1) return [{ time: from, place: 0, text: inFull(from, whole / 2), before: false }];
    const told = list.length === 1 ? [inFull(list[0], whole / 10)] : timeMarks(list);
    let reached = 0;
    let fits = true;
    const made = list.map((time, k) => {
      const place = (time - from) / whole;
      const long = (told[k].length + 1.5) * letter;
      const before = place * width + long > width;
      const begin = place * width - (before ? long : 0);
      if (begin < reached - 0.5) fits = false;
      reached = begin + long;
      return { time, place, text: told[k], before };
    });
    if (fits) return made;
  }
}

// What `duration` makes of a minute or more is off by so much.
function roundedBy(time) {
  const [, , smaller] = UNITS.find(([unit]) => time >= unit) ?? [];
  return smaller ? Math.abs(time - Math.round(time / smaller) * smaller) : 0;
}

// In the unit of `like`, to the step.
function digitsBy(time, step, like) {
  if (time === 0) return "0";
  const [unit, name] = like >= 999_500 ? [1e6, "s"] : like >= 999.5 ? [1e3, "ms"] : [1, "µs"];
  return `${trim((time / unit).toFixed(places(step / unit)))} ${name}`;
}

// Decimal places that tell multiples of 1, 2, 2.5 or 5 times a power of ten from each other.
function places(step) {
  const power = Math.floor(Math.log10(step) + 1e-9);
  const quarter = Math.abs(step / 10 ** power - 2.5) < 1e-6 ? 1 : 0;
  return Math.max(0, Math.min(12, quarter - power));
}

/** A time of which nothing is rounded away but what is little beside `step`: `1d 2h 3.004 s`. */
export function inFull(time, step) {
  const told = [];
  let rest = time;
  for (const [unit, name] of UNITS) {
    const whole = Math.floor(rest / unit);
    if (whole > 0) told.push(`${count(whole)}${name}`);
    rest -= whole * unit;
  }
  if (rest >= step / 10 || told.length === 0) told.push(digitsBy(rest, step, rest));
  return told.join(" ");
}
