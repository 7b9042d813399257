"""Messages as the model reads them: mentions as names, attachments in words."""

import re

import discord

MENTION = re.compile(r"<(?:@!?(?P<user>\d+)|@&(?P<role>\d+)|#(?P<channel>\d+)|a?:(?P<emoji>\w+):\d+)>")
QUOTED_CHARACTERS = 1500


def question_text(message: discord.Message, bot_id: int) -> str:
    """What a person said to the bot: without the bot's own mention, others by their names, attachments in words."""
    text = readable(message, bot_id).strip()
    named = [_attachment(attachment) for attachment in message.attachments]
    return "\n".join([text, *named]) if text else "\n".join(named)


def replied_message_text(message: discord.Message, bot_id: int) -> str:
    """The message that this one replies to, when it is no part of the conversation already."""
    replied = message.reference.resolved if message.reference else None
    if not isinstance(replied, discord.Message) or not replied.content or replied.author.id == bot_id:
        return ""
    said = readable(replied, bot_id)[:QUOTED_CHARACTERS]
    return f"[Replying to {replied.author.display_name}, who wrote: {said}]\n"


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


def _attachment(attachment: discord.Attachment) -> str:
    kind = (attachment.content_type or "file").partition(";")[0]
    return f"[Attached: {attachment.filename}, {kind}, {attachment.size:,} bytes; its content is not shown to you]"
