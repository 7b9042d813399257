"""Scenes: `/scene start`, `end` and `settings`."""

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from chat.channel_settings import ChannelSettings
from chat.errors import NothingThereError
from chat.notes import HeldNote, Notes
from chat.persona import Persona
from chat.persona_library import LONGEST_TYPED, FoundPersona
from chat.preferences import Place
from chat.sampling import SamplingSettings
from chat.scenes import Scene, Scenes
from cogs._bot import Bot, tell
from cogs._filtering import givable
from cogs._outlets import InteractionOutlet
from cogs._persona_cards import title_of
from cogs._persona_controls import persona_choices, visitor_of
from cogs._places import conversation_of, is_age_restricted, place_of, scopes_of, source_words
from cogs._posts import quietly
from cogs._scene_threads import LONGEST_TITLE, home_around, open_thread, require_rights, title_for
from cogs._screen import ReplyScreen
from cogs._words import plain
from cogs.channel import VALUE_WORDS
from cogs.sampling import sampling_value
from storage import ConversationKey, Resolved, Setting

LISTENS = "I answer everything that is said here; what you write in `((double brackets))` stays between you."
IS_CALLED = "Mention me, reply to me with the ping on, or use `/chat`."
LOCKED = "This thread is archived and locked; moderators can open it again."
ARCHIVED = "This thread is archived. I may not lock it (Manage Threads), so whoever writes here opens it again."
RECAP_TITLE = "**What happened**\n"
NO_RECAP = "The scene goes on, because there is no recap. `/scene end` ends it without one."
STAYS_OPEN = "-# I could not archive this thread: I lack Manage Threads."
LONGEST_ANSWER = 2000  # characters, of which long stop texts may take many
CHANNEL_SETTINGS = ("trigger", "history_scope", "swipe_rights", "reply_style")

Line = tuple[str, str, Setting | HeldNote]  # a setting's name, what it is in words, and where that comes from


class SceneCommands(
    commands.GroupCog, group_name="scene", group_description="Threads of their own in which a character plays"
):
    """The scenes of a server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        services, settings = bot.services, bot.services.storage.settings
        channels = ChannelSettings(settings, services.context)
        history = services.storage.history
        self._scenes = Scenes(settings, channels, services.personas, history, services.conversations)
        self._sampling = SamplingSettings(settings, services.context)
        self._notes = Notes(settings, services.context)

    @app_commands.command(description="Open a thread in which a character plays; it belongs to you")
    @app_commands.describe(
        persona="The character: one of this server, or your own",
        title="What the thread is called; else the character's name",
        forum="A forum to open a post in, instead of a thread here",
    )
    async def start(
        self,
        interaction: discord.Interaction[Bot],
        persona: app_commands.Range[str, 1, LONGEST_TYPED],
        title: app_commands.Range[str, 1, LONGEST_TITLE] | None = None,
        forum: discord.ForumChannel | None = None,
    ) -> None:
        """Open it, tell where it is, and post the greeting in it."""
        if interaction.guild_id is None:
            raise app_commands.NoPrivateMessage
        home = home_around(interaction.channel, forum)
        visitor = replace(await visitor_of(interaction), age_restricted=is_age_restricted(home))
        found = await self.bot.services.personas.open(visitor, persona)
        require_rights(home, interaction.user)
        found = await self.bot.services.personas.as_shown(place_of(interaction), found)
        title = await givable(interaction, title)
        await interaction.response.defer(thinking=True)  # Discord may let us wait for the thread
        thread = await open_thread(home, title_for(title, found.outline.name), self._opening(found, interaction.user))
        await quietly(thread.add_user(interaction.user))
        place = Place(interaction.guild_id, scopes_of(thread, interaction.guild_id))
        key = ConversationKey(interaction.guild_id, thread.id)
        at = interaction.created_at.timestamp()
        name = interaction.user.display_name
        bound = await self._scenes.start(place, key, found, interaction.user.id, name, at=at)
        await interaction.edit_original_response(content=f"**{title_of(found)}** plays in {thread.mention}.")
        if bound.greeting_id is not None:
            await self.bot.replies.greet_in(thread, bound.greeting_id)

    @start.autocomplete("persona")
    async def choose(self, interaction: discord.Interaction[Bot], typed: str) -> list[app_commands.Choice[str]]:
        """The characters that have in their names what is typed."""
        return await persona_choices(interaction, typed)

    @app_commands.command(description="End the scene of this thread, which is then closed")
    @app_commands.describe(recap="Let the model write first what happened")
    async def end(self, interaction: discord.Interaction[Bot], recap: bool = False) -> None:
        """Say that it is over, and close the thread."""
        thread, _ = await self._scene_of(interaction, "scene end")
        place, key = place_of(interaction), await conversation_of(interaction)
        persona = await self._speaking(place, thread) if recap else None
        if recap and await self.bot.services.storage.history.head(key) is None:
            raise NothingThereError("scene recap")
        await interaction.response.defer(thinking=True)
        await self._scenes.hush(place)  # else a reply that is being written could not be ended in a closed thread
        if recap:
            screen = ReplyScreen(InteractionOutlet(interaction, private=False), self.bot.pace, header=RECAP_TITLE)
            claim_id, user_id = interaction.id, interaction.user.id
            if not await self._scenes.recap(place, key, claim_id, user_id, screen, persona=persona):
                await tell(interaction, NO_RECAP)
                return
        await self._scenes.end(place, interaction.user.id, at=interaction.created_at.timestamp())
        await self._close(interaction, thread, told=recap)

    async def _close(self, interaction: discord.Interaction[Bot], thread: discord.Thread, *, told: bool) -> None:
        """Say that it is over, which nobody can in a closed thread, and then close it. `told`: there is a recap."""
        may_lock = interaction.app_permissions.manage_threads
        words = f"**The scene is over.** What was said is kept.\n-# {LOCKED if may_lock else ARCHIVED}"
        if told:
            await interaction.followup.send(words)
        else:
            await interaction.edit_original_response(content=words)
        try:
            await (thread.edit(archived=True, locked=True) if may_lock else thread.edit(archived=True))
        except discord.Forbidden:
            await tell(interaction, STAYS_OPEN)

    async def _speaking(self, place: Place, thread: discord.Thread) -> Persona | None:
        """Who plays. Raises `AdultPersonaError`."""
        casts = self.bot.services.casts
        return casts.again(await casts.here(place.guild_id, place.scopes, age_restricted=is_age_restricted(thread)))

    @app_commands.command(description="What holds in the scene of this thread, and where each setting comes from")
    async def settings(self, interaction: discord.Interaction[Bot]) -> None:
        """List it privately."""
        _, scene = await self._scene_of(interaction, "scene settings")
        place = place_of(interaction)
        preferences = await self.bot.services.context.preferences(place.guild_id, place.scopes)
        lines = [*await self._cast_lines(place, preferences), *await self._sampling_lines(place)]
        lines += [
            (name, f"**{preferences[name].value}** ({VALUE_WORDS[name][preferences[name].value]})", preferences[name])
            for name in CHANNEL_SETTINGS
        ]
        if (note := await self._notes.holding(place)) is not None:
            lines.append(("note", "is set; `/note show` shows it", note))
        listed = [f"`{name}` {value} · {source_words(held.source, interaction)}" for name, value, held in lines]
        await tell(interaction, "\n".join([_belongs_to(scene), *listed])[:LONGEST_ANSWER])

    async def _cast_lines(self, place: Place, preferences: Resolved) -> list[Line]:
        services = self.bot.services
        cast = await services.casts.here(place.guild_id, place.scopes, age_restricted=True)  # they are only named
        names = ", ".join(f"**{plain(persona.name)}**" for persona in cast.personas)
        model = services.catalogue.choose(preferences["model"].value)
        return [
            ("persona", names or "**none**", preferences["persona"]),
            ("model", f"`{model}`", preferences["model"]),
        ]

    async def _sampling_lines(self, place: Place) -> list[Line]:
        holding = await self._sampling.show(place)
        return [(name, sampling_value(setting.value), setting) for name, setting in holding.items()]

    async def _scene_of(self, interaction: discord.Interaction[Bot], action: str) -> tuple[discord.Thread, Scene]:
        """The scene of the thread where somebody is. Raises `NothingThereError`."""
        if interaction.guild_id is None:
            raise app_commands.NoPrivateMessage
        thread = interaction.channel
        scene = await self._scenes.at(place_of(interaction)) if isinstance(thread, discord.Thread) else None
        if scene is None or not isinstance(thread, discord.Thread):
            raise NothingThereError(action)
        return thread, scene

    def _opening(self, found: FoundPersona, user: discord.abc.User) -> str:
        heard = LISTENS if self.bot.intents.message_content else IS_CALLED
        return f"-# A scene with **{title_of(found)}**, started by {user.mention}. {heard}"


def _belongs_to(scene: Scene) -> str:
    over = "" if scene.ended is None else f" It is over since <t:{int(scene.ended)}:f>."
    return f"This scene belongs to <@{scene.owner_id}>, who started it <t:{int(scene.started)}:f>.{over}"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(SceneCommands(bot))
