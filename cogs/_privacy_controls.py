"""The button that deletes what is kept about whoever presses it."""

from typing import Literal

import discord

from chat.errors import StaleControlError
from cogs import _privacy_words as words
from cogs._bot import Bot
from cogs._controls import Control
from storage import EVERYWHERE

Place = Literal["here", "everywhere"]


class ErasureControl(Control, template=r"privacy-delete:(?P<number>\d{1,20})"):
    """The number tells where, and what of it; whose it is says the press."""

    prefix, action, label = "privacy-delete", "privacy delete", "Delete for good"
    style = discord.ButtonStyle.danger

    @classmethod
    def of(cls, place: Place, *, answers: bool, in_discord: bool) -> "ErasureControl":
        """The button for these choices."""
        return cls((place == "everywhere") + 2 * answers + 4 * in_discord)

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        if self.number > 7:
            raise StaleControlError
        where = EVERYWHERE if self.number & 1 else interaction.guild_id
        await interaction.response.edit_message(content=words.DELETING, view=None)
        await interaction.client.erasures.begin(
            interaction, where, answers=bool(self.number & 2), in_discord=bool(self.number & 4)
        )


PRIVACY_CONTROLS: tuple[type[Control], ...] = (ErasureControl,)
