"""The same bot on PostgreSQL, which several processes may share."""

import pytest

from tests.e2e.conftest import Stage, changed, running


@pytest.fixture
def on_postgresql(offstage: Stage, postgres_url: str) -> Stage:
    offstage.settings = changed(offstage.settings, database_url=postgres_url)
    return offstage


async def test_a_conversation_goes_on_after_a_restart(on_postgresql: Stage) -> None:
    stage = on_postgresql
    async with running(stage, stage.settings):
        await stage.ask(stage.ada, "my boat is called Petrel", answer="A fine name.")
        await stage.command(stage.moderator, "model set", model="Midnight-Miqu-70B-v1.5")
    async with running(stage, stage.settings):
        await stage.ask(stage.ada, "what is it called?", answer="Petrel.")
    assert "my boat is called Petrel" in stage.said_to_model
    assert "A fine name." in stage.said_to_model
    assert stage.api.requests[-1].body["model"] == "Midnight-Miqu-70B-v1.5"


async def test_two_processes_answer_a_message_once(on_postgresql: Stage) -> None:
    stage = on_postgresql
    async with running(stage, stage.settings) as first, running(stage, stage.settings):
        said = await stage.say(stage.ada, "who is there?", answer="One of us.")
        await stage.reply_to(said)
        await stage.world.wait_until(lambda: not first.services.conversations._answers)
    replies = [m for m in stage.channel.messages if m.author is stage.world.bot]
    assert [reply.content for reply in replies] == ["One of us."]
    assert len(stage.prompts) == 1
