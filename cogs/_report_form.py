"""The form in which a message is reported; it keeps nothing in memory."""

import re
from typing import Any, Final

import discord

REASON: Final = "reason"
LONGEST_REASON: Final = 200
SENT: Final = "-# The moderators of this server get this message, what was asked, and your name."
SENT_PRIVATELY: Final = (
    "-# Only you see this message. If you report it, the moderators of this server get it, with what you asked, what "
    "was said before, and your name."
)
_CUSTOM_ID = re.compile(r"report:(?P<discord>\d{1,20})")


class ReportForm(discord.ui.Modal):
    """Why a message is reported, for those who want to say."""

    def __init__(self, discord_id: int, *, private: bool) -> None:
        super().__init__(title="Report to the moderators", custom_id=f"report:{discord_id}", timeout=None)
        reason: discord.ui.TextInput[Any] = discord.ui.TextInput(
            style=discord.TextStyle.paragraph, custom_id=REASON, required=False, max_length=LONGEST_REASON
        )
        self.add_item(discord.ui.TextDisplay(SENT_PRIVATELY if private else SENT))
        self.add_item(discord.ui.Label(text="What is wrong with it?", component=reason))
        self.stop()  # else discord.py keeps it, and answers it itself


def reported_in(interaction: discord.Interaction[Any]) -> int | None:
    """The message that a form which came back is about, if it is this form."""
    data: Any = interaction.data or {}
    match = _CUSTOM_ID.fullmatch(str(data.get("custom_id", "")))
    return int(match["discord"]) if match is not None else None
