// Forms that the bot opens.

import { fileData, post } from "./api.js";
import { optionsOf } from "./components.js";
import { byId, h, uniqueId } from "./dom.js";
import { toast } from "./toasts.js";

const ROW = 1, TEXT_INPUT = 4, TEXT = 10, LABEL = 18, FILE_UPLOAD = 19, RADIO_GROUP = 21, CHECKBOX_GROUP = 22, CHECKBOX = 23;
const PARAGRAPH = 2;

/** Show a form and send what was filled in. */
export function openModal({ interaction_id: interactionId, title, components }) {
  const dialog = byId("modal");
  const fields = [];
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h("form", { class: "modal-form", onsubmit: (event) => { event.preventDefault(); submit(); } },
    h("h2", { id: "modal-title" }, title),
    components.map((component) => drawPart(component, fields)),
    problem,
    h("div", { class: "modal-foot" },
      h("button", { type: "button", class: "button secondary", onclick: () => dialog.close() }, "Cancel"),
      h("button", { type: "submit", class: "button primary" }, "Submit")));
  async function submit() {
    problem.textContent = "";
    try {
      const values = {};
      for (const field of fields) values[field.customId] = await field.value();
      await post(`/interactions/${interactionId}/submit`, { values });
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    }
  }
  dialog.replaceChildren(form);
  if (dialog.open) toast("Another form was open.");
  else dialog.showModal();
  form.querySelector("input, textarea, select")?.focus();
}

function drawPart(component, fields) {
  if (component.type === TEXT) return h("div", { class: "text", html: component.html });
  if (component.type === ROW) return labelled(component.components[0], component.components[0].label, null, fields);
  if (component.type === LABEL) return labelled(component.component, component.label, component.description, fields);
  return null;
}

function labelled(component, label, description, fields) {
  const id = uniqueId("field");
  const { element, value } = makeField(component, id);
  fields.push({ customId: component.custom_id, value });
  const required = component.required !== false;
  return h("div", { class: "modal-field", dataset: { field: component.custom_id } },
    h("label", { for: id }, label, required && h("span", { class: "required", "aria-hidden": "true" }, " *")),
    description && h("p", { class: "about" }, description), element);
}

function makeField(component, id) {
  const required = component.required !== false;
  switch (component.type) {
    case TEXT_INPUT: return textField(component, id, required);
    case FILE_UPLOAD: {
      const input = h("input", { id, type: "file", multiple: (component.max_values ?? 1) > 1, required });
      return { element: input, value: () => Promise.all([...input.files].map(fileData)) };
    }
    case CHECKBOX: {
      const input = h("input", { id, type: "checkbox", checked: component.default });
      return { element: input, value: async () => input.checked };
    }
    case RADIO_GROUP: return boxes(component, id, "radio");
    case CHECKBOX_GROUP: return boxes(component, id, "checkbox");
    default: return selectField(component, id, required);
  }
}

function textField(component, id, required) {
  const shared = { id, required, placeholder: component.placeholder, minlength: component.min_length, maxlength: component.max_length ?? 4000 };
  const input = component.style === PARAGRAPH ? h("textarea", { ...shared, rows: "5" }) : h("input", { ...shared, type: "text", autocomplete: "off" });
  input.value = component.value ?? "";
  return { element: input, value: async () => input.value };
}

function selectField(component, id, required) {
  const several = (component.max_values ?? 1) > 1;
  const options = optionsOf(component).map((option) => h("option", { value: option.value, selected: option.default }, option.label));
  const empty = several ? [] : [h("option", { value: "" }, component.placeholder ?? "–")];
  const input = h("select", { id, multiple: several, required: required && (component.min_values ?? 1) > 0 }, empty, options);
  return { element: input, value: async () => [...input.selectedOptions].map((option) => option.value).filter(Boolean) };
}

function boxes(component, id, type) {
  const name = uniqueId("boxes");
  const element = h("fieldset", { id }, component.options.map((option) => h("label", { class: "box" },
    h("input", { type, name, value: option.value, checked: option.default }), ` ${option.label}`)));
  const chosen = () => [...element.querySelectorAll("input:checked")].map((input) => input.value);
  return { element, value: async () => (type === "radio" ? chosen()[0] ?? null : chosen()) };
}
