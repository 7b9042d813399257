// Says new messages to a screen reader; what is still being written is said when it stands.

import { byId, h } from "./dom.js";
import { state } from "./state.js";

const QUIET_MILLISECONDS = 1200;
const MOST_KEPT = 20;
const MOST_CHARACTERS = 300;

const waiting = new Map(); // message id -> timer

/** A message came (`isNew`) or changed. */
export function announce(message, isNew) {
  const pending = waiting.get(message.id);
  if (message.author.id === state.me.id || (!isNew && pending === undefined)) return;
  clearTimeout(pending);
  waiting.set(message.id, setTimeout(say, message.author.bot && !message.unanswered ? QUIET_MILLISECONDS : 0, message));
}

function say(message) {
  if (message.loading) { // said when there is something to say
    waiting.set(message.id, null);
    return;
  }
  waiting.delete(message.id);
  if (message.channel_id !== state.channel?.id) return;
  const shown = byId(`message-${message.id}`)?.querySelector(".part-body, .part-components")?.textContent ?? "";
  const text = shown.replace(/\s+/g, " ").trim().slice(0, MOST_CHARACTERS);
  const place = byId("announcer");
  place.append(h("p", {}, `${message.author.name}${message.ephemeral ? ", only for you" : ""}: ${text}`));
  while (place.childElementCount > MOST_KEPT) place.firstElementChild.remove();
}
