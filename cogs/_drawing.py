"""Makes Discord show replies as the history has them: what their messages say, and the buttons under the newest.

Several people may press buttons at once. Only one drawing at a time is under way in the same messages, and each shows
what the history says when it begins; so the last one counts.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import discord

from chat.persona import Persona
from chat.preferences import ReplyStyle
from chat.splitting import ReplyParts
from cogs._bot import Bot
from cogs._controls import view_of
from cogs._outlets import ChannelOutlet, Outlet, is_fresh
from cogs._pace import Pace
from cogs._persona_cards import name_line
from cogs._places import style_of
from cogs._posts import Post, Posts, quietly
from cogs._ratings import Ratings
from cogs._reply_controls import controls_of
from cogs._words import QUESTION_CUT, QUESTION_DELETED, QUESTION_EDITED, changed_note, quoted, state_note
from storage import ConversationKey, History, ShownReply, Voice, new_id


@dataclass(frozen=True, slots=True)
class _Records:
    """Ties messages in Discord to a reply that is shown again."""

    history: History
    reply_id: int

    async def posted(self, discord_id: int, part: int, voice: Voice | None = None) -> None:
        await self.history.posted(self.reply_id, discord_id, part, voice)

    async def dropped(self, discord_id: int) -> None:
        await self.history.unlink_discord(discord_id)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a reply is drawn: the messages that can be changed, and what changes them and writes more."""

    outlet: Outlet
    posts: list[Post]


FindSpot = Callable[[ShownReply], Awaitable[Spot]]


class Drawings:
    """Draws replies; what people do to them is built on this."""

    def __init__(self, bot: Bot, pace: Pace) -> None:
        self._bot = bot
        self._pace = pace
        self.ratings = Ratings(bot)
        self._taken: Counter[int] = Counter()
        self._under_way: dict[int, Posts] = {}  # by the first message in which they draw
        self._offers: dict[int, str] = {}  # the small print that is being written, by reply

    # --- keeping Discord like the history

    async def dress(self, key: ConversationKey) -> None:
        """Put the buttons under the reply at which a conversation stands now, which is shown again if need be."""
        shown = await self._bot.services.turns.newest(key)
        if shown is not None and not shown.discord_ids and shown.reply.content.strip() and not key.private:
            await self.draw(shown, self.in_channel)  # its messages went when it was taken back
        else:
            await self._dress(key, shown)

    async def dress_left(self, key: ConversationKey, left: int | None) -> None:
        """The reply at which a conversation stood has the buttons of a side branch now, or none."""
        if left is not None:
            await self._dress(key, await self._bot.services.storage.history.shown_reply(key.guild_id, left))

    async def _dress(self, key: ConversationKey, shown: ShownReply | None) -> None:
        if shown is None or not shown.discord_ids or key.private:
            return
        if self._bot.services.conversations.answer_over(shown.reply.id) is None:
            spot = await self._in_place(shown, *await self._channel_of(key))
            if spot is not None:
                await quietly(spot.edit(shown.discord_ids[-1], view=view_of(*controls_of(shown))))

    async def show_head(self, key: ConversationKey, left: int | None = None) -> None:
        """After a move: the messages show the swipes that lead to the head, and the newest has the buttons."""
        for shown in await self._bot.services.turns.take_places(key):
            await self.draw(shown, partial(self.in_channel, old_too=True))
        await self.dress(key)
        await self.dress_left(key, left)

    async def offer_redo(self, shown: ShownReply, *, deleted: bool = False) -> None:
        """The question reads differently now: say so under its reply, whose buttons can answer it again."""
        if shown.key.private or not is_fresh(shown.discord_ids[-1]):
            return
        reply_id = shown.reply.id
        is_offered = reply_id in self._offers
        self._offers[reply_id] = f"{state_note(shown.reply)}\n-# {changed_note(shown.asked, deleted=deleted)}"
        if is_offered:
            return  # whoever does it writes this as well
        try:
            written = ""
            while written != (note := self._offers[reply_id]):
                written = note
                await self.draw(shown, self.in_channel, note=note)
        finally:
            del self._offers[reply_id]

    async def offer_later(
        self, guild_id: int | None, channel_id: int, discord_id: int, *, deleted: bool = False
    ) -> None:
        """The same for a reply that is being written to the old words: it says so at its end."""
        services = self._bot.services
        for answer in services.conversations.answers_in(guild_id, channel_id):
            asked = await services.storage.history.turn_of(guild_id, answer.reply_id)
            question = await services.storage.history.by_discord_id(guild_id, discord_id)
            if answer.asked_model is None or question is None:
                continue
            if question.id in {message.id for message in asked}:
                said = {QUESTION_EDITED, QUESTION_CUT, QUESTION_DELETED}
                notes = [note for note in answer.notes if note not in said]
                answer.notes[:] = [*notes, changed_note(asked, deleted=deleted)]

    async def show_again(self, shown: ShownReply, note: str, *, retry: bool = False) -> None:
        """Show a reply with a note below it, after a restart."""
        await self.draw(shown, partial(self.in_channel, old_too=True), note=note, failed=retry)

    def header_of(self, shown: ShownReply, outlet: Outlet) -> str:
        """What stands above a reply's own words."""
        reply = shown.reply
        said_by = reply.author_name if reply.persona_id is not None and not outlet.shows_name else None
        return self.question_of(shown, outlet) + name_line(said_by)

    def question_of(self, shown: ShownReply, outlet: Outlet) -> str:
        """The question of a command, which others cannot see otherwise; Discord shows only its answer's asker."""
        if shown.question_stands_in_discord or not shown.asked:
            return ""
        asked = shown.asked[0]
        return quoted(asked.content, asked.author_name if outlet.shows_name else None)

    # --- where

    async def in_channel(self, shown: ShownReply, *, old_too: bool = False) -> Spot:
        """In the messages that show the reply, or in new ones; `old_too`: however old those are."""
        channel, style = await self._channel_of(shown.key)
        posts = [Post(i) for i in shown.discord_ids] if old_too else self.posts_in_place(shown, None)
        outlet = await self._in_place(shown, channel, style) if posts else None
        if outlet is not None:
            return Spot(outlet, posts)
        persona = await self.who_speaks(shown.reply.guild_id, shown.reply.persona_id)
        return Spot(await self._bot.voices.outlet(channel, shown.reply.guild_id, persona, style), [])

    async def who_speaks(self, guild_id: int | None, persona_id: int | None) -> Persona | None:
        """The persona that a reply is by, if there still is one."""
        return None if persona_id is None else await self._bot.services.personas.persona(guild_id, persona_id)

    async def _in_place(self, shown: ShownReply, channel: Any, style: ReplyStyle) -> ChannelOutlet | None:
        """Where the messages that show a reply can be changed; None if they cannot be."""
        reply = shown.reply
        return await self._bot.voices.outlet_in_place(channel, reply, shown.discord_ids, style, reply.persona_id)

    async def _channel_of(self, key: ConversationKey) -> tuple[Any, ReplyStyle]:
        """The channel of a conversation, and how replies are written there."""
        channel: Any = self._bot.get_channel(key.channel_id)
        if channel is None:  # an archived thread is in no cache
            channel = self._bot.get_partial_messageable(key.channel_id, guild_id=key.guild_id)
        guild = getattr(channel, "guild", None)
        allowed = channel.permissions_for(guild.me) if guild is not None else discord.Permissions.all()
        return channel, await style_of(self._bot.services, channel, key.guild_id, allowed)

    # --- drawing

    async def draw(
        self, shown: ShownReply, find_spot: FindSpot, *, channel: Any = None, note: str = "", failed: bool = False
    ) -> None:
        """Show a reply as the history has it, unless another one has taken its place by now.

        `channel` is where it stands, if that is at hand. What may not be shown there has only its buttons changed.
        """
        if await self._current(shown) is None:
            return
        await self.end_drawing(shown.discord_ids)
        now = await self._current(shown)
        if now is None:
            return
        if not await self.ratings.allows(channel or (await self._channel_of(now.key))[0], now.reply):
            await self._dress(now.key, now)
            return
        spot = await find_spot(now)
        now = await self._current(shown)  # nothing is waited for from here until others can see that this is drawn
        if now is None or any(self._taken[i] for i in now.discord_ids):
            return
        writing = Posts(
            spot.outlet,
            self._pace,
            nonce=str(new_id()),
            posted=spot.posts,
            records=_Records(self._bot.services.storage.history, now.reply.id),
        )
        place = now.discord_ids[:1]
        self._under_way.update(dict.fromkeys(place, writing))
        try:
            await self._write_all(now, writing, note or state_note(now.reply), failed=failed)
        finally:
            writing.close()
            for message_id in place:
                if self._under_way.get(message_id) is writing:
                    del self._under_way[message_id]

    @contextmanager
    def taken(self, discord_ids: Sequence[int]) -> Iterator[None]:
        """Let nobody begin to draw in these messages while an answer is about to take them."""
        self._taken.update(discord_ids)
        try:
            yield
        finally:
            self._taken.subtract(discord_ids)
            for message_id in discord_ids:
                if not self._taken[message_id]:
                    del self._taken[message_id]

    async def end_drawing(self, discord_ids: Sequence[int]) -> bool:
        """Let nothing draw in these messages any more; whether something did."""
        under_way = [self._under_way[i] for i in discord_ids[:1] if i in self._under_way]
        for writing in under_way:
            await writing.give_up()
        return bool(under_way)

    async def _current(self, shown: ShownReply) -> ShownReply | None:
        """The reply as it is now; None when its messages are to show another one, or a screen shows it."""
        services, reply = self._bot.services, shown.reply
        now = await services.storage.history.shown_reply(reply.guild_id, reply.id)
        if services.conversations.answer_over(reply.id) is not None:
            return None
        return None if now is None or (shown.discord_ids and not now.discord_ids) else now

    async def _write_all(self, shown: ShownReply, writing: Posts, note: str, *, failed: bool) -> None:
        parts = self.parts(shown, writing.outlet)
        known = {post.id for post in writing.posted}
        stands = await writing.finish(
            lambda: parts.with_suffix(note) if note else parts.parts, controls_of(shown, failed=failed)
        )
        if stands and not writing.gone:
            for message_id in set(shown.discord_ids) - known - {post.id for post in writing.posted}:
                await self._bot.services.storage.history.unlink_discord(message_id)
                await quietly(writing.outlet.delete(message_id))

    def posts_in_place(self, shown: ShownReply, pressed: discord.Message | None) -> list[Post]:
        """The messages that can be changed; what they say is written anew, because it may be something else."""
        ids = shown.discord_ids
        if not ids or shown.reply.state == "deleted":
            return []
        if shown.reply.private_to is not None:
            return [Post(pressed.id)] if pressed is not None and ids == (pressed.id,) else []
        return [Post(message_id) for message_id in ids] if is_fresh(ids[-1]) else []

    def parts(self, shown: ShownReply, outlet: Outlet) -> ReplyParts:
        """A reply as messages, below what stands above it."""
        parts = ReplyParts(outlet.limit, neutral_links=not outlet.suppresses_previews)
        if header := self.header_of(shown, outlet):
            parts.append(header)
        parts.append(shown.reply.content)
        return parts
