"""The webhooks through which personas speak. Their tokens are not kept: Discord tells them to whoever made them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, select, update

from storage._upsert import Upsert
from storage.database import Database
from storage.recent import Recent
from storage.records import StoredWebhook, Voice, utc_now
from storage.schema import personas, webhook_posts, webhooks

MAX_CACHED_GUILDS: Final = 20_000
"""As many as one process is for; most have no webhooks of ours."""

MAX_CACHED_POSTS: Final = 20_000
"""The newest message of as many conversations, and then some."""

Posts = Recent[int, Voice | None]
"""Who posted the replies that came last, by the id of the message in Discord; None: the bot itself."""

_columns = tuple(webhooks.c[field.name] for field in fields(StoredWebhook))
_guild = webhooks.c.guild_id == bindparam("guild")
_by_id = webhooks.c.id == bindparam("webhook")
_in_channel = (
    select(*_columns)
    .where(_guild, webhooks.c.channel_id == bindparam("channel"))
    .order_by(webhooks.c.used_at, webhooks.c.id)
)
_free = (
    select(webhooks.c.id)
    .where(_guild, webhooks.c.channel_id == bindparam("channel"))
    .where(~exists().where(personas.c.id == webhooks.c.persona_id))
    .order_by(webhooks.c.used_at, webhooks.c.id)
)
_channels = select(webhooks.c.id, webhooks.c.channel_id).where(_guild)
_remove = delete(webhooks).where(_guild, _by_id)
_used = update(webhooks).where(_by_id).values(used_at=bindparam("now"))
_save = Upsert(webhooks, overwrite=("channel_id", "persona_id", "looks", "used_at"))
_link = Upsert(webhook_posts, overwrite=("webhook_id", "persona_id"))
_voices = (
    select(webhook_posts.c.discord_id, webhook_posts.c.webhook_id, webhook_posts.c.persona_id)
    .join(webhooks, webhook_posts.c.webhook_id == webhooks.c.id)
    .where(_guild, webhook_posts.c.discord_id.in_(bindparam("ids", expanding=True)))
)
_forget = delete(webhook_posts).where(webhook_posts.c.discord_id == bindparam("discord"))


class Webhooks:
    """Webhooks of all guilds; every read names the guild.

    Which a guild has, and who posted what was posted last, is in memory: a guild belongs to one process.
    """

    def __init__(
        self, database: Database, posts: Posts | None = None, *, max_cached_guilds: int = MAX_CACHED_GUILDS
    ) -> None:
        self._database = database
        self._posts = Posts(0) if posts is None else posts
        self._channels: Recent[int | None, Mapping[int, int]] = Recent(max_cached_guilds)

    async def of_channel(self, guild_id: int, channel_id: int) -> list[StoredWebhook]:
        """The webhooks of a channel, the least recently used first."""
        return await self._database.read(_of_channel, guild_id, channel_id)

    async def free(self, guild_id: int, channel_id: int) -> list[int]:
        """The webhooks of a channel whose personas are gone, the least recently used first."""
        return await self._database.read(_free_in, guild_id, channel_id)

    async def channel_of(self, guild_id: int, webhook_id: int) -> int | None:
        """The channel of a webhook; None if the guild has none of this id."""
        return (await self._channels_of(guild_id)).get(webhook_id)

    async def save(self, webhook: StoredWebhook) -> None:
        """Remember a webhook, or whom it looks like from now on."""
        await self._database.finish(self._change(webhook.guild_id, partial(_save_one, webhook=webhook)))

    async def remove(self, guild_id: int, webhook_id: int) -> None:
        """A webhook is gone, and with it what could be changed through it."""
        write = partial(_remove_one, guild_id=guild_id, webhook_id=webhook_id)
        await self._database.finish(self._change(guild_id, write))

    async def voices(self, guild_id: int, discord_ids: Sequence[int]) -> dict[int, Voice]:
        """Who posted which of these messages; those that the bot itself posted are left out."""
        channels = await self._channels_of(guild_id)
        if not channels:
            return {}
        known = self._posts.known(discord_ids)
        found = {i: voice for i, voice in known.items() if voice is not None and voice.webhook_id in channels}
        missing = [discord_id for discord_id in discord_ids if discord_id not in known]
        return found | await self._database.read(_voices_of, guild_id, missing) if missing else found

    async def forget_post(self, discord_id: int) -> None:
        """A message is gone from Discord."""
        await self._database.write(_forget_post, discord_id)
        self._posts.forget(discord_id)

    def forget(self, guild_id: int) -> None:
        """Read anew which webhooks a guild has: they were deleted, or belong to another process."""
        self._channels.forget(guild_id)

    async def _channels_of(self, guild_id: int) -> Mapping[int, int]:
        if known := self._channels.known([guild_id]):
            return known[guild_id]
        changes = self._channels.changes
        channels = await self._database.read(_read_channels, guild_id)
        self._channels.keep({guild_id: channels}, changes)
        return channels

    async def _change(self, guild_id: int | None, write: Callable[[Connection], None]) -> None:
        try:
            await self._database.write(write)
        finally:
            self._channels.forget(guild_id)


def note_post(connection: Connection, discord_id: int, voice: Voice) -> None:
    """A message was posted through a webhook, which was used thereby."""
    _link(connection, discord_id=discord_id, webhook_id=voice.webhook_id, persona_id=voice.persona_id)
    connection.execute(_used, {"webhook": voice.webhook_id, "now": utc_now()})


def _of_channel(connection: Connection, guild_id: int, channel_id: int) -> list[StoredWebhook]:
    return [StoredWebhook(*row) for row in connection.execute(_in_channel, {"guild": guild_id, "channel": channel_id})]


def _free_in(connection: Connection, guild_id: int, channel_id: int) -> list[int]:
    return list(connection.execute(_free, {"guild": guild_id, "channel": channel_id}).scalars())


def _read_channels(connection: Connection, guild_id: int) -> Mapping[int, int]:
    return {row.id: row.channel_id for row in connection.execute(_channels, {"guild": guild_id})}


def _save_one(connection: Connection, webhook: StoredWebhook) -> None:
    _save(connection, **asdict(webhook))


def _remove_one(connection: Connection, guild_id: int, webhook_id: int) -> None:
    connection.execute(_remove, {"guild": guild_id, "webhook": webhook_id})


def _voices_of(connection: Connection, guild_id: int, discord_ids: list[int]) -> dict[int, Voice]:
    rows = connection.execute(_voices, {"guild": guild_id, "ids": discord_ids})
    return {discord_id: Voice(webhook_id, persona_id) for discord_id, webhook_id, persona_id in rows}


def _forget_post(connection: Connection, discord_id: int) -> None:
    connection.execute(_forget, {"discord": discord_id})
