// Commands and forms that the bot did not answer in time: told where they were used, to who used them alone.

import { emit, olderFirst, on, state } from "./state.js";

const told = new Map(); // "person/channel" -> messages that only this page knows

export function startUnanswered() {
  on("unanswered", tell);
}

const placeOf = (channelId) => `${state.me.id}/${channelId}`;

function tell(interaction) {
  const message = asMessage(interaction);
  const place = placeOf(message.channel_id);
  told.set(place, [...(told.get(place) ?? []), message]);
  emit("live:message", message);
}

/** The messages of a page, and among them what was told there. */
export function withUnanswered({ messages, has_earlier: hasEarlier, has_later: hasLater }, channelId) {
  const here = (told.get(placeOf(channelId)) ?? []).filter(({ id }) => (!hasEarlier || olderFirst(messages[0].id, id) < 0)
    && (!hasLater || olderFirst(id, messages.at(-1).id) < 0));
  return [...messages, ...here].sort((a, b) => olderFirst(a.id, b.id));
}

/** Let go of what was told; gives whether it was one of these. */
export function forgetUnanswered(message) {
  if (!message.unanswered) return false;
  const place = placeOf(message.channel_id);
  told.set(place, told.get(place).filter((other) => other.id !== message.id));
  emit("live:message_gone", message);
  return true;
}

function asMessage({ id, kind, name, channel_id: channelId }) {
  const { bot, people } = state.world;
  const me = people.find((person) => person.id === state.me.id) ?? state.me;
  return {
    id, channel_id: channelId, unanswered: true, ephemeral: true, created_at: new Date().toISOString(),
    author: { id: bot.id, name: bot.display_name, color: bot.color, avatar: bot.avatar, bot: true },
    used: kind === "command" && { user: me.display_name, face: me, name },
    content: "", html: "", reply_to: null, thread: null, embeds: [], components: [], attachments: [], reactions: [],
  };
}
