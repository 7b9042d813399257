// Servers and their channels on the left, and below them the people whom one can be.

import { avatar, byId, h, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { allChannels, emit, guildOf, on, state } from "./state.js";

const SIGNS = { text: "hash", thread: "thread", dm: "at", forum: "forum", voice: "voice" };
const REMEMBERED = "playground.folded";

const folded = new Set(JSON.parse(localStorage.getItem(REMEMBERED) ?? "[]"));
const unfolded = new Set(); // channels whose archived threads are shown
const lastIn = new Map(); // server id, or "dm" -> the channel that was open there last

export function startSidebar() {
  on("world", draw);
  on("moved", draw);
  on("unread", drawPlaces);
  on("bot", drawBot);
  on("connection", drawBot);
  byId("open-sidebar").replaceChildren(icon("list"));
  byId("open-sidebar").addEventListener("click", () => setOpen(!byId("app").classList.contains("sidebar-open")));
  byId("app").addEventListener("keydown", (event) => event.key === "Escape" && setOpen(false));
  document.querySelector(".main").addEventListener("pointerdown", (event) => !event.target.closest("#open-sidebar") && setOpen(false));
}

function setOpen(open) {
  byId("app").classList.toggle("sidebar-open", open);
  byId("open-sidebar").setAttribute("aria-expanded", String(open));
}

function draw() {
  const { world, channel } = state;
  if (channel) lastIn.set(channel.guild_id ?? "dm", channel.id);
  drawPlaces();
  redraw(byId("people"), world.people.map(personButton));
  byId("channel-name").replaceChildren(icon(SIGNS[channel?.kind] ?? "hash", 22), h("span", {}, channel?.name ?? "Nothing to see"));
  byId("channel-topic").textContent = channel?.topic ?? "";
  drawBot();
}

function drawPlaces() {
  const guild = guildOf(state.channel);
  const pings = [...state.unread].reduce((sum, [id, count]) => sum + (id === state.channel?.id ? 0 : count), 0);
  document.title = `${pings ? `(${pings}) ` : ""}${state.channel ? `${state.channel.name} · ` : ""}Playground`;
  const inDms = !guild && state.world.dms.length > 0;
  byId("guild-name").textContent = inDms ? "Direct messages" : guild?.name ?? "Playground";
  redraw(byId("rail"), railItem("dm", "Direct messages", state.world.dms, icon("at", 24)),
    h("hr", { class: "rail-line" }),
    state.world.guilds.map((one) => railItem(one.id, one.name, one.channels, initials(one.name))));
  redraw(byId("channels"), inDms ? h("ul", { "aria-label": "Direct messages" }, state.world.dms.map(channelItem)) : guild && guildList(guild));
}

function drawBot() {
  const online = state.world?.bot.online;
  const element = byId("bot-state");
  element.textContent = online ? `${state.world.bot.display_name} is online` : "The bot is offline";
  element.dataset.online = String(Boolean(online));
}

const marks = (pings) => (pings ? `${pings} mention${pings === 1 ? "" : "s"}` : "new messages");

const initials = (name) => name.split(/\s+/).map((word) => [...word][0]).join("").slice(0, 3);

function railItem(id, name, channels, face) {
  const open = (state.channel?.guild_id ?? "dm") === id && Boolean(state.channel);
  const marked = channels.filter((channel) => state.unread.has(channel.id) && channel.id !== state.channel?.id);
  const pings = marked.reduce((sum, channel) => sum + state.unread.get(channel.id), 0);
  const known = allChannels().some((channel) => channel.id === lastIn.get(id));
  const target = known ? lastIn.get(id) : channels.find((channel) => !["category", "forum", "voice"].includes(channel.kind))?.id;
  return h("div", { class: "rail-item" }, h("button", {
    type: "button", title: name, class: marked.length ? "server unread" : "server", dataset: { key: `server-${id}` }, "aria-current": open ? "true" : null,
    "aria-label": marked.length ? `${name} (${marks(pings)})` : name,
    disabled: !target, onclick: () => emit("go", { channel: target }),
  }, face), pings > 0 && h("span", { class: "count", "aria-hidden": "true" }, String(pings)));
}

function guildList(guild) {
  const inside = (parent) => guild.channels.filter((channel) => (channel.parent_id ?? null) === parent);
  const known = new Set(guild.channels.map((channel) => channel.id));
  const roots = guild.channels.filter((channel) => !channel.parent_id || !known.has(channel.parent_id));
  const withThreads = (channel) => {
    const threads = inside(channel.id);
    return [channelItem(channel), threads.length > 0 && h("li", {}, h("ul", { class: "threads", "aria-label": `${channel.kind === "forum" ? "Posts" : "Threads"} of ${channel.name}` }, threadItems(channel, threads)))];
  };
  const category = (channel) => {
    const open = !folded.has(channel.id);
    const shown = inside(channel.id).filter((inner) => open || state.unread.has(inner.id) || inner.id === state.channel?.id);
    return h("li", {}, h("button", { type: "button", class: "category", "aria-expanded": String(open), dataset: { key: channel.id }, onclick: () => fold(channel.id) },
      icon("down", 12), channel.name), h("ul", { "aria-label": channel.name }, shown.map(withThreads)));
  };
  const [plain, categories] = [roots.filter((channel) => channel.kind !== "category"), roots.filter((channel) => channel.kind === "category")];
  return h("ul", { "aria-label": guild.name }, plain.map(withThreads).flat(), categories.map(category));
}

/** Archived threads stand behind a line that opens them, unless they are open or something new is in them. */
function threadItems(channel, threads) {
  const [key, archived] = [`archived-${channel.id}`, threads.filter((thread) => thread.archived)];
  const open = unfolded.has(key);
  const shown = threads.filter((thread) => !thread.archived || open || thread.id === state.channel?.id || state.unread.has(thread.id));
  const [kind, many] = channel.kind === "forum" ? ["post", "posts"] : ["thread", "threads"];
  const line = archived.length > 0 && h("li", {}, h("button", { type: "button", class: "archived", "aria-expanded": String(open), dataset: { key }, onclick: () => unfold(key) },
    open ? `Hide archived ${many}` : `${archived.length} archived ${archived.length === 1 ? kind : many}`));
  return [...shown.map(channelItem), line];
}

function unfold(key) {
  if (!unfolded.delete(key)) unfolded.add(key);
  drawPlaces();
}

function fold(id) {
  if (!folded.delete(id)) folded.add(id);
  localStorage.setItem(REMEMBERED, JSON.stringify([...folded]));
  drawPlaces();
}

function channelItem(channel) {
  const open = channel.id === state.channel?.id;
  const pings = open ? 0 : state.unread.get(channel.id) ?? 0;
  const unread = state.unread.has(channel.id) && !open;
  const face = channel.kind === "dm"
    ? h("span", { class: `with-state${state.world.bot.online ? "" : " offline"}` }, avatar({ ...state.world.bot }, 32))
    : icon(SIGNS[channel.kind] ?? "hash", channel.kind === "thread" ? 16 : 20);
  return h("li", {}, h("button", {
    class: ["channel", channel.kind, unread && "unread"].filter(Boolean).join(" "),
    type: "button",
    "aria-current": open ? "page" : null,
    disabled: channel.kind === "voice",
    dataset: { channel: channel.id, key: channel.id },
    onclick: () => { setOpen(false); emit("go", { channel: channel.id }); },
  }, face, h("span", { class: "name" }, channel.name),
  unread && h("span", { class: "visually-hidden" }, ` (${marks(pings)})`),
  pings > 0 && h("span", { class: "count", "aria-hidden": "true" }, String(pings)),
  channel.locked && !pings && h("span", { class: "lock", title: "Locked" }, icon("lock", 13), h("span", { class: "visually-hidden" }, " (locked)")),
  channel.nsfw && !pings && h("span", { class: "lock", title: "Age-restricted" }, "18+")));
}

function personButton(person) {
  const chosen = person.id === state.me.id;
  return h("button", {
    class: "person",
    type: "button",
    role: "radio",
    "aria-checked": String(chosen),
    tabindex: chosen ? "0" : "-1",
    dataset: { person: person.id, key: person.id },
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
