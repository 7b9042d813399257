// What a person does with a message.

import { call, post } from "./api.js";
import { confirm } from "./confirm.js";
import { emit, state } from "./state.js";
import { attempt } from "./toasts.js";
import { forgetUnanswered } from "./unanswered.js";
import { decodeText } from "./word-completion.js";

const QUOTED_CHARACTERS = 300;

export const toggleReaction = (id, emoji, add) => call(add ? "PUT" : "DELETE", `/messages/${id}/reactions`, { emoji });
export const deleteMessage = (id) => call("DELETE", `/messages/${id}`);
export const saveEdit = (id, content) => call("PATCH", `/messages/${id}`, { content });
export const dismiss = (message) => forgetUnanswered(message) || post(`/messages/${message.id}/dismiss`);
export const useMessageCommand = (id, name) => post(`/messages/${id}/command`, { name });
export const click = (id, customId) => post(`/messages/${id}/click`, { custom_id: customId });
export const select = (id, customId, values) => post(`/messages/${id}/select`, { custom_id: customId, values });

export function replyTo(id) {
  state.replyTo = { message: state.messages.get(id), ping: true };
  emit("reply");
}

export function startEditing(id) {
  emit("edit", state.messages.get(id));
}

/** Resolves to whether the message is gone. */
export async function deleteWithQuestion(id) {
  const message = state.messages.get(id);
  if (!message) return true;
  const agreed = await confirm({
    title: "Delete message",
    text: `Delete this message of ${message.author.name}? This cannot be taken back.`,
    quote: decodeText(message.content).slice(0, QUOTED_CHARACTERS),
    action: "Delete",
  });
  if (!agreed) return false;
  return (await attempt(async () => { await deleteMessage(id); return true; })) === true;
}
