"""Texts on their way into a history, without what the server does not allow in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from chat._greetings import Greetings
from chat.answers import Question
from chat.policy import Side, TextPolicy
from storage import ConversationKey, Scope, TranscriptMessage

T = TypeVar("T")


def scopes_in(key: ConversationKey, scopes: Sequence[Scope] = ()) -> Sequence[Scope]:
    """The scopes of a conversation, as far as they are known."""
    return scopes or (Scope("channel", key.channel_id),)


async def allowed_question(texts: TextPolicy, question: Question) -> Question:
    """What somebody says. Raises the policy's own error."""
    turn = question.turn
    content = await texts.asked(turn.key.guild_id, question.scopes, turn.author_id, turn.content)
    quote = turn.quote
    if quote is not None:
        quote = replace(quote, text=await texts.asked(turn.key.guild_id, question.scopes, turn.author_id, quote.text))
    return replace(question, turn=replace(turn, content=content, quote=quote))


async def allowed_greetings(
    texts: TextPolicy, key: ConversationKey, greetings: Greetings, scopes: Sequence[Scope] = ()
) -> Greetings:
    """The greetings that may be said."""
    found = await texts.kept(key.guild_id, scopes_in(key, scopes), [("answered", text) for text in greetings.texts])
    kept = [text for text in found if text is not None]
    before = sum(text is not None for text in found[: greetings.first])
    return Greetings(kept, max(0, min(before, len(kept) - 1)))


async def allowed_messages(
    texts: TextPolicy, key: ConversationKey, messages: Sequence[TranscriptMessage], scopes: Sequence[Scope] = ()
) -> tuple[list[TranscriptMessage], int]:
    """The messages of a file, and how many lost their words; their places stay."""
    places = scopes_in(key, scopes)
    sides: list[Side] = ["answered" if message.role == "assistant" else "asked" for message in messages]
    found = await texts.kept(key.guild_id, places, [(s, m.content) for s, m in zip(sides, messages, strict=True)])
    names = list(dict.fromkeys((s, m.author_name or "") for s, m in zip(sides, messages, strict=True)))
    named = dict(zip(names, await texts.kept(key.guild_id, places, names), strict=True))
    allowed = [
        replace(message, content=text or "", author_name=named[side, message.author_name or ""] or None)
        for message, text, side in zip(messages, found, sides, strict=True)
    ]
    return allowed, sum(text is None for text in found)


async def allowed_object(
    texts: TextPolicy, guild_id: int | None, scopes: Sequence[Scope], person_id: int, content: T
) -> T:
    """What somebody hands over, an object as JSON has them; itself if all in it may be kept as it is.

    Raises the policy's own error.
    """
    said = list(dict.fromkeys(_texts_in(content)))
    kept = await texts.given(guild_id, scopes, person_id, said)
    changed = {before: after for before, after in zip(said, kept, strict=True) if before != after}
    return cast(T, _with(changed, content)) if changed else content


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip() and not value.startswith("data:"):  # pictures
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts_in(part)


def _with(changed: Mapping[str, str], value: Any) -> Any:
    if isinstance(value, str):
        return changed.get(value, value)
    if isinstance(value, Mapping):
        return {name: _with(changed, part) for name, part in value.items()}
    return [_with(changed, part) for part in value] if isinstance(value, list) else value
