// A chosen slash command with a field for each of its options; those that are rarely needed wait behind a button.

import { post } from "./api.js";
import { h, redraw, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { makeOptionField } from "./option-fields.js";
import { state } from "./state.js";

const SHOWN_AT_ONCE = 4;

export class CommandForm {
  constructor(command, close) {
    this.command = command;
    this.close = close;
    this.channelId = state.channel.id;
    this.fields = command.options.map((option) => makeOptionField(option, this));
    const always = this.fields.filter((field) => field.option.required);
    this.shown = new Set(this.fields.length <= SHOWN_AT_ONCE || !always.length ? this.fields.slice(0, SHOWN_AT_ONCE) : always);
    this.element = this.#build();
    this.#drawFields();
  }

  focus() {
    const first = this.fields.find((field) => this.shown.has(field));
    (first?.control ?? this.send).focus();
  }

  takesFiles() {
    return this.fields.some((field) => field.take);
  }

  /** Give dropped files to the attachment options, one each. */
  takeFiles(files) {
    const free = this.fields.filter((field) => field.take);
    files.slice(0, free.length).forEach((file, index) => {
      this.#show(free[index]);
      free[index].take(file);
    });
  }

  /** Ask the bot for suggestions for one option. */
  async suggestions(option, typed) {
    const options = {};
    for (const field of this.shown) {
      if (field.option.type === "attachment" || field.option.name === option.name || field.problem()) continue;
      const value = await field.value();
      if (value !== null && value !== "") options[field.option.name] = value;
    }
    options[option.name] = typed;
    return post(`/channels/${this.channelId}/autocomplete`, { name: this.command.name, focused: option.name, options });
  }

  #build() {
    const title = uniqueId("command");
    this.grid = h("div", { class: "command-fields" });
    this.more = h("div", { class: "command-more", role: "group", "aria-label": "More options" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.send = h("button", { type: "submit", class: "button primary" }, h("span", { class: "label" }, "Send"));
    return h("form", {
      class: "command-form",
      "aria-labelledby": title,
      novalidate: true,
      onsubmit: (event) => { event.preventDefault(); this.#submit(); },
      onkeydown: (event) => { if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.close(); } },
    },
    h("div", { class: "command-head" },
      h("p", { id: title }, h("b", { class: "command-name" }, `/${this.command.name}`), ` ${this.command.description}`),
      h("button", { type: "button", class: "icon small", "aria-label": "Cancel", title: "Cancel (Escape)", onclick: this.close }, icon("close", 16))),
    this.grid, this.more,
    h("div", { class: "command-foot" }, this.problem,
      h("span", { class: "hint" }, this.fields.some((field) => field.option.required) ? "* required" : ""), this.send));
  }

  #drawFields() {
    const hidden = this.fields.filter((field) => !this.shown.has(field));
    for (const field of this.shown) if (!field.element.isConnected) this.grid.append(field.element);
    this.grid.hidden = this.shown.size === 0;
    this.more.hidden = hidden.length === 0;
    redraw(this.more, hidden.map((field) => h("button", {
      type: "button", class: "option-add", title: field.option.description, "aria-label": `Add ${field.option.name}: ${field.option.description}`,
      onclick: () => { this.#show(field); field.control.focus(); },
    }, icon("plus", 14), field.option.name)));
  }

  #show(field) {
    this.shown.add(field);
    this.#drawFields();
  }

  /** Say at each field what is wrong with it; gives whether all is well. */
  #check() {
    const wrong = [...this.shown].filter((field) => field.complain(field.problem()));
    wrong[0]?.control.focus();
    return wrong.length === 0;
  }

  async #submit() {
    this.problem.textContent = "";
    if (!this.#check() || this.send.disabled) return;
    this.send.disabled = true;
    try {
      const options = {};
      for (const field of this.shown) {
        const value = await field.value();
        if (value !== null && value !== "") options[field.option.name] = value;
      }
      await post(`/channels/${this.channelId}/commands`, { name: this.command.name, options });
      this.close();
    } catch (error) {
      this.problem.textContent = error.message;
      this.send.disabled = false;
      this.focus();
    }
  }
}
