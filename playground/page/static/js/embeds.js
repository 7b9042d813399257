// Embeds.

import { h } from "./dom.js";
import { picture } from "./lightbox.js";
import { makeText } from "./text.js";
import { fullTime, shortTime } from "./time.js";

const linked = (url, content) => (url ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, content) : content);

export function drawEmbed(embed) {
  const element = h("article", { class: "embed" },
    embed.author && h("p", { class: "embed-author" }, linked(embed.author_url, embed.author)),
    embed.title && h("p", { class: "embed-title" }, linked(embed.url, h("span", { html: embed.title }))),
    embed.description && makeText(embed.description),
    embed.fields.length > 0 && h("dl", { class: "fields" }, embed.fields.map((field, index) => drawField(field, index, embed.fields))),
    embed.image && picture({ src: embed.image, alt: "Picture of the embed" }),
    embed.thumbnail && h("div", { class: "embed-thumbnail" }, picture({ src: embed.thumbnail, alt: "Small picture of the embed", className: "" })),
    (embed.footer || embed.timestamp) && h("p", { class: "embed-footer" }, embed.footer, embed.footer && embed.timestamp && " • ",
      embed.timestamp && h("time", { datetime: embed.timestamp, title: fullTime(embed.timestamp) }, shortTime(embed.timestamp))),
  );
  if (embed.color) element.style.setProperty("--accent", embed.color);
  return element;
}

function drawField(field, index, fields) {
  const style = field.inline ? (pairs(index, fields) ? "field inline half" : "field inline") : "field";
  const name = h("dt", { html: field.name });
  return h("div", { class: style }, name, h("dd", {}, makeText(field.value)));
}

/** Two short fields in a row share the width; three or more stand in columns of a third. */
function pairs(index, fields) {
  let [start, end] = [index, index];
  while (fields[start - 1]?.inline) start -= 1;
  while (fields[end + 1]?.inline) end += 1;
  return (end - start + 1) === 2;
}
