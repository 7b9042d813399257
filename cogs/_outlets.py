"""Where the messages of a reply stand in Discord: in a channel, or as answers to a slash command.

An outlet only writes, edits and deletes single messages; what to write and when is the screen's business.
"""

import contextlib
import math
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import discord
from discord.http import handle_message_parameters
from discord.utils import MISSING

from chat.preferences import ReplyStyle
from chat.splitting import MESSAGE_LIMIT
from storage import Voice

if TYPE_CHECKING:
    from cogs._bot import Bot

# Interaction tokens live 15 minutes; from here on the channel route is used.
INTERACTION_SECONDS = 14 * 60.0
WAITING_REACTION = "⏳"
JOINED_WORDS = "-# I answer this together with what was said before."
NO_PREVIEWS = discord.MessageFlags(suppress_embeds=True)
# Discord limits how often messages may be edited that are older than an hour.
FRESH_SECONDS = 55 * 60.0
EMBED_COLOUR = 0x5865F2
NOT_OURS = 50005  # somebody else posted the message


@dataclass(frozen=True, slots=True)
class _Body:
    """How a reply's text stands in a message."""

    in_embed: bool
    limit: int  # characters
    flags: discord.MessageFlags

    def written(self, content: str, above: str = "") -> dict[str, Any]:
        """What a message is to hold, with a line above it; the style may have been another one when it was written."""
        if not self.in_embed:
            return {"content": above + content, "embeds": []}
        return {"content": above or None, "embeds": [discord.Embed(description=content, colour=EMBED_COLOUR)]}


BODIES: dict[ReplyStyle, _Body] = {
    "plain": _Body(in_embed=False, limit=MESSAGE_LIMIT, flags=NO_PREVIEWS),
    # The links of an embed show no previews. It holds 4,096 characters, but the form in which it is edited 4,000.
    "embed": _Body(in_embed=True, limit=4000, flags=discord.MessageFlags()),
}


def shown_text(message: discord.Message) -> str:
    """What a message of a reply says, in either style."""
    return message.content or "".join(embed.description or "" for embed in message.embeds[:1])


def is_fresh(message_id: int) -> bool:
    """Whether a message may still be edited as often as is needed."""
    return time.time() - discord.utils.snowflake_time(message_id).timestamp() < FRESH_SECONDS


class LostMessagesError(Exception):
    """What was written cannot be changed any more; more can be written."""


class Outlet(Protocol):
    """Writes the messages of one reply."""

    suppresses_previews: bool  # else the text itself has to write addresses so that they show none
    shows_name: bool  # of the persona that speaks; else the text itself has to say it

    async def create(self, part: int, content: str, view: discord.ui.View, *, nonce: str, ping: bool = False) -> int:
        """Write a new message and return its id; the same nonce never makes a second one."""

    async def edit(self, message_id: int, content: str = MISSING, view: discord.ui.View | None = MISSING) -> None:
        """Replace a message's text, its buttons, or both. Raises `LostMessagesError`."""

    async def undress(self, message_id: int) -> None:
        """Take the buttons away from an older message."""

    async def delete(self, message_id: int) -> None:
        """Remove a message; one that is gone already is no error."""

    async def typing(self) -> None:
        """Show for some seconds that an answer is coming."""

    async def mark_waiting(self) -> None:
        """Show on the question that it was seen and waits."""

    async def unmark_waiting(self) -> None:
        """Take that mark away."""

    async def joined(self, question: str) -> None:
        """The question, as it would have stood above its answer, is answered together with an earlier one."""

    def begin_chore(self, chore: Coroutine[Any, Any, None]) -> None:
        """Let something be done in the background, as long as the bot runs."""

    def others_wrote_since(self, message_id: int) -> bool:
        """Whether the message is not the newest of the channel any more."""

    @property
    def voice(self) -> Voice | None:
        """Through which webhook the messages are written; None: the bot writes them itself."""

    @property
    def limit(self) -> int:
        """Characters in one message."""

    @property
    def allowance_key(self) -> int:
        """Messages with the same key share Discord's allowance for writes."""


class ChannelOutlet:
    """Replies to a message in a channel, thread or DM.

    Speaks to discord.py's HTTP client, because its messages cannot keep previews suppressed on an edit, and because a
    view that needs no memory of its own should leave none behind.
    """

    suppresses_previews = True
    shows_name = False

    def __init__(self, client: "Bot", channel: Any, asking_id: int | None, style: ReplyStyle = "plain") -> None:
        self._client = client
        self._http = client.http
        self._channel = channel
        self._asking_id = asking_id
        guild = getattr(channel, "guild", None)
        self._guild_id: int | None = None if guild is None else guild.id
        self.style: ReplyStyle = style
        self._body = BODIES[style]
        self._marked = False

    @property
    def channel_id(self) -> int:
        """Where the messages stand."""
        return int(self._channel.id)

    @property
    def voice(self) -> Voice | None:
        return None

    @property
    def limit(self) -> int:
        return self._body.limit

    @property
    def allowance_key(self) -> int:
        return self.channel_id

    async def create(self, part: int, content: str, view: discord.ui.View, *, nonce: str, ping: bool = False) -> int:
        reference: Any = MISSING
        if part == 0 and self._asking_id is not None:
            reference = discord.MessageReference(
                message_id=self._asking_id, channel_id=self._channel.id, fail_if_not_exists=False
            ).to_message_reference_dict()
        mentions = discord.AllowedMentions(everyone=False, users=False, roles=False, replied_user=ping)
        with handle_message_parameters(
            **self._body.written(content),
            nonce=nonce,
            view=view,
            flags=self._body.flags,
            message_reference=reference,
            allowed_mentions=mentions,
        ) as params:
            message = await self._http.send_message(self._channel.id, params=params)
        return int(message["id"])

    async def edit(self, message_id: int, content: str = MISSING, view: discord.ui.View | None = MISSING) -> None:
        body = {} if content is MISSING else self._body.written(content)
        with handle_message_parameters(
            **body, view=view, flags=self._body.flags, allowed_mentions=discord.AllowedMentions.none()
        ) as params:
            try:
                await self._http.edit_message(self._channel.id, message_id, params=params)
            except discord.Forbidden as error:
                if error.code != NOT_OURS:
                    raise
                raise LostMessagesError from error  # a webhook that is gone posted it

    async def undress(self, message_id: int) -> None:
        await self._client.voices.undress(self._guild_id, self, message_id)

    async def delete(self, message_id: int) -> None:
        await self._client.voices.delete(self._guild_id, self.channel_id, message_id)

    async def typing(self) -> None:
        await self._http.send_typing(self._channel.id)

    async def mark_waiting(self) -> None:
        if self._asking_id is not None and not self._marked:
            self._marked = True
            try:
                await self._http.add_reaction(self._channel.id, self._asking_id, WAITING_REACTION)
            except (discord.Forbidden, discord.NotFound):
                self._marked = False
                raise

    async def unmark_waiting(self) -> None:
        if self._asking_id is not None and self._marked:
            self._marked = False
            await self._http.remove_own_reaction(self._channel.id, self._asking_id, WAITING_REACTION)

    async def joined(self, question: str) -> None:
        del question  # it stands in the channel already
        await self.mark_waiting()

    def begin_chore(self, chore: Coroutine[Any, Any, None]) -> None:
        self._client.begin_chore(chore)

    def others_wrote_since(self, message_id: int) -> bool:
        newest = getattr(self._channel, "last_message_id", None)
        return newest is not None and newest != message_id


class InteractionOutlet:
    """Answers a slash command: the first part is its deferred response, the others follow it.

    Edits go through the interaction while its token is young, and through the channel afterwards. Further parts of a
    public answer are ordinary messages where the bot may write, because those carry a nonce.
    """

    shows_name = False
    voice = None

    def __init__(
        self,
        interaction: discord.Interaction[Any],
        *,
        private: bool,
        expired: bool = False,
        style: ReplyStyle = "plain",
    ) -> None:
        self._interaction = interaction
        self._private = private
        self._body = BODIES[style]
        self.suppresses_previews = style == "embed"
        self._started = -math.inf if expired else time.monotonic()
        self._channel = writable_channel(interaction, style) if not private else None

    @property
    def limit(self) -> int:
        return self._body.limit

    @property
    def allowance_key(self) -> int:
        return self._interaction.id

    async def create(self, part: int, content: str, view: discord.ui.View, *, nonce: str, ping: bool = False) -> int:
        if part == 0 and self._is_young():
            message = await self._interaction.edit_original_response(**self._body.written(content), view=view)
            return message.id
        if self._channel is not None:
            return await self._channel.create(part, content, view, nonce=nonce, ping=ping)
        follow_up = await self._interaction.followup.send(
            **{name: value for name, value in self._body.written(content).items() if value},
            view=view,
            ephemeral=self._private,
            suppress_embeds=self._body.flags.suppress_embeds,
            wait=True,
        )
        return follow_up.id

    async def edit(self, message_id: int, content: str = MISSING, view: discord.ui.View | None = MISSING) -> None:
        if self._is_young():
            body = {} if content is MISSING else self._body.written(content)
            await self._interaction.followup.edit_message(message_id, **body, view=view)
        elif self._channel is not None:
            await self._channel.edit(message_id, content, view)

    async def undress(self, message_id: int) -> None:
        if self._channel is not None:  # else nobody may touch what an earlier interaction wrote
            await self._channel.undress(message_id)

    async def delete(self, message_id: int) -> None:
        if self._channel is not None and not self._is_young():
            await self._channel.delete(message_id)
            return
        with contextlib.suppress(discord.NotFound):
            await self._interaction.followup.delete_message(message_id)

    async def typing(self) -> None:
        """Discord shows "thinking" under a deferred response by itself."""

    async def mark_waiting(self) -> None:
        """The deferred response is the mark."""

    async def unmark_waiting(self) -> None:
        """There is no mark to take away."""

    async def joined(self, question: str) -> None:
        await self._interaction.edit_original_response(content=f"{question}{JOINED_WORDS}")

    def begin_chore(self, chore: Coroutine[Any, Any, None]) -> None:
        self._interaction.client.begin_chore(chore)

    def others_wrote_since(self, message_id: int) -> bool:
        """The response of a command stays where it is."""
        del message_id
        return False

    def _is_young(self) -> bool:
        return time.monotonic() - self._started < INTERACTION_SECONDS


def writable_channel(interaction: discord.Interaction[Any], style: ReplyStyle) -> ChannelOutlet | None:
    """Where the bot may write by itself what belongs to an interaction; None where it may not."""
    channel = interaction.channel
    if not isinstance(channel, discord.abc.Messageable) or channel is None:
        return None
    allowed = interaction.app_permissions
    may_write = allowed.send_messages_in_threads if isinstance(channel, discord.Thread) else allowed.send_messages
    if not (may_write and allowed.view_channel) or isinstance(channel, discord.PartialMessageable):
        return None
    return ChannelOutlet(interaction.client, channel, None, style)
