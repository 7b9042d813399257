// What a person does with a message.

import { call, post } from "./api.js";
import { emit, state } from "./state.js";

export const toggleReaction = (id, emoji, add) => call(add ? "PUT" : "DELETE", `/messages/${id}/reactions`, { emoji });
export const deleteMessage = (id) => call("DELETE", `/messages/${id}`);
export const dismiss = (id) => post(`/messages/${id}/dismiss`);
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
