"""`/history`: what the next prompt contains, searching, branches, and conversations as files."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chat.transcripts import MAX_BYTES, MAX_MESSAGES
from playground.discord import Upload
from storage import ConversationKey, StorageUnavailableError, TranscriptMessage
from tests.e2e.conftest import Stage, changed, running
from tests.e2e.test_turns import being_written, turns_of

pytestmark = pytest.mark.usefixtures("no_rate_limits")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHAT = [
    {"user_name": "Ada", "character_name": "Cara", "chat_metadata": {}},
    {"name": "Ada", "is_user": True, "mes": "where is the key?", "send_date": "2026-03-01T12:00:00Z"},
    {
        "name": "Cara",
        "is_user": False,
        "mes": "under the mat",
        "swipes": ["in the lake", "under the mat"],
        "swipe_id": 1,
    },
]


def as_file(*lines: Any, name: str = "chat.jsonl") -> Upload:
    return Upload(name, "\n".join(json.dumps(line) for line in lines).encode())


def sent_file(message: Any) -> bytes:
    """The file of an answer."""
    [attachment] = message.attachments
    return bytes(attachment.data)


async def imported(stage: Stage, *lines: Any) -> tuple[Any, Any]:
    """The two answers to an import: the private one and what the channel sees."""
    interaction = await stage.moderator.slash(stage.channel, "history import", file=as_file(*lines))
    await stage.world.wait_until(lambda: len(interaction.messages) == 2)
    private, public = interaction.messages
    return private, public


async def take_in(stage: Stage, file: Any, person: Any = None, channel: Any = None) -> Any:
    """The private answer to an import."""
    return await stage.command(person or stage.moderator, "history import", channel, file=file)


async def graft(stage: Stage, *contents: str, **place: Any) -> int:
    """A conversation that is there already; its head."""
    assert stage.bot is not None
    key = ConversationKey(**{"guild_id": stage.guild.id, "channel_id": stage.channel.id, **place})
    messages = [
        TranscriptMessage(n - 1 if n else None, "assistant" if n % 2 else "user", content, NOW)
        for n, content in enumerate(contents)
    ]
    return (await stage.bot.services.storage.history.graft(key, messages, len(messages) - 1)).head


# --- show


async def test_show_tells_what_the_next_prompt_contains(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.tom, "two", answer="second")
    shown = await stage.command(stage.ada, "history show")
    assert shown.ephemeral
    assert "contains 4 messages" in shown.content
    lines = shown.content.partition("```\n")[2].partition("\n```")[0].splitlines()
    await stage.ask(stage.ada, "three")
    sent = stage.prompts[-1][1:-1]
    assert lines == [f"{message['role']}: {message['content']}" for message in sent]
    assert lines[0] == "user: Ada: one"


async def test_show_follows_undo_and_reset_and_shows_the_newest_only(stage: Stage) -> None:
    for number in range(4):
        await stage.ask(stage.ada, f"question {number}", answer=f"answer {number}")
    shown = (await stage.command(stage.ada, "history show", messages=2)).content
    assert "8 messages of this conversation; the newest 2:" in shown
    assert "user: question 3\nassistant: answer 3" in shown
    assert "answer 2" not in shown
    await stage.command(stage.ada, "undo")
    shown = (await stage.command(stage.ada, "history show")).content
    assert "answer 2" in shown
    assert "question 3" not in shown
    await stage.command(stage.moderator, "reset")
    assert "empty" in (await stage.command(stage.ada, "history show")).content


async def test_long_messages_are_shortened_and_cannot_leave_their_block(stage: Stage) -> None:
    await graft(stage, *["```\n@everyone " + "x" * 3000] * 30)
    shown = (await stage.command(stage.ada, "history show", messages=25)).content
    assert len(shown) <= 2000
    assert shown.count("```") == 2
    assert shown.count("…") == 25


# --- search


async def test_search_lists_the_newest_first_with_links(stage: Stage) -> None:
    said = await stage.say(stage.ada, "the grey harbour", answer="A Harbour is never grey.")
    reply = await stage.reply_to(said)
    await stage.ask(stage.tom, "a red harbour", answer="no")
    shown = await stage.command(stage.ada, "history search", words="HARBOUR grey")
    assert shown.ephemeral
    first, second = shown.content.splitlines()
    where = f"https://discord.com/channels/{stage.guild.id}/{stage.channel.id}"
    assert "me: A Harbour is never grey." in first
    assert f"<{where}/{reply.id}>" in first
    assert "Ada: the grey harbour" in second
    assert f"<{where}/{said.id}>" in second
    assert "Nothing here" in (await stage.command(stage.ada, "history search", words="lighthouse")).content
    assert "Nothing here" in (await stage.command(stage.ada, "history search", words="%")).content
    assert "Which words" in (await stage.command(stage.ada, "history search", words="\u2003")).content


async def test_search_shows_a_bounded_number_and_stays_within_a_message(stage: Stage) -> None:
    await graft(stage, *[f"{'before ' * 30}`harbour` @everyone {'after ' * 30}{n}" for n in range(40)])
    shown = (await stage.command(stage.ada, "history search", words="harbour")).content
    assert len(shown) <= 2000
    assert shown.count("'harbour'") == 8
    assert "There may be more" in shown


async def test_private_turns_are_found_by_nobody_else(stage: Stage) -> None:
    await stage.command(stage.ada, "chat", message="my treasure", private=True)
    own = (await stage.command(stage.ada, "history search", words="treasure")).content
    assert "my treasure" in own
    assert "(private)" in own
    assert "discord.com" not in own
    for person in (stage.tom, stage.moderator, stage.admin):
        for name, options in (
            ("show", {}),
            ("search", {"words": "treasure"}),
            ("branches", {}),
            ("export", {"format": "JSON"}),
            ("export", {"format": "Markdown"}),
            ("export", {"format": "SillyTavern"}),
        ):
            shown = await stage.command(person, f"history {name}", **options)
            assert "my treasure" not in shown.content
            assert not shown.attachments


async def test_servers_and_channels_know_nothing_of_each_other(stage: Stage) -> None:
    other_guild = stage.world.add_guild("Lighthouse", owner=stage.ada.user)
    other = other_guild.add_text_channel("general")
    quiet = stage.guild.add_text_channel("quiet")
    await stage.world.wait_until(lambda: stage.bot and stage.bot.get_guild(other_guild.id) is not None)
    head = await graft(stage, "my treasure", "is safe")
    for person, channel in ((stage.ada, other), (stage.admin, quiet)):
        for name, options in (
            ("show", {}),
            ("search", {"words": "treasure"}),
            ("branches", {}),
            ("export", {"format": "JSON"}),
            ("checkout", {"branch": str(head)}),
        ):
            shown = await stage.command(person, f"history {name}", channel, **options)
            assert shown.ephemeral
            assert not shown.attachments
            assert "is safe" not in shown.content
        assert (
            "Nothing here contains"
            in (await stage.command(person, "history search", channel, words="treasure")).content
        )
        assert await person.autocomplete(channel, "history checkout", focused="branch", branch="") == []
        await stage.ask(person, "hello", channel=channel)
        assert "treasure" not in stage.said_to_model


# --- branches and checkout


async def test_branches_are_drawn_and_the_conversation_moves_between_them(stage: Stage) -> None:
    first = await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.ada, "two", answer="second")
    await stage.ask(stage.tom, "aside", answer="beside", reply_to=first)
    drawn = await stage.command(stage.ada, "history branches")
    assert drawn.ephemeral
    lines = drawn.content.partition("```\n")[2].partition("\n```")[0].splitlines()
    assert [re.sub(r"\b\w{5}(?= )", "ID", re.sub(r"\d\d \w{3} \d\d:\d\d", "T", line)) for line in lines] == [
        " ID   2 · T · first",
        "├─  ID   2 · T · beside",
        "▶ID   2 · T · second",
    ]
    side = lines[1].split()[1]
    assert "That is for" in (await stage.command(stage.tom, "history checkout", branch=side)).content
    moved = await stage.command(stage.moderator, "history checkout", branch=side)
    assert not moved.ephemeral
    assert "`beside`" in moved.content
    await stage.ask(stage.ada, "three", answer="third")
    assert turns_of(stage.prompts[-1])[-2:] == ["beside", "Ada: three"]
    [back] = re.findall(r"branch:(\w+)", moved.content)
    await stage.command(stage.moderator, "history checkout", branch=back)
    await stage.ask(stage.ada, "four")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two", "second", "four"]


async def test_the_head_is_marked_where_it_stands_and_a_reset_is_said(stage: Stage) -> None:
    assert "Nothing was said" in (await stage.command(stage.ada, "history branches")).content
    await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.ada, "two", answer="second")
    await stage.command(stage.ada, "undo")
    lines = (await stage.command(stage.ada, "history branches")).content.splitlines()[1:3]
    assert lines[0].startswith("▶")
    assert lines[0].endswith("first")
    assert lines[1].endswith("second")
    await stage.command(stage.moderator, "reset")
    drawn = (await stage.command(stage.ada, "history branches")).content
    assert "begins anew" in drawn
    assert "▶" not in drawn


async def test_many_deep_branches_fit_into_one_message(stage: Stage) -> None:
    assert stage.bot is not None
    messages = [TranscriptMessage(n - 1 if n else None, "user", f"stem {n} " + "x" * 200, NOW) for n in range(300)]
    messages += [TranscriptMessage(n, "assistant", f"```side {n}\u202e\n" + "y" * 200, NOW) for n in range(0, 300, 2)]
    history = stage.bot.services.storage.history
    await history.graft(ConversationKey(stage.guild.id, stage.channel.id), messages, 299)
    drawn = (await stage.command(stage.ada, "history branches")).content
    assert len(drawn) <= 2000
    assert drawn.count("```") == 2
    assert "\u202e" not in drawn
    assert "▶" in drawn
    assert re.search(r"… and \d+ older branches", drawn)


async def test_branches_are_suggested_to_who_may_move_there(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    await stage.command(stage.moderator, "reset")
    await stage.ask(stage.ada, "two", answer="second")
    choices = await stage.moderator.autocomplete(stage.channel, "history checkout", focused="branch", branch="")
    assert [choice.name.partition(" · ")[2] for choice in choices] == ["second", "first"]
    typed = await stage.moderator.autocomplete(stage.channel, "history checkout", focused="branch", branch="FIR")
    assert typed == choices[1:]
    assert await stage.ada.autocomplete(stage.channel, "history checkout", focused="branch", branch="") == []
    await stage.command(stage.moderator, "history checkout", branch=choices[1].value)
    await stage.ask(stage.ada, "three")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "three"]


@pytest.mark.parametrize("branch", ["zzzzz", "0", "-1", "9" * 25, "123456789", "drop table", "²²²²²²"])
async def test_no_other_branch_is_gone_to(stage: Stage, branch: str) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    refused = await stage.command(stage.moderator, "history checkout", branch=branch)
    assert refused.ephemeral
    assert "no such branch" in refused.content or "changed since" in refused.content
    await stage.ask(stage.ada, "two")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two"]


async def test_the_conversation_stays_while_a_reply_is_written(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    [branch] = await stage.moderator.autocomplete(stage.channel, "history checkout", focused="branch", branch="")
    await being_written(stage)
    for name, options in (("checkout", {"branch": branch.value}), ("import", {"file": as_file(*CHAT)})):
        interaction = await stage.moderator.slash(stage.channel, f"history {name}", **options)
        await interaction.answered()
        await stage.world.wait_until(lambda i=interaction: i.response.content)  # type: ignore[misc]  # a lambda with a default
        assert "I am writing here" in interaction.response.content
    await stage.command(stage.ada, "stop")


async def test_whoever_started_a_thread_may_move_and_import_in_it(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    assert "That is for" in (await take_in(stage, as_file(*CHAT), stage.tom, thread)).content
    assert "Imported" in (await take_in(stage, as_file(*CHAT), stage.ada, thread)).content
    await stage.ask(stage.tom, "thanks", channel=thread)
    assert "under the mat" in stage.said_to_model


# --- export


async def test_markdown_is_the_conversation_to_read(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    shown = await stage.command(stage.tom, "history export", format="Markdown")
    assert shown.ephemeral
    assert re.fullmatch(r"general-\d{4}-\d\d-\d\d\.md", shown.attachments[0].filename)
    text = sent_file(shown).decode()
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == ["one", "first"]


async def test_json_holds_the_whole_tree_and_comes_back(stage: Stage) -> None:
    first = await stage.ask(stage.ada, "one", answer="first")
    await stage.ask(stage.ada, "two", answer="second")
    await stage.ask(stage.tom, "aside", answer="beside", reply_to=first)
    exported = sent_file(await stage.command(stage.ada, "history export", format="JSON"))
    assert [m["content"] for m in json.loads(exported)["messages"]] == [
        "one", "first", "two", "second", "aside", "beside",
    ]  # fmt: skip
    elsewhere = stage.guild.add_text_channel("elsewhere")
    assert "6 messages" in (await take_in(stage, Upload("x.json", exported), channel=elsewhere)).content
    await stage.ask(stage.ada, "three", channel=elsewhere)
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two", "second", "three"]
    again = json.loads(sent_file(await stage.command(stage.ada, "history export", elsewhere, format="JSON")))
    assert [m["content"] for m in again["messages"]][:6] == [m["content"] for m in json.loads(exported)["messages"]]


async def test_a_sillytavern_chat_has_the_swipes_and_comes_back(stage: Stage) -> None:
    await take_in(stage, as_file(*CHAT))
    await stage.ask(stage.ada, "thanks", answer="mind the dog")
    exported = sent_file(await stage.command(stage.ada, "history export", format="SillyTavern"))
    header, *lines = map(json.loads, exported.splitlines())
    assert header["user_name"] == "Ada"
    assert [line["mes"] for line in lines] == ["where is the key?", "under the mat", "thanks", "mind the dog"]
    assert (lines[1]["swipes"], lines[1]["swipe_id"]) == (["in the lake", "under the mat"], 1)


async def test_nothing_to_export_and_too_much_are_said_in_words(stage: Stage) -> None:
    for kind in ("Markdown", "JSON", "SillyTavern"):
        assert "nothing to export" in (await stage.command(stage.ada, "history export", format=kind)).content
    await graft(stage, *["x" * 1000] * 300)
    stage.world.settings.upload_limit_bytes = 100_000
    for kind in ("Markdown", "JSON", "SillyTavern"):
        refused = await stage.command(stage.ada, "history export", format=kind)
        assert "longer than a file may be" in refused.content
        assert refused.ephemeral


# --- import


async def test_an_import_is_a_branch_of_its_own_and_says_how_to_go_back(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.ada, "one", answer="first")
        private, public = await imported(offstage, *CHAT)
        assert private.ephemeral
        assert "3 messages" in private.content
        assert not public.ephemeral
        assert "under the mat" in public.content
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.ada, "thanks")
        assert turns_of(offstage.prompts[-1]) == ["where is the key?", "under the mat", "thanks"]
        [back] = re.findall(r"branch:(\w+)", public.content)
        await offstage.command(offstage.moderator, "history checkout", branch=back)
        await offstage.ask(offstage.ada, "two")
        assert turns_of(offstage.prompts[-1]) == ["one", "first", "two"]


async def test_the_way_back_from_the_largest_import_is_not_lost(stage: Stage) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    lines = [{"is_user": n % 2 == 0, "mes": f"line {n}"} for n in range(MAX_MESSAGES)]
    _, public = await imported(stage, CHAT[0], *lines)
    [back] = re.findall(r"branch:(\w+)", public.content)
    moved = await stage.command(stage.moderator, "history checkout", branch=back)
    assert not moved.ephemeral
    await stage.ask(stage.ada, "two")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two"]


async def test_chats_go_on_while_a_long_history_is_copied(stage: Stage) -> None:
    await graft(stage, *[f"message {n} " + "x" * 300 for n in range(MAX_MESSAGES)])
    quiet = stage.guild.add_text_channel("quiet")
    export = await stage.ada.slash(stage.channel, "history export", format="JSON")
    search = await stage.tom.slash(stage.channel, "history search", words="nowhere")
    await stage.ask(stage.moderator, "hello", answer="here", channel=quiet)
    await stage.world.wait_until(lambda: export.messages and search.messages, timeout=10)
    await stage.world.wait_until(lambda: export.response.attachments and search.response.content, timeout=10)
    assert len(json.loads(sent_file(export.response))["messages"]) == MAX_MESSAGES


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(Upload("big.json", b"{}", MAX_BYTES + 1), "10 MiB", id="claims to be too large"),
        pytest.param(Upload("a.png", b"\x89PNG\r\n\x1a\n"), "cannot read the file", id="a picture"),
        pytest.param(Upload("deep.json", b"[" * 100_000), "cannot read the file", id="deep"),
        pytest.param(Upload("no.jsonl", b""), "Nobody says anything", id="empty"),
        pytest.param(as_file({"spec": "chara_card_v2"}), "no conversation that I know", id="a character card"),
        pytest.param(as_file(*CHAT, {"mes": 5}), "(line 4)", id="a wrong type"),
        pytest.param(as_file(*CHAT, *[{"mes": "x"}] * MAX_MESSAGES), "too many messages", id="too many"),
        pytest.param(as_file(*CHAT, {"mes": "x" * 100_001}), "too long", id="too long a message"),
    ],
)
async def test_what_cannot_be_imported_is_said_in_words_and_leaves_nothing(
    stage: Stage, file: Upload, words: str
) -> None:
    await stage.ask(stage.ada, "one", answer="first")
    refused = await take_in(stage, file)
    assert refused.ephemeral
    assert words in refused.content
    assert stage.bot is not None
    pages = stage.bot.services.storage.history.everything(stage.guild.id, stage.channel.id)
    assert [m.content async for page in pages for m in page] == ["one", "first"]
    await stage.ask(stage.ada, "two")
    assert turns_of(stage.prompts[-1]) == ["one", "first", "two"]


async def test_too_large_a_file_is_not_fetched_and_a_missing_one_is_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    async def get_from_cdn(url: str) -> bytes:
        fetched.append(url)
        raise ConnectionResetError

    assert stage.bot is not None
    monkeypatch.setattr(stage.bot.http, "get_from_cdn", get_from_cdn)
    await take_in(stage, Upload("big.json", b"{}", MAX_BYTES + 1))
    assert not fetched
    assert "did not give me the file" in (await take_in(stage, as_file(*CHAT))).content
    assert len(fetched) == 1


async def test_a_storage_that_fails_is_said_in_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StorageUnavailableError("bot.db", "gone")

    assert stage.bot is not None
    monkeypatch.setattr(stage.bot.services.storage.history.__class__, "graft", fail)
    assert "cannot reach my memory" in (await take_in(stage, as_file(*CHAT))).content


async def test_everyone_moves_in_their_direct_messages(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, allow_dms=True)):
        channel = await offstage.ada.open_dm()
        await offstage.at_home(offstage.ada)
        await take_in(offstage, as_file(*CHAT), offstage.ada, channel)
        await offstage.world.wait_until(lambda: any("imported" in m.content for m in channel.messages))
        found = (await offstage.command(offstage.ada, "history search", channel, words="mat")).content
        assert "me: under the mat" in found
        assert (
            "where is the key?"
            in sent_file(await offstage.command(offstage.ada, "history export", channel, format="Markdown")).decode()
        )
