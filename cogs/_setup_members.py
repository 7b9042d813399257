"""The panel's third page: whose characters may come in, and how long messages are kept."""

from typing import Final

import discord

from chat.errors import StaleControlError
from chat.persona_rights import IMPORTS, MOST_OWN, OWN_MOST
from cogs._bot import Bot
from cogs._setup_panel import DRAWERS, AnyItem, PanelMenu, Sight, row, text

IMPORT_WORDS: Final = {"members": "Everybody may take in characters of their own", "moderators": "Only moderators may"}
KEEP: Final = "off"
RETENTION_DAYS: Final = (7, 30, 90, 365)


class ImportsMenu(PanelMenu, template=r"setup-imports"):
    """Who may take characters in."""

    prefix, page = "setup-imports", 3

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        [wanted] = self.chosen(interaction)
        if wanted not in IMPORT_WORDS:
            raise StaleControlError
        await sight.put(IMPORTS, wanted, interaction.user.id)


class OwnMenu(PanelMenu, template=r"setup-own"):
    """How many characters of their own each member may have."""

    prefix, page = "setup-own", 3

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        [wanted] = self.chosen(interaction)
        if wanted not in map(str, range(MOST_OWN + 1)):
            raise StaleControlError
        await sight.put(OWN_MOST, int(wanted), interaction.user.id)


class RetentionMenu(PanelMenu, template=r"setup-retention"):
    """How long messages are kept."""

    prefix, page = "setup-retention", 3

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        [wanted] = self.chosen(interaction)
        await sight.set_typed({"retention": wanted}, interaction)


async def draw(sight: Sight) -> list[list[AnyItem]]:
    """The sections of the page."""
    return [_personas(sight), _retention(sight)]


DRAWERS[3] = draw


def _personas(sight: Sight) -> list[AnyItem]:
    imports, most = sight.value(IMPORTS, "members"), sight.value(OWN_MOST, MOST_OWN)
    who_may = IMPORT_WORDS[imports if most else "moderators"]
    lines = [f"{who_may}, up to {most} each." if imports == "members" and most else f"{who_may} take characters in."]
    lines += [sight.who(IMPORTS, OWN_MOST), "-# Characters that are there already stay. Moderators' are the server's."]
    imports_menu = ImportsMenu(
        discord.ui.Select(
            placeholder="Who may take characters in",
            options=[
                discord.SelectOption(label=words, value=value, default=value == imports)
                for value, words in IMPORT_WORDS.items()
            ],
        )
    )
    own_menu = OwnMenu(
        discord.ui.Select(
            placeholder="How many each",
            options=[
                discord.SelectOption(
                    label=f"{count} each" if count else "None", value=str(count), default=count == most
                )
                for count in range(MOST_OWN + 1)
            ],
        )
    )
    return [text("Characters of members", *lines), row(imports_menu), row(own_menu)]


def _retention(sight: Sight) -> list[AnyItem]:
    days = sight.value("retention_days", None)
    offered = sorted({*RETENTION_DAYS, *([days] if days is not None else [])})
    options = [discord.SelectOption(label="Keep them", value=KEEP, default=days is None)]
    options += [discord.SelectOption(label=_days(count), value=str(count), default=count == days) for count in offered]
    lines = [
        "I keep messages until somebody deletes them." if days is None else f"I forget messages after {_days(days)}.",
        sight.who("retention_days"),
        "-# Channels and threads may keep them longer or shorter: `/channel set`.",
    ]
    menu = RetentionMenu(discord.ui.Select(placeholder="How long messages are kept", options=options))
    return [text("Retention", *lines), row(menu)]


def _days(count: int) -> str:
    return f"{count:,} {'day' if count == 1 else 'days'}"


CONTROLS = (ImportsMenu, OwnMenu, RetentionMenu)
