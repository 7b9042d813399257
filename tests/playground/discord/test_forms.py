"""Filling in forms as the real client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.discord import (
    InvalidOptionError,
    UnknownComponentError,
    Upload,
)
from tests.playground.discord.test_commands import command, put

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene


FIELDS: list[dict[str, Any]] = [
    {"type": 10, "content": "Please tell"},
    {
        "type": 18,
        "label": "Name",
        "component": {"type": 4, "custom_id": "name", "style": 1, "min_length": 2, "max_length": 5, "value": "Ada"},
    },
    {
        "type": 18,
        "label": "Menu",
        "component": {"type": 3, "custom_id": "menu", "options": [{"label": "One", "value": "1", "default": True}]},
    },
    {"type": 18, "label": "Who", "component": {"type": 5, "custom_id": "who", "required": False, "min_values": 0}},
    {"type": 18, "label": "File", "component": {"type": 19, "custom_id": "file", "required": False, "max_values": 2}},
]
BOXES: list[dict[str, Any]] = [
    {
        "type": 18,
        "label": "Radio",
        "component": {"type": 21, "custom_id": "radio", "options": [{"label": "A", "value": "a"}]},
    },
    {
        "type": 18,
        "label": "Boxes",
        "component": {
            "type": 22,
            "custom_id": "boxes",
            "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}],
        },
    },
    {"type": 18, "label": "Yes", "component": {"type": 23, "custom_id": "yes"}},
]


async def open_form(scene: Scene, components: list[dict[str, Any]]) -> Any:
    await put(scene, command())
    interaction = await scene.person.slash(scene.channel, "ask")
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    modal = {"title": "Form", "custom_id": "form", "components": components}
    assert (await scene.rest("POST", path, {"type": 9, "data": modal})).status == 204
    return interaction


async def test_forms_keep_what_stands_in_them(scene: Scene) -> None:
    interaction = await open_form(scene, FIELDS)
    sent = await scene.person.submit(interaction)
    parts = {p["component"]["custom_id"]: p["component"] for p in sent.data["components"] if "component" in p}
    assert parts["name"]["value"] == "Ada"
    assert parts["menu"]["values"] == ["1"]
    assert parts["who"]["values"] == parts["file"]["values"] == []


async def test_forms_are_filled(scene: Scene) -> None:
    interaction = await open_form(scene, FIELDS)
    files = [("a.txt", b"a"), Upload("b.txt", b"b")]
    sent = await scene.person.submit(interaction, {"who": [scene.owner], "file": files}, name="Eve")
    parts = {p["component"]["custom_id"]: p["component"] for p in sent.data["components"] if "component" in p}
    assert parts["name"]["value"] == "Eve"
    names = [sent.data["resolved"]["attachments"][i]["filename"] for i in parts["file"]["values"]]
    assert names == ["a.txt", "b.txt"]
    assert str(scene.owner.id) in sent.data["resolved"]["users"]


async def test_boxes_of_forms(scene: Scene) -> None:
    interaction = await open_form(scene, BOXES)
    sent = await scene.person.submit(interaction, radio="A", boxes=["b"], yes=True)
    parts = [p["component"] for p in sent.data["components"]]
    assert (parts[0]["value"], parts[1]["values"], parts[2]["value"]) == ("a", ["b"], True)
    with pytest.raises(InvalidOptionError):
        await scene.person.submit(interaction, boxes=["b"])
    with pytest.raises(InvalidOptionError):
        await scene.person.submit(interaction, radio="a")


@pytest.mark.parametrize(
    "values",
    [
        {"name": "x"},
        {"name": "xxxxxx"},
        {"name": ""},
        {"menu": ["2"]},
        {"menu": []},
        {"who": ["ada"]},
        {"file": [1] * 3},
    ],
)
async def test_forms_are_checked(scene: Scene, values: dict[str, Any]) -> None:
    interaction = await open_form(scene, FIELDS)
    with pytest.raises(InvalidOptionError):
        await scene.person.submit(interaction, values)


async def test_forms_have_no_other_fields(scene: Scene) -> None:
    interaction = await open_form(scene, FIELDS)
    with pytest.raises(UnknownComponentError, match="other"):
        await scene.person.submit(interaction, other="x")
