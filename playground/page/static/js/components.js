// Buttons, menus and layouts in messages.

import { drawFile, gallery } from "./attachments.js";
import { makeChoice } from "./choice.js";
import { h } from "./dom.js";
import { emojiFace } from "./emoji.js";
import { icon } from "./icons.js";
import { outcome } from "./interactions.js";
import { picture } from "./lightbox.js";
import { click, select } from "./message-actions.js";
import { optionsOf } from "./options.js";
import { emit } from "./state.js";
import { makeText } from "./text.js";
import { toast } from "./toasts.js";

const ROW = 1, BUTTON = 2, STRING_SELECT = 3, USER_SELECT = 5, ROLE_SELECT = 6, MENTIONABLE_SELECT = 7, CHANNEL_SELECT = 8;
const SECTION = 9, TEXT = 10, THUMBNAIL = 11, GALLERY = 12, FILE = 13, SEPARATOR = 14, CONTAINER = 17;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link-button", 6: "secondary" };
const LINK = 5;

const pending = new Set(); // "message id/custom id" of what the bot has not answered yet
const failures = new Map(); // message id -> what went wrong last

export const failureOf = (id) => failures.get(id) ?? null;

export function drawComponents(message) {
  return message.components.map((component) => draw(message, component));
}

function draw(message, component) {
  const children = () => component.components.map((child) => draw(message, child));
  switch (component.type) {
    case ROW: return h("div", { class: "row" }, children());
    case BUTTON: return button(message, component);
    case STRING_SELECT: case USER_SELECT: case ROLE_SELECT: case MENTIONABLE_SELECT: case CHANNEL_SELECT:
      return menu(message, component);
    case SECTION: return h("div", { class: "section" }, h("div", {}, children()), component.accessory && draw(message, component.accessory));
    case TEXT: return makeText(component.html);
    case THUMBNAIL: return component.media.url && picture({ src: component.media.url, alt: component.description, spoiler: component.spoiler, className: "thumbnail" });
    case GALLERY: return gallery(component.items.filter((item) => item.media.url).map((item) => ({ src: item.media.url, alt: item.description, spoiler: item.spoiler })));
    case FILE: return drawFile(component.shown ?? { name: component.name ?? "file", url: component.file?.url });
    case SEPARATOR: return h("hr", { class: ["separator", component.divider === false && "space", component.spacing === 2 && "large"].filter(Boolean).join(" ") });
    case CONTAINER: return container(component, children());
    default: return null;
  }
}

function container(component, children) {
  const box = h("div", { class: "container" }, children);
  if (component.accent_color !== undefined && component.accent_color !== null) {
    box.classList.add("accented");
    box.style.setProperty("--accent", `#${component.accent_color.toString(16).padStart(6, "0")}`);
  }
  return box;
}

function button(message, component) {
  const label = [component.emoji && emojiFace(component.emoji), component.label && h("span", { class: "label" }, component.label)];
  const style = `button ${STYLES[component.style] ?? "secondary"}${component.label ? "" : " emoji-only"}`;
  if (component.style === LINK) {
    return h("a", { class: style, href: component.url, target: "_blank", rel: "noopener noreferrer" }, ...label, icon("open", 14));
  }
  const key = `${message.id}/${component.custom_id}`;
  return h("button", {
    type: "button",
    class: style,
    disabled: component.disabled,
    "aria-label": component.label ?? component.emoji?.name,
    "aria-busy": pending.has(key) ? "true" : null,
    dataset: { customId: component.custom_id, key },
    onclick: () => press(message, component, () => click(message.id, component.custom_id)),
  }, ...label, pending.has(key) && waitingDots());
}

const waitingDots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

/** Send it, and show that the bot is awaited until it answers. */
async function press(message, component, action) {
  const key = `${message.id}/${component.custom_id}`;
  if (pending.has(key)) return;
  pending.add(key);
  setFailure(message.id, null);
  mark(key, true);
  try {
    const failed = await outcome(await action());
    if (failed) setFailure(message.id, "This interaction failed. The application did not respond in time.");
  } catch (error) {
    toast(error.message);
  }
  pending.delete(key);
  mark(key, false);
}

function mark(key, busy) {
  const element = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!element) return;
  element.querySelector(".dots")?.remove();
  if (busy) element.append(waitingDots());
  if (busy) element.setAttribute("aria-busy", "true");
  else element.removeAttribute("aria-busy");
}

function setFailure(id, text) {
  if (failureOf(id) === text) return;
  if (text) failures.set(id, text);
  else failures.delete(id);
  emit("failure", id);
}

function menu(message, component) {
  return makeChoice({
    options: optionsOf(component),
    placeholder: component.placeholder ?? "Make a selection",
    least: component.min_values ?? 1,
    most: component.max_values ?? 1,
    disabled: component.disabled,
    searchable: component.type !== STRING_SELECT,
    key: `${message.id}/${component.custom_id}`,
    onChoose: (values) => press(message, component, () => select(message.id, component.custom_id, values)),
  }).element;
}
