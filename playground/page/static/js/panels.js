// The panels at the right: one at a time, and which one is open outlives a reload.

import { byId } from "./dom.js";
import { emit } from "./state.js";

const REMEMBERED = "playground.panel";
const NARROW = "(max-width: 1000px)";

const panels = new Map(); // id -> { button, opened, closed }

/** Make a panel open and close with its button; Escape in it closes it. */
export function makePanel(id, { button, opened = () => {}, closed = () => {} }) {
  panels.set(id, { button: byId(button), opened, closed });
  byId(button).addEventListener("click", () => (byId(id).hidden ? openPanel(id) : closePanel(id)));
  byId(id).addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.stopPropagation();
    closePanel(id);
  });
}

export const isOpen = (id) => !byId(id).hidden;

export function openPanel(id, { focus = true } = {}) {
  closePanels();
  const { button, opened } = panels.get(id);
  byId(id).hidden = false;
  button.setAttribute("aria-expanded", "true");
  sessionStorage.setItem(REMEMBERED, id);
  opened();
  emit("panel");
  if (focus) byId(id).querySelector("h2")?.focus();
}

export function closePanel(id, { refocus = true } = {}) {
  const { button, closed } = panels.get(id);
  byId(id).hidden = true;
  button.setAttribute("aria-expanded", "false");
  sessionStorage.removeItem(REMEMBERED);
  closed();
  emit("panel");
  if (refocus) button.focus();
}

export function closePanels() {
  for (const id of panels.keys()) if (isOpen(id)) closePanel(id, { refocus: false });
}

/** Open what was open before the page was loaded again. */
export function recallPanel() {
  const id = sessionStorage.getItem(REMEMBERED);
  if (panels.has(id) && !matchMedia(NARROW).matches) openPanel(id, { focus: false });
}
