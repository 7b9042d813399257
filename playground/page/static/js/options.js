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
  switch (component.type) {
    case USER_SELECT: return peopleOptions();
    case ROLE_SELECT: return roleOptions();
    case MENTIONABLE_SELECT: return [...peopleOptions(), ...roleOptions()];
    case CHANNEL_SELECT: return channelOptions((component.channel_types ?? []).map((type) => CHANNEL_KINDS[type]));
    default: return component.options ?? [];
  }
}

export const peopleOptions = () => membersHere().map((user) => ({ value: user.id, label: user.display_name, description: user.name, user }));

export const roleOptions = () => (guildOf(state.channel)?.roles ?? []).map((role) => ({ value: role.id, label: `@${role.name}`, color: role.color ?? "#99aab5" }));

/** The channels of this server that can be chosen; without kinds, all. */
export function channelOptions(kinds) {
  return (guildOf(state.channel)?.channels ?? []).filter((channel) => !channel.archived && (!kinds.length || kinds.includes(channel.kind)))
    .map((channel) => ({ value: channel.id, label: channel.name, sign: SIGNS[channel.kind] ?? "hash" }));
}
