"""Gives a prompt the shape that a model's chat template accepts.

Many templates refuse anything but one opening system message and then user and assistant in turn; some know no
system role at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from chat.pictures import Content, is_empty, joined

OPENING_FILLER: Final = "[Start]"
"""The user turn in front of a history that the assistant opens."""

CLOSING_FILLER: Final = "[Continue]"
"""The user turn behind a history that ends with the assistant, when a new answer is wanted."""

_BETWEEN: Final = "\n\n"

_Message = tuple[str, Content]  # role and content


def adapt(
    messages: Sequence[Mapping[str, Any]], *, system_role: bool, continuing: bool = False
) -> list[dict[str, Any]]:
    """An optional system message, then user and assistant in strict alternation, beginning with the user.

    Later system messages become user text, whatever the model: templates differ too much about them. With
    ``continuing`` an assistant's message at the end stays there, and instructions behind it move in front of it.
    Adapting twice changes nothing.
    """
    filled = [(message["role"], message["content"]) for message in messages if not is_empty(message["content"])]
    opening = list(takewhile(lambda message: message[0] == "system", filled))
    rest = filled[len(opening) :]
    if continuing:
        rest = _with_instructions_before_ending(rest)
    if not system_role:
        rest = opening + rest
        opening = []
    turns = _merged((role if role == "assistant" else "user", content) for role, content in rest)
    if not turns or turns[0][0] == "assistant":
        turns.insert(0, ("user", OPENING_FILLER))
    if turns[-1][0] == "assistant" and not continuing:
        turns.append(("user", CLOSING_FILLER))
    return [{"role": role, "content": content} for role, content in _merged(opening) + turns]


def _with_instructions_before_ending(messages: list[_Message]) -> list[_Message]:
    """Move system messages behind the last reply in front of it, so that the reply can be gone on with."""
    end = len(messages)
    while end and messages[end - 1][0] == "system":
        end -= 1
    start = end
    while start and messages[start - 1][0] == "assistant":
        start -= 1
    return messages[:start] + messages[end:] + messages[start:end]


def _merged(messages: Iterable[_Message]) -> list[_Message]:
    """Equal roles in a row as one message."""
    merged: list[_Message] = []
    for role, content in messages:
        if merged and merged[-1][0] == role:
            merged[-1] = (role, joined(merged[-1][1], content, _BETWEEN))
        else:
            merged.append((role, content))
    return merged
