"""Rules of Discord's own filter, which it lets bots read that may manage the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.discord import _permissions as permissions
from playground.discord._flags import Intent, Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playground.discord._channel import Channel
    from playground.discord._guild import Guild

_KEYWORD = 1
_ON_MESSAGE = 1
_BLOCK, _ALERT = 1, 2


@dataclass(eq=False)
class AutoModRule:
    """A rule that looks for words."""

    id: int
    guild: Guild = field(repr=False)
    name: str
    keywords: Sequence[str] = ()
    patterns: Sequence[str] = ()
    allowed: Sequence[str] = ()
    exempt_channels: Sequence[Channel] = ()
    enabled: bool = True
    blocks: bool = True

    def edit(self, **changes: Any) -> None:
        """Change what the rule says."""
        for name, value in changes.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        self.announce("AUTO_MODERATION_RULE_UPDATE")

    def delete(self) -> None:
        """Take the rule away."""
        del self.guild.automod_rules[self.id]
        self.announce("AUTO_MODERATION_RULE_DELETE")

    def announce(self, event: str) -> None:
        """Tell the bot, if it may know."""
        member = self.guild.members.get(self.guild.state.bot.id)
        if member is not None and permissions.in_guild(self.guild, member) & Permission.MANAGE_GUILD:
            intent = Intent.AUTO_MODERATION_CONFIGURATION
            self.guild.state.dispatch(event, self.payload(), intent=intent, guild=self.guild)

    def payload(self) -> dict[str, Any]:
        """As the API describes it."""
        return {
            "id": str(self.id),
            "guild_id": str(self.guild.id),
            "name": self.name,
            "creator_id": str(self.guild.owner_id),
            "event_type": _ON_MESSAGE,
            "trigger_type": _KEYWORD,
            "trigger_metadata": {
                "keyword_filter": list(self.keywords),
                "regex_patterns": list(self.patterns),
                "allow_list": list(self.allowed),
            },
            "actions": [{"type": _BLOCK if self.blocks else _ALERT, "metadata": {}}],
            "enabled": self.enabled,
            "exempt_roles": [],
            "exempt_channels": [str(channel.id) for channel in self.exempt_channels],
        }
