// A chosen slash command with a field for each of its options.

import { post } from "./api.js";
import { h, uniqueId } from "./dom.js";
import { makeOptionField } from "./option-fields.js";
import { state } from "./state.js";
import { attempt } from "./toasts.js";

export class CommandForm {
  constructor(command, close) {
    this.command = command;
    this.close = close;
    this.channelId = state.channel.id;
    this.fields = command.options.map((option) => makeOptionField(option, this));
    this.element = this.#build();
  }

  focus() {
    (this.fields[0]?.input ?? this.element.querySelector("[type=submit]")).focus();
  }

  /** What is filled in so far, by option name. */
  async values() {
    const filled = {};
    for (const field of this.fields) {
      const value = await field.value();
      if (value !== null && value !== "") filled[field.option.name] = value;
    }
    return filled;
  }

  /** Ask the bot for suggestions for one option. */
  async suggestions(option, typed) {
    const options = {};
    for (const field of this.fields) {
      if (field.option.type === "attachment" || field.option.name === option.name) continue;
      const value = await field.value();
      if (value !== null && value !== "") options[field.option.name] = value;
    }
    options[option.name] = typed;
    return post(`/channels/${this.channelId}/autocomplete`, { name: this.command.name, focused: option.name, options });
  }

  #build() {
    const title = uniqueId("command");
    return h("form", {
      class: "command-form",
      "aria-labelledby": title,
      onsubmit: (event) => { event.preventDefault(); this.#submit(); },
      onkeydown: (event) => { if (event.key === "Escape") { event.preventDefault(); this.close(); } },
    },
    h("div", { class: "command-head" },
      h("p", { id: title }, h("b", { class: "command-name" }, `/${this.command.name}`), ` ${this.command.description}`),
      h("button", { type: "button", class: "icon small", "aria-label": "Cancel", onclick: this.close }, "✕")),
    this.fields.length > 0 && h("div", { class: "command-fields" }, this.fields.map((field) => field.element)),
    h("div", { class: "command-foot" },
      h("span", { class: "hint" }, this.fields.some((field) => field.option.required) ? "* required" : ""),
      h("button", { type: "submit", class: "button primary" }, "Send")));
  }

  async #submit() {
    const missing = this.fields.find((field) => field.option.required && !field.filled());
    if (missing) {
      missing.complain();
      return;
    }
    const options = await attempt(() => this.values());
    if (options === null) return;
    const started = await attempt(() => post(`/channels/${this.channelId}/commands`, { name: this.command.name, options }));
    if (started !== null) this.close();
  }
}
