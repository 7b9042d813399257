// Dark or light: as the system says, until somebody decides.

import { byId } from "./dom.js";
import { icon } from "./icons.js";

const REMEMBERED = "playground.theme"; // theme-early.js reads it before anything is drawn
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

const current = () => document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light");

export function startTheme() {
  const button = byId("switch-theme");
  const draw = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.replaceChildren(icon(other === "light" ? "sun" : "moon"));
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
    button.title = `Switch to the ${other} theme`;
  };
  button.addEventListener("click", () => {
    const theme = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(REMEMBERED, theme);
    draw();
  });
  prefersDark.addEventListener("change", draw);
  draw();
}
