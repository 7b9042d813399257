// The kinds of field in a form. Each is { element, control, value(), problem(), focus() }.

import { fileData } from "./api.js";
import { makeChoice } from "./choice.js";
import { h, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { optionsOf } from "./options.js";

const TEXT_INPUT = 4, FILE_UPLOAD = 19, RADIO_GROUP = 21, CHECKBOX_GROUP = 22, CHECKBOX = 23;
const PARAGRAPH = 2;
const MOST_CHARACTERS = 4000;
const REQUIRED = "This field is required.";
const FEW_LEFT = 200; // from here on one sees how much fits

/** `count` is where a field may tell how much is in it. */
export function makeField(component, id, count) {
  const field = make(component, id, count);
  return { focus: () => field.control.focus(), ...field };
}

function make(component, id, count) {
  const required = component.required !== false;
  switch (component.type) {
    case TEXT_INPUT: return textField(component, id, required, count);
    case FILE_UPLOAD: return fileField(component, id, required);
    case CHECKBOX: return checkbox(component, id);
    case RADIO_GROUP: return boxes(component, id, "radio", required);
    case CHECKBOX_GROUP: return boxes(component, id, "checkbox", required);
    default: return selectField(component, id, required);
  }
}

function textField(component, id, required, count) {
  const [low, high] = [component.min_length ?? 0, component.max_length ?? MOST_CHARACTERS];
  const shared = { id, class: "input", placeholder: component.placeholder, oninput: () => tell() };
  const input = component.style === PARAGRAPH ? h("textarea", { ...shared, rows: "4" }) : h("input", { ...shared, type: "text", autocomplete: "off" });
  input.value = component.value ?? "";
  const length = () => [...input.value].length;
  const tell = () => { count.textContent = component.max_length || high - length() < FEW_LEFT ? `${length()} / ${high}` : ""; };
  tell();
  const problem = () => {
    if (required && !input.value.trim()) return REQUIRED;
    if (input.value && length() < low) return `At least ${low} characters, please.`;
    return length() > high ? `At most ${high} characters, please.` : null;
  };
  return { element: input, control: input, value: async () => input.value, problem };
}

function selectField(component, id, required) {
  const least = required ? Math.max(1, component.min_values ?? 1) : component.min_values ?? 0;
  const choice = makeChoice({
    id, options: optionsOf(component), placeholder: component.placeholder ?? "Select…", least: 0, most: component.max_values ?? 1,
    onChoose: () => choice.button.dispatchEvent(new Event("input", { bubbles: true })),
  });
  const problem = () => {
    const { length } = choice.values();
    if (!length && required) return REQUIRED;
    return length && length < least ? `Choose at least ${least}.` : null;
  };
  return { element: choice.element, control: choice.button, value: async () => choice.values(), problem };
}

function checkbox(component, id) {
  const input = h("input", { id, type: "checkbox", checked: component.default });
  return { element: input, control: input, value: async () => input.checked, problem: () => null };
}

function boxes(component, id, type, required) {
  const name = uniqueId("boxes");
  const element = h("fieldset", { id }, component.options.map((option) => h("label", { class: "box-line" },
    h("input", { type, name, value: option.value, checked: option.default }),
    h("span", {}, option.label, option.description && h("span", { class: "about" }, h("br"), option.description)))));
  const chosen = () => [...element.querySelectorAll("input:checked")].map((input) => input.value);
  const problem = () => {
    const { length } = chosen();
    if (!length && required) return REQUIRED;
    if (type === "radio" || !length) return null;
    if (length < (component.min_values ?? 1)) return `Choose at least ${component.min_values ?? 1}.`;
    return length > (component.max_values ?? component.options.length) ? `Choose at most ${component.max_values}.` : null;
  };
  const value = async () => (type === "radio" ? chosen()[0] ?? null : chosen());
  return { element, control: element, value, problem, focus: () => element.querySelector("input:checked, input")?.focus() };
}

/** Files are chosen or dropped. */
function fileField(component, id, required) {
  const most = component.max_values ?? 1;
  const least = required ? Math.max(1, component.min_values ?? 1) : component.min_values ?? 0;
  let files = [];
  const input = h("input", { id, type: "file", class: "visually-hidden", multiple: most > 1, onchange: () => { add(input.files); input.value = ""; } });
  const list = h("ul", { class: "dropped" });
  const drop = h("label", { class: "drop", ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); }, ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); add(event.dataTransfer.files); } },
  icon("plus", 24), h("span", {}, most > 1 ? `Choose up to ${most} files, or drop them here` : "Choose a file, or drop it here"), input);
  const add = (more) => show([...(most > 1 ? files : []), ...more].slice(0, most));
  const show = (kept) => {
    files = kept;
    list.replaceChildren(...files.map((file) => h("li", {}, icon("file", 18), h("span", { class: "name" }, file.name),
      h("button", { type: "button", class: "icon small", "aria-label": `Remove ${file.name}`, onclick: () => { show(files.filter((other) => other !== file)); input.focus(); } }, icon("close", 14)))));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const problem = () => {
    if (!files.length && required) return REQUIRED;
    return files.length && files.length < least ? `Choose at least ${least} files.` : null;
  };
  return { element: h("div", {}, drop, list), control: input, value: () => Promise.all(files.map(fileData)), problem };
}
