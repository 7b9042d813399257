"""Every change of a setting and every deed of a moderator is recorded, shown page by page, and given as a table."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cogs._audit_controls import SHOWN_ENTRIES
from cogs._audit_words import BYTES_PER_LINE, TOO_MUCH, as_table
from cogs.retention import AUDIT_KEPT
from moderation.deeds import is_recorded
from moderation.rights import REQUIRED
from storage import AuditEntry, AuditFilter, Scope
from tests.e2e.acting import begun, buttons
from tests.e2e.characters import card_file, taken_in
from tests.e2e.conftest import MANAGE_MESSAGES, MODEL, Stage

pytestmark = pytest.mark.usefixtures("no_rate_limits")


def audit(stage: Stage) -> Any:
    assert stage.bot is not None
    return stage.bot.services.audit


async def recorded(stage: Stage) -> list[tuple[int | None, str, str, Any, Any]]:
    """All entries, the oldest first."""
    await stage.settled()
    entries = [entry async for page in audit(stage).pages(stage.guild.id, AuditFilter()) for entry in page]
    return [(entry.actor_id, entry.action, entry.subject, entry.before, entry.after) for entry in reversed(entries)]


async def test_changes_and_deeds_are_recorded_once_and_what_people_do_with_their_own_is_not(stage: Stage) -> None:
    max_id, here = stage.moderator.user.id, f"channel:{stage.channel.id}"
    await stage.command(stage.moderator, "model set", model=MODEL)
    await stage.command(stage.moderator, "model reset")
    await stage.command(stage.moderator, "channel set", retention="9", where="server")
    await stage.command(stage.moderator, "access deny", user=stage.tom.user, reason="spam")
    await stage.command(stage.moderator, "pause")
    await stage.command(stage.moderator, "resume")
    settings = [
        (max_id, "set model", here, None, MODEL),
        (max_id, "set model", here, MODEL, None),
        (max_id, "set retention_days", f"guild:{stage.guild.id}", None, 9),
        (max_id, "access deny", f"user:{stage.tom.user.id}", None, {"verdict": "deny"}),
        (max_id, "set paused", here, None, True),
        (max_id, "set paused", here, True, None),
    ]
    assert await recorded(stage) == settings

    said = await stage.say(stage.ada, "one")
    await stage.reply_to(said)
    await stage.ada.message_command(said, "Forget")
    await stage.ask(stage.ada, "two")
    await stage.command(stage.ada, "undo")
    assert "That is for" in (await stage.command(stage.ada, "reset")).content
    assert await recorded(stage) == settings, "one's own, and what was refused"


async def test_each_deed_says_what_it_was_done_to_and_what_it_changed(stage: Stage) -> None:
    here, ada = f"channel:{stage.channel.id}", f"user:{stage.ada.user.id}"
    begun_with = await recorded(stage)

    async def deed() -> tuple[str, str, Any, Any]:
        """The newest, which nothing else came with."""
        nonlocal begun_with
        entries = await recorded(stage)
        assert len(entries) == len(begun_with) + 1, entries[len(begun_with) :]
        begun_with = entries
        assert entries[-1][0] == stage.moderator.user.id
        return entries[-1][1:]

    seen = dict[str, Any]()

    async def done(action: str, subject: str, before: Any, after: Any) -> None:
        assert await deed() == (action, subject, before, after)
        seen[action] = after

    reply = await stage.ask(stage.ada, "one", answer="The cat sat.")
    form = await stage.moderator.click(reply, label="✏️")
    await form.answered()
    await (await stage.moderator.submit(form, text="The dog sat down.")).answered()
    await done("edit", f"message:{reply.id} {here}", {"characters": 12}, {"characters": 17})
    await (await stage.moderator.message_command(reply, "Forget")).answered()
    await done("forget", f"message:{reply.id} {here}", {"characters": 17}, None)
    question = reply.reply_to or next(m for m in stage.channel.messages if m.author is stage.ada.user)
    await (await stage.moderator.message_command(question, "Forget")).answered()
    await done("forget", f"message:{question.id} of {ada} {here}", {"characters": 3}, None)

    reply = await stage.ask(stage.ada, "two", answer="Yes.")
    await stage.press(stage.moderator, reply, "🗑️")
    await done("delete", f"message:{reply.id} {here}", {"characters": 4}, None)
    await stage.ask(stage.ada, "three", answer="Yes.")
    await stage.command(stage.moderator, "undo")
    await done("undo", f"{ada} {here}", {"messages": 2}, None)
    await stage.ask(stage.ada, "four", answer="Yes.")
    divider = await stage.command(stage.moderator, "reset")
    _, _, before, _ = entry = await deed()
    assert entry == ("reset", here, {"branch": before["branch"]}, None)
    await stage.press(stage.moderator, divider, "Restore")
    await done("restore", f"message:{divider.id} {here}", None, before)
    await stage.command(stage.moderator, "history checkout", branch=before["branch"])
    await done("history checkout", here, before, before)
    file = (await stage.command(stage.moderator, "history export", format="JSON")).attachments[0]
    await stage.command(stage.moderator, "history import", file=("chat.json", file.data))
    action, subject, was, now = await deed()
    assert (action, subject, was, now["messages"] > 0) == ("history import", here, before, True)
    stage.api.hold()
    await stage.say(stage.ada, "five")
    await begun(stage, 5)
    await stage.command(stage.moderator, "stop")
    await done("stop", here, {"replies": 1}, None)
    stage.api.release()
    await stage.settled()

    book = ("sea.json", b'{"entries": {"0": {"key": ["a"], "content": "b"}}}')
    await stage.command(stage.moderator, "lore import", file=book)
    await done("lore import", f"lorebook sea in {here}", None, {"entries": 1})
    await stage.command(stage.moderator, "lore disable", name="sea")
    await done("lore disable", f"lorebook sea in {here}", "on", "off")
    await stage.command(stage.moderator, "lore enable", name="sea")
    await done("lore enable", f"lorebook sea in {here}", "off", "on")
    await stage.command(stage.moderator, "lore enable", name="sea", where="server")
    await done("lore server", f"lorebook sea in guild:{stage.guild.id}", "off", "on")
    await stage.command(stage.moderator, "lore delete", name="sea")
    await done("lore delete", "lorebook sea", {"entries": 1}, None)

    await taken_in(stage, stage.moderator)
    await done("persona take in", "character Mira", None, {"version": 1})
    await taken_in(stage, stage.tom, card_file("Nora"))
    await stage.command(stage.moderator, "persona list")
    nora = f"character Nora of user:{stage.tom.user.id}"
    await stage.command(stage.moderator, "persona edit", name="Nora", file=card_file("Nora", personality="loud"))
    await done("persona edit", nora, {"version": 1}, {"version": 2, "changed": ["personality"]})
    await stage.command(stage.moderator, "persona undo", name="Nora")
    await done("persona undo", nora, {"version": 2}, {"version": 3, "changed": ["personality"]})
    await stage.command(stage.moderator, "persona redo", name="Nora")
    await done("persona redo", nora, {"version": 3}, {"version": 4, "changed": ["personality"]})
    await stage.command(stage.moderator, "persona edit", name="Nora", adult=False)
    await done("persona mark", nora, {"adult": False}, {"adult": False})
    shown = await stage.command(stage.moderator, "persona show", name="Nora")
    await stage.press(stage.moderator, shown, "Copy it for the server")
    await done("persona share", nora, "own", "server")
    await stage.command(stage.moderator, "persona delete", name="Nora")
    await done("persona delete", "character Nora", {"version": 1}, None)
    await stage.command(stage.moderator, "persona delete", name="Nora")
    await done("persona delete", nora, {"version": 5}, None)
    page = (await stage.command(stage.moderator, "audit show")).content
    assert f"**persona delete** character Nora of <@{stage.tom.user.id}>" in page

    started = await stage.command(stage.tom, "scene start", persona="Mira")
    thread = next(thread for thread in stage.channel.threads if f"<#{thread.id}>" in started.content)
    begun_with = await recorded(stage)
    await stage.command(stage.moderator, "scene end", channel=thread)
    entries = (await recorded(stage))[len(begun_with) :]
    assert (stage.moderator.user.id, "scene end", f"channel:{thread.id}", None, None) in entries

    noted = {action for _, action, *_ in await recorded(stage)}
    assert {action for action in REQUIRED if is_recorded(action)} <= noted


async def test_the_record_is_shown_page_by_page_filtered_and_to_moderators_of_the_server_alone(stage: Stage) -> None:
    settings = stage.bot.services.storage.settings  # type: ignore[union-attr]  # it is running
    scope = Scope("channel", stage.channel.id)
    for number in range(SHOWN_ENTRIES + 2):
        await settings.put(stage.guild.id, scope, "temperature", number / 10, stage.moderator.user.id)
    await audit(stage).record(stage.guild.id, None, "x" * 90, "y" * 500, ["`" * 500], "\n" * 50, "z" * 500)
    await audit(stage).record(stage.guild.id + 1, stage.admin.user.id, "theirs", "guild:1", None, None)
    page = await stage.command(stage.moderator, "audit show")
    assert page.ephemeral
    lines = page.content.splitlines()
    assert len(lines) == SHOWN_ENTRIES
    assert f"<@{stage.moderator.user.id}> **set temperature** <#{stage.channel.id}>: `0.8` → `0.9`" in lines[1]
    assert buttons(page) == ["Earlier"]
    await stage.press(stage.moderator, page, "Earlier")
    await stage.world.wait_until(lambda: len(page.content.splitlines()) == 3)
    assert buttons(page) == []
    assert "nothing → `0.0`" in page.content

    mine = await stage.command(stage.admin, "audit show", who=stage.moderator.user, action="set", since="1h")
    assert len(mine.content.splitlines()) == SHOWN_ENTRIES
    await stage.press(stage.admin, mine, "Earlier")
    await stage.world.wait_until(lambda: len(mine.content.splitlines()) == 2)
    for options in ({"who": stage.tom.user}, {"action": "theirs"}, {"since": "2126-01-01"}):
        assert "Nothing of that kind" in (await stage.command(stage.moderator, "audit show", **options)).content
    assert "takes a time" in (await stage.command(stage.moderator, "audit show", since="soon")).content
    found = await stage.moderator.autocomplete(stage.channel, "audit show", focused="action", action="temp")
    assert [choice.value for choice in found] == ["set temperature"]

    mine_alone = stage.guild.add_text_channel("mine")
    mine_alone.set_permissions(stage.tom.user, allow=MANAGE_MESSAGES)
    assert (await stage.command(stage.tom, "audit show", mine_alone)).content == "That is for moderators."


async def test_the_table_cannot_calculate_and_old_entries_go(stage: Stage) -> None:
    await audit(stage).record(
        stage.guild.id, stage.admin.user.id, "filter add", "=1+1", None, "@SUM(A1)", '-2, "x"\n=3'
    )
    await audit(stage).record(stage.guild.id + 1, stage.admin.user.id, "theirs", "guild:1", None, None)
    answer = await stage.command(stage.moderator, "audit export")
    [file] = answer.attachments
    assert (answer.ephemeral, file.filename.endswith(".csv")) == (True, True)
    head, row = csv.reader(io.StringIO(file.data.decode("utf-8-sig")))
    assert head == ["time", "who", "action", "subject", "before", "after", "reason"]
    assert row[1:] == [f"<@{stage.admin.user.id}>", "filter add", "'=1+1", "null", '"@SUM(A1)"', '\'-2, "x"\n=3']
    [kept] = await audit(stage).page(stage.guild.id, AuditFilter())
    retention = stage.bot.get_cog("Retention")  # type: ignore[union-attr]  # it is running
    await retention.prune_rules(kept.at + AUDIT_KEPT - timedelta(hours=1))  # type: ignore[union-attr]  # it is loaded
    assert await audit(stage).page(stage.guild.id, AuditFilter())
    await retention.prune_rules(datetime.now(UTC) + AUDIT_KEPT)  # type: ignore[union-attr]
    assert not await audit(stage).page(stage.guild.id, AuditFilter())


async def test_the_table_is_as_full_as_a_file_may_be_and_says_how_to_see_the_rest() -> None:
    limit = 40_000

    async def pages() -> AsyncIterator[Sequence[AuditEntry]]:
        for number in range(300, 0, -1):
            yield [AuditEntry(number, 1, 2, "set note", "channel:3", None, "ä" * 100, None, datetime.now(UTC))]

    content = await as_table(pages(), limit)
    assert limit - BYTES_PER_LINE < len(content) <= limit
    assert next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[0] == "time"
    assert content.decode().splitlines()[-1] == TOO_MUCH
