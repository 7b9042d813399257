"""Lists of the staff that are longer than a message: nothing of them is lost, and Discord takes them."""

from typing import Any

import pytest

from moderation.rulebook import Rulebook
from storage import Target
from tests.e2e.acting import occupy, one_slot, waiting
from tests.e2e.conftest import Stage, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

FIRST_ID = 10**18


async def pages(stage: Stage, name: str) -> list[str]:
    """All pages of a list."""
    found: list[str] = []
    while True:
        found.append((await stage.command(stage.moderator, name, page=len(found) + 1)).content)
        if "-# Page" not in found[-1] or f"Page {len(found)} of {len(found)}." in found[-1]:
            return found


async def test_rules_filters_and_keys_are_shown_on_as_many_pages_as_it_takes(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, stage.settings) as bot:
        storage, guild_id = bot.services.storage, stage.guild.id
        book = Rulebook(storage.access)
        for number in range(16):
            target = Target(user_id=FIRST_ID + number, channel_id=stage.channel.id, model="m" * 100)
            await book.set(guild_id, "deny", target, 1, duration="7d", reason="r" * 300)
        shown = await pages(stage, "access list")
        for number in range(16):
            assert sum(f"<@{FIRST_ID + number}>" in page for page in shown) == 1

        for number in range(16):
            await bot.services.filters.add(
                guild_id, "pattern", f"{number:02}{'x' * 80}",
                side="both", action="block", channel_id=stage.channel.id, by=1,
            )  # fmt: skip
        shown = await pages(stage, "filter list")
        for number in range(16):
            assert sum(f"`{number:02}x" in page for page in shown) == 1
        tested = await stage.command(stage.moderator, "filter test", text=" ".join(["word"] * 100))
        assert "it passes" in tested.content
        for number in range(8):
            await bot.services.filters.add(
                guild_id, "words", f"*{number}{'_' * 50}{number}*", side="both", action="mask", channel_id=None, by=1
            )
        text = " ".join(f"{number}{'_' * 50}{number}" for number in range(8))
        tested = await stage.command(stage.moderator, "filter test", text=f"{text} {'*' * 700}")
        assert "masked" in tested.content

        for number in range(25):
            await bot.services.storage.keys.put(stage.guild.id, FIRST_ID + number, b"not sealed", by=1)
        shown = (await stage.command(stage.moderator, "apikey show")).content
        assert "25 members lend a key" in shown
        assert f"<@{FIRST_ID}>" in shown


async def test_a_line_in_which_many_ask_together_can_be_shown(offstage: Stage) -> None:
    stage = offstage
    people: list[Any] = []
    for number in range(16):
        user = stage.world.add_user(f"P{number}")
        stage.guild.add_member(user)
        people.append(stage.world.person(user))
    async with one_slot(stage):
        await occupy(stage)
        for place in range(6):
            channel = stage.guild.add_text_channel(f"busy-{place}")
            for person in people:
                await stage.say(person, "hello", channel=channel)
            await waiting(stage, place + 1)
        interaction = await stage.moderator.slash(stage.channel, "queue show")
        shown = (await interaction.answered()).response.content
        assert f"<@{people[0].user.id}>" in shown
        stage.api.release()
