// Copying to the clipboard.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./drop.js";

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
          try {
            await navigator.clipboard.writeText(text);
            toast("Copied");
          } catch {
            toast("This browser does not let the page copy", true);
          }
        },
      },
    },
    icon("copy"),
  );
}
