// What moderators look after in the open server: what is stopped and reported, who uses how much, and what was decided.

import { h, redraw } from "./dom.js";
import { emit, findChannel, guildOf, state } from "./state.js";
import { shortTime } from "./time.js";

const COMMANDS = ["setup", "queue show", "usage chart", "usage server", "audit show", "pause", "resume", "limit set", "limit list", "access deny", "access list", "filter add", "filter test"];
const LEVELS = { admin: "an admin", moderator: "a moderator", member: "a member" };
const LONGEST_VALUE = 60;

export function drawStaff(place, staff, queue) {
  const guild = guildOf(state.channel);
  if (!guild || !staff) {
    redraw(place, h("p", { class: "panel-empty" }, "Open a channel of a server to see what its moderators look after."));
    return;
  }
  redraw(place,
    h("p", { class: "staff-who" }, h("b", {}, state.me.display_name), ` is ${LEVELS[staff.level]} of ${guild.name}.`),
    ...switches(staff),
    ...(staff.level === "member" ? [h("p", { class: "hint" }, "Members do not see what moderators look after, neither here nor in the bot's answers.")] : desk(staff, queue, guild)));
}

function switches(staff) {
  const others = staff.staff.filter((one) => one.id !== state.me.id);
  if (!others.length) return [];
  return [h("p", { class: "staff-switch" }, ...others.map((one) => h("button", {
    type: "button", class: "button secondary", "data-key": `be-${one.id}`, onclick: () => emit("go", { person: one.id }),
  }, `Be ${one.name} (${one.level})`)))];
}

function desk(staff, queue, guild) {
  if (!staff.known) return [h("p", { class: "hint" }, "The bot does not run, or keeps its records where this page cannot look.")];
  const ids = new Set(guild.channels.map((channel) => channel.id));
  const here = (list) => (list ?? []).filter((one) => ids.has(one.channel_id));
  const running = here(queue?.running), waiting = here(queue?.waiting);
  return [
    !state.world.bot.online && h("p", { class: "hint" }, "The bot does not run now. This is what it last kept."),
    h("h3", {}, "Now"),
    ...staff.paused.map((scope) => h("p", { class: "staff-paused" }, `⏸️ Paused ${whereOf(scope)}`)),
    h("p", {}, `${count(running.length, "reply", "replies")} under way, ${waiting.length === 1 ? "1 message waits" : `${waiting.length} messages wait`}.`),
    waiting.length > 0 && h("ul", { class: "plain-list" }, waiting.map((one) => h("li", {}, link(one.author, one.channel_id, one.id), h("span", { class: "hint" }, nameOf(one.channel_id))))),
    h("h3", {}, `Open reports (${staff.reports.length})`),
    staff.reports.length ? h("ul", { class: "plain-list" }, staff.reports.map(drawReport)) : h("p", { class: "hint" }, staff.log_channel ? `None. New ones come to ${nameOf(staff.log_channel) ?? "the moderators' channel"}.` : "None. Choose a moderators' channel with /setup, so that they have somewhere to go."),
    h("h3", {}, `Used today: ${count(staff.today.tokens, "token")}, ${count(staff.today.requests, "request")}`),
    ...shares("By whom", staff.today.users, staff.today.tokens),
    ...shares("By which model", staff.today.models, staff.today.tokens),
    h("h3", {}, "In force"),
    h("p", {}, `${count(staff.rules.limits, "limit")}, ${count(staff.rules.access, "rule")} of access, ${count(staff.rules.filters, "filter")}.`),
    h("h3", {}, "Changed last"),
    staff.audit.length ? h("ol", { class: "plain-list staff-audit" }, staff.audit.map(drawEntry)) : h("p", { class: "hint" }, "Nothing was changed yet."),
    h("h3", {}, "Do something about it"),
    ...commands(),
  ];
}

function commands() {
  const offered = COMMANDS.map((name) => state.commands.find((command) => command.kind === "slash" && command.name === name)).filter(Boolean);
  if (!offered.length) return [h("p", { class: "hint" }, "The bot offers no commands here.")];
  return [h("p", { class: "staff-commands" }, offered.map((command) => h("button", {
    type: "button", class: "button secondary", title: command.description, "data-key": `do-${command.name}`, onclick: () => emit("command", command.name),
  }, `/${command.name}`)))];
}

function drawReport(one) {
  const where = one.posted_id ? link("Look at it", one.log_channel_id, one.posted_id) : h("span", {}, "Not shown yet");
  return h("li", {}, where, h("span", { class: "hint" }, `about ${nameOf(one.channel_id) ?? "a message"} · ${shortTime(one.at)}`));
}

function shares(title, list, all) {
  if (!list.length) return [];
  return [h("table", { class: "staff-shares" }, h("caption", {}, title), h("tbody", {}, list.map((one) => {
    const bar = h("span", { class: "meter", "aria-hidden": "true" }, h("span", {}));
    bar.firstElementChild.style.width = `${all ? (one.tokens / all) * 100 : 0}%`;
    return h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, bar), h("td", { class: "meter-number" }, one.tokens.toLocaleString("en")));
  })))];
}

function drawEntry(one) {
  const change = one.before !== null || one.after !== null ? `: ${valueOf(one.before)} → ${valueOf(one.after)}` : "";
  return h("li", {}, h("span", {}, h("b", {}, one.action), ` ${subjectOf(one.subject)}${change}`),
    h("span", { class: "hint" }, [one.who, shortTime(one.at), one.reason].filter(Boolean).join(" · ")));
}

function subjectOf(subject) {
  return subject.replace(/\b(channel|thread|guild|user|role|message):(\d+)/g, (whole, kind, id) => {
    if (kind === "guild") return "the server";
    if (kind === "message") return "a message";
    if (kind === "user") return state.world.people.find((person) => person.id === id)?.display_name ?? whole;
    if (kind === "role") return guildOf(state.channel)?.roles.find((role) => role.id === id)?.name ?? whole;
    return nameOf(id) ?? whole;
  });
}

function valueOf(value) {
  if (value === null) return "nothing";
  const text = typeof value === "string" ? nameOf(value) ?? value : JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

const link = (label, channel, message) => h("button", { type: "button", class: "link", "data-key": `to-${message}`, onclick: () => emit("go", { channel, message }) }, label);
const whereOf = (scope) => (scope.kind === "guild" ? "on the whole server" : `in ${nameOf(scope.id) ?? "a channel"}`);
const count = (number, word, several = `${word}s`) => `${number.toLocaleString("en")} ${number === 1 ? word : several}`;

function nameOf(channelId) {
  const channel = findChannel(channelId);
  return channel && `#${channel.name}`;
}
