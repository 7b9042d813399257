"""Who is served first on one slot, as the service sees it: only the order of its requests is looked at."""

from typing import Any

import pytest

from cogs._bot import Bot
from tests.e2e.acting import asked, begun, one_slot, waiting
from tests.e2e.conftest import Stage

FLOOD = 3


def let_time_stand_still(bot: Bot) -> None:
    """Seconds count in the line; how many there are between two questions depends on the machine."""
    queue = bot.services.conversations._generator._queue
    queue._clock = queue._served._clock = lambda: 1000.0


async def round_of(stage: Stage, channels: list[Any], *people: Any) -> list[str]:
    """In which order the service is asked when Tom floods it before these ask for one thing each."""
    before = len(asked(stage))
    stage.api.hold()
    await stage.say(stage.tom, "flood", channel=channels[0])
    await begun(stage, before + 1)
    for number, channel in enumerate(channels[1:], 1):
        await stage.say(stage.tom, "flood", channel=channel)
        await waiting(stage, number)
    for number, person in enumerate(people):
        own = stage.guild.add_text_channel(f"own-{before}-{number}")
        await stage.say(person, person.user.name, channel=own)
        await waiting(stage, len(channels) + number)
    stage.api.release()
    await begun(stage, before + len(channels) + len(people))
    await stage.settled()
    return [request.body["messages"][-1]["content"].split()[-1] for request in asked(stage)[before:]]


@pytest.mark.usefixtures("no_rate_limits")
async def test_a_flood_delays_nobody_and_weights_of_roles_change_who_comes_first(offstage: Stage) -> None:
    stage = offstage
    patrons = stage.guild.add_role("patrons")
    stage.guild.member(stage.ada.user).add_role(patrons)
    mods = next(role for role in stage.guild.roles.values() if role.name == "mods")
    channels = [stage.guild.add_text_channel(f"flood-{number}") for number in range(FLOOD + 1)]
    flood = ["flood"] * FLOOD
    async with one_slot(stage) as bot:
        let_time_stand_still(bot)
        assert await round_of(stage, channels, stage.moderator, stage.ada) == ["flood", "Max", "Ada", *flood]
        await stage.command(stage.moderator, "limit weight", role=patrons, weight=10)
        assert await round_of(stage, channels, stage.moderator, stage.ada) == ["flood", "Ada", "Max", *flood]
        await stage.command(stage.moderator, "limit weight", role=patrons, weight=1)
        await stage.command(stage.moderator, "limit weight", role=mods, weight=10)
        assert await round_of(stage, channels, stage.ada, stage.moderator) == ["flood", "Max", "Ada", *flood]
