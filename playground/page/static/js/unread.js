// What each person has read, remembered by this browser; marks at channels, servers and the first new message.

import { isAtEnd } from "./scroll.js";
import { allChannels, emit, findChannel, olderFirst, on, state } from "./state.js";

const REMEMBERED = "playground.read";
const MOST_REMEMBERED = 500;

let readUntil = {}; // "person/channel" -> message id

export function startUnread() {
  readUntil = remembered();
  on("world", compare);
  on("moved", () => { state.newFrom = null; });
  on("live:message", note);
  on("channel", markFirst);
  on("read", readHere);
  document.addEventListener("visibilitychange", readHere);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && state.newFrom && isAtEnd()) forgetLine(); });
  window.addEventListener("pagehide", keep);
}

/** The open channel is shown: the line stands above what this person has not seen. */
export function markFirst() {
  const until = readUntil[key(state.channel)];
  const first = until && [...state.messages.values()].find((message) => olderFirst(until, message.id) < 0 && message.author.id !== state.me.id && !message.ephemeral);
  state.newFrom = first?.id ?? null;
  readHere();
}

const key = (channel) => `${state.me.id}/${channel.id}`;
const later = (id, than) => Boolean(id) && (!than || (id !== than && olderFirst(than, id) < 0));

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {};
  }
}

function keep() {
  readUntil = Object.fromEntries(Object.entries(readUntil).slice(-MOST_REMEMBERED));
  localStorage.setItem(REMEMBERED, JSON.stringify(readUntil));
}

/** What came while this page was closed, or while somebody else was chosen. */
function compare() {
  for (const channel of allChannels()) {
    readUntil[key(channel)] ??= channel.last_message_id ?? "0";
    if (later(channel.last_message_id, readUntil[key(channel)]) && !isOpen(channel.id) && !state.unread.has(channel.id)) {
      state.unread.set(channel.id, 0);
    }
  }
  keep();
}

const isOpen = (channelId) => channelId === state.channel?.id;

function note(message) {
  const channel = findChannel(message.channel_id);
  if (!channel || message.ephemeral || !later(message.id, channel.last_message_id)) return;
  channel.last_message_id = message.id;
  if (message.author.id === state.me.id || (isOpen(channel.id) && isAtEnd() && !document.hidden)) {
    readUntil[key(channel)] = message.id;
  } else if (!isOpen(channel.id)) {
    const pings = message.mentions_me || channel.kind === "dm";
    state.unread.set(channel.id, (state.unread.get(channel.id) ?? 0) + Number(pings));
    emit("unread");
  }
}

function readHere() {
  if (!state.channel || document.hidden) return;
  const last = findChannel(state.channel.id)?.last_message_id;
  if (last) readUntil[key(state.channel)] = last;
  keep();
}

function forgetLine() {
  state.newFrom = null;
  emit("unread-line");
}
