// Editing one's own message where it stands.

import { byId, h } from "./dom.js";
import { deleteWithQuestion, saveEdit } from "./message-actions.js";
import { emit, on, state } from "./state.js";
import { attempt } from "./toasts.js";
import { decodeText, encodeText, WordCompletion } from "./word-completion.js";

const MAX_HEIGHT_PIXELS = 400;

let open = null; // { id, element, form }

export function startInlineEdit() {
  on("edit", begin);
  on("moved", () => close({ refocus: false }));
  on("removed", (id) => open?.id === id && close());
}

function begin(message) {
  close({ refocus: false });
  const element = byId(`message-${message.id}`);
  if (!element) {
    emit("jump", { id: message.id });
    return;
  }
  const before = decodeText(message.content);
  const box = h("textarea", { class: "edit-box", rows: "1", "aria-label": "Edit message", "aria-describedby": "edit-hint", onkeydown: handleKey, oninput: () => { fit(box); words.suggest(); } });
  const words = new WordCompletion(box, () => fit(box));
  const form = h("form", { class: "edit-form", onsubmit: (event) => { event.preventDefault(); save(message, before, box); } },
    words.list, box,
    h("p", { class: "hint", id: "edit-hint" }, "Escape to ", h("button", { type: "button", class: "link", onclick: () => close() }, "cancel"), " · Enter to ", h("button", { type: "submit", class: "link" }, "save")));
  function handleKey(event) {
    if (event.isComposing || words.handleKey(event)) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey) form.requestSubmit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  box.value = before;
  element.classList.add("editing");
  element.querySelector(".part-body").after(form);
  open = { id: message.id, element, form };
  fit(box);
  box.focus();
  box.setSelectionRange(before.length, before.length);
  form.scrollIntoView({ block: "nearest" });
}

function fit(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, MAX_HEIGHT_PIXELS)}px`;
}

async function save(message, before, box) {
  const text = box.value.trim();
  if (!text && !state.messages.get(message.id)?.attachments.length) {
    if (await deleteWithQuestion(message.id)) close();
    return;
  }
  if (text === before.trim()) {
    close();
    return;
  }
  box.readOnly = true;
  const saved = await attempt(async () => { await saveEdit(message.id, encodeText(text)); return true; });
  box.readOnly = false;
  if (saved) close();
}

function close({ refocus = true } = {}) {
  if (!open) return;
  open.element.classList.remove("editing");
  open.form.remove();
  open = null;
  if (refocus) byId("message-box").focus({ preventScroll: true });
}
