"""Channels of every kind: text, category, forum, thread and direct message."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord import _permissions as permissions
from playground.discord import _threads as threads
from playground.discord import _webhooks as webhooks
from playground.discord._flags import FORUM_TYPES, THREAD_TYPES, ChannelType, Intent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from playground.discord._guild import Guild
    from playground.discord._message import Message
    from playground.discord._model import Member, Role, User
    from playground.discord._state import State
    from playground.discord._webhooks import Webhook

_by_id = attrgetter("id")


@dataclass(eq=False, slots=True)
class Overwrite:
    """What one role or member is allowed or denied in a channel."""

    target_id: int
    is_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(eq=False, slots=True)
class ForumTag:
    """A tag that posts of a forum can carry."""

    id: int
    name: str
    moderated: bool = False


@dataclass(eq=False, slots=True)
class ThreadInfo:
    """What a thread has beyond other channels."""

    owner_id: int
    created_at: datetime
    archive_changed_at: datetime
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    auto_archive_minutes: int = 1440
    members: dict[int, datetime] = field(default_factory=dict)
    total_message_sent: int = 0
    applied_tags: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Channel:
    """A place for messages (or for other channels). Two are equal only when they are the same one."""

    id: int
    state: State = field(repr=False)
    type: ChannelType
    name: str
    guild: Guild | None = field(default=None, repr=False)
    parent: Channel | None = field(default=None, repr=False)
    topic: str | None = None
    nsfw: bool = False
    position: int = 0
    rate_limit_per_user: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict, repr=False)
    recipients: list[User] = field(default_factory=list, repr=False)
    thread: ThreadInfo | None = field(default=None, repr=False)
    available_tags: list[ForumTag] = field(default_factory=list, repr=False)
    requires_tag: bool = False
    messages: list[Message] = field(default_factory=list, repr=False)
    """What stands in the channel now, oldest first; ephemeral messages are not among them."""
    typing: dict[int, float] = field(default_factory=dict, repr=False)
    """Who typed when (monotonic seconds), by user id."""
    last_message_id: int | None = None
    pins: list[Message] = field(default_factory=list, repr=False)
    last_pin_at: datetime | None = None
    deleted: bool = False
    _bot_saw: bool | None = field(default=None, repr=False)

    @property
    def mention(self) -> str:
        """The text that links to this channel."""
        return f"<#{self.id}>"

    @property
    def is_thread(self) -> bool:
        """Whether this is a thread or a forum post."""
        return self.type in THREAD_TYPES

    @property
    def is_forum(self) -> bool:
        """Whether this holds posts instead of messages."""
        return self.type in FORUM_TYPES

    @property
    def is_dm(self) -> bool:
        """Whether this is a conversation of two."""
        return self.type is ChannelType.DM

    @property
    def threads(self) -> list[Channel]:
        """The threads below this channel, archived ones too."""
        return [c for c in self.guild.threads.values() if c.parent is self] if self.guild else []

    @property
    def last_message(self) -> Message | None:
        """The newest message that stands here."""
        return self.messages[-1] if self.messages else None

    def insert(self, message: Message) -> None:
        """Put a message where its id belongs."""
        if not self.messages or self.messages[-1].id < message.id:
            self.messages.append(message)
            self.last_message_id = message.id
        else:
            self.messages.insert(bisect_left(self.messages, message.id, key=_by_id), message)

    def remove(self, message: Message) -> None:
        """Take a message out of the channel."""
        index = bisect_left(self.messages, message.id, key=_by_id)
        if index < len(self.messages) and self.messages[index] is message:
            del self.messages[index]
        if message in self.pins:
            self.pins.remove(message)

    def index_of(self, message_id: int) -> int:
        """Give the place of the first message whose id is not below this one."""
        return bisect_left(self.messages, message_id, key=_by_id)

    def set_permissions(self, target: Role | Member | User, *, allow: int = 0, deny: int = 0) -> None:
        """Allow and deny permissions for a role or member here (0, 0 takes the overwrite away)."""
        self.put_overwrite(target.id, self._is_person(target.id), allow, deny)
        self.announce("CHANNEL_UPDATE")

    def put_overwrite(self, target_id: int, is_member: bool, allow: int, deny: int) -> None:
        """Write an overwrite without telling anybody."""
        if allow or deny:
            self.overwrites[target_id] = Overwrite(target_id, is_member, int(allow), int(deny))
        else:
            self.overwrites.pop(target_id, None)

    def _is_person(self, target_id: int) -> bool:
        return self.guild is not None and target_id not in self.guild.roles

    def edit(self, **changes: Any) -> None:
        """Change name, topic, nsfw, rate_limit_per_user, parent or position."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.announce("THREAD_UPDATE" if self.is_thread else "CHANNEL_UPDATE")

    def delete(self) -> None:
        """Delete the channel with its threads and messages."""
        self.state.delete_channel(self)

    def archive(self, *, locked: bool = False) -> None:
        """Archive a thread, as time or a moderator does."""
        threads.set_archived(self, archived=True, locked=locked)

    def reopen(self) -> None:
        """Bring an archived thread back, and let everybody write there."""
        threads.set_archived(self, archived=False, locked=False)

    def add_thread(
        self,
        name: str,
        owner: User | Member,
        *,
        message: Message | None = None,
        private: bool = False,
        auto_archive_minutes: int = 1440,
    ) -> Channel:
        """Make a thread of this channel, below a message or on its own."""
        kind = ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD
        return threads.create(
            self, name, self.state.users[owner.id], kind=kind, message=message, minutes=auto_archive_minutes
        )

    def add_post(self, name: str, owner: User | Member, content: str, *, tags: Sequence[ForumTag] = ()) -> Channel:
        """Make a forum post with its first message."""
        user = self.state.users[owner.id]
        post = threads.create(self, name, user, kind=ChannelType.PUBLIC_THREAD, tags=[tag.id for tag in tags])
        self.state.post(post, user, content, message_id=post.id)
        return post

    def add_webhook(self, name: str, *, creator: User | Member | None = None) -> Webhook:
        """Make a webhook of somebody else's, for example of a bot that posts again what people write."""
        user = self.state.users[creator.id] if creator else None
        return webhooks.create(self, name, user, by_application=False)

    def bulk_delete(self, messages: Iterable[Message]) -> None:
        """Delete many messages at once, as moderation bots do."""
        self.state.bulk_delete(self, messages)

    def announce(self, event: str) -> None:
        """Tell the gateway and the page about this channel."""
        self._tell_of_threads()
        data = payloads.channel(self)
        intent = Intent.DIRECT_MESSAGES if self.is_dm else Intent.GUILDS
        seen_in = self if self.is_thread else None
        self.state.dispatch(event, data, intent=intent, guild=self.guild, channel=seen_in)
        self.state.channel_changed(self, event)

    def _tell_of_threads(self) -> None:
        """A bot that begins to see a channel is told of the threads there."""
        sees = permissions.in_channel(self, self.state.bot) != 0
        if sees and self._bot_saw is False and self.guild is not None:
            found = [t for t in self.threads if t.thread and not t.thread.archived]
            data = {
                "guild_id": str(self.guild.id),
                "channel_ids": [str(self.id)],
                "threads": [payloads.channel(t) for t in found],
                "members": [],
            }
            self.state.dispatch("THREAD_LIST_SYNC", data, intent=Intent.GUILDS, guild=self.guild)
        self._bot_saw = sees

    def now(self) -> datetime:
        """Give the world's time."""
        return datetime.fromtimestamp(self.state.wall_clock(), UTC)
