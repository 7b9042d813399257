// The messages of the open channel: a window on them that moves with the view, kept in step with what happens.

import { announce } from "./announcer.js";
import { byId, h } from "./dom.js";
import { isGated } from "./gate.js";
import { icon } from "./icons.js";
import { regroup } from "./dividers.js";
import { makeMessage, patchMessage } from "./message.js";
import { fetchPage, takePage } from "./pages.js";
import { goOnAt, isAtEnd, keeping, readingAt, room, showInMiddle, startScroll, toEnd } from "./scroll.js";
import { emit, olderFirst, on, state } from "./state.js";
import { attempt } from "./toasts.js";

const MOST_SHOWN = 150;
const MOST_WHILE_AWAY = 250; // so many may gather below somebody who reads older ones
const LOAD_AHEAD_PIXELS = 700;
const FLASH_MILLISECONDS = 1600;

let loading = false;
let newest = "0"; // id of the newest message that was ever seen of this channel
let below = 0; // messages that came while the view was elsewhere

export function startLog() {
  startScroll(moved);
  on("moved", drawWaiting);
  on("channel", drawAll);
  on("live:message", upsert);
  on("live:message_gone", remove);
  on("jump", ({ id }) => attempt(() => jumpTo(id)));
  on("unread-line", () => keeping(() => regroup(entries())));
  byId("to-newest").addEventListener("click", () => attempt(toPresent));
  byId("log").addEventListener("keydown", moveFocus);
}

const entries = () => [...byId("log").children];

function makeEntry(message) {
  return h("li", { class: "entry", dataset: { id: message.id } }, makeMessage(message));
}

function drawWaiting() {
  below = 0;
  newest = state.channel?.last_message_id ?? "0";
  byId("log").replaceChildren();
  byId("log").setAttribute("aria-busy", "true");
  byId("beginning").className = "beginning loading-more";
  byId("beginning").replaceChildren(...skeletons());
  drawNewest();
  toEnd();
}

function drawAll() {
  const reading = byId("log").hasAttribute("aria-busy") ? null : readingAt();
  byId("log").replaceChildren(...[...state.messages.values()].map(makeEntry));
  byId("log").removeAttribute("aria-busy");
  regroup(entries());
  drawBeginning();
  const first = state.newFrom && byId(`message-${state.newFrom}`);
  toEnd();
  if (first && room().above > 0 && first.getBoundingClientRect().top < byId("scroller").getBoundingClientRect().top) showInMiddle(first);
  if (reading) attempt(() => goOnReading(reading));
  drawNewest();
  setReachable(byId("log").lastElementChild?.querySelector(".message"));
}

/** The same messages came again, after the connection was lost: stay where one was. */
async function goOnReading({ id, top }) {
  if (!byId(`message-${id}`)) await replaceWindow(`around=${id}`);
  const entry = byId(`message-${id}`)?.closest(".entry");
  if (entry) goOnAt(entry, top);
}

function drawBeginning() {
  const place = byId("beginning");
  place.className = state.hasEarlier ? "beginning loading-more" : "beginning";
  place.replaceChildren(...(state.hasEarlier ? skeletons() : [welcome()].filter(Boolean)));
}

const skeletons = () => [72, 45, 88, 60].map((width) => {
  const line = h("i");
  line.style.setProperty("--width", `${width}%`);
  return h("div", { class: "skeleton", "aria-hidden": "true" }, h("div", {}, h("i"), line));
});

function welcome() {
  const { channel } = state;
  if (!channel) return null;
  const [sign, title, text] = {
    dm: ["at", channel.name, `This is the beginning of your direct messages with ${channel.name}.`],
    thread: ["thread", channel.name, "This is the start of the thread."],
  }[channel.kind] ?? ["hash", `Welcome to #${channel.name}!`, `This is the start of the #${channel.name} channel.`];
  return h("div", {}, h("div", { class: "beginning-sign" }, icon(sign, 36)), h("p", { class: "beginning-title" }, title), h("p", {}, text));
}

// What happens

function upsert(message) {
  if (message.channel_id !== state.channel?.id || isGated()) return;
  const existing = byId(`message-${message.id}`);
  const isNew = !existing && message.id !== newest && olderFirst(newest, message.id) < 0;
  if (isNew) newest = message.id;
  if (existing) {
    state.messages.set(message.id, message);
    keeping(() => patchMessage(existing, message));
    if (message.id === state.replyTo?.message.id) emit("reply");
  } else if (isInWindow(message)) {
    keeping(() => insert(message));
  } else if (isNew) {
    if (message.author.id === state.me.id) attempt(toPresent);
    else noteBelow(message);
  }
  announce(message, isNew);
}

/** Messages beyond the ends of the window are fetched when somebody goes there. */
function isInWindow(message) {
  const ids = [...state.messages.keys()];
  if (ids.length && olderFirst(message.id, ids[0]) < 0) return !state.hasEarlier;
  return !state.hasLater || olderFirst(message.id, ids.at(-1)) < 0;
}

function insert(message) {
  const later = entries().find((other) => olderFirst(message.id, other.dataset.id) < 0) ?? null;
  state.messages.set(message.id, message);
  if (later) state.messages = new Map([...state.messages].sort(([a], [b]) => olderFirst(a, b)));
  const entry = makeEntry(message);
  byId("log").insertBefore(entry, later);
  const own = message.author.id === state.me.id;
  if (own && state.newFrom) {
    state.newFrom = null;
    regroup(entries());
  }
  const follows = isAtEnd() || own;
  if (!follows || document.hidden) noteBelow(message);
  regroup([entry, entry.nextElementSibling].filter(Boolean));
  if (!byId("log").querySelector(".message[tabindex='0']")) setReachable(entry.querySelector(".message"));
  if (follows) {
    trim("start");
    toEnd();
  } else if (entries().length > MOST_WHILE_AWAY) {
    trim("end");
  }
}

function noteBelow(message) {
  if (!isAtEnd()) below += 1;
  state.newFrom ??= message.id;
  drawNewest();
}

function remove({ channel_id: channelId, id }) {
  if (channelId !== state.channel?.id) return;
  const entry = byId(`message-${id}`)?.closest(".entry");
  const next = entry?.nextElementSibling;
  if (state.newFrom === id) state.newFrom = next?.dataset.id ?? null;
  state.messages.delete(id);
  keeping(() => {
    entry?.remove();
    if (next) regroup([next]);
  });
  emit("removed", id);
}

// The window

function moved() {
  if (isAtEnd() && !state.hasLater) {
    below = 0;
    emit("read");
  }
  drawNewest();
  if (loading || !state.channel) return;
  const { above, below: under } = room();
  if (state.hasEarlier && above < LOAD_AHEAD_PIXELS) attempt(() => extend("start"));
  else if (state.hasLater && under < LOAD_AHEAD_PIXELS) attempt(() => extend("end"));
}

async function fetchHere(query) {
  const channelId = state.channel.id;
  loading = true;
  try {
    const page = await fetchPage(channelId, query);
    return state.channel?.id === channelId ? page : null; // somebody may have gone elsewhere
  } finally {
    loading = false;
  }
}

/** Fetch more at one end and let go of as much at the other. */
async function extend(side) {
  const ids = [...state.messages.keys()];
  if (!ids.length) return;
  const page = await fetchHere(side === "start" ? `before=${ids[0]}` : `after=${ids.at(-1)}`);
  if (!page) return;
  const fresh = page.messages.filter((message) => !state.messages.has(message.id));
  const pairs = fresh.map((message) => [message.id, message]);
  state.messages = new Map(side === "start" ? [...pairs, ...state.messages] : [...state.messages, ...pairs]);
  keeping(() => {
    const added = fresh.map(makeEntry);
    if (side === "start") byId("log").prepend(...added);
    else byId("log").append(...added);
    regroup(side === "start" ? entries().slice(0, added.length + 1) : added);
    if (side === "start") state.hasEarlier = page.has_earlier;
    else state.hasLater = page.has_later;
    trim(side === "start" ? "end" : "start");
    drawBeginning();
  });
  drawNewest();
}

/** Let go of messages at one end when there are more than a window holds. */
function trim(side) {
  const extra = entries().length - MOST_SHOWN;
  if (extra <= 0) return;
  const gone = side === "start" ? entries().slice(0, extra) : entries().slice(-extra);
  for (const entry of gone) {
    state.messages.delete(entry.dataset.id);
    entry.remove();
  }
  if (side === "start") {
    state.hasEarlier = true;
    regroup(entries().slice(0, 1));
    drawBeginning();
  } else {
    state.hasLater = true;
  }
}

async function replaceWindow(query) {
  const page = await fetchHere(query);
  if (!page) return;
  byId("log").setAttribute("aria-busy", "true"); // another place: nothing to go on with
  takePage(page);
  drawAll();
}

async function toPresent() {
  if (state.hasLater) await replaceWindow("");
  below = 0;
  toEnd();
  drawNewest();
}

async function jumpTo(id) {
  if (!byId(`message-${id}`)) await replaceWindow(`around=${id}`);
  const target = byId(`message-${id}`);
  if (!target) return;
  showInMiddle(target);
  setReachable(target);
  target.focus({ preventScroll: true });
  target.classList.remove("pointed-at");
  requestAnimationFrame(() => target.classList.add("pointed-at"));
  setTimeout(() => target.classList.remove("pointed-at"), FLASH_MILLISECONDS);
}

function drawNewest() {
  const button = byId("to-newest");
  const away = room().below > byId("scroller").clientHeight;
  button.hidden = !state.hasLater && !away && below === 0;
  button.classList.toggle("fresh", below > 0);
  const text = below > 0 ? `${below} new message${below === 1 ? "" : "s"}` : "You are looking at older messages";
  if (button.dataset.text !== text) {
    button.dataset.text = text;
    button.replaceChildren(h("span", {}, text), h("span", {}, "Jump to present", icon("arrowDown", 16)));
  }
}

// Keyboard: one message can be reached, the arrow keys go on from there

function setReachable(message) {
  if (!message) return;
  for (const other of byId("log").querySelectorAll(".message[tabindex='0']")) other.tabIndex = -1;
  message.tabIndex = 0;
}

function moveFocus(event) {
  const current = event.target.closest(".message");
  if (event.target !== current) return;
  const entry = current.closest(".entry");
  const next = { ArrowUp: entry.previousElementSibling, ArrowDown: entry.nextElementSibling, Home: byId("log").firstElementChild, End: byId("log").lastElementChild }[event.key];
  if (event.key === "Escape") byId("message-box")?.focus();
  if (!next) return;
  event.preventDefault();
  const target = next.querySelector(".message");
  setReachable(target);
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "nearest" });
}
