"""What is generated obeys the request: lengths, stop texts, seeds, and what the text says."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.infermatic import DEFAULT_MODELS, LocalInfermatic, ModelSpec, count_tokens
from playground.infermatic._calls import read_call
from playground.infermatic._generation import Choice, generate
from playground.infermatic._replies import Reply

SPEC = DEFAULT_MODELS[0]


def choices(text: str | None = None, spec: ModelSpec = SPEC, variation: int = 0, **body: Any) -> tuple[Choice, ...]:
    body.setdefault("messages", [{"role": "user", "content": "Hello!"}])
    call = read_call("chat/completions", spec.id, body, "1.83.14")
    reply = None if text is None else Reply(text, 1, None, "", None)
    return generate(call, spec, spec.context_window, reply, variation=variation).choices


def only(text: str | None = None, **body: Any) -> Choice:
    (choice,) = choices(text, **body)
    return choice


@given(st.text(), st.integers(1, 40))
def test_a_reply_never_has_more_tokens_than_asked_for(text: str, limit: int) -> None:
    choice = only(text, max_tokens=limit)
    assert len(choice.tokens) <= limit
    assert text.startswith(choice.text)
    assert (choice.finish_reason == "length") == (choice.text != text)


@given(st.text("abc ", max_size=40), st.lists(st.text("abc ", min_size=1, max_size=3), min_size=1, max_size=3))
def test_a_stop_text_is_never_in_the_reply(text: str, stop: list[str]) -> None:
    choice = only(text, stop=stop)
    assert not any(word in choice.text for word in stop)
    assert text.startswith(choice.text)
    assert choice.finish_reason == "stop"


@given(st.integers(1, 300))
def test_a_reply_has_at_least_the_tokens_asked_for(least: int) -> None:
    assert len(only("short", min_tokens=least).tokens) >= least


def test_a_stop_text_before_the_least_length_is_passed_over() -> None:
    assert only("one two stop three stop", stop="stop", min_tokens=4).text == "one two stop three "


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    texts = {seed: only(seed=seed, variation=seed).text for seed in range(6)}
    assert texts == {seed: only(seed=seed, variation=seed + 100).text for seed in range(6)}
    assert len(set(texts.values())) > 4


def test_without_a_seed_every_request_has_its_own_text_unless_the_temperature_is_zero() -> None:
    assert len({only(variation=n).text for n in range(6)}) > 4
    assert len({only(variation=n, temperature=0).text for n in range(6)}) == 1


def test_alternatives_differ() -> None:
    assert len({choice.text for choice in choices(n=4)}) == 4


def test_the_text_says_what_was_sent() -> None:
    messages = [
        {"role": "system", "content": "You are a pirate with a parrot."},
        {"role": "user", "content": "Where is the treasure?"},
        {"role": "assistant", "content": "Arr."},
        {"role": "user", "content": "I mean the *other* treasure, the one we buried last summer."},
    ]
    text = only(messages=messages).text
    for expected in ("ffline", SPEC.id, "You are a pirate", "3 turns", "other* treasure"):
        assert expected in text


def test_a_long_text_is_long_and_a_usual_one_is_not() -> None:
    assert 30 < count_tokens(only().text) < 400
    assert len(only(messages=[{"role": "user", "content": "Tell me a long story"}]).text) > 3000


def test_lists_and_code_are_given_when_asked_for() -> None:
    assert "\n- **one**" in only(messages=[{"role": "user", "content": "Make a list"}]).text
    assert "```python\n" in only(messages=[{"role": "user", "content": "Write code"}]).text


def test_a_story_goes_on_where_it_ended() -> None:
    asked = [{"role": "user", "content": "Tell me a long story"}]
    told = only(messages=asked, max_tokens=120).text
    more = only(messages=[*asked, {"role": "assistant", "content": told}, {"role": "user", "content": "continue"}]).text
    assert more.split(".")[0] not in told
    assert "ffline" not in more


def test_reasoning_models_think_in_their_own_way() -> None:
    field = choices(spec=ModelSpec("thinker", reasoning="field"))[0]
    inline = choices(spec=ModelSpec("thinker", reasoning="inline"))[0]
    assert field.reasoning_text
    assert "<think>" not in field.text
    assert not inline.reasoning
    assert inline.text.startswith("<think>\n")
    assert "</think>\n\n" in inline.text


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("top_p", 0, "top_p must be in (0, 1], got 0.0."),
        ("min_p", 2, "min_p must be in [0, 1], got 2.0."),
        ("n", 0, "n must be at least 1, got 0."),
        ("max_tokens", 0, "max_tokens must be at least 1, got 0."),
        ("min_tokens", -1, "min_tokens must be greater"),
        ("repetition_penalty", 0, "repetition_penalty must be greater than zero."),
        ("presence_penalty", 3, "presence_penalty must be in [-2, 2], got 3.0."),
        ("temperature", "warm", "temperature must be a number, got 'warm'."),
        ("seed", 1.5, "seed must be an integer, got 1.5."),
        ("messages", [], "messages must be a non-empty list"),
    ],
)
async def test_a_parameter_out_of_range_is_refused(
    api: LocalInfermatic, session: aiohttp.ClientSession, name: str, value: object, told: str
) -> None:
    body = {"model": SPEC.id, "messages": [{"role": "user", "content": "x"}], name: value}
    async with session.post(f"{api.url}/v1/chat/completions", json=body) as response:
        assert response.status == 400
        assert told in (await response.json())["error"]["message"]


async def test_parameters_that_nobody_knows_are_ignored(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    body = {"model": SPEC.id, "prompt": "x", "foo_bar": 1, "logit_bias": {}, "user": "u", "metadata": {}}
    async with session.post(f"{api.url}/v1/completions", json=body) as response:
        assert response.status == 200
        assert (await response.json())["usage"]["completion_tokens"] == 16


async def test_several_prompts_get_a_choice_each(api: LocalInfermatic, session: aiohttp.ClientSession) -> None:
    body = {"model": SPEC.id, "prompt": ["one", "two"], "n": 2}
    async with session.post(f"{api.url}/v1/completions", json=body) as response:
        answer = await response.json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
