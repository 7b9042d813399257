"""Who posts a reply in Discord: the bot itself, or a webhook with the name and picture of the persona that speaks.

A message can only be changed by whoever posted it, so replies that stand in Discord are reached through here.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import discord
from discord.http import Route, handle_message_parameters
from discord.utils import MISSING

from chat.persona import Persona
from chat.preferences import ReplyStyle
from cogs._outlets import JOINED_WORDS, ChannelOutlet, LostMessagesError
from cogs._persona_cards import name_line
from cogs._places import scopes_of
from cogs._webhooks import Hook, Trouble, Webhooks, webhook_name
from storage import StoredMessage, Voice

if TYPE_CHECKING:
    from cogs._bot import Bot

UNKNOWN_WEBHOOK: Final = 10015
LOST_CODES: Final = frozenset({UNKNOWN_WEBHOOK, 50027})  # the webhook or its token is no longer good
LOOKED_THROUGH: Final = 50  # messages, for one that may have been posted although Discord failed
PING_CHARACTERS: Final = 32  # room for a mention above the reply
MINUTE_MS: Final = 60_000


class Voices:
    """Chooses who posts, and changes what was posted."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot
        self.webhooks = Webhooks(bot)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.webhooks.close()

    # --- choosing

    async def outlet(
        self,
        channel: Any,
        guild_id: int | None,
        persona: Persona | None,
        style: ReplyStyle,
        *,
        asking_id: int | None = None,
        asker_id: int | None = None,
    ) -> ChannelOutlet:
        """Where a new reply of this persona is written, or one of the bot itself."""
        hook = None
        if persona is not None:
            named = self._bot.services.filters.shown_name
            persona = replace(persona, name=await named(guild_id, scopes_of(channel, guild_id), persona.name))
        if persona is not None and guild_id is not None and self.may_use_webhooks(channel):
            hook = await self.webhooks.for_persona(guild_id, _host_of(channel), persona)
        if hook is None or persona is None or guild_id is None:
            return ChannelOutlet(self._bot, channel, asking_id, style)
        return WebhookOutlet(self._bot, channel, asking_id, style, guild_id, hook, persona.name, asker_id, persona)

    async def outlet_in_place(
        self, channel: Any, reply: StoredMessage, discord_ids: Sequence[int], style: ReplyStyle, persona_id: int | None
    ) -> ChannelOutlet | None:
        """Where the messages that show a reply can be changed to say something of this persona; None if nowhere."""
        voice = (await self._voices(reply.guild_id, discord_ids[:1])).get(discord_ids[0])
        if voice is None or reply.guild_id is None:
            return ChannelOutlet(self._bot, channel, None, style)
        if voice.persona_id != persona_id:
            return None
        hook = await self.webhooks.by_id(reply.guild_id, voice.webhook_id)
        if hook is None:
            return None
        speaking = Hook(hook.id, hook.channel_id, voice.persona_id, hook.token)
        persona = await self._bot.services.personas.persona(reply.guild_id, voice.persona_id)
        name = reply.author_name or ""
        return WebhookOutlet(self._bot, channel, None, style, reply.guild_id, speaking, name, persona=persona)

    def may_use_webhooks(self, channel: Any) -> bool:
        """Whether personas can speak through webhooks here: replies to those reach the bot only with the intent."""
        guild = getattr(channel, "guild", None)
        if guild is None or guild.me is None or not self._bot.intents.message_content:
            return False
        host = channel.parent if isinstance(channel, discord.Thread) else channel
        return host is not None and bool(host.permissions_for(guild.me).manage_webhooks)

    def trouble(self, channel: Any, personas: Iterable[Persona]) -> Trouble | None:
        """Why these could not speak through webhooks here lately, although permissions allow it."""
        return self.webhooks.trouble(_host_of(channel), personas) if self.may_use_webhooks(channel) else None

    def is_own(self, message: discord.Message) -> bool:
        """Whether a message was posted through a webhook of ours."""
        application_id = self._bot.application_id
        return message.webhook_id not in {None, application_id} and message.application_id == application_id

    # --- changing what was posted, whoever posted it

    async def delete(self, guild_id: int | None, channel_id: int, message_id: int) -> None:
        """Remove a message; one that is gone already is no error."""
        hook = await self._hook_of(guild_id, message_id)
        route = Route(
            "DELETE", "/channels/{channel_id}/messages/{message_id}", channel_id=channel_id, message_id=message_id
        )
        with contextlib.suppress(discord.NotFound):
            if hook is None:
                await self._bot.http.request(route)
            else:
                await delete_through(self._bot, hook, channel_id, message_id)
        if hook is not None:
            await self._bot.services.storage.webhooks.forget_post(message_id)

    async def undress(self, guild_id: int | None, outlet: ChannelOutlet, message_id: int) -> None:
        """Take the buttons away from an older message, which another one may have posted."""
        hook = await self._hook_of(guild_id, message_id)
        nothing = discord.ui.View(timeout=None)
        if hook is None:
            await ChannelOutlet.edit(outlet, message_id, view=nothing)
        else:
            await edit_through(self._bot, hook, outlet.channel_id, message_id, {}, nothing)

    async def left_behind(self, reply: StoredMessage) -> tuple[int, Voice | None] | None:
        """A message that shows the beginning of a reply and was not noted down, because the bot was killed before."""
        after = discord.utils.time_snowflake(reply.created_at) - (MINUTE_MS << 22)
        for found in await self._bot.http.logs_from(reply.channel_id, LOOKED_THROUGH, after=after):
            if any(str(mark).endswith(f":{reply.id}") for mark in marks_in(found)):
                message_id, author_id = int(found["id"]), int(found["author"]["id"])
                if author_id == self._me.id:
                    return message_id, None
                if str(found.get("application_id")) == str(self._bot.application_id) and reply.persona_id is not None:
                    return message_id, Voice(author_id, reply.persona_id)
        return None

    # --- inside

    @property
    def _me(self) -> discord.ClientUser:
        assert self._bot.user is not None
        return self._bot.user

    async def _voices(self, guild_id: int | None, discord_ids: Sequence[int]) -> Mapping[int, Voice]:
        if guild_id is None:
            return {}
        return await self._bot.services.storage.webhooks.voices(guild_id, discord_ids)

    async def _hook_of(self, guild_id: int | None, message_id: int) -> Hook | None:
        voice = (await self._voices(guild_id, [message_id])).get(message_id)
        if voice is None or guild_id is None:
            return None
        return await self.webhooks.by_id(guild_id, voice.webhook_id)


class WebhookOutlet(ChannelOutlet):
    """Replies of a persona, under its own name and picture.

    Discord gives webhooks neither nonces nor references to the question. So a post that may have arrived although
    Discord failed is looked for first, and a ping is a mention above the reply. Where the webhook is gone and there
    can be no other one, the bot itself goes on under a line with the name.
    """

    suppresses_previews = False  # an edit cannot
    shows_name = True

    def __init__(
        self,
        client: "Bot",
        channel: Any,
        asking_id: int | None,
        style: ReplyStyle,
        guild_id: int,
        hook: Hook,
        name: str,
        asker_id: int | None = None,
        persona: Persona | None = None,
    ) -> None:
        super().__init__(client, channel, asking_id, style)
        self._server_id = guild_id
        self._hook = hook
        self._name = name
        self._asker_id = asker_id
        self._persona = persona  # to make the webhook anew for, should it be gone
        self._own: set[int] = set()
        self._pinged: int | None = None
        self._tried: dict[str, tuple[str, list[Any]]] = {}  # by nonce, what was sent and may have arrived
        self._line = name_line(name)
        self._silenced = False  # no webhook can be had any more
        self._plain: dict[int, str] = {}  # messages of the bot itself, and the line above each

    @property
    def voice(self) -> Voice | None:
        return None if self._silenced else Voice(self._hook.id, self._hook.persona_id)

    @property
    def limit(self) -> int:
        return self._body.limit - (0 if self._body.in_embed else max(PING_CHARACTERS, len(self._line)))

    @property
    def allowance_key(self) -> int:
        return self._hook.id

    async def create(self, part: int, content: str, view: discord.ui.View, *, nonce: str, ping: bool = False) -> int:
        if self._silenced:
            return await self._create_plainly(part, content, view, nonce=nonce, ping=ping)
        asker_id = self._asker_id if ping else None
        with handle_message_parameters(
            **self._body.written(content, _mention(asker_id)),
            username=webhook_name(self._name) or MISSING,
            view=view,
            flags=self._body.flags,
            allowed_mentions=_only(asker_id),
        ) as params:
            body: dict[str, Any] = dict(params.payload or {})
        message_id = await self._find_posted(nonce, body) or await self._post(nonce, body)
        if message_id is None:
            self._silenced = True
            return await self._create_plainly(part, content, view, nonce=nonce, ping=ping)
        self._own.add(message_id)
        if asker_id is not None:
            self._pinged = message_id
        return message_id

    async def edit(self, message_id: int, content: str = MISSING, view: discord.ui.View | None = MISSING) -> None:
        if (line := self._plain.get(message_id)) is not None:
            await super().edit(message_id, content if content is MISSING else line + content, view)
            return
        asker_id = self._asker_id if message_id == self._pinged else None
        body = {} if content is MISSING else self._body.written(content, _mention(asker_id))
        try:
            await edit_through(self._client, self._hook, self.channel_id, message_id, body, view, mentions=asker_id)
        except discord.HTTPException as error:
            if error.code not in LOST_CODES or self._persona is None:
                raise
            await self._client.voices.webhooks.lost(self._server_id, self._hook)
            self._own.clear()
            raise LostMessagesError from error

    async def delete(self, message_id: int) -> None:
        if message_id not in self._own:
            await super().delete(message_id)
            return
        with contextlib.suppress(discord.NotFound):
            await delete_through(self._client, self._hook, self.channel_id, message_id)

    async def joined(self, question: str) -> None:
        if not question:
            await super().joined(question)
            return
        # Nobody else saw what was said with a command.
        plain = ChannelOutlet(self._client, self._channel, None, self.style)
        nonce = str(discord.utils.time_snowflake(discord.utils.utcnow()))
        await plain.create(0, f"{question}{JOINED_WORDS}", discord.ui.View(timeout=None), nonce=nonce)

    async def _create_plainly(self, part: int, content: str, view: discord.ui.View, *, nonce: str, ping: bool) -> int:
        line = "" if part else self._line
        message_id = await super().create(part, line + content, view, nonce=nonce, ping=ping)
        self._plain[message_id] = line
        return message_id

    async def _post(self, nonce: str, body: dict[str, Any]) -> int | None:
        """Write a message through a webhook, perhaps a new one; None where none can be had."""
        self._tried[nonce] = _shown_in(body)
        webhooks = self._client.voices.webhooks
        try:
            return await webhooks.post(self._hook, self._thread_id, body)
        except discord.HTTPException as error:
            if error.code not in LOST_CODES or self._persona is None:
                raise
        await webhooks.lost(self._server_id, self._hook)
        found = await webhooks.for_persona(self._server_id, self._hook.channel_id, self._persona)
        if found is None:
            return None
        self._hook = found
        return await webhooks.post(self._hook, self._thread_id, body)

    async def _find_posted(self, nonce: str, body: dict[str, Any]) -> int | None:
        """The message of an earlier try that seemed to fail."""
        wanted = self._tried.get(nonce)
        if wanted is None:
            return None
        after = discord.utils.time_snowflake(discord.utils.utcnow()) - (2 * MINUTE_MS << 22)
        for found in await self._http.logs_from(self.channel_id, LOOKED_THROUGH, after=after):
            mine = str(found.get("webhook_id")) == str(self._hook.id) and int(found["id"]) not in self._own
            if mine and _shown_in(dict(found)) in (wanted, _shown_in(body)):
                return int(found["id"])
        return None

    @property
    def _thread_id(self) -> int | None:
        return None if self.channel_id == self._hook.channel_id else self.channel_id


async def edit_through(
    bot: "Bot",
    hook: Hook,
    channel_id: int,
    message_id: int,
    body: dict[str, Any],
    view: discord.ui.View | None,
    *,
    mentions: int | None = None,
) -> None:
    """Change a message that was posted through a webhook; nobody but this person stays mentioned in it."""
    with handle_message_parameters(**body, view=view, allowed_mentions=_only(mentions)) as params:
        await bot.http.request(
            hook.route("PATCH", "/messages/{message_id}", message_id=message_id),
            json=params.payload,
            params=_query(hook, channel_id),
        )


async def delete_through(bot: "Bot", hook: Hook, channel_id: int, message_id: int) -> None:
    """Remove a message that was posted through a webhook."""
    route = hook.route("DELETE", "/messages/{message_id}", message_id=message_id)
    await bot.http.request(route, params=_query(hook, channel_id))


def _mention(user_id: int | None) -> str:
    return "" if user_id is None else f"-# <@{user_id}>\n"


def _only(user_id: int | None) -> discord.AllowedMentions:
    """Nobody is mentioned but this person; a reference is none."""
    users = False if user_id is None else [discord.Object(user_id)]
    return discord.AllowedMentions(everyone=False, users=users, roles=False, replied_user=False)


def _query(hook: Hook, channel_id: int) -> dict[str, Any]:
    return {} if channel_id == hook.channel_id else {"thread_id": str(channel_id)}


def _host_of(channel: Any) -> int:
    """The channel whose webhooks speak here."""
    return int(channel.parent_id) if isinstance(channel, discord.Thread) else int(channel.id)


def _shown_in(message: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """What tells a message from others of the same persona: its words, less the space around them, and its buttons."""
    embeds = message.get("embeds") or []
    words = "".join(str(embed.get("description", "")) for embed in embeds[:1]) or message.get("content") or ""
    return words.strip(), marks_in(message)


def marks_in(message: Mapping[str, Any]) -> list[Any]:
    """What tells a message's buttons from others."""
    rows = message.get("components") or []
    return [item.get("custom_id") for row in rows for item in row.get("components") or []]
