// Live update: calls back when spans have come in.
//
// The backend's event stream `/api/live` says so as it happens; where it has none, the page asks every two seconds.
// Nothing is asked while the page is hidden; what came in meanwhile is asked for once when it is seen again. And what takes
// long is not done back to back: a look at a trace of 100,000 spans leaves the page several times as long to those who read it.

import { h } from "./dom.js";

const POLL = 2000;
// Of the time that a look took, how much the page is left alone after it.
const REST = 3;
// Looks that take less than this, in ms, need no rest.
const QUICK = 100;

/** Ids are the same with and without leading zeros. */
function sameId(a, b) {
  return String(a).replace(/^0+/, "").toLowerCase() === String(b).replace(/^0+/, "").toLowerCase();
}

/**
 * Watches for spans of a trace (`{traceID}`), or for any: whether a trace is one of a service's, its search knows, for spans of
 * others may add to it. `every`: after so many ms it looks anyway, for what is as old as the clock says. `listening(yes)` hears whether there is anybody to tell. Returns a function that ends it.
 */
export function watch({ traceID, every } = {}, changed, listening = () => {}) {
  let ended = false;
  let timer;
  let events;
  let running = false;
  let again = false;

  // One call at a time; what comes in meanwhile leads to exactly one more.
  const call = async () => {
    if (ended) return;
    if (running || document.hidden) {
      again = true;
      return;
    }
    running = true;
    again = false;
    const began = performance.now();
    try {
      await changed();
      const took = performance.now() - began;
      if (took > QUICK) await new Promise((resolve) => setTimeout(resolve, REST * took));
    } finally {
      running = false;
      if (again) {
        again = false;
        call();
      }
    }
  };
  const poll = () => {
    timer = setTimeout(async () => {
      await call();
      if (!ended) poll();
    }, POLL);
  };
  const concerns = (change) => !traceID || sameId(change.traceID, traceID);
  events = new EventSource("/api/live");
  // Once it listens, and again after a break, it looks for what came before.
  events.addEventListener("open", () => {
    listening(true);
    call();
  });
  events.addEventListener("change", (event) => {
    if (JSON.parse(event.data).traces.some(concerns)) call();
  });
  // The stream could not keep up: anything may have changed.
  events.addEventListener("lagged", call);
  events.addEventListener("error", () => {
    // A closed stream means refused: there is no such thing here. A broken one is opened again by the browser.
    if (ended || timer) return;
    if (events?.readyState !== EventSource.CLOSED) return listening(false);
    call();
    poll();
  });
  const beat = every ? setInterval(call, every) : 0;
  const seen = () => !document.hidden && again && call();
  document.addEventListener("visibilitychange", seen);
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", seen);
    clearTimeout(timer);
    clearInterval(beat);
    events?.close();
    events = null;
  };
}

/**
 * The switch of live update, whose word says whether there is anybody to listen to: `{element({title, checked}), tell(yes)}`. `set(on)` is called when it is
 * pressed. The element may be made anew.
 */
export function liveSwitch(set) {
  let word = null;
  let text = "Live";
  return {
    element({ title, checked }) {
      word = h("span", text);
      return h("label", { class: "switch", title }, h("input", { type: "checkbox", role: "switch", name: "live", checked, on: { change: (event) => set(event.target.checked) } }), word);
    },
    tell(listening) {
      text = listening ? "Live" : "Live, waiting for the program";
      if (word) word.textContent = text;
    },
  };
}

const ENDS = ["pointerup", "pointercancel", "dragend"];

/**
 * Nothing is moved from under a finger: `off()` resolves once none is down on `element`. `{off(), destroy()}`.
 */
export function hands(element) {
  let pressed = false;
  const press = () => (pressed = true);
  const release = () => (pressed = false);
  element.addEventListener("pointerdown", press);
  for (const end of ENDS) addEventListener(end, release);
  return {
    off: () =>
      new Promise((resolve) => {
        if (!pressed) return resolve();
        const done = () => {
          for (const end of ENDS) removeEventListener(end, done);
          // After the click that this ends.
          setTimeout(resolve);
        };
        for (const end of ENDS) addEventListener(end, done);
      }),
    destroy() {
      for (const end of ENDS) removeEventListener(end, release);
    },
  };
}
