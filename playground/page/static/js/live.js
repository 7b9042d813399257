// The live events of the chosen person, each once and in order, also after a broken connection.

import { emit, state } from "./state.js";

const RETRY_MILLISECONDS = [250, 500, 1000, 2000, 4000];

let socket = null;
let failures = 0;
let timer = null;
let heard = null; // { epoch, number } of the last event; null: everything is fetched anew
let holds = 0; // loads under way
let held = []; // events that wait for them
let isOld = () => false; // says of a held event that the load has brought it already

/**
 * Listen as the chosen person. Resolves when nothing is missed any more, or when the first attempt has failed; further
 * attempts follow by themselves. What was missed meanwhile is told again, or else fetched again on "reconnected".
 */
export function connect() {
  heard = null;
  failures = 0;
  held = [];
  return open();
}

/**
 * Keep events back while messages are loaded. The result lets them go; it takes a function (kind, data, number) that
 * says which of them are in what was loaded.
 */
export function hold() {
  holds += 1;
  let released = false;
  return (old) => {
    if (released) return;
    released = true;
    if (old) isOld = old;
    holds -= 1;
    if (holds === 0) flush();
  };
}

function flush() {
  const [waiting, old] = [held, isOld];
  held = [];
  isOld = () => false;
  for (const [kind, data, number] of waiting) if (!old(kind, data, number)) emit(`live:${kind}`, data);
}

function open() {
  clearTimeout(timer);
  if (socket) {
    socket.onclose = socket.onmessage = null;
    socket.close();
  }
  const since = heard ? `${heard.epoch}-${heard.number}` : "";
  const current = new WebSocket(`ws://${location.host}/api/live?as=${state.me.id}&since=${since}`);
  socket = current;
  return new Promise((resolve) => {
    current.onmessage = (event) => {
      const { kind, id, data } = JSON.parse(event.data);
      if (kind === "hello") {
        greet(id, data);
        resolve();
      } else {
        take(kind, id, data);
      }
    };
    current.onclose = () => {
      emit("connection", false);
      timer = setTimeout(open, RETRY_MILLISECONDS[Math.min(failures, RETRY_MILLISECONDS.length - 1)]);
      failures += 1;
      resolve();
    };
  });
}

function greet(number, { epoch, caught_up: caughtUp }) {
  const again = failures > 0 && !caughtUp;
  failures = 0;
  if (!caughtUp) heard = { epoch, number };
  emit("connection", true);
  if (again) emit("reconnected");
}

function take(kind, number, data) {
  if (number <= heard.number) return;
  heard.number = number;
  if (holds > 0) held.push([kind, data, number]);
  else emit(`live:${kind}`, data);
}
