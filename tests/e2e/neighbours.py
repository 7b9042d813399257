"""A server with one of everything, for tests of what another one sees and changes of it: nothing."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from playground.discord import ChannelType
from storage import Picture, Scope, UsageRow
from storage.pictures import add_pictures
from storage.schema import metadata, personas
from tests.chat import card_files as files
from tests.e2e.acting import begun, stored
from tests.e2e.characters import mira, taken_in
from tests.e2e.conftest import Stage

SECRET: Final = "quoll-7secret"
"""Stands in all that the server keeps; nobody of another server ever types it."""

NAME: Final = "Zephyrine"
"""What the server calls its things."""

WORD: Final = "marsupial"
"""Stands beside the secret, and is what others look for."""

WORDS: Final = f"The {WORD} and the wolf: {SECRET}"

TEMPERATURE: Final = "1.3579"
AMOUNT: Final = 7_654_321
"""Its numbers that no other server has."""

OF_NO_SERVER: Final = frozenset({"claims", "model_facts"})
AFTER_LEAVING: Final = frozenset({"left_guilds"})

IN_DIRECT_MESSAGES: Final = (
    "heads", "lorebooks", "messages", "personas", "settings", "usage", "usage_days", "usage_sums"
)  # fmt: skip
"""Where direct messages leave something."""

Rows = dict[str, list[Any]]


@dataclass
class Neighbour:
    """The server, and what somebody who wants into it could know of it."""

    guild: Any
    channel: Any
    busy: Any
    """Where a reply is under way."""
    log: Any
    role: Any
    member: Any
    places: dict[ChannelType, Any] = field(default_factory=dict)
    plain: Any = None
    """A reply without the secret."""
    told: Any = None
    """A reply with the secret."""
    direct: Any = None
    """Where the member and the bot are alone; it counts against the server."""
    whispered: Any = None
    """A reply there, with the secret."""
    under_way: int = 0
    ids: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The ids in each table."""


def a_card(name: str, told: str) -> tuple[str, bytes]:
    """A file that is a character, a lorebook, a conversation and sampling parameters at once."""
    book = {"entries": [{"keys": ["wolf"], "content": told, "enabled": True, "insertion_order": 1}]}
    card = mira(name=name, description=told, character_book=book)
    return "card.json", files.as_json({**card, "temp": 0.5, "mes": told})


def a_world() -> tuple[str, bytes]:
    """A lorebook with the secret."""
    entries = {"0": {"uid": 0, "key": ["wolf"], "content": WORDS, "sticky": 3}}
    return "world.json", json.dumps({"entries": entries}).encode()


def rows_of(connection: Connection, guild_id: int | None) -> Rows:
    """All rows of a server: those that name it, and those that hang under such rows."""
    found: Rows = {}
    for table in metadata.sorted_tables:
        rows = [tuple(row) for row in connection.execute(select(table)) if _is_of(table, row, guild_id, found)]
        found[table.name] = sorted(rows, key=repr)
    return found


def _is_of(table: Table, row: Any, guild_id: int | None, found: Rows) -> bool:
    if "guild_id" in table.c:
        return bool(row.guild_id == guild_id)
    above = [(key.parent.name, key.column.table.name) for key in table.foreign_keys]
    return any(getattr(row, column) in {one[0] for one in found[parent]} for column, parent in above)


def _personas_of(connection: Connection, guild_id: int) -> list[Any]:
    return list(connection.execute(select(personas).where(personas.c.guild_id == guild_id)))


def build(stage: Stage) -> Neighbour:
    """The server, still empty."""
    guild = stage.guild
    guild.edit(name=f"{NAME} {SECRET}")
    hidden = stage.world.add_user(f"Vera {SECRET}")
    guild.add_member(hidden)
    role = guild.add_role(NAME)
    busy, log = guild.add_text_channel("busy"), guild.add_text_channel("log")
    neighbour = Neighbour(guild, stage.channel, busy, log, role, stage.world.person(hidden))
    forum, category = guild.add_forum("stories"), guild.add_category("rooms")
    neighbour.places = {place.type: place for place in (stage.channel, forum, category)}
    return neighbour


async def fill(stage: Stage, neighbour: Neighbour) -> None:
    """Let there be one of everything in it, but for a reply under way."""
    await _set_up(stage, neighbour)
    await _talk(stage, neighbour)
    await _whisper(stage, neighbour)
    await _moderate(stage, neighbour)


async def _set_up(stage: Stage, neighbour: Neighbour) -> None:
    """Characters, lorebooks, and all that is set."""
    mod, vera = stage.moderator, neighbour.member
    assert stage.bot is not None
    settings = stage.bot.services.storage.settings
    await settings.put(
        neighbour.guild.id, Scope("guild", neighbour.guild.id), "log_channel", neighbour.log.id, mod.user.id
    )
    await taken_in(stage, mod, a_card(NAME, WORDS))
    changed = await stage.command(mod, "persona edit", name=NAME, file=a_card(NAME, f"Still {WORDS}"))
    await stage.command(vera, "persona import", file=a_card("Draft", WORDS))
    await stage.command(mod, "persona use", name=NAME)
    await stage.command(mod, "lore import", file=a_world(), name=NAME)
    await stage.command(mod, "sampling set", parameter="temperature", value=TEMPERATURE)
    await stage.command(mod, "sampling save", name=NAME)
    await stage.command(mod, "note set", text=WORDS)
    await stage.command(mod, "channel set", keywords=WORDS)
    await stage.command(vera, "profile set", name=f"Vera {SECRET}", description=WORDS)
    await stage.command(vera, "scene start", persona=NAME, title=f"{NAME} {SECRET}")
    assert changed is not None


async def _talk(stage: Stage, neighbour: Neighbour) -> None:
    """A conversation with branches, a picture, and what it used."""
    vera = neighbour.member
    neighbour.told = await stage.ask(vera, f"one {WORDS}", answer=f"First {WORDS}.")
    stage.api.replies.add(f"Another {WORDS}.")
    await stage.press(vera, neighbour.told, "🔄")
    await stage.settled()
    neighbour.plain = await stage.ask(vera, f"two {WORDS}", answer="Well.")
    question = await stored(stage, neighbour.told.reply_to or neighbour.told)
    neighbour.ids["replies"] = [(await stored(stage, reply)).id for reply in (neighbour.told, neighbour.plain)]
    assert stage.bot is not None
    storage, picture = stage.bot.services.storage, Picture(1, f"{SECRET}.png", "image/png", 4, 4, SECRET.encode())
    await storage.database.write(add_pictures, question.id, [picture])
    used = UsageRow(
        neighbour.guild.id, neighbour.channel.id, vera.user.id, SECRET, "chat", AMOUNT, 20, datetime.now(UTC)
    )
    await storage.usage.add(used)


async def _whisper(stage: Stage, neighbour: Neighbour) -> None:
    """A member's own character, and what they say to it in direct messages."""
    vera = neighbour.member
    neighbour.direct = await vera.open_dm()
    await stage.at_home(vera)
    await taken_in(stage, vera, a_card(f"{NAME} of hers", f"Hers alone: {WORDS}"))
    await taken_in(stage, vera, a_card(f"{NAME} in private", WORDS), neighbour.direct)
    await stage.command(vera, "persona use", neighbour.direct, name=f"{NAME} in private")
    await stage.command(vera, "lore import", neighbour.direct, file=a_world(), name=NAME)
    await stage.command(vera, "note set", neighbour.direct, text=WORDS)
    await stage.command(vera, "profile set", neighbour.direct, name=f"Vera {SECRET}", description=WORDS)
    neighbour.whispered = await stage.ask(vera, f"three {WORDS}", answer=f"Third {WORDS}.", channel=neighbour.direct)
    neighbour.ids["replies"].append((await stored(stage, neighbour.whispered)).id)


async def _moderate(stage: Stage, neighbour: Neighbour) -> None:
    """Rules, limits, keys, a report, and what people asked for about themselves."""
    mod, vera, tom = stage.moderator, neighbour.member, stage.tom
    stage.api.add_key(f"sk-{SECRET}")
    for name, options in (
        ("access deny", {"role": neighbour.role, "reason": WORDS, "for": "1d"}),
        ("filter add", {"kind": "words", "text": f"no{SECRET}", "action": "flag"}),
        ("limit set", {"amount": AMOUNT, "unit": "requests", "per": "month"}),
        ("limit grant", {"user": vera.user, "amount": AMOUNT, "unit": "requests", "for": "1d"}),
        ("limit weight", {"role": neighbour.role, "weight": 3}),
        ("pause", {"channel": neighbour.guild.add_text_channel("paused")}),
        ("privacy opt_out", {}),
    ):
        await stage.command(tom if name.startswith("privacy") else mod, name, **options)
    for reported in (neighbour.plain, neighbour.told):
        form = await (await vera.message_command(reported, "Report")).answered()
        await (await vera.submit(form, reason=WORDS)).answered()
        await stage.settled()
    dismissed = await mod.click(neighbour.log.messages[0], label="Dismiss")
    await dismissed.answered()
    form = await (await stage.admin.slash(stage.channel, "apikey set")).answered()
    await (await stage.admin.submit(form, key=f"sk-{SECRET}")).answered()
    asked = await stage.command(tom, "privacy delete")
    await stage.press(tom, asked, "Delete for good")
    await stage.settled()


async def begin_a_reply(stage: Stage, neighbour: Neighbour) -> None:
    """One that nobody ends; then there is something in every table."""
    assert stage.bot is not None
    services = stage.bot.services
    count = sum(request.path != "/v1/models" for request in stage.api.requests)
    stage.api.faults.add("stall_first")
    await stage.say(neighbour.member, WORDS, channel=neighbour.busy)
    await begun(stage, count + 1)
    [answer] = services.conversations.answers_in(neighbour.guild.id, neighbour.busy.id)
    neighbour.under_way = answer.reply_id
    rows = await services.storage.database.read(rows_of, neighbour.guild.id)
    empty = {name for name, found in rows.items() if not found} - OF_NO_SERVER - AFTER_LEAVING
    assert not empty, f"give the server something in {', '.join(sorted(empty))}"
    direct = await services.storage.database.read(rows_of, None)
    missing = {name for name in IN_DIRECT_MESSAGES if not direct[name]}
    assert not missing, f"let there be something in direct messages in {', '.join(sorted(missing))}"
    assert any(row.kind == "own" for row in await services.storage.database.read(_personas_of, neighbour.guild.id))
    neighbour.ids.update({name: [row[0] for row in (*found, *direct[name])] for name, found in rows.items()})
