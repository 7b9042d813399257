// Short notices that go away by themselves.

import { byId, h } from "./dom.js";

const SHOWN_MILLISECONDS = 6000;
const MOST_SHOWN = 4;

/** Say something; what went wrong is said at once, anything else when the reader pauses. */
export function toast(text, { kind = "problem" } = {}) {
  const place = byId("toasts");
  const last = place.lastElementChild;
  if (last?.firstElementChild.textContent === text) last.remove(); // once is enough
  const element = h("div", { class: `toast ${kind}`, role: kind === "problem" ? "alert" : "status" }, h("p", {}, text),
    h("button", { type: "button", class: "icon small", "aria-label": "Dismiss", onclick: () => element.remove() }, "✕"));
  place.append(element);
  while (place.childElementCount > MOST_SHOWN) place.firstElementChild.remove();
  setTimeout(() => element.remove(), SHOWN_MILLISECONDS);
}

export const notice = (text) => toast(text, { kind: "notice" });

/** Run something and say in words what went wrong. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error.message);
    return null;
  }
}
