"""The record of changes page by page: what a message holds of it, and the button to what came before."""

from datetime import UTC, datetime
from typing import Any

import discord

from cogs._audit_words import entry_line
from cogs._bot import Bot
from cogs._controls import Control, view_of
from cogs._guard import whole_server
from storage import AuditEntry, AuditFilter

SHOWN_ENTRIES = 8  # of the longest lines, as many as one message holds
LONGEST_MESSAGE = 2000
LONGEST_ACTION = 32  # what the id of a button has room for
NOTHING = "Nothing of that kind was recorded. Changes are kept for a year."


class EarlierEntriesControl(
    Control, template=r"audit:(?P<number>\d{1,20})(?::(?P<who>\d{0,20}):(?P<since>\d{0,12}):(?P<action>.{0,32}))?"
):
    """Goes on to what was recorded before."""

    prefix, action, label, emoji = "audit", "audit show", "Earlier", "◀️"

    def __init__(self, number: int, wanted: AuditFilter | None = None, *, disabled: bool = False) -> None:
        super().__init__(number, disabled=disabled)
        self.wanted = wanted or AuditFilter()
        if self.wanted != AuditFilter():
            since = int(self.wanted.since.timestamp()) if self.wanted.since else ""
            self.custom_id = f"audit:{number}:{self.wanted.actor_id or ''}:{since}:{self.wanted.action or ''}"

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: Any, /
    ) -> "EarlierEntriesControl":
        """Rebuild the button with its filter."""
        del interaction, item
        since = datetime.fromtimestamp(int(match["since"]), UTC) if match["since"] else None
        who = int(match["who"]) if match["who"] else None
        return cls(int(match["number"]), AuditFilter(who, match["action"] or None, since))

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        guild_id = await whole_server(interaction, self.action)
        text, earlier = await entries_page(interaction, guild_id, self.wanted, self.number)
        await interaction.response.edit_message(content=text, view=view_of(earlier) if earlier else None)


async def entries_page(
    interaction: discord.Interaction[Bot], guild_id: int, wanted: AuditFilter, before_id: int | None
) -> tuple[str, EarlierEntriesControl | None]:
    """The entries that a message holds, and the button that goes on behind them."""
    found = await interaction.client.services.audit.page(guild_id, wanted, before_id=before_id, limit=SHOWN_ENTRIES + 1)
    shown = _fitting(found[:SHOWN_ENTRIES])
    text = "\n".join(entry_line(entry) for entry in shown) or NOTHING
    return text, EarlierEntriesControl(shown[-1].id, wanted) if len(shown) < len(found) else None


def _fitting(entries: list[AuditEntry]) -> list[AuditEntry]:
    length, fitting = 0, []
    for entry in entries:
        length += len(entry_line(entry)) + 1
        if length > LONGEST_MESSAGE:
            break
        fitting.append(entry)
    return fitting
