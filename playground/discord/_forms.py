"""Filling in forms as the client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _person_components as pressing
from playground.discord._call import Upload
from playground.discord._flags import SELECT_TYPES, ComponentType
from playground.discord.errors import InvalidOptionError, UnknownComponentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playground.discord._channel import Channel
    from playground.discord._components import Component
    from playground.discord._interactions import Modal
    from playground.discord._options import Resolved

_MAX_TEXT = 4000


def fill(modal: Modal, values: Mapping[str, Any], resolved: Resolved, channel: Channel) -> list[Component]:
    """Give a form's parts with what a person entered; fields left out keep what stands in them."""
    unknown = set(values) - {f["custom_id"] for f in modal.fields}
    if unknown:
        raise UnknownComponentError(f"The form has no field {', '.join(sorted(unknown))}")
    filler = _Filler(values, resolved, channel)
    return [filler.part(part) for part in modal.components]


class _Filler:
    def __init__(self, values: Mapping[str, Any], resolved: Resolved, channel: Channel) -> None:
        self._values = values
        self._resolved = resolved
        self._channel = channel

    def part(self, part: Component) -> Component:
        kind = part["type"]
        if kind == ComponentType.LABEL:
            return {"type": kind, "id": part["id"], "component": self._field(part["component"])}
        if kind == ComponentType.ACTION_ROW:
            return {"type": kind, "id": part["id"], "components": [self._field(c) for c in part["components"]]}
        return {"type": kind, "id": part["id"]}

    def _field(self, field: Component) -> Component:
        kind, given = field["type"], self._values.get(field["custom_id"])
        filled = {"type": kind, "id": field.get("id"), "custom_id": field["custom_id"]}
        if kind == ComponentType.TEXT_INPUT:
            return filled | {"value": _text(field, given)}
        if kind in SELECT_TYPES:
            return filled | {"values": self._selection(field, given)}
        if kind == ComponentType.FILE_UPLOAD:
            return filled | {"values": self._files(field, given or [])}
        if kind == ComponentType.CHECKBOX:
            return filled | {"value": bool(field.get("default") if given is None else given)}
        if kind == ComponentType.RADIO_GROUP:
            return filled | {"value": _radio(field, given)}
        return filled | {"values": _boxes(field, given)}

    def _selection(self, field: Component, given: Any) -> list[str]:
        if given is None:
            chosen = [o["value"] for o in field.get("options") or [] if o.get("default")]
            if not chosen and not field.get("required", True):
                return []
            given = chosen
        return pressing.choose(field, given, self._resolved)

    def _files(self, field: Component, given: list[Any]) -> list[str]:
        low = field.get("min_values", 1) if field.get("required", True) else 0
        if not low <= len(given) <= field.get("max_values", 1):
            raise InvalidOptionError(f"{field['custom_id']}: {len(given)} files do not fit")
        uploads = [file if isinstance(file, Upload) else Upload(*file) for file in given]
        cdn = self._channel.state.cdn
        kept = [cdn.attach(self._channel, upload, ephemeral=True) for upload in uploads]
        return [self._resolved.add_attachment(attachment) for attachment in kept]


def option_value(field: Component, value: Any) -> str:
    """Find an option by its value or by what the person reads."""
    for option in field.get("options") or []:
        if value in {option["value"], option["label"]}:
            return str(option["value"])
    raise InvalidOptionError(f"{field['custom_id']} does not offer {value!r}")


def _text(field: Component, given: Any) -> str:
    text = str(given) if given is not None else field.get("value") or ""
    if not text:
        if field.get("required", True):
            raise InvalidOptionError(f"{field['custom_id']} must be filled in")
        return ""
    low, high = field.get("min_length") or 0, field.get("max_length") or _MAX_TEXT
    if not low <= len(text) <= high:
        raise InvalidOptionError(f"{field['custom_id']} takes between {low} and {high} characters")
    return text


def _radio(field: Component, given: Any) -> str | None:
    if given is None:
        given = next((o["value"] for o in field.get("options") or [] if o.get("default")), None)
    if given is None:
        if field.get("required", True):
            raise InvalidOptionError(f"{field['custom_id']} must be filled in")
        return None
    return option_value(field, given)


def _boxes(field: Component, given: Any) -> list[str]:
    options = field.get("options") or []
    if given is None:
        given = [o["value"] for o in options if o.get("default")]
    low = field.get("min_values", 1) if field.get("required", True) else 0
    if not low <= len(given) <= field.get("max_values", len(options)):
        raise InvalidOptionError(f"{field['custom_id']}: {len(given)} boxes are too few or too many")
    return [option_value(field, value) for value in given]
