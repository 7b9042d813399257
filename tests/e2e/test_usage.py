"""Who uses the bot: real requests, then what `/usage` says of them."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from cogs._errors import explain
from moderation.usage import ExportTooLargeError, UnknownPeriodError, UsageError
from tests.e2e.acting import asked, begun, limit
from tests.e2e.conftest import MANAGE_MESSAGES, MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

REFUSED = "That is for"


def sent_file(message: Any) -> bytes:
    content: bytes = message.attachments[0].data
    return content


def requests_in(text: str) -> int:
    [count] = re.findall(r": ([\d,]+) requests?, ", text)
    return int(count.replace(",", ""))


async def usage(stage: Stage, person: Any, name: str, place: Any = None, /, **options: Any) -> Any:
    """The answer to a command, whose options may name a channel."""
    interaction = await person.slash(place or stage.channel, f"usage {name}", **options)
    await interaction.answered()
    await stage.settled()
    return next(message for message in interaction.messages if not message.deleted)


async def chart(stage: Stage, person: Any, place: Any = None, /, **options: Any) -> str:
    """The description of the picture that comes."""
    shown = await usage(stage, person, "chart", place, **options)
    assert shown.ephemeral
    [attachment] = shown.attachments
    picture = Image.open(io.BytesIO(attachment.data))
    assert (picture.format, picture.size, attachment.filename) == ("PNG", (800, 500), "usage.png")
    description: str = attachment.description
    return description


async def test_requests_show_in_reports_charts_and_tables(stage: Stage) -> None:
    quiet = stage.guild.add_text_channel("quiet")
    for person, channel in ((stage.ada, stage.channel), (stage.ada, quiet), (stage.tom, stage.channel)):
        await stage.ask(person, "hello there", answer="The sea is calm.", channel=channel)
    await stage.command(stage.ada, "complete", prompt="At night")

    own = (await usage(stage, stage.ada, "me")).content
    assert own.startswith("**You**, ")
    assert requests_in(own) == 3
    assert re.search(r"^That is about \w+ .*of what this server used\.$", own, re.MULTILINE)
    assert f"- `{MODEL}` 100% · " in own
    assert "Waiting: half of the questions got their turn within " in own

    server = (await usage(stage, stage.moderator, "server", period="week")).content
    assert requests_in(server) == 4
    people = re.findall(r"^- <@(\d+)> (\d+)% ", server, re.MULTILINE)
    assert {int(user_id) for user_id, _ in people} == {stage.ada.user.id, stage.tom.user.id}
    assert re.search(rf"^- <#{stage.channel.id}> \d+% · \d+ tokens, 3 requests$", server, re.MULTILINE)
    there = await usage(stage, stage.moderator, "channel", channel=quiet, period="day")
    assert there.content.startswith(f"**<#{quiet.id}>**, today (UTC): 1 request, ")
    assert requests_in((await usage(stage, stage.moderator, "channel")).content) == 3

    assert (await chart(stage, stage.moderator)).startswith("Tokens by day, Harbour. ")
    people_shown = await chart(stage, stage.moderator, what="user", period="year")
    assert re.search(r"Ada \d+ \(\d+%\), Tom \d+ \(\d+%\)\.$", people_shown)
    assert "in 1 request" in await chart(stage, stage.moderator, what="model", channel=quiet)
    assert (await chart(stage, stage.moderator, what="waits", **{"for": stage.tom.user})).startswith(
        "Waiting times, Tom. "
    )

    table = await usage(stage, stage.moderator, "export")
    assert table.ephemeral
    rows = list(csv.DictReader(io.StringIO(sent_file(table).decode("utf-8-sig"), newline="")))
    assert sum(int(row["requests"]) for row in rows) == 4
    tokens = sum(int(row["prompt_tokens"]) + int(row["completion_tokens"]) for row in rows)
    assert f" {tokens:,} tokens (" in server
    assert {(row["channel_name"], row["user"], row["kind"]) for row in rows} == {
        ("general", f"<@{stage.ada.user.id}>", "chat"),
        ("general", f"<@{stage.ada.user.id}>", "complete"),
        ("general", f"<@{stage.tom.user.id}>", "chat"),
        ("quiet", f"<@{stage.ada.user.id}>", "chat"),
    }

    assert "`fortnight`" in (await usage(stage, stage.ada, "me", period="fortnight")).content
    offered = await stage.ada.autocomplete(stage.channel, "usage me", focused="period", period="m")
    assert [choice.value for choice in offered] == ["month"]
    cog: Any = stage.bot and stage.bot.get_cog("UsageCommands")
    cog.drawer.available = False
    bars = await usage(stage, stage.moderator, "chart", what="user")
    assert re.search(r"^Ada +\d+ █{16}\nTom +\d+ █+\n```\n-# Pictures need", bars.content, re.MULTILINE)


async def test_each_sees_what_is_theirs(offstage: Stage) -> None:
    stage = offstage
    other = stage.world.add_guild("Lighthouse", owner=stage.tom.user)
    other.add_member(stage.ada.user)
    lobby, quiet = other.add_text_channel("lobby"), stage.guild.add_text_channel("quiet")
    stage.channel.set_permissions(stage.ada.user, allow=MANAGE_MESSAGES)
    async with running(stage, changed(stage.settings, allow_dms=True)) as bot:
        storage = bot.services.storage
        await stage.ask(stage.ada, "a secret", answer="Kept.", channel=lobby)
        nothing = "Nobody used me"
        for name in ("server", "channel"):
            assert (await usage(stage, stage.admin, name)).content.startswith(nothing)
        assert "nothing to draw" in (await usage(stage, stage.admin, "chart")).content
        theirs = await usage(stage, stage.admin, "chart", what="model", **{"for": stage.ada.user})
        assert "nothing to draw" in theirs.content
        assert sent_file(await usage(stage, stage.admin, "export")).count(b"\n") == 1
        assert (await usage(stage, stage.ada, "me")).content.startswith("You have not used me ")

        # Rights in one channel are enough for what is told of it alone.
        assert (await usage(stage, stage.ada, "channel")).content.startswith(nothing)
        for name, options in (
            ("server", {}), ("channel", {"channel": quiet}), ("export", {}), ("chart", {}),
            ("chart", {"channel": quiet}), ("chart", {"channel": stage.channel, "for": stage.tom.user}),
        ):  # fmt: skip
            assert (await usage(stage, stage.ada, name, **options)).content.startswith(REFUSED), (name, options)

        # In direct messages everything is about the person's own use.
        await stage.at_home(stage.ada, stage.tom)
        dms = {person: await person.open_dm() for person in (stage.ada, stage.tom)}
        for person, times in ((stage.ada, 2), (stage.tom, 1)):
            for _ in range(times):
                await stage.reply_to(await person.say(dms[person], "hello"))
        for name in ("me", "server", "channel"):
            assert requests_in((await usage(stage, stage.ada, name, dms[stage.ada])).content) == 2
        assert "in 2 requests" in await chart(stage, stage.ada, dms[stage.ada])
        table = sent_file(await usage(stage, stage.ada, "export", dms[stage.ada])).decode()
        assert str(stage.tom.user.id) not in table
        assert str(stage.ada.user.id) in table

        # Single requests are let go of after some weeks, what they came to is kept.
        cog: Any = bot.get_cog("Retention")
        long_ago = datetime.now(UTC) - timedelta(days=1)
        assert (await storage.usage.totals(other.id, long_ago)).requests == 1
        await cog.prune_usage(datetime.now(UTC) + timedelta(days=50))
        assert (await storage.usage.totals(other.id, long_ago)).requests == 0
        assert requests_in((await usage(stage, stage.ada, "me", lobby)).content) == 1


def test_every_error_has_words() -> None:
    errors = [UnknownPeriodError("two `moons`"), ExportTooLargeError(10 << 20)]
    assert {type(error) for error in errors} == set(UsageError.__subclasses__())
    texts = [explain(error).text for error in errors]
    assert "`two 'moons'`" in texts[0]
    assert "10 MiB" in texts[1]


async def test_direct_messages_count_against_their_home_and_show_there_as_one_sum(offstage: Stage) -> None:
    stage, beside = offstage, offstage.guild.add_text_channel("beside")
    async with running(stage, changed(stage.settings, allow_dms=True)):
        await stage.at_home(stage.ada, stage.tom)
        hers, his = await stage.ada.open_dm(), await stage.tom.open_dm()
        await stage.ask(stage.ada, "my secret", channel=hers)
        nobody, direct = (await usage(stage, stage.moderator, "server")).content.splitlines()
        assert nobody.startswith("Nobody used me")
        assert direct.startswith("-# Besides, members' direct messages that count against this server: 1 request, ")
        assert str(stage.ada.user.id) not in direct
        assert str(hers.id) not in direct

        await limit(stage, 3, scope_kind="guild", scope_id=stage.guild.id)
        stage.api.hold()
        said = [
            await stage.say(person, "at once", channel=place)
            for person, place in ((stage.ada, hers), (stage.ada, beside), (stage.tom, his), (stage.tom, stage.channel))
        ]
        await begun(stage, 4)
        stage.api.release()
        await stage.world.wait_until(lambda: all(any(by_bot_after(stage, one)) for one in said))
        await stage.settled()
        assert len(asked(stage)) == 4, "one before the limit, and three of four"
        text = (await usage(stage, stage.moderator, "server")).content
        counts = [int(count) for count in re.findall(r": (\d+) requests?, ", text)]
        assert sum(counts) == 4
        assert len(counts) == 2
        own = (await usage(stage, stage.ada, "me", hers)).content
        assert requests_in(own) in {1, 2}


def by_bot_after(stage: Stage, said: Any) -> Iterator[Any]:
    """What the bot answered, be it a refusal."""
    return (message for message in said.channel.messages if stage.by_bot(message) and message.id > said.id)
