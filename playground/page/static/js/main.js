// Starts the page: who am I, where am I, what stands here.

import { get } from "./api.js";
import { byId } from "./dom.js";
import { startForum } from "./forum.js";
import { isGated, startGate } from "./gate.js";
import { connect, hold } from "./live.js";
import { openModal } from "./modal.js";
import { startComposer } from "./composer.js";
import { startControls } from "./controls.js";
import { startInspector } from "./inspector.js";
import { startInteractions } from "./interactions.js";
import { startLog } from "./log.js";
import { startMembers } from "./members.js";
import { startMenu } from "./menu.js";
import { fetchPage, takePage } from "./pages.js";
import { recallPanel } from "./panels.js";
import { startSidebar } from "./sidebar.js";
import { allChannels, emit, findChannel, on, state } from "./state.js";
import { startTheme } from "./theme.js";
import { startClock } from "./time.js";
import { attempt } from "./toasts.js";
import { startTyping } from "./typing.js";
import { startUnanswered } from "./unanswered.js";
import { startUnread } from "./unread.js";

const REMEMBERED = "playground.place";
const BURST_MILLISECONDS = 50;

/** The person and channel of the address, else those of the last visit. */
function rememberedPlace() {
  const [person, channel] = (location.hash.slice(1) || localStorage.getItem(REMEMBERED) || "").split("/");
  return { person, channel };
}

function rememberPlace(personId, channelId) {
  const place = `${personId}/${channelId ?? ""}`;
  history.replaceState(null, "", `#${place}`);
  localStorage.setItem(REMEMBERED, place);
}

let wantedPerson = ""; // who was chosen last; `state.me` follows when the server has answered
let newestWorld = null;

/** Fetch places and people; of several questions under way the last one counts. */
function loadWorld() {
  const asked = fetchWorld(() => newestWorld === asked);
  newestWorld = asked;
  return asked;
}

async function fetchWorld(isNewest) {
  const world = await get(`/world?person=${wantedPerson}`);
  if (!isNewest()) {
    await newestWorld;
    return;
  }
  state.world = world;
  state.me = state.world.me;
  if (state.channel) state.channel = findChannel(state.channel.id);
  emit("world");
}

export async function becomePerson(personId) {
  await attempt(async () => {
    state.unread.clear();
    wantedPerson = personId;
    rememberPlace(personId, state.channel?.id); // a reload may come before the world does
    await loadWorld();
    await connect();
    await openChannel(state.channel?.id);
  });
}

let opened = 0; // how often a channel was opened

export async function openChannel(channelId) {
  const number = ++opened;
  if (channelId && !findChannel(channelId)) await attempt(loadWorld); // it may be so new that nobody told of it yet
  if (number !== opened) return;
  const readable = allChannels().filter((channel) => !["category", "forum"].includes(channel.kind));
  state.channel = findChannel(channelId) ?? readable[0] ?? null;
  state.messages = new Map();
  state.hasEarlier = false;
  state.hasLater = false;
  state.typing.clear();
  state.unread.delete(state.channel?.id);
  rememberPlace(state.me.id, state.channel?.id);
  emit("moved");
  if (state.channel && !isGated()) await attempt(loadChannel);
}

async function loadChannel() {
  const channelId = state.channel.id;
  const release = hold(); // what happens meanwhile may be newer than what comes, or older
  let isOld = null;
  try {
    const [page, commands] = await Promise.all([
      fetchPage(channelId),
      get(`/channels/${channelId}/commands`),
    ]);
    if (state.channel?.id !== channelId) return; // somebody was quicker
    takePage(page);
    state.commands = commands;
    isOld = (kind, data, number) => number <= page.at && ["message", "message_gone"].includes(kind) && data.channel_id === channelId;
    emit("channel");
  } finally {
    release(isOld);
  }
}

/** What is offered depends on roles, rights and the bot. */
async function loadCommands() {
  const channelId = state.channel?.id;
  if (!channelId) return;
  const commands = await get(`/channels/${channelId}/commands`);
  if (state.channel?.id !== channelId) return;
  state.commands = commands;
  emit("commands");
}

on("reconnected", () => attempt(async () => {
  await loadWorld();
  if (state.channel && !isGated()) await loadChannel();
}));
let worldTimer = null;
/** Changes of places and people come in bursts; one look afterwards is enough. */
on("live:world", () => {
  clearTimeout(worldTimer);
  worldTimer = setTimeout(() => attempt(async () => {
    await loadWorld();
    if (!state.channel) await openChannel(null);
    else await loadCommands();
  }), BURST_MILLISECONDS);
});
on("live:commands", () => attempt(loadCommands));
on("live:bot", (bot) => {
  state.world.bot.online = bot.online;
  emit("bot");
});
on("live:modal", openModal);
on("go", ({ person, channel, message }) => {
  if (person) becomePerson(person);
  else if (message) goToMessage(channel, message);
  else openChannel(channel);
});

async function goToMessage(channelId, id) {
  if (channelId !== state.channel?.id) await openChannel(channelId);
  if (channelId === state.channel?.id && !isGated()) emit("jump", { id });
}

const place = rememberedPlace();
startTheme();
startClock();
startInteractions();
startUnanswered();
startUnread(); // before the log, which draws the line above what is new
startSidebar();
startMembers();
startLog();
startGate();
startForum();
startTyping();
startMenu();
startComposer();
startInspector();
startControls();
if (place.channel) state.channel = { id: place.channel };
await attempt(async () => {
  wantedPerson = place.person ?? "";
  await loadWorld();
  await connect();
  await openChannel(state.channel?.id ?? place.channel);
});
recallPanel();
byId("app").dataset.ready = "true";
