// One message: made once, then patched part by part, so that a stream of edits disturbs neither focus nor buttons.

import { drawComponents } from "./components.js";
import { avatar, byId, h } from "./dom.js";
import { drawEmbed } from "./embeds.js";
import { toolbar } from "./menu.js";
import { dismiss, toggleReaction } from "./message-actions.js";
import { emit } from "./state.js";
import { attempt } from "./toasts.js";
import { fullTime, localizeTimestamps, shortTime } from "./time.js";

const PARTS = [
  ["context", (m) => [m.reply_to, m.used], drawContext],
  ["head", (m) => [m.author, m.created_at], drawHead],
  ["body", (m) => [m.html, m.edited, m.loading, m.system], drawBody],
  ["attachments", (m) => m.attachments, (m) => m.attachments.map(drawAttachment)],
  ["embeds", (m) => m.embeds, (m) => m.embeds.map(drawEmbed)],
  ["components", (m) => m.components, drawComponents],
  ["reactions", (m) => m.reactions, (m) => m.reactions.map((reaction) => drawReaction(m, reaction))],
  ["thread", (m) => m.thread, drawThread],
  ["foot", (m) => m.ephemeral, drawFoot],
];

export function makeMessage(message) {
  const element = h("li", { class: "message", id: `message-${message.id}`, dataset: { id: message.id } });
  const parts = PARTS.map(([name]) => h("div", { class: `part-${name}`, dataset: { part: name } }));
  element.append(
    parts[0],
    h("div", { class: "gutter" }, avatar(message.author), h("time", { class: "small-time", datetime: message.created_at }, shortTime(message.created_at))),
    h("article", { class: "content", "aria-live": "off" }, ...parts.slice(1)),
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
    const drawn = draw(message) ?? [];
    element.querySelector(`[data-part="${name}"]`).replaceChildren(...[drawn].flat().filter(Boolean));
  }
  element.classList.toggle("ephemeral", message.ephemeral);
  element.classList.toggle("mentions-me", message.mentions_me);
  element.classList.toggle("system", Boolean(message.system));
  const rights = JSON.stringify([message.can_edit, message.can_delete, message.ephemeral, message.loading]);
  if (element.drawn.rights !== rights) {
    element.drawn.rights = rights;
    element.querySelector(".tools").replaceChildren(...toolbar(message.id));
  }
}

function drawContext(message) {
  if (message.used) {
    return h("p", { class: "context" }, h("b", {}, message.used.user), " used ", h("span", { class: "mention" }, `/${message.used.name}`));
  }
  const reply = message.reply_to;
  if (!reply) return null;
  const text = h("span", { class: "reply-text", html: reply.html });
  if (!reply.author) return h("p", { class: "context reply" }, text);
  return h("p", { class: "context reply" }, avatar(reply.author, 16),
    h("button", { type: "button", class: "reply-jump", onclick: () => jumpTo(reply.id), "aria-label": `Go to the message of ${reply.author.name}` },
      h("b", {}, reply.author.name)), text);
}

function jumpTo(id) {
  const target = byId(`message-${id}`);
  target?.scrollIntoView({ block: "center", behavior: "smooth" });
  target?.classList.add("pointed-at");
  setTimeout(() => target?.classList.remove("pointed-at"), 1500);
}

function drawHead(message) {
  const { author } = message;
  const name = h("b", { class: "author" }, author.name);
  if (author.color) name.style.color = author.color;
  return [name, author.bot && h("span", { class: "badge", title: author.webhook ? "Speaks through a webhook" : "An application" }, "APP"),
    h("time", { class: "time", datetime: message.created_at, title: fullTime(message.created_at) }, shortTime(message.created_at))];
}

function drawBody(message) {
  if (message.loading) return h("p", { class: "thinking" }, h("span", { class: "dots", "aria-hidden": "true" }), `${message.author.name} is thinking…`);
  if (message.system) return h("p", { class: "system-text" }, h("b", {}, message.author.name), ` ${message.system}: `, h("span", { html: message.html }));
  const body = h("div", { class: "text", html: message.html });
  localizeTimestamps(body);
  for (const spoiler of body.querySelectorAll(".spoiler")) {
    spoiler.addEventListener("click", () => reveal(spoiler));
    spoiler.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), reveal(spoiler)));
  }
  if (message.edited) (body.lastElementChild?.tagName === "P" ? body.lastElementChild : body).append(h("span", { class: "edited" }, " (edited)"));
  return body;
}

const reveal = (spoiler) => spoiler.setAttribute("aria-expanded", "true");

function drawAttachment(file) {
  if (file.image && file.url) return h("a", { href: file.url, target: "_blank" }, h("img", { class: "picture", src: file.url, alt: file.description ?? file.name }));
  return h("p", { class: "file" }, h("a", { href: file.url, download: file.name }, file.name), ` ${size(file.size)}`);
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

function drawReaction(message, reaction) {
  return h("button", {
    type: "button",
    class: "reaction",
    "aria-pressed": String(reaction.me),
    "aria-label": `${reaction.emoji}, ${reaction.count}`,
    onclick: () => attempt(() => toggleReaction(message.id, reaction.emoji, !reaction.me)),
  }, h("span", { class: "emoji" }, reaction.emoji.includes(":") ? `:${reaction.emoji.split(":")[0]}:` : reaction.emoji), String(reaction.count));
}

function drawThread(message) {
  return message.thread && h("button", { type: "button", class: "thread-link", onclick: () => emit("go", { channel: message.thread.id }) }, `↳ ${message.thread.name}`);
}

function drawFoot(message) {
  return message.ephemeral && h("p", { class: "only-you" }, "Only you can see this · ",
    h("button", { type: "button", class: "link", onclick: () => attempt(() => dismiss(message.id)) }, "Dismiss message"));
}
