// A question before something that cannot be taken back.

import { h, uniqueId } from "./dom.js";

/** Resolves to whether the person agreed; Escape is a no. The focus returns to where it was. */
export function confirm({ title, text, quote = "", action }) {
  const id = uniqueId("confirm");
  const yes = h("button", { type: "submit", class: "button danger", value: "yes" }, action);
  const dialog = h("dialog", { class: "modal confirm", role: "alertdialog", "aria-labelledby": id, "aria-describedby": `${id}-text` },
    h("form", { method: "dialog", class: "modal-form" },
      h("div", { class: "modal-head" }, h("h2", { id }, title)),
      h("div", { class: "modal-body" }, h("p", { id: `${id}-text` }, text), quote && h("blockquote", { class: "confirm-quote" }, quote)),
      h("div", { class: "modal-foot" }, h("button", { type: "submit", class: "button secondary", value: "no", formnovalidate: true }, "Cancel"), yes)));
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
    yes.focus();
  });
}
