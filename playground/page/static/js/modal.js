// Forms that the bot opens.

import { post } from "./api.js";
import { avatar, byId, h, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { outcome } from "./interactions.js";
import { makeField } from "./modal-fields.js";
import { emit, state } from "./state.js";
import { makeText } from "./text.js";

const ROW = 1, TEXT = 10, LABEL = 18;
const LATE = "Something went wrong: the application did not respond. What you wrote is still here.";

let opener = null;

/** Show a form and send what was filled in. */
export function openModal({ interaction_id: interactionId, title, components }) {
  const dialog = byId("modal");
  if (dialog.open) dialog.close();
  else opener = document.activeElement;
  const fields = [];
  const problem = h("p", { class: "problem", role: "alert" });
  const send = h("button", { type: "submit", class: "button primary" }, "Submit");
  const form = h("form", { class: "modal-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(); } },
    h("div", { class: "modal-head" }, avatar(state.world.bot, 32), h("h2", { id: "modal-title" }, title),
      h("button", { type: "button", class: "icon", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "modal-body" }, components.map((component) => drawPart(component, fields))),
    h("div", { class: "modal-foot" }, problem,
      h("button", { type: "button", class: "button secondary", onclick: () => dialog.close() }, "Cancel"), send));

  async function submit() {
    problem.textContent = "";
    const wrong = fields.filter((field) => !field.check());
    if (wrong.length) return wrong[0].focus();
    send.disabled = true;
    send.setAttribute("aria-busy", "true");
    try {
      const values = {};
      for (const field of fields) values[field.customId] = await field.value();
      const sent = await post(`/interactions/${interactionId}/submit`, { values });
      const failed = await outcome(sent);
      if (failed && !form.isConnected) emit("unanswered", sent); // closed meanwhile
      else if (failed) problem.textContent = LATE;
      else if (form.isConnected) dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    }
    send.disabled = false;
    send.removeAttribute("aria-busy");
    return null;
  }

  dialog.replaceChildren(form);
  dialog.onclose = () => {
    if (dialog.open) return; // that was the form before
    form.remove();
    giveBackFocus();
  };
  dialog.showModal();
  (fields[0] ?? { focus: () => send.focus() }).focus();
}

/** The browser does this too, unless the button was drawn anew meanwhile. */
function giveBackFocus() {
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  else if (opener?.dataset?.key && document.querySelector(`[data-key="${CSS.escape(opener.dataset.key)}"]`)) document.querySelector(`[data-key="${CSS.escape(opener.dataset.key)}"]`).focus({ preventScroll: true });
  else byId("message-box")?.focus({ preventScroll: true });
}

function drawPart(component, fields) {
  if (component.type === TEXT) return makeText(component.html);
  if (component.type === ROW) return labelled(component.components[0], component.components[0].label, null, fields);
  if (component.type === LABEL) return labelled(component.component, component.label, component.description, fields);
  return null;
}

function labelled(component, label, description, fields) {
  const id = uniqueId("field");
  const problem = h("span", { class: "problem", id: `${id}-problem` });
  const count = h("span", { class: "count-left" });
  const field = makeField(component, id, count);
  const described = [description && `${id}-about`, `${id}-problem`].filter(Boolean).join(" ");
  field.control.setAttribute("aria-describedby", described);
  if (component.required !== false) field.control.setAttribute(field.control.tagName === "FIELDSET" ? "data-required" : "aria-required", "true");
  const say = (text) => {
    problem.textContent = text;
    if (text) field.control.setAttribute("aria-invalid", "true");
    else field.control.removeAttribute("aria-invalid");
  };
  field.control.addEventListener("input", () => say(""));
  fields.push({ customId: component.custom_id, value: field.value, focus: field.focus, check: () => { say(field.problem() ?? ""); return problem.textContent === ""; } });
  const sign = component.required !== false && h("span", { class: "required", "aria-hidden": "true" }, " *");
  const name = field.control.tagName === "FIELDSET" ? h("span", { class: "field-label", id: `${id}-label` }, label, sign) : h("label", { for: id, id: `${id}-label` }, label, sign);
  field.control.setAttribute("aria-labelledby", `${id}-label`);
  return h("div", { class: "modal-field", dataset: { field: component.custom_id } }, name,
    description && h("p", { class: "about", id: `${id}-about` }, description), field.element,
    h("div", { class: "field-foot" }, problem, count));
}
