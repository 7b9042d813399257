// The tools of a message: a few buttons on it, the rest in a menu; also by right click and by keyboard.

import { byId, h } from "./dom.js";
import { openPicker } from "./emoji-picker.js";
import { icon } from "./icons.js";
import { deleteMessage, deleteWithQuestion, dismiss, replyTo, startEditing, toggleReaction, useMessageCommand } from "./message-actions.js";
import { on, state } from "./state.js";
import { attempt, notice } from "./toasts.js";

const QUICK_EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "⏳"];
const KEYS = { e: "edit", r: "reply", "+": "react", Delete: "delete", Enter: "menu", ContextMenu: "menu" };

let menu = null; // { element, opener }

export function startMenu() {
  byId("log").addEventListener("contextmenu", (event) => {
    const message = event.target.closest(".message");
    const takesOwn = event.target.closest("a, img:not(.emoji), textarea, input") || (getSelection()?.toString() && event.button === 2);
    if (!message || event.shiftKey || takesOwn) return;
    event.preventDefault();
    const keyboard = event.clientX === 0 && event.clientY === 0;
    const at = message.getBoundingClientRect();
    openMenu(message.dataset.id, document.activeElement.closest(".message") ? document.activeElement : message,
      keyboard ? { x: at.left + 72, y: Math.max(at.top, 60) } : { x: event.clientX, y: event.clientY });
  });
  byId("log").addEventListener("keydown", useKey);
  on("moved", () => closeMenu());
}

/** The buttons that show when a message is pointed at or focused. */
export function toolbar(id) {
  const message = state.messages.get(id);
  if (!message || message.ephemeral || message.loading) return [];
  const tool = (label, sign, action) => h("button", { type: "button", class: "tool", "aria-label": label, title: label, dataset: { key: label }, onclick: action }, icon(sign, 18));
  const more = tool("More", "more", (event) => openMenu(id, event.currentTarget));
  more.setAttribute("aria-haspopup", "menu");
  return [
    state.channel?.can_react && tool("Add reaction", "smile", (event) => react(id, event.currentTarget)),
    state.channel?.writable && tool("Reply", "reply", () => replyTo(id)),
    message.can_edit && tool("Edit", "edit", () => startEditing(id)),
    more,
  ].filter(Boolean);
}

const react = (id, anchor) => openPicker(anchor, (one) => attempt(() => toggleReaction(id, one.reaction, true)));

/** On a focused message single keys do what its buttons do. */
function useKey(event) {
  const element = event.target;
  const message = element.classList?.contains("message") && state.messages.get(element.dataset.id);
  const action = KEYS[event.key];
  if (!message || !action || event.ctrlKey || event.metaKey || event.altKey) return;
  const does = {
    edit: message.can_edit && (() => startEditing(message.id)),
    reply: state.channel?.writable && !message.ephemeral && (() => replyTo(message.id)),
    react: state.channel?.can_react && !message.ephemeral && (() => react(message.id, element)),
    delete: message.can_delete && (() => deleteWithQuestion(message.id)),
    menu: () => openMenu(message.id, element, { x: element.getBoundingClientRect().left + 72, y: Math.max(element.getBoundingClientRect().top, 60) }),
  }[action];
  if (!does) return;
  event.preventDefault();
  does();
}

function openMenu(id, opener, point = null) {
  closeMenu();
  const message = state.messages.get(id);
  if (!message || message.loading) return;
  const element = h("div", { class: "menu", role: "menu", "aria-label": "Message", onkeydown: moveInMenu }, items(message, opener));
  document.body.append(element);
  menu = { element, opener };
  place(element, point ?? below(opener, element));
  element.querySelector("[role=menuitem]")?.focus();
  document.addEventListener("pointerdown", closeOutside, true);
}

function items(message, opener) {
  const { id, ephemeral } = message;
  const item = (label, sign, action, extra = {}) => h("button", {
    type: "button", role: "menuitem", tabindex: "-1", ...extra, onclick: (event) => { closeMenu({ refocus: true }); action(event); },
  }, h("span", { class: "menu-label" }, label), sign && icon(sign, 18));
  const quick = (emoji) => h("button", {
    type: "button", role: "menuitem", tabindex: "-1", class: "quick-emoji", "aria-label": `React with ${emoji}`, title: `React with ${emoji}`,
    onclick: () => { closeMenu({ refocus: true }); attempt(() => toggleReaction(id, emoji, true)); },
  }, emoji);
  const commands = state.commands.filter((command) => command.kind === "message");
  const [reacts, replies] = [state.channel?.can_react && !ephemeral, state.channel?.writable && !ephemeral];
  return [
    reacts && h("div", { class: "menu-row", role: "group", "aria-label": "React" }, QUICK_EMOJI.map(quick)),
    reacts && item("Add reaction…", "smile", () => react(id, opener)),
    replies && item("Reply", "reply", () => replyTo(id)),
    message.can_edit && item("Edit", "edit", () => startEditing(id)),
    message.content && item("Copy text", "copy", () => copy(message.content)),
    !ephemeral && commands.length > 0 && h("div", { role: "group", "aria-label": "Apps", class: "menu-group" }, h("p", { class: "menu-title", role: "presentation" }, "Apps"),
      commands.map((command) => item(command.name, null, () => attempt(() => useMessageCommand(id, command.name)), { class: "app-command" }))),
    ephemeral && item("Dismiss", "close", () => attempt(() => dismiss(message))),
    message.can_delete && item("Delete", "trash", (event) => (event.shiftKey ? attempt(() => deleteMessage(id)) : deleteWithQuestion(id)), { class: "danger", title: "With Shift: without asking" }),
  ];
}

async function copy(text) {
  await attempt(async () => {
    await navigator.clipboard.writeText(text);
    notice("Copied.");
  });
}

const below = (opener, element) => ({ x: opener.getBoundingClientRect().right - element.offsetWidth, y: opener.getBoundingClientRect().bottom + 4 });

function place(element, { x, y }) {
  element.style.top = `${Math.max(8, Math.min(y, innerHeight - element.offsetHeight - 8))}px`;
  element.style.left = `${Math.max(8, Math.min(x, innerWidth - element.offsetWidth - 8))}px`;
}

function closeOutside(event) {
  if (!event.target.closest(".menu")) closeMenu();
}

function closeMenu({ refocus = false } = {}) {
  document.removeEventListener("pointerdown", closeOutside, true);
  const closing = menu;
  menu = null;
  closing?.element.remove();
  if (refocus && closing?.opener.isConnected) closing.opener.focus({ preventScroll: true });
}

function moveInMenu(event) {
  const all = [...event.currentTarget.querySelectorAll("[role=menuitem]")];
  const index = all.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const edge = { Home: 0, End: all.length - 1 }[event.key];
  const letter = event.key.length === 1 && all.findIndex((one, place) => place > index && one.textContent.toLowerCase().startsWith(event.key.toLowerCase()));
  if (event.key === "Escape" || event.key === "Tab") closeMenu({ refocus: true });
  else if (step) all[(index + step + all.length) % all.length].focus();
  else if (edge !== undefined) all[edge].focus();
  else if (letter !== false && letter >= 0 && event.key !== " ") all[letter].focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
