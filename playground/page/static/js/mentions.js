// Mentions are written by name and sent by id.

import { guildOf, membersHere, state } from "./state.js";

const MAX_SUGGESTIONS = 10;

function everything() {
  const guild = guildOf(state.channel);
  return [
    ...membersHere().map((user) => ({ sign: "@", name: user.display_name, code: `<@${user.id}>`, detail: user.bot ? "application" : user.standing, user })),
    ...(guild?.roles ?? []).map((role) => ({ sign: "@", name: role.name, code: `<@&${role.id}>`, detail: "role", color: role.color })),
    ...(guild?.channels ?? []).filter((channel) => channel.kind !== "category")
      .map((channel) => ({ sign: "#", name: channel.name, code: `<#${channel.id}>`, detail: "channel" })),
  ];
}

/** The word before the caret that may become a mention: { start, items }, or null. */
export function mentionAt(text, caret) {
  const match = /(^|\s)([@#])([^\s@#]*)$/u.exec(text.slice(0, caret));
  if (!match) return null;
  const wanted = match[3].toLowerCase();
  const items = everything()
    .filter((entry) => entry.sign === match[2] && entry.name.toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.name.toLowerCase().startsWith(wanted)) - Number(a.name.toLowerCase().startsWith(wanted)))
    .slice(0, MAX_SUGGESTIONS)
    .map((entry) => ({ label: `${entry.sign}${entry.name}`, detail: entry.detail, value: `${entry.sign}${entry.name}`, user: entry.user, color: entry.color }));
  return { start: caret - match[3].length - 1, items };
}

/** Names to ids, the longest names first. */
export function encodeMentions(text) {
  const entries = everything().sort((a, b) => b.name.length - a.name.length);
  let encoded = text;
  for (const entry of entries) encoded = encoded.replaceAll(wordPattern(`${entry.sign}${entry.name}`), `$1${entry.code}`);
  return encoded;
}

/** Ids to names, for editing. */
export function decodeMentions(text) {
  let decoded = text.replaceAll("<@!", "<@");
  for (const entry of everything()) decoded = decoded.replaceAll(entry.code, `${entry.sign}${entry.name}`);
  return decoded;
}

const wordPattern = (word) => new RegExp(`(^|[\\s(])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w-])`, "giu");
