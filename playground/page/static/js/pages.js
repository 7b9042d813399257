// Messages of a channel, fetched page by page.

import { get } from "./api.js";
import { state } from "./state.js";
import { withUnanswered } from "./unanswered.js";

/** Fetch the newest messages, or those that `query` asks for (before, after or around an id). */
export async function fetchPage(channelId, query = "") {
  const page = await get(`/channels/${channelId}/messages?${query}`);
  return { ...page, messages: withUnanswered(page, channelId) };
}

/** Let the log hold these messages and no others. */
export function takePage(page) {
  state.messages = new Map(page.messages.map((message) => [message.id, message]));
  state.hasEarlier = page.has_earlier;
  state.hasLater = page.has_later;
}
