"""Who waits for an answer: `/queue show` and `clear`."""

import time
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from chat.answers import Answer
from chat.errors import LineClearedError
from cogs._bot import Bot, tell
from cogs._guard import whole_server
from cogs._lists import listed

MOST_SHOWN: Final = 15
MOST_NAMED: Final = 10  # of those who ask together
NOBODY_WAITS: Final = "Nobody waits for an answer here."


@app_commands.guild_only()
@app_commands.default_permissions(manage_messages=True)
class QueueCommands(commands.GroupCog, group_name="queue", group_description="Who waits for an answer on this server"):
    """The line of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @app_commands.command(description="Who waits, where, and for how long")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """List those who wait, the next first."""
        guild_id = await whole_server(interaction, "queue show")
        waiting = [answer for answer in self._waiting(guild_id, None) if not answer.unasked]
        waiting.sort(key=_expected_seconds)
        await tell(interaction, listed(map(_line, waiting), most=MOST_SHOWN) or NOBODY_WAITS)

    @app_commands.command(description="Send away those who wait; replies that are being written go on")
    @app_commands.describe(user="Only this person's questions")
    async def clear(self, interaction: discord.Interaction[Bot], user: discord.User | None = None) -> None:
        """End waiting answers in words, with a button to ask again."""
        guild_id = await whole_server(interaction, "queue clear")
        waiting = self._waiting(guild_id, None if user is None else user.id)
        cleared = [answer for answer in waiting if await self._send_away(answer, user)]
        whose = f"guild:{guild_id}" if user is None else f"user:{user.id}"
        await self.bot.services.audit.record(
            guild_id, interaction.user.id, "queue clear", whose, f"{len(cleared)} waiting", None
        )
        count = "One question" if len(cleared) == 1 else f"{len(cleared)} questions"
        await tell(interaction, f"{count} sent away. Who asked can ask again." if cleared else NOBODY_WAITS)

    async def _send_away(self, answer: Answer, user: discord.User | None) -> bool:
        """End an answer, or take one person's question out of it; False if it waits no longer."""
        if user is not None:
            return await self.bot.services.conversations.send_away(answer, user.id, LineClearedError())
        answer.stop(LineClearedError())
        return True

    def _waiting(self, guild_id: int, user_id: int | None) -> list[Answer]:
        """What waits on a server; direct messages are nobody else's affair."""

        def is_meant(answer: Answer) -> bool:
            return answer.waits and answer.key.guild_id == guild_id and user_id in {None, *answer.participants}

        return self.bot.services.conversations.answers_where(is_meant)


def _expected_seconds(answer: Answer) -> float:
    return answer.line().expected_seconds if answer.line is not None else 0.0


def _line(answer: Answer) -> str:
    waited = round(time.monotonic() - answer.asked_at)
    expected = round(_expected_seconds(answer))
    last = " · past a limit, so after all others" if answer.is_past_limit else ""
    people = [f"<@{user_id}>" for user_id in answer.participants]
    others = [f"{len(people) - MOST_NAMED} more"] if len(people) > MOST_NAMED else []
    who = ", ".join([*people[:MOST_NAMED], *others])
    return f"- {who} in <#{answer.key.channel_id}>: {waited} s so far, about {expected} s more{last}"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(QueueCommands(bot))
