// A colour for each service, the same all over the page and told apart in both themes.
//
// Eleven hues, none of them the red of errors, and each in a strong and a quiet tone; a name's hash picks one, and a name
// that would share it takes the next free one. Lightness and chroma come from the theme (--service-l, --service-c), so a
// service keeps its hue when the theme changes.

const HUES = [235, 145, 85, 325, 205, 55, 295, 115, 265, 175, 355];
const TONES = [1, 0.35];
const KEY = "jaeger-colors";
const KEPT = 300;
const taken = new Map(stored());
const owners = new Map([...taken].map(([name, slot]) => [slot, name]));

// A name keeps its colour in this browser, whichever page it is seen on first.
function stored() {
  try {
    const list = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return list.filter(([name, slot]) => typeof name === "string" && slot >= 0 && slot < HUES.length * TONES.length);
  } catch {
    return [];
  }
}

let waiting = false;
function store() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    try {
      localStorage.setItem(KEY, JSON.stringify([...taken].slice(-KEPT)));
    } catch {
      // Kept for this visit, then.
    }
  }, 300);
}

function hash(name) {
  let x = 2166136261;
  for (let i = 0; i < name.length; i++) x = Math.imul(x ^ name.charCodeAt(i), 16777619);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Hue in degrees and strength (1 is full) of a service's colour. */
export function color(name) {
  let slot = taken.get(name);
  if (slot === undefined) {
    const first = hash(name) % HUES.length;
    slot = first;
    for (let step = 0; step < HUES.length * TONES.length; step++) {
      slot = ((first + step) % HUES.length) + HUES.length * Math.floor(step / HUES.length);
      if (!owners.has(slot)) break;
    }
    owners.set(slot, name);
    taken.set(name, slot);
    store();
  }
  return { hue: HUES[slot % HUES.length], tone: TONES[Math.floor(slot / HUES.length)] };
}

/** The style that colours what shows the colour of a service. */
export function serviceStyle(name) {
  const { hue, tone } = color(name);
  return { "--hue": String(hue), "--tone": String(tone) };
}

/** Colours an element that is used for one service after the other. */
export function paint(element, name) {
  if (element.painted === name) return;
  element.painted = name;
  const { hue, tone } = color(name);
  element.style.setProperty("--hue", hue);
  element.style.setProperty("--tone", tone);
}

/** A colour for a canvas, which knows no custom properties; reads the theme once a call. */
export function canvasColors() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  const l = get("--service-l");
  const c = get("--service-c");
  const known = new Map();
  return {
    get,
    service(name) {
      let found = known.get(name);
      if (!found) {
        const { hue, tone } = color(name);
        known.set(name, (found = `oklch(${l} ${c * tone} ${hue})`));
      }
      return found;
    },
  };
}
