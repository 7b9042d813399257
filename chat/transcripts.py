"""Conversations as files: Markdown to read, JSON of our own with the whole tree, and SillyTavern's chats.

Nothing here reads or writes files. What is read was written by anyone: it is decoded into known types only, so nothing
nested is ever built from it, and every fault is a `TranscriptError`.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec

from chat._sillytavern_dates import parsed_date
from chat.context import is_said
from chat.errors import TranscriptError
from storage import Role, State, StoredMessage, TranscriptMessage
from storage.text import clean_json

FORMAT: Final = "infermatic-discord-history"
VERSION: Final = 1
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_MESSAGES: Final = 10_000
"""With swipes. So many are written within a few tenths of a second, which is how long chats wait for it."""

MAX_CHARACTERS: Final = 100_000
"""Of one message: no model writes as much, and counting its tokens must not take long."""

MAX_NAME: Final = 100
LARGEST_ID: Final = (1 << 63) - 1

T = TypeVar("T")
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A tree that was read: its messages, each after its parent, and the place of the one to go on from."""

    messages: list[TranscriptMessage]
    head: int
    left_out: int = 0


class _Message(msgspec.Struct, kw_only=True):
    """A message in our JSON. Ids are text, because many readers of JSON lose the end of long numbers."""

    id: str
    parent: str | None = None
    role: Role
    author_id: str | None = None
    author_name: str | None = None
    persona_id: str | None = None
    model: str | None = None
    content: str
    state: State
    tokens: _Count | None = None
    prompt_tokens: _Count | None = None
    finish_reason: str | None = None
    created_at: datetime


class _Tree(msgspec.Struct, kw_only=True):
    format: str
    version: int
    exported_at: datetime
    head: str | None = None
    messages: list[_Message]


class _Kind(msgspec.Struct):
    """Just enough to tell whether a file is ours."""

    format: str = ""
    version: int = 0


class _Extra(msgspec.Struct):
    model: str | None = None


class _Line(msgspec.Struct):
    """A line of a SillyTavern chat: the header or a message."""

    name: str | None = None
    is_user: bool = False
    is_system: bool = False
    send_date: str | float | None = None
    mes: str | None = None
    swipes: list[str] | None = None
    swipe_id: int | None = None
    extra: _Extra | None = None
    user_name: str | None = None
    character_name: str | None = None


def to_json(messages: Iterable[StoredMessage], head: int | None, exported_at: datetime) -> bytes:
    """The whole tree, without loss."""
    tree = _Tree(
        format=FORMAT,
        version=VERSION,
        exported_at=exported_at,
        head=_text(head),
        messages=[
            _Message(
                id=str(m.id),
                parent=_text(m.parent_id),
                role=m.role,
                author_id=_text(m.author_id),
                author_name=m.author_name,
                persona_id=_text(m.persona_id),
                model=m.model,
                content=m.content,
                state=m.state,
                tokens=m.tokens,
                prompt_tokens=m.prompt_tokens,
                finish_reason=m.finish_reason,
                created_at=m.created_at,
            )
            for m in messages
        ],
    )
    return msgspec.json.encode(tree)


def to_markdown(path: Iterable[StoredMessage], bot_name: str) -> bytes:
    """A conversation to read, oldest first."""
    parts = [
        f"### {_name(message, bot_name)} · {message.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC\n\n"
        f"{message.content.strip()}\n"
        for message in path
        if is_said(message)
    ]
    return "\n".join(parts).encode()


def to_sillytavern(
    path: Sequence[StoredMessage], swipes: Mapping[int, Sequence[StoredMessage]], bot_name: str
) -> bytes:
    """A conversation, oldest first; `swipes` are the replies under each message that has some."""
    said = [message for message in path if is_said(message)]
    user_name = next((_name(m, bot_name) for m in said if m.role == "user"), "User")
    header = {
        "user_name": user_name,
        "character_name": next((_name(m, bot_name) for m in said if m.role == "assistant"), bot_name),
        "create_date": _date(said[0]) if said else "",
        "chat_metadata": {},
    }
    lines: list[dict[str, Any]] = [header]
    for message in said:
        line = {
            "name": _name(message, bot_name),
            "is_user": message.role == "user",
            "is_system": message.role == "system",
            "send_date": _date(message),
            "mes": message.content,
            "extra": {"model": message.model} if message.model else {},
        }
        lines.append(line | _swipes(message, swipes))
    return b"\n".join(msgspec.json.encode(line) for line in lines) + b"\n"


def read(data: bytes, importer_id: int, now: datetime) -> Transcript:
    """A tree from a file of either kind. Raises `TranscriptError`.

    SillyTavern does not say who a person is; all it says is said in the name of whoever imports it.
    """
    if len(data) > MAX_BYTES:
        raise TranscriptError("size")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        kind = _decode(data, _Kind)
    except TranscriptError:
        kind = _Kind()  # several lines, for example
    transcript = _read_ours(data, kind) if kind.format == FORMAT else _read_sillytavern(data, importer_id, now)
    if not any(message.content.strip() for message in transcript.messages):
        raise TranscriptError("empty")
    return transcript


def _read_ours(data: bytes, kind: _Kind) -> Transcript:
    if kind.version != VERSION:
        raise TranscriptError("version")
    tree = _decode(data, _Tree)
    if len(tree.messages) > MAX_MESSAGES:
        raise TranscriptError("many")
    places: dict[str, int] = {}
    messages: list[TranscriptMessage] = []
    for found in _parents_first(tree.messages):
        places[found.id] = len(messages)
        messages.append(_taken_in(found, None if found.parent is None else places[found.parent]))
    if tree.head is None:
        return Transcript(messages, len(messages) - 1)
    if tree.head not in places:
        raise TranscriptError("tree")
    return Transcript(messages, places[tree.head])


def _parents_first(messages: Sequence[_Message]) -> list[_Message]:
    """In the file's order, but each after its parent: a message that joined a turn is newer than the reply below."""
    waiting: dict[str, list[_Message]] = {}
    ordered: dict[str, _Message] = {}
    for message in messages:
        if message.parent is not None and message.parent not in ordered:
            waiting.setdefault(message.parent, []).append(message)
            continue
        ready = [message]
        while ready:
            following = ready.pop()
            if following.id in ordered:
                raise TranscriptError("tree")
            ordered[following.id] = following
            ready += reversed(waiting.pop(following.id, []))
    if waiting:  # parents that are missing, or that are each other's
        raise TranscriptError("tree")
    return list(ordered.values())


def _taken_in(found: _Message, parent: int | None) -> TranscriptMessage:
    state = "interrupted" if found.state in {"pending", "streaming"} else found.state
    return TranscriptMessage(
        parent,
        found.role,
        "" if state == "deleted" else _content(found.content, None),
        _utc(found.created_at),
        _id(found.author_id),
        _clipped(found.author_name),
        _clipped(found.model),
        state,
        found.tokens,
        found.prompt_tokens,
        _clipped(found.finish_reason),
    )


def _read_sillytavern(data: bytes, importer_id: int, now: datetime) -> Transcript:
    messages: list[TranscriptMessage] = []
    parent: int | None = None
    left_out = 0
    for number, raw in enumerate(io.BytesIO(data), 1):
        if number > 2 * MAX_MESSAGES:
            raise TranscriptError("many")
        if not raw.strip():
            continue
        line = _decode(raw, _Line, number)
        if line.mes is None and not line.swipes:
            if number == 1 and line.user_name is None and line.character_name is None:
                raise TranscriptError("format")
            continue
        if line.is_system:  # SillyTavern keeps these from the model
            left_out += 1
            continue
        parent = _add_line(messages, line, number, parent, importer_id, now)
        if len(messages) > MAX_MESSAGES:
            raise TranscriptError("many")
    if parent is None:
        raise TranscriptError("empty")
    return Transcript(messages, parent, left_out)


def _add_line(
    messages: list[TranscriptMessage], line: _Line, number: int, parent: int | None, importer_id: int, now: datetime
) -> int:
    """Add a line's message and its swipes; returns the place of the one that is chosen."""
    texts, chosen = _alternatives(line)
    if len(messages) + len(texts) > MAX_MESSAGES:
        raise TranscriptError("many")
    sent = parsed_date(line.send_date) or now
    if parent is None and len(texts) > 1:
        # Greetings: what has no parent has no siblings either, so they hang under a message without words.
        messages.append(TranscriptMessage(None, "system", "", sent, importer_id))
        parent = len(messages) - 1
    first = len(messages)
    messages += (
        TranscriptMessage(
            parent,
            "user" if line.is_user else "assistant",
            _content(text, number),
            sent,
            None if line.is_user else importer_id,  # whose words they were is known by name only
            _clipped(line.name) if line.is_user else None,
            _clipped(line.extra.model) if line.extra else None,
        )
        for text in texts
    )
    return first + chosen


def _alternatives(line: _Line) -> tuple[list[str], int]:
    """The swipes and which of them is shown; `mes` is what was edited last, so it holds for the shown one."""
    texts = list(line.swipes or ())
    if line.mes is None:
        chosen = line.swipe_id if line.swipe_id is not None and 0 <= line.swipe_id < len(texts) else 0
    elif line.swipe_id is not None and 0 <= line.swipe_id < len(texts):
        chosen = line.swipe_id
        texts[chosen] = line.mes
    elif line.mes in texts:
        chosen = texts.index(line.mes)
    else:
        chosen = len(texts)
        texts.append(line.mes)
    return texts, chosen


def _decode(data: bytes, kind: type[T], line: int | None = None) -> T:
    try:
        try:
            return msgspec.json.decode(data, type=kind)
        except ValueError:
            if b"\\ud" not in data and b"\\uD" not in data:
                raise
            # Half an emoji, which JavaScript writes without complaint; Python's reader takes it, and it is cleaned.
            return msgspec.convert(clean_json(json.loads(data)), kind)
    except (ValueError, RecursionError):
        raise TranscriptError("broken", line) from None


def _swipes(message: StoredMessage, swipes: Mapping[int, Sequence[StoredMessage]]) -> dict[str, Any]:
    if message.role != "assistant":
        return {}
    under = swipes.get(message.parent_id, ()) if message.parent_id is not None else ()
    texts = [other for other in under if other.id == message.id or is_said(other)]
    if message.id not in {other.id for other in texts}:
        texts = [message]
    return {
        "swipes": [message.content if other.id == message.id else other.content for other in texts],
        "swipe_id": [other.id for other in texts].index(message.id),
        "swipe_info": [{"send_date": _date(other), "extra": {}} for other in texts],
    }


def _name(message: StoredMessage, bot_name: str) -> str:
    own = " ".join((message.author_name or "").split())
    if message.role == "assistant":
        return own if own and message.persona_id is not None else bot_name
    return own or message.role.capitalize()


def _content(text: str, line: int | None) -> str:
    if len(text) > MAX_CHARACTERS:
        raise TranscriptError("text", line)
    return text


def _clipped(text: str | None) -> str | None:
    return None if text is None else text[:MAX_NAME]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _id(text: str | None) -> int | None:
    """An id, or nothing where none of Discord's stands."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    return int(text) if 0 < int(text) <= LARGEST_ID else None


def _utc(time: datetime) -> datetime:
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:  # the first or the last hours that there are
        raise TranscriptError("broken") from None


def _date(message: StoredMessage) -> str:
    return message.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
