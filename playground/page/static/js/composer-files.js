// Files on their way: chosen, dropped or pasted, shown before they are sent.

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { state } from "./state.js";
import { toast } from "./toasts.js";

const MOST_FILES = 10;
const MOST_BYTES = 10 * 1024 * 1024; // for each, as with the real Discord
const MOST_TOGETHER = 30 * 1024 * 1024; // what the playground takes at once

export class FileStrip {
  constructor(changed) {
    this.changed = changed;
    this.files = [];
    this.element = h("ul", { class: "composer-files", "aria-label": "Files to send", hidden: true });
  }

  /** Add what fits, and say what does not. */
  add(more) {
    const fitting = [...more].filter((file) => {
      if (file.size <= MOST_BYTES) return true;
      toast(`${file.name} is too large: ${size(file.size)} of at most ${size(MOST_BYTES)}.`);
      return false;
    });
    const all = [...this.files, ...fitting];
    if (all.length > MOST_FILES) toast(`A message takes ${MOST_FILES} files.`);
    const kept = all.slice(0, MOST_FILES);
    if (kept.reduce((sum, file) => sum + file.size, 0) > MOST_TOGETHER) toast(`A message takes ${size(MOST_TOGETHER)} of files.`);
    else this.set(kept);
  }

  set(files) {
    this.files = files;
    this.element.hidden = files.length === 0;
    this.element.replaceChildren(...files.map((file) => this.#preview(file)));
    this.changed();
  }

  #preview(file) {
    const face = h("div", { class: "preview-face" }, icon("file", 32));
    if (/^image\/(png|jpeg|gif|webp)$/.test(file.type)) showPicture(file, face);
    return h("li", { class: "preview" },
      h("button", { type: "button", class: "icon small preview-remove", "aria-label": `Remove ${file.name}`, title: "Remove", onclick: () => this.#remove(file) }, icon("trash", 16)),
      face, h("p", { class: "preview-name", title: file.name }, file.name), h("p", { class: "hint" }, size(file.size)));
  }

  #remove(file) {
    const index = this.files.indexOf(file);
    this.set(this.files.filter((other) => other !== file));
    const buttons = this.element.querySelectorAll(".preview-remove");
    (buttons[Math.min(index, buttons.length - 1)] ?? byId("message-box")).focus();
  }
}

function showPicture(file, face) {
  const reader = new FileReader();
  reader.onload = () => face.replaceChildren(h("img", { src: reader.result, alt: "" }));
  reader.readAsDataURL(file);
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

/** Take files that are dropped anywhere on the page, unless something in front of it takes them. */
export function startDrop(take, mayTake) {
  const veil = h("div", { class: "drop-veil", hidden: true }, h("p", {}, icon("plus", 32), h("span", { class: "drop-words" })));
  document.body.append(veil);
  let inside = 0;
  const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && mayTake() && !document.querySelector("dialog[open]");
  const hide = () => { inside = 0; veil.hidden = true; };
  window.addEventListener("dragenter", (event) => {
    if (!brings(event)) return;
    inside += 1;
    veil.hidden = false;
    veil.querySelector(".drop-words").textContent = `Drop files to attach them in ${state.channel?.name}`;
  });
  window.addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) hide(); });
  window.addEventListener("dragover", (event) => { if (brings(event)) event.preventDefault(); });
  window.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    hide();
    take([...event.dataTransfer.files]);
  });
}
