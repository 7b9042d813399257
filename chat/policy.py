"""What the conversation engine asks of policy. `bot.py` hands it objects of `moderation` that answer."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

from storage import ConversationKey, LimitUse, Reserved, Scope

Side = Literal["asked", "answered"]


class Permit(Protocol):
    """What holds for one answer at the moment when it is made."""

    @property
    def paused(self) -> bool:
        """Whether nobody gets answers here now."""

    @property
    def denied(self) -> bool:
        """Whether this person was denied an answer since they asked for it."""

    def allows(self, model: str) -> bool:
        """Whether this model may answer."""


class Admission(Protocol):
    """Asked when an answer is about to be made; whether the person may ask at all was decided before."""

    async def permit(self, key: ConversationKey, scopes: Sequence[Scope], user_id: int) -> Permit:
        """What holds for this person's answer here."""


class ReplyFilter(Protocol):
    """A reply on its way to people: what goes in comes out as it may be shown, perhaps later."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is shown."""

    async def feed(self, text: str) -> str:
        """Add the next piece; returns what may be shown now."""

    async def finish(self) -> str:
        """End the reply; returns what was held back."""


class TextPolicy(Protocol):
    """Knows what may be said to the bot and by it."""

    async def asked(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, text: str, *, note: bool = True
    ) -> str:
        """What somebody says, as it may be kept. Raises the policy's own error; `note`: moderators may hear of it."""

    async def given(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, texts: Sequence[str]
    ) -> Sequence[str]:
        """Texts that somebody hands over together, as they may be kept. Raises the policy's own error."""

    async def shown_name(self, guild_id: int | None, scopes: Sequence[Scope], name: str) -> str:
        """A name under which the bot speaks, as it may stand there."""

    async def answered(self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, text: str) -> str:
        """What somebody lets the bot say, as it may be kept. Raises the policy's own error."""

    async def kept(
        self, guild_id: int | None, scopes: Sequence[Scope], texts: Sequence[tuple[Side, str]]
    ) -> Sequence[str | None]:
        """Texts that nobody says now, as they may be kept; None for those that may not."""

    async def reply(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, before: str = ""
    ) -> ReplyFilter | None:
        """What a reply goes through that goes on from a text; None where everything may be said."""


class Unfiltered:
    """Where everything may be said."""

    async def asked(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, text: str, *, note: bool = True
    ) -> str:
        """The text."""
        del guild_id, scopes, person_id, note
        return text

    async def given(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, texts: Sequence[str]
    ) -> Sequence[str]:
        """The texts."""
        del guild_id, scopes, person_id
        return texts

    async def shown_name(self, guild_id: int | None, scopes: Sequence[Scope], name: str) -> str:
        """The name."""
        del guild_id, scopes
        return name

    async def answered(self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, text: str) -> str:
        """The text."""
        del guild_id, scopes, person_id
        return text

    async def kept(
        self, guild_id: int | None, scopes: Sequence[Scope], texts: Sequence[tuple[Side, str]]
    ) -> Sequence[str | None]:
        """The texts."""
        del guild_id, scopes
        return [text for _, text in texts]

    async def reply(
        self, guild_id: int | None, scopes: Sequence[Scope], person_id: int, before: str = ""
    ) -> ReplyFilter | None:
        """Nothing."""
        del guild_id, scopes, person_id, before
        return None


UNFILTERED: Final = Unfiltered()


class Standing(Protocol):
    """How somebody stands with the limits that hold for them in a place."""

    @property
    def weight(self) -> float:
        """How many times the usual share of the line is theirs."""

    @property
    def ruling_id(self) -> int | None:
        """The server whose limits hold; of direct messages the person's home."""

    @property
    def refused(self) -> bool:
        """Whether a hard limit is reached."""

    @property
    def over(self) -> bool:
        """Whether a soft limit is reached, so that they come after all others."""

    @property
    def reached(self) -> LimitUse | None:
        """The limit that is reached."""

    @property
    def others(self) -> tuple[LimitUse, ...]:
        """The limits that hold as well and have something left."""

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens a request takes."""

    def costing(self, tokens: int) -> "Standing":
        """How it is for a request with so many tokens."""


class Reservation(Protocol):
    """What came of setting a request aside."""

    @property
    def standings(self) -> Mapping[int, Standing]:
        """How each of those stands who asked for it."""

    @property
    def reserved(self) -> Reserved | None:
        """What was set aside; None if a limit is in the way, or none has to count it."""


class Limiter(Protocol):
    """Keeps people to the limits of their server."""

    async def standing(self, key: ConversationKey, user_id: int) -> Standing:
        """How somebody stands before they ask for anything more."""

    async def reserve(self, key: ConversationKey, user_ids: Sequence[int], tokens: int, *, over: bool) -> Reservation:
        """Set a request and its tokens aside for all who asked for it, unless a hard limit of one is in the way.

        So is a soft one that all of them have reached, except with `over`. What is set aside is settled together with
        the reply.
        """
