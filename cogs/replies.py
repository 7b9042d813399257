"""The newest reply: `/regenerate`, `/continue`, the form for editing, and the right-click menu of messages."""

import discord
from discord import app_commands
from discord.ext import commands

from chat.errors import NothingThereError, StaleControlError
from cogs._bot import Bot, tell
from cogs._editing import Edited
from cogs._errors import explain
from cogs._places import conversation_of
from cogs._reply_controls import REPLY_CONTROLS
from storage import ReplyMovedOnError

LONGEST_RETURNED = 1800  # characters of somebody's words that fit below the reason why they were not taken


class ReplyCommands(commands.Cog):
    """Another answer, or more of it."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._menus = [
            app_commands.ContextMenu(name="Regenerate", callback=self.regenerate_message),
            app_commands.ContextMenu(name="Continue from here", callback=self.continue_message),
            app_commands.ContextMenu(name="Forget", callback=self.forget_message),
        ]

    async def cog_load(self) -> None:
        """Put the entries into the menu of messages."""
        for menu in self._menus:
            self.bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Take them out again."""
        for menu in self._menus:
            self.bot.tree.remove_command(menu.name, type=menu.type)

    @app_commands.command(description="Another answer to the last question; swipe between them below it")
    async def regenerate(self, interaction: discord.Interaction[Bot]) -> None:
        """Add a swipe to the newest reply."""
        await self.bot.replies.regenerate(interaction, await self._newest(interaction, "regenerate"))

    @app_commands.command(name="continue", description="Let the last reply go on where it ends")
    async def go_on(self, interaction: discord.Interaction[Bot]) -> None:
        """Make the newest reply longer."""
        await self.bot.replies.lengthen(interaction, await self._newest(interaction, "continue"))

    async def regenerate_message(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Regenerate the reply that was clicked on."""
        await self.bot.replies.regenerate_from(interaction, message)

    async def continue_message(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Go on from the message that was clicked on."""
        await self.bot.replies.continue_from(interaction, message)

    async def forget_message(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Forget the message that was clicked on."""
        await self.bot.replies.forget(interaction, message)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Bot]) -> None:
        """A form comes back. discord.py knows those only that this process has opened, so it is read here."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        form = Edited.read(interaction)
        if form is None:
            return
        try:
            await self.bot.services.guard.check("edit own", interaction.user, interaction.guild_id, interaction.channel)
            await self.bot.replies.edited(interaction, form.reply_id, form.part, form.digest, form.words)
            self.bot.dispatch("deed", interaction)
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would only log it
            text = explain(error).text
            if isinstance(error, StaleControlError | ReplyMovedOnError):
                text += f" Your words:\n>>> {form.words[:LONGEST_RETURNED]}"
            await tell(interaction, text)

    async def _newest(self, interaction: discord.Interaction[Bot], action: str) -> int:
        newest = await self.bot.services.turns.newest(await conversation_of(interaction))
        if newest is None:
            raise NothingThereError(action)
        return newest.reply.id


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(*REPLY_CONTROLS)
    await bot.add_cog(ReplyCommands(bot))
