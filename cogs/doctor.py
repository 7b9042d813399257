"""`/doctor`: what is well and what is not, from this channel down to the database, each with its mend."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from chat.diagnosis import Finding, Mark, clock_finding
from chat.key_findings import key_findings
from cogs._account import ESSENTIAL_PERMISSIONS, PERMISSIONS, PORTAL, Account
from cogs._bot import Bot, tell
from cogs._log_posts import channel_of
from cogs._webhooks import Trouble
from moderation.server_setup import LOG_CHANNEL
from storage import Scope

MARKS = {Mark.GOOD: "✅", Mark.WARNING: "⚠️", Mark.WRONG: "❌"}
MOST_CHANNELS = 4
MOST_CHARACTERS = 1_900  # of the 2,000 that a message holds
INTENT_MEND = "Switch Message Content Intent on under Bot > Privileged Gateway Intents, and restart me"
MEND_CHANNEL = "Allow it in the channel's settings, for me or for my role."
LOG_SUBJECT = "Moderators' channel"
TROUBLE_WORDS: dict[Trouble, tuple[str, str]] = {
    "full": (
        "as the bot's, under a bold name: others have all 15 webhooks that this channel may have.",
        "Delete some in the channel's settings, under Integrations.",
    ),
    "refused": (
        "as the bot's, under a bold name: Discord lets me make no webhook here just now.",
        "I try it again within five minutes.",
    ),
    "unfit": (
        "one of them as the bot's, under a bold name: Discord takes its name or picture for no webhook.",
        "Change them with `/persona edit`.",
    ),
}
FOR_LOG = discord.Permissions(view_channel=True, send_messages=True, attach_files=True)
FOR_CHANNELS = PERMISSIONS & ~discord.Permissions(send_messages_in_threads=True)
FOR_THREADS = PERMISSIONS & ~discord.Permissions(send_messages=True)


class Doctor(commands.Cog):
    """The report for whoever looks after the bot in a server."""

    @app_commands.command(description="What is well with me here, what is not, and how to mend it")
    @app_commands.default_permissions(manage_guild=True)
    async def doctor(self, interaction: discord.Interaction[Bot]) -> None:
        """Look at everything and answer privately."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        bot = interaction.client
        ahead = (datetime.now(UTC) - interaction.created_at).total_seconds()
        findings = [intent_finding(bot.intents.message_content, bot.application_id)]
        if interaction.guild is not None:
            findings.append(here_finding(interaction.channel, interaction.app_permissions))
            company = await bot.talking.casting.company(interaction.guild_id, interaction.channel)
            if (trouble := bot.voices.trouble(interaction.channel, company.personas)) is not None:
                findings.append(Finding("Voices of characters", Mark.WARNING, *TROUBLE_WORDS[trouble]))
            findings += server_findings(interaction.guild, interaction.channel_id)
            findings.append(await moderators_finding(bot, interaction.guild))
            findings += await key_findings(bot.services.keyring, interaction.guild.id)
        findings += [*await bot.services.diagnosis.findings(), clock_finding(ahead)]
        await tell(interaction, report_text(findings))


def account_findings(account: Account) -> list[Finding]:
    """What Discord says of the bot's account."""
    servers = {0: "no server yet", 1: "one server"}.get(account.guilds, f"about {account.guilds:,} servers")
    mend = f"Invite it: {account.invitation}" if not account.guilds else ""
    return [
        Finding("Token", Mark.GOOD, f"accepted; the bot is {account.name} and in {servers}.", mend),
        intent_finding(account.message_content, account.application_id),
    ]


def intent_finding(has_message_content: bool, application_id: int | None) -> Finding:
    """Whether the bot reads messages that do not mention it."""
    if has_message_content:
        return Finding("Message Content intent", Mark.GOOD, "on.")
    words = "off: only messages that mention the bot, and direct messages, can be read."
    return Finding("Message Content intent", Mark.WARNING, words, f"{INTENT_MEND}: {PORTAL}/{application_id}/bot")


def here_finding(channel: object, permissions: discord.Permissions) -> Finding:
    """What the bot may do where it is asked."""
    missing = _missing(permissions, FOR_THREADS if isinstance(channel, discord.Thread) else FOR_CHANNELS)
    if not missing:
        return Finding("This channel", Mark.GOOD, "I have every permission that I need.")
    return Finding("This channel", _mark(missing), f"I lack {_words(missing)}.", MEND_CHANNEL)


def server_findings(guild: discord.Guild, here: int | None) -> list[Finding]:
    """The other channels where something is missing; those that are hidden from the bot are meant to be."""
    lacking: list[tuple[discord.TextChannel | discord.ForumChannel, list[str]]] = []
    hidden = 0
    channels: list[discord.TextChannel | discord.ForumChannel] = [*guild.text_channels, *guild.forums]
    for channel in channels:
        permissions = channel.permissions_for(guild.me)
        missing = _missing(permissions, PERMISSIONS)
        if not permissions.view_channel:
            hidden += channel.id != here
        elif missing and channel.id != here:
            lacking.append((channel, missing))
    found = [
        Finding(channel.mention, _mark(missing), f"I lack {_words(missing)}.")
        for channel, missing in lacking[:MOST_CHANNELS]
    ]
    if len(lacking) > MOST_CHANNELS:
        words = f"{len(lacking) - MOST_CHANNELS} more where I lack something."
        found.append(Finding("Other channels", Mark.WARNING, words, "Allow it in the settings of my role."))
    if hidden:
        found.append(Finding("Hidden channels", Mark.GOOD, f"{hidden}; I cannot see them."))
    return found


async def moderators_finding(bot: Bot, guild: discord.Guild) -> Finding:
    """Whether moderators hear of what members report."""
    storage = bot.services.storage
    found = await storage.settings.resolve(guild.id, [Scope("guild", guild.id)], {LOG_CHANNEL: None})
    waiting = await storage.reports.count_waiting(guild.id)
    kept = f" {'A report waits' if waiting == 1 else f'{waiting} reports wait'} for one." if waiting else ""
    if found[LOG_CHANNEL].value is None:
        words = f"none is chosen.{kept or ' Reports of members would wait for one.'}"
        return Finding(LOG_SUBJECT, Mark.WARNING if waiting else Mark.GOOD, words, "Choose one with `/setup`.")
    channel: Any = channel_of(bot, guild.id, found[LOG_CHANNEL].value)
    if channel is None:
        return Finding(LOG_SUBJECT, Mark.WARNING, f"I cannot see it any more.{kept}", "Choose another with `/setup`.")
    missing = _missing(channel.permissions_for(guild.me), FOR_LOG)
    if missing:
        return Finding(LOG_SUBJECT, Mark.WARNING, f"I lack {_words(missing)} in {channel.mention}.", MEND_CHANNEL)
    return Finding(LOG_SUBJECT, Mark.GOOD, f"{channel.mention}.")


def report_text(findings: Sequence[Finding]) -> str:
    """The report as one message; when it does not fit, what is well is left out first."""
    kept, left_out = list(findings), 0
    while len(text := _message(kept, left_out)) > MOST_CHARACTERS:
        kept.remove(next((finding for finding in reversed(kept) if finding.mark is Mark.GOOD), kept[-1]))
        left_out += 1
    return text


def _message(findings: Iterable[Finding], left_out: int) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.mark]} **{finding.subject}**: {finding.text}")
        if finding.mend:
            lines.append(f"-# {finding.mend}")
    if left_out:
        lines.append(f"-# {left_out} more lines do not fit here.")
    return "\n".join(lines)


def _missing(permissions: discord.Permissions, needed: discord.Permissions) -> list[str]:
    return [name for name, is_needed in needed if is_needed and not getattr(permissions, name)]


def _mark(missing: Iterable[str]) -> Mark:
    return Mark.WRONG if any(getattr(ESSENTIAL_PERMISSIONS, name) for name in missing) else Mark.WARNING


def _words(missing: Iterable[str]) -> str:
    return ", ".join(permission_words(name) for name in missing)


def permission_words(name: str) -> str:
    """A permission as Discord's settings call it."""
    special = {"read_messages": "View Channel", "view_channel": "View Channel"}
    return special.get(name, name.replace("_", " ").title().replace(" In ", " in "))


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Doctor())
