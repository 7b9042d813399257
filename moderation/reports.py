"""What members report, and what moderators do about it.

ReportError
├── NotReportableError    this is no message of the bot's
├── NoRequesterError      nobody is known to have asked for the message
└── TooManyReportsError   the member reported as much as they may in a while
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from moderation.durations import read_duration
from moderation.rulebook import Rulebook
from storage import AccessRule, AddedReport, Report, ReportedMessage, Reports, Target

MOST_REPORTS: Final = 5
IN_TIME: Final = timedelta(minutes=10)
BLOCK_REASON: Final = "reported message"
BLOCK_TIMES: Final = {"10 minutes": "10m", "1 hour": "1h", "1 day": "1d", "1 week": "1w", "For good": None}


class ReportError(Exception):
    """Base of what can be wrong with reports."""


class NotReportableError(ReportError):
    """The message is not the bot's."""


class NoRequesterError(ReportError):
    """Nobody is known to have asked for the message, so there is nobody to block."""


@dataclass
class TooManyReportsError(ReportError):
    """A member reports `limit` messages in so many minutes at most."""

    limit: int
    minutes: int


class Desk:
    """Takes reports, and blocks whoever asked for what was reported."""

    def __init__(
        self, reports: Reports, rulebook: Rulebook, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._reports = reports
        self._rulebook = rulebook
        self._clock = clock

    async def report(self, about: ReportedMessage, reporter_id: int, reason: str) -> AddedReport:
        """Report a message, or join its report. Raises `TooManyReportsError`."""
        words = " ".join(reason.split()) or None
        since = self._clock() - IN_TIME
        added = await self._reports.add(about, reporter_id, words, since=since, most=MOST_REPORTS)
        if added is None:
            raise TooManyReportsError(MOST_REPORTS, round(IN_TIME.total_seconds() / 60))
        return added

    async def block(self, report: Report, duration: str | None, by: int) -> datetime | None:
        """Deny the bot to whoever asked, for so long; until when that holds, or None for good.

        A denial that holds longer already stays. Raises `NoRequesterError` and `RuleError`.
        """
        guild_id = report.about.guild_id
        if report.about.requester_id is None:
            raise NoRequesterError
        target = Target(user_id=report.about.requester_id)
        known = next((rule for rule in await self._rulebook.all(guild_id) if _denies(rule, target)), None)
        until = None if duration is None else self._clock() + read_duration(duration)
        if known is not None and (known.expires_at is None or (until is not None and known.expires_at >= until)):
            return known.expires_at
        rule = await self._rulebook.set(guild_id, "deny", target, by, duration=duration, reason=BLOCK_REASON)
        return rule.expires_at


def _denies(rule: AccessRule, target: Target) -> bool:
    return rule.verdict == "deny" and rule.target == target
