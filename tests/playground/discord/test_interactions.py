"""Interactions: deadlines, acknowledgements, follow-ups and their tokens, answered by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.discord import (
    DisabledComponentError,
    Interaction,
    MessageFlag,
    MessageType,
    NotAnsweredError,
    NotVisibleError,
    UnknownComponentError,
    events,
)

if TYPE_CHECKING:
    from tests.playground.discord.conftest import Answer, Clock, Scene

BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}


def row(*children: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(children)}


async def register(scene: Scene, *commands: dict[str, Any]) -> None:
    body = list(commands) or [{"name": "ask", "description": "Ask"}]
    answer = await scene.rest("PUT", f"/applications/{scene.world.application.id}/commands", body)
    assert answer.status == 200, answer.body


async def ask(scene: Scene) -> Interaction:
    if not scene.world.commands():
        await register(scene)
    return await scene.person.slash(scene.channel, "ask")


async def callback(scene: Scene, interaction: Interaction, kind: int, data: Any = None, **query: Any) -> Answer:
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    return await scene.rest("POST", path, {"type": kind, "data": data}, token=None, **query)


def hook(scene: Scene, interaction: Interaction, tail: str = "") -> str:
    return f"/webhooks/{scene.world.application.id}/{interaction.token}{tail}"


async def test_an_answer_is_a_message(scene: Scene) -> None:
    interaction = await ask(scene)
    assert (interaction.acknowledged, interaction.failed) == (False, None)
    answer = await callback(scene, interaction, 4, {"content": "yes"})
    assert answer.status == 204
    await interaction.answered()
    message = interaction.messages[0]
    assert (message.content, message.type) == ("yes", MessageType.CHAT_INPUT_COMMAND)
    assert message.author is scene.world.bot
    assert message.interaction_metadata is not None
    assert message in scene.channel.messages


async def test_the_caller_may_ask_what_became_of_the_answer(scene: Scene) -> None:
    interaction = await ask(scene)
    answer = await callback(scene, interaction, 4, {"content": "yes", "flags": 64}, with_response="1")
    about = answer.body["interaction"]
    assert (about["id"], about["response_message_ephemeral"]) == (str(interaction.id), True)
    assert answer.body["resource"]["message"]["content"] == "yes"


async def test_a_late_answer_is_unknown(timed: Scene, clock: Clock) -> None:
    interaction = await ask(timed)
    clock.advance(3.1)
    assert interaction.failed == "did not respond in time"
    late = await callback(timed, interaction, 4, {"content": "late"})
    assert (late.status, late.code) == (404, 10062)
    with pytest.raises(NotAnsweredError, match="did not respond in time"):
        await interaction.answered()


async def test_silence_is_reported_when_time_is_up(scene: Scene) -> None:
    scene.world.settings.interaction_deadline_seconds = 0.02
    seen: list[Interaction] = []
    scene.world.subscribe(lambda e: seen.append(e.interaction) if isinstance(e, events.InteractionChanged) else None)
    interaction = await ask(scene)
    await scene.world.wait_until(lambda: len(seen) == 2)
    assert interaction.failed


async def test_a_wrong_token_or_id_is_unknown(scene: Scene) -> None:
    interaction = await ask(scene)
    wrong = await scene.rest.post(f"/interactions/{interaction.id}/nonsense/callback", {"type": 5})
    assert wrong.code == 10062
    assert (await scene.rest.post("/interactions/5/nonsense/callback", {"type": 5})).code == 10062


async def test_a_second_answer_is_one_too_many(scene: Scene) -> None:
    interaction = await ask(scene)
    await callback(scene, interaction, 4, {"content": "one"})
    second = await callback(scene, interaction, 4, {"content": "two"})
    assert (second.status, second.code) == (400, 40060)
    assert len(interaction.messages) == 1


async def test_a_refused_answer_may_be_tried_again(scene: Scene) -> None:
    interaction = await ask(scene)
    refused = await callback(scene, interaction, 4, {"content": "x" * 2001})
    assert refused.error("data.content") == "BASE_TYPE_MAX_LENGTH"
    assert (await callback(scene, interaction, 4, {})).code == 50006
    assert (await callback(scene, interaction, 4, {"content": "fine"})).status == 204


@pytest.mark.parametrize("kind", [1, 6, 7, 8, 99])
async def test_commands_are_not_answered_with_updates(scene: Scene, kind: int) -> None:
    interaction = await ask(scene)
    refused = await callback(scene, interaction, kind, {"content": "x"})
    assert refused.error("type") == "BASE_TYPE_CHOICES"


async def test_thinking_becomes_the_answer(scene: Scene) -> None:
    interaction = await ask(scene)
    await callback(scene, interaction, 5)
    message = interaction.messages[0]
    assert (interaction.deferred, message.loading, interaction.is_answered) == (True, True, False)
    edited = await scene.rest("PATCH", hook(scene, interaction, "/messages/@original"), {"content": "done"}, token=None)
    assert edited.body["content"] == "done"
    assert (message.loading, message.edited, interaction.is_answered) == (False, False, True)
    await scene.rest("PATCH", hook(scene, interaction, "/messages/@original"), {"content": "done!"}, token=None)
    assert message.edited


async def test_the_first_follow_up_takes_the_place_of_the_thinking(scene: Scene) -> None:
    interaction = await ask(scene)
    await callback(scene, interaction, 5, {"flags": 64})
    await scene.rest.post(hook(scene, interaction), {"content": "first"}, wait="1")
    await scene.rest.post(hook(scene, interaction), {"content": "second"}, wait="1")
    first, second = interaction.messages
    assert (first.content, first.ephemeral) == ("first", True)
    assert (second.content, second.ephemeral, second.reply_to) == ("second", False, first)


async def test_follow_ups_come_after_the_answer(scene: Scene) -> None:
    interaction = await ask(scene)
    early = await scene.rest.post(hook(scene, interaction), {"content": "early"})
    assert (early.status, early.code) == (404, 10015)
    assert (await scene.rest("GET", hook(scene, interaction, "/messages/@original"))).code == 10015
    await callback(scene, interaction, 4, {"content": "answer"})
    made = await scene.rest.post(hook(scene, interaction), {"content": "more"})
    path = hook(scene, interaction, f"/messages/{made.body['id']}")
    assert (await scene.rest("GET", path)).body["content"] == "more"
    assert (await scene.rest("PATCH", path, {"content": "less"})).body["content"] == "less"
    assert (await scene.rest("DELETE", path)).status == 204
    assert (await scene.rest("GET", path)).code == 10008
    assert (await scene.rest("DELETE", hook(scene, interaction, "/messages/@original"))).status == 204
    assert scene.channel.messages == []
    assert interaction.response is None


async def test_tokens_live_for_fifteen_minutes(timed: Scene, clock: Clock) -> None:
    interaction = await ask(timed)
    await callback(timed, interaction, 4, {"content": "answer"})
    clock.advance(899)
    assert (await timed.rest.post(hook(timed, interaction), {"content": "just"})).status == 200
    clock.advance(2)
    late = await timed.rest.post(hook(timed, interaction), {"content": "late"})
    assert (late.status, late.code) == (401, 50027)
    edit = await timed.rest("PATCH", hook(timed, interaction, "/messages/@original"), {"content": "late"})
    assert edit.code == 50027
    path = f"{timed.path}/messages/{interaction.messages[0].id}"
    assert (await timed.rest("PATCH", path, {"content": "by the channel"})).status == 200
    await ask(timed)  # which forgets what is expired
    assert (await timed.rest.post(hook(timed, interaction), {"content": "late"})).code == 50027


async def test_ephemeral_messages_are_for_one(scene: Scene) -> None:
    interaction = await ask(scene)
    await callback(scene, interaction, 4, {"content": "psst", "flags": 64, "components": [row(BUTTON)]})
    message = interaction.messages[0]
    assert message.flags & MessageFlag.EPHEMERAL
    assert scene.channel.messages == []
    assert scene.person.messages(scene.channel) == [message]
    assert scene.world.person(scene.owner).messages(scene.channel) == []
    with pytest.raises(NotVisibleError):
        await scene.world.person(scene.owner).click(message, "go")
    assert (await scene.rest("GET", f"{scene.path}/messages/{message.id}")).code == 10008
    assert (await scene.rest("PATCH", f"{scene.path}/messages/{message.id}", {"content": "x"})).code == 10008
    await scene.person.delete(message)
    assert scene.person.messages(scene.channel) == []


async def buttons(scene: Scene, *components: dict[str, Any]) -> None:
    answer = await scene.rest.post(f"{scene.path}/messages", {"content": "press", "components": list(components)})
    assert answer.status == 200, answer.body


async def test_a_button_can_change_its_message(scene: Scene) -> None:
    await buttons(scene, row(BUTTON))
    message = scene.channel.messages[0]
    interaction = await scene.person.click(message)
    await callback(scene, interaction, 7, {"content": "pressed", "components": []})
    assert (message.content, message.components, interaction.updated) == ("pressed", [], True)
    again = await scene.rest("PATCH", hook(scene, interaction, "/messages/@original"), {"content": "later"})
    assert again.body["content"] == message.content == "later"


async def test_a_button_can_be_answered_silently_or_with_a_reply(scene: Scene) -> None:
    await buttons(scene, row(BUTTON))
    message = scene.channel.messages[0]
    silent = await scene.person.click(message, "go")
    await callback(scene, silent, 6)
    assert (await silent.answered()).messages == []
    loud = await scene.person.click(message, label="Go")
    await callback(scene, loud, 4, {"content": "hello"})
    assert (loud.messages[0].type, loud.messages[0].reply_to) == (MessageType.REPLY, message)


async def test_updating_a_message_that_is_gone(scene: Scene) -> None:
    await buttons(scene, row(BUTTON))
    message = scene.channel.messages[0]
    interaction = await scene.person.click(message)
    await scene.rest("DELETE", f"{scene.path}/messages/{message.id}")
    assert (await callback(scene, interaction, 7, {"content": "x"})).code == 10008


async def test_answering_in_a_channel_that_is_gone(scene: Scene) -> None:
    interaction = await ask(scene)
    answered = await ask(scene)
    await callback(scene, answered, 5)
    scene.channel.delete()
    assert (await callback(scene, interaction, 4, {"content": "x"})).code == 10003
    assert (await scene.rest.post(hook(scene, answered), {"content": "x"})).code == 10003


async def test_what_cannot_be_pressed(scene: Scene) -> None:
    other = {**BUTTON, "custom_id": "other", "disabled": True, "label": "Off"}
    link = {"type": 2, "style": 5, "label": "Away", "url": "https://example.org"}
    await buttons(scene, row(BUTTON, other, link))
    message = scene.channel.messages[0]
    with pytest.raises(DisabledComponentError):
        await scene.person.click(message, label="Off")
    with pytest.raises(UnknownComponentError, match="'Go', 'Off', 'Away'"):
        await scene.person.click(message, label="Nowhere")
    with pytest.raises(UnknownComponentError, match="more than one"):
        await scene.person.click(message)
    with pytest.raises(UnknownComponentError, match="link"):
        await scene.person.click(message, label="Away")
    await scene.rest("DELETE", f"{scene.path}/messages/{message.id}")
    with pytest.raises(NotVisibleError):
        await scene.person.click(message, "go")


async def test_suggestions(scene: Scene) -> None:
    option = {"type": 3, "name": "model", "description": "Which", "autocomplete": True}
    await register(scene, {"name": "set", "description": "Set", "options": [option]})
    interactions: list[Interaction] = []

    def remember(event: events.WorldEvent) -> None:
        if isinstance(event, events.InteractionChanged) and event.interaction not in interactions:
            interactions.append(event.interaction)

    scene.world.subscribe(remember)
    with pytest.raises(NotAnsweredError):
        await scene.person.autocomplete(scene.channel, "set", focused="model", model="Mid", timeout=0.01)
    interaction = interactions[0]
    assert interaction.data["options"] == [{"type": 3, "name": "model", "value": "Mid", "focused": True}]
    assert (await callback(scene, interaction, 4, {"content": "x"})).error("type") == "BASE_TYPE_CHOICES"
    many = [{"name": str(i), "value": str(i)} for i in range(26)]
    assert (await callback(scene, interaction, 8, {"choices": many})).error("data.choices") == "BASE_TYPE_BAD_LENGTH"
    long = [{"name": "n" * 101, "value": "v"}]
    assert (await callback(scene, interaction, 8, {"choices": long})).error("data.choices.0.name")
    await callback(scene, interaction, 8, {"choices": many[:25]})
    assert interaction.choices is not None
    assert len(interaction.choices) == 25


def text_input(custom_id: str = "words", **extra: Any) -> dict[str, Any]:
    return row({"type": 4, "custom_id": custom_id, "label": "Words", "style": 1, **extra})


@pytest.mark.parametrize(
    ("modal", "path"),
    [
        ({"title": "", "custom_id": "m", "components": [text_input()]}, "data.title"),
        ({"title": "t" * 46, "custom_id": "m", "components": [text_input()]}, "data.title"),
        ({"title": "t", "custom_id": "", "components": [text_input()]}, "data.custom_id"),
        ({"title": "t", "custom_id": "m" * 101, "components": [text_input()]}, "data.custom_id"),
        ({"title": "t", "custom_id": "m", "components": []}, "data.components"),
        ({"title": "t", "custom_id": "m", "components": [text_input(str(i)) for i in range(6)]}, "data.components"),
        ({"title": "t", "custom_id": "m", "components": [text_input(), text_input()]}, "data.components"),
        ({"title": "t", "custom_id": "m", "components": [{"type": 2}]}, "data.components.0.type"),
        ({"title": "t", "custom_id": "m", "components": [row(BUTTON)]}, "data.components.0.components.0.type"),
        (
            {"title": "t", "custom_id": "m", "components": [text_input(value="x" * 4001)]},
            "data.components.0.components.0.value",
        ),
        (
            {"title": "t", "custom_id": "m", "components": [text_input(max_length=4001)]},
            "data.components.0.components.0.max_length",
        ),
        ({"title": "t", "custom_id": "m", "components": [{"type": 18, "label": "l"}]}, "data.components.0.component"),
        (
            {"title": "t", "custom_id": "m", "components": [{"type": 18, "label": "", "component": BUTTON}]},
            "data.components.0.label",
        ),
    ],
)
async def test_discords_rules_for_forms(scene: Scene, modal: dict[str, Any], path: str) -> None:
    interaction = await ask(scene)
    refused = await callback(scene, interaction, 9, modal)
    assert refused.code == 50035
    assert refused.error(path)
    assert interaction.modal is None


async def test_a_form_is_opened_and_sent(scene: Scene) -> None:
    interaction = await ask(scene)
    await callback(scene, interaction, 9, {"title": "T", "custom_id": "form", "components": [text_input()]})
    await interaction.answered()
    assert interaction.modal is not None
    assert [f["custom_id"] for f in interaction.modal.fields] == ["words"]
    sent = await scene.person.submit(interaction, words="hello")
    assert sent.data["components"][0]["components"][0]["value"] == "hello"
    refused = await callback(scene, sent, 9, {"title": "T", "custom_id": "form", "components": [text_input()]})
    assert refused.error("type") == "BASE_TYPE_CHOICES"
    assert (await callback(scene, sent, 7, {"content": "no message to update"})).error("type")
    await callback(scene, sent, 4, {"content": "thanks"})
    assert sent.messages[0].content == "thanks"
    with pytest.raises(NotVisibleError):
        await scene.world.person(scene.owner).submit(interaction, words="mine")
    with pytest.raises(UnknownComponentError):
        await scene.person.submit(sent, words="no form here")
