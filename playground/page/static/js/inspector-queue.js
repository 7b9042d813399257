// What runs on the key now, how much of its limits is left, and who waits.

import { h } from "./dom.js";
import { emit, findChannel, state } from "./state.js";
import { decodeText } from "./word-completion.js";

export function drawQueue(place, { queue, bot }, here) {
  if (!queue) {
    place.replaceChildren(h("p", { class: "panel-empty" }, "No local model API runs here."));
    return;
  }
  const isHere = (one) => !here || one.channel_id === state.channel?.id;
  const running = queue.running.filter(isHere);
  const waiting = queue.waiting.filter(isHere);
  place.replaceChildren(
    h("h3", {}, "The bot's key"),
    meter("At once", queue.in_flight, queue.parallel),
    meter("This minute", queue.this_minute, queue.per_minute),
    h("h3", {}, `Running (${running.length})`),
    running.length ? h("ul", { class: "plain-list" }, running.map((one) => h("li", {}, h("b", {}, one.model ?? one.path), h("span", { class: "hint" }, [nameOf(one.channel_id), `for ${one.seconds.toFixed(0)} s`].filter(Boolean).join(" · ")))))
      : h("p", { class: "hint" }, "No request is under way."),
    h("h3", {}, `Waiting (${waiting.length})`),
    waiting.length ? h("ul", { class: "plain-list" }, waiting.map(drawWaiting)) : h("p", { class: "hint" }, "No message carries the bot's ⏳, which it shows after two seconds of waiting."),
    h("h3", {}, "The bot's own figures"),
    ...figures(bot),
  );
}

function meter(label, used, most) {
  const bar = h("span", { class: "meter", role: "meter", "aria-label": label, "aria-valuenow": used, "aria-valuemin": "0", "aria-valuemax": most ?? used }, h("span", {}));
  bar.firstElementChild.style.width = most ? `${Math.min(100, (used / most) * 100)}%` : "0";
  bar.classList.toggle("full", Boolean(most) && used >= most);
  return h("p", { class: "meter-line" }, h("span", {}, label), bar, h("span", { class: "meter-number" }, most ? `${used} of ${most}` : `${used}, no limit`));
}

function drawWaiting(one) {
  return h("li", {}, h("button", { type: "button", class: "link", onclick: () => emit("go", { channel: one.channel_id, message: one.id }) }, one.author),
    h("span", { class: "hint" }, [nameOf(one.channel_id), decodeText(one.content)].filter(Boolean).join(" · ")));
}

function figures(bot) {
  if (!bot) return [h("p", { class: "hint" }, "The bot publishes none here (METRICS_ADDRESS), or does not run now.")];
  const replies = Object.entries(bot.replies);
  return [
    h("p", {}, bot.waiting === 0 ? "No conversation waits for the key." : `${bot.waiting} conversation${bot.waiting === 1 ? " waits" : "s wait"} for the key.`),
    replies.length > 0 && h("p", { class: "hint" }, `Replies so far: ${replies.map(([how, count]) => `${count} ${how}`).join(", ")}.`),
  ].filter(Boolean);
}

function nameOf(channelId) {
  const channel = findChannel(channelId);
  return channel && (channel.kind === "dm" ? `@${channel.name}` : `#${channel.name}`);
}
