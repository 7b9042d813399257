"""Limits as people meet them: refused privately and in words, or last in line; and the line as moderators see it."""

import asyncio
from typing import Any

import pytest

from bot import open_services
from storage import AuditFilter, ConversationKey
from storage.records import utc_now
from tests.e2e.acting import asked, begun, buttons, limit, prompt, quiet, shown, slow_text
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

PAST = "You have used up your 1 request per day."


async def told_alone(stage: Stage, interaction: Any) -> Any:
    """What is answered in the end, which nobody else can see."""
    await interaction.answered()
    await stage.world.wait_until(lambda: interaction.response is not None and interaction.response.content)
    assert interaction.response.ephemeral
    assert all(message.deleted for message in interaction.messages if not message.ephemeral)
    return interaction.response


async def pressed(stage: Stage, person: Any, message: Any, label: str) -> Any:
    """What a button of a reply says to the person alone."""
    return await told_alone(stage, await person.click(message, label=label))


async def used(stage: Stage) -> dict[str, int]:
    """What is counted now, by unit and period."""
    assert stage.bot is not None
    listed = (await stage.command(stage.moderator, "limit list")).content
    found = {}
    for line in listed.splitlines():
        kind, _, rest = line.partition("** (")
        found[kind.partition("**")[2]] = int(rest.partition("· ")[2].partition(" ")[0].replace(",", "") or -1)
    return found


async def test_a_hard_limit_refuses_everywhere_privately_and_in_words(stage: Stage) -> None:
    await stage.command(
        stage.moderator, "limit set", amount=1, unit="requests", per="day", user=stage.ada.user, hard=True
    )
    await limit(stage, 900, scope_kind="guild", unit="tokens", hard=False)
    reply = await stage.ask(stage.ada, "one", answer="The first.")
    refused = await stage.say(stage.ada, "two")
    line = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is refused)
    assert refused.reaction("🚫")
    assert (line.content, buttons(line)) == ("-# I cannot answer this.", ["Why?"])
    own = await stage.press(stage.ada, line, "Why?")
    assert own.ephemeral
    assert own.content.startswith(PAST)
    assert "of this server's 900 tokens per day, until <t:" in own.content
    others = await stage.press(stage.tom, line, "Why?")
    assert others.content.startswith("You may ask me now.")
    for name, options in (
        ("chat", {"message": "three"}),
        ("chat", {"message": "four", "private": True}),
        ("complete", {"prompt": "five"}),
        ("regenerate", {}),
        ("continue", {}),
    ):
        told = await told_alone(stage, await stage.ada.slash(stage.channel, name, **options))
        assert told.content.startswith(PAST), name
    for label in ("🔄", "⏩"):
        assert (await pressed(stage, stage.ada, reply, label)).content.startswith(PAST)
    await quiet(stage)
    assert len(asked(stage)) == 1
    assert reply.content == "The first."
    assert stage.bot is not None
    assert await stage.bot.services.storage.history.by_discord_id(stage.guild.id, refused.id) is None
    assert all(request.status == 200 for request in stage.api.requests)
    await stage.ask(stage.tom, "six", answer="Others go on.")


async def test_a_grant_lets_somebody_go_on_and_each_change_is_recorded(stage: Stage) -> None:
    assert stage.bot is not None
    moderator = stage.moderator
    await stage.command(moderator, "limit set", amount=1, unit="requests", per="day", each="user", hard=True)
    await stage.ask(stage.ada, "one")
    await stage.say(stage.ada, "two")
    await stage.reply("I cannot answer this.")
    told = await stage.command(
        moderator, "limit grant", user=stage.ada.user, amount=1, unit="requests", **{"for": "2h"}
    )
    assert told.ephemeral
    assert "1 request extra" in told.content
    await stage.ask(stage.ada, "three", answer="With what was granted.")
    listed = await stage.command(moderator, "limit list")
    assert "Each person: **1 request per day** (hard)" in listed.content
    assert "extra in each of their own limits until" in listed.content
    [choice] = await moderator.autocomplete(stage.channel, "limit remove", focused="limit", limit="requests")
    assert "free again" in (await stage.command(moderator, "limit remove", limit=choice.value)).content
    assert "no such limit" in (await stage.command(moderator, "limit remove", limit=choice.value)).content
    both = await stage.command(
        moderator, "limit set", amount=1, unit="tokens", per="hour", each="user", role=stage.guild.everyone
    )
    assert "Name one of them" in both.content
    await stage.command(moderator, "limit weight", role=stage.guild.everyone, weight=3)
    assert "@everyone weighs 3" in (await stage.command(moderator, "limit list")).content
    entries = await stage.bot.services.storage.audit.page(stage.guild.id, AuditFilter())
    actions = [entry.action for entry in reversed(entries)]
    assert actions[:3] == ["limit set", "limit grant", "limit remove"]
    assert len(actions) == 4, "the weight is a setting"


async def test_what_is_counted_is_what_was_used(stage: Stage) -> None:
    guild: dict[str, Any] = {"scope_kind": "guild", "scope_id": 0}
    await limit(stage, 1000, **guild, hard=False)
    await limit(stage, 100_000, **guild, unit="tokens")
    await stage.ask(stage.ada, "one", answer="One.")
    await stage.ask(stage.tom, "two", answer="Two.")
    totals = await stage.bot.services.storage.usage.totals(stage.guild.id, utc_now().replace(hour=0, minute=0))  # type: ignore[union-attr]  # it runs
    assert await used(stage) == {"1,000 requests per day": 2, "100,000 tokens per day": totals.tokens}
    stage.api.faults.add("status", times=None, status=400)
    failed = await stage.ask(stage.ada, "this fails")
    assert "⚠️" in failed.content
    assert (await used(stage))["1,000 requests per day"] == 2, "what the service refused costs nothing"


async def test_a_long_prompt_is_refused_before_it_is_kept(stage: Stage) -> None:
    await limit(stage, 600, unit="tokens")
    await stage.ask(stage.ada, "short", answer="Short.")
    refused = await stage.say(stage.ada, "word " * 300)
    line = await stage.world.wait_for_message(stage.channel, lambda message: message.reply_to is refused)
    why = (await stage.press(stage.ada, line, "Why?")).content
    assert "There is not enough left of your 600 tokens per day for this: it takes about" in why
    await quiet(stage)
    assert len(asked(stage)) == 1


async def test_many_at_once_do_not_pass_a_hard_limit(stage: Stage) -> None:
    """All are admitted before any has begun; the ones too many are told when their turn comes."""
    await limit(stage, 3, scope_kind="guild")
    stage.api.first_token_seconds = 0.05
    channels = [stage.guild.add_text_channel(f"many-{number}") for number in range(8)]
    await asyncio.gather(*(stage.say(stage.ada, "hello", channel=channel) for channel in channels))
    for channel in channels:
        await stage.world.wait_for_message(channel, stage.by_bot)
    await quiet(stage)
    assert len(asked(stage)) == 3
    told = [message for channel in channels for message in shown(stage, channel) if "⚠️" in message.content]
    if told:  # what others see names neither the person nor what they used
        assert "A limit here has no room for this" in told[0].content
        assert (await pressed(stage, stage.ada, told[0], "Retry")).content.startswith("This server has used up")


async def test_the_best_role_counts_also_for_what_was_missed_and_a_kill_leaves_nothing_behind(offstage: Stage) -> None:
    stage = offstage
    mods = next(role for role in stage.guild.roles.values() if role.name == "mods")
    async with running(stage, stage.settings) as bot:
        await limit(stage, 1, scope_kind="role", scope_id=stage.guild.id)
        await limit(stage, 3, scope_kind="role", scope_id=mods.id)
        for person in (stage.ada, stage.moderator, stage.moderator):
            await stage.ask(person, "hello")
        limiter, key = bot.services.limiter, ConversationKey(stage.guild.id, stage.channel.id)
        assert (await limiter.standing(key, stage.ada.user.id)).refused
        assert not (await limiter.standing(key, stage.moderator.user.id)).refused
        abandoned = await limiter.reserve(key, [stage.moderator.user.id], 10, over=False)
        assert abandoned.reserved is not None
        async with open_services(stage.settings):  # a process that takes over while this one still answers
            assert (await limiter.standing(key, stage.moderator.user.id)).refused
    missed = [await stage.say(person, "while you were away") for person in (stage.ada, stage.moderator)]
    async with running(stage, stage.settings):
        await stage.reply_to(missed[1])
        await stage.world.wait_until(lambda: missed[0].reaction("🚫"))
        assert len(asked(stage)) == 4


async def test_two_servers_and_their_direct_messages_are_apart(offstage: Stage) -> None:
    stage = offstage
    other = stage.world.add_guild("Lighthouse", owner=stage.ada.user)
    other.add_member(stage.tom.user)
    place = other.add_text_channel("general")
    async with running(stage, changed(stage.settings, allow_dms=True)):
        await limit(stage, 1)
        await stage.at_home(stage.ada)
        await stage.ask(stage.ada, "one")
        for _ in range(2):
            await stage.ask(stage.ada, "there is no limit here", channel=place)
        direct = await stage.ada.open_dm()
        await stage.ada.say(direct, "and here?")
        await stage.world.wait_for_message(direct, lambda message: message.content.startswith(PAST))
        assert len(asked(stage)) == 3


async def test_a_soft_limit_makes_last_but_wastes_no_idle_key(offstage: Stage) -> None:
    stage = offstage
    stage.api.add_key("sk-local", None, 1)
    async with running(stage, changed(stage.settings, parallel_requests=1)) as bot:
        await limit(stage, 1, hard=False)
        await stage.ask(stage.ada, "one")
        await stage.ask(stage.ada, "an idle key answers at once")
        stage.api.faults.add("slow", tokens_per_second=50)
        stage.api.replies.add(slow_text(16))
        elsewhere = [stage.guild.add_text_channel(f"other-{number}") for number in range(2)]
        await stage.moderator.say(elsewhere[0], f"{stage.mention} something long")
        await begun(stage, 3)
        queue = bot.services.conversations._generator._queue
        await stage.ada.say(stage.channel, f"{stage.mention} past my limit")
        await stage.world.wait_until(lambda: len(queue) == 1)
        await stage.tom.say(elsewhere[1], f"{stage.mention} within my limit")
        await stage.world.wait_until(lambda: len(queue) == 2)
        interaction = await stage.moderator.slash(stage.channel, "queue show")
        first, second = (await interaction.answered()).response.content.splitlines()
        assert first.startswith(f"- <@{stage.tom.user.id}> in <#{elsewhere[1].id}>: ")
        assert "past a limit" in second
        await begun(stage, 5)
        await quiet(stage)
        assert ["within my limit" in prompt(request) for request in asked(stage)[3:]] == [True, False]


async def test_a_moderator_sends_away_those_who_wait(offstage: Stage) -> None:
    stage = offstage
    stage.api.add_key("sk-local", None, 1)
    async with running(stage, changed(stage.settings, parallel_requests=1)) as bot:
        assert "Nobody waits" in (await stage.command(stage.moderator, "queue show")).content
        stage.api.faults.add("slow", tokens_per_second=50)
        stage.api.replies.add(slow_text(16))
        elsewhere = [stage.guild.add_text_channel(f"other-{number}") for number in range(2)]
        await stage.moderator.say(elsewhere[0], f"{stage.mention} something long")
        await begun(stage)
        await stage.ada.say(stage.channel, f"{stage.mention} apples")
        await stage.tom.say(elsewhere[1], f"{stage.mention} pears")
        await stage.world.wait_until(lambda: len(bot.services.conversations._generator._queue) == 2)
        cleared = await stage.moderator.slash(stage.channel, "queue clear", user=stage.ada.user)
        assert "One question sent away" in (await cleared.answered()).response.content
        gone = await stage.reply("A moderator sent away those who waited.")
        assert buttons(gone) == ["Retry"]
        await quiet(stage)
        assert [("apples" in prompt(request), "pears" in prompt(request)) for request in asked(stage)] == [
            (False, False), (False, True),
        ]  # fmt: skip
        assert "w15" in shown(stage, elsewhere[0])[0].content, "what was being written went on"
        entries = await bot.services.storage.audit.page(stage.guild.id, AuditFilter(action="queue clear"))
        assert [(entry.subject, entry.before) for entry in entries] == [(f"user:{stage.ada.user.id}", "1 waiting")]
        stage.api.replies.add("Now, then.")
        await stage.press(stage.ada, gone, "Retry")
        await stage.world.wait_until(lambda: gone.content == "Now, then.")
        await quiet(stage)
