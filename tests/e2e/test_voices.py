"""The bot speaks for itself alone: names of people and its own never get into a reply."""

import pytest

from tests.e2e.acting import asked, shown, stored
from tests.e2e.conftest import Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")


async def test_people_are_told_apart_and_their_names_end_a_reply(stage: Stage) -> None:
    await stage.ask(stage.ada, "who is there?", answer="A friend.")
    await stage.ask(stage.tom, "open the door", answer="It is open.")
    request = asked(stage)[-1].body
    said = [message["content"] for message in request["messages"][1:]]
    assert said == ["Ada: who is there?", "A friend.", "Tom: open the door"]
    assert request["stop"] == ["\nTom:", "\nAda:"]


async def test_a_stop_text_for_a_speaker_ends_what_the_service_writes(stage: Stage) -> None:
    reply = await stage.ask(stage.ada, "one", answer="The lamp burns.\nAda: I blow it out.")
    assert reply.content == "The lamp burns."
    assert (await stored(stage, reply)).content == "The lamp burns."


async def test_its_own_name_goes_and_a_line_for_somebody_else_ends_the_reply(offstage: Stage) -> None:
    stage = offstage
    async with running(stage, changed(stage.settings, requests_per_minute=60, parallel_requests=1)):
        me = stage.world.bot.display_name
        await stage.ask(stage.tom, "hello", answer="Hello.")
        stage.api.tokens_per_second = 60
        text = f"{me}: {me}: Good evening.\n**{me}:** Come in.\n**Tom:** I run away, and nobody sees me again."
        reply = await stage.ask(stage.ada, "may I?", answer=text)
        assert reply.content == "Good evening.\nCome in."
        assert (await stored(stage, reply)).content == "Good evening.\nCome in."
        versions = [content for _, content in reply.history]
        assert not [version for version in versions if me in version or "Tom" in version]
        stage.api.tokens_per_second = 2000
        await stage.ask(stage.ada, "and now?", answer="Sit down.")  # the rest was read, so the slot is free again
        assert not [request for request in asked(stage) if request.status == 429]
        assert len(shown(stage)) == 3
