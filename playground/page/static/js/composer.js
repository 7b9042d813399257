// The box at the bottom: messages, replies, edits, and the start of commands.

import { call, fileData, post } from "./api.js";
import { CommandForm } from "./command-form.js";
import { matchingCommands } from "./commands.js";
import { Completion } from "./completion.js";
import { byId, h } from "./dom.js";
import { decodeMentions, encodeMentions, mentionAt } from "./mentions.js";
import { on, state } from "./state.js";
import { attempt } from "./toasts.js";

const MAX_HEIGHT_PIXELS = 280;
const TYPING_EVERY_MILLISECONDS = 8000;

const parts = {};
let editing = null; // the message that is being edited
let files = [];
let completesFrom = 0; // where the word starts that the list would complete
let lastTyping = 0;

export function startComposer() {
  build();
  on("moved", () => { cancelExtras(); drawState(); parts.box.focus({ preventScroll: true }); });
  on("world", drawState);
  on("reply", () => { stopEditing(); drawContext(); parts.box.focus(); });
  on("edit", startEdit);
  on("removed", (id) => { if (editing?.id === id || state.replyTo?.message.id === id) cancelExtras(); });
}

function build() {
  parts.context = h("div", { class: "composer-context", hidden: true });
  parts.files = h("div", { class: "composer-files", hidden: true });
  parts.box = h("textarea", {
    id: "message-box", rows: "1", "aria-label": "Message", autocomplete: "off", maxlength: "4000",
    onkeydown: handleKey, oninput: handleInput, onpaste: handlePaste,
  });
  parts.completion = new Completion(parts.box, pick, "Suggestions");
  parts.picker = h("input", { type: "file", multiple: true, hidden: true, onchange: (event) => addFiles(event.currentTarget) });
  const attach = h("button", { type: "button", class: "icon", "aria-label": "Attach files", title: "Attach files", onclick: () => parts.picker.click() }, "+");
  parts.send = h("button", { type: "submit", class: "icon send", "aria-label": "Send" }, "➤");
  parts.form = h("form", { class: "composer-form", onsubmit: (event) => { event.preventDefault(); submit(); } },
    parts.completion.list, parts.context, parts.files, h("div", { class: "composer-row" }, attach, parts.picker, parts.box, parts.send));
  parts.command = h("div", { class: "command-place" });
  byId("composer").append(parts.command, parts.form);
}

function drawState() {
  const channel = state.channel;
  const writable = Boolean(channel?.writable);
  parts.box.disabled = !writable;
  parts.send.disabled = !writable;
  const name = channel?.kind === "dm" ? `@${channel.name}` : `#${channel?.name ?? ""}`;
  parts.box.placeholder = writable ? `Message ${name}` : "You cannot write here";
}

function drawContext() {
  const reply = state.replyTo;
  parts.context.hidden = !reply && !editing;
  if (editing) {
    parts.context.replaceChildren(h("span", {}, "Editing your message"), h("span", { class: "hint" }, "Enter saves, Escape cancels"), closeButton());
  } else if (reply) {
    const ping = h("button", {
      type: "button", class: "ping", "aria-pressed": String(reply.ping), title: "Whether the author is pinged",
      onclick: () => { reply.ping = !reply.ping; drawContext(); parts.box.focus(); },
    }, `@ ${reply.ping ? "on" : "off"}`);
    parts.context.replaceChildren(h("span", {}, "Replying to ", h("b", {}, reply.message.author.name)), ping, closeButton());
  }
}

const closeButton = () => h("button", { type: "button", class: "icon small", "aria-label": "Cancel", onclick: cancelExtras }, "✕");

function cancelExtras() {
  state.replyTo = null;
  stopEditing();
  closeCommand();
  drawContext();
}

function startEdit(message) {
  state.replyTo = null;
  editing = message;
  setText(decodeMentions(message.content));
  drawContext();
  parts.box.focus();
}

function stopEditing() {
  if (editing) setText("");
  editing = null;
}

function setText(text) {
  parts.box.value = text;
  fit();
}

function fit() {
  parts.box.style.height = "auto";
  parts.box.style.height = `${Math.min(parts.box.scrollHeight, MAX_HEIGHT_PIXELS)}px`;
}

function handleInput() {
  fit();
  suggest();
  if (parts.box.value && !parts.box.value.startsWith("/") && Date.now() - lastTyping > TYPING_EVERY_MILLISECONDS) {
    lastTyping = Date.now();
    post(`/channels/${state.channel.id}/typing`).catch(() => {});
  }
}

function suggest() {
  const { value, selectionStart: caret } = parts.box;
  if (!editing && value.startsWith("/")) {
    completesFrom = 0;
    parts.completion.show(matchingCommands(value.slice(1)));
    return;
  }
  const mention = mentionAt(value, caret);
  completesFrom = mention?.start ?? 0;
  parts.completion.show(mention?.items ?? []);
}

function pick(item) {
  if (item.command) {
    setText("");
    openCommand(item.command);
    return;
  }
  const { value, selectionStart: caret } = parts.box;
  const start = `${value.slice(0, completesFrom)}${item.value} `;
  setText(start + value.slice(caret));
  parts.box.setSelectionRange(start.length, start.length);
  parts.box.focus();
}

function handleKey(event) {
  if (event.isComposing) return;
  if (parts.completion.handleKey(event)) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape") {
    cancelExtras();
  } else if (event.key === "ArrowUp" && !parts.box.value) {
    const own = [...state.messages.values()].reverse().find((message) => message.can_edit);
    if (own) {
      event.preventDefault();
      startEdit(own);
    }
  }
}

async function submit() {
  const text = parts.box.value.trim();
  if ((!text && !files.length) || parts.box.disabled) return;
  const [kept, keptFiles, wasEditing, reply] = [parts.box.value, files, editing, state.replyTo];
  const content = encodeMentions(text);
  editing = null;
  state.replyTo = null;
  setText("");
  setFiles([]);
  drawContext();
  lastTyping = 0;
  const sent = await attempt(() => (wasEditing ? call("PATCH", `/messages/${wasEditing.id}`, { content }) : send(content, keptFiles, reply)));
  if (sent === null && !parts.box.value) {
    [editing, state.replyTo] = [wasEditing, reply];
    setText(kept);
    setFiles(keptFiles);
    drawContext();
  }
}

async function send(content, attached, reply) {
  return post(`/channels/${state.channel.id}/messages`, {
    content,
    reply_to: reply?.message.id ?? null,
    ping: reply?.ping ?? true,
    files: await Promise.all(attached.map(fileData)),
  });
}

function handlePaste(event) {
  const pasted = [...(event.clipboardData?.files ?? [])];
  if (pasted.length) {
    event.preventDefault();
    setFiles([...files, ...pasted]);
  }
}

function addFiles(input) {
  setFiles([...files, ...input.files]);
  input.value = "";
  parts.box.focus();
}

function setFiles(list) {
  files = list;
  parts.files.hidden = files.length === 0;
  parts.files.replaceChildren(...files.map((file) => h("span", { class: "chip" }, file.name,
    h("button", { type: "button", class: "icon small", "aria-label": `Remove ${file.name}`, onclick: () => setFiles(files.filter((other) => other !== file)) }, "✕"))));
}

function openCommand(command) {
  const form = new CommandForm(command, () => { closeCommand(); parts.box.focus(); });
  parts.command.replaceChildren(form.element);
  parts.form.hidden = true;
  form.focus();
}

function closeCommand() {
  parts.command.replaceChildren();
  parts.form.hidden = false;
}
