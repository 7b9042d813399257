"""The one decision about every request: may this person do this here? Denied unless something allows it."""

from dataclasses import dataclass
from enum import Enum

from moderation.rights import DORMANT_ACTIONS, REQUIRED, Level


class Reason(Enum):
    """Why something was refused."""

    UNKNOWN_ACTION = "unknown action"
    GUILD_NOT_APPROVED = "guild not approved"
    DMS_OFF = "direct messages off"
    LEVEL_TOO_LOW = "level too low"
    SHUTTING_DOWN = "shutting down"
    CHANNEL_OFF = "channel off"


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to do what, and where. `level` is what Discord's permissions and roles make the person."""

    action: str
    user_id: int
    guild_id: int | None
    channel_id: int
    level: Level
    guild_approved: bool = False  # an owner approved a server that the operator's list does not name


@dataclass
class RefusedError(Exception):
    """The request was refused; `required` tells the level that would have been enough."""

    reason: Reason
    required: Level | None = None


class Access:
    """Decides by the operator's settings and the levels of rights."""

    def __init__(self, *, owner_ids: frozenset[int], allowed_guilds: frozenset[int], allow_dms: bool) -> None:
        self._owner_ids = owner_ids
        self._allowed_guilds = allowed_guilds
        self._allow_dms = allow_dms
        self.shutting_down = False

    def check(self, request: Request) -> None:
        """Return when the request is allowed. Raises `RefusedError` otherwise."""
        required = REQUIRED.get(request.action)
        if required is None:
            raise RefusedError(Reason.UNKNOWN_ACTION)
        if self.shutting_down:
            raise RefusedError(Reason.SHUTTING_DOWN)
        level = self._level(request)
        if request.guild_id is None:
            if not self._allow_dms and level < Level.OPERATOR:
                raise RefusedError(Reason.DMS_OFF)
        elif self.is_dormant(request.guild_id) and not request.guild_approved and request.action not in DORMANT_ACTIONS:
            raise RefusedError(Reason.GUILD_NOT_APPROVED, Level.OPERATOR)
        if level < required:
            raise RefusedError(Reason.LEVEL_TOO_LOW, required)

    def allows(self, request: Request) -> bool:
        """Whether the request would be allowed, for lists that show only what one may use."""
        try:
            self.check(request)
        except RefusedError:
            return False
        return True

    def is_dormant(self, guild_id: int) -> bool:
        """Whether the bot does nothing in this server until an owner approves it: the operator did not name it."""
        return bool(self._allowed_guilds) and guild_id not in self._allowed_guilds

    def _level(self, request: Request) -> Level:
        if request.user_id in self._owner_ids:
            return Level.OPERATOR
        # In a DM everyone is moderator of their own conversation.
        return max(request.level, Level.MODERATOR) if request.guild_id is None else request.level
