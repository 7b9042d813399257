"""Reads the words of Discord's own filter, where the bot may."""

from collections.abc import Sequence

import aiohttp
import discord

from cogs._bot import Bot
from moderation.server_rules import ServerRule


async def read_server_rules(bot: Bot, guild_id: int) -> Sequence[ServerRule] | None:
    """The rules of AutoMod that name words and are switched on; None if the bot may not see them."""
    guild = bot.get_guild(guild_id)
    if guild is None or guild.me is None or not guild.me.guild_permissions.manage_guild:
        return None
    try:
        rules = await guild.fetch_automod_rules()
    except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError):
        return None
    return [
        _read(rule) for rule in rules if rule.enabled and rule.trigger.type is discord.AutoModRuleTriggerType.keyword
    ]


def _read(rule: discord.AutoModRule) -> ServerRule:
    trigger = rule.trigger
    return ServerRule(
        tuple(trigger.keyword_filter),
        tuple(trigger.regex_patterns),
        tuple(trigger.allow_list),
        frozenset(rule.exempt_channel_ids),
        any(action.type is discord.AutoModRuleActionType.block_message for action in rule.actions),
    )
