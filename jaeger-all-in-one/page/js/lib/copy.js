// Copying to the clipboard.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./drop.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers give the clipboard to pages of HTTPS and of this machine alone; from another machine there is the old way.
    const field = h("textarea", { class: "visually-hidden", "aria-hidden": "true", tabindex: "-1" });
    field.value = text;
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    focused?.focus({ preventScroll: true });
    return copied;
  }
}

/** A button that copies `text`; `what` names it. */
export function copyButton(text, what) {
  return h(
    "button",
    {
      type: "button",
      class: "button-icon button-copy",
      "aria-label": `Copy ${what}`,
      title: `Copy ${what}`,
      on: {
        async click(event) {
          event.stopPropagation();
          if (await copy(text)) toast("Copied");
          else toast("This browser does not let the page copy", true);
        },
      },
    },
    icon("copy"),
  );
}
