// Buttons, menus and layouts in messages.

import { h } from "./dom.js";
import { click, select } from "./message-actions.js";
import { guildOf, membersHere, state } from "./state.js";
import { attempt } from "./toasts.js";

const ROW = 1, BUTTON = 2, STRING_SELECT = 3, USER_SELECT = 5, ROLE_SELECT = 6, MENTIONABLE_SELECT = 7, CHANNEL_SELECT = 8;
const SECTION = 9, TEXT = 10, THUMBNAIL = 11, GALLERY = 12, SEPARATOR = 14, CONTAINER = 17;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link-button", 6: "secondary" };
const PENDING_MILLISECONDS = 3000;

export function drawComponents(message) {
  return message.components.map((component) => draw(message, component));
}

function draw(message, component) {
  switch (component.type) {
    case ROW: return h("div", { class: "row" }, component.components.map((child) => draw(message, child)));
    case BUTTON: return button(message, component);
    case STRING_SELECT: case USER_SELECT: case ROLE_SELECT: case MENTIONABLE_SELECT: case CHANNEL_SELECT:
      return menu(message, component);
    case SECTION: return h("div", { class: "section" },
      h("div", {}, component.components.map((child) => draw(message, child))), draw(message, component.accessory));
    case TEXT: return h("div", { class: "text", html: component.html });
    case THUMBNAIL: return component.media.url && h("img", { class: "thumbnail", src: component.media.url, alt: component.description ?? "" });
    case GALLERY: return h("div", { class: "gallery" }, component.items.map((item) =>
      item.media.url && h("img", { class: "picture", src: item.media.url, alt: item.description ?? "" })));
    case SEPARATOR: return h("hr", { class: component.divider === false ? "space" : "" });
    case CONTAINER: {
      const box = h("div", { class: "container" }, component.components.map((child) => draw(message, child)));
      if (component.accent_color) box.style.setProperty("--accent", `#${component.accent_color.toString(16).padStart(6, "0")}`);
      return box;
    }
    default: return null;
  }
}

const emojiText = (emoji) => (emoji ? (emoji.id ? `:${emoji.name}:` : emoji.name) : "");

function button(message, component) {
  const label = [component.emoji && h("span", { class: "emoji" }, emojiText(component.emoji)), component.label].filter(Boolean);
  const name = component.label ?? emojiText(component.emoji);
  if (component.style === 5) {
    return h("a", { class: "button link-button", href: component.url, target: "_blank", rel: "noopener noreferrer" }, ...label);
  }
  return h("button", {
    type: "button",
    class: `button ${STYLES[component.style] ?? "secondary"}`,
    disabled: component.disabled,
    "aria-label": name,
    dataset: { customId: component.custom_id },
    onclick: (event) => press(event.currentTarget, () => click(message.id, component.custom_id)),
  }, ...label);
}

async function press(element, action) {
  element.classList.add("pending");
  setTimeout(() => element.classList.remove("pending"), PENDING_MILLISECONDS);
  await attempt(action);
  element.classList.remove("pending");
}

/** What a menu offers: its own options, or people, roles and channels of this place. */
export function optionsOf(component) {
  const guild = guildOf(state.channel);
  const people = membersHere().map((user) => ({ value: user.id, label: user.display_name }));
  const roles = (guild?.roles ?? []).map((role) => ({ value: role.id, label: `@${role.name}` }));
  switch (component.type) {
    case USER_SELECT: return people;
    case ROLE_SELECT: return roles;
    case MENTIONABLE_SELECT: return [...people, ...roles];
    case CHANNEL_SELECT: return (guild?.channels ?? []).map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
    default: return component.options ?? [];
  }
}

function menu(message, component) {
  const options = optionsOf(component);
  const send = (element, values) => press(element, () => select(message.id, component.custom_id, values));
  const name = component.placeholder ?? "Make a selection";
  if ((component.max_values ?? 1) > 1) return checklist(component, options, name, send);
  const chosen = options.find((option) => option.default)?.value ?? "";
  const element = h("select", {
    class: "select", "aria-label": name, disabled: component.disabled, dataset: { customId: component.custom_id },
    onchange: (event) => event.currentTarget.value && send(event.currentTarget, [event.currentTarget.value]),
  }, h("option", { value: "" }, name), options.map((option) =>
    h("option", { value: option.value }, option.description ? `${option.label} – ${option.description}` : option.label)));
  element.value = chosen;
  return element;
}

/** A menu of which several can be chosen. */
function checklist(component, options, name, send) {
  const boxes = options.map((option) => h("label", {},
    h("input", { type: "checkbox", value: option.value, checked: option.default }), ` ${option.label}`));
  const done = h("button", { type: "button", class: "button secondary" }, "Apply");
  const element = h("details", { class: "checklist", dataset: { customId: component.custom_id } }, h("summary", {}, name), ...boxes, done);
  done.addEventListener("click", () => {
    const values = [...element.querySelectorAll("input:checked")].map((box) => box.value);
    send(element, values);
  });
  return element;
}
