"""The buttons under a character that somebody looks at before taking it in; the number in their ids is the draft's."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

import discord
from discord import app_commands

from chat.errors import NothingThereError, StaleControlError
from chat.persona_library import FoundPersona, Visitor
from chat.persona_preview import is_adult
from cogs._bot import Bot
from cogs._controls import Control, Item, view_of
from cogs._deeds import note_deed, note_persona, persona_deed
from cogs._persona_cards import ADULT_MARK, card_of, choice_name, note_lines, title_of
from cogs._persona_forms import PersonaForm
from cogs._places import is_age_restricted, scopes_of
from moderation.access import RefusedError

CAN_BE_REDONE: Final = "\n-# `/persona redo` takes this back."


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


class EditDraftControl(DraftControl, template=r"persona-edit:(?P<number>\d{1,20})"):
    """Opens the draft in a form."""

    prefix, label, emoji = "persona-edit", "Edit", "✏️"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        found = await interaction.client.services.personas.draft(await visitor_of(interaction), self.number)
        form = PersonaForm("character", found)
        if not form.children:
            raise NothingThereError("persona edit")
        await interaction.response.send_modal(form)


class ShareControl(Control, template=r"persona-share:(?P<number>\d{1,20})"):
    """Makes a copy of a member's character one of the server's; the member keeps theirs."""

    prefix, action, label = "persona-share", "persona share", "Copy it for the server"

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        services, visitor = interaction.client.services, await visitor_of(interaction)
        await services.guard.check_everywhere(self.action, interaction)
        found = await services.personas.open(visitor, str(self.number))
        if not sharable(interaction, visitor, found):
            raise NothingThereError(self.action)
        shared = await services.personas.share(visitor, found)
        note_deed(interaction, persona_deed(found, None).subject, before="own", after="server")
        words = (
            f"**{title_of(shared)}** is a character of this server now, too; <@{found.outline.owner_id}> keeps theirs."
        )
        await interaction.response.edit_message(
            content=f"{words} `/persona delete` takes the server's away again.",
            view=None,
            allowed_mentions=discord.AllowedMentions.none(),
        )


class UndoControl(Control, template=r"persona-undo:(?P<number>\d{1,20})(?::(?P<version>\d{1,9}))?"):
    """Takes one change of a character back, as long as it is the last one."""

    prefix, action, label, emoji = "persona-undo", "persona undo own", "Undo", "↩️"

    def __init__(self, number: int, version: int = 0) -> None:
        super().__init__(number)
        self.version = version
        if version:
            self.custom_id = f"{self.prefix}:{number}:{version}"

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button with its version."""
        del interaction, item
        return cls(int(match["number"]), int(match["version"] or 0))

    async def pressed(self, interaction: discord.Interaction[Bot]) -> None:
        visitor, found = await changeable(interaction, str(self.number), "persona undo")
        if found.outline.version != self.version:
            raise StaleControlError
        await interaction.response.defer()
        undone = await interaction.client.services.personas.undo(visitor, found)
        note_persona(interaction, found, undone)
        embed, file = await card_of(undone, await estimate_of(interaction))
        await interaction.edit_original_response(
            content=f"{version_line(undone)}{CAN_BE_REDONE}",
            embed=embed,
            attachments=[file] if file is not None else [],
            view=None,
        )


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


def sharable(interaction: discord.Interaction[Bot], visitor: Visitor, found: FoundPersona) -> bool:
    """Whether the person may make a character the server's: a member's, who has not opted out."""
    outline = found.outline
    opted_out = interaction.client.services.storage.opt_outs.holds(visitor.guild_id, outline.owner_id)
    return visitor.looks_after_all and outline.kind == "own" and not opted_out


async def changeable(interaction: discord.Interaction[Bot], name: str, action: str) -> tuple[Visitor, FoundPersona]:
    """A character that the person may change."""
    visitor = await visitor_of(interaction)
    found = await interaction.client.services.personas.open(visitor, name)
    owners = {found.outline.owner_id} if found.outline.kind == "own" else frozenset[int]()
    await interaction.client.services.guard.check_own(action, owners, interaction)
    return visitor, found


async def tell_changed(
    interaction: discord.Interaction[Bot],
    before: FoundPersona,
    found: FoundPersona,
    note: str = "",
    *,
    can_be_undone: bool = True,
) -> None:
    """Show a character as it is now, with the way back."""
    note_persona(interaction, before, found)
    interaction.client.replies.ratings.stop_newly_adult(before.outline, found.outline)
    embed, picture = await card_of(found, await estimate_of(interaction))
    undo = [UndoControl(found.outline.id, found.outline.version)] if can_be_undone else []
    await interaction.followup.send(
        "\n".join([f"{version_line(found)}{note}", *note_lines(found)]),
        embed=embed,
        files=[picture] if picture is not None else [],
        view=view_of(*undo),
        ephemeral=True,
    )


def version_line(found: FoundPersona) -> str:
    """Which version of a character it is."""
    return f"**{title_of(found)}**, version {found.outline.version}."


async def show_draft(interaction: discord.Interaction[Bot], found: FoundPersona) -> None:
    """Show a character that is to be taken in, with what can be chosen about it."""
    embed, picture = await card_of(found, await estimate_of(interaction))
    files = [picture] if picture is not None else []
    await interaction.followup.send(
        "\n".join(note_lines(found)), embed=embed, files=files, view=draft_view(found), ephemeral=True
    )


async def show_draft_again(interaction: discord.Interaction[Bot], found: FoundPersona, note: str | None = None) -> None:
    """The same in the message where it is shown already."""
    embed, file = await card_of(found, await estimate_of(interaction))
    files = [file] if file is not None else []
    content = discord.utils.MISSING if note is None else note
    await interaction.response.edit_message(content=content, embed=embed, attachments=files, view=draft_view(found))


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
    return view_of(*items, mark, TakeInControl(draft), EditDraftControl(draft), LeaveOutControl(draft))


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
    await show_draft_again(interaction, await choice(library, visitor, await library.draft(visitor, draft_id)))


PERSONA_CONTROLS: tuple[type[Control], ...] = (
    TakeInControl,
    LeaveOutControl,
    EditDraftControl,
    ShareControl,
    UndoControl,
    AdultControl,
    EarlierGreetingControl,
    LaterGreetingControl,
)
