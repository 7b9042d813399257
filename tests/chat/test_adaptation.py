from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chat.adaptation import CLOSING_FILLER, OPENING_FILLER, adapt

Messages = list[dict[str, str]]
FILLERS = {OPENING_FILLER, CLOSING_FILLER}

MESSAGES = st.lists(
    st.tuples(st.sampled_from(["system", "user", "assistant"]), st.sampled_from(["", " ", "text", "a\n\nb", "x"])),
    max_size=12,
).map(
    lambda pairs: [
        {"role": role, "content": f"{content}{number}" if content.strip() else content}
        for number, (role, content) in enumerate(pairs)
    ]
)


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@given(MESSAGES, st.booleans(), st.booleans())
def test_roles_alternate(messages: Messages, system_role: bool, continuing: bool) -> None:
    roles = [message["role"] for message in adapt(messages, system_role=system_role, continuing=continuing)]
    if roles[0] == "system":
        assert system_role
        roles = roles[1:]
    assert roles[0] == "user"
    assert all({first, second} == {"user", "assistant"} for first, second in pairwise(roles))
    if not continuing:
        assert roles[-1] == "user"


@given(MESSAGES, st.booleans(), st.booleans())
def test_nothing_is_lost_or_added(messages: Messages, system_role: bool, continuing: bool) -> None:
    before = sorted(piece for message in messages for piece in message["content"].split("\n\n") if piece.strip())
    adapted = adapt(messages, system_role=system_role, continuing=continuing)
    after = sorted(piece for message in adapted for piece in message["content"].split("\n\n") if piece not in FILLERS)
    assert after == before


@given(MESSAGES, st.booleans())
def test_the_order_stays(messages: Messages, system_role: bool) -> None:
    whole = "\n\n".join(message["content"] for message in messages if message["content"].strip())
    adapted = adapt(messages, system_role=system_role)
    assert "\n\n".join(m["content"] for m in adapted if m["content"] not in FILLERS) in {whole, *FILLERS}


@given(MESSAGES, st.booleans(), st.booleans())
def test_doing_it_twice_changes_nothing(messages: Messages, system_role: bool, continuing: bool) -> None:
    once = adapt(messages, system_role=system_role, continuing=continuing)
    assert adapt(once, system_role=system_role, continuing=continuing) == once


@given(MESSAGES, st.booleans())
def test_the_given_messages_are_not_changed(messages: Messages, system_role: bool) -> None:
    before = [dict(message) for message in messages]
    adapt(messages, system_role=system_role)
    assert messages == before


def test_the_system_text_goes_into_the_first_user_turn() -> None:
    prompt = [said("system", "Be kind."), said("user", "Hi"), said("assistant", "Hello"), said("user", "Bye")]
    assert adapt(prompt, system_role=True) == prompt
    folded = [said("user", "Be kind.\n\nHi"), said("assistant", "Hello"), said("user", "Bye")]
    assert adapt(prompt, system_role=False) == folded


def test_a_greeting_gets_a_user_turn_in_front() -> None:
    prompt = [said("system", "Be kind."), said("assistant", "Welcome"), said("user", "Hi")]
    assert adapt(prompt, system_role=True)[1] == said("user", OPENING_FILLER)
    assert adapt(prompt, system_role=False)[0] == said("user", "Be kind.")


def test_equal_roles_are_merged_and_later_instructions_become_user_text() -> None:
    prompt = [said("user", "Ada: a"), said("user", "Bob: b"), said("system", "Note"), said("assistant", "c")]
    adapted = adapt(prompt, system_role=True)
    assert adapted == [said("user", "Ada: a\n\nBob: b\n\nNote"), said("assistant", "c"), said("user", CLOSING_FILLER)]


def test_a_reply_being_continued_stays_last() -> None:
    prompt = [said("user", "a"), said("assistant", "b"), said("system", "Short answers")]
    continued = adapt(prompt, system_role=True, continuing=True)
    assert continued == [said("user", "a\n\nShort answers"), said("assistant", "b")]
    assert adapt(prompt, system_role=True)[-1] == said("user", "Short answers")


def test_an_empty_prompt_still_asks() -> None:
    assert adapt([], system_role=True) == [said("user", OPENING_FILLER)]
    assert adapt([said("system", "s")], system_role=False) == [said("user", "s")]
