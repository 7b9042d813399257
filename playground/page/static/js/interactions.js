// How the things that a person pressed went: taken by the bot, or not in time.

import { emit, on } from "./state.js";

const KEPT = 50;

const known = new Map(); // interaction id -> how it stands
const waiting = new Map(); // interaction id -> those who want to know
const TOLD_IN_CHAT = ["command", "form"];

export function startInteractions() {
  on("live:interaction", (interaction) => {
    known.set(interaction.id, interaction);
    if (known.size > KEPT) known.delete(known.keys().next().value);
    if (interaction.failed && TOLD_IN_CHAT.includes(interaction.kind) && !waiting.has(interaction.id)) emit("unanswered", interaction);
    settle(interaction);
  });
}

function settle(interaction) {
  if (!interaction.acknowledged && !interaction.failed) return;
  for (const resolve of waiting.get(interaction.id) ?? []) resolve(interaction.failed ?? null);
  waiting.delete(interaction.id);
}

/** Wait for the bot; resolves to null, or to what is to be said because it did not answer in time. */
export function outcome(started) {
  const interaction = known.get(started.id) ?? started;
  return new Promise((resolve) => {
    waiting.set(started.id, [...(waiting.get(started.id) ?? []), resolve]);
    settle(interaction);
  });
}
