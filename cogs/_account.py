"""The bot's account at Discord: whether a token is accepted, what the application may do, and how to invite it."""

import asyncio
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
import discord

# Everything that the bot does in a server, and nothing more. The README, the invitation and /doctor go by this.
ESSENTIAL_PERMISSIONS = discord.Permissions(
    view_channel=True, send_messages=True, send_messages_in_threads=True, read_message_history=True
)
PERMISSIONS = ESSENTIAL_PERMISSIONS | discord.Permissions(
    add_reactions=True, embed_links=True, attach_files=True, manage_webhooks=True, create_public_threads=True
)
SCOPES = ("bot", "applications.commands")
PORTAL = "https://discord.com/developers/applications"
LOGIN_SECONDS = 15.0  # discord.py tries a failing service five times, which takes longer than anyone waits


class DiscordUnreachableError(Exception):
    """Discord did not answer, or answered with a failure of its own; `status` is 0 without an answer."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(str(status))
        self.status = status


class TokenRefusedError(Exception):
    """Discord does not know this token."""


@dataclass(frozen=True, slots=True)
class Account:
    """What Discord says of the account that a token belongs to."""

    id: int
    name: str
    application_id: int
    owner_id: int
    message_content: bool
    guilds: int
    clock_ahead_seconds: float | None = None  # ours against Discord's, as far as it said the time

    @property
    def invitation(self) -> str:
        """The address where someone adds the bot to a server."""
        return invitation(self.application_id)

    @property
    def intents_page(self) -> str:
        """Where its owner switches intents on."""
        return f"{PORTAL}/{self.application_id}/bot"


def invitation(application_id: int) -> str:
    """The address where someone adds the bot to a server, with exactly the permissions it needs."""
    return discord.utils.oauth_url(application_id, permissions=PERMISSIONS, scopes=SCOPES)


def has_message_content(flags: discord.ApplicationFlags) -> bool:
    """Whether the owner switched the Message Content intent on; small bots have the limited flag."""
    return flags.gateway_message_content or flags.gateway_message_content_limited


async def ask_discord(token: str) -> Account:
    """Ask whose token this is. Raises `TokenRefusedError` and `DiscordUnreachableError`."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise TokenRefusedError
    answers = _Answers()
    try:
        async with (
            asyncio.timeout(LOGIN_SECONDS),
            discord.Client(intents=discord.Intents(guilds=True), http_trace=answers.trace()) as client,
        ):
            await client.login(token)
            return _account(client, answers.clock_ahead_seconds)
    except discord.LoginFailure:
        raise TokenRefusedError from None
    except discord.HTTPException as error:
        raise DiscordUnreachableError(error.status) from error
    except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        raise DiscordUnreachableError(answers.status) from error


def _account(client: discord.Client, clock_ahead_seconds: float | None) -> Account:
    user, application = client.user, client.application
    assert user is not None
    assert application is not None
    owner_id = application.owner.id
    if application.team is not None and application.team.owner_id is not None:
        owner_id = application.team.owner_id  # the owner of a team's application is no person
    return Account(
        id=user.id,
        name=user.name,
        application_id=application.id,
        owner_id=owner_id,
        message_content=has_message_content(application.flags),
        guilds=application.approximate_guild_count,
        clock_ahead_seconds=clock_ahead_seconds,
    )


class _Answers:
    """The status and the time of Discord's newest answer, which discord.py keeps to itself."""

    def __init__(self) -> None:
        self.status = 0
        self.clock_ahead_seconds: float | None = None

    def trace(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._read)
        return trace

    async def _read(self, _session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
        self.status = params.response.status
        try:
            theirs = parsedate_to_datetime(params.response.headers.get("Date", ""))
        except ValueError:
            return
        self.clock_ahead_seconds = time.time() - theirs.timestamp()
