"""Discord's rules for buttons, menus and layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.discord import MessageFlag

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Scene

V2 = int(MessageFlag.IS_COMPONENTS_V2)


def button(custom_id: str = "b", **extra: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": custom_id, **extra}


def menu(**extra: Any) -> dict[str, Any]:
    return {"type": 3, "custom_id": "menu", "options": [{"label": "One", "value": "1"}], **extra}


def row(*children: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(children)}


def text(content: str = "words") -> dict[str, Any]:
    return {"type": 10, "content": content}


@pytest.mark.parametrize(
    ("components", "path", "error"),
    [
        ([row(button(str(i))) for i in range(6)], "components", "BASE_TYPE_BAD_LENGTH"),
        ([row(*(button(str(i)) for i in range(6)))], "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        ([row()], "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        ([button()], "components.0.type", "UNION_TYPE_CHOICES"),
        ([text()], "components.0.type", "UNION_TYPE_CHOICES"),
        ([row(text())], "components.0.components.0.type", "UNION_TYPE_CHOICES"),
        ([row(button("c" * 101))], "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"),
        ([row(button(""))], "components.0.components.0.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED"),
        ([row(button(), button())], "components.0.components.1.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"),
        ([row(button()), row(button())], "components.1.components.0.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"),
        ([row(button(label="l" * 81))], "components.0.components.0.label", "BASE_TYPE_MAX_LENGTH"),
        ([row(button(label=""))], "components.0.components.0", "BUTTON_COMPONENT_LABEL_OR_EMOJI"),
        ([row(button(style=9))], "components.0.components.0.style", "BASE_TYPE_CHOICES"),
        ([row(button(style=5))], "components.0.components.0.url", "BUTTON_COMPONENT_URL_REQUIRED"),
        (
            [row(button(style=5, url="https://example.org"))],
            "components.0.components.0.custom_id",
            "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
        ),
        ([row(menu(), button())], "components.0.components.1", "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
        ([row(menu(options=[]))], "components.0.components.0.options", "BASE_TYPE_BAD_LENGTH"),
        (
            [row(menu(options=[{"label": str(i), "value": str(i)} for i in range(26)]))],
            "components.0.components.0.options",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            [row(menu(options=[{"label": "l" * 101, "value": "1"}]))],
            "components.0.components.0.options.0.label",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            [row(menu(options=[{"label": "l", "value": ""}]))],
            "components.0.components.0.options.0.value",
            "BASE_TYPE_REQUIRED",
        ),
        (
            [row(menu(options=[{"label": "a", "value": "1"}, {"label": "b", "value": "1"}]))],
            "components.0.components.0.options.1.value",
            "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
        ),
        ([row(menu(placeholder="p" * 151))], "components.0.components.0.placeholder", "BASE_TYPE_MAX_LENGTH"),
        ([row(menu(max_values=26))], "components.0.components.0.max_values", "NUMBER_TYPE_MAX"),
        ([row(menu(min_values=2, max_values=1))], "components.0.components.0.max_values", "NUMBER_TYPE_MAX"),
    ],
)
async def test_rules_for_rows(scene: Scene, components: list[dict[str, Any]], path: str, error: str) -> None:
    answer = await scene.rest.post(f"{scene.path}/messages", {"content": "x", "components": components})
    assert answer.code == 50035
    assert answer.error(path) == error


@pytest.mark.parametrize(
    ("components", "path", "error"),
    [
        ([], "components", "BASE_TYPE_BAD_LENGTH"),
        ([text() for _ in range(41)], "components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"),
        ([text("x" * 2001), text("x" * 2000)], "components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"),
        ([button()], "components.0.type", "UNION_TYPE_CHOICES"),
        (
            [{"type": 17, "components": [{"type": 17, "components": [text()]}]}],
            "components.0.components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        ([text("")], "components.0.content", "BASE_TYPE_REQUIRED"),
        ([{"type": 9, "components": [text()]}], "components.0.accessory", "BASE_TYPE_REQUIRED"),
        ([{"type": 9, "components": [], "accessory": button()}], "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (
            [{"type": 9, "components": [text()], "accessory": button("")}],
            "components.0.accessory.custom_id",
            "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED",
        ),
        (
            [{"type": 9, "components": [row(button())], "accessory": button("b")}],
            "components.0.components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        (
            [{"type": 9, "components": [text()], "accessory": menu()}],
            "components.0.accessory.type",
            "UNION_TYPE_CHOICES",
        ),
        ([{"type": 12, "items": []}], "components.0.items", "BASE_TYPE_BAD_LENGTH"),
        *(
            (
                [row({"type": 8, "custom_id": "c", "max_values": 1, "default_values": values})],
                "components.0.components.0.default_values",
                error,
            )
            for values, error in (
                ([{"id": "1", "type": "role"}], "BASE_TYPE_CHOICES"),
                ([{"id": "1", "type": "channel"}, {"id": "2", "type": "channel"}], "BASE_TYPE_BAD_LENGTH"),
            )
        ),
    ],
)
async def test_rules_for_layouts(scene: Scene, components: list[dict[str, Any]], path: str, error: str) -> None:
    answer = await scene.rest.post(f"{scene.path}/messages", {"flags": V2, "components": components})
    assert answer.code == 50035
    assert answer.error(path) == error


async def test_a_layout_is_kept_with_numbers(scene: Scene) -> None:
    section = {"type": 9, "components": [text("a")], "accessory": button()}
    layout = [{"type": 17, "components": [section, {"type": 14}]}, row(menu())]
    answer = await scene.rest.post(f"{scene.path}/messages", {"flags": V2, "components": layout})
    assert answer.status == 200
    message = scene.channel.messages[0]
    assert message.flags & V2
    assert message.components[0]["id"] == 1
    assert message.components[0]["components"][0]["accessory"]["id"] == 4
    pressed = await scene.person.click(message, "b")
    assert pressed.data["id"] == 4


@pytest.mark.parametrize("legacy", [{"content": "x"}, {"embeds": [{"title": "t"}]}])
async def test_layouts_have_no_text_beside_them(scene: Scene, legacy: dict[str, Any]) -> None:
    code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    answer = await scene.rest.post(f"{scene.path}/messages", {"flags": V2, "components": [text()], **legacy})
    assert answer.error(next(iter(legacy))) == code

    plain = (await scene.rest.post(f"{scene.path}/messages", {"content": "plain"})).body
    path = f"{scene.path}/messages/{plain['id']}"
    assert (await scene.rest("PATCH", path, {"flags": V2, "components": [text()]})).error("content") == code
    turned = await scene.rest("PATCH", path, {"flags": V2, "components": [text()], "content": None})
    assert (turned.status, turned.body["content"]) == (200, "")
    again = await scene.rest("PATCH", path, {"components": [text("more")]})
    assert again.body["flags"] & V2  # a layout stays one


async def test_menus_of_every_kind(scene: Scene) -> None:
    kinds = {5: "user", 6: "role", 7: "mentionable", 8: "channel"}
    rows = [row({"type": kind, "custom_id": name, "max_values": 2}) for kind, name in kinds.items()]
    rows.append(row(menu(min_values=0, options=[{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}])))
    await scene.rest.post(f"{scene.path}/messages", {"content": "choose", "components": rows})
    message = scene.channel.messages[0]
    role = scene.guild.add_role("readers")
    chosen = {"type": 6, "custom_id": "six", "default_values": [{"id": role.id, "type": "role"}]}
    answer = await scene.rest.post(f"{scene.path}/messages", {"content": "again", "components": [row(chosen)]})
    assert answer.body["components"][0]["components"][0]["default_values"] == [{"id": str(role.id), "type": "role"}]

    picked = await scene.person.select(message, "user", [scene.owner])
    assert picked.data["values"] == [str(scene.owner.id)]
    assert str(scene.owner.id) in picked.data["resolved"]["users"]
    assert str(scene.owner.id) in picked.data["resolved"]["members"]
    picked = await scene.person.select(message, "role", [role])
    assert str(role.id) in picked.data["resolved"]["roles"]
    picked = await scene.person.select(message, "mentionable", [role, scene.ada])
    assert picked.data["values"] == [str(role.id), str(scene.ada.id)]
    picked = await scene.person.select(message, "channel", [scene.channel])
    assert picked.data["resolved"]["channels"][str(scene.channel.id)]["permissions"]
    picked = await scene.person.select(message, "menu", ["Two"])
    assert (picked.data["values"], picked.data["component_type"]) == (["2"], 3)
    assert (await scene.person.select(message, "menu", [])).data["values"] == []
