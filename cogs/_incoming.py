"""Messages as the model reads them: mentions as names, other people's attachments in words."""

import re
from collections.abc import Callable

import discord

from chat.asides import without_asides
from chat.attachments import named
from cogs._attachments import offered
from storage import Quote

MENTION = re.compile(r"<(?:@!?(?P<user>\d+)|@&(?P<role>\d+)|#(?P<channel>\d+)|a?:(?P<emoji>\w+):\d+)>")
QUOTED_CHARACTERS = 1500


def question_text(message: discord.Message, bot_id: int) -> str:
    """What a person said to the bot: others by their names, without its own mention and remarks out of character."""
    return without_asides(readable(message, bot_id).strip())


def is_persons(message: discord.Message) -> bool:
    """Whether a person says this: not a bot, and a webhook only where it speaks for somebody."""
    return not message.author.bot and (message.webhook_id is None or is_proxied(message))


def is_proxied(message: discord.Message) -> bool:
    """Whether a webhook says this for its author, under the name that is shown; else its author is itself."""
    return message.webhook_id is not None and message.author.id != message.webhook_id


def is_aside(message: discord.Message, bot_id: int) -> bool:
    """Whether a message is nothing but remarks out of character, which are between people."""
    if message.attachments or "((" not in message.content:
        return False
    return not question_text(message, bot_id)


def quote_of(message: discord.Message, bot_id: int, author_of: Callable[[int], int | None]) -> Quote | None:
    """The message that this one replies to, when it is no part of the conversation already.

    `author_of` knows who said what a proxy bot's webhook posted.
    """
    replied = message.reference.resolved if message.reference else None
    if not isinstance(replied, discord.Message) or replied.author.id == bot_id:
        return None
    text = quoted_text(replied, bot_id)
    return Quote(replied.id, author_of(replied.id) or replied.author.id, text) if text else None


def quoted_text(replied: discord.Message, bot_id: int) -> str:
    """A message as others quote it who reply to it; empty if it says nothing."""
    said = question_text(replied, bot_id)[:QUOTED_CHARACTERS]
    told = [f"wrote: {said}"] if said else []
    if replied.attachments:
        told.append(f"attached: {named(map(offered, replied.attachments))}")
    return f"[Replying to {replied.author.display_name}, who {'; '.join(told)}]" if told else ""


def readable(message: discord.Message, bot_id: int) -> str:
    """A message's text with mentions written as people see them."""
    if "<" not in message.content:
        return message.content
    users = {user.id: user.display_name for user in message.mentions}
    channels = {channel.id: getattr(channel, "name", "channel") for channel in message.channel_mentions}

    def name(match: re.Match[str]) -> str:
        if user := match["user"]:
            return "" if int(user) == bot_id else f"@{users.get(int(user), 'someone')}"
        if role := match["role"]:
            # Not from `role_mentions`: a role that may not be pinged is not among those, but has a name all the same.
            known = message.guild.get_role(int(role)) if message.guild else None
            return f"@{known.name if known else 'role'}"
        if channel := match["channel"]:
            return f"#{channels.get(int(channel), 'channel')}"
        return f":{match['emoji']}:"

    return MENTION.sub(name, message.content)
