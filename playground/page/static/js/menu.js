// The tools of a message: a few buttons on it, the rest in a menu.

import { h } from "./dom.js";
import { deleteMessage, replyTo, startEditing, toggleReaction, useMessageCommand } from "./message-actions.js";
import { state } from "./state.js";
import { attempt } from "./toasts.js";

const QUICK_EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "⏳"];

/** The buttons that show when a message is pointed at or focused. */
export function toolbar(id) {
  const message = state.messages.get(id);
  if (!message || message.ephemeral || message.loading) return [];
  const tool = (label, sign, action) => h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: action }, sign);
  const more = tool("More", "⋯", (event) => openMenu(id, event.currentTarget));
  more.setAttribute("aria-haspopup", "menu");
  return [
    state.channel?.writable && tool("Reply", "↩", () => replyTo(id)),
    message.can_edit && tool("Edit", "✎", () => startEditing(id)),
    more,
  ].filter(Boolean);
}

function openMenu(id, button) {
  closeMenu();
  const message = state.messages.get(id);
  const item = (label, action, extra = {}) => h("button", {
    type: "button", role: "menuitem", tabindex: "-1", ...extra,
    onclick: () => { closeMenu(); action(); },
  }, label);
  const reactions = h("div", { class: "menu-row", role: "group", "aria-label": "React" },
    QUICK_EMOJI.map((emoji) => item(emoji, () => attempt(() => toggleReaction(id, emoji, true)), { "aria-label": `React with ${emoji}` })));
  const commands = state.commands.filter((command) => command.kind === "message");
  const menu = h("div", { class: "menu", role: "menu", "aria-label": "Message", onkeydown: moveInMenu },
    state.channel?.can_react && reactions,
    state.channel?.writable && item("Reply", () => replyTo(id)),
    message.can_edit && item("Edit", () => startEditing(id)),
    item("Copy text", () => navigator.clipboard?.writeText(message.content)),
    commands.length > 0 && h("p", { class: "menu-title" }, "Apps"),
    commands.map((command) => item(command.name, () => attempt(() => useMessageCommand(id, command.name)), { class: "app-command" })),
    message.can_delete && item("Delete", () => attempt(() => deleteMessage(id)), { class: "danger" }),
  );
  document.body.append(menu);
  place(menu, button.getBoundingClientRect());
  menu.opener = button;
  menu.querySelector("[role=menuitem]")?.focus();
  setTimeout(() => document.addEventListener("pointerdown", closeOutside), 0);
}

function place(menu, at) {
  const top = Math.min(at.bottom + 4, innerHeight - menu.offsetHeight - 8);
  const left = Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8));
  menu.style.top = `${top}px`;
  menu.style.left = `${left}px`;
}

function closeOutside(event) {
  if (!event.target.closest(".menu")) closeMenu();
}

function closeMenu({ refocus = false } = {}) {
  const menu = document.querySelector(".menu");
  document.removeEventListener("pointerdown", closeOutside);
  if (refocus) menu?.opener.focus();
  menu?.remove();
}

function moveInMenu(event) {
  const items = [...event.currentTarget.querySelectorAll("[role=menuitem]")];
  const index = items.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    closeMenu({ refocus: true });
  } else if (step) {
    event.preventDefault();
    items[(index + step + items.length) % items.length].focus();
  }
}
