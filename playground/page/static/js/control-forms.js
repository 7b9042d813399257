// The forms of the drawer: fields with labels, one sentence that says what will happen, and a button.

import { h, redraw, uniqueId } from "./dom.js";

export function textField(name, label, { placeholder = "", value = "" } = {}) {
  const id = uniqueId("control");
  return h("div", { class: "control-field" }, h("label", { for: id }, label), h("input", { id, name, type: "text", autocomplete: "off", placeholder, value }));
}

export function numberField(name, label, value, { least, most, step = "any" }) {
  const id = uniqueId("control");
  return h("div", { class: "control-field narrow" }, h("label", { for: id }, label), h("input", { id, name, type: "number", value, min: least, max: most, step, required: true }));
}

/** A menu; options are { value, label }. */
export function choiceField(name, label, options, { chosen = null, onchange } = {}) {
  const id = uniqueId("control");
  return h("div", { class: "control-field" }, h("label", { for: id }, label),
    h("select", { id, name, onchange }, options.map((option) => h("option", { value: option.value, selected: option.value === chosen }, option.label))));
}

export function checkField(name, label, { checked = false } = {}) {
  return h("label", { class: "control-check" }, h("input", { type: "checkbox", name, checked }), ` ${label}`);
}

/** Boxes of which several can be ticked. */
export function checkGroup(name, label, options, chosen = []) {
  return h("fieldset", { class: "control-boxes" }, h("legend", {}, label),
    options.map((option) => h("label", { class: "control-check" }, h("input", { type: "checkbox", name, value: option.value, checked: chosen.includes(option.value) }), ` ${option.label}`)));
}

/** A form; `send(values)` gets its FormData. `title` folds it away under that name. */
export function controlForm({ title, outcome, fields = [], action, send, key, disabled = false }) {
  const about = h("p", { class: "outcome", id: uniqueId("outcome") }, outcome);
  const button = h("button", { type: "submit", class: "button secondary", disabled, "aria-describedby": about.id, dataset: { key: `${key}-send` } }, h("span", { class: "label" }, action));
  const form = h("form", { class: "control-form", dataset: { control: key }, onsubmit: async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    try {
      await send(new FormData(form), form);
    } finally {
      form.ariaBusy = null;
    }
  } }, fields, about, h("div", { class: "control-foot" }, button));
  const element = title ? h("details", { class: "control", dataset: { key } }, h("summary", { dataset: { key: `${key}-title` } }, title), form) : form;
  return { element, form, about };
}

/** Draw a group of controls again: what was open stays open, what was begun stays written, the focus stays. */
export function redrawControls(place, children) {
  const opened = new Set([...place.querySelectorAll("details[open]")].map((box) => box.dataset.key));
  const typed = new Map([...place.querySelectorAll("form")].map((form) => [form.dataset.control, [...new FormData(form)].filter(([, value]) => typeof value === "string")]));
  const focused = document.activeElement?.closest("form")?.dataset.control;
  const focusedName = place.contains(document.activeElement) && focused ? document.activeElement.name : "";
  const shown = children.filter(Boolean);
  for (const box of shown.filter((child) => child.matches("details"))) box.open = opened.has(box.dataset.key);
  redraw(place, shown);
  for (const form of place.querySelectorAll("form")) {
    for (const [name, value] of typed.get(form.dataset.control) ?? []) {
      const field = form.elements[name];
      if (field instanceof HTMLInputElement && field.type === "text" && value) field.value = value;
      if (field instanceof HTMLSelectElement && [...field.options].some((option) => option.value === value)) {
        field.value = value;
        field.dispatchEvent(new Event("change"));
      }
    }
  }
  if (focusedName) place.querySelector(`form[data-control="${focused}"] [name="${focusedName}"]`)?.focus({ preventScroll: true });
}
