// What the local model API was asked: the prompt part by part, the parameters, the answer and how it ended.

import { get } from "./api.js";
import { h } from "./dom.js";
import { findChannel, on, state } from "./state.js";
import { attempt } from "./toasts.js";
import { clockTime } from "./time.js";

const MAX_SHOWN = 100;
const ENDS = { complete: "answered", left: "the bot left", cut: "broken off", stopped: "stopped", failed: "failed" };
const ROLES = { system: "System", user: "User", assistant: "Assistant", prompt: "Prompt", tool: "Tool" };

const requests = new Map(); // number -> summary
const details = new Map(); // number -> detail of the state it was fetched in
const open = new Set(); // numbers whose details are shown

export function loadRequests(list) {
  requests.clear();
  for (const request of list) requests.set(request.number, request);
}

export function listenToRequests(draw) {
  on("live:request", (request) => {
    requests.set(request.number, request);
    while (requests.size > MAX_SHOWN) requests.delete(requests.keys().next().value);
    details.delete(request.number);
    draw();
  });
}

export function drawRequests(place, here) {
  const shown = [...requests.values()].filter((request) => !here || request.channel_id === state.channel?.id).reverse();
  const list = place.querySelector(".requests") ?? place.appendChild(h("ol", { class: "requests" }));
  const rows = new Map([...list.children].map((row) => [row.dataset.number, row]));
  list.replaceChildren(...shown.map((request) => reuse(rows.get(String(request.number)), request)));
  place.querySelector(".panel-empty")?.remove();
  if (!shown.length) place.append(h("p", { class: "panel-empty" }, here ? "Nothing was asked from this channel yet." : "Nothing was asked yet. Mention the bot, and its request shows here."));
}

/** A row that has not changed stays, with its focus and what is folded open. */
function reuse(row, request) {
  const key = JSON.stringify(request);
  if (row?.drawn === key) return row;
  const made = drawRow(request);
  made.drawn = key;
  return made;
}

function drawRow(request) {
  const where = findChannel(request.channel_id);
  const body = h("div", { class: "request-body" });
  const box = h("details", { open: open.has(request.number), ontoggle: () => toggle(box, body, request.number) },
    h("summary", {},
      h("span", { class: "status", dataset: { status: quality(request) } }, statusText(request)),
      h("b", { class: "request-model" }, request.model ?? request.path),
      h("span", { class: "hint request-line" }, [clockTime(request.at), where && (where.kind === "dm" ? `@${where.name}` : `#${where.name}`), request.model ? request.path.replace("/v1/", "") : null, timing(request)].filter(Boolean).join(" · "))),
    body);
  if (box.open) fill(body, request.number);
  return h("li", { class: "request", dataset: { number: request.number } }, box);
}

async function toggle(box, body, number) {
  if (box.open) open.add(number);
  else open.delete(number);
  if (box.open && !body.childElementCount) await fill(body, number);
}

async function fill(body, number) {
  const detail = details.get(number) ?? await attempt(() => get(`/requests/${number}`));
  if (!detail) return;
  if (detail.ended) details.set(number, detail);
  const parameters = Object.entries(detail.parameters);
  body.replaceChildren(...[
    detail.messages.length > 0 && h("h3", {}, `Prompt: ${count(detail.prompt_tokens, "token")} in ${count(detail.messages.length, "part")}`),
    ...detail.messages.map(drawPart),
    parameters.length > 0 && h("h3", {}, "Parameters"),
    parameters.length > 0 && h("dl", { class: "parameters" }, parameters.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, JSON.stringify(value))])),
    detail.ended && h("h3", {}, `Answer: ${detail.answer ? `${count(detail.answer_tokens, "token")}, ` : ""}${ENDS[detail.ended] ?? detail.ended}`),
    detail.answer && h("pre", { class: "sent", dataset: { role: "assistant" }, tabindex: "0" }, detail.answer),
    detail.answer && detail.ended !== "complete" && h("p", { class: "hint" }, "This is the whole answer; the bot received only its beginning."),
    h("p", { class: "hint" }, timeline(detail)),
  ].filter(Boolean));
}

function drawPart(part) {
  return h("div", { class: "sent", dataset: { role: part.role } },
    h("p", { class: "sent-head" }, h("b", {}, ROLES[part.role] ?? part.role), h("span", { class: "hint" }, count(part.tokens, "token") + (part.pictures ? `, ${count(part.pictures, "picture")}` : ""))),
    h("pre", { tabindex: "0" }, part.content));
}

const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} s`;
const timing = (request) => (request.seconds === null ? null : seconds(request.seconds));

function timeline(detail) {
  if (detail.seconds === null) return "It still runs.";
  const first = detail.first_token_seconds;
  const speed = first !== null && detail.seconds > first ? ` · ${(detail.answer_tokens / (detail.seconds - first)).toFixed(0)} tokens a second` : "";
  return `${first === null ? "" : `First token after ${seconds(first)} · `}${seconds(detail.seconds)} in all${detail.ended === "complete" ? speed : ""}`;
}

const statusText = (request) => (!request.ended ? "running" : request.ended === "complete" ? String(request.status ?? "–") : ENDS[request.ended] ?? request.ended);
const quality = (request) => (!request.ended ? "running" : request.status === 200 && request.ended === "complete" ? "good" : "bad");
