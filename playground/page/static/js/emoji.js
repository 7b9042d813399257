// Finding emoji by name: our own list, and what the server has.

import { h } from "./dom.js";
import { EMOJI_GROUPS } from "./emoji-names.js";
import { guildOf, state } from "./state.js";

const MAX_SUGGESTIONS = 8;
const CODE = /(```[\s\S]*?```|`[^`]*`)/;

/** An emoji as it is drawn, from { id, name }: a character, or a server's own picture. */
export const emojiFace = ({ id, name }) => (id
  ? h("img", { class: "emoji own", src: `/emoji/${id}`, alt: `:${name}:`, title: `:${name}:` })
  : h("span", { class: "emoji" }, name));

/** Groups of { id or emoji, name, text, reaction }: how it looks, how it is written in the box, what a reaction sends. */
export function emojiGroups() {
  const guild = guildOf(state.channel);
  const own = (guild?.emojis ?? []).map(({ id, name }) => ({ id, name, text: `:${name}:`, reaction: `${name}:${id}` }));
  const groups = EMOJI_GROUPS.map(({ title, emoji }) => ({ title, emoji: emoji.map((one) => ({ ...one, text: one.emoji, reaction: one.emoji })) }));
  return own.length ? [{ title: guild.name, emoji: own }, ...groups] : groups;
}

export function findEmoji(wanted) {
  const all = emojiGroups().flatMap((group) => group.emoji);
  const name = wanted.toLowerCase();
  const starts = all.filter((one) => one.name.toLowerCase().startsWith(name));
  return [...starts, ...all.filter((one) => !starts.includes(one) && one.name.toLowerCase().includes(name))];
}

/** The `:name` before the caret: { start, items }, or null. */
export function emojiAt(text, caret) {
  const match = /(^|[^\w:]):([\w+-]{2,})$/u.exec(text.slice(0, caret));
  if (!match) return null;
  const items = findEmoji(match[2]).slice(0, MAX_SUGGESTIONS)
    .map((one) => ({ label: `:${one.name}:`, emoji: one.id ? one : { name: one.emoji }, value: one.text, detail: one.id ? "this server" : "" }));
  return { start: caret - match[2].length - 1, items };
}

/** `:name:` becomes what it stands for, except in code. */
export function encodeEmoji(text) {
  const known = new Map(emojiGroups().flatMap((group) => group.emoji).reverse().map((one) => [one.name, one.id ? `<:${one.reaction}>` : one.emoji]));
  return text.split(CODE).map((part, index) => (index % 2 ? part : part.replace(/(?<![<\w]):([\w+-]+):(?!\d)/g, (written, name) => known.get(name) ?? written))).join("");
}

export const decodeEmoji = (text) => text.replace(/<a?:(\w+):\d+>/g, ":$1:");
