// What a menu offers: its own options, or people, roles and channels of this place.

import { guildOf, membersHere, state } from "./state.js";

const STRING_SELECT = 3, USER_SELECT = 5, ROLE_SELECT = 6, MENTIONABLE_SELECT = 7, CHANNEL_SELECT = 8;
const CHANNEL_KINDS = { 0: "text", 1: "dm", 2: "voice", 4: "category", 5: "text", 10: "thread", 11: "thread", 12: "thread", 15: "forum", 16: "forum" };
const SIGNS = { text: "hash", thread: "thread", voice: "voice", forum: "forum", category: "list" };

/** Options as { value, label, description, emoji, user, color, sign, default }. */
export function optionsOf(component) {
  const chosen = new Set((component.default_values ?? []).map((value) => String(value.id)));
  const options = rawOptions(component);
  return component.type === STRING_SELECT ? options : options.map((option) => ({ ...option, default: chosen.has(option.value) }));
}

function rawOptions(component) {
  const guild = guildOf(state.channel);
  const people = membersHere().map((user) => ({ value: user.id, label: user.display_name, description: user.name, user }));
  const roles = (guild?.roles ?? []).map((role) => ({ value: role.id, label: `@${role.name}`, color: role.color ?? "#99aab5" }));
  switch (component.type) {
    case USER_SELECT: return people;
    case ROLE_SELECT: return roles;
    case MENTIONABLE_SELECT: return [...people, ...roles];
    case CHANNEL_SELECT: return channels(guild, component.channel_types);
    default: return component.options ?? [];
  }
}

function channels(guild, types) {
  const kinds = types?.length ? new Set(types.map((type) => CHANNEL_KINDS[type])) : null;
  return (guild?.channels ?? []).filter((channel) => !kinds || kinds.has(channel.kind))
    .map((channel) => ({ value: channel.id, label: channel.name, sign: SIGNS[channel.kind] ?? "hash" }));
}
