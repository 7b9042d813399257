// One field for each kind of option.

import { fileData } from "./api.js";
import { Completion } from "./completion.js";
import { h, uniqueId } from "./dom.js";
import { guildOf, membersHere, state } from "./state.js";

const ASK_AFTER_MILLISECONDS = 150;

/** { option, element, input, value(), filled(), complain() } */
export function makeOptionField(option, form) {
  const id = uniqueId("option");
  const made = makeInput(option, form, id);
  const { input } = made;
  input.id = id;
  input.setAttribute("aria-required", String(option.required));
  input.setAttribute("aria-describedby", `${id}-about`);
  const element = h("div", { class: "option", dataset: { option: option.name } },
    h("label", { for: id }, option.name, option.required && h("span", { class: "required", "aria-hidden": "true" }, " *")),
    h("div", { class: "option-input" }, input, made.list),
    h("p", { class: "about", id: `${id}-about` }, option.description));
  input.addEventListener("input", () => input.removeAttribute("aria-invalid"));
  return {
    option,
    element,
    input,
    value: made.value,
    filled: made.filled ?? (() => input.value !== ""),
    complain: () => {
      input.setAttribute("aria-invalid", "true");
      input.focus();
    },
  };
}

function makeInput(option, form, id) {
  if (option.choices.length) return choiceInput(option.choices.map((choice) => [String(choice.value), choice.name]), (text) => option.choices.find((c) => String(c.value) === text)?.value ?? null);
  if (option.autocomplete) return suggestedInput(option, form);
  switch (option.type) {
    case "boolean": return choiceInput([["true", "True"], ["false", "False"]], (text) => (text === "" ? null : text === "true"));
    case "integer": case "number": return numberInput(option);
    case "user": return choiceInput(people());
    case "role": return choiceInput(roles());
    case "mentionable": return choiceInput([...people(), ...roles()]);
    case "channel": return choiceInput(channels());
    case "attachment": return fileInput();
    default: return textInput(option, id);
  }
}

const people = () => membersHere().map((user) => [user.id, user.display_name]);
const roles = () => (guildOf(state.channel)?.roles ?? []).map((role) => [role.id, `@${role.name}`]);
const channels = () => (guildOf(state.channel)?.channels ?? []).map((channel) => [channel.id, channel.name]);

function choiceInput(entries, read = (text) => text || null) {
  const input = h("select", {}, h("option", { value: "" }, "–"), entries.map(([value, label]) => h("option", { value }, label)));
  return { input, value: async () => read(input.value) };
}

function numberInput(option) {
  const input = h("input", { type: "number", min: option.min_value, max: option.max_value, step: option.type === "integer" ? "1" : "any" });
  return { input, value: async () => (input.value === "" ? null : Number(input.value)) };
}

function fileInput() {
  const input = h("input", { type: "file" });
  return { input, filled: () => input.files.length > 0, value: async () => (input.files[0] ? fileData(input.files[0]) : null) };
}

/** Text may have lines: Enter sends, Shift+Enter breaks. */
function textInput(option) {
  const input = h("textarea", { rows: "1", maxlength: option.max_length, autocomplete: "off", onkeydown: (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      input.form.requestSubmit();
    }
  } });
  return { input, value: async () => input.value || null };
}

/** Text with suggestions that the bot makes while one types. */
function suggestedInput(option, form) {
  const input = h("input", { type: "text", autocomplete: "off" });
  let chosen = null; // the suggestion whose name stands in the field
  let timer = null;
  let asked = 0;
  const completion = new Completion(input, (item) => { chosen = item; input.value = item.label; }, `Suggestions for ${option.name}`);
  const read = () => {
    const text = chosen && chosen.label === input.value ? chosen.value : input.value;
    return ["integer", "number"].includes(option.type) && text !== "" ? Number(text) : text;
  };
  const ask = async () => {
    const number = ++asked;
    const choices = await form.suggestions(option, input.value).catch(() => []);
    if (number === asked && document.activeElement === input) completion.show(choices.map((choice) => ({ label: choice.name, value: choice.value })));
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, ASK_AFTER_MILLISECONDS); });
  input.addEventListener("focus", ask);
  input.addEventListener("keydown", (event) => completion.handleKey(event));
  return { input, list: completion.list, value: async () => (input.value === "" ? null : read()) };
}
