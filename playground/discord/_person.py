"""A person at a Discord client: what they can see, say and press."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from playground.discord import _permissions as permissions
from playground.discord import _person_commands as commands
from playground.discord import _person_components as pressing
from playground.discord import _posting as posting
from playground.discord import _threads as threads
from playground.discord._call import Upload
from playground.discord._flags import (
    MESSAGE_TYPES_OF_CHANNELS,
    ChannelType,
    CommandType,
    MessageType,
    Permission,
)
from playground.discord._mentions import AllowedMentions
from playground.discord._message import Message, Reference
from playground.discord._posting import Draft, Origin
from playground.discord._validation import MAX_CONTENT, MAX_THREAD_NAME
from playground.discord.errors import InvalidOptionError, NotAllowedError, NotVisibleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playground.discord._channel import Channel
    from playground.discord._interactions import Choice, Interaction
    from playground.discord._model import Member, User
    from playground.discord._state import State

    File = Upload | tuple[str, bytes]

_NO_SLOWMODE = Permission.MANAGE_MESSAGES | Permission.MANAGE_CHANNELS | Permission.BYPASS_SLOWMODE


class Person:
    """Acts as a user and obeys permissions as a real client does; what is impossible raises PersonError."""

    def __init__(self, state: State, user: User) -> None:
        self.user = user
        self._state = state
        self._last_said: dict[Channel, float] = {}

    def __repr__(self) -> str:
        """Show who this is."""
        return f"<Person {self.user.name}>"

    # Seeing

    def sees(self, channel: Channel) -> bool:
        """Say whether the channel is in this person's list."""
        return permissions.in_channel(channel, self.user) != 0

    def messages(self, channel: Channel) -> list[Message]:
        """Give what this person sees in a channel, their ephemeral messages included, oldest first."""
        self._require_sight(channel)
        state = channel.state
        if not permissions.can(channel, self.user, Permission.READ_MESSAGE_HISTORY):
            return []
        private = [i for i in state.interactions.by_id.values() if i.user is self.user and i.channel is channel]
        ephemeral = [m for i in private for m in i.messages if m.ephemeral and not m.deleted]
        return sorted([*channel.messages, *ephemeral], key=lambda m: m.id)

    def commands(self, channel: Channel) -> list[dict[str, Any]]:
        """Give the commands that the client offers in a channel."""
        return commands.offered(self.user, channel)

    # Messages

    async def say(
        self,
        channel: Channel,
        content: str = "",
        *,
        mentions_bot: bool = False,
        reply_to: Message | None = None,
        ping: bool = True,
        files: Sequence[File] = (),
    ) -> Message:
        """Write a message; `<@id>` mentions, and a reply pings its author unless told not to."""
        text = f"{self._state.bot.mention} {content}".strip() if mentions_bot else content.strip()
        self._require_writing(channel, text, bool(files))
        attachments = [channel.state.cdn.attach(channel, upload) for upload in map(_upload, files)]
        draft = Draft(text, attachments=attachments, allowed=AllowedMentions(replied_user=ping))
        origin = Origin()
        if reply_to is not None:
            self._require_sight_of(reply_to)
            draft.reference = Reference(channel.id, reply_to.id, channel.guild.id if channel.guild else None)
            origin.type = MessageType.REPLY
        self._last_said[channel] = channel.state.clock()
        return posting.post(channel, self.user, draft, origin)

    async def forward(self, message: Message, channel: Channel) -> Message:
        """Show a message somewhere else as it is now."""
        self._require_sight_of(message)
        self._require_writing(channel, message.content, has_files=bool(message.attachments))
        guild = message.channel.guild
        reference = Reference(message.channel.id, message.id, guild.id if guild else None)
        return posting.post(channel, self.user, Draft(reference=reference, forwarded=copy.copy(message)))

    async def edit(self, message: Message, content: str) -> Message:
        """Change one's own message."""
        self._require_sight_of(message)
        if message.author is not self.user:
            raise NotAllowedError("Only the author can edit a message")
        self._check_text(content, has_files=bool(message.attachments))
        message.content = content.strip()
        posting.find_mentions(message, AllowedMentions())
        posting.edited(message)
        return message

    async def delete(self, message: Message) -> None:
        """Delete one's own message, or another's with the right to manage messages; dismiss an ephemeral one."""
        self._require_sight_of(message)
        if message.ephemeral:
            posting.dismiss(message)
            return
        if message.author is not self.user:
            self._require(message.channel, Permission.MANAGE_MESSAGES)
        posting.delete(message)

    async def react(self, message: Message, emoji: str) -> None:
        """React to a message."""
        self._require_sight_of(message)
        if message.ephemeral:
            raise NotAllowedError("Ephemeral messages take no reactions")
        if message.reaction(emoji) is None:
            self._require(message.channel, Permission.ADD_REACTIONS)
        posting.react(message, self.user, emoji)

    async def unreact(self, message: Message, emoji: str) -> None:
        """Take one's reaction back."""
        self._require_sight_of(message)
        posting.unreact(message, self.user, emoji)

    async def type(self, channel: Channel) -> None:
        """Begin to write, which others see."""
        self._require_writing(channel, "…", has_files=False)
        posting.type_in(channel, self.user)

    async def pin(self, message: Message) -> None:
        """Pin a message."""
        self._require_sight_of(message)
        held = permissions.in_channel(message.channel, self.user)
        if not held & (Permission.PIN_MESSAGES | Permission.MANAGE_MESSAGES):
            raise NotAllowedError("You cannot pin messages here")
        posting.pin(message, self.user)

    async def start_thread(
        self, channel: Channel, name: str, *, message: Message | None = None, private: bool = False
    ) -> Channel:
        """Make a thread, below a message or on its own."""
        self._require_sight(channel)
        self._require(channel, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)
        kind = ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD
        return threads.create(channel, name, self.user, kind=kind, message=message)

    async def start_post(self, forum: Channel, name: str, content: str) -> Channel:
        """Make a forum post with its first message."""
        self._require_sight(forum)
        if not forum.is_forum:
            raise NotAllowedError(f"#{forum.name} is no forum")
        self._require(forum, Permission.SEND_MESSAGES)
        if not 1 <= len(name.strip()) <= MAX_THREAD_NAME:
            raise InvalidOptionError(f"A title has between 1 and {MAX_THREAD_NAME} characters")
        self._check_text(content, has_files=False)
        return forum.add_post(name.strip(), self.user, content.strip())

    async def join_thread(self, thread: Channel) -> None:
        """Join a thread."""
        self._require_sight(thread)
        threads.join(thread, self.user)

    async def leave_thread(self, thread: Channel) -> None:
        """Leave a thread."""
        self._require_sight(thread)
        threads.leave(thread, self.user)

    async def open_dm(self) -> Channel:
        """Open the direct messages with the bot."""
        return self._state.dm_channel(self.user)

    # Commands

    async def slash(
        self, channel: Channel, command: str, options: Mapping[str, Any] | None = None, /, **values: Any
    ) -> Interaction:
        """Send a slash command, for example `slash(channel, "model set", model="x")`.

        Values are text, numbers, True and False, users, members, roles, channels, and files as (name, bytes);
        a choice is named by what the person reads or by its value. Options whose names are no Python names go into
        `options`.
        """
        self._require_sight(channel)
        return commands.slash(self.user, channel, command, {**(options or {}), **values})

    async def autocomplete(
        self,
        channel: Channel,
        command: str,
        options: Mapping[str, Any] | None = None,
        /,
        *,
        focused: str,
        timeout: float = 3.0,
        **values: Any,
    ) -> list[Choice]:
        """Type into an option and give the bot's suggestions."""
        self._require_sight(channel)
        interaction = commands.autocomplete(self.user, channel, command, focused, {**(options or {}), **values})
        await interaction.answered(timeout)
        return interaction.choices or []

    async def message_command(self, message: Message, name: str) -> Interaction:
        """Choose a command from the menu of a message."""
        self._require_sight_of(message)
        return commands.context_menu(self.user, message.channel, name, CommandType.MESSAGE, message)

    async def user_command(self, target: User | Member, name: str, *, channel: Channel | None = None) -> Interaction:
        """Choose a command from the menu of a user, in a channel where both are unless one is given."""
        place = channel or self._common_channel(target)
        self._require_sight(place)
        user = place.state.users[target.id]
        return commands.context_menu(self.user, place, name, CommandType.USER, user)

    # Buttons, menus and forms

    async def click(self, message: Message, custom_id: str | None = None, *, label: str | None = None) -> Interaction:
        """Press a button, found by its custom id or by its text; without either, the only one."""
        self._require_pressing(message)
        return pressing.click(self.user, message, custom_id, label)

    async def select(self, message: Message, custom_id: str | None, values: Sequence[Any]) -> Interaction:
        """Choose in a menu: values (or labels) of options, or users, roles and channels; None means the only menu."""
        self._require_pressing(message)
        return pressing.select(self.user, message, custom_id, values)

    async def submit(
        self, interaction: Interaction, values: Mapping[str, Any] | None = None, **more: Any
    ) -> Interaction:
        """Send the form that an interaction opened; fields left out keep what stands in them."""
        if interaction.user is not self.user:
            raise NotVisibleError("This form is open for somebody else")
        return pressing.submit(interaction, {**(values or {}), **more})

    # Checks

    def _common_channel(self, target: User | Member) -> Channel:
        for guild in self._state.guilds.values():
            if guild.has_bot and self.user.id in guild.members and target.id in guild.members:
                for channel in guild.channels.values():
                    if channel.type is ChannelType.TEXT and self.sees(channel):
                        return channel
        raise NotVisibleError(f"{self.user.name} shares no channel with {target.display_name} and the bot")

    def _require_sight(self, channel: Channel) -> None:
        if channel.deleted or not self.sees(channel):
            raise NotVisibleError(f"{self.user.name} does not see #{channel.name}")

    def _require_sight_of(self, message: Message) -> None:
        self._require_sight(message.channel)
        if message.deleted:
            raise NotVisibleError("This message is gone")
        if message.ephemeral_for not in {None, self.user.id}:
            raise NotVisibleError("This message is for somebody else")

    def _require_pressing(self, message: Message) -> None:
        self._require_sight_of(message)
        guild = message.channel.guild
        if guild and guild.members[self.user.id].is_timed_out:
            raise NotAllowedError(f"{self.user.name} is timed out")

    def _require(self, channel: Channel, permission: int) -> None:
        if not permissions.can(channel, self.user, permission):
            raise NotAllowedError(f"{self.user.name} lacks {Permission(permission).name} in #{channel.name}")

    def _require_writing(self, channel: Channel, text: str, has_files: bool) -> None:
        self._require_sight(channel)
        if channel.type not in MESSAGE_TYPES_OF_CHANNELS:
            raise NotAllowedError(f"Nobody writes in #{channel.name}")
        if not permissions.can_send(channel, self.user):
            raise NotAllowedError(f"{self.user.name} may not write in #{channel.name}")
        if has_files:
            self._require(channel, Permission.ATTACH_FILES)
        info = channel.thread
        if info and info.locked and not permissions.can(channel, self.user, Permission.MANAGE_THREADS):
            raise NotAllowedError("This thread is locked")
        self._check_text(text, has_files=has_files)
        self._check_slowmode(channel)

    def _check_text(self, text: str, *, has_files: bool) -> None:
        if not text.strip() and not has_files:
            raise InvalidOptionError("An empty message cannot be sent")
        if len(text) > MAX_CONTENT:
            raise InvalidOptionError(f"A message holds {MAX_CONTENT} characters, not {len(text)}")

    def _check_slowmode(self, channel: Channel) -> None:
        last = self._last_said.get(channel)
        if not channel.rate_limit_per_user or last is None:
            return
        if permissions.in_channel(channel, self.user) & _NO_SLOWMODE:
            return
        left = last + channel.rate_limit_per_user - channel.state.clock()
        if left > 0:
            raise NotAllowedError(f"Slow mode: {left:.0f} s to wait")


def _upload(file: File) -> Upload:
    return file if isinstance(file, Upload) else Upload(*file)
