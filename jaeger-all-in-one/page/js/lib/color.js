// A colour for each service, the same all over the page and told apart in both themes.
//
// Sixteen hues; a name's hash picks one, and a name that would share it takes the next free one. Lightness and chroma
// come from the theme (--service-l, --service-c), so a service keeps its hue when the theme changes.

const HUES = [255, 155, 55, 320, 195, 95, 285, 25, 225, 130, 350, 75, 175, 300, 210, 40];
const taken = new Map();
const owners = new Map();

function hash(name) {
  let x = 2166136261;
  for (let i = 0; i < name.length; i++) x = Math.imul(x ^ name.charCodeAt(i), 16777619);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Hue of a service in degrees. */
export function hue(name) {
  let slot = taken.get(name);
  if (slot === undefined) {
    slot = hash(name) % HUES.length;
    for (let step = 0; owners.has(slot) && step < HUES.length; step++) slot = (slot + 1) % HUES.length;
    if (!owners.has(slot)) owners.set(slot, name);
    taken.set(name, slot);
  }
  return HUES[slot];
}

/** The style that colours an element with class `service-color`. */
export function serviceStyle(name) {
  return { "--hue": String(hue(name)) };
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
      let color = known.get(name);
      if (!color) {
        color = `oklch(${l} ${c} ${hue(name)})`;
        known.set(name, color);
      }
      return color;
    },
  };
}
