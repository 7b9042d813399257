"""The one decision about every request: may this person do this here? Denied unless something allows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from moderation.rights import (
    DORMANT_ACTIONS,
    GIVES_WORDS,
    MAKES_ANSWERS,
    OPEN_ACTIONS,
    PRIVACY_ACTIONS,
    REQUIRED,
    Level,
)
from moderation.rules import Asker, denial_of, denying_in_person
from storage import AccessRule


class Reason(Enum):
    """Why something was refused."""

    UNKNOWN_ACTION = "unknown action"
    GUILD_NOT_APPROVED = "guild not approved"
    DMS_OFF = "direct messages off"
    LEVEL_TOO_LOW = "level too low"
    SHUTTING_DOWN = "shutting down"
    CHANNEL_OFF = "channel off"
    DENIED = "denied"
    NOT_ALLOWED = "not allowed"
    PAUSED = "paused"
    NO_HOME = "no home"
    FILTERED = "filtered"
    OPTED_OUT = "opted out"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to do what, and where. `level` is what Discord's permissions and roles make the person.

    In direct messages the rest comes from the person's home server, None without one.
    """

    action: str
    user_id: int
    guild_id: int | None
    channel_id: int
    level: Level
    guild_approved: bool = False  # an owner approved a server that the operator's list does not name
    asker: Asker | None = None
    rules: Sequence[AccessRule] = ()
    paused: bool = False
    home_id: int | None = None
    opted_out: bool = False

    @property
    def ruling_id(self) -> int | None:
        """The server whose rules hold."""
        return self.guild_id if self.guild_id is not None else self.home_id


@dataclass
class RefusedError(Exception):
    """The request was refused; `required` tells the level that would have been enough.

    Of a denial that a moderator set, `note` is what they gave as its reason, and `until` when it ends.
    """

    reason: Reason
    required: Level | None = None
    note: str | None = None
    until: datetime | None = None


class Access:
    """Decides by the operator's settings, the levels of rights, and the server's own rules."""

    def __init__(
        self,
        *,
        owner_ids: frozenset[int],
        allowed_guilds: frozenset[int],
        allow_dms: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._owner_ids = owner_ids
        self._allowed_guilds = allowed_guilds
        self._allow_dms = allow_dms
        self._clock = clock
        self.shutting_down = False

    def check(self, request: Request) -> None:
        """Return when the request is allowed. Raises `RefusedError` otherwise."""
        required = REQUIRED.get(request.action)
        if required is None:
            raise RefusedError(Reason.UNKNOWN_ACTION)
        if self.shutting_down:
            raise RefusedError(Reason.SHUTTING_DOWN)
        level = self._level(request)
        if level < Level.OPERATOR:
            self._check_direct(request)
        if self._sleeps(request):
            raise RefusedError(Reason.GUILD_NOT_APPROVED, Level.OPERATOR)
        if level < required:
            raise RefusedError(Reason.LEVEL_TOO_LOW, required)
        if request.opted_out and request.action in GIVES_WORDS:
            raise RefusedError(Reason.OPTED_OUT)
        if request.action not in OPEN_ACTIONS:
            if level < Level.OPERATOR:
                self._check_rules(request, level, required)
            if request.paused:
                _check_pause(request, level)

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

    def asks_for_home(self, user_id: int) -> bool:
        """Whether this person's direct messages are answered if they count against a server."""
        return self._allow_dms and user_id not in self._owner_ids

    def _check_direct(self, request: Request) -> None:
        """Direct messages have to be allowed, and count against a server."""
        if request.guild_id is not None or request.action in PRIVACY_ACTIONS:
            return
        if not self._allow_dms:
            raise RefusedError(Reason.DMS_OFF)
        if request.home_id is None and request.action not in OPEN_ACTIONS:
            raise RefusedError(Reason.NO_HOME)

    def _sleeps(self, request: Request) -> bool:
        if request.ruling_id is None or request.guild_approved or request.action in DORMANT_ACTIONS:
            return False
        return self.is_dormant(request.ruling_id)

    def _check_rules(self, request: Request, level: Level, required: Level) -> None:
        """The server's rules are about using the bot. Its staff looks after it all the same, unless denied by name."""
        if request.asker is None:
            return
        rules = request.rules
        if request.guild_id is not None and required >= Level.MODERATOR:
            if level >= Level.ADMIN:
                return
            rules = denying_in_person(rules)
        denial = denial_of(rules, request.asker, self._clock())
        if denial is None:
            return
        if denial.rule is None:
            raise RefusedError(Reason.NOT_ALLOWED)
        raise RefusedError(Reason.DENIED, note=denial.rule.reason, until=denial.rule.expires_at)

    def _level(self, request: Request) -> Level:
        if request.user_id in self._owner_ids:
            return Level.OPERATOR
        # In a DM everyone is moderator of their own conversation.
        return max(request.level, Level.MODERATOR) if request.guild_id is None else request.level


def _check_pause(request: Request, level: Level) -> None:
    """While it is paused nobody gets answers, and only the staff can do anything else."""
    is_staff = level >= Level.MODERATOR and request.guild_id is not None
    if not is_staff or request.action in MAKES_ANSWERS:
        raise RefusedError(Reason.PAUSED)
