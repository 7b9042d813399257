"""The bot as cogs see it: discord.py's bot with the services that the cogs call."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from chat.casts import Casts
from chat.context import ContextReader
from chat.conversations import Conversations
from chat.diagnosis import Diagnosis
from chat.keyring import Keyring
from chat.keys import KeyPool
from chat.lore_library import LoreLibrary
from chat.models import ModelCatalogue
from chat.persona_library import PersonaLibrary
from chat.turns import Turns
from cogs._errors import explain
from cogs._guard import Guard, action_of, note_right
from cogs._pace import Pace
from moderation.filters import Filters
from moderation.limiter import Limiter
from moderation.rights import REQUIRED
from moderation.server_rules import ServerRules
from moderation.server_setup import ServerSetup
from storage import Audit, Storage

if TYPE_CHECKING:
    from cogs._erasures import Erasures
    from cogs._following import Following
    from cogs._replies import Replies
    from cogs._reporting import Reporting
    from cogs._talking import Talking
    from cogs._voices import Voices

logger = logging.getLogger(__name__)

CLOSE_GRACE_SECONDS = 8.0  # how long answers under way may finish after a stop was asked for
CHORES_GRACE_SECONDS = 1.5
REFUSED_KEY = "The service does not accept API key number {number} any more. I try it again in ten minutes."


@dataclass(frozen=True, slots=True)
class Services:
    """What the cogs call; built by `bot.py` when the bot starts."""

    storage: Storage
    audit: Audit
    conversations: Conversations
    turns: Turns
    context: ContextReader
    personas: PersonaLibrary
    casts: Casts
    lore: LoreLibrary
    catalogue: ModelCatalogue
    pool: KeyPool
    keyring: Keyring
    filters: Filters
    server_rules: ServerRules
    guard: Guard
    limiter: Limiter
    server_setup: ServerSetup
    diagnosis: Diagnosis


OpenServices = Callable[[], AbstractAsyncContextManager[Services]]


class Tree(app_commands.CommandTree["Bot"]):
    """Asks the guard before every command and autocomplete, and puts every error into words."""

    async def interaction_check(self, interaction: discord.Interaction["Bot"], /) -> bool:
        """Deny what the guard denies."""
        action = entry_action(action_of(interaction))
        try:
            await interaction.client.services.guard.check(
                action, interaction.user, interaction.guild_id, interaction.channel
            )
        except Exception as error:  # noqa: BLE001  # discord.py would show nobody what goes wrong here
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                interaction.client.note_refusal(error, interaction)
                await tell(interaction, explain(error).text)
            return False
        note_right(interaction, action)
        return True

    async def on_error(self, interaction: discord.Interaction["Bot"], error: app_commands.AppCommandError, /) -> None:
        """Show the error's words to whoever used the command."""
        interaction.client.note_refusal(error, interaction)
        await tell(interaction, explain(error).text)


class _ServiceHolder(commands.bot.BotBase, discord.Client):
    """What both bots below add to discord.py's: the services, opened at the start and closed at the end."""

    services: Services
    talking: "Talking"
    replies: "Replies"
    voices: "Voices"
    following: "Following"
    reporting: "Reporting"
    erasures: "Erasures"

    def __init__(self, open_services: OpenServices, extensions: tuple[str, ...], **options: Any) -> None:
        self.pace = Pace()
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=self.pace.trace(),
            **options,
        )
        self._open_services = open_services
        self._services_context: AbstractAsyncContextManager[Services] | None = None
        self._to_load = extensions
        self._chores: set[asyncio.Task[None]] = set()

    @property
    def hears_direct_messages(self) -> bool:
        """Whether direct messages come to this process."""
        return True

    async def setup_hook(self) -> None:
        """Open storage and clients, load the cogs, and publish the commands."""
        context = self._open_services()
        self.services = await context.__aenter__()
        self._services_context = context
        self.services.pool.on_refused = self._key_was_refused
        for name in self._to_load:
            await import_module(name).setup(self)  # not as an extension, which would be compiled anew
        await self.tree.sync()

    async def close(self) -> None:
        """Let answers finish for a while, then close everything that `setup_hook` opened."""
        if self.is_closed():
            return
        context, self._services_context = self._services_context, None
        if context is not None:
            self.services.guard.access.shutting_down = True
            await self.services.conversations.close(CLOSE_GRACE_SECONDS)
        if self._chores:
            await asyncio.wait(self._chores, timeout=CHORES_GRACE_SECONDS)
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await super().close()
        if context is not None:
            await context.__aexit__(None, None, None)

    def _key_was_refused(self, number: int) -> None:
        logger.error("the service refused API key number %s three times in a row", number + 1)
        self.begin_chore(self._tell_operators(REFUSED_KEY.format(number=number + 1)))

    async def _tell_operators(self, text: str) -> None:
        for owner_id in self.owner_ids or ():
            with contextlib.suppress(discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError):
                await (await self.fetch_user(owner_id)).send(text)

    def note_refusal(self, error: BaseException, asked: discord.Interaction[Any] | discord.Message) -> None:
        """Let it be known that somebody was told of an error, which may be a refusal."""
        if isinstance(asked, discord.Interaction):
            self.dispatch("refusal", error, asked.user.id, asked.guild_id, asked.channel_id)
        else:
            self.dispatch("refusal", error, asked.author.id, asked.guild and asked.guild.id, asked.channel.id)

    def begin_chore(self, chore: Coroutine[Any, Any, None]) -> None:
        """Do something in the background that hardly has to be done when the bot stops."""
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def on_message(self, message: discord.Message, /) -> None:
        """There are no text commands; the talking cog listens for messages by itself."""

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Nobody waits for an answer to a plain event, so its errors go to the log, with an incident id."""
        del args, kwargs
        error = sys.exc_info()[1]
        if error is not None:
            explain(error)


class Bot(_ServiceHolder, commands.Bot):
    """The bot on one connection to Discord."""


class ShardedBot(_ServiceHolder, commands.AutoShardedBot):
    """The bot on several connections, for thousands of servers."""

    @property
    def hears_direct_messages(self) -> bool:
        """Only if the first shard is among this process's."""
        return self.shard_ids is None or 0 in self.shard_ids


def entry_action(name: str) -> str:
    """What a command asks the guard for on entry: the right to do it to one's own turn, where there is such a thing."""
    name = name.lower()
    own = f"{name} own"
    return own if own in REQUIRED else name


async def tell(
    interaction: discord.Interaction[Any],
    text: str,
    *,
    view: discord.ui.View | None = None,
    file: discord.File | None = None,
) -> None:
    """Say something to the person alone, whether or not the interaction was answered already."""
    more = {"view": view, "file": file}
    options: dict[str, Any] = {"ephemeral": True, **{name: part for name, part in more.items() if part is not None}}
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, **options)
        else:
            await interaction.response.send_message(text, **options)
    except (discord.HTTPException, discord.InteractionResponded, aiohttp.ClientError, OSError) as error:
        # It has expired, or another process has answered it: there is nowhere left to say it.
        logger.info("a person could not be told something: %s", type(error).__name__)
