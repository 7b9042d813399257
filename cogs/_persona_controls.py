"""The buttons under a character that somebody looks at before taking it in; the number in their ids is the draft's."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

from chat.persona_library import FoundPersona, Visitor
from chat.persona_preview import is_adult
from cogs._bot import Bot
from cogs._controls import Control, Item, view_of
from cogs._deeds import persona_deed
from cogs._persona_cards import ADULT_MARK, card_of, choice_name, title_of
from cogs._places import is_age_restricted, scopes_of
from moderation.access import RefusedError


class DraftControl(Control, template=r"(?!)"):
    """A button under a draft. Whose draft it is, the library checks."""

    action = "persona import"


class TakeInControl(DraftControl, template=r"persona-in:(?P<number>\d{1,20})"):
    """Makes a character of the draft."""

    prefix, label, style = "persona-in", "Confirm", discord.ButtonStyle.success

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        library = interaction.client.services.personas
        found = await library.take_in(await visitor_of(interaction), self.number)
        if found.outline.kind == "server":
            deed = persona_deed(None, found)
            await interaction.client.services.audit.record(
                found.outline.guild_id, interaction.user.id, "persona take in", deed.subject, None, deed.after
            )
        whose = "a character of this server" if found.outline.kind == "server" else "one of your characters"
        await interaction.response.edit_message(
            content=f"**{title_of(found)}** is {whose} now. `/persona use` lets it speak.",
            embed=None,
            attachments=[],
            view=None,
        )


class LeaveOutControl(DraftControl, template=r"persona-out:(?P<number>\d{1,20})"):
    """Forgets the draft."""

    prefix, label = "persona-out", "Cancel"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await interaction.client.services.personas.leave_out(await visitor_of(interaction), self.number)
        await interaction.response.edit_message(content="-# Not imported.", embed=None, attachments=[], view=None)


class AdultControl(DraftControl, template=r"persona-adult:(?P<number>\d{1,20})"):
    """Marks the draft as one for adults, or takes the mark away."""

    prefix, label, emoji = "persona-adult", "For adults", ADULT_MARK

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await _rechoose(
            interaction,
            self.number,
            lambda library, visitor, found: library.choose(
                visitor, self.number, adult=not found.outline.adult or is_adult(found.card)
            ),
        )


class EarlierGreetingControl(DraftControl, template=r"persona-earlier:(?P<number>\d{1,20})"):
    """Shows and chooses the greeting before."""

    prefix, emoji = "persona-earlier", "◀️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await _turn(interaction, self.number, -1)


class LaterGreetingControl(DraftControl, template=r"persona-later:(?P<number>\d{1,20})"):
    """Shows and chooses the greeting behind."""

    prefix, emoji = "persona-later", "▶️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        await _turn(interaction, self.number, 1)


Choice = Callable[[Any, Visitor, FoundPersona], Awaitable[FoundPersona]]


async def visitor_of(interaction: discord.Interaction[Bot]) -> Visitor:
    """Who looks at the characters here."""
    looks_after_all = False
    if interaction.guild_id is not None:
        try:
            await interaction.client.services.guard.check_everywhere("persona look after", interaction)
            looks_after_all = True
        except RefusedError:
            looks_after_all = False
    return Visitor(
        interaction.guild_id,
        interaction.user.id,
        looks_after_all,
        is_age_restricted(interaction.channel),
        scopes_of(interaction.channel, interaction.guild_id),
    )


async def persona_choices(interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
    """The characters that a person sees and that have in their names what is typed, the nearest first."""
    visitor = await visitor_of(interaction)
    seen = await interaction.client.services.personas.all(visitor)
    found = [outline for outline in seen if typed.casefold().strip() in outline.name.casefold()]
    named = Counter(outline.name.casefold() for outline in seen)
    return [
        app_commands.Choice(
            name=choice_name(outline, visitor, alone=named[outline.name.casefold()] == 1), value=str(outline.id)
        )
        for outline in sorted(found, key=visitor.distance)[:25]
    ]


async def estimate_of(interaction: discord.Interaction[Bot]) -> Callable[[str], int]:
    """How tokens are estimated for the model that answers here."""
    services = interaction.client.services
    scopes = scopes_of(interaction.channel, interaction.guild_id)
    preferences = await services.context.preferences(interaction.guild_id, scopes)
    model = preferences["model"].value
    return services.catalogue.estimator(model or "").estimate


def draft_view(found: FoundPersona) -> discord.ui.View:
    """The buttons that a draft has now."""
    draft, greetings = found.outline.id, len(found.card.greetings)
    number = min(found.outline.greeting, max(0, greetings - 1))
    items: list[Item] = []
    if greetings > 1:
        counter: discord.ui.Button[Any] = discord.ui.Button(
            label=f"{number + 1}/{greetings}", custom_id=f"greetings:{draft}", disabled=True
        )
        items = [
            EarlierGreetingControl(draft, disabled=number == 0),
            counter,
            LaterGreetingControl(draft, disabled=number == greetings - 1),
        ]
    mark = AdultControl(draft, disabled=is_adult(found.card))
    mark.item.style = discord.ButtonStyle.danger if found.outline.adult else discord.ButtonStyle.secondary
    return view_of(*items, mark, TakeInControl(draft), LeaveOutControl(draft))


async def _turn(interaction: discord.Interaction[Bot], draft_id: int, steps: int) -> None:
    async def choose(library: Any, visitor: Visitor, found: FoundPersona) -> FoundPersona:
        last = max(0, len(found.card.greetings) - 1)
        number = min(max(0, found.outline.greeting + steps), last)
        chosen: FoundPersona = await library.choose(visitor, draft_id, greeting=number)
        return chosen

    await _rechoose(interaction, draft_id, choose)


async def _rechoose(interaction: discord.Interaction[Bot], draft_id: int, choice: Choice) -> None:
    """Note down a choice and show the draft as it is then."""
    library, visitor = interaction.client.services.personas, await visitor_of(interaction)
    found = await choice(library, visitor, await library.draft(visitor, draft_id))
    embed, file = await card_of(found, await estimate_of(interaction))
    files = [file] if file is not None else []
    await interaction.response.edit_message(embed=embed, attachments=files, view=draft_view(found))


PERSONA_CONTROLS: tuple[type[Control], ...] = (
    TakeInControl,
    LeaveOutControl,
    AdultControl,
    EarlierGreetingControl,
    LaterGreetingControl,
)
