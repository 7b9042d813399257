"""The history of conversations: a tree of messages, heads that say where each conversation goes on, and claims."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from storage import _archive, _conversations, _quotes, _swipes, _tree, _turns
from storage.database import Database
from storage.errors import WithdrawnError
from storage.records import (
    BegunTurn,
    ConversationKey,
    Grafted,
    NewTurn,
    Opened,
    OutlinedMessage,
    SearchPage,
    Settlement,
    ShownReply,
    State,
    StoredMessage,
    TranscriptMessage,
    Voice,
)
from storage.webhooks import Posts

PAGE_SIZE = 50
"""Most contexts end within two pages, and nobody waits long for one."""

LONG_PAGE_SIZE = 200
"""For reading all of a long history: fewer pages, each still done within milliseconds."""

_AFTER_ALL = (1 << 63) - 1


class History:
    """Messages of all guilds; every read names the guild and finds nothing of another's (None: direct messages)."""

    def __init__(self, database: Database, posts: Posts | None = None) -> None:
        self._database = database
        self._posts = Posts(0) if posts is None else posts

    async def begin_turn(self, turn: NewTurn) -> BegunTurn | None:
        """Remember a user's message and make room for its reply, in one transaction; None if this claim is taken.

        Raises `WithdrawnError` if the person does not want to have it kept any more.
        """
        return _kept(await self._database.write(_turns.begin_turn, turn, PAGE_SIZE))

    async def join_turn(self, reply_id: int, turn: NewTurn, *, recast: bool = False) -> BegunTurn | None:
        """Let a further message be answered by a reply that still waits; None if this claim is taken.

        With `recast` the persona of this turn answers from now on. Raises TurnStartedError once the reply has begun;
        the claim is then free for a turn of its own. Raises `WithdrawnError` as `begin_turn` does.
        """
        return _kept(await self._database.write(_turns.join_turn, reply_id, turn, recast))

    async def leave_turn(
        self, guild_id: int | None, reply_id: int, message_ids: Sequence[int], left_by: int, left_to: int
    ) -> None:
        """Forget what somebody asked together with others; a reply of which they were the asker passes to `left_to`."""
        await self._database.write(_turns.leave_turn, guild_id, reply_id, message_ids, left_by, left_to)

    async def begin_reply(
        self,
        key: ConversationKey,
        parent_id: int,
        claim_id: int,
        asker_id: int,
        model: str | None,
        on_head: bool = True,
        persona_id: int | None = None,
        persona_name: str | None = None,
    ) -> BegunTurn | None:
        """Make room for one more reply to a user's message (a retry, a swipe); None if this claim is taken."""
        return await self._database.write(
            _turns.begin_reply, key, parent_id, claim_id, asker_id, model, on_head, persona_id, persona_name
        )

    async def posted(self, reply_id: int, discord_id: int, part: int, voice: Voice | None = None) -> None:
        """Tie a message in Discord to the reply it shows, which has begun now, and to whoever posted it."""
        self._posts.forget(discord_id)
        await self._database.write(_turns.posted, reply_id, discord_id, part, voice)
        self._posts.keep({discord_id: voice})

    async def settle(self, reply_id: int, settlement: Settlement) -> None:
        """Store how the reply ended, what it cost and what was learned, in one transaction."""
        await self._database.write(_turns.settle, reply_id, settlement)

    async def close_unfinished(self, reply_id: int, state: State = "interrupted") -> bool:
        """Close a reply that nobody works on any more; False if it has ended already."""
        return await self._database.write(_turns.close_unfinished, reply_id, state)

    async def unfinished(self, before: datetime | None = None) -> list[StoredMessage]:
        """Replies of all guilds that are pending or streaming."""
        return await self._database.read(_tree.unfinished, before)

    async def head(self, key: ConversationKey) -> int | None:
        """Where the conversation goes on."""
        return await self._database.read(_conversations.head, key)

    async def set_head(self, key: ConversationKey, message_id: int | None) -> int | None:
        """Move the head and return where it was; WrongConversationError for a message from elsewhere."""
        return await self._database.write(_conversations.set_head, key, message_id)

    async def recent_channels(self, most: int) -> list[tuple[int | None, int]]:
        """Guild and channel of the conversations of all guilds that were active last, the latest first."""
        return await self._database.read(_conversations.recent_channels, most)

    async def known_in_discord(self, guild_id: int | None, channel_id: int, most: int) -> set[int]:
        """Messages in Discord that show, or are quoted by, the newest of a channel, but not what is private."""
        return await self._database.read(_conversations.known_in_discord, guild_id, channel_id, most)

    async def path(
        self,
        guild_id: int | None,
        message_id: int,
        *,
        page_size: int = PAGE_SIZE,
        known: Sequence[StoredMessage] = (),
    ) -> AsyncIterator[list[StoredMessage]]:
        """Walk from a message towards the root, newest first, a page at a time; the cost follows what is consumed.

        `known` is the first page, when it has been read already (`BegunTurn.recent`).
        """
        following: int | None = message_id
        page = list(known)
        while following is not None:
            page = page or await self._database.read(_tree.page, guild_id, following, page_size)
            if page:
                yield page
            following = page[-1].parent_id if len(page) == page_size else None
            page = []

    async def count(self, guild_id: int | None, message_id: int) -> tuple[int, int]:
        """How many messages with words there are from the first to this one, and how many of these are replies."""
        return await self._database.read(_tree.count, guild_id, message_id)

    async def turn_of(self, guild_id: int | None, reply_id: int) -> list[StoredMessage]:
        """The user messages that the reply answers, oldest first."""
        return await self._database.read(_tree.turn_of, guild_id, reply_id)

    async def message(self, guild_id: int | None, message_id: int) -> StoredMessage | None:
        """One message."""
        return await self._database.read(_tree.message, guild_id, message_id)

    async def by_discord_id(self, guild_id: int | None, discord_id: int) -> StoredMessage | None:
        """The message that a message in Discord shows."""
        return await self._database.read(_tree.by_discord_id, guild_id, discord_id)

    async def discord_ids(self, guild_id: int | None, message_id: int) -> list[int]:
        """The messages in Discord that show this one, in order of their parts."""
        return await self._database.read(_tree.discord_ids, guild_id, message_id)

    async def children(self, guild_id: int | None, message_id: int) -> list[StoredMessage]:
        """What hangs under a message, in order of creation."""
        return await self._database.read(_tree.children, guild_id, message_id)

    async def siblings(self, guild_id: int | None, message_id: int) -> list[StoredMessage]:
        """A message and its swipes, in order of creation; the first message of a conversation has none."""
        return await self._database.read(_tree.siblings, guild_id, message_id)

    async def opened(self, guild_id: int | None, message_id: int, persona_id: int) -> Opened | None:
        """With which greeting a persona opened the conversation that leads to a message; None if with none."""
        return await self._database.read(_tree.opened, guild_id, message_id, persona_id)

    async def shown_reply(self, guild_id: int | None, reply_id: int) -> ShownReply | None:
        """A reply with what is needed to show it."""
        return await self._database.read(_swipes.shown_reply, guild_id, reply_id)

    async def reply_under(self, guild_id: int | None, asked_id: int) -> int | None:
        """The reply that is shown in answer to a user's message."""
        return await self._database.read(_swipes.reply_under, guild_id, asked_id)

    async def take_places(self, guild_id: int | None, head_id: int) -> list[ShownReply]:
        """Let the messages in Discord show the swipes that lead to a head; those that have changed."""
        return await self._database.write(_swipes.take_places, guild_id, head_id, PAGE_SIZE)

    async def withdraw(self, guild_id: int | None, reply_id: int) -> ShownReply | None:
        """Close an abandoned swipe that shows nothing, and give its place back to the reply that is shown, if any."""
        return await self._database.write(_swipes.withdraw, guild_id, reply_id)

    async def withdraw_unasked(self, guild_id: int | None, reply_id: int) -> bool:
        """Close an abandoned reply of one persona to another that shows nothing; False if it is none."""
        return await self._database.write(_swipes.withdraw_unasked, guild_id, reply_id)

    async def turn_to(self, guild_id: int | None, shown_id: int, other_id: int) -> ShownReply:
        """Show another swipe in a reply's place, and go on from it; ReplyMovedOnError when that is too late."""
        return await self._database.write(_swipes.turn_to, guild_id, shown_id, other_id)

    async def drop_swipe(self, guild_id: int | None, shown_id: int) -> ShownReply | None:
        """Forget a reply and show a swipe of it, if there is one; ReplyMovedOnError when that is too late."""
        return await self._database.write(_swipes.drop_swipe, guild_id, shown_id)

    async def go_on(self, guild_id: int | None, reply_id: int, claim_id: int) -> ShownReply | None:
        """Take a reply up again to make it longer; None if this claim is taken, ReplyMovedOnError if it is too late."""
        return await self._database.write(_swipes.go_on, guild_id, reply_id, claim_id)

    async def search(
        self, guild_id: int | None, channel_id: int, viewer_id: int, words: Sequence[str]
    ) -> AsyncIterator[SearchPage]:
        """Messages of a channel with all these words, newest first, whatever their case; a bounded look at a time.

        What is private is found by its owner only.
        """
        wanted = [_archive.search_text(word) for word in words]
        before: int | None = _AFTER_ALL
        while before is not None:
            page = await self._database.read(_archive.search, guild_id, channel_id, viewer_id, wanted, before)
            yield page
            before = page.go_on_before

    async def links(self, guild_id: int | None, message_ids: Sequence[int]) -> dict[int, int]:
        """The first message in Discord that shows each of these, where there is one."""
        return await self._database.read(_archive.links, guild_id, message_ids)

    async def outline(self, guild_id: int | None, channel_id: int, most: int) -> list[OutlinedMessage]:
        """The shape of a channel's tree: its newest messages that everyone may see, newest first."""
        outlined: list[OutlinedMessage] = []
        before = _AFTER_ALL
        while len(outlined) < most:
            rows = min(LONG_PAGE_SIZE, most - len(outlined))
            page = await self._database.read(_archive.outline, guild_id, channel_id, before, rows)
            outlined += page
            if len(page) < rows:
                break
            before = page[-1].id
        return outlined

    async def everything(self, guild_id: int | None, channel_id: int) -> AsyncIterator[list[StoredMessage]]:
        """All messages of a channel that everyone may see, oldest first, a page at a time."""
        after = 0
        while page := await self._database.read(_archive.everything, guild_id, channel_id, after, LONG_PAGE_SIZE):
            yield page
            after = page[-1].id

    async def replies_under(self, guild_id: int | None, parent_ids: Sequence[int]) -> list[StoredMessage]:
        """All replies to these messages, in order of creation."""
        return await self._database.read(_archive.replies_under, guild_id, parent_ids)

    async def graft(
        self, key: ConversationKey, transcript: Sequence[TranscriptMessage], head_place: int, *, on_head: bool = False
    ) -> Grafted:
        """Take a copied tree in and move the head to one of its messages; all or nothing.

        It stands beside what is there; `on_head` it goes on from there.
        """
        return await self._database.write(_archive.graft, key, transcript, head_place, on_head)

    async def edit(self, guild_id: int | None, message_id: int, content: str) -> bool:
        """Replace the content; False if there is no such message or it was forgotten."""
        return await self._database.write(_tree.edit, guild_id, message_id, content)

    async def forget(self, guild_id: int | None, message_id: int) -> bool:
        """Delete the content for good and keep the message's place in the tree."""
        return await self._database.write(_tree.forget, guild_id, message_id)

    async def requote(self, guild_id: int | None, discord_id: int, words: str | None) -> list[int]:
        """Let what people quoted of a message in Discord say this, or nothing (None); the channels where they did."""
        channel_ids = await self._database.read(_quotes.where_quoted, guild_id, discord_id)
        if channel_ids:
            await self._database.write(_quotes.requote, guild_id, discord_id, words)
        return channel_ids

    async def is_quoted(self, guild_id: int | None, discord_id: int) -> bool:
        """Whether somebody quoted a message in Discord."""
        return bool(await self._database.read(_quotes.where_quoted, guild_id, discord_id))

    async def unlink_discord(self, discord_id: int) -> None:
        """A message in Discord is gone; what it showed stays."""
        await self._database.write(_tree.unlink_discord, discord_id)

    async def claim(self, claim_id: int, kind: str) -> bool:
        """True for the first to ask, in any process. Turns claim by themselves, under a kind of their own."""
        return await self._database.write(_conversations.claim, claim_id, kind)

    async def prune_claims(self, older_than: datetime) -> int:
        """Delete old claims, some at a time; the number of all."""
        total = 0
        while (deleted := await self._database.write(_tree.prune_claims, older_than)) > 0:
            total += deleted
        return total


def _kept(begun: _turns.Begun) -> BegunTurn | None:
    if begun == "withdrawn":
        raise WithdrawnError
    return begun
