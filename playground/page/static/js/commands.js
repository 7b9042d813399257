// The slash commands that are offered here.

import { state } from "./state.js";

const MAX_SHOWN = 25;

/** Suggestions for what stands behind the slash: names that start with it first, then names and descriptions that hold it. */
export function matchingCommands(typed) {
  const wanted = typed.trimStart().toLowerCase();
  const rank = ({ name, description }) => {
    if (name.startsWith(wanted)) return 0;
    if (name.split(" ").some((word) => word.startsWith(wanted))) return 1;
    if (name.includes(wanted)) return 2;
    return wanted.length > 2 && description.toLowerCase().includes(wanted) ? 3 : 9;
  };
  return state.commands
    .filter((command) => command.kind === "slash" && rank(command) < 9)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MAX_SHOWN)
    .map((command) => ({
      label: `/${command.name}`,
      chips: command.options.filter((option) => option.required).map((option) => option.name),
      detail: command.description,
      user: state.world?.bot,
      command,
    }));
}
