"""Pressing buttons, choosing in menus and sending forms as the client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.discord import _components as components
from playground.discord import _forms as forms
from playground.discord._channel import Channel
from playground.discord._flags import SELECT_TYPES, ButtonStyle, ComponentType, InteractionType
from playground.discord._model import Member, Role, User
from playground.discord._options import Resolved
from playground.discord.errors import DisabledComponentError, InvalidOptionError, UnknownComponentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playground.discord._components import Component
    from playground.discord._interactions import Interaction
    from playground.discord._message import Message

_KINDS: dict[ComponentType, tuple[type[Any], ...]] = {
    ComponentType.USER_SELECT: (User, Member),
    ComponentType.ROLE_SELECT: (Role,),
    ComponentType.MENTIONABLE_SELECT: (User, Member, Role),
    ComponentType.CHANNEL_SELECT: (Channel,),
}


def click(user: User, message: Message, custom_id: str | None, label: str | None) -> Interaction:
    """Press a button."""
    buttons = [c for c in components.interactive(message.components) if c["type"] == ComponentType.BUTTON]
    button = _find(buttons, "button", custom_id, label)
    if button.get("style") == ButtonStyle.LINK:
        raise UnknownComponentError("This button is a link: pressing it tells the bot nothing")
    _require_enabled(button)
    return _begin(user, message, button, {})


def select(user: User, message: Message, custom_id: str | None, values: Sequence[Any]) -> Interaction:
    """Choose in a menu."""
    menus = [c for c in components.interactive(message.components) if c["type"] in SELECT_TYPES]
    menu = _find(menus, "menu", custom_id, None)
    _require_enabled(menu)
    resolved = Resolved(message.channel, user)
    data: dict[str, Any] = {"values": choose(menu, values, resolved)}
    if resolved.data:
        data["resolved"] = resolved.data
    return _begin(user, message, menu, data)


def choose(menu: Component, values: Sequence[Any], resolved: Resolved) -> list[str]:
    """Check what is chosen in a menu, and give it as the client sends it."""
    low, high = menu.get("min_values", 1), menu.get("max_values", 1)
    if not low <= len(values) <= high:
        raise InvalidOptionError(f"Choose between {low} and {high}, not {len(values)}")
    if menu["type"] == ComponentType.STRING_SELECT:
        return [forms.option_value(menu, value) for value in values]
    return [_choose_object(menu, value, resolved) for value in values]


def _choose_object(menu: Component, value: Any, resolved: Resolved) -> str:
    if not isinstance(value, _KINDS[ComponentType(menu["type"])]):
        raise InvalidOptionError(f"This menu does not offer {value!r}")
    if isinstance(value, Channel) and menu.get("channel_types") and value.type not in menu["channel_types"]:
        raise InvalidOptionError(f"This menu does not offer #{value.name}")
    chosen: User | Member | Role | Channel = value
    return resolved.add(chosen)


def submit(interaction: Interaction, values: Mapping[str, Any]) -> Interaction:
    """Send a form."""
    modal = interaction.modal
    if modal is None:
        raise UnknownComponentError("The bot opened no form")
    resolved = Resolved(interaction.channel, interaction.user)
    filled = forms.fill(modal, values, resolved, interaction.channel)
    data: dict[str, Any] = {"custom_id": modal.custom_id, "components": filled}
    if resolved.data:
        data["resolved"] = resolved.data
    return interaction.state.interactions.begin(
        InteractionType.MODAL_SUBMIT,
        interaction.user,
        interaction.channel,
        data,
        name=modal.custom_id,
        message=interaction.message,
        parent=interaction,
    )


def _find(found: list[Component], kind: str, custom_id: str | None, label: str | None) -> Component:
    wanted = [
        c
        for c in found
        if (custom_id is None or c.get("custom_id") == custom_id) and (label is None or _reads(c) == label)
    ]
    if len(wanted) != 1:
        there = ", ".join(repr(_reads(c) or c.get("custom_id")) for c in found) or "none"
        count = "no such" if not wanted else "more than one such"
        raise UnknownComponentError(f"There is {count} {kind}: there are {there}")
    return wanted[0]


def _reads(component: Component) -> str | None:
    """What stands on it: its label, or its emoji alone."""
    return component.get("label") or (component.get("emoji") or {}).get("name")


def _require_enabled(component: Component) -> None:
    if component.get("disabled"):
        raise DisabledComponentError(f"{_reads(component) or component.get('custom_id')!r} is disabled")


def _begin(user: User, message: Message, component: Component, extra: dict[str, Any]) -> Interaction:
    custom_id = component["custom_id"]
    data = {"custom_id": custom_id, "component_type": component["type"], "id": component.get("id")} | extra
    interactions = message.channel.state.interactions
    kind = InteractionType.MESSAGE_COMPONENT
    return interactions.begin(kind, user, message.channel, data, name=custom_id, message=message)
