// Elements from code, never from text: whatever a span is called, it is set as text and can not become markup.
//
// The page's policy forbids inline styles and scripts, so styles that depend on data go through the style object,
// and handlers through addEventListener.

const SVG = "http://www.w3.org/2000/svg";

function apply(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.setAttribute("class", value);
    else if (name === "style") for (const [key, to] of Object.entries(value)) element.style.setProperty(key, to);
    else if (name === "on") for (const [type, handler] of Object.entries(value)) element.addEventListener(type, handler);
    else if (name === "text") element.textContent = value;
    else if (name === "value" || name === "checked" || name === "disabled" || name === "selected" || name === "open") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
}

function append(element, children) {
  for (const child of children) {
    if (child === undefined || child === null || child === false || child === "") continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

function build(element, rest) {
  const [props, ...children] = rest;
  const plain = props && typeof props === "object" && !(props instanceof Node) && !Array.isArray(props);
  if (plain) apply(element, props);
  append(element, plain ? children : rest);
  return element;
}

/** An HTML element: `h("p", {class: "x", on: {click}}, "text", child, [more])`. The properties may be left out. */
export function h(tag, ...rest) {
  return build(document.createElement(tag), rest);
}

/** An SVG element, as `h`. */
export function s(tag, ...rest) {
  return build(document.createElementNS(SVG, tag), rest);
}

/** Replaces what `element` holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** The address if it is http or https, else null: `javascript:` and the like never become links. */
export function safeUrl(text) {
  if (typeof text !== "string" || !/^https?:\/\//i.test(text)) return null;
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A value from outside: a link where it is an address of the web, else text. */
export function value(text) {
  const url = safeUrl(text);
  if (!url) return document.createTextNode(text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}

/**
 * Puts `make(item)` of every item into `parent`, `step` at a time (at first `first`): the rest when a button is pressed. Lists from outside may
 * have a hundred thousand items, and a document of as many elements stands still. `wrap(button)` makes the button's element.
 */
export function inSteps(parent, items, make, step, wrap = (button) => button, first = step) {
  let at = 0;
  const more = h("button", { type: "button", class: "button", on: { click: () => next(true) } });
  const rest = wrap(more);
  const next = (asked) => {
    rest.remove();
    const made = items.slice(at, at + (asked ? step : first)).map(make);
    append(parent, made);
    at += made.length;
    const left = items.length - at;
    if (left > 0) {
      more.textContent = `Show ${left > step ? `${step} more of ${left}` : `the other ${left}`}`;
      append(parent, [rest]);
      if (asked) more.focus();
    } else if (asked) made[0].querySelector?.("a, button, summary")?.focus();
  };
  next(false);
}

let last = 0;
/** An id that no other element has. */
export function uid(prefix = "u") {
  return `${prefix}-${++last}`;
}

/** Calls `f` once, `ms` after the last call. */
export function debounce(f, ms) {
  let timer;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(f, ms, ...args);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/** So many pixels where letters are of the usual size, and as many more as the browser's letters were made larger. */
export function scaled(pixels) {
  return (pixels * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;
}

/** Calls `f` at most once a frame. */
export function perFrame(f) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      f();
    });
  };
}

/** Says something to those who hear the page. */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

/** Sizes a canvas to its box in device pixels; returns the context scaled to CSS pixels, with width and height. */
export function canvasContext(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  const w = Math.max(1, Math.round(width * ratio));
  const hgt = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== hgt) canvas.height = hgt;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
