// What can go wrong: the bot's connection, the model API, Discord; and how fast and how much the key may.

import { act } from "./controls-act.js";
import { choiceField, controlForm, numberField, redrawControls } from "./control-forms.js";
import { h } from "./dom.js";
import { notice } from "./toasts.js";

const TIMES = [{ value: "1", label: "Once" }, { value: "2", label: "Twice" }, { value: "5", label: "Five times" }, { value: "", label: "Until taken back" }];

export function drawTrouble(place, view) {
  redrawControls(place, [
    h("h3", { id: "trouble-title" }, "Make trouble"),
    view.api_choices.length > 0 && fault("api", "The model API fails", view.api_choices),
    view.speed && speed(view.speed),
    view.key && limits(view.key),
    fault("discord", "Discord fails", view.discord_choices),
    gateway(),
    restart(view.bot),
  ]);
}

function fault(key, title, choices) {
  const sentence = (id) => choices.find((choice) => choice.id === id)?.outcome ?? "";
  const made = controlForm({
    key: `fault-${key}`, title, action: "Make it fail", outcome: choices[0].outcome,
    fields: [
      choiceField("choice", "What", choices.map((choice) => ({ value: choice.id, label: choice.label })), { onchange: (event) => { made.about.textContent = sentence(event.currentTarget.value); } }),
      choiceField("times", "How often", TIMES),
    ],
    send: (values) => act("POST", "/faults", { choice: values.get("choice"), times: values.get("times") ? Number(values.get("times")) : null }),
  });
  return made.element;
}

function speed(now) {
  return controlForm({
    key: "speed", title: "How fast the models write", action: "Set",
    outcome: "The next reply waits that long for its first token and then grows that fast; replies under way change their pace at once.",
    fields: [h("div", { class: "control-row" },
      numberField("first", "First token after (s)", now.first_token_seconds, { least: 0, most: 300 }),
      numberField("speed", "Tokens a second", now.tokens_per_second, { least: 0.1, most: 100_000 }))],
    send: (values) => act("PUT", "/speed", { first_token_seconds: Number(values.get("first")), tokens_per_second: Number(values.get("speed")) }),
  }).element;
}

function limits(now) {
  return controlForm({
    key: "limits", title: "What the key may", action: "Set",
    outcome: "The service refuses more than that with 429; the bot learns it from the answers and lets people wait in line.",
    fields: [h("div", { class: "control-row" },
      numberField("minute", "Requests a minute", now.requests_per_minute, { least: 1, most: 10_000, step: 1 }),
      numberField("parallel", "Requests at once", now.parallel_requests, { least: 1, most: 1000, step: 1 }))],
    send: (values) => act("PUT", "/key", { requests_per_minute: Number(values.get("minute")), parallel_requests: Number(values.get("parallel")) }),
  }).element;
}

function gateway() {
  const outcomes = {
    resume: "The bot's line to Discord is cut; it resumes within seconds and is told what it missed.",
    forget: "The session is forgotten as well: the bot logs in anew, is told nothing of what it missed, and looks for it itself.",
  };
  const made = controlForm({
    key: "gateway", title: "Drop the gateway connection", action: "Drop it", outcome: outcomes.resume,
    fields: [choiceField("how", "How", [{ value: "resume", label: "Cut it" }, { value: "forget", label: "Cut it and forget the session" }],
      { onchange: (event) => { made.about.textContent = outcomes[event.currentTarget.value]; } })],
    send: async (values) => (await act("POST", "/gateway", { forget: values.get("how") === "forget" })) && notice("The connection was dropped."),
  });
  return made.element;
}

function restart(bot) {
  const none = bot === "none";
  return controlForm({
    key: "restart", title: "Restart the bot", action: bot === "restarting" ? "Restarting…" : "Restart", disabled: bot !== "running",
    outcome: none ? "The bot was started by somebody else here: restart it where it runs. With make demo this button does it."
      : "The bot ends its replies or marks them as interrupted with Retry, stops, and is back in a few seconds with everything it knew.",
    send: () => act("POST", "/bot", {}),
  }).element;
}
