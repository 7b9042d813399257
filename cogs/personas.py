"""Characters: all of `/persona`, and "Import as persona"."""

import io
import re

import discord
from discord import app_commands
from discord.ext import commands

from chat.casts import MOST_TURNS
from chat.channel_settings import DEFAULT
from chat.errors import CardError, NothingThereError, NothingToSetError
from chat.persona_library import KEPT_DRAFTS, LONGEST_TYPED, FileKind, FoundPersona
from chat.preferences import Place
from chat.presets import MAX_NAME_CHARACTERS
from chat.sampling import SamplingSettings
from cogs import _persona_casts
from cogs._bot import Bot, tell
from cogs._controls import view_of
from cogs._deeds import note_persona
from cogs._errors import explain
from cogs._lists import listed
from cogs._persona_cards import card_of, list_line, title_of
from cogs._persona_casts import ORDER_WORDS
from cogs._persona_controls import (
    CAN_BE_REDONE,
    PERSONA_CONTROLS,
    ShareControl,
    changeable,
    estimate_of,
    persona_choices,
    sharable,
    show_draft,
    tell_changed,
    visitor_of,
)
from cogs._persona_forms import PART_NAMES, Part, PersonaForm, Written
from cogs._persona_writing import fetched, form_came_back, mark, replace_by, words_of
from cogs._places import place_of
from cogs.talk import model_choices
from storage import Scope

CARD_ENDINGS = (".png", ".apng", ".json", ".charx", ".jpg", ".jpeg")  # a CHARX file may stand behind a JPEG
NO_CARDS = frozenset({"no card", "format", "card", "json"})  # what is wrong with files that are something else
PersonaName = app_commands.Range[str, 1, LONGEST_TYPED]


class PersonaCommands(commands.GroupCog, group_name="persona", group_description="Characters to talk with"):
    """The characters of a server and of its members."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.library = bot.services.personas
        self._menu = app_commands.ContextMenu(name="Import as persona", callback=self.import_message)

    async def cog_load(self) -> None:
        """Put the entry into the menu of messages."""
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take it out again."""
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    # --- taking in

    @app_commands.command(name="import", description="Look at a character card, and take it in")
    @app_commands.describe(file="A card as PNG, APNG, JSON or CHARX, up to 10 MiB")
    async def import_file(self, interaction: discord.Interaction[Bot], file: discord.Attachment) -> None:
        """Show what is in the file; buttons decide."""
        await self._look_at(interaction, file)

    async def import_message(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Show the cards among a message's files."""
        author_id = message.author.id
        theirs = author_id != interaction.user.id
        if theirs and self.bot.services.storage.opt_outs.holds(interaction.guild_id, author_id):
            raise NothingThereError("import as persona")
        forwarded = [file for snapshot in message.message_snapshots for file in snapshot.attachments]
        files = [file for file in (*message.attachments, *forwarded) if file.filename.lower().endswith(CARD_ENDINGS)]
        if not files:
            raise NothingThereError("import as persona")
        await self._look_at(interaction, *files)

    async def _look_at(self, interaction: discord.Interaction[Bot], *files: discord.Attachment) -> None:
        """Show as many cards as one person may be looking at; files that are none matter only if all are."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        visitor = await visitor_of(interaction)
        shown, refusals = 0, list[CardError]()
        for file in files:
            try:
                found = await self.library.look_at(visitor, await fetched(interaction, file))
            except CardError as error:
                refusals.append(error)
                continue
            await show_draft(interaction, found)
            shown += 1
            if shown == KEPT_DRAFTS:
                return
        if not shown:
            raise min(refusals, key=lambda error: error.fault in NO_CARDS)

    # --- writing

    @app_commands.command(description="Write a character in a form, and look at it before it is taken in")
    async def create(self, interaction: discord.Interaction[Bot]) -> None:
        """Open an empty form."""
        await self.library.require_own(await visitor_of(interaction))
        await interaction.response.send_modal(PersonaForm("new"))

    @app_commands.command(description="Change a character in a form, or by a file; /persona undo goes back")
    @app_commands.describe(
        name="The character",
        part="What of it",
        file="A card that it shall be from now on",
        adult="Whether it is for adults, whatever its tags say; that it is not is for moderators to say",
    )
    @app_commands.choices(
        part=[app_commands.Choice(name=words, value=part) for part, words in PART_NAMES.items()],
    )
    async def edit(
        self,
        interaction: discord.Interaction[Bot],
        name: PersonaName,
        part: Part = "character",
        file: discord.Attachment | None = None,
        adult: bool | None = None,
    ) -> None:
        """Open a form with what the character is, or take a file or a mark."""
        visitor, found = await changeable(interaction, name, "persona edit")
        if adult is not None and file is None:
            await mark(interaction, visitor, found, adult=adult)
            return
        if file is not None:
            await replace_by(interaction, visitor, found, file, adult=adult)
            return
        form = PersonaForm(part, found)
        if not form.children:
            raise NothingThereError("persona edit")
        await interaction.response.send_modal(form)

    @app_commands.command(description="Go back to what a character was before it was changed last")
    @app_commands.describe(name="The character")
    async def undo(self, interaction: discord.Interaction[Bot], name: PersonaName) -> None:
        """The newest version is kept, too."""
        visitor, found = await changeable(interaction, name, "persona undo")
        await interaction.response.defer(ephemeral=True, thinking=True)
        await tell_changed(
            interaction, found, await self.library.undo(visitor, found), CAN_BE_REDONE, can_be_undone=False
        )

    @app_commands.command(description="Take the last /persona undo of a character back")
    @app_commands.describe(name="The character")
    async def redo(self, interaction: discord.Interaction[Bot], name: PersonaName) -> None:
        """What was changed since cannot be undone that way."""
        visitor, found = await changeable(interaction, name, "persona redo")
        await interaction.response.defer(ephemeral=True, thinking=True)
        await tell_changed(interaction, found, await self.library.redo(visitor, found))

    @app_commands.command(description="Let a character bring its own model and sampling to where it speaks")
    @app_commands.describe(
        name="The character",
        model="Its model; `default` for the channel's",
        preset="A preset of /sampling save; `default` for the channel's sampling",
    )
    async def bring(
        self,
        interaction: discord.Interaction[Bot],
        name: PersonaName,
        model: app_commands.Range[str, 1, 100] | None = None,
        preset: app_commands.Range[str, 1, MAX_NAME_CHARACTERS] | None = None,
    ) -> None:
        """Set them for the character; what is set for a channel or thread itself is stronger."""
        _, found = await changeable(interaction, name, "persona bring")
        if model is None and preset is None:
            raise NothingToSetError
        await interaction.response.defer(ephemeral=True, thinking=True)
        here = place_of(interaction)
        place = Place(here.guild_id, (Scope("persona", found.outline.id), *here.scopes))
        lines = [f"**{title_of(found)}** brings from now on:"]
        if model is not None:
            lines.append(f"- model: {await self._bring_model(place, model, interaction.user.id)}")
        if preset is not None:
            lines.append(f"- sampling: {await self._bring_sampling(place, preset, interaction.user.id)}")
        await tell(interaction, "\n".join([*lines, "-# What is set for a channel or thread itself is stronger."]))

    async def _bring_model(self, place: Place, typed: str, user_id: int) -> str:
        services = self.bot.services
        if typed.strip().casefold() == DEFAULT:
            await services.storage.settings.clear(place.guild_id, place.here, "model", user_id)
            return "that of the channel"
        model = await services.catalogue.find(typed)
        await services.storage.settings.put(place.guild_id, place.here, "model", model, user_id)
        return f"`{model}`"

    async def _bring_sampling(self, place: Place, typed: str, user_id: int) -> str:
        sampling = SamplingSettings(self.bot.services.storage.settings, self.bot.services.context)
        if typed.strip().casefold() == DEFAULT:
            await sampling.apply(place, {}, user_id)
            return "that of the channel"
        preset, _ = await sampling.load(place, typed, user_id)
        return f"the preset `{preset}`"

    @bring.autocomplete("model")
    async def choose_model(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """Models whose names match what is typed."""
        return model_choices(interaction, typed)

    @bring.autocomplete("preset")
    async def choose_preset(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The server's presets that have in their names what is typed."""
        sampling = SamplingSettings(self.bot.services.storage.settings, self.bot.services.context)
        names = await sampling.presets(place_of(interaction))
        found = [name for name in names if typed.casefold().strip() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:25]]

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Bot]) -> None:
        """A form comes back. discord.py knows those only that this process has opened, so it is read here."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        written = Written.read(interaction)
        if written is None:
            return
        try:
            await form_came_back(interaction, written)
            self.bot.dispatch("deed", interaction)
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would only log it
            await tell(interaction, explain(error).text, file=words_of(written))

    # --- looking

    @app_commands.command(name="list", description="The characters that you can talk with here")
    async def list_all(self, interaction: discord.Interaction[Bot]) -> None:
        """List them privately."""
        visitor = await visitor_of(interaction)
        seen = await self.library.all(visitor)
        if not seen:
            await tell(interaction, "There are no characters here yet. `/persona import` takes a card in.")
            return
        company = await self.bot.talking.casting.company(interaction.guild_id, interaction.channel)
        speak = {persona.id for persona in company.personas}
        lines = [
            list_line(outline, own=outline.owner_id == visitor.user_id, speaks=outline.id in speak) for outline in seen
        ]
        own = sum(outline.kind == "own" and outline.owner_id == visitor.user_id for outline in seen)
        most = max(own, await self.library.own_most(visitor))
        shown = listed(lines, more=". Type a part of the name in `/persona show`.")
        await tell(interaction, shown + (f"\n-# {own} of your {most} own." if own else ""))

    @app_commands.command(description="A character's card")
    @app_commands.describe(name="The character")
    async def show(self, interaction: discord.Interaction[Bot], name: PersonaName) -> None:
        """Show it privately."""
        visitor = await visitor_of(interaction)
        found = await self.library.open(visitor, name)
        await interaction.response.defer(ephemeral=True, thinking=True)
        embed, picture = await card_of(found, await estimate_of(interaction))
        buttons = [ShareControl(found.outline.id)] if sharable(interaction, visitor, found) else []
        files = [picture] if picture else []
        await interaction.followup.send(embed=embed, files=files, view=view_of(*buttons), ephemeral=True)

    @app_commands.command(description="A character as a file that SillyTavern reads")
    @app_commands.describe(name="The character", kind="A picture that holds the card, or its text alone")
    @app_commands.rename(kind="format")
    @app_commands.choices(
        kind=[app_commands.Choice(name="PNG", value="png"), app_commands.Choice(name="JSON", value="json")]
    )
    async def export(self, interaction: discord.Interaction[Bot], name: PersonaName, kind: FileKind = "png") -> None:
        """Answer with the file."""
        found = await self.library.open(await visitor_of(interaction), name)
        await interaction.response.defer(ephemeral=True, thinking=True)
        content = await self.library.file(found, kind)
        if len(content) > interaction.filesize_limit:
            raise CardError("long")
        file = discord.File(io.BytesIO(content), f"{_file_name(found)}.{kind}")
        await interaction.followup.send("-# Here it is.", file=file, ephemeral=True)

    @app_commands.command(description="Delete a character for good")
    @app_commands.describe(name="The character; what it said stays")
    async def delete(self, interaction: discord.Interaction[Bot], name: PersonaName) -> None:
        """Forget it."""
        visitor = await visitor_of(interaction)
        found = await self.library.find(visitor, name)
        owners = {found.outline.owner_id} if found.outline.kind == "own" else frozenset[int]()
        await self.bot.services.guard.check_own("persona delete", owners, interaction)
        note_persona(interaction, found, None)
        await self.library.delete(visitor, found)
        await tell(interaction, f"**{title_of(found)}** is deleted.")

    # --- speaking

    @app_commands.command(description="Let a character speak in this channel or thread, from its greeting on")
    @app_commands.describe(name="The character", beside="Beside those who speak here; the conversation goes on")
    async def use(self, interaction: discord.Interaction[Bot], name: PersonaName, beside: bool = False) -> None:
        """Bind it, tell everyone, and post the greeting."""
        found = await self.library.open(await visitor_of(interaction), name)
        found = await self.library.as_shown(place_of(interaction), found)
        await (_persona_casts.use_beside if beside else _persona_casts.use)(interaction, found)

    @app_commands.command(description="Let no character, or one of several no longer, speak in this channel or thread")
    @app_commands.describe(name="One of several; else all of them")
    async def clear(self, interaction: discord.Interaction[Bot], name: PersonaName | None = None) -> None:
        """Unbind them, and tell everyone who answers now."""
        await _persona_casts.clear(interaction, name)

    @app_commands.command(description="Who of several characters answers, and whether they answer each other")
    @app_commands.describe(
        order="Who answers, where nobody is named",
        among_themselves="How often characters answer each other after something people said; 0 for never",
    )
    @app_commands.choices(
        order=[app_commands.Choice(name=f"{order}: {words}", value=order) for order, words in ORDER_WORDS.items()]
        + [app_commands.Choice(name="default: what holds elsewhere", value=DEFAULT)]
    )
    async def turns(
        self,
        interaction: discord.Interaction[Bot],
        order: str | None = None,
        among_themselves: app_commands.Range[int, 0, MOST_TURNS] | None = None,
    ) -> None:
        """Keep what was chosen, for all to see; else tell what holds."""
        await _persona_casts.arrange(interaction, order, among_themselves)

    @clear.autocomplete("name")
    async def choose_speaker(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """Those who speak here and have in their names what is typed."""
        company = await self.bot.talking.casting.company(interaction.guild_id, interaction.channel)
        found = [persona for persona in company.personas if typed.casefold().strip() in persona.name.casefold()]
        return [app_commands.Choice(name=persona.name, value=str(persona.id)) for persona in found]

    @show.autocomplete("name")
    @export.autocomplete("name")
    @edit.autocomplete("name")
    @bring.autocomplete("name")
    @undo.autocomplete("name")
    @redo.autocomplete("name")
    @delete.autocomplete("name")
    @use.autocomplete("name")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The characters that have in their names what is typed."""
        return await persona_choices(interaction, typed)


def _file_name(found: FoundPersona) -> str:
    return re.sub(r"[^\w-]+", "-", found.outline.name, flags=re.ASCII).strip("-") or "character"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(*PERSONA_CONTROLS)
    await bot.add_cog(PersonaCommands(bot))
