"""The panel of `/setup`: one message in which an admin sees and sets what holds for a server.

Its pages are drawn anew from what is stored after every change; nothing is kept in memory. Each control changes
one thing; what others changed meanwhile stays.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import discord

from chat.channel_settings import ChannelSettings
from chat.errors import StaleControlError
from chat.preferences import Place
from cogs._bot import Bot, Services
from cogs._controls import Control, Menu
from cogs._errors import explain
from cogs._guard import whole_server
from moderation.access import RefusedError
from storage import Chosen, Scope

ACTION: Final = "setup"
COLOUR: Final = 0x5865F2
TITLES: Final = {1: "Talking", 2: "Moderation", 3: "Personas and privacy"}
ABOUT: Final = {
    1: "What holds on this server, unless a channel or thread is set otherwise: `/channel set`, `/model set`.",
    2: "Who moderates, how much each person may use, and where moderators hear of what happens.",
    3: "Whose characters may come in, and how long messages are kept.",
}

AnyItem = discord.ui.Item[Any]
Layout = discord.ui.LayoutView


@dataclass(frozen=True, slots=True)
class Sight:
    """What a page is drawn from."""

    bot: Bot
    guild: discord.Guild
    chosen: dict[str, Chosen]
    turned_to: int | None = None  # of a menu that does not hold all there is: the part that somebody wants to see

    @property
    def services(self) -> Services:
        """What the cogs call."""
        return self.bot.services

    @property
    def channels(self) -> ChannelSettings:
        """When and how the bot answers."""
        return ChannelSettings(self.services.storage.settings, self.services.context)

    def value(self, name: str, default: Any) -> Any:
        """What is set for the server, else the default."""
        return self.chosen[name].value if name in self.chosen else default

    def who(self, *names: str) -> str:
        """By whom the newest of these settings was set, and when."""
        return who(*(self.chosen[name] for name in names if name in self.chosen))

    async def put(self, name: str, value: Any, by: int) -> None:
        """Set something for the server."""
        await self.services.storage.settings.put(self.guild.id, Scope("guild", self.guild.id), name, value, by)

    async def set_typed(self, typed: dict[str, str], interaction: discord.Interaction[Bot]) -> None:
        """Set something that channels can be set to, too. Raises `ChannelSettingError`."""
        whole = Scope("guild", self.guild.id)
        at = interaction.created_at.timestamp()
        await self.channels.set(Place(self.guild.id, (whole,)), whole, typed, interaction.user.id, at)

    async def clear(self, name: str, by: int) -> None:
        """Let the default hold again."""
        await self.services.storage.settings.clear(self.guild.id, Scope("guild", self.guild.id), name, by)


Drawer = Callable[[Sight], Awaitable[list[list[AnyItem]]]]
DRAWERS: Final[dict[int, Drawer]] = {}
"""What draws the sections of each page; the modules of the pages put theirs here."""


class OfPanel:
    """What all controls of the panel do: ask the guard for the whole server, change something, and draw anew."""

    page: ClassVar[int]

    async def allow(self, interaction: discord.Interaction[Bot]) -> None:
        """Rights in one channel are not enough."""
        await whole_server(interaction, ACTION)

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        """Change it; what cannot be set is told in the panel, which shows what holds."""
        problem = None
        try:
            await self.change(interaction, await sight_of(interaction))
        except RefusedError:
            raise
        except Exception as error:  # noqa: BLE001  # told in the panel, by the same words as everywhere
            problem = explain(error).text
        if not interaction.response.is_done():
            await redraw(interaction, self.page, problem)

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        """What the control changes."""
        raise NotImplementedError


class PanelButton(OfPanel, Control, template=r"(?!)"):
    """A button of the panel."""

    action = ACTION


class PanelMenu(OfPanel, Menu, template=r"(?!)"):
    """A menu of the panel."""

    action = ACTION


class PageControl(PanelButton, template=r"setup:(?P<number>\d{1,20})"):
    """Turns to another page."""

    prefix, label = "setup", "Page"

    def __init__(self, number: int, *, disabled: bool = False) -> None:
        super().__init__(number, disabled=disabled)
        self.item.label = f"{number} {TITLES.get(number, '')}".strip()
        self.item.style = discord.ButtonStyle.primary if disabled else discord.ButtonStyle.secondary

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        if self.number not in DRAWERS:
            raise StaleControlError
        await redraw(interaction, self.number)


async def sight_of(interaction: discord.Interaction[Bot]) -> Sight:
    """What is set where somebody uses the panel."""
    guild = interaction.guild
    if guild is None:
        raise StaleControlError
    chosen = await interaction.client.services.storage.settings.chosen(guild.id, Scope("guild", guild.id))
    return Sight(interaction.client, guild, chosen)


async def panel(
    interaction: discord.Interaction[Bot],
    page: int,
    problem: str | None = None,
    again: Control | None = None,
    *,
    turned_to: int | None = None,
) -> Layout:
    """A page of the panel; a problem stands at its top, with a button to try again if there is one."""
    sight = replace(await sight_of(interaction), turned_to=turned_to)
    box: discord.ui.Container[Any] = discord.ui.Container(accent_colour=COLOUR)
    name = discord.utils.escape_markdown(sight.guild.name)
    box.add_item(discord.ui.TextDisplay(f"## {TITLES[page]} · {name}\n-# {ABOUT[page]}"))
    if problem is not None:
        told: discord.ui.TextDisplay[Any] = discord.ui.TextDisplay(f"⚠️ {problem}")
        box.add_item(told if again is None else discord.ui.Section(told, accessory=again))
    for section in await DRAWERS[page](sight):
        box.add_item(discord.ui.Separator())
        for item in section:
            box.add_item(item)
    view: Layout = discord.ui.LayoutView(timeout=None)
    view.add_item(box)
    view.add_item(discord.ui.ActionRow(*(PageControl(number, disabled=number == page) for number in TITLES)))
    view.stop()  # else discord.py listens for its buttons for a quarter of an hour
    return view


async def redraw(
    interaction: discord.Interaction[Bot], page: int, problem: str | None = None, again: Control | None = None
) -> None:
    """Show a page as it is now, in the place of the one that was used."""
    await interaction.response.edit_message(view=await panel(interaction, page, problem, again))


def text(title: str, *lines: str) -> discord.ui.TextDisplay[Any]:
    """The words of a section: what is set, and by whom."""
    return discord.ui.TextDisplay("\n".join([f"### {title}", *lines]))


def row(*items: Control | Menu) -> discord.ui.ActionRow[Any]:
    """A menu, or buttons beside each other."""
    return discord.ui.ActionRow(*items)


def who(*chosen: Chosen) -> str:
    """By whom the newest of these was set, and when."""
    if not chosen:
        return "-# The operator's default."
    newest = max(chosen, key=lambda one: one.set_at)
    by = f" by <@{newest.set_by}>" if newest.set_by is not None else ""
    return f"-# Set{by} <t:{int(newest.set_at.timestamp())}:R>."
