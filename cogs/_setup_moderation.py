"""The panel's second page: limits, the moderators' channel, and who moderates."""

import re
from typing import Any, Final

import discord

from chat.errors import StaleControlError
from cogs._bot import Bot
from cogs._log_posts import DEFAULTS
from cogs._setup_panel import DRAWERS, AnyItem, PanelButton, PanelMenu, Sight, row, text, who
from cogs.doctor import FOR_LOG, permission_words
from moderation.server_setup import (
    EACH_PERSON,
    LOG_CHANNEL,
    LOG_FLAGS,
    LOG_REFUSALS,
    MODERATOR_ROLES,
    CannotWriteError,
)
from storage import Chosen, Limit, LimitUnit

MOST_ROLES: Final = 25
FORM: Final = re.compile(r"setup-limits-form:(?P<requests>\d{0,12}):(?P<tokens>\d{0,12})")
LONGEST_AMOUNT: Final = 15
TOLD: Final = ((LOG_FLAGS, "Flags"), (LOG_REFUSALS, "Refusals"))


class LimitsControl(PanelButton, template=r"setup-limits:(?P<number>\d{1,20})(?::(?P<typed>.{0,60}))?"):
    """Opens the form for limits, with what was typed into it before if that could not be taken."""

    prefix, label, page = "setup-limits", "Change", 2

    def __init__(self, number: int, typed: tuple[str, ...] | None = None, *, disabled: bool = False) -> None:
        super().__init__(number, disabled=disabled)
        self.typed = typed
        if typed is not None:
            self.item.label = "Try again"
            self.custom_id = f"{self.prefix}:{number}:{'|'.join(one.replace('|', ' ') for one in typed)}"

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> "LimitsControl":
        """Rebuild the button with what was typed."""
        del interaction, item
        typed = match["typed"]
        return cls(int(match["number"]), None if typed is None else tuple(typed.split("|")))

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        limits = await sight.services.server_setup.limits(sight.guild.id)
        await interaction.response.send_modal(LimitsForm(limits, self.typed))


class LimitsForm(discord.ui.Modal):
    """The limits of each person. What they were stands in its id: what is left as it was is not changed."""

    def __init__(self, limits: dict[LimitUnit, Limit | None], typed: tuple[str, ...] | None = None) -> None:
        shown = {unit: str(limit.amount) if limit is not None else "" for unit, limit in limits.items()}
        form_id = f"setup-limits-form:{shown['requests']}:{shown['tokens']}"
        super().__init__(title="Limits for each person", custom_id=form_id, timeout=None)
        texts = dict(zip(EACH_PERSON, typed, strict=False)) if typed is not None else shown
        for unit, period in EACH_PERSON.items():
            field: discord.ui.TextInput[Any] = discord.ui.TextInput(
                custom_id=unit,
                default=texts.get(unit) or None,
                placeholder="no limit",
                required=False,
                max_length=LONGEST_AMOUNT,
            )
            self.add_item(discord.ui.Label(text=f"{unit.capitalize()} per {period}", component=field))
        self.stop()  # else discord.py keeps it, and answers it itself


class LogChannelMenu(PanelMenu, template=r"setup-log-channel"):
    """Where moderators hear of what happens."""

    prefix, page = "setup-log-channel", 2

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        wanted = self.chosen(interaction)
        if not wanted:
            await sight.clear(LOG_CHANNEL, interaction.user.id)
            return
        channel_id = int(wanted[0])
        if sight.guild.get_channel(channel_id) is None:
            raise StaleControlError
        if missing := _missing(sight.guild, channel_id):
            raise CannotWriteError(channel_id, missing)
        await sight.put(LOG_CHANNEL, channel_id, interaction.user.id)
        interaction.client.begin_chore(interaction.client.reporting.show_waiting(sight.guild.id))


class LogControl(PanelButton, template=r"setup-log:(?P<number>\d{1,20})"):
    """Says whether something is told in the moderators' channel. The last bit of its number is what it will be."""

    prefix, label, page = "setup-log", "Told", 2

    @classmethod
    def of(cls, place: int, *, is_on: bool) -> "LogControl":
        """The button that turns it over."""
        control = cls(2 * place + (not is_on))
        control.item.label = f"{TOLD[place][1]}: {'on' if is_on else 'off'}"
        control.item.style = discord.ButtonStyle.success if is_on else discord.ButtonStyle.secondary
        return control

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        place, wanted = divmod(self.number, 2)
        if place >= len(TOLD):
            raise StaleControlError
        await sight.put(TOLD[place][0], bool(wanted), interaction.user.id)


class RolesMenu(PanelMenu, template=r"setup-roles"):
    """Whose holders are moderators."""

    prefix, page = "setup-roles", 2

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        wanted = {int(value) for value in self.chosen(interaction)}
        added = sorted(wanted - self.shown)
        if any(sight.guild.get_role(role_id) is None for role_id in added):
            raise StaleControlError
        gone = {role_id for role_id in sight.value(MODERATOR_ROLES, []) if sight.guild.get_role(role_id) is None}
        removed = (self.shown - wanted) | gone
        await sight.services.server_setup.choose_moderators(sight.guild.id, added, removed, interaction.user.id)


async def draw(sight: Sight) -> list[list[AnyItem]]:
    """The sections of the page."""
    return [await _limits(sight), _log(sight), _roles(sight)]


DRAWERS[2] = draw


async def _limits(sight: Sight) -> list[AnyItem]:
    limits = await sight.services.server_setup.limits(sight.guild.id)
    amounts = [
        f"**{limit.amount:,}** {unit} per {EACH_PERSON[unit]}{' (hard)' if limit.hard else ''}"
        for unit, limit in limits.items()
        if limit is not None
    ]
    lines = [f"Each person has {' and '.join(amounts)}." if amounts else "Each person may use me as much as they like."]
    lines.append(who(*(Chosen(None, limit.set_by, limit.set_at) for limit in limits.values() if limit is not None)))
    lines.append("-# Who is past a limit comes last in the line; a hard limit refuses. More with `/limit`.")
    return [discord.ui.Section(text("Limits", *lines), accessory=LimitsControl(0))]


def _log(sight: Sight) -> list[AnyItem]:
    channel_id = sight.value(LOG_CHANNEL, None)
    lines = ["None: reports wait, nothing else is told."] if channel_id is None else [f"<#{channel_id}>"]
    if channel_id is not None and (missing := _missing(sight.guild, channel_id)):
        lines.append(f"⚠️ I cannot write there any more: I lack {', '.join(missing)}.")
    lines.append(sight.who(LOG_CHANNEL, LOG_FLAGS, LOG_REFUSALS))
    there = channel_id is not None and sight.guild.get_channel(channel_id) is not None
    kind = discord.SelectDefaultValueType.channel
    menu = LogChannelMenu(
        discord.ui.ChannelSelect(
            channel_types=[discord.ChannelType.text, discord.ChannelType.news],
            placeholder="None: reports wait for one",
            min_values=0,
            default_values=[discord.SelectDefaultValue(id=channel_id, type=kind)] if there else [],
        )
    )
    buttons = [
        LogControl.of(place, is_on=bool(sight.value(name, DEFAULTS[name]))) for place, (name, _) in enumerate(TOLD)
    ]
    return [text("Moderators' channel", *lines), row(menu), row(*buttons)]


def _roles(sight: Sight) -> list[AnyItem]:
    roles = [role_id for role_id in sight.value(MODERATOR_ROLES, []) if sight.guild.get_role(role_id) is not None]
    named = ", ".join(f"<@&{role_id}>" for role_id in roles[:MOST_ROLES])
    lines = [f"Who has {named}." if roles else "Who may Manage Messages."]
    if sight.value(MODERATOR_ROLES, []) and not roles:
        lines = ["⚠️ The roles that were chosen are gone, so only admins moderate."]
    lines.append(sight.who(MODERATOR_ROLES))
    lines.append("-# Discord hides staff commands from people without Manage Messages: Server Settings > Integrations.")
    kind = discord.SelectDefaultValueType.role
    menu = RolesMenu(
        discord.ui.RoleSelect(
            placeholder="Roles; none: who may Manage Messages",
            min_values=0,
            max_values=MOST_ROLES,
            default_values=[discord.SelectDefaultValue(id=role_id, type=kind) for role_id in roles[:MOST_ROLES]],
        )
    )
    return [text("Moderators", *lines), row(menu)]


def _missing(guild: discord.Guild, channel_id: int) -> tuple[str, ...]:
    """The permissions that the bot lacks to write somewhere."""
    channel = guild.get_channel_or_thread(channel_id)
    allowed = channel.permissions_for(guild.me) if channel is not None else discord.Permissions.none()
    return tuple(permission_words(name) for name, needed in FOR_LOG if needed and not getattr(allowed, name))


CONTROLS = (LimitsControl, LogChannelMenu, LogControl, RolesMenu)
