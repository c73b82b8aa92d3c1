// A text field that completes while typing: the ARIA combobox with a list, for services, operations and tags.

import { h, fill, uid, debounce } from "./dom.js";

/** Options that a list shows. */
export const MOST_OPTIONS = 50;

/**
 * `source(text, signal)` gives `[{value, label?, hint?}]`, now or later. `token(input)` says which part of the text is being
 * completed, `{from, to, text}`; by default all of it. `onChange(value)` hears what was chosen or typed.
 */
export function combobox({ id, name, placeholder, source, token, onChange, describedby, openOnFocus = true }) {
  const list = h("ul", { id: uid("list"), role: "listbox", class: "combo-list", hidden: true, "aria-label": `${name} suggestions` });
  const input = h("input", {
    id,
    name,
    type: "text",
    class: "input",
    placeholder,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    role: "combobox",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-describedby": describedby,
  });
  const element = h("div", { class: "combo" }, input, list);
  let options = [];
  let active = -1;
  let asked = 0;
  let abort;

  const part = () => token?.(input) ?? { from: 0, to: input.value.length, text: input.value };
  const close = () => {
    later.cancel();
    list.hidden = true;
    active = -1;
    asked++;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (next) => {
    const items = list.children;
    items[active]?.setAttribute("aria-selected", "false");
    active = next;
    if (active < 0) return input.removeAttribute("aria-activedescendant");
    items[active].setAttribute("aria-selected", "true");
    items[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[active].id);
  };
  const choose = (option) => {
    const { from, to } = part();
    input.value = input.value.slice(0, from) + option.value + input.value.slice(to);
    const caret = from + option.value.length;
    input.setSelectionRange(caret, caret);
    close();
    onChange?.(input.value);
    if (option.more) open();
  };
  const open = async () => {
    const mine = ++asked;
    abort?.abort();
    abort = new AbortController();
    let found;
    try {
      found = await source(part().text, abort.signal);
    } catch {
      // No completion is no obstacle: what is typed still goes.
      found = [];
    }
    if (mine !== asked || document.activeElement !== input) return;
    options = found.slice(0, MOST_OPTIONS);
    if (options.length === 0) return close();
    fill(
      list,
      options.map((option, i) =>
        h(
          "li",
          { id: `${list.id}-${i}`, role: "option", "aria-selected": "false", class: "combo-option" },
          h("span", option.label ?? option.value),
          option.hint && h("span", { class: "hint" }, option.hint),
        ),
      ),
      found.length > options.length && h("li", { role: "option", "aria-disabled": "true", class: "combo-more hint" }, "There are more: type on"),
    );
    // The option that was marked is gone with its list.
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const later = debounce(open, 60);

  input.addEventListener("input", () => {
    onChange?.(input.value);
    later();
  });
  input.addEventListener("focus", () => openOnFocus && open());
  input.addEventListener("blur", close);
  input.addEventListener("click", () => list.hidden && open());
  input.addEventListener("keydown", (event) => {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return void open();
      const step = key === "ArrowDown" ? 1 : -1;
      const n = options.length;
      mark(active < 0 ? (step > 0 ? 0 : n - 1) : (active + step + n) % n);
    } else if (key === "Enter") {
      // Without an option it is the form's: what was typed is what is meant, and no list shall follow it.
      if (list.hidden || active < 0) return close();
      event.preventDefault();
      choose(options[active]);
    } else if (key === "Tab" && !list.hidden && active >= 0) {
      choose(options[active]);
    } else if (key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  const optionAt = (target) => options[[...list.children].indexOf(target.closest("[role=option]"))];
  // An option is chosen when it is pressed, not when it is let go: in between, an answer may have put another one under
  // the pointer. Pressing must not take the focus either, or the list would close first.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.button === 0 && optionAt(event.target);
    if (option) choose(option);
  });
  // A click without a press comes from a reading aid or a script.
  list.addEventListener("click", (event) => {
    const option = event.detail === 0 && optionAt(event.target);
    if (option) choose(option);
  });
  return { element, input };
}

/** Items that hold what was typed, those that begin with it first. */
export function suggest(items, text, value = (item) => item) {
  const needle = text.trim().toLowerCase();
  if (!needle) return items;
  const begins = [];
  const holds = [];
  for (const item of items) {
    const at = value(item).toLowerCase().indexOf(needle);
    if (at === 0) begins.push(item);
    else if (at > 0) holds.push(item);
  }
  return begins.concat(holds);
}
