"""Buttons and menus that work after restarts: what they act on stands in their custom id.

discord.py swallows errors of dynamic items, so their base class asks the guard and puts every error into words.
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self, TypeVar

import discord
from discord.ui.select import BaseSelect

from chat.branches import short_id
from chat.errors import StaleControlError
from cogs._bot import Bot, tell
from cogs._deeds import note_deed
from cogs._errors import explain
from cogs._guard import note_right
from cogs._limit_words import standing_words
from cogs._places import conversation_of, is_per_person, scopes_of
from moderation.access import Reason, RefusedError
from moderation.rights import Level
from storage import ConversationKey, WrongConversationError

Part = TypeVar("Part", bound=discord.ui.Item[Any])


class Guarded(discord.ui.DynamicItem[Part], template=r"(?!)"):
    """Something to press or to choose from. `pressed` runs when the guard allows `action`."""

    prefix: ClassVar[str] = ""
    action: ClassVar[str] = ""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Ask the guard, act, and put errors into words."""
        try:
            await self.allow(interaction)
            await self.pressed(interaction)
            interaction.client.dispatch("deed", interaction)
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would swallow it
            interaction.client.note_refusal(error, interaction)
            await tell(interaction, explain(error).text)

    async def allow(self, interaction: discord.Interaction[Bot]) -> None:
        """Raise `RefusedError` unless the person may do this."""
        await interaction.client.services.guard.check(
            self.action, interaction.user, interaction.guild_id, interaction.channel
        )
        note_right(interaction, self.action)

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        """What it does."""
        raise NotImplementedError


class Control(Guarded[discord.ui.Button[Any]], template=r"(?!)"):
    """A button with one number in its custom id."""

    label: ClassVar[str] = ""
    emoji: ClassVar[str | None] = None
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, number: int, *, disabled: bool = False) -> None:
        self.number = number
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=self.label or None,
            emoji=self.emoji,
            style=self.style,
            custom_id=f"{self.prefix}:{number}",
            disabled=disabled,
        )
        super().__init__(button)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from the id that Discord sent."""
        del interaction, item
        return cls(int(match["number"]))


class Menu(Guarded[BaseSelect[Any]], template=r"(?!)"):
    """A list to choose from; `shown` is what was chosen in it before, as the message has it."""

    def __init__(self, select: BaseSelect[Any]) -> None:
        select.custom_id = self.prefix
        super().__init__(select)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the menu from the message."""
        del interaction, match
        if not isinstance(item, BaseSelect):
            raise StaleControlError
        return cls(item)

    @property
    def shown(self) -> frozenset[int]:
        """The ids of what was chosen when the menu was drawn."""
        return frozenset(
            int(one.id) for one in getattr(self.item, "default_values", ())
        )  # discord.py leaves it as text

    @staticmethod
    def chosen(interaction: discord.Interaction[Any]) -> list[str]:
        """What somebody chose: values, or ids."""
        data: Any = interaction.data or {}
        return [str(value) for value in data.get("values") or ()]


class StopControl(Control, template=r"stop:(?P<number>\d{1,20})"):
    """Ends the reply that is being written."""

    prefix, action, label, emoji = "stop", "stop own", "Stop", "⏹️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        services = interaction.client.services
        answer = services.conversations.answer_under_way(self.number)
        if answer is None or answer.key.guild_id != interaction.guild_id:
            raise StaleControlError
        scopes = scopes_of(interaction.channel, interaction.guild_id)
        anyone = (await services.context.preferences(interaction.guild_id, scopes))["swipe_rights"].value == "anyone"
        owners = {interaction.user.id} if anyone else answer.asker_ids | {answer.asker_id}
        await services.guard.check_own("stop", owners, interaction)
        await interaction.response.defer()
        answer.stop()


class RetryControl(Control, template=r"retry:(?P<number>\d{1,20})"):
    """Answers the same question again, in the place of the reply that failed."""

    prefix, action, label, emoji = "retry", "retry own", "Retry", "🔁"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.replies.retry(interaction, self.number)


class RestoreControl(Control, template=r"restore:(?P<number>\d{1,20})(?::(?P<owner>\d{1,20}))?"):
    """Goes back to the conversation that a reset ended: the channel's, or that of one person."""

    prefix, action, label, emoji = "restore", "restore", "Restore", "↩️"

    def __init__(self, number: int, owner_id: int = 0) -> None:
        super().__init__(number)
        self.owner_id = owner_id
        if owner_id:
            self.custom_id = f"{self.prefix}:{number}:{owner_id}"

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button with its owner."""
        del interaction, item
        return cls(int(match["number"]), int(match["owner"] or 0))

    async def allow(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.services.guard.check_own("restore", {self.owner_id}, interaction)

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        services, channel = interaction.client.services, interaction.channel
        if await is_per_person(services, channel, interaction.guild_id) != bool(self.owner_id):
            raise StaleControlError  # what it would restore is nobody's conversation now
        key = ConversationKey(interaction.guild_id, interaction.channel_id or 0, self.owner_id)
        check = interaction.client.replies.ratings.going_on(key, channel)
        try:
            left = await services.turns.restore(key, self.number, check)
        except WrongConversationError:
            raise StaleControlError from None
        note_deed(interaction, after={"branch": short_id(self.number)})
        await interaction.response.edit_message(content="-# The earlier conversation goes on.", view=None)
        await interaction.client.replies.show_head(key, left)


class WhyControl(Control, template=r"why:(?P<number>\d{1,20})"):
    """Tells privately why a message was not answered."""

    prefix, action, label = "why", "why", "Why?"

    @classmethod
    def about(cls, refusal: RefusedError) -> "WhyControl":
        """The button for a refusal; reason and level are one number."""
        return cls(list(Reason).index(refusal.reason) * 10 + int(refusal.required or 0))

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        reasons = list(Reason)
        place, level = divmod(self.number, 10)
        if place >= len(reasons) or level not in list(Level):
            raise StaleControlError
        if reasons[place] is Reason.LIMITED:
            await tell(interaction, await _about_limits(interaction))
            return
        refusal = await _about_presser(RefusedError(reasons[place], Level(level) if level else None), interaction)
        view = None
        if refusal.reason is Reason.GUILD_NOT_APPROVED and interaction.guild_id is not None:
            guard, action = interaction.client.services.guard, ApproveControl.action
            if await guard.allows(action, interaction.user, interaction.guild_id, interaction.channel):
                view = view_of(ApproveControl(interaction.guild_id))
        await tell(interaction, explain(refusal).text, view=view)


async def _about_limits(interaction: discord.Interaction[Bot]) -> str:
    """The limit that the presser has reached; of others only how the presser stands is told."""
    bot = interaction.client
    reached = bot.talking.unanswered.reached_by(interaction.user.id, interaction.message)
    if reached is not None:
        return explain(reached).text
    key = await conversation_of(interaction)
    return standing_words(await bot.services.limiter.standing(key, interaction.user.id))


async def _about_presser(refusal: RefusedError, interaction: discord.Interaction[Bot]) -> RefusedError:
    """A denial has its reason and its end; those of others are not told."""
    try:
        await interaction.client.services.guard.check(
            "chat", interaction.user, interaction.guild_id, interaction.channel
        )
    except RefusedError as own:
        return own if own.reason is refusal.reason else refusal
    return refusal


class ApproveControl(Control, template=r"approve:(?P<number>\d{1,20})"):
    """Wakes the bot in this server; for the operator alone."""

    prefix, action, label = "approve", "approve guild", "Approve this server"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        if interaction.guild_id != self.number or interaction.guild_id is None:
            raise StaleControlError
        await interaction.client.services.guard.approve(interaction.guild_id, interaction.user.id)
        await tell(interaction, "This server is approved. I answer here from now on.")


Item = Control | discord.ui.Button[Any]


def marks_of(controls: Sequence[Item]) -> tuple[str, ...]:
    """What tells one row of buttons from another."""
    buttons = [control.item if isinstance(control, Control) else control for control in controls]
    return tuple(f"{button.custom_id} {button.label} {button.disabled}" for button in buttons)


def view_of(*controls: Item) -> discord.ui.View:
    """A row of buttons that needs no memory of its own."""
    view = discord.ui.View(timeout=None)
    for control in controls:
        view.add_item(control)
    view.stop()  # else discord.py listens for a private message's buttons for a quarter of an hour
    return view


CONTROLS: tuple[type[Control], ...] = (StopControl, RetryControl, RestoreControl, WhyControl, ApproveControl)
