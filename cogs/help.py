"""`/help`: what one may use here, short."""

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs._bot import Bot, entry_action, tell

LONGEST_MESSAGE = 2000


class Help(commands.Cog):
    """Help for the person who asks."""

    @app_commands.command(description="How to talk with me, and what you may use here")
    async def help(self, interaction: discord.Interaction[Bot]) -> None:
        """List the commands that the guard would allow."""
        bot = interaction.client
        lines = [
            f"Mention {bot.user.mention if bot.user else 'me'}, reply to me with the ping on, or use `/chat`.",
            "A reply to an older message of mine starts a side branch from there.",
            "Under my newest reply: ◀️ ▶️ other answers, 🔄 one more, ⏩ go on, ✏️ edit, 🗑️ delete.",
            "Right-click a message, under Apps: Regenerate, Continue from here, Forget, Report.",
            "",
        ]
        for command in sorted(bot.tree.get_commands(), key=lambda command: command.name):
            if isinstance(command, app_commands.Group):
                inside = [part.name for part in command.commands if await _allowed(interaction, part)]
                if inside:
                    lines.append(f"`/{command.name} {' | '.join(sorted(inside))}` {command.description}")
            elif isinstance(command, app_commands.Command) and await _allowed(interaction, command):
                lines.append(f"`/{command.name}` {command.description}")
        if not bot.intents.message_content:
            lines += ["", "-# I lack the Message Content intent: I read only messages that mention me, and DMs."]
        for text in in_messages(lines):
            await tell(interaction, text)


def in_messages(lines: Sequence[str], limit: int = LONGEST_MESSAGE) -> list[str]:
    """The lines as texts of which each fits into a message."""
    texts = [""]
    for line in lines:
        if len(texts[-1]) + len(line) + 1 > limit:
            texts.append("")
        texts[-1] += f"{line[: limit - 1]}\n"
    return [text.strip("\n") for text in texts]


async def _allowed(interaction: discord.Interaction[Bot], command: Any) -> bool:
    action = entry_action(command.qualified_name)
    return await interaction.client.services.guard.allows(
        action, interaction.user, interaction.guild_id, interaction.channel
    )


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Help())
