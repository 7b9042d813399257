"""The panel's first page: which model answers, to what, and where."""

from collections.abc import Iterable
from typing import Any, Final

import discord

from chat.channel_settings import MAX_KEYWORD_CHARACTERS, MAX_KEYWORDS
from chat.errors import ChatError, ModelDeniedError, StaleControlError
from cogs._bot import Bot
from cogs._setup_panel import DRAWERS, AnyItem, PanelButton, PanelMenu, Sight, panel, row, text, who
from cogs.channel import NEEDS_KEYWORDS, NEEDS_THE_INTENT, VALUE_WORDS
from storage import Chosen

MOST_OPTIONS: Final = 25
MODELS_AT_ONCE: Final = MOST_OPTIONS - 2
"""Beside the default, and a model that was chosen but is not served any more."""

MOST_NAMED: Final = 10
LONGEST_KEYWORDS: Final = 300
DEFAULT_MODEL: Final = "-"
FORM_ID: Final = "setup-keywords"
KEYWORDS: Final = "keywords"
PLACES: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
]


class ModelMenu(PanelMenu, template=r"setup-model"):
    """Which model answers."""

    prefix, page = "setup-model", 1

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        [wanted] = self.chosen(interaction)
        if wanted == DEFAULT_MODEL:
            await sight.clear("model", interaction.user.id)
            return
        name = await sight.services.catalogue.find(wanted)
        if not await sight.services.guard.may_choose(sight.guild.id, None, name):
            raise ModelDeniedError(name)
        await sight.put("model", name, interaction.user.id)


class ModelsControl(PanelButton, template=r"setup-models:(?P<number>\d{1,20})"):
    """Shows the next of the models, where a menu does not hold all of them."""

    prefix, label, page = "setup-models", "More models", 1

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        del sight  # it changes nothing
        await interaction.response.edit_message(view=await panel(interaction, self.page, turned_to=self.number))


class TriggerMenu(PanelMenu, template=r"setup-trigger"):
    """What the bot answers to."""

    prefix, page = "setup-trigger", 1

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        [wanted] = self.chosen(interaction)
        if wanted not in VALUE_WORDS["trigger"]:
            raise StaleControlError
        await sight.set_typed({"trigger": wanted}, interaction)


class KeywordsControl(PanelButton, template=r"setup-words:(?P<number>\d{1,20})"):
    """Opens the form for keywords."""

    prefix, label, page = "setup-words", "Keywords", 1

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        await interaction.response.send_modal(KeywordsForm(sight.value(KEYWORDS, [])))


class KeywordsForm(discord.ui.Modal):
    """The keywords of the server."""

    def __init__(self, keywords: Iterable[str]) -> None:
        super().__init__(title="Words that call me", custom_id=FORM_ID, timeout=None)
        field: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id=KEYWORDS,
            style=discord.TextStyle.paragraph,
            default=", ".join(keywords) or None,
            required=False,
            max_length=MAX_KEYWORDS * (MAX_KEYWORD_CHARACTERS + 2),
        )
        label = f"Up to {MAX_KEYWORDS}, with commas between"
        self.add_item(discord.ui.Label(text=label, component=field))
        self.stop()  # else discord.py keeps it, and answers it itself


class PlacesMenu(PanelMenu, template=r"(?!)"):
    """A list of channels."""

    page = 1

    @classmethod
    def of(cls, sight: Sight, channel_ids: Iterable[int], placeholder: str) -> "PlacesMenu":
        """The menu with those channels that are still there."""
        there = [channel_id for channel_id in channel_ids if _is_place(sight.guild, channel_id)][:MOST_OPTIONS]
        kind = discord.SelectDefaultValueType.channel
        return cls(
            discord.ui.ChannelSelect(
                channel_types=PLACES,
                placeholder=placeholder,
                min_values=0,
                max_values=MOST_OPTIONS,
                default_values=[discord.SelectDefaultValue(id=channel_id, type=kind) for channel_id in there],
            )
        )

    def difference(self, interaction: discord.Interaction[Bot], guild: discord.Guild) -> tuple[list[int], list[int]]:
        """The channels that somebody added and took away. Raises `StaleControlError` for those of other servers."""
        wanted = {int(value) for value in self.chosen(interaction)}
        added = sorted(wanted - self.shown)
        if not all(_is_place(guild, channel_id) for channel_id in added):
            raise StaleControlError
        return added, sorted(self.shown - wanted)


class OnlyInMenu(PlacesMenu, template=r"setup-only"):
    """The channels that alone are allowed."""

    prefix = "setup-only"

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        added, removed = self.difference(interaction, sight.guild)
        await sight.services.server_setup.allow_only(sight.guild.id, added, removed, interaction.user.id)


class SilentMenu(PlacesMenu, template=r"setup-silent"):
    """The channels in which the bot answers commands only."""

    prefix = "setup-silent"

    async def change(self, interaction: discord.Interaction[Bot], sight: Sight) -> None:
        added, removed = self.difference(interaction, sight.guild)
        at = interaction.created_at.timestamp()
        await sight.channels.silence(sight.guild.id, added, removed, interaction.user.id, at)


async def draw(sight: Sight) -> list[list[AnyItem]]:
    """The sections of the page."""
    return [_model(sight), _trigger(sight), await _places(sight)]


DRAWERS[1] = draw


def _model(sight: Sight) -> list[AnyItem]:
    catalogue, wanted = sight.services.catalogue, sight.value("model", None)
    names = [name for name in catalogue.names if len(name) <= 100]
    parts = max(1, -(-len(names) // MODELS_AT_ONCE))
    part = names.index(wanted) // MODELS_AT_ONCE if wanted in names else 0
    if sight.turned_to is not None:
        part = sight.turned_to % parts
    first = part * MODELS_AT_ONCE
    offered = names[first : first + MODELS_AT_ONCE]
    gone = [wanted[:100]] if wanted is not None and wanted not in names else []
    default = (_answering(sight, None) or "")[:100] or None
    options = [
        discord.SelectOption(
            label="The operator's default", value=DEFAULT_MODEL, description=default, default=wanted is None
        ),
        *(discord.SelectOption(label=name, value=name, default=name == wanted) for name in offered + gone),
    ]
    answering = _answering(sight, wanted)
    lines = [f"`{answering}` answers." if answering else "No model is known yet."]
    if wanted is not None and wanted != answering:
        lines.append(f"⚠️ `{wanted}` was chosen, but is not served any more.")
    if parts > 1:
        lines.append(f"-# Models {first + 1} to {first + len(offered)} of {len(names)}.")
    menu = ModelMenu(discord.ui.Select(placeholder="Model", options=options))
    words = text("Model", *lines, sight.who("model"))
    return [words if parts == 1 else discord.ui.Section(words, accessory=ModelsControl((part + 1) % parts)), row(menu)]


def _answering(sight: Sight, wanted: str | None) -> str | None:
    try:
        return sight.services.catalogue.choose(wanted)
    except ChatError:
        return None


def _trigger(sight: Sight) -> list[AnyItem]:
    value, keywords = sight.value("trigger", "mention"), sight.value(KEYWORDS, [])
    lines = [f"I answer to {VALUE_WORDS['trigger'][value]}."]
    if keywords:
        listed = ", ".join(f"`{keyword.replace('`', chr(39))}`" for keyword in keywords)
        lines.append(f"Keywords: {listed if len(listed) <= LONGEST_KEYWORDS else f'{len(keywords)} of them'}")
    if value in {"always", "keywords"} and not sight.bot.intents.message_content:
        lines.append(NEEDS_THE_INTENT.format(trigger=value))
    elif value == "keywords" and not keywords:
        lines.append(NEEDS_KEYWORDS)
    words = text("Trigger", *lines, sight.who("trigger", KEYWORDS))
    options = [
        discord.SelectOption(label=name, value=name, description=meaning, default=name == value)
        for name, meaning in VALUE_WORDS["trigger"].items()
    ]
    menu = TriggerMenu(discord.ui.Select(placeholder="Trigger", options=options))
    return [discord.ui.Section(words, accessory=KeywordsControl(0)), row(menu)]


async def _places(sight: Sight) -> list[AnyItem]:
    only = await sight.services.server_setup.only_in(sight.guild.id)
    silent = await sight.channels.silent(sight.guild.id)
    there = [channel_id for channel_id in only if sight.guild.get_channel_or_thread(channel_id) is not None]
    quiet = [channel_id for channel_id in silent if _is_place(sight.guild, channel_id)]
    lines = [f"Only in {_named(there)}." if there else "Nowhere." if only else "Wherever I may read."]
    if gone := len(only) - len(there):
        lines.append(f"⚠️ {gone} on the list I cannot see any more; `/access clear` with `rule` takes them off.")
    if quiet:
        lines.append(f"Commands only in {_named(quiet)}.")
    chosen = [Chosen(None, rule.set_by, rule.created_at) for rule in only.values()]
    lines += [who(*chosen, *silent.values()), "-# More with `/access`: people, roles, categories, for a time."]
    return [
        text("Where I answer", *lines),
        row(OnlyInMenu.of(sight, only, "Only in these channels; none: in all")),
        row(SilentMenu.of(sight, silent, "In these, answer commands only")),
    ]


def _named(channel_ids: list[int]) -> str:
    more = f" and {len(channel_ids) - MOST_NAMED} more" if len(channel_ids) > MOST_NAMED else ""
    return ", ".join(f"<#{channel_id}>" for channel_id in channel_ids[:MOST_NAMED]) + more


def _is_place(guild: discord.Guild, channel_id: int) -> bool:
    channel = guild.get_channel(channel_id)
    return channel is not None and channel.type in PLACES


CONTROLS = (ModelMenu, ModelsControl, TriggerMenu, KeywordsControl, OnlyInMenu, SilentMenu)
