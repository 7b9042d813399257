"""The webhooks of the bot's own application, through which personas speak: one for each persona in a channel.

Discord tells their tokens to whoever made them, so none is kept anywhere else than in memory.
"""

import asyncio
import base64
import logging
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

import aiohttp
import discord
from discord.http import Route

from chat.persona import Persona
from storage import Avatar, StoredWebhook

if TYPE_CHECKING:
    from cogs._bot import Bot

logger = logging.getLogger(__name__)

MOST_IN_CHANNEL: Final = 8  # of the 15 that a channel may have; others want some, too
MOST_CHANNELS: Final = 2_000  # as many stay in memory
TOO_MANY_WEBHOOKS: Final = 30007
REFUSED_SECONDS: Final = 300.0  # where making one failed, it is not tried again for so long
POST_SECONDS: Final = 30.0
FORBIDDEN_WORDS: Final = re.compile(r"(d)(iscord)|(c)(lyde)|^(e)(veryone)$|^(h)(ere)$", re.IGNORECASE)
NEVER: Final = datetime.fromtimestamp(0, UTC)

Trouble = Literal["full", "refused", "unfit"]
"""Why a persona speaks without a webhook: others have all of them, Discord refuses any, or the name or picture."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that can be spoken through."""

    id: int
    channel_id: int  # of a thread the parent
    persona_id: int
    token: str = field(repr=False)

    def route(self, method: str, path: str = "", **parameters: Any) -> Route:
        """Where Discord takes what is done through it."""
        base = "/webhooks/{webhook_id}/{webhook_token}"
        return Route(method, base + path, webhook_id=self.id, webhook_token=self.token, **parameters)


@dataclass(slots=True)
class _Kept:
    """A webhook as it is known here; `version` is that of the persona whose looks it has."""

    stored: StoredWebhook
    token: str = field(repr=False)
    version: int = 0

    @property
    def hook(self) -> Hook:
        return Hook(self.stored.id, self.stored.channel_id, self.stored.persona_id, self.token)


@dataclass(eq=False, slots=True)
class _Channel:
    """What is known of one channel's webhooks, the least recently used first."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    kept: dict[int, _Kept] = field(default_factory=dict)
    stale: bool = True  # something may be otherwise in Discord
    refused_until: float = 0.0
    refusal: Trouble = "refused"
    unfit: dict[int, int] = field(default_factory=dict)  # personas whose name or picture Discord refuses, their version


class Webhooks:
    """Finds, makes and changes webhooks, and posts through them."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot
        self._channels: OrderedDict[int, _Channel] = OrderedDict()
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    # --- finding

    async def for_persona(self, guild_id: int, channel_id: int, persona: Persona) -> Hook | None:
        """The persona's webhook with its present name and picture; None where Discord lets us have none."""
        channel = self._channel(channel_id)
        async with channel.lock:
            now = asyncio.get_running_loop().time()
            if channel.refused_until > now or channel.unfit.get(persona.id) == persona.version:
                return None
            try:
                kept = await self._fitting(channel, guild_id, channel_id, persona)
            except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError) as error:
                logger.info("a persona speaks without a webhook: %s", type(error).__name__)
                full = getattr(error, "code", None) == TOO_MANY_WEBHOOKS
                if getattr(error, "status", None) == 400 and not full:
                    channel.unfit[persona.id] = persona.version  # which is no reason to keep others from speaking
                else:
                    channel.refused_until = now + REFUSED_SECONDS
                    channel.refusal = "full" if full else "refused"
                return None
            channel.unfit.pop(persona.id, None)
            channel.kept[kept.stored.id] = channel.kept.pop(kept.stored.id)  # the latest used
            return kept.hook

    async def by_id(self, guild_id: int, webhook_id: int) -> Hook | None:
        """A webhook that something was posted through; None if it is gone or out of reach."""
        channel_id = await self._bot.services.storage.webhooks.channel_of(guild_id, webhook_id)
        if channel_id is None:
            return None
        channel = self._channel(channel_id)
        async with channel.lock:
            try:
                kept = await self._known(channel, guild_id, channel_id)
            except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError):
                return None
        return kept[webhook_id].hook if webhook_id in kept else None

    async def lost(self, guild_id: int, hook: Hook) -> None:
        """Somebody deleted the webhook."""
        channel = self._channel(hook.channel_id)
        async with channel.lock:
            channel.kept.pop(hook.id, None)
            await self._bot.services.storage.webhooks.remove(guild_id, hook.id)

    def changed(self, channel_id: int) -> None:
        """Somebody made, changed or deleted a webhook there; which, Discord does not tell."""
        if channel_id in self._channels:
            self._channels[channel_id].stale = True
            self._channels[channel_id].refused_until = 0.0

    def trouble(self, channel_id: int, personas: Iterable[Persona]) -> Trouble | None:
        """Why these could not speak through webhooks there lately; None if they could."""
        channel = self._channels.get(channel_id)
        if channel is None:
            return None
        if channel.refused_until > asyncio.get_running_loop().time():
            return channel.refusal
        return "unfit" if any(channel.unfit.get(one.id) == one.version for one in personas) else None

    # --- speaking

    async def post(self, hook: Hook, thread_id: int | None, body: dict[str, Any]) -> int:
        """Post once: discord.py would post again after a failure of Discord's, and nothing tells the two apart.

        Raises what discord.py raises.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=POST_SECONDS))
        query = {"wait": "true"} | ({} if thread_id is None else {"thread_id": str(thread_id)})
        async with self._session.post(hook.route("POST").url, params=query, json=body) as response:
            said = await _said_in(response)
            if response.status == 429:
                raise discord.RateLimited(_pause_of(response, said))
            if response.status >= 400:
                raise _error_of(response.status)(response, said)
            if "id" not in said:
                raise discord.DiscordServerError(response, "no message came back")
            return int(said["id"])

    # --- inside

    def _channel(self, channel_id: int) -> _Channel:
        channel = self._channels.setdefault(channel_id, _Channel())
        self._channels.move_to_end(channel_id)
        if len(self._channels) > MOST_CHANNELS:
            oldest = next(iter(self._channels))
            if not self._channels[oldest].lock.locked():
                del self._channels[oldest]
        return channel

    async def _known(self, channel: _Channel, guild_id: int, channel_id: int) -> dict[int, _Kept]:
        """The channel's webhooks that are ours, in Discord and here alike."""
        if channel.stale:
            channel.stale = False  # before it is looked up, or a change meanwhile would go unnoticed
            try:
                channel.kept = await self._look_up(guild_id, channel_id)
            except BaseException:
                channel.stale = True
                raise
        return channel.kept

    async def _look_up(self, guild_id: int, channel_id: int) -> dict[int, _Kept]:
        storage = self._bot.services.storage.webhooks
        stored = {webhook.id: webhook for webhook in await storage.of_channel(guild_id, channel_id)}
        tokens = {
            int(found["id"]): str(found["token"])
            for found in await self._bot.http.channel_webhooks(channel_id)
            if found.get("token") and str(found.get("application_id")) == str(self._bot.application_id)
        }
        for webhook_id in stored.keys() - tokens.keys():
            await storage.remove(guild_id, webhook_id)
        for webhook_id in tokens.keys() - stored.keys():  # made, but the bot ended before it was noted down
            nobody = StoredWebhook(webhook_id, guild_id, channel_id, 0, "", NEVER)
            await storage.save(nobody)
            stored = {webhook_id: nobody, **stored}
        return {i: _Kept(webhook, tokens[i]) for i, webhook in stored.items() if i in tokens}

    async def _fitting(self, channel: _Channel, guild_id: int, channel_id: int, persona: Persona) -> _Kept:
        """The persona's webhook, made to look like it. Raises what discord.py raises."""
        known = await self._known(channel, guild_id, channel_id)
        kept = next((kept for kept in known.values() if kept.stored.persona_id == persona.id), None)
        if kept is not None and kept.version == persona.version:
            return kept
        picture = await self._bot.services.personas.picture(guild_id, persona)
        looks = _looks(persona, picture)
        if kept is None:
            free = await self._bot.services.storage.webhooks.free(guild_id, channel_id)
            kept = next((known[webhook_id] for webhook_id in free if webhook_id in known), None)
        if kept is None and len(known) >= MOST_IN_CHANNEL:
            kept = next(iter(known.values()))
        if kept is None:
            try:
                kept = await self._make(guild_id, channel_id, persona, picture)
            except discord.HTTPException as error:
                if error.code != TOO_MANY_WEBHOOKS or not known:
                    raise
                kept = next(iter(known.values()))
        if kept.stored.looks != looks or kept.stored.persona_id != persona.id:
            if kept.stored.looks != looks:
                await self._redraw(kept, persona, picture)
            kept.stored = replace(kept.stored, persona_id=persona.id, looks=looks, used_at=datetime.now(UTC))
            await self._bot.services.storage.webhooks.save(kept.stored)
        kept.version = persona.version
        known[kept.stored.id] = kept
        return kept

    async def _make(self, guild_id: int, channel_id: int, persona: Persona, picture: Avatar) -> _Kept:
        made = await self._bot.http.create_webhook(
            channel_id,
            name=webhook_name(persona.name),
            avatar=_as_url(picture),
            reason=f"{persona.name} speaks here",
        )
        stored = StoredWebhook(int(made["id"]), guild_id, channel_id, persona.id, _looks(persona, picture), NEVER)
        await self._bot.services.storage.webhooks.save(replace(stored, used_at=datetime.now(UTC)))
        return _Kept(stored, str(made["token"]))

    async def _redraw(self, kept: _Kept, persona: Persona, picture: Avatar) -> None:
        body = {"name": webhook_name(persona.name), "avatar": _as_url(picture)}
        await self._bot.http.request(kept.hook.route("PATCH"), json=body)


def webhook_name(name: str) -> str:
    """A name as Discord takes it: something that cannot be seen parts the words that it does not allow."""
    return FORBIDDEN_WORDS.sub(lambda found: "\u2060".join(part for part in found.groups() if part), name)[:80]


def _looks(persona: Persona, picture: Avatar) -> str:
    return blake2b(persona.name.encode() + b"\0" + picture.data, digest_size=16).hexdigest()


def _as_url(picture: Avatar) -> Any:
    return f"data:{picture.content_type};base64,{base64.b64encode(picture.data).decode()}"


async def _said_in(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """What Discord answers; a proxy before it answers with a page, which says nothing."""
    try:
        said = await response.json(content_type=None)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _pause_of(response: aiohttp.ClientResponse, said: dict[str, Any]) -> float:
    """How many seconds to wait before the next try."""
    try:
        return max(0.0, float(said.get("retry_after", response.headers.get("Retry-After", 1.0))))
    except (TypeError, ValueError):
        return 1.0


def _error_of(status: int) -> type[discord.HTTPException]:
    if status >= 500:
        return discord.DiscordServerError
    return {403: discord.Forbidden, 404: discord.NotFound}.get(status, discord.HTTPException)
