"""Turning what a person typed into a command's options, with the checks of the real client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord._call import Upload
from playground.discord._channel import Channel
from playground.discord._flags import OptionType
from playground.discord._guild import Guild
from playground.discord._model import Member, Role, User
from playground.discord.errors import InvalidOptionError, UnknownCommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playground.discord._message import Attachment

JSON = dict[str, Any]
_NESTING = {OptionType.SUBCOMMAND, OptionType.SUBCOMMAND_GROUP}
_MAX_STRING = 6000
_MAX_INTEGER = 1 << 53


class Resolved:
    """The objects behind the ids of an interaction."""

    def __init__(self, channel: Channel, user: User) -> None:
        self.data: JSON = {}
        self._channel = channel
        self._user = user

    def add(self, value: User | Member | Role | Channel) -> str:
        """Describe an object and give its id."""
        if isinstance(value, Role):
            self._put("roles", value.id, payloads.role(value))
        elif isinstance(value, Channel):
            allowed = str(permissions.in_channel(value, self._user))
            self._put("channels", value.id, payloads.channel(value) | {"permissions": allowed})
        else:
            self._add_user(value.user if isinstance(value, Member) else value)
        return str(value.id)

    def add_attachment(self, attachment: Attachment) -> str:
        """Describe an uploaded file and give its id."""
        self._put("attachments", attachment.id, payloads.attachment(attachment))
        return str(attachment.id)

    def _add_user(self, user: User) -> None:
        self._put("users", user.id, payloads.user(user))
        guild = self._channel.guild
        member = guild.members.get(user.id) if guild else None
        if member:
            allowed = str(permissions.in_channel(self._channel, user))
            self._put("members", user.id, payloads.partial_member(member) | {"permissions": allowed})

    def _put(self, kind: str, object_id: int, data: JSON) -> None:
        self.data.setdefault(kind, {})[str(object_id)] = data


def find_subcommand(command: JSON, path: list[str]) -> tuple[list[JSON], list[tuple[int, str]]]:
    """Follow the words after a command's name; gives the options there and the nesting above them."""
    options: list[JSON] = command.get("options") or []
    nesting: list[tuple[int, str]] = []
    for word in path:
        inner = next((o for o in options if o["name"] == word and o["type"] in _NESTING), None)
        if inner is None:
            raise UnknownCommandError(f"/{command['name']} has no subcommand {word}")
        nesting.append((inner["type"], word))
        options = inner.get("options") or []
    if any(o["type"] in _NESTING for o in options):
        raise UnknownCommandError(f"/{' '.join([command['name'], *path])} needs a subcommand")
    return options, nesting


def nest(nesting: list[tuple[int, str]], filled: list[JSON]) -> list[JSON]:
    """Wrap filled options into their subcommand and group."""
    for kind, name in reversed(nesting):
        filled = [{"type": kind, "name": name, "options": filled}]
    return filled


def fill(options: list[JSON], values: Mapping[str, Any], resolved: Resolved, channel: Channel) -> list[JSON]:
    """Check all values and bring them into the order of the options."""
    unknown = set(values) - {o["name"] for o in options}
    if unknown:
        raise InvalidOptionError(f"There is no option {', '.join(sorted(unknown))}")
    for option in options:
        if option.get("required") and values.get(option["name"]) is None:
            raise InvalidOptionError(f"The option {option['name']} is required")
    return [_fill(o, values[o["name"]], resolved, channel) for o in options if values.get(o["name"]) is not None]


def fill_partly(options: list[JSON], values: Mapping[str, Any], focused: str) -> list[JSON]:
    """Send what is typed so far; nothing is checked yet, and the focused option is marked."""
    known = {o["name"]: o for o in options}
    option = known.get(focused)
    if option is None or not option.get("autocomplete"):
        raise InvalidOptionError(f"The option {focused} makes no suggestions")
    filled = []
    for name, value in ({focused: ""} | dict(values)).items():
        if name not in known:
            raise InvalidOptionError(f"There is no option {name}")
        plain = value if isinstance(value, bool | int | float) and name != focused else _as_text(value)
        part: JSON = {"type": known[name]["type"], "name": name, "value": plain}
        if name == focused:
            part["focused"] = True
        filled.append(part)
    return filled


def _as_text(value: Any) -> str:
    return str(getattr(value, "id", value))


def _fill(option: JSON, value: Any, resolved: Resolved, channel: Channel) -> JSON:
    kind = OptionType(option["type"])
    if option.get("choices"):
        value = _choose(option, value)
    elif kind is OptionType.STRING:
        value = _check_string(option, value)
    elif kind in {OptionType.INTEGER, OptionType.NUMBER}:
        value = _check_number(option, value)
    elif kind is OptionType.BOOLEAN:
        if not isinstance(value, bool):
            raise _wrong(option, "True or False")
    elif kind is OptionType.ATTACHMENT:
        value = resolved.add_attachment(_upload(option, value, channel))
    else:
        value = resolved.add(_check_object(option, value, channel))
    return {"type": int(kind), "name": option["name"], "value": value}


def _wrong(option: JSON, wanted: str) -> InvalidOptionError:
    return InvalidOptionError(f"The option {option['name']} takes {wanted}")


def _choose(option: JSON, value: Any) -> Any:
    """A person picks a choice by its name; tests may also name its value."""
    for choice in option["choices"]:
        if value in {choice["name"], choice["value"]}:
            return choice["value"]
    names = ", ".join(c["name"] for c in option["choices"])
    raise _wrong(option, f"one of {names}")


def _check_string(option: JSON, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(option, "text")
    low, high = option.get("min_length") or 0, min(option.get("max_length") or _MAX_STRING, _MAX_STRING)
    if not low <= len(value) <= high:
        raise _wrong(option, f"between {low} and {high} characters")
    return value


def _check_number(option: JSON, value: Any) -> int | float:
    whole = option["type"] == OptionType.INTEGER
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise _wrong(option, "a whole number" if whole else "a number")
    low, high = option.get("min_value", -_MAX_INTEGER), option.get("max_value", _MAX_INTEGER)
    if not low <= value <= high:
        raise _wrong(option, f"a number from {low} to {high}")
    number: int | float = value
    return number


def _upload(option: JSON, value: Any, channel: Channel) -> Attachment:
    if isinstance(value, tuple):
        value = Upload(*value)
    if not isinstance(value, Upload):
        raise _wrong(option, "a file")
    return channel.state.cdn.attach(channel, value, ephemeral=True)


def _check_object(option: JSON, value: Any, channel: Channel) -> User | Member | Role | Channel:
    kind = OptionType(option["type"])
    person = isinstance(value, User | Member)
    role = isinstance(value, Role)
    if kind is OptionType.USER and person:
        return value  # type: ignore[no-any-return]  # the check above does not narrow through the variable
    if kind is OptionType.ROLE and role:
        return value  # type: ignore[no-any-return]  # likewise
    if kind is OptionType.MENTIONABLE and (person or role):
        return value  # type: ignore[no-any-return]  # likewise
    if kind is OptionType.CHANNEL and isinstance(value, Channel) and value.guild is channel.guild:
        allowed = option.get("channel_types")
        if not allowed or value.type in allowed:
            return value
    wanted = {OptionType.USER: "a user", OptionType.ROLE: "a role", OptionType.MENTIONABLE: "a user or role"}
    raise _wrong(option, wanted.get(kind, "a channel of the right kind"))


def offered_in(command: JSON, channel: Channel, user: User) -> bool:
    """Say whether the client offers a command to a user in a channel."""
    guild = channel.guild
    context = 0 if guild else 1
    if context not in command["contexts"]:
        return False
    if guild is None:
        return True
    if command.get("nsfw") and not (channel.parent or channel if channel.is_thread else channel).nsfw:
        return False
    return _allowed_in(command, guild, channel, user)


def _allowed_in(command: JSON, guild: Guild, channel: Channel, user: User) -> bool:
    """The server's admins decide; what they left open follows from the command's own permissions."""
    member = guild.members.get(user.id)
    if member is None:
        return False
    held = permissions.in_channel(channel, user)
    if permissions.is_all(held):
        return True
    if not held & permissions.USE_COMMANDS:
        return False
    decided = guild.command_overrides.get(command["name"], {})
    if decided.get(channel.id) is False:
        return False
    if user.id in decided:
        return decided[user.id]
    by_roles = [decided[r.id] for r in member.roles if r.id in decided]
    if by_roles:
        return any(by_roles)
    if guild.id in decided:
        return decided[guild.id]
    needed = command.get("default_member_permissions")
    if needed is None:
        return True
    return int(needed) != 0 and held & int(needed) == int(needed)
