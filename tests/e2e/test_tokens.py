"""Counting: what `/tokens` asks the service, what `/context` tells, and whether prompts really fill the window."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from playground.infermatic._tokenizer import count_messages
from tests.e2e.conftest import MODEL, Stage, changed, running

pytestmark = pytest.mark.usefixtures("no_rate_limits")

WINDOW = 2048
RESERVE = 400
STORY = "The harbour lay quiet under the fog, and nobody came down to the boats before the bell had rung twice. "


@pytest.fixture
async def small(offstage: Stage) -> AsyncIterator[Stage]:
    """A bot that knows that its model has a small context window."""
    offstage.api.context_windows[MODEL] = WINDOW
    async with running(offstage, changed(offstage.settings, context_windows={MODEL: WINDOW})):
        yield offstage


def sizes(stage: Stage) -> list[int]:
    """What each chat request takes of the window, as the service counts it: the prompt and the reserved reply."""
    bodies = [r.body for r in stage.api.requests if r.path == "/v1/chat/completions"]
    return [count_messages(body["messages"]) + body["max_tokens"] for body in bodies]


def rows(shown: str) -> dict[str, int]:
    """The numbers of `/context`."""
    found = re.findall(r"^([^\d\n]+?) +([\d,]+) +\d+%$", shown, re.MULTILINE)
    return {name.strip(): int(tokens.replace(",", "")) for name, tokens in found}


async def long_talk(stage: Stage, turns: int, text: str = STORY * 6) -> None:
    """More than the window holds."""
    for number in range(turns):
        await stage.ask(stage.ada, f"{number}: {text}", answer=f"reply {number}: {STORY}")


# --- /tokens


async def test_tokens_asks_the_service_for_its_estimate_and_spends_nothing_of_the_keys_limits(offstage: Stage) -> None:
    offstage.api.add_key("sk-one", requests_per_minute=1, parallel_requests=1)
    limited = changed(offstage.settings, infermatic_api_key=("sk-one",), requests_per_minute=1, parallel_requests=1)
    async with running(offstage, limited):
        for _ in range(3):
            counted = await offstage.command(offstage.ada, "tokens", text="at night the tide")
        assert counted.ephemeral
        assert "About **4** tokens" in counted.content
        assert MODEL in counted.content
        assert "openai_tokenizer" in counted.content
        await offstage.ask(offstage.ada, "the one request of this minute")
    assert [r.status for r in offstage.api.requests if r.path == "/utils/token_counter"] == [200] * 3
    assert len(offstage.prompts) == 1


async def test_tokens_counts_for_another_model_and_refuses_unknown_ones(stage: Stage) -> None:
    other = "L3.1-70B-Euryale-v2.2-FP8-Dynamic"
    counted = await stage.command(stage.ada, "tokens", text="at night", model=other)
    assert other in counted.content
    assert "huggingface_tokenizer" in counted.content
    assert "I know no model" in (await stage.command(stage.ada, "tokens", text="x", model="nothing")).content


async def test_tokens_without_a_key_is_refused_in_words(offstage: Stage) -> None:
    async with running(offstage, changed(offstage.settings, infermatic_api_key=())):
        assert "API key" in (await offstage.command(offstage.ada, "tokens", text="x")).content


async def test_counting_somebodys_odd_text_does_not_bend_the_estimate_of_chats(small: Stage) -> None:
    await long_talk(small, 4)
    assert small.bot is not None
    before = small.bot.services.catalogue.estimator(MODEL)
    await small.command(small.ada, "tokens", text="🙂👩‍👩‍👧" * 50)
    assert small.bot.services.catalogue.estimator(MODEL) == before


# --- /context


@pytest.mark.parametrize("turns", [0, 2, 12])
async def test_the_numbers_add_up_to_the_window_and_the_bar_renders(small: Stage, turns: int) -> None:
    await long_talk(small, turns)
    shown = (await small.command(small.ada, "context")).content
    assert sum(rows(shown).values()) == WINDOW
    assert rows(shown)["reserved for the reply"] == RESERVE
    assert ("history" in rows(shown)) == bool(turns)
    [bar] = [line for line in shown.splitlines() if line.startswith("🟦")]
    assert len(bar) == 20
    assert ("🟩" in bar) == bool(turns)
    assert ("no longer fit" in shown) == (turns == 12)


async def test_context_tells_what_the_next_prompt_will_hold(small: Stage) -> None:
    await long_talk(small, 1)
    shown = rows((await small.command(small.ada, "context")).content)
    await small.ask(small.ada, "")  # nothing said: no turn of its own
    await small.ask(small.ada, "x")
    real = count_messages(small.prompts[-1][:-1])
    assert shown["system"] + shown["history"] == pytest.approx(real, rel=0.1)


# --- long conversations


async def test_a_long_conversation_fills_the_window_and_never_exceeds_it(small: Stage) -> None:
    await long_talk(small, 14)
    assert all(r.status == 200 for r in small.api.requests)
    assert max(sizes(small)) <= WINDOW
    assert min(sizes(small)[8:]) >= 0.9 * WINDOW
    assert {r.body["max_tokens"] for r in small.api.requests if "messages" in r.body} == {RESERVE}
    newest = "\n".join(message["content"] for message in small.prompts[-1])
    assert "13: " in newest
    assert "0: " not in newest.replace("10: ", "")


@pytest.mark.parametrize(
    "text",
    [
        "Туман лежал над гаванью, и никто не спускался к лодкам. " * 8,
        "霧が港を覆い、誰も船に降りてこなかった。" * 8,
        "x=1;y=[2,3];{'a':4}->%5 " * 24,
    ],
    ids=["Cyrillic", "Japanese", "code"],
)
async def test_other_scripts_never_exceed_the_window_either(small: Stage, text: str) -> None:
    await long_talk(small, 10, text)
    answered = [r for r in small.api.requests if r.path == "/v1/chat/completions" and r.status == 200]
    assert len(answered) == 10
    refused = [r for r in small.api.requests if r.status == 400]
    assert len(refused) <= 1  # once, while nothing was known of the model
    assert sizes(small)[-1] <= WINDOW
    assert "⚠️" not in small.channel.messages[-1].content


async def test_one_message_longer_than_the_window_is_shortened(small: Stage) -> None:
    for _ in range(2):
        await small.ask(small.ada, "🙂" * 900)
    interaction = await small.ada.slash(small.channel, "chat", message=STORY * 50)
    await interaction.answered()
    await small.settled()
    assert small.api.requests[-1].status == 200
    assert sizes(small)[-1] <= WINDOW


# --- learning


@pytest.mark.parametrize("given", [{}, {MODEL: 8192}], ids=["unknown", "too much in CONTEXT_WINDOWS"])
async def test_a_context_error_is_learned_from_and_the_shortened_prompt_tried_once(
    offstage: Stage, given: dict[str, int]
) -> None:
    async with running(offstage, changed(offstage.settings, context_windows=given)):
        await long_talk(offstage, 10)
        offstage.api.context_windows[MODEL] = WINDOW
        before = len(offstage.prompts)
        reply = await offstage.ask(offstage.ada, "still there?", answer="Yes.")
        assert reply.content == "Yes."
        assert [r.status for r in offstage.api.requests[-2:]] == [400, 200]
        assert len(offstage.prompts) == before + 2
        await offstage.ask(offstage.ada, "and now?")
        assert offstage.api.requests[-1].status == 200
        assert len(offstage.prompts) == before + 3
        shown = await offstage.command(offstage.ada, "model show")
        assert "2,048 tokens" in shown.content


async def test_a_prompt_that_is_longer_than_we_believed_is_counted_better_and_tried_once(small: Stage) -> None:
    reply = await small.ask(small.ada, "?!" * 900, answer="Indeed.")  # twice as many tokens as we would think
    assert reply.content == "Indeed."
    assert [r.status for r in small.api.requests if "messages" in r.body] == [400, 200]
    await small.ask(small.ada, "?!" * 900)
    assert [r.status for r in small.api.requests if "messages" in r.body] == [400, 200, 200]
    assert sizes(small)[-1] <= WINDOW


async def test_what_was_learned_of_the_window_is_kept_over_a_restart(offstage: Stage) -> None:
    async with running(offstage, offstage.settings):
        await long_talk(offstage, 10)
        offstage.api.context_windows[MODEL] = WINDOW
        await offstage.ask(offstage.ada, "still there?")
    async with running(offstage, offstage.settings):
        refused = [r for r in offstage.api.requests if r.status == 400]
        await offstage.ask(offstage.ada, "and now?")
        assert [r for r in offstage.api.requests if r.status == 400] == refused


async def test_a_prompt_that_is_refused_again_is_said_in_words_and_not_tried_further(small: Stage) -> None:
    small.api.faults.add("context_window", times=None, limit=WINDOW)
    reply = await small.ask(small.ada, "one")
    assert "too long for the model" in reply.content
    assert len(small.prompts) == 2


async def test_usage_corrects_the_estimate_and_is_kept_over_a_restart(offstage: Stage) -> None:
    async def shown(stage: Stage) -> Any:
        return rows((await stage.command(stage.ada, "context")).content)

    async with running(offstage, offstage.settings):
        await long_talk(offstage, 3, "🙂👩‍👩‍👧 " * 60)
        after = await shown(offstage)
    real = count_messages([*offstage.prompts[-1], {"role": "assistant", "content": f"reply 2: {STORY}"}])
    assert after["system"] + after["history"] == pytest.approx(real, rel=0.1)
    async with running(offstage, offstage.settings):
        assert await shown(offstage) == after
