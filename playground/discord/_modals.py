"""Discord's rules for forms."""

from __future__ import annotations

from typing import Any

from playground.discord import _components as components
from playground.discord._components import Component
from playground.discord._flags import SELECT_TYPES, ComponentType
from playground.discord._interactions import Modal
from playground.discord._validation import Errors, bad_length, one_error, required, too_long
from playground.discord.errors import invalid_form

MAX_PARTS = 5
MAX_TITLE = 45
MAX_LABEL = 45
MAX_DESCRIPTION = 100
MAX_TEXT = 4000
_IN_LABELS = SELECT_TYPES | {
    ComponentType.TEXT_INPUT,
    ComponentType.FILE_UPLOAD,
    ComponentType.RADIO_GROUP,
    ComponentType.CHECKBOX_GROUP,
    ComponentType.CHECKBOX,
}


def read(data: dict[str, Any]) -> Modal:
    """Read a form, or refuse it."""
    parts: list[Component] = components.without_nulls(data.get("components") or [])
    errors = components.check_custom_id(data)
    if not 1 <= len(data.get("title") or "") <= MAX_TITLE:
        errors["title"] = bad_length(1, MAX_TITLE)
    if not 1 <= len(parts) <= MAX_PARTS:
        errors["components"] = bad_length(1, MAX_PARTS)
    elif found := {str(i): e for i, part in enumerate(parts) if (e := _check_part(part))}:
        errors["components"] = found
    ids = [c["custom_id"] for c in components.walk(parts) if "custom_id" in c]
    if len(set(ids)) < len(ids):
        errors["components"] = one_error("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    if errors:
        raise invalid_form(errors)
    return Modal(data["title"], data["custom_id"], components.number(parts))


def _check_part(part: Component) -> Errors:
    kind = part.get("type")
    if kind == ComponentType.TEXT_DISPLAY:
        return {} if part.get("content") else {"content": required()}
    if kind == ComponentType.LABEL:
        return _check_label(part)
    if kind != ComponentType.ACTION_ROW:
        return {"type": one_error("UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')}
    inside = part.get("components") or []
    if len(inside) != 1:
        return {"components": bad_length(1, 1)}
    errors = _check_input(inside[0], {ComponentType.TEXT_INPUT})
    if not 1 <= len(inside[0].get("label") or "") <= MAX_LABEL:
        errors["label"] = bad_length(1, MAX_LABEL)
    return {"components": {"0": errors}} if errors else {}


def _check_label(label: Component) -> Errors:
    errors: Errors = {}
    if not 1 <= len(label.get("label") or "") <= MAX_LABEL:
        errors["label"] = bad_length(1, MAX_LABEL)
    if len(label.get("description") or "") > MAX_DESCRIPTION:
        errors["description"] = too_long(MAX_DESCRIPTION)
    inside = label.get("component")
    if not inside:
        errors["component"] = required()
    elif found := _check_input(inside, _IN_LABELS):
        errors["component"] = found
    return errors


def _check_input(component: Component, allowed: set[ComponentType] | frozenset[ComponentType]) -> Errors:
    kind = component.get("type")
    if kind not in allowed:
        numbers = ", ".join(str(int(a)) for a in sorted(allowed))
        return {"type": one_error("UNION_TYPE_CHOICES", f'Value of field "type" must be one of ({numbers}).')}
    if kind in SELECT_TYPES:
        return components.check_select(component)
    errors = components.check_custom_id(component)
    if kind == ComponentType.TEXT_INPUT:
        errors |= _check_text_input(component)
    return errors


def _check_text_input(component: Component) -> Errors:
    errors: Errors = {}
    if component.get("style") not in {1, 2}:
        errors["style"] = one_error("BASE_TYPE_CHOICES", "Value must be one of {1, 2}.")
    if len(component.get("placeholder") or "") > 100:
        errors["placeholder"] = too_long(100)
    low, high = component.get("min_length") or 0, component.get("max_length") or MAX_TEXT
    if not 0 <= low <= MAX_TEXT:
        errors["min_length"] = one_error("NUMBER_TYPE_MAX", f"int value should be between 0 and {MAX_TEXT}.")
    if not 1 <= high <= MAX_TEXT or low > high:
        errors["max_length"] = one_error("NUMBER_TYPE_MAX", f"int value should be between 1 and {MAX_TEXT}.")
    if len(component.get("value") or "") > min(high, MAX_TEXT):
        errors["value"] = too_long(min(high, MAX_TEXT))
    return errors
