"""Messages with everything that hangs on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.discord._flags import MessageFlag, MessageType

if TYPE_CHECKING:
    from datetime import datetime

    from playground.discord._channel import Channel
    from playground.discord._model import Role, User


@dataclass(eq=False, slots=True)
class Attachment:
    """A file of a message; its bytes are kept by the CDN."""

    id: int
    filename: str
    size: int
    url: str
    content_type: str | None = None
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False
    data: bytes = field(default=b"", repr=False)


@dataclass(eq=False, slots=True)
class Reaction:
    """One emoji below a message and who chose it."""

    emoji: str
    """The character, or name:id of a server's own emoji."""
    user_ids: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many chose it."""
        return len(self.user_ids)


@dataclass(frozen=True, slots=True)
class Reference:
    """Which message a reply answers."""

    channel_id: int
    message_id: int | None
    guild_id: int | None


@dataclass(eq=False)
class Message:
    """A message. Two are equal only when they are the same one."""

    id: int
    channel: Channel = field(repr=False)
    author: User
    content: str
    created_at: datetime = field(repr=False)
    type: MessageType = MessageType.DEFAULT
    edited_at: datetime | None = field(default=None, repr=False)
    embeds: list[dict[str, Any]] = field(default_factory=list, repr=False)
    components: list[dict[str, Any]] = field(default_factory=list, repr=False)
    attachments: list[Attachment] = field(default_factory=list, repr=False)
    reactions: list[Reaction] = field(default_factory=list, repr=False)
    flags: int = 0
    mentions: list[User] = field(default_factory=list, repr=False)
    mention_roles: list[Role] = field(default_factory=list, repr=False)
    mention_everyone: bool = False
    reference: Reference | None = field(default=None, repr=False)
    forwarded: Message | None = field(default=None, repr=False)
    """The message that this one shows as it was, instead of words of its own."""
    nonce: str | int | None = field(default=None, repr=False)
    webhook_id: int | None = None
    application_id: int | None = field(default=None, repr=False)
    interaction_metadata: dict[str, Any] | None = field(default=None, repr=False)
    ephemeral_for: int | None = None
    """The user who alone sees it; None for an ordinary message."""
    thread: Channel | None = field(default=None, repr=False)
    pinned: bool = False
    tts: bool = False
    deleted: bool = False
    history: list[tuple[float, str]] = field(default_factory=list, repr=False)
    """(monotonic seconds, content) of every version, the first one included."""

    @property
    def edited(self) -> bool:
        """Whether it was changed after it was sent."""
        return self.edited_at is not None

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.ephemeral_for is not None

    @property
    def loading(self) -> bool:
        """Whether it still says that the bot is thinking."""
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def reply_to(self) -> Message | None:
        """The message that this one answers, if it still stands."""
        if self.reference is None or self.reference.message_id is None:
            return None
        return self.channel.state.messages.get(self.reference.message_id)

    @property
    def jump_url(self) -> str:
        """The address that leads to this message."""
        guild = self.channel.guild.id if self.channel.guild else "@me"
        return f"https://discord.com/channels/{guild}/{self.channel.id}/{self.id}"

    def reaction(self, emoji: str) -> Reaction | None:
        """Find the reaction with this emoji."""
        return next((r for r in self.reactions if r.emoji == emoji), None)

    def record_version(self) -> None:
        """Remember how the message reads now."""
        self.history.append((self.channel.state.clock(), self.content))
