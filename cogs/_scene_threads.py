"""Where scenes are played: threads of a text channel and posts of a forum, which the bot opens."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import discord

from chat.errors import NoThreadsHereError, ThreadRefusal, ThreadRefusedError, ThreadRightsError
from cogs._posts import quietly

LONGEST_TITLE: Final = 100  # what Discord takes for the name of a thread
ARCHIVE_MINUTES: Final = 7 * 24 * 60  # the longest; people play for weeks, with pauses
NEEDED_FOR_THREADS: Final = ("view_channel", "create_public_threads", "send_messages_in_threads")
NEEDED_FOR_POSTS: Final = ("view_channel", "send_messages", "send_messages_in_threads")
REFUSALS: Final[dict[int, ThreadRefusal]] = {40067: "tag", 160006: "full", 160007: "full", 200001: "title"}

Home = discord.TextChannel | discord.ForumChannel


def home_around(channel: Any, forum: discord.ForumChannel | None) -> Home:
    """Where a scene opens that is started in this channel. Raises `NoThreadsHereError`."""
    home = forum or (channel.parent if isinstance(channel, discord.Thread) else channel)
    if not isinstance(home, Home):
        raise NoThreadsHereError
    return home


def require_rights(home: Home, person: Any) -> None:
    """Raise `ThreadRightsError` unless both the bot and the person could open a thread here."""
    for who, is_person in ((home.guild.me, False), (person, True)):
        allowed = home.permissions_for(who)
        needed = NEEDED_FOR_POSTS if isinstance(home, discord.ForumChannel) else NEEDED_FOR_THREADS
        if missing := tuple(name for name in needed if not getattr(allowed, name)):
            raise ThreadRightsError(missing, home.name, of_person=is_person)


async def open_thread(home: Home, title: str, opening: str) -> discord.Thread:
    """Make the thread; its first message says what it is. Raises `ThreadRefusedError`."""
    silent = discord.AllowedMentions.none()
    if isinstance(home, discord.ForumChannel):
        with _in_our_words(home):
            post = await home.create_thread(
                name=title,
                content=opening,
                auto_archive_duration=ARCHIVE_MINUTES,
                allowed_mentions=silent,
                applied_tags=_tags(home),
            )
        return post.thread
    kind: Any = discord.ChannelType.news_thread if home.is_news() else discord.ChannelType.public_thread
    with _in_our_words(home):
        thread = await home.create_thread(name=title, type=kind, auto_archive_duration=ARCHIVE_MINUTES)
    try:
        await thread.send(opening, allowed_mentions=silent)
    except discord.HTTPException:
        await quietly(thread.delete())  # nobody knows what it is for
        raise
    return thread


@contextlib.contextmanager
def _in_our_words(home: Home) -> Iterator[None]:
    try:
        yield
    except discord.HTTPException as error:
        if error.status != 400:
            raise
        raise ThreadRefusedError(REFUSALS.get(error.code, "other"), home.name) from error


def title_for(typed: str | None, name: str) -> str:
    """The name of the thread."""
    return (" ".join((typed or "").split()) or name)[:LONGEST_TITLE]


def _tags(forum: discord.ForumChannel) -> list[discord.ForumTag]:
    """A tag for a forum that takes no posts without one: rather one that is not kept for moderators."""
    if not forum.flags.require_tag:
        return []
    tags = sorted(forum.available_tags, key=lambda tag: tag.moderated)
    may_choose_all = forum.permissions_for(forum.guild.me).manage_threads
    return [tag for tag in tags if may_choose_all or not tag.moderated][:1]
