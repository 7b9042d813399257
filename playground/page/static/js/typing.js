// Who is writing in the open channel.

import { byId, h, redraw } from "./dom.js";
import { on, state } from "./state.js";

const TYPING_MILLISECONDS = 10_000;
const MOST_NAMED = 3;

let shown = "";

export function startTyping() {
  on("live:typing", ({ channel_id: channelId, user }) => {
    if (channelId !== state.channel?.id || user.id === state.me.id) return;
    state.typing.set(user.id, { name: user.display_name, until: Date.now() + TYPING_MILLISECONDS });
    draw();
  });
  on("live:message", (message) => {
    if (message.channel_id === state.channel?.id && state.typing.delete(message.author.id)) draw();
  });
  on("moved", draw);
  setInterval(draw, 1000);
}

function draw() {
  for (const [id, entry] of state.typing) if (entry.until < Date.now()) state.typing.delete(id);
  const names = [...state.typing.values()].map((entry) => entry.name);
  const key = names.join("\n");
  if (key === shown) return;
  shown = key;
  redraw(byId("typing"), ...sentence(names));
}

function sentence(names) {
  if (!names.length) return [];
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  if (names.length > MOST_NAMED) return [dots, h("span", {}, "Several people are typing…")];
  const bold = names.map((name) => h("b", {}, name));
  const joined = bold.flatMap((name, index) => [index === 0 ? "" : index === bold.length - 1 ? " and " : ", ", name]);
  return [dots, h("span", {}, ...joined, names.length === 1 ? " is typing…" : " are typing…")];
}
