from tests.e2e.conftest import Stage


async def test_a_mention_is_answered_in_a_reply_to_it(stage: Stage) -> None:
    said = await stage.ada.say(stage.channel, f"{stage.mention} good evening")
    reply = await stage.reply("good evening")
    assert reply.reply_to.id == said.id
    await stage.settled()
    assert stage.api.requests[-1].body["messages"][-1] == {"role": "user", "content": "good evening"}
    assert stage.api.requests[-1].body["messages"][0]["content"] == "You are the bot of this test."
