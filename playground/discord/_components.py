"""Discord's rules for buttons, menus and layouts in messages, and looking them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord._flags import SELECT_TYPES, ButtonStyle, ComponentType
from playground.discord._validation import Errors, bad_length, one_error, required, too_long
from playground.discord.errors import invalid_form

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROWS = 5
MAX_BUTTONS = 5
MAX_OPTIONS = 25
MAX_CUSTOM_ID = 100
MAX_V2_COMPONENTS = 40
MAX_V2_TEXT = 4000
_DEFAULTS = {
    ComponentType.USER_SELECT: {"user"},
    ComponentType.ROLE_SELECT: {"role"},
    ComponentType.MENTIONABLE_SELECT: {"user", "role"},
    ComponentType.CHANNEL_SELECT: {"channel"},
}
_TOP_LEVEL_V2 = frozenset(
    {
        ComponentType.ACTION_ROW,
        ComponentType.SECTION,
        ComponentType.TEXT_DISPLAY,
        ComponentType.MEDIA_GALLERY,
        ComponentType.FILE,
        ComponentType.SEPARATOR,
        ComponentType.CONTAINER,
    }
)
_IN_CONTAINER = _TOP_LEVEL_V2 - {ComponentType.CONTAINER}

Component = dict[str, Any]


def walk(components: list[Component]) -> Iterator[Component]:
    """Go through components with all that is inside them, outermost first."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        inner = [component[key] for key in ("accessory", "component") if component.get(key)]
        yield from walk(inner)


def without_nulls(value: Any) -> Any:
    """Drop fields that are null: for Discord they are as good as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def interactive(components: list[Component]) -> list[Component]:
    """Give the buttons and menus that a person can use."""
    usable = SELECT_TYPES | {ComponentType.BUTTON}
    return [c for c in walk(components) if c.get("type") in usable]


def number(components: list[Component]) -> list[Component]:
    """Give every component an id, as Discord does with those that have none, and show snowflakes as text."""
    taken = {c["id"] for c in walk(components) if c.get("id")}
    for component in walk(components):
        for value in component.get("default_values") or []:
            value["id"] = str(value["id"])
    free = (i for i in range(1, 10_000) if i not in taken)
    for component in walk(components):
        if not component.get("id"):
            component["id"] = next(free)
    return components


def check(components: list[Component], *, is_v2: bool) -> None:
    """Refuse components that Discord would refuse."""
    errors = _check_v2(components) if is_v2 else _check_v1(components)
    if not errors:
        errors = _check_unique_ids(components)
    if errors:
        raise invalid_form({"components": errors})


def _check_v1(components: list[Component]) -> Errors:
    if len(components) > MAX_ROWS:
        return bad_length(1, MAX_ROWS)
    errors: Errors = {}
    for i, row in enumerate(components):
        if row.get("type") != ComponentType.ACTION_ROW:
            errors[str(i)] = {"type": one_error("UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')}
        elif found := _check_row(row):
            errors[str(i)] = found
    return errors


def _check_v2(components: list[Component]) -> Errors:
    everything = list(walk(components))
    if not components:
        return bad_length(1, MAX_V2_COMPONENTS)
    if len(everything) > MAX_V2_COMPONENTS:
        text = f"Total number of components cannot exceed {MAX_V2_COMPONENTS}"
        return one_error("COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
    texts = [c.get("content") or "" for c in everything if c.get("type") == ComponentType.TEXT_DISPLAY]
    if sum(map(len, texts)) > MAX_V2_TEXT:
        text = f"Components displayable text size exceeds maximum size of {MAX_V2_TEXT}"
        return one_error("COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)
    return _check_layout(components, _TOP_LEVEL_V2)


def _check_layout(components: list[Component], allowed: frozenset[ComponentType]) -> Errors:
    errors: Errors = {}
    for i, component in enumerate(components):
        if found := _check_layout_part(component, allowed):
            errors[str(i)] = found
    return errors


def _check_layout_part(component: Component, allowed: frozenset[ComponentType]) -> Errors:
    kind = component.get("type")
    if kind not in allowed:
        numbers = ", ".join(str(int(a)) for a in sorted(allowed))
        return {"type": one_error("UNION_TYPE_CHOICES", f'Value of field "type" must be one of ({numbers}).')}
    if kind == ComponentType.ACTION_ROW:
        return _check_row(component)
    if kind == ComponentType.CONTAINER:
        found = _check_layout(component.get("components") or [], _IN_CONTAINER)
        return {"components": found} if found else {}
    if kind == ComponentType.SECTION:
        return _check_section(component)
    if kind == ComponentType.TEXT_DISPLAY and not component.get("content"):
        return {"content": required()}
    if kind == ComponentType.MEDIA_GALLERY and not 1 <= len(component.get("items") or []) <= 10:
        return {"items": bad_length(1, 10)}
    return {}


def _check_section(section: Component) -> Errors:
    if not 1 <= len(section.get("components") or []) <= 3:
        return {"components": bad_length(1, 3)}
    if found := _check_layout(section["components"], frozenset({ComponentType.TEXT_DISPLAY})):
        return {"components": found}
    accessory = section.get("accessory")
    if not accessory:
        return {"accessory": required()}
    if accessory.get("type") not in {ComponentType.BUTTON, ComponentType.THUMBNAIL}:
        text = 'Value of field "type" must be one of (2, 11).'
        return {"accessory": {"type": one_error("UNION_TYPE_CHOICES", text)}}
    found = _check_button(accessory) if accessory.get("type") == ComponentType.BUTTON else {}
    return {"accessory": found} if found else {}


def _check_row(row: Component) -> Errors:
    children = row.get("components") or []
    if not 1 <= len(children) <= MAX_BUTTONS:
        return {"components": bad_length(1, MAX_BUTTONS)}
    if len(children) > 1 and any(c.get("type") in SELECT_TYPES for c in children):
        text = "The specified component exceeds the maximum width"
        return {"components": {"1": one_error("COMPONENT_LAYOUT_WIDTH_EXCEEDED", text)}}
    errors: Errors = {}
    for i, child in enumerate(children):
        if found := _check_child(child):
            errors[str(i)] = found
    return {"components": errors} if errors else {}


def _check_child(child: Component) -> Errors:
    kind = child.get("type")
    if kind == ComponentType.BUTTON:
        return _check_button(child)
    if kind in SELECT_TYPES:
        return check_select(child)
    return {"type": one_error("UNION_TYPE_CHOICES", 'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).')}


def _check_button(button: Component) -> Errors:
    errors: Errors = {}
    style = button.get("style")
    if style not in set(ButtonStyle):
        errors["style"] = one_error("BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    if len(button.get("label") or "") > 80:
        errors["label"] = too_long(80)
    if not button.get("label") and not button.get("emoji") and style != ButtonStyle.PREMIUM:
        errors["_errors"] = [{"code": "BUTTON_COMPONENT_LABEL_OR_EMOJI", "message": "Button needs a label or an emoji"}]
    if style == ButtonStyle.LINK:
        if not button.get("url"):
            errors["url"] = one_error("BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
        elif len(button["url"]) > 512:
            errors["url"] = too_long(512)
        if button.get("custom_id"):
            text = "A custom id and url cannot both be specified"
            errors["custom_id"] = one_error("BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", text)
    elif style != ButtonStyle.PREMIUM:
        errors |= check_custom_id(button, "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED")
    return errors


def check_custom_id(component: Component, code: str = "BASE_TYPE_REQUIRED") -> Errors:
    """Find what is wrong with a custom id."""
    custom_id = component.get("custom_id")
    if not custom_id:
        return {"custom_id": one_error(code, "A custom id is required")}
    if len(custom_id) > MAX_CUSTOM_ID:
        return {"custom_id": bad_length(1, MAX_CUSTOM_ID)}
    return {}


def check_select(select: Component) -> Errors:
    """Find what is wrong with a menu."""
    errors = check_custom_id(select)
    low, high = select.get("min_values", 1), select.get("max_values", 1)
    if len(select.get("placeholder") or "") > 150:
        errors["placeholder"] = too_long(150)
    if not 0 <= low <= MAX_OPTIONS:
        errors["min_values"] = one_error("NUMBER_TYPE_MAX", "int value should be between 0 and 25.")
    if not 1 <= high <= MAX_OPTIONS or low > high:
        errors["max_values"] = one_error("NUMBER_TYPE_MAX", "int value should be between 1 and 25.")
    errors |= _check_defaults(select, low, high)
    if select.get("type") == ComponentType.STRING_SELECT and (found := _check_options(select.get("options") or [])):
        errors["options"] = found
    return errors


def _check_defaults(select: Component, low: int, high: int) -> Errors:
    """What is chosen already is of the menu's kind, and as much as can be chosen."""
    given = select.get("default_values") or []
    kinds = _DEFAULTS.get(ComponentType(select["type"]), set())
    if any(value.get("type") not in kinds or not str(value.get("id")).isdigit() for value in given):
        return {"default_values": one_error("BASE_TYPE_CHOICES", f"Value must be one of {sorted(kinds)}.")}
    return {"default_values": bad_length(low, high)} if given and not low <= len(given) <= high else {}


def _check_options(options: list[dict[str, Any]]) -> Errors:
    if not 1 <= len(options) <= MAX_OPTIONS:
        return bad_length(1, MAX_OPTIONS)
    errors: Errors = {}
    seen: set[str] = set()
    for i, option in enumerate(options):
        found: Errors = {}
        for name in ("label", "value", "description"):
            if len(option.get(name) or "") > 100:
                found[name] = too_long(100)
            elif not option.get(name) and name != "description":
                found[name] = required()
        if option.get("value") in seen:
            text = "The specified option value is already used"
            found["value"] = one_error("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
        seen.add(option.get("value") or "")
        if found:
            errors[str(i)] = found
    return errors


def _check_unique_ids(components: list[Component]) -> Errors:
    """Custom ids are unique within a message."""
    seen: set[str] = set()
    for i, top in enumerate(components):
        for j, component in enumerate(interactive([top])):
            custom_id = component.get("custom_id")
            if custom_id in seen:
                text = "Component custom id cannot be duplicated"
                duplicate = {"custom_id": one_error("COMPONENT_CUSTOM_ID_DUPLICATED", text)}
                return {str(i): {"components": {str(j): duplicate}}}
            if custom_id:
                seen.add(custom_id)
    return {}
