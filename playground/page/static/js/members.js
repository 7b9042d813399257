// Who is here, by role, and a card for each.

import { colorName } from "./colors.js";
import { avatar, byId, h, hueOf, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { closePanels } from "./panels.js";
import { guildOf, membersHere, on, state } from "./state.js";

const REMEMBERED = "playground.members";
const NARROW = "(max-width: 1000px)";

export function startMembers() {
  const button = byId("open-members");
  button.replaceChildren(icon("people"));
  button.addEventListener("click", () => {
    const open = !byId("members").checkVisibility();
    if (open) closePanels();
    if (!matchMedia(NARROW).matches) localStorage.setItem(REMEMBERED, open ? "open" : "closed");
    setOpen(open);
  });
  for (const kind of ["world", "moved", "bot"]) on(kind, draw);
  on("panel", tellState);
  on("moved", () => matchMedia(NARROW).matches && setOpen(false));
  byId("members").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && matchMedia(NARROW).matches) {
      setOpen(false);
      button.focus();
    }
  });
  const adapt = () => setOpen(localStorage.getItem(REMEMBERED) !== "closed" && !matchMedia(NARROW).matches);
  matchMedia(NARROW).addEventListener("change", adapt);
  adapt();
}

function setOpen(open) {
  byId("members").hidden = !open;
  tellState();
}

/** An open panel may stand in the way. */
function tellState() {
  byId("open-members").setAttribute("aria-expanded", String(byId("members").checkVisibility()));
}

function draw() {
  const groups = grouped();
  redraw(byId("members"), groups.flatMap(({ name, members }) => [
    h("h3", {}, `${name} — ${members.length}`),
    h("ul", { "aria-label": name }, members.map((member) => h("li", {}, memberButton(member)))),
  ]));
}

/** Groups in the order of their roles; who is offline comes last. */
function grouped() {
  const roles = (guildOf(state.channel)?.roles ?? []).filter((role) => role.hoist).sort((a, b) => b.position - a.position);
  const members = membersHere().map((member) => (guildOf(state.channel) ? member : { ...member, owner: false, color: null, role_ids: [] })).sort((a, b) => a.display_name.localeCompare(b.display_name));
  const online = members.filter(isOnline);
  const inRole = (role) => online.filter((member) => member.group_id === role.id);
  return [
    ...roles.map((role) => ({ name: role.name, members: inRole(role) })),
    { name: "Online", members: online.filter((member) => !roles.some((role) => role.id === member.group_id)) },
    { name: "Offline", members: members.filter((member) => !isOnline(member)) },
  ].filter((group) => group.members.length > 0);
}

const isOnline = (member) => member.id !== state.world.bot.id || state.world.bot.online;

function memberButton(member) {
  const offline = !isOnline(member);
  return h("button", {
    type: "button", class: offline ? "member offline" : "member", "aria-haspopup": "dialog", dataset: { key: `member-${member.id}` },
    onclick: (event) => openProfile(member, event.currentTarget),
  }, h("span", { class: offline ? "with-state offline" : "with-state" }, avatar(member, 32)),
  colorName(h("span", { class: "name" }, member.display_name), member.color),
  member.owner && h("span", { title: "Owner of the server" }, icon("crown", 14)), member.bot && h("span", { class: "badge" }, "APP"));
}

/** A card that goes away when one looks elsewhere. */
export function openProfile(member, opener) {
  document.querySelector(".profile")?.remove();
  const roles = (guildOf(state.channel)?.roles ?? []).filter((role) => member.role_ids?.includes(role.id));
  const band = h("div", { class: "profile-band" });
  band.style.setProperty("--hue", hueOf(member.display_name));
  const card = h("div", { class: "profile", popover: "auto", role: "dialog", "aria-label": member.display_name, tabindex: "-1" }, band,
    h("div", { class: "profile-face" }, avatar(member, 72)),
    h("div", { class: "profile-body" },
      h("p", { class: "profile-name" }, member.display_name, member.bot && h("span", { class: "badge" }, "APP")),
      h("p", { class: "profile-handle" }, guildOf(state.channel) ? `${member.name} · ${member.standing}` : member.name),
      roles.length > 0 && h("ul", { class: "profile-roles", "aria-label": "Roles" }, roles.map((role) => {
        const dot = h("span", { class: "dot" });
        if (role.color) dot.style.setProperty("--role", role.color);
        return h("li", {}, dot, role.name);
      }))));
  document.body.append(card);
  card.addEventListener("toggle", (event) => event.newState === "closed" && card.remove());
  card.showPopover();
  const at = opener.getBoundingClientRect();
  const beside = at.left > innerWidth / 2 ? at.left - card.offsetWidth - 12 : Math.min(at.right + 12, innerWidth - card.offsetWidth - 8);
  card.style.left = `${Math.max(8, beside)}px`;
  card.style.top = `${Math.max(8, Math.min(at.top, innerHeight - card.offsetHeight - 8))}px`;
  card.focus();
}
