// The drawer from which one changes who is there and makes trouble. Everything says what will happen.

import { get } from "./api.js";
import { act } from "./controls-act.js";
import { drawPlaces } from "./controls-places.js";
import { drawTrouble } from "./controls-trouble.js";
import { byId, h, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { closePanel, isOpen, makePanel } from "./panels.js";
import { on } from "./state.js";

const AFTER_MILLISECONDS = 120;

let view = null; // what the server says
let timer = null;

export function startControls() {
  byId("open-controls").replaceChildren(icon("gear"), h("span", { class: "count", id: "controls-count", hidden: true }));
  makePanel("controls", { button: "open-controls", opened: () => draw({ whole: true }) });
  for (const kind of ["live:controls", "live:request", "live:write", "reconnected"]) on(kind, lookSoon);
  on("world", () => isOpen("controls") && draw({ whole: true }));
  on("moved", () => isOpen("controls") && draw({ whole: true }));
  on("controls", take);
  build();
  look();
}

function build() {
  byId("controls").append(
    h("header", { class: "panel-head" }, h("h2", { tabindex: "-1" }, "Controls"),
      h("button", { type: "button", class: "icon small", "aria-label": "Close the controls", title: "Close", onclick: () => closePanel("controls") }, icon("close", 18))),
    h("section", { class: "on-now", id: "on-now", "aria-label": "On now" }),
    h("section", { class: "control-group", id: "trouble", "aria-labelledby": "trouble-title" }),
    h("section", { class: "control-group", id: "places", "aria-labelledby": "places-title" }));
}

/** Faults strike by themselves; what is left of them is asked for a moment later. */
function lookSoon() {
  clearTimeout(timer);
  timer = setTimeout(look, AFTER_MILLISECONDS);
}

async function look() {
  const now = await get("/controls").catch(() => null);
  if (now) take(now);
}

function take(now) {
  const same = JSON.stringify([view?.bot, view?.speed, view?.key]) === JSON.stringify([now.bot, now.speed, now.key]);
  view = now;
  drawCount();
  if (isOpen("controls")) draw({ whole: !same });
}

function whatIsOn() {
  return [
    ...view.faults.map((fault) => ({
      key: `fault-${fault.number}`, label: fault.label, outcome: fault.outcome,
      state: [fault.left === null ? "until taken back" : `${fault.left} more`, fault.struck > 0 && `struck ${fault.struck}`].filter(Boolean).join(", "),
      takeBack: () => act("DELETE", `/faults/${fault.number}`),
    })),
    view.speed?.changed && { key: "speed", label: "Another speed", state: `first token after ${view.speed.first_token_seconds} s, then ${view.speed.tokens_per_second} a second`, takeBack: () => act("DELETE", "/speed") },
    view.key?.changed && { key: "key", label: "Other limits", state: `${view.key.requests_per_minute} a minute, ${view.key.parallel_requests} at once`, takeBack: () => act("DELETE", "/key") },
  ].filter(Boolean);
}

function drawCount() {
  const count = whatIsOn().length;
  byId("controls-count").hidden = count === 0;
  byId("controls-count").textContent = String(count);
  byId("open-controls").setAttribute("aria-label", count ? `Controls (${count} on)` : "Controls");
}

function draw({ whole }) {
  if (!view) return;
  const all = whatIsOn();
  redraw(byId("on-now"), all.length > 0 && [
    h("h3", {}, "On now"),
    h("ul", {}, all.map((one) => h("li", {}, h("div", {}, h("b", {}, one.label), h("span", { class: "hint" }, one.state)),
      h("button", { type: "button", class: "quiet", dataset: { key: one.key }, "aria-label": `Take back: ${one.label}`, onclick: one.takeBack }, "Take back")))),
    all.length > 1 && h("button", { type: "button", class: "quiet", dataset: { key: "all" }, onclick: () => act("DELETE", "") }, "Take everything back"),
  ]);
  if (!whole) return;
  drawTrouble(byId("trouble"), view);
  drawPlaces(byId("places"), view);
}
