// Channels on the left, and below them the people whom one can be.

import { avatar, byId, h } from "./dom.js";
import { emit, on, state } from "./state.js";

const SIGNS = { text: "#", thread: "↳", dm: "@", forum: "☰", voice: "♪" };

export function startSidebar() {
  on("world", draw);
  on("moved", draw);
  on("unread", draw);
  on("bot", drawBot);
  on("connection", drawBot);
  byId("open-sidebar").addEventListener("click", () => setOpen(!byId("app").classList.contains("sidebar-open")));
}

function setOpen(open) {
  byId("app").classList.toggle("sidebar-open", open);
  byId("open-sidebar").setAttribute("aria-expanded", String(open));
}

function draw() {
  const { world, channel } = state;
  byId("guild-name").textContent = world.guilds[0]?.name ?? "Playground";
  byId("channels").replaceChildren(
    ...world.guilds.map(guildList),
    ...(world.dms.length ? [h("h3", {}, "Direct messages"), h("ul", {}, world.dms.map(channelItem))] : []),
  );
  byId("people").replaceChildren(...world.people.map(personButton));
  byId("channel-name").textContent = channel ? `${SIGNS[channel.kind] ?? "#"} ${channel.name}` : "Nothing to see";
  byId("channel-topic").textContent = channel?.topic ?? "";
  document.title = channel ? `${channel.name} · Playground` : "Playground";
  drawBot();
}

function drawBot() {
  const online = state.world?.bot.online;
  const element = byId("bot-state");
  element.textContent = online ? `${state.world.bot.display_name} is online` : "The bot is offline";
  element.dataset.online = String(Boolean(online));
}

function guildList(guild) {
  const inside = (parent) => guild.channels.filter((channel) => (channel.parent_id ?? null) === parent);
  const branch = (channel) => [
    channel.kind === "category" ? h("li", { class: "category" }, channel.name) : channelItem(channel),
    ...inside(channel.id).flatMap(branch),
  ];
  const known = new Set(guild.channels.map((channel) => channel.id));
  const roots = guild.channels.filter((channel) => !channel.parent_id || !known.has(channel.parent_id));
  return h("ul", { "aria-label": guild.name }, roots.flatMap(branch));
}

function channelItem(channel) {
  const open = channel.id === state.channel?.id;
  const unread = state.unread.has(channel.id) && !open;
  const classes = ["channel", channel.kind, unread && "unread"].filter(Boolean).join(" ");
  return h("li", {}, h("button", {
    class: classes,
    type: "button",
    "aria-current": open ? "page" : null,
    disabled: channel.kind === "forum",
    dataset: { channel: channel.id },
    onclick: () => { setOpen(false); emit("go", { channel: channel.id }); },
  }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[channel.kind] ?? "#"), channel.name,
  unread && h("span", { class: "visually-hidden" }, " (new messages)")));
}

function personButton(person) {
  const chosen = person.id === state.me.id;
  return h("button", {
    class: "person",
    type: "button",
    role: "radio",
    "aria-checked": String(chosen),
    tabindex: chosen ? "0" : "-1",
    dataset: { person: person.id },
    onclick: () => { setOpen(false); emit("go", { person: person.id }); },
    onkeydown: moveChoice,
  }, avatar(person, 28), h("span", { class: "person-name" }, person.display_name), h("span", { class: "standing" }, person.standing));
}

function moveChoice(event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...byId("people").children];
  buttons[(buttons.indexOf(event.currentTarget) + step + buttons.length) % buttons.length].focus();
}
