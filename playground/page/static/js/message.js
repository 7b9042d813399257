// One message: made once, then patched part by part, so that a stream of edits disturbs neither focus nor buttons.

import { drawAttachments } from "./attachments.js";
import { colorName } from "./colors.js";
import { drawComponents, failureOf } from "./components.js";
import { avatar, byId, h, redraw } from "./dom.js";
import { drawEmbed } from "./embeds.js";
import { emojiFace } from "./emoji.js";
import { openPicker } from "./emoji-picker.js";
import { icon } from "./icons.js";
import { toolbar } from "./menu.js";
import { openProfile } from "./members.js";
import { dismiss, toggleReaction } from "./message-actions.js";
import { emit, membersHere, on, state } from "./state.js";
import { makeText } from "./text.js";
import { attempt } from "./toasts.js";
import { clockTime, fullTime, localizeTimestamps, shortTime } from "./time.js";

const PARTS = [
  ["context", (m) => [m.reply_to, m.used], drawContext],
  ["head", (m) => [m.author, m.created_at], drawHead],
  ["body", (m) => [m.html, m.jumbo, m.edited, m.loading, m.system], drawBody],
  ["attachments", (m) => m.attachments, (m) => drawAttachments(m.attachments)],
  ["embeds", (m) => m.embeds, (m) => m.embeds.map(drawEmbed)],
  ["components", (m) => m.components, drawComponents],
  ["reactions", (m) => m.reactions, drawReactions],
  ["thread", (m) => m.thread, drawThread],
  ["foot", (m) => [m.ephemeral, failureOf(m.id)], drawFoot],
];

export function makeMessage(message) {
  const ids = `author-${message.id} time-${message.id}`;
  const element = h("article", { class: "message", id: `message-${message.id}`, tabindex: "-1", "aria-labelledby": ids, dataset: { id: message.id } });
  const parts = PARTS.map(([name]) => h("div", { class: `part-${name}`, dataset: { part: name } }));
  element.append(
    parts[0],
    h("div", { class: "gutter" }, avatar(message.author), h("time", { class: "small-time", datetime: message.created_at, title: fullTime(message.created_at), "aria-hidden": "true" }, clockTime(message.created_at))),
    h("div", { class: "content" }, ...parts.slice(1)),
    h("div", { class: "tools" }),
  );
  element.drawn = {};
  patchMessage(element, message);
  return element;
}

/** Draw again what changed. */
export function patchMessage(element, message) {
  for (const [name, keyOf, draw] of PARTS) {
    const key = JSON.stringify(keyOf(message));
    if (element.drawn[name] === key) continue;
    element.drawn[name] = key;
    redraw(element.querySelector(`[data-part="${name}"]`), [draw(message) ?? []].flat());
  }
  element.classList.toggle("ephemeral", message.ephemeral);
  element.classList.toggle("mentions-me", message.mentions_me && message.author.id !== state.me.id);
  element.classList.toggle("system", Boolean(message.system));
  const rights = JSON.stringify([message.can_edit, message.can_delete, message.ephemeral, message.loading]);
  if (element.drawn.rights !== rights) {
    element.drawn.rights = rights;
    element.querySelector(".tools").replaceChildren(...toolbar(message.id));
  }
}

on("failure", (id) => {
  const [element, message] = [byId(`message-${id}`), state.messages.get(id)];
  if (element && message) patchMessage(element, message);
});

function drawContext(message) {
  if (message.used) {
    return h("p", { class: "context" }, avatar(message.used.face, 16), h("b", {}, message.used.user), " used ", h("span", { class: "mention" }, message.used.name));
  }
  const reply = message.reply_to;
  if (!reply) return null;
  const text = quiet(h("span", { class: "reply-text", html: reply.html }));
  if (!reply.author) return h("p", { class: "context reply" }, text);
  return h("p", { class: "context reply" },
    h("button", { type: "button", class: "reply-jump", "aria-label": `Replying to ${reply.author.name}: ${text.textContent}`, onclick: () => emit("jump", { id: reply.id }) },
      avatar(reply.author, 16), reply.author.bot && h("span", { class: "badge" }, "APP"), colorName(h("b", {}, reply.author.name), reply.author.color), text));
}

/** Nothing in a quote can be pressed: the quote itself is a button. */
function quiet(element) {
  for (const inner of element.querySelectorAll("[role], [tabindex]")) ["role", "tabindex", "aria-label"].forEach((name) => inner.removeAttribute(name));
  for (const link of element.querySelectorAll("a")) link.replaceWith(link.textContent);
  localizeTimestamps(element);
  return element;
}

function drawHead(message) {
  const { author } = message;
  return [
    colorName(h("b", { class: "author", id: `author-${message.id}`, onclick: (event) => showAuthor(author, event.currentTarget) }, author.name), author.color),
    author.bot && h("span", { class: "badge", title: author.webhook ? "Speaks through a webhook" : "An application" }, "APP"),
    h("time", { class: "time", id: `time-${message.id}`, datetime: message.created_at, title: fullTime(message.created_at) }, shortTime(message.created_at)),
  ];
}

/** By pointer only: the keyboard finds everybody in the member list. */
function showAuthor(author, anchor) {
  const member = !author.webhook && membersHere().find((one) => one.id === author.id);
  if (member) openProfile(member, anchor);
}

const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

function drawBody(message) {
  if (message.loading) return h("p", { class: "thinking" }, dots(), `${message.author.name} is thinking…`);
  if (message.unanswered) return h("p", { class: "failed-note" }, icon("warning", 16), "The application did not respond");
  if (message.system) return h("p", { class: "system-text" }, h("b", {}, message.author.name), ` ${message.system} `, message.html && h("span", { html: message.html }));
  if (!message.html && !message.edited) return null;
  const body = makeText(message.html, { className: message.jumbo ? "text jumbo" : "text" });
  if (message.edited && message.html) {
    const sign = h("span", { class: "edited", title: message.edited_at ? `Edited ${fullTime(message.edited_at)}` : null }, " (edited)");
    (body.lastElementChild?.tagName === "P" ? body.lastElementChild : body).append(sign);
  }
  return body;
}

function drawReactions(message) {
  if (!message.reactions.length) return null;
  const more = state.channel?.can_react && h("button", {
    type: "button", class: "reaction more", "aria-label": "Add another reaction", title: "Add another reaction", dataset: { key: `reaction-more-${message.id}` },
    onclick: (event) => openPicker(event.currentTarget, (one) => attempt(() => toggleReaction(message.id, one.reaction, true))),
  }, icon("smile", 18));
  return [...message.reactions.map((reaction) => drawReaction(message, reaction)), more];
}

function drawReaction(message, reaction) {
  const [name, id] = reaction.emoji.split(":");
  return h("button", {
    type: "button",
    class: "reaction",
    "aria-pressed": String(reaction.me),
    "aria-label": `${id ? `:${name}:` : name}, ${reaction.count}`,
    title: reaction.names?.join(", "),
    dataset: { key: `reaction-${reaction.emoji}` },
    onclick: () => attempt(() => toggleReaction(message.id, reaction.emoji, !reaction.me)),
  }, emojiFace({ id, name }), String(reaction.count));
}

function drawThread(message) {
  return message.thread && h("button", { type: "button", class: "thread-link", onclick: () => emit("go", { channel: message.thread.id }) },
    icon("thread"), h("span", { class: "name" }, message.thread.name), h("span", { class: "link" }, "Open thread ›"));
}

function drawFoot(message) {
  const failure = failureOf(message.id);
  return [
    failure && h("p", { class: "failed-note", role: "alert" }, icon("warning", 16), failure),
    message.ephemeral && h("p", { class: "only-you" }, icon("eye", 16), "Only you can see this ·",
      h("button", { type: "button", class: "link", onclick: () => attempt(() => dismiss(message)) }, "Dismiss message")),
  ];
}
