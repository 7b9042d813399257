"""Who uses the bot, how much, and how long they wait: reports of a server, a channel or a person.

UsageError
├── UnknownPeriodError
└── ExportTooLargeError
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Generic, TypeVar

from storage import Usage, UsageBook, UsageLevel, UsageScopeKind, UsageSum, UsageTotals
from storage.records import WAIT_EDGES

NAMED_DAYS: Final = {"day": 1, "week": 7, "month": 30}
PERIODS: Final = (*NAMED_DAYS, "year")
MONTHS_OF_A_YEAR: Final = 12

LONGEST_BY_DAY: Final = 92
"""Days; a longer time is told by whole months, which cost a year's report no more than a month's."""

LONGEST_PERIOD: Final = 3660
"""Days, about ten years."""

NOBODY: Final = 0
"""Who stands for the people whose data was deleted."""

K = TypeVar("K", bound=Hashable)


class UsageError(Exception):
    """Something about usage that cannot be told."""


@dataclass
class UnknownPeriodError(UsageError):
    """This is no period."""

    typed: str


@dataclass
class ExportTooLargeError(UsageError):
    """The table would be larger than a file may be."""

    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both included, or whole months up to today."""

    since: date
    until: date
    level: UsageLevel = "day"

    @property
    def starts(self) -> list[date]:
        """Every day or the first of every month of it."""
        if self.level == "day":
            return [self.since + timedelta(number) for number in range((self.until - self.since).days + 1)]
        first, last = _month_number(self.since), _month_number(self.until)
        return [_first_of(number) for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Part(Generic[K]):
    """What one model, person or channel used, and its part of all tokens, from 0 to 1."""

    key: K
    used: UsageTotals
    share: float


@dataclass(frozen=True, slots=True)
class Waits:
    """How long questions waited for their slots; `counts` are those up to each of `WAIT_EDGES` and the longer ones."""

    counts: tuple[int, ...]
    mean_seconds: float
    median_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was used in a period; the parts with the most tokens come first. Waits are None where none were measured."""

    period: Period
    total: UsageTotals
    waits: Waits | None
    by_time: tuple[tuple[date, UsageTotals], ...]
    by_model: tuple[Part[str], ...]
    by_user: tuple[Part[int], ...]
    by_channel: tuple[Part[int], ...]
    models_by_time: Mapping[tuple[date, str], int]  # tokens


@dataclass(frozen=True, slots=True)
class OwnReport:
    """What one person used, and their part of all that their server used; None in direct messages."""

    own: Report
    share_of_server: float | None


def period_of(typed: str, today: date) -> Period:
    """The period that a person named: day, week, month, year, or a number of days. Raises `UnknownPeriodError`."""
    name = typed.strip().casefold()
    if name == "year":
        return Period(_first_of(_month_number(today) - MONTHS_OF_A_YEAR + 1), today, "month")
    number = re.fullmatch(r"([0-9]{1,4})(?: ?d| days?)?", name)
    days = NAMED_DAYS.get(name) or (int(number[1]) if number else 0)
    if not 1 <= days <= LONGEST_PERIOD:
        raise UnknownPeriodError(typed)
    since = today - timedelta(days - 1)
    return Period(since, today) if days <= LONGEST_BY_DAY else Period(since.replace(day=1), today, "month")


def today_in_utc() -> date:
    """Days end at midnight in UTC, wherever people are."""
    return datetime.now(UTC).date()


class UsageReports:
    """Reads the sums and makes them reports. A guild of None means direct messages."""

    def __init__(self, usage: Usage, today: Callable[[], date] = today_in_utc) -> None:
        self._usage = usage
        self.today = today

    def period(self, typed: str) -> Period:
        """The period that ends today. Raises `UnknownPeriodError`."""
        return period_of(typed, self.today())

    async def of(self, guild_id: int | None, kind: UsageScopeKind, scope_id: int, period: Period) -> Report:
        """What a server (with id 0), a channel or a person used."""
        return report_on(await self._usage.book(guild_id, kind, scope_id, period.level, period.since), period)

    async def of_person(self, guild_id: int | None, user_id: int, period: Period) -> OwnReport:
        """What a person used, and how much of their server's that is."""
        own = await self.of(guild_id, "user", user_id, period)
        if guild_id is None:
            return OwnReport(own, None)
        server = await self.of(guild_id, "server", 0, period)
        return OwnReport(own, own.total.tokens / server.total.tokens if server.total.tokens else 0.0)


def report_on(book: UsageBook, period: Period) -> Report:
    """What the book of a period says."""
    times: dict[date, list[UsageSum]] = defaultdict(list)
    models: dict[str, list[UsageSum]] = defaultdict(list)
    for start, model, used in book.models:
        times[start].append(used)
        models[model].append(used)
    everything = [used for _, _, used in book.models]
    total = _together(everything)
    return Report(
        period,
        total,
        waits_in(everything),
        tuple((start, _together(times[start])) for start in period.starts),
        _parts({model: _together(found) for model, found in models.items()}, total),
        _parts(book.users, total),
        _parts(book.channels, total),
        {(start, model): used.tokens for start, model, used in book.models},
    )


def waits_in(sums: Iterable[UsageSum]) -> Waits | None:
    """The waits of all of them; None where none were measured."""
    found = list(sums)
    counts = tuple(sum(counted) for counted in zip(*(used.waits for used in found), strict=True))
    if not any(counts):
        return None
    seconds = sum(used.waited_seconds for used in found)
    return Waits(counts, seconds / sum(counts), quantile(counts, 0.5), quantile(counts, 0.95))


def quantile(counts: tuple[int, ...], share: float) -> float:
    """The wait within which this share of the questions got its slot, as near as the counts tell.

    Infinite when it lies beyond the last edge.
    """
    wanted, below, lower = share * sum(counts), 0, 0.0
    for count, upper in zip(counts, (*WAIT_EDGES, math.inf), strict=True):
        if count and below + count >= wanted:
            return upper if math.isinf(upper) else lower + (upper - lower) * (wanted - below) / count
        below, lower = below + count, upper
    return math.inf


def _parts(used_by: Mapping[K, UsageTotals], total: UsageTotals) -> tuple[Part[K], ...]:
    parts = [Part(key, used, used.tokens / total.tokens if total.tokens else 0.0) for key, used in used_by.items()]
    return tuple(sorted(parts, key=lambda part: (-part.used.tokens, -part.used.requests, str(part.key))))


def _together(sums: Iterable[UsageTotals]) -> UsageTotals:
    found = list(sums)
    return UsageTotals(
        sum(used.requests for used in found),
        sum(used.prompt_tokens for used in found),
        sum(used.completion_tokens for used in found),
    )


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(month_number: int) -> date:
    return date(month_number // 12, month_number % 12 + 1, 1)
