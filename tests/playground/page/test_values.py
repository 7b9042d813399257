"""Ids and base64 from the page become objects and files."""

from __future__ import annotations

import base64

import pytest

from playground.discord import InvalidOptionError, LocalDiscord, Modal
from playground.page._markdown import render
from playground.page._names import PlaceNames
from playground.page._values import form_values, option_values, selected_values
from playground.world import DemoWorld, build_demo_world

FILE = {"filename": "card.json", "data": base64.b64encode(b"{}").decode()}


@pytest.fixture
def demo() -> DemoWorld:
    """Build the people and places, without servers."""
    return build_demo_world(LocalDiscord())


def test_options_become_what_they_name(demo: DemoWorld) -> None:
    role = demo.guild.members[demo.max.id].roles[0]
    kinds = {
        "who": "user",
        "role": "role",
        "any": "mentionable",
        "where": "channel",
        "card": "attachment",
        "n": "integer",
    }
    given = {"who": str(demo.mia.id), "role": str(role.id), "any": str(role.id), "where": str(demo.general.id)}
    options = [{"name": name, "type": kind} for name, kind in kinds.items()]
    values = option_values(options, {**given, "card": FILE, "n": 3}, demo.general)
    card = values.pop("card")
    assert values == {"who": demo.mia, "role": role, "any": role, "where": demo.general, "n": 3}
    assert (card.filename, card.data) == ("card.json", b"{}")


@pytest.mark.parametrize(("kind", "value"), [("user", "1"), ("role", "x"), ("channel", None), ("mentionable", -5)])
def test_what_is_not_there_is_refused_in_words(demo: DemoWorld, kind: str, value: object) -> None:
    with pytest.raises(InvalidOptionError, match=f"There is no such {kind}"):
        option_values([{"name": "x", "type": kind}], {"x": value}, demo.general)


def test_menus_of_people_give_people_and_others_their_texts(demo: DemoWorld) -> None:
    menus = [{"type": 1, "components": [{"type": kind, "custom_id": name}]} for name, kind in (("who", 5), ("text", 3))]
    assert selected_values(menus, "who", [str(demo.tom.id)], demo.general) == [demo.tom]
    assert selected_values(menus, "text", ["blue"], demo.general) == ["blue"]


def test_forms_carry_texts_people_and_files(demo: DemoWorld) -> None:
    fields = [{"type": 4, "custom_id": "name"}, {"type": 5, "custom_id": "who"}, {"type": 19, "custom_id": "card"}]
    modal = Modal("Form", "form", [{"type": 18, "label": "x", "component": field} for field in fields])
    values = form_values(modal, {"name": "Mira", "who": [str(demo.mia.id)], "card": [FILE], "other": 1}, demo.general)
    assert (values["name"], values["who"], values["card"][0].data) == ("Mira", [demo.mia], b"{}")
    assert "other" not in values


def test_names_are_those_of_the_place(demo: DemoWorld) -> None:
    demo.guild.members[demo.mia.id].edit(nick="Mira")
    role = demo.guild.members[demo.max.id].roles[0]
    text = f"{demo.mia.mention} {role.mention} {demo.general.mention}"
    here = render(text, PlaceNames(demo.general))
    conversation = render(text, PlaceNames(demo.general.state.dm_channel(demo.mia)))
    assert [name in here for name in ("@Mira", "@Moderator", "#general")] == [True] * 3
    assert [name in conversation for name in ("@Mia", "@unknown-role", "#general")] == [True] * 3
