// The server's HTML of a text, brought to life: spoilers, mentions that lead somewhere, code to copy, own times.

import { colorName } from "./colors.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { openProfile } from "./members.js";
import { emit, findChannel, guildOf, membersHere, state } from "./state.js";
import { localizeTimestamps } from "./time.js";

export function makeText(html, { className = "text" } = {}) {
  const element = h("div", { class: className, html });
  localizeTimestamps(element);
  element.querySelectorAll(".spoiler").forEach((spoiler) => whenPressed(spoiler, () => reveal(spoiler)));
  element.querySelectorAll(".mention[data-kind]").forEach(bringToLife);
  element.querySelectorAll("pre").forEach(addCopy);
  return element;
}

function whenPressed(element, action) {
  element.addEventListener("click", action);
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    action();
  });
}

function reveal(spoiler) {
  spoiler.setAttribute("aria-expanded", "true");
  spoiler.removeAttribute("aria-label");
}

function bringToLife(mention) {
  const { kind, id } = mention.dataset;
  if (kind === "role") colorName(mention, guildOf(state.channel)?.roles.find((role) => role.id === id)?.color);
  if (kind === "channel" && findChannel(id)) lead(mention, () => emit("go", { channel: id }));
  if (kind === "message") lead(mention, () => emit("go", { channel: mention.dataset.channel, message: id }));
  const member = kind === "user" && membersHere().find((one) => one.id === id);
  if (member) lead(mention, () => openProfile(member, mention));
}

function lead(mention, action) {
  mention.setAttribute("role", mention.dataset.kind === "user" ? "button" : "link");
  mention.tabIndex = 0;
  whenPressed(mention, action);
}

function addCopy(pre) {
  const text = pre.querySelector("code").textContent;
  const button = h("button", { type: "button", class: "icon small copy-code", "aria-label": "Copy the code", title: "Copy", onclick: async () => {
    await navigator.clipboard?.writeText(text);
    button.replaceChildren(icon("check", 16));
    setTimeout(() => button.replaceChildren(icon("copy", 16)), 1500);
  } }, icon("copy", 16));
  pre.tabIndex = 0;
  pre.prepend(button);
}
