"""The buttons under a report: delete everywhere, block for a time, dismiss. They are for moderators of the server."""

import discord

from cogs._bot import Bot
from cogs._controls import Control, Item
from cogs._guard import whole_server
from moderation.reports import BLOCK_TIMES
from storage import Report


class ReportControl(Control, template=r"(?!)"):
    """What moderators may do wherever the report is shown; rights in that channel alone are not enough."""

    action = "report handle"

    async def allow(self, interaction: discord.Interaction[Bot]) -> None:
        await whole_server(interaction, self.action)


class DeleteReportedControl(ReportControl, template=r"report-delete:(?P<number>\d{1,20})"):
    """Deletes what was reported from Discord and from the history, with all its swipes."""

    prefix, label, emoji, style = "report-delete", "Delete everywhere", "🗑️", discord.ButtonStyle.danger

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.reporting.delete(interaction, self.number)


class BlockRequesterControl(ReportControl, template=r"report-block:(?P<number>\d{1,20})"):
    """Asks for how long whoever asked for it is to be blocked."""

    prefix, label, emoji = "report-block", "Block", "⛔"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.reporting.ask_how_long(interaction, self.number)


class BlockForControl(ReportControl, template=r"report-block-for:(?P<number>\d{1,21})"):
    """Blocks whoever asked; the last digit of its number says for how long."""

    prefix, label = "report-block-for", "Block"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        report_id, choice = divmod(self.number, 10)
        await interaction.client.reporting.block(interaction, report_id, choice)


class DismissControl(ReportControl, template=r"report-dismiss:(?P<number>\d{1,20})"):
    """Closes the report without doing anything."""

    prefix, label, emoji = "report-dismiss", "Dismiss", "✅"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.reporting.dismiss(interaction, self.number)


def report_controls(report: Report) -> list[Item]:
    """What can still be done about a report."""
    controls: list[Item] = []
    if report.can_be("deleted"):
        controls.append(DeleteReportedControl(report.id))
    if report.can_be("blocked") and report.about.requester_id is not None:
        controls.append(BlockRequesterControl(report.id))
    if report.can_be("dismissed"):
        controls.append(DismissControl(report.id))
    return controls


def time_controls(report_id: int) -> list[Item]:
    """A button for each time for which somebody can be blocked."""
    controls: list[Item] = []
    for choice, label in enumerate(BLOCK_TIMES):
        control = BlockForControl(report_id * 10 + choice)
        control.item.label = label
        controls.append(control)
    return controls


REPORT_CONTROLS: tuple[type[Control], ...] = (
    DeleteReportedControl,
    BlockRequesterControl,
    BlockForControl,
    DismissControl,
)
