"""What people do to turns that were answered: take them back, turn to other swipes, change words, forget them.

Whatever is done here moves the history first; the surface then shows what the history says. So what is shown is what
the next prompt contains, and after a crash in between the next press shows it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chat._lanes import line_of
from chat.conversations import Conversations
from chat.errors import BusyConversationError, NothingThereError, StaleControlError
from storage import ConversationKey, History, Scope, ShownReply, StoredMessage

CheckHead = Callable[[int], Awaitable[None]]
"""Raises an error if a conversation may not go on from this message."""


@dataclass(frozen=True, slots=True)
class UndoneTurn:
    """What `/undo` took back: the user's messages, the reply, and where both stand in Discord."""

    user_messages: tuple[StoredMessage, ...]
    reply: StoredMessage
    user_discord_ids: tuple[int, ...]
    reply_discord_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went with a message: others in Discord that show the same reply, and the reply that answers the rest."""

    other_discord_ids: tuple[int, ...] = ()
    answered_by: ShownReply | None = None


def swipe_left_by(shown: ShownReply) -> StoredMessage | None:
    """The swipe that takes the reply's place when it is forgotten; None when it is the only one."""
    others = [swipe for swipe in shown.swipes if swipe.id != shown.reply.id]
    before = [other for other in others if other.id < shown.reply.id]
    return before[-1] if before else next(iter(others), None)


def swipe_of(shown: ShownReply, steps: int) -> StoredMessage:
    """The swipe so many places later (or earlier); at either end the reply itself."""
    place = shown.position - 1 + steps
    return shown.swipes[place] if 0 <= place < len(shown.swipes) else shown.reply


class Turns:
    """Changes histories on behalf of people; who may do so is the surface's question to policy."""

    def __init__(self, history: History, conversations: Conversations) -> None:
        self._history = history
        self._conversations = conversations

    # --- the newest turn

    async def undo(self, key: ConversationKey, check: CheckHead | None = None) -> UndoneTurn:
        """Take the last turn back: the head moves up to before it. Raises `NothingThereError` or what `check` does."""
        async with self._conversations.line((key, None)):
            await self._conversations.make_way(key)
            reply = await self._last_reply(key)
            if (answer := self._conversations.answer_under_way(reply.id)) is not None:
                answer.stop()
                await answer.ended.wait()
                reply = await self._last_reply(key)  # a swipe that came to nothing has given its place back
            asked = tuple(await self._history.turn_of(key.guild_id, reply.id))
            above = asked[0].parent_id if asked else reply.parent_id
            before = await self._said_before(key, above)
            if check is not None and before is not None:
                await check(before)
            await self._history.set_head(key, before)
        user_ids = [i for message in asked for i in await self._history.discord_ids(key.guild_id, message.id)]
        reply_ids = await self._history.discord_ids(key.guild_id, reply.id)
        return UndoneTurn(asked, reply, tuple(user_ids), tuple(reply_ids))

    async def _last_reply(self, key: ConversationKey) -> StoredMessage:
        head = await self._history.head(key)
        reply = await self._history.message(key.guild_id, head) if head is not None else None
        if reply is None or reply.role != "assistant":
            raise NothingThereError("undo")
        return reply

    async def _said_before(self, key: ConversationKey, above: int | None) -> int | None:
        """What was said before this; greetings that join a conversation hang under a beginning without words."""
        message = None if above is None else await self._history.message(key.guild_id, above)
        return message.parent_id if message is not None and message.role == "system" and message.parent_id else above

    async def last_askers(self, key: ConversationKey) -> frozenset[int]:
        """Who asked for the newest reply of the conversation; nobody when there is none."""
        newest = await self.newest(key)
        return frozenset() if newest is None else newest.asker_ids

    async def newest(self, key: ConversationKey) -> ShownReply | None:
        """The reply at which the conversation stands."""
        head = await self._history.head(key)
        return None if head is None else await self._history.shown_reply(key.guild_id, head)

    async def take_places(self, key: ConversationKey) -> list[ShownReply]:
        """After a move: replies whose messages in Discord showed another swipe than the one that leads here."""
        head = await self._history.head(key)
        return [] if head is None or key.private else await self._history.take_places(key.guild_id, head)

    async def reset(self, key: ConversationKey) -> int:
        """Begin anew; returns the old head, so that it can be restored."""
        async with self._conversations.line((key, None)):
            for answer in self._conversations.answers_of(key):
                answer.stop()
                await answer.ended.wait()
            previous = await self._history.set_head(key, None)
        if previous is None:
            raise NothingThereError("reset")
        return previous

    async def restore(self, key: ConversationKey, head: int, check: CheckHead | None = None) -> int | None:
        """Go on where the conversation was before a reset; gives the head that is left.

        Raises `BusyConversationError` or `WrongConversationError`, and what `check` does.
        """
        async with self._conversations.quiet_line(key):
            seen = await self._seen_instead(key.guild_id, head)
            if check is not None:
                await check(seen)
            return await self._history.set_head(key, seen)

    async def _seen_instead(self, guild_id: int | None, reply_id: int) -> int:
        """The swipe that has taken the reply's place in Discord meanwhile; else the reply."""
        shown = await self._history.shown_reply(guild_id, reply_id)
        if shown is None or shown.discord_ids or shown.reply.parent_id is None:
            return reply_id
        return await self._history.reply_under(guild_id, shown.reply.parent_id) or reply_id

    async def is_of_newest(self, key: ConversationKey, message_id: int) -> bool:
        """Whether a message belongs to the newest exchange of its conversation, so that a reply to it goes on.

        That is what people said last and all that was said in answer to it.
        """
        head = await self._history.head(key)
        if head == message_id:
            return True
        page = [] if head is None else await anext(aiter(self._history.path(key.guild_id, head)), [])
        is_asked = False
        for message in page:
            if is_asked and message.role != "user":
                break
            is_asked = message.role == "user"
            if message.id == message_id:
                return True
        return False

    # --- swipes

    async def shown(self, guild_id: int | None, channel_id: int, reply_id: int) -> ShownReply:
        """A reply of this channel. Raises `StaleControlError` when there is none."""
        shown = await self._history.shown_reply(guild_id, reply_id)
        if shown is None or shown.reply.channel_id != channel_id:
            raise StaleControlError
        return shown

    async def turn(self, shown: ShownReply, steps: int) -> ShownReply:
        """The swipe so many places later (or earlier) takes the reply's place; at either end nothing changes."""
        async with self._conversations.line(line_of(shown)):
            self._require_quiet(shown)
            other = swipe_of(shown, steps)
            if other.id == shown.reply.id:
                return shown
            return await self._history.turn_to(shown.reply.guild_id, shown.reply.id, other.id)

    async def drop(self, shown: ShownReply) -> ShownReply | None:
        """Forget a reply; the swipe that is shown instead, or None when it was the only one."""
        async with self._conversations.line(line_of(shown)):
            self._require_quiet(shown)
            return await self._history.drop_swipe(shown.reply.guild_id, shown.reply.id)

    async def rewrite(
        self, shown: ShownReply, before: str, after: str, scopes: Sequence[Scope], person_id: int
    ) -> ShownReply:
        """Let a reply say something else. Raises `StaleControlError` when it no longer says `before`.

        Raises the text policy's own error when it may not say this.
        """
        after = await self._conversations.texts.answered(shown.reply.guild_id, scopes, person_id, after)
        guild_id, reply_id = shown.reply.guild_id, shown.reply.id
        async with self._conversations.line(line_of(shown)):
            self._require_quiet(shown)
            now = await self._history.shown_reply(guild_id, reply_id)
            if now is None or now.reply.content != before or not now.newest:
                raise StaleControlError
            await self._history.edit(guild_id, reply_id, after)
            return await self.shown(guild_id, shown.reply.channel_id, reply_id)

    def _require_quiet(self, shown: ShownReply) -> None:
        if self._conversations.answer_over(shown.reply.id) is not None:
            raise BusyConversationError

    # --- single messages

    async def forget_message(self, guild_id: int | None, discord_id: int) -> Forgotten:
        """A message was deleted in Discord: its words leave the history, and a question without words is withdrawn."""
        await self.requote(guild_id, discord_id, None)
        message = await self._history.by_discord_id(guild_id, discord_id)
        if message is None or message.state == "deleted":
            return Forgotten()
        return await self.forget(message, discord_id)

    async def forget(self, message: StoredMessage, discord_id: int | None = None) -> Forgotten:
        """Take a message's words out of the history; `discord_id` is gone from Discord already."""
        guild_id = message.guild_id
        gone = {message.id}
        if (answer := self._conversations.answer_over(message.id)) is not None:
            answer.stop()
            await answer.settled.wait()
            gone |= answer.stands_for  # another one was about to take its place
        for message_id in gone:
            await self._history.forget(guild_id, message_id)
        await self._conversations.reconsider(guild_id, message.channel_id)
        if message.role == "user":
            return Forgotten(answered_by=await self._answered_by(message))
        shown = [i for message_id in gone for i in await self._history.discord_ids(guild_id, message_id)]
        for other in shown:
            await self._history.unlink_discord(other)
        return Forgotten(tuple(other for other in shown if other != discord_id))

    async def forget_reply(self, shown: ShownReply) -> tuple[int, ...]:
        """Let go of a reply and all its swipes, one that is being written too; gives the messages that showed it."""
        guild_id, reply = shown.reply.guild_id, shown.reply
        places = [shown]
        if (answer := self._conversations.answer_over(reply.id)) is not None:
            answer.stop()
            await answer.ended.wait()
            after = await self._history.shown_reply(guild_id, answer.reply_id)
            places += [after] if after is not None else []
        gone = dict.fromkeys(swipe.id for place in places for swipe in (*place.swipes, place.reply))
        discord_ids = [shown_in for i in gone for shown_in in await self._history.discord_ids(guild_id, i)]
        for reply_id in gone:
            await self._history.forget(guild_id, reply_id)
        await self._conversations.reconsider(guild_id, reply.channel_id)
        return tuple(discord_ids)

    async def unask(self, key: ConversationKey, discord_id: int) -> tuple[int, ...] | None:
        """A question will be asked anew by another message: it goes, with its answer if that answers nothing else.

        Gives the messages in Discord that showed the answer; None when nothing was asked.
        """
        async with self._conversations.line((key, None)):
            question = await self._history.by_discord_id(key.guild_id, discord_id)
            if question is None:
                return None
            await self.forget(question)
            gone: list[int] = []
            for below in await self._history.children(key.guild_id, question.id):
                shown = await self._history.shown_reply(key.guild_id, below.id)
                if shown is not None and self._answers_nothing(shown):
                    gone += await self.forget_reply(shown)
                    if await self._history.head(key) == shown.reply.id:
                        await self._history.set_head(key, shown.asked[0].parent_id)
        return tuple(gone)

    def _answers_nothing(self, shown: ShownReply) -> bool:
        """Whether all that a reply answers is forgotten, and nobody has gone on from it yet."""
        in_use = shown.newest or self._conversations.answer_over(shown.reply.id) is not None
        return in_use and bool(shown.asked) and not any(asked.has_words for asked in shown.asked)

    async def edit_message(self, guild_id: int | None, discord_id: int, content: str) -> ShownReply | None:
        """A person's message was edited in Discord: the history says what it says now.

        Returns the reply that answers what it said before, when that is the newest.
        """
        message = await self._history.by_discord_id(guild_id, discord_id)
        if message is None or message.role != "user" or message.content == content:
            return None
        if not await self._history.edit(guild_id, message.id, content):
            return None
        await self._conversations.reconsider(guild_id, message.channel_id)
        return await self._answered_by(message)

    async def requote(self, guild_id: int | None, discord_id: int, words: str | None) -> None:
        """A message in Discord says this now, or nothing that may be kept; what people quoted of it follows."""
        for channel_id in await self._history.requote(guild_id, discord_id, words):
            await self._conversations.reconsider(guild_id, channel_id)

    async def _answered_by(self, message: StoredMessage) -> ShownReply | None:
        """The reply that has answered a message, if it is shown and the newest."""
        reply_id = await self._history.reply_under(message.guild_id, message.id)
        if reply_id is None or self._conversations.answer_over(reply_id) is not None:
            return None
        shown = await self._history.shown_reply(message.guild_id, reply_id)
        usable = shown is not None and shown.newest and shown.discord_ids and shown.reply.content.strip()
        return shown if usable else None
