// Emoji to choose from: a field to search in and a grid, worked by pointer or keyboard.

import { h, uniqueId } from "./dom.js";
import { emojiFace, emojiGroups, findEmoji } from "./emoji.js";

const COLUMNS = 9; // as the style sheet lays them out
const GAP_PIXELS = 6;

/** Open the picker beside an element; `pick(emoji)` is called with the chosen one, and the focus returns. */
export function openPicker(anchor, pick) {
  const picker = new Picker(anchor, pick);
  picker.open();
}

class Picker {
  constructor(anchor, pick) {
    this.anchor = anchor;
    this.pick = pick;
    this.active = 0;
    this.id = uniqueId("emoji");
    this.grid = h("div", { class: "emoji-grid", role: "listbox", id: this.id, "aria-label": "Emoji" });
    this.name = h("p", { class: "emoji-name", "aria-hidden": "true" });
    this.search = h("input", {
      type: "text", class: "emoji-search", role: "combobox", placeholder: "Find an emoji", "aria-label": "Find an emoji", autocomplete: "off",
      "aria-expanded": "true", "aria-controls": this.id, "aria-autocomplete": "list", oninput: () => this.draw(), onkeydown: (event) => this.handleKey(event),
    });
    this.element = h("div", { class: "emoji-picker", popover: "auto", role: "dialog", "aria-label": "Emoji" }, this.search, this.grid, this.name);
  }

  open() {
    document.body.append(this.element);
    this.element.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    this.draw();
    this.element.showPopover();
    this.place();
    this.search.focus();
  }

  place() {
    const at = this.anchor.getBoundingClientRect();
    const above = at.top > this.element.offsetHeight + GAP_PIXELS;
    const top = above ? at.top - this.element.offsetHeight - GAP_PIXELS : Math.min(at.bottom + GAP_PIXELS, innerHeight - this.element.offsetHeight - GAP_PIXELS);
    this.element.style.top = `${Math.max(GAP_PIXELS, top)}px`;
    this.element.style.left = `${Math.max(GAP_PIXELS, Math.min(at.right - this.element.offsetWidth, innerWidth - this.element.offsetWidth - GAP_PIXELS))}px`;
  }

  draw() {
    const wanted = this.search.value.trim().replaceAll(":", "");
    const groups = wanted ? [{ title: "Found", emoji: findEmoji(wanted) }] : emojiGroups();
    this.items = groups.flatMap((group) => group.emoji);
    let index = 0;
    this.grid.replaceChildren(...groups.flatMap((group) => [
      h("p", { class: "emoji-title", role: "presentation" }, group.emoji.length ? group.title : "Nothing is called that"),
      ...group.emoji.map((one) => this.cell(one, index++)),
    ]));
    this.activate(0);
  }

  cell(one, index) {
    return h("span", {
      class: "emoji-cell", role: "option", id: `${this.id}-${index}`, "aria-label": one.name, title: `:${one.name}:`,
      onpointermove: () => this.activate(index), onclick: () => this.choose(index),
    }, one.id ? emojiFace(one) : one.emoji);
  }

  activate(index) {
    const cells = this.grid.querySelectorAll(".emoji-cell");
    cells[this.active]?.setAttribute("aria-selected", "false");
    this.active = index;
    cells[index]?.setAttribute("aria-selected", "true");
    this.name.textContent = this.items[index] ? `:${this.items[index].name}:` : "";
    if (cells[index]) this.search.setAttribute("aria-activedescendant", cells[index].id);
    else this.search.removeAttribute("aria-activedescendant");
  }

  handleKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (event.isComposing || (Math.abs(step) === 1 && this.search.value && this.search.selectionStart !== this.search.value.length)) return;
    if (step && this.items.length) {
      this.activate(Math.max(0, Math.min(this.items.length - 1, this.active + step)));
      this.grid.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      this.choose(this.active);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  choose(index) {
    const one = this.items[index];
    if (!one) return;
    this.chosen = one;
    this.element.hidePopover();
  }

  closed() {
    const hadFocus = this.element.contains(document.activeElement) || document.activeElement === document.body;
    this.element.remove();
    if (hadFocus) this.anchor.focus({ preventScroll: true });
    if (this.chosen) this.pick(this.chosen);
  }
}
