// What the drawer asks of the server.

import { call } from "./api.js";
import { emit } from "./state.js";
import { attempt } from "./toasts.js";

/** Do something; what is on afterwards is told to those who listen for "controls". */
export async function act(method, path, body) {
  const answer = await attempt(() => call(method, `/controls${path}`, body));
  if (answer?.faults) emit("controls", answer);
  return answer;
}
