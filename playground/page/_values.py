"""What the page sends, turned into what a `Person` takes: ids become objects, base64 becomes files."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from playground.discord import InvalidOptionError, Upload
from playground.discord._components import walk
from playground.discord._flags import ComponentType

if TYPE_CHECKING:
    from playground.discord import Channel, Modal, Role, User

    JSON = dict[str, Any]

_SELECT_KINDS = {
    ComponentType.USER_SELECT: "user",
    ComponentType.ROLE_SELECT: "role",
    ComponentType.MENTIONABLE_SELECT: "mentionable",
    ComponentType.CHANNEL_SELECT: "channel",
}


def option_values(options: list[JSON], given: JSON, channel: Channel) -> JSON:
    """Return the values of a slash command's options."""
    kinds = {option["name"]: option["type"] for option in options}
    return {name: _value(kinds.get(name, "string"), value, channel) for name, value in given.items()}


def selected_values(components: list[JSON], custom_id: str, values: list[Any], channel: Channel) -> list[Any]:
    """Return what is chosen in a menu."""
    kinds = {part.get("custom_id"): part["type"] for part in walk(components)}
    kind = _SELECT_KINDS.get(kinds.get(custom_id, ComponentType.STRING_SELECT))
    return [_value(kind, value, channel) if kind else value for value in values]


def form_values(modal: Modal, given: JSON, channel: Channel) -> JSON:
    """Return the values of a form's fields."""
    return {
        field["custom_id"]: _field_value(field["type"], given[field["custom_id"]], channel)
        for field in modal.fields
        if field["custom_id"] in given
    }


def upload(value: Any) -> Upload:
    """Return a file from its name and base64."""
    try:
        return Upload(str(value["filename"]), base64.b64decode(value["data"], validate=True))
    except (TypeError, KeyError, binascii.Error):
        raise InvalidOptionError("The file did not arrive whole") from None


def _field_value(kind: int, value: Any, channel: Channel) -> Any:
    if kind == ComponentType.FILE_UPLOAD:
        return [upload(file) for file in value]
    select = _SELECT_KINDS.get(ComponentType(kind))
    return [_value(select, one, channel) for one in value] if select else value


def _value(kind: str, value: Any, channel: Channel) -> Any:
    match kind:
        case "user" | "role" | "mentionable" | "channel":
            return _object(kind, value, channel)
        case "attachment":
            return upload(value)
        case _:
            return value


def _object(kind: str, value: Any, channel: Channel) -> User | Role | Channel:
    number = int(value) if str(value).isdecimal() else 0
    user = channel.state.users.get(number) if kind in {"user", "mentionable"} else None
    role = channel.guild.roles.get(number) if channel.guild and kind in {"role", "mentionable"} else None
    place = channel.state.channels.get(number) if kind == "channel" else None
    found = user or role or place
    if found is None:
        raise InvalidOptionError(f"There is no such {kind}")
    return found
