// The posts of a forum, which stand where a channel has its messages.

import { get, post } from "./api.js";
import { colorName } from "./colors.js";
import { avatar, byId, h, redraw, uniqueId } from "./dom.js";
import { isGated } from "./gate.js";
import { icon } from "./icons.js";
import { emit, findChannel, isForum, on, state } from "./state.js";
import { attempt } from "./toasts.js";
import { fullTime, localizeTimestamps, shortTime } from "./time.js";

const BURST_MILLISECONDS = 100;
const MOST_IN_A_TITLE = 100;

let timer = null;

export function startForum() {
  on("moved", () => byId("forum").replaceChildren());
  on("channel", load);
  on("live:world", loadSoon);
  on("live:message", (message) => findChannel(message.channel_id)?.parent_id === state.channel?.id && loadSoon());
}

/** A streamed reply is many events; one look afterwards is enough. */
function loadSoon() {
  clearTimeout(timer);
  timer = setTimeout(load, BURST_MILLISECONDS);
}

async function load() {
  const forum = state.channel;
  if (!isForum(forum) || isGated()) return;
  const posts = await attempt(() => get(`/channels/${forum.id}/posts`));
  if (posts && state.channel?.id === forum.id) draw(forum, posts);
}

function draw(forum, posts) {
  redraw(byId("forum"),
    h("div", { class: "forum-head" },
      h("p", { class: "about" }, posts.length ? `${posts.length} post${posts.length === 1 ? "" : "s"}` : "Nobody has posted here yet."),
      forum.can_post && h("button", { type: "button", class: "button primary", dataset: { key: "new-post" }, onclick: () => ask(forum) }, "New post")),
    h("ul", { class: "posts", "aria-label": `Posts of ${forum.name}` }, posts.map((one) => h("li", {}, card(one)))));
}

function card(one) {
  const begin = h("span", { class: "post-begin" }, one.author && [avatar(one.author, 20), colorName(h("b", {}, one.author.name), one.author.color), one.author.bot && h("span", { class: "badge" }, "APP")],
    h("span", { class: "post-text", html: one.html }));
  localizeTimestamps(begin);
  begin.querySelectorAll("a").forEach((link) => link.replaceWith(link.textContent)); // the card itself is the link
  const closed = one.locked ? "Locked" : one.archived ? "Closed" : null;
  return h("button", { type: "button", class: one.archived ? "post archived-post" : "post", dataset: { key: `post-${one.id}` }, onclick: () => emit("go", { channel: one.id }) },
    h("span", { class: "post-words" },
      h("span", { class: "post-signs" }, one.tags.map((tag) => h("span", { class: "post-tag" }, tag)), closed && h("span", { class: "post-tag closed" }, icon(one.locked ? "lock" : "check", 12), closed)),
      h("span", { class: "post-name" }, one.name), begin,
      h("span", { class: "post-foot" }, `${one.messages} ${one.messages === 1 ? "reply" : "replies"}`,
        one.newest_at && h("time", { datetime: one.newest_at, title: fullTime(one.newest_at) }, ` · ${shortTime(one.newest_at)}`))),
    one.picture && h("img", { class: "post-picture", src: one.picture, alt: "", loading: "lazy" }));
}

function ask(forum) {
  const id = uniqueId("post");
  const problem = h("p", { class: "problem", role: "alert" });
  const name = h("input", { id: `${id}-name`, class: "input", type: "text", maxlength: String(MOST_IN_A_TITLE), autocomplete: "off" });
  const content = h("textarea", { id: `${id}-content`, class: "input", rows: "5" });
  const field = (label, control) => h("div", { class: "modal-field" }, h("label", { for: control.id }, label, h("span", { class: "required", "aria-hidden": "true" }, " *")), control);
  const dialog = h("dialog", { class: "modal", "aria-labelledby": id, onclose: () => dialog.remove() },
    h("form", { class: "modal-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); send(); } },
      h("div", { class: "modal-head" }, h("h2", { id }, `New post in ${forum.name}`)),
      h("div", { class: "modal-body" }, field("Title", name), field("Message", content)),
      h("div", { class: "modal-foot" }, problem, h("button", { type: "button", class: "button secondary", onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "submit", class: "button primary" }, "Post"))));

  async function send() {
    const empty = [name, content].find((control) => !control.value.trim());
    if (empty) {
      problem.textContent = "A post has a title and a first message.";
      empty.focus();
      return;
    }
    try {
      const made = await post(`/channels/${forum.id}/posts`, { name: name.value, content: content.value });
      dialog.close();
      emit("go", { channel: made.id });
    } catch (error) {
      problem.textContent = error.message;
    }
  }

  document.body.append(dialog);
  dialog.showModal();
  name.focus();
}
