// What stands between messages: days, the line above what is new, and heads that are shared.

import { h } from "./dom.js";
import { state } from "./state.js";
import { dayOf } from "./time.js";

const GROUP_MILLISECONDS = 7 * 60 * 1000;

/** Draw the lines above these entries again, and say which of them go on under the head before. */
export function regroup(entries) {
  for (const entry of entries) {
    const message = state.messages.get(entry.dataset.id);
    const before = state.messages.get(entry.previousElementSibling?.dataset.id);
    const newDay = !before || dayOf(before.created_at) !== dayOf(message.created_at);
    const isNew = state.newFrom === message.id;
    entry.querySelector(".message").classList.toggle("follows", !newDay && !isNew && goesOn(before, message));
    entry.querySelector(".divider")?.remove();
    if (newDay || isNew) entry.prepend(divider(newDay ? dayOf(message.created_at) : "", isNew));
  }
}

function goesOn(before, message) {
  const close = Date.parse(message.created_at) - Date.parse(before.created_at) < GROUP_MILLISECONDS;
  const sameFace = before.author.id === message.author.id && before.author.name === message.author.name && before.author.avatar === message.author.avatar;
  const opens = message.reply_to || message.used || message.system || before.system || before.ephemeral !== message.ephemeral;
  return close && sameFace && !opens;
}

function divider(day, isNew) {
  return h("div", { class: `divider${isNew ? " new" : ""}`, role: "separator", "aria-label": [day, isNew && "New messages"].filter(Boolean).join(", ") },
    day && h("span", { class: "day" }, day), isNew && h("span", { class: "new-sign", "aria-hidden": "true" }, "New"));
}
