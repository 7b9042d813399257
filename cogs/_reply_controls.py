"""The buttons under the newest reply: earlier and later swipe, another one, more of it, edit and delete."""

from typing import Any

import discord

from cogs._bot import Bot
from cogs._controls import Control, Item, RetryControl
from storage import ShownReply

EDIT_FORM = "edit"


class EarlierControl(Control, template=r"earlier:(?P<number>\d{1,20})"):
    """Shows the swipe before this one."""

    prefix, action, emoji = "earlier", "swipe own", "◀️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.turn(interaction, self.number, -1)


class LaterControl(Control, template=r"later:(?P<number>\d{1,20})"):
    """Shows the swipe behind this one."""

    prefix, action, emoji = "later", "swipe own", "▶️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.turn(interaction, self.number, 1)


class RegenerateControl(Control, template=r"another:(?P<number>\d{1,20})"):
    """Asks for another answer to the same question."""

    prefix, action, emoji = "another", "regenerate own", "🔄"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.regenerate(interaction, self.number)


class ContinueControl(Control, template=r"more:(?P<number>\d{1,20})"):
    """Lets the model go on where the reply ends."""

    prefix, action, emoji = "more", "continue own", "⏩"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.lengthen(interaction, self.number)


class EditControl(Control, template=r"edit:(?P<number>\d{1,20})"):
    """Opens the reply's words for editing, one part at a time."""

    prefix, action, emoji = EDIT_FORM, "edit own", "✏️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.open_editor(interaction, self.number)


class DeleteControl(Control, template=r"delete:(?P<number>\d{1,20})"):
    """Deletes the swipe that is shown."""

    prefix, action, emoji = "delete", "delete own", "🗑️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.delete(interaction, self.number)


class PartControl(Control, template=r"part:(?P<number>\d{1,22})"):
    """Chooses which part of a long reply to edit; the last two digits of its number are the part's."""

    prefix, action, label = "part", "edit own", "Part"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        reply_id, part = divmod(self.number, 100)
        await interaction.client.replies.open_editor(interaction, reply_id, part)


def reply_controls(reply_id: int, position: int, count: int, *, failed: bool = False) -> list[Item]:
    """The buttons under a reply that is the newest; those for swipes only where there are any."""
    swipes: list[Item] = []
    if count > 1:
        counter: discord.ui.Button[Any] = discord.ui.Button(
            label=f"{position}/{count}", custom_id=f"swipes:{reply_id}", disabled=True
        )
        swipes = [
            EarlierControl(reply_id, disabled=position <= 1),
            counter,
            LaterControl(reply_id, disabled=position >= count),
        ]
    return [
        *swipes,
        RetryControl(reply_id) if failed else RegenerateControl(reply_id),
        ContinueControl(reply_id),
        EditControl(reply_id),
        DeleteControl(reply_id),
    ]


def controls_of(shown: ShownReply, *, failed: bool = False) -> list[Item]:
    """The buttons under a reply as it stands in the history; none when the conversation went on from it."""
    if not shown.newest:
        return []
    if not shown.reply.content.strip():
        failed = failed or shown.reply.state in {"failed", "interrupted"}
        return [RetryControl(shown.reply.id)] if failed else []
    return reply_controls(shown.reply.id, shown.position, len(shown.swipes), failed=failed)


def part_controls(reply_id: int, parts: int) -> list[Item]:
    """A button for each part of a long reply."""
    controls: list[Item] = []
    for part in range(min(parts, 25)):
        control = PartControl(reply_id * 100 + part)
        control.item.label = f"Part {part + 1}"
        controls.append(control)
    return controls


REPLY_CONTROLS: tuple[type[Control], ...] = (
    EarlierControl,
    LaterControl,
    RegenerateControl,
    ContinueControl,
    EditControl,
    DeleteControl,
    PartControl,
)
