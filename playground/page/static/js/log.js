// The messages of the open channel, kept in step with what happens.

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { makeMessage, patchMessage } from "./message.js";
import { emit, findChannel, olderFirst, on, state } from "./state.js";
import { attempt } from "./toasts.js";
import { dayOf } from "./time.js";

const GROUP_MILLISECONDS = 7 * 60 * 1000;
const NEAR_END_PIXELS = 120;
const TYPING_MILLISECONDS = 10_000;

let wasNearEnd = true;

export function startLog() {
  on("moved", drawAll);
  on("channel", drawAll);
  on("live:message", upsert);
  on("live:message_gone", remove);
  on("live:typing", noteTyping);
  byId("earlier").addEventListener("click", () => attempt(loadEarlier));
  byId("to-newest").addEventListener("click", scrollToEnd);
  byId("scroller").addEventListener("scroll", noteScroll, { passive: true });
  const staysAtEnd = new ResizeObserver(() => wasNearEnd && scrollToEnd());
  staysAtEnd.observe(byId("log"));
  staysAtEnd.observe(byId("scroller"));
  setInterval(drawTyping, 1000);
}

function drawAll() {
  byId("log").replaceChildren();
  for (const message of state.messages.values()) byId("log").append(makeMessage(message));
  regroup([...byId("log").children]);
  byId("earlier").hidden = !state.hasEarlier;
  scrollToEnd();
  drawTyping();
}

function upsert(message) {
  if (message.channel_id !== state.channel?.id) {
    markUnread(message);
    return;
  }
  state.typing.delete(message.author.id);
  const existing = byId(`message-${message.id}`);
  state.messages.set(message.id, message);
  if (existing) {
    patchMessage(existing, message);
    if (message.id === state.replyTo?.message.id) emit("reply");
  } else {
    insert(message);
  }
  drawTyping();
}

function insert(message) {
  const later = [...byId("log").children].find((other) => olderFirst(message.id, other.dataset.id) < 0) ?? null;
  const element = makeMessage(message);
  byId("log").insertBefore(element, later);
  regroup([element, element.nextElementSibling].filter(Boolean));
  if (wasNearEnd || message.author.id === state.me.id) scrollToEnd();
}

function remove({ channel_id: channelId, id }) {
  if (channelId !== state.channel?.id) return;
  state.messages.delete(id);
  const element = byId(`message-${id}`);
  const next = element?.nextElementSibling;
  element?.remove();
  if (next) regroup([next]);
  emit("removed", id);
}

/** Messages of one author in a row share one head; a new day gets a line of its own. */
function regroup(elements) {
  for (const element of elements) {
    const message = state.messages.get(element.dataset.id);
    const before = state.messages.get(element.previousElementSibling?.dataset.id);
    const sameDay = before && dayOf(before.created_at) === dayOf(message.created_at);
    const close = before && Date.parse(message.created_at) - Date.parse(before.created_at) < GROUP_MILLISECONDS;
    const sameFace = before && before.author.id === message.author.id && before.author.name === message.author.name;
    const opens = message.reply_to || message.used || message.system || before?.system || before?.ephemeral !== message.ephemeral;
    element.classList.toggle("follows", Boolean(sameDay && close && sameFace && !opens));
    if (!sameDay) element.dataset.day = dayOf(message.created_at);
    else delete element.dataset.day;
    element.querySelector(".day")?.remove();
    if (!sameDay) element.prepend(h("p", { class: "day" }, dayOf(message.created_at)));
  }
}

async function loadEarlier() {
  const first = byId("log").firstElementChild;
  const page = await get(`/channels/${state.channel.id}/messages?before=${first.dataset.id}`);
  const bottom = byId("scroller").scrollHeight - byId("scroller").scrollTop;
  state.messages = new Map([...page.messages.map((message) => [message.id, message]), ...state.messages]);
  first.before(...page.messages.map(makeMessage));
  regroup([...byId("log").children].slice(0, page.messages.length + 1));
  byId("earlier").hidden = !page.has_earlier;
  byId("scroller").scrollTop = byId("scroller").scrollHeight - bottom;
}

function markUnread(message) {
  if (message.author.id === state.me.id || !findChannel(message.channel_id) || state.unread.has(message.channel_id)) return;
  state.unread.add(message.channel_id);
  emit("unread");
}

function noteScroll() {
  const scroller = byId("scroller");
  wasNearEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PIXELS;
  byId("to-newest").hidden = wasNearEnd;
}

function scrollToEnd() {
  byId("scroller").scrollTop = byId("scroller").scrollHeight;
  wasNearEnd = true;
  byId("to-newest").hidden = true;
}

function noteTyping({ channel_id: channelId, user }) {
  if (channelId !== state.channel?.id || user.id === state.me.id) return;
  state.typing.set(user.id, { name: user.display_name, until: Date.now() + TYPING_MILLISECONDS });
  drawTyping();
}

function drawTyping() {
  for (const [id, entry] of state.typing) if (entry.until < Date.now()) state.typing.delete(id);
  const names = [...state.typing.values()].map((entry) => entry.name);
  const text = names.length === 0 ? "" : names.length === 1 ? `${names[0]} is typing…` : `${names.join(", ")} are typing…`;
  if (byId("typing").textContent !== text) byId("typing").textContent = text;
}
