"""API keys of a server: `/apikey set`, `lend`, `remove` and `show`. Never is a key in an option, an answer or a log."""

import contextlib
from collections.abc import Sequence
from typing import Any, Final, Literal

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from chat.errors import NoSuchKeyError
from chat.keyring import KeyStanding, KeyTrouble
from cogs._bot import Bot, tell
from cogs._errors import explain
from cogs._form_fields import texts_of
from cogs._guard import whole_server
from cogs._key_form import FORM_ID, KEY, MEANING, KeyForm
from cogs._lists import listed
from cogs._posts import WRITE_PROBLEMS
from moderation.access import RefusedError
from moderation.server_setup import LOG_CHANNEL
from storage import Scope

KEPT: Final = {
    "set": "The key works. From now on it answers on this server, in place of the keys of whoever runs me.",
    "lend": "Thank you, the key works. From now on it answers on this server, and your questions go first on it.",
}
REMOVED: Final = "The key is gone. What it answers right now is finished, and nothing more is begun with it."
STATES: Final = {
    "accepted": "accepted",
    "refused": "the service refuses it",
    "sealed": "it does not open any more; it has to be entered anew",
}
TROUBLES: Final = {  # whether it is lent, and whether it does not open
    (False, False): (
        "⚠️ The service does not accept this server's own API key any more. Until it does again, the keys of whoever "
        "runs me answer here. `/apikey set` enters another."
    ),
    (False, True): (
        "⚠️ This server's own API key does not open any more, because `SECRET_KEY` was changed. Until it is entered "
        "anew with `/apikey set`, the keys of whoever runs me answer here."
    ),
    (True, False): (
        "⚠️ The service does not accept the API key that you lent to **{guild}** any more. `/apikey lend` there enters "
        "another, `/apikey remove` takes it back."
    ),
    (True, True): (
        "⚠️ The API key that you lent to **{guild}** does not open any more, because `SECRET_KEY` was changed, so it is "
        "not used. `/apikey lend` there enters it anew."
    ),
}


@app_commands.guild_only()
class ApiKeyCommands(
    commands.GroupCog,
    group_name="apikey",
    group_description="The API keys that answer here: this server's own, and those that members lend",
):
    """The keys of servers."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._keyring = bot.services.keyring
        self._keyring.on_trouble = self._in_trouble
        self._keyring.is_member = self._is_member

    @app_commands.command(name="set", description="Give this server an API key of its own, entered in a form")
    async def set_key(self, interaction: discord.Interaction[Bot]) -> None:
        """Open the form, if a key can be kept at all."""
        await whole_server(interaction, "apikey set")
        await self._open_form(interaction, "set")

    @app_commands.command(
        description="Lend your API key to this server, entered in a form; your questions go first on it"
    )
    async def lend(self, interaction: discord.Interaction[Bot]) -> None:
        """Open the form, if a key can be kept at all."""
        await self._open_form(interaction, "lend")

    @app_commands.command(description="Take back the API key that you lend here; for the staff also others")
    @app_commands.describe(key="Which key; yours if you leave it out", member="Whose lent key, for moderators")
    async def remove(
        self,
        interaction: discord.Interaction[Bot],
        key: Literal["mine", "server"] = "mine",
        member: discord.User | None = None,
    ) -> None:
        """Forget a key."""
        guild_id, lender_id = _guild_id(interaction), interaction.user.id
        whose: Literal["mine", "member", "server"] = key
        if key == "server":
            await whole_server(interaction, "apikey remove")
        elif member is not None and member.id != lender_id:
            await whole_server(interaction, "apikey remove lent")
            whose, lender_id = "member", member.id
        owner = None if key == "server" else lender_id
        if not await self._keyring.remove(guild_id, owner, interaction.user.id):
            raise NoSuchKeyError(whose)
        await tell(interaction, REMOVED)

    @app_commands.command(description="Whose API keys answer here, since when, and whether they work")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """Show moderators all keys, and members their own; of none a single character."""
        standings = await self._keyring.standings(_guild_id(interaction))
        try:
            await whole_server(interaction, "apikey show")
            shown = standings
        except RefusedError:
            shown = [standing for standing in standings if standing.lender_id in {None, interaction.user.id}]
        await tell(interaction, _overview(standings, shown))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Bot]) -> None:
        """A form comes back. discord.py knows those only that this process has opened, so it is read here."""
        data: Any = interaction.data or {}
        form, _, verb = str(data.get("custom_id", "")).partition(":")
        if interaction.type is not discord.InteractionType.modal_submit or form != FORM_ID or verb not in MEANING:
            return
        try:
            await self._submitted(interaction, verb)
        except Exception as error:  # noqa: BLE001  # the last place before discord.py would only log it
            await tell(interaction, explain(error).text)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """What is kept of a server that was left goes some day; its keys are not used from memory after that."""
        await self._keyring.forget(guild.id)

    async def _open_form(self, interaction: discord.Interaction[Bot], verb: str) -> None:
        self._keyring.require_sealing()
        await interaction.response.send_modal(KeyForm(verb))

    async def _submitted(self, interaction: discord.Interaction[Bot], verb: str) -> None:
        action = f"apikey {verb}"
        await self.bot.services.guard.check(action, interaction.user, interaction.guild_id, interaction.channel)
        guild_id = await whole_server(interaction, action) if verb == "set" else _guild_id(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        lender_id = interaction.user.id if verb == "lend" else None
        await self._keyring.keep(guild_id, lender_id, texts_of(interaction).get(KEY, ""), interaction.user.id)
        await tell(interaction, KEPT[verb])

    # --- what the keyring asks and tells

    async def _is_member(self, guild_id: int, user_id: int) -> bool:
        """Whether somebody is still there; who cannot be asked about is."""
        members = self.bot.services.guard.members
        with contextlib.suppress(discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError):
            return members is None or await members.roles(guild_id, user_id, anew=True) is not None
        return True

    def _in_trouble(self, trouble: KeyTrouble) -> None:
        self.bot.begin_chore(self._tell_of(trouble))

    async def _tell_of(self, trouble: KeyTrouble) -> None:
        """A lender hears it in person; of the server's own key its moderators' channel hears, or else its owner."""
        guild = self.bot.get_guild(trouble.guild_id)
        if guild is None:
            return
        lent = trouble.lender_id is not None
        text = TROUBLES[lent, trouble.sealed].format(guild=discord.utils.escape_markdown(guild.name))
        with contextlib.suppress(*WRITE_PROBLEMS):
            channel = None if lent else await self._moderators_channel(guild)
            if channel is None:
                channel = await self.bot.fetch_user(trouble.lender_id or guild.owner_id or 0)
            await channel.send(text)

    async def _moderators_channel(self, guild: discord.Guild) -> Any:
        settings = self.bot.services.storage.settings
        found = await settings.resolve(guild.id, [Scope("guild", guild.id)], {LOG_CHANNEL: None})
        return guild.get_channel_or_thread(found[LOG_CHANNEL].value or 0)


def _guild_id(interaction: discord.Interaction[Any]) -> int:
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    return interaction.guild_id


def _overview(standings: Sequence[KeyStanding], shown: Sequence[KeyStanding]) -> str:
    """The keys that one may see, and how many there are."""
    lines = [f"- {_owner(standing)}, since <t:{int(standing.since.timestamp())}:D>: {STATES[standing.state]}"
             for standing in shown]  # fmt: skip
    has_own = any(standing.lender_id is None for standing in standings)
    lent = sum(standing.lender_id is not None for standing in standings)
    if not has_own:
        lines.insert(0, "- This server has no key of its own: the keys of whoever runs me answer here.")
    count = f"- {lent} {'member lends a key' if lent == 1 else 'members lend a key'}."
    return "\n".join(["**API keys of this server**", *([listed(lines)] if lines else []), count])


def _owner(standing: KeyStanding) -> str:
    return "This server's own" if standing.lender_id is None else f"Lent by <@{standing.lender_id}>"


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(ApiKeyCommands(bot))
