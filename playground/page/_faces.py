"""How people look on the page: their picture and the colour of their name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.discord import Member, Message, User

    JSON = dict[str, Any]


def avatar_path(user: User) -> str | None:
    """Return where the page finds an avatar; None lets it draw the initial."""
    return f"/cdn/avatars/{user.id}/{user.avatar}.png" if user.avatar else None


def color_of(member: Member | None) -> str | None:
    """Return the colour of the highest role that has one."""
    colors = [(role.position, role.color) for role in member.roles if role.color] if member else []
    return f"#{max(colors)[1]:06x}" if colors else None


def author_view(message: Message) -> JSON:
    """Return who wrote a message, under the name and colour of this place."""
    user, guild = message.author, message.channel.guild
    member = guild.members.get(user.id) if guild and not user.is_webhook else None
    avatar = avatar_path(user)
    kept = avatar and message.channel.state.cdn.get(avatar.removeprefix("/cdn/"))
    return {
        "id": str(user.id),
        "name": member.display_name if member else user.display_name,
        "color": color_of(member),
        "avatar": avatar if kept else None,  # a webhook may have named a picture that is elsewhere
        "bot": user.bot,
        "webhook": user.is_webhook,
        "is_local_bot": user.id == message.channel.state.bot.id,
    }
