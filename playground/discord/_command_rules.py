"""Discord's rules for application commands."""

from __future__ import annotations

import unicodedata
from typing import Any

from playground.discord._flags import CommandType, OptionType
from playground.discord._validation import Errors, bad_length, one_error, required

MAX_OPTIONS = 25
MAX_CHOICES = 25
MAX_CHARACTERS = 8000
_NESTING = {OptionType.SUBCOMMAND, OptionType.SUBCOMMAND_GROUP}
_WITH_CHOICES = {OptionType.STRING, OptionType.INTEGER, OptionType.NUMBER}

JSON = dict[str, Any]


def check(command: JSON) -> Errors:
    """Find what is wrong with a command."""
    kind = command.get("type") or CommandType.CHAT_INPUT
    name = command.get("name") or ""
    if kind != CommandType.CHAT_INPUT:
        return {} if 1 <= len(name) <= 32 else {"name": bad_length(1, 32)}
    errors = _check_name(command)
    if found := _check_options(command.get("options") or [], depth=0):
        errors["options"] = found
    if not errors and size(command) > MAX_CHARACTERS:
        return one_error("APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MAX_CHARACTERS})")
    return errors


def size(part: JSON) -> int:
    """Count the characters of names, descriptions and values, of which a command may have 8,000."""
    own = len(part.get("name") or "") + len(part.get("description") or "")
    own += len(part["value"]) if isinstance(part.get("value"), str) else 0
    return own + sum(size(inner) for key in ("options", "choices") for inner in part.get(key) or [])


def valid_name(name: str) -> bool:
    """Say whether a name is made of lower-case letters, digits, `-`, `_` and `'` of any script."""
    return bool(name) and name == name.lower() and all(_valid_character(c) for c in name)


def _valid_character(character: str) -> bool:
    # Marks belong to letters in scripts such as Devanagari and Thai.
    return character in "-_'" or unicodedata.category(character)[0] in "LNM"


def _check_name(part: JSON) -> Errors:
    errors: Errors = {}
    name, description = part.get("name") or "", part.get("description") or ""
    if not 1 <= len(name) <= 32:
        errors["name"] = bad_length(1, 32)
    elif not valid_name(name):
        errors["name"] = one_error("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not 1 <= len(description) <= 100:
        errors["description"] = bad_length(1, 100)
    return errors


def _check_options(options: list[JSON], *, depth: int) -> Errors:
    if len(options) > MAX_OPTIONS:
        return bad_length(0, MAX_OPTIONS)
    errors = {str(i): found for i, option in enumerate(options) if (found := _check_option(option, depth=depth))}
    return errors or _check_together(options)


def _check_together(options: list[JSON]) -> Errors:
    names = [option["name"] for option in options]
    if len(set(names)) < len(names):
        return one_error("APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
    nesting = [option.get("type") in _NESTING for option in options]
    if any(nesting) and not all(nesting):
        text = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        return one_error("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
    needed = [bool(option.get("required")) for option in options]
    if needed != sorted(needed, reverse=True):
        text = "Required options must be placed before non-required options"
        return one_error("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
    return {}


def _check_option(option: JSON, *, depth: int) -> Errors:
    errors = _check_name(option)
    kind = option.get("type")
    if kind not in set(OptionType):
        errors["type"] = one_error("BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.")
    elif kind in _NESTING:
        if found := _check_nested(option, depth=depth):
            errors |= found
    elif found := _check_choices(option):
        errors["choices"] = found
    if option.get("autocomplete") and option.get("choices"):
        text = "Choices and autocomplete are mutually exclusive"
        errors["autocomplete"] = one_error("APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", text)
    return errors


def _check_nested(option: JSON, *, depth: int) -> Errors:
    is_group = option.get("type") == OptionType.SUBCOMMAND_GROUP
    if depth > 1 or (is_group and depth > 0):
        text = "Sub-commands can be nested two deep"
        return {"type": one_error("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)}
    inside = option.get("options") or []
    if is_group and not inside:
        return {"options": required()}
    if is_group and any(o.get("type") != OptionType.SUBCOMMAND for o in inside):
        return {"options": one_error("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "A group holds only sub-commands")}
    found = _check_options(inside, depth=depth + 1 if is_group else 2)
    return {"options": found} if found else {}


def _check_choices(option: JSON) -> Errors:
    choices = option.get("choices") or []
    if len(choices) > MAX_CHOICES:
        return bad_length(0, MAX_CHOICES)
    if choices and option.get("type") not in _WITH_CHOICES:
        return one_error("APPLICATION_COMMAND_OPTIONS_CHOICES_TYPE", "This type of option takes no choices")
    errors: Errors = {}
    for i, choice in enumerate(choices):
        if not 1 <= len(choice.get("name") or "") <= 100:
            errors[str(i)] = {"name": bad_length(1, 100)}
        elif isinstance(choice.get("value"), str) and len(choice["value"]) > 100:
            errors[str(i)] = {"value": bad_length(1, 100)}
    return errors
