// Embeds.

import { h } from "./dom.js";

export function drawEmbed(embed) {
  const title = embed.title && (embed.url
    ? h("a", { href: embed.url, target: "_blank", rel: "noopener noreferrer", html: embed.title })
    : h("span", { html: embed.title }));
  const element = h("div", { class: "embed" },
    embed.author && h("p", { class: "embed-author" }, embed.author),
    title && h("p", { class: "embed-title" }, title),
    embed.description && h("div", { class: "text", html: embed.description }),
    embed.fields.length > 0 && h("dl", { class: "fields" }, embed.fields.map((field) =>
      h("div", { class: field.inline ? "field inline" : "field" }, h("dt", { html: field.name }), h("dd", { html: field.value })))),
    embed.image && h("img", { class: "picture", src: embed.image, alt: "" }),
    embed.footer && h("p", { class: "embed-footer" }, embed.footer),
  );
  if (embed.color) element.style.setProperty("--accent", embed.color);
  return element;
}
