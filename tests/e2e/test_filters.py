"""What filters keep from being said: all versions of every message that Discord ever showed are looked at."""

import asyncio
import json
from typing import Any

import pytest

from cogs._log_posts import LogPosts
from storage import AuditFilter, ConversationKey, Scope
from tests.e2e.acting import allow_long_replies, buttons, quiet, shown, slow_text, stored
from tests.e2e.characters import card_file, taken_in, use
from tests.e2e.conftest import Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")

MANAGE_GUILD = 1 << 5
STOPPED = "\n-# 🛡️ This server's filter stopped the reply here."


async def put(stage: Stage, text: str, kind: str = "words", **options: Any) -> str:
    """Add a filter as a moderator."""
    interaction = await stage.moderator.slash(stage.channel, "filter add", {"kind": kind, "text": text, **options})
    answer = (await interaction.answered()).response
    await stage.settled()
    assert answer.ephemeral
    return str(answer.content)


def versions(stage: Stage, channel: Any = None) -> list[str]:
    """Everything that the bot's messages ever said, those that are gone, too."""
    everything = [m for m in stage.world._state.messages.values() if m.channel is (channel or stage.channel)]
    said = [content for m in everything if m.author.id == stage.world.bot.id for _, content in m.history]
    return [text for text in said if not text.startswith("From now on: ")]


async def head_words(stage: Stage) -> list[str]:
    """What the channel's history says, oldest first."""
    assert stage.bot is not None
    history = stage.bot.services.storage.history
    head = await history.head(ConversationKey(stage.guild.id, stage.channel.id))
    if head is None:
        return []
    return [m.content async for page in history.path(stage.guild.id, head) for m in page][::-1]


async def test_what_is_asked_is_refused_masked_flagged_or_forgotten(stage: Stage) -> None:
    assert stage.bot is not None
    log = stage.guild.add_text_channel("log")
    settings, everywhere = stage.bot.services.storage.settings, Scope("guild", stage.guild.id)
    await settings.put(stage.guild.id, everywhere, "log_channel", log.id, stage.admin.user.id)
    posts = stage.bot.services.filters.on_flag
    assert isinstance(posts, LogPosts)
    posts.spacing_seconds = 2.0
    assert "**block** words `bad dog, *vile*`" in await put(stage, "bad dog, *vile*,")
    await put(stage, "secret*", action="mask", where="asked")
    await put(stage, "rumour", action="flag")
    said = await stage.say(stage.ada, "you BAD\u200b  dog")
    refusal = await stage.reply("I cannot answer this.")
    assert said.reaction("🚫")
    why = await stage.press(stage.ada, refusal, "Why?")
    assert why.ephemeral
    assert "not allowed in this server" in why.content
    assert "dog" not in why.content
    assert await head_words(stage) == []
    refused = await stage.command(stage.tom, "chat", message="how **v**ile")
    assert refused.ephemeral
    assert refused.content == why.content
    answered = await stage.command(stage.tom, "chat", message="My secretary knows a rumour")
    await stage.world.wait_until(lambda: "🔄" in buttons(answered))
    assert "> My ▇▇▇▇▇▇ary knows a rumour" in answered.content
    assert "My ▇▇▇▇▇▇ary knows a rumour" in stage.said_to_model
    assert (await head_words(stage))[0] == "My ▇▇▇▇▇▇ary knows a rumour"
    completed = await stage.command(stage.tom, "complete", prompt="A secret")
    await quiet(stage)
    assert completed.content.startswith("> A ▇▇▇▇▇▇\n")
    assert stage.completions[-1].body["prompt"] == "A ▇▇▇▇▇▇"
    assert (await stage.command(stage.tom, "complete", prompt="vile")).content == why.content
    file = ("notes.txt", b"a very bad dog")
    await stage.say(stage.ada, "read this", files=[file])
    await stage.world.wait_until(lambda: sum("I cannot answer" in text for text in versions(stage)) == 2)
    assert len(stage.prompts) == 1
    tom, here = stage.tom.user.id, f"<#{stage.channel.id}>"
    await stage.world.wait_until(lambda: sum(len(message.content.splitlines()) for message in log.messages) >= 6)
    told = [line.partition(" · [look there](https://")[0] for m in log.messages for line in m.content.splitlines()]
    assert told == [
        f"🛡️ I refused what <@{stage.ada.user.id}> said in {here}: `bad dog`",
        f"🛡️ I refused what <@{tom}> said in {here}: `*vile*`",
        f"🚩 <@{tom}> said something in {here}: `rumour`",
        f"🚩 I answered <@{tom}> in {here}: `rumour`",
        f"🛡️ I refused what <@{tom}> said in {here}: `*vile*`",
        f"🛡️ I refused what <@{stage.ada.user.id}> said in {here}: `bad dog`",
    ]
    assert len(log.messages) < 6
    records = await stage.bot.services.audit.page(stage.guild.id, AuditFilter(action="filter add"))
    assert [entry.after["text"] for entry in records] == ["rumour", "secret*", "bad dog, *vile*"]
    said = await stage.say(stage.ada, "one", answer="A reply.")
    reply = await stage.reply_to(said)
    await stage.ada.edit(said, f"{stage.mention} a vile thing")
    await stage.remembered(said, "")
    await stage.world.wait_until(lambda: said.reaction("🚫") is not None)
    await stage.ada.edit(said, f"{stage.mention} a nice thing")
    await stage.remembered(said, "a nice thing")
    assert not any(word in text for text in versions(stage) for word in ("vile", "dog", "secret"))
    assert reply.content.startswith("A reply.")


async def test_a_reply_ends_where_it_is_not_allowed_to_go_on(stage: Stage) -> None:
    await put(stage, "kill yourself, *dread*", where="answered")
    stage.api.tokens_per_second = 60
    stage.api.hold(after_tokens=20)
    before = f"{slow_text(45)} "
    said = await stage.say(
        stage.ada, "go", answer=f"{before}please k**ill** your\u200bself now, or else {slow_text(20)}"
    )
    await stage.reply("w0")
    stage.api.release()
    reply = await stage.reply_to(said)
    await stage.settled()
    assert reply.content == f"{before}please{STOPPED}"
    assert (await stored(stage, reply)).content == f"{before}please "
    assert (await stored(stage, reply)).finish_reason == "filtered"
    streamed = [text for text in versions(stage) if text]
    assert len(streamed) >= 2
    assert not any("ill" in text.removesuffix(STOPPED) for text in streamed)
    stage.api.tokens_per_second = 2000
    stage.api.replies.add("dreadful.")
    await stage.press(stage.ada, reply, "🔄")
    await stage.world.wait_until(lambda: "filter stopped the reply." in reply.content)
    assert reply.content.startswith(f"{before}please")
    assert "1/" not in "".join(buttons(reply))
    await quiet(stage)
    stage.api.replies.add("kill")
    await stage.press(stage.ada, reply, "⏩")
    await stage.world.wait_until(lambda: "please kill" in reply.content)
    await quiet(stage)
    stage.api.replies.add("yourself.")
    await stage.press(stage.ada, reply, "⏩")
    await stage.world.wait_until(lambda: "filter stopped the reply." in reply.content)
    await quiet(stage)
    assert (await stored(stage, reply)).content == f"{before}please kill"
    opened = await stage.ada.click(reply, label="✏️")
    await opened.answered()
    submitted = await stage.ada.submit(opened, text="I dread you.")
    await stage.world.wait_until(lambda: any("allowed" in message.content for message in submitted.messages))
    told = submitted.messages[-1]
    assert told.ephemeral
    assert "not allowed in this server" in told.content
    assert (await stored(stage, reply)).content == f"{before}please kill"
    await put(stage, "love", action="mask", where="answered")
    opened = await stage.ada.click(reply, label="✏️")
    await opened.answered()
    await stage.ada.submit(opened, text="I love you.")
    await stage.remembered(reply, "I ▇▇▇▇ you.")
    await quiet(stage)
    assert reply.content == "I ▇▇▇▇ you."
    assert not any(word in text for text in versions(stage) for word in ("yourself", "dread", "love"))


async def test_a_pattern_without_a_limit_shows_replies_whole_where_it_holds(stage: Stage) -> None:
    elsewhere = stage.guild.add_text_channel("elsewhere")
    await allow_long_replies(stage)
    told = await put(
        stage, r"\d+ (?:street|road)", kind="pattern", action="mask", where="answered", channel=stage.channel
    )
    assert "shown only once they are written" in told
    stage.api.tokens_per_second = 300
    text = f"I live at 12345 Street, {slow_text(60)}"
    reply = await stage.ask(stage.ada, "where", answer=text)
    assert {content for _, content in reply.history if content} == {text.replace("12345 Street", "▇▇▇▇▇ ▇▇▇▇▇▇")}
    assert (await stored(stage, reply)).content == reply.content
    other = await stage.ask(stage.ada, "where", answer=text, channel=elsewhere)
    assert other.content == text
    stage.api.faults.add("cut", after_tokens=20)
    broken = await stage.ask(stage.ada, "where", answer=text)
    assert broken.content.startswith("I live at ▇▇▇▇▇ ▇▇▇▇▇▇")
    assert "broke off" in broken.content
    stage.api.hold(after_tokens=30)
    stage.api.replies.add(text)
    await stage.say(stage.ada, "again")
    await stage.world.wait_until(lambda: stage.api.gate.waiting)
    await asyncio.sleep(0.1)  # until what was sent has arrived; nothing of it is shown
    await stage.command(stage.ada, "stop")
    stage.api.release()
    assert "12345" not in "".join(versions(stage))


async def test_greetings_and_imports_are_filtered(stage: Stage) -> None:
    await put(stage, "vile")
    await put(stage, "secret", action="mask")
    await taken_in(
        stage, stage.moderator, card_file(first_mes="You vile one.", alternate_greetings=["A secret.", "Hi."])
    )
    await use(stage)
    greeting = await stage.reply("A ▇▇▇▇▇▇.")
    assert "1/2" in buttons(greeting)
    lines = ({"mes": "A vile thing", "is_user": True, "name": "Ada"}, {"mes": "My secret", "name": "Mira"})
    chat = "\n".join(map(json.dumps, lines)).encode()
    imported = await stage.command(stage.moderator, "history import", file=("chat.jsonl", chat))
    assert "filter emptied 1 message" in imported.content
    assert await head_words(stage) == ["", "My ▇▇▇▇▇▇"]
    lines = ({"mes": "Hi", "is_user": True, "name": "Vile Ada"}, {"mes": "Hm", "name": "Secret Mira"})
    named = ("chat.jsonl", "\n".join(map(json.dumps, lines)).encode())
    await stage.command(stage.moderator, "history import", file=named)
    await stage.ask(stage.ada, "go")
    assert not any(word in stage.said_to_model for word in ("Vile", "Secret"))
    assert not any(word in text for text in versions(stage) for word in ("vile", "secret"))


async def test_moderators_list_try_and_remove_filters_and_let_automod_hold(stage: Stage) -> None:
    await put(stage, "cat*, dog", action="mask")
    await put(stage, "co{1,3}w", kind="pattern", where="answered")
    listed = (await stage.command(stage.moderator, "filter list")).content.splitlines()
    assert listed == [
        "- **mask** words `cat*, dog` · what is asked and answered",
        "- **block** pattern `co{1,3}w` · what I answer",
    ]
    tried = (await stage.command(stage.moderator, "filter test", text="A COOW and *cats*")).content.splitlines()
    assert tried == [
        "**what people ask**: masked: A COOW and \\*▇▇▇s\\*",
        "- **mask** `cat*`: `cat`",
        "**what I answer**: the reply ends there.",
        "- **block** `co{1,3}w`: `COOW`",
    ]
    for kind, text, problem in (
        ("pattern", "(a", "understand"),
        ("pattern", "x*", "everywhere"),
        ("words", "*", "no word"),
    ):
        assert problem in await put(stage, text, kind=kind)
    suggested = await stage.moderator.autocomplete(stage.channel, "filter remove", focused="filter", filter="CO")
    assert len(suggested) == 1
    removed = await stage.command(stage.moderator, "filter remove", filter=suggested[0].value)
    assert "No longer: **block** pattern" in removed.content
    assert "no such filter" in (await stage.command(stage.moderator, "filter remove", filter="12")).content
    assert "no such filter" in (await stage.command(stage.moderator, "filter remove", filter="x")).content
    assert shown(stage) == []
    [left] = await stage.moderator.autocomplete(stage.channel, "filter remove", focused="filter", filter="")
    await stage.command(stage.moderator, "filter remove", filter=left.value)
    rule = stage.guild.add_automod_rule("Rude", keywords=["heck*"], allowed=["heckle"], patterns=["da+rn", "(?P<a"])
    told = await stage.command(stage.moderator, "filter automod", honour=True)
    assert "Manage Server" in told.content
    bot_role = stage.guild.bot_role
    bot_role.edit(permissions=bot_role.permissions | MANAGE_GUILD)
    told = await stage.command(stage.moderator, "filter automod", honour=True)
    assert "1 word of 1 rule" in told.content
    assert "1 of their patterns" in told.content
    await stage.say(stage.ada, "what the HECK")
    await stage.reply("I cannot answer this.")
    await stage.ask(stage.ada, "do not heckle")
    test = await stage.command(stage.moderator, "filter test", text="oh daaarn, heckler")
    assert "refused" in test.content
    assert "`da+rn` of AutoMod: `daaarn`" in test.content
    rule.edit(keywords=["golly"], patterns=[])
    for _ in range(50):
        test = await stage.command(stage.moderator, "filter test", text="by golly", where="asked")
        if "refused" in test.content:
            break
    assert "`golly` of AutoMod: `golly`" in test.content
    listed = await stage.command(stage.moderator, "filter list")
    assert "AutoMod hold" in listed.content
    await stage.command(stage.moderator, "filter automod", honour=False)
    assert "nothing is looked for" in (await stage.command(stage.moderator, "filter test", text="golly")).content
