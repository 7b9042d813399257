// What the bot sent to Discord, and how much it may still send.

import { h } from "./dom.js";
import { emit, findChannel, on, state } from "./state.js";
import { clockTime } from "./time.js";

const MAX_KEPT = 300;
const WORDS = { post: "Posted", edit: "Edited", delete: "Deleted", react: "Reacted", unreact: "Took a reaction back", typing: "Typing", answer: "Answered an interaction" };

const KINDS = { post: "Posts", edit: "Edits", delete: "Deletions", react: "Reactions", unreact: "Reactions taken back", typing: "Typing", answer: "Answers", everything: "All requests" };

let writes = []; // oldest first

export function loadWrites(list) {
  writes = list;
}

export function listenToWrites(draw) {
  on("live:write", (write) => {
    if (writes.some((one) => one.key === write.key)) return;
    writes.push(write);
    if (writes.length > MAX_KEPT) writes = writes.slice(-MAX_KEPT);
    draw();
  });
}

const isHere = (one, here) => !here || one.channel_id === state.channel?.id;

export function drawWrites(list, here) {
  const groups = grouped(writes.filter((write) => isHere(write, here))).reverse();
  list.replaceChildren(...groups.map(drawGroup));
  if (!groups.length) list.append(h("li", { class: "panel-empty" }, "The bot sent nothing to Discord yet."));
}

/** Edits of one message in a row make one line. */
function grouped(list) {
  const groups = [];
  for (const write of list) {
    const last = groups.at(-1)?.[0];
    const same = last && write.what === "edit" && last.what === "edit" && last.message_id === write.message_id && (last.status === 429) === (write.status === 429);
    if (same) groups.at(-1).push(write);
    else groups.push([write]);
  }
  return groups;
}

function drawGroup(group) {
  const [first, last] = [group[0], group.at(-1)];
  const channel = findChannel(last.channel_id);
  const every = group.length > 1 ? (Date.parse(last.at) - Date.parse(first.at)) / 1000 / (group.length - 1) : 0;
  const ok = last.status !== null && last.status < 400;
  const facts = [
    clockTime(last.at),
    channel && (channel.kind === "dm" ? `@${channel.name}` : `#${channel.name}`),
    last.characters > 0 && `${last.characters.toLocaleString("en")} characters`,
    every > 0 && `one every ${every.toFixed(1)} s`,
    last.seconds >= 0.5 && `took ${last.seconds.toFixed(1)} s`,
    last.retry_after && `may try again after ${last.retry_after.toFixed(1)} s`,
  ];
  const title = WORDS[last.what] ?? last.what;
  return h("li", { class: "write" },
    h("span", { class: "status", dataset: { status: ok ? "good" : "bad" } }, last.status === null ? "cut" : String(last.status)),
    h("span", { class: "write-title" }, last.message_id && last.what !== "delete" && channel
      ? h("button", { type: "button", class: "link", onclick: () => emit("go", { channel: last.channel_id, message: last.message_id }) }, title) : title, group.length > 1 && ` ${group.length} times`),
    h("span", { class: "hint" }, facts.filter(Boolean).join(" · ")));
}

/** The windows of Discord's limits that are not full. */
export function drawAllowances(place, allowances, here) {
  const shown = allowances.filter((one) => isHere(one, here) || one.what === "everything");
  place.replaceChildren(h("h3", {}, "Allowance left"), shown.length ? h("ul", { class: "allowances" }, shown.map(drawAllowance))
    : h("p", { class: "hint" }, "All of it: the bot sent nothing in the last seconds."), h("h3", {}, "Sent, newest first"));
}

function drawAllowance(one) {
  const channel = findChannel(one.channel_id);
  const where = channel ? ` in ${channel.kind === "dm" ? "@" : "#"}${channel.name}` : "";
  return h("li", { class: one.left === 0 ? "used-up" : "" }, h("b", {}, `${KINDS[one.what] ?? one.what}${where}`), `: ${one.left} of ${one.of} left`,
    h("span", { class: "hint" }, ` of ${one.window_seconds} s; one more in ${one.seconds.toFixed(1)} s`));
}
