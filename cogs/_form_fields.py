"""What stands in the fields of a form that came back."""

from collections.abc import Iterator
from typing import Any

import discord


def texts_of(interaction: discord.Interaction[Any]) -> dict[str, str]:
    """The texts by the ids of their fields."""
    data: Any = interaction.data or {}
    fields = (component for component in walk(data.get("components") or []) if "value" in component)
    return {str(field.get("custom_id")): str(field["value"] or "").replace("\r\n", "\n") for field in fields}


def walk(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All components, wherever the layout put them."""
    for component in components:
        yield component
        inner = component.get("components") or ([component["component"]] if component.get("component") else [])
        yield from walk(inner)
