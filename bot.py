"""The command line: builds the settings, opens the resources, wires the layers, starts the bot."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import discord
import typer
from discord.ext import commands
from dotenv import load_dotenv

from chat.casts import Casts
from chat.context import ContextReader
from chat.conversations import Conversations
from chat.diagnosis import Diagnosis
from chat.generation import Generator
from chat.keyring import Keyring
from chat.keys import KeyPool
from chat.lore_library import LoreLibrary
from chat.metrics import Metrics
from chat.models import ModelCatalogue
from chat.persona_library import PersonaLibrary
from chat.preferences import operator_defaults
from chat.queue import FairQueue
from chat.turns import Turns
from cogs._bot import Bot, Services, ShardedBot
from cogs._guard import Guard
from doctor import doctor
from infermatic_client import InfermaticClient, KeyLimits
from logs import hide_in_logs, set_up_logging
from moderation.access import Access
from moderation.admission import Admission
from moderation.filters import Filters
from moderation.limit_book import LimitBook
from moderation.limiter import Limiter
from moderation.presence import Presences
from moderation.rulebook import Rulebook
from moderation.server_rules import ServerRules
from moderation.server_setup import ServerSetup
from settings import Settings, SettingsError
from setup_wizard import setup
from storage import Sealer, StorageError, open_storage
from storage.health import report_on

EX_CONFIG = 78  # sysexits.h: something is wrong with the configuration; restarting will not help
EXTENSIONS = (
    "cogs.talk",
    "cogs.replies",
    "cogs.models",
    "cogs.sampling",
    "cogs.channel",
    "cogs.personas",
    "cogs.lore",
    "cogs.scenes",
    "cogs.profile",
    "cogs.note",
    "cogs.tokens",
    "cogs.usage",
    "cogs.history",
    "cogs.home",
    "cogs.access",
    "cogs.filters",
    "cogs.pause",
    "cogs.audit",
    "cogs.reports",
    "cogs.setup",
    "cogs.apikeys",
    "cogs.help",
    "cogs.limits",
    "cogs.queue",
    "cogs.doctor",
    "cogs.recovery",
    "cogs.retention",
    "cogs.privacy",
    "cogs.leaving",
    "cogs.gone",
)
LONGEST_DISCORD_WAIT_SECONDS = 30.0  # the shortest that discord.py allows; longer rate limits reach us as errors

app = typer.Typer(add_completion=False, no_args_is_help=True, help="A Discord bot for Infermatic's open models.")
app.command()(setup)
app.command()(doctor)


def create_bot(settings: Settings, *, message_content: bool = True) -> commands.Bot | commands.AutoShardedBot:
    """Build the bot without connecting; `setup_hook` opens storage and clients, `close()` closes them."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # there is no voice to warn about
    intents = discord.Intents(
        guilds=True,
        auto_moderation_configuration=True,
        webhooks=True,
        guild_messages=True,
        dm_messages=True,
        message_content=message_content,
    )
    options: dict[str, Any] = {
        "intents": intents,
        "owner_ids": settings.owner_ids,
        "max_messages": None,
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "chunk_guilds_at_startup": False,
        "max_ratelimit_timeout": LONGEST_DISCORD_WAIT_SECONDS,
    }
    if settings.shard_count is not None:
        shards = list(settings.shard_ids) or None
        return ShardedBot(
            lambda: open_services(settings), EXTENSIONS, shard_count=settings.shard_count, shard_ids=shards, **options
        )
    return Bot(lambda: open_services(settings), EXTENSIONS, **options)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open storage and clients and wire the engine; everything is closed again in the opposite order."""
    async with AsyncExitStack() as stack:
        storage = await open_storage(settings.database_url)
        stack.push_async_callback(storage.close)
        await storage.opt_outs.refresh()
        await stack.enter_async_context(storage.limits.leased())
        open_client = _opener(settings)
        clients = [await stack.enter_async_context(open_client(key)) for key in settings.infermatic_api_key]
        pool = KeyPool(clients)
        servers_client = partial(open_client, counted=True)
        keyring = Keyring(pool, storage.keys, Sealer(settings.secret_key), servers_client, hide=hide_in_logs)
        stack.push_async_callback(keyring.close)
        await keyring.seal_anew()
        queue = FairQueue(keyring)
        stack.callback(queue.close)
        metrics = Metrics()
        metrics.waiting.set_function(lambda: len(queue))
        if settings.metrics_address:
            stack.callback(metrics.serve(settings.metrics_address))
        catalogue = ModelCatalogue(
            clients[0] if clients else None,
            storage.models,
            default_model=settings.default_model,
            fallback_models=settings.fallback_models,
            context_windows=settings.context_windows,
        )
        await catalogue.load()
        stack.push_async_callback(catalogue.close)
        defaults = operator_defaults(settings.system_prompt, settings.default_model)
        context = ContextReader(
            storage.history, storage.pictures, storage.settings, catalogue, defaults, storage.lorebooks,
            storage.opt_outs,
        )  # fmt: skip
        presences = Presences()
        limiter = Limiter(storage.limits, storage.settings, presences)
        admission = Admission(storage.settings, storage.access, presences, settings.owner_ids)
        server_rules = ServerRules(storage.settings)
        stack.push_async_callback(server_rules.close)
        filters = Filters(storage.filters, server_rules, presences)
        generator = Generator(
            catalogue=catalogue, queue=queue, pool=keyring, context=context, admission=admission, limiter=limiter,
            texts=filters,
        )  # fmt: skip
        access = Access(
            owner_ids=settings.owner_ids, allowed_guilds=settings.allowed_guilds, allow_dms=settings.allow_dms
        )
        conversations = Conversations(storage.history, storage.usage, generator, metrics, filters)
        personas = PersonaLibrary(storage.personas, storage.settings, context, storage.history, conversations)
        casts = Casts(personas, storage.settings, context, storage.history, conversations)
        yield Services(
            storage=storage,
            audit=storage.audit,
            conversations=conversations,
            limiter=limiter,
            server_setup=ServerSetup(
                storage.settings, Rulebook(storage.access), LimitBook(storage.limits, storage.settings)
            ),
            turns=Turns(storage.history, conversations),
            context=context,
            personas=personas,
            casts=casts,
            lore=LoreLibrary(storage.lorebooks, context, filters),
            catalogue=catalogue,
            pool=pool,
            keyring=keyring,
            filters=filters,
            server_rules=server_rules,
            guard=Guard(
                access,
                storage.settings,
                storage.access,
                presences,
                admission,
                limiter.needs_roles,
                opt_outs=storage.opt_outs,
            ),
            diagnosis=Diagnosis(
                clients=clients,
                look_at_database=lambda: report_on(storage.database),
                default_model=settings.default_model,
                fallback_models=settings.fallback_models,
                context_windows=settings.context_windows,
                has_secret_key=bool(settings.secret_key),
            ),
        )


def _opener(settings: Settings) -> Callable[..., InfermaticClient]:
    """What makes clients. Those of one key share its limits, whoever gave it."""
    per_minute, parallel = settings.requests_per_minute, settings.parallel_requests
    known: WeakValueDictionary[str, KeyLimits] = WeakValueDictionary()

    def open_client(key: str, *, counted: bool = bool(per_minute or parallel)) -> InfermaticClient:
        limits = known.setdefault(key, KeyLimits(per_minute, parallel)) if counted else None
        return InfermaticClient(key, settings.infermatic_base_url, limits=limits)

    return open_client


@app.command()
def run() -> None:
    """Connect to Discord and answer until stopped."""
    load_dotenv()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        _fail(*(f"settings: {problem}" for problem in error.problems))
    serve(settings)


def serve(settings: Settings) -> None:
    """Run the bot with these settings until it is stopped; what only a person can mend ends with exit code 78."""
    if not settings.discord_token:
        _fail("DISCORD_TOKEN is not set. Set the bot up with: make setup, or try it with: make demo")
    secrets = (settings.discord_token, *settings.infermatic_api_key, *settings.secret_key)
    set_up_logging(settings.log_level, settings.log_format, secrets)
    try:
        asyncio.run(_run(settings))
    except discord.PrivilegedIntentsRequired:
        _fail("Discord refuses the bot's intents (4014). Check Privileged Gateway Intents in the developer portal.")
    except discord.LoginFailure:
        _fail("Discord does not accept DISCORD_TOKEN. Copy it again from the developer portal.")
    except discord.ConnectionClosed as error:
        _fail(f"Discord closed the connection for good (code {error.code}). Check the token, intents and shards.")
    except StorageError as error:
        _fail(f"The database cannot be used: {error}")


@app.command()
def demo() -> None:
    """Start a local Discord, a local Infermatic and the bot, and print the page's address."""
    from playground.demo import run_demo

    raise SystemExit(asyncio.run(run_demo()))


async def _run(settings: Settings) -> None:
    try:
        await _serve(create_bot(settings), settings.discord_token)
    except discord.PrivilegedIntentsRequired:
        # The bot works without reading every message; it says in /help what is missing.
        await _serve(create_bot(settings, message_content=False), settings.discord_token)


async def _serve(bot: Any, token: str) -> None:
    """Run until the connection ends or a signal asks to stop; then drain and close."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    serving = asyncio.create_task(bot.start(token))
    stopping = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await bot.close()
        await serving


def _fail(*lines: str) -> NoReturn:
    for line in lines:
        print(line, file=sys.stderr)
    raise SystemExit(EX_CONFIG) from None


if __name__ == "__main__":
    app()
