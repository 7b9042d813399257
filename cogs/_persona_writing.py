"""Forms about characters that come back, and the files that come with them."""

import io
from dataclasses import replace

import discord

from chat.attachments import Fault
from chat.cards import MAX_FILE_BYTES
from chat.errors import CardError, StaleControlError
from chat.persona_library import FoundPersona, Visitor
from cogs._attachments import File
from cogs._bot import Bot, tell
from cogs._deeds import note_deed, persona_deed
from cogs._persona_cards import title_of
from cogs._persona_controls import changeable, show_draft, show_draft_again, tell_changed, visitor_of
from cogs._persona_forms import DRAFT, Written, too_long


async def fetched(interaction: discord.Interaction[Bot], file: File) -> bytes:
    """What is in a file. Raises `CardError`."""
    data = await interaction.client.talking.reader.whole(file, MAX_FILE_BYTES)
    if isinstance(data, Fault):
        raise CardError("file" if data is Fault.TOO_LARGE else "unreachable")
    return data


async def form_came_back(interaction: discord.Interaction[Bot], written: Written) -> None:
    """Make of a form what it is about."""
    if written.part == "new":
        await _created(interaction, written)
    elif written.version == DRAFT:
        await _redrafted(interaction, written)
    else:
        await _edited(interaction, written)


def words_of(written: Written) -> discord.File | None:
    """What somebody wrote in a form that came to nothing: Discord forgets it when the form is sent."""
    words = written.given_back()
    return None if words is None else discord.File(io.BytesIO(words), "your-words.txt")


async def mark(interaction: discord.Interaction[Bot], visitor: Visitor, found: FoundPersona, *, adult: bool) -> None:
    """Say of a character whether it is for adults; that it is not is for those who look after the whole server."""
    await _require_marking(interaction, adult=adult)
    marked = await interaction.client.services.personas.mark(visitor, found, adult=adult)
    interaction.client.replies.ratings.stop_newly_adult(found.outline, marked.outline)
    subject = persona_deed(found, marked).subject
    note_deed(interaction, subject, before={"adult": found.outline.adult}, after={"adult": adult})
    words = "for adults from now on, in age-restricted channels only" if adult else "not for adults any more"
    await tell(interaction, f"**{title_of(marked)}** is {words}.")


async def replace_by(
    interaction: discord.Interaction[Bot], visitor: Visitor, found: FoundPersona, file: File, *, adult: bool | None
) -> None:
    """Let a character be what a file says, with a mark if one is given."""
    if adult is not None:
        await _require_marking(interaction, adult=adult)
    await interaction.response.defer(ephemeral=True, thinking=True)
    library = interaction.client.services.personas
    changed = await library.replace(visitor, found, await fetched(interaction, file))
    if adult is not None:
        marked = await library.mark(visitor, changed, adult=adult)
        changed = replace(marked, notes=changed.notes)
    await tell_changed(interaction, found, changed)


async def _require_marking(interaction: discord.Interaction[Bot], *, adult: bool) -> None:
    if not adult:
        await interaction.client.services.guard.check_everywhere("persona mark", interaction)


async def _created(interaction: discord.Interaction[Bot], written: Written) -> None:
    await _require_writing(interaction)
    await interaction.response.defer(ephemeral=True, thinking=True)
    picture = await fetched(interaction, written.picture) if written.picture is not None else None
    library = interaction.client.services.personas
    await show_draft(interaction, await library.look_at_new(await visitor_of(interaction), written.fields(), picture))


async def _redrafted(interaction: discord.Interaction[Bot], written: Written) -> None:
    await _require_writing(interaction)
    library, visitor = interaction.client.services.personas, await visitor_of(interaction)
    found = await library.draft(visitor, written.persona_id)
    changed = await library.redraft(visitor, found, written.fields(found))
    await show_draft_again(interaction, changed, _left_out(found, written).lstrip() or None)


async def _edited(interaction: discord.Interaction[Bot], written: Written) -> None:
    visitor, found = await changeable(interaction, str(written.persona_id), "persona edit")
    if found.outline.version != written.version:
        raise StaleControlError
    await interaction.response.defer(ephemeral=True, thinking=True)
    library = interaction.client.services.personas
    if written.picture is not None:
        changed = await library.redraw(visitor, found, await fetched(interaction, written.picture))
    else:
        changed = await library.rewrite(visitor, found, written.fields(found))
    await tell_changed(interaction, found, changed, _left_out(found, written))


async def _require_writing(interaction: discord.Interaction[Bot]) -> None:
    guard = interaction.client.services.guard
    await guard.check("persona create", interaction.user, interaction.guild_id, interaction.channel)


def _left_out(found: FoundPersona, written: Written) -> str:
    """What a form could not hold, as a line behind others."""
    names = ", ".join(f"`{name}`" for name in too_long(found, written.part))
    if not names:
        return ""
    return f"\n-# Too long for a form: {names}. Export the card, change it, and give it as `file`."
