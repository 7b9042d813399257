// What the local model API was asked: which model, with which messages and parameters.

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { on } from "./state.js";
import { attempt } from "./toasts.js";
import { shortTime } from "./time.js";

const MAX_SHOWN = 100;

const requests = new Map();

export function startInspector() {
  byId("open-inspector").addEventListener("click", () => setOpen(byId("inspector").hidden));
  on("live:request", (request) => {
    requests.set(request.number, request);
    if (!byId("inspector").hidden) drawOne(request);
  });
  build();
}

function build() {
  byId("inspector").append(
    h("header", { class: "inspector-head" }, h("h2", {}, "Requests to the model API"),
      h("button", { type: "button", class: "icon small", "aria-label": "Close", onclick: () => setOpen(false) }, "✕")),
    h("p", { class: "hint" }, "Everything that the bot sent to the local Infermatic, newest first."),
    h("ol", { class: "requests", id: "requests" }),
  );
}

async function setOpen(open) {
  byId("inspector").hidden = !open;
  byId("open-inspector").setAttribute("aria-expanded", String(open));
  if (!open) {
    byId("open-inspector").focus();
    return;
  }
  await attempt(async () => {
    for (const request of await get("/requests")) requests.set(request.number, request);
  });
  byId("requests").replaceChildren();
  [...requests.values()].sort((a, b) => a.number - b.number).slice(-MAX_SHOWN).forEach(drawOne);
}

function drawOne(request) {
  const existing = byId(`request-${request.number}`);
  const element = h("li", { class: "request", id: `request-${request.number}` }, h("details", { open: existing?.firstElementChild.open },
    h("summary", {}, h("span", { class: "status", dataset: { status: statusClass(request) } }, statusText(request)), " ",
      h("b", {}, request.model ?? request.path), h("span", { class: "hint" }, ` ${request.path} · ${shortTime(request.at)}${duration(request)}`)),
    request.messages.map((message) => h("div", { class: "sent", dataset: { role: message.role } }, h("b", {}, message.role), h("pre", {}, message.content))),
    h("p", { class: "hint" }, "Parameters"), h("pre", { class: "parameters" }, parametersText(request.parameters)),
    request.answer && h("p", { class: "hint" }, "Answer"), request.answer && h("pre", {}, request.answer)));
  if (existing) existing.replaceWith(element);
  else byId("requests").prepend(element);
}

const parametersText = (parameters) => Object.entries(parameters).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join("\n") || "none";
const duration = (request) => (request.seconds === null ? "" : ` · ${request.seconds.toFixed(1)} s`);
const statusText = (request) => (request.ended ? `${request.status ?? "–"}${request.ended === "complete" ? "" : ` ${request.ended}`}` : "running");
const statusClass = (request) => (!request.ended ? "running" : request.status === 200 && request.ended === "complete" ? "good" : "bad");
