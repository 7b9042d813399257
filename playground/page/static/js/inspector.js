// Why the bot does what it does: what it asks of the model API, what waits, and what it sends to Discord.

import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { drawQueue } from "./inspector-queue.js";
import { drawRequests, listenToRequests, loadRequests } from "./inspector-requests.js";
import { drawStaff } from "./inspector-staff.js";
import { drawAllowances, drawWrites, listenToWrites, loadWrites } from "./inspector-writes.js";
import { closePanel, isOpen, makePanel } from "./panels.js";
import { guildOf, on, state } from "./state.js";
import { attempt } from "./toasts.js";

const EVERY_MILLISECONDS = 1000;
const TABS = { requests: "Model API", queue: "Queue", writes: "Discord", staff: "Moderation" };
const REMEMBERED = "playground.inspector";

let settings = { tab: "requests", here: false };
let timer = null;

export function startInspector() {
  try {
    settings = { ...settings, ...JSON.parse(localStorage.getItem(REMEMBERED)) };
  } catch {
    localStorage.removeItem(REMEMBERED);
  }
  build();
  makePanel("inspector", { button: "open-inspector", opened, closed: () => clearInterval(timer) });
  listenToRequests(() => isOpen("inspector") && settings.tab === "requests" && drawRequests(byId("tab-panel"), settings.here));
  listenToWrites(() => isOpen("inspector") && settings.tab === "writes" && drawWrites(byId("writes"), settings.here));
  on("moved", () => isOpen("inspector") && (settings.here || settings.tab === "staff") && draw());
  on("reconnected", () => isOpen("inspector") && opened());
}

function build() {
  byId("open-inspector").replaceChildren(icon("eye"));
  const close = h("button", { type: "button", class: "icon small", "aria-label": "Close the inspector", title: "Close", onclick: () => closePanel("inspector") }, icon("close", 18));
  const tabs = Object.entries(TABS).map(([name, label]) => h("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "tab-panel", onclick: () => show(name), onkeydown: moveTab,
  }, label));
  const here = h("input", { type: "checkbox", id: "inspect-here", checked: settings.here, onchange: () => { settings.here = here.checked; keep(); draw(); } });
  byId("inspector").append(
    h("header", { class: "panel-head" }, h("h2", { tabindex: "-1" }, "Inspector"), close),
    h("div", { class: "tabs", role: "tablist", "aria-label": "Inspector" }, tabs),
    h("label", { class: "panel-filter" }, here, " Only the open channel"),
    h("div", { class: "tab-panel", id: "tab-panel", role: "tabpanel", tabindex: "-1" }));
  mark();
}

const keep = () => localStorage.setItem(REMEMBERED, JSON.stringify(settings));

function mark() {
  for (const name of Object.keys(TABS)) {
    const chosen = name === settings.tab;
    byId("inspector").dataset.tab = settings.tab;
    byId(`tab-${name}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${name}`).tabIndex = chosen ? 0 : -1;
    if (chosen) byId("tab-panel").setAttribute("aria-labelledby", `tab-${name}`);
  }
}

function show(name) {
  settings.tab = name;
  keep();
  mark();
  draw();
}

function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const names = Object.keys(TABS);
  show(names[(names.indexOf(settings.tab) + step + names.length) % names.length]);
  byId(`tab-${settings.tab}`).focus();
}

async function opened() {
  clearInterval(timer);
  timer = setInterval(tick, EVERY_MILLISECONDS);
  await attempt(async () => {
    const [requests, writes] = await Promise.all([get("/requests"), get("/writes")]);
    loadRequests(requests);
    loadWrites(writes);
  });
  draw();
}

function draw() {
  const place = byId("tab-panel");
  place.replaceChildren();
  if (settings.tab === "requests") drawRequests(place, settings.here);
  if (settings.tab === "writes") {
    place.append(h("div", { id: "allowances" }), h("ol", { class: "writes", id: "writes" }));
    drawWrites(byId("writes"), settings.here);
  }
  tick();
}

/** What changes by itself as time goes by is asked for while somebody looks. */
async function tick() {
  if (document.hidden || settings.tab === "requests") return;
  const tab = settings.tab;
  const guild = guildOf(state.channel), me = state.me;
  const [now, staff] = await Promise.all([get("/now").catch(() => null), tab === "staff" && guild ? get(`/guilds/${guild.id}/staff`).catch(() => null) : null]);
  if (!now || tab !== settings.tab || me !== state.me || guild !== guildOf(state.channel) || !isOpen("inspector")) return;
  if (tab === "staff") drawStaff(byId("tab-panel"), staff, now.queue);
  else if (tab === "queue") drawQueue(byId("tab-panel"), now, settings.here);
  else drawAllowances(byId("allowances"), now.allowances, settings.here);
}
