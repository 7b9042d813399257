"""`/channel`: what is set, where it holds, who may set it, and conversations of one's own."""

from typing import Any

import pytest

from tests.e2e.acting import buttons
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

MANAGE_MESSAGES, EMBED_LINKS = 1 << 13, 1 << 14


async def put(stage: Stage, channel: Any = None, person: Any = None, **options: Any) -> Any:
    return await stage.command(person or stage.moderator, "channel set", channel, **options)


async def holding(stage: Stage, channel: Any = None, person: Any = None) -> list[str]:
    """What `/channel show` says, line by line."""
    shown = await stage.command(person or stage.tom, "channel show", channel)
    assert shown.ephemeral
    return list(shown.content.splitlines())


# --- set and show


async def test_threads_inherit_and_may_differ_and_show_says_where_each_comes_from(offstage: Stage) -> None:
    thread = offstage.channel.add_thread("plans", offstage.ada.user)
    async with running(offstage, offstage.settings):
        said = await put(offstage, trigger="keywords", keywords=" Luna, old  friend, luna", retention="30 days")
        assert not said.ephemeral
        assert said.content.splitlines() == [
            "From now on in this channel:",
            "`trigger` **keywords** (the keywords, and mentions)",
            "`keywords` `Luna`, `old friend`",
            "`retention` **30 days** (what is older is forgotten)",
        ]
        await put(offstage, swipe_rights="anyone", reply_style="embed", where="server")
        await put(offstage, thread, offstage.ada, trigger="off", retention="off", history_scope="user")
    async with running(offstage, offstage.settings):
        assert await holding(offstage, thread) == [
            "`trigger` **off** (commands only) · this thread",
            "`keywords` `Luna`, `old friend` · this thread's channel",
            "`history_scope` **user** (everyone has a conversation of their own) · this thread",
            "`swipe_rights` **anyone** (everyone) · this server",
            "`retention` **off** (messages are kept until somebody deletes them) · this thread",
            "`reply_style` **embed** (in a coloured frame) · this server",
            "`persona` **none** · the operator's default",
        ]
        back = await put(offstage, thread, offstage.ada, retention="Default", trigger="default")
        assert back.content.splitlines() == [
            "From now on in this thread:",
            "`trigger` **keywords** (the keywords, and mentions) again, set by this thread's channel",
            "`retention` **30 days** (what is older is forgotten) again, set by this thread's channel",
        ]
        await put(offstage, keywords="default", retention="default", trigger="mention")
        assert (await holding(offstage))[:3] == [
            "`trigger` **mention** (mentions and replies with a ping) · this channel",
            "`keywords` **none** · the operator's default",
            "`history_scope` **channel** (one conversation for all) · the operator's default",
        ]


async def test_what_is_set_for_the_server_but_not_here_says_so(stage: Stage) -> None:
    await put(stage, trigger="off")
    said = await put(stage, trigger="always", where="server")
    assert said.content.splitlines() == [
        "From now on in this server:",
        "`trigger` `always`, but not here: **off** (commands only) is set by this channel",
    ]


async def test_the_whole_server_is_for_who_moderates_all_of_it(stage: Stage) -> None:
    stage.channel.set_permissions(stage.tom.user, allow=MANAGE_MESSAGES)
    thread = stage.channel.add_thread("plans", stage.ada.user)
    assert "From now on in this channel" in (await put(stage, person=stage.tom, trigger="off")).content
    for channel, person in ((stage.channel, stage.tom), (thread, stage.ada)):
        refusal = await put(stage, channel, person, trigger="off", where="server")
        assert (refusal.content, refusal.ephemeral) == (
            "That is for moderators.",
            True,
        )
    assert "From now on in this server" in (await put(stage, person=stage.admin, trigger="off", where="server")).content


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "What shall I set? Choose at least one of the options."),
        ({"keywords": ", ,"}, "Type at least one keyword"),
        ({"keywords": ",".join(map(str, range(21)))}, "A channel has up to 20 keywords."),
        ({"trigger": "off", "retention": "0"}, "`retention` takes 1 to 3,650 days, `off` or `default`, not `0`."),
    ],
)
async def test_what_cannot_be_set_is_refused_in_words_and_changes_nothing(
    stage: Stage, options: dict[str, str], words: str
) -> None:
    refusal = await put(stage, **options)
    assert words in refusal.content
    assert refusal.ephemeral
    assert all(line.endswith("the operator's default") for line in await holding(stage))


async def test_embeds_that_the_bot_may_not_send_are_told(stage: Stage) -> None:
    stage.channel.set_permissions(stage.guild.everyone, deny=EMBED_LINKS)
    problem = "-# ⚠️ I lack the permission Embed Links here, so my replies stay plain."
    assert problem in (await put(stage, reply_style="embed")).content
    assert (await holding(stage))[-1] == problem
    assert problem not in (await put(stage, retention="5")).content


async def test_direct_messages_have_no_trigger(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        dm = await offstage.ada.open_dm()
        await offstage.at_home(offstage.ada)
        shown = await holding(offstage, dm, offstage.ada)
        assert [line.partition(" ")[0] for line in shown] == [
            "`swipe_rights`",
            "`retention`",
            "`reply_style`",
            "`persona`",
        ]
        refusal = await put(offstage, dm, offstage.ada, trigger="off")
        assert refusal.content.startswith("`trigger` is for servers")
        assert "**3 days**" in (await put(offstage, dm, offstage.ada, retention="3")).content


# --- conversations of one's own


async def test_each_person_has_a_conversation_of_their_own_and_may_reset_and_restore_it(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await put(offstage, history_scope="user")
        await offstage.ask(offstage.ada, "the harbour is blue", answer="Blue it is.")
        await offstage.ask(offstage.tom, "the harbour is red", answer="Red it is.")
        assert "blue" not in offstage.said_to_model
        await offstage.command(offstage.ada, "chat", message="which colour?")
        assert "blue" in offstage.said_to_model
        assert "red" not in offstage.said_to_model
        divider = await offstage.command(offstage.ada, "reset")
        assert f"**New conversation for <@{offstage.ada.user.id}>.**" in divider.content
        await offstage.ask(offstage.ada, "hello again")
        assert "blue" not in offstage.said_to_model
        await offstage.ask(offstage.tom, "which colour?")
        assert "red" in offstage.said_to_model
    async with running(offstage, offstage.settings):
        refusal = await offstage.press(offstage.tom, divider, "Restore")
        assert refusal.ephemeral
        assert refusal.content.startswith("That is for")
        await offstage.press(offstage.moderator, divider, "Restore")
        await offstage.ask(offstage.ada, "which colour was it?")
        assert "blue" in offstage.said_to_model
        await offstage.ask(offstage.moderator, "and mine?")
        assert "blue" not in offstage.said_to_model


async def test_a_reset_is_not_restored_into_a_conversation_that_nobody_sees(stage: Stage) -> None:
    await put(stage, history_scope="user")
    await stage.ask(stage.ada, "one")
    divider = await stage.command(stage.ada, "reset")
    await put(stage, history_scope="default")
    refusal = await stage.press(stage.ada, divider, "Restore")
    assert refusal.content == "This belongs to something that has changed since."
    assert buttons(divider) == ["Restore"]


async def test_a_failed_reply_is_retried_in_the_conversation_of_who_asked(stage: Stage) -> None:
    await put(stage, history_scope="user")
    await stage.ask(stage.ada, "the harbour is blue")
    stage.api.faults.add("status", times=None, status=400)
    failed = await stage.ask(stage.ada, "which colour?")
    stage.api.faults.clear()
    await stage.press(stage.moderator, failed, "Retry")
    await stage.world.wait_until(lambda: len(stage.prompts) > 2)
    await stage.settled()
    assert "the harbour is blue" in stage.said_to_model
    await stage.ask(stage.ada, "and now?", answer="Night.")
    assert "which colour?" in stage.said_to_model
