// Pictures and files of a message.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { picture } from "./lightbox.js";

const MANY = 5;

export function drawAttachments(files) {
  const pictures = files.filter((file) => file.image && file.url);
  const others = files.filter((file) => !pictures.includes(file));
  return [pictures.length > 0 && gallery(pictures.map((file) => ({ src: file.url, alt: file.description ?? file.name, spoiler: file.spoiler }))), ...others.map(drawFile)];
}

/** Pictures side by side. */
export function gallery(items) {
  const several = items.length > 1 ? (items.length >= MANY ? " several many" : " several") : "";
  return h("div", { class: `pictures${several}` }, items.map(picture));
}

export function drawFile(file) {
  const line = h("div", { class: "file" }, icon("file", 28),
    h("div", { class: "file-name" }, file.url ? h("a", { href: file.url, download: file.name }, file.name) : h("p", {}, file.name), file.size !== undefined && h("p", { class: "file-size" }, size(file.size))),
    file.url && h("a", { class: "icon", href: file.url, download: file.name, "aria-label": `Download ${file.name}` }, icon("download")));
  return file.text ? withText(file, line) : line;
}

/** The first lines of a text file, or all of it. */
function withText(file, line) {
  const box = h("div", { class: "file-text" }, h("pre", { tabindex: "0", "aria-label": file.name }, file.text), line);
  const toggle = h("button", { type: "button", class: "icon", "aria-expanded": "false", "aria-label": `Show more of ${file.name}`, onclick: () => {
    const open = box.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  } }, icon("down"));
  line.prepend(toggle);
  return box;
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);
