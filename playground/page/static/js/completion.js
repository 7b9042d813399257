// A list of suggestions below a text field, worked with arrow keys, Enter, Tab and Escape.

import { avatar, h, uniqueId } from "./dom.js";
import { emojiFace } from "./emoji.js";

export class Completion {
  /** `pick(item)` is called with the chosen one; items are { label, detail, value, chips, user, color, emoji }. */
  constructor(field, pick, label) {
    this.field = field;
    this.pick = pick;
    this.items = [];
    this.active = 0;
    this.list = h("ul", { class: "completion", role: "listbox", id: uniqueId("list"), "aria-label": label, hidden: true });
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.setAttribute("aria-expanded", "false");
    field.addEventListener("blur", () => setTimeout(() => document.activeElement !== field && this.hide(), 150));
  }

  get open() {
    return !this.list.hidden;
  }

  show(items) {
    this.items = items;
    this.active = 0;
    this.list.replaceChildren(...items.map((item, index) => this.#option(item, index)));
    this.list.hidden = items.length === 0;
    this.field.setAttribute("aria-expanded", String(this.open));
    this.#mark();
  }

  hide() {
    this.show([]);
  }

  /** Use a key if it is meant for the list; tells whether it was. */
  handleKey(event) {
    if (!this.open) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#move((this.active + step + this.items.length) % this.items.length);
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.#choose(this.active);
    } else if (event.key === "Escape") {
      this.hide();
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #option(item, index) {
    return h("li", {
      role: "option",
      id: `${this.list.id}-${index}`,
      onpointermove: () => this.#move(index),
      onpointerdown: (event) => { event.preventDefault(); this.#choose(index); },
    }, face(item), h("span", { class: "option-label" }, item.label, (item.chips ?? []).map((chip) => h("span", { class: "option-chip" }, chip))),
    item.detail && h("span", { class: "option-detail" }, item.detail));
  }

  #move(index) {
    if (index === this.active) return;
    this.active = index;
    this.#mark();
  }

  #choose(index) {
    const item = this.items[index];
    this.hide();
    if (item) this.pick(item);
  }

  #mark() {
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
    const current = this.list.children[this.active];
    if (current) {
      this.field.setAttribute("aria-activedescendant", current.id);
      current.scrollIntoView({ block: "nearest" });
    } else {
      this.field.removeAttribute("aria-activedescendant");
    }
  }
}

function face(item) {
  if (item.user) return avatar(item.user, 24);
  if (item.emoji) return h("span", { class: "option-sign", "aria-hidden": "true" }, emojiFace(item.emoji));
  if (!item.color) return null;
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  dot.style.setProperty("--role", item.color);
  return dot;
}
