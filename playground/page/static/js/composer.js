// The box at the bottom: messages with their files and replies, and the start of commands.

import { fileData, post } from "./api.js";
import { CommandForm } from "./command-form.js";
import { matchingCommands } from "./commands.js";
import { FileStrip, startDrop } from "./composer-files.js";
import { byId, h } from "./dom.js";
import { draftOf, keepDraft, recallDrafts } from "./drafts.js";
import { openPicker } from "./emoji-picker.js";
import { icon } from "./icons.js";
import { startInlineEdit } from "./inline-edit.js";
import { startEditing } from "./message-actions.js";
import { emit, on, state } from "./state.js";
import { attempt, notice, toast } from "./toasts.js";
import { encodeText, WordCompletion } from "./word-completion.js";

const MOST_CHARACTERS = 2000;
const FEW_LEFT = 200;
const MAX_HEIGHT_PIXELS = 280;
const TYPING_EVERY_MILLISECONDS = 8000;

const parts = {};
let strip = null; // files to send
let words = null; // suggestions
let place = ""; // whose draft for which channel stands in the box
let command = null; // the command that is being filled in
let lastTyping = 0;

export function startComposer() {
  recallDrafts();
  build();
  startInlineEdit();
  startDrop((files) => (command?.takesFiles() ? command.takeFiles(files) : strip.add(files)), () => !parts.box.disabled);
  on("moved", changePlace);
  on("world", drawState);
  on("connection", (alive) => { parts.offline.hidden = alive; });
  on("reply", () => { closeCommand(); drawContext(); parts.box.focus(); });
  on("removed", (id) => { if (state.replyTo?.message.id === id) dropReply(); });
  addEventListener("pagehide", () => keepDraft(place, now()));
}

function build() {
  parts.offline = h("p", { class: "offline-note", role: "status", hidden: true }, "The playground does not answer. Trying again…");
  parts.context = h("div", { class: "composer-context", hidden: true });
  parts.box = h("textarea", { id: "message-box", rows: "1", "aria-label": "Message", autocomplete: "off", onkeydown: handleKey, oninput: handleInput, onpaste: handlePaste });
  words = new WordCompletion(parts.box, changed);
  strip = new FileStrip(changed);
  parts.picker = h("input", { type: "file", multiple: true, hidden: true, onchange: chooseFiles });
  parts.attach = h("button", { type: "button", class: "icon", "aria-label": "Attach files", title: "Attach files", onclick: () => parts.picker.click() }, icon("plus", 22));
  parts.emoji = h("button", { type: "button", class: "icon", "aria-label": "Emoji", title: "Emoji", "aria-haspopup": "dialog", onclick: () => openPicker(parts.emoji, (one) => words.insert(`${one.text} `)) }, icon("smile", 22));
  parts.send = h("button", { type: "submit", class: "icon send", "aria-label": "Send", title: "Send" }, icon("send"));
  parts.count = h("p", { class: "composer-count", role: "status" });
  parts.form = h("form", { class: "composer-form", "aria-label": "New message", onsubmit: (event) => { event.preventDefault(); submit(); } },
    words.list, parts.context, strip.element,
    h("div", { class: "composer-row" }, parts.attach, parts.picker, parts.box, parts.count, parts.emoji, parts.send));
  parts.command = h("div", { class: "command-place" });
  byId("composer").append(parts.offline, parts.command, parts.form);
}

// Places and their drafts

const now = () => ({ text: parts.box.value, files: strip.files, reply: state.replyTo });

function changePlace() {
  const next = state.channel ? `${state.me.id}/${state.channel.id}` : "";
  if (next !== place) {
    closeCommand();
    keepDraft(place, now());
    place = next;
    show(draftOf(place));
  }
  drawState();
  if (!document.querySelector("dialog[open]")) parts.box.focus({ preventScroll: true });
}

function show({ text, files, reply }) {
  parts.box.value = text;
  state.replyTo = reply;
  strip.set(files);
  drawContext();
}

function drawState() {
  const writable = Boolean(state.channel?.writable);
  for (const part of [parts.box, parts.send, parts.attach, parts.emoji]) part.disabled = !writable;
  parts.box.placeholder = state.channel ? invitation(state.channel) : "";
}

function invitation({ kind, name, writable, archived, locked }) {
  if (!writable) return locked ? "This thread is locked: only moderators write here" : "You cannot write here";
  if (archived) return "This thread is closed: a message opens it again";
  return kind === "thread" ? `Message “${name}”` : `Message ${kind === "dm" ? "@" : "#"}${name}`;
}

// Replies

function drawContext() {
  const reply = state.replyTo;
  parts.context.hidden = !reply;
  if (!reply) return;
  const ping = h("button", {
    type: "button", class: "ping", "aria-pressed": String(reply.ping), title: reply.ping ? "The author is pinged" : "The author is not pinged",
    onclick: () => { reply.ping = !reply.ping; drawContext(); parts.context.querySelector(".ping").focus(); },
  }, `@ ${reply.ping ? "on" : "off"}`);
  const jump = h("button", { type: "button", class: "reply-to", onclick: () => emit("jump", { id: reply.message.id }) }, "Replying to ", h("b", {}, reply.message.author.name));
  const cancel = h("button", { type: "button", class: "icon small", "aria-label": "Cancel the reply", onclick: () => { dropReply(); parts.box.focus(); } }, icon("close", 16));
  parts.context.replaceChildren(jump, ping, cancel);
}

function dropReply() {
  state.replyTo = null;
  drawContext();
}

// Writing

function changed() {
  fit();
  const left = MOST_CHARACTERS - encodeText(parts.box.value.trim()).length;
  parts.count.textContent = left < FEW_LEFT ? String(left) : "";
  parts.count.classList.toggle("over", left < 0);
}

function fit() {
  parts.box.style.height = "auto";
  parts.box.style.height = `${Math.min(parts.box.scrollHeight, MAX_HEIGHT_PIXELS)}px`;
}

function handleInput() {
  changed();
  if (parts.box.value.startsWith("/")) words.completion.show(matchingCommands(parts.box.value.slice(1)).map((item) => ({ ...item, pick: () => openCommand(item.command) })));
  else words.suggest();
  if (parts.box.value && !parts.box.value.startsWith("/") && Date.now() - lastTyping > TYPING_EVERY_MILLISECONDS) {
    lastTyping = Date.now();
    post(`/channels/${state.channel.id}/typing`).catch(() => {});
  }
}

function handleKey(event) {
  if (event.isComposing || words.handleKey(event)) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape" && state.replyTo) {
    event.stopPropagation();
    dropReply();
  } else if (event.key === "ArrowUp" && !parts.box.value) {
    const own = [...state.messages.values()].reverse().find((message) => message.can_edit);
    if (own) {
      event.preventDefault();
      startEditing(own.id);
    }
  }
}

function handlePaste(event) {
  const pasted = [...(event.clipboardData?.files ?? [])];
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (pasted.length) {
    event.preventDefault();
    strip.add(pasted);
  } else if (text.length > MOST_CHARACTERS) {
    event.preventDefault();
    strip.add([asFile(text)]);
    notice(`More than ${MOST_CHARACTERS.toLocaleString("en")} characters: attached as message.txt.`);
  }
}

const asFile = (text) => new File([text], "message.txt", { type: "text/plain" });

function chooseFiles() {
  strip.add(parts.picker.files);
  parts.picker.value = "";
  parts.box.focus();
}

// Sending

async function submit() {
  words.hide();
  const text = parts.box.value.trim();
  if ((!text && !strip.files.length) || parts.box.disabled) return;
  const content = encodeText(text);
  if (content.length > MOST_CHARACTERS) {
    toast(`That is ${content.length - MOST_CHARACTERS} characters too long. Shorten it, or cut it and paste it again to send it as a file.`);
    return;
  }
  const [kept, channelId, from] = [now(), state.channel.id, place];
  show({ text: "", files: [], reply: null });
  keepDraft(from, now());
  lastTyping = 0;
  const sent = await attempt(() => send(channelId, content, kept));
  if (sent !== null) return;
  if (place === from && !parts.box.value) show(kept);
  else keepDraft(from, kept);
}

async function send(channelId, content, { files, reply }) {
  return post(`/channels/${channelId}/messages`, {
    content,
    reply_to: reply?.message.id ?? null,
    ping: reply?.ping ?? true,
    files: await Promise.all(files.map(fileData)),
  });
}

// Commands

function openCommand(chosen) {
  command = new CommandForm(chosen, () => { closeCommand(); parts.box.focus(); });
  parts.box.value = "";
  changed();
  parts.command.replaceChildren(command.element);
  parts.form.hidden = true;
  command.focus();
}

on("command", (name) => {
  const chosen = state.commands.find((one) => one.kind === "slash" && one.name === name);
  if (chosen) openCommand(chosen);
});

function closeCommand() {
  command = null;
  parts.command.replaceChildren();
  parts.form.hidden = false;
}
