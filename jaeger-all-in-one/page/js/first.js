// The theme, before anything is painted: a plain script that the document waits for, so that nobody who works in the dark sees
// a white page first. `lib/theme.js` takes over from it.

(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("jaeger-theme");
  } catch {
    // A browser that keeps nothing goes by the system.
  }
  const dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
