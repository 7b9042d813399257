"""Registering commands: what is stored and what Discord refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.discord import events

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Answer, Scene


def command(name: str = "ask", **extra: Any) -> dict[str, Any]:
    return {"name": name, "description": "Ask", **extra}


def option(name: str = "text", kind: int = 3, **extra: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "description": "Words", **extra}


def sub(name: str, *options: dict[str, Any]) -> dict[str, Any]:
    return option(name, 1, options=list(options))


def group(name: str, *options: dict[str, Any]) -> dict[str, Any]:
    return option(name, 2, options=list(options))


async def put(scene: Scene, *commands: dict[str, Any], guild: bool = False) -> Answer:
    where = f"/guilds/{scene.guild.id}" if guild else ""
    return await scene.rest("PUT", f"/applications/{scene.world.application.id}{where}/commands", list(commands))


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (command(""), "0.name"),
        (command("x" * 33), "0.name"),
        (command("Upper"), "0.name"),
        (command("two words"), "0.name"),
        (command(description=""), "0.description"),
        (command(description="d" * 101), "0.description"),
        (command(type=3, name=""), "0.name"),
        (command(options=[option(str(i)) for i in range(26)]), "0.options"),
        (command(options=[option(kind=12)]), "0.options.0.type"),
        (command(options=[option(), option()]), "0.options"),
        (command(options=[option(), sub("list")]), "0.options"),
        (command(options=[option("a"), option("b", required=True)]), "0.options"),
        (command(options=[option(description="")]), "0.options.0.description"),
        (command(options=[option(choices=[{"name": "n", "value": "v"}] * 26)]), "0.options.0.choices"),
        (command(options=[option(choices=[{"name": "", "value": "v"}])]), "0.options.0.choices.0.name"),
        (command(options=[option(choices=[{"name": "n", "value": "v" * 101}])]), "0.options.0.choices.0.value"),
        (command(options=[option(kind=5, choices=[{"name": "n", "value": "v"}])]), "0.options.0.choices"),
        (
            command(options=[option(autocomplete=True, choices=[{"name": "n", "value": "v"}])]),
            "0.options.0.autocomplete",
        ),
        (command(options=[group("g")]), "0.options.0.options"),
        (command(options=[group("g", option())]), "0.options.0.options"),
        (command(options=[group("g", group("h", sub("s")))]), "0.options.0.options"),
        (command(options=[sub("s", sub("t"))]), "0.options.0.options.0.type"),
        (
            command(
                options=[
                    option(str(i), choices=[{"name": f"{j}" * 50, "value": "v" * 100} for j in range(10)])
                    for i in range(6)
                ]
            ),
            "0",
        ),
    ],
)
async def test_rules_for_commands(scene: Scene, bad: dict[str, Any], path: str) -> None:
    answer = await put(scene, bad)
    assert (answer.status, answer.code) == (400, 50035)
    assert answer.error(path)
    assert scene.world.commands() == []


async def test_names_are_unique_and_not_too_many(scene: Scene) -> None:
    assert (await put(scene, command(), command())).error("1") == "APPLICATION_COMMANDS_DUPLICATE_NAME"
    assert (await put(scene, command(), command(type=3))).status == 200
    assert (await put(scene, *(command(f"c{i}") for i in range(101)))).code == 30032


async def test_commands_keep_their_id_when_registered_again(scene: Scene) -> None:
    seen: list[events.CommandsChanged] = []
    scene.world.subscribe(lambda e: seen.append(e) if isinstance(e, events.CommandsChanged) else None)
    first = (await put(scene, command(options=[option(required=True)]))).body[0]
    again = (await put(scene, command(description="Other"), command("new"))).body
    assert again[0]["id"] == first["id"]
    assert again[0]["version"] != first["version"]
    assert again[0]["description"] == "Other"
    assert len(seen) == 2


async def test_commands_are_managed_one_by_one(scene: Scene) -> None:
    base = f"/applications/{scene.world.application.id}/commands"
    made = await scene.rest("POST", base, command())
    assert made.status == 201
    path = f"{base}/{made.body['id']}"
    assert (await scene.rest("GET", path)).body["name"] == "ask"
    assert (await scene.rest("PATCH", path, {"description": "New"})).body["description"] == "New"
    assert (await scene.rest("PATCH", path, {"name": "Bad Name"})).error("name")
    assert len((await scene.rest("GET", base)).body) == 1
    assert (await scene.rest("DELETE", path)).status == 204
    assert (await scene.rest("GET", path)).code == 10063


async def test_whose_commands(scene: Scene) -> None:
    assert (await scene.rest("PUT", "/applications/5/commands", [])).code == 50001
    foreign = scene.world.add_guild("Elsewhere", with_bot=False)
    path = f"/applications/{scene.world.application.id}/guilds/{foreign.id}/commands"
    assert (await scene.rest("PUT", path, [])).code == 50001
    assert (await put(scene, command("here"), guild=True)).body[0]["guild_id"] == str(scene.guild.id)
    assert [c["name"] for c in scene.world.commands(scene.guild)] == ["here"]
    assert scene.world.commands() == []


async def test_what_admins_decided_can_be_read(scene: Scene) -> None:
    made = (await put(scene, command())).body[0]
    base = f"/applications/{scene.world.application.id}/guilds/{scene.guild.id}/commands"
    assert (await scene.rest("GET", f"{base}/{made['id']}/permissions")).code == 10066
    for target in (scene.guild.everyone, scene.ada, scene.channel):
        scene.guild.override_command("ask", target, allowed=True)
    decided = (await scene.rest("GET", f"{base}/{made['id']}/permissions")).body["permissions"]
    assert [(p["id"], p["type"]) for p in decided] == [
        (str(scene.guild.id), 1),
        (str(scene.ada.id), 2),
        (str(scene.channel.id), 3),
    ]
    assert len((await scene.rest("GET", f"{base}/permissions")).body) == 1
