// Small helpers to build elements.

/**
 * Make an element. `props` may hold attributes, `class`, `dataset`, `html` (made and escaped by the server) and
 * listeners (`onclick`, ...). Children are elements, texts, or nothing (null, false).
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "html") element.innerHTML = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** A colour of its own for each name. */
export const hueOf = (name) => [...name].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 3600, 7) / 10;

/** A round picture, or the first letter of the name on a colour of its own. */
export function avatar(user, size = 40) {
  const name = user.display_name ?? user.name;
  const hue = hueOf(name);
  const face = user.avatar
    ? h("img", { src: user.avatar, alt: "", width: size, height: size, loading: "lazy" })
    : h("span", {}, [...name][0]?.toUpperCase() ?? "?");
  const element = h("span", { class: "avatar", "aria-hidden": "true" }, face);
  element.style.setProperty("--hue", hue);
  element.style.setProperty("--size", `${size}px`);
  return element;
}

/** Replace what is inside; an element with the same `data-key` gets the focus back. */
export function redraw(container, ...children) {
  const key = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (key !== undefined) container.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

let lastId = 0;
/** An id that no other element has. */
export const uniqueId = (prefix) => `${prefix}-${++lastId}`;
