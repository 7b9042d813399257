// Pictures in full, one after the other.

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";

let pictures = []; // { src, alt }
let shown = 0;

/** A picture in a message; several that stand together can be leafed through. */
export function picture({ src, alt, spoiler = false, className = "picture" }) {
  const image = h("img", { class: className, src, alt: alt || "" });
  const link = h("a", {
    class: spoiler ? "picture-link hidden-picture" : "picture-link", href: src, target: "_blank",
    "aria-label": spoiler ? "Spoiler: picture" : `Enlarge: ${alt || "picture"}`,
    onclick: (event) => {
      event.preventDefault();
      if (link.classList.contains("hidden-picture")) {
        link.classList.remove("hidden-picture");
        link.setAttribute("aria-label", `Enlarge: ${alt || "picture"}`);
      } else open(link);
    },
  }, image);
  return link;
}

function open(link) {
  const links = [...(link.closest(".pictures") ?? link.parentElement).querySelectorAll(".picture-link:not(.hidden-picture)")];
  pictures = links.map((one) => ({ src: one.getAttribute("href"), alt: one.querySelector("img").alt }));
  shown = Math.max(0, links.indexOf(link));
  const dialog = byId("lightbox");
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) turn(step);
  };
  draw();
  dialog.showModal();
}

function turn(step) {
  shown = (shown + step + pictures.length) % pictures.length;
  draw();
}

function draw() {
  const { src, alt } = pictures[shown];
  const several = pictures.length > 1;
  const button = (name, label, action, sign) => h("button", { type: "button", class: `icon ${name}`, "aria-label": label, onclick: action }, icon(sign));
  byId("lightbox").replaceChildren(...[
    h("img", { src, alt }),
    h("p", { class: "lightbox-foot" }, alt && h("span", {}, alt), several && h("span", {}, `${shown + 1} of ${pictures.length}`),
      h("a", { href: src, target: "_blank", rel: "noopener" }, "Open original")),
    button("shut", "Close", () => byId("lightbox").close(), "close"),
    several && button("before", "Previous picture", () => turn(-1), "reply"),
    several && button("after", "Next picture", () => turn(1), "right"),
  ].filter(Boolean));
}
