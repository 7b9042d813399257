"""The webhooks through which personas speak. Their tokens are not kept: Discord tells them to whoever made them."""

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, bindparam, delete, select, update

from storage._upsert import Upsert
from storage.database import Database
from storage.records import StoredWebhook, Voice, utc_now
from storage.schema import webhook_posts, webhooks

_columns = tuple(webhooks.c[field.name] for field in fields(StoredWebhook))
_guild = webhooks.c.guild_id == bindparam("guild")
_by_id = webhooks.c.id == bindparam("webhook")
_in_channel = (
    select(*_columns)
    .where(_guild, webhooks.c.channel_id == bindparam("channel"))
    .order_by(webhooks.c.used_at, webhooks.c.id)
)
_one = select(*_columns).where(_guild, _by_id)
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
    """Webhooks of all guilds; every read names the guild."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_channel(self, guild_id: int, channel_id: int) -> list[StoredWebhook]:
        """The webhooks of a channel, the least recently used first."""
        return await self._database.read(_of_channel, guild_id, channel_id)

    async def get(self, guild_id: int, webhook_id: int) -> StoredWebhook | None:
        """One webhook."""
        return await self._database.read(_get, guild_id, webhook_id)

    async def save(self, webhook: StoredWebhook) -> None:
        """Remember a webhook, or whom it looks like from now on."""
        await self._database.write(_save_one, webhook)

    async def remove(self, guild_id: int, webhook_id: int) -> None:
        """A webhook is gone, and with it what could be changed through it."""
        await self._database.write(_remove_one, guild_id, webhook_id)

    async def voices(self, guild_id: int, discord_ids: Sequence[int]) -> dict[int, Voice]:
        """Who posted which of these messages; those that the bot itself posted are left out."""
        return await self._database.read(_voices_of, guild_id, list(discord_ids))

    async def forget_post(self, discord_id: int) -> None:
        """A message is gone from Discord."""
        await self._database.write(_forget_post, discord_id)


def note_post(connection: Connection, discord_id: int, voice: Voice) -> None:
    """A message was posted through a webhook, which was used thereby."""
    _link(connection, discord_id=discord_id, webhook_id=voice.webhook_id, persona_id=voice.persona_id)
    connection.execute(_used, {"webhook": voice.webhook_id, "now": utc_now()})


def _of_channel(connection: Connection, guild_id: int, channel_id: int) -> list[StoredWebhook]:
    return [StoredWebhook(*row) for row in connection.execute(_in_channel, {"guild": guild_id, "channel": channel_id})]


def _get(connection: Connection, guild_id: int, webhook_id: int) -> StoredWebhook | None:
    row = connection.execute(_one, {"guild": guild_id, "webhook": webhook_id}).first()
    return None if row is None else StoredWebhook(*row)


def _save_one(connection: Connection, webhook: StoredWebhook) -> None:
    _save(connection, **asdict(webhook))


def _remove_one(connection: Connection, guild_id: int, webhook_id: int) -> None:
    connection.execute(_remove, {"guild": guild_id, "webhook": webhook_id})


def _voices_of(connection: Connection, guild_id: int, discord_ids: list[int]) -> dict[int, Voice]:
    rows = connection.execute(_voices, {"guild": guild_id, "ids": discord_ids})
    return {discord_id: Voice(webhook_id, persona_id) for discord_id, webhook_id, persona_id in rows}


def _forget_post(connection: Connection, discord_id: int) -> None:
    connection.execute(_forget, {"discord": discord_id})
