// New people, roles, channels, threads and servers.

import { act } from "./controls-act.js";
import { checkField, checkGroup, choiceField, controlForm, redrawControls, textField } from "./control-forms.js";
import { h } from "./dom.js";
import { guildOf, state } from "./state.js";
import { notice } from "./toasts.js";

export function drawPlaces(place, view) {
  const guild = guildOf(state.channel) ?? state.world.guilds[0];
  if (!guild) return;
  redrawControls(place, [
    h("h3", { id: "places-title" }, `Add to ${guild.name}`),
    person(guild), role(guild, view.permissions), rolesOf(guild), channel(guild), thread(guild), invitation(guild), server(),
  ]);
}

const options = (list, label = (one) => one.name) => list.map((one) => ({ value: one.id, label: label(one) }));

/** Send, say what is there now, and empty the text fields for the next. */
async function add(path, body, form, sentence, method = "POST") {
  const made = await act(method, path, body);
  if (!made) return;
  for (const field of form.querySelectorAll("input[type=text]")) field.value = "";
  notice(sentence(made.name));
}

function person(guild) {
  return controlForm({
    key: "person", title: "A person", action: "Add", outcome: "They join the server and stand at the bottom left, where you can become them.",
    fields: [textField("name", "Name"), guild.roles.length > 0 && checkGroup("roles", "Roles", options(guild.roles))],
    send: (values, form) => add("/people", { guild_id: guild.id, name: values.get("name"), role_ids: values.getAll("roles") }, form, (name) => `${name} has joined ${guild.name}.`),
  }).element;
}

function role(guild, permissions) {
  return controlForm({
    key: "role", title: "A role", action: "Add", outcome: "Nobody has it yet: give it to somebody below. Manage messages makes a moderator for the bot, Manage server an admin.",
    fields: [
      h("div", { class: "control-row" }, textField("name", "Name"), h("div", { class: "control-field color" }, h("label", { for: "role-color" }, "Colour"), h("input", { id: "role-color", type: "color", name: "color", value: "#5dbb8a" }))),
      checkGroup("permissions", "Permissions", permissions.map((one) => ({ value: one.name, label: one.label }))),
    ],
    send: (values, form) => add("/roles", { guild_id: guild.id, name: values.get("name"), color: values.get("color"), permissions: values.getAll("permissions") }, form, (name) => `There is a role ${name} now.`),
  }).element;
}

function rolesOf(guild) {
  const people = guild.members.filter((member) => !member.bot);
  const boxes = h("div", {});
  const draw = (id) => boxes.replaceChildren(checkGroup("roles", "Roles", options(guild.roles), people.find((one) => one.id === id)?.role_ids ?? []));
  draw(people[0]?.id);
  return controlForm({
    key: "roles-of", title: "Roles of a person", action: "Set", outcome: "What they see and which commands they are offered changes at once.",
    fields: [choiceField("user", "Person", options(people, (one) => one.display_name), { onchange: (event) => draw(event.currentTarget.value) }), boxes],
    send: (values, form) => add("/members", { guild_id: guild.id, user_id: values.get("user"), role_ids: values.getAll("roles") }, form, (name) => `${name} has other roles now.`, "PUT"),
  }).element;
}

function channel(guild) {
  return controlForm({
    key: "channel", title: "A channel", action: "Add", outcome: "Everybody on the server sees it, the bot too; an age-restricted one is marked 18+ and told to the bot as such.",
    fields: [textField("name", "Name"), choiceField("kind", "Kind", [{ value: "text", label: "Text" }, { value: "forum", label: "Forum" }]), checkField("nsfw", "Age-restricted")],
    send: (values, form) => add("/channels", { guild_id: guild.id, name: values.get("name"), kind: values.get("kind"), age_restricted: values.has("nsfw") }, form, (name) => `#${name} is there.`),
  }).element;
}

function thread(guild) {
  const parents = guild.channels.filter((one) => one.kind === "text");
  const open = parents.find((one) => [state.channel?.id, state.channel?.parent_id].includes(one.id));
  return controlForm({
    key: "thread", title: "A thread", action: "Add", disabled: parents.length === 0,
    outcome: "You start it, as who you are now; it keeps the settings of its channel and a conversation of its own.",
    fields: [textField("name", "Name"), choiceField("channel", "Below", options(parents, (one) => `#${one.name}`), { chosen: open?.id }), checkField("private", "Private")],
    send: (values, form) => add("/threads", { channel_id: values.get("channel"), name: values.get("name"), private: values.has("private") }, form, (name) => `The thread ${name} is there.`),
  }).element;
}

function invitation(guild) {
  const here = new Set(guild.members.map((member) => member.id));
  const others = state.world.people.filter((one) => !here.has(one.id));
  return controlForm({
    key: "invite", title: "Somebody from another server", action: "Invite", disabled: others.length === 0,
    outcome: others.length ? "They join this server as well; the bot keeps what was said on each apart." : "Everybody is here already.",
    fields: others.length ? [choiceField("user", "Person", options(others, (one) => one.display_name))] : [],
    send: (values, form) => add("/invitations", { guild_id: guild.id, user_id: values.get("user") }, form, (name) => `${name} has joined ${guild.name}.`),
  }).element;
}

function server() {
  return controlForm({
    key: "server", title: "A server", action: "Add", outcome: "You own it, the bot is invited at once, and it shares nothing with the others.",
    fields: [textField("name", "Name")],
    send: (values, form) => add("/guilds", { name: values.get("name") }, form, (name) => `${name} is there, at the left.`),
  }).element;
}
