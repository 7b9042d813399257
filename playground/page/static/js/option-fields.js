// One field for each kind of option.

import { fileData } from "./api.js";
import { makeChoice } from "./choice.js";
import { Completion } from "./completion.js";
import { h, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { channelOptions, peopleOptions, roleOptions } from "./options.js";

const ASK_AFTER_MILLISECONDS = 200;
const REQUIRED = "This option is required.";

/**
 * { option, element, control, value(), problem(), complain(problem), take(file) }: `control` is what takes the focus;
 * `problem()` says in words what is wrong with the value, `complain()` shows that at the field.
 */
export function makeOptionField(option, form) {
  const id = uniqueId("option");
  const made = makeInput(option, form, id);
  const { control } = made;
  const complaint = h("p", { class: "problem", id: `${id}-problem` });
  control.id = id;
  control.setAttribute("aria-required", String(option.required));
  control.setAttribute("aria-describedby", `${id}-problem ${id}-about`);
  const complain = (problem) => {
    complaint.textContent = problem ?? "";
    if (problem) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    return problem;
  };
  const element = h("div", { class: "option", dataset: { option: option.name }, oninput: () => complain(null), onchange: () => complain(null) },
    h("label", { for: id }, option.name, option.required && h("span", { class: "required", "aria-hidden": "true" }, " *")),
    h("div", { class: "option-input" }, made.element ?? control, made.list),
    complaint, h("p", { class: "about", id: `${id}-about` }, option.description));
  const filled = made.filled ?? (() => control.value.trim() !== "");
  const problem = () => (filled() ? made.problem?.() ?? null : option.required ? REQUIRED : null);
  return { option, element, control, value: made.value, problem, complain, take: made.take };
}

function makeInput(option, form, id) {
  if (option.choices.length) return chosenFrom(option, id, option.choices.map((choice) => ({ value: choice.value, label: choice.name })));
  if (option.autocomplete) return suggestedInput(option, form);
  switch (option.type) {
    case "boolean": return chosenFrom(option, id, [{ value: true, label: "True" }, { value: false, label: "False" }]);
    case "integer": case "number": return numberInput(option);
    case "user": return chosenFrom(option, id, peopleOptions());
    case "role": return chosenFrom(option, id, roleOptions());
    case "mentionable": return chosenFrom(option, id, [...peopleOptions(), ...roleOptions()]);
    case "channel": return chosenFrom(option, id, channelOptions(option.channel_kinds));
    case "attachment": return fileInput(option);
    default: return textInput(option);
  }
}

function chosenFrom(option, id, options) {
  const choice = makeChoice({ id, options, placeholder: "Choose…", least: option.required ? 1 : 0, onChoose: () => choice.button.dispatchEvent(new Event("change", { bubbles: true })) });
  return { control: choice.button, element: choice.element, filled: () => choice.values().length > 0, value: async () => choice.values()[0] ?? null };
}

function numberInput(option) {
  const control = h("input", { type: "text", inputmode: option.type === "integer" ? "numeric" : "decimal", autocomplete: "off", placeholder: rangeOf(option) });
  return { control, value: async () => (control.value.trim() === "" ? null : Number(control.value)), problem: () => numberProblem(option, control.value) };
}

const rangeOf = ({ min_value: low, max_value: high }) => (low !== null && high !== null ? `${low} to ${high}` : low !== null ? `${low} or more` : high !== null ? `${high} or less` : null);

function numberProblem(option, text) {
  const number = Number(text);
  if (!Number.isFinite(number)) return "This is not a number.";
  if (option.type === "integer" && !Number.isInteger(number)) return "This takes a whole number.";
  const outside = (option.min_value !== null && number < option.min_value) || (option.max_value !== null && number > option.max_value);
  return outside ? `This takes ${rangeOf(option)}.` : null;
}

function textProblem({ min_length: low, max_length: high }, text) {
  if (low && text.length < low) return `At least ${low} characters, please.`;
  return high && text.length > high ? `At most ${high} characters, please; these are ${text.length}.` : null;
}

/** Text may have lines: Enter sends, Shift+Enter breaks. */
function textInput(option) {
  const control = h("textarea", { rows: "1", autocomplete: "off", oninput: () => {
    control.style.height = "auto";
    control.style.height = `${Math.min(control.scrollHeight + 2, 160)}px`;
  }, onkeydown: (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    control.form.requestSubmit();
  } });
  return { control, value: async () => control.value || null, problem: () => textProblem(option, control.value) };
}

/** A file is chosen or dropped. */
function fileInput() {
  let file = null;
  const name = h("span", { class: "chosen-file" }, "Choose a file, or drop it here");
  const control = h("input", { type: "file", class: "visually-hidden", onchange: () => take(control.files[0] ?? file) });
  const remove = h("button", { type: "button", class: "icon small", "aria-label": "Remove the file", hidden: true, onclick: () => { take(null); control.focus(); } }, icon("close", 14));
  const take = (chosen) => {
    file = chosen;
    control.value = "";
    name.textContent = file?.name ?? "Choose a file, or drop it here";
    remove.hidden = !file;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const element = h("div", { class: "file-option" }, h("label", {}, icon("file", 18), name, control), remove);
  return { control, element, take, filled: () => file !== null, value: async () => (file ? fileData(file) : null) };
}

/** Text with suggestions that the bot makes while one types. */
function suggestedInput(option, form) {
  const control = h("input", { type: "text", autocomplete: "off" });
  let chosen = null; // the suggestion whose name stands in the field
  let timer = null;
  let asked = 0;
  const completion = new Completion(control, (item) => { chosen = item; control.value = item.label; }, `Suggestions for ${option.name}`);
  const numeric = ["integer", "number"].includes(option.type);
  const read = () => {
    const text = chosen && chosen.label === control.value ? chosen.value : control.value;
    return numeric && text !== "" ? Number(text) : text;
  };
  const ask = async () => {
    const number = ++asked;
    control.setAttribute("aria-busy", "true");
    const choices = await form.suggestions(option, control.value).catch(() => []);
    if (number !== asked) return;
    control.removeAttribute("aria-busy");
    if (document.activeElement === control) completion.show(choices.map((choice) => ({ label: choice.name, value: choice.value })));
  };
  const askSoon = () => { clearTimeout(timer); timer = setTimeout(ask, ASK_AFTER_MILLISECONDS); };
  control.addEventListener("input", askSoon);
  control.addEventListener("focus", ask);
  control.addEventListener("blur", () => { clearTimeout(timer); asked += 1; control.removeAttribute("aria-busy"); });
  control.addEventListener("keydown", (event) => completion.handleKey(event));
  return {
    control, list: completion.list, value: async () => (control.value === "" ? null : read()),
    problem: () => (numeric ? numberProblem(option, String(read())) : textProblem(option, String(read()))),
  };
}
