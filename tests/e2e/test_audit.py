"""Every change of a setting and every deed of a moderator is recorded, shown page by page, and given as a table."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cogs._audit_controls import SHOWN_ENTRIES
from cogs.retention import AUDIT_KEPT
from storage import AuditFilter, Scope
from tests.e2e.acting import buttons
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
    reply = await stage.reply_to(said)
    await stage.ada.message_command(said, "Forget")
    await stage.ask(stage.ada, "two")
    await stage.command(stage.ada, "undo")
    assert "That is for" in (await stage.command(stage.ada, "reset")).content
    assert await recorded(stage) == settings, "one's own, and what was refused"

    reply = await stage.ask(stage.ada, "three", answer="The cat sat.")
    form = await stage.moderator.click(reply, label="✏️")
    await form.answered()
    await (await stage.moderator.submit(form, text="The dog sat.")).answered()
    await stage.moderator.click(reply, label="🔄")
    await stage.settled()
    await (await stage.moderator.message_command(reply, "Forget")).answered()
    await stage.command(stage.moderator, "reset")
    await stage.command(
        stage.moderator, "lore import", file=("sea.json", b'{"entries": {"0": {"key": ["a"], "content": "b"}}}')
    )
    await stage.command(stage.moderator, "lore delete", name="sea")
    deeds = (await recorded(stage))[len(settings) :]
    assert [(actor, action) for actor, action, *_ in deeds] == [
        (max_id, action) for action in ("edit", "forget", "reset", "lore import", "lore delete")
    ]
    assert deeds[0][2].endswith(here)
    assert deeds[1][2] == f"message:{reply.id} {here}"
    assert deeds[4][4] == {"name": "sea"}


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
