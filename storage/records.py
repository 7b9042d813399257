"""The plain records that go in and out of storage. No database type appears in them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from typing import Final, Literal

from storage.ids import new_id

Role = Literal["user", "assistant", "system"]
State = Literal["complete", "pending", "streaming", "stopped", "interrupted", "failed", "deleted"]
PersonaKind = Literal["draft", "own", "server"]
ScopeKind = Literal["thread", "channel", "persona", "guild", "user"]
Verdict = Literal["allow", "deny"]
ReportDeed = Literal["deleted", "blocked", "dismissed"]
LimitScope = Literal["guild", "channel", "role", "user"]
LimitSubject = Literal["guild", "channel", "user"]
LimitUnit = Literal["requests", "tokens"]
LimitPeriod = Literal["minute", "hour", "day", "week", "month"]


class Everywhere(Enum):
    """All servers and direct messages."""

    EVERYWHERE = "everywhere"


EVERYWHERE: Final = Everywhere.EVERYWHERE
Where = int | Literal[Everywhere.EVERYWHERE] | None
"""A server, all of them with direct messages, or direct messages alone (None)."""


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """Whose head is meant: the channel's (owner 0), one person's own, or that of their private conversation."""

    guild_id: int | None
    channel_id: int
    owner_id: int = 0
    private: bool = False

    @property
    def private_to(self) -> int | None:
        """The only person who may see this conversation's messages; None if the channel may."""
        return self.owner_id if self.private else None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as models are shown it; width and height are those of the original, as people see it."""

    attachment_id: int
    name: str
    content_type: str
    width: int
    height: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody replied to: the words of a message that is no part of the conversation, and whose they are."""

    discord_id: int
    author_id: int
    text: str


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A user's message that asks for a reply.

    On the head, the turn goes on from it and moves it to the reply; else it is a side branch from parent_id.
    `heard_id` tells when it was heard: who has it deleted after that does not have it kept.
    """

    key: ConversationKey
    claim_id: int
    discord_id: int | None
    author_id: int
    author_name: str
    content: str
    model: str | None
    parent_id: int | None = None
    on_head: bool = True
    created_at: datetime = field(default_factory=utc_now)
    persona_id: int | None = None
    persona_name: str | None = None  # under which it will answer
    pictures: tuple[Picture, ...] = ()
    heard_id: int = field(default_factory=new_id)
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """The ids of a begun turn; parent_id is what the user's message hangs under.

    `recent` is the first page of the path from the user's message, as it stood when the turn began: a prompt that is
    assembled at once needs no further reading for it.
    """

    user_message_id: int
    reply_id: int
    parent_id: int | None
    recent: tuple["StoredMessage", ...] = ()


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message of the tree. A reply's author_id is the person who asked for it, its author_name the persona's."""

    id: int
    guild_id: int | None
    channel_id: int
    parent_id: int | None
    role: Role
    author_id: int | None
    author_name: str | None
    persona_id: int | None
    model: str | None
    content: str
    state: State
    tokens: int | None
    finish_reason: str | None
    created_at: datetime
    private_to: int | None = None
    prompt_tokens: int | None = None
    quote: str | None = None
    quoted_author_id: int | None = None

    @property
    def has_words(self) -> bool:
        """Whether it says anything; a mere mention means what it quotes."""
        return bool(self.content.strip() or self.quote)


@dataclass(frozen=True, slots=True)
class ShownReply:
    """A reply with what is needed to show it; `swipes` are it and the others that have words, as they were made.

    The newest of a conversation or of a side branch may be changed. `key` names the conversation whose head it is.
    """

    reply: StoredMessage
    key: ConversationKey
    on_head: bool
    newest: bool
    swipes: tuple[StoredMessage, ...]
    asked: tuple[StoredMessage, ...]
    discord_ids: tuple[int, ...]
    question_stands_in_discord: bool  # else it is shown above the reply

    @property
    def position(self) -> int:
        """Which of its swipes the reply is, from 1."""
        return 1 + sum(swipe.id < self.reply.id for swipe in self.swipes)

    @property
    def asker_ids(self) -> frozenset[int]:
        """Whose words it answers; what a persona says unasked belongs to whoever let it speak."""
        asked = [message.author_id for message in self.asked]
        if not asked and self.reply.persona_id is not None:
            asked = [self.reply.author_id]
        return frozenset(author_id for author_id in asked if author_id)


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks through which webhook."""

    webhook_id: int
    persona_id: int


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook of ours in a channel, and whom it looks like now; `looks` tells whether that is still so."""

    id: int
    guild_id: int | None
    channel_id: int
    persona_id: int
    looks: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class OutlinedMessage:
    """What a drawing of the tree needs of a message; `beginning` is the start of its content."""

    id: int
    parent_id: int | None
    role: Role
    author_name: str | None
    state: State
    beginning: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What one look of a search found, newest first, and before which id the next one goes on; None at the end."""

    found: list[StoredMessage]
    looked_through: int
    go_on_before: int | None


@dataclass(frozen=True, slots=True)
class TranscriptMessage:
    """A message of a copied tree; `parent` is the place of its parent in the list, which is before its own."""

    parent: int | None
    role: Role
    content: str
    created_at: datetime
    author_id: int | None = None
    author_name: str | None = None
    model: str | None = None
    state: State = "complete"
    tokens: int | None = None
    prompt_tokens: int | None = None
    finish_reason: str | None = None
    persona_id: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """With which of its greetings a persona opened a conversation: its place among so many; None if written since."""

    place: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Grafted:
    """A tree that was taken in: where the head was before and is now, and how many messages there are."""

    previous_head: int | None
    head: int
    messages: int


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one request cost."""

    guild_id: int | None
    channel_id: int
    user_id: int
    model: str
    kind: str
    prompt_tokens: int
    completion_tokens: int
    at: datetime
    waited_seconds: float | None = None  # from the question to the slot in which it was answered
    home_id: int | None = None  # of a direct message: the server against which it counts


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What many requests cost together."""

    requests: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Those of prompts and replies together."""
        return self.prompt_tokens + self.completion_tokens


WAIT_EDGES = (1, 2, 5, 10, 20, 30, 60, 120)
"""Waits are counted in seconds up to each of these, and beyond the last."""


@dataclass(frozen=True, slots=True)
class UsageSum(UsageTotals):
    """The same with the waits; `waits` counts those up to each of `WAIT_EDGES` and the longer ones."""

    waited_seconds: float
    waits: tuple[int, ...]


UsageLevel = Literal["day", "month"]
UsageScopeKind = Literal["server", "channel", "user", "direct"]


@dataclass(frozen=True, slots=True)
class UsageBook:
    """What a server, a channel or a person used since a day, by day or by month; `models` in the order of time."""

    models: tuple[tuple[date, str, UsageSum], ...]
    users: dict[int, UsageTotals]
    channels: dict[int, UsageTotals]


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What one person used of one model in one channel on one day."""

    day: date
    channel_id: int
    user_id: int
    model: str
    kind: str
    used: UsageSum


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What was learned about a model; None where nothing was learned yet."""

    model: str
    context_window: int | None
    system_role: bool | None
    token_ratio: float | None
    ratio_samples: int
    updated_at: datetime
    picture_limit: int | None = None  # how many pictures one request may hold


@dataclass(frozen=True, slots=True)
class LimitWindow:
    """What counts together towards limits: what one person, a channel or the server uses in one stretch of time."""

    subject: LimitSubject
    subject_id: int  # 0 for the server
    unit: LimitUnit
    period: LimitPeriod
    start: datetime
    ends_at: datetime

    def count(self, requests: int, tokens: int, people: int) -> int:
        """What counts here of requests for which so many people asked: where one person's count, an equal part."""
        if self.unit == "requests":
            return requests
        return -(-tokens // people) if self.subject == "user" else tokens


@dataclass(frozen=True, slots=True)
class Reserved:
    """What is set aside for one request, in all the windows in which it counts for those who asked for it."""

    id: int
    guild_id: int
    windows: tuple[LimitWindow, ...]
    requests: int
    tokens: int
    people: int = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request came to for which something had been set aside."""

    reserved: Reserved
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a reply ended."""

    content: str
    state: State
    model: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    usage: UsageRow | None = None
    facts: ModelFacts | None = None
    instead_of: int | None = None  # the reply that is shown again, because this one came to nothing
    spent: Spent | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a setting was made."""

    kind: ScopeKind
    id: int


@dataclass(frozen=True, slots=True)
class Avatar:
    """A persona's picture."""

    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PersonaOutline:
    """What lists show of a persona. A draft waits for its importer's word, `own` is of its owner, else the server's."""

    id: int
    guild_id: int | None
    owner_id: int
    kind: PersonaKind
    name: str
    adult: bool
    greeting: int  # which of its greetings comes first
    version: int
    created_at: datetime
    updated_at: datetime
    updated_by: int


@dataclass(frozen=True, slots=True)
class PersonaContent:
    """What a version of a persona is made of; `card` is the JSON of a character card."""

    name: str
    card: bytes = field(repr=False)
    avatar: Avatar | None = None
    adult: bool = False
    greeting: int = 0


@dataclass(frozen=True, slots=True)
class StoredPersona:
    """A persona as a whole."""

    outline: PersonaOutline
    content: PersonaContent


@dataclass(frozen=True, slots=True)
class LorebookOutline:
    """What lists show of a lorebook."""

    id: int
    guild_id: int | None
    name: str
    entries: int
    created_by: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredLorebook:
    """A lorebook as a whole; `data` is the JSON that was taken in."""

    outline: LorebookOutline
    data: bytes = field(repr=False)
