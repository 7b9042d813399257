"""The bot's commands as the page offers them: every subcommand a command of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import ChannelType
from playground.discord._flags import CommandType, OptionType

from ._world_view import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    JSON = dict[str, Any]

_KINDS = {CommandType.CHAT_INPUT: "slash", CommandType.USER: "user", CommandType.MESSAGE: "message"}
_NESTING = {OptionType.SUBCOMMAND, OptionType.SUBCOMMAND_GROUP}


def commands_view(commands: list[JSON]) -> list[JSON]:
    """Return the commands in the order of their names."""
    leaves = [leaf for command in commands for leaf in _leaves(command)]
    return sorted(leaves, key=lambda leaf: (leaf["kind"], leaf["name"]))


def _leaves(command: JSON) -> Iterator[JSON]:
    kind = _KINDS[CommandType(command["type"])]
    for name, part in _walk(command["name"], command):
        options = [_option_view(option) for option in part.get("options") or []]
        yield {"kind": kind, "name": name, "description": part.get("description") or "", "options": options}


def _walk(name: str, part: JSON) -> Iterator[tuple[str, JSON]]:
    inner = [option for option in part.get("options") or [] if option["type"] in _NESTING]
    if not inner:
        yield name, part
    for option in inner:
        yield from _walk(f"{name} {option['name']}", option)


def _option_view(option: JSON) -> JSON:
    return {
        "name": option["name"],
        "description": option.get("description") or "",
        "type": OptionType(option["type"]).name.lower(),
        "required": bool(option.get("required")),
        "autocomplete": bool(option.get("autocomplete")),
        "choices": [{"name": choice["name"], "value": choice["value"]} for choice in option.get("choices") or []],
        "min_value": option.get("min_value"),
        "max_value": option.get("max_value"),
        "min_length": option.get("min_length"),
        "max_length": option.get("max_length"),
        "channel_kinds": _channel_kinds(option.get("channel_types") or []),
    }


def _channel_kinds(types: list[int]) -> list[str]:
    """Return which kinds are offered, without those that do not exist here, such as stages."""
    return list(dict.fromkeys(KINDS.get(ChannelType(one), "text") for one in types if one in set(ChannelType)))
