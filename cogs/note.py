"""The author's note of a channel, thread or scene: `/note set`, `show` and `clear`."""

import discord
from discord import app_commands
from discord.ext import commands

from chat.notes import LONGEST_NOTE, MOST_DEPTH, Note, Notes, Role
from cogs._bot import Bot, tell
from cogs._filtering import givable
from cogs._places import SOURCE_WORDS, place_of, source_words

USUAL_DEPTH = 4  # SillyTavern's
COLOUR = 0x5865F2
ROLE_WORDS: dict[str, str] = {
    "system": "as an instruction",
    "user": "as said by a person",
    "assistant": "as said by me",
}


class NoteCommands(
    commands.GroupCog, group_name="note", group_description="Words for the model that stand near the end of each prompt"
):
    """The notes of channels and threads."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._notes = Notes(bot.services.storage.settings, bot.services.context)

    @app_commands.command(name="set", description="Give the model a note, for this channel or thread")
    @app_commands.describe(
        text="What the model is to keep in mind",
        depth=f"How many messages before the end it stands; else {USUAL_DEPTH}",
        role="Whose words they are for the model",
    )
    @app_commands.choices(
        role=[app_commands.Choice(name=f"{role}: {words}", value=role) for role, words in ROLE_WORDS.items()]
    )
    async def set_note(
        self,
        interaction: discord.Interaction[Bot],
        text: app_commands.Range[str, 1, LONGEST_NOTE],
        depth: app_commands.Range[int, 0, MOST_DEPTH] = USUAL_DEPTH,
        role: Role = "system",
    ) -> None:
        """Keep it, and tell everyone that there is one; its words may be meant for the model alone."""
        place = place_of(interaction)
        note = await self._notes.set(place, await givable(interaction, text), depth, role, interaction.user.id)
        await interaction.response.send_message(
            f"There is a note in {SOURCE_WORDS[place.here.kind]} from now on, {_where(note)}. `/note show` shows it."
        )

    @app_commands.command(description="The note that holds here, and where it was set")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """Show it to the person alone."""
        held = await self._notes.holding(place_of(interaction))
        if held is None:
            await tell(interaction, "There is no note here. `/note set` gives the model one.")
            return
        embed = discord.Embed(description=held.note.text, colour=COLOUR)
        embed.set_footer(text=f"{_where(held.note)} · set by {source_words(held.source, interaction)}".capitalize())
        await interaction.response.send_message(embed=embed, ephemeral=True)

    @app_commands.command(description="Take the note of this channel or thread away")
    async def clear(self, interaction: discord.Interaction[Bot]) -> None:
        """Forget it, and tell everyone what holds now."""
        place = place_of(interaction)
        left = await self._notes.clear(place, interaction.user.id)
        now = f" That of {source_words(left.source, interaction)} holds again." if left is not None else ""
        await interaction.response.send_message(f"The note of {SOURCE_WORDS[place.here.kind]} is gone.{now}")


def _where(note: Note) -> str:
    before = f"{note.depth:,} messages before the end" if note.depth != 1 else "one message before the end"
    return f"{before if note.depth else 'at the very end'} of each prompt, {ROLE_WORDS[note.role]}"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(NoteCommands(bot))
