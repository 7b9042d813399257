"""Guilds (Discord's word for servers) and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from playground.discord import _payloads as payloads
from playground.discord import events
from playground.discord._automod import AutoModRule
from playground.discord._channel import Channel, ForumTag, Overwrite
from playground.discord._flags import BOT_PERMISSIONS, ChannelType, Intent
from playground.discord._model import Emoji, Member, Role, User, everyone_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from playground.discord._state import State

    Overwrites = Mapping[Role | Member | User, tuple[int, int]]


@dataclass(eq=False)
class Guild:
    """A server with its roles, members and channels."""

    id: int
    state: State = field(repr=False)
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict, repr=False)
    members: dict[int, Member] = field(default_factory=dict, repr=False)
    channels: dict[int, Channel] = field(default_factory=dict, repr=False)
    threads: dict[int, Channel] = field(default_factory=dict, repr=False)
    emojis: dict[int, Emoji] = field(default_factory=dict, repr=False)
    bans: dict[int, str | None] = field(default_factory=dict, repr=False)
    """Why each user id was banned."""
    command_overrides: dict[str, dict[int, bool]] = field(default_factory=dict, repr=False)
    """What the admins decided about a command, by command name and then by role, user or channel id."""
    automod_rules: dict[int, AutoModRule] = field(default_factory=dict, repr=False)
    preferred_locale: str = "en-US"
    available: bool = True

    @property
    def everyone(self) -> Role:
        """The role that everybody has."""
        return self.roles[self.id]

    @property
    def has_bot(self) -> bool:
        """Whether the bot under test is a member."""
        return self.state.bot.id in self.members

    @property
    def bot_role(self) -> Role:
        """The role that came with the bot."""
        return next(role for role in self.roles.values() if role.bot_id == self.state.bot.id)

    def member(self, user: User | Member | int) -> Member | None:
        """Find somebody's membership."""
        return self.members.get(user if isinstance(user, int) else user.id)

    # Members and roles

    def add_member(self, user: User, *, roles: Iterable[Role] = (), nick: str | None = None) -> Member:
        """Let a user join; joining twice changes nothing."""
        if existing := self.members.get(user.id):
            return existing
        member = Member(self, user, datetime.fromtimestamp(self.state.wall_clock(), UTC), list(roles), nick)
        self.members[user.id] = member
        data = payloads.member(member) | {"guild_id": str(self.id)}
        self.state.dispatch("GUILD_MEMBER_ADD", data, intent=Intent.GUILD_MEMBERS, guild=self)
        self.changed()
        return member

    def remove_member(self, user: User | Member) -> None:
        """Let a user leave, or kick them."""
        member = self.members.get(user.id)
        if member is None:
            return
        if member.user is self.state.bot:
            self.remove_bot()
            return
        del self.members[user.id]
        data = {"guild_id": str(self.id), "user": payloads.user(member.user)}
        self.state.dispatch("GUILD_MEMBER_REMOVE", data, intent=Intent.GUILD_MEMBERS, guild=self)
        self.changed()

    def ban(self, user: User, reason: str | None = None) -> None:
        """Ban a user, who leaves if they were here."""
        self.bans[user.id] = reason
        data = {"guild_id": str(self.id), "user": payloads.user(user)}
        self.state.dispatch("GUILD_BAN_ADD", data, intent=Intent.GUILD_MODERATION, guild=self)
        self.remove_member(user)

    def unban(self, user: User) -> None:
        """Lift a ban."""
        if self.bans.pop(user.id, user) is not user:
            data = {"guild_id": str(self.id), "user": payloads.user(user)}
            self.state.dispatch("GUILD_BAN_REMOVE", data, intent=Intent.GUILD_MODERATION, guild=self)

    def add_role(
        self,
        name: str,
        permissions: int = 0,
        *,
        position: int | None = None,
        color: int = 0,
        mentionable: bool = False,
    ) -> Role:
        """Make a role; unless told otherwise it stands above the others."""
        place = len(self.roles) if position is None else position
        role = Role(self.state.snowflakes.next(), self, name, int(permissions), place, color, mentionable=mentionable)
        self.roles[role.id] = role
        role._announce("GUILD_ROLE_CREATE")  # noqa: SLF001 - guild and role are one subject
        return role

    def add_automod_rule(self, name: str, **rule: Any) -> AutoModRule:
        """Let Discord's own filter look for words; see AutoModRule for what a rule says."""
        made = AutoModRule(self.state.snowflakes.next(), self, name, **rule)
        self.automod_rules[made.id] = made
        made.announce("AUTO_MODERATION_RULE_CREATE")
        return made

    def add_emoji(self, name: str, image: bytes | None = None) -> Emoji:
        """Make an emoji of the server's own, from a PNG if there is one."""
        emoji = Emoji(self.state.snowflakes.next(), name, image=image)
        self.emojis[emoji.id] = emoji
        data = {"guild_id": str(self.id), "emojis": [payloads.guild_emoji(e) for e in self.emojis.values()]}
        self.state.dispatch("GUILD_EMOJIS_UPDATE", data, intent=Intent.GUILD_EXPRESSIONS, guild=self)
        return emoji

    def add_bot(self, permissions: int = BOT_PERMISSIONS) -> Member:
        """Invite the bot under test, with a role of its own."""
        bot = self.state.bot
        if existing := self.members.get(bot.id):
            return existing
        role_id = self.state.snowflakes.next()
        role = Role(role_id, self, bot.name, int(permissions), len(self.roles), managed=True, bot_id=bot.id)
        self.roles[role_id] = role
        member = Member(self, bot, datetime.fromtimestamp(self.state.wall_clock(), UTC), [role])
        self.members[bot.id] = member
        self.state.announce_guild(self)
        return member

    def remove_bot(self) -> None:
        """Throw the bot out."""
        if self.has_bot:
            self.state.dispatch("GUILD_DELETE", {"id": str(self.id)}, intent=Intent.GUILDS, guild=self)
            del self.roles[self.bot_role.id]
            del self.members[self.state.bot.id]
            self.changed()

    def edit(self, *, name: str) -> None:
        """Rename the guild."""
        self.name = name
        self.state.dispatch("GUILD_UPDATE", payloads.guild(self), intent=Intent.GUILDS, guild=self)
        self.changed()

    def delete(self) -> None:
        """Delete the guild with all that is in it."""
        self.remove_bot()
        for channel in list(self.channels.values()):
            self.state.drop_channel(channel)
        self.state.guilds.pop(self.id, None)

    def set_available(self, *, available: bool) -> None:
        """Let the guild suffer an outage, or end it."""
        if not available:
            data = {"id": str(self.id), "unavailable": True}
            self.state.dispatch("GUILD_DELETE", data, intent=Intent.GUILDS, guild=self)
        self.available = available
        if available:
            self.state.announce_guild(self)

    def override_command(self, name: str, target: Role | Member | User | Channel, *, allowed: bool) -> None:
        """Decide, as an admin does in the server's settings, who may use a command or where."""
        self.command_overrides.setdefault(name, {})[target.id] = allowed

    # Channels

    def add_text_channel(
        self,
        name: str,
        *,
        category: Channel | None = None,
        topic: str | None = None,
        nsfw: bool = False,
        rate_limit_per_user: int = 0,
        overwrites: Overwrites | None = None,
    ) -> Channel:
        """Make a text channel; overwrites give (allow, deny) for roles and members."""
        extra: dict[str, Any] = {"topic": topic, "nsfw": nsfw, "rate_limit_per_user": rate_limit_per_user}
        return self.add_channel(ChannelType.TEXT, name, category, overwrites, **extra)

    def add_voice_channel(self, name: str, *, category: Channel | None = None) -> Channel:
        """Make a voice channel, of which only the text chat works here."""
        return self.add_channel(ChannelType.VOICE, name, category, None)

    def add_category(self, name: str, *, overwrites: Overwrites | None = None) -> Channel:
        """Make a category, which holds other channels."""
        return self.add_channel(ChannelType.CATEGORY, name, None, overwrites)

    def add_forum(
        self,
        name: str,
        *,
        category: Channel | None = None,
        topic: str | None = None,
        nsfw: bool = False,
        tags: Sequence[str] = (),
        overwrites: Overwrites | None = None,
    ) -> Channel:
        """Make a forum, which holds posts."""
        made = [ForumTag(self.state.snowflakes.next(), tag) for tag in tags]
        return self.add_channel(
            ChannelType.FORUM, name, category, overwrites, topic=topic, nsfw=nsfw, available_tags=made
        )

    def add_channel(
        self,
        kind: ChannelType,
        name: str,
        category: Channel | None,
        overwrites: Overwrites | None,
        **extra: Any,
    ) -> Channel:
        """Make a channel of any kind; without overwrites of its own it takes its category's."""
        channel = self.build_channel(kind, name, category, overwrites, **extra)
        self.register(channel)
        return channel

    def build_channel(
        self,
        kind: ChannelType,
        name: str,
        category: Channel | None,
        overwrites: Overwrites | None,
        **extra: Any,
    ) -> Channel:
        """Make a channel that nobody knows of yet."""
        channel = Channel(
            self.state.snowflakes.next(), self.state, kind, name, self, category, position=len(self.channels), **extra
        )
        for target, (allow, deny) in (overwrites or {}).items():
            channel.put_overwrite(target.id, not isinstance(target, Role), allow, deny)
        if overwrites is None and category is not None:
            for old in category.overwrites.values():
                channel.overwrites[old.target_id] = Overwrite(old.target_id, old.is_member, old.allow, old.deny)
        return channel

    def register(self, channel: Channel) -> None:
        """Make a new channel known to everybody."""
        self.channels[channel.id] = channel
        self.state.channels[channel.id] = channel
        channel.announce("CHANNEL_CREATE")

    def changed(self) -> None:
        """Tell the page that something about this guild changed."""
        self.state.publish(events.GuildChanged(self))


def new_guild(state: State, name: str, owner: User, guild_id: int | None) -> Guild:
    """Make a guild whose only member is its owner."""
    guild = Guild(guild_id or state.snowflakes.next_guild(), state, name, owner.id)
    guild.roles[guild.id] = everyone_role(guild)
    guild.members[owner.id] = Member(guild, owner, datetime.fromtimestamp(state.wall_clock(), UTC))
    return guild
