// What the page knows, and who wants to hear of changes.
//
// Kinds of change: "world" (places and people), "moved" (another channel or person was chosen), "channel" (its messages
// and commands have come), "commands", "command", "reply", "edit", "removed", "go", "jump", "read", "unread", "unread-line", "unanswered", "failure",
// "bot", "panel", "connection", "reconnected", and "live:..." for what the server tells.

export const state = {
  world: null, // places and people as `me` sees them
  me: null,
  channel: null, // the open channel
  messages: new Map(), // of the open channel, by id, oldest first
  hasEarlier: false, // whether older ones are not among them
  hasLater: false, // whether newer ones are not among them
  newFrom: null, // id of the first message that was not seen yet
  commands: [], // what `me` may use in the open channel
  typing: new Map(), // user id -> { name, until }
  replyTo: null, // { message, ping }
  unread: new Map(), // channel id -> how often the person is mentioned there
};

const listeners = new Map();

/** Call back when something of this kind changed. */
export function on(kind, callback) {
  if (!listeners.has(kind)) listeners.set(kind, []);
  listeners.get(kind).push(callback);
}

export function emit(kind, detail) {
  for (const callback of listeners.get(kind) ?? []) callback(detail);
}

export const guildOf = (channel) => state.world?.guilds.find((guild) => guild.id === channel?.guild_id) ?? null;

export const allChannels = () => [...(state.world?.guilds.flatMap((guild) => guild.channels) ?? []), ...(state.world?.dms ?? [])];

export const findChannel = (id) => allChannels().find((channel) => channel.id === id) ?? null;

export const isForum = (channel) => channel?.kind === "forum";

/** Who can be mentioned in the open channel. */
export function membersHere() {
  const guild = guildOf(state.channel);
  return guild ? guild.members : [state.me, state.world?.bot].filter(Boolean);
}

/** Ids grow with time; compare them as the big numbers that they are. */
export const olderFirst = (a, b) => (BigInt(a) < BigInt(b) ? -1 : 1);
