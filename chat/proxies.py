"""What people say through proxy bots: those delete a message and post its words again through a webhook.

The two events come in either order, so each waits a moment for the other. Nothing here has a timer: what has waited too
long is passed over and dropped when something else happens. Only what was said in the last seconds is remembered.
"""

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

HOLD_SECONDS: Final = 1.5
"""How long a deletion and the webhook's message wait for each other."""

SAID_SECONDS: Final = 10.0
"""A proxy answers within a second or two; with large files to post again it takes longer."""

LONGEST_TAGS: Final = 100
"""What a proxy takes away before and behind the words that it posts, in characters."""

SHORTEST_WORDS: Final = 3
"""Anything shorter is found in most messages, so it has to stand there as a word of its own."""

LONGEST_TEXT: Final = 2000 + LONGEST_TAGS
"""A webhook posts 2,000 characters."""

MOST_IN_CHANNEL: Final = 8
MOST_CHANNELS: Final = 2000
MOST_USERS: Final = 10_000

_Message = TypeVar("_Message")

_MENTION_FIRST = re.compile(r"(<@!?\d+>)\s*")
_QUOTE_LINE = re.compile(r"(?:>|-#)[^\n]*(?:\n|\Z)")
_LINK_TO_MESSAGE = "/channels/"


@dataclass(frozen=True, slots=True)
class Words(Generic[_Message]):
    """A message as far as it tells whether another one says the same."""

    message_id: int
    text: str
    files: int
    message: _Message
    is_reply: bool = False


@dataclass(frozen=True, slots=True)
class Proxied(Generic[_Message]):
    """What a person wrote, and the message that says it in its place."""

    original: _Message
    posted: _Message


@dataclass(eq=False, slots=True)
class _Kept(Generic[_Message]):
    words: Words[_Message]
    came: float
    deleted: float | None = None


@dataclass(eq=False, slots=True)
class _Channel(Generic[_Message]):
    said: deque[_Kept[_Message]] = field(default_factory=lambda: deque(maxlen=MOST_IN_CHANNEL))
    posted: deque[_Kept[_Message]] = field(default_factory=lambda: deque(maxlen=MOST_IN_CHANNEL))
    last_said: float = 0.0

    def drop_old(self, now: float, hold_seconds: float) -> None:
        while self.said and self.said[0].came < now - SAID_SECONDS:
            self.said.popleft()
        while self.posted and self.posted[0].came < now - hold_seconds:
            self.posted.popleft()


class ProxyMatcher(Generic[_Message]):
    """Finds the message that a webhook's message stands for. Each event costs the same, however much was said."""

    def __init__(self, hold_seconds: float = HOLD_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._hold_seconds = hold_seconds
        self._clock = clock
        self._channels: OrderedDict[int, _Channel[_Message]] = OrderedDict()  # what was said in longest ago first

    def __len__(self) -> int:
        return sum(len(channel.said) + len(channel.posted) for channel in self._channels.values())

    def said(self, channel_id: int, words: Words[_Message]) -> None:
        """A person said something, which may be deleted at once."""
        now = self._clock()
        self._drop_idle(now)
        if len(words.text) > LONGEST_TEXT:
            return
        channel = self._channels.setdefault(channel_id, _Channel())
        self._channels.move_to_end(channel_id)
        channel.drop_old(now, self._hold_seconds)
        channel.said.append(_Kept(words, now))
        channel.last_said = now
        if len(self._channels) > MOST_CHANNELS:
            self._channels.popitem(last=False)

    def posted(self, channel_id: int, words: Words[_Message]) -> Proxied[_Message] | None:
        """A foreign webhook posted something; what it stands for, if that is deleted already."""
        now = self._clock()
        channel = self._current(channel_id, now)
        if channel is None:
            return None
        kept = _Kept(words, now)
        deleted = [one for one in channel.said if one.deleted is not None and one.deleted >= now - self._hold_seconds]
        original = _closest(deleted, lambda one: taken_away(one.words, words))
        if original is None:
            channel.posted.append(kept)
            return None
        channel.said.remove(original)
        return Proxied(original.words.message, words.message)

    def deleted(self, channel_id: int, message_id: int) -> Proxied[_Message] | None:
        """A message was deleted; what stands for it, if that is posted already."""
        now = self._clock()
        channel = self._current(channel_id, now)
        original = next((one for one in channel.said if one.words.message_id == message_id), None) if channel else None
        if channel is None or original is None:
            return None
        original.deleted = now
        posted = _closest(channel.posted, lambda one: taken_away(original.words, one.words))
        if posted is None:
            return None
        channel.said.remove(original)
        channel.posted.remove(posted)
        return Proxied(original.words.message, posted.words.message)

    def _current(self, channel_id: int, now: float) -> _Channel[_Message] | None:
        """A channel in which something was said lately."""
        self._drop_idle(now)
        channel = self._channels.get(channel_id)
        if channel is not None:
            channel.drop_old(now, self._hold_seconds)
        return channel

    def _drop_idle(self, now: float) -> None:
        while self._channels and next(iter(self._channels.values())).last_said < now - SAID_SECONDS:
            self._channels.popitem(last=False)


class ProxyUsers:
    """Who has spoken through a proxy bot, and where; those who did so longest ago are forgotten first."""

    def __init__(self, most: int = MOST_USERS) -> None:
        self._most = most
        self._users: OrderedDict[tuple[int, int], None] = OrderedDict()

    def add(self, guild_id: int, user_id: int) -> None:
        """This person does so."""
        self._users[guild_id, user_id] = None
        self._users.move_to_end((guild_id, user_id))
        if len(self._users) > self._most:
            self._users.popitem(last=False)

    def __contains__(self, user: tuple[int, int]) -> bool:
        return user in self._users


def taken_away(said: Words[_Message], posted: Words[_Message]) -> int | None:
    """How many characters a proxy took away from what was said; None if it did not post that."""
    if posted.files > said.files:
        return None
    words, text = said.text.strip(), posted.text.strip()
    if not text:
        same_files = 0 < posted.files == said.files
        return len(words) if same_files and len(words) <= LONGEST_TAGS else None
    taken = _characters_around(words, text)
    if taken is None and said.is_reply:
        answer = without_quote(text)
        return _characters_around(words, answer) if answer != text else None
    return taken


def without_quote(text: str) -> str:
    """The words below the quoted lines, with a link to a message, that some proxies write above a reply."""
    place, linked = 0, False
    while (line := _QUOTE_LINE.match(text, place)) is not None:
        linked = linked or _LINK_TO_MESSAGE in line[0]
        place = line.end()
    return text[place:].strip() if linked else text


def _characters_around(words: str, text: str) -> int | None:
    """How much more than this text the words are; None if it is none of them, or too little of them.

    A mention that stands before the tags stands before the text, too.
    """
    taken = len(words) - len(text)
    if not 0 <= taken <= LONGEST_TAGS or not text:
        return None
    if text not in words:
        first, again = _MENTION_FIRST.match(words), _MENTION_FIRST.match(text)
        if first is None or again is None or first[1] != again[1]:
            return None
        return _characters_around(words[first.end() :], text[again.end() :])
    stands_alone = len(text) >= SHORTEST_WORDS or re.search(rf"(?<!\w){re.escape(text)}(?!\w)", words)
    return taken if stands_alone else None


def _closest(
    kept: "deque[_Kept[_Message]] | list[_Kept[_Message]]", distance: Callable[[_Kept[_Message]], int | None]
) -> _Kept[_Message] | None:
    """The one that differs least, and of several such the oldest."""
    distances = [(far, one) for one in kept if (far := distance(one)) is not None]
    return min(distances, key=lambda found: found[0])[1] if distances else None
