"""The form in which API keys are entered: what stands in a command's options is kept by Discord's clients."""

from typing import Any, Final

import discord

FORM_ID: Final = "apikey"
KEY: Final = "key"
LONGEST_KEY: Final = 200

MEANING: Final = {
    "set": (
        "**What this means.** I try the key at the service and keep it sealed. It answers on this server alone, in "
        "place of the keys of whoever runs me. Nobody is shown it again, but whoever runs me could open it. "
        "`/apikey remove` takes it away at any time."
    ),
    "lend": (
        "**What this means.** I try your key at the service and keep it sealed. It answers on this server alone, for "
        "everyone here, and counts against your plan. Your own questions go first on it. Nobody is shown it again, but "
        "whoever runs me could open it, so lend it only if you trust them. `/apikey remove` takes it back at any time."
    ),
}
TITLES: Final = {"set": "This server's own API key", "lend": "Lend your API key to this server"}


class KeyForm(discord.ui.Modal):
    """A key to be entered; what it means stands above it."""

    def __init__(self, verb: str) -> None:
        super().__init__(title=TITLES[verb], custom_id=f"{FORM_ID}:{verb}", timeout=None)
        key: discord.ui.TextInput[Any] = discord.ui.TextInput(custom_id=KEY, placeholder="sk-…", max_length=LONGEST_KEY)
        self.add_item(discord.ui.TextDisplay(MEANING[verb]))
        self.add_item(discord.ui.Label(text="API key", component=key))
        self.stop()  # else discord.py keeps it, and answers it itself
