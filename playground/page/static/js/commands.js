// The slash commands that are offered here.

import { state } from "./state.js";

const MAX_SHOWN = 25;

/** Suggestions for what stands behind the slash; names that start with it come first. */
export function matchingCommands(typed) {
  const wanted = typed.trimStart().toLowerCase();
  const commands = state.commands.filter((command) => command.kind === "slash");
  const starts = commands.filter((command) => command.name.startsWith(wanted));
  const contains = commands.filter((command) => !command.name.startsWith(wanted) && command.name.includes(wanted));
  return [...starts, ...contains].slice(0, MAX_SHOWN).map((command) => ({
    label: `/${command.name}`,
    chips: command.options.filter((option) => option.required).map((option) => option.name),
    detail: command.description,
    command,
  }));
}
