// A menu of one or several choices: a button, and a list that opens over everything, worked by pointer or keyboard.

import { avatar, h, uniqueId } from "./dom.js";
import { emojiFace } from "./emoji.js";
import { icon } from "./icons.js";

const MANY = 12; // from here on a field helps to find one
const GAP_PIXELS = 4;

/**
 * Make a menu. One choice is told by `onChoose(values)` at once, several when the list closes; `values()` tells what
 * is chosen now.
 */
export function makeChoice(settings) {
  const choice = new Choice(settings);
  return { element: choice.element, button: choice.button, values: () => [...choice.chosen] };
}

class Choice {
  constructor({ options, placeholder, least = 1, most = 1, disabled = false, searchable = false, key, id, onChoose = () => {} }) {
    Object.assign(this, { options, placeholder, least, most, onChoose });
    this.chosen = options.filter((option) => option.default).map((option) => option.value).slice(0, most);
    this.searchable = searchable || options.length >= MANY;
    this.listId = uniqueId("choices");
    this.shown = h("span", { class: "shown" });
    this.button = h("button", {
      type: "button", id, class: "choice-button", role: "combobox", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-controls": this.listId,
      "aria-label": id ? null : placeholder, disabled, dataset: key ? { key } : {},
      onclick: () => this.open(), onkeydown: (event) => ["ArrowDown", "ArrowUp"].includes(event.key) && (event.preventDefault(), this.open()),
    }, this.shown, icon("down"));
    this.element = h("div", { class: most > 1 ? "choice several" : "choice" }, this.button);
    this.drawShown();
  }

  drawShown() {
    const picked = this.options.filter((option) => this.chosen.includes(option.value));
    this.shown.replaceChildren(...(picked.length
      ? picked.map((option) => h("span", { class: "picked" }, face(option, 20), option.label))
      : [h("span", { class: "placeholder" }, this.placeholder)]));
  }

  open() {
    if (this.list) return;
    this.before = [...this.chosen];
    this.wanted = "";
    this.rows = h("ul", { class: "choice-options", role: "listbox", id: this.listId, tabindex: "-1", "aria-label": this.placeholder, "aria-multiselectable": this.most > 1 ? "true" : null });
    this.search = this.searchable && h("input", { class: "choice-search", type: "text", placeholder: "Search", "aria-label": "Search", "aria-controls": this.listId, autocomplete: "off",
      oninput: () => { this.wanted = this.search.value.toLowerCase(); this.active = 0; this.drawRows(); } });
    this.list = h("div", { class: "choice-list", popover: "auto", onkeydown: (event) => this.handleKey(event) }, this.search, this.rows);
    (this.button.closest("dialog") ?? document.body).append(this.list);
    this.list.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    this.active = Math.max(0, this.options.findIndex((option) => this.chosen.includes(option.value)));
    this.drawRows();
    this.list.showPopover();
    this.place();
    this.button.setAttribute("aria-expanded", "true");
    (this.search || this.rows).focus();
    this.rows.children[this.active]?.scrollIntoView({ block: "nearest" });
  }

  place() {
    const at = this.button.getBoundingClientRect();
    this.list.style.width = `${at.width}px`;
    this.list.style.left = `${at.left}px`;
    const above = innerHeight - at.bottom - GAP_PIXELS < this.list.offsetHeight && at.top > this.list.offsetHeight;
    this.list.style.top = `${above ? at.top - this.list.offsetHeight - GAP_PIXELS : Math.min(at.bottom + GAP_PIXELS, innerHeight - this.list.offsetHeight - GAP_PIXELS)}px`;
  }

  visible() {
    return this.options.filter((option) => `${option.label} ${option.description ?? ""}`.toLowerCase().includes(this.wanted));
  }

  drawRows() {
    const options = this.visible();
    const full = this.most > 1 && this.chosen.length >= this.most;
    this.rows.replaceChildren(...options.map((option, index) => this.row(option, index, full)));
    if (!options.length) this.rows.append(h("li", { class: "choice-none" }, "Nothing found"));
    const active = this.rows.children[this.active];
    const field = this.search || this.rows;
    if (active?.id) field.setAttribute("aria-activedescendant", active.id);
    else field.removeAttribute("aria-activedescendant");
  }

  row(option, index, full) {
    const chosen = this.chosen.includes(option.value);
    return h("li", {
      class: index === this.active ? "choice-option active" : "choice-option", role: "option", id: `${this.listId}-${index}`,
      "aria-selected": String(chosen), "aria-disabled": full && !chosen ? "true" : null,
      onpointermove: () => this.activate(index), onclick: () => this.toggle(option),
    }, face(option, 24), h("span", { class: "labels" }, h("span", { class: "label" }, option.label), option.description && h("span", { class: "about" }, option.description)),
    this.most > 1 ? h("span", { class: "box", "aria-hidden": "true" }, icon("check", 14)) : chosen && icon("check", 18));
  }

  activate(index) {
    if (index === this.active) return;
    this.active = index;
    [...this.rows.children].forEach((row, place) => row.classList.toggle("active", place === index));
    const field = this.search || this.rows;
    if (this.rows.children[index]?.id) field.setAttribute("aria-activedescendant", this.rows.children[index].id);
  }

  toggle(option) {
    if (this.most === 1) {
      this.chosen = this.least === 0 && this.chosen[0] === option.value ? [] : [option.value];
      this.list.hidePopover();
      return;
    }
    if (this.chosen.includes(option.value)) this.chosen = this.chosen.filter((value) => value !== option.value);
    else if (this.chosen.length < this.most) this.chosen.push(option.value);
    this.drawRows();
    this.drawShown();
  }

  handleKey(event) {
    const options = this.visible();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) {
      this.activate((this.active + step + options.length) % options.length);
      this.rows.children[this.active].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" || (event.key === " " && !this.search)) {
      if (options[this.active]) this.toggle(options[this.active]);
    } else if (event.key === "Tab" || event.key === "Escape") {
      this.list.hidePopover();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  closed() {
    const hadFocus = this.list.contains(document.activeElement) || document.activeElement === document.body;
    this.list.remove();
    this.list = null;
    this.button.setAttribute("aria-expanded", "false");
    this.drawShown();
    if (hadFocus) this.button.focus({ preventScroll: true });
    const changed = this.chosen.join("\n") !== this.before.join("\n");
    if (changed && this.chosen.length < this.least) {
      this.chosen = this.before;
      this.drawShown();
    } else if (changed) {
      this.button.removeAttribute("aria-invalid");
      this.onChoose([...this.chosen]);
    }
  }
}

function face(option, size) {
  if (option.user) return avatar(option.user, size);
  if (option.sign) return icon(option.sign, size - 4);
  if (option.color) {
    const dot = h("span", { class: "dot" });
    dot.style.setProperty("--role", option.color);
    return dot;
  }
  return option.emoji ? emojiFace(option.emoji) : null;
}
