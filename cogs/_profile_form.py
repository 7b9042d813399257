"""The form in which people write who they are in chats; it keeps nothing in memory."""

from typing import Any, Final

import discord

from chat.profiles import LONGEST_NAME, LONGEST_PROFILE, Profile

FORM_ID: Final = "profile"
NAME, DESCRIPTION = "name", "description"


class ProfileForm(discord.ui.Modal):
    """A profile to be written or changed."""

    def __init__(self, profile: Profile | None, shown_name: str) -> None:
        super().__init__(title="Who you are in chats", custom_id=FORM_ID, timeout=None)
        profile = profile or Profile("")
        name: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id=NAME,
            default=profile.name or None,
            placeholder=shown_name[:100],
            required=False,
            max_length=LONGEST_NAME,
        )
        description: discord.ui.TextInput[Any] = discord.ui.TextInput(
            style=discord.TextStyle.paragraph,
            custom_id=DESCRIPTION,
            default=profile.description or None,
            required=False,
            max_length=LONGEST_PROFILE,
        )
        self.add_item(discord.ui.Label(text="Name", component=name))
        self.add_item(discord.ui.Label(text="What characters know about you", component=description))
        self.stop()  # else discord.py keeps it, and answers it itself
