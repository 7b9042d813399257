// The live events of the chosen person.

import { emit, state } from "./state.js";

const RETRY_MILLISECONDS = [250, 500, 1000, 2000, 4000];

let socket = null;
let attempt = 0;
let timer = null;

/**
 * Listen as the chosen person. Resolves when nothing is missed any more, or when the first attempt has failed; further
 * attempts follow by themselves, and what was missed meanwhile is fetched again on "reconnected".
 */
export function connect() {
  clearTimeout(timer);
  if (socket) {
    socket.onclose = null;
    socket.close();
  }
  const current = new WebSocket(`ws://${location.host}/api/live?as=${state.me.id}`);
  socket = current;
  return new Promise((resolve) => {
    current.onmessage = (event) => {
      const { kind, data } = JSON.parse(event.data);
      if (kind === "hello") {
        greet();
        resolve();
      } else {
        emit(`live:${kind}`, data);
      }
    };
    current.onclose = () => {
      emit("connection", false);
      timer = setTimeout(connect, RETRY_MILLISECONDS[Math.min(attempt, RETRY_MILLISECONDS.length - 1)]);
      attempt += 1;
      resolve();
    };
  });
}

function greet() {
  if (attempt > 0) emit("reconnected");
  attempt = 0;
  emit("connection", true);
}
