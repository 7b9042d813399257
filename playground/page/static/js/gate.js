// What stands before an age-restricted channel until its person says that they are old enough; and which of the
// middle's parts are shown at all.

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { allChannels, emit, findChannel, guildOf, isForum, on, state } from "./state.js";

const REMEMBERED = "playground.of-age";

const agreed = new Set(JSON.parse(localStorage.getItem(REMEMBERED) ?? "[]")); // "person/channel"

export function startGate() {
  on("moved", draw);
}

/** A thread is as restricted as the channel above it. */
const restricting = (channel) => (channel?.nsfw ? channel : channel?.kind === "thread" && findChannel(channel.parent_id)?.nsfw ? findChannel(channel.parent_id) : null);

/** Whether the open channel may not be seen yet. */
export function isGated() {
  const channel = restricting(state.channel);
  return Boolean(channel) && !agreed.has(`${state.me.id}/${channel.id}`);
}

function draw() {
  const gated = isGated();
  const forum = isForum(state.channel);
  byId("gate").hidden = !gated;
  byId("forum").hidden = gated || !forum;
  for (const id of ["scroller", "composer", "typing"]) byId(id).hidden = gated || forum;
  if (!gated) return;
  const { name } = state.channel;
  byId("gate").replaceChildren(
    h("div", { class: "beginning-sign" }, icon("warning", 36)),
    h("h2", {}, "Age-restricted channel"),
    h("p", {}, `#${name} may hold what is not for everyone. Are you over 18?`),
    h("div", { class: "row" },
      h("button", { type: "button", class: "button secondary", onclick: leave }, "Go back"),
      h("button", { type: "button", class: "button danger", onclick: agree }, "I am over 18")));
  byId("gate").querySelector("button.danger").focus({ preventScroll: true });
}

function agree() {
  agreed.add(`${state.me.id}/${restricting(state.channel).id}`);
  localStorage.setItem(REMEMBERED, JSON.stringify([...agreed]));
  emit("go", { channel: state.channel.id });
}

function leave() {
  const places = guildOf(state.channel)?.channels ?? allChannels();
  emit("go", { channel: places.find((channel) => channel.kind === "text" && !channel.nsfw)?.id ?? state.world.dms[0]?.id });
}
