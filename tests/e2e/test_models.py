"""Which model answers, what the bot says about it, and how it adapts to each."""

import pytest

from playground.infermatic import ModelSpec
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

OTHER = "TheDrummer-UnslopNemo-12B-v4.1"
FALLBACK = "Sao10K-72B-Qwen2.5-Kunou-v1-FP8-Dynamic"
DOCUMENTED_WITHOUT_SYSTEM = "TheDrummer-Rocinante-12B-v1.1"
SECRETLY_WITHOUT_SYSTEM = "Somebody-Plain-8B"


def asked_models(stage: Stage) -> list[str | None]:
    """The model of every chat request so far."""
    return [r.model for r in stage.api.requests if r.path == "/v1/chat/completions"]


# --- /model


async def test_the_list_shows_what_is_served_and_what_answers(stage: Stage) -> None:
    listed = await stage.command(stage.ada, "model list")
    assert listed.ephemeral
    chat_models = [name for name, spec in stage.api.models.items() if spec.kind == "chat"]
    assert all(f"`{name}`" in listed.content for name in chat_models)
    assert "e5-base" not in listed.content
    assert f"**`{MODEL}`** (answers here)" in listed.content
    found = await stage.command(stage.ada, "model list", search="euryale v2.2")
    assert found.content == "- `L3.1-70B-Euryale-v2.2-FP8-Dynamic`"
    assert "No model" in (await stage.command(stage.ada, "model list", search="nothing")).content


async def test_a_channels_choice_is_kept_over_a_restart(offstage: Stage) -> None:
    quiet = offstage.guild.add_text_channel("quiet")
    async with running(offstage, offstage.settings):
        said = await offstage.command(offstage.moderator, "model set", model=OTHER)
        assert not said.ephemeral
        await offstage.ask(offstage.ada, "one")
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.ada, "two")
        await offstage.ask(offstage.ada, "three", channel=quiet)
    assert asked_models(offstage) == [OTHER, OTHER, MODEL]


async def test_threads_inherit_and_may_differ_and_show_says_where_from(stage: Stage) -> None:
    thread = stage.channel.add_thread("plans", stage.ada.user)
    assert "the operator's default" in (await stage.command(stage.ada, "model show", thread)).content
    await stage.command(stage.moderator, "model set", model=OTHER)
    shown = await stage.command(stage.ada, "model show", thread)
    assert f"`{OTHER}` answers here, set by this thread's channel." in shown.content
    assert "set by this channel." in (await stage.command(stage.ada, "model show")).content
    await stage.ask(stage.tom, "one", channel=thread)
    await stage.command(stage.ada, "model set", thread, model=FALLBACK)
    assert "set by this thread." in (await stage.command(stage.ada, "model show", thread)).content
    await stage.ask(stage.tom, "two", channel=thread)
    await stage.ask(stage.tom, "three")
    reset = await stage.command(stage.ada, "model reset", thread)
    assert f"`{OTHER}` answers here again." in reset.content
    await stage.ask(stage.tom, "four", channel=thread)
    assert asked_models(stage) == [OTHER, FALLBACK, OTHER, OTHER]


async def test_unknown_names_are_refused_even_before_the_list_was_ever_read(stage: Stage) -> None:
    refusal = await stage.command(stage.moderator, "model set", model="no-such`model")
    assert refusal.ephemeral
    assert "I know no model `no-such'model`. See `/model list`." in refusal.content
    await stage.ask(stage.ada, "one")
    assert asked_models(stage) == [MODEL]


async def test_names_may_be_typed_in_any_case(stage: Stage) -> None:
    await stage.command(stage.moderator, "model set", model=OTHER.upper())
    await stage.ask(stage.ada, "one")
    assert asked_models(stage) == [OTHER]


async def test_a_model_that_is_new_at_the_service_can_be_chosen(stage: Stage) -> None:
    await stage.command(stage.ada, "model list")
    stage.api.models["Brand-New-9B"] = ModelSpec("Brand-New-9B")
    assert stage.bot is not None
    stage.bot.services.catalogue._read_at = 0.0
    await stage.command(stage.moderator, "model set", model="Brand-New-9B")
    await stage.ask(stage.ada, "one")
    assert asked_models(stage) == ["Brand-New-9B"]


async def test_suggestions_come_from_the_live_list_soon_after_the_start(stage: Stage) -> None:
    await stage.world.wait_until(lambda: stage.bot and stage.bot.services.catalogue._names)
    for command in ("model set", "tokens"):
        other = {} if command == "model set" else {"text": "x"}
        choices = await stage.moderator.autocomplete(stage.channel, command, focused="model", model="70b eury", **other)
        assert [c.value for c in choices] == ["L3.1-70B-Euryale-v2.2-FP8-Dynamic", MODEL]


async def test_a_list_that_cannot_be_read_is_said_in_words(offstage: Stage) -> None:
    await offstage.api.stop()
    async with running(offstage, offstage.settings):
        assert "cannot reach the service" in (await offstage.command(offstage.ada, "model list")).content
        assert f"`{MODEL}` answers here" in (await offstage.command(offstage.ada, "model show")).content


async def test_without_a_default_the_first_question_is_answered_by_some_model(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, default_model="")) as bot:
        await offstage.world.wait_until(
            lambda: bot.services.catalogue._names
        )  # the list is read without being asked for
        await offstage.ask(offstage.ada, "one")
    [asked] = asked_models(offstage)
    assert asked in offstage.api.models


# --- a model that is gone


async def test_a_fallback_answers_for_a_model_that_is_gone_and_says_so_once_per_channel(offstage: Stage) -> None:
    quiet = offstage.guild.add_text_channel("quiet")
    async with running(offstage, changed(offstage.settings, fallback_models=(FALLBACK,))):
        for channel in (offstage.channel, quiet):
            await offstage.command(offstage.moderator, "model set", channel, model=OTHER)
        del offstage.api.models[OTHER]
        replies = [await offstage.ask(offstage.ada, "one"), await offstage.ask(offstage.ada, "two")]
        replies += [await offstage.ask(offstage.ada, "one", channel=quiet)]
        shown = await offstage.command(offstage.ada, "model show")
    told = [f"`{OTHER}` is not served any more; `{FALLBACK}` answered" in reply.content for reply in replies]
    assert told == [True, False, True]
    assert asked_models(offstage) == [OTHER, FALLBACK, FALLBACK, FALLBACK]
    assert f"`{OTHER}` was chosen, but is not served any more." in shown.content


async def test_without_a_fallback_a_model_that_is_gone_is_said_in_words(stage: Stage) -> None:
    del stage.api.models[MODEL]
    reply = await stage.ask(stage.ada, "one")
    assert f"`{MODEL}` is not served any more" in reply.content
    assert "/model set" in reply.content


# --- models without a system role


def roles(stage: Stage) -> list[list[str]]:
    """Who speaks in each prompt."""
    return [[message["role"] for message in prompt] for prompt in stage.prompts]


async def test_a_documented_model_gets_the_system_prompt_folded_at_once(stage: Stage) -> None:
    await stage.command(stage.moderator, "model set", model=DOCUMENTED_WITHOUT_SYSTEM)
    await stage.ask(stage.ada, "one")
    assert stage.prompts == [[{"role": "user", "content": "You are the bot of this test.\n\none"}]]
    shown = await stage.command(stage.ada, "model show")
    assert "no system prompt" in shown.content


async def test_a_fold_that_succeeds_is_remembered_over_a_restart(offstage: Stage) -> None:
    offstage.api.models[SECRETLY_WITHOUT_SYSTEM] = ModelSpec(SECRETLY_WITHOUT_SYSTEM, system_role=False)
    settings = changed(offstage.settings, default_model=SECRETLY_WITHOUT_SYSTEM)
    async with running(offstage, settings):
        reply = await offstage.ask(offstage.ada, "one")
        assert "-# ⚠️" not in reply.content
        assert roles(offstage)[-1] == ["user"]
        failed = [r for r in offstage.api.requests if r.status == 500]
        assert failed
    async with running(offstage, settings):
        await offstage.ask(offstage.ada, "two")
    assert [r for r in offstage.api.requests if r.status == 500] == failed
    assert roles(offstage)[-1] == ["user", "assistant", "user"]


async def test_a_fold_that_fails_too_is_not_remembered(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        fault = offstage.api.faults.add("status", times=None, status=500)
        reply = await offstage.ask(offstage.ada, "one")
        assert "problem of its own" in reply.content
        assert ["user"] in roles(offstage)
        assert fault.hits <= 4  # each of the two shapes once, and once more by the client
        offstage.api.faults.clear()
    async with running(offstage, offstage.settings):
        await offstage.ask(offstage.ada, "two")
    assert roles(offstage)[-1][0] == "system"
