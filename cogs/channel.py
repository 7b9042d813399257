"""How the bot behaves in a channel: `/channel show` and `set`."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from chat.channel_settings import DEFAULT, MAX_KEYWORD_CHARACTERS, MAX_KEYWORDS, ChannelSettings
from cogs._bot import Bot, tell
from cogs._persona_casts import cast_lines, speaker_line
from cogs._places import SOURCE_WORDS, place_of, source_words
from storage import Scope, Setting

VALUE_WORDS = {
    "trigger": {
        "mention": "mentions and replies with a ping",
        "always": "every message",
        "keywords": "the keywords, and mentions",
        "off": "commands only",
    },
    "history_scope": {"channel": "one conversation for all", "user": "everyone has a conversation of their own"},
    "swipe_rights": {
        "asker": "whoever asked, and moderators",
        "anyone": "everyone",
        "moderators": "moderators only",
    },
    "reply_style": {"plain": "plain text", "embed": "in a coloured frame"},
}
NEEDS_THE_INTENT = (
    "-# ⚠️ I cannot read messages here that do not mention me, so `{trigger}` works like `mention`. Whoever runs me can "
    "change that in Discord's developer portal: the Message Content intent."
)
NEEDS_KEYWORDS = "-# ⚠️ There are no keywords yet. Until you set some, I answer mentions alone."
NEEDS_EMBED_LINKS = "-# ⚠️ I lack the permission Embed Links here, so my replies stay plain."


def _choices(name: str) -> list[app_commands.Choice[str]]:
    choices = [app_commands.Choice(name=f"{value}: {words}", value=value) for value, words in VALUE_WORDS[name].items()]
    return [*choices, app_commands.Choice(name="default: what holds elsewhere", value=DEFAULT)]


class ChannelCommands(
    commands.GroupCog, group_name="channel", group_description="When and how I answer in this channel"
):
    """The settings of a channel or thread, and those of a whole server."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        services = bot.services
        self._settings = ChannelSettings(services.storage.settings, services.context)

    @app_commands.command(description="When and how I answer here, and where each setting comes from")
    async def show(self, interaction: discord.Interaction[Bot]) -> None:
        """List the settings privately."""
        holding = await self._settings.show(place_of(interaction))
        lines = [
            f"`{name}` {_shown(name, setting.value)} · {source_words(setting.source, interaction)}"
            for name, setting in holding.items()
        ]
        lines += [await speaker_line(interaction), *await cast_lines(interaction)]
        await tell(interaction, "\n".join([*lines, *_problems(interaction, holding)]))

    @app_commands.command(name="set", description="Change when and how I answer here")
    @app_commands.describe(
        trigger="What I answer to",
        keywords=f"Up to {MAX_KEYWORDS} words that call me, with commas between",
        history_scope="Whether everyone here shares one conversation",
        swipe_rights="Who may swipe, regenerate and edit my replies",
        retention="After how many days I forget messages; off to keep them",
        reply_style="How my replies look",
        where="Where it is to hold; the whole server is for moderators of the server",
    )
    @app_commands.choices(
        trigger=_choices("trigger"),
        history_scope=_choices("history_scope"),
        swipe_rights=_choices("swipe_rights"),
        reply_style=_choices("reply_style"),
        where=[
            app_commands.Choice(name="this channel or thread", value="here"),
            app_commands.Choice(name="the whole server", value="server"),
        ],
    )
    async def set_options(
        self,
        interaction: discord.Interaction[Bot],
        trigger: str | None = None,
        keywords: app_commands.Range[str, 1, MAX_KEYWORDS * (MAX_KEYWORD_CHARACTERS + 2)] | None = None,
        history_scope: str | None = None,
        swipe_rights: str | None = None,
        retention: app_commands.Range[str, 1, 20] | None = None,
        reply_style: str | None = None,
        where: str = "here",
    ) -> None:
        """Keep what was chosen, for all to see."""
        place = place_of(interaction)
        if where == "server":
            await interaction.client.services.guard.check_everywhere("channel set server", interaction)
        scope = place.whole if where == "server" else place.here
        chosen = {
            "trigger": trigger,
            "keywords": keywords,
            "history_scope": history_scope,
            "swipe_rights": swipe_rights,
            "retention": retention,
            "reply_style": reply_style,
        }
        typed = {name: value.strip() for name, value in chosen.items() if value is not None}
        asked_at = interaction.created_at.timestamp()
        holding = await self._settings.set(place, scope, typed, interaction.user.id, asked_at)
        changed = {name: holding[name] for name in typed}
        lines = [f"From now on in {SOURCE_WORDS[scope.kind]}:"]
        lines += [_change(name, setting, scope, typed[name], interaction) for name, setting in changed.items()]
        await interaction.response.send_message("\n".join([*lines, *_problems(interaction, holding, of=changed)]))


def _change(name: str, setting: Setting, scope: Scope, typed: str, interaction: discord.Interaction[Bot]) -> str:
    """What a setting is now, and where from, if that is not where it was set."""
    shown = f"`{name}` {_shown(name, setting.value)}"
    if setting.source == scope:
        return shown
    source = source_words(setting.source, interaction)
    if typed.casefold() == DEFAULT:
        return f"{shown} again, set by {source}"
    return f"`{name}` `{typed.replace('`', chr(39))}`, but not here: {_shown(name, setting.value)} is set by {source}"


def _shown(name: str, value: Any) -> str:
    if name == "keywords":
        return ", ".join(f"`{keyword.replace('`', chr(39))}`" for keyword in value) or "**none**"
    if name == "retention":
        if value is None:
            return "**off** (messages are kept until somebody deletes them)"
        return f"**{value:,} {'day' if value == 1 else 'days'}** (what is older is forgotten)"
    return f"**{value}** ({VALUE_WORDS[name][value]})"


def _problems(
    interaction: discord.Interaction[Bot], holding: dict[str, Setting], of: dict[str, Setting] | None = None
) -> list[str]:
    """Why something that holds cannot work, among the settings that this is about."""
    about = holding if of is None else of
    trigger = holding["trigger"].value if "trigger" in holding else None
    problems = []
    if trigger in {"always", "keywords"} and not about.keys().isdisjoint({"trigger", "keywords"}):
        if not interaction.client.intents.message_content:
            problems.append(NEEDS_THE_INTENT.format(trigger=trigger))
        elif trigger == "keywords" and not holding["keywords"].value:
            problems.append(NEEDS_KEYWORDS)
    embedded = "reply_style" in about and holding["reply_style"].value == "embed"
    if embedded and not interaction.app_permissions.embed_links:
        problems.append(NEEDS_EMBED_LINKS)
    return problems


async def setup(bot: Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(ChannelCommands(bot))
