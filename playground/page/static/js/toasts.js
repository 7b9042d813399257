// Short notices that go away by themselves.

import { byId, h } from "./dom.js";

const SHOWN_MILLISECONDS = 6000;

export function toast(text) {
  const element = h("p", { class: "toast" }, text);
  byId("toasts").append(element);
  setTimeout(() => element.remove(), SHOWN_MILLISECONDS);
}

/** Run something and say in words what went wrong. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    toast(error.message);
    return null;
  }
}
